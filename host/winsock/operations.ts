/** Overlapped operations as the face keeps them: each owns memory of the core's host area until its end was told. */
import { OVERLAPPED_EVENT, OVERLAPPED_FLAGS, OVERLAPPED_INTERNAL_HIGH, STATUS_PENDING } from "../abi/overlapped.gen.ts";
import { SIZEOF_SOCKADDR_IN } from "../abi/winsock.gen.ts";
import { readSockaddr } from "../core/index.ts";
import type { Area, SockAddr } from "./area.ts";

/** lpCompletionRoutine: error 0 or its code, bytes moved. */
export type CompletionRoutine = (error: number, bytes: number, overlapped: WSAOVERLAPPED, flags: number) => void;

/** Offsets in an operation's piece of memory: WSAOVERLAPPED, length of the name, name, WSABUFs. */
const AT = { length: 20, name: 24, buffers: 56 } as const;

/** One operation's record. It may serve another once its operation is complete and was told. */
export class WSAOVERLAPPED {
  /** Event object that is set on completion, or 0. Read when the operation begins. */
  hEvent = 0;
  /** Status (STATUS_x of abi/overlapped) of the last operation; STATUS_PENDING while it is under way. */
  Internal = 0;
  /** Bytes it moved. */
  InternalHigh = 0;
  /** Flags of its end: MSG_PARTIAL of a receive whose message goes on. */
  Offset = 0;
}

export interface Operation {
  readonly at: number;
  readonly overlapped: WSAOVERLAPPED;
  readonly routine: CompletionRoutine | undefined;
  /** What a receive fills. */
  readonly into: readonly Uint8Array[];
  /** Receives the sender's address. */
  readonly from: SockAddr | undefined;
  /** Port that will hold a packet of it, 0 = none. */
  readonly port: number;
  /** All of `into` was filled, whatever the number of bytes: AcceptEx. */
  readonly whole: boolean;
  /** Its results were taken over. */
  done: boolean;
}

export interface Wanted {
  readonly overlapped: WSAOVERLAPPED;
  readonly routine?: CompletionRoutine | null;
  /** Sent. */
  readonly data?: readonly Uint8Array[];
  /** Filled. */
  readonly into?: readonly Uint8Array[];
  readonly from?: SockAddr | null;
  readonly port?: number;
  readonly whole?: boolean;
}

export class Operations {
  readonly #area: Area;
  readonly #flying = new Map<number, Operation>();

  constructor(area: Area) {
    this.#area = area;
  }

  get count(): number {
    return this.#flying.size;
  }

  /** Memory for an operation with its data in place; undefined when there is not enough. */
  begin({ overlapped, routine, data, into, from, port = 0, whole = false }: Wanted): Operation | undefined {
    this.sweep();
    const parts = data ?? into ?? [];
    const head = AT.buffers + 8 * parts.length;
    const at = this.#area.heap.take(head + parts.reduce((sum, part) => sum + part.length, 0));
    if (at === undefined) return undefined;
    const { memory } = this.#area.core;
    memory.ensure();
    memory.u8.fill(0, at, at + head);
    memory.i32[(at + OVERLAPPED_EVENT) >>> 2] = overlapped.hEvent;
    memory.i32[(at + AT.length) >>> 2] = SIZEOF_SOCKADDR_IN;
    let place = at + head;
    for (const [k, part] of parts.entries()) {
      memory.i32.set([part.length, place], (at + AT.buffers + 8 * k) >>> 2);
      if (data) memory.u8.set(part, place);
      place += part.length;
    }
    const operation = { at, overlapped, routine: routine ?? undefined, into: into ?? [], from: from ?? undefined, port, whole, done: false };
    this.#flying.set(at, operation);
    return operation;
  }

  /** Addresses of an operation's parts. */
  nameOf(operation: Operation): number {
    return operation.at + AT.name;
  }
  nameLengthOf(operation: Operation): number {
    return operation.at + AT.length;
  }
  buffersOf(operation: Operation): number {
    return operation.at + AT.buffers;
  }
  /** Where its first buffer lies. */
  dataOf(operation: Operation): number {
    return this.#area.core.memory.word(operation.at + AT.buffers + 4);
  }

  find(at: number): Operation | undefined {
    return this.#flying.get(at);
  }
  /** The operation that a WSAOVERLAPPED stands for now. */
  of(overlapped: WSAOVERLAPPED): Operation | undefined {
    for (const operation of this.#flying.values()) if (operation.overlapped === overlapped) return operation;
    return undefined;
  }

  /** Takes over the results of an operation if it is complete; true if it is. */
  settle(operation: Operation): boolean {
    const { memory } = this.#area.core;
    memory.ensure();
    const status = memory.word(operation.at);
    operation.overlapped.Internal = status;
    if (status === STATUS_PENDING) return false;
    if (operation.done) return true;
    operation.done = true;
    operation.overlapped.InternalHigh = memory.word(operation.at + OVERLAPPED_INTERNAL_HIGH);
    operation.overlapped.Offset = memory.word(operation.at + OVERLAPPED_FLAGS);
    let left = operation.whole ? Number.POSITIVE_INFINITY : operation.overlapped.InternalHigh;
    let place = operation.into.length > 0 ? this.dataOf(operation) : 0;
    for (const part of operation.into) {
      const n = Math.min(left, part.length);
      part.set(memory.u8.subarray(place, place + n));
      place += part.length;
      left -= n;
    }
    const name = operation.from && readSockaddr(memory.data, operation.at + AT.name, memory.word(operation.at + AT.length));
    if (name && operation.from) Object.assign(operation.from, { address: name.address, port: name.port });
    return true;
  }

  /** Settles what is complete, and forgets what tells of its end by nothing but its record. */
  sweep(): void {
    for (const operation of this.#flying.values()) {
      if (this.settle(operation) && !operation.port && !operation.routine) this.end(operation);
    }
  }

  /** Its end was told, or it never began. */
  end(operation: Operation): void {
    if (this.#flying.delete(operation.at)) this.#area.heap.give(operation.at);
  }

  /** Completion port `port` is closed: it will tell of nothing. */
  portGone(port: number): void {
    for (const operation of this.#flying.values()) if (operation.port === port) Object.assign(operation, { port: 0 });
    this.sweep();
  }
}
