/**
 * Winsock 2 by its own names over the service provider, so that a Winsock program can be ported line by line. Functions answer
 * as Winsock's do: 0 or a count, SOCKET_ERROR or INVALID_SOCKET with the code in WSAGetLastError(). Those that may block in C
 * return a promise here; `await` stands where the C program waited. Structures are plain objects, buffers are Uint8Arrays.
 */
import { LASTACK_CONDITION, WSAEMSGSIZE, WSANOTINITIALISED } from "../abi/errors.gen.ts";
import * as W from "../abi/winsock.gen.ts";
import { checkInteger, wrongType } from "../api/check.ts";
import { type CloseReport, openHost, type StackOptions } from "../api/raw.ts";
import { AREA_BYTES, HANDLES_MAX, type Linger, type NetworkEvents, type SockAddr } from "./area.ts";
import type { Call, SOCKET } from "./calls.ts";
import { OverlappedCalls } from "./overlapped.ts";
import { type ProtocolInfo, readProtocolInfo, type WSAPROTOCOL_INFO } from "./protocols.ts";
import type { Ref } from "./transfers.ts";
import { Waiting } from "./waiting.ts";

/** Polls of end(): what a reset of everything may still have to send. */
const END_POLLS = 16;

/** What WSAAccept's condition answers: CF_ACCEPT, CF_REJECT or CF_DEFER. */
export type AcceptCondition = (peer: SockAddr) => number;

/** The three sets of select; left out: none is looked at. */
export interface FdSets {
  read?: SOCKET[];
  write?: SOCKET[];
  except?: SOCKET[];
}

/** One entry of WSAPoll. */
export interface PollFd {
  fd: SOCKET;
  /** POLLRDNORM, POLLWRNORM and their kin that are asked for. */
  events: number;
  /** What is there: written by WSAPoll. */
  revents: number;
}

/**
 * One process's Winsock. Made by createWinsock.
 *
 * Calls return what Winsock's do: -1 (SOCKET_ERROR) or INVALID_SOCKET on failure, and WSAGetLastError() says why; they throw for
 * arguments that are no address, no bytes or no object of the form that is wanted, and when the stack itself has failed. What each does to a connection is the contract of docs/semantics.md, chapter by chapter. Calls that block a C program
 * return a promise, on a blocking socket (the default) and on a nonblocking one; the last error is that of the call whose
 * promise settled last, so look at it before the next call. Time-outs are milliseconds, SO_LINGER's time is seconds.
 */
export class Winsock extends OverlappedCalls {
  /** 0, or the error itself. Needs its WSACleanup. */
  WSAStartup(version = 0x0202): number {
    this.error = this.spi.WSPStartup(version, this.area.data, 0, 0, this.area.data + 1024);
    return this.error;
  }
  /** The last of as many calls as WSAStartup had resets what is connected (semantics C-53). */
  WSACleanup(): number {
    return this.call(() => this.spi.WSPCleanup(this.errno));
  }

  /** Overlapped, unless SO_OPENTYPE says otherwise (semantics O-27). */
  socket(af: number, type: number, protocol: number): SOCKET {
    const synchronous = this.getsockopt(0, W.SOL_SOCKET, W.SO_OPENTYPE);
    return this.WSASocket(af, type, protocol, null, 0, synchronous > 0 ? 0 : W.WSA_FLAG_OVERLAPPED);
  }
  /** `info` from WSADuplicateSocket or WSAEnumProtocols; `flags`: WSA_FLAG_OVERLAPPED. `group` is not looked at. */
  WSASocket(af: number, type: number, protocol: number, info: ProtocolInfo | null = null, group = 0, flags = 0): SOCKET {
    return this.call(() => {
      const at = info ? this.area.data : 0;
      if (info) this.host.core.memory.u8.set(info.subarray(0, W.SIZEOF_WSAPROTOCOL_INFOW), at);
      return this.spi.WSPSocket(af, type, protocol, at, group, flags, this.errno);
    }) >>> 0;
  }
  /** Fills `info` (628 bytes) with a description that WSASocket opens once. */
  WSADuplicateSocket(s: SOCKET, processId: number, info: ProtocolInfo): number {
    return this.call(() => {
      const result = this.spi.WSPDuplicateSocket(s, processId, this.area.data, this.errno);
      if (result === 0) this.area.copyOut(info, W.SIZEOF_WSAPROTOCOL_INFOW);
      return result;
    });
  }

  /**
   * The protocols of the providers there are: fills `out` and returns how many. `protocols`: IPPROTO_ numbers of which to tell, null = all.
   * An entry's `info` given to WSASocket makes a socket of just that protocol of that provider.
   */
  WSAEnumProtocols(protocols: readonly number[] | null, out: WSAPROTOCOL_INFO[]): number {
    const list = protocols ? this.area.at("more") : 0;
    const most = Math.floor(this.area.room / W.SIZEOF_WSAPROTOCOL_INFOW);
    return this.call(() => {
      if (protocols) this.area.setWords(list, [...protocols.slice(0, HANDLES_MAX), 0]);
      this.area.setWord("length", most * W.SIZEOF_WSAPROTOCOL_INFOW);
      const found = this.spi.WSAEnumProtocols(list, this.area.data, this.area.at("length"), this.errno);
      if (found >= 0) out.splice(0, out.length, ...Array.from({ length: found }, (_, k) => readProtocolInfo(this.area.bytes(this.area.data + k * W.SIZEOF_WSAPROTOCOL_INFOW, W.SIZEOF_WSAPROTOCOL_INFOW))));
      return found;
    });
  }

  /** A port of 0 lets the stack choose: getsockname says which. */
  bind(s: SOCKET, name: SockAddr): number {
    return this.call(() => this.spi.WSPBind(s, ...this.area.name(name), this.errno));
  }
  /** `backlog` connections wait at most, 1 to 1024; SOMAXCONN and larger numbers are 1024. */
  listen(s: SOCKET, backlog: number): number {
    return this.call(() => this.spi.WSPListen(s, backlog, this.errno));
  }
  /** Settles with 0 when the handshake is complete; on a nonblocking socket at once with -1 and 10035, and FD_CONNECT follows. */
  connect(s: SOCKET, name: SockAddr): Promise<number> {
    return this.blocking(() => this.spi.WSPConnect(s, ...this.area.name(name), 0, 0, 0, 0, this.errno));
  }
  /** `from` receives the peer's address. */
  accept(s: SOCKET, from: SockAddr | null = null): Promise<SOCKET> {
    return this.WSAAccept(s, from, null);
  }
  /** `condition` sees the peer's address and returns CF_ACCEPT, CF_REJECT or CF_DEFER. */
  async WSAAccept(s: SOCKET, from: SockAddr | null = null, condition: AcceptCondition | null = null): Promise<SOCKET> {
    const peer: SockAddr = { address: "0.0.0.0", port: 0 };
    for (;;) {
      const result = await this.blocking(() => {
        const made = this.spi.WSPAccept(s, ...this.area.nameRoom(), condition ? 1 : 0, 0, this.errno);
        if (made !== -1) this.area.readName(peer);
        return made;
      });
      if (this.error === LASTACK_CONDITION && condition) {
        this.spi.acceptDecide(s, condition(peer));
        continue;
      }
      if (from) Object.assign(from, peer);
      return result >>> 0;
    }
  }

  /** SD_SEND: a FIN follows the last byte. SD_RECEIVE: data that is unread or still comes resets the connection. SD_BOTH: both. */
  shutdown(s: SOCKET, how: number): number {
    return this.call(() => this.spi.WSPShutdown(s, how, this.errno));
  }
  /**
   * Ends our direction, with up to 64 bytes of disconnect data where the protocol has such (SOCK_SEQPACKET; more: 10040). TCP takes none:
   * anything but null is refused with 10042 (semantics D-02).
   */
  WSASendDisconnect(s: SOCKET, data: Uint8Array | null = null): number {
    if (data && data.length > this.area.room) { this.error = WSAEMSGSIZE; return -1; }
    return this.call(() => this.spi.WSPSendDisconnect(s, data ? this.area.buffer(data.length, data) : 0, this.errno));
  }
  /**
   * Ends the peer's direction. `data` gets the peer's disconnect data, `length` how many bytes those are (0: none came, or not yet); 64 bytes
   * hold them all, a buffer that does not is refused with 10014 and they are kept.
   */
  WSARecvDisconnect(s: SOCKET, data: Uint8Array | null = null, length: Ref<number> | null = null): number {
    return this.call(() => {
      const at = data ? this.area.buffer(Math.min(data.length, this.area.room)) : 0;
      const result = this.spi.WSPRecvDisconnect(s, at, this.errno);
      if (result !== 0) return result;
      const got = data ? (this.area.words(at, 1)[0] as number) : 0;
      if (data) this.area.copyOut(data, got);
      if (length) length.value = got;
      return 0;
    });
  }
  /** With SO_LINGER { on, T > 0 } on a blocking socket the promise settles when the peer has everything, or after T seconds. */
  async closesocket(s: SOCKET): Promise<number> {
    const result = await this.blocking(() => this.spi.WSPCloseSocket(s, this.errno));
    if (result === 0) this.untie(s);
    return result;
  }
  /**
   * Beyond Winsock: what became of a closed socket's last bytes. Every close ends in one report, which can be had once: the promise settles
   * when it is made, so not for a socket that nobody closes. Of reports that nobody asked for the last 1024 are kept.
   * @throws Error when end() comes before the report.
   */
  closeReport(s: SOCKET): Promise<CloseReport> {
    return this.waiting.closed(s);
  }

  /**
   * `value` is a number, true (1) or false (0) for Booleans and integers, { l_onoff, l_linger } for SO_LINGER, or the bytes themselves.
   * @throws TypeError or RangeError for another value.
   */
  setsockopt(s: SOCKET, level: number, name: number, value: number | boolean | Linger | Uint8Array): number {
    const bytes = optionBytes(value);
    return this.call(() => {
      this.area.put("value", bytes.subarray(0, 64));
      return this.spi.WSPSetSockOpt(s, level, name, this.area.at("value"), bytes.length, this.errno);
    });
  }
  /** The option as an int; -1 with the last error set. For SO_LINGER use getLinger. */
  getsockopt(s: SOCKET, level: number, name: number): number {
    const result = this.call(() => {
      this.area.setWord("value", 0);
      this.area.setWord("length", 4);
      return this.spi.WSPGetSockOpt(s, level, name, this.area.at("value"), this.area.at("length"), this.errno);
    });
    return result === -1 ? -1 : this.area.word("value") | 0;
  }
  /** SO_LINGER of a stream socket; undefined with the last error set. */
  getLinger(s: SOCKET): Linger | undefined {
    const value = this.getsockopt(s, W.SOL_SOCKET, W.SO_LINGER);
    return this.error ? undefined : { l_onoff: value & 0xffff, l_linger: value >>> 16 };
  }
  /** FIONBIO, FIONREAD and their kin: `arg.value` goes in and comes out. */
  ioctlsocket(s: SOCKET, command: number, arg: { value: number }): number {
    if (typeof arg !== "object" || arg === null) throw wrongType("arg", arg, "an object with a value, such as { value: 1 }");
    return this.call(() => {
      this.area.setWord("value", arg.value);
      this.area.setWord("more", arg.value);
      const result = this.spi.WSPIoctl(s, command, this.area.at("value"), 4, this.area.at("more"), 4, this.area.at("count"), 0, 0, 0, this.errno);
      if (result === 0) arg.value = this.area.word("more");
      return result;
    });
  }

  /** Our end into `name`. */
  getsockname(s: SOCKET, name: SockAddr): number {
    return this.#name(() => this.spi.WSPGetSockName(s, ...this.area.nameRoom(), this.errno), name);
  }
  /** The peer's end into `name`; 10057 without one. */
  getpeername(s: SOCKET, name: SockAddr): number {
    return this.#name(() => this.spi.WSPGetPeerName(s, ...this.area.nameRoom(), this.errno), name);
  }
  #name(call: Call, name: SockAddr): number {
    const result = this.call(call);
    if (result === 0) this.area.readName(name);
    return result;
  }

  /** An event object, not set; it is reset by hand. */
  WSACreateEvent(): SOCKET {
    return this.spi.WSACreateEvent() >>> 0;
  }
  /** Sets the event: waits for it end. */
  WSASetEvent(event: SOCKET): boolean {
    return this.spi.WSASetEvent(event) !== 0;
  }
  /** Resets the event. */
  WSAResetEvent(event: SOCKET): boolean {
    return this.spi.WSAResetEvent(event) !== 0;
  }
  /** Gives the event object back. */
  WSACloseEvent(event: SOCKET): boolean {
    return this.spi.WSACloseEvent(event) !== 0;
  }
  /** `event` is set when one of `networkEvents` (FD_x bits) is recorded; 0 ends that. Makes the socket nonblocking. */
  WSAEventSelect(s: SOCKET, event: SOCKET, networkEvents: number): number {
    return this.call(() => this.spi.WSPEventSelect(s, event, networkEvents, this.errno));
  }
  /** Only the error entries of events that are returned are written. */
  WSAEnumNetworkEvents(s: SOCKET, event: SOCKET, out: NetworkEvents): number {
    const result = this.call(() => this.spi.WSPEnumNetworkEvents(s, event, this.area.at("more"), this.errno));
    if (result === 0) this.area.readEvents(out);
    return result;
  }
  /** WSA_WAIT_EVENT_0 + index of the first that is set, WSA_WAIT_TIMEOUT, or WSA_WAIT_FAILED. */
  async WSAWaitForMultipleEvents(events: readonly SOCKET[], waitAll: boolean, timeoutMs: number = W.WSA_INFINITE): Promise<number> {
    const limit = timeoutMs === W.WSA_INFINITE ? undefined : performance.now() + timeoutMs;
    for (;;) {
      this.waiting.check();
      if (this.waiting.over) { this.error = WSANOTINITIALISED; return W.WSA_WAIT_FAILED; }
      this.area.setWords(this.area.data, events.slice(0, HANDLES_MAX));
      const found = events.length > HANDLES_MAX ? W.WSA_WAIT_FAILED : this.spi.WSAWaitForMultipleEvents(events.length, this.area.data, waitAll ? 1 : 0);
      const left = limit === undefined ? undefined : limit - performance.now();
      this.settleOperations();
      if (found !== W.WSA_WAIT_TIMEOUT || (left !== undefined && left <= 0)) return found;
      await this.waiting.signaled(left);
    }
  }

  /** Leaves in the sets what is ready and returns how many that makes. `timeoutMs` undefined = wait. At most 64 handles a set. */
  async select(sets: FdSets, timeoutMs?: number): Promise<number> {
    if (typeof sets !== "object" || sets === null) throw wrongType("sets", sets, "an object such as { read: [s] }");
    const lists = [sets.read, sets.write, sets.except];
    const result = await this.blocking(() => {
      const where = lists.map((list, k) => {
        if (!list) return 0;
        this.area.setWords(this.area.set(k), [Math.min(list.length, HANDLES_MAX), ...list.slice(0, HANDLES_MAX)]);
        return this.area.set(k);
      }) as [number, number, number];
      if (timeoutMs !== undefined) this.area.setWords(this.area.at("more"), [Math.floor(timeoutMs / 1000), (timeoutMs % 1000) * 1000]);
      return this.spi.WSPSelect(0, ...where, timeoutMs === undefined ? 0 : this.area.at("more"), this.errno);
    });
    if (result !== -1) lists.forEach((list, k) => {
      if (!list) return;
      const [count = 0, ...left] = this.area.words(this.area.set(k), 1 + HANDLES_MAX);
      list.splice(0, list.length, ...left.slice(0, count).map((h) => h >>> 0));
    });
    return result;
  }
  /** Fills each entry's revents and returns how many have any. A negative timeout waits. */
  async WSAPoll(fds: PollFd[], timeoutMs: number): Promise<number> {
    const result = await this.blocking(() => {
      this.area.setWords(this.area.data, fds.flatMap(({ fd, events }) => [fd, events & 0xffff]));
      return this.spi.WSAPoll(fds.length ? this.area.data : 0, fds.length, timeoutMs, this.errno);
    });
    if (result !== -1) for (const [k, entry] of fds.entries()) entry.revents = (this.area.words(this.area.data + 8 * k + 4, 1)[0] as number) >>> 16;
    return result;
  }

  /** Stops driving the core. Open sockets are reset, as at the end of a process; calls that wait fail, and there are no more reports. */
  end(): void {
    const { driver } = this.host;
    while (this.spi.WSPCleanup(this.errno) === 0);
    // What this sends, and whom it wakes.
    for (let polls = 0; polls < END_POLLS && (polls === 0 || driver.pending); polls++) driver.pollNow();
    driver.close();
    this.waiting.ended();
  }
}

function optionBytes(value: number | boolean | Linger | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const bytes = new Uint8Array(4);
  const data = new DataView(bytes.buffer);
  if (typeof value === "number" || typeof value === "boolean") data.setInt32(0, Number(value), true);
  else {
    if (typeof value !== "object" || value === null) throw wrongType("value", value, "a number, true, false, { l_onoff, l_linger } or a Uint8Array");
    data.setUint16(0, checkInteger("value.l_onoff", value.l_onoff, 0, 65535), true);
    data.setUint16(2, checkInteger("value.l_linger", value.l_linger, 0, 65535, "seconds"), true);
  }
  return bytes;
}

/**
 * A Winsock of its own over a stack: devices, addresses and routes as createStack takes them, or host sockets. Call WSAStartup first.
 * @throws TypeError or RangeError for an option that is wrong; CoreError when the core cannot be had.
 * @example
 * const { a } = memoryLink();
 * const ws = await createWinsock({ devices: [a], addresses: ["10.0.0.1/24"] });
 * ws.WSAStartup(0x0202);
 * const s = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
 * if ((await ws.connect(s, { address: "10.0.0.2", port: 7 })) === SOCKET_ERROR) console.error(ws.WSAGetLastError()); // 10061, say
 * await ws.closesocket(s);
 * console.log((await ws.closeReport(s)).outcome);
 * ws.WSACleanup();
 * ws.end(); // stops the timers; the devices are still the caller's
 */
export async function createWinsock(options: StackOptions = {}): Promise<Winsock> {
  if (options?.worker) throw new TypeError("worker is true; expected false: Winsock's calls answer in the thread that makes them, createStack has workers");
  const waiting = new Waiting();
  // Room for the buffers of overlapped operations beside that for arguments.
  const limits = { hostArea: AREA_BYTES, ...options.limits };
  return new Winsock(await openHost({ ...options, limits }, waiting), waiting);
}
