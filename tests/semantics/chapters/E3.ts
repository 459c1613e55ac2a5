/** Network events: FD_READ, FD_WRITE, FD_CONNECT, FD_ACCEPT, FD_OOB. */
import * as W from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { row } from "../registry.ts";
import { A, B, type Connected, connected, hosts, PORT, scripted, scriptedConnection } from "../support/hosts.ts";
import { accept, decide, finByPeer, resetByPeer, watch } from "../support/situations.ts";

const { FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE, SD_SEND } = W;
const ALL = FD_ACCEPT | FD_CLOSE | FD_CONNECT | FD_OOB | FD_READ | FD_WRITE;
/** Larger than every send buffer here; a queue that holds it takes nothing more (V-25). */
const MUCH = 1_000_000;
/** What fill() could send. */
let filled = 0;

/** Ten bytes of b arrive at s. */
function textArrives(p: Connected): void {
  p.b.send(p.t, 10);
  p.run(100);
}

/** A connection with ten unread bytes, watched for FD_READ since before they came. */
async function readable(t: Check): Promise<Connected & { event: number }> {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  textArrives(p);
  return Object.assign(p, { event });
}

/** Fills the send buffer; the code of the send that no longer fits. */
function fill(p: Connected): number {
  p.a.nonblocking(p.s);
  // One is enough for our own TCP; kernels have buffers of their own.
  for (filled = 0; filled < 64 * MUCH && p.a.send(p.s, MUCH) === MUCH; filled += MUCH) p.run(500);
  return p.a.err;
}

/** b reads all that fill() sent. */
function empty(p: Connected): void {
  p.b.drain(p.t, filled);
  p.run(100);
}

row("E-50", async (t) => {
  const p = await readable(t);
  t.fact("event", p.a.isSet(p.event) ? "set" : "unset");
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-51", async (t) => {
  const p = await readable(t);
  t.own(p.a.enumerate(p.s, p.event));
  p.a.recv(p.s, 4);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-52", async (t) => {
  const p = await readable(t);
  t.own(p.a.enumerate(p.s, p.event));
  p.a.recv(p.s);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-53", async (t) => {
  const p = await readable(t);
  t.own(p.a.enumerate(p.s, p.event));
  t.code(p.a.code("WSPRecv", p.s, 0, 1, p.a.scratch, p.a.scratch + 4, 0, 0, 0));
  t.own(p.a.enumerate(p.s, p.event));
  p.a.recv(p.s);
  t.result(p.a.recv(p.s), p.a.err);
  t.own(p.a.enumerate(p.s, p.event));
  textArrives(p);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-54", async (t) => {
  const p = await connected(t);
  textArrives(p);
  const event = watch(p.a, p.s, FD_READ);
  t.own(p.a.enumerate(p.s, event));
});

row("E-55", async (t) => {
  const p = await connected(t);
  textArrives(p);
  p.a.recv(p.s);
  const event = watch(p.a, p.s, FD_READ);
  t.own(p.a.enumerate(p.s, event));
});

row("E-57", async (t) => {
  const p = await readable(t);
  t.own(p.a.enumerate(p.s, p.event));
  textArrives(p);
  t.own(p.a.enumerate(p.s, p.event));
});

row("E-58", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_WRITE);
  t.own(p.a.enumerate(p.s, event));
});

row("E-59", async (t) => {
  const p = await hosts(t);
  const listener = p.a.listener(PORT);
  const event = watch(p.a, listener, FD_ACCEPT | FD_WRITE);
  const s = p.b.socket();
  p.until(p.b, () => p.b.connect(s, A, PORT));
  p.run(50);
  t.own(p.a.enumerate(accept(p.a, listener), event));
});

row("E-60", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_WRITE);
  for (let i = 0; i < 2; i++) {
    p.a.send(p.s, "x");
    p.run(100);
    t.own(p.a.enumerate(p.s, event));
  }
});

row("E-61", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_WRITE);
  p.a.enumerate(p.s, event);
  const error = fill(p);
  t.result(error ? -1 : MUCH, error);
  t.own(p.a.enumerate(p.s, event));
  empty(p);
  t.own(p.a.enumerate(p.s, event));
  p.run(1000);
  t.own(p.a.enumerate(p.s, event));
});

row("E-62", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_WRITE | FD_CLOSE);
  p.a.enumerate(p.s, event);
  fill(p);
  p.a.shutdown(p.s, SD_SEND);
  empty(p);
  p.a.select(p.s, event, FD_WRITE | FD_CLOSE);
  t.own(p.a.enumerate(p.s, event));
  const q = await connected(t);
  const other = watch(q.a, q.s, FD_WRITE | FD_CLOSE);
  q.a.enumerate(q.s, other);
  fill(q);
  resetByPeer(q);
  q.a.select(q.s, other, FD_WRITE | FD_CLOSE);
  t.own(q.a.enumerate(q.s, other));
});

row("E-63", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_WRITE | FD_CLOSE);
  t.own(p.a.enumerate(p.s, event));
  finByPeer(p);
  t.own(p.a.enumerate(p.s, event));
  const error = fill(p);
  t.result(error ? -1 : MUCH, error);
  empty(p);
  t.own(p.a.enumerate(p.s, event));
});

row("E-64", async (t) => {
  const p = await hosts(t);
  p.b.listener(PORT);
  const s = p.a.socket();
  const event = watch(p.a, s, ALL);
  p.a.connect(s, B, PORT);
  p.run(100);
  t.own(p.a.enumerate(s, event));
});

row("E-65", async (t) => {
  const p = await hosts(t);
  // Nobody listens; nobody answers a SYN; nobody answers ARP.
  const q = await scripted(t);
  for (const [world, address] of [[p, B], [q, B], [p, "10.0.0.77"]] as const) {
    const s = world.a.socket();
    const event = watch(world.a, s, ALL);
    world.a.connect(s, address, PORT);
    world.world.runUntil(() => world.a.signaled.includes(event), 600_000);
    for (let i = 0; i < 2; i++) {
      t.own(world.a.enumerate(s, event));
      world.run(1000);
    }
  }
});

row("E-66", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, ALL);
  t.own(p.a.enumerate(p.s, event));
});

row("E-67", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_CONNECT);
  for (let i = 0; i < 2; i++) {
    t.own(p.a.enumerate(p.s, event));
    p.a.select(p.s, event, FD_CONNECT);
  }
});

row("E-68", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  const event = watch(a, s, ALL);
  t.own(a.enumerate(s, event));
});

row("E-69", async (t) => {
  const p = await hosts(t);
  const s = p.a.socket("udp");
  p.a.bind(s, A, 5000);
  const event = watch(p.a, s, ALL);
  t.own(p.a.enumerate(s, event));
  p.a.sendTo(s, "x", B, 5000);
  p.run(100);
  p.a.select(s, event, FD_WRITE);
  t.own(p.a.enumerate(s, event));
});

/** A listener of a, watched for FD_ACCEPT, with some connections of b queued. */
async function queued(t: Check, connections: number): Promise<Awaited<ReturnType<typeof hosts>> & { listener: number; event: number }> {
  const p = await hosts(t);
  const listener = p.a.listener(PORT);
  const event = watch(p.a, listener, FD_ACCEPT);
  for (let i = 0; i < connections; i++) {
    const s = p.b.socket();
    p.until(p.b, () => p.b.connect(s, A, PORT));
  }
  p.run(50);
  return Object.assign(p, { listener, event });
}

row("E-70", async (t) => {
  const p = await queued(t, 1);
  t.own(p.a.enumerate(p.listener, p.event));
});

row("E-71", async (t) => {
  const p = await queued(t, 2);
  t.own(p.a.enumerate(p.listener, p.event));
  for (let i = 0; i < 2; i++) {
    accept(p.a, p.listener);
    t.own(p.a.enumerate(p.listener, p.event));
  }
});

row("E-72", async (t) => {
  const p = await queued(t, 1);
  t.own(p.a.enumerate(p.listener, p.event));
  decide(p.a, p.listener, W.CF_DEFER);
  t.result(p.a.accept(p.listener, 1), p.a.err);
  t.own(p.a.enumerate(p.listener, p.event));
});

row("E-74", async (t) => {
  for (const inline of [0, 1]) {
    const p = await scriptedConnection(t);
    p.a.setOption(p.s, W.SOL_SOCKET, W.SO_OOBINLINE, inline);
    const event = watch(p.a, p.s, FD_READ | FD_OOB);
    // RFC 9293 §3.8.5: the pointer stands behind the last urgent byte.
    p.peer.send("PSH,ACK,URG", { data: "!", urgent: 1 });
    p.run(100);
    t.own(p.a.enumerate(p.s, event));
  }
});
