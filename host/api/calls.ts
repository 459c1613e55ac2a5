/**
 * The provider's entries with their arguments written into the host area and their results as numbers. No policy: a call
 * that fails leaves its Winsock number in `error`, and LASTACK_WAIT is an error number like any other here.
 */
import { LASTACK_WAIT, WSAEFAULT } from "../abi/errors.gen.ts";
import * as W from "../abi/winsock.gen.ts";
import { type Core, type CoreExports, CoreError, readSockaddr, writeSockaddr } from "../core/index.ts";
import type { MemoryViews } from "../core/memory.ts";
import type { Endpoint } from "./address.ts";

type Ptr = number;

/** What the socket API needs beyond CoreExports; every build has them. */
export interface ProviderExports extends CoreExports {
  /** On whose behalf the next calls are made (seam.md, Calls that wait). */
  caller(id: number): void;
  /** A free contiguous piece of the send buffer, at most `want` bytes; its length goes to `length`. */
  reserve(s: number, want: number, length: Ptr, lpErrno: Ptr): Ptr;
  /** Sends the first `n` bytes of the reserved piece. */
  commit(s: number, n: number, lpErrno: Ptr): number;
  /** The oldest unread bytes, contiguous; their number goes to `length`, 0 = the peer has finished. */
  peek(s: number, length: Ptr, lpErrno: Ptr): Ptr;
  /** Takes `n` of them. */
  consume(s: number, n: number, lpErrno: Ptr): number;
  /** Resets the connection now (RFC 9293 §3.10.5); an open handle stays to be closed, a close under way ends with its report. */
  abortSocket(s: number, lpErrno: Ptr): number;
  /** TCP state, or -1 for what is no TCP socket. */
  socketState(s: number): number;
}

/** WSPStartup's version argument: Winsock 2.2. */
const WINSOCK_2_2 = 0x0202;
/** Bytes of the area for small arguments, and where each of them stands in it. */
const SCRATCH = 192;
/** Places in TCP_INFO_v0 (semantics K.5). */
const INFO = {
  mss: 4, connectedMs: 8, rttUs: 20, bytesInFlight: 28, congestionWindow: 32, sendWindow: 36, receiveWindow: 40, bytesOut: 48, bytesIn: 56,
} as const;
const AT = { errno: 0, length: 4, count: 8, flags: 12, buffer: 16, value: 24, address: 40, info: 72 } as const;
/** Room for a sockaddr of either family. */
const ADDRESS_ROOM = 32;
/** Up to so many bytes a loop beats making a view for `set`. */
const LOOP_BYTES = 48;
/** A first piece below this, bytes, is handed out alone: asking whether more follows behind the wrap costs more than it brings. */
const WRAP_LEAST = 256;

/** Copies `length` bytes. */
function copy(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number, length: number): void {
  if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) to[toAt + i] = from[fromAt + i] as number;
  else to.set(length === from.length ? from : from.subarray(fromAt, fromAt + length), toAt);
}

/** What the sockets of the API need of Calls, which a stack in another thread has too. */
export type SocketCalls = Omit<Calls, "core" | "exports" | "cleanup">;

export class Calls {
  /** Winsock number of the last call that failed; 0 after one that succeeded. */
  error = 0;
  /** Length that goes with the pointer of the last reserve or peek. */
  length = 0;
  /** Where the last receiveFrom's datagram came from. */
  from: Endpoint = { address: "0.0.0.0", port: 0 };

  readonly core: Core;
  readonly exports: ProviderExports;
  /** Where datagrams stand while they cross, and how large they may be. */
  readonly data: Ptr;
  readonly dataSize: number;
  readonly #at: Ptr;
  readonly #memory: MemoryViews;
  /** Where lpErrno and a length stand, as places of 32-bit words. */
  readonly #errnoWord: number;
  readonly #lengthWord: number;

  /** Starts the provider. Throws CoreError when it refuses. */
  constructor(core: Core) {
    this.core = core;
    this.exports = core.exports as ProviderExports;
    this.#memory = core.memory;
    this.#at = core.area.take(SCRATCH);
    this.#errnoWord = (this.#at + AT.errno) >>> 2;
    this.#lengthWord = (this.#at + AT.length) >>> 2;
    this.dataSize = core.area.free - 8;
    this.data = core.area.take(this.dataSize);
    // WSPDATA and WSPPROC_TABLE have to go somewhere; nothing in them is needed here.
    const table = this.data + ((W.SIZEOF_WSPDATA + 7) & ~7);
    const startup = this.exports.WSPStartup(WINSOCK_2_2, this.data, 0, 0, table);
    if (startup !== 0) throw new CoreError("E_STATE", `WSPStartup answers ${startup}`);
  }

  /** true when the last call failed because it has to wait. */
  get mustWait(): boolean {
    return this.error === LASTACK_WAIT;
  }

  /** The memory that reserve and peek point into. */
  get bytes(): Uint8Array {
    return this.core.memory.u8;
  }

  /** Puts a datagram, at most dataSize bytes, to `data`. */
  place(bytes: Uint8Array): void {
    this.core.memory.ensure();
    this.core.memory.u8.set(bytes, this.data);
  }

  /** Bytes that commit took and the core has not: none, where nothing lies between. */
  unsent(_s: number): number {
    return 0;
  }

  /** true if peek can answer at once. */
  readable(s: number): boolean {
    return this.unread(s) > 0;
  }

  get #errno(): Ptr {
    return this.#at;
  }

  #word(at: number): number {
    return this.core.memory.word(this.#at + at);
  }

  #setWord(at: number, value: number): void {
    this.core.memory.i32[(this.#at + at) >>> 2] = value;
  }

  /** Clears lpErrno and gives fresh views before a call. */
  #begin(): void {
    this.#memory.ensure();
    this.#memory.i32[this.#errnoWord] = 0;
  }

  /** Takes lpErrno after a call; a failure that names no error is the caller's bad pointer at worst. */
  #done(failed: boolean): boolean {
    this.#memory.ensure();
    this.error = failed ? (this.#memory.i32[this.#errnoWord] as number) || WSAEFAULT : 0;
    return !failed;
  }

  #handle(result: number): number {
    return this.#done(result === -1) ? result >>> 0 : -1;
  }

  #sockaddr(endpoint: Endpoint): number {
    return writeSockaddr(this.core.memory.data, this.#at + AT.address, endpoint.address, endpoint.port);
  }

  #readSockaddr(): Endpoint {
    const found = readSockaddr(this.core.memory.data, this.#at + AT.address, this.#word(AT.length));
    return found ? { address: found.address, port: found.port } : { address: "0.0.0.0", port: 0 };
  }

  /** A socket handle, or -1. `catalogEntry` (CATALOG_x) chooses the provider, 0 = the default one. */
  socket(type: number, catalogEntry = 0): number {
    this.#begin();
    const protocol = type === W.SOCK_STREAM ? W.IPPROTO_TCP : W.IPPROTO_UDP;
    const info = catalogEntry ? this.#protocolInfo(catalogEntry) : 0;
    return this.#handle(this.exports.WSPSocket(W.AF_INET, type, protocol, info, 0, 0, this.#errno));
  }

  /** A WSAPROTOCOL_INFO that says nothing but its dwCatalogEntryId (semantics K.5: at 36). */
  #protocolInfo(catalogEntry: number): Ptr {
    const { data, u8 } = this.core.memory;
    u8.fill(0, this.data, this.data + W.SIZEOF_WSAPROTOCOL_INFOW);
    data.setUint32(this.data + 36, catalogEntry, true);
    return this.data;
  }

  bind(s: number, local: Endpoint): boolean {
    this.#begin();
    const length = this.#sockaddr(local);
    return this.#done(this.exports.WSPBind(s, this.#at + AT.address, length, this.#errno) !== 0);
  }

  listen(s: number, backlog: number): boolean {
    this.#begin();
    return this.#done(this.exports.WSPListen(s, backlog, this.#errno) !== 0);
  }

  /** Handle of an accepted connection, or -1. */
  accept(s: number): number {
    this.#begin();
    return this.#handle(this.exports.WSPAccept(s, 0, 0, 0, 0, this.#errno));
  }

  connect(s: number, remote: Endpoint): boolean {
    this.#begin();
    const length = this.#sockaddr(remote);
    return this.#done(this.exports.WSPConnect(s, this.#at + AT.address, length, 0, 0, 0, 0, this.#errno) !== 0);
  }

  shutdown(s: number, how: number): boolean {
    this.#begin();
    return this.#done(this.exports.WSPShutdown(s, how, this.#errno) !== 0);
  }

  close(s: number): boolean {
    this.#begin();
    return this.#done(this.exports.WSPCloseSocket(s, this.#errno) !== 0);
  }

  abort(s: number): boolean {
    this.#begin();
    return this.#done(this.exports.abortSocket(s, this.#errno) !== 0);
  }

  /** The last WSPCleanup resets what is still connected (semantics C-53). */
  cleanup(): boolean {
    this.#begin();
    return this.#done(this.exports.WSPCleanup(this.#errno) !== 0);
  }

  /** Pointer to a free piece of the send buffer with its size in `length`; 0 with `error` set. */
  reserve(s: number, want: number): Ptr {
    this.#begin();
    const at = this.exports.reserve(s, want, this.#at + AT.length, this.#errno) >>> 0;
    this.#done(at === 0);
    this.length = at === 0 ? 0 : (this.#memory.i32[this.#lengthWord] as number) >>> 0;
    return at;
  }

  commit(s: number, n: number): boolean {
    this.#begin();
    return this.#done(this.exports.commit(s, n, this.#errno) < 0);
  }

  /**
   * Pointer to unread bytes with their number in `length`. 0 means: `error` 0 = the peer has finished, else the error.
   */
  peek(s: number): Ptr {
    const memory = this.#memory;
    memory.ensure();
    memory.i32[this.#errnoWord] = 0;
    memory.i32[this.#lengthWord] = 0;
    const at = this.exports.peek(s, this.#at + AT.length, this.#errno) >>> 0;
    memory.ensure();
    this.error = memory.i32[this.#errnoWord] as number;
    this.length = this.error === 0 ? (memory.i32[this.#lengthWord] as number) >>> 0 : 0;
    return this.length === 0 ? 0 : at;
  }

  consume(s: number, n: number): boolean {
    this.#begin();
    return this.#done(this.exports.consume(s, n, this.#errno) < 0);
  }

  /**
   * Copies what can be read into `target`, which has room, and takes it: how many bytes. 0: the peer has finished, or `error` says
   * what is wrong, to wait not least. Of two pieces, where the receive ring wraps, the second one's end or error is the next call's.
   */
  take(s: number, target: Uint8Array): number {
    const first = this.#takePiece(s, target, 0);
    if (first < WRAP_LEAST || first === target.length || !this.readable(s)) return first;
    const second = this.#takePiece(s, target, first);
    this.error = 0;
    return first + second;
  }

  #takePiece(s: number, target: Uint8Array, offset: number): number {
    const at = this.peek(s);
    if (at === 0) return 0;
    const length = Math.min(this.length, target.length - offset);
    copy(this.core.memory.u8, at, target, offset, length);
    return this.consume(s, length) ? length : 0;
  }

  /** Sends what the send buffer takes of `bytes` from `offset`: how many. Where that is not all, `error` says why. */
  give(s: number, bytes: Uint8Array, offset: number): number {
    let at = offset;
    while (at < bytes.length) {
      const place = this.reserve(s, bytes.length - at);
      if (place === 0) break;
      const length = Math.min(this.length, bytes.length - at);
      copy(bytes, at, this.core.memory.u8, place, length);
      if (!this.commit(s, length)) break;
      at += length;
    }
    return at - offset;
  }

  /** Sends the `length` bytes standing at `data` as one datagram; without `to`, to where the socket is connected. */
  sendTo(s: number, length: number, to: Endpoint | undefined): boolean {
    this.#begin();
    this.#setWord(AT.buffer, length);
    this.#setWord(AT.buffer + 4, this.data);
    const name = to ? this.#at + AT.address : 0;
    const nameLength = to ? this.#sockaddr(to) : 0;
    return this.#done(
      this.exports.WSPSendTo(s, this.#at + AT.buffer, 1, this.#at + AT.count, 0, name, nameLength, 0, 0, 0, this.#errno) !== 0,
    );
  }

  /** Receives one datagram to `data` and its source to `from`; its length, or -1. */
  receiveFrom(s: number): number {
    this.#begin();
    this.#setWord(AT.buffer, this.dataSize);
    this.#setWord(AT.buffer + 4, this.data);
    this.#setWord(AT.flags, 0);
    this.#setWord(AT.length, ADDRESS_ROOM);
    const result = this.exports.WSPRecvFrom(
      s, this.#at + AT.buffer, 1, this.#at + AT.count, this.#at + AT.flags,
      this.#at + AT.address, this.#at + AT.length, 0, 0, 0, this.#errno,
    );
    if (!this.#done(result !== 0)) return -1;
    this.from = this.#readSockaddr();
    return this.#word(AT.count);
  }

  /** A 32-bit option, or undefined. */
  getOption(s: number, level: number, name: number): number | undefined {
    this.#begin();
    this.#setWord(AT.length, 4);
    this.#setWord(AT.value, 0);
    const result = this.exports.WSPGetSockOpt(s, level, name, this.#at + AT.value, this.#at + AT.length, this.#errno);
    return this.#done(result !== 0) ? this.#word(AT.value) : undefined;
  }

  setOption(s: number, level: number, name: number, value: number): boolean {
    this.#begin();
    this.#setWord(AT.value, value);
    return this.#done(this.exports.WSPSetSockOpt(s, level, name, this.#at + AT.value, 4, this.#errno) !== 0);
  }

  /** SO_LINGER: two 16-bit numbers in one word (semantics K.5). */
  setLinger(s: number, on: boolean, seconds: number): boolean {
    return this.setOption(s, W.SOL_SOCKET, W.SO_LINGER, (on ? 1 : 0) | (seconds << 16));
  }

  /** LSO_DRAIN: after our FIN, read and discard so many bytes for so long (ms); 0, 0 = off. */
  setDrain(s: number, bytes: number, ms: number): boolean {
    this.#begin();
    this.#setWord(AT.value, bytes);
    this.#setWord(AT.value + 4, ms);
    return this.#done(this.exports.WSPSetSockOpt(s, W.SOL_LASTACK, W.LSO_DRAIN, this.#at + AT.value, 8, this.#errno) !== 0);
  }

  /** SIO_KEEPALIVE_VALS (semantics K.5): milliseconds. */
  setKeepAlive(s: number, on: boolean, idleMs: number, intervalMs: number): boolean {
    this.#begin();
    [on ? 1 : 0, idleMs, intervalMs].forEach((value, i) => this.#setWord(AT.value + i * 4, value));
    return this.#done(this.#ioctl(s, W.SIO_KEEPALIVE_VALS, AT.value, 12, 0, 0) !== 0);
  }

  #ioctl(s: number, code: number, input: number, inputLength: number, output: number, outputLength: number): number {
    return this.exports.WSPIoctl(
      s, code, inputLength ? this.#at + input : 0, inputLength, outputLength ? this.#at + output : 0, outputLength,
      this.#at + AT.count, 0, 0, 0, this.#errno,
    );
  }

  /** FIONREAD: bytes that can be read at once. */
  unread(s: number): number {
    this.#begin();
    return this.#done(this.#ioctl(s, W.FIONREAD, 0, 0, AT.value, 4) !== 0) ? this.#word(AT.value) : 0;
  }

  /** SIO_TCP_INFO, or undefined when the core has none. */
  tcpInfo(s: number): Record<keyof typeof INFO, number> | undefined {
    this.#begin();
    this.#setWord(AT.value, 0);
    if (!this.#done(this.#ioctl(s, W.SIO_TCP_INFO, AT.value, 4, AT.info, W.SIZEOF_TCP_INFO_V0) !== 0)) return undefined;
    const wide = new Set<string>(["connectedMs", "bytesOut", "bytesIn"]);
    const at = this.#at + AT.info;
    const read = (name: string, offset: number): number => (wide.has(name) ? this.core.memory.wide(at + offset) : this.core.memory.word(at + offset));
    return Object.fromEntries(Object.entries(INFO).map(([name, offset]) => [name, read(name, offset)])) as Record<keyof typeof INFO, number>;
  }

  localName(s: number): Endpoint | undefined {
    this.#begin();
    this.#setWord(AT.length, ADDRESS_ROOM);
    const result = this.exports.WSPGetSockName(s, this.#at + AT.address, this.#at + AT.length, this.#errno);
    return this.#done(result !== 0) ? this.#readSockaddr() : undefined;
  }

  peerName(s: number): Endpoint | undefined {
    this.#begin();
    this.#setWord(AT.length, ADDRESS_ROOM);
    const result = this.exports.WSPGetPeerName(s, this.#at + AT.address, this.#at + AT.length, this.#errno);
    return this.#done(result !== 0) ? this.#readSockaddr() : undefined;
  }

  /** TCP state by the name RFC 9293 gives it. */
  state(s: number): string {
    return W.tcpStateName[this.exports.socketState(s)] ?? "CLOSED";
  }
}
