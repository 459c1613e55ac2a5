/** The 12-byte virtio_net_hdr in front of frames (virtio 1.2 §5.1.6, with num_buffers), as far as recorders need it. */
import { checksum } from "../base/checksum.ts";
import { VNET_HEADER } from "./contract.ts";

const FLAG_NEEDS_CSUM = 1;
const FLAGS = 0;
const CSUM_START = 6;
const CSUM_OFFSET = 8;
/** Where a UDP header has its checksum. */
const UDP_CHECKSUM = 6;

function u16le(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/**
 * Completes a partial checksum (NEEDS_CSUM) in place: the field holds the pseudo-header's sum, and the sum from csum_start to
 * the end of the packet is added. A header that points outside the frame is left alone.
 * @param bytes The vnet header and the frame behind it, whole.
 * @param transportEnd End of the checksummed bytes in the frame; padding behind it does not count.
 */
export function completeChecksum(bytes: Uint8Array, transportEnd: number): void {
  if (bytes.length < VNET_HEADER || ((bytes[FLAGS] as number) & FLAG_NEEDS_CSUM) === 0) return;
  const start = VNET_HEADER + u16le(bytes, CSUM_START);
  const field = start + u16le(bytes, CSUM_OFFSET);
  const end = Math.min(bytes.length, VNET_HEADER + transportEnd);
  if (field + 2 > end) return;
  const sum = checksum(bytes, start, end - start);
  // RFC 768: a UDP checksum of zero is sent as all ones. TCP's is sent as it is.
  const value = sum === 0 && field - start === UDP_CHECKSUM ? 0xffff : sum;
  bytes[field] = value >> 8;
  bytes[field + 1] = value & 0xff;
}
