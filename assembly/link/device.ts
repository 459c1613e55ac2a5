/**
 * The frame devices of the stack. A device's index is also the index of the interface on it.
 */
import { DEVICE_CHECKSUM_OFFLOAD, DEVICE_SEGMENT_OFFLOAD, DEVICE_VNET_HEADER, E_ARGUMENT, E_FULL, WASI_EBADF, WASI_ENETDOWN } from "../abi/link";
import { CONFIG_MTU_MAX } from "../abi/config";
import { config } from "../base/config";

const MAX_DEVICES: u32 = TINY ? 2 : 16;
/** RFC 791 §3.1: every host is prepared to accept packets of up to 576 bytes. */
const MTU_MIN: u32 = 576;
/** What lets a device cut packets into TCP segments, or hand over several as one. */
const SEGMENTS: u32 = DEVICE_VNET_HEADER | DEVICE_CHECKSUM_OFFLOAD | DEVICE_SEGMENT_OFFLOAD;
const CAPABILITIES: u32 = TINY ? 0 : SEGMENTS;
/** The largest packet of such a device, whatever its MTU. */
const PACKET_MAX: u32 = 65535;

// @ts-ignore: decorator
@unmanaged
export class Device {
  /** File descriptor the host knows it by. */
  fd: i32;
  /** Largest IP packet, bytes. */
  mtu: u32;
  /** Own hardware address, six bytes: read through deviceMac. */
  private mac0: u16;
  private mac1: u16;
  private mac2: u16;
  /** 1 after a read said that the device is gone or down, until one says otherwise. */
  down: u16;
  /** From here on not in tiny. DEVICE_x bits. */
  capabilities: u32;
  /** Record of its posted buffers (link/posted), 0 while it is read with fd_read. */
  posted: usize;
}

const SIZE: u32 = TINY ? <u32>offsetof<Device>("capabilities") : <u32>offsetof<Device>();
const TABLE = memory.data(MAX_DEVICES * SIZE, 4);
/** Devices added since configure. */
export let deviceCount: u32 = 0;

export function devicesReset(): void { deviceCount = 0; }

// @ts-ignore: decorator
@inline export function device(i: u32): Device { return changetype<Device>(TABLE + <usize>(i * SIZE)); }

/** True if packets of up to 64 KiB that stand for several TCP segments may cross (wire/vnet). */
// @ts-ignore: decorator
@inline export function deviceSegments(d: Device): bool { return !TINY && (d.capabilities & DEVICE_SEGMENT_OFFLOAD) != 0; }

/** Address of the device's own hardware address, 2-aligned. */
// @ts-ignore: decorator
@inline export function deviceMac(d: Device): usize { return changetype<usize>(d) + offsetof<Device>("mac0"); }

/**
 * Adds a frame device: its descriptor, DEVICE_x capabilities, the largest IP packet it carries in bytes (576 up to
 * CONFIG_MTU_MAX) and its unicast hardware address (6 bytes).
 * DEVICE_SEGMENT_OFFLOAD needs the two others beside it, and room for its packets: CONFIG_MTU_MAX 65535. Tiny knows no capabilities.
 * Returns the interface index, E_ARGUMENT or E_FULL. The device is read at the next poll; it has no address yet.
 */
export function deviceAdd(fd: i32, capabilities: u32, mtu: u32, mac: usize): i32 {
  if (mtu < MTU_MIN || mtu > config(CONFIG_MTU_MAX) || capabilities & ~CAPABILITIES) return E_ARGUMENT;
  if (!TINY && capabilities & DEVICE_SEGMENT_OFFLOAD && (capabilities != SEGMENTS || config(CONFIG_MTU_MAX) < PACKET_MAX)) return E_ARGUMENT;
  if (fd < 0 || !mac || mac + 6 > <usize>memory.size() << 16 || load<u8>(mac) & 1) return E_ARGUMENT;
  if (deviceCount == MAX_DEVICES) return E_FULL;
  const d = device(deviceCount);
  d.fd = fd;
  d.mtu = mtu;
  d.down = 0;
  if (!TINY) {
    d.capabilities = capabilities;
    d.posted = 0;
  }
  // The host's six bytes may lie anywhere: single bytes need no alignment.
  memory.copy(deviceMac(d), mac, 6);
  deviceCount++;
  return <i32>(deviceCount - 1);
}

/** Takes note of the errno with which a read found no frame. True if it says that the device has just gone: descriptor closed, network down. */
export function deviceWentDown(d: Device, errno: i32): bool {
  const down = errno == WASI_EBADF || errno == WASI_ENETDOWN, news = down && !d.down;
  d.down = down ? 1 : 0;
  return news;
}
