/**
 * SYN cookies (RFC 4987 §3.6): where there is no room for another half-open connection, the SYN,ACK's sequence number holds what has to
 * be remembered of the SYN, signed, and the ACK brings it back. The stack remembers nothing. Not in tiny.
 *
 *   ISS = SEG.SEQ + F(four-tuple) + ( period 5 bits | segment size 3 bits | G(four-tuple, SEG.SEQ, period, size) 24 bits )
 *
 * F hides the upper bits from outsiders. With timestamps the six lower bits of TSval, which the peer echoes, hold its window scale (15: none)
 * and whether it permits SACK; without them such a connection goes without.
 */
import { CONFIG_FEATURES, CONFIG_SYN_COOKIES, COOKIES_ALWAYS, COOKIES_WHEN_FULL, FEATURE_WINDOW_SCALE } from "../abi/config";
import { STAT_TCP_COOKIES_SENT, STAT_TCP_COOKIES_TAKEN, STAT_TCP_COOKIES_WRONG, STAT_TCP_OUT_SEGS } from "../abi/stats";
import { config } from "../base/config";
import { count } from "../base/counters";
import { hashBegin, hashEnd, hashTuple, hashWord } from "../base/hash";
import { seqGt } from "../base/seq";
import { now } from "../base/time";
import {
  ACK, optionMss, optionSackPermitted, optionScale, optionStamp, optionTsEcr, optionTsVal, SYN, tcpEmit, tcpEmitMss, tcpEmitSackPermitted, tcpEmitScale,
  tcpEmitStamp, tcpParseOptions, TIMESTAMPS_ROOM,
} from "../wire/tcp";
import { TX } from "../ip/output";
import { AGREED_SACK, AGREED_TIMESTAMPS, Listener, M_CONDITIONAL, M_SCALED, Tcb } from "./tcb";
import { bareSend, ownMss } from "./segment_out";
import { sackOffered } from "./sack";
import { stampOffset, stampsOffered } from "./timestamps";
import { scaleFor } from "./window";
import { segAck, segHeader, segHeaderLength, segSeq } from "./segment_in";

const DOMAIN_HIDE: u32 = 0x7463b005;
const DOMAIN_SIGN: u32 = 0x7463b006;
/** A period is 2^16 ms; a cookie is good for its own and the next. */
const PERIOD_SHIFT: u32 = 16;
const PERIODS: u32 = 32;
const VALID_MS: u32 = 2 << PERIOD_SHIFT;
const NO_SCALE: u32 = 15;
const SACK_BIT: u32 = 16;
const STAMP_BITS: u32 = 63;
const SIZES: u32 = 8;
const WINDOW_MAX: u32 = 65535;

/** Segment sizes a cookie can tell, ascending. */
function sizes(): usize { return TINY ? 0 : memory.data<u16>([64, 536, 1024, 1220, 1360, 1440, 1460, 8960]); }

/** When a cookie was sent last; false: never. An ACK is taken for one's answer only for as long as it would be valid. */
let last: u32 = 0;
let any: bool = false;

export function cookiesReset(): void { any = false; }

/** True if a SYN for this listener is to be answered with a cookie; `full`: there is no room for another half-open connection. */
export function cookieWanted(l: Listener, full: bool): bool {
  const mode = config(CONFIG_SYN_COOKIES);
  // A completed connection needs its place in the queue, and an owner who decides first needs the SYN.
  if (TINY || l.queueCount >= l.backlog || l.marks & M_CONDITIONAL) return false;
  return mode == COOKIES_ALWAYS || (full && mode == COOKIES_WHEN_FULL);
}

/** True if an ACK that meets a listener may be the answer to a cookie. */
export function cookieExpected(): bool { return !TINY && any && now - last < VALID_MS; }

/** The 24 bits nobody else can compute. */
function signature(local: usize, remote: usize, ports: u32, irs: u32, top: u32): u32 {
  hashBegin(DOMAIN_SIGN);
  for (let i: usize = 0; i < 16; i += 4) { hashWord(load<u32>(local + i)); hashWord(load<u32>(remote + i)); }
  hashWord(ports);
  hashWord(irs);
  hashWord(top);
  return hashEnd() >> 8;
}

// @ts-ignore: decorator
@inline function period(): u32 { return (now >> PERIOD_SHIFT) & (PERIODS - 1); }

/** Answers the arriving SYN. */
export function cookieSend(l: Listener, local: usize, remote: usize, ports: u32): void {
  tcpParseOptions(segHeader, segHeaderLength);
  const mss: u32 = optionMss < 0 ? 536 : <u32>optionMss;
  let size: u32 = SIZES - 1;
  while (size && <u32>load<u16>(sizes() + (<usize>size << 1)) > <u32>mss) size--;
  const top = period() << 3 | size;
  const iss = segSeq + hashTuple(DOMAIN_HIDE, local, remote, ports) + (top << 24 | signature(local, remote, ports, segSeq, top));
  const stamped = optionStamp && stampsOffered();
  let header = tcpEmitMss(TX, ownMss(remote));
  if (stamped) {
    const scaled = optionScale >= 0 && (config(CONFIG_FEATURES) & FEATURE_WINDOW_SCALE) != 0, sack = optionSackPermitted && sackOffered();
    const stamp = now + stampOffset(local, remote), bits = (scaled ? <u32>optionScale : NO_SCALE) | (sack ? SACK_BIT : 0);
    let val = (stamp & ~STAMP_BITS) | bits;
    if (seqGt(val, stamp)) val -= STAMP_BITS + 1; // later stamps must not lie before it (RFC 7323 §5.3)
    header = tcpEmitStamp(TX, header, val, optionTsVal);
    if (sack) header = tcpEmitSackPermitted(TX, header, true);
    if (scaled) header = tcpEmitScale(TX, header, scaleFor(l.rcvLimit));
  }
  tcpEmit(TX, ports >> 16, ports & 0xffff, iss, segSeq + 1, header, SYN | ACK, min<u32>(l.rcvLimit, WINDOW_MAX));
  if (bareSend(local, remote, header, l.ttl, l.tos) != 0) return;
  last = now;
  any = true;
  count(STAT_TCP_COOKIES_SENT);
  count(STAT_TCP_OUT_SEGS);
}

/** Segment size that the arriving ACK brings back, 0 if it answers no cookie of ours. */
export function cookieRead(local: usize, remote: usize, ports: u32): u32 {
  const irs = segSeq - 1, x = segAck - 1 - irs - hashTuple(DOMAIN_HIDE, local, remote, ports), top = x >> 24;
  tcpParseOptions(segHeader, segHeaderLength);
  const fresh = ((period() - (top >> 3)) & (PERIODS - 1)) <= 1;
  const echoed = !optionStamp || !stampsOffered() || now + stampOffset(local, remote) - optionTsEcr <= VALID_MS + STAMP_BITS;
  if (fresh && echoed && (x & 0xffffff) == signature(local, remote, ports, irs, top)) {
    count(STAT_TCP_COOKIES_TAKEN);
    return <u32>load<u16>(sizes() + (<usize>(top & (SIZES - 1)) << 1));
  }
  count(STAT_TCP_COOKIES_WRONG);
  return 0;
}

/** What the SYN had said, on the connection t that the ACK with this segment size begins. The segment's options have been read. */
export function cookieRestore(t: Tcb, mss: u32): void {
  const bits = optionStamp && t.agreed & AGREED_TIMESTAMPS ? optionTsEcr & STAMP_BITS : NO_SCALE;
  t.rcvNxt = segSeq;
  t.rcvAdv = segSeq + min<u32>(t.rcvLimit, WINDOW_MAX);
  t.lastAckSent = segSeq;
  t.sndMss = <u16>min<u32>(t.rcvMss, mss);
  if ((bits & NO_SCALE) != NO_SCALE && t.marks & M_SCALED) t.sndScale = bits & NO_SCALE;
  else {
    t.marks &= ~M_SCALED;
    t.rcvScale = 0;
  }
  if (!(bits & SACK_BIT)) t.agreed &= ~AGREED_SACK;
  if (!optionStamp) t.agreed &= ~AGREED_TIMESTAMPS;
  if (!(t.agreed & AGREED_TIMESTAMPS)) return;
  t.tsRecent = optionTsVal;
  t.tsRecentAt = now;
  t.sndMss -= <u16>TIMESTAMPS_ROOM;
}
