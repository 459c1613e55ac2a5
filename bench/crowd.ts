/** Many connections between two cores: opened, used, idle, closed. Time in the cores is virtual, so their timers run as they would. */
import { SOCK_STREAM } from "../host/abi/winsock.gen.ts";
import { NS_PER_MS, VirtualClock } from "../host/index.ts";
import { type Ends, open } from "./exports.ts";
import type { Measure } from "./figures.ts";

const SERVER = "10.0.0.2";
/** Connections of one client address, and where their ports begin: bind chooses among 16,384 dynamic ones, so they are named. */
const PER_ADDRESS = 12_000;
const CLIENT_PORT = 20_000;
const PORT = 1000;
/** Connections that are under way at once: within a listener's backlog. */
const BATCH = 512;
/** Exactly one full segment with timestamps: Nagle holds back anything shorter. */
const SEGMENT = 1448;
/** Largest step of the virtual clock between two polls, ms. */
const STEP_MS = 50;
const IDLE_MS = 3000;
/** Turns within which a batch is connected. */
const PATIENCE = 200;
const TIME_WAIT_MS = 2000;
/** Connections that the server closes first and that are opened again out of its TIME_WAIT (RFC 6191). */
const REOPENED = 2048;

const clientAddress = (group: number): string => `10.0.1.${group + 1}`;

export interface Crowd {
  readonly ends: Ends;
  readonly pairs: readonly { readonly s: number; readonly t: number }[];
  /** By group: the connections of one client address. */
  readonly listeners: readonly number[];
  /** Lets virtual time pass. */
  pass(ms: number): void;
}

async function empty(wasm: WebAssembly.Module, n: number): Promise<{ ends: Ends; clock: VirtualClock; pass: (ms: number) => void }> {
  const clock = new VirtualClock(NS_PER_MS);
  const limits = { maxSockets: n + 64, maxConnections: n + 64, reportSlots: n + 64 };
  const ends = await open(wasm, 1500, { limits, clock, backlog: 1024, knobs: { timeWaitMs: TIME_WAIT_MS }, more: Array.from({ length: Math.ceil(n / PER_ADDRESS) }, (_, i) => clientAddress(i)) });
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= STEP_MS) {
      clock.jump(Math.min(left, STEP_MS));
      ends.turn();
      ends.turn();
    }
  };
  return { ends, clock, pass };
}

/** Opens n connections between two cores. */
export async function gather(wasm: WebAssembly.Module, n: number): Promise<Crowd> {
  const { ends, pass } = await empty(wasm, n);
  const { b } = ends;
  const pairs: { s: number; t: number }[] = [];
  const listeners: number[] = [];
  for (let group = 0; pairs.length < n; group++) {
    const port = PORT + group;
    const listener = b.calls.socket(SOCK_STREAM);
    if (!b.calls.bind(listener, { address: SERVER, port }) || !b.calls.listen(listener, 1024)) throw new Error(`listening on port ${port} failed with ${b.calls.error}`);
    listeners.push(listener);
    const most = Math.min(n, pairs.length + PER_ADDRESS);
    // The first of an address alone: while the peer asks for its neighbour, few packets are kept.
    while (pairs.length < most) openBatch(ends, listener, group, pairs.length % PER_ADDRESS === 0 ? 1 : Math.min(BATCH, most - pairs.length), pairs, pass);
  }
  return { ends, pairs, listeners, pass };
}

function openBatch({ a, b, turn }: Ends, listener: number, group: number, count: number, pairs: { s: number; t: number }[], pass: (ms: number) => void): void {
  const waiting: number[] = [];
  const [address, port] = [clientAddress(group), PORT + group];
  for (let i = 0; i < count; i++) {
    const s = a.calls.socket(SOCK_STREAM);
    const own = CLIENT_PORT + ((pairs.length + i) % PER_ADDRESS);
    if (!a.calls.bind(s, { address, port: own }) || (!a.calls.connect(s, { address: SERVER, port }) && !a.calls.mustWait)) throw new Error(`connection ${pairs.length + i} failed with ${a.calls.error}`);
    waiting.push(s);
  }
  // A SYN that found no room comes again after a second: ends are matched by port, not by order.
  const accepted = new Map<number, number>();
  for (let turns = 0; turns < PATIENCE && accepted.size < count; turns++) {
    turn();
    pass(1);
    for (let t = b.calls.accept(listener); t !== -1; t = b.calls.accept(listener)) accepted.set(b.calls.peerName(t)?.port ?? 0, t);
    if (turns > 4) pass(STEP_MS);
  }
  for (const [i, s] of waiting.entries()) {
    const t = accepted.get(CLIENT_PORT + (pairs.length % PER_ADDRESS));
    if (t === undefined || !a.calls.connect(s, { address: SERVER, port })) throw new Error(`connection ${i} of a batch is not made: ${a.calls.error}`);
    pairs.push({ s, t });
  }
  forget({ a, b });
}

const batch = new Uint32Array(1 << 16);
function forget({ a, b }: Pick<Ends, "a" | "b">): void {
  a.forgetEvents(batch);
  b.forgetEvents(batch);
}

/** What became of a crowd's life. */
export interface Life {
  readonly connections: number;
  readonly graceful: number;
  readonly openedPerSecond: number;
  readonly closedPerSecond: number;
  /** Linear memory of one core for each of its connections while all are idle, bytes. */
  readonly bytesIdle: number;
  /** Bytes of buffers in use, both cores: idle, and after everything is closed. */
  readonly buffersIdle: number;
  readonly buffersAfter: number;
  /** Control blocks in use at the end. */
  readonly left: number;
  /** Of the connections opened again while the server's TIME_WAIT lasted, the share that was. */
  readonly reopened: number;
}

/** Closes both ends of connections, `first` before the other, and hands their outcomes to `take`. */
function closeAll({ a, b, turn }: Ends, some: Crowd["pairs"], serverFirst: boolean, take: (outcome: string) => void): void {
  const rest = new Uint8Array(1);
  const [one, other] = serverFirst ? [b, a] : [a, b];
  for (const { s, t } of some) one.calls.close(serverFirst ? t : s);
  turn();
  turn();
  for (const { s, t } of some) {
    other.receive(serverFirst ? s : t, rest);
    other.calls.close(serverFirst ? s : t);
  }
  for (let turns = 0; turns < 3; turns++) turn();
  forget({ a, b });
  a.reports(take);
  b.reports(take);
}

/** The same four-tuples again, whose servers' ends are in TIME_WAIT: a newer timestamp begins a new connection. */
function reopen({ ends, pass, listeners }: Crowd, count: number): number {
  pass(10);
  const again: { s: number; t: number }[] = [];
  while (again.length < count) openBatch(ends, listeners[0] as number, 0, Math.min(BATCH, count - again.length), again, pass);
  for (let at = 0; at < count; at += BATCH) closeAll(ends, again.slice(at, at + BATCH), false, () => {});
  return again.length;
}

/** Opens n connections, makes a round trip on each, lets them idle, closes them gracefully and waits out TIME_WAIT. */
export async function life(wasm: WebAssembly.Module, n: number): Promise<Life> {
  const none = await empty(wasm, 64);
  const base = none.ends.a.memory.total;
  none.ends.close();
  const started = performance.now();
  const crowd = await gather(wasm, n);
  const { ends, pairs, pass } = crowd;
  const opened = performance.now();
  const { a, b } = ends;
  const [byte, target] = [new Uint8Array(1), new Uint8Array(1)];
  for (const [i, { s, t }] of pairs.entries()) {
    if (i % 64 === 0) pass(STEP_MS);
    a.send(s, byte, 1);
    ends.turn();
    if (b.receive(t, target, 1) !== 1) throw new Error("a byte did not arrive");
    b.send(t, byte, 1);
    b.poll();
    a.poll();
    if (a.receive(s, target, 1) !== 1) throw new Error("no byte came back");
    forget(ends);
  }
  pass(IDLE_MS);
  const buffersIdle = a.memory.buffers + b.memory.buffers;
  // All there is beyond a small stack's: tables, and the buffers that a batch of handshakes and one round trip had needed at a time.
  const bytesIdle = (Math.max(a.memory.total, b.memory.total) - base) / n;
  const closing = performance.now();
  let graceful = 0;
  const count = (outcome: string): void => {
    if (outcome === "graceful") graceful++;
  };
  const early = Math.min(n, REOPENED);
  // Those that will be opened again last, so that their TIME_WAIT is young.
  for (let at = early; at < n; at += BATCH) closeAll(ends, pairs.slice(at, at + BATCH), false, count);
  for (let at = 0; at < early; at += BATCH) closeAll(ends, pairs.slice(at, Math.min(early, at + BATCH)), true, count);
  const closed = performance.now();
  // What was held back by a delayed ACK or had to be repeated.
  pass(500);
  a.reports(count);
  b.reports(count);
  const settled = graceful / 2;
  const reopened = reopen(crowd, early) / early;
  pass(TIME_WAIT_MS + 1000);
  const result = {
    connections: n, graceful: settled, openedPerSecond: n / ((opened - started) / 1000), closedPerSecond: n / ((closed - closing) / 1000),
    bytesIdle, buffersIdle, buffersAfter: a.memory.buffers + b.memory.buffers, left: a.memory.connections + b.memory.connections, reopened,
  };
  ends.close();
  return result;
}

/** Nanoseconds for a segment of 1448 bytes from program to program, one at a time, on `active` of `n` connections in turn. */
export function segments(wasm: WebAssembly.Module, n: number, active: number): Measure {
  let made: Promise<Crowd> | undefined;
  const chunk = new Uint8Array(SEGMENT).fill(7);
  const target = new Uint8Array(SEGMENT);
  let next = 0;
  return {
    name: active === 1 ? `${n === 1 ? "the only connection" : `one among ${n}`}` : `round robin over ${active}`,
    async run(ms) {
      made ??= gather(wasm, n);
      const { ends: { a, b, turn }, pairs, pass } = await made;
      let sent = 0;
      const started = performance.now();
      let elapsed = 0;
      while (elapsed < ms) {
        for (let i = 0; i < 64; i++) {
          const { s, t } = pairs[next++ % active] as Crowd["pairs"][number];
          a.send(s, chunk, SEGMENT);
          turn();
          if (b.receive(t, target, SEGMENT) !== SEGMENT) throw new Error("a segment did not arrive");
        }
        pass(1);
        forget({ a, b });
        sent += 64;
        elapsed = performance.now() - started;
      }
      return (elapsed * 1e6) / sent;
    },
  };
}

/** One life of a crowd, lived once a run however many figures are made of it. */
export function lives(wasm: WebAssembly.Module, n: number): (figure: (life: Life) => number, name: string) => Measure {
  let lived: Promise<Life> | undefined;
  return (figure, name) => ({
    name,
    async run() {
      lived ??= life(wasm, n);
      return figure(await lived);
    },
  });
}
