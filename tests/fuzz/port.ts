/** The wire between a core and a fuzzer: frames pushed in are read at the next poll, frames the core sends are looked at. */
import { type DeviceStats, type FrameDevice, gather, newDeviceStats, partsLength } from "../../host/device/index.ts";

const FRAME_MAX = 65_600;

export class Port implements FrameDevice {
  readonly name = "fuzz";
  readonly mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  readonly mtu = 1500;
  readonly capabilities = 0;
  readonly stats: DeviceStats = newDeviceStats();
  onReadable: (() => void) | undefined;
  onWritable: (() => void) | undefined;
  /** Sees every frame the core sends; valid during the call. */
  onSent: ((frame: Uint8Array) => void) | undefined;
  readonly #waiting: Uint8Array[] = [];
  readonly #scratch = new Uint8Array(FRAME_MAX);

  push(frame: Uint8Array): void {
    if (frame.length === 0) return;
    this.#waiting.push(frame);
    this.onReadable?.();
  }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    const frame = this.#waiting.shift();
    if (!frame) return 0;
    target.set(frame.subarray(0, capacity), offset);
    return frame.length;
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    const length = Math.min(partsLength(parts, first, count), FRAME_MAX);
    gather(memory, parts, first, count, this.#scratch, 0);
    this.onSent?.(this.#scratch.subarray(0, length));
    return true;
  }

  close(): void {
    this.#waiting.length = 0;
  }
}
