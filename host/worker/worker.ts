/** A stack in a thread of its own, as the program's thread sees it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { EVENT_WAKE } from "../abi/events.gen.ts";
import type { Backend } from "../api/backend.ts";
import { loadCore } from "../api/host.ts";
import { checkStackOptions, type StackOptions } from "../api/options.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { CoreError, type CoreStats } from "../core/index.ts";
import { toThreadDevice } from "../device/thread-device.ts";
import type { DriverListener } from "../driver/index.ts";
import type { Lane } from "./lane.ts";
import { type Caller, RemoteCalls, type Reply } from "./remote.ts";
import {
  type Answer, MAIN_BELL, makeControl, POSTED, powerOfTwo, REPLIES, type Request, ring, type SentError, THREAD_BELL, type ThreadStart, WordQueue,
} from "./shared.ts";

/** The thread's program: beside the bundle, or in build/ as seen from this file. */
const PLACES = ["./worker.mjs", "../../build/worker.mjs"];
/** A thread that does not answer for so long has failed: its calls take microseconds. */
const ANSWER_MS = 30_000;
/** Rings of a connection are as large as the core's buffers, within these bounds, bytes. */
const RING_LEAST = 4096;
const RING_MOST = 1 << 17;
const DEFAULT_BUFFER = 1 << 18;
const DEFAULT_SOCKETS = 1024;

const ringBytes = (buffer = DEFAULT_BUFFER): number => Math.min(RING_MOST, Math.max(RING_LEAST, powerOfTwo(buffer)));

function threadProgram(): URL {
  const found = PLACES.map((place) => new URL(place, import.meta.url)).find((url) => existsSync(fileURLToPath(url)));
  if (!found) throw new CoreError("E_LOAD", 'worker.mjs is not beside this library: in a bundled program copy node_modules/lastack/build/worker.mjs beside the bundle, in a checkout run "npm run build"');
  return found;
}

/** As it was thrown there. */
function received({ name, message, code }: SentError): Error {
  if (name === "CoreError") return new CoreError(code ?? "E_STATE", message);
  const kind = { RangeError, TypeError }[name] ?? Error;
  return new kind(message);
}

export class WorkerBackend implements Backend, Caller {
  calls!: RemoteCalls;
  readonly clock: Clock = systemClock;
  readonly hostSockets: boolean;

  readonly #listener: DriverListener;
  readonly #receiveBytes: number;
  readonly #sendBytes: number;
  readonly #control = new Int32Array(makeControl());
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #work: WordQueue;
  readonly #news: WordQueue;
  readonly #pair = new Int32Array(2);
  /** Settles openWorker. */
  #started: { resolve: () => void; reject: (error: Error) => void } | undefined;
  /** Answers that came while a call waited for its own: told when that is done. */
  #late: Answer[] = [];
  /** Wakes of this side's own making. */
  #wakes: [handle: number, operation: number][] = [];
  #turn: ReturnType<typeof setImmediate> | undefined;
  /** The bell is to be rung at the end of this turn's microtasks. */
  #rung = false;
  #ended = false;
  /** What the thread failed of. */
  #failure: Error | undefined;

  constructor(options: StackOptions, module: WebAssembly.Module, listener: DriverListener) {
    const { limits, knobs, addresses, routes, hostSockets } = options;
    this.#listener = listener;
    this.#receiveBytes = ringBytes(limits?.receiveBuffer);
    this.#sendBytes = ringBytes(limits?.sendBuffer);
    this.hostSockets = hostSockets !== undefined && hostSockets !== false;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const sockets = limits?.maxSockets ?? DEFAULT_SOCKETS;
    // Each lane stands in the queue of work at most once; a socket has at most one wait of each kind.
    const work = WordQueue.make(4 * Math.max(sockets, limits?.maxConnections ?? 2 * sockets));
    const news = WordQueue.make(16 * sockets);
    this.#work = new WordQueue(work);
    this.#news = new WordQueue(news);
    const start: ThreadStart = {
      port: port2, control: this.#control.buffer as SharedArrayBuffer, work, news, module,
      devices: (options.devices ?? []).map(toThreadDevice),
      options: { limits, knobs, addresses, routes, hostSockets },
    };
    this.#worker = new Worker(threadProgram(), { workerData: start, transferList: [port2], execArgv: [], name: "lastack" });
    this.#worker.on("error", (error) => this.#fail(`the stack's thread failed: ${error.message}`));
    this.#worker.on("exit", (code) => this.#fail(`the stack's thread ended with code ${code}`));
  }

  /** Resolves when the thread's core runs. */
  async start(): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.#started = { resolve, reject };
    });
    void this.#listen();
    await started;
  }

  call(name: string, handle: number, args: readonly unknown[], lane: number): Reply | undefined {
    if (this.#ended) return undefined;
    const before = Atomics.load(this.#control, REPLIES);
    this.#post({ type: "call", name, handle, args, lane });
    ring(this.#control, THREAD_BELL);
    const deadline = performance.now() + ANSWER_MS;
    while (Atomics.load(this.#control, REPLIES) === before) {
      Atomics.wait(this.#control, REPLIES, before, ANSWER_MS);
      if (Atomics.load(this.#control, REPLIES) === before && performance.now() > deadline) {
        this.#fail(`the stack's thread has not answered ${name} within ${ANSWER_MS / 1000} s`);
        throw this.#failure;
      }
    }
    for (let answer = this.#receive(); answer; answer = this.#receive()) {
      if (answer.type === "reply") return answer;
      this.#late.push(answer);
      this.#soon();
    }
    this.#tellLate();
    this.#fail("the stack's thread failed");
    throw this.#failure;
  }

  announce(id: number, buffer: SharedArrayBuffer, receiveBytes: number): void {
    this.#post({ type: "lane", id, buffer, receiveBytes });
  }

  submit(lane: Lane): void {
    if (lane.enqueue()) this.#work.put(lane.id, 0);
    this.kick();
  }

  wakeLater(handle: number, operation: number): void {
    this.#wakes.push([handle, operation]);
    this.#soon();
  }

  /** Rings once for all that was submitted in this turn. */
  kick(): void {
    if (this.#rung || this.#ended) return;
    this.#rung = true;
    queueMicrotask(() => {
      this.#rung = false;
      ring(this.#control, THREAD_BELL);
    });
  }

  kickIfDue(): void {
    this.kick();
  }

  stats(): CoreStats {
    return (this.call("stats", -1, [], -1)?.result ?? {}) as CoreStats;
  }

  stop(): void {
    if (this.#ended) return;
    this.call("stop", -1, [], -1);
    this.#tellLate();
    this.#takeAll();
    this.#end();
    // Sockets of the operating system may still have something to deliver; then the thread ends after that.
    if (!this.hostSockets) this.#worker.unref();
  }

  #end(): void {
    this.#ended = true;
    if (this.#turn) clearImmediate(this.#turn);
    ring(this.#control, MAIN_BELL);
  }

  #post(request: Request): void {
    this.#port.postMessage(request);
    Atomics.add(this.#control, POSTED, 1);
  }

  #receive(): Answer | undefined {
    return receiveMessageOnPort(this.#port)?.message as Answer | undefined;
  }

  /** Looks up each time the bell rings, at most once per turn of the event loop. */
  async #listen(): Promise<void> {
    while (!this.#ended) {
      const seen = Atomics.load(this.#control, MAIN_BELL);
      this.calls?.newTurn();
      this.#takeAll();
      const change = Atomics.waitAsync(this.#control, MAIN_BELL, seen);
      await (change.async ? change.value : new Promise((resolve) => setImmediate(resolve)));
    }
  }

  /** A turn of the event loop in which to do what had to wait for one. */
  #soon(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.calls.newTurn();
      this.#tellLate();
      for (const [handle, operation] of this.#wakes.splice(0)) this.#listener.event(EVENT_WAKE, handle, 0, operation);
    });
  }

  #tellLate(): void {
    for (const answer of this.#late.splice(0)) this.#tell(answer);
  }

  #takeAll(): void {
    this.#tellLate();
    for (let answer = this.#receive(); answer; answer = this.#receive()) this.#tell(answer);
    while (!this.#ended && this.#news.take(this.#pair)) {
      this.#listener.event(EVENT_WAKE, (this.#pair[0] as number) >>> 0, 0, this.#pair[1] as number);
    }
  }

  #tell(answer: Answer): void {
    if (answer.type === "ready") {
      this.calls = new RemoteCalls(this, answer.area, this.#receiveBytes, this.#sendBytes);
      this.#started?.resolve();
      this.#started = undefined;
    } else if (answer.type === "report") {
      this.calls.released(answer.record.handle);
      this.#listener.report?.(answer.record);
    } else if (answer.type === "fatal") {
      this.#failWith(received(answer.error));
    }
  }

  #fail(text: string): void {
    if (this.#ended) return;
    // What the thread said last says more than that it ended.
    for (let answer = this.#receive(); answer; answer = this.#receive()) if (answer.type === "fatal") this.#tell(answer);
    this.#failWith(new CoreError("E_STATE", text));
  }

  #failWith(error: Error): void {
    if (this.#ended) return;
    this.#failure = error;
    this.#end();
    void this.#worker.terminate();
    if (this.#started) this.#started.reject(error);
    else this.#listener.fatal(error);
  }
}

/**
 * Starts a thread with a stack in it.
 * @throws as openHost does.
 */
export async function openWorker(options: StackOptions, listener: DriverListener): Promise<Backend> {
  checkStackOptions(options);
  const backend = new WorkerBackend(options, await loadCore(options.wasm), listener);
  await backend.start();
  return backend;
}
