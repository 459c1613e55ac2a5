/** A Linux TAP device: Ethernet frames to and from the kernel's own stack. */
import { writevSync } from "node:fs";
import { DEVICE_CHECKSUM_OFFLOAD, DEVICE_SEGMENT_OFFLOAD } from "../abi/link.gen.ts";
import { systemRandom } from "../base/random.ts";
import {
  checkMtu, type DeviceStats, ETHERNET_HEADER, type FrameDevice, formatMac, gather, longestFrame, newDeviceStats, parseMac, partsLength, vnetBytes,
} from "./contract.ts";
import { copyFrame, type Frame, FramePool, FrameQueue } from "./queue.ts";
import { type InputSink, type TapInput, tapInput } from "./tap-input.ts";
import { adoptTap, openTap, type TapHandle } from "./tap-system.ts";

export interface TapOptions {
  /** The stack's hardware address. Default: a random, locally administered one; the kernel's end has its own. */
  mac?: string;
  /** Largest IP packet, bytes. Default: the interface's MTU. */
  mtu?: number;
  /** Frames kept for the stack before the kernel has to queue them itself. Default 1024. */
  queueFrames?: number;
  /** How input is awaited. Default: `pipe` where Node offers it, else `poll`. */
  input?: "pipe" | "poll";
  /**
   * Ask the kernel for a vnet header with checksum and TCP segmentation offload (virtio_net_hdr): packets of up to 64 KiB cross in one
   * call, both ways, and a capture shows them so. Default true: what the kernel does not grant is done without; `offload` of the
   * device says which. False for programs that handle the device's frames themselves and expect plain ones.
   */
  offload?: boolean;
  /** Told once when the device is removed under the stack. */
  onGone?: (error: Error) => void;
}

/** What the kernel granted of TapOptions.offload. */
export interface TapOffload {
  /** Transport checksums are left to whoever needs them. */
  readonly checksum: boolean;
  /** TCP crosses in packets of many segments. */
  readonly segments: boolean;
}

/** Bytes of frames kept for the stack, beside the number of frames: some dozen packets of 64 KiB. */
const QUEUE_BYTES = 4 << 20;

/** A TAP device as it is sent to another thread: its descriptor, which all threads of a process share, and what is known of it. */
export interface SentTap {
  readonly kind: "tap";
  readonly fd: number;
  readonly name: string;
  readonly mtu: number;
  readonly mac: string;
  readonly capabilities: number;
  readonly queueFrames: number;
  readonly input: "pipe" | "poll" | undefined;
  /** A word that becomes 1 when the device is gone. */
  readonly gone: SharedArrayBuffer;
}

/** The parts of one frame as the system's gathering write takes them. */
function views(memory: Uint8Array, parts: Int32Array, first: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, k) => {
    const from = (parts[first + 2 * k] as number) >>> 0;
    return memory.subarray(from, from + ((parts[first + 2 * k + 1] as number) >>> 0));
  });
}

function randomMac(): Uint8Array {
  const mac = new Uint8Array(6);
  systemRandom.fill(mac, 0, 6);
  // IEEE 802: unicast, locally administered.
  mac[0] = ((mac[0] as number) & 0xfc) | 2;
  return mac;
}

export class TapDevice implements FrameDevice {
  readonly name: string;
  readonly mtu: number;
  readonly mac: Uint8Array;
  readonly capabilities: number;
  readonly stats: DeviceStats = newDeviceStats();
  onReadable: (() => void) | undefined;
  onWritable: (() => void) | undefined;

  readonly #tap: TapHandle;
  readonly #method: "pipe" | "poll" | undefined;
  readonly #input: TapInput;
  /** Buffers for frames of the MTU, and for longer ones. */
  readonly #pool: FramePool;
  readonly #large: FramePool;
  readonly #queue = new FrameQueue();
  readonly #queueFrames: number;
  #queuedBytes = 0;
  readonly #outgoing: Uint8Array;
  /** Longest frame that is gathered before it is written, and shortest there is. */
  readonly #gathered: number;
  readonly #shortest: number;
  /** Where the stack reads to, kept because making views is dear: whose memory, and where in it. */
  #view: Uint8Array = new Uint8Array(0);
  #viewOf: Uint8Array | undefined;
  #viewOffset = 0;
  readonly #onGone: ((error: Error) => void) | undefined;
  /** Input stands still until the stack has read half of the queue. */
  #stopped = false;
  #closed = false;

  /** @param tap Opened already. */
  constructor(name: string, options: TapOptions, tap?: TapHandle) {
    this.#queueFrames = options.queueFrames ?? 1024;
    if (!Number.isInteger(this.#queueFrames) || this.#queueFrames < 1) {
      throw new RangeError(`queueFrames is ${options.queueFrames}; expected an integer of 1 or more`);
    }
    if (options.mtu !== undefined) checkMtu(options.mtu);
    this.mac = options.mac === undefined ? randomMac() : parseMac(options.mac);
    this.#onGone = options.onGone;
    this.#tap = tap ?? openTap(name, options.offload ?? true);
    this.name = this.#tap.name;
    this.mtu = options.mtu ?? this.#tap.mtu;
    this.capabilities = this.#tap.capabilities;
    this.#method = options.input;
    const longest = longestFrame(this);
    this.#pool = new FramePool(longestFrame({ mtu: this.mtu, capabilities: this.capabilities & ~DEVICE_SEGMENT_OFFLOAD }));
    this.#large = longest > this.#pool.capacity ? new FramePool(longest) : this.#pool;
    this.#shortest = vnetBytes(this) + ETHERNET_HEADER;
    this.#gathered = this.#shortest + this.mtu;
    this.#outgoing = new Uint8Array(this.#gathered);
    const sink: InputSink = {
      frame: (bytes, length) => this.#frame(bytes, length),
      drained: () => this.#drained(),
      gone: (error) => this.#gone(error),
    };
    this.#input = tapInput(this.#tap, sink, options.input);
  }

  /** What the kernel granted; all false if it was not asked. */
  get offload(): TapOffload {
    const has = (bit: number): boolean => (this.capabilities & bit) !== 0;
    return { checksum: has(DEVICE_CHECKSUM_OFFLOAD), segments: has(DEVICE_SEGMENT_OFFLOAD) };
  }

  /** How input is awaited: by libuv's own poll, or by a waiting thread. */
  get inputMethod(): "pipe" | "poll" {
    return this.#input.method;
  }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    const frame = this.#queue.shift();
    const length = frame === undefined ? this.#readNow(target, offset, capacity) : this.#takeQueued(frame, target, offset, capacity);
    if (length === 0) return 0;
    this.stats.inFrames++;
    this.stats.inBytes += length;
    return length;
  }

  #takeQueued(frame: Frame, target: Uint8Array, offset: number, capacity: number): number {
    const length = copyFrame(frame, target, offset, capacity);
    (frame.bytes.length > this.#pool.capacity ? this.#large : this.#pool).give(frame);
    this.#queuedBytes -= length;
    if (this.#stopped && this.#queue.length <= this.#queueFrames >> 1 && this.#queuedBytes <= QUEUE_BYTES >> 1) {
      this.#stopped = false;
      this.#input.resume();
    }
    return length;
  }

  /** What stands behind the queue is still with the kernel: straight from there. Where frames are long the input leaves all but the first. */
  #readNow(target: Uint8Array, offset: number, capacity: number): number {
    if (this.#closed || !(this.capabilities & DEVICE_SEGMENT_OFFLOAD)) return 0;
    if (this.#viewOf !== target || this.#viewOffset !== offset || this.#view.length !== capacity) {
      this.#view = target.subarray(offset, offset + capacity);
      this.#viewOf = target;
      this.#viewOffset = offset;
    }
    // That the device is gone is left to the input to find.
    return Math.max(0, this.#tap.read(this.#view));
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    const length = partsLength(parts, first, count);
    const segments = (this.capabilities & DEVICE_SEGMENT_OFFLOAD) !== 0;
    if (this.#closed || length < this.#shortest || length > (segments ? this.#large.capacity : this.#gathered)) {
      this.stats.dropped++;
      return true;
    }
    if (length <= this.#gathered) {
      gather(memory, parts, first, count, this.#outgoing, 0);
      const full = this.#tap.write(this.#outgoing, length);
      if (full !== undefined) return this.#notWritten(full);
    } else {
      try {
        writevSync(this.#tap.fd, views(memory, parts, first, count));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        return this.#notWritten(code === "EAGAIN" || code === "ENOBUFS");
      }
    }
    this.stats.outFrames++;
    this.stats.outBytes += length;
    return true;
  }

  /** Full is told to the caller; anything else (the interface is down or gone: EIO) loses the frame, as a pulled cable does. */
  #notWritten(full: boolean): boolean {
    if (!full) {
      this.stats.dropped++;
      return true;
    }
    this.stats.outBusy++;
    // The kernel does not say when; the next turn of the event loop asks again.
    setImmediate(() => this.onWritable?.());
    return false;
  }

  #frame(bytes: Uint8Array, length: number): boolean {
    if (length > this.#large.capacity) {
      this.stats.dropped++;
      return true;
    }
    const frame = (length > this.#pool.capacity ? this.#large : this.#pool).take();
    frame.length = length;
    frame.bytes.set(bytes.subarray(0, length));
    this.#queue.push(frame);
    this.#queuedBytes += length;
    this.#stopped = this.#queue.length >= this.#queueFrames || this.#queuedBytes >= QUEUE_BYTES;
    return !this.#stopped;
  }

  #drained(): boolean {
    if (this.#queue.length > 0) this.onReadable?.();
    return !this.#stopped;
  }

  #gone(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#onGone?.(error);
  }

  /**
   * Gives the device to another thread. Frames that came and were not read are lost; the counters here stand still; onGone is told
   * here. From now on close() has no effect.
   */
  toThread(): SentTap {
    const gone = new SharedArrayBuffer(4);
    const fd = this.#tap.duplicate();
    this.close();
    const word = Atomics.waitAsync(new Int32Array(gone), 0, 0);
    if (this.#onGone && word.async) void word.value.then(() => this.#onGone?.(new Error("the device was removed")));
    const { name, mtu, capabilities } = this;
    return { kind: "tap", fd, name, mtu, capabilities, mac: formatMac(this.mac), queueFrames: this.#queueFrames, input: this.#method, gone };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.close();
    this.onReadable = undefined;
    this.onWritable = undefined;
    while (this.#queue.shift() !== undefined);
  }

  ref(): void {
    this.#input.ref();
  }

  unref(): void {
    this.#input.unref();
  }
}

/** The device that another thread gave away. */
export function openSentTap({ fd, name, mtu, mac, capabilities, queueFrames, input, gone }: SentTap): TapDevice {
  const onGone = (): void => {
    Atomics.store(new Int32Array(gone), 0, 1);
    Atomics.notify(new Int32Array(gone), 0);
  };
  return new TapDevice(name, { mtu, mac, queueFrames, onGone, ...(input && { input }) }, adoptTap(fd, name, mtu, capabilities));
}

/**
 * Opens a TAP device (Linux, with the optional package koffi). It exists already (`ip tuntap add dev tap0 mode tap user …`),
 * or it is made now, which needs CAP_NET_ADMIN, and goes away with the last who has it open. Addresses and the up flag of the
 * kernel's end are the caller's affair: `ip addr add 10.0.0.1/24 dev tap0 && ip link set tap0 up`.
 * The device is non-blocking, reads by events, and keeps the process running unless it is unref'd.
 * @throws DeviceError saying what failed and what to do; RangeError for an option out of range.
 */
export function tap(name: string, options: TapOptions = {}): TapDevice {
  return new TapDevice(name, options);
}
