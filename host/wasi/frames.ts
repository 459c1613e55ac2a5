/** fd_read and fd_write over frame devices: one call, one frame (seam.md, Frames). The hot path of the host: no allocation. */
import { WASI_EAGAIN, WASI_EBADF, WASI_EINVAL, WASI_SUCCESS } from "../abi/link.gen.ts";
import type { MemoryViews } from "../core/memory.ts";
import type { FdTable } from "./fds.ts";

/** errno `fault` of preview1: an address outside linear memory. */
export const WASI_EFAULT = 21;
/** errno `msgsize`. */
const WASI_EMSGSIZE = 35;
/** More parts than any frame needs; keeps a wild iovs_len from walking through memory. */
const IOVS_MAX = 1024;

export interface FrameIoStats {
  /** Frames longer than the iovecs of their fd_read; the rest of each is gone. */
  truncated: number;
}

/** true if iovec `count` entries at `iovs`, and every range they name, lie in memory of `size` bytes. */
function iovecsValid(i32: Int32Array, size: number, iovs: number, count: number): boolean {
  if (iovs + count * 8 > size) return false;
  for (let i = iovs >>> 2, end = i + count * 2; i < end; i += 2) {
    if (((i32[i] as number) >>> 0) + ((i32[i + 1] as number) >>> 0) > size) return false;
  }
  return true;
}

export class FrameIo {
  readonly stats: FrameIoStats = { truncated: 0 };
  readonly #fds: FdTable;
  #memory: MemoryViews;
  /** For the rare read into several parts. */
  #scatter: Uint8Array | undefined;

  constructor(fds: FdTable, memory: MemoryViews) {
    this.#fds = fds;
    this.#memory = memory;
  }

  bind(memory: MemoryViews): void {
    this.#memory = memory;
  }

  read(fd: number, iovs: number, count: number, nread: number): number {
    const device = this.#fds.devices[fd];
    if (device === undefined) return WASI_EBADF;
    const memory = this.#memory;
    memory.ensure();
    const { u8, i32 } = memory;
    const at = iovs >>> 0;
    const result = nread >>> 0;
    if (((at | result) & 3) !== 0 || count >>> 0 > IOVS_MAX) return WASI_EINVAL;
    if (result + 4 > u8.length || !iovecsValid(i32, u8.length, at, count)) return WASI_EFAULT;
    if (count !== 1) return this.#readScattered(fd, at, count, result);
    const capacity = (i32[(at >>> 2) + 1] as number) >>> 0;
    const length = device.readInto(u8, (i32[at >>> 2] as number) >>> 0, capacity);
    if (length === 0) return WASI_EAGAIN;
    if (length > capacity) this.stats.truncated++;
    i32[result >>> 2] = length > capacity ? capacity : length;
    return WASI_SUCCESS;
  }

  #readScattered(fd: number, iovs: number, count: number, result: number): number {
    const device = this.#fds.devices[fd];
    if (device === undefined) return WASI_EBADF;
    const { u8, i32 } = this.#memory;
    // A vnet header and 64 KiB of packet, with room for the Ethernet header.
    this.#scatter ??= new Uint8Array(65536 + 64);
    const scatter = this.#scatter;
    const length = device.readInto(scatter, 0, scatter.length);
    if (length === 0) return WASI_EAGAIN;
    let from = 0;
    for (let i = iovs >>> 2, end = i + count * 2; i < end && from < length; i += 2) {
      const part = Math.min((i32[i + 1] as number) >>> 0, Math.min(length, scatter.length) - from);
      u8.set(scatter.subarray(from, from + part), (i32[i] as number) >>> 0);
      from += part;
    }
    if (from < length) this.stats.truncated++;
    i32[result >>> 2] = from;
    return WASI_SUCCESS;
  }

  write(fd: number, iovs: number, count: number, nwritten: number): number {
    const device = this.#fds.devices[fd];
    if (device === undefined) return WASI_EBADF;
    const memory = this.#memory;
    memory.ensure();
    const { u8, i32 } = memory;
    const size = u8.length;
    const at = iovs >>> 0;
    const result = nwritten >>> 0;
    if (((at | result) & 3) !== 0 || count >>> 0 > IOVS_MAX) return WASI_EINVAL;
    if (result + 4 > size || at + count * 8 > size) return WASI_EFAULT;
    const first = at >>> 2;
    let length = 0;
    for (let i = first, end = first + count * 2; i < end; i += 2) {
      const bytes = (i32[i + 1] as number) >>> 0;
      if (((i32[i] as number) >>> 0) + bytes > size) return WASI_EFAULT;
      length += bytes;
    }
    if (length === 0) return WASI_EINVAL;
    if (length > 0x7fffffff) return WASI_EMSGSIZE;
    if (!device.write(u8, i32, first, count)) return WASI_EAGAIN;
    i32[result >>> 2] = length;
    return WASI_SUCCESS;
  }
}
