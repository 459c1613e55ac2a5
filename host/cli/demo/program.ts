/**
 * A program written to the Winsock service provider: nonblocking sockets, event objects, FD_* events. Each call and each
 * event goes to the run's steps.
 */
import { EVENT_SIGNALED, EVENT_WAKE } from "../../abi/events.gen.ts";
import * as W from "../../abi/winsock.gen.ts";
import { errorName, LASTACK_WAIT, WSAEWOULDBLOCK } from "../../abi/errors.gen.ts";
import { NS_PER_MS, type Timed } from "../../base/clock.ts";
import type { CoreStats } from "../../index.ts";
import { Calls, type CloseReport, type Endpoint, type Host, openHost, type ProviderExports, type StackOptions, toCloseReport } from "../../api/raw.ts";
import type { Side, Steps } from "./steps.ts";

/** What the demonstration calls beyond the promise API's calls. */
interface EventExports extends ProviderExports {
  WSACreateEvent(): number;
  WSACloseEvent(event: number): number;
}

/** FD_* bits that came, out of those waited for; none when the time was over. */
export interface NetworkEvents {
  readonly bits: number;
  /** Error that came with FD_CLOSE or FD_CONNECT; 0 if none. */
  readonly error: number;
}

/** Step numbers (semantics T.1) for the events and calls of a wait, by name. */
export type Labels = Readonly<Record<string, string>>;

/** Places in the data region for the calls of this file. */
const AT = { errno: 0, length: 4, flags: 8, buffer: 16, events: 32, mode: 80 } as const;
const PAYLOAD = 128;
/** How long a run that is broken off waits for its close. */
const LEAVE_MS = 1500;
/** Order in which events that came together are told: that in which messages would be posted (semantics E-42, E-64). */
const EVENT_ORDER = [W.FD_CONNECT_BIT, W.FD_ACCEPT_BIT, W.FD_READ_BIT, W.FD_OOB_BIT, W.FD_WRITE_BIT, W.FD_CLOSE_BIT];

type ReportRecord = Parameters<typeof toCloseReport>[0];

/** One stack and the one connection that the demonstration has on it. */
export class Program {
  readonly side: Side;
  readonly steps: Steps;
  readonly #host: Host;
  readonly #calls: Calls;
  readonly #exports: EventExports;
  /** Whoever waits for an event object, a WAKE or a report, by handle. */
  readonly #signalled = new Map<number, () => void>();
  readonly #woken = new Map<number, () => void>();
  readonly #reports = new Map<number, (report: CloseReport) => void>();
  #failure: Error | undefined;
  #fail: ((error: Error) => void) | undefined;
  /** The connection's socket, or the listener's until there is one; 0 = none. */
  #socket = 0;
  #event = 0;
  #state = "CLOSED";
  /** The report of a close that was begun. */
  #closing: Promise<CloseReport> | undefined;
  /** FD_* bits enumerated and not yet waited for, and the error of FD_CLOSE or FD_CONNECT. */
  #came = 0;
  #cameWith = 0;

  private constructor(side: Side, steps: Steps, host: Host) {
    this.side = side;
    this.steps = steps;
    this.#host = host;
    this.#calls = new Calls(host.core);
    this.#exports = host.core.exports as EventExports;
    this.failed.catch(() => {});
  }

  /** Starts a stack for one side. */
  static async start(side: Side, steps: Steps, options: StackOptions): Promise<Program> {
    let program: Program | undefined;
    const host = await openHost(options, {
      event: (kind, handle) => void (program && Program.#news(program, kind, handle)),
      report: (record) => void (program && Program.#reported(program, record)),
      fatal: (error) => void (program && Program.#failed(program, error)),
    }, side);
    program = new Program(side, steps, host);
    return program;
  }

  /** Rejects when the core fails; races with what a script waits for. */
  readonly failed: Promise<never> = new Promise((_resolve, reject) => {
    this.#fail = reject;
  });

  /** The stack's counters. */
  get counters(): CoreStats {
    return this.#host.core.stats();
  }

  /** Opens a connection: WSPSocket, WSPEventSelect, WSPConnect, FD_CONNECT. Throws when it fails. */
  async connect(remote: Endpoint): Promise<void> {
    this.#open();
    this.#note(`WSPConnect(${remote.address})`, this.#calls.connect(this.#socket, remote));
    const { error } = await this.until(W.FD_CONNECT);
    if (error) throw new Error(`the connection failed: ${errorName[error] ?? error}`);
  }

  /** Accepts one connection: WSPBind, WSPListen, FD_ACCEPT, WSPAccept. `ready` is told once it listens, and where. */
  async accept(local: Endpoint, ready: (local: Endpoint) => void): Promise<void> {
    this.#open();
    this.#note(`WSPBind(${local.address}:${local.port})`, this.#calls.bind(this.#socket, local));
    this.#note("WSPListen", this.#calls.listen(this.#socket, 1));
    ready(this.#calls.localName(this.#socket) ?? local);
    await this.until(W.FD_ACCEPT);
    const listener = this.#socket;
    const listenerEvent = this.#event;
    const accepted = this.#calls.accept(listener);
    this.#note("WSPAccept", accepted !== -1);
    this.#event = this.#exports.WSACreateEvent() >>> 0;
    this.#socket = accepted;
    this.#came = 0;
    this.#select(W.FD_READ | W.FD_WRITE | W.FD_CLOSE);
    this.sample();
    this.#calls.close(listener);
    this.#exports.WSACloseEvent(listenerEvent);
    this.#host.driver.kick();
  }

  /** Waits until one of the FD_* in `mask` comes, or for `timeoutMs`; others that come meanwhile are kept for later waits. */
  async until(mask: number, labels: Labels = {}, timeoutMs?: number): Promise<NetworkEvents> {
    const due = timeoutMs === undefined ? undefined : this.sleep(timeoutMs).then(() => true);
    for (let late: boolean | undefined; !late; ) {
      this.#enumerate(labels);
      const bits = this.#came & mask;
      this.#came &= ~mask;
      if (bits) return { bits, error: this.#cameWith };
      const signalled = this.#wait(this.#signalled, this.#event).then(() => false);
      late = await (due ? Promise.race([signalled, due]) : signalled);
    }
    return { bits: 0, error: 0 };
  }

  /** Sends all of `bytes`, waiting for FD_WRITE where the send buffer is full. */
  async send(bytes: Uint8Array, step?: string): Promise<void> {
    const { calls, exports } = { calls: this.#calls, exports: this.#exports };
    const piece = calls.dataSize - PAYLOAD;
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(piece, bytes.length - at);
      calls.core.memory.ensure();
      calls.core.memory.u8.set(bytes.subarray(at, at + length), calls.data + PAYLOAD);
      this.#buffer(length);
      const result = exports.WSPSend(this.#socket, calls.data + AT.buffer, 1, calls.data + AT.length, 0, 0, 0, 0, calls.data + AT.errno);
      const error = this.#errno(result);
      if (error === WSAEWOULDBLOCK) {
        await this.until(W.FD_WRITE);
        continue;
      }
      this.#noted(`WSPSend(${length} bytes)`, error === 0 ? String(this.#word(AT.length)) : nameOf(error), step);
      if (error) throw new Error(`WSPSend failed: ${nameOf(error)}`);
      at += this.#word(AT.length);
    }
  }

  /** Receives what is there: the bytes, "end" after the peer's FIN, "nothing", or throws the error by name. */
  receive(step?: string): Uint8Array | "end" | "nothing" {
    const calls = this.#calls;
    this.#buffer(calls.dataSize - PAYLOAD);
    this.#setWord(AT.flags, 0);
    const { data } = calls;
    const result = this.#exports.WSPRecv(this.#socket, data + AT.buffer, 1, data + AT.length, data + AT.flags, 0, 0, 0, data + AT.errno);
    const error = this.#errno(result);
    if (error === WSAEWOULDBLOCK) return "nothing";
    const length = this.#word(AT.length);
    this.#noted("WSPRecv", error ? nameOf(error) : String(length), step);
    if (error) throw new Error(`WSPRecv failed: ${nameOf(error)}`);
    return length === 0 ? "end" : calls.core.memory.u8.slice(data + PAYLOAD, data + PAYLOAD + length);
  }

  /** FIONREAD. */
  unread(): number {
    return this.#calls.unread(this.#socket);
  }

  shutdown(step?: string): void {
    this.#note("WSPShutdown(SD_SEND)", this.#calls.shutdown(this.#socket, W.SD_SEND), step);
  }

  linger(seconds: number): void {
    this.#note(`SO_LINGER {1, ${seconds}}`, this.#calls.setLinger(this.#socket, true, seconds));
  }

  /** Back to a blocking socket, so that a close may wait: WSPEventSelect with no events, then FIONBIO 0 (semantics E-03). */
  makeBlocking(): void {
    this.#select(0);
    const { data } = this.#calls;
    this.#setWord(AT.mode, 0);
    const result = this.#exports.WSPIoctl(this.#socket, W.FIONBIO, data + AT.mode, 4, 0, 0, data + AT.length, 0, 0, 0, data + AT.errno);
    this.#noted("WSPIoctl(FIONBIO, 0)", result === 0 ? "0" : nameOf(this.#errno(result)));
  }

  /** Closes the socket, waiting as long as the call does, and then for the close report. */
  async close(step?: string): Promise<CloseReport> {
    const handle = this.#socket;
    const report = new Promise<CloseReport>((resolve) => this.#reports.set(handle, resolve));
    this.#closing = report;
    const started = this.#host.runtime.clock.now();
    // What becomes of the connection from here on is the report's to say.
    this.#socket = 0;
    let closed = this.#calls.close(handle);
    if (!closed && this.#calls.error === LASTACK_WAIT) {
      this.#noted("WSPCloseSocket", "waits", step);
      while (!closed && this.#calls.error === LASTACK_WAIT) {
        this.#host.driver.kick();
        await this.#wait(this.#woken, handle);
        closed = this.#calls.close(handle);
      }
      const ms = Math.round((this.#host.runtime.clock.now() - started) / NS_PER_MS);
      this.#note("WSPCloseSocket", closed, step, `after ${ms} ms`);
    } else this.#note("WSPCloseSocket", closed, step);
    return Promise.race([report, this.failed]);
  }

  /** Lets time pass on the run's clock. */
  sleep(ms: number): Promise<void> {
    const { clock } = this.#host.runtime;
    return new Promise((resolve) => {
      const due = clock.now() + ms * NS_PER_MS;
      const timed: Timed = {
        nextDeadline: () => due,
        advance: () => {
          clock.detach(timed);
          resolve();
        },
      };
      clock.attach(timed);
    });
  }

  /** Notes the TCP state if it is another than last time. */
  sample(): void {
    if (this.#socket === 0 || this.#failure) return;
    const state = this.#calls.state(this.#socket);
    if (state === this.#state) return;
    this.#state = state;
    this.steps.add({ kind: "state", side: this.side, state });
  }

  /** Closes what is open gracefully and gives it a moment to get through, for a run that is broken off. */
  async leave(): Promise<void> {
    if (this.#socket !== 0 && !this.#failure) void this.close().catch(() => {});
    if (this.#closing) await Promise.race([this.#closing, this.sleep(LEAVE_MS)]).catch(() => {});
  }

  /** Resets what is open, lets the core send its last segments, and stops. */
  stop(): void {
    const { driver } = this.#host;
    if (driver.closed) return;
    this.#calls.cleanup();
    driver.kick();
    for (let polls = 0; polls < 64 && driver.pending; polls++) driver.pollNow();
    driver.close();
  }

  #open(): void {
    const handle = this.#calls.socket(W.SOCK_STREAM);
    if (handle === -1) throw new Error(`WSPSocket failed: ${nameOf(this.#calls.error)}`);
    this.#socket = handle;
    this.#noted("WSPSocket(SOCK_STREAM)", `socket ${handle.toString(16)}`);
    this.#event = this.#exports.WSACreateEvent() >>> 0;
    this.#select(W.FD_ACCEPT | W.FD_CONNECT | W.FD_READ | W.FD_WRITE | W.FD_CLOSE);
  }

  #select(mask: number): void {
    const { data } = this.#calls;
    const result = this.#exports.WSPEventSelect(this.#socket, this.#event, mask, data + AT.errno);
    this.#noted(mask ? "WSPEventSelect" : "WSPEventSelect(no events)", result === 0 ? "0" : nameOf(this.#errno(result)));
  }

  #enumerate(labels: Labels): void {
    const { data } = this.#calls;
    const result = this.#exports.WSPEnumNetworkEvents(this.#socket, this.#event, data + AT.events, data + AT.errno);
    const failed = this.#errno(result);
    if (failed) throw new Error(`WSPEnumNetworkEvents failed: ${nameOf(failed)}`);
    const bits = this.#word(AT.events);
    for (const bit of EVENT_ORDER) {
      if (!(bits & (1 << bit))) continue;
      const error = this.#word(AT.events + 4 + bit * 4);
      if (bit === W.FD_CONNECT_BIT || bit === W.FD_CLOSE_BIT) this.#cameWith = error;
      const event = W.networkEventName[1 << bit] ?? `bit ${bit}`;
      this.steps.add({ kind: "event", side: this.side, event, error, ...(labels[event] && { step: labels[event] }) });
    }
    this.#came |= bits;
    if (bits) this.sample();
  }

  /** Notes a call that `calls` made; throws when it failed for another reason than having to wait. */
  #note(call: string, succeeded: boolean, step?: string, remark?: string): void {
    const { error } = this.#calls;
    const result = [succeeded ? "0" : nameOf(error), remark].filter(Boolean).join(" ");
    this.#noted(call, result, step);
    if (!succeeded && error !== WSAEWOULDBLOCK) throw new Error(`${call} failed: ${nameOf(error)}`);
  }

  #noted(call: string, result: string, step?: string): void {
    this.steps.add({ kind: "call", side: this.side, call, result, ...(step && { step }) });
    this.#host.driver.kick();
    this.sample();
  }

  #buffer(length: number): void {
    this.#calls.core.memory.ensure();
    this.#setWord(AT.errno, 0);
    this.#setWord(AT.buffer, length);
    this.#setWord(AT.buffer + 4, this.#calls.data + PAYLOAD);
  }

  #errno(result: number): number {
    this.#calls.core.memory.ensure();
    return result === 0 ? 0 : this.#word(AT.errno);
  }

  #word(at: number): number {
    return this.#calls.core.memory.word(this.#calls.data + at);
  }

  #setWord(at: number, value: number): void {
    this.#calls.core.memory.i32[(this.#calls.data + at) >>> 2] = value;
  }

  #wait(where: Map<number, () => void>, handle: number): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return Promise.race([new Promise<void>((resolve) => where.set(handle, resolve)), this.failed]);
  }

  static #news(program: Program, kind: number, handle: number): void {
    const where = kind === EVENT_SIGNALED ? program.#signalled : kind === EVENT_WAKE ? program.#woken : undefined;
    const told = where?.get(handle);
    where?.delete(handle);
    told?.();
  }

  static #reported(program: Program, record: ReportRecord): void {
    program.#reports.get(record.handle)?.(toCloseReport(record));
    program.#reports.delete(record.handle);
  }

  static #failed(program: Program, error: Error): void {
    program.#failure = error;
    program.#fail?.(error);
  }
}

export function nameOf(error: number): string {
  return errorName[error] ?? `error ${error}`;
}
