/** The provider's calls with their records in the host area: numbers in, { value, error } out. Nothing here knows a script. */
import { WSAEOPNOTSUPP } from "../../../host/abi/errors.gen.ts";
import { AF_INET, FIONBIO, SOCKET_ERROR } from "../../../host/abi/winsock.gen.ts";
import type { Core } from "../../../host/core/index.ts";
import { readSockaddr, type SocketAddress, writeSockaddr } from "../../../host/core/index.ts";

export interface Result {
  /** What the call returned, signed. */
  value: number;
  /** *lpErrno when it failed, else 0. */
  error: number;
}

export interface Received extends Result {
  bytes: Uint8Array;
  from: SocketAddress | undefined;
}

/** Exports that not every build has; absent ones answer as Winsock would for a call that is not supported. */
type Extra = Record<string, ((...args: number[]) => number) | undefined>;

const SETS = 3;
const SET_BYTES = 4 + 64 * 4;

export class Winsock {
  readonly #core: Core;
  readonly #errno: number;
  readonly #words: number;
  readonly #address: number;
  readonly #value: number;
  readonly #buffers: number;
  readonly #sets: number;
  readonly #data: number;
  readonly dataSize: number;

  constructor(core: Core) {
    this.#core = core;
    this.#errno = core.area.take(4);
    this.#words = core.area.take(32);
    this.#address = core.area.take(32);
    this.#value = core.area.take(1024);
    this.#buffers = core.area.take(16 * 8);
    this.#sets = core.area.take(SETS * SET_BYTES + 8);
    this.dataSize = core.area.free - 16;
    this.#data = core.area.take(this.dataSize);
  }

  /** Calls an export by name with lpErrno appended. */
  call(name: string, ...args: number[]): Result {
    const entry = (this.#core.exports as unknown as Extra)[name];
    if (!entry) return { value: SOCKET_ERROR, error: WSAEOPNOTSUPP };
    this.#setWord(this.#errno, 0);
    const value = entry(...args, this.#errno) | 0;
    return { value, error: value === SOCKET_ERROR ? this.#word(this.#errno) : 0 };
  }

  /** On whose behalf the next calls are made (seam.md, Calls that wait). */
  caller(id: number): void {
    (this.#core.exports as unknown as Extra).caller?.(id);
  }

  has(name: string): boolean {
    return (this.#core.exports as unknown as Extra)[name] !== undefined;
  }

  /** WSPStartup for version 2.2: 0, or the error itself. */
  startup(): number {
    return this.#core.exports.WSPStartup(0x0202, this.#value, 0, 0, this.#value + 520);
  }

  /** TCP state of a handle, -1 if it has none. */
  state(s: number): number {
    return (this.#core.exports as unknown as Extra).socketState?.(s) ?? -1;
  }

  socket(type: number, protocol: number, family = AF_INET): Result {
    return this.call("WSPSocket", family, type, protocol, 0, 0, 1);
  }

  bind(s: number, address: string, port: number): Result {
    return this.call("WSPBind", s, this.#address, this.#putAddress(address, port));
  }

  connect(s: number, address: string, port: number): Result {
    return this.call("WSPConnect", s, this.#address, this.#putAddress(address, port), 0, 0, 0, 0);
  }

  listen(s: number, backlog: number): Result {
    return this.call("WSPListen", s, backlog);
  }

  accept(s: number): Result & { from: SocketAddress | undefined } {
    this.#setWord(this.#words, 28);
    const result = this.call("WSPAccept", s, this.#address, this.#words, 0, 0);
    return { ...result, from: result.value === SOCKET_ERROR ? undefined : this.#takeAddress() };
  }

  shutdown(s: number, how: number): Result {
    return this.call("WSPShutdown", s, how);
  }

  close(s: number): Result {
    return this.call("WSPCloseSocket", s);
  }

  nonblocking(s: number, on: boolean): Result {
    this.#setWord(this.#value, on ? 1 : 0);
    return this.call("WSPIoctl", s, FIONBIO, this.#value, 4, 0, 0, this.#words, 0, 0, 0);
  }

  /** An ioctl that answers one u32. */
  ioctlWord(s: number, code: number): Result & { word: number } {
    const result = this.call("WSPIoctl", s, code, 0, 0, this.#value, 4, this.#words, 0, 0, 0);
    return { ...result, word: this.#word(this.#value) };
  }

  /** An ioctl that answers a record. */
  ioctlRecord(s: number, code: number, size: number, input: number[] = []): Result & { record: Uint8Array } {
    input.forEach((v, i) => this.#setWord(this.#value + 512 + i * 4, v));
    const result = this.call("WSPIoctl", s, code, this.#value + 512, input.length * 4, this.#value, size, this.#words, 0, 0, 0);
    return { ...result, record: this.#bytes(this.#value, size) };
  }

  setOption(s: number, level: number, name: number, bytes: readonly number[]): Result {
    this.#u8().set(bytes, this.#value);
    return this.call("WSPSetSockOpt", s, level, name, this.#value, bytes.length);
  }

  getOption(s: number, level: number, name: number, size: number): Result & { record: Uint8Array } {
    this.#setWord(this.#words, size);
    this.#u8().fill(0, this.#value, this.#value + size);
    const result = this.call("WSPGetSockOpt", s, level, name, this.#value, this.#words);
    return { ...result, record: this.#bytes(this.#value, Math.min(size, this.#word(this.#words))) };
  }

  /** Sends all pieces in one call; `value` is the number of bytes taken. */
  send(s: number, pieces: readonly Uint8Array[], flags: number): Result {
    this.#putPieces(pieces);
    return this.#counted(this.call("WSPSend", s, this.#buffers, pieces.length, this.#words, flags, 0, 0, 0));
  }

  sendTo(s: number, pieces: readonly Uint8Array[], flags: number, address: string, port: number): Result {
    this.#putPieces(pieces);
    const size = this.#putAddress(address, port);
    return this.#counted(this.call("WSPSendTo", s, this.#buffers, pieces.length, this.#words, flags, this.#address, size, 0, 0, 0));
  }

  /** Receives into buffers of these sizes; `value` is the number of bytes. */
  recv(s: number, sizes: readonly number[], flags: number, withFrom = false): Received {
    let at = this.#data;
    sizes.forEach((size, i) => {
      this.#setWord(this.#buffers + i * 8, size);
      this.#setWord(this.#buffers + i * 8 + 4, at);
      at += size;
    });
    this.#setWord(this.#words, 0);
    this.#setWord(this.#words + 4, flags);
    this.#setWord(this.#words + 8, 28);
    const result = withFrom
      ? this.call("WSPRecvFrom", s, this.#buffers, sizes.length, this.#words, this.#words + 4, this.#address, this.#words + 8, 0, 0, 0)
      : this.call("WSPRecv", s, this.#buffers, sizes.length, this.#words, this.#words + 4, 0, 0, 0);
    const counted = this.#counted(result);
    const bytes = counted.value > 0 ? this.#bytes(this.#data, counted.value) : new Uint8Array(0);
    return { ...counted, bytes, from: counted.value >= 0 && withFrom ? this.#takeAddress() : undefined };
  }

  /** select with a zero timeout: which of the sets hold the socket. */
  ready(s: number): Result & { read: boolean; write: boolean; except: boolean } {
    const at = (i: number): number => this.#sets + i * SET_BYTES;
    for (let i = 0; i < SETS; i++) {
      this.#setWord(at(i), 1);
      this.#setWord(at(i) + 4, s);
    }
    const timeout = this.#sets + SETS * SET_BYTES;
    this.#setWord(timeout, 0);
    this.#setWord(timeout + 4, 0);
    const result = this.call("WSPSelect", 0, at(0), at(1), at(2), timeout);
    const holds = (i: number): boolean => result.value > 0 && this.#word(at(i)) === 1;
    return { ...result, read: holds(0), write: holds(1), except: holds(2) };
  }

  name(s: number, peer: boolean): Result & { address: SocketAddress | undefined } {
    this.#setWord(this.#words, 28);
    const result = this.call(peer ? "WSPGetPeerName" : "WSPGetSockName", s, this.#address, this.#words);
    return { ...result, address: result.value === SOCKET_ERROR ? undefined : this.#takeAddress() };
  }

  /** Resets the connection now, whatever linger says. */
  abort(s: number): Result {
    return this.call("abortSocket", s);
  }

  #counted(result: Result): Result {
    return result.value === SOCKET_ERROR ? result : { value: this.#word(this.#words), error: 0 };
  }

  #putPieces(pieces: readonly Uint8Array[]): void {
    let at = this.#data;
    pieces.forEach((piece, i) => {
      this.#u8().set(piece, at);
      this.#setWord(this.#buffers + i * 8, piece.length);
      this.#setWord(this.#buffers + i * 8 + 4, at);
      at += piece.length;
    });
  }

  #putAddress(address: string, port: number): number {
    this.#core.memory.ensure();
    return writeSockaddr(this.#core.memory.data, this.#address, address, port);
  }

  #takeAddress(): SocketAddress | undefined {
    this.#core.memory.ensure();
    return readSockaddr(this.#core.memory.data, this.#address, 28);
  }

  #u8(): Uint8Array {
    this.#core.memory.ensure();
    return this.#core.memory.u8;
  }

  #bytes(at: number, size: number): Uint8Array {
    return this.#u8().slice(at, at + size);
  }

  #word(at: number): number {
    this.#core.memory.ensure();
    return this.#core.memory.word(at);
  }

  #setWord(at: number, value: number): void {
    this.#core.memory.ensure();
    this.#core.memory.data.setUint32(at, value >>> 0, true);
  }
}
