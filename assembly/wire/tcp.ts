/**
 * The TCP header (RFC 9293 §3.1): check, read, emit, and the options we know. Pure: no connection is looked at here.
 */
import { rd16, rd32, rd8, wr16, wr32, wr8 } from "../base/bytes";

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

const OPTION_END: u32 = 0;
const OPTION_NOP: u32 = 1;
const OPTION_MSS: u32 = 2;
const OPTION_WINDOW_SCALE: u32 = 3;

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

/**
 * Reads the options of a SYN of `header` bytes. An option whose length lies ends the list; what was read before it
 * counts (RFC 9293 §3.1, MUST-7). Each round consumes at least a byte, so 40 rounds are the most.
 */
export function tcpParseOptions(p: usize, header: u32): void {
  optionMss = -1;
  optionScale = -1;
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
    at += length;
  }
}

/** Writes a header of `header` bytes; its options are written beside it, its checksum (0 here) afterwards. */
export function tcpEmit(p: usize, source: u32, destination: u32, seq: u32, ack: u32, header: u32, flags: u32, window: u32): void {
  wr16(p + SOURCE, source);
  wr16(p + DESTINATION, destination);
  wr32(p + SEQUENCE, seq);
  wr32(p + ACKNOWLEDGMENT, ack);
  wr8(p + OFFSET, header << 2);
  wr8(p + FLAGS, flags);
  wr16(p + WINDOW, window);
  store<u16>(p + TCP_CHECKSUM, 0);
  wr16(p + URGENT, 0);
}

/** Writes the options of a SYN behind the header; `scale` -1 = no window scale. Returns the header's length with them. */
export function tcpEmitSynOptions(p: usize, mss: u32, scale: i32): u32 {
  wr8(p + 20, OPTION_MSS);
  wr8(p + 21, 4);
  wr16(p + 22, mss);
  if (scale < 0) return 24;
  wr8(p + 24, OPTION_NOP);
  wr8(p + 25, OPTION_WINDOW_SCALE);
  wr8(p + 26, 3);
  wr8(p + 27, <u32>scale);
  return 28;
}
