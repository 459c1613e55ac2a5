/** A board for code that cannot await: its thread is asked, and this one waits for the answer. */
import { once } from "node:events";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";

export type Request = { op: "boot"; board: string; elf: string } | { op: "line"; text: string; frames?: readonly Uint8Array[] } | { op: "stop" };

export interface Answer {
  /** What the board wrote, without the line's end. */
  line?: string;
  /** Frames it sent meanwhile. */
  frames?: Uint8Array[];
  error?: string;
}

/** The board's thread gives up earlier. */
const PATIENCE_MS = 60_000;

export class Bridge {
  /** Commands so far. */
  commands = 0;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #flag: Int32Array;

  private constructor(worker: Worker, port: MessagePort, flag: Int32Array) {
    this.#worker = worker;
    this.#port = port;
    this.#flag = flag;
  }

  /** Starts the thread and boots a test firmware on it. */
  static async boot(board: string, elf: string): Promise<Bridge> {
    const { port1, port2 } = new MessageChannel();
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(new URL("./bridge-entry.mjs", import.meta.url), { workerData: { flag: flag.buffer, port: port2 }, transferList: [port2] });
    await once(worker, "message");
    const made = new Bridge(worker, port1, flag);
    made.#ask({ op: "boot", board, elf });
    return made;
  }

  #ask(request: Request): Answer {
    Atomics.store(this.#flag, 0, 0);
    this.#worker.postMessage(request);
    while (Atomics.load(this.#flag, 0) === 0) {
      if (Atomics.wait(this.#flag, 0, 0, PATIENCE_MS) === "timed-out") throw new Error(`the board's thread did not answer to ${request.op}`);
    }
    const answer = receiveMessageOnPort(this.#port)?.message as Answer;
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  /** Sends a command of the interpreter and returns its answer behind "= "; `frames` reach the board before it. */
  command(text: string, frames: readonly Uint8Array[] = []): { words: string[]; frames: Uint8Array[] } {
    this.commands++;
    const answer = this.#ask({ op: "line", text, frames });
    return { words: (answer.line as string).split(" ").slice(1), frames: answer.frames ?? [] };
  }

  async stop(): Promise<void> {
    this.#ask({ op: "stop" });
    this.#port.close();
    await this.#worker.terminate();
  }
}
