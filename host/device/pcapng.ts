/** Recording frames as pcapng (draft-ietf-opsawg-pcapng): a device that wraps another with the same contract. */
import { closeSync, openSync, writeSync } from "node:fs";
import { DEVICE_VNET_HEADER } from "../abi/link.gen.ts";
import { type Clock, NS_PER_MS, systemClock } from "../base/clock.ts";
import { type DeviceStats, ETHERNET_HEADER, type FrameDevice, gather, partsLength, VNET_HEADER } from "./contract.ts";
import { completeChecksum } from "./virtio.ts";

/** Where a recording goes. */
export interface PcapngSink {
  /** Takes a chunk; it is the sink's to keep. */
  write(chunk: Uint8Array): void;
  close?(): void;
}

export interface PcapngOptions {
  /** Stamps the frames. Default: the system's. */
  clock?: Clock;
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const LINKTYPE_ETHERNET = 1;
const OPTION_END = 0;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const INBOUND = 1;
const OUTBOUND = 2;
/** Recorded bytes kept before they go to the sink. */
const BUFFER = 65536;
/** Bytes of a packet block around the frame: header 28, flags 8, end of options 4, length 4. */
const PACKET_OVERHEAD = 44;
/** Largest frame with its vnet header, and some. */
const FRAME_MAX = 65536 + 64;

const padded = (length: number): number => (length + 3) & ~3;

function fileSink(path: string): PcapngSink {
  const fd = openSync(path, "w");
  return {
    write(chunk) {
      for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done, chunk.length - done);
    },
    close() {
      closeSync(fd);
    },
  };
}

/** Section header and one interface description with its name and a resolution of nanoseconds. */
function preamble(name: string): Uint8Array {
  const text = new TextEncoder().encode(name);
  const interfaceLength = 16 + 4 + padded(text.length) + 8 + 4 + 4;
  const bytes = new Uint8Array(28 + interfaceLength);
  const data = new DataView(bytes.buffer);
  const words = (at: number, ...values: number[]): void => {
    for (const [i, value] of values.entries()) data.setUint32(at + i * 4, value, true);
  };
  words(0, SECTION_HEADER, 28, BYTE_ORDER_MAGIC, 1, 0xffffffff, 0xffffffff, 28);
  words(28, INTERFACE_DESCRIPTION, interfaceLength, LINKTYPE_ETHERNET, 0);
  let at = 28 + 16;
  data.setUint16(at, IF_NAME, true);
  data.setUint16(at + 2, text.length, true);
  bytes.set(text, at + 4);
  at += 4 + padded(text.length);
  data.setUint16(at, IF_TSRESOL, true);
  data.setUint16(at + 2, 1, true);
  data.setUint8(at + 4, 9);
  data.setUint32(at + 8, OPTION_END, true);
  data.setUint32(bytes.length - 4, interfaceLength, true);
  return bytes;
}

/** Records what crosses a device; otherwise it is that device. */
export class PcapngRecorder implements FrameDevice {
  readonly #inner: FrameDevice;
  readonly #sink: PcapngSink;
  readonly #clock: Clock;
  /** Wall-clock time of the clock's start, ns. */
  readonly #epochNs: bigint;
  readonly #vnet: number;
  #buffer = new Uint8Array(BUFFER + FRAME_MAX + PACKET_OVERHEAD);
  #data = new DataView(this.#buffer.buffer);
  #used = 0;
  #frame = new Uint8Array(FRAME_MAX);
  #closed = false;
  #failure: Error | undefined;

  constructor(inner: FrameDevice, sink: PcapngSink, options: PcapngOptions = {}) {
    this.#inner = inner;
    this.#sink = sink;
    this.#clock = options.clock ?? systemClock;
    this.#epochNs = BigInt(Math.floor(this.#clock.epochMs)) * BigInt(NS_PER_MS);
    this.#vnet = inner.capabilities & DEVICE_VNET_HEADER ? VNET_HEADER : 0;
    this.#append(preamble(inner.name));
  }

  get name(): string {
    return this.#inner.name;
  }

  get mtu(): number {
    return this.#inner.mtu;
  }

  get mac(): Uint8Array {
    return this.#inner.mac;
  }

  get capabilities(): number {
    return this.#inner.capabilities;
  }

  get stats(): DeviceStats {
    return this.#inner.stats;
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

  /** What kept the recording from being written, if anything did. Frames cross all the same. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    const length = this.#inner.readInto(target, offset, capacity);
    if (length > 0 && !this.#closed) {
      const kept = Math.min(length, capacity, FRAME_MAX);
      this.#frame.set(target.subarray(offset, offset + kept));
      this.#record(kept, length, INBOUND);
    }
    return length;
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    const length = partsLength(parts, first, count);
    const record = !this.#closed && length <= FRAME_MAX;
    if (record) gather(memory, parts, first, count, this.#frame, 0);
    // The time before the write: its length is the device's affair.
    const stamp = this.#now();
    if (!this.#inner.write(memory, parts, first, count)) return false;
    if (record) this.#record(length, length, OUTBOUND, stamp);
    return true;
  }

  /** Writes everything recorded so far to the sink. */
  flush(): void {
    if (this.#used === 0) return;
    const chunk = this.#buffer.slice(0, this.#used);
    this.#used = 0;
    if (this.#failure) return;
    try {
      this.#sink.write(chunk);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Writes everything, closes the recording and the device. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inner.close();
    this.flush();
    this.#sink.close?.();
  }

  ref(): void {
    this.#inner.ref?.();
  }

  unref(): void {
    this.#inner.unref?.();
  }

  #now(): bigint {
    return this.#epochNs + BigInt(Math.floor(this.#clock.now()));
  }

  /** Records `kept` bytes of `#frame`, of a frame that had `length`. */
  #record(kept: number, length: number, direction: number, stamp: bigint = this.#now()): void {
    if (kept < this.#vnet) return;
    const frame = this.#frame.subarray(0, kept);
    if (this.#vnet > 0) completeChecksum(frame, transportEnd(frame.subarray(VNET_HEADER)));
    const body = frame.subarray(this.#vnet);
    const total = PACKET_OVERHEAD + padded(body.length);
    const at = this.#used;
    const words = [
      ENHANCED_PACKET, total, 0, Number(stamp >> 32n), Number(stamp & 0xffffffffn), body.length, length - this.#vnet,
    ];
    for (const [i, word] of words.entries()) this.#data.setUint32(at + i * 4, word, true);
    this.#buffer.set(body, at + 28);
    this.#buffer.fill(0, at + 28 + body.length, at + 28 + padded(body.length));
    const options = at + 28 + padded(body.length);
    this.#data.setUint16(options, EPB_FLAGS, true);
    this.#data.setUint16(options + 2, 4, true);
    this.#data.setUint32(options + 4, direction, true);
    this.#data.setUint32(options + 8, OPTION_END, true);
    this.#data.setUint32(options + 12, total, true);
    this.#used += total;
    if (this.#used >= BUFFER) this.flush();
  }

  #append(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }
}

/** Where the IPv4 or IPv6 packet of a frame ends, by its own length field; the frame's end where there is none. */
function transportEnd(frame: Uint8Array): number {
  const type = frame.length >= ETHERNET_HEADER + 20 ? ((frame[12] as number) << 8) | (frame[13] as number) : 0;
  const u16 = (at: number): number => ((frame[at] as number) << 8) | (frame[at + 1] as number);
  if (type === 0x0800) return Math.min(frame.length, ETHERNET_HEADER + u16(16));
  return frame.length;
}

/**
 * Wraps a device so that every frame it carries is recorded: frames the stack reads as inbound, frames it writes as outbound
 * (a write answered "full" is not recorded). vnet headers are left out and partial checksums completed.
 * Recording is buffered: `flush()` or `close()` writes the rest. A sink that fails ends the recording, not the traffic.
 * @param target A file (created or emptied; throws what `openSync` throws) or a sink.
 */
export function pcapng(device: FrameDevice, target: string | PcapngSink, options: PcapngOptions = {}): PcapngRecorder {
  return new PcapngRecorder(device, typeof target === "string" ? fileSink(target) : target, options);
}
