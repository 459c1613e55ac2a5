/** Progress of long transfers on stderr: nothing in the first second, then a line that is written anew. */

const FIRST_MS = 1000;
const EVERY_MS = 250;
/** Without a terminal each figure gets a line of its own, so there are fewer. */
const LINE_EVERY_MS = 1000;

export interface ProgressOptions {
  /** Shown although stderr is no terminal. */
  readonly always: boolean;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
  readonly write?: (text: string) => void;
  readonly terminal?: boolean;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

export class Progress {
  readonly #shown: boolean;
  readonly #terminal: boolean;
  readonly #now: () => number;
  readonly #write: (text: string) => void;
  #total: number | undefined;
  #bytes = 0;
  #started: number;
  #next: number;
  #width = 0;

  constructor({ always, now = () => performance.now(), write = (text) => void process.stderr.write(text), terminal = process.stderr.isTTY === true }: ProgressOptions) {
    this.#terminal = terminal;
    this.#shown = always || terminal;
    this.#now = now;
    this.#write = write;
    this.#started = now();
    this.#next = this.#started + FIRST_MS;
  }

  /** A transfer begins: so many more bytes are to come, undefined when nobody knows. */
  expect(bytes: number | undefined): void {
    this.#total = bytes === undefined ? undefined : (this.#total ?? this.#bytes) + bytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#shown) return;
    const now = this.#now();
    if (now < this.#next) return;
    this.#next = now + (this.#terminal ? EVERY_MS : LINE_EVERY_MS);
    this.#show(now);
  }

  /** Nothing is under way any more: the line is taken away, and what comes later is counted from zero. */
  end(): void {
    if (this.#width > 0 && this.#terminal) this.#write(`\r${" ".repeat(this.#width)}\r`);
    this.#width = 0;
    this.#bytes = 0;
    this.#total = undefined;
    this.#started = this.#now();
    this.#next = this.#started + FIRST_MS;
  }

  #show(now: number): void {
    const rate = this.#bytes / Math.max(1, now - this.#started) / 1000;
    const of = this.#total === undefined ? "" : ` of ${megabytes(this.#total)} MB (${Math.floor((this.#bytes / Math.max(1, this.#total)) * 100)} %)`;
    const text = `${megabytes(this.#bytes)} MB${of}, ${rate.toFixed(1)} MB/s`;
    if (this.#terminal) this.#write(`\r${text.padEnd(this.#width)}`);
    else this.#write(`${text}\n`);
    this.#width = Math.max(this.#width, text.length);
  }
}
