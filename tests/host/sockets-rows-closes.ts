/** Chapter N, closing and what is lost or delivered by it. */
import assert from "node:assert/strict";
import * as E from "../../host/abi/errors.gen.ts";
import { CAPABILITY_ACKS, CAPABILITY_RESET_NOW, LSO_LINGER_MS } from "../../host/abi/sockets.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { KERNEL, kernelState, statesTowards } from "./sockets-peers.ts";
import { FIN, MIB, type RowCheck } from "./sockets-rows-ends.ts";
import { type Scene, turns } from "./sockets-scene.ts";
import { LOCALHOST } from "./sockets-stack.ts";
import { until } from "./sockets-support.ts";

/** How late a linger that expires may be. */
const LATE_MS = 100;

async function hardClose(t: Scene): Promise<void> {
  for (const queued of [0, 16 * MIB]) {
    for (const { s, peer } of [await t.connected(), await t.accepted()]) {
      const port = t.portOf(s);
      t.fill(s, queued);
      await turns(3);
      t.spi.setLinger(s, 1, 0);
      await t.closes(s, "aborted", "linger0");
      const saw = await peer.read();
      assert.equal(saw.end, "reset");
      assert.ok(saw.bytes < queued || queued === 0);
      assert.equal(kernelState(port, peer.port), undefined, "no TIME_WAIT");
    }
  }
}

async function hardCloseBehindFin(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  t.fill(s, 16 * MIB);
  t.spi.shutdown(s, W.SD_SEND);
  await turns(3);
  t.spi.setLinger(s, 1, 0);
  t.can(s, CAPABILITY_RESET_NOW);
  await t.closes(s, "aborted", "linger0");
  const saw = await peer.read();
  assert.equal(saw.end, "reset");
  assert.ok(saw.bytes < 16 * MIB);
  // With nothing queued the shutdown itself is in flight: without koffi it is waited for, and the reset follows it.
  const idle = await t.connected();
  const port = t.portOf(idle.s);
  t.spi.send(idle.s, "the first half");
  t.spi.shutdown(idle.s, W.SD_SEND);
  t.spi.driver.pollNow();
  t.spi.setLinger(idle.s, 1, 0);
  await t.closes(idle.s, "aborted", "linger0");
  await until("the peer's end is gone", () => kernelState(idle.peer.port, port) === undefined);
  assert.equal((await idle.peer.read()).end, "reset");
  assert.equal(kernelState(port, idle.peer.port), undefined, "no TIME_WAIT");
}

async function hardCloseConnecting(t: Scene): Promise<void> {
  for (const wait of [0, 1]) {
    const listener = await t.listener();
    const s = t.spi.socket();
    const event = t.watch(s, W.FD_CONNECT | W.FD_CLOSE);
    t.spi.setLinger(s, 1, 0);
    assert.equal(t.spi.connect(s, LOCALHOST, listener.port), E.WSAEWOULDBLOCK);
    // After the first of these the SYN is on its way.
    for (let i = 0; i < wait; i++) await new Promise((resolve) => process.nextTick(resolve));
    await t.closes(s, "notConnected");
    await turns(20);
    assert.equal(t.spi.isSet(event), false, "no FD_CONNECT afterwards");
    const ours = statesTowards(listener.port);
    assert.ok(!ours.includes(KERNEL.ESTABLISHED) && !ours.includes(KERNEL.SYN_SENT), `states ${ours}`);
  }
}

async function everythingArrives(t: Scene): Promise<void> {
  for (const { s, peer } of [await t.connected(), await t.accepted()]) {
    t.fill(s, 16 * MIB);
    assert.equal(t.spi.close(s), 0);
    assert.ok(!t.spi.reports.some(({ handle }) => handle === s), "it goes on in the background");
    assert.deepEqual(await peer.read(), FIN(16 * MIB));
    peer.finish();
    const report = await t.report(s);
    assert.deepEqual([report.outcome, report.peerFin], [t.told("graceful"), true]);
  }
}

async function unreadResets(t: Scene): Promise<void> {
  const held = await t.connected();
  held.peer.send("pulled and not read");
  await until("19 unread", () => t.spi.unread(held.s) === 19);
  await t.closes(held.s, "aborted", "unreadData");
  assert.equal((await held.peer.read()).end, "reset");
  // Still in the kernel: it is found right after the FIN has left, and resets what the FIN had ended (N-15).
  const kept = await t.accepted();
  const port = t.portOf(kept.s);
  kept.peer.send("in the kernel");
  assert.equal(t.spi.close(kept.s), 0);
  await until("the reset", () => kernelState(kept.peer.port, port) === undefined);
  const report = await t.report(kept.s);
  assert.deepEqual([report.outcome, report.cause], ["aborted", "dataAfterClose"]);
}

async function dataAfterClose(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  const port = t.portOf(s);
  assert.equal(t.spi.close(s), 0);
  assert.deepEqual(await peer.read(), FIN(0));
  peer.send("nobody reads this");
  await until("the reset", () => kernelState(peer.port, port) === undefined);
  const report = await t.report(s);
  assert.deepEqual([report.outcome, report.cause], ["aborted", "dataAfterClose"]);
}

async function lingerUntilAcknowledged(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  if (!t.can(s, CAPABILITY_ACKS)) {
    // The peer's FIN is the only sign; its program keeps its side open, so that the wait lasts its time.
    t.spi.setLinger(s, 1, 1);
    assert.equal(t.spi.setOption(s, W.SOL_LASTACK, LSO_LINGER_MS, 300), 0);
    t.fill(s, MIB);
    const reading = peer.read();
    await t.closes(s, "unknown");
    assert.deepEqual(await reading, FIN(MIB));
    return;
  }
  t.spi.setLinger(s, 1, 60);
  t.fill(s, 16 * MIB);
  let closed = false;
  const closing = t.closes(s, "delivered").then(() => {
    closed = true;
  });
  await turns(50);
  assert.equal(closed, false, "the peer's stack has no room for all of it");
  assert.deepEqual(await peer.read(), FIN(16 * MIB));
  await closing;
}

/** Closes with a linger that will expire on a peer that does not read; the milliseconds it took. */
async function expire(t: Scene, s: number, outcome: string, ms: number): Promise<void> {
  const started = performance.now();
  await t.closes(s, outcome);
  const took = performance.now() - started;
  assert.ok(took >= ms - 1 && took <= ms + LATE_MS, `${outcome} after ${took.toFixed(0)} ms; expected ${ms}`);
}

async function lingerExpires(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  t.fill(s, 16 * MIB);
  t.spi.setLinger(s, 1, 1);
  await expire(t, s, "lingerExpired", 1000);
  const saw = await peer.read();
  assert.equal(saw.end, "reset");
  assert.ok(saw.bytes < 16 * MIB);
  // All of it in the kernel, and the FIN too; the peer's stack has a part.
  const taken = await t.accepted();
  t.fill(taken.s, MIB);
  t.spi.setLinger(taken.s, 1, 1);
  assert.equal(t.spi.setOption(taken.s, W.SOL_LASTACK, LSO_LINGER_MS, 200), 0);
  const certain = t.can(taken.s, CAPABILITY_ACKS);
  await expire(t, taken.s, certain ? "lingerExpired" : "unknown", 200);
  const end = await taken.peer.read();
  if (certain) assert.deepEqual([end.end, end.bytes < MIB], ["reset", true]);
  else assert.deepEqual(end, FIN(MIB), "the kernel goes on with it");
}

async function blockingClose(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  const other = await t.accepted();
  t.fill(s, 16 * MIB);
  t.spi.setLinger(s, 1, 60);
  t.spi.wakes.length = 0;
  assert.equal(t.spi.as(1).close(s), E.LASTACK_WAIT);
  t.spi.as(0);
  assert.equal(t.spi.send(other.s, "others go on"), 12);
  other.peer.send("meanwhile");
  assert.equal((await t.blocking("recv", () => t.spi.recv(other.s)))?.length, 9);
  assert.equal(t.spi.as(1).close(s), E.LASTACK_WAIT, "the same caller goes on waiting");
  const reading = peer.read();
  void reading.then(() => peer.finish());
  await until("the wake of the caller that waits", () => t.spi.wakes.some(({ handle, caller }) => handle === s && caller === 1));
  assert.equal(await t.blocking("close", () => t.spi.as(1).close(s)), 0);
  assert.deepEqual(await reading, FIN(16 * MIB));
  assert.equal(t.spi.as(0).close(s), E.WSAENOTSOCK);
}

async function refusedClose(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  t.spi.nonblocking(s);
  t.fill(s, 16 * MIB);
  t.spi.setLinger(s, 1, 30);
  assert.deepEqual([t.spi.close(s), t.spi.close(s)], [E.WSAEWOULDBLOCK, E.WSAEWOULDBLOCK]);
  await turns(20);
  assert.equal(kernelState(t.portOf(s), peer.port), KERNEL.ESTABLISHED, "nothing has happened");
  assert.equal(t.spi.send(s, "still open"), 10);
  assert.equal(t.spi.setOption(s, W.SOL_SOCKET, W.SO_DONTLINGER, 1), 0);
  assert.equal(t.spi.close(s), 0);
  assert.deepEqual(await peer.read(), FIN(16 * MIB + 10));
  peer.finish();
  assert.equal((await t.report(s)).outcome, t.told("graceful"));
}

async function lastDescriptorCloses(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  const twin = t.spi.duplicate(s);
  assert.notEqual(twin, s);
  const port = t.portOf(s);
  assert.equal(t.spi.close(s), 0);
  await turns(20);
  assert.equal(kernelState(port, peer.port), KERNEL.ESTABLISHED, "the twin holds it open");
  assert.equal(t.spi.send(twin, "by the twin"), 11);
  assert.equal(t.spi.close(twin), 0);
  assert.deepEqual(await peer.read(), FIN(11));
  peer.finish();
  assert.equal((await t.report(twin)).outcome, t.told("graceful"));
}

async function listenerResetsItsQueue(t: Scene): Promise<void> {
  const { s, port } = t.listening();
  const peers = [t.keep(await t.kind.connect(port))];
  await turns(20);
  // The second may still be the kernel's alone.
  peers.push(t.keep(await t.kind.connect(port)));
  assert.equal(t.spi.close(s), 0);
  for (const peer of peers) assert.deepEqual(await peer.read(), { bytes: 0, end: "reset" });
  await until("nobody listens", () => statesTowards(port).length === 0);
}

export const CLOSES: Readonly<Record<string, RowCheck>> = {
  "N-06": { check: hardClose },
  "N-07": { check: hardCloseBehindFin },
  "N-08": { check: hardCloseConnecting },
  "N-13": { check: everythingArrives },
  "N-14": { check: unreadResets },
  "N-15": { check: dataAfterClose },
  "N-18": { check: lingerUntilAcknowledged },
  "N-19": { check: lingerExpires },
  "N-20": { check: blockingClose },
  "N-21": { check: refusedClose },
  "N-24": { check: lastDescriptorCloses },
  "N-25": { check: listenerResetsItsQueue },
};
