/** The steps that ask for overlapped operations, cancel them, or tie a socket to the completion port. */
import { SO_UPDATE_ACCEPT_CONTEXT, SO_UPDATE_CONNECT_CONTEXT, SOL_SOCKET } from "../../host/abi/winsock.gen.ts";
import { nextBytes, type Operation, ROOM } from "./overlapped.ts";
import type { Step } from "./program.ts";
import { freeSlot, type Slot, type Station } from "./station.ts";
import type { End, Wire } from "./wire.ts";

const PENDING = 997;
const NOT_FOUND = 1168;
const NAME = 32;
const NONE = 0xffffffff;
/** A connection that ended, in any way; nothing was cancelled. */
const ENDED: readonly number[] = [10052, 10054, 10053, 10060, 10065, 10051];
const SIZES = [1, 100, 1460, ROOM] as const;

export class OverlappedActions {
  readonly #stations: readonly Station[];
  readonly #wire: Wire;
  readonly #fail: (what: string) => void;

  constructor(stations: readonly Station[], wire: Wire, fail: (what: string) => void) {
    this.#stations = stations;
    this.#wire = wire;
    this.#fail = fail;
  }

  run(station: Station, slot: Slot, step: Step): string {
    switch (step.kind) {
      case "ovrecv": return this.#recv(station, slot, step);
      case "ovsend": return this.#send(station, slot, step);
      case "ovaccept": return this.#accept(station, slot, step);
      case "ovconnect": return this.#connect(station, slot, step);
      case "ovdisconnect": return this.#disconnect(station, slot);
      case "cancel": return this.#cancel(station, slot, step);
      default: return this.#tie(station, slot);
    }
  }

  #recv(station: Station, slot: Slot, step: Step): string {
    const { spi, overlapped } = station;
    if (slot.kind !== "stream" || !slot.connected || !slot.end || slot.closing) return "";
    const length = step.n % 16 === 0 ? 0 : 1 + (step.n % ROOM);
    const code = overlapped.ask({ kind: "recv", handle: slot.handle, end: slot.end, peer: slot.peer, length }, (at, list) => {
      spi.setWord(12, 0);
      return spi.code("WSPRecv", slot.handle, list, 1, spi.at + 8, spi.at + 12, at, 0, 0);
    });
    return this.#answer("overlapped recv", slot, code, slot.recvShut);
  }

  #send(station: Station, slot: Slot, step: Step): string {
    const { spi, overlapped } = station;
    const { end } = slot;
    // Another thread's send under way has its place in the stream already; bytes in doubt end the stream's use.
    if (slot.kind !== "stream" || !slot.connected || !end || slot.closing || slot.sending) return "";
    if (end.writing !== overlapped.of(slot.handle, "send").reduce((sum, { length }) => sum + length, 0)) return "";
    const data = nextBytes(end, SIZES[step.n % SIZES.length] as number);
    const code = overlapped.ask({ kind: "send", handle: slot.handle, end, data }, (at, list) => spi.code("WSPSend", slot.handle, list, 1, spi.at + 8, 0, at, 0, 0));
    if (code === 0 || code === PENDING) end.writing += data.length;
    overlapped.look();
    return this.#answer(`overlapped send of ${data.length}`, slot, code, slot.sendShut);
  }

  #answer(what: string, slot: Slot, code: number | undefined, shut: boolean): string {
    if (code === undefined) return "";
    const known = code === 0 || code === PENDING || ENDED.includes(code) || (code === 10058 && shut);
    return known ? `${what} on ${slot.handle}: ${code}` : this.#odd(`${what} on ${slot.handle} answers ${code}`);
  }

  /** AcceptEx on a listener, into a free slot, with or without waiting for data. */
  #accept(station: Station, slot: Slot, step: Step): string {
    const { spi, overlapped } = station;
    const into = station.slots.find((one) => one.kind === "free" && !one.closing);
    if (slot.kind !== "listener" || slot.port === 0 || !into || station.slots.filter(({ accepting }) => accepting > 0).length > 1) return "";
    const acceptor = spi.socket();
    if (acceptor === NONE) return this.#odd(`socket answers ${spi.err}`);
    const length = step.n % 2 ? 1 + (step.m % 100) : 0;
    const listener = slot.handle;
    const code = overlapped.ask({
      kind: "accept", handle: listener, acceptor, length, ended: (one) => this.#accepted(station, into, acceptor, listener, one),
    }, (at, _list, buffer) => {
      spi.call("AcceptEx", listener, acceptor, buffer, length, NAME, NAME, 0, at);
      return spi.err;
    });
    if (code === undefined) {
      // No memory of the program's: the socket is of no use.
      station.closed.set(acceptor, { slot: { ...freeSlot(), handle: acceptor }, at: spi.world.nowMs, waited: false, report: undefined });
      spi.close(acceptor);
      return "";
    }
    if (code !== PENDING) return this.#odd(`AcceptEx answers ${code}`);
    Object.assign(into, freeSlot(), { kind: "stream", handle: acceptor, port: slot.port, accepting: listener });
    return `AcceptEx ${acceptor} on ${listener}`;
  }

  #accepted(station: Station, slot: Slot, acceptor: number, listener: number, one: Operation): void {
    const mine = slot.handle === acceptor && !slot.closing && slot.kind === "stream";
    if (mine) slot.accepting = 0;
    if (one.status !== 0 || !mine) return;
    const { spi } = station;
    slot.connected = true;
    const update = spi.setOption(acceptor, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, listener);
    // A listener that is closed has no context to give; the names then stay unknown, and the slot can only be closed.
    if (update !== 0) return;
    const [address = "", port = ""] = spi.name(acceptor, true).split(":");
    const from = this.#stations.find((other) => other.address === address);
    if (!from) return this.#fail(`AcceptEx took a connection from ${address}:${port}`);
    const connection = this.#wire.connection(from.number, Number(port), station.number, slot.port);
    const [peer, end] = connection.ends;
    if (end.written + end.read > 0) connection.muddled = true;
    Object.assign(slot, { connection, end, peer, blocking: true });
    station.listenerOptions(slot, listener);
    if (one.length > 0) station.overlapped.delivered(one, peer, end, (what) => this.#fail(`AcceptEx ${acceptor}: ${what}`));
  }

  #connect(station: Station, slot: Slot, step: Step): string {
    const { spi, overlapped } = station;
    const to = this.#stations[step.n % this.#stations.length] as Station;
    if (slot.kind !== "free" || slot.closing || to === station) return "";
    const handle = spi.socket();
    if (handle === NONE || spi.bind(handle, "0.0.0.0", 0) !== 0) return this.#odd(`socket or bind answers ${spi.err}`);
    const port = 7000 + ((step.m >> 2) & 1);
    const own = Number(spi.name(handle).split(":")[1]);
    const connection = this.#wire.connection(station.number, own, to.number, port);
    const [end, peer] = connection.ends;
    if (end.written + end.read > 0 || end.wire.iss >= 0) connection.muddled = true;
    const data = step.m % 2 && !connection.muddled ? nextBytes(end, 1 + (step.m % 1000)) : new Uint8Array(0);
    Object.assign(slot, freeSlot(), { kind: "stream", handle, port, connecting: true, extended: true, connection, end, peer });
    const code = overlapped.ask({ kind: "connect", handle, end, peer, data, ended: (one) => this.#connected(station, slot, one) }, (at, _list, buffer) => {
      spi.call("ConnectEx", handle, ...overlapped.name(at, to.address, port), data.length ? buffer : 0, data.length, 0, at);
      return spi.err;
    });
    if (code === PENDING) end.writing += data.length;
    else slot.connecting = slot.extended = false;
    if (code !== undefined && code !== PENDING && !ENDED.includes(code)) return this.#odd(`ConnectEx answers ${code}`);
    return `ConnectEx ${handle} :${own} to ${to.address}:${port} with ${data.length} bytes: ${code}`;
  }

  #connected(station: Station, slot: Slot, one: Operation): void {
    const end = one.end as End;
    end.writing -= one.length;
    if (one.status === 0) end.written += one.length;
    if (slot.handle !== one.handle || slot.closing) return;
    slot.extended = slot.connecting = false;
    if (one.status !== 0) return;
    slot.connected = true;
    const code = station.spi.setOption(slot.handle, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, 0);
    if (code !== 0) this.#fail(`SO_UPDATE_CONNECT_CONTEXT answers ${code}`);
  }

  #disconnect(station: Station, slot: Slot): string {
    const { spi, overlapped } = station;
    if (slot.kind !== "stream" || !slot.connected || !slot.end || slot.closing || slot.sending) return "";
    const before = slot.end.ended;
    slot.end.ended = true;
    const code = overlapped.ask({ kind: "disconnect", handle: slot.handle, end: slot.end, peer: slot.peer }, (at) => {
      spi.call("DisconnectEx", slot.handle, at, 0, 0);
      return spi.err;
    });
    if (code === PENDING) slot.sendShut = true;
    else slot.end.ended = before;
    // 10037: one is under way.
    if (code !== undefined && code !== PENDING && code !== 10037 && !ENDED.includes(code)) return this.#odd(`DisconnectEx answers ${code}`);
    return `DisconnectEx ${slot.handle}: ${code}`;
  }

  /** CancelIoEx: all of a socket's operations, or one of its receives. */
  #cancel(station: Station, slot: Slot, step: Step): string {
    const { spi, overlapped } = station;
    if (slot.kind === "free" || slot.closing) return "";
    const under = overlapped.of(slot.handle);
    const one = step.n % 2 ? overlapped.of(slot.handle, "recv")[step.m % 4] : undefined;
    if (one) one.cancelled = true;
    else overlapped.cancelled(slot.handle);
    spi.call("CancelIoEx", slot.handle, one?.at ?? 0);
    const code = spi.err;
    if (code !== (under.length > 0 ? 0 : NOT_FOUND)) return this.#odd(`CancelIoEx with ${under.length} operations under way answers ${code}`);
    return `CancelIoEx ${slot.handle}: ${code}`;
  }

  #tie(station: Station, slot: Slot): string {
    const { overlapped } = station;
    // An operation under way would leave its packet as well.
    if (slot.kind === "free" || slot.closing || overlapped.tied.has(slot.handle) || overlapped.of(slot.handle).length > 0) return "";
    const code = overlapped.tie(slot.handle);
    return code ? this.#odd(`CreateIoCompletionPort answers ${code}`) : `tie ${slot.handle}`;
  }

  #odd(what: string): string {
    this.#fail(what);
    return `${what} (!)`;
  }
}
