/**
 * What the WASI layer and a frame device owe each other. One read is one Ethernet frame, one write is one Ethernet frame
 * (seam.md, Frames); with DEVICE_VNET_HEADER among the capabilities, twelve bytes of virtio_net_hdr precede each.
 *
 * Both directions copy during the call. A device never keeps a view of the memory it was given: `memory.grow` would detach
 * it, and an event loop must never hold linear memory.
 */

import { DEVICE_SEGMENT_OFFLOAD, DEVICE_VNET_HEADER } from "../abi/link.gen.ts";

export const ETHERNET_HEADER = 14;
export const VNET_HEADER = 12;

/** Counters of one device, from the stack's point of view. They never decrease. */
export interface DeviceStats {
  /** Frames and bytes the stack took with readInto. */
  inFrames: number;
  inBytes: number;
  /** Frames and bytes accepted by write. */
  outFrames: number;
  outBytes: number;
  /** Writes answered "full". */
  outBusy: number;
  /** Frames the device threw away: too long, no carrier, receive queue overrun. */
  dropped: number;
}

export function newDeviceStats(): DeviceStats {
  return { inFrames: 0, inBytes: 0, outFrames: 0, outBytes: 0, outBusy: 0, dropped: 0 };
}

/** Linear memory of a stack, asked for anew at each use: it may have been replaced by a larger one. */
export interface PostedMemory {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  /** Makes the views valid. */
  ensure(): void;
}

export interface FrameDevice {
  /** For messages and recordings: `tap0`, `link/a`. */
  readonly name: string;
  /**
   * Largest IP packet, bytes. A frame is at most this plus the Ethernet header (plus the vnet header), but with DEVICE_SEGMENT_OFFLOAD
   * TCP over IPv4 comes and goes in packets of up to 65,535 bytes: `longestFrame` says what to make room for.
   */
  readonly mtu: number;
  /** The stack's own hardware address on this device, 6 bytes. */
  readonly mac: Uint8Array;
  /** DEVICE_* bits of host/abi/link.gen.ts. */
  readonly capabilities: number;
  readonly stats: DeviceStats;

  /**
   * Copies the oldest received frame to `target[offset …]`, at most `capacity` bytes, and forgets it.
   * @returns the frame's whole length, so more than `capacity` means it was cut; 0 = no frame now.
   */
  readInto(target: Uint8Array, offset: number, capacity: number): number;

  /**
   * Sends one frame gathered from `count` parts of `memory`. Part i starts at byte `parts[first + 2i]` and has
   * `parts[first + 2i + 1]` bytes (as unsigned numbers); the caller has checked that all lie inside `memory`. `parts` may be
   * a view of the same memory: that is how a WASI iovec arrives without a copy.
   * @returns false when the device is full: nothing was taken, and onWritable will be called. A frame that can never be
   * sent (too long, device closed) is counted as dropped and answered true, as a network card does.
   */
  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean;

  /**
   * Set by the owner. Called after a frame arrived at a device that had none; it may be called more often. The reader takes
   * frames until readInto returns 0. It must not call into a core: it may run inside another core's write.
   */
  onReadable: (() => void) | undefined;
  /** Set by the owner. Called once there is room again after write returned false; the same rule holds. */
  onWritable: (() => void) | undefined;

  /** The device can write frames straight into memory of the stack that reads it: `post`, `unpost` and `taken` are there. */
  readonly postable?: boolean;
  /**
   * Offers the device buffers of the stack that reads it: `memory` is that stack's, and at its byte `record` stands what
   * assembly/link/posted.ts describes. From then on frames are written there, and readInto is called only for what the device says
   * is left. Asked only of a device that says `postable`.
   */
  post?(memory: PostedMemory, record: number): void;
  /** The buffers are the stack's alone again, and it is told to look with fd_read. */
  unpost?(): void;
  /** The stack has taken what stood in its buffers. */
  taken?(): void;

  /** Releases what the device holds. Later reads return 0, later writes are dropped. Safe to call twice. */
  close(): void;

  /** Lets an open device keep the process running, or not. Devices that hold nothing of the event loop leave them out. */
  ref?(): void;
  unref?(): void;

  /**
   * For a stack in another thread: gives the device up here and returns what `openThreadDevice` makes it from there, something that can
   * be sent to a thread. Devices without it stay, and their frames are carried across.
   */
  toThread?(): object;
}

/** Bytes of the parts of one frame. */
export function partsLength(parts: Int32Array, first: number, count: number): number {
  let length = 0;
  for (let i = 0; i < count; i++) length += (parts[first + 2 * i + 1] as number) >>> 0;
  return length;
}

/** Below this many bytes a loop beats making a view for `set`. */
const LOOP_BYTES = 32;

/** Copies the parts of one frame to `target` from `at`; there is room. Returns the frame's length. */
export function gather(memory: Uint8Array, parts: Int32Array, first: number, count: number, target: Uint8Array, at: number): number {
  let to = at;
  for (let i = first; i < first + 2 * count; i += 2) {
    const from = (parts[i] as number) >>> 0;
    const length = (parts[i + 1] as number) >>> 0;
    if (length <= LOOP_BYTES) for (let k = 0; k < length; k++) target[to + k] = memory[from + k] as number;
    else target.set(memory.subarray(from, from + length), to);
    to += length;
  }
  return to - at;
}

const MAC_TEXT = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** `02:00:00:00:00:01` as 6 bytes. Throws a RangeError unless it is a unicast hardware address. */
export function parseMac(text: string): Uint8Array {
  const bytes = MAC_TEXT.test(text) ? Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16)) : undefined;
  if (!bytes || ((bytes[0] as number) & 1) !== 0 || bytes.every((byte) => byte === 0)) {
    throw new RangeError(`MAC is "${text}"; expected six hexadecimal bytes of a unicast address such as 02:00:00:00:00:01`);
  }
  return bytes;
}

/** 6 bytes as `02:00:00:00:00:01`. */
export function formatMac(bytes: Uint8Array, offset = 0): string {
  return Array.from(bytes.subarray(offset, offset + 6), (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The largest packet IPv4 can state: what crosses a device with DEVICE_SEGMENT_OFFLOAD, whatever its MTU. */
export const PACKET_MAX = 65535;
const VLAN_TAG = 4;

/** Bytes of the longest frame that crosses a device, with its vnet header if it has one, and an 802.1Q tag that might be there. */
export function longestFrame({ mtu, capabilities }: Pick<FrameDevice, "mtu" | "capabilities">): number {
  const packet = capabilities & DEVICE_SEGMENT_OFFLOAD ? PACKET_MAX : mtu;
  return vnetBytes({ capabilities }) + ETHERNET_HEADER + VLAN_TAG + packet;
}

/** Bytes of vnet header before each frame of a device: 12 or 0. */
export function vnetBytes({ capabilities }: Pick<FrameDevice, "capabilities">): number {
  return capabilities & DEVICE_VNET_HEADER ? VNET_HEADER : 0;
}

/** Smallest IPv4 MTU (RFC 791), and the largest packet its length field can state. */
const MTU_MIN = 68;
const MTU_MAX = 65535;

/** The MTU itself. Throws a RangeError outside 68 to 65535. */
export function checkMtu(mtu: number): number {
  if (!Number.isInteger(mtu) || mtu < MTU_MIN || mtu > MTU_MAX) {
    throw new RangeError(`mtu is ${mtu}; expected an integer from ${MTU_MIN} to ${MTU_MAX}`);
  }
  return mtu;
}
