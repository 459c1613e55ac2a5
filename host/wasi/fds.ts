/** File descriptors of one stack: numbers for frame devices, and whom to tell when one becomes ready. */
import { READY_READ, READY_WRITE } from "../abi/events.gen.ts";
import type { FrameDevice } from "../device/contract.ts";

/** 0, 1 and 2 are text streams in preview1. */
const FIRST_FD = 3;

export class FdTable {
  /** By descriptor; a hole is a closed one. Read by every fd_read and fd_write. */
  readonly devices: (FrameDevice | undefined)[] = [];
  /** Told READY_* bits of a descriptor; set by the driver. What became ready before is told when it is set. */
  #onReady: ((fd: number, bits: number) => void) | undefined;
  /** Closed descriptors, the longest closed first: a stale number stays invalid for as long as possible. */
  readonly #free: number[] = [];
  #next = FIRST_FD;

  /** Opens a descriptor for a device and takes over its callbacks. */
  add(device: FrameDevice): number {
    const fd = this.#free.shift() ?? this.#next++;
    this.devices[fd] = device;
    device.onWritable = () => this.#onReady?.(fd, READY_WRITE);
    // It may hold frames already; a report too many only costs the core one EAGAIN.
    device.onReadable = () => this.#onReady?.(fd, READY_READ);
    this.#onReady?.(fd, READY_READ);
    return fd;
  }

  /** Closes a descriptor, not its device. Returns the device, or undefined for a descriptor that is not open. */
  remove(fd: number): FrameDevice | undefined {
    const device = this.devices[fd];
    if (device === undefined) return undefined;
    device.onReadable = undefined;
    device.onWritable = undefined;
    device.unpost?.();
    this.devices[fd] = undefined;
    this.#free.push(fd);
    return device;
  }

  get onReady(): ((fd: number, bits: number) => void) | undefined {
    return this.#onReady;
  }

  set onReady(callback: ((fd: number, bits: number) => void) | undefined) {
    this.#onReady = callback;
    if (callback) for (const [fd] of this.open()) callback(fd, READY_READ);
  }

  /** Open descriptors and their devices. */
  *open(): IterableIterator<[number, FrameDevice]> {
    for (const [fd, device] of this.devices.entries()) if (device !== undefined) yield [fd, device];
  }
}
