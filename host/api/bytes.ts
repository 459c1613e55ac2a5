/** The bytes of one connection on their way between a program's arrays and the core's buffers: one copy each way, in the order of the calls. */
import type { Engine } from "./engine.ts";
import { Requests, WAITING } from "./requests.ts";

/** What a socket tells its bytes. */
export interface Carrier {
  /** Throws when the socket is closed, or the stack. */
  ready(operation: string): void;
  failure(operation: string, wsa: number): Error;
}

/** What a write that is done at once gives: one promise serves them all. */
const SENT = Promise.resolve();

/**
 * What can be done at once is, and waits for nobody; only what has to wait makes a closure and a request. So those stand in methods of
 * their own: a closure is made where its variables are, whether it is needed or not.
 */
export class Bytes {
  readonly reads = new Requests<unknown>();
  readonly writes = new Requests<void>();
  /** Bytes taken from write. */
  accepted = 0;
  readonly #engine: Engine;
  readonly #handle: number;
  readonly #carrier: Carrier;

  constructor(engine: Engine, handle: number, carrier: Carrier) {
    this.#engine = engine;
    this.#handle = handle;
    this.#carrier = carrier;
  }

  /** What is there, at most `max` bytes of it, in an array of its own; null at the end. */
  read(max: number, signal: AbortSignal | undefined): Promise<Uint8Array | null> {
    if (signal || !this.reads.none) return this.#readLater(max, signal, false);
    const chunk = this.#chunk(max);
    return chunk === WAITING ? this.#readLater(max, undefined, true) : Promise.resolve(chunk);
  }

  /** Copies what is there into `target`: how much, 0 at the end. */
  readInto(target: Uint8Array, signal: AbortSignal | undefined): Promise<number> {
    if (signal || !this.reads.none) return this.#fillLater(target, signal, false);
    const filled = this.#fill(target);
    return filled === WAITING ? this.#fillLater(target, undefined, true) : Promise.resolve(filled);
  }

  /** Gives all of `bytes` to the core. */
  write(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (signal || !this.writes.none) return this.#sendLater(bytes, 0, signal, false);
    const sent = this.#send(bytes, 0);
    return sent < bytes.length ? this.#sendLater(bytes, sent, undefined, true) : SENT;
  }

  #readLater(max: number, signal: AbortSignal | undefined, tried: boolean): Promise<Uint8Array | null> {
    const attempt = (): unknown => this.#chunk(max);
    return (tried ? this.reads.wait(attempt) : this.reads.add(attempt, signal)) as Promise<Uint8Array | null>;
  }

  #fillLater(target: Uint8Array, signal: AbortSignal | undefined, tried: boolean): Promise<number> {
    const attempt = (): unknown => this.#fill(target);
    return (tried ? this.reads.wait(attempt) : this.reads.add(attempt, signal)) as Promise<number>;
  }

  #sendLater(bytes: Uint8Array, from: number, signal: AbortSignal | undefined, tried: boolean): Promise<void> {
    let offset = from;
    const attempt = (): typeof WAITING | undefined => {
      offset = this.#send(bytes, offset);
      return offset < bytes.length ? WAITING : undefined;
    };
    return tried ? this.writes.wait(attempt) : this.writes.add(attempt, signal);
  }

  #chunk(max: number): Uint8Array | null | typeof WAITING {
    this.#carrier.ready("read");
    const { calls } = this.#engine;
    const at = calls.peek(this.#handle);
    if (at === 0) return this.#nothing(null);
    const length = Math.min(calls.length, max);
    const chunk = calls.bytes.slice(at, at + length);
    if (!calls.consume(this.#handle, length)) throw this.#carrier.failure("read", calls.error);
    // The peer may have to be told of the room.
    this.#engine.kickIfDue();
    return chunk;
  }

  #fill(target: Uint8Array): number | typeof WAITING {
    this.#carrier.ready("read");
    const filled = this.#engine.calls.take(this.#handle, target);
    if (filled === 0) return this.#nothing(0);
    this.#engine.kickIfDue();
    return filled;
  }

  /** `end`, if it is that why there is nothing. */
  #nothing<T>(end: T): T | typeof WAITING {
    const { calls } = this.#engine;
    if (calls.error === 0) return end;
    if (calls.mustWait) return WAITING;
    throw this.#carrier.failure("read", calls.error);
  }

  /** Gives the core what it takes of `bytes` from `offset`; returns how far it came. */
  #send(bytes: Uint8Array, offset: number): number {
    this.#engine.check("write");
    const { calls } = this.#engine;
    const given = calls.give(this.#handle, bytes, offset);
    if (given > 0) {
      this.accepted += given;
      this.#engine.kick();
    }
    if (offset + given < bytes.length && !calls.mustWait) throw this.#carrier.failure("write", calls.error);
    return offset + given;
  }
}
