/** Lastack at the core's exports: two cores on a memory link, polled in turn, no driver, no promises. */
import { LASTACK_WAIT } from "../host/abi/errors.gen.ts";
import { SOCK_STREAM } from "../host/abi/winsock.gen.ts";
import { Calls, type Host, openHost, type StackOptions } from "../host/api/raw.ts";
import { type Clock, memoryLink, type RandomSource, type Runtime, systemClock, systemRandom } from "../host/index.ts";
import type { Measure } from "./figures.ts";
import { WINDOW } from "./promises.ts";

const GBIT = 8e-9;
const CHUNK = 65_536;
const PORT = 7;
const SERVER = "10.0.0.2";
/** Turns between two looks at the clock. */
const TURNS = 64;
/** Turns within which a call that waits must come to its end. */
const PATIENCE = 10_000;

/** Nobody drives: the measure polls. */
const UNDRIVEN: Runtime = {
  clock: systemClock,
  random: systemRandom,
  attach: () => ({ kick() {}, close() {} }) as unknown as ReturnType<Runtime["attach"]>,
};

/** One core, its calls, and bytes to and from its sockets by the exports themselves. */
export class End {
  readonly calls: Calls;
  readonly #core: Host["core"];
  readonly #clock: Clock;
  /** Places for a length and an error number. */
  readonly #length: number;
  readonly #errno: number;

  constructor({ core, runtime }: Host) {
    this.#core = core;
    this.#clock = runtime.clock;
    this.calls = new Calls(core);
    this.#length = this.calls.data;
    this.#errno = this.calls.data + 4;
  }

  /** Polls at `now` of the clock, ns: who polls several in turn need not look at it for each. */
  poll(now = this.#clock.now()): void {
    this.#core.poll(now);
  }

  /** Takes the wake-ups, so that they do not pile up. */
  forgetEvents(batch: Uint32Array): void {
    while (this.#core.pullEvents(batch) > 0);
  }

  /** Takes the reports as well. */
  forgetNews(batch: Uint32Array): void {
    this.forgetEvents(batch);
    while (this.#core.pullReport() !== undefined);
  }

  /** Bytes of linear memory, those of them that hold buffers, and control blocks in use. */
  get memory(): { total: number; buffers: number; connections: number } {
    const { memoryBytes, bufferBytes, tcpCurrent } = this.#core.stats();
    return { total: memoryBytes, buffers: bufferBytes, connections: tcpCurrent };
  }

  /** Hands each close report to `take`. */
  reports(take: (outcome: string) => void): void {
    for (let report = this.#core.pullReport(); report !== undefined; report = this.#core.pullReport()) take(report.outcome);
  }

  get batchWords(): number {
    return this.#core.eventCapacity * 4;
  }

  /** Sends from `chunk` while there is room; returns how many bytes. */
  send(s: number, chunk: Uint8Array, most: number): number {
    const { exports, memory } = this.#core;
    let total = 0;
    while (total < most) {
      const at = exports.reserve(s, Math.min(chunk.length, most - total), this.#length, this.#errno) >>> 0;
      if (at === 0) return total;
      memory.ensure();
      const room = memory.i32[this.#length >>> 2] as number;
      if (room === 1) memory.u8[at] = chunk[0] as number;
      else memory.u8.set(room === chunk.length ? chunk : chunk.subarray(0, room), at);
      exports.commit(s, room, this.#errno);
      total += room;
    }
    return total;
  }

  /** Receives to `target` what is there, until `enough` bytes have come; returns how many. */
  receive(s: number, target: Uint8Array, enough = Number.POSITIVE_INFINITY): number {
    const { exports, memory } = this.#core;
    let total = 0;
    for (;;) {
      const at = exports.peek(s, this.#length, this.#errno) >>> 0;
      if (at === 0) return total;
      memory.ensure();
      const length = Math.min(memory.i32[this.#length >>> 2] as number, target.length);
      if (length === 0) return total;
      if (length === 1) target[0] = memory.u8[at] as number;
      else target.set(memory.u8.subarray(at, at + length));
      exports.consume(s, length, this.#errno);
      total += length;
      if (total >= enough) return total;
    }
  }
}

export interface Ends {
  readonly a: End;
  readonly b: End;
  readonly listener: number;
  turn(): void;
  close(): void;
}

export interface OpenOptions {
  readonly limits?: NonNullable<StackOptions["limits"]>;
  readonly knobs?: NonNullable<StackOptions["knobs"]>;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  readonly backlog?: number;
  /** Further addresses of the first end. */
  readonly more?: readonly string[];
}

export async function open(wasm: WebAssembly.Module, mtu: number, { limits = { sendBuffer: WINDOW, receiveBuffer: WINDOW }, knobs = {}, clock = systemClock, random = systemRandom, backlog = 16, more = [] }: OpenOptions = {}): Promise<Ends> {
  const link = memoryLink({ mtu });
  const options = { wasm, runtime: { ...UNDRIVEN, clock, random }, limits, knobs };
  const listener = { event() {}, fatal(error: Error) { throw error; } };
  const a = new End(await openHost({ ...options, devices: [link.a], addresses: ["10.0.0.1/16", ...more.map((address) => `${address}/16`)] }, listener));
  const b = new End(await openHost({ ...options, devices: [link.b], addresses: [`${SERVER}/16`] }, listener));
  const listening = b.calls.socket(SOCK_STREAM);
  if (!b.calls.bind(listening, { address: SERVER, port: PORT }) || !b.calls.listen(listening, backlog)) throw new Error(`listening failed: ${b.calls.error}`);
  const turn = (): void => {
    const now = clock.now();
    a.poll(now);
    b.poll(now);
  };
  return { a, b, listener: listening, turn, close: () => link.close() };
}

/** Repeats a call that waits, giving both cores a turn in between. */
function until(ends: Ends, calls: Calls, attempt: () => boolean): void {
  for (let n = 0; n < PATIENCE; n++) {
    if (attempt()) return;
    if (calls.error !== LASTACK_WAIT) throw new Error(`a call failed with ${calls.error}`);
    ends.turn();
  }
  throw new Error("a call waits for ever");
}

/** A connection: its end on a, and on b. */
function connect(ends: Ends): { s: number; t: number } {
  const { a, b, listener } = ends;
  const s = a.calls.socket(SOCK_STREAM);
  until(ends, a.calls, () => a.calls.connect(s, { address: SERVER, port: PORT }));
  let t = -1;
  until(ends, b.calls, () => {
    t = b.calls.accept(listener);
    return t !== -1;
  });
  return { s, t };
}

/** Gbit/s, and those of the first and the last `part` of the time. */
function flow(ends: Ends, ms: number, part = ms): { rate: number; first: number; last: number } {
  const { a, b } = ends;
  const { s, t } = connect(ends);
  const [chunk, target] = [new Uint8Array(CHUNK).fill(7), new Uint8Array(CHUNK)];
  const samples: { at: number; bytes: number }[] = [{ at: 0, bytes: 0 }];
  let bytes = 0;
  const started = performance.now();
  for (let at = 0; at < ms; ) {
    for (let n = 0; n < TURNS; n++) {
      a.send(s, chunk, CHUNK);
      ends.turn();
      bytes += b.receive(t, target);
    }
    at = performance.now() - started;
    samples.push({ at, bytes });
  }
  const end = samples.at(-1) as { at: number; bytes: number };
  const rate = (from: { at: number; bytes: number }, to: { at: number; bytes: number }): number => ((to.bytes - from.bytes) * GBIT) / ((to.at - from.at) / 1000);
  const early = samples.find(({ at }) => at >= part) ?? end;
  const late = samples.findLast(({ at }) => at <= end.at - part) ?? (samples[0] as { at: number; bytes: number });
  a.calls.abort(s);
  b.calls.abort(t);
  return { rate: rate(samples[0] as { at: number; bytes: number }, end), first: rate(samples[0] as { at: number; bytes: number }, early), last: rate(late, end) };
}

async function using<T>(wasm: WebAssembly.Module, mtu: number, use: (ends: Ends) => T): Promise<T> {
  const ends = await open(wasm, mtu);
  try {
    return use(ends);
  } finally {
    ends.close();
  }
}

export function bulk(wasm: WebAssembly.Module, mtu: number): Measure {
  return { name: `exports, memory link, MTU ${mtu}`, run: (ms) => using(wasm, mtu, (ends) => flow(ends, ms).rate) };
}

/** How many times longer than the other measures this one takes: ten seconds where those take 400 ms. */
const LONG = 25;

/** The last tenth of a long transfer against its first. */
export function decay(wasm: WebAssembly.Module): Measure {
  return {
    name: "exports, memory link, a long transfer",
    run: (ms) => using(wasm, 1500, (ends) => {
      const { first, last } = flow(ends, ms * LONG, (ms * LONG) / 10);
      return last / first;
    }),
  };
}

export function roundTrips(wasm: WebAssembly.Module): Measure {
  return {
    name: "exports, memory link",
    run: (ms) => using(wasm, 1500, (ends) => {
      const { a, b } = ends;
      const { s, t } = connect(ends);
      const [byte, target] = [new Uint8Array(1), new Uint8Array(1)];
      const pass = (from: End, source: number, to: End, sink: number): void => {
        from.send(source, byte, 1);
        for (let n = 0; n < PATIENCE; n++) {
          const now = systemClock.now();
          from.poll(now);
          to.poll(now);
          if (to.receive(sink, target, 1) > 0) return;
        }
        throw new Error("a byte got lost");
      };
      let trips = 0;
      const started = performance.now();
      let elapsed = 0;
      while (elapsed < ms) {
        for (let n = 0; n < TURNS; n++) {
          pass(a, s, b, t);
          pass(b, t, a, s);
        }
        trips += TURNS;
        elapsed = performance.now() - started;
      }
      return trips / (elapsed / 1000);
    }),
  };
}

export function connections(wasm: WebAssembly.Module): Measure {
  return {
    name: "exports, memory link",
    run: (ms) => using(wasm, 1500, (ends) => {
      const { a, b } = ends;
      const target = new Uint8Array(1);
      const batch = new Uint32Array(Math.max(a.batchWords, b.batchWords));
      let made = 0;
      const started = performance.now();
      let elapsed = 0;
      while (elapsed < ms) {
        const { s, t } = connect(ends);
        a.calls.close(s);
        ends.turn();
        b.receive(t, target);
        b.calls.close(t);
        ends.turn();
        ends.turn();
        a.forgetNews(batch);
        b.forgetNews(batch);
        made++;
        elapsed = performance.now() - started;
      }
      if (a.calls.exports.orphans() + b.calls.exports.orphans() > 0) throw new Error("a connection is not closed");
      return made / (elapsed / 1000);
    }),
  };
}
