/** Situations in which many rows begin. */
import assert from "node:assert/strict";
import { LASTACK_CONDITION } from "../../../host/abi/errors.gen.ts";
import { SD_SEND } from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { A, B, type Connected, connected, hosts, type Hosts, type HostsOptions, PORT, portOf, type ScriptedConnection, target } from "./hosts.ts";
import type { Provider } from "./provider.ts";

/** Bytes that stuffed() sends, and the window it sends them against; on a board as much as its send buffer holds. */
export const STUFFING = target.acting ? 2000 : 20_000;
const SMALL_WINDOW = target.acting ? 512 : 2048;

/** A connection on which a's 20,000 bytes stand before b's small window, which b does not open: unsent and unacknowledged data. */
export async function stuffed(check: Check, options: HostsOptions = {}): Promise<Connected> {
  const p = await connected(check, { ...options, configB: { recvBuffer: SMALL_WINDOW, ...options.configB } });
  assert.equal(p.a.send(p.s, STUFFING), STUFFING);
  p.run(500);
  return p;
}

/** Two cores with one SOCK_SEQPACKET connection from a to b, 50 ms old and quiet. */
export async function connectedMessages(check: Check, options: HostsOptions = {}): Promise<Connected> {
  const p = await hosts(check, options);
  const listener = p.b.listener(PORT, 16, "messages");
  const s = p.a.socket("messages");
  assert.equal(p.a.until(() => p.a.connect(s, B, PORT)), 0, "the connection failed");
  p.run(50);
  const t = p.b.accept(listener);
  assert.equal(p.b.err, 0, "the connection was not accepted");
  return Object.assign(p, { s, t, listener, port: portOf(p.a, s) });
}

/** An event object that records these events of a socket. */
export function watch(spi: Provider, s: number, mask: number): number {
  const event = spi.event();
  assert.equal(spi.select(s, event, mask), 0);
  return event;
}

/** Resets the connection from its other end. */
export function resetByPeer(p: Connected): void {
  p.b.setLinger(p.t, 1, 0);
  assert.equal(p.b.close(p.t), 0);
  p.run(100);
}

/** The peer's SD_SEND arrives at a. */
export function finByPeer(p: Connected): void {
  assert.equal(p.b.shutdown(p.t, SD_SEND), 0);
  p.run(100);
}

/**
 * Whether a's end still keeps the connection, asked from outside: the scripted peer repeats the last number it sent as a FIN. A host
 * without the connection answers RST (RFC 9293 §3.10.7.1), one in TIME_WAIT acknowledges (§3.10.7.4).
 */
export function probedState(p: ScriptedConnection): string {
  p.peer.take();
  p.peer.send("FIN,ACK", { seq: p.peer.sndNxt - 1 });
  p.run(10);
  const answer = p.peer.inbox.at(-1)?.flags ?? "nothing";
  return answer === "ACK" ? "TIME_WAIT" : answer.startsWith("RST") ? "CLOSED" : answer;
}

/** b's descriptor of a connection that it made to a's listener. */
export function callIn(p: Hosts): number {
  const s = p.b.socket();
  assert.equal(p.b.until(() => p.b.connect(s, A, PORT)), 0);
  return s;
}

/** A nonblocking socket of a whose connect to b was refused. */
export function refused(p: Hosts): number {
  const s = p.a.socket();
  p.a.nonblocking(s);
  assert.equal(p.a.connect(s, B, PORT), 10035);
  p.run(3000);
  return s;
}

/** The connection that waits at a listener; it must be there. */
export function accept(spi: Provider, listener: number): number {
  const s = spi.accept(listener);
  assert.equal(spi.err, 0, "nothing could be accepted");
  return s;
}

/** Calls WSPAccept with a condition, which asks for an answer, and gives it: the next call returns what comes of it. */
export function decide(spi: Provider, listener: number, answer: number): void {
  spi.accept(listener, 1);
  assert.equal(spi.err, LASTACK_CONDITION, "the condition was not asked");
  assert.equal(spi.raw("acceptDecide", listener, answer), 0);
}

/**
 * A connection whose buffers on a's side are full: `amount` bytes were accepted, b reads nothing, and an overlapped send has to wait. What
 * the operating system takes before it is full is more than our own TCP does.
 */
export async function backlog(check: Check): Promise<{ p: Connected; amount: number }> {
  const p = await connected(check, { link: { delayMs: 20 }, configA: { sendBuffer: 4096 }, configB: { recvBuffer: 2048 } });
  const amount = check.provider === "host" ? 8_000_000 : STUFFING;
  assert.equal(p.a.send(p.s, amount), amount);
  p.run(500);
  return { p, amount };
}
