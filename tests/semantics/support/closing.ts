/** Situations around closing that the chapters C, W and T share. */
import assert from "node:assert/strict";
import { SD_SEND } from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { A, type Connected, connected, type Hosts, type HostsOptions, PORT, scriptedConnection, type ScriptedConnection } from "./hosts.ts";
import { accept, STUFFING, stuffed } from "./situations.ts";

/** Milliseconds a segment takes where a row looks at what happens meanwhile. */
export const DELAY = 20;
/** Link options of such rows. */
export const SLOW: HostsOptions = { link: { delayMs: DELAY } };

/** Core a's connection to a scripted peer, brought into a state in which a has sent or received a FIN. The handle is open. */
export async function inState(t: Check, state: string): Promise<ScriptedConnection> {
  const p = await scriptedConnection(t);
  const { a, peer, s } = p;
  const finOfA = (): void => {
    assert.equal(a.shutdown(s, SD_SEND), 0);
    p.run(10);
  };
  const finOfPeer = (): void => {
    peer.send("FIN,ACK");
    p.run(10);
  };
  // What the peer has not taken it does not acknowledge.
  const take = (): void => void peer.take();
  const ways: Readonly<Record<string, readonly (() => void)[]>> = {
    FIN_WAIT_1: [finOfA],
    FIN_WAIT_2: [finOfA, () => void peer.acknowledge()],
    CLOSE_WAIT: [finOfPeer, take],
    CLOSING: [finOfA, finOfPeer],
    LAST_ACK: [finOfPeer, take, finOfA],
    TIME_WAIT: [finOfA, take, finOfPeer, take],
  };
  for (const step of ways[state] ?? []) step();
  p.run(10);
  assert.equal(a.state(s), state);
  return p;
}

/** b's descriptors of connections that it made to a's listener. */
export function callers(p: Hosts, count: number): { listener: number; far: number[] } {
  const listener = p.a.listener(PORT);
  const far = Array.from({ length: count }, () => {
    const s = p.b.socket();
    assert.equal(p.b.until(() => p.b.connect(s, A, PORT)), 0);
    return s;
  });
  p.run(50);
  return { listener, far };
}

/** A connection that a accepted (s) and b made (t). */
export function called(p: Hosts): { listener: number; s: number; t: number } {
  const { listener, far } = callers(p, 1);
  return { listener, s: accept(p.a, listener), t: far[0] as number };
}

/** stuffed() with linger {1, seconds} on the acting socket. */
export async function stuffedLinger(t: Check, seconds: number, options: HostsOptions = {}): Promise<Connected> {
  const p = await stuffed(t, options);
  assert.equal(p.a.setLinger(p.s, 1, seconds), 0);
  return p;
}

/** stuffedLinger on a nonblocking socket whose close was just refused with 10035. */
export async function closeRefused(t: Check, options: HostsOptions = {}): Promise<Connected> {
  const p = await stuffedLinger(t, 30, options);
  p.a.nonblocking(p.s);
  assert.equal(p.a.close(p.s), 10035);
  return p;
}

/** Reads everything on b, to the end, and then lets the world run until the capture has a FIN of a. */
export function drainAtPeer(p: Connected): Uint8Array {
  const { bytes } = p.b.drain(p.t, STUFFING);
  assert.ok(p.world.runUntil(() => p.finSent("a", p.port), 10_000), "no FIN was sent");
  return bytes;
}

/** When the first segment arrived at a that acknowledges a's FIN. */
export function finAcknowledgedAt(p: Connected): number {
  const fin = p.seen("FIN", "a")[0];
  assert.ok(fin, "no FIN was sent");
  const end = (fin.seq + fin.length + 1) >>> 0;
  const found = p.log.segments.find((s) => s.from === "b" && s.index > fin.index && s.ack === end);
  assert.ok(found, "the FIN was not acknowledged");
  return found.due;
}

/** A connected pair whose blocking close with linger waits: b has a closed window. The clock runs from now. */
export async function lingering(t: Check, seconds: number): Promise<Connected & { start: number }> {
  const p = await stuffedLinger(t, seconds);
  const start = p.now;
  p.a.close(p.s);
  return Object.assign(p, { start });
}

/** The close of lingering() as it returns: its error code. */
export function lingered(p: Connected): number {
  return p.until(p.a, () => p.a.close(p.s));
}

/** A connection with data on its way and linger {1, 30}, closed: the code and how long after the FIN's acknowledgement it returned. */
export async function flushed(t: Check): Promise<{ p: Connected; mark: number; code: number; late: number }> {
  const p = await connected(t, SLOW);
  p.a.setLinger(p.s, 1, 30);
  const mark = p.mark();
  assert.equal(p.a.send(p.s, STUFFING), STUFFING);
  const code = lingered(p);
  return { p, mark, code, late: p.now - finAcknowledgedAt(p) };
}
