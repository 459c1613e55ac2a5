/**
 * The virtio_net_hdr before each frame of a device with DEVICE_VNET_HEADER (virtio 1.2 §5.1.6, Linux TAP with IFF_VNET_HDR). Little-endian:
 *
 *   0 flags | 1 segmentation | 2 header bytes 2 | 4 segment size 2 | 6 checksum start 2 | 8 checksum offset 2 | 10 buffers 2
 *
 * Header bytes and checksum start count from the Ethernet header. A frame with a segment size is one packet of up to 64 KiB that stands for
 * several TCP segments: all but the last hold that much text, all have its header, FIN and PSH belong to the last.
 */
import { rd8, rd16 } from "../base/bytes";
import { ETHER_HEADER, ETHER_TYPE, ETHERTYPE_IPV4 } from "./ethernet";
import { IPV4_HEADER, IPV4_PROTOCOL, ipv4HeaderLength } from "./ipv4";

/** Bytes of the header, number of buffers included. */
export const VNET_HEADER: u32 = 12;
const FLAGS: usize = 0;
const SEGMENTATION: usize = 1;
const HEADER_BYTES: usize = 2;
const SEGMENT_SIZE: usize = 4;
const CHECKSUM_START: usize = 6;
const CHECKSUM_OFFSET: usize = 8;

/** The transport checksum holds only the pseudo header's sum: the frame never left a host, its bytes are good. */
const NEEDS_CHECKSUM: u32 = 1;
/** The device has verified the transport checksum. */
const CHECKSUM_VALID: u32 = 2;
const SEGMENTATION_NONE: u32 = 0;
const SEGMENTATION_TCP_V4: u32 = 1;

const TCP: u32 = 6;
const UDP: u32 = 17;
/** Where their headers have the checksum. */
const TCP_CHECKSUM: u32 = 16;
const UDP_CHECKSUM: u32 = 6;

/** What vnetRead found: a header that lies or asks for what was not agreed on, nothing that matters, a checksum that need not be verified. */
export const VNET_REFUSED: i32 = -1;
export const VNET_PLAIN: i32 = 0;
export const VNET_TRUSTED: i32 = 1;

/**
 * Reads the header at the 2-aligned `p`; `len` bytes, itself included, of which there are at least VNET_HEADER. `segments`: packets that stand
 * for several TCP segments are welcome. Nothing it says is believed before it is compared with the frame.
 */
export function vnetRead(p: usize, len: u32, segments: bool): i32 {
  const frame = p + VNET_HEADER, length = len - VNET_HEADER, flags = rd8(p + FLAGS), kind = rd8(p + SEGMENTATION);
  const ipv4 = length >= ETHER_HEADER + IPV4_HEADER && rd16(frame + ETHER_TYPE) == ETHERTYPE_IPV4;
  const protocol = ipv4 ? rd8(frame + ETHER_HEADER + IPV4_PROTOCOL) : 0;
  if (kind != SEGMENTATION_NONE) {
    if (!segments || kind != SEGMENTATION_TCP_V4 || protocol != TCP) return VNET_REFUSED;
    if (!load<u16>(p, SEGMENT_SIZE) || <u32>load<u16>(p, HEADER_BYTES) > length) return VNET_REFUSED;
  }
  if (!(flags & NEEDS_CHECKSUM)) return flags & CHECKSUM_VALID ? VNET_TRUSTED : VNET_PLAIN;
  const start = <u32>load<u16>(p, CHECKSUM_START), offset = <u32>load<u16>(p, CHECKSUM_OFFSET);
  if (start < ETHER_HEADER || start + offset + 2 > length) return VNET_REFUSED;
  // Another sum than the transport's says nothing about that one.
  if (!ipv4 || start != ETHER_HEADER + ipv4HeaderLength(frame + ETHER_HEADER)) return VNET_PLAIN;
  return (protocol == TCP && offset == TCP_CHECKSUM) || (protocol == UDP && offset == UDP_CHECKSUM) ? VNET_TRUSTED : VNET_PLAIN;
}

/** Twelve zeros: no offload asked for, the frame is complete. `p` is 2-aligned. */
// @ts-ignore: decorator
@inline export function vnetEmit(p: usize): void {
  store<u16>(p, 0);
  store<u16>(p, 0, 2);
  store<u16>(p, 0, 4);
  store<u16>(p, 0, 6);
  store<u16>(p, 0, 8);
  store<u16>(p, 0, 10);
}

/**
 * The TCP packet behind its IPv4 header is to become segments of `size` bytes of text, each with the `header` bytes of its TCP header and a
 * checksum of its own; the packet's checksum field holds the pseudo header's sum. `p` is 2-aligned.
 */
export function vnetEmitSegments(p: usize, header: u32, size: u32): void {
  const transport = ETHER_HEADER + IPV4_HEADER;
  store<u16>(p, <u16>(NEEDS_CHECKSUM | SEGMENTATION_TCP_V4 << 8));
  store<u16>(p, <u16>(transport + header), HEADER_BYTES);
  store<u16>(p, <u16>size, SEGMENT_SIZE);
  store<u16>(p, <u16>transport, CHECKSUM_START);
  store<u16>(p, <u16>TCP_CHECKSUM, CHECKSUM_OFFSET);
  store<u16>(p, 0, 10);
}
