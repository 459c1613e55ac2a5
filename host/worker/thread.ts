/** The program of the thread in which a stack runs. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { openHost } from "../api/host.ts";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { openThreadDevice } from "../device/thread-device.ts";
import { Driver, type Runtime } from "../driver/index.ts";
import { Lane } from "./lane.ts";
import { Service } from "./service.ts";
import { type Answer, MAIN_BELL, POSTED, REPLIES, type Request, ring, sendError, THREAD_BELL, type ThreadStart, WordQueue } from "./shared.ts";

/** Rounds of work before the event loop of this thread has its turn. */
const ROUNDS_PER_TURN = 64;

class Thread {
  readonly #control: Int32Array;
  readonly #port: MessagePort;
  readonly #work: WordQueue;
  readonly #newsQueue: WordQueue;
  readonly #pair = new Int32Array(2);
  readonly #service: Service;
  /** News that the queue had no room for. */
  readonly #waitingNews: [handle: number, operation: number][] = [];
  #driver: Driver | undefined;
  /** Requests taken so far, modulo 2^32. */
  #taken = 0;
  /** There is something for the program's thread. */
  #told = false;
  #running = false;
  #scheduled = false;
  #stopped = false;

  constructor(start: ThreadStart) {
    this.#control = new Int32Array(start.control);
    this.#port = start.port;
    this.#work = new WordQueue(start.work);
    this.#newsQueue = new WordQueue(start.news);
    this.#service = new Service({
      news: (handle, operation) => this.#news(handle, operation),
      report: (record) => this.#tell({ type: "report", record }),
      fatal: (error) => this.fail(error),
    });
  }

  async run(start: ThreadStart): Promise<void> {
    const devices = start.devices.map(openThreadDevice);
    const host = await openHost({ ...start.options, wasm: start.module, devices, runtime: this.#runtime() }, this.#service);
    const area = this.#service.start(host);
    this.#tell({ type: "ready", dataSize: area.byteLength, area });
    this.#flush();
    while (!this.#stopped) {
      const seen = Atomics.load(this.#control, THREAD_BELL);
      this.#turn();
      const change = Atomics.waitAsync(this.#control, THREAD_BELL, seen);
      await (change.async ? change.value : new Promise((resolve) => setImmediate(resolve)));
    }
    for (const device of devices) device.close();
    parentPort?.unref();
  }

  /** The core traps, or this side fails: the last thing the program's thread hears. */
  fail(error: unknown): void {
    this.#tell({ type: "fatal", error: sendError(error) });
    // Whoever waits for a reply gets this instead.
    ring(this.#control, REPLIES);
    this.#flush();
  }

  #runtime(): Runtime {
    return {
      clock: systemClock,
      random: systemRandom,
      attach: (core, fds, listener, name = "stack") => {
        this.#driver = new Driver(core, fds, listener, systemClock, () => this.#schedule(), name);
        this.#driver.kick();
        return this.#driver;
      },
    };
  }

  /** The driver wants a poll: in this turn if one is under way, else in a microtask. */
  #schedule(): void {
    if (this.#running || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#turn());
  }

  #turn(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#scheduled = false;
    let busy = true;
    for (let rounds = 0; busy && rounds < ROUNDS_PER_TURN; rounds++) {
      busy = this.#serve();
      if (this.#driver?.pending) {
        this.#driver.pollNow();
        busy = true;
      }
      this.#flush();
    }
    this.#running = false;
    if (!busy || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  /** Does what the program's thread asks for. Returns whether there was anything. */
  #serve(): boolean {
    let some = false;
    while (this.#taken !== Atomics.load(this.#control, POSTED)) {
      const request = receiveMessageOnPort(this.#port)?.message as Request | undefined;
      if (!request) break;
      this.#taken = (this.#taken + 1) | 0;
      this.#do(request);
      some = true;
    }
    // A lane is announced before it is used.
    while (this.#work.take(this.#pair)) {
      this.#service.work(this.#pair[0] as number);
      some = true;
    }
    return some;
  }

  #do(request: Request): void {
    if (request.type === "lane") {
      this.#service.addLane(request.id, new Lane(request.id, request.buffer, request.receiveBytes));
      return;
    }
    const reply = this.#service.call(request);
    this.#tell({ type: "reply", ...reply });
    ring(this.#control, REPLIES);
    if (request.name !== "stop") return;
    this.#stopped = true;
    // run() may be about to wait, or waiting: nobody rings any more.
    ring(this.#control, THREAD_BELL);
  }

  #news(handle: number, operation: number): void {
    this.#told = true;
    if (this.#waitingNews.length > 0 || !this.#newsQueue.put(handle, operation)) this.#waitingNews.push([handle, operation]);
  }

  #tell(answer: Answer): void {
    this.#told = true;
    this.#port.postMessage(answer);
  }

  /** Wakes the program's thread if there is something for it. */
  #flush(): void {
    while (this.#waitingNews[0] && this.#newsQueue.put(...this.#waitingNews[0])) this.#waitingNews.shift();
    if (!this.#told) return;
    this.#told = this.#waitingNews.length > 0;
    ring(this.#control, MAIN_BELL);
  }
}

const start = workerData as ThreadStart;
const thread = new Thread(start);
process.on("uncaughtException", (error) => {
  thread.fail(error);
  process.exit(1);
});
// Held until the stack is closed.
parentPort?.on("message", () => {});
await thread.run(start).catch((error) => thread.fail(error));
