/** A wire whose ends may be in different threads: frames lie in rings of shared memory, one for each direction. */
import { checkMtu, type DeviceStats, type FrameDevice, gather, longestFrame, newDeviceStats, parseMac, partsLength } from "./contract.ts";

/** Words at the start of a ring. Counters are bytes modulo 2^32. */
const HEAD = 0;
const TAIL = 1;
/** The reader found nothing and wants its bell rung. */
const ASLEEP = 2;
/** The writer found no room and wants its bell rung. */
const BLOCKED = 3;
/** The reader is gone: what is written is lost. */
const CLOSED = 4;
const HEADER_BYTES = 32;
/** In place of a length: the rest of the ring is unused, the next frame stands at its start. */
const WRAP = -1;
/** Bytes of one ring: some hundred frames of 1500, sixteen of 64 KiB. */
const RING_BYTES = 1 << 20;
const BELLS_BYTES = 8;

const padded = (length: number): number => (length + 7) & ~3;

/** One direction: one thread writes, one reads. */
class FrameRing {
  readonly #words: Int32Array;
  readonly #lengths: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #size: number;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    this.#lengths = new Int32Array(buffer, HEADER_BYTES);
    this.#bytes = new Uint8Array(buffer, HEADER_BYTES);
    this.#size = buffer.byteLength - HEADER_BYTES;
  }

  get empty(): boolean {
    return Atomics.load(this.#words, HEAD) === Atomics.load(this.#words, TAIL);
  }

  get closed(): boolean {
    return Atomics.load(this.#words, CLOSED) !== 0;
  }

  close(): void {
    Atomics.store(this.#words, CLOSED, 1);
  }

  /** false: there is no room, and the writer's bell will ring. */
  write(memory: Uint8Array, parts: Int32Array, first: number, count: number, length: number): boolean {
    const head = Atomics.load(this.#words, HEAD);
    const toEnd = this.#size - (head & (this.#size - 1));
    const need = padded(length);
    const total = toEnd < need ? toEnd + need : need;
    if (!this.#hasRoom(head, total)) {
      Atomics.store(this.#words, BLOCKED, 1);
      if (!this.#hasRoom(head, total)) return false;
      Atomics.store(this.#words, BLOCKED, 0);
    }
    let at = head & (this.#size - 1);
    if (toEnd < need) {
      this.#lengths[at >> 2] = WRAP;
      at = 0;
    }
    this.#lengths[at >> 2] = length;
    gather(memory, parts, first, count, this.#bytes, at + 4);
    Atomics.store(this.#words, HEAD, (head + total) | 0);
    return true;
  }

  #hasRoom(head: number, total: number): boolean {
    return ((head - Atomics.load(this.#words, TAIL)) >>> 0) + total <= this.#size;
  }

  /** The reader's bell will ring for the next frame. */
  arm(): void {
    Atomics.store(this.#words, ASLEEP, 1);
  }

  /** The reader sleeps, and is told of it once. */
  takeAsleep(): boolean {
    return Atomics.load(this.#words, ASLEEP) !== 0 && Atomics.exchange(this.#words, ASLEEP, 0) !== 0;
  }

  /** The writer waits and may go on: there is room for what it has, and for some more. */
  takeBlocked(): boolean {
    if (Atomics.load(this.#words, BLOCKED) === 0) return false;
    const used = (Atomics.load(this.#words, HEAD) - Atomics.load(this.#words, TAIL)) >>> 0;
    return used <= this.#size >> 1 && Atomics.exchange(this.#words, BLOCKED, 0) !== 0;
  }

  /** The oldest frame's length, copied to `target` as far as it fits; 0 = none, and the reader's bell will ring for the next. */
  read(target: Uint8Array, offset: number, capacity: number): number {
    if (this.empty) {
      Atomics.store(this.#words, ASLEEP, 1);
      if (this.empty) return 0;
      Atomics.store(this.#words, ASLEEP, 0);
    }
    let tail = Atomics.load(this.#words, TAIL);
    let at = tail & (this.#size - 1);
    if (this.#lengths[at >> 2] === WRAP) {
      tail += this.#size - at;
      at = 0;
    }
    const length = this.#lengths[at >> 2] as number;
    target.set(this.#bytes.subarray(at + 4, at + 4 + Math.min(length, capacity)), offset);
    Atomics.store(this.#words, TAIL, (tail + padded(length)) | 0);
    return length;
  }
}

/** One end, as it can be sent to another thread. */
export interface SharedStation {
  readonly kind: "shared";
  readonly name: string;
  readonly mtu: number;
  readonly mac: Uint8Array;
  readonly capabilities: number;
  readonly out: SharedArrayBuffer;
  readonly incoming: SharedArrayBuffer;
  readonly bells: SharedArrayBuffer;
  /** Which of the two bells is this end's. */
  readonly side: 0 | 1;
}

/** One end of a thread link. */
export class ThreadStation implements FrameDevice {
  readonly name: string;
  readonly mtu: number;
  readonly mac: Uint8Array;
  readonly capabilities: number;
  readonly stats: DeviceStats = newDeviceStats();
  onWritable: (() => void) | undefined;

  readonly #shared: SharedStation;
  readonly #longest: number;
  readonly #out: FrameRing;
  readonly #in: FrameRing;
  readonly #bells: Int32Array;
  #onReadable: (() => void) | undefined;
  #watching = false;
  #blocked = false;
  /** Another thread has this end: here only close() has an effect. */
  #moved = false;
  #closed = false;

  constructor(shared: SharedStation) {
    this.#shared = shared;
    this.name = shared.name;
    this.mtu = shared.mtu;
    this.mac = shared.mac;
    this.capabilities = shared.capabilities;
    this.#longest = longestFrame(shared);
    this.#out = new FrameRing(shared.out);
    this.#in = new FrameRing(shared.incoming);
    this.#bells = new Int32Array(shared.bells);
  }

  get onReadable(): (() => void) | undefined {
    return this.#onReadable;
  }

  set onReadable(callback: (() => void) | undefined) {
    if (this.#closed) return;
    this.#onReadable = callback;
    if (callback === undefined) return;
    this.#in.arm();
    if (!this.#in.empty) callback();
    if (!this.#watching) void this.#watch();
  }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    if (this.#idle) return 0;
    const length = this.#in.read(target, offset, capacity);
    if (length === 0) return 0;
    this.stats.inFrames++;
    this.stats.inBytes += length;
    if (this.#in.takeBlocked()) this.#ringOther();
    return length;
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    const length = partsLength(parts, first, count);
    if (this.#idle || length === 0 || length > this.#longest || this.#out.closed) {
      this.stats.dropped++;
      return true;
    }
    if (!this.#out.write(memory, parts, first, count, length)) {
      this.stats.outBusy++;
      this.#blocked = true;
      return false;
    }
    this.stats.outFrames++;
    this.stats.outBytes += length;
    if (this.#out.takeAsleep()) this.#ringOther();
    return true;
  }

  /** Gives this end to another thread: `openThreadDevice` makes a device of what it returns there. */
  toThread(): SharedStation {
    this.#moved = true;
    return this.#shared;
  }

  /** Unplugs this end, wherever it is: frames to it are lost from now on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#in.close();
    this.#onReadable = undefined;
    this.onWritable = undefined;
    // Both ends look up: whoever waits for room will not get any, and whoever has this end stops.
    this.#ring(0);
    this.#ring(1);
  }

  get #idle(): boolean {
    return this.#closed || this.#moved || this.#in.closed;
  }

  #ring(side: number): void {
    Atomics.add(this.#bells, side, 1);
    Atomics.notify(this.#bells, side);
  }

  #ringOther(): void {
    this.#ring(1 - this.#shared.side);
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    while (!this.#closed && !this.#in.closed) {
      const seen = Atomics.load(this.#bells, this.#shared.side);
      // Armed each time: the other side may have rung for a frame that was read meanwhile, and taken the mark made since (takeAsleep).
      this.#in.arm();
      if (!this.#in.empty) this.#onReadable?.();
      if (this.#blocked) {
        this.#blocked = false;
        this.onWritable?.();
      }
      const change = Atomics.waitAsync(this.#bells, this.#shared.side, seen);
      await (change.async ? change.value : new Promise((resolve) => setImmediate(resolve)));
    }
  }
}

export interface ThreadLinkOptions {
  /** Largest IP packet, 68 to 65535 bytes. Default 65535: both ends have the same processor. */
  mtu?: number;
  /** Hardware addresses of the ends. Default 02:00:00:00:00:01 and :02. */
  macs?: readonly [string, string];
  /** Name in messages. Default `link`. */
  name?: string;
}

export interface ThreadLink {
  readonly a: ThreadStation;
  readonly b: ThreadStation;
  /** Closes both ends. */
  close(): void;
}

/** @internal The two ends as they cross threads, for a device of these properties. */
export function sharedStations(name: string, mtu: number, macs: readonly [Uint8Array, Uint8Array], capabilities = 0): [SharedStation, SharedStation] {
  const bells = new SharedArrayBuffer(BELLS_BYTES);
  const ring = (): SharedArrayBuffer => new SharedArrayBuffer(HEADER_BYTES + RING_BYTES);
  const [aToB, bToA] = [ring(), ring()];
  const common = { kind: "shared", mtu, capabilities, bells } as const;
  return [
    { ...common, name: `${name}/a`, mac: macs[0], out: aToB, incoming: bToA, side: 0 },
    { ...common, name: `${name}/b`, mac: macs[1], out: bToA, incoming: aToB, side: 1 },
  ];
}

/**
 * Makes a link of two ends like memoryLink, without impairments, whose ends may belong to stacks in different threads: to two
 * stacks made with `worker: true`, or to one of them and one in this thread. None is lost; a full ring tells the sender to wait.
 * @throws RangeError for an option out of range, naming it.
 */
export function threadLink(options: ThreadLinkOptions = {}): ThreadLink {
  const mtu = checkMtu(options.mtu ?? 65535);
  const macs = (options.macs ?? ["02:00:00:00:00:01", "02:00:00:00:00:02"]).map(parseMac) as [Uint8Array, Uint8Array];
  const [a, b] = sharedStations(options.name ?? "link", mtu, macs).map((shared) => new ThreadStation(shared)) as [ThreadStation, ThreadStation];
  return {
    a,
    b,
    close() {
      a.close();
      b.close();
    },
  };
}
