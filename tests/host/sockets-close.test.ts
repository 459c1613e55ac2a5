/** Closing on the operating system's sockets: the kinds of close, what the peer sees, and what the report says (chapters C, L, N). */
import assert from "node:assert/strict";
import * as net from "node:net";
import { describe, test } from "node:test";
import { NS_PER_MS } from "../../host/base/clock.ts";
import { type Socket, type Stack, VirtualClock } from "../../host/index.ts";
import { ECONNRESET, EPIPE, RawSocket } from "./sockets-raw.ts";
import { LOCALHOST, makeStack, meet, passing, Peer, type Role, STACK_MODES } from "./sockets-stack.ts";
import { needsKoffi, until } from "./sockets-support.ts";

const MIB = 1 << 20;

/** A connection to a kernel socket whose program reads nothing until asked to; Node's own would not see the reset (N-09). */
async function meetKernel(stack: Stack): Promise<{ socket: Socket; raw: RawSocket }> {
  const listener = RawSocket.listen();
  const socket = await stack.connect({ address: LOCALHOST, port: listener.port });
  const raw = await listener.accept();
  listener.close();
  return { socket, raw };
}

/** Turns of the event loop. */
const turns = async (n: number): Promise<void> => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
};

const ROLES: readonly Role[] = ["opens", "accepts"];

for (const mode of STACK_MODES) {
  /** What a report says where only the kernel knows. */
  const told = <T extends string>(outcome: T): T | "unknown" => (mode.exact ? outcome : "unknown");

  describe(`host sockets ${mode.name}`, () => {
    for (const role of ROLES) {
      test(`six steps, Lastack ${role}: graceful, every byte, a clean end (N-01, N-02, C-01)`, async () => {
        const stack = await makeStack(mode);
        const { socket, peer } = await meet(stack, role);
        await socket.write(new Uint8Array(300_000));
        await socket.shutdown("send");
        assert.deepEqual(await peer.finished, { bytes: 300_000, end: "end" });
        peer.socket.end("the last word");
        const words: Uint8Array[] = [];
        for await (const bytes of socket) words.push(bytes);
        assert.equal(Buffer.concat(words).toString(), "the last word");
        const report = await socket.close();
        assert.deepEqual([report.outcome, report.peerFin, report.bytes.sent], [told("graceful"), true, 300_000]);
        assert.equal(report.bytes.acknowledged, mode.exact ? 300_000 : 0);
        await stack.close();
      });

      test(`close in the background, Lastack ${role}: the peer that closes later makes it graceful (C-02)`, async () => {
        const stack = await makeStack(mode);
        const { socket, peer } = await meet(stack, role);
        await socket.write(new Uint8Array(2 * MIB));
        const closing = socket.close();
        assert.deepEqual(await peer.closed(), { bytes: 2 * MIB, end: "end" });
        const report = await closing;
        assert.deepEqual([report.outcome, report.peerFin], [told("graceful"), true]);
        await stack.close();
      });
    }

    test("linger ends when the peer's stack has everything, though its program keeps its side open (C-14, V-21, N-18)", async (t) => {
      const stack = await makeStack(mode);
      const { socket, peer, end } = await meet(stack);
      await socket.write(new Uint8Array(MIB));
      const report = await socket.close({ linger: mode.exact ? 30 : 1 });
      t.diagnostic(`${report.outcome} after ${report.durationMs} ms`);
      assert.deepEqual([report.outcome, report.peerFin], [told("delivered"), false]);
      // Without koffi nothing tells when: the wait lasts its time, and nothing is reset.
      if (mode.exact) assert.ok(report.durationMs < 1000, `${report.durationMs} ms`);
      else assert.ok(report.durationMs >= 990 && report.durationMs < 1100, `${report.durationMs} ms`);
      assert.deepEqual(await peer.finished, { bytes: MIB, end: "end" });
      await end();
      await stack.close();
    });

    test("linger expires on a peer that does not read: reset on time (C-15, N-19)", { skip: needsKoffi }, async (t) => {
      const stack = await makeStack(mode, { limits: { sendBuffer: 32 * MIB } });
      const { socket, raw } = await meetKernel(stack);
      await socket.write(new Uint8Array(16 * MIB));
      const started = performance.now();
      const report = await socket.close({ linger: 1 });
      const took = performance.now() - started;
      t.diagnostic(`${report.outcome} after ${took.toFixed(0)} ms, report says ${report.durationMs} ms, ${report.bytes.unacknowledged} bytes lost`);
      assert.equal(report.outcome, "lingerExpired");
      assert.ok(took >= 999 && took < 1100, `${took} ms`);
      if (mode.exact) assert.equal(report.bytes.acknowledged + report.bytes.unacknowledged, 16 * MIB);
      assert.equal((await raw.drain()).errno, ECONNRESET);
      raw.close();
      await stack.close();
    });

    test("linger 0 and abort reset, with data queued, and the report says what was lost (C-08, C-09, N-06)", { skip: needsKoffi }, async () => {
      const stack = await makeStack(mode, { limits: { sendBuffer: 32 * MIB } });
      for (const how of ["linger0", "abort"] as const) {
        const { socket, raw } = await meetKernel(stack);
        await socket.write(new Uint8Array(16 * MIB));
        const report = await (how === "abort" ? socket.abort() : socket.close({ linger: 0 }));
        assert.deepEqual([report.outcome, report.cause, report.bytes.sent], ["aborted", how, 16 * MIB]);
        if (mode.exact) assert.ok(report.bytes.unacknowledged > 0);
        const saw = await raw.drain();
        assert.equal(saw.errno, ECONNRESET);
        assert.ok(saw.bytes < 16 * MIB);
        raw.close();
      }
      await stack.close();
    });

    test("abort while the FIN is on its way resets all the same (N-07)", { skip: needsKoffi }, async (t) => {
      const stack = await makeStack(mode, { limits: { sendBuffer: 32 * MIB } });
      const { socket, raw } = await meetKernel(stack);
      await socket.write(new Uint8Array(8 * MIB));
      await socket.shutdown("send");
      await turns(3);
      const report = await socket.abort();
      assert.deepEqual([report.outcome, report.cause], ["aborted", "abort"]);
      const saw = await raw.drain();
      t.diagnostic(`the peer saw ${saw.bytes} of ${8 * MIB} bytes, then errno ${saw.errno}`);
      assert.equal(saw.errno, ECONNRESET);
      raw.close();
      await stack.close();
    });

    test("close with unread data resets, and says so (C-44, N-14)", async () => {
      const stack = await makeStack(mode);
      const { socket, peer } = await meet(stack);
      peer.socket.write("never read");
      await until("unread bytes", () => socket.info().unread === 10);
      const report = await socket.close();
      assert.deepEqual([report.outcome, report.cause, report.bytes.discarded], ["aborted", "unreadData", 10]);
      assert.equal((await peer.finished).end, "ECONNRESET");
      await stack.close();
    });

    test("drain: unread data and data after the close are thrown away instead (design 4)", async () => {
      const stack = await makeStack(mode);
      const { socket, peer } = await meet(stack);
      peer.socket.write("never read");
      await until("unread bytes", () => socket.info().unread === 10);
      await socket.write(new TextEncoder().encode("goodbye"));
      const closing = socket.close({ drain: true });
      assert.deepEqual(await peer.finished, { bytes: 7, end: "end" });
      peer.socket.end("and this too");
      const report = await closing;
      assert.deepEqual([report.outcome, report.bytes.discarded, report.peerFin], [told("graceful"), 22, true]);
      await stack.close();
    });

    test("drain has bounds: too many bytes, and bytes after its time, reset", async () => {
      const stack = await makeStack(mode);
      const many = await meet(stack);
      const closing = many.socket.close({ drain: { bytes: 1000, ms: 10_000 } });
      await many.peer.finished;
      many.peer.socket.write(new Uint8Array(5000));
      const report = await closing;
      assert.deepEqual([report.outcome, report.cause], ["aborted", "dataAfterClose"]);
      await many.end();
      await stack.close();
      const clock = new VirtualClock();
      const slow = await makeStack(mode, { clock });
      const late = await meet(slow);
      const lateClosing = late.socket.close({ drain: { ms: 20 } });
      await late.peer.finished;
      clock.advance(30);
      late.peer.socket.write("too late");
      const lateReport = await lateClosing;
      assert.deepEqual([lateReport.outcome, lateReport.cause], ["aborted", "dataAfterClose"]);
      await late.end();
      await passing(clock, slow.close());
    });

    test("shutdown of the receive side resets when data comes (S-11, N-16, N-17)", async () => {
      const stack = await makeStack(mode);
      const { socket, peer, end } = await meet(stack);
      await socket.shutdown("receive");
      await socket.write(new TextEncoder().encode("one way"));
      await until("7 bytes", () => peer.saw.bytes === 7);
      peer.socket.write("against it");
      assert.equal((await peer.finished).end, "ECONNRESET");
      const report = await socket.close();
      assert.deepEqual([report.outcome, report.cause, report.bytes.discarded], ["aborted", "recvShut", 10]);
      await end();
      await stack.close();
    });

    test("the peer's reset is an error of read and in the report (N-22)", async () => {
      const stack = await makeStack(mode);
      const { socket, peer } = await meet(stack);
      const reading = socket.read();
      peer.socket.resetAndDestroy();
      await assert.rejects(reading, { code: "ECONNRESET", wsa: 10054 });
      const report = await socket.close();
      assert.deepEqual([report.outcome, report.error?.wsa], ["resetByPeer", 10054]);
      await stack.close();
    });

    test("refused, in use, not ours: the errors of connect and listen (N-27, N-29)", async () => {
      const stack = await makeStack(mode);
      const server = await stack.listen({ address: LOCALHOST, port: 0 });
      const { port } = server.address;
      await assert.rejects(stack.listen({ address: LOCALHOST, port }), { code: "EADDRINUSE" });
      await assert.rejects(stack.listen({ address: "192.0.2.1", port: 0 }), { code: "EADDRNOTAVAIL" });
      await server.close();
      await assert.rejects(stack.connect({ address: LOCALHOST, port }), { code: "ECONNREFUSED", wsa: 10061 });
      const again = await stack.listen({ address: LOCALHOST, port });
      await again.close();
      await stack.close();
    });

    test("server.drain waits for the connections, and resets what is left at its deadline", async () => {
      const stack = await makeStack(mode);
      const server = await stack.listen({ address: LOCALHOST, port: 0 });
      const peers = [0, 1].map(() => new Peer(net.connect({ host: LOCALHOST, port: server.address.port, allowHalfOpen: true })));
      const [first] = [await server.accept(), await server.accept()];
      const draining = server.drain({ deadlineMs: 100 });
      await assert.rejects(server.accept(), { code: "ENOTSOCK" });
      await first.write(new TextEncoder().encode("bye"));
      void first.close();
      for (const peer of peers) void peer.closed();
      const outcomes = (await draining).map((report) => `${report.outcome} ${report.cause}`);
      assert.deepEqual(outcomes, [`${told("graceful")} none`, "aborted abort"]);
      await stack.close();
    });

    test("abort ends a close that is under way: the peer is reset, both promises have the report (C-16, C-17)", { skip: needsKoffi }, async (t) => {
      const stack = await makeStack(mode, { limits: { sendBuffer: 32 * MIB } });
      for (const options of [{}, { linger: 600 }, { drain: { ms: 60_000 } }]) {
        const { socket, raw } = await meetKernel(stack);
        await socket.write(new Uint8Array(16 * MIB));
        const closing = socket.close(options);
        await turns(3);
        const report = await socket.abort();
        assert.deepEqual([report.outcome, report.cause, report.bytes.sent], ["aborted", "abort", 16 * MIB]);
        if (mode.exact) assert.ok(report.bytes.unacknowledged > 0);
        assert.equal(await closing, report);
        const saw = await raw.drain();
        t.diagnostic(`${JSON.stringify(options)}: the peer read ${saw.bytes} of ${16 * MIB} bytes, then errno ${saw.errno}`);
        assert.equal(saw.errno, ECONNRESET);
        raw.close();
      }
      // Delivered, and the peer keeps its side open: the reset comes behind our FIN.
      const { socket, raw } = await meetKernel(stack);
      const closing = socket.close();
      assert.deepEqual(await raw.drain(), { bytes: 0, errno: 0 });
      assert.deepEqual([(await socket.abort()).outcome, (await closing).cause], ["aborted", "abort"]);
      await until("EPIPE", () => raw.send(new Uint8Array(1)) === -EPIPE);
      raw.close();
      await stack.close();
    });

    test("server.drain's deadline ends closes that are under way", { skip: needsKoffi }, async () => {
      const clock = new VirtualClock();
      const stack = await makeStack(mode, { limits: { sendBuffer: 32 * MIB }, clock });
      const server = await passing(clock, stack.listen({ address: LOCALHOST, port: 0 }));
      const raws = [0, 1].map(() => new RawSocket().connect(server.address.port));
      const [first, second] = [await server.accept(), await server.accept()];
      await first.write(new Uint8Array(16 * MIB));
      const closing = first.close();
      const lingering = second.close({ linger: 600 });
      let done = false;
      const draining = server.drain({ deadlineMs: 5000 }).finally(() => {
        done = true;
      });
      // Time for the looks at acknowledgements, then all but the last of it.
      for (let ms = 0; ms < 200; ms++) {
        await turns(1);
        clock.advance(1);
      }
      clock.advance(4799);
      await turns(20);
      assert.equal(done, false);
      clock.advance(1);
      const reports = await draining;
      assert.deepEqual([reports[0]?.outcome, reports[0]?.cause], ["aborted", "abort"]);
      // With koffi the second had nothing to deliver, which its linger saw.
      assert.deepEqual([reports[1]?.outcome, reports[1]?.cause], mode.exact ? ["delivered", "none"] : ["aborted", "abort"]);
      assert.deepEqual(reports, [await closing, await lingering]);
      assert.equal((await (raws[0] as RawSocket).drain()).errno, ECONNRESET);
      for (const raw of raws) raw.close();
      await passing(clock, stack.close());
    });

    test("a reset behind unread data (N-09)", { skip: needsKoffi }, async () => {
      const stack = await makeStack(mode);
      const { socket, raw } = await meetKernel(stack);
      raw.send(new Uint8Array(5000));
      raw.reset();
      const drained = async (): Promise<number> => {
        let total = 0;
        for await (const bytes of socket) total += bytes.length;
        return total;
      };
      // V-15: what was not read yet is gone with the connection. Without koffi Node reports a clean end.
      if (mode.exact) await assert.rejects(drained(), { code: "ECONNRESET" });
      else assert.equal(await drained(), 5000);
      const report = await socket.close();
      if (mode.exact) assert.equal(report.outcome, "resetByPeer");
      else assert.ok(["unknown", "resetByPeer"].includes(report.outcome), report.outcome);
      await stack.close();
    });

    test("data after close is reset by the kernel or by us (C-45, N-15)", { skip: needsKoffi }, async () => {
      const stack = await makeStack(mode);
      const { socket, raw } = await meetKernel(stack);
      const closing = socket.close();
      assert.deepEqual(await raw.drain(), { bytes: 0, errno: 0 });
      raw.send(new Uint8Array(10));
      const report = await closing;
      assert.deepEqual([report.outcome, report.cause, report.bytes.discarded], ["aborted", "dataAfterClose", 10]);
      await until("EPIPE", () => [-EPIPE, -ECONNRESET].includes(raw.send(new Uint8Array(1))));
      raw.close();
      await stack.close();
    });
  });
}

test("linger's time counts from the call, also when writes were still waiting (T-24)", { skip: needsKoffi }, async () => {
  const clock = new VirtualClock();
  const stack = await makeStack({ name: "", hostSockets: {}, exact: true }, { clock });
  const { socket, raw } = await meetKernel(stack);
  const writing = socket.write(new Uint8Array(5 * MIB));
  const closing = socket.close({ linger: 1 });
  let [written, closed] = [false, false];
  void writing.then(() => {
    written = true;
  });
  void closing.then(() => {
    closed = true;
  });
  clock.advance(500);
  // The peer reads just enough for the write to finish, half a second later.
  await until("the write", () => {
    raw.recv();
    return written;
  });
  clock.advance(499);
  await turns(1);
  assert.equal(closed, false);
  clock.advance(1);
  const report = await closing;
  assert.deepEqual([report.outcome, clock.now()], ["lingerExpired", 1000 * NS_PER_MS]);
  raw.close();
  await passing(clock, stack.close());
});
