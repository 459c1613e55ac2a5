/** The bytes of one connection on their way between a program's arrays and the core's buffers: one copy each way. */
import type { Engine } from "./engine.ts";
import { WAITING } from "./requests.ts";

/** A first piece below this, bytes, is handed out alone: asking whether more follows behind the wrap costs more than it brings. */
const WRAP_LEAST = 256;

/** What a socket tells its bytes. */
export interface Carrier {
  /** Throws when the socket is closed, or the stack. */
  ready(operation: string): void;
  error(operation: string, wsa: number): Error;
}

export class Bytes {
  readonly #engine: Engine;
  readonly #handle: number;
  readonly #carrier: Carrier;

  constructor(engine: Engine, handle: number, carrier: Carrier) {
    this.#engine = engine;
    this.#handle = handle;
    this.#carrier = carrier;
  }

  /** Where unread bytes stand, 0 at the end, -1 when there are none yet. */
  peek(): number {
    this.#carrier.ready("read");
    const { calls } = this.#engine;
    const at = calls.peek(this.#handle);
    if (at > 0 || calls.error === 0) return at;
    if (calls.mustWait) return -1;
    throw this.#carrier.error("read", calls.error);
  }

  consume(length: number): void {
    const { calls } = this.#engine;
    if (!calls.consume(this.#handle, length)) throw this.#carrier.error("read", calls.error);
    // The peer may have to be told of the room.
    this.#engine.kickIfDue();
  }

  /** Copies what is there into `target`: how much, 0 at the end. */
  fill(target: Uint8Array): number | typeof WAITING {
    const { calls } = this.#engine;
    let filled = 0;
    let last = 0;
    // Twice where the receive ring wraps; an end or error after the first bytes belongs to the next read.
    for (let pieces = 0; filled < target.length && pieces < 2; pieces++) {
      if (pieces > 0 && (last < WRAP_LEAST || !calls.readable(this.#handle))) break;
      const at = this.peek();
      if (at <= 0) return at === 0 ? filled : filled || WAITING;
      const length = Math.min(calls.length, target.length - filled);
      target.set(calls.bytes.subarray(at, at + length), filled);
      filled += length;
      last = length;
      this.consume(length);
    }
    return filled;
  }

  /** Gives the core what it takes of `bytes` from `offset`; returns how far it came. */
  send(bytes: Uint8Array, offset: number): number {
    this.#engine.check("write");
    const { calls } = this.#engine;
    let at = offset;
    while (at < bytes.length) {
      const place = calls.reserve(this.#handle, bytes.length - at);
      if (place === 0) {
        if (calls.mustWait) break;
        throw this.#carrier.error("write", calls.error);
      }
      const length = Math.min(calls.length, bytes.length - at);
      calls.bytes.set(length === bytes.length ? bytes : bytes.subarray(at, at + length), place);
      if (!calls.commit(this.#handle, length)) throw this.#carrier.error("write", calls.error);
      at += length;
    }
    if (at > offset) this.#engine.kick();
    return at;
  }
}
