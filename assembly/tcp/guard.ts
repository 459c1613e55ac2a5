/**
 * What keeps outsiders out: initial sequence numbers (RFC 6528), the acceptable range of acknowledgments and the limit on
 * challenge ACKs (RFC 5961).
 */
import { STAT_TCP_CHALLENGE_ACKS } from "../abi/stats";
import { count } from "../base/counters";
import { hashTuple } from "../base/hash";
import { now } from "../base/time";
import { Endpoint, localPtr, M_ACK_NOW, remotePtr, Tcb } from "./tcb";
import { flag } from "./lists";

const DOMAIN_ISN: u32 = 0x7463b003;
/** RFC 9293 §3.4.1: the clock behind sequence numbers ticks every 4 microseconds. */
const TICKS_PER_MS: u32 = 250;
/** Challenge ACKs per second and connection (RFC 5961 §7). Counted per connection: a shared count is a side channel. */
const CHALLENGES: u32 = 10;
const CHALLENGE_MS: u32 = 1000;
/** Least distance of a connection's ISN from the last number its predecessor in TIME_WAIT sent (RFC 9293 §3.6.1). */
export const SUCCESSOR_GAP: u32 = 65536;

/** ISN = M + F(local, remote, secret): monotonic per four-tuple, unpredictable across them (RFC 6528 §3). */
export function initialSequence(e: Endpoint): u32 {
  return now * TICKS_PER_MS + hashTuple(DOMAIN_ISN, localPtr(e), remotePtr(e), <u32>e.lport << 16 | <u32>e.rport);
}

/** Owes the peer an ACK at the next egress. */
// @ts-ignore: decorator
@inline export function ackNow(t: Tcb): void {
  t.marks |= M_ACK_NOW;
  flag(t);
}

/**
 * Answers a segment that may be forged, or a stray ACK, with <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, a few times a second
 * only: so two confused ends cannot keep each other busy, and a flood is not answered by one.
 */
export function challenge(t: Tcb): void {
  if (!t.challengeCount || now - t.challengeAt >= CHALLENGE_MS) {
    t.challengeAt = now;
    t.challengeCount = 0;
  }
  if (<u32>t.challengeCount >= CHALLENGES) return;
  t.challengeCount++;
  count(STAT_TCP_CHALLENGE_ACKS);
  ackNow(t);
}

/** RFC 5961 §5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT, where a window probe may have gone past SND.NXT. */
export function ackPlausible(t: Tcb, ack: u32): bool {
  return ack - (t.sndUna - t.maxWnd) <= t.sndMax - (t.sndUna - t.maxWnd);
}
