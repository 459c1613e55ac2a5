/**
 * Timestamps (RFC 7323): what we say the time is, round trips measured by it, and the protection against segments of old that
 * it gives (PAWS). Not in tiny.
 */
import { CONFIG_FEATURES, FEATURE_TIMESTAMPS } from "../abi/config";
import { config } from "../base/config";
import { hashTuple } from "../base/hash";
import { seqGeq, seqGt, seqLeq, seqLt } from "../base/seq";
import { now } from "../base/time";
import { RST, optionStamp, optionTsEcr, optionTsVal, TIMESTAMPS_ROOM } from "../wire/tcp";
import { localPtr, AGREED_TIMESTAMPS, remotePtr, Tcb } from "./tcb";
import { ackNow, challenge } from "./guard";
import { rttSample } from "./retransmission";
import { segFlags, segLen, segSeq } from "./segment_in";

const DOMAIN_STAMP: u32 = 0x7463b004;
/**
 * RFC 7323 §5.5: a TS.Recent older than 24 days may have wrapped and is not believed. Half of that, because one silence counts as
 * 12.4 days at most (base/time), and still far beyond the life of any segment.
 */
const RECENT_MS: u32 = 12 * 86400000;

/** True if connections offer timestamps. */
// @ts-ignore: decorator
@inline export function stampsOffered(): bool { return !TINY && (config(CONFIG_FEATURES) & FEATURE_TIMESTAMPS) != 0; }

/**
 * A new connection will offer timestamps. Their offset is secret and the same for every connection between two hosts
 * (RFC 7323 §5.4, §7.1): it hides how long we run, and the next connection's stamps lie beyond the last one's (RFC 6191).
 */
export function stampsOffer(t: Tcb): void {
  t.agreed |= AGREED_TIMESTAMPS;
  t.tsOffset = stampOffset(localPtr(t), remotePtr(t));
}

/** What turns the clock into that of connections between two addresses. */
export function stampOffset(local: usize, remote: usize): u32 { return hashTuple(DOMAIN_STAMP, local, remote, 0); }

/** The peer's SYN: both carry the option, or nobody stamps (RFC 7323 §3.2). What it takes of every segment is not text. */
export function stampsNegotiate(t: Tcb): void {
  if (!(t.agreed & AGREED_TIMESTAMPS)) return;
  if (!optionStamp) {
    t.agreed &= ~AGREED_TIMESTAMPS;
    return;
  }
  t.tsRecent = optionTsVal;
  t.tsRecentAt = now;
  t.sndMss -= <u16>TIMESTAMPS_ROOM;
}

/** TSval of a segment that leaves now; one tick is a millisecond. */
// @ts-ignore: decorator
@inline export function stampNow(t: Tcb): u32 { return now + t.tsOffset; }

/**
 * RFC 7323 §5.3 R1, before anything else is believed: a segment older than what we echo is answered and dropped; one without the
 * option is dropped silently (§3.2). A RST is judged by its sequence number alone. The segment's options have been read.
 */
export function stampAcceptable(t: Tcb): bool {
  if (segFlags & RST) return true;
  if (!optionStamp) return false;
  if (seqGeq(optionTsVal, t.tsRecent) || now - t.tsRecentAt >= RECENT_MS) return true;
  if (segLen) ackNow(t); else challenge(t);
  return false;
}

/** RFC 7323 §4.3: echo this stamp if the segment stands at what we acknowledged last. Only for segments found acceptable. */
export function stampTake(t: Tcb): void {
  if (!seqLeq(segSeq, t.lastAckSent) || (seqLt(optionTsVal, t.tsRecent) && now - t.tsRecentAt < RECENT_MS)) return;
  t.tsRecent = optionTsVal;
  t.tsRecentAt = now;
}

/**
 * An ACK of new data measures the round trip, whatever was sent twice (§4.1). Of `flight` bytes outstanding about one ACK in two
 * segments comes, and each counts for its share (appendix G). An echo of what was never sent measures
 * nothing; nor, after a timeout, one of what was sent before: its ACK may have been lost and this be the answer to the repetition.
 */
export function stampMeasure(t: Tcb, flight: u32): void {
  const r = stampNow(t) - optionTsEcr;
  if (!optionTsEcr || r > 1 << 20 || (t.backoff && r > now - t.rttAt)) return;
  const pair = 2 * <u32>t.sndMss;
  rttSample(t, r, max<u32>(1, (flight + pair - 1) / pair));
}

/**
 * A SYN in TIME_WAIT (RFC 6191 §2): true if it begins a new connection. Stamps decide where both incarnations have them; without,
 * the sequence number does. The SYN's options have been read.
 */
export function stampsAllowSuccessor(t: Tcb): bool {
  const beyond = seqGt(segSeq, t.rcvNxt);
  if (TINY || !optionStamp) return beyond;
  if (!(t.agreed & AGREED_TIMESTAMPS)) return beyond || stampsOffered();
  return seqGt(optionTsVal, t.tsRecent) || (optionTsVal == t.tsRecent && beyond);
}
