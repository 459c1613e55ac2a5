/** The drain option on the stack's own TCP, in virtual time; sockets-close.test.ts has it on host sockets. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connectPair } from "./api-support.ts";

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

describe("drain on the stack's own TCP", () => {
  test("unread data and data after the close are thrown away, the end is clean", async () => {
    const pair = await connectPair();
    const { socket, accepted: peer } = pair;
    await pair.run(peer.write(text("never read")));
    await pair.run(socket.write(text("goodbye")));
    pair.world.run(50);
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
    pair.world.run(50);
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
    pair.world.run(300);
    await pair.run(pair.accepted.write(text("too late")));
    const report = await pair.run(closing);
    assert.deepEqual([report.outcome, report.cause], ["aborted", "dataAfterClose"]);
  });

  test("a lingering close drains too, and ends when its own FIN is acknowledged", async () => {
    const pair = await connectPair();
    await pair.run(pair.accepted.write(text("never read")));
    pair.world.run(50);
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
});
