/**
 * The thread that owns the event loop: pairs of cores on host sockets. Their clock is virtual and moves only while the kernel is
 * quiet, as far as real time has passed or REAL_MS at most: a row that waits an hour takes no hour, and an acknowledgement that
 * the kernel delays by 40 ms is not overtaken.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type CloseReportRecord, Core, type CoreConfig } from "../../../host/core/index.ts";
import { type Driver, World } from "../../../host/driver/index.ts";
import { FdTable, wasiImports } from "../../../host/wasi/index.ts";
import { socketsPart } from "../../../host/wasi/sockets.ts";
import { coreModule } from "../../host/support/spi.ts";
import { readFileSync } from "node:fs";
import { AddressedSockets, bufferStreams, PlacedSockets } from "./addresses.ts";
import type { Answer, Opened, Place, RemoteArea, Request, WireOptions } from "./protocol.ts";
import { KernelWire } from "./wire.ts";

/** Real milliseconds after which a kernel that shows nothing has nothing to show. Linux delays an acknowledgement by 40. */
const REAL_MS = 50;
/** The same where no core waits for anything. */
const QUIET_MS = 4;
/** The same while a call waits: a kernel's zero window probe comes after 200 ms. */
const IDLE_MS = 500;
/** Virtual time without a sign of life after which none is expected soon. */
const DULL_MS = 60_000;
/** The same on a wire of its own, where a row that runs this long may wait for what the kernel repeats. */
const LONG_MS = 5000;
const REPEATED_MS = 600;
/** A run takes no longer, whatever happens. */
const LONGEST_MS = 15_000;
const NS_PER_MS = 1e6;

type Entry = (...args: number[]) => number | undefined;

interface Side {
  readonly core: Core;
  readonly driver: Driver;
  readonly sockets: AddressedSockets | PlacedSockets;
  readonly area: RemoteArea;
}

const news: { events: [Place, number, number, number, number][]; reports: [Place, CloseReportRecord][]; fatal: Error | undefined } = {
  events: [], reports: [], fatal: undefined,
};

class Pair {
  readonly world = new World({ seed: 1 });
  readonly sides: readonly [Side, Side];
  readonly wire: KernelWire | undefined;
  /** Real and virtual time of the last sign of life. */
  #at = 0;
  #virtual = 0;
  /** A core was called since: what comes of it is still to come. */
  #touched = true;

  constructor(module: WebAssembly.Module, configs: readonly [CoreConfig, CoreConfig], addresses: readonly [string, string], wire?: WireOptions) {
    this.wire = wire && new KernelWire(this.world.clock, wire);
    const make = (place: Place): Side => {
      const at = this.wire?.places[place];
      const room = configs[place].recvBuffer;
      const sockets = at ? new PlacedSockets(at, room, workerData.options) : new AddressedSockets(place, addresses, room, workerData.options);
      const fds = new FdTable();
      const part = socketsPart(sockets, fds);
      const { clock, random } = this.world;
      const core = new Core(module, wasiImports({ clock, random, fds, sockets: part }), { maxSockets: 64, hostSockets: 64, ...configs[place] });
      const driver = this.world.attach(core, fds, {
        event: (kind, handle, a, b) => void news.events.push([place, kind, handle, a, b]),
        report: (report) => void news.reports.push([place, report]),
        fatal: (error) => {
          news.fatal = error;
        },
      });
      const { start, size, free } = core.area;
      return { core, driver, sockets, area: { start, size, used: size - free, mirror: new SharedArrayBuffer(start + size + 8) } };
    };
    bufferStreams(configs.map(({ recvBuffer }) => recvBuffer));
    this.sides = [make(0), make(1)];
  }

  call(place: Place, name: string, args: readonly number[]): number {
    const { core, area } = this.sides[place];
    const entry = (core.exports as unknown as Record<string, Entry | undefined>)[name];
    if (!entry) throw new Error(`the core exports no ${name}`);
    const mirror = new Uint8Array(area.mirror, area.start, area.size);
    core.memory.ensure();
    core.memory.u8.set(mirror, area.start);
    const result = entry(...args) ?? 0;
    core.memory.ensure();
    mirror.set(core.memory.u8.subarray(area.start, area.start + area.size));
    // A condition of runUntil asks for the state between any two steps: nothing comes of that.
    if (name === "socketState") return result;
    this.#touched = true;
    this.sides[place].driver.kick();
    return result;
  }

  /** Shows the other thread what the cores wrote meanwhile: buffers and records of overlapped operations. */
  shown<T>(value: T): T {
    for (const { core, area } of this.sides) {
      core.memory.ensure();
      new Uint8Array(area.mirror, area.start, area.size).set(core.memory.u8.subarray(area.start, area.start + area.size));
    }
    return value;
  }

  get #pending(): boolean {
    return this.sides.some(({ driver }) => driver.pending);
  }

  #alive(): void {
    this.#at = performance.now();
    this.#virtual = this.world.nowMs;
  }

  /** Polls the cores that want it. Readiness told by the event loop is a sign of life; polling for a deadline is none. */
  #poll(): boolean {
    const before = news.events.length;
    if (!this.#pending) return false;
    for (let i = 0; i < 1000 && this.#pending; i++) this.world.step(this.world.clock.now());
    return news.events.length > before;
  }

  /** Runs to virtual time `until`; with `first` only until there is news or a deadline has passed. Returns whether there was any. */
  async run(until: number, first: boolean): Promise<boolean> {
    const latest = performance.now() + LONGEST_MS;
    if (this.#touched || !first) this.#alive();
    this.#touched = false;
    const long = until - this.world.nowMs >= LONG_MS;
    const patience = long && this.wire?.patienceMs ? this.wire.patienceMs : first ? IDLE_MS : this.wire && long ? REPEATED_MS : this.wire ? REAL_MS : QUIET_MS;
    for (let turns = 0; performance.now() < latest; turns++) {
      if (this.wire?.moved) {
        this.wire.moved = false;
        this.#alive();
      }
      if (this.#pending) {
        if (this.#poll() && first) return true;
        this.#alive();
      }
      const next = this.world.clock.nextDeadline();
      const due = next !== undefined && next <= until * NS_PER_MS ? next / NS_PER_MS : undefined;
      const quiet = performance.now() - this.#at;
      if (due !== undefined && quiet >= Math.min(due - this.#virtual, REAL_MS)) {
        this.world.clock.advanceTo(due * NS_PER_MS);
        const told = this.#poll();
        if (told) this.#alive();
        if (first) return true;
        // Hours in which nothing happens need no look at the event loop after every timer.
        if (due - this.#virtual > DULL_MS && turns % 64 !== 0) continue;
      } else if (due === undefined && turns > 8 && quiet >= patience) break;
      await turn(turns);
    }
    if (!first) this.world.clock.advanceTo(until * NS_PER_MS);
    return false;
  }

  isEntry(place: Place, index: number, name: string): boolean {
    const exports = this.sides[place].core.exports as unknown as Record<string, unknown>;
    const table = exports["table"] as WebAssembly.Table;
    return index < table.length && table.get(index) === exports[name];
  }

  /** /proc/net/tcp as the kernel shows it there. */
  tableOf(place: Place): string {
    const read = (): string => readFileSync("/proc/thread-self/net/tcp", "utf8");
    return this.wire ? this.wire.places[place].within(read) : read();
  }

  async rest(): Promise<void> {
    this.#alive();
    for (let turns = 0; performance.now() - this.#at < REAL_MS; turns++) {
      this.#poll();
      await turn(turns);
    }
  }

  end(): void {
    for (const { driver, sockets } of this.sides) {
      driver.close();
      sockets.dispose();
    }
    this.wire?.close();
  }
}

/** One turn of the event loop; after some without news, a timer's, which leaves the processor to others. */
function turn(count: number): Promise<void> {
  return new Promise((resolve) => (count < 16 ? setImmediate(resolve) : setTimeout(resolve, 1)));
}

const pairs: Pair[] = [];
let opened = 0;

/** Two addresses of 127/8 that no other situation of this process has, nor, most likely, of another process. */
function addressPair(): [string, string] {
  const low = 2 * (opened++ % 120) + 4;
  const net = `127.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}`;
  return [`${net}.${low}`, `${net}.${low + 1}`];
}

async function open({ build, configs, wire }: Extract<Request, { op: "open" }>): Promise<Opened> {
  const addresses: [string, string] = wire ? ["10.0.0.1", "10.0.0.2"] : addressPair();
  const pair = new Pair(await coreModule(build), configs, addresses, wire);
  pairs.push(pair);
  return { world: pairs.length - 1, areas: [pair.sides[0].area, pair.sides[1].area], addresses };
}

async function perform(request: Request): Promise<Answer["value"]> {
  if (request.op === "open") return open(request);
  if (request.op === "reset") {
    for (const pair of pairs.splice(0)) pair.end();
    return undefined;
  }
  const pair = pairs[request.world];
  if (!pair) throw new Error(`no world ${request.world}`);
  switch (request.op) {
    case "call": return pair.call(request.place, request.name, request.args);
    case "run": return pair.shown(await pair.run(pair.world.nowMs + request.ms, false));
    case "step": return pair.shown(await pair.run(request.until, true));
    case "frame": return void pair.wire?.inject(request.frame);
    case "script": return void pair.wire?.script();
    case "entry": return pair.isEntry(request.place, request.index, request.name);
    case "plug": return void pair.wire?.plug(request.open);
    case "sockets": return pair.tableOf(request.place);
    case "rest": return void pair.shown(await pair.rest());
    default: return pair.sides[request.place].core.stats();
  }
}

async function answer(request: Request): Promise<Answer> {
  let value: Answer["value"];
  let error: string | undefined;
  try {
    value = await perform(request);
  } catch (thrown) {
    error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  }
  error ??= news.fatal?.stack;
  news.fatal = undefined;
  const elsewhere = pairs.flatMap(({ sides }) => sides.map(({ sockets }) => sockets.elsewhere)).find((one) => one !== "");
  const pair = "world" in request ? pairs[request.world] : undefined;
  const now = pair?.world.nowMs ?? 0;
  return {
    ...(value !== undefined && { value }), ...(error !== undefined && { error }),
    ...(elsewhere && { notRun: `needs a machine at ${elsewhere}` }), now, events: news.events.splice(0), frames: pair?.wire?.takeFrames() ?? [], arrived: pair?.wire?.takeArrived() ?? [], reports: news.reports.splice(0),
  };
}

const flag = new Int32Array(workerData.flag as SharedArrayBuffer);
process.on("uncaughtException", (error) => {
  news.fatal ??= error;
});
parentPort?.on("message", (request: Request) => {
  void answer(request).then((one) => {
    (workerData.port as MessagePort).postMessage(one);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  });
});
parentPort?.postMessage("ready");
