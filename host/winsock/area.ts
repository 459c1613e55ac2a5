/** Structures of Winsock in the core's host area (semantics K.5): written before a call, read after it. */
import { wrongType } from "../api/check.ts";
import { type Core, readSockaddr, writeSockaddr } from "../core/index.ts";
import { Heap } from "./heap.ts";
import { SIZEOF_SOCKADDR_IN, SIZEOF_WSANETWORKEVENTS } from "../abi/winsock.gen.ts";

/** An address as sockaddr_in carries it. */
export interface SockAddr {
  address: string;
  port: number;
}

export interface Linger {
  l_onoff: number;
  l_linger: number;
}

/** WSANETWORKEVENTS: the events, and an error per event bit. */
export interface NetworkEvents {
  lNetworkEvents: number;
  iErrorCode: number[];
}

/** Room for small structures, then for bytes that are sent and received, then for overlapped operations. */
const SMALL = 1024;
const DATA = 72 * 1024;
/** Host area that a face asks for where nobody says otherwise. */
export const AREA_BYTES = 1 << 21;
const AT = { errno: 0, length: 4, count: 8, flags: 12, buffer: 16, address: 32, value: 64, more: 128 } as const;
/** Handles one call can name: what fits behind `more`. */
export const HANDLES_MAX = 64;

/** One piece of the host area. Nothing read from it survives the next call; everything returned is a copy. */
export class Area {
  readonly core: Core;
  readonly #base: number;
  readonly #data: number;
  /** Bytes one send or receive can carry. */
  readonly room: number;
  /** What overlapped operations keep until they are complete. */
  readonly heap: Heap;

  constructor(core: Core) {
    this.core = core;
    this.#base = core.area.take(SMALL);
    this.room = Math.min(core.area.free - 8, DATA);
    this.#data = core.area.take(this.room);
    const left = core.area.free - 8;
    this.heap = new Heap(left > 0 ? core.area.take(left) : 0, Math.max(left, 0));
  }

  /** Address of a place. */
  at(place: keyof typeof AT): number {
    return this.#base + AT[place];
  }

  /** The sets of select: three of 4 + 4 × HANDLES_MAX bytes. */
  set(k: number): number {
    return this.#data + k * (4 + 4 * HANDLES_MAX);
  }

  get data(): number {
    return this.#data;
  }

  word(place: keyof typeof AT, offset = 0): number {
    // A call may have made memory grow.
    this.core.memory.ensure();
    return this.core.memory.word(this.at(place) + offset);
  }

  setWord(place: keyof typeof AT, value: number, offset = 0): void {
    this.core.memory.ensure();
    this.core.memory.i32[(this.at(place) + offset) >>> 2] = value;
  }

  /** Words at any aligned address. */
  setWords(ptr: number, values: readonly number[]): void {
    this.core.memory.ensure();
    this.core.memory.i32.set(values, ptr >>> 2);
  }

  words(ptr: number, count: number): number[] {
    this.core.memory.ensure();
    return Array.from(this.core.memory.i32.subarray(ptr >>> 2, (ptr >>> 2) + count));
  }

  /** A copy of bytes at any address. */
  bytes(ptr: number, length: number): Uint8Array {
    this.core.memory.ensure();
    return this.core.memory.u8.slice(ptr, ptr + length);
  }

  /** One WSABUF over the data room with `length` bytes; `bytes` are put there. Returns the WSABUF's address. */
  buffer(length: number, bytes?: Uint8Array): number {
    this.setWords(this.at("buffer"), [length, this.#data]);
    if (bytes) this.core.memory.u8.set(bytes, this.#data);
    return this.at("buffer");
  }

  /** Copies received bytes out. */
  copyOut(target: Uint8Array, length: number): void {
    this.core.memory.ensure();
    target.set(this.core.memory.u8.subarray(this.#data, this.#data + length));
  }

  /** Copies bytes to and from small structures. */
  put(place: keyof typeof AT, bytes: Uint8Array): void {
    this.core.memory.ensure();
    this.core.memory.u8.set(bytes, this.at(place));
  }

  get(place: keyof typeof AT, length: number): Uint8Array {
    this.core.memory.ensure();
    return this.core.memory.u8.slice(this.at(place), this.at(place) + length);
  }

  /** A sockaddr_in: [address, length] for a call. */
  name(name: SockAddr): [number, number] {
    if (typeof name !== "object" || name === null) throw wrongType("name", name, 'an address such as { address: "192.0.2.1", port: 7 }');
    const { address, port } = name;
    this.core.memory.ensure();
    return [this.at("address"), writeSockaddr(this.core.memory.data, this.at("address"), address, port)];
  }

  /** Room for a sockaddr_in that a call fills: [address, address of the length]. */
  nameRoom(): [number, number] {
    this.setWord("length", SIZEOF_SOCKADDR_IN);
    return [this.at("address"), this.at("length")];
  }

  /** Reads it into `out`. */
  readName(out: SockAddr): void {
    this.core.memory.ensure();
    const found = readSockaddr(this.core.memory.data, this.at("address"), this.word("length"));
    if (found) { out.address = found.address; out.port = found.port; }
  }

  /** The WSANETWORKEVENTS behind `more`; only the entries of events that are set are taken over (semantics E-11). */
  readEvents(out: NetworkEvents): void {
    const [bits = 0, ...errors] = this.words(this.at("more"), SIZEOF_WSANETWORKEVENTS / 4);
    out.lNetworkEvents = bits;
    errors.forEach((error, bit) => {
      if (bits & (1 << bit)) out.iErrorCode[bit] = error;
    });
  }
}
