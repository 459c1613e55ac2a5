/** The thread's side: makes the calls that the program's thread asks for, and moves the bytes of the lanes. */
import { LASTACK_WAIT } from "../abi/errors.gen.ts";
import { EVENT_WAKE, OP_RECV, OP_SEND } from "../abi/events.gen.ts";
import { LSO_OUTSTANDING, SD_SEND, SOL_LASTACK } from "../abi/winsock.gen.ts";
import { stopHost } from "../api/backend.ts";
import { Calls } from "../api/calls.ts";
import type { Host } from "../api/host.ts";
import type { CloseReportRecord } from "../core/index.ts";
import type { DriverListener } from "../driver/index.ts";
import { Lane, RX_STOP, RX_WANT, TX_STOP, TX_WANT } from "./lane.ts";
import type { Names, Request } from "./shared.ts";

type Call = Extract<Request, { type: "call" }>;

/** A connection and its lane. */
interface Connection {
  readonly handle: number;
  readonly lane: Lane;
  /** Lane.consumed that the core knows of. */
  consumed: number;
  /** Bytes that the lane shows and the core still has. */
  shown: number;
  /** The core will say when there is something to receive. */
  waiting: boolean;
  /** close() or abort() was called: bytes left in the lane are lost. */
  lost: number | undefined;
}

export interface ServiceLink {
  /** A wait ended. */
  news(handle: number, operation: number): void;
  report(record: CloseReportRecord): void;
  fatal(error: Error): void;
}

export class Service implements DriverListener {
  readonly #link: ServiceLink;
  #host: Host | undefined;
  #calls: Calls | undefined;
  #area: Uint8Array | undefined;
  readonly #lanes = new Map<number, Lane>();
  readonly #connections = new Map<number, Connection>();
  readonly #byLane = new Map<number, Connection>();

  constructor(link: ServiceLink) {
    this.#link = link;
  }

  /** Called once, after the core was made. Returns the shared place of datagrams. */
  start(host: Host): SharedArrayBuffer {
    this.#host = host;
    this.#calls = new Calls(host.core);
    const area = new SharedArrayBuffer(this.#calls.dataSize);
    this.#area = new Uint8Array(area);
    return area;
  }

  addLane(id: number, lane: Lane): void {
    this.#lanes.set(id, lane);
  }

  /** Something is new in a lane. */
  work(id: number): void {
    const lane = this.#lanes.get(id);
    lane?.dequeued();
    const connection = this.#byLane.get(id);
    if (connection) this.#serve(connection);
  }

  event(kind: number, handle: number, _caller: number, operation: number): void {
    if (kind !== EVENT_WAKE) return;
    const connection = this.#connections.get(handle);
    if (!connection || (operation !== OP_RECV && operation !== OP_SEND)) this.#link.news(handle, operation);
    else if (operation === OP_SEND) this.#send(connection);
    else {
      connection.waiting = false;
      // A wait record ends only when its call is repeated; what nobody waits for stays with the core.
      if (connection.lost !== undefined || connection.lane.get(RX_WANT)) this.#receive(connection);
    }
    this.#driver.kick();
  }

  report(record: CloseReportRecord): void {
    const connection = this.#connections.get(record.handle);
    if (connection) {
      this.#connections.delete(record.handle);
      this.#byLane.delete(connection.lane.id);
    }
    const lost = connection?.lost ?? 0;
    this.#link.report(lost === 0 ? record : { ...record, bytesSent: record.bytesSent + lost, bytesUnacknowledged: record.bytesUnacknowledged + lost });
  }

  fatal(error: Error): void {
    this.#link.fatal(error);
  }

  /** Makes a call. `error` is Calls.error after it. */
  call({ name, handle, args, lane }: Call): { result: unknown; error: number; names: Names | undefined } {
    const calls = this.#calls as Calls;
    const connection = this.#connections.get(handle);
    // The core is to know what the program did before.
    if (connection && connection.lost === undefined) this.#serve(connection);
    calls.error = 0;
    const result = this.#make(name, handle, args, lane, connection);
    const { error } = calls;
    const made = name === "accept" && result !== -1 ? (result as number) : name === "connect" && result === true ? handle : -1;
    const names = made === -1 || lane < 0 ? undefined : this.#connected(made, lane);
    this.#host?.driver.kick();
    return { result, error, names };
  }

  get #driver() {
    return (this.#host as Host).driver;
  }

  #connected(handle: number, laneId: number): Names {
    const calls = this.#calls as Calls;
    const connection: Connection = { handle, lane: this.#lanes.get(laneId) as Lane, consumed: 0, shown: 0, waiting: false, lost: undefined };
    this.#connections.set(handle, connection);
    this.#byLane.set(laneId, connection);
    return { handle, local: calls.localName(handle), peer: calls.peerName(handle) };
  }

  #make(name: string, handle: number, args: readonly unknown[], lane: number, connection: Connection | undefined): unknown {
    const calls = this.#calls as Calls;
    switch (name) {
      case "socket":
        return calls.socket(args[0] as number, args[1] as number);
      case "stats":
        return (this.#host as Host).core.stats();
      case "stop":
        return stopHost(this.#host as Host, calls);
      case "close":
      case "abort":
        if (connection && connection.lost === undefined) connection.lost = connection.lane.unsent;
        return calls[name](handle);
      case "shutdown":
        return this.#shutdown(handle, args[0] as number, connection);
      case "reserve":
        return connection && this.#reserve(connection);
      case "peek":
        return connection ? this.#peek(connection) : calls.peek(handle);
      case "sendTo":
        calls.place((this.#area as Uint8Array).subarray(0, args[0] as number));
        return calls.sendTo(handle, args[0] as number, args[1] as Parameters<Calls["sendTo"]>[2]);
      case "receiveFrom":
        return this.#receiveFrom(handle);
      case "getOption":
        return this.#getOption(handle, args[0] as number, args[1] as number, connection);
      case "tcpInfo":
        return this.#tcpInfo(handle, connection);
      default:
        void lane;
        return (calls as unknown as Record<string, (...all: unknown[]) => unknown>)[name]?.(handle, ...args);
    }
  }

  #shutdown(handle: number, how: number, connection: Connection | undefined): boolean {
    const done = (this.#calls as Calls).shutdown(handle, how);
    if (!done || !connection) return done;
    if (how !== SD_SEND) connection.lane.set(RX_STOP, true);
    if (how !== 0) connection.lane.set(TX_STOP, true);
    return done;
  }

  /** For a lane whose sending has stopped: why, or that it has not. */
  #reserve(connection: Connection): number {
    const calls = this.#calls as Calls;
    const at = calls.reserve(connection.handle, 1);
    if (at !== 0 || calls.mustWait) {
      connection.lane.set(TX_STOP, false);
      calls.error = LASTACK_WAIT;
    }
    return at;
  }

  /** For a lane whose receiving has stopped: the end, an error, or that it has not. */
  #peek(connection: Connection): number {
    const calls = this.#calls as Calls;
    const at = calls.peek(connection.handle);
    if (at === 0) {
      if (!calls.mustWait) return 0;
      connection.waiting = true;
      connection.lane.set(RX_WANT, true);
    } else this.#show(connection, at);
    connection.lane.set(RX_STOP, false);
    return at;
  }

  #receiveFrom(handle: number): unknown {
    const calls = this.#calls as Calls;
    const length = calls.receiveFrom(handle);
    if (length < 0) return undefined;
    (this.#area as Uint8Array).set(calls.bytes.subarray(calls.data, calls.data + length));
    return { length, from: calls.from };
  }

  /** What has been accepted and not acknowledged includes what the lane holds. */
  #getOption(handle: number, level: number, name: number, connection: Connection | undefined): number | undefined {
    const value = (this.#calls as Calls).getOption(handle, level, name);
    const known = value !== undefined && (value | 0) !== -1;
    return known && connection && level === SOL_LASTACK && name === LSO_OUTSTANDING ? value + connection.lane.unsent : value;
  }

  #tcpInfo(handle: number, connection: Connection | undefined): ReturnType<Calls["tcpInfo"]> {
    const info = (this.#calls as Calls).tcpInfo(handle);
    return info && connection ? { ...info, bytesOut: info.bytesOut + connection.lane.unsent } : info;
  }

  #serve(connection: Connection): void {
    const { lane } = connection;
    // Looked at once: the program consumes on meanwhile.
    const all = lane.consumed;
    const consumed = (all - connection.consumed) >>> 0;
    if (consumed > 0) {
      const calls = this.#calls as Calls;
      connection.consumed = all;
      connection.shown -= consumed;
      // The core takes back only what the call before showed. After a reset it has thrown the bytes away, and the next peek says so.
      if (calls.peek(connection.handle) === 0 || !calls.consume(connection.handle, consumed)) connection.shown = 0;
    }
    if (connection.shown === 0 && !connection.waiting && (consumed > 0 || lane.get(RX_WANT))) this.#receive(connection);
    else if (connection.shown > 0 && lane.take(RX_WANT)) this.#link.news(connection.handle, OP_RECV);
    this.#send(connection);
    this.#driver.kick();
  }

  /** Shows what the core has received, or waits for it. */
  #receive(connection: Connection): void {
    const calls = this.#calls as Calls;
    const { handle, lane } = connection;
    if (connection.lost !== undefined) {
      calls.peek(handle);
      return;
    }
    if (lane.get(RX_STOP)) return;
    const at = calls.peek(handle);
    if (at > 0) this.#show(connection, at);
    else if (calls.mustWait) connection.waiting = true;
    else this.#stop(connection, calls.error !== 0);
    if (!connection.waiting && lane.take(RX_WANT)) this.#link.news(handle, OP_RECV);
  }

  #show(connection: Connection, at: number): void {
    const calls = this.#calls as Calls;
    connection.shown += connection.lane.show(calls.bytes, at, calls.length);
  }

  /** The end of what can be received; after an error nothing can be sent either, and the core says why. */
  #stop({ handle, lane }: Connection, failed: boolean): void {
    lane.set(RX_STOP, true);
    if (!failed) return;
    lane.set(TX_STOP, true);
    if (lane.take(TX_WANT)) this.#link.news(handle, OP_SEND);
  }

  /** Gives the core what it takes of the bytes to send. */
  #send({ handle, lane, lost }: Connection): void {
    const calls = this.#calls as Calls;
    if (lost !== undefined) {
      calls.reserve(handle, 1);
      return;
    }
    for (let at = lane.get(TX_STOP) ? 0 : lane.next(); at > 0; at = lane.next()) {
      const place = calls.reserve(handle, lane.length);
      if (place === 0) {
        if (!calls.mustWait) lane.set(TX_STOP, true);
        break;
      }
      const length = Math.min(calls.length, lane.length);
      calls.bytes.set(lane.bytes.subarray(at, at + length), place);
      calls.commit(handle, length);
      lane.taken(length);
    }
    if ((lane.roomy || lane.get(TX_STOP)) && lane.take(TX_WANT)) this.#link.news(handle, OP_SEND);
  }
}
