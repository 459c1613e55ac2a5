/** The drain option on the stack's own TCP, in virtual time; sockets-close.test.ts has it on host sockets. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectPair, took } from "./api-support.ts";

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

describe("drain on the stack's own TCP", () => {
  test("unread data and data after the close are thrown away, the end is clean", async () => {
    const pair = await connectPair();
    const { socket, accepted: peer } = pair;
    await pair.run(peer.write(text("never read")));
    await pair.run(socket.write(text("goodbye")));
    pair.world.runFor(50);
    const closing = socket.close({ drain: true });
    const read = await pair.run(peer.read());
    assert.equal(Buffer.from(read ?? []).toString(), "goodbye");
    assert.equal(await pair.run(peer.read()), null);
    await pair.run(peer.write(text("and this too")));
    const [report, peerReport] = await pair.run(Promise.all([closing, peer.close()]));
    assert.deepEqual([report.outcome, report.bytes.discarded, report.peerFin], ["graceful", 22, true]);
    assert.equal(peerReport.outcome, "graceful");
  });

  test("without it the same close resets", async () => {
    const pair = await connectPair();
    await pair.run(pair.accepted.write(text("never read")));
    pair.world.runFor(50);
    const report = await pair.run(pair.socket.close());
    assert.deepEqual([report.outcome, report.cause, report.bytes.discarded], ["aborted", "unreadData", 10]);
  });

  test("more bytes than its bound reset", async () => {
    const pair = await connectPair();
    const closing = pair.socket.close({ drain: { bytes: 1000 } });
    assert.equal(await pair.run(pair.accepted.read()), null);
    await pair.run(pair.accepted.write(new Uint8Array(5000)));
    const report = await pair.run(closing);
    assert.deepEqual([report.outcome, report.cause], ["aborted", "dataAfterClose"]);
  });

  test("bytes after its time reset", async () => {
    const pair = await connectPair();
    const closing = pair.socket.close({ drain: { ms: 200 } });
    assert.equal(await pair.run(pair.accepted.read()), null);
    pair.world.runFor(300);
    await pair.run(pair.accepted.write(text("too late")));
    const report = await pair.run(closing);
    assert.deepEqual([report.outcome, report.cause], ["aborted", "dataAfterClose"]);
  });

  test("a lingering close drains too, and ends when its own FIN is acknowledged", async () => {
    const pair = await connectPair();
    await pair.run(pair.accepted.write(text("never read")));
    pair.world.runFor(50);
    const report = await pair.run(pair.socket.close({ linger: 10, drain: true }));
    assert.deepEqual([report.outcome, report.bytes.discarded], ["delivered", 10]);
  });

  test("server.drain: one report per open connection, in order, and what is left at the deadline is reset", async () => {
    const pair = await connectPair();
    const draining = pair.server.drain({ deadlineMs: 1000 });
    await assert.rejects(pair.run(pair.server.accept()), { code: "ENOTSOCK" });
    const reports = await pair.run(draining);
    assert.deepEqual(reports.map(({ outcome, cause }) => `${outcome} ${cause}`), ["aborted abort"]);
  });

  test("server.drain: its deadline ends closes that are under way too", async () => {
    const pair = await connectPair();
    const closing = pair.accepted.close();
    const started = pair.world.nowMs;
    const [report] = await pair.run(pair.server.drain({ deadlineMs: 1000 }));
    took(pair.world, started, 0, 1010);
    assert.deepEqual([report?.outcome, report?.cause, report?.state], ["aborted", "abort", "ESTABLISHED"]);
    assert.equal(await pair.run(closing), report);
    pair.world.runFor(20);
    assert.equal(pair.socket.state, "CLOSED");
  });
});

describe("abort after close, on the stack's own TCP", () => {
  const TIGHT = { sendBuffer: 65536, receiveBuffer: 4096 };

  test("a background close ends with RST, and both promises have its report", async () => {
    const { socket, accepted, run, world } = await connectPair({ limits: TIGHT });
    await run(socket.write(new Uint8Array(30_000)));
    const closing = socket.close();
    world.runFor(200);
    const report = await run(socket.abort(), 10);
    assert.deepEqual([report.outcome, report.cause, report.bytes.sent], ["aborted", "abort", 30_000]);
    assert.ok(report.bytes.unacknowledged > 0 && report.bytes.acknowledged > 0);
    assert.equal(await run(closing), report);
    world.runFor(20);
    assert.equal(accepted.state, "CLOSED");
    assert.equal(await run(socket.abort()), report);
    assert.equal(await run(socket.close()), report);
  });

  test("a close that lingers: its wait ends at once (C-16, C-17)", async () => {
    const { socket, accepted, run, world } = await connectPair({ limits: TIGHT });
    await run(socket.write(new Uint8Array(30_000)));
    const closing = socket.close({ linger: 600 });
    world.runFor(200);
    const report = await run(socket.abort(), 10);
    assert.deepEqual([report.outcome, report.cause], ["aborted", "abort"]);
    assert.equal(await run(closing), report);
    world.runFor(20);
    assert.equal(accepted.state, "CLOSED");
  });

  test("a close that drains, and one behind the peer's FIN whose own FIN waits", async () => {
    const draining = await connectPair();
    const closing = draining.socket.close({ drain: { ms: 60_000 } });
    draining.world.runFor(100);
    assert.equal((await draining.run(draining.socket.abort(), 10)).cause, "abort");
    assert.equal((await draining.run(closing)).outcome, "aborted");
    const half = await connectPair({ limits: TIGHT });
    await half.run(half.accepted.shutdown("send"));
    await half.run(half.socket.write(new Uint8Array(30_000)));
    half.world.runFor(20);
    const late = half.socket.close();
    half.world.runFor(200);
    const report = await half.run(half.socket.abort(), 10);
    assert.deepEqual([report.outcome, report.cause, report.state], ["aborted", "abort", "CLOSE_WAIT"]);
    assert.equal(await half.run(late), report);
    half.world.runFor(20);
    assert.equal(half.accepted.state, "CLOSED");
  });

  test("handles given away again meanwhile hide nothing", async () => {
    const { socket, right, run, world } = await connectPair({ limits: { maxSockets: 16 } });
    const closing = socket.close();
    world.runFor(100);
    for (let i = 0; i < 20; i++) {
      await (await right.udp()).close();
      world.runFor(1);
    }
    assert.equal((await run(socket.abort(), 10)).cause, "abort");
    await closing;
  });
});
