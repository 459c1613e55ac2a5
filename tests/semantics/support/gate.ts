/** A device that can be unplugged and plugged in again: meanwhile frames are lost both ways, and still seen by the link's capture. */
import type { DeviceStats, FrameDevice } from "../../../host/device/index.ts";

export class Gate implements FrameDevice {
  /** false: unplugged. */
  open = true;
  readonly name: string;
  readonly mtu: number;
  readonly mac: Uint8Array;
  readonly capabilities: number;
  readonly stats: DeviceStats;
  readonly #inner: FrameDevice;

  constructor(inner: FrameDevice) {
    this.#inner = inner;
    this.name = inner.name;
    this.mtu = inner.mtu;
    this.mac = inner.mac;
    this.capabilities = inner.capabilities;
    this.stats = inner.stats;
  }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    let length = this.#inner.readInto(target, offset, capacity);
    while (length > 0 && !this.open) length = this.#inner.readInto(target, offset, capacity);
    return length;
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    return this.open ? this.#inner.write(memory, parts, first, count) : true;
  }

  get onReadable(): (() => void) | undefined {
    return this.#inner.onReadable;
  }
  set onReadable(callback: (() => void) | undefined) {
    this.#inner.onReadable = callback;
  }
  get onWritable(): (() => void) | undefined {
    return this.#inner.onWritable;
  }
  set onWritable(callback: (() => void) | undefined) {
    this.#inner.onWritable = callback;
  }

  close(): void {
    this.#inner.close();
  }
}
