/** A device that says that it cuts and joins TCP segments and does neither: what one core leaves to it the other gets as it is. */
import { DEVICE_CHECKSUM_OFFLOAD, DEVICE_SEGMENT_OFFLOAD, DEVICE_VNET_HEADER } from "../../../host/abi/link.gen.ts";
import type { DeviceStats, FrameDevice } from "../../../host/device/index.ts";

export class Offloading implements FrameDevice {
  readonly name: string;
  readonly mtu = 1500;
  readonly mac: Uint8Array;
  readonly capabilities = DEVICE_VNET_HEADER | DEVICE_CHECKSUM_OFFLOAD | DEVICE_SEGMENT_OFFLOAD;
  readonly #wire: FrameDevice;

  /** @param wire One end of a link with frames of 64 KiB. */
  constructor(wire: FrameDevice) {
    this.#wire = wire;
    this.name = wire.name;
    this.mac = wire.mac;
  }

  get stats(): DeviceStats {
    return this.#wire.stats;
  }

  get onReadable(): (() => void) | undefined {
    return this.#wire.onReadable;
  }

  set onReadable(callback: (() => void) | undefined) {
    this.#wire.onReadable = callback;
  }

  get onWritable(): (() => void) | undefined {
    return this.#wire.onWritable;
  }

  set onWritable(callback: (() => void) | undefined) {
    this.#wire.onWritable = callback;
  }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    return this.#wire.readInto(target, offset, capacity);
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    return this.#wire.write(memory, parts, first, count);
  }

  close(): void {
    this.#wire.close();
  }
}
