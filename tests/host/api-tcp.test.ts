/** TCP through the promise API: data both ways, order, backpressure, half-close, signals, errors. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bytes, connectPair, isPending, LEFT, makePair, pattern, RIGHT, readAll, socketError, text, took, virtualTest } from "./api-support.ts";

describe("a connection", () => {
  test("carries bytes both ways and knows its addresses", async () => {
    const { accepted, socket, server, run } = await connectPair();
    assert.deepEqual(server.address, { address: "0.0.0.0", port: 7000 });
    assert.deepEqual(socket.remoteAddress, { address: LEFT, port: 7000 });
    assert.deepEqual(accepted.localAddress, { address: LEFT, port: 7000 });
    assert.equal(socket.localAddress.address, RIGHT);
    assert.deepEqual(accepted.remoteAddress, socket.localAddress);
    await socket.write(bytes("ping"));
    assert.equal(text(await run(accepted.read())), "ping");
    await accepted.write(bytes("pong"));
    assert.equal(text(await run(socket.read())), "pong");
    assert.equal(socket.state, "ESTABLISHED");
  });

  test("gives at most what was asked for, and the rest next time", async () => {
    const { accepted, socket, run } = await connectPair();
    await socket.write(bytes("abcdefgh"));
    assert.equal(text(await run(accepted.read(3))), "abc");
    const buffer = new Uint8Array(4);
    assert.equal(await accepted.readInto(buffer), 4);
    assert.equal(text(buffer), "defg");
    assert.equal(text(await accepted.read()), "h");
  });

  test("writes into the part of a buffer that a view names", async () => {
    const { accepted, socket, run } = await connectPair();
    const whole = new Uint16Array([0x4142, 0x4344, 0x4546]);
    await socket.write(whole.subarray(1, 2));
    const into = new Uint8Array(8);
    assert.equal(await run(accepted.readInto(new DataView(into.buffer, 2, 4))), 2);
    assert.deepEqual([...into], [0, 0, 0x44, 0x43, 0, 0, 0, 0]);
  });

  test("reads wait for bytes, in the order of the calls", async () => {
    const { accepted, socket, run } = await connectPair();
    const reads = [accepted.read(2), accepted.read(2), accepted.read(2)];
    assert.ok(await isPending(reads[0] as Promise<unknown>));
    await socket.write(bytes("aabbcc"));
    assert.deepEqual((await run(Promise.all(reads))).map(text), ["aa", "bb", "cc"]);
  });

  test("an empty write succeeds and sends nothing", async () => {
    const { accepted, socket, run } = await connectPair();
    await socket.write(new Uint8Array(0));
    await socket.write(bytes("x"));
    assert.equal(text(await run(accepted.read())), "x");
  });

  test("options can be set and are told", async () => {
    const { socket, accepted, run } = await connectPair({ limits: { sendBuffer: 30000, receiveBuffer: 20000 } });
    assert.equal(socket.setNoDelay().setNoDelay(false).setKeepAlive(true, { idleMs: 1000, intervalMs: 500 }), socket);
    await accepted.write(bytes("four"));
    await run(new Promise<void>((resolve) => setImmediate(resolve)));
    const info = await run((async () => {
      await socket.read(1);
      return socket.info();
    })());
    assert.equal(info.state, "ESTABLISHED");
    assert.equal(info.unread, 3);
    assert.equal(info.outstanding, 0);
    assert.equal(info.finAcknowledged, false);
    assert.equal(info.sendBuffer, 30000);
    assert.equal(info.receiveBuffer, 20000);
    assert.deepEqual([info.bytesIn, info.bytesOut, info.mss], [4, 0, 1448]);
    assert.ok(info.rttMs >= 0 && info.rttMs < 100 && info.connectedMs < 1000 && info.receiveWindow > 0, JSON.stringify(info));
  });
});

describe("setCork", () => {
  virtualTest("holds what fills no segment until it is cleared", async () => {
    const { socket, accepted, run, world } = await connectPair();
    assert.equal(socket.setNoDelay().setCork(), socket);
    await run(socket.write(bytes("head ")));
    world.runFor(100);
    await run(socket.write(bytes("body")));
    world.runFor(50);
    assert.equal(accepted.info().unread, 0);
    socket.setCork(false);
    assert.equal(text(await run(accepted.read())), "head body");
    await run(socket.write(bytes("more")));
    assert.equal(text(await run(accepted.read())), "more");
  });

  test("for 200 ms at most, and not beyond the end", async () => {
    const { socket, accepted, run, world } = await connectPair();
    socket.setCork();
    const started = world.nowMs;
    await run(socket.write(bytes("late")));
    assert.equal(text(await run(accepted.read())), "late");
    took(world, started, 195, 205);
    await run(socket.write(bytes("last")));
    await run(socket.shutdown("send"));
    assert.equal(text(await run(accepted.read())), "last");
    assert.equal(await run(accepted.read()), null);
    assert.throws(() => socket.setCork(1 as never), /on is 1/);
  });
});

describe("backpressure", () => {
  const limits = { sendBuffer: 16384, receiveBuffer: 16384 };

  test("a write settles only when the buffers have taken its last byte", async () => {
    const { accepted, socket, run, world } = await connectPair({ limits });
    const data = pattern(200_000);
    const writing = socket.write(data);
    world.runFor(2000);
    assert.ok(await isPending(writing), "nobody reads: the write waits");
    const chunks: Uint8Array[] = [];
    await run((async () => {
      for (let have = 0; have < data.length; ) {
        const chunk = (await accepted.read()) as Uint8Array;
        chunks.push(chunk);
        have += chunk.length;
      }
      await writing;
    })());
    assert.deepEqual(Buffer.concat(chunks), Buffer.from(data));
  });

  test("waiting writes keep their order, and the FIN comes after them", async () => {
    const { accepted, socket, run } = await connectPair({ limits });
    const parts = [1, 2, 3, 4].map((n) => new Uint8Array(30_000).fill(n));
    const writes = parts.map((part) => socket.write(part));
    const shut = socket.shutdown("send");
    const [received] = await run(Promise.all([readAll(accepted), shut, ...writes]));
    assert.deepEqual(Buffer.from(received), Buffer.concat(parts));
  });

  test("readInto fills a large buffer across the end of the receive ring", async () => {
    const { accepted, socket, run } = await connectPair({ limits });
    const data = pattern(100_000);
    const writing = socket.write(data).then(() => socket.shutdown("send"));
    const target = new Uint8Array(100_001);
    let have = 0;
    await run((async () => {
      for (let count = 1; count > 0; have += count) count = await accepted.readInto(target.subarray(have));
      await writing;
    })());
    assert.equal(have, data.length);
    assert.deepEqual(target.subarray(0, have), data);
  });

  test("the bytes survive loss, reordering and duplication", async () => {
    const { accepted, socket, run } = await connectPair({ seed: 7, link: { loss: 0.05, reorder: 0.05, duplicate: 0.05, corrupt: 0.02 } });
    const data = pattern(300_000);
    const sending = socket.write(data).then(() => socket.close());
    const received = await run(readAll(accepted));
    assert.deepEqual(received, Buffer.from(data));
    await run(accepted.close());
    const report = await run(sending);
    assert.equal(report.outcome, "graceful");
    assert.equal(report.bytes.acknowledged, data.length);
  });
});

describe("half-close", () => {
  test("after shutdown('send') the other direction goes on", async () => {
    const { accepted, socket, run } = await connectPair();
    await socket.write(bytes("question"));
    await socket.shutdown("send");
    assert.equal(text(await run(readAll(accepted))), "question");
    await accepted.write(bytes("answer"));
    assert.equal(text(await run(socket.read())), "answer");
    await accepted.shutdown("send");
    assert.equal(await run(socket.read()), null);
    assert.equal(await socket.read(), null, "the end stays the end");
    assert.equal(await socket.readInto(new Uint8Array(1)), 0);
  });

  test("writing after shutdown('send') fails with ESHUTDOWN (S-04)", async () => {
    const { socket } = await connectPair();
    await socket.shutdown("send");
    await assert.rejects(socket.write(bytes("x")), socketError("ESHUTDOWN", 10058, "write", /10\.0\.0\.2:\d+ -> 10\.0\.0\.1:7000/));
    await socket.shutdown("send");
  });

  test("shutdown('receive') ends waiting and later reads (S-09)", async () => {
    const { socket } = await connectPair();
    const waiting = assert.rejects(socket.read(), socketError("ESHUTDOWN", 10058, "read"));
    await socket.shutdown("receive");
    await waiting;
    await assert.rejects(socket.read(), socketError("ESHUTDOWN", 10058, "read"));
  });

  test("shutdown('both') sends the FIN and ends reading (S-17)", async () => {
    const { socket, accepted, run } = await connectPair();
    await socket.shutdown("both");
    assert.equal(await run(accepted.read()), null);
    await assert.rejects(socket.read(), socketError("ESHUTDOWN", 10058, "read"));
  });
});

describe("signals", () => {
  const reason = new Error("changed my mind");

  test("one that has fired already stops the call before it begins", async () => {
    const { right, socket, server } = await connectPair();
    const signal = AbortSignal.abort(reason);
    const fired = { signal };
    await assert.rejects(right.connect({ address: LEFT, port: 7000, signal }), reason);
    await assert.rejects(socket.read(1, fired), reason);
    await assert.rejects(socket.write(bytes("x"), fired), reason);
    await assert.rejects(server.accept(fired), reason);
    await assert.rejects(socket.close(fired), reason);
    assert.equal(socket.state, "ESTABLISHED");
  });

  test("a read that is given up takes no bytes", async () => {
    const { accepted, socket, run } = await connectPair();
    const controller = new AbortController();
    const given = accepted.read(100, { signal: controller.signal });
    const next = accepted.read();
    controller.abort(reason);
    await assert.rejects(given, reason);
    await socket.write(bytes("kept"));
    assert.equal(text(await run(next)), "kept");
  });

  test("a write that is given up lets the next one go on", async () => {
    const { accepted, socket, run, world } = await connectPair({ limits: { sendBuffer: 8192, receiveBuffer: 8192 } });
    const controller = new AbortController();
    const given = socket.write(new Uint8Array(100_000).fill(1), { signal: controller.signal });
    world.runFor(100);
    const next = socket.write(bytes("Z"));
    controller.abort(reason);
    await assert.rejects(given, reason);
    const shut = socket.shutdown("send");
    const received = await run(readAll(accepted));
    await Promise.all([next, shut]);
    assert.equal(received.at(-1), 90);
    assert.ok(received.length > 8192 && received.length < 100_000, `${received.length} bytes`);
  });

  test("a connect that is given up ends at once and leaves nothing behind", async () => {
    const { right, link, run, world } = await makePair();
    link.b.close();
    const controller = new AbortController();
    const before = right.stats().sockets;
    const connecting = right.connect({ address: LEFT, port: 7000, signal: controller.signal });
    world.runFor(10);
    controller.abort(reason);
    await assert.rejects(run(connecting, 10), reason);
    assert.equal(right.stats().sockets, before);
  });

  test("a waiting accept can be given up", async () => {
    const { left } = await makePair();
    const server = await left.listen({ port: 7000 });
    const controller = new AbortController();
    const accepting = server.accept({ signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(accepting, reason);
  });
});

describe("errors", () => {
  test("nobody listens: ECONNREFUSED with both addresses", async () => {
    const { right, run } = await makePair();
    await assert.rejects(run(right.connect({ address: LEFT, port: 81 })), socketError("ECONNREFUSED", 10061, "connect", /^connect 10\.0\.0\.2:\d+ -> 10\.0\.0\.1:81: the peer refused the connection \(WSAECONNREFUSED 10061\)$/));
  });

  virtualTest("nobody is there: EHOSTUNREACH or ETIMEDOUT", async () => {
    const { right, run } = await makePair();
    await assert.rejects(run(right.connect({ address: "10.0.0.99", port: 80 })), (error: { code?: string }) => ["EHOSTUNREACH", "ETIMEDOUT"].includes(error.code as string));
  });

  test("no route: ENETUNREACH", async () => {
    const { right, run } = await makePair();
    await assert.rejects(run(right.connect({ address: "192.0.2.1", port: 80 })), socketError("ENETUNREACH", 10051, "connect"));
  });

  test("timeoutMs: ETIMEDOUT after that time", async () => {
    const { right, link, run, world } = await makePair();
    link.a.close();
    const started = world.nowMs;
    await assert.rejects(run(right.connect({ address: LEFT, port: 80, timeoutMs: 250 })), socketError("ETIMEDOUT", 10060, "connect", /no connection within 250 ms/));
    took(world, started, 0, 251);
  });

  test("a port that is taken: EADDRINUSE; an address of somebody else: EADDRNOTAVAIL", async () => {
    const { left } = await makePair();
    await left.listen({ port: 80 });
    await assert.rejects(left.listen({ port: 80 }), socketError("EADDRINUSE", 10048, "listen", /0\.0\.0\.0:80/));
    await assert.rejects(left.listen({ address: RIGHT, port: 81 }), socketError("EADDRNOTAVAIL", 10049, "listen"));
    await assert.rejects(left.connect({ address: RIGHT, port: 1, localAddress: "10.9.9.9" }), socketError("EADDRNOTAVAIL", 10049, "connect"));
  });

  test("the peer resets: waiting and later calls fail with ECONNRESET (R-04, R-05)", async () => {
    const { accepted, socket, run } = await connectPair();
    const waiting = socket.read();
    const report = accepted.abort();
    await assert.rejects(run(waiting), socketError("ECONNRESET", 10054, "read"));
    await assert.rejects(socket.read(), socketError("ECONNRESET", 10054, "read"));
    await assert.rejects(socket.write(bytes("x")), socketError("ECONNRESET", 10054, "write"));
    assert.equal((await run(report)).outcome, "aborted");
  });

  test("more sockets than there are: EMFILE", async () => {
    const { left } = await makePair({ limits: { maxSockets: 2 } });
    await left.listen({ port: 1 });
    await left.listen({ port: 2 });
    await assert.rejects(left.listen({ port: 3 }), socketError("EMFILE", 10024, "listen"));
  });

  test("a closed socket says so and carries its report", async () => {
    const { accepted, socket, run } = await connectPair();
    const [report] = await run(Promise.all([socket.close(), accepted.close()]));
    await assert.rejects(socket.read(), (error: { report?: unknown }) => {
      assert.deepEqual(error.report, report);
      return socketError("ENOTSOCK", 10038, "read")(error);
    });
    await assert.rejects(socket.write(bytes("x")), socketError("ENOTSOCK", 10038, "write"));
    await assert.rejects(socket.shutdown("send"), socketError("ENOTSOCK", 10038, "shutdown"));
    assert.throws(() => socket.info(), socketError("ENOTSOCK", 10038, "info"));
    assert.equal(socket.state, "CLOSED");
  });
});

describe("a server", () => {
  test("is an async iterable that ends when it is closed", async () => {
    const { left, right, run } = await makePair();
    const server = await left.listen({ port: 0 });
    assert.ok(server.address.port >= 1024);
    const seen: number[] = [];
    const serving = (async () => {
      for await (const socket of server) seen.push(socket.remoteAddress.port);
    })();
    const sockets = await run(Promise.all([1, 2, 3].map(() => right.connect({ address: LEFT, port: server.address.port }))));
    await run((async () => {
      while (seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
    })());
    await server.close();
    await run(serving);
    assert.deepEqual(seen, sockets.map((socket) => socket.localAddress.port));
  });

  test("closing it resets who was not accepted (C-46) and nobody else (C-47)", async () => {
    const { left, right, run } = await makePair();
    const server = await left.listen({ port: 7000 });
    const [accepted, first] = await run(Promise.all([server.accept(), right.connect({ address: LEFT, port: 7000 })]));
    const second = await run(right.connect({ address: LEFT, port: 7000 }));
    await server.close();
    await assert.rejects(run(second.read()), socketError("ECONNRESET", 10054, "read"));
    await first.write(bytes("still here"));
    assert.equal(text(await run(accepted.read())), "still here");
  });

  test("a waiting accept fails when the server is closed (C-39)", async () => {
    const { left } = await makePair();
    const server = await left.listen({ port: 7000 });
    const waiting = assert.rejects(server.accept(), socketError("EINTR", 10004, "accept"));
    await server.close();
    await waiting;
    await assert.rejects(server.accept(), socketError("ENOTSOCK", 10038, "accept"));
  });
});
