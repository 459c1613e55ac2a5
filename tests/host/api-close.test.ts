/** Every way a connection can be closed, and what the report says of it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bytes, connectPair, isPending, LEFT, makePair, pattern, readAll, socketError, text, took, virtualTest } from "./api-support.ts";

/** Small buffers, so that a peer that does not read stops the sender. */
const TIGHT = { sendBuffer: 16384, receiveBuffer: 16384 };

describe("close", () => {
  test("both sides close: graceful, with every byte counted", async () => {
    const { accepted, socket, run } = await connectPair();
    await socket.write(bytes("last words"));
    const closing = socket.close();
    assert.equal(text(await run(readAll(accepted))), "last words");
    const [ours, theirs] = await run(Promise.all([closing, accepted.close()]));
    assert.deepEqual(
      { outcome: ours.outcome, cause: ours.cause, error: ours.error, bytes: ours.bytes, peerFin: ours.peerFin, state: ours.state },
      {
        outcome: "graceful", cause: "none", error: null, peerFin: true, state: "ESTABLISHED",
        bytes: { sent: 10, acknowledged: 10, unacknowledged: 0, discarded: 0 },
      },
    );
    assert.equal(theirs.outcome, "graceful");
    assert.equal(theirs.state, "CLOSE_WAIT");
  });

  test("the same report however often it is asked for", async () => {
    const { accepted, socket, run } = await connectPair();
    const first = socket.close();
    const again = socket.close({ linger: 3 });
    await run(accepted.close());
    const report = await run(first);
    assert.equal(await run(again), report);
    assert.equal(await socket.closed, report);
    assert.equal(await socket.abort(), report);
  });

  virtualTest("the peer keeps its side open: delivered, after orphanFinWait2Ms", async () => {
    const { socket, run, world } = await connectPair({ knobs: { orphanFinWait2Ms: 5000 } });
    await socket.write(bytes("done"));
    const started = world.nowMs;
    const report = await run(socket.close());
    assert.equal(report.outcome, "delivered");
    assert.equal(report.peerFin, false);
    assert.equal(report.bytes.acknowledged, 4);
    took(world, started, 5000, 6000);
  });

  test("linger: settles as soon as everything is acknowledged, not at the end of the time (C-14)", async () => {
    const { accepted, socket, run, world } = await connectPair();
    await socket.write(bytes("quick"));
    const started = world.nowMs;
    const report = await run(socket.close({ linger: 30 }));
    assert.equal(report.outcome, "delivered");
    took(world, started, 0, 1000);
    assert.equal(text(await run(readAll(accepted))), "quick");
  });

  test("linger that expires: reset, and the bytes in doubt are counted (C-15)", async () => {
    const { accepted, socket, run, world } = await connectPair({ limits: { sendBuffer: 65536, receiveBuffer: 4096 } });
    await socket.write(pattern(60_000));
    const started = world.nowMs;
    const report = await run(socket.close({ linger: 2 }));
    assert.equal(report.outcome, "lingerExpired");
    took(world, started, 2000, 2200);
    assert.equal(report.bytes.sent, 60_000);
    assert.ok(report.bytes.unacknowledged > 0);
    assert.equal(report.bytes.acknowledged + report.bytes.unacknowledged, 60_000);
    world.runFor(10);
    await assert.rejects(run(accepted.read(1)), socketError("ECONNRESET", 10054, "read"));
  });

  test("linger 0: reset at once, aborted by linger0 (C-08)", async () => {
    const { accepted, socket, run } = await connectPair();
    const waiting = assert.rejects(accepted.read(), socketError("ECONNRESET", 10054, "read"));
    const report = await run(socket.close({ linger: 0 }));
    assert.equal(report.outcome, "aborted");
    assert.equal(report.cause, "linger0");
    await run(waiting);
    const theirs = await run(accepted.close());
    assert.equal(theirs.outcome, "resetByPeer");
    assert.deepEqual(theirs.error, { code: "ECONNRESET", wsa: 10054 });
  });

  virtualTest("abort: reset at once, aborted by abort", async () => {
    const { accepted, socket, run } = await connectPair();
    await socket.write(pattern(1000));
    const report = await run(socket.abort());
    assert.equal(report.outcome, "aborted");
    assert.equal(report.cause, "abort");
    assert.equal(report.bytes.unacknowledged, 1000);
    assert.equal(report.state, "ESTABLISHED");
    await assert.rejects(run(accepted.read()), socketError("ECONNRESET", 10054, "read"));
  });

  virtualTest("a close that waits for writes counts its time from the call, and says the state of then", async () => {
    const limits = { sendBuffer: 16384, receiveBuffer: 4096 };
    const expiring = await connectPair({ limits });
    const lost = assert.rejects(expiring.socket.write(pattern(100_000)), socketError("EINTR", 10004, "write"));
    const expired = await expiring.run(expiring.socket.close({ linger: 2 }));
    assert.deepEqual([expired.outcome, expired.durationMs, expired.state], ["lingerExpired", 2000, "ESTABLISHED"]);
    await lost;

    const { accepted, socket, run, world } = await connectPair({ limits });
    const writing = socket.write(pattern(100_000));
    const started = world.nowMs;
    const closing = socket.close();
    world.runFor(700);
    await run(readAll(accepted));
    const [report] = await run(Promise.all([closing, accepted.close(), writing]));
    assert.deepEqual([report.outcome, report.bytes.acknowledged, report.state], ["graceful", 100_000, "ESTABLISHED"]);
    assert.ok(Math.abs(report.durationMs - (world.nowMs - started)) <= 1, `${report.durationMs} of ${world.nowMs - started} ms`);
    assert.ok(report.durationMs >= 700, `${report.durationMs} ms`);
  });

  test("with unread data: reset, aborted by unreadData, and the discarded bytes are counted (C-44)", async () => {
    const { accepted, socket, run } = await connectPair();
    await accepted.write(bytes("you never read this"));
    await run(socket.read(4));
    const report = await run(socket.close());
    assert.equal(report.outcome, "aborted");
    assert.equal(report.cause, "unreadData");
    assert.equal(report.bytes.discarded, 15);
    assert.equal((await run(accepted.close())).outcome, "resetByPeer");
  });

  test("data that comes after the close: reset, aborted by dataAfterClose (C-45)", async () => {
    const { accepted, socket, run } = await connectPair();
    const closing = socket.close();
    await run(accepted.read());
    await accepted.write(bytes("too late"));
    const report = await run(closing);
    assert.equal(report.outcome, "aborted");
    assert.equal(report.cause, "dataAfterClose");
  });

  virtualTest("a peer that vanishes: timedOut after orphanTimeoutMs (C-56)", async () => {
    const { link, socket, run, world } = await connectPair({ knobs: { orphanTimeoutMs: 8000 } });
    link.a.close();
    await socket.write(pattern(5000));
    const started = world.nowMs;
    const report = await run(socket.close());
    assert.equal(report.outcome, "timedOut");
    assert.equal(report.bytes.unacknowledged, 5000);
    took(world, started, 7000, 20_000);
  });

  test("both close at the same moment: graceful on both sides (C-60)", async () => {
    const { accepted, socket, run } = await connectPair();
    const [ours, theirs] = await run(Promise.all([socket.close(), accepted.close()]));
    assert.deepEqual([ours.outcome, theirs.outcome], ["graceful", "graceful"]);
  });

  test("reads that wait fail with EINTR", async () => {
    const { accepted, socket, run } = await connectPair();
    const waiting = [socket.read(), socket.readInto(new Uint8Array(9))];
    const closing = socket.close();
    for (const read of waiting) await assert.rejects(read, socketError("EINTR", 10004, "read"));
    await run(accepted.close());
    assert.equal((await run(closing)).outcome, "graceful");
  });

  test("a signal ends the waiting, not the close", async () => {
    const { accepted, socket, run } = await connectPair();
    const controller = new AbortController();
    const closing = socket.close({ signal: controller.signal });
    controller.abort(new Error("no time"));
    await assert.rejects(closing, /no time/);
    await run(accepted.close());
    assert.equal((await run(socket.closed)).outcome, "graceful");
  });

  test("await using closes", async () => {
    const { accepted, socket, run } = await connectPair();
    const using = socket[Symbol.asyncDispose]();
    await run(accepted.close());
    await run(using);
    assert.equal((await socket.closed).outcome, "graceful");
  });
});

describe("close with writes that wait", () => {
  test("finishes them first: nothing is lost", async () => {
    const { accepted, socket, run } = await connectPair({ limits: TIGHT });
    const data = pattern(300_000);
    const writing = socket.write(data);
    const closing = socket.close();
    assert.ok(await isPending(writing));
    assert.deepEqual(await run(readAll(accepted)), Buffer.from(data));
    await writing;
    await run(accepted.close());
    const report = await run(closing);
    assert.equal(report.outcome, "graceful");
    assert.equal(report.bytes.acknowledged, data.length);
  });

  test("refuses further writes and shutdowns meanwhile", async () => {
    const { socket, accepted, run } = await connectPair({ limits: TIGHT });
    const writing = socket.write(pattern(100_000));
    const closing = socket.close();
    await assert.rejects(socket.write(bytes("x")), socketError("ENOTSOCK", 10038, "write"));
    await assert.rejects(socket.shutdown("send"), socketError("ENOTSOCK", 10038, "shutdown"));
    await run(readAll(accepted));
    await writing;
    void accepted.close();
    await run(closing);
  });

  test("within the linger time: then lingerExpired, and the write says so", async () => {
    const { socket, run, world } = await connectPair({ limits: TIGHT });
    const writing = socket.write(pattern(300_000));
    const failed = assert.rejects(writing, socketError("EINTR", 10004, "write"));
    const started = world.nowMs;
    const report = await run(socket.close({ linger: 3 }));
    assert.equal(report.outcome, "lingerExpired");
    took(world, started, 3000, 3200);
    assert.ok(report.bytes.sent < 300_000);
    await failed;
  });

  virtualTest("without linger: as long as the peer makes progress, then timedOut", async () => {
    const { socket, run, world } = await connectPair({ limits: TIGHT, knobs: { orphanTimeoutMs: 4000 } });
    const failed = assert.rejects(socket.write(pattern(300_000)), socketError("EINTR", 10004, "write"));
    const started = world.nowMs;
    assert.equal((await run(socket.close())).outcome, "timedOut");
    took(world, started, 4000, 9000);
    await failed;
  });

  test("abort ends them at once", async () => {
    const { socket, run } = await connectPair({ limits: TIGHT });
    const failed = assert.rejects(socket.write(pattern(300_000)), socketError("EINTR", 10004, "write"));
    void socket.close();
    const report = await run(socket.abort(), 50);
    assert.deepEqual([report.outcome, report.cause], ["aborted", "abort"]);
    await failed;
  });
});

describe("Stack.close", () => {
  test("closes every socket and gives their reports", async () => {
    const { left, right, accepted, socket, run } = await connectPair();
    await socket.write(bytes("bye"));
    const reading = readAll(accepted);
    const closing = right.close();
    assert.equal(text(await run(reading)), "bye");
    const other = left.close();
    assert.deepEqual((await run(closing)).map((report) => report.outcome), ["graceful"]);
    assert.deepEqual((await run(other)).map((report) => report.outcome), ["graceful"]);
    await assert.rejects(right.connect({ address: LEFT, port: 1 }), socketError("ENOTINITIALISED", 10093, "connect"));
    assert.throws(() => right.stats(), socketError("ENOTINITIALISED", 10093, "stats"));
  });

  test("resets what is still open at its deadline: every close settles", async () => {
    const { left, socket, accepted, run, world } = await connectPair({ limits: TIGHT });
    const writing = assert.rejects(accepted.write(pattern(300_000)), socketError("EINTR", 10004, "write"));
    const started = world.nowMs;
    const reports = await run(left.close({ deadlineMs: 1500 }));
    took(world, started, 0, 1510);
    assert.deepEqual(reports.map((report) => report.outcome), ["aborted"]);
    await writing;
    await assert.rejects(run(readAll(socket)), socketError("ECONNRESET", 10054, "read"));
  });

  test("resets background closes at its deadline with the cause cleanup (C-54)", async () => {
    const { left, accepted, run } = await connectPair();
    const closing = accepted.close();
    await run(left.close({ deadlineMs: 100 }));
    const report = await run(closing);
    assert.deepEqual([report.outcome, report.cause], ["aborted", "cleanup"]);
  });

  test("ends what waits: accept, receive, connect", async () => {
    const { left, run, link } = await makePair();
    link.b.close();
    const server = await left.listen({ port: 7000 });
    const udp = await left.udp();
    const waiting = [
      assert.rejects(server.accept(), socketError("EINTR", 10004, "accept")),
      assert.rejects(udp.receive(), socketError("EINTR", 10004, "receive")),
      assert.rejects(left.connect({ address: "10.0.0.2", port: 1 }), socketError("ENOTINITIALISED", 10093, "connect")),
    ];
    await run(left.close());
    await Promise.all(waiting);
    assert.deepEqual(await left.close(), []);
  });
});
