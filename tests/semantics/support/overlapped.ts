/** Overlapped operations and completion ports as scenarios use them: numbered operations, each with its WSAOVERLAPPED and buffer. */
import assert from "node:assert/strict";
import * as S from "../../../host/abi/overlapped.gen.ts";
import * as W from "../../../host/abi/winsock.gen.ts";
import { writeSockaddr } from "../../../host/core/index.ts";
import type { Provider } from "./provider.ts";

/** In the scratch memory: three words for results, then for each operation WSAOVERLAPPED, WSABUF and sockaddr, then the buffers. */
const RESULT = 4096;
const OPERATIONS = 4352;
const RECORD = 64;
const BUFFERS = 8192;
/** Bytes of each buffer; AcceptEx has 64 of them for names. */
export const BUFFER = 512;
const NAMES = 32;
/** Operations a scenario can have. */
const MOST = 16;

/** Codes of WSAGetOverlappedResult by status (K.4), for sockets that are closed: there only WSAOVERLAPPED tells. */
const CODES: Readonly<Record<number, number>> = {
  [S.STATUS_SUCCESS]: 0, [S.STATUS_CANCELLED]: 995, [S.STATUS_CONNECTION_ABORTED]: 10053, [S.STATUS_CONNECTION_RESET]: 10054,
  [S.STATUS_CONNECTION_REFUSED]: 10061, [S.STATUS_NOT_SUPPORTED]: 10045, [S.STATUS_BUFFER_OVERFLOW]: 10040,
};

export interface Asked {
  readonly event?: number;
  readonly routine?: number;
  readonly flags?: number;
}

const completion = (code: number, bytes: number): string => `completion:${code}:${bytes}`;

export class Overlaps {
  readonly spi: Provider;

  constructor(spi: Provider) {
    this.spi = spi;
  }

  /** Address of operation k's WSAOVERLAPPED. */
  at(k: number): number {
    assert.ok(k < MOST);
    return this.spi.scratch + OPERATIONS + k * RECORD;
  }
  #buffer(k: number): number {
    return this.spi.scratch + BUFFERS + k * BUFFER;
  }
  /** Fresh records of operation k with a buffer of `length` bytes; returns the address of its WSABUF. */
  #prepare(k: number, length: number, event = 0): number {
    const { spi } = this;
    for (let i = 0; i < 4; i++) spi.pokeWord(0, OPERATIONS + k * RECORD + 4 * i);
    spi.pokeWord(event, OPERATIONS + k * RECORD + 16);
    spi.pokeWord(length, OPERATIONS + k * RECORD + 20);
    return spi.pokeWord(this.#buffer(k), OPERATIONS + k * RECORD + 24) - 4;
  }
  #word(i: number): number {
    return this.spi.scratch + RESULT + 4 * i;
  }

  /** What the last call stored as its number of bytes; whoever looks at it sets it before. */
  get count(): number {
    return this.spi.scratchWord(RESULT);
  }
  set count(value: number) {
    this.spi.pokeWord(value, RESULT);
  }

  /** WSPRecv as operation k; its error code, 0 if it was complete at once. */
  recv(s: number, k = 0, length = 100, { event, routine = 0, flags = 0 }: Asked = {}): number {
    const list = this.#prepare(k, length, event);
    this.spi.pokeWord(flags, RESULT + 4);
    return this.spi.code("WSPRecv", s, list, 1, this.#word(0), this.#word(1), this.at(k), routine, 0);
  }
  /** WSPRecvFrom. */
  recvFrom(s: number, k = 0, length = 100): number {
    const list = this.#prepare(k, length);
    this.spi.pokeWord(0, RESULT + 4);
    this.spi.pokeWord(16, OPERATIONS + k * RECORD + 28);
    return this.spi.code("WSPRecvFrom", s, list, 1, this.#word(0), this.#word(1), this.at(k) + 32, this.at(k) + 28, this.at(k), 0, 0);
  }
  /** WSPSend of those bytes, or of so many zeros. */
  send(s: number, k: number, data: string | number, { event, routine = 0 }: Asked = {}): number {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
    const list = this.#prepare(k, bytes.length, event);
    this.spi.poke(bytes, BUFFERS + k * BUFFER);
    return this.spi.code("WSPSend", s, list, 1, this.#word(0), 0, this.at(k), routine, 0);
  }
  /** WSPIoctl with that code. */
  ioctl(s: number, k: number, code: number): number {
    this.#prepare(k, 0);
    return this.spi.code("WSPIoctl", s, code, this.#word(2), 4, this.#buffer(k), 4, this.#word(0), this.at(k), 0, 0);
  }
  /** AcceptEx waiting for `length` bytes; "0/997". */
  accept(listener: number, acceptor: number, k = 0, length = 0): string {
    this.#prepare(k, length);
    return this.#extension("AcceptEx", listener, acceptor, this.#buffer(k), length, NAMES, NAMES, this.#word(0), this.at(k));
  }
  /** ConnectEx sending `data` first. */
  connect(s: number, address: string, port: number, k = 0, data = ""): string {
    this.#prepare(k, data.length);
    this.spi.poke(new TextEncoder().encode(data), BUFFERS + k * BUFFER);
    const length = writeSockaddr(this.spi.core.memory.data, this.at(k) + 32, address, port);
    return this.#extension("ConnectEx", s, this.at(k) + 32, length, data ? this.#buffer(k) : 0, data.length, this.#word(0), this.at(k));
  }
  /** DisconnectEx; k undefined = without lpOverlapped. */
  disconnect(s: number, k: number | undefined, flags = 0, reserved = 0): string {
    if (k !== undefined) this.#prepare(k, 0);
    return this.#extension("DisconnectEx", s, k === undefined ? 0 : this.at(k), flags, reserved);
  }
  /** The BOOL and, if it is FALSE, the code: as rows write them. */
  #extension(name: string, ...args: number[]): string {
    const ok = this.spi.call(name, ...args);
    return ok ? `${ok}` : `0/${this.spi.err}`;
  }

  /** What WSPGetOverlappedResult says of operation k: completion:code:bytes, or none while it is pending. */
  result(s: number, k = 0): string {
    const ok = this.spi.call("WSPGetOverlappedResult", s, this.at(k), this.#word(0), 0, this.#word(1));
    return ok ? completion(0, this.count) : this.spi.err === 996 ? "none" : completion(this.spi.err, this.spi.scratchWord(OPERATIONS + k * RECORD + 4));
  }
  /** The same, read from WSAOVERLAPPED: of a socket that is closed. */
  record(k = 0): string {
    const [status, bytes] = [this.spi.scratchWord(OPERATIONS + k * RECORD), this.spi.scratchWord(OPERATIONS + k * RECORD + 4)];
    return status === S.STATUS_PENDING ? "none" : completion(CODES[status] ?? status, bytes);
  }
  /** Bytes that operation k received. */
  text(k: number, length: number): string {
    return new TextDecoder().decode(this.spi.scratchBytes(length, BUFFERS + k * BUFFER));
  }

  /** A completion port that socket s is tied to. */
  port(s: number, key = 1, existing = 0): number {
    const port = this.spi.call("CreateIoCompletionPort", s, existing, key, 0) >>> 0;
    assert.notEqual(port, 0, `CreateIoCompletionPort answers ${this.spi.err}`);
    return port;
  }
  /** The oldest packet of a port: completion:code:bytes with the Win32 code, or none. */
  packet(port: number): string {
    const ok = this.spi.call("GetQueuedCompletionStatus", port, this.#word(0), this.#word(1), this.#word(2), 0);
    if (!ok && this.spi.scratchWord(RESULT + 8) === 0) {
      assert.equal(this.spi.err, W.WSA_WAIT_TIMEOUT);
      return "none";
    }
    return completion(ok ? 0 : this.spi.err, this.count);
  }
  /** Key of the packet that was taken last. */
  get key(): number {
    return this.spi.scratchWord(RESULT + 4);
  }
  /** Its WSAOVERLAPPED. */
  get overlapped(): number {
    return this.spi.scratchWord(RESULT + 8);
  }
}
