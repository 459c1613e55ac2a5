/** Reading HTTP/1.1 from a connection: heads and lines of bounded length, and bytes. */
import { HttpError } from "./head.ts";

/** What is read from; a Socket is one. */
export interface ByteSource {
  /** Waits for bytes; null after the last one. */
  read(max?: number, options?: { signal?: AbortSignal }): Promise<Uint8Array | null>;
}

/** Longest head (RFC 9110 §5.4 leaves it to us). */
const HEAD_MAX = 16_384;
const LINE_MAX = 1024;
const READ = 1 << 18;
const NOTHING = Buffer.alloc(0);
const LF = 10;
const CR = 13;

/** Where the empty line after a head ends, or -1. A lone LF ends a line too (RFC 9112 §2.2). */
function headEnd(bytes: Buffer): number {
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

export class Incoming {
  readonly #source: ByteSource;
  #buffer: Buffer = NOTHING;
  #ended = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Bytes that came and were not taken. */
  get buffered(): number {
    return this.#buffer.length;
  }

  /**
   * The next head as text, its empty line not included; undefined when the peer ended before its first byte.
   * @throws HttpError 431 when it is too long, 400 when the peer ends inside.
   */
  async head(signal?: AbortSignal): Promise<string | undefined> {
    for (;;) {
      // RFC 9112 §2.2: empty lines before a request are ignored.
      while (this.#buffer[0] === LF || (this.#buffer[0] === CR && this.#buffer[1] === LF)) this.#skip(this.#buffer[0] === LF ? 1 : 2);
      const end = headEnd(this.#buffer.length > HEAD_MAX ? this.#buffer.subarray(0, HEAD_MAX) : this.#buffer);
      if (end >= 0) return this.#skip(end).toString("latin1").trimEnd();
      if (this.#buffer.length >= HEAD_MAX) throw new HttpError(431, `the head is longer than ${HEAD_MAX} bytes`);
      if (!(await this.#more(signal))) {
        if (this.#buffer.length === 0) return undefined;
        throw new HttpError(400, "the peer ended within a head");
      }
    }
  }

  /** The next line without its end; undefined when the peer ended before it was whole. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf(LF);
      if (end >= 0 && end <= LINE_MAX) return this.#skip(end + 1).toString("latin1").replace(/\r?\n$/, "");
      if (this.#buffer.length > LINE_MAX) throw new HttpError(400, `a line is longer than ${LINE_MAX} bytes`);
      if (!(await this.#more())) return undefined;
    }
  }

  /** At most `max` bytes, waiting for one at least; null after the last. */
  async take(max: number = READ): Promise<Uint8Array | null> {
    if (this.#buffer.length === 0 && !(await this.#more())) return null;
    return this.#skip(Math.min(max, this.#buffer.length));
  }

  /** Waits for the peer's end and counts what still comes before it. */
  async untilEnd(signal?: AbortSignal): Promise<number> {
    let extra = this.#buffer.length;
    this.#buffer = NOTHING;
    while (await this.#more(signal)) {
      extra += this.#buffer.length;
      this.#buffer = NOTHING;
    }
    return extra;
  }

  #skip(length: number): Buffer {
    const taken = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return taken;
  }

  async #more(signal?: AbortSignal): Promise<boolean> {
    if (this.#ended) return false;
    const chunk = await this.#source.read(READ, signal ? { signal } : {});
    if (chunk === null) {
      this.#ended = true;
      return false;
    }
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes]);
    return true;
  }
}
