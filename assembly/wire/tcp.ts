/**
 * The TCP header (RFC 9293 §3.1): check, read, emit, and the options we know. Pure: no connection is looked at here.
 */
import { rd16, rd32, rd8, swap32, wr16, wr32, wr8 } from "../base/bytes";
import { sumFive } from "../base/checksum";

/** Header bytes without options. */
export const TCP_HEADER: u32 = 20;

const SOURCE: usize = 0;
const DESTINATION: usize = 2;
const SEQUENCE: usize = 4;
const ACKNOWLEDGMENT: usize = 8;
const OFFSET: usize = 12;
const FLAGS: usize = 13;
const WINDOW: usize = 14;
/** Where the checksum stands; stored with a plain 16-bit store (base/checksum). */
export const TCP_CHECKSUM: usize = 16;
const URGENT: usize = 18;

export const FIN: u32 = 0x01;
export const SYN: u32 = 0x02;
export const RST: u32 = 0x04;
export const PSH: u32 = 0x08;
export const ACK: u32 = 0x10;
export const URG: u32 = 0x20;
/** RFC 3168 §6.1. */
export const ECE: u32 = 0x40;
export const CWR: u32 = 0x80;

const OPTION_END: u32 = 0;
const OPTION_NOP: u32 = 1;
const OPTION_MSS: u32 = 2;
const OPTION_WINDOW_SCALE: u32 = 3;
const OPTION_SACK_PERMITTED: u32 = 4;
const OPTION_SACK: u32 = 5;
const OPTION_TIMESTAMPS: u32 = 8;
/** RFC 5482 §3.3: length 4, a granularity bit (minutes, else seconds) and 15 bits of time. */
const OPTION_USER_TIMEOUT: u32 = 28;
const USER_TIMEOUT_MINUTES: u32 = 0x8000;
const USER_TIMEOUT_MAX: u32 = 0x7fff;
/** Header bytes of that option. */
export const USER_TIMEOUT_ROOM: u32 = 4;
/** Header bytes of the timestamps option with the padding in front of it (RFC 7323 appendix A). */
export const TIMESTAMPS_ROOM: u32 = 12;
/** Two NOP, kind 8, length 10, as they lie in memory: how nearly every segment with timestamps begins its options. */
const TIMESTAMPS_ALONE: u32 = 0x0a080101;

/** How most SYNs carry theirs: MSS | SACK permitted, timestamps | NOP, window scale; the bytes as they lie in memory. */
const SYN_HEADER: u32 = 40;
const MSS_FIRST: u32 = 0x0402;
const SACK_AND_TIMESTAMPS: u32 = 0x0a080204;
const SCALE_LAST: u32 = 0x030301;

/** RFC 7323 §2.3: a larger shift count is taken as this one. */
const MAX_SCALE: i32 = 14;

/** Header length in bytes (20..60) if `len` bytes at `p` hold a whole header; 0 if its data offset lies. */
export function tcpHeaderLength(p: usize, len: u32): u32 {
  if (len < TCP_HEADER) return 0;
  const header = (rd8(p + OFFSET) >> 4) << 2;
  return header < TCP_HEADER || header > len ? 0 : header;
}

// @ts-ignore: decorator
@inline export function tcpSource(p: usize): u32 { return rd16(p + SOURCE); }
// @ts-ignore: decorator
@inline export function tcpDestination(p: usize): u32 { return rd16(p + DESTINATION); }
// @ts-ignore: decorator
@inline export function tcpSequence(p: usize): u32 { return rd32(p + SEQUENCE); }
// @ts-ignore: decorator
@inline export function tcpAcknowledgment(p: usize): u32 { return rd32(p + ACKNOWLEDGMENT); }
// @ts-ignore: decorator
@inline export function tcpFlagBits(p: usize): u32 { return rd8(p + FLAGS); }
// @ts-ignore: decorator
@inline export function tcpWindow(p: usize): u32 { return rd16(p + WINDOW); }
// @ts-ignore: decorator
@inline export function tcpUrgentPointer(p: usize): u32 { return rd16(p + URGENT); }

/** MSS option of the header parsed last, -1 if there was none. */
export let optionMss: i32 = -1;
/** Window scale option of the header parsed last (0..14), -1 if there was none. */
export let optionScale: i32 = -1;

/** True if the header parsed last permitted SACK. */
export let optionSackPermitted: bool = false;
/** Blocks of its SACK option, 0..4: read with tcpSackLeft and tcpSackRight while the segment is there. */
export let optionSackBlocks: u32 = 0;
let sackBlocks: usize = 0;
// @ts-ignore: decorator
@inline export function tcpSackLeft(k: u32): u32 { return rd32(sackBlocks + (<usize>k << 3)); }
// @ts-ignore: decorator
@inline export function tcpSackRight(k: u32): u32 { return rd32(sackBlocks + (<usize>k << 3) + 4); }

/** Field of the user timeout option of the header parsed last (userTimeoutMs); 0 if there was none, or a time of 0, which is reserved and means nothing (RFC 5482 §3.4). */
export let optionUserTimeout: u32 = 0;

/** True if the header parsed last had a timestamps option; its TSval and TSecr. */
export let optionStamp: bool = false;
export let optionTsVal: u32 = 0;
export let optionTsEcr: u32 = 0;

/**
 * Reads the options of a header of `header` bytes. An option whose length lies ends the list; what was read before it
 * counts (RFC 9293 §3.1, MUST-7). Each round consumes at least a byte, so 40 rounds are the most.
 */
export function tcpParseOptions(p: usize, header: u32): void {
  optionMss = -1;
  optionScale = -1;
  optionStamp = false;
  optionSackPermitted = false;
  optionSackBlocks = 0;
  optionUserTimeout = 0;
  if (!TINY && header == TCP_HEADER + TIMESTAMPS_ROOM && load<u32>(p, 20) == TIMESTAMPS_ALONE) {
    takeStamp(p + 22);
    return;
  }
  if (!TINY && header == SYN_HEADER && load<u16>(p, 20) == MSS_FIRST && load<u32>(p, 24) == SACK_AND_TIMESTAMPS && (load<u32>(p, 36) & 0xffffff) == SCALE_LAST) {
    optionMss = <i32>rd16(p + 22);
    optionSackPermitted = true;
    takeStamp(p + 26);
    optionScale = min<i32>(<i32>rd8(p + 39), MAX_SCALE);
    return;
  }
  let at: u32 = TCP_HEADER;
  while (at < header) {
    const kind = rd8(p + <usize>at);
    if (kind == OPTION_END) return;
    if (kind == OPTION_NOP) { at++; continue; }
    if (at + 2 > header) return;
    const length = rd8(p + <usize>at + 1);
    if (length < 2 || at + length > header) return;
    if (kind == OPTION_MSS && length == 4) optionMss = <i32>rd16(p + <usize>at + 2);
    else if (kind == OPTION_WINDOW_SCALE && length == 3) optionScale = min<i32>(<i32>rd8(p + <usize>at + 2), MAX_SCALE);
    else if (!TINY && kind == OPTION_TIMESTAMPS && length == 10) takeStamp(p + <usize>at);
    else if (!TINY && kind == OPTION_SACK_PERMITTED && length == 2) optionSackPermitted = true;
    else if (!TINY && kind == OPTION_SACK && length > 2 && (length & 7) == 2) {
      optionSackBlocks = (length - 2) >> 3;
      sackBlocks = p + <usize>at + 2;
    }
    else if (!TINY && kind == OPTION_USER_TIMEOUT && length == 4) {
      const field = rd16(p + <usize>at + 2);
      optionUserTimeout = field & USER_TIMEOUT_MAX ? field : 0;
    }
    at += length;
  }
}

/** Milliseconds that the field of a user timeout option says: at most 32,767 minutes. */
export function userTimeoutMs(field: u32): u32 { return (field & USER_TIMEOUT_MAX) * (field & USER_TIMEOUT_MINUTES ? 60000 : 1000); }

/** The timestamps option at `p`, its length known to be right. */
function takeStamp(p: usize): void {
  optionStamp = true;
  optionTsVal = rd32(p + 2);
  optionTsEcr = rd32(p + 6);
}

/** Sum of the 4-aligned header of `header` bytes at p, to be folded by sumFoldWords. */
// @ts-ignore: decorator
@inline export function tcpHeaderSum(p: usize, header: u32): u64 {
  let sum = sumFive(p);
  if (header == TCP_HEADER + TIMESTAMPS_ROOM) sum += <u64>load<u32>(p, 20) + <u64>load<u32>(p, 24) + <u64>load<u32>(p, 28);
  else for (let at = TCP_HEADER; at < header; at += 4) sum += <u64>load<u32>(p + <usize>at);
  return sum;
}

/** Writes a header of `header` bytes at the 4-aligned p; its options are written beside it, its checksum (0 here) afterwards. */
export function tcpEmit(p: usize, source: u32, destination: u32, seq: u32, ack: u32, header: u32, flags: u32, window: u32): void {
  store<u32>(p, swap32(source << 16 | destination));
  store<u32>(p, swap32(seq), SEQUENCE);
  store<u32>(p, swap32(ack), ACKNOWLEDGMENT);
  store<u32>(p, swap32(header << 26 | flags << 16 | window), OFFSET);
  store<u32>(p, 0, TCP_CHECKSUM);
}

/** Sets URG beside `flags` in the header at p, and its pointer. */
export function tcpPutUrgent(p: usize, flags: u32, pointer: u32): void {
  wr8(p + FLAGS, flags | URG);
  wr16(p + URGENT, pointer);
}

/** Changes the sequence number of the header at p. */
// @ts-ignore: decorator
@inline export function tcpSetSequence(p: usize, seq: u32): void { wr32(p + SEQUENCE, seq); }

/** Writes the MSS option, the first of a SYN, behind the header. Returns the header's length with it. */
export function tcpEmitMss(p: usize, mss: u32): u32 {
  wr8(p + 20, OPTION_MSS);
  wr8(p + 21, 4);
  wr16(p + 22, mss);
  return 24;
}

/** Writes the window scale option behind a header of `header` bytes. Returns its length with it. */
export function tcpEmitScale(p: usize, header: u32, scale: u32): u32 {
  const at = p + <usize>header;
  wr8(at, OPTION_NOP);
  wr8(at + 1, OPTION_WINDOW_SCALE);
  wr8(at + 2, 3);
  wr8(at + 3, scale);
  return header + 4;
}

/** Writes the timestamps option behind a header of `header` bytes. Returns its length with it. */
export function tcpEmitStamp(p: usize, header: u32, val: u32, ecr: u32): u32 {
  const at = p + <usize>header;
  store<u32>(at, TIMESTAMPS_ALONE);
  wr32(at + 4, val);
  wr32(at + 8, ecr);
  return header + TIMESTAMPS_ROOM;
}

/** Writes the user timeout option of `ms` > 0 behind a header of `header` bytes, rounded up; all ones and what is too long is the longest there is. */
export function tcpEmitUserTimeout(p: usize, header: u32, ms: u32): u32 {
  const at = p + <usize>header, seconds = ms / 1000 + (ms % 1000 ? 1 : 0);
  wr8(at, OPTION_USER_TIMEOUT);
  wr8(at + 1, USER_TIMEOUT_ROOM);
  wr16(at + 2, seconds <= USER_TIMEOUT_MAX ? seconds : USER_TIMEOUT_MINUTES | min<u32>(USER_TIMEOUT_MAX, (seconds + 59) / 60));
  return header + USER_TIMEOUT_ROOM;
}

/** Permits SACK in a SYN whose header has `header` bytes; `stamped`: a timestamps option stands last, its padding is used. */
export function tcpEmitSackPermitted(p: usize, header: u32, stamped: bool): u32 {
  const at = p + <usize>(stamped ? header - TIMESTAMPS_ROOM : header);
  if (!stamped) wr16(at, OPTION_NOP << 8 | OPTION_NOP);
  wr16(stamped ? at : at + 2, OPTION_SACK_PERMITTED << 8 | 2);
  return stamped ? header : header + 4;
}

/** Header bytes of a SACK option of no blocks with the padding in front of it (RFC 2018 §3), and of each block. */
export const SACK_ROOM: u32 = 4;
export const SACK_BLOCK: u32 = 8;

/** Writes block `k` of the SACK option that will stand behind a header of `header` bytes. */
export function tcpEmitSackBlock(p: usize, header: u32, k: u32, left: u32, right: u32): void {
  const at = p + <usize>(header + SACK_ROOM + k * SACK_BLOCK);
  wr32(at, left);
  wr32(at + 4, right);
}

/** Writes the SACK option around its `n` blocks, which stand already. Returns the header's length with it. */
export function tcpEmitSack(p: usize, header: u32, n: u32): u32 {
  const at = p + <usize>header;
  wr16(at, OPTION_NOP << 8 | OPTION_NOP);
  wr8(at + 2, OPTION_SACK);
  wr8(at + 3, 2 + n * SACK_BLOCK);
  return header + SACK_ROOM + n * SACK_BLOCK;
}
