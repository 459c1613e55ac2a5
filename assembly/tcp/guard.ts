/**
 * What keeps outsiders out: initial sequence numbers (RFC 6528), the acceptable range of acknowledgments and the limit on
 * challenge ACKs (RFC 5961).
 */
import { CONFIG_CHALLENGE_LIMIT, CONFIG_POLICY, POLICY_INSECURE_ACK } from "../abi/config";
import { STAT_TCP_CHALLENGE_ACKS, STAT_TCP_CHALLENGES_WITHHELD } from "../abi/stats";
import { config } from "../base/config";
import { count } from "../base/counters";
import { hashTuple } from "../base/hash";
import { randomBelow } from "../base/prng";
import { seqGt } from "../base/seq";
import { now } from "../base/time";
import { Endpoint, localPtr, M_ACK_NOW, remotePtr, Tcb } from "./tcb";
import { flag } from "./lists";

const DOMAIN_ISN: u32 = 0x7463b003;
/** RFC 9293 §3.4.1: the clock behind sequence numbers ticks every 4 microseconds. */
const TICKS_PER_MS: u32 = 250;
/** Challenge ACKs per second and connection (RFC 5961 §7). */
export const CHALLENGES: u32 = 10;
export const CHALLENGE_MS: u32 = 1000;
/** Least distance of a connection's ISN from the last number its predecessor in TIME_WAIT sent (RFC 9293 §3.6.1). */
export const SUCCESSOR_GAP: u32 = 65536;

/** ISN = M + F(local, remote, secret): monotonic per four-tuple, unpredictable across them (RFC 6528 §3). */
export function initialSequence(e: Endpoint): u32 { return sequenceFor(localPtr(e), remotePtr(e), <u32>e.lport << 16 | <u32>e.rport); }

/** The same of a four-tuple; `ports`: ours << 16 | the peer's. */
export function sequenceFor(local: usize, remote: usize, ports: u32): u32 {
  return now * TICKS_PER_MS + hashTuple(DOMAIN_ISN, local, remote, ports);
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
  if (<u32>t.challengeCount >= CHALLENGES || !budgetTake()) {
    count(STAT_TCP_CHALLENGES_WITHHELD);
    return;
  }
  t.challengeCount++;
  count(STAT_TCP_CHALLENGE_ACKS);
  ackNow(t);
}

let budget: u32 = 0;
let budgetAt: u32 = 0;

/** No challenge was sent yet. */
export function guardReset(): void {
  budget = 0;
  budgetAt = now - CHALLENGE_MS;
}

/**
 * One of the challenges that the whole stack may send in this second: the limit, or down to half of it. How many is left to chance, so
 * that nobody learns from his own share whether another connection was challenged (CVE-2016-5696).
 */
export function budgetTake(): bool {
  const limit = config(CONFIG_CHALLENGE_LIMIT);
  if (!limit) return true;
  if (now - budgetAt >= CHALLENGE_MS) {
    budgetAt = now;
    budget = limit - randomBelow((limit >> 1) + 1);
  }
  if (!budget) return false;
  budget--;
  return true;
}

/** RFC 5961 §5.2: (SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT, where a window probe may have gone past SND.NXT. */
export function ackPlausible(t: Tcb, ack: u32): bool {
  if (config(CONFIG_POLICY) & POLICY_INSECURE_ACK) return !seqGt(ack, t.sndMax);
  return ack - (t.sndUna - t.maxWnd) <= t.sndMax - (t.sndUna - t.maxWnd);
}
