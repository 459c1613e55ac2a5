/** A frame device at one end of in-process wires: writes go into one channel, reads come out of another. */
import type { Channel } from "./channel.ts";
import { type DeviceStats, type FrameDevice, newDeviceStats, type PostedMemory } from "./contract.ts";
import { copyFrame } from "./queue.ts";

export interface StationOptions {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly capabilities: number;
}

export class Station implements FrameDevice {
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly capabilities: number;
  readonly stats: DeviceStats = newDeviceStats();
  readonly #out: Channel;
  readonly #in: Channel;
  #closed = false;

  constructor(options: StationOptions, out: Channel, incoming: Channel) {
    this.name = options.name;
    this.mac = options.mac;
    this.mtu = options.mtu;
    this.capabilities = options.capabilities;
    this.#out = out;
    this.#in = incoming;
  }

  get onReadable(): (() => void) | undefined {
    return this.#in.onReadable;
  }

  set onReadable(callback: (() => void) | undefined) {
    if (this.#closed) return;
    this.#in.onReadable = callback;
    if (callback !== undefined && this.#in.readable > 0) callback();
  }

  get onWritable(): (() => void) | undefined {
    return this.#out.onWritable;
  }

  set onWritable(callback: (() => void) | undefined) {
    if (!this.#closed) this.#out.onWritable = callback;
  }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    const frame = this.#in.take();
    if (frame === undefined) return 0;
    const length = copyFrame(frame, target, offset, capacity);
    this.stats.inFrames++;
    this.stats.inBytes += length;
    this.#in.done(frame);
    return length;
  }

  get postable(): boolean {
    return this.#in.postable;
  }

  post(memory: PostedMemory, record: number): void {
    if (!this.#closed) this.#in.post(memory, record, this.stats);
  }

  unpost(): void {
    this.#in.unpost();
  }

  taken(): void {
    this.#in.taken();
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    if (this.#closed) {
      this.stats.dropped++;
      return true;
    }
    if (!this.#out.write(memory, parts, first, count)) {
      this.stats.outBusy++;
      return false;
    }
    this.stats.outFrames++;
    this.stats.outBytes += this.#out.lastLength;
    return true;
  }

  /** Unplugs this end: the other end's frames are lost from now on, and frames on their way to it still arrive. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#in.close();
    this.#out.onWritable = undefined;
  }
}
