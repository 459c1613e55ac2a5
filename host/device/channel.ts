/** One direction of a wire: frames go in, are lost, held or changed as the options say, and come out for one reader. */
import type { Timed } from "../base/clock.ts";
import { type DeviceStats, gather, partsLength, type PostedMemory } from "./contract.ts";
import { Dice, type FrameFate, type WireOptions } from "./impairment.ts";
import { PostedBuffers } from "./posted.ts";
import { type Frame, FramePool, FrameQueue } from "./queue.ts";

/** Counters of one direction. */
export interface ChannelStats {
  /** Frames and bytes the sender gave, lost ones included. */
  frames: number;
  bytes: number;
  delivered: number;
  lost: number;
  duplicated: number;
  corrupted: number;
  reordered: number;
  /** Dropped because the queue was full. */
  overflow: number;
  /** Dropped because they exceed the MTU (or are empty). */
  oversize: number;
  /** Times the sender was told to wait. */
  busy: number;
}

/** Sees every frame as it will arrive; the bytes are valid only during the call. */
export type FrameHook = (frame: Uint8Array, fate: FrameFate) => void;

export class Channel implements Timed {
  readonly stats: ChannelStats = {
    frames: 0, bytes: 0, delivered: 0, lost: 0, duplicated: 0, corrupted: 0, reordered: 0, overflow: 0, oversize: 0, busy: 0,
  };
  /** Called when frames can be read. */
  onReadable: (() => void) | undefined;
  /** Called when a sender that was told to wait may try again. */
  onWritable: (() => void) | undefined;
  onFrame: FrameHook | undefined;

  readonly #wire: WireOptions;
  readonly #pool: FramePool;
  readonly #dice: Dice;
  readonly #ready = new FrameQueue();
  /** Frames on the way, earliest first. */
  #flying: Frame | undefined;
  #flyingLast: Frame | undefined;
  #flyingCount = 0;
  /** The sender waits for room. */
  #blocked = false;
  #closed = false;
  /** Buffers of the reader that frames go to at once, while nothing delays or looks at them. */
  #posted: PostedBuffers | undefined;
  /** Bytes of the frame that was written last. */
  lastLength = 0;
  /** When the transmitter has sent all it was given, ns. */
  #lineFree = 0;
  /** Arrival of the last frame that kept its place, ns. */
  #lastDue = 0;

  /**
   * @param frameMax Longest frame, bytes.
   * @param lane Tells apart the channels of one seed.
   */
  constructor(wire: WireOptions, frameMax: number, lane: number) {
    this.#wire = wire;
    this.#pool = new FramePool(frameMax);
    this.#dice = new Dice(wire, lane);
    if (!wire.ideal) wire.clock.attach(this);
  }

  /** Frames that can be read now. */
  get readable(): number {
    return this.#ready.length;
  }

  /** Takes one frame in parts; false = full, try after onWritable. The contract is FrameDevice.write's. */
  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    const length = partsLength(parts, first, count);
    this.lastLength = length;
    const posted = this.#posted;
    if (posted !== undefined && this.#ready.length === 0 && this.onFrame === undefined && length !== 0 && length <= this.#pool.capacity && !this.#closed) {
      return this.#writePosted(posted, memory, parts, first, count, length);
    }
    const frame = this.#admit(length);
    if (frame === undefined) return !this.#blocked;
    gather(memory, parts, first, count, frame.bytes, 0);
    this.#send(frame);
    return true;
  }

  #writePosted(posted: PostedBuffers, memory: Uint8Array, parts: Int32Array, first: number, count: number, length: number): boolean {
    const stats = this.stats;
    const before = posted.put(memory, parts, first, count, length);
    if (before < 0) {
      this.#blocked = true;
      stats.busy++;
      return false;
    }
    this.#blocked = false;
    stats.frames++;
    stats.bytes += length;
    stats.delivered++;
    if (before === 0) this.onReadable?.();
    return true;
  }

  /** Nothing holds, loses or changes frames. */
  get postable(): boolean {
    return this.#wire.ideal && !this.#closed;
  }

  /** The reader's buffers take frames from now on: those of an ideal wire, which neither holds nor changes any. */
  post(memory: PostedMemory, record: number, reader: DeviceStats): void {
    if (!this.postable) return;
    this.#posted = new PostedBuffers(memory, record, this.#wire.queueFrames, reader);
    if (this.#ready.length > 0) this.#posted.readFirst();
  }

  unpost(): void {
    this.#posted?.readFirst();
    this.#posted = undefined;
  }

  /** The reader has taken what stood in its buffers. */
  taken(): void {
    if (!this.#blocked || this.#posted === undefined || this.#posted.filled > 0) return;
    this.#blocked = false;
    this.onWritable?.();
  }

  /** Takes one whole frame; the same answers as write. */
  writeFrame(bytes: Uint8Array): boolean {
    const frame = this.#admit(bytes.length);
    if (frame === undefined) return !this.#blocked;
    frame.bytes.set(bytes);
    this.#send(frame);
    return true;
  }

  /** The oldest arrived frame; give it back with `done`. */
  take(): Frame | undefined {
    return this.#ready.shift();
  }

  /** Ends the use of a taken frame. */
  done(frame: Frame): void {
    this.#pool.give(frame);
    if (this.#blocked && this.#room() > 0) {
      this.#blocked = false;
      this.onWritable?.();
    }
  }

  nextDeadline(): number | undefined {
    return this.#flying?.due;
  }

  advance(now: number): void {
    const before = this.#ready.length;
    let frame = this.#flying;
    while (frame !== undefined && frame.due <= now) {
      const next = frame.next;
      frame.next = undefined;
      this.#flyingCount--;
      this.#ready.push(frame);
      this.stats.delivered++;
      frame = next;
    }
    this.#flying = frame;
    if (frame === undefined) this.#flyingLast = undefined;
    if (this.#ready.length > before) this.onReadable?.();
  }

  /** Forgets all frames; later ones are dropped. */
  close(): void {
    this.#closed = true;
    this.#posted = undefined;
    this.#wire.clock.detach(this);
    this.#flying = undefined;
    this.#flyingLast = undefined;
    this.#flyingCount = 0;
    while (this.#ready.shift() !== undefined);
    this.onReadable = undefined;
    this.onWritable = undefined;
  }

  #room(): number {
    return this.#wire.queueFrames - this.#ready.length - this.#flyingCount;
  }

  /** A buffer for a frame of `length` bytes, or undefined: dropped and counted, or `#blocked` is set. */
  #admit(length: number): Frame | undefined {
    if (this.#room() <= 0 && this.#wire.whenFull === "backpressure" && !this.#closed) {
      this.#blocked = true;
      this.stats.busy++;
      return undefined;
    }
    this.#blocked = false;
    this.stats.frames++;
    this.stats.bytes += length;
    if (this.#closed || length > this.#pool.capacity || length === 0) {
      const kind = this.#closed ? "lost" : "oversize";
      this.stats[kind]++;
      this.#log(undefined, kind);
      return undefined;
    }
    const frame = this.#pool.take();
    frame.length = length;
    return frame;
  }

  #send(frame: Frame): void {
    if (this.#room() <= 0) {
      this.stats.overflow++;
      this.#drop(frame, "overflow");
    } else if (this.#wire.ideal) {
      if (this.onFrame !== undefined) this.#log(frame, "passed");
      this.stats.delivered++;
      this.#ready.push(frame);
      this.#posted?.readFirst();
      if (this.#ready.length === 1) this.onReadable?.();
    } else {
      this.#impair(frame);
    }
  }

  #drop(frame: Frame, kind: "lost" | "overflow"): void {
    this.#log(frame, kind);
    this.#pool.give(frame);
  }

  #log(frame: Frame | undefined, kind: FrameFate["kind"], duplicated = false, reordered = false, corruptedBit = -1, due?: number): void {
    if (this.onFrame === undefined) return;
    const dueNs = due ?? this.#wire.clock.now();
    this.onFrame(frame?.view ?? new Uint8Array(0), { kind, duplicated, reordered, corruptedBit, dueNs });
  }

  #impair(frame: Frame): void {
    const wire = this.#wire;
    const dice = this.#dice;
    dice.draw();
    const now = wire.clock.now();
    // A lost frame was sent all the same: it takes its time on the line.
    this.#lineFree = Math.max(now, this.#lineFree) + frame.length * wire.nsPerByte;
    if (dice.lost) {
      this.stats.lost++;
      this.#drop(frame, "lost");
      return;
    }
    let due = Math.ceil(this.#lineFree + Math.max(0, wire.delayNs + dice.extraNs));
    if (dice.reordered) {
      this.stats.reordered++;
    } else {
      due = Math.max(due, this.#lastDue);
      this.#lastDue = due;
    }
    const copy = dice.duplicated ? this.#pool.take() : undefined;
    if (copy) {
      copy.length = frame.length;
      copy.bytes.set(frame.view);
      this.stats.duplicated++;
    }
    const bit = dice.corrupted ? dice.flip(frame.view) : -1;
    if (bit >= 0) this.stats.corrupted++;
    this.#log(frame, "passed", dice.duplicated, dice.reordered, bit, due);
    this.#fly(frame, due);
    if (copy) this.#fly(copy, due);
    if (due <= now) this.advance(now);
    else wire.clock.changed(this);
  }

  /** Files a frame behind all that are due no later. Frames mostly come in order, so the end is looked at first. */
  #fly(frame: Frame, due: number): void {
    frame.due = due;
    this.#flyingCount++;
    const last = this.#flyingLast;
    if (last === undefined || last.due <= due) {
      if (last === undefined) this.#flying = frame;
      else last.next = frame;
      this.#flyingLast = frame;
      return;
    }
    let before: Frame | undefined;
    let at = this.#flying as Frame;
    while (at.due <= due) {
      before = at;
      at = at.next as Frame;
    }
    frame.next = at;
    if (before === undefined) this.#flying = frame;
    else before.next = frame;
  }
}
