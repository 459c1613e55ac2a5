/** The scenarios' side of the two threads: requests that wait for their answer, cores and a world made of them. */
import { once } from "node:events";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type CloseReportRecord, type Core, type CoreStats, HostArea } from "../../../host/core/index.ts";
import { MemoryViews } from "../../../host/core/memory.ts";
import type { Driver, DriverListener } from "../../../host/driver/index.ts";
import { type Answer, FLAG_WORDS, type Frame, NotRun, type Opened, type Place, type RemoteArea, type Request, type WireOptions } from "./protocol.ts";

/** How host sockets are made; the runner sets it before the first. koffi: where it is there. */
export const sockets = { koffi: true };

/** The other thread answers later than this only if it hangs. */
const PATIENCE_MS = 20_000;

export class SocketThread {
  /** Its modules are loaded. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #flag = new Int32Array(new SharedArrayBuffer(4 * FLAG_WORDS));

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#worker = new Worker(new URL("./entry.mjs", import.meta.url), {
      workerData: { flag: this.#flag.buffer, port: port2, options: { kernel: sockets.koffi } }, transferList: [port2],
    });
    this.ready = once(this.#worker, "message").then(() => {
      this.#worker.unref();
    });
    this.#port.unref();
  }

  ask(request: Request): Answer {
    Atomics.store(this.#flag, 0, 0);
    this.#worker.postMessage(request);
    // The notification of an answer that was already seen may come late, and wakes for nothing.
    while (Atomics.load(this.#flag, 0) === 0) {
      if (Atomics.wait(this.#flag, 0, 0, PATIENCE_MS) !== "timed-out") continue;
      stop();
      throw new Error(`the thread of the sockets did not answer to ${request.op}`);
    }
    const answer = receiveMessageOnPort(this.#port)?.message as Answer;
    if (answer.error) throw new Error(answer.error);
    if (answer.notRun) throw new NotRun(answer.notRun);
    return answer;
  }

  end(): void {
    this.#port.close();
    void this.#worker.terminate();
  }
}

let current: SocketThread | undefined;

/** Starts the thread if there is none. Only once it runs may this thread wait for it: Node loads its modules with this thread's help. */
export async function start(): Promise<void> {
  if (current) return;
  const thread = new SocketThread();
  await thread.ready;
  current = thread;
}

/** Ends the thread, with all that it holds. */
export function stop(): void {
  current?.end();
  current = undefined;
}

/** Ends the cores and sockets of the situations made so far. */
export function reset(): void {
  current?.ask({ op: "reset" });
}

/** The exports and memory of a core on the other thread. */
class RemoteCore {
  readonly exports: Readonly<Record<string, (...args: number[]) => number>>;
  readonly memory: MemoryViews;
  readonly area: HostArea;
  readonly #world: RemoteWorld;
  readonly #place: Place;

  constructor(world: RemoteWorld, place: Place, area: RemoteArea) {
    this.#world = world;
    this.#place = place;
    this.memory = new MemoryViews({ buffer: area.mirror } as unknown as WebAssembly.Memory);
    this.area = new HostArea(area.start, area.size);
    this.area.take(area.used);
    this.exports = new Proxy({}, {
      get: (_target, name) => (...args: number[]) => world.ask({ op: "call", world: world.id, place, name: String(name), args }).value as number,
    });
  }

  isEntry(index: number, name: string): boolean {
    return this.#world.ask({ op: "entry", world: this.#world.id, place: this.#place, index, name }).value as boolean;
  }

  stats(): CoreStats {
    return this.#world.ask({ op: "stats", world: this.#world.id, place: this.#place }).value as CoreStats;
  }
}

/** Time on the other thread, with the part of World that scenarios use. */
export class RemoteWorld {
  readonly id: number;
  readonly addresses: readonly [string, string];
  nowMs = 0;
  readonly #thread: SocketThread;
  readonly #areas: readonly [RemoteArea, RemoteArea];
  readonly #listeners: DriverListener[] = [];
  /** Told of every frame given to the wire, and of what arrives where the scripted peer is. */
  onFrame: (frame: Frame) => void = () => {};
  onArrived: (frame: Uint8Array) => void = () => {};

  constructor(build: string, configs: Extract<Request, { op: "open" }>["configs"], wire?: WireOptions) {
    if (!current) throw new Error("the thread of the sockets does not run");
    this.#thread = current;
    const opened = this.#thread.ask({ op: "open", build, configs, ...(wire && { wire }) }).value as Opened;
    this.id = opened.world;
    this.addresses = opened.addresses;
    this.#areas = opened.areas;
  }

  /** A core of the other thread, for Spi. */
  attach(place: Place, listener: DriverListener): { core: Core; driver: Driver } {
    this.#listeners[place] = listener;
    const core = new RemoteCore(this, place, this.#areas[place]) as unknown as Core;
    // The other thread polls by itself after every call.
    return { core, driver: { kick() {} } as unknown as Driver };
  }

  ask(request: Request): Answer {
    const answer = this.#thread.ask(request);
    this.nowMs = answer.now;
    for (const frame of answer.frames) this.onFrame(frame);
    for (const frame of answer.arrived) this.onArrived(frame);
    for (const [place, kind, handle, a, b] of answer.events) this.#listeners[place]?.event(kind, handle, a, b);
    for (const [place, report] of answer.reports) this.#listeners[place]?.report?.(report as CloseReportRecord);
    return answer;
  }

  runFor(ms: number): void {
    this.ask({ op: "run", world: this.id, ms });
  }

  runUntil(done: () => boolean, withinMs: number = Number.POSITIVE_INFINITY): boolean {
    const until = this.nowMs + Math.min(withinMs, Number.MAX_SAFE_INTEGER / 1e7);
    while (!done()) if (!this.ask({ op: "step", world: this.id, until }).value) return done();
    return true;
  }

  /** Lets the kernel's delayed acknowledgements arrive. */
  rest(): void {
    this.ask({ op: "rest", world: this.id });
  }
}
