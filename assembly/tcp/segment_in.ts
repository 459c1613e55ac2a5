/** The segment that is arriving: its fields in host order, its text trimmed step by step. One at a time. */
import { FIN, SYN, tcpAcknowledgment, tcpFlagBits, tcpHeaderLength, tcpSequence, tcpWindow } from "../wire/tcp";

/** SEG.SEQ, SEG.ACK, SEG.WND (unscaled). */
export let segSeq: u32 = 0;
export let segAck: u32 = 0;
export let segWnd: u32 = 0;
/** Control bits. */
export let segFlags: u32 = 0;
/** Start of the header, its length, and SEG.LEN: text bytes plus SYN plus FIN. */
export let segHeader: usize = 0;
export let segHeaderLength: u32 = 0;
export let segLen: u32 = 0;
/** Text: address, length, and the sequence number of its first byte. */
export let textPtr: usize = 0;
export let textLen: u32 = 0;
export let textSeq: u32 = 0;

/** Takes `len` bytes at `p` as the arriving segment; false if the header lies about its length. */
export function segmentRead(p: usize, len: u32): bool {
  const header = tcpHeaderLength(p, len);
  if (!header) return false;
  segHeader = p;
  segHeaderLength = header;
  segSeq = tcpSequence(p);
  segAck = tcpAcknowledgment(p);
  segWnd = tcpWindow(p);
  segFlags = tcpFlagBits(p);
  textPtr = p + <usize>header;
  textLen = len - header;
  textSeq = segSeq + (segFlags & SYN ? 1 : 0);
  segLen = textLen + (segFlags & SYN ? 1 : 0) + (segFlags & FIN ? 1 : 0);
  return true;
}

/** Cuts off a SYN that was processed before. */
export function trimSyn(): void {
  segFlags &= ~SYN;
  segSeq++;
  segLen--;
}

/** Cuts off `n` bytes of text that were received before, n ≤ textLen. */
export function trimFront(n: u32): void {
  textPtr += <usize>n;
  textSeq += n;
  textLen -= n;
}

/** Cuts the text to `n` bytes, and with it a FIN behind it. */
export function trimBack(n: u32): void {
  textLen = n;
  segFlags &= ~FIN;
}

/** Cuts off everything, all of it received before: what is left is an ACK at `next`. */
export function trimAll(next: u32): void {
  textLen = 0;
  segLen = 0;
  segSeq = next;
  textSeq = next;
  segFlags &= ~FIN;
}
