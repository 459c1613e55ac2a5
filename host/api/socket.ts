/** A TCP connection with promises. */
import { WSAEINTR, WSAENOTSOCK } from "../abi/errors.gen.ts";
import { OP_CLOSE, OP_RECV, OP_SEND } from "../abi/events.gen.ts";
import { LSO_CORK, LSO_ERROR_REPORTS, LSO_LINGER_MS, LSO_USER_TIMEOUT_OPTION } from "../abi/sockets.gen.ts";
import * as W from "../abi/winsock.gen.ts";
import { errorInfo } from "../core/index.ts";
import type { Endpoint } from "./address.ts";
import { NOWHERE } from "./address.ts";
import { Bytes, type Carrier } from "./bytes.ts";
import { checkBoolean, checkBytes, checkInteger, checkOptions, checkSignal, checkWord, wrongType } from "./check.ts";
import type { Engine, Owner } from "./engine.ts";
import { SocketError } from "./error.ts";
import { type CloseReport, refusedReport } from "./report.ts";
import { orAbandoned, promised, type Requests, WAITING } from "./requests.ts";
import {
  type CloseKnobs, type CloseOptions, checkDrain, type DrainOptions, HOW, isKnownTrue, KEEP_ALIVE_MAX_MS, type KeepAliveOptions, LINGER_MAX,
  NO_OPTIONS, orUnknown, READ_DEFAULT, type PacketOptions, READ_MAX, type ShutdownDirection, type SocketInfo, type Trouble, USER_TIMEOUT_MAX_MS, type UserTimeoutOption, userTimeoutBits, type WaitOptions, waitSignal,
} from "./socket-options.ts";

const CLOSED_TEXT = "the socket was closed before the call could finish";

/**
 * One TCP connection: from `Stack.connect` or from a `Server`. Reads and writes are each done in the order of the calls, and
 * are independent of each other. Bytes cross by one copy each way.
 */
export class Socket implements Owner, Carrier {
  /** Settles with the report of `close()` or `abort()`, whoever called it; never rejects but for a failed stack. */
  readonly closed: Promise<CloseReport>;
  /** Our end, the port that was chosen included; it stays readable after the close. */
  readonly localAddress: Endpoint;
  /** The peer's end. */
  readonly remoteAddress: Endpoint;

  readonly #engine: Engine;
  readonly #knobs: CloseKnobs;
  readonly #handle: number;
  readonly #bytes: Bytes;
  /** Where it is listed until it has its report. */
  readonly #homes: readonly Set<Socket>[];
  /** close() or abort() was called. */
  #closing = false;
  /** The handle is given back to the core. */
  #released = false;
  #report: CloseReport | undefined;
  #trouble: ((trouble: Trouble) => void) | null = null;
  /** What the report says instead, when the API's own limit ended a close whose writes were still waiting. */
  #verdict: "lingerExpired" | "timedOut" | undefined;
  /** What close() or abort() found, and when, where the core is asked to close later than that or after a reset: the report says this. */
  #found: { readonly state: string; readonly at: number } | undefined;
  #settle!: (report: CloseReport) => void;
  #fail!: (error: Error) => void;

  /** @internal Made by connect and accept from a connected handle. */
  constructor(engine: Engine, knobs: CloseKnobs, handle: number, homes: readonly Set<Socket>[], remote?: Endpoint) {
    this.#engine = engine;
    this.#knobs = knobs;
    this.#handle = handle;
    this.#bytes = new Bytes(engine, handle, this);
    this.localAddress = engine.calls.localName(handle) ?? NOWHERE;
    this.remoteAddress = remote ?? engine.calls.peerName(handle) ?? NOWHERE;
    this.closed = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    engine.own(handle, this);
    this.#homes = homes;
    for (let i = 0; i < homes.length; i++) (homes[i] as Set<Socket>).add(this);
  }

  /** TCP state by its name in RFC 9293; `CLOSED` once close() or abort() has taken effect. */
  get state(): string {
    return this.#released || !this.#engine.alive ? "CLOSED" : this.#engine.calls.state(this.#handle);
  }

  /**
   * Waits for bytes and returns what is there, at most `max` (1 to 2^30, default 65536), in an array of its own; null after the peer's
   * last byte, as often as it is called. Taking bytes opens the receive window. A signal ends the waiting and takes nothing:
   * `read(undefined, { signal: AbortSignal.timeout(1000) })` rejects with the signal's reason, and the next read has the bytes.
   * @throws SocketError: ECONNRESET when the peer reset the connection, ECONNABORTED, ETIMEDOUT or ENETRESET when it failed otherwise,
   * ESHUTDOWN after shutdown("receive"), EINTR when the socket was closed meanwhile, ENOTSOCK after close().
   */
  read(max: number = READ_DEFAULT, options: WaitOptions = NO_OPTIONS): Promise<Uint8Array | null> {
    try {
      checkInteger("max", max, 1, READ_MAX, "bytes");
      return this.#bytes.read(max, waitSignal(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Waits for bytes and copies what is there into `buffer`, which must not be used meanwhile. Returns how many, at least 1;
   * 0 after the peer's last byte.
   * @throws as read does.
   */
  readInto(buffer: ArrayBufferView, options: WaitOptions = NO_OPTIONS): Promise<number> {
    try {
      const target = checkBytes("buffer", buffer);
      if (target.length === 0) throw new RangeError("buffer is empty; expected room for at least 1 byte");
      return this.#bytes.readInto(target, waitSignal(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends all of `data`, which must not be changed before the promise settles: it does when the send buffer has taken the
   * last byte, so waiting for it is the backpressure. That the peer has it is what `close()` reports.
   * @throws SocketError: ECONNRESET, ECONNABORTED or ETIMEDOUT when the connection failed, ESHUTDOWN after shutdown("send"), EINTR when
   * the socket was closed meanwhile, ENOTSOCK after close(); the signal's reason. After any of these a part of `data` may have been sent.
   */
  write(data: ArrayBufferView, options: WaitOptions = NO_OPTIONS): Promise<void> {
    try {
      const bytes = checkBytes("data", data);
      const signal = waitSignal(options);
      if (this.#closing) throw this.failure("write", WSAENOTSOCK);
      return this.#bytes.write(bytes, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The chunks that read returns, until the end. Leaving the loop early does not close the socket. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk = await this.read(); chunk !== null; chunk = await this.read()) yield chunk;
  }

  /**
   * Ends one direction for good. `send`: a FIN follows the bytes of all earlier writes; the peer can still send. `receive`:
   * later reads fail with ESHUTDOWN, and data that is unread or still comes resets the connection (semantics S-11, S-12).
   * The promise settles when the core has taken it, not when the peer has seen it. Doing it again does nothing.
   * @throws SocketError: what the connection failed with; ENOTSOCK after close().
   * @example
   * await socket.write(question);
   * await socket.shutdown("send"); // the peer reads to its end ...
   * for await (const chunk of socket) take(chunk); // ... and still answers
   * const { outcome } = await socket.close();
   */
  shutdown(direction: ShutdownDirection): Promise<void> {
    return promised(() => {
      const how = HOW[checkWord("direction", direction, ["send", "receive", "both"])];
      if (this.#closing) return Promise.reject(this.failure("shutdown", WSAENOTSOCK));
      const call = (): typeof WAITING | undefined => {
        this.#engine.check("shutdown");
        if (how !== W.SD_RECEIVE && this.#engine.calls.unsent(this.#handle) > 0) return WAITING;
        if (!this.#engine.calls.shutdown(this.#handle, how)) throw this.failure("shutdown", this.#engine.calls.error);
        this.#engine.kick();
        if (how !== W.SD_SEND) this.#bytes.reads.retry();
        return undefined;
      };
      // The FIN takes its place behind what is still waiting to be accepted.
      return how === W.SD_RECEIVE ? new Promise((resolve) => resolve(void call())) : this.#bytes.writes.add(call);
    });
  }

  /**
   * Closes the socket. Writes that wait are finished first (within `linger`, if given), reads that wait fail with EINTR, and
   * then the promise settles with what became of the connection: with `linger` when everything is acknowledged or the time is
   * over; without, when both sides have finished, or the peer stays silent for orphanTimeoutMs, or (`delivered`) leaves its
   * side open for orphanFinWait2Ms. Closing with unread received data resets the connection, and the report says so; with
   * `drain` that data is thrown away instead.
   *
   * Calling it again gives the same report. The signal ends the waiting, not the close. How the connection ended is never an error here:
   * it stands in the report. An acknowledgement says that the peer's stack has the bytes, not that its program read them.
   * @throws TypeError or RangeError for a wrong option, the signal's reason, or what the whole stack failed with; nothing else.
   * @example
   * const report = await socket.close({ linger: 5 });
   * if (report.bytes.unacknowledged > 0) console.error(`${report.outcome}: the peer may lack ${report.bytes.unacknowledged} bytes`);
   */
  close(options: CloseOptions = NO_OPTIONS): Promise<CloseReport> {
    try {
      checkOptions("options", options, ["linger", "drain", "signal"]);
      const drain = checkDrain(options.drain);
      const linger = options.linger === undefined ? undefined : checkInteger("linger", options.linger, 0, LINGER_MAX, "seconds");
      const signal = checkSignal("signal", options.signal);
      if (signal?.aborted) return Promise.reject(signal.reason);
      if (!this.#closing) this.#beginClose(linger, drain);
      return orAbandoned(this.closed, signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Resets the connection now; what was not delivered is lost, and the report says how much. After close() it ends that close: the
   * report, which close() settles with too, says `aborted`, unless it is made already.
   */
  abort(): Promise<CloseReport> {
    if (!this.#released) this.giveUp();
    else if (!this.#report && this.#engine.alive) {
      this.#engine.calls.abort(this.#handle);
      this.#engine.kick();
    }
    return this.closed;
  }

  /** @internal Resets the connection, but leaves alone a close that the core has in hand. */
  giveUp(): void {
    if (this.#released) return;
    this.#closing = true;
    this.#look();
    this.#release(() => this.#engine.calls.abort(this.#handle));
  }

  /** The same as `close()`: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * true sends small segments at once (TCP_NODELAY); false, the default, gathers them (Nagle, RFC 896).
   * @throws SocketError ENOTSOCK after close(), here and in the other options.
   */
  setNoDelay(on: boolean = true): this {
    this.#option("setNoDelay", W.IPPROTO_TCP, W.TCP_NODELAY, checkBoolean("on", on) ? 1 : 0);
    return this;
  }

  /**
   * true: only full segments leave (TCP_CORK of other systems). What fills none waits, also with `setNoDelay`, until false is set, the sending
   * side is shut or closed, or 200 ms are over since it was written. false, the default, lets it leave at once, a short segment as `setNoDelay`
   * has it. For a program that makes one message in several writes; where segments begin and end is not promised.
   * @throws SocketError ENOPROTOOPT on a host socket.
   */
  setCork(on: boolean = true): this {
    this.#option("setCork", W.SOL_LASTACK, LSO_CORK, checkBoolean("on", on) ? 1 : 0);
    return this;
  }

  /**
   * Probes an idle peer; a connection whose peer does not answer `keepCount` probes fails with ENETRESET (semantics R-31). On host
   * sockets the system's own interval and count hold.
   */
  setKeepAlive(on: boolean = true, options: KeepAliveOptions = {}): this {
    checkBoolean("on", on);
    checkOptions("options", options, ["idleMs", "intervalMs"]);
    const idleMs = checkInteger("idleMs", options.idleMs ?? this.#knobs.keepIdleMs, 1, KEEP_ALIVE_MAX_MS, "milliseconds");
    const intervalMs = checkInteger("intervalMs", options.intervalMs ?? this.#knobs.keepIntervalMs, 1, KEEP_ALIVE_MAX_MS, "milliseconds");
    this.ready("setKeepAlive");
    const { calls } = this.#engine;
    if (!calls.setKeepAlive(this.#handle, on, idleMs, intervalMs)) throw this.failure("setKeepAlive", calls.error);
    this.#engine.kick();
    return this;
  }

  /**
   * Called when something goes wrong with a connection that goes on (RFC 9293 §3.9.1.8, SHLD-9): a router says that the peer cannot be
   * reached, or `adviceRetries` retransmissions of one segment were not answered. The connection lives until it recovers or the user timeout
   * ends it; what the callback throws is the program's own. null, the default: nobody is told. Ignored on host sockets and in a stack made with `worker`.
   */
  get ontrouble(): ((trouble: Trouble) => void) | null {
    return this.#trouble;
  }

  set ontrouble(callback: ((trouble: Trouble) => void) | null) {
    if (callback !== null && typeof callback !== "function") throw wrongType("ontrouble", callback, "a function or null");
    this.#trouble = callback;
    if (!this.#closing) this.#engine.calls.setOption(this.#handle, W.SOL_LASTACK, LSO_ERROR_REPORTS, callback ? 1 : 0);
  }

  /**
   * TTL of the connection's packets, 1 to 255 (RFC 9293 MUST-49; default 64), and the Differentiated Services field, 0 to 252 in steps of
   * 4 (RFC 2474; default 0). What is left out stays as it is.
   * @throws SocketError ENOPROTOOPT on a host socket.
   */
  setPacketOptions(options: PacketOptions): this {
    const { ttl, diffServ } = checkOptions("options", options, ["ttl", "diffServ"]);
    if (ttl !== undefined) this.#option("setPacketOptions", W.IPPROTO_IP, W.IP_TTL, checkInteger("ttl", ttl, 1, 255));
    if (diffServ !== undefined) this.#option("setPacketOptions", W.IPPROTO_IP, W.IP_TOS, checkInteger("diffServ", diffServ, 0, 252) & 0xfc);
    return this;
  }

  /**
   * R2 of RFC 9293 §3.8.3 (MUST-21): the connection fails with ETIMEDOUT after 1 to 604800000 ms without progress. Default: `userTimeoutMs`.
   * @throws SocketError ENOPROTOOPT on a host socket.
   */
  setUserTimeout(ms: number): this {
    this.#option("setUserTimeout", W.IPPROTO_TCP, W.TCP_MAXRTMS, checkInteger("ms", ms, 1, USER_TIMEOUT_MAX_MS, "milliseconds"));
    return this;
  }

  /**
   * The user timeout option (RFC 5482; before this call the stack's `userTimeoutOption`): `enabled` tells the peer our user timeout and hears
   * its own; `changeable`, the default, makes ours the longer of both, between `userTimeoutLeastMs` and `userTimeoutMostMs`.
   * @throws SocketError ENOPROTOOPT on a host socket.
   */
  setUserTimeoutOption(options: UserTimeoutOption): this {
    this.#option("setUserTimeoutOption", W.SOL_LASTACK, LSO_USER_TIMEOUT_OPTION, userTimeoutBits(options));
    return this;
  }

  /**
   * What the connection is doing now.
   * @throws SocketError ENOTSOCK after close(): the report has the rest.
   */
  info(): SocketInfo {
    this.ready("info");
    const { calls } = this.#engine;
    const option = (level: number, name: number): number => calls.getOption(this.#handle, level, name) ?? 0;
    const known = calls.tcpInfo(this.#handle);
    if (!known) throw this.failure("info", calls.error);
    const { rttUs, ...info } = known;
    return {
      ...info,
      rttMs: rttUs / 1000,
      state: this.state,
      unread: calls.unread(this.#handle),
      outstanding: orUnknown(option(W.SOL_LASTACK, W.LSO_OUTSTANDING)),
      finAcknowledged: isKnownTrue(option(W.SOL_LASTACK, W.LSO_FIN_ACKED)),
      capabilities: option(W.SOL_LASTACK, W.LSO_CAPABILITIES),
      sendBuffer: option(W.SOL_SOCKET, W.SO_SNDBUF),
      receiveBuffer: option(W.SOL_SOCKET, W.SO_RCVBUF),
    };
  }

  /** @internal */
  wake(operation: number): void {
    const { calls } = this.#engine;
    // A wait record ends only when its call is repeated, also after the close: its answer is not needed then.
    if (operation === OP_CLOSE) void (this.#released && calls.close(this.#handle));
    else if (operation === OP_RECV) this.#released ? calls.peek(this.#handle) : this.#bytes.reads.retry();
    else if (operation === OP_SEND) this.#released ? calls.reserve(this.#handle, 1) : this.#bytes.writes.retry();
  }

  /** @internal */
  report(report: CloseReport): void {
    if (this.#released && !this.#report) this.#finish(report);
  }

  /** @internal */
  trouble(wsa: number, timeouts: number): void {
    this.#trouble?.({ code: errorInfo(wsa).code, wsa, timeouts });
  }

  /** @internal */
  fatal(error: Error): void {
    this.#bytes.reads.fail(error);
    this.#bytes.writes.fail(error);
    this.#closing = true;
    if (this.#report) return;
    // A stack that was closed leaves a report even where the core made none; one that failed has nothing to say.
    if (this.#released && error instanceof SocketError) this.#finish(refusedReport(error.wsa));
    else {
      // Nobody has to look at `closed`.
      this.closed.catch(() => {});
      this.#leave();
      this.#fail(error);
    }
    this.#released = true;
  }

  /** @internal */
  failure(operation: string, wsa: number, text?: string): SocketError {
    return new SocketError(operation, wsa, { local: this.localAddress, remote: this.remoteAddress, report: this.#report, ...(text && { text }) });
  }

  /** @internal */
  ready(operation: string): void {
    this.#engine.check(operation);
    if (this.#closing) throw this.failure(operation, WSAENOTSOCK);
  }

  #option(operation: string, level: number, name: number, value: number): void {
    this.ready(operation);
    const { calls } = this.#engine;
    if (!calls.setOption(this.#handle, level, name, value)) throw this.failure(operation, calls.error);
    this.#engine.kick();
  }

  #beginClose(linger: number | undefined, drain: Required<DrainOptions> | undefined): void {
    this.#closing = true;
    if (drain && this.#engine.alive) this.#engine.calls.setDrain(this.#handle, drain.bytes, drain.ms);
    this.#cut("read", this.#bytes.reads);
    // Unread data resets the connection whatever waits to be sent (semantics C-44, V-26): then there is nothing to wait for.
    const wait = this.#unfinished() && linger !== 0 && this.#engine.alive && (drain !== undefined || this.#engine.calls.unread(this.#handle) === 0);
    if (wait) this.#closeAfterWrites(linger);
    else this.#closeNow(linger);
  }

  /** Writes wait, or what they gave has not reached the core: then that waits like a write. */
  #unfinished(): boolean {
    const { calls } = this.#engine;
    if (!this.#engine.alive || calls.unsent(this.#handle) === 0) return !this.#bytes.writes.none;
    this.#bytes.writes.add(() => (calls.unsent(this.#handle) > 0 ? WAITING : undefined)).catch(() => {});
    return true;
  }

  /** Bytes that the core took from write. */
  #taken(): number {
    return this.#bytes.accepted - (this.#engine.alive ? this.#engine.calls.unsent(this.#handle) : 0);
  }

  /** Lets the waiting writes finish, within the linger time or as long as the peer makes progress (semantics C-56). */
  #closeAfterWrites(linger: number | undefined): void {
    this.#look();
    const started = this.#engine.clock.now();
    const elapsedSeconds = (): number => (this.#engine.clock.now() - started) / 1e9;
    let cancel = (): void => {};
    const watch = (accepted: number): void => {
      cancel = this.#engine.after(linger === undefined ? this.#knobs.orphanTimeoutMs : linger * 1000, () => {
        if (linger === undefined && this.#taken() > accepted) watch(this.#taken());
        else {
          this.#verdict = linger === undefined ? "timedOut" : "lingerExpired";
          this.giveUp();
        }
      });
    };
    watch(this.#taken());
    this.#bytes.writes.whenIdle(() => {
      cancel();
      if (this.#released) return;
      this.#closeNow(linger, linger === undefined ? 0 : Math.max(1, Math.round((linger - elapsedSeconds()) * 1000)));
    });
  }

  /** @param leftMs What is left of the linger time, 0 = all of it. */
  #closeNow(linger: number | undefined, leftMs = 0): void {
    const { calls } = this.#engine;
    this.#release(() => linger === undefined || (calls.setLinger(this.#handle, true, linger) && calls.setOption(this.#handle, W.SOL_LASTACK, LSO_LINGER_MS, leftMs)));
  }

  /** Ends what waits; the error only if something does: one with its stack costs more than a connection. */
  #cut(operation: string, requests: Pick<Requests<unknown>, "none" | "fail">): void {
    if (!requests.none) requests.fail(this.failure(operation, WSAEINTR, CLOSED_TEXT));
  }

  /** Gives the handle back after `prepare`; the report comes when the core has it. */
  #release(prepare: () => boolean): void {
    this.#released = true;
    this.#cut("read", this.#bytes.reads);
    this.#cut("write", this.#bytes.writes);
    if (!this.#engine.alive) return;
    const { calls } = this.#engine;
    prepare();
    if (!calls.close(this.#handle) && !calls.mustWait) this.#finish(refusedReport(calls.error));
    this.#engine.kick();
  }

  #look(): void {
    this.#found ??= { state: this.state, at: this.#engine.clock.now() };
  }

  #finish(report: CloseReport): void {
    const found = this.#found && { state: this.#found.state, durationMs: Math.round((this.#engine.clock.now() - this.#found.at) / 1e6) };
    this.#report = found || this.#verdict ? { ...report, ...found, ...(this.#verdict && { outcome: this.#verdict, cause: "none" }) } : report;
    this.#leave();
    this.#settle(this.#report);
  }

  #leave(): void {
    for (let i = 0; i < this.#homes.length; i++) (this.#homes[i] as Set<Socket>).delete(this);
  }
}
