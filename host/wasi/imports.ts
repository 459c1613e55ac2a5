/**
 * The import object of a core, composed from parts: clock, randomness, frame devices, text output, and in full builds the
 * sockets. What no part offers is answered ENOSYS by the loader (core/module.ts).
 */
import { CLOCK_MONOTONIC, WASI_EBADF, WASI_EINVAL, WASI_SUCCESS } from "../abi/link.gen.ts";
import { type Clock, NS_PER_MS, systemClock } from "../base/clock.ts";
import { type RandomSource, systemRandom } from "../base/random.ts";
import { CoreError } from "../core/errors.ts";
import { MemoryViews } from "../core/memory.ts";
import type { ImportFunction, WasiHost } from "../core/module.ts";
import { FdTable } from "./fds.ts";
import { FrameIo, type FrameIoStats, WASI_EFAULT } from "./frames.ts";

const CLOCK_REALTIME = 0;
const STDOUT = 1;
const STDERR = 2;

/** Some functions of the import object that share one memory: the place where a socket layer plugs in. */
export interface WasiPart {
  readonly functions: Readonly<Record<string, ImportFunction>>;
  bind(memory: MemoryViews): void;
}

export interface WasiOptions {
  /** Default: the system's. */
  clock?: Clock;
  /** Default: the system's. */
  random?: RandomSource;
  /** Default: an empty table of its own. */
  fds?: FdTable;
  /** sock_* of preview1 and of the extension (seam.md, Builds and imports). Without it they answer ENOSYS. */
  sockets?: WasiPart;
  /** What the debug build prints (fd 1 and 2), in pieces as it comes. Default: to console.error. */
  onText?: (fd: number, text: string) => void;
}

export interface WasiImports extends WasiHost {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly fds: FdTable;
  readonly frameStats: Readonly<FrameIoStats>;
}

/** Stands in until the module's own memory exists. One for all: a memory is dear however small it is. */
let empty: MemoryViews | undefined;
const noMemory = (): MemoryViews => {
  empty ??= new MemoryViews(new WebAssembly.Memory({ initial: 0 }));
  return empty;
};

/**
 * Makes the import side for one core instance. The functions check every pointer against linear memory and answer a WASI
 * errno; they never throw but for proc_exit, which ends the core's call with a CoreError `E_EXIT`.
 */
export function wasiImports(options: WasiOptions = {}): WasiImports {
  const clock = options.clock ?? systemClock;
  const random = options.random ?? systemRandom;
  const fds = options.fds ?? new FdTable();
  let memory = noMemory();
  const frames = new FrameIo(fds, memory);
  const text = textOutput(options.onText ?? ((_fd, line) => console.error(line.trimEnd())), () => memory);
  const functions: Record<string, ImportFunction> = {
    fd_read: (fd: number, iovs: number, count: number, nread: number) => frames.read(fd, iovs, count, nread),
    fd_write: (fd: number, iovs: number, count: number, nwritten: number) =>
      fd === STDOUT || fd === STDERR ? text(fd, iovs >>> 0, count >>> 0, nwritten >>> 0) : frames.write(fd, iovs, count, nwritten),
    fd_close: (fd: number) => (fds.remove(fd) === undefined ? WASI_EBADF : WASI_SUCCESS),
    clock_time_get: (id: number, _precision: bigint, result: number) => clockTimeGet(clock, memory, id, result >>> 0),
    random_get: (buffer: number, length: number) => randomGet(random, memory, buffer >>> 0, length >>> 0),
    proc_exit: (code: number) => {
      throw new CoreError("E_EXIT", `the core stopped with exit code ${code >>> 0}`);
    },
    ...options.sockets?.functions,
  };
  return {
    functions,
    clock,
    random,
    fds,
    frameStats: frames.stats,
    bind(views) {
      memory = views;
      frames.bind(views);
      options.sockets?.bind(views);
    },
  };
}

/** Writes a time in nanoseconds as u64. In two halves: a BigInt costs more than the rest of the call. */
function clockTimeGet(clock: Clock, memory: MemoryViews, id: number, result: number): number {
  if (id !== CLOCK_MONOTONIC && id !== CLOCK_REALTIME) return WASI_EINVAL;
  memory.ensure();
  if (result + 8 > memory.u8.length) return WASI_EFAULT;
  const now = clock.now();
  if (id === CLOCK_REALTIME) {
    // Nanoseconds since 1970 do not fit a number exactly.
    memory.data.setBigUint64(result, BigInt(Math.floor(clock.epochMs)) * BigInt(NS_PER_MS) + BigInt(Math.floor(now)), true);
    return WASI_SUCCESS;
  }
  const whole = Math.floor(now);
  // A remainder of doubles is slow; the multiplication is exact below 2^53.
  const high = Math.floor(whole / 0x1_0000_0000);
  memory.data.setUint32(result, whole - high * 0x1_0000_0000, true);
  memory.data.setUint32(result + 4, high, true);
  return WASI_SUCCESS;
}

function randomGet(random: RandomSource, memory: MemoryViews, buffer: number, length: number): number {
  memory.ensure();
  if (buffer + length > memory.u8.length) return WASI_EFAULT;
  random.fill(memory.u8, buffer, length);
  return WASI_SUCCESS;
}

/** fd_write of the text streams: what a debug build's trace and abort print. */
function textOutput(print: (fd: number, text: string) => void, memoryOf: () => MemoryViews) {
  const decoder = new TextDecoder();
  return (fd: number, iovs: number, count: number, nwritten: number): number => {
    const memory = memoryOf();
    memory.ensure();
    const size = memory.u8.length;
    if (iovs + count * 8 > size || nwritten + 4 > size) return WASI_EFAULT;
    let text = "";
    let total = 0;
    for (let i = 0; i < count; i++) {
      const from = memory.data.getUint32(iovs + i * 8, true);
      const length = memory.data.getUint32(iovs + i * 8 + 4, true);
      if (from + length > size) return WASI_EFAULT;
      text += decoder.decode(memory.u8.subarray(from, from + length), { stream: true });
      total += length;
    }
    memory.data.setUint32(nwritten, total, true);
    if (text !== "") print(fd, text);
    return WASI_SUCCESS;
  };
}
