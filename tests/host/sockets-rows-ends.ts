/** Chapter N, the ends of the two directions and the events that tell of them: what each row promises, checked from the peer's side too. */
import assert from "node:assert/strict";
import { SWITCH_V02_CLOSE_EARLY } from "../../host/abi/config.gen.ts";
import * as E from "../../host/abi/errors.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import type { CoreConfig } from "../../host/core/index.ts";
import { KERNEL, kernelState } from "./sockets-peers.ts";
import { type Scene, turns } from "./sockets-scene.ts";
import { LOCALHOST } from "./sockets-stack.ts";
import { until } from "./sockets-support.ts";

export interface RowCheck {
  readonly config?: CoreConfig;
  readonly check: (t: Scene) => Promise<void>;
}

export const MIB = 1 << 20;
export const FIN = (bytes: number) => ({ bytes, end: "fin" as const });

async function halfClose(t: Scene): Promise<void> {
  for (const { s, peer } of [await t.connected(), await t.accepted()]) {
    assert.equal(t.spi.send(s, "request"), 7);
    assert.equal(t.spi.shutdown(s, W.SD_SEND), 0);
    assert.deepEqual(await peer.read(), FIN(7));
    await until("FIN_WAIT2", () => kernelState(t.portOf(s), peer.port) === KERNEL.FIN_WAIT2);
    peer.send(new Uint8Array(100_000));
    peer.finish();
    assert.equal(await t.readAll(s), 100_000);
    await t.closes(s, t.told("graceful"));
  }
}

async function finBehindData(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  t.fill(s, 16 * MIB);
  assert.equal(t.spi.shutdown(s, W.SD_SEND), 0);
  await turns(20);
  assert.equal(kernelState(t.portOf(s), peer.port), KERNEL.ESTABLISHED, "the FIN waits for its bytes");
  assert.deepEqual(await peer.read(), FIN(16 * MIB));
  await t.part(s, peer);
}

async function secondShutdown(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  assert.deepEqual([t.spi.shutdown(s, W.SD_SEND), t.spi.shutdown(s, W.SD_SEND)], [0, 0]);
  assert.deepEqual(await peer.read(), FIN(0));
  assert.equal(t.spi.shutdown(s, W.SD_SEND), 0);
  peer.send("still open");
  assert.equal((await t.blocking("recv", () => t.spi.recv(s)))?.length, 10);
  await t.part(s, peer);
}

async function sendAfterShutdown(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  t.spi.shutdown(s, W.SD_SEND);
  assert.deepEqual([t.spi.sendError(s), t.spi.sendError(s)], [E.WSAESHUTDOWN, E.WSAESHUTDOWN]);
  assert.deepEqual(await peer.read(), FIN(0));
  assert.equal(t.spi.sendError(s), E.WSAESHUTDOWN);
  peer.send("nothing was destroyed");
  assert.equal((await t.blocking("recv", () => t.spi.recv(s)))?.length, 21);
  await t.part(s, peer);
}

async function endAgain(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  peer.send("bye");
  peer.finish();
  assert.equal(await t.readAll(s), 3);
  for (let i = 0; i < 3; i++) assert.equal(t.spi.recv(s)?.length, 0);
  await t.closes(s, t.told("graceful"));
  assert.deepEqual(await peer.read(), FIN(0));
}

/** Which of its two readings FD_CLOSE follows: after the data, or with the FIN. */
function closeEvent(early: boolean): (t: Scene) => Promise<void> {
  return async (t) => {
    const { s, peer } = await t.connected();
    const event = t.watch(s, W.FD_READ | W.FD_CLOSE);
    peer.send(new Uint8Array(1000));
    assert.deepEqual(await t.events(s, event), { FD_READ: 0 });
    peer.finish();
    if (early) assert.deepEqual(await t.events(s, event), { FD_CLOSE: 0 });
    else {
      await until("the FIN's acknowledgement", () => kernelState(peer.port, t.portOf(s)) === KERNEL.FIN_WAIT2);
      await turns(20);
      assert.equal(t.spi.isSet(event), false, "no FD_CLOSE over unread data");
    }
    assert.equal(t.spi.recv(s)?.length, 1000);
    if (!early) assert.deepEqual(await t.events(s, event), { FD_CLOSE: 0 });
    await t.closes(s, t.told("graceful"));
  };
}

async function quietReceiveShutdown(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  assert.equal(t.spi.shutdown(s, W.SD_RECEIVE), 0);
  assert.equal(t.spi.recvError(s), E.WSAESHUTDOWN);
  await turns(20);
  const states = [kernelState(t.portOf(s), peer.port), kernelState(peer.port, t.portOf(s))];
  assert.deepEqual(states, [KERNEL.ESTABLISHED, KERNEL.ESTABLISHED], "the peer notices nothing");
  assert.equal(t.spi.send(s, "one way"), 7);
  assert.equal(t.spi.shutdown(s, W.SD_SEND), 0);
  assert.deepEqual(await peer.read(), FIN(7));
  peer.finish();
  await t.closes(s, t.told("graceful"));
}

async function resetAfterReceiveShutdown(t: Scene): Promise<void> {
  const queued = await t.connected();
  queued.peer.send("unread");
  await until("6 unread", () => t.spi.unread(queued.s) === 6);
  const later = await t.accepted();
  for (const { s } of [queued, later]) assert.equal(t.spi.shutdown(s, W.SD_RECEIVE), 0);
  later.peer.send("too late");
  for (const { s, peer } of [queued, later]) {
    assert.equal((await peer.read()).end, "reset");
    await t.closes(s, "aborted", "recvShut");
  }
}

async function connectEvents(t: Scene): Promise<void> {
  const listener = await t.listener();
  const s = t.spi.socket();
  const event = t.watch(s, W.FD_CONNECT | W.FD_WRITE | W.FD_CLOSE);
  assert.equal(t.spi.connect(s, LOCALHOST, listener.port), E.WSAEWOULDBLOCK);
  assert.deepEqual(await t.events(s, event), { FD_WRITE: 0, FD_CONNECT: 0 });
  const peer = t.keep(await listener.accept());
  await listener.close();
  const refused = t.spi.socket();
  const refusal = t.watch(refused, W.FD_CONNECT | W.FD_WRITE | W.FD_CLOSE);
  assert.equal(t.spi.connect(refused, LOCALHOST, listener.port), E.WSAEWOULDBLOCK);
  assert.deepEqual(await t.events(refused, refusal), { FD_CONNECT: E.WSAECONNREFUSED });
  await turns(20);
  assert.equal(t.spi.isSet(refusal), false, "nothing follows the refusal");
  peer.finish();
  assert.deepEqual(await t.events(s, event), { FD_CLOSE: 0 });
  await t.closes(s, t.told("graceful"));
}

async function stayHalfOpen(t: Scene): Promise<void> {
  for (const { s, peer } of [await t.connected(), await t.accepted()]) {
    peer.finish();
    assert.equal(await t.readAll(s), 0);
    await turns(20);
    assert.equal(kernelState(t.portOf(s), peer.port), KERNEL.CLOSE_WAIT, "no FIN but our own answers");
    assert.equal(t.spi.send(s, "the answer"), 10);
    await t.closes(s, t.told("graceful"));
    assert.deepEqual(await peer.read(), FIN(10));
    assert.equal(peer.text, "the answer");
  }
}

async function closeEventIsTheirs(t: Scene): Promise<void> {
  const ended = await t.connected();
  const ends = t.watch(ended.s, W.FD_CLOSE);
  ended.peer.finish();
  assert.deepEqual(await t.events(ended.s, ends), { FD_CLOSE: 0 }, "although our own direction is open");
  assert.equal(t.spi.send(ended.s, "still open"), 10);
  await t.closes(ended.s, t.told("graceful"));
  assert.deepEqual(await ended.peer.read(), FIN(10));
  const reset = await t.accepted();
  const resets = t.watch(reset.s, W.FD_CLOSE);
  reset.peer.reset();
  assert.deepEqual(await t.events(reset.s, resets), { FD_CLOSE: E.WSAECONNRESET });
  const own = await t.connected();
  const none = t.watch(own.s, W.FD_CLOSE);
  assert.equal(t.spi.abort(own.s), 0);
  assert.equal((await own.peer.read()).end, "reset");
  await turns(20);
  assert.equal(t.spi.isSet(none), false, "one's own reset is no news");
}

export const ENDS: Readonly<Record<string, RowCheck>> = {
  "N-01": { check: halfClose },
  "N-02": { check: finBehindData },
  "N-03": { check: secondShutdown },
  "N-04": { check: sendAfterShutdown },
  "N-05": { check: endAgain },
  "N-11": { check: closeEvent(false) },
  "N-12": { config: { switches: SWITCH_V02_CLOSE_EARLY }, check: closeEvent(true) },
  "N-16": { check: quietReceiveShutdown },
  "N-17": { check: resetAfterReceiveShutdown },
  "N-29": { check: connectEvents },
  "N-33": { check: stayHalfOpen },
  "N-34": { check: closeEventIsTheirs },
};
