/** UDP through the promise API. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bytes, LEFT, makePair, pattern, RIGHT, socketError, text } from "./api-support.ts";

describe("a UDP socket", () => {
  test("sends and receives, with addresses", async () => {
    const { left, right, run } = await makePair();
    const a = await left.udp({ address: LEFT, port: 53 });
    const b = await right.udp();
    assert.deepEqual(a.localAddress, { address: LEFT, port: 53 });
    assert.ok(b.localAddress.port >= 1024);
    await b.send(bytes("query"), { address: LEFT, port: 53 });
    const query = await run(a.receive());
    assert.equal(text(query.data), "query");
    assert.deepEqual([query.address, query.port], [RIGHT, b.localAddress.port]);
    await a.send(bytes("response"), query);
    assert.equal(text((await run(b.receive())).data), "response");
  });

  test("keeps datagrams apart, empty ones too", async () => {
    const { left, right, run } = await makePair();
    const a = await left.udp({ port: 53 });
    const b = await right.udp();
    const to = { address: LEFT, port: 53 };
    await Promise.all([b.send(bytes("one"), to), b.send(new Uint8Array(0), to), b.send(bytes("three"), to)]);
    const got = [await run(a.receive()), await run(a.receive()), await run(a.receive())];
    assert.deepEqual(got.map(({ data }) => text(data)), ["one", "", "three"]);
  });

  test("carries a datagram larger than the MTU", async () => {
    const { left, right, run } = await makePair();
    const a = await left.udp({ port: 53 });
    const b = await right.udp();
    const data = pattern(40_000);
    await b.send(data, { address: LEFT, port: 53 });
    assert.deepEqual((await run(a.receive())).data, data);
  });

  test("connected: needs no address and hears only its peer", async () => {
    const { left, right, run } = await makePair();
    const a = await left.udp({ port: 53 });
    const b = await right.udp({ port: 1000 });
    const stranger = await right.udp({ port: 1001 });
    a.connect({ address: RIGHT, port: 1000 });
    assert.deepEqual(a.remoteAddress, { address: RIGHT, port: 1000 });
    await stranger.send(bytes("psst"), { address: LEFT, port: 53 });
    await b.send(bytes("hello"), { address: LEFT, port: 53 });
    assert.equal(text((await run(a.receive())).data), "hello");
    await a.send(bytes("back"));
    assert.equal(text((await run(b.receive())).data), "back");
  });

  test("a connected one learns that nobody listens: ECONNRESET (R-33)", async () => {
    const { right, run } = await makePair();
    const b = await right.udp();
    b.connect({ address: LEFT, port: 9 });
    const waiting = assert.rejects(b.receive(), socketError("ECONNRESET", 10054, "receive"));
    await b.send(bytes("anybody?"));
    await run(waiting);
  });

  test("an unconnected one hears nothing of that", async () => {
    const { left, right, run } = await makePair();
    const a = await left.udp({ port: 53 });
    const b = await right.udp();
    const waiting = b.receive();
    await b.send(bytes("anybody?"), { address: LEFT, port: 9 });
    await b.send(bytes("you then"), { address: LEFT, port: 53 });
    const heard = await run(a.receive());
    await a.send(bytes("yes"), heard);
    assert.equal(text((await run(waiting)).data), "yes");
  });

  test("is an async iterable that ends when it is closed", async () => {
    const { left, right, run } = await makePair();
    const a = await left.udp({ port: 53 });
    const b = await right.udp();
    const seen: (string | null)[] = [];
    const reading = (async () => {
      for await (const { data } of a) {
        seen.push(text(data));
        if (seen.length === 2) await a.close();
      }
    })();
    for (const word of ["a", "b"]) await b.send(bytes(word), { address: LEFT, port: 53 });
    await run(reading);
    assert.deepEqual(seen, ["a", "b"]);
    await assert.rejects(a.receive(), socketError("ENOTSOCK", 10038, "receive"));
  });

  test("refuses what it cannot send", async () => {
    const { right } = await makePair();
    const b = await right.udp();
    await assert.rejects(b.send(bytes("x")), socketError("EDESTADDRREQ", 10039, "send"));
    await assert.rejects(b.send(new Uint8Array(65508), { address: LEFT, port: 9 }), socketError("EMSGSIZE", 10040, "send"));
    await assert.rejects(b.send(bytes("x"), { address: "left", port: 9 }), /^RangeError: to\.address is "left"; .*names are not resolved/);
    assert.throws(() => b.connect({ address: LEFT, port: 0 }), /^RangeError: peer\.port is 0/);
  });

  test("a waiting receive can be given up", async () => {
    const { right } = await makePair();
    const b = await right.udp();
    const controller = new AbortController();
    const waiting = b.receive({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await assert.rejects(waiting, /enough/);
  });
});
