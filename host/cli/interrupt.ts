/**
 * Ctrl-C, twice: the first asks for a graceful end, the second for an immediate one. SIGTERM counts as Ctrl-C, and standard output
 * that takes no more as the first.
 */
import { outputFailed } from "./output.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export class Interrupt {
  readonly #gentle = new AbortController();
  readonly #hard = new AbortController();
  readonly #hit = (): void => {
    if (this.#gentle.signal.aborted) this.#hard.abort();
    else this.#gentle.abort();
  };

  readonly #mute = (): void => this.#gentle.abort();

  constructor() {
    for (const name of SIGNALS) process.on(name, this.#hit);
    outputFailed.addEventListener("abort", this.#mute);
    if (outputFailed.aborted) this.#mute();
  }

  /** Aborts at the first. */
  get gentle(): AbortSignal {
    return this.#gentle.signal;
  }

  /** Aborts at the second. */
  get hard(): AbortSignal {
    return this.#hard.signal;
  }

  /** Gives the signals back their usual effect. */
  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#hit);
    outputFailed.removeEventListener("abort", this.#mute);
  }
}
