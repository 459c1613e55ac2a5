/** Overlapped I/O, completion ports, the extension functions and window messages, by Winsock's names. */
import { WSA_IO_PENDING, WSAEINVAL, WSAENOBUFS } from "../abi/errors.gen.ts";
import { ACCEPTEX_ADDRESS_EXTRA, INVALID_HANDLE_VALUE } from "../abi/overlapped.gen.ts";
import * as W from "../abi/winsock.gen.ts";
import { readSockaddr, writeSockaddr } from "../core/index.ts";
import type { Host } from "../api/raw.ts";
import type { SockAddr } from "./area.ts";
import type { SOCKET } from "./calls.ts";
import { type CompletionRoutine, type Operation, Operations, type Wanted, WSAOVERLAPPED } from "./operations.ts";
import { type Ref, TransferCalls } from "./transfers.ts";
import type { Waiting } from "./waiting.ts";

/** A window procedure: what WSAAsyncSelect's messages are handed to. */
export type WindowProcedure = (message: number, wParam: number, lParam: number) => void;

/** Room AcceptEx needs for each of the two names. */
export const ACCEPTEX_NAME_BYTES: number = W.SIZEOF_SOCKADDR_IN + ACCEPTEX_ADDRESS_EXTRA;

/** Event (FD_x) of a WSAAsyncSelect message. */
export function WSAGETSELECTEVENT(lParam: number): number {
  return lParam & 0xffff;
}
/** The error of such a message, 0 for none. */
export function WSAGETSELECTERROR(lParam: number): number {
  return lParam >>> 16;
}

/** The two names in a buffer that AcceptEx filled behind `dataLength` bytes of data. */
export function GetAcceptExSockaddrs(buffer: Uint8Array, dataLength: number): { local: SockAddr; remote: SockAddr } {
  const data = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const name = (at: number): SockAddr => {
    const found = readSockaddr(data, at, W.SIZEOF_SOCKADDR_IN);
    if (!found) throw new RangeError(`buffer has no name at ${at}; expected what AcceptEx filled with dataLength ${dataLength}`);
    return { address: found.address, port: found.port };
  };
  return { local: name(dataLength), remote: name(dataLength + ACCEPTEX_NAME_BYTES) };
}

const flagsIn = (flags: number | Ref<number>): number => (typeof flags === "number" ? flags : flags.value);

/** The buffers as one. */
function joined(buffers: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(buffers.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const buffer of buffers) {
    all.set(buffer, at);
    at += buffer.length;
  }
  return all;
}

export abstract class OverlappedCalls extends TransferCalls {
  readonly #operations: Operations;
  /** Sockets tied to a completion port, as this face saw it. */
  readonly #tied = new Map<SOCKET, number>();
  /** What programs posted to ports themselves, by the number that stands for it. */
  readonly #posted = new Map<number, WSAOVERLAPPED>();
  #nextPosted = 1;
  readonly #windows = new Map<number, WindowProcedure>();
  #nextWindow = 1;

  /** @internal */
  constructor(host: Host, waiting: Waiting) {
    super(host, waiting);
    this.#operations = new Operations(this.area);
    waiting.onSignal = () => this.#operations.sweep();
    waiting.onRoutine = (at, error, bytes) => this.#routine(at, error, bytes);
    waiting.onMessage = (hWnd, message, wParam, lParam) => this.#windows.get(hWnd)?.(message, wParam, lParam);
  }

  #routine(at: number, error: number, bytes: number): void {
    const operation = this.#operations.find(at);
    if (!operation) return;
    this.#operations.settle(operation);
    this.#operations.end(operation);
    operation.routine?.(error, bytes, operation.overlapped, operation.overlapped.Offset);
  }

  /** Begins an operation: what the call returned. Unless it is pending or complete, nothing of it is left. */
  #begin(s: SOCKET, wanted: Wanted, call: (operation: Operation) => number, failed = -1, count?: Ref<number> | null): number {
    const operation = this.#operations.begin({ ...wanted, port: wanted.routine ? 0 : (this.#tied.get(s) ?? 0) });
    if (!operation) { this.error = WSAENOBUFS; return failed; }
    const result = this.call(() => call(operation), 0, failed);
    const code = this.error;
    if (result === failed && code !== WSA_IO_PENDING) this.#operations.end(operation);
    else if (this.#operations.settle(operation) && count) count.value = wanted.overlapped.InternalHigh;
    this.error = code;
    return result;
  }

  /**
   * Receives into the buffers: 0 when it is complete at once, SOCKET_ERROR with 997 when it will be. The bytes are there, and `overlapped`
   * tells how many, when the operation is complete: by hEvent, by the completion port that the socket is tied to, or by `routine`, which is
   * called as soon as it is due (there is no alertable wait). Without `overlapped` it waits like recv. `flags` as an object also takes what
   * comes back: MSG_PARTIAL where a message goes on behind what the buffers hold (SOCK_SEQPACKET).
   */
  WSARecv(s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number | Ref<number>, overlapped: WSAOVERLAPPED, routine?: CompletionRoutine | null): number;
  WSARecv(s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number | Ref<number>, overlapped: null): Promise<number>;
  WSARecv(
    s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number | Ref<number>, overlapped: WSAOVERLAPPED | null,
    routine: CompletionRoutine | null = null,
  ): number | Promise<number> {
    if (!overlapped) return this.#receiveInto(s, buffers, count, flags);
    return this.#begin(s, { overlapped, routine, into: buffers }, (o) => {
      this.area.setWord("flags", flagsIn(flags));
      const list = this.#operations.buffersOf(o);
      const result = this.spi.WSPRecv(s, list, buffers.length, this.area.at("count"), this.area.at("flags"), o.at, routine ? 1 : 0, 0, this.errno);
      if (result === 0 && typeof flags !== "number") flags.value = this.area.word("flags");
      return result;
    }, -1, count);
  }
  /** Sends the buffers, which are copied in the call. Complete means accepted, not delivered. Without `overlapped` it waits like send. */
  WSASend(s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number, overlapped: WSAOVERLAPPED, routine?: CompletionRoutine | null): number;
  WSASend(s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number, overlapped: null): Promise<number>;
  WSASend(
    s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number, overlapped: WSAOVERLAPPED | null,
    routine: CompletionRoutine | null = null,
  ): number | Promise<number> {
    if (!overlapped) return this.#sendFrom(s, buffers, count, flags);
    return this.#begin(s, { overlapped, routine, data: buffers }, (o) =>
      this.spi.WSPSend(s, this.#operations.buffersOf(o), buffers.length, this.area.at("count"), flags, o.at, routine ? 1 : 0, 0, this.errno), -1, count);
  }
  async #receiveInto(s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number | Ref<number>): Promise<number> {
    const into = new Uint8Array(buffers.reduce((sum, { length }) => sum + length, 0));
    const got = await this.receive(s, into, flagsIn(flags));
    if (!got) return -1;
    let at = 0;
    for (const buffer of buffers) {
      buffer.set(into.subarray(at, Math.min(at + buffer.length, got.count)));
      at = Math.min(at + buffer.length, got.count);
    }
    if (count) count.value = got.count;
    if (typeof flags !== "number") flags.value = got.flags;
    return 0;
  }
  async #sendFrom(s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number): Promise<number> {
    const sent = await this.send(s, buffers.length === 1 ? buffers[0] as Uint8Array : joined(buffers), flags);
    if (sent === -1) return -1;
    if (count) count.value = sent;
    return 0;
  }
  /** The same for the oldest datagram, whose sender is stored in `from`. One longer than the buffers is cut: 10040. */
  WSARecvFrom(
    s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number, from: SockAddr | null, overlapped: WSAOVERLAPPED,
    routine: CompletionRoutine | null = null,
  ): number {
    return this.#begin(s, { overlapped, routine, into: buffers, from }, (o) => {
      this.area.setWord("flags", flags);
      return this.spi.WSPRecvFrom(
        s, this.#operations.buffersOf(o), buffers.length, this.area.at("count"), this.area.at("flags"), this.#operations.nameOf(o),
        this.#operations.nameLengthOf(o), o.at, routine ? 1 : 0, 0, this.errno,
      );
    }, -1, count);
  }
  /** Sends one datagram, gathered from the buffers. Complete means queued. */
  WSASendTo(
    s: SOCKET, buffers: readonly Uint8Array[], count: Ref<number> | null, flags: number, to: SockAddr, overlapped: WSAOVERLAPPED,
    routine: CompletionRoutine | null = null,
  ): number {
    return this.#begin(s, { overlapped, routine, data: buffers }, (o) =>
      this.spi.WSPSendTo(
        s, this.#operations.buffersOf(o), buffers.length, this.area.at("count"), flags, ...this.area.name(to), o.at, routine ? 1 : 0, 0, this.errno,
      ), -1, count);
  }

  /** True with the bytes in `transfer` and MSG_PARTIAL or 0 in `flags`, or false with the operation's code; 996 while it is pending, unless `wait`. */
  async WSAGetOverlappedResult(s: SOCKET, overlapped: WSAOVERLAPPED, transfer: Ref<number>, wait: boolean, flags: Ref<number> | null = null): Promise<boolean> {
    const operation = this.#operations.of(overlapped);
    // Settled before and told: the record is all that is left, and the core reads it from where a call puts it.
    const at = operation?.at ?? this.area.at("more");
    if (!operation) this.area.setWords(at, [overlapped.Internal | 0, overlapped.InternalHigh, overlapped.Offset, 0, 0]);
    const ok = await this.blocking(() => this.spi.WSPGetOverlappedResult(s, at, this.area.at("count"), wait ? 1 : 0, this.area.at("flags"), this.errno), 0);
    const code = this.error;
    if (operation) this.#operations.settle(operation);
    transfer.value = overlapped.InternalHigh;
    if (flags) flags.value = overlapped.Offset;
    this.#operations.sweep();
    this.error = code;
    return ok !== 0;
  }
  /** Cancels one operation of `s`, or all of them (null): they complete with 995. */
  CancelIoEx(s: SOCKET, overlapped: WSAOVERLAPPED | null = null): boolean {
    const at = overlapped ? (this.#operations.of(overlapped)?.at ?? -1) : 0;
    return this.call(() => this.spi.CancelIoEx(s, at, this.errno), 0, 0) !== 0;
  }

  /**
   * Gives `acceptor` the listener's next connection. `buffer` takes `dataLength` bytes of data (0 = do not wait for any) and the names
   * behind them: dataLength + 2 × ACCEPTEX_NAME_BYTES bytes, which GetAcceptExSockaddrs reads. False with 997: it will be complete.
   */
  AcceptEx(listener: SOCKET, acceptor: SOCKET, buffer: Uint8Array, dataLength: number, overlapped: WSAOVERLAPPED): boolean {
    if (buffer.length < dataLength + 2 * ACCEPTEX_NAME_BYTES) { this.error = WSAEINVAL; return false; }
    return this.#begin(listener, { overlapped, into: [buffer], whole: true }, (o) => this.spi.AcceptEx(
      listener, acceptor, this.#operations.dataOf(o), dataLength, ACCEPTEX_NAME_BYTES, ACCEPTEX_NAME_BYTES, 0, o.at, this.errno,
    ), 0) !== 0;
  }
  /** Connects a bound socket and sends `data` first. False with 997: it will be complete. */
  ConnectEx(s: SOCKET, name: SockAddr, data: Uint8Array | null, overlapped: WSAOVERLAPPED): boolean {
    return this.#begin(s, { overlapped, data: data ? [data] : [new Uint8Array(0)] }, (o) => {
      const at = this.#operations.nameOf(o);
      const length = writeSockaddr(this.host.core.memory.data, at, name.address, name.port);
      return this.spi.ConnectEx(s, at, length, data?.length ? this.#operations.dataOf(o) : 0, data?.length ?? 0, 0, o.at, this.errno);
    }, 0) !== 0;
  }
  /** Ends the connection; with TF_REUSE_SOCKET the handle may be connected again. Without `overlapped` that is waited for. */
  DisconnectEx(s: SOCKET, overlapped: WSAOVERLAPPED, flags: number): boolean;
  DisconnectEx(s: SOCKET, overlapped: null, flags: number): Promise<boolean>;
  DisconnectEx(s: SOCKET, overlapped: WSAOVERLAPPED | null, flags: number): boolean | Promise<boolean> {
    if (overlapped) return this.#begin(s, { overlapped }, (o) => this.spi.DisconnectEx(s, o.at, flags, 0, this.errno), 0) !== 0;
    return this.blocking(() => this.spi.DisconnectEx(s, 0, flags, 0, this.errno), 0).then((result) => result !== 0);
  }

  /** Ties a socket to a completion port (a new one for 0), or, for INVALID_HANDLE_VALUE, only makes a port. 0 on failure. */
  CreateIoCompletionPort(file: SOCKET, existing: SOCKET, key: number): SOCKET {
    const port = this.call(() => this.spi.CreateIoCompletionPort(file, existing, key, 0, this.errno), 0, 0) >>> 0;
    if (port && file !== INVALID_HANDLE_VALUE) this.#tied.set(file, port);
    return port;
  }
  /** Takes the oldest packet: true, or false with its code. Without one in `timeoutMs` false with 258 and no overlapped. */
  async GetQueuedCompletionStatus(
    port: SOCKET, bytes: Ref<number>, key: Ref<number>, overlapped: Ref<WSAOVERLAPPED | null>, timeoutMs: number = W.WSA_INFINITE,
  ): Promise<boolean> {
    let found: readonly number[] = [0, 0, 0];
    const ok = await this.blocking(() => {
      const at = this.area.at("more");
      this.area.setWords(at, [0, 0, 0]);
      const result = this.spi.GetQueuedCompletionStatus(port, at, at + 4, at + 8, timeoutMs, this.errno);
      found = this.area.words(at, 3);
      return result;
    }, 0);
    const code = this.error;
    const operation = this.#operations.find((found[2] as number) >>> 0);
    if (operation) {
      this.#operations.settle(operation);
      this.#operations.end(operation);
    }
    [bytes.value, key.value] = found.map((word) => word >>> 0) as [number, number];
    const number = (found[2] as number) >>> 0;
    overlapped.value = operation?.overlapped ?? this.#posted.get(number) ?? null;
    this.#posted.delete(number);
    this.error = code;
    return ok !== 0;
  }
  /** Puts a packet of the program's own at the port's end. */
  PostQueuedCompletionStatus(port: SOCKET, bytes: number, key: number, overlapped: WSAOVERLAPPED | null = null): boolean {
    // Odd numbers are no addresses of operations.
    this.#nextPosted = (this.#nextPosted + 2) >>> 0;
    const number = overlapped ? this.#nextPosted : 0;
    const ok = this.call(() => this.spi.PostQueuedCompletionStatus(port, bytes, key, number, this.errno), 0, 0) !== 0;
    if (ok && overlapped) this.#posted.set(number, overlapped);
    return ok;
  }
  /** Closes a completion port or an event object. */
  CloseHandle(handle: SOCKET): boolean {
    const ok = this.call(() => this.spi.CloseHandle(handle, this.errno), 0, 0) !== 0;
    if (ok) this.#operations.portGone(handle);
    return ok;
  }
  /** Takes over the results of operations that are complete. @internal */
  protected settleOperations(): void {
    this.#operations.sweep();
  }
  /** @internal */
  protected untie(s: SOCKET): void {
    this.#tied.delete(s);
  }

  /** A window for WSAAsyncSelect's messages. */
  createWindow(procedure: WindowProcedure): number {
    const hWnd = this.#nextWindow++;
    this.#windows.set(hWnd, procedure);
    return hWnd;
  }
  /** No more messages for it; what was posted is dropped. */
  destroyWindow(hWnd: number): void {
    this.#windows.delete(hWnd);
  }
  /** Posts `message` to window `hWnd` for each of the network events; 0 cancels. Makes the socket nonblocking. */
  WSAAsyncSelect(s: SOCKET, hWnd: number, message: number, networkEvents: number): number {
    return this.call(() => this.spi.WSPAsyncSelect(s, hWnd, message, networkEvents, this.errno));
  }
}
