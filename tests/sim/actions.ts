/** The steps of a program, done on a station's stack; what a call may answer is checked here. */
import { LSO_CORK } from "../../host/abi/sockets.gen.ts";
import { LSO_DRAIN, SD_BOTH, SD_RECEIVE, SD_SEND, SO_KEEPALIVE, SO_RCVBUF, SO_SNDBUF, SOL_LASTACK, SOL_SOCKET } from "../../host/abi/winsock.gen.ts";
import { OverlappedActions } from "./overlappedactions.ts";
import { mismatch, pattern } from "./pattern.ts";
import type { Step } from "./program.ts";
import { type Closed, freeSlot, isWait, type Slot, type Station } from "./station.ts";
import { type Connection, type End, type Wire } from "./wire.ts";

const PORTS = [7000, 7001] as const;
const INVALID = 0xffffffff;
const WOULD_BLOCK = 10035;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** A place in the harness's piece of the host area for an option of eight bytes. */
const OPTION_AT = 1024;
/** A connection that ended: reset, aborted, timed out, unreachable. */
const ENDED: readonly number[] = [10052, 10054, 10053, 10060, 10065, 10051];
const CONNECT_FAILED: readonly number[] = [10061, 10060, 10065, 10051, 10053, 10054];
/** How many bytes one send may carry. */
const SIZES = [1, 10, 500, 1460, 4000, 20_000, 32_000] as const;

const NEEDS: Partial<Record<Step["kind"], (slot: Slot) => boolean>> = {
  connect: (slot) => (slot.kind === "free" && !slot.closing) || (slot.connecting && !slot.connected && !slot.extended),
  ovconnect: (slot) => slot.kind === "free" && !slot.closing,
  ovaccept: (slot) => slot.kind === "listener",
  cancel: (slot) => slot.kind !== "free" && !slot.closing,
  tie: (slot) => slot.kind !== "free" && !slot.closing,
  listen: (slot) => slot.kind === "free" && !slot.closing,
  accept: (slot) => slot.kind === "listener",
  close: (slot) => slot.closing || (slot.kind === "stream" && slot.connected),
};

/** The slot a step is done on: one for which it means something, if there is one. Listeners and attempts are closed more rarely. */
function choose(slots: readonly Slot[], step: Step): number {
  const fits = (step.kind === "close" && step.n % 8 === 0) ? undefined : (NEEDS[step.kind] ?? ((slot: Slot) => slot.kind === "stream" && slot.connected));
  const found = slots.flatMap((slot, i) => (fits?.(slot) ?? slot.kind !== "free") ? [i] : []);
  return found[step.slot % found.length] ?? 0;
}

export class Actions {
  readonly #stations: readonly Station[];
  readonly #wire: Wire;
  readonly #fail: (what: string) => void;
  readonly #overlapped: OverlappedActions;

  constructor(stations: readonly Station[], wire: Wire, fail: (what: string) => void) {
    this.#stations = stations;
    this.#wire = wire;
    this.#fail = fail;
    this.#overlapped = new OverlappedActions(stations, wire, fail);
  }

  /** Does one step; returns what happened for the trace, "" if the step did not apply. */
  run(step: Step): string {
    const station = this.#stations[step.at % this.#stations.length] as Station;
    const index = choose(station.slots, step);
    const slot = station.slots[index] as Slot;
    station.spi.as(index + 1);
    switch (step.kind) {
      case "connect": return this.#connect(station, slot, step);
      case "listen": return this.#listen(station, slot, step);
      case "accept": return this.#accept(station, slot, step);
      case "send": return this.#send(station, slot, SIZES[step.n % SIZES.length] as number, step.m);
      case "recv": return this.#recv(station, slot, 1 + (step.n % 32_000));
      case "direct": return this.#direct(station, slot, step);
      case "shutdown": return this.#shutdown(station, slot, [SD_SEND, SD_SEND, SD_SEND, SD_RECEIVE, SD_BOTH][step.n % 5] as number);
      case "close": return this.close(station, slot);
      case "abort": return this.#abort(station, slot);
      case "cable": return this.#pull(station, step);
      case "serve": return this.serve(station);
      case "run": return "";
      case "ovrecv":
      case "ovsend":
      case "ovaccept":
      case "ovconnect":
      case "ovdisconnect":
      case "cancel":
      case "tie": return this.#overlapped.run(station, slot, step);
      default: return this.#option(station, slot, step);
    }
  }

  #connect(station: Station, slot: Slot, step: Step): string {
    if (slot.extended) return "";
    if (slot.kind === "stream" && slot.connecting && !slot.connected) return this.#connectAgain(station, slot);
    if (slot.kind !== "free" || slot.closing) return "";
    const { spi } = station;
    const to = this.#stations[step.n % this.#stations.length] as Station;
    // A station talks to itself now and then: that way does not touch the wire.
    if (to === station && step.m % 4) return "";
    const port = PORTS[(step.m >> 2) & 1] as number;
    const handle = spi.socket();
    if (handle === INVALID) return this.#odd(`socket answers ${spi.err}`);
    Object.assign(slot, freeSlot(), { kind: "stream", handle, port, blocking: (step.m & 8) === 0 });
    if (!slot.blocking) spi.nonblocking(handle);
    const code = spi.connect(handle, to.address, port);
    if (!isWait(code) && code !== WOULD_BLOCK && code !== 0) {
      if (!CONNECT_FAILED.includes(code)) return this.#odd(`connect answers ${code}`);
      return `connect to ${to.address}:${port} as ${handle}: ${code}`;
    }
    slot.connecting = true;
    const own = this.#attempt(station, slot, to.number);
    if (code === 0) slot.connected = true;
    return `connect ${handle} :${own} to ${to.address}:${port}: ${code}`;
  }

  /** Every attempt of a socket that was not bound has a port of its own. */
  #attempt(station: Station, slot: Slot, to: number): number {
    const own = Number(station.spi.name(slot.handle).split(":")[1]);
    this.#bind(slot, this.#wire.connection(station.number, own, to, slot.port), 0);
    return own;
  }

  #bind(slot: Slot, connection: Connection, which: 0 | 1): void {
    slot.connection = connection;
    slot.end = connection.ends[which];
    slot.peer = connection.ends[1 - which] as End;
  }

  #connectAgain(station: Station, slot: Slot): string {
    const { spi } = station;
    const peer = slot.peer as End;
    const code = spi.connect(slot.handle, (this.#stations[peer.station] as Station).address, slot.port);
    if (code === 0 || code === 10056) slot.connected = true;
    else if (!isWait(code) && code !== WOULD_BLOCK && code !== 10037) {
      slot.connecting = false;
      // A second connect after a nonblocking failure begins a new attempt or tells the old one's error; either ends the slot's use.
      if (!CONNECT_FAILED.includes(code)) return this.#odd(`connect again answers ${code}`);
    } else this.#attempt(station, slot, (this.#stations[peer.station] as Station).number);
    return `connect ${slot.handle} again: ${code}`;
  }

  #listen(station: Station, slot: Slot, step: Step): string {
    const { spi } = station;
    const port = PORTS[step.n & 1] as number;
    if (slot.kind !== "free" || slot.closing || station.slots.some((s) => s.kind === "listener" && s.port === port)) return "";
    const handle = spi.socket();
    if (handle === INVALID) return this.#odd(`socket answers ${spi.err}`);
    Object.assign(slot, freeSlot(), { kind: "listener", handle, port, blocking: (step.m & 1) === 0 });
    if (!slot.blocking) spi.nonblocking(handle);
    const bound = spi.bind(handle, "0.0.0.0", port);
    if (bound !== 0) {
      // Connections accepted on the port may still hold it (semantics chapter B).
      slot.port = 0;
      return `bind ${handle} to ${port}: ${bound}`;
    }
    const code = spi.code("WSPListen", handle, 1 + ((step.m >> 1) % 5));
    return code ? this.#odd(`listen answers ${code}`) : `listen ${handle} on ${port}`;
  }

  #accept(station: Station, slot: Slot, step: Step): string {
    const { spi } = station;
    const into = station.slots.find((s) => s.kind === "free" && !s.closing);
    if (slot.kind !== "listener" || slot.port === 0 || !into) return "";
    const handle = spi.accept(slot.handle);
    if (handle === INVALID) {
      if (isWait(spi.err) || spi.err === WOULD_BLOCK || spi.err === 10054) return "";
      return this.#odd(`accept answers ${spi.err}`);
    }
    const [address = "", port = ""] = spi.name(handle, true).split(":");
    const from = this.#stations.find((s) => s.address === address);
    Object.assign(into, freeSlot(), { kind: "stream", handle, port: slot.port, blocking: slot.blocking, lingerMs: slot.lingerMs, connected: true });
    if (!from) return this.#odd(`accepted from ${address}:${port}`);
    const connection = this.#wire.connection(from.number, Number(port), station.number, slot.port);
    const end = connection.ends[1];
    if (end.written + end.read > 0) connection.muddled = true;
    this.#bind(into, connection, 1);
    if ((step.m & 3) === 0) {
      into.blocking = !into.blocking;
      spi.nonblocking(handle, !into.blocking);
    }
    return `accept ${handle} from ${address}:${port}`;
  }

  #send(station: Station, slot: Slot, size: number, _m: number): string {
    const { spi } = station;
    const { end } = slot;
    if (slot.kind !== "stream" || !slot.connected || !end || slot.closing) return "";
    // It would stand behind overlapped sends, which may yet be cancelled.
    if (station.overlapped.of(slot.handle, "send").length > 0) return "";
    const wanted = slot.sending || size;
    const doubt = end.writing;
    end.writing = Math.max(doubt, wanted);
    const n = spi.send(slot.handle, pattern(end.stream, end.written, wanted));
    const code = spi.err;
    if (n < 0 && isWait(code)) {
      slot.sending = wanted;
      return `send ${wanted} on ${slot.handle}: waits`;
    }
    const waited = slot.sending > 0;
    slot.sending = 0;
    if (n >= 0) {
      end.writing = 0;
      end.written += n;
      if (slot.sendShut && !waited) return this.#odd(`send of ${n} after shutdown`);
      if (n !== wanted) return this.#odd(`send of ${wanted} took ${n}`);
      return `send ${n} on ${slot.handle}`;
    }
    // What a failed blocking send had handed over before stays in doubt; nothing can follow it.
    if (!waited) end.writing = doubt;
    return this.#ended(slot, code, "send", slot.sendShut || waited);
  }

  #ended(slot: Slot, code: number, what: string, shut: boolean): string {
    if (code === WOULD_BLOCK && slot.blocking) return this.#odd(`${what} answers 10035 on a blocking socket`);
    if (code === 10058 ? !shut : code !== WOULD_BLOCK && !ENDED.includes(code) && code !== 10004) return this.#odd(`${what} on ${slot.handle} answers ${code}`);
    return `${what} on ${slot.handle}: ${code}`;
  }

  #recv(station: Station, slot: Slot, most: number): string {
    if (slot.kind !== "stream" || !slot.connected || !slot.end || slot.closing) return "";
    const got = station.spi.recv(slot.handle, most);
    if (got) return this.#received(slot, got);
    const code = station.spi.err;
    return isWait(code) ? "" : this.#ended(slot, code, "recv", slot.recvShut);
  }

  /** Every byte in its place; the end only after the last one. */
  #received(slot: Slot, got: Uint8Array): string {
    const { end, peer } = slot as { end: End; peer: End };
    if (got.length === 0) {
      slot.atEnd = true;
      if (slot.recvShut) return `end on ${slot.handle}`;
      if (!peer.ended) return this.#odd(`end of stream on ${slot.handle}, and the peer has not ended it`);
      if (end.read < peer.written || end.read > peer.written + peer.writing) return this.#odd(`end of stream on ${slot.handle} after ${end.read} of ${peer.written} bytes`);
      return `end on ${slot.handle}`;
    }
    if (slot.atEnd) return this.#odd(`${got.length} bytes after the end of the stream`);
    if (slot.recvShut) return this.#odd(`${got.length} bytes after shutdown`);
    const at = mismatch(peer.stream, end.read, got);
    if (at >= 0) return this.#odd(`byte ${at} of ${slot.connection?.name} received on ${slot.handle} is not the one sent`);
    end.read += got.length;
    if (end.read > peer.written + peer.writing) return this.#odd(`${end.read} bytes received of ${peer.written}`);
    return `recv ${got.length} on ${slot.handle}`;
  }

  /** reserve and commit, or peek and consume. */
  #direct(station: Station, slot: Slot, step: Step): string {
    const { spi } = station;
    const { end } = slot;
    if (slot.kind !== "stream" || !slot.connected || !end || slot.closing || slot.sending || station.overlapped.of(slot.handle, "send").length > 0) return "";
    const length = spi.at + 4;
    if (step.n & 1) {
      const at = spi.call("reserve", slot.handle, SIZES[(step.n >> 1) % SIZES.length] as number, length);
      if (spi.err || at === -1 || at === 0) return "";
      const n = spi.word(4);
      const some = Math.max(1, n - (step.m % 3));
      spi.core.memory.ensure();
      spi.core.memory.u8.set(pattern(end.stream, end.written, some), at >>> 0);
      end.written += some;
      const code = spi.code("commit", slot.handle, some);
      return code ? this.#odd(`commit answers ${code}`) : `commit ${some} on ${slot.handle}`;
    }
    const at = spi.call("peek", slot.handle, length);
    if (spi.err || at === -1 || at === 0) return "";
    const n = spi.word(4);
    spi.core.memory.ensure();
    const got = spi.core.memory.u8.slice(at >>> 0, (at >>> 0) + n);
    const some = n === 0 ? got : got.subarray(0, Math.max(1, n - (step.m % 100)));
    const text = this.#received(slot, some);
    if (n > 0) {
      const code = spi.code("consume", slot.handle, some.length);
      if (code) return this.#odd(`consume answers ${code}`);
    }
    return `direct ${text}`;
  }

  #shutdown(station: Station, slot: Slot, how: number): string {
    if (slot.kind !== "stream" || !slot.connected || !slot.end || slot.closing) return "";
    // What a program sends from another thread while it shuts down is in doubt: such programs are not ours.
    if (slot.sending && how !== SD_RECEIVE) return "";
    const before = slot.end.ended;
    if (how !== SD_RECEIVE) slot.end.ended = true;
    const code = station.spi.shutdown(slot.handle, how);
    if (code !== 0) {
      slot.end.ended = before;
      return ENDED.includes(code) ? `shutdown ${slot.handle}: ${code}` : this.#odd(`shutdown answers ${code}`);
    }
    if (how !== SD_RECEIVE) slot.sendShut = true;
    if (how !== SD_SEND) slot.recvShut = true;
    return `shutdown ${slot.handle} ${how}`;
  }

  /** Closes the slot's socket, or resumes a close that waits. */
  close(station: Station, slot: Slot): string {
    const { spi } = station;
    if (slot.closing) return this.#closeAgain(station, slot);
    if (slot.kind === "free") return "";
    const before = slot.end?.ended ?? true;
    if (slot.end) slot.end.ended = true;
    const closed: Closed = { slot: { ...slot }, at: spi.world.nowMs, waited: false, report: undefined };
    const code = spi.close(slot.handle);
    if (code !== WOULD_BLOCK) this.#closedUnder(station, slot);
    if (code === WOULD_BLOCK) {
      if (slot.end) slot.end.ended = before;
      if (slot.blocking || slot.lingerMs <= 0) return this.#odd("close answers 10035");
      return `close ${slot.handle}: refused`;
    }
    station.closed.set(slot.handle, closed);
    if (isWait(code)) {
      if (slot.lingerMs <= 0) return this.#odd("a close waits that has nothing to wait for");
      closed.waited = true;
      slot.closing = true;
      slot.kind = "free";
      return `close ${slot.handle}: waits`;
    }
    if (code !== 0) return this.#odd(`close answers ${code}`);
    const text = `close ${slot.handle} (${slot.kind})`;
    Object.assign(slot, freeSlot());
    return text;
  }

  /** Operations of a socket that is closed end; so does the one it was to accept for. */
  #closedUnder(station: Station, slot: Slot): void {
    station.overlapped.cancelled(slot.handle);
    for (const other of station.slots) if (other.accepting === slot.handle) other.accepting = 0;
    for (const one of station.overlapped.operations) if (one.acceptor === slot.handle) one.cancelled = true;
  }

  #closeAgain(station: Station, slot: Slot): string {
    const code = station.spi.close(slot.handle);
    const closed = station.closed.get(slot.handle);
    if (isWait(code)) {
      const over = station.spi.world.nowMs - (closed?.at ?? 0) - slot.lingerMs;
      return over > 20 ? this.#odd(`the close of ${slot.handle} waits ${over} ms longer than its linger time`) : "";
    }
    const text = `close ${slot.handle} returns ${code}`;
    Object.assign(slot, freeSlot());
    return code === 0 ? text : this.#odd(text);
  }

  #abort(station: Station, slot: Slot): string {
    if (slot.kind !== "stream" || !slot.connected || slot.closing) return "";
    slot.aborted = true;
    const code = station.spi.abort(slot.handle);
    return code ? this.#odd(`abort answers ${code}`) : `abort ${slot.handle}`;
  }

  #pull(station: Station, step: Step): string {
    station.cable.pulled = !station.cable.pulled && step.n % 3 === 0;
    return `cable ${station.index} ${station.cable.pulled ? "out" : "in"}`;
  }

  #option(station: Station, slot: Slot, step: Step): string {
    const { spi } = station;
    if (slot.kind === "free" || slot.closing) return "";
    switch (step.kind) {
      case "linger": {
        const seconds = step.n % 4;
        const on = step.m % 3 > 0;
        if (spi.setLinger(slot.handle, on ? 1 : 0, seconds) !== 0) return "";
        slot.lingerMs = on ? seconds * 1000 : -1;
        return `linger ${slot.handle} ${on ? seconds : "off"}`;
      }
      case "blocking": {
        if (slot.sending || (slot.connecting && !slot.connected)) return "";
        if (spi.nonblocking(slot.handle, slot.blocking) !== 0) return this.#odd(`FIONBIO answers ${spi.err}`);
        slot.blocking = !slot.blocking;
        return `${slot.handle} is ${slot.blocking ? "" : "non"}blocking`;
      }
      case "nodelay": {
        const cork = (step.n & 6) === 6 ? 1 : 0;
        const codes = [spi.setOption(slot.handle, IPPROTO_TCP, TCP_NODELAY, step.n & 1), spi.setOption(slot.handle, SOL_LASTACK, LSO_CORK, cork)];
        return `nodelay ${slot.handle}, cork ${cork}: ${codes}`;
      }
      case "keepalive": return `keepalive ${slot.handle}: ${spi.setOption(slot.handle, SOL_SOCKET, SO_KEEPALIVE, step.n & 1)}`;
      case "buffers": {
        const which = step.n & 1 ? SO_SNDBUF : SO_RCVBUF;
        return `buffer ${slot.handle}: ${spi.setOption(slot.handle, SOL_SOCKET, which, 1024 << (step.m % 8))}`;
      }
      default: return this.#drain(station, slot, step);
    }
  }

  /** LSO_DRAIN: bytes and milliseconds. */
  #drain(station: Station, slot: Slot, step: Step): string {
    const { spi } = station;
    spi.put(OPTION_AT, Uint8Array.from(new Uint8Array(Uint32Array.of((step.n % 4) * 20_000, (step.m % 3) * 1_000).buffer)));
    return `drain ${slot.handle}: ${spi.code("WSPSetSockOpt", slot.handle, SOL_LASTACK, LSO_DRAIN, spi.at + OPTION_AT, 8)}`;
  }

  /** A diligent program: answers what waits, accepts, reads everything. */
  serve(station: Station): string {
    const said: string[] = [];
    for (const [i, slot] of station.slots.entries()) {
      station.spi.as(i + 1);
      if (slot.closing) said.push(this.#closeAgain(station, slot));
      else if (slot.kind === "listener") said.push(this.#accept(station, slot, { kind: "accept", at: 0, slot: 0, n: 0, m: 1 }));
      else if (slot.connecting && !slot.connected && !slot.extended) said.push(this.#connectAgain(station, slot));
      else if (slot.connected) {
        if (slot.sending) said.push(this.#send(station, slot, 0, 0));
        for (let k = 0; k < 20; k++) {
          const text = this.#recv(station, slot, 32_000);
          said.push(text);
          if (!text.startsWith("recv ") || !/ \d+ on/.test(text)) break;
        }
      }
    }
    return said.filter(Boolean).join("; ");
  }

  #odd(what: string): string {
    this.#fail(what);
    return `${what} (!)`;
  }
}

