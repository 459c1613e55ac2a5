/**
 * The exports of a core as TypeScript sees them. Winsock names and argument orders are those of WSPPROC_TABLE (semantics K.6)
 * with lpErrno last; all pointers are offsets into `memory`, all numbers 32-bit integers, and a u32 arrives signed (`>>> 0`).
 * Addresses are 16 bytes (core/address.ts). Nothing here waits, and nothing calls back.
 */

type Ptr = number;

/** The Lastack set: what a host needs around the socket calls. */
export interface LastackExports {
  readonly memory: WebAssembly.Memory;
  /** Runs the module's start code; call once, before anything else. */
  _initialize?(): void;
  /** ABI_VERSION of assembly/abi/link.ts the core was built with. */
  abiVersion(): number;
  /** Carves memory from a configure record. 0, or E_*. Once. */
  configure(record: Ptr, length: number): number;
  hostArea(): Ptr;
  /** Bytes of hostArea(). */
  hostAreaSize(): number;
  /** Interface index ≥ 0, or E_*. `mac` points at 6 bytes. */
  deviceAdd(fd: number, capabilities: number, mtu: number, mac: Ptr): number;
  /** 0, or E_*. `prefixBits` counts in the 128-bit form. */
  addressAdd(iface: number, address: Ptr, prefixBits: number): number;
  /** 0, or E_*. A gateway of 16 zero bytes = directly reachable. */
  routeAdd(destination: Ptr, prefixBits: number, gateway: Ptr, iface: number): number;
  /** Does all work there is. Milliseconds until the next call is wanted (0 = again at once), -1 = when something happens. */
  poll(): number;
  /** The same at `ns` of the monotonic clock, without asking for the time; not in every build. */
  pollAt?(ns: number): number;
  /** 1 = something is to be done before the time that the last poll asked for; without it: perhaps. */
  workDue?(): number;
  /** Address of the record of device `iface`'s posted receive buffers (assembly/link/posted.ts), 0 = there are none. */
  devicePost?(iface: number, frames: number): Ptr;
  /** Writes up to `capacity` 16-byte event records; returns how many. */
  events(ptr: Ptr, capacity: number): number;
  /** 1 = a 64-byte close report was written, 0 = none. */
  report(ptr: Ptr): number;
  /** STAT_COUNT u32 counters. */
  stats(): Ptr;
  /** READY_* bits: the device or socket `fd` can be read or written again. */
  hostReady(fd: number, bits: number): void;
}

/** The provider's entries. -1 with *lpErrno set on failure, unless said otherwise. */
export interface WinsockExports {
  /** 0, or the error itself. */
  WSPStartup(version: number, data: Ptr, protocolInfo: Ptr, upcallTable: Ptr, procTable: Ptr): number;
  WSPCleanup(lpErrno: Ptr): number;
  /** Socket handle, or INVALID_SOCKET (-1). */
  WSPSocket(af: number, type: number, protocol: number, protocolInfo: Ptr, group: number, flags: number, lpErrno: Ptr): number;
  WSPBind(s: number, name: Ptr, namelen: number, lpErrno: Ptr): number;
  WSPListen(s: number, backlog: number, lpErrno: Ptr): number;
  /** Socket handle, or INVALID_SOCKET (-1). */
  WSPAccept(s: number, addr: Ptr, addrlen: Ptr, condition: number, callbackData: number, lpErrno: Ptr): number;
  WSPConnect(s: number, name: Ptr, namelen: number, callerData: Ptr, calleeData: Ptr, sqos: Ptr, gqos: Ptr, lpErrno: Ptr): number;
  WSPSend(
    s: number, buffers: Ptr, count: number, sent: Ptr, flags: number,
    overlapped: Ptr, routine: number, threadId: Ptr, lpErrno: Ptr,
  ): number;
  WSPRecv(
    s: number, buffers: Ptr, count: number, received: Ptr, flags: Ptr,
    overlapped: Ptr, routine: number, threadId: Ptr, lpErrno: Ptr,
  ): number;
  WSPSendTo(
    s: number, buffers: Ptr, count: number, sent: Ptr, flags: number, to: Ptr, tolen: number,
    overlapped: Ptr, routine: number, threadId: Ptr, lpErrno: Ptr,
  ): number;
  WSPRecvFrom(
    s: number, buffers: Ptr, count: number, received: Ptr, flags: Ptr, from: Ptr, fromlen: Ptr,
    overlapped: Ptr, routine: number, threadId: Ptr, lpErrno: Ptr,
  ): number;
  WSPShutdown(s: number, how: number, lpErrno: Ptr): number;
  WSPSendDisconnect(s: number, data: Ptr, lpErrno: Ptr): number;
  WSPRecvDisconnect(s: number, data: Ptr, lpErrno: Ptr): number;
  WSPCloseSocket(s: number, lpErrno: Ptr): number;
  WSPGetSockOpt(s: number, level: number, name: number, value: Ptr, length: Ptr, lpErrno: Ptr): number;
  WSPSetSockOpt(s: number, level: number, name: number, value: Ptr, length: number, lpErrno: Ptr): number;
  WSPIoctl(
    s: number, code: number, input: Ptr, inputLength: number, output: Ptr, outputLength: number, returned: Ptr,
    overlapped: Ptr, routine: number, threadId: Ptr, lpErrno: Ptr,
  ): number;
  WSPEventSelect(s: number, event: number, networkEvents: number, lpErrno: Ptr): number;
  WSPEnumNetworkEvents(s: number, event: number, networkEvents: Ptr, lpErrno: Ptr): number;
  WSPSelect(nfds: number, read: Ptr, write: Ptr, except: Ptr, timeout: Ptr, lpErrno: Ptr): number;
  /** Fds: 8-byte WSAPOLLFDs. Entries with something to tell, or -1. */
  WSAPoll(fds: Ptr, count: number, timeoutMs: number, lpErrno: Ptr): number;
  /** WSAPROTOCOL_INFOWs of what there is; lpLength in: room, out: bytes. Their number, or -1. */
  WSAEnumProtocols(lpiProtocols: Ptr, buffer: Ptr, lpLength: Ptr, lpErrno: Ptr): number;
  /** Describes a socket at `info` (628 bytes) for one WSPSocket call. */
  WSPDuplicateSocket(s: number, processId: number, info: Ptr, lpErrno: Ptr): number;
  /** UTF-16 text with its zero to `text`; *length is its room in characters, then what was written. */
  WSPAddressToString(name: Ptr, namelen: number, info: Ptr, text: Ptr, length: Ptr, lpErrno: Ptr): number;
  WSPStringToAddress(text: Ptr, family: number, info: Ptr, name: Ptr, namelen: Ptr, lpErrno: Ptr): number;
  WSPGetSockName(s: number, name: Ptr, namelen: Ptr, lpErrno: Ptr): number;
  WSPGetPeerName(s: number, name: Ptr, namelen: Ptr, lpErrno: Ptr): number;
  WSPCancelBlockingCall(lpErrno: Ptr): number;
  /** Messages come as EVENT_MESSAGE. */
  WSPAsyncSelect(s: number, hWnd: number, wMsg: number, events: number, lpErrno: Ptr): number;
  /** 1, or 0 with *lpErrno set; so do the following. */
  WSPGetOverlappedResult(s: number, overlapped: Ptr, transfer: Ptr, wait: number, flags: Ptr, lpErrno: Ptr): number;
  CancelIoEx(s: number, overlapped: Ptr, lpErrno: Ptr): number;
  AcceptEx(
    listener: number, acceptor: number, buffer: Ptr, dataLength: number, localLength: number, remoteLength: number, received: Ptr,
    overlapped: Ptr, lpErrno: Ptr,
  ): number;
  ConnectEx(s: number, name: Ptr, namelen: number, data: Ptr, length: number, sent: Ptr, overlapped: Ptr, lpErrno: Ptr): number;
  DisconnectEx(s: number, overlapped: Ptr, flags: number, reserved: number, lpErrno: Ptr): number;
  /** The port's handle, or 0. */
  CreateIoCompletionPort(file: number, existing: number, key: number, threads: number, lpErrno: Ptr): number;
  GetQueuedCompletionStatus(port: number, bytes: Ptr, key: Ptr, overlapped: Ptr, timeoutMs: number, lpErrno: Ptr): number;
  PostQueuedCompletionStatus(port: number, bytes: number, key: number, overlapped: Ptr, lpErrno: Ptr): number;
  CloseHandle(handle: number, lpErrno: Ptr): number;
  /** Event object, or 0 when handles are used up. The event calls answer 1 for success and 0 for what is no event object. */
  WSACreateEvent(): number;
  WSASetEvent(event: number): number;
  WSAResetEvent(event: number): number;
  WSACloseEvent(event: number): number;
  /** A poll, never a wait: index, WSA_WAIT_TIMEOUT or WSA_WAIT_FAILED. */
  WSAWaitForMultipleEvents(count: number, events: Ptr, waitAll: number): number;
}

/** Beside the provider's entries: waiting calls, the data path without a copy in between, and what closing needs (seam.md). */
export interface SocketExports {
  /** On whose behalf the next calls are made: the thread of the rows that speak of threads. 0 at first. */
  caller(id: number): void;
  /** Answers LASTACK_CONDITION with CF_*. 0, or the error itself. */
  acceptDecide(s: number, answer: number): number;
  /** A free place in the send buffer, at most `want` bytes; *length gets its size. Valid until the next call; 0 on failure. */
  reserve(s: number, want: number, length: Ptr, lpErrno: Ptr): Ptr;
  /** Sends the first `n` bytes of what the call before reserved: `n`, or -1. */
  commit(s: number, n: number, lpErrno: Ptr): number;
  /** The oldest unread bytes; *length gets their number. 0 without an error once the peer has finished. */
  peek(s: number, length: Ptr, lpErrno: Ptr): Ptr;
  /** Takes `n` of what the call before peeked: `n`, or -1. */
  consume(s: number, n: number, lpErrno: Ptr): number;
  /** Resets the connection now (RFC 9293 §3.10.5); the handle stays to be closed. */
  abortSocket(s: number, lpErrno: Ptr): number;
  /** TCP_* state, -1 for what is no open stream socket. */
  socketState(s: number): number;
  /** Closed sockets whose close is not settled yet. */
  orphans(): number;
}

export interface CoreExports extends LastackExports, WinsockExports, SocketExports {}

/** Without these a module is not a core; the rest is there or not depending on the build. */
export const REQUIRED_EXPORTS: readonly (keyof LastackExports)[] = [
  "memory", "abiVersion", "configure", "hostArea", "hostAreaSize", "deviceAdd", "addressAdd", "routeAdd",
  "poll", "events", "report", "stats", "hostReady",
];
