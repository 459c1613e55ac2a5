/**
 * Overlapped operations of a station's program: each is watched until it is complete. Receives of a socket complete in the order of asking
 * and deliver the stream; sends are all or nothing; an operation of a socket that was tied to the completion port leaves one packet there.
 */
import { OVERLAPPED_INTERNAL, OVERLAPPED_INTERNAL_HIGH, STATUS_CANCELLED, STATUS_PENDING } from "../../host/abi/overlapped.gen.ts";
import { writeSockaddr } from "../../host/core/index.ts";
import type { Spi } from "../host/support/spi.ts";
import { mismatch, pattern } from "./pattern.ts";
import type { End } from "./wire.ts";

/** Operations of one station at once, bytes of each one's buffer, and of the names AcceptEx puts behind them. */
const MOST = 24;
export const ROOM = 4000;
const NAME = 32;
/** WSAOVERLAPPED, WSABUF, sockaddr. */
const HEAD = 64;
const STRIDE = HEAD + ROOM + 2 * NAME + 32;
const PENDING = 997;

export type Kind = "recv" | "send" | "accept" | "connect" | "disconnect";

export interface Operation {
  readonly at: number;
  readonly kind: Kind;
  readonly handle: number;
  /** Of AcceptEx: the socket that gets the connection, else 0. */
  readonly acceptor: number;
  /** Ends of the connection, once it has one. */
  readonly end: End | undefined;
  readonly peer: End | undefined;
  readonly length: number;
  /** A packet will stand at the port. */
  readonly tied: boolean;
  /** Somebody cancelled it, or closed its socket: only then may it end with 995. */
  cancelled: boolean;
  /** How it ended. */
  done: boolean;
  status: number;
  bytes: number;
  packets: number;
  readonly ended?: (operation: Operation) => void;
}

export interface Asked {
  readonly kind: Kind;
  readonly handle: number;
  readonly acceptor?: number;
  readonly end?: End | undefined;
  readonly peer?: End | undefined;
  readonly length?: number;
  readonly data?: Uint8Array;
  readonly ended?: (operation: Operation) => void;
}

export class Overlapped {
  /** In the order of asking; those that are over are taken out. */
  operations: Operation[] = [];
  /** How many ended how: "recv done", "send cancelled", "connect failed". */
  readonly ends: Record<string, number> = {};
  /** Sockets tied to the port. */
  readonly tied = new Set<number>();
  readonly #spi: Spi;
  readonly #base: number;
  readonly #fail: (what: string) => void;
  readonly #used = new Set<number>();
  #port = 0;

  constructor(spi: Spi, fail: (what: string) => void) {
    this.#spi = spi;
    this.#fail = fail;
    this.#base = spi.core.area.take(MOST * STRIDE + 16);
  }

  /** Operations of a socket that are under way. */
  of(handle: number, kind?: Kind): Operation[] {
    return this.operations.filter((one) => !one.done && one.handle === handle && (!kind || one.kind === kind));
  }

  #free(): number {
    for (let k = 0; k < MOST; k++) if (!this.#used.has(this.#base + k * STRIDE)) return this.#base + k * STRIDE;
    return 0;
  }

  /** Memory of an operation: WSAOVERLAPPED zeroed, its WSABUF over the buffer. */
  #prepare(at: number, length: number, data: Uint8Array | undefined): void {
    const { memory } = this.#spi.core;
    memory.ensure();
    memory.u8.fill(0, at, at + STRIDE);
    memory.i32.set([length, at + HEAD], (at + 20) >>> 2);
    if (data) memory.u8.set(data, at + HEAD);
  }

  /**
   * Asks for an operation by `call`, which gets the addresses of WSAOVERLAPPED, WSABUF and buffer and returns the error code. Returns the
   * code; the operation is watched if that is 0 or 997. undefined: no memory of ours is free.
   */
  ask(asked: Asked, call: (at: number, list: number, buffer: number) => number): number | undefined {
    const at = this.#free();
    if (!at) return undefined;
    const length = asked.data?.length ?? asked.length ?? 0;
    this.#prepare(at, length, asked.data);
    const code = call(at, at + 20, at + HEAD);
    if (code !== 0 && code !== PENDING) return code;
    const { kind, handle, acceptor = 0, end, peer, ended } = asked;
    this.#used.add(at);
    this.operations.push({
      at, kind, handle, acceptor, end, peer, length, tied: this.tied.has(handle), cancelled: false, done: false, status: 0, bytes: 0, packets: 0, ...(ended && { ended }),
    });
    return code;
  }

  /** A sockaddr in an operation's memory: [address, length]. */
  name(at: number, address: string, port: number): [number, number] {
    return [at + 32, writeSockaddr(this.#spi.core.memory.data, at + 32, address, port)];
  }

  /** Ties a socket to the station's port. */
  tie(handle: number): number {
    const port = this.#spi.call("CreateIoCompletionPort", handle, this.#port, handle, 0) >>> 0;
    if (!port) return this.#spi.err;
    this.#port = port;
    this.tied.add(handle);
    return 0;
  }

  /** The socket is closed, or its operations are cancelled: those under way end, most of them with 995. */
  cancelled(handle: number): void {
    for (const one of this.of(handle)) one.cancelled = true;
  }

  /** Looks at what has completed since. Nothing here makes the core poll. */
  look(): void {
    const { memory } = this.#spi.core;
    memory.ensure();
    for (const one of this.operations) {
      if (one.done) continue;
      const status = memory.word(one.at + OVERLAPPED_INTERNAL);
      if (status === STATUS_PENDING) continue;
      one.done = true;
      one.status = status;
      one.bytes = memory.word(one.at + OVERLAPPED_INTERNAL_HIGH);
      this.#complete(one);
    }
    this.#packets();
    this.operations = this.operations.filter((one) => {
      const over = one.done && one.packets === (one.tied ? 1 : 0);
      if (over) this.#used.delete(one.at);
      return !over;
    });
  }

  #complete(one: Operation): void {
    const wrong = (what: string): void => this.#fail(`overlapped ${one.kind} on ${one.handle} (status ${one.status.toString(16)}, ${one.bytes} bytes): ${what}`);
    const how = `${one.kind} ${one.status === 0 ? "done" : one.status === STATUS_CANCELLED ? "cancelled" : "failed"}`;
    this.ends[how] = (this.ends[how] ?? 0) + 1;
    if (one.status === STATUS_CANCELLED && !one.cancelled) wrong("nobody cancelled it");
    const before = this.operations.slice(0, this.operations.indexOf(one));
    const overtaken = before.some((other) => !other.done && other.handle === one.handle && other.kind === one.kind && one.kind !== "accept");
    if (overtaken && one.status !== STATUS_CANCELLED) wrong("it was asked for after one that is not complete");
    if (one.kind === "send") sent(one, wrong);
    else if (one.kind === "recv" && one.status === 0) this.delivered(one, one.peer as End, one.end as End, wrong);
    one.ended?.(one);
  }

  /** The bytes in an operation's buffer are the next of the stream. */
  delivered(one: Operation, peer: End, end: End, wrong: (what: string) => void): void {
    if (one.bytes > one.length) return wrong(`the buffer has ${one.length} bytes`);
    if (one.bytes === 0) {
      if (one.length > 0 && (!peer.ended || end.read < peer.written)) wrong(`end of the stream after ${end.read} of ${peer.written} bytes`);
      return;
    }
    const at = mismatch(peer.stream, end.read, this.#spi.core.memory.u8.subarray(one.at + HEAD, one.at + HEAD + one.bytes));
    if (at >= 0) wrong(`byte ${at} is not the one sent`);
    end.read += one.bytes;
    if (end.read > peer.written + peer.writing) wrong(`${end.read} bytes received of ${peer.written}`);
  }

  /** Takes every packet: one for each operation that is complete and was tied, none besides. */
  #packets(): void {
    if (!this.#port) return;
    const { core, at } = this.#spi;
    const place = at + 4;
    for (;;) {
      const ok = core.exports.GetQueuedCompletionStatus(this.#port, place, place + 4, place + 8, 0, 0);
      core.memory.ensure();
      const [bytes, key, overlapped] = [core.memory.word(place), core.memory.word(place + 4), core.memory.word(place + 8)];
      if (!overlapped) return;
      const one = this.operations.find((other) => other.at === overlapped);
      if (!one?.done || !one.tied) return this.#fail(`a packet of ${overlapped} that nobody waits for`);
      one.packets++;
      if (one.packets > 1) this.#fail(`the second packet of ${one.kind} on ${one.handle}`);
      if (bytes !== one.bytes || key !== one.handle >>> 0 || (ok === 1) !== (one.status === 0)) this.#fail(`the packet of ${one.kind} on ${one.handle} says ${ok}, ${bytes} bytes, key ${key}`);
    }
  }

  /** At the end nothing is under way, and every slot of the core is free. */
  atEnd(operations: number): void {
    this.look();
    for (const one of this.operations) this.#fail(`overlapped ${one.kind} on ${one.handle} ${one.done ? "left no packet" : "never completed"}`);
    const { exports } = this.#spi.core;
    const port = exports.CreateIoCompletionPort(-1, 0, 0, 0, 0);
    let free = 0;
    while (exports.PostQueuedCompletionStatus(port, 0, 0, 0, 0)) free++;
    if (free !== operations) this.#fail(`${free} of ${operations} slots for operations are free at the end`);
    for (const handle of this.#port ? [port, this.#port] : [port]) exports.CloseHandle(handle, 0);
  }
}

/** All or nothing: what was cancelled was not sent. */
function sent(one: Operation, wrong: (what: string) => void): void {
  const end = one.end as End;
  end.writing -= one.length;
  if (one.status === 0 && one.bytes === one.length) end.written += one.bytes;
  else if (one.status === 0 || one.bytes > 0) wrong(`of ${one.length} bytes`);
}

/** The next bytes of a stream, behind those of sends that wait. */
export function nextBytes(end: End, length: number): Uint8Array {
  return pattern(end.stream, end.written + end.writing, length);
}
