/**
 * Instructions of the core for a segment of a bulk transfer, a round trip and a connection, at both ends together: two cores on a memory
 * link of MTU 1500 in virtual time, with seeded randomness. The same core gives the same numbers wherever it runs.
 */
import { readFileSync } from "node:fs";
import { LASTACK_WAIT } from "../host/abi/errors.gen.ts";
import { SOCK_STREAM } from "../host/abi/winsock.gen.ts";
import { SeededRandom, VirtualClock } from "../host/index.ts";
import { type Ends, End, open } from "./exports.ts";
import { functionNames, ICOUNT, instrument, MOVED } from "./instrument.ts";

const SERVER = { address: "10.0.0.2", port: 7 };
const CHUNK = 65_536;
/** Turns before counting begins: slow start is over, buffers have their size. */
const WARM_UP = 64;
const BULK_TURNS = 128;
const TRIPS = 500;
const CONNECTIONS = 200;
/** Virtual time of one turn, ms. */
const TURN_MS = 0.05;
const PATIENCE = 10_000;

/** One kind of work, per piece of it. */
export interface Cost {
  readonly instructions: number;
  /** Bytes that memory.copy and memory.fill moved. */
  readonly moved: number;
}

export interface Costs {
  /** Of 1448 bytes in one direction: header with timestamps, ACKs included. */
  readonly bulkSegment: Cost;
  /** One byte there and one back. */
  readonly roundTrip: Cost;
  /** Handshake, accept, close on both sides, both reports. */
  readonly connection: Cost;
}

export const KINDS = ["bulkSegment", "roundTrip", "connection"] as const satisfies readonly (keyof Costs)[];

/** Counters of both cores: by function, and bytes moved. */
class Counter {
  readonly #sides: (readonly WebAssembly.Global<"i64">[])[];
  readonly #moved: readonly WebAssembly.Global<"i64">[];

  constructor(ends: Ends) {
    const all = [ends.a, ends.b].map((end) => end.calls.core.exports as unknown as Record<string, WebAssembly.Global<"i64">>);
    this.#sides = all.map((exports) => Object.keys(exports).filter((name) => name.startsWith(ICOUNT)).map((name) => exports[name] as WebAssembly.Global<"i64">));
    this.#moved = all.map((exports) => exports[MOVED] as WebAssembly.Global<"i64">);
  }

  read(): { functions: number[]; moved: number } {
    const functions = (this.#sides[0] ?? []).map((_, i) => this.#sides.reduce((sum, side) => sum + Number((side[i] as WebAssembly.Global<"i64">).value), 0));
    return { functions, moved: this.#moved.reduce((sum, { value }) => sum + Number(value), 0) };
  }
}

interface Count {
  readonly cost: Cost;
  /** Instructions by function, per piece. */
  readonly functions: readonly number[];
}

/** Counts what `run` costs, by piece; it returns how many pieces it did. */
function counted(ends: Ends, run: () => number): Count {
  const counter = new Counter(ends);
  const before = counter.read();
  const pieces = run();
  const after = counter.read();
  const functions = after.functions.map((count, i) => (count - (before.functions[i] as number)) / pieces);
  const instructions = functions.reduce((sum, count) => sum + count, 0);
  const rounded = (value: number): number => Math.round(value * 10) / 10;
  return { cost: { instructions: rounded(instructions), moved: rounded((after.moved - before.moved) / pieces) }, functions };
}

class Bench {
  readonly ends: Ends;
  readonly #clock: VirtualClock;
  readonly #batch: Uint32Array;

  constructor(ends: Ends, clock: VirtualClock) {
    this.ends = ends;
    this.#clock = clock;
    this.#batch = new Uint32Array(Math.max(ends.a.batchWords, ends.b.batchWords));
  }

  turn(): void {
    this.#clock.advance(TURN_MS);
    this.ends.turn();
  }

  #until(end: End, attempt: () => boolean): void {
    for (let n = 0; n < PATIENCE; n++) {
      if (attempt()) return;
      if (end.calls.error !== LASTACK_WAIT) throw new Error(`a call failed with ${end.calls.error}`);
      this.turn();
    }
    throw new Error("a call waits for ever");
  }

  connect(): { s: number; t: number } {
    const { a, b, listener } = this.ends;
    const s = a.calls.socket(SOCK_STREAM);
    this.#until(a, () => a.calls.connect(s, SERVER));
    let t = -1;
    this.#until(b, () => {
      t = b.calls.accept(listener);
      return t !== -1;
    });
    return { s, t };
  }

  bulk(): Count {
    const { a, b } = this.ends;
    const { s, t } = this.connect();
    const [chunk, target] = [new Uint8Array(CHUNK).fill(7), new Uint8Array(CHUNK)];
    const segment = a.calls.tcpInfo(s)?.mss ?? 0;
    const pour = (turns: number): number => {
      let bytes = 0;
      for (let i = 0; i < turns; i++) {
        a.send(s, chunk, CHUNK);
        this.turn();
        bytes += b.receive(t, target);
      }
      return bytes / segment;
    };
    pour(WARM_UP);
    const count = counted(this.ends, () => pour(BULK_TURNS));
    a.calls.abort(s);
    b.calls.abort(t);
    this.turn();
    return count;
  }

  roundTrips(): Count {
    const { a, b } = this.ends;
    const { s, t } = this.connect();
    const [byte, target] = [new Uint8Array(1), new Uint8Array(1)];
    const pass = (from: End, source: number, to: End, sink: number): void => {
      from.send(source, byte, 1);
      for (let n = 0; n < PATIENCE; n++) {
        this.#clock.advance(TURN_MS);
        from.poll();
        to.poll();
        if (to.receive(sink, target, 1) > 0) return;
      }
      throw new Error("a byte got lost");
    };
    const trips = (count: number): number => {
      for (let i = 0; i < count; i++) {
        pass(a, s, b, t);
        pass(b, t, a, s);
      }
      return count;
    };
    trips(WARM_UP);
    const count = counted(this.ends, () => trips(TRIPS));
    a.calls.abort(s);
    b.calls.abort(t);
    this.turn();
    return count;
  }

  connections(): Count {
    const { a, b } = this.ends;
    const target = new Uint8Array(1);
    const lives = (count: number): number => {
      for (let i = 0; i < count; i++) {
        const { s, t } = this.connect();
        a.calls.close(s);
        this.turn();
        b.receive(t, target);
        b.calls.close(t);
        this.turn();
        this.turn();
        a.forgetNews(this.#batch);
        b.forgetNews(this.#batch);
      }
      return count;
    };
    lives(WARM_UP);
    return counted(this.ends, () => lives(CONNECTIONS));
  }
}

export interface Result {
  readonly costs: Costs;
  /** Instructions by function and kind of work, most of them first; names only if the module has them. */
  readonly functions: readonly { readonly name: string; readonly cost: Readonly<Record<keyof Costs, number>> }[];
}

/** Counts for the build in `file`. */
export async function countInstructions(file: string): Promise<Result> {
  const bytes = new Uint8Array(readFileSync(file));
  const module = await WebAssembly.compile(instrument(bytes));
  const clock = new VirtualClock();
  const work = async (run: (bench: Bench) => Count): Promise<Count> => {
    const ends = await open(module, 1500, { clock, random: new SeededRandom(1) });
    try {
      return run(new Bench(ends, clock));
    } finally {
      ends.close();
    }
  };
  const counts = { bulkSegment: await work((bench) => bench.bulk()), roundTrip: await work((bench) => bench.roundTrips()), connection: await work((bench) => bench.connections()) };
  const names = functionNames(bytes);
  const functions = counts.bulkSegment.functions.map((_, i) => {
    const of = (kind: keyof Costs): number => counts[kind].functions[i] as number;
    return { name: names?.[i] ?? `function ${i}`, cost: { bulkSegment: of("bulkSegment"), roundTrip: of("roundTrip"), connection: of("connection") } };
  });
  return {
    costs: { bulkSegment: counts.bulkSegment.cost, roundTrip: counts.roundTrip.cost, connection: counts.connection.cost },
    functions: functions.sort((x, y) => y.cost.bulkSegment - x.cost.bulkSegment),
  };
}

/** What bench/instructions.json holds: instructions by build and kind of work. */
export type Limits = Readonly<Record<string, Readonly<Record<keyof Costs, number>>>>;

/** How far above its limit a count may be: what a change of the code around it may cost in passing. */
export const TOLERANCE = 0.02;

export interface Compared {
  readonly build: string;
  readonly kind: keyof Costs;
  readonly count: number;
  readonly limit: number;
  readonly moved: number;
  readonly over: boolean;
}

export function limitsOf(counted: Readonly<Record<string, Costs>>): Limits {
  return Object.fromEntries(Object.entries(counted).map(([build, costs]) => [build, {
    bulkSegment: costs.bulkSegment.instructions, roundTrip: costs.roundTrip.instructions, connection: costs.connection.instructions,
  }]));
}

/** Every count beside its limit; a build or kind without one is an error. */
export function compare(counted: Readonly<Record<string, Costs>>, limits: Limits): Compared[] {
  return Object.entries(counted).flatMap(([build, costs]) => KINDS.map((kind) => {
    const limit = limits[build]?.[kind];
    if (limit === undefined) throw new Error(`bench/instructions.json has no limit for ${build} ${kind}; npm run icount -- --write makes one`);
    const { instructions: count, moved } = costs[kind];
    return { build, kind, count, limit, moved, over: count > limit * (1 + TOLERANCE) };
  }));
}
