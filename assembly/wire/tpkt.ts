/** TPKT (RFC 1006 §6, RFC 2126 §4.3): the packets that a TCP stream is cut into. Version 3, a reserved octet, length with header. */
import { rd16, rd8, wr16, wr8 } from "../base/bytes";

export const TPKT_HEADER: u32 = 4;
const VERSION: u32 = 3;
/** The header and the smallest TPDU: a length indicator, a code, one octet more (RFC 1006 §6). */
const LEAST: u32 = 7;

/** Length of the packet that begins at p, TPKT_HEADER bytes of which are here; 0 if that is no TPKT header. */
export function tpktCheck(p: usize): u32 {
  const n = rd16(p + 2);
  return rd8(p) == VERSION && n >= LEAST ? n : 0;
}

/** Writes the header of a packet of `length` bytes, header included. */
export function tpktEmit(p: usize, length: u32): void {
  wr8(p, VERSION);
  wr8(p + 1, 0);
  wr16(p + 2, length);
}
