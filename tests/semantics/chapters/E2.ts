/** Network events: FD_CLOSE. */
import * as W from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { row } from "../registry.ts";
import { A, B, type Connected, connected, hosts, PORT, scriptedConnection } from "../support/hosts.ts";
import { accept, finByPeer, resetByPeer, watch } from "../support/situations.ts";

const { FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE, SD_BOTH, SD_RECEIVE, SD_SEND, SOL_SOCKET } = W;
const ALL = FD_ACCEPT | FD_CLOSE | FD_CONNECT | FD_OOB | FD_READ | FD_WRITE;

interface Watched extends Connected {
  readonly event: number;
}

/** A connection whose acting end is watched; what holds from the beginning is already enumerated. */
async function watched(t: Check, mask = FD_CLOSE, options: Parameters<typeof connected>[1] = {}): Promise<Watched> {
  const p = await connected(t, options);
  const event = watch(p.a, p.s, mask);
  p.a.enumerate(p.s, event);
  return Object.assign(p, { event });
}

/** E-23: ten bytes, then the FIN. */
async function textThenFin(t: Check): Promise<Watched> {
  const p = await watched(t, FD_READ | FD_CLOSE);
  p.b.send(p.t, 10);
  finByPeer(p);
  return p;
}

row("E-20", async (t) => {
  const p = await watched(t, FD_CLOSE, { link: { delayMs: 20 } });
  p.b.shutdown(p.t, SD_SEND);
  p.world.runUntil(() => p.a.signaled.includes(p.event), 1000);
  t.timing(p.now - (p.seen("FIN", "b")[0]?.due ?? 0));
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-21", async (t) => {
  const p = await watched(t, ALL);
  p.b.close(p.t);
  p.run(100);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-22", async (t) => {
  const p = await watched(t, ALL);
  finByPeer(p);
  t.own(p.a.enumerate(p.s, p.event));
  p.b.close(p.t);
  p.run(1000);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-23", async (t) => {
  const p = await textThenFin(t);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-24", async (t) => {
  const p = await textThenFin(t);
  p.a.enumerate(p.s, p.event);
  p.a.recv(p.s, 4);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-25", async (t) => {
  const p = await textThenFin(t);
  p.a.enumerate(p.s, p.event);
  p.a.recv(p.s, 4);
  p.a.enumerate(p.s, p.event);
  p.a.recv(p.s, 6);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-26", async (t) => {
  const p = await watched(t, FD_READ | FD_CLOSE);
  finByPeer(p);
  t.own(p.a.enumerate(p.s, p.event));
  p.a.recv(p.s);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-27", async (t) => {
  const p = await watched(t, FD_READ | FD_CLOSE);
  p.b.send(p.t, "unread");
  p.run(100);
  t.own(p.a.enumerate(p.s, p.event));
  resetByPeer(p);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-28", async (t) => {
  const lost = await scriptedConnection(t);
  const event = watch(lost.a, lost.s, FD_CLOSE);
  lost.a.send(lost.s, "unanswered");
  lost.run(400_000);
  t.own(lost.a.enumerate(lost.s, event));
  const silent = await scriptedConnection(t, { config: { keepIdleMs: 1000, keepIntervalMs: 1000, keepCount: 3 } });
  const other = watch(silent.a, silent.s, FD_CLOSE);
  silent.a.setOption(silent.s, SOL_SOCKET, W.SO_KEEPALIVE, 1);
  silent.run(30_000);
  t.own(silent.a.enumerate(silent.s, other));
});

row("E-29", async (t) => {
  const p = await watched(t, ALL);
  // The host has closed a's device: nothing goes out or comes in any more.
  const fds = p.a.driver.fds;
  for (const [fd] of [...fds.open()]) fds.remove(fd);
  p.a.driver.kick();
  p.run(10);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-30", async (t) => {
  const p = await watched(t, ALL);
  p.a.shutdown(p.s, SD_SEND);
  p.run(1000);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-31", async (t) => {
  const p = await watched(t, ALL);
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  finByPeer(p);
  t.own(p.a.enumerate(p.s, p.event));
  t.state(p.a.state(p.s));
});

row("E-32", async (t) => {
  const p = await watched(t, ALL);
  const event = watch(p.b, p.t, ALL);
  p.b.enumerate(p.t, event);
  p.a.shutdown(p.s, SD_BOTH);
  p.run(100);
  t.peer(p.b.enumerate(p.t, event));
  p.b.shutdown(p.t, SD_RECEIVE);
  p.run(100);
  t.own(p.a.enumerate(p.s, p.event));
  t.peer(p.b.enumerate(p.t, event));
});

row("E-33", async (t) => {
  const p = await watched(t, ALL);
  p.a.shutdown(p.s, SD_BOTH);
  p.b.shutdown(p.t, SD_RECEIVE);
  p.run(100);
  finByPeer(p);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-34", async (t) => {
  const p = await watched(t, ALL);
  p.b.shutdown(p.t, SD_RECEIVE);
  p.run(1000);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-35", async (t) => {
  const p = await watched(t, ALL);
  p.a.close(p.s);
  p.run(100);
  p.b.close(p.t);
  p.run(1000);
  t.own(p.a.isSet(p.event) ? "signaled" : "none");
});

row("E-36", async (t) => {
  const p = await watched(t, ALL);
  finByPeer(p);
  t.own(p.a.enumerate(p.s, p.event));
  for (const call of [() => p.a.recv(p.s), () => p.a.send(p.s, "x"), () => p.a.shutdown(p.s, SD_SEND)]) {
    call();
    p.run(100);
    t.own(p.a.enumerate(p.s, p.event));
  }
});

row("E-37", async (t) => {
  const p = await watched(t, ALL);
  p.b.close(p.t);
  p.run(100);
  t.own(p.a.enumerate(p.s, p.event));
  p.a.send(p.s, "late");
  p.run(100);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-38", async (t) => {
  const p = await connected(t);
  p.a.close(p.s);
  p.run(100);
  // The accepted end: FD_CONNECT is for the one that connected (E-66).
  const event = watch(p.b, p.t, ALL);
  t.own(p.b.enumerate(p.t, event));
});

row("E-39", async (t) => {
  const p = await watched(t, FD_READ | FD_WRITE);
  finByPeer(p);
  t.own(p.a.enumerate(p.s, p.event));
  p.a.select(p.s, p.event, FD_CLOSE);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-40", async (t) => {
  // All events that can hold here, without FD_WRITE: for that one see E-58.
  const mask = ALL & ~FD_WRITE;
  const p = await watched(t, mask);
  finByPeer(p);
  t.own(p.a.enumerate(p.s, p.event));
  p.a.select(p.s, p.event, mask);
  t.own(p.a.enumerate(p.s, p.event));
  p.a.select(p.s, p.event, 0);
  p.a.select(p.s, p.event, mask);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-41", async (t) => {
  const p = await hosts(t);
  const udp = p.a.socket("udp");
  p.a.bind(udp, A, 5000);
  p.a.connect(udp, B, 9);
  const event = watch(p.a, udp, FD_CLOSE);
  // Nobody listens there: the error that comes back is no end of anything.
  p.a.send(udp, "x");
  p.run(100);
  t.own(p.a.enumerate(udp, event));
  const listener = p.a.listener(PORT);
  p.a.select(listener, event, FD_CLOSE);
  const s = p.b.socket();
  p.until(p.b, () => p.b.connect(s, A, PORT));
  p.b.setLinger(s, 1, 0);
  p.b.close(s);
  p.run(100);
  t.own(p.a.enumerate(listener, event));
});

row("E-42", async (t) => {
  const p = await textThenFin(t);
  t.own(p.a.enumerate(p.s, p.event));
});

/** Connects a to b with all events of the connecting end, or of the listener, watched and not enumerated; returns both handles. */
function freshly(p: Awaited<ReturnType<typeof hosts>>, listenerWatched: boolean): { s: number; t: number; event: number } {
  const listener = p.b.listener(PORT);
  const s = p.a.socket();
  const event = listenerWatched ? watch(p.b, listener, ALL) : watch(p.a, s, ALL);
  p.until(p.a, () => p.a.connect(s, B, PORT));
  p.run(50);
  return { s, t: accept(p.b, listener), event };
}

row("E-44", async (t) => {
  const p = await hosts(t);
  const client = freshly(p, false);
  p.b.setLinger(client.t, 1, 0);
  p.b.close(client.t);
  p.run(100);
  t.own(p.a.enumerate(client.s, client.event));
  const q = await hosts(t);
  const server = freshly(q, true);
  q.a.setLinger(server.s, 1, 0);
  q.a.close(server.s);
  q.run(100);
  t.own(q.b.enumerate(server.t, server.event));
});
