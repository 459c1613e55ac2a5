/** The cable between a stack and its wire: shows every frame the stack sends and takes, and can be pulled out. */
import { type DeviceStats, type FrameDevice, gather, partsLength } from "../../host/device/index.ts";

export interface CableListener {
  /** A frame the stack sends, before anything happens to it. Valid during the call. */
  sent(frame: Uint8Array): void;
  /** A frame the stack takes, whatever happened to it on the way. Valid during the call. */
  arrived(frame: Uint8Array): void;
}

const FRAME_MAX = 65_600;

export class Cable implements FrameDevice {
  /** While true every frame is lost in both directions. */
  pulled = false;
  readonly #inner: FrameDevice;
  readonly #listener: CableListener;
  readonly #scratch = new Uint8Array(FRAME_MAX);

  constructor(inner: FrameDevice, listener: CableListener) {
    this.#inner = inner;
    this.#listener = listener;
  }

  get name(): string { return this.#inner.name; }
  get mtu(): number { return this.#inner.mtu; }
  get mac(): Uint8Array { return this.#inner.mac; }
  get capabilities(): number { return this.#inner.capabilities; }
  get stats(): DeviceStats { return this.#inner.stats; }
  get onReadable(): (() => void) | undefined { return this.#inner.onReadable; }
  set onReadable(callback: (() => void) | undefined) { this.#inner.onReadable = callback; }
  get onWritable(): (() => void) | undefined { return this.#inner.onWritable; }
  set onWritable(callback: (() => void) | undefined) { this.#inner.onWritable = callback; }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    for (;;) {
      const length = this.#inner.readInto(target, offset, capacity);
      if (length === 0) return 0;
      if (this.pulled) continue;
      this.#listener.arrived(target.subarray(offset, offset + Math.min(length, capacity)));
      return length;
    }
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    const length = Math.min(partsLength(parts, first, count), FRAME_MAX);
    gather(memory, parts, first, count, this.#scratch, 0);
    if (!this.pulled && !this.#inner.write(memory, parts, first, count)) return false;
    this.#listener.sent(this.#scratch.subarray(0, length));
    return true;
  }

  close(): void { this.#inner.close(); }
}
