/**
 * The calls of a stack in another thread. Bytes of connections go through their lanes, without a word to the thread but for the bell;
 * everything else asks the thread and waits for its answer, some tens of microseconds.
 */
import { LASTACK_WAIT, WSANOTINITIALISED } from "../abi/errors.gen.ts";
import { OP_RECV, OP_SEND } from "../abi/events.gen.ts";
import { SD_SEND, SOCK_STREAM } from "../abi/winsock.gen.ts";
import type { SocketCalls } from "../api/calls.ts";
import { Lane, RX_STOP, RX_WANT, TX_STOP, TX_WANT } from "./lane.ts";
import type { Names } from "./shared.ts";

type Endpoint = SocketCalls["from"];

/** What the thread said to a call. */
export interface Reply {
  readonly result: unknown;
  /** As Calls.error. */
  readonly error: number;
  readonly names: Names | undefined;
}

/** The way to the thread. */
export interface Caller {
  /** Asks and waits; undefined when the thread had ended before. Throws what it fails of meanwhile, as a core in this thread traps. */
  call(name: string, handle: number, args: readonly unknown[], lane: number): Reply | undefined;
  /** Tells the thread of a new lane. */
  announce(id: number, buffer: SharedArrayBuffer, receiveBytes: number): void;
  /** Says that a lane has something new for the thread. */
  submit(lane: Lane): void;
  /** Tells the handle's owner in a later turn of the event loop that a wait is over. */
  wakeLater(handle: number, operation: number): void;
}

/**
 * Bytes given and taken in one turn of the event loop. As long as the thread keeps up, reads and writes would settle in microtasks
 * for ever and no timer would run.
 */
const BYTES_PER_TURN = 1 << 20;

export class RemoteCalls implements SocketCalls {
  error = 0;
  length = 0;
  from: Endpoint = { address: "0.0.0.0", port: 0 };
  bytes: Uint8Array;
  readonly data = 0;
  readonly dataSize: number;

  readonly #caller: Caller;
  readonly #area: Uint8Array;
  readonly #receiveBytes: number;
  readonly #sendBytes: number;
  readonly #lanes = new Map<number, Lane>();
  readonly #free: Lane[] = [];
  #laneCount = 0;
  /** Both ends' addresses of connections. */
  readonly #names = new Map<number, Names>();
  readonly #streams = new Set<number>();
  #turnBytes = 0;

  constructor(caller: Caller, area: SharedArrayBuffer, receiveBytes: number, sendBytes: number) {
    this.#caller = caller;
    this.#area = new Uint8Array(area);
    this.bytes = this.#area;
    this.dataSize = area.byteLength;
    this.#receiveBytes = receiveBytes;
    this.#sendBytes = sendBytes;
  }

  get mustWait(): boolean {
    return this.error === LASTACK_WAIT;
  }

  /** The core has forgotten the handle. */
  released(handle: number): void {
    const lane = this.#lanes.get(handle);
    this.#lanes.delete(handle);
    this.#names.delete(handle);
    this.#streams.delete(handle);
    if (lane) this.#giveBack(lane);
  }

  /** A new turn of the event loop has begun. */
  newTurn(): void {
    this.#turnBytes = 0;
  }

  #ask(name: string, handle: number, args: readonly unknown[] = [], lane = -1): unknown {
    const reply = this.#caller.call(name, handle, args, lane);
    this.error = reply?.error ?? WSANOTINITIALISED;
    if (reply?.names) this.#names.set(reply.names.handle, reply.names);
    return reply?.result;
  }

  #asked(name: string, handle: number, ...args: unknown[]): boolean {
    return this.#ask(name, handle, args) === true;
  }

  #takeLane(): Lane {
    const lane = this.#free.pop();
    if (lane) return lane;
    const buffer = Lane.make(this.#receiveBytes, this.#sendBytes);
    const id = this.#laneCount++;
    this.#caller.announce(id, buffer, this.#receiveBytes);
    return new Lane(id, buffer, this.#receiveBytes);
  }

  #giveBack(lane: Lane): void {
    lane.reset();
    this.#free.push(lane);
  }

  socket(type: number, catalogEntry = 0): number {
    const handle = (this.#ask("socket", -1, [type, catalogEntry]) ?? -1) as number;
    if (handle !== -1 && type === SOCK_STREAM) this.#streams.add(handle);
    return handle;
  }

  bind(s: number, local: Endpoint): boolean {
    return this.#asked("bind", s, local);
  }

  listen(s: number, backlog: number): boolean {
    return this.#asked("listen", s, backlog);
  }

  accept(s: number): number {
    const lane = this.#takeLane();
    const handle = (this.#ask("accept", s, [], lane.id) ?? -1) as number;
    if (handle === -1) this.#giveBack(lane);
    else this.#lanes.set(handle, lane);
    return handle;
  }

  connect(s: number, remote: Endpoint): boolean {
    if (!this.#streams.has(s)) return this.#asked("connect", s, remote);
    const lane = this.#takeLane();
    const connected = this.#ask("connect", s, [remote], lane.id) === true;
    if (connected) this.#lanes.set(s, lane);
    else this.#giveBack(lane);
    return connected;
  }

  shutdown(s: number, how: number): boolean {
    const done = this.#asked("shutdown", s, how);
    // What was shown is not to be read any more: the core answers from now on.
    if (done && how !== SD_SEND) this.#lanes.get(s)?.blind();
    return done;
  }

  close(s: number): boolean {
    const done = this.#asked("close", s);
    if (!done && !this.mustWait) this.released(s);
    return done;
  }

  abort(s: number): boolean {
    return this.#asked("abort", s);
  }

  reserve(s: number, want: number): number {
    const lane = this.#lanes.get(s);
    if (!lane || lane.get(TX_STOP)) return this.#reserveThere(s, lane);
    if (this.#turnBytes >= BYTES_PER_TURN) return this.#refuse(s, OP_SEND);
    let at = lane.room(want);
    if (at === 0) {
      lane.set(TX_WANT, true);
      at = lane.room(want);
      if (at === 0) return this.#wait();
      lane.set(TX_WANT, false);
    }
    return this.#point(lane, at);
  }

  /** Asks the core, which knows why the lane's sending has stopped. */
  #reserveThere(s: number, lane: Lane | undefined): number {
    this.#ask("reserve", s, [1]);
    // The core takes bytes after all: then the lane does.
    if (this.error === 0) this.error = LASTACK_WAIT;
    if (lane && this.mustWait) this.#caller.wakeLater(s, OP_SEND);
    this.length = 0;
    return 0;
  }

  commit(s: number, n: number): boolean {
    const lane = this.#lanes.get(s) as Lane;
    lane.put(n);
    this.#turnBytes += n;
    this.#caller.submit(lane);
    this.error = 0;
    return true;
  }

  unsent(s: number): number {
    const lane = this.#lanes.get(s);
    if (!lane || lane.get(TX_STOP) || lane.unsent === 0) return 0;
    lane.set(TX_WANT, true);
    // It may have gone meanwhile, and nobody would be told.
    this.#caller.submit(lane);
    return lane.unsent;
  }

  peek(s: number): number {
    const lane = this.#lanes.get(s);
    if (!lane) return this.#peekThere(s);
    let at = lane.oldest();
    if (at === 0 && !lane.get(RX_STOP)) {
      lane.set(RX_WANT, true);
      at = lane.oldest();
      if (at === 0 && !lane.get(RX_STOP)) {
        this.#caller.submit(lane);
        return this.#wait();
      }
      lane.set(RX_WANT, false);
    }
    if (at === 0) return this.#peekThere(s);
    if (this.#turnBytes >= BYTES_PER_TURN) return this.#refuse(s, OP_RECV);
    return this.#point(lane, at);
  }

  /** Asks the core: the end, an error, or bytes after all, which the lane shows then. */
  #peekThere(s: number): number {
    const there = this.#ask("peek", s) as number | undefined;
    this.length = 0;
    const lane = this.#lanes.get(s);
    const at = lane && there !== undefined && there > 0 ? lane.oldest() : 0;
    return at > 0 ? this.#point(lane as Lane, at) : 0;
  }

  consume(s: number, n: number): boolean {
    const lane = this.#lanes.get(s) as Lane;
    lane.consume(n);
    this.#turnBytes += n;
    this.#caller.submit(lane);
    this.error = 0;
    return true;
  }

  take(s: number, target: Uint8Array): number {
    let taken = 0;
    // Twice where the ring wraps; an end or error after the first bytes belongs to the next call.
    for (let pieces = 0; taken < target.length && pieces < 2; pieces++) {
      if (pieces > 0 && !this.readable(s)) break;
      const at = this.peek(s);
      if (at === 0) break;
      const length = Math.min(this.length, target.length - taken);
      target.set(this.bytes.subarray(at, at + length), taken);
      taken += length;
      this.consume(s, length);
    }
    if (taken > 0) this.error = 0;
    return taken;
  }

  give(s: number, bytes: Uint8Array, offset: number): number {
    let at = offset;
    while (at < bytes.length) {
      const place = this.reserve(s, bytes.length - at);
      if (place === 0) break;
      const length = Math.min(this.length, bytes.length - at);
      this.bytes.set(length === bytes.length ? bytes : bytes.subarray(at, at + length), place);
      this.commit(s, length);
      at += length;
    }
    return at - offset;
  }

  readable(s: number): boolean {
    const lane = this.#lanes.get(s);
    return lane !== undefined && lane.received > 0;
  }

  #point(lane: Lane, at: number): number {
    this.error = 0;
    this.length = lane.length;
    this.bytes = lane.bytes;
    return at;
  }

  #wait(): number {
    this.error = LASTACK_WAIT;
    this.length = 0;
    return 0;
  }

  /** Enough for this turn: the event loop first. */
  #refuse(s: number, operation: number): number {
    this.#caller.wakeLater(s, operation);
    return this.#wait();
  }

  place(bytes: Uint8Array): void {
    this.#area.set(bytes);
  }

  sendTo(s: number, length: number, to: Endpoint | undefined): boolean {
    return this.#asked("sendTo", s, length, to);
  }

  receiveFrom(s: number): number {
    const there = this.#ask("receiveFrom", s) as { length: number; from: Endpoint } | undefined;
    if (!there) return -1;
    this.from = there.from;
    this.bytes = this.#area;
    return there.length;
  }

  getOption(s: number, level: number, name: number): number | undefined {
    return this.#ask("getOption", s, [level, name]) as number | undefined;
  }

  setOption(s: number, level: number, name: number, value: number): boolean {
    return this.#asked("setOption", s, level, name, value);
  }

  setLinger(s: number, on: boolean, seconds: number): boolean {
    return this.#asked("setLinger", s, on, seconds);
  }

  setDrain(s: number, bytes: number, ms: number): boolean {
    return this.#asked("setDrain", s, bytes, ms);
  }

  setKeepAlive(s: number, on: boolean, idleMs: number, intervalMs: number): boolean {
    return this.#asked("setKeepAlive", s, on, idleMs, intervalMs);
  }

  unread(s: number): number {
    return (this.#ask("unread", s) ?? 0) as number;
  }

  tcpInfo(s: number): ReturnType<SocketCalls["tcpInfo"]> {
    return this.#ask("tcpInfo", s) as ReturnType<SocketCalls["tcpInfo"]>;
  }

  localName(s: number): Endpoint | undefined {
    return this.#names.get(s)?.local ?? (this.#ask("localName", s) as Endpoint | undefined);
  }

  peerName(s: number): Endpoint | undefined {
    return this.#names.get(s)?.peer ?? (this.#ask("peerName", s) as Endpoint | undefined);
  }

  state(s: number): string {
    return (this.#ask("state", s) ?? "CLOSED") as string;
  }
}
