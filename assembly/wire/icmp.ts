/**
 * ICMP for IPv4 (RFC 792).
 *
 *   0 type | 1 code | 2 checksum | 4 rest: echo identifier 2 + sequence 2; unreachable: unused 2 + next-hop MTU 2 (RFC 1191)
 *   8 echo data, or the packet the error is about: its IP header and at least 8 bytes after it
 */
import { rd8 } from "../base/bytes";
import { sumBytes, sumFinish } from "../base/checksum";

export const ICMP_TYPE: usize = 0;
export const ICMP_CODE: usize = 1;
export const ICMP_CHECKSUM: usize = 2;
export const ICMP_REST: usize = 4;
export const ICMP_MTU: usize = 6;
export const ICMP_HEADER: u32 = 8;

export const ICMP_ECHO_REPLY: u32 = 0;
export const ICMP_UNREACHABLE: u32 = 3;
export const ICMP_ECHO: u32 = 8;
export const ICMP_TIME_EXCEEDED: u32 = 11;
export const ICMP_PARAMETER_PROBLEM: u32 = 12;

export const CODE_PROTOCOL: u32 = 2;
export const CODE_PORT: u32 = 3;
export const CODE_FRAGMENTATION: u32 = 4;
/** Of time exceeded: a fragment was missing for too long. */
export const CODE_REASSEMBLY: u32 = 1;

/** Bytes of the transport header an error must quote (RFC 792). */
export const ICMP_QUOTE: u32 = 8;

/** True if the message is long enough and its checksum right. */
export function icmpCheck(p: usize, len: u32): bool { return len >= ICMP_HEADER && sumFinish(sumBytes(p, len)) == 0; }

// @ts-ignore: decorator
@inline export function icmpType(p: usize): u32 { return rd8(p + ICMP_TYPE); }
// @ts-ignore: decorator
@inline export function icmpCode(p: usize): u32 { return rd8(p + ICMP_CODE); }

/** Writes the header at the 4-aligned p; `rest` is the second word in memory order, `dataSum` the sum of what follows it. */
export function icmpEmit(p: usize, type: u32, code: u32, rest: u32, dataSum: u32): void {
  store<u32>(p, type | code << 8);
  store<u32>(p, rest, 4);
  store<u16>(p, <u16>sumFinish(sumBytes(p, ICMP_HEADER) + dataSum), ICMP_CHECKSUM);
}
