/** UDP header (RFC 768): source port, destination port, length, checksum. */
import { rd16, wr16 } from "../base/bytes";

export const UDP_SOURCE: usize = 0;
export const UDP_DESTINATION: usize = 2;
export const UDP_LENGTH: usize = 4;
export const UDP_CHECKSUM: usize = 6;
export const UDP_HEADER: u32 = 8;

/** Length of the datagram inside `len` bytes of IP payload, 0 if its length field lies (shorter than a header, or longer than what came). */
export function udpCheck(p: usize, len: u32): u32 {
  if (len < UDP_HEADER) return 0;
  const n = rd16(p + UDP_LENGTH);
  return n < UDP_HEADER || n > len ? 0 : n;
}

// @ts-ignore: decorator
@inline export function udpSource(p: usize): u32 { return rd16(p + UDP_SOURCE); }
// @ts-ignore: decorator
@inline export function udpDestination(p: usize): u32 { return rd16(p + UDP_DESTINATION); }
/** Zero means that the sender computed none (IPv4 only). */
// @ts-ignore: decorator
@inline export function udpChecksum(p: usize): u32 { return rd16(p + UDP_CHECKSUM); }

/** Writes a header with a zero checksum; the sum is stored afterwards with store<u16>. */
export function udpEmit(p: usize, source: u32, destination: u32, length: u32): void {
  wr16(p + UDP_SOURCE, source);
  wr16(p + UDP_DESTINATION, destination);
  wr16(p + UDP_LENGTH, length);
  wr16(p + UDP_CHECKSUM, 0);
}
