/**
 * One segment onto the wire: header at TX, text straight from the send queue, checksum over both (RFC 9293 §3.1).
 * Nothing about the connection changes unless the segment was taken.
 */
import { CONFIG_POLICY, POLICY_DROP_SYN_OPTIONS } from "../abi/config";
import { IPPROTO_TCP, TCP_SYN_RCVD, TCP_SYN_SENT } from "../abi/winsock";
import { WSAEHOSTUNREACH, WSAENETUNREACH } from "../abi/errors";
import { WASI_EAGAIN } from "../abi/link";
import { STAT_TCP_OUT_RSTS, STAT_TCP_OUT_SEGS, STAT_TCP_RETRANS_SEGS } from "../abi/stats";
import { ADDR_V4, addrIsV4 } from "../base/addr";
import { swap32 } from "../base/bytes";
import { sumBytes, sumFinish, sumFold, sumFoldWords, sumPair, sumPseudo, sumSwap } from "../base/checksum";
import { config } from "../base/config";
import { count, countBy } from "../base/counters";
import { seqGeq } from "../base/seq";
import { ringAt, ringRun } from "../memory/ring";
import {
  ACK, RST, SYN, TCP_CHECKSUM, TCP_HEADER, tcpEmit, tcpEmitMss, tcpEmitSackPermitted, tcpEmitScale, tcpEmitStamp, tcpHeaderSum, tcpSetSequence, TIMESTAMPS_ROOM,
} from "../wire/tcp";
import { ipCut, ipMaySendAgain, ipSend, ipSendAgain, TX } from "../ip/output";
import { ipCuts, ipMtu } from "../ip/route";
import { localPtr, M_ACK_NOW, M_ORPHAN, AGREED_CWR_OWED, AGREED_ECN, AGREED_SACK, M_SCALED, AGREED_TIMESTAMPS, AGREED_USER_TIMEOUT, M_URGENT_OUT, remotePtr, sndRing, Tcb } from "./tcb";
import { ecnField, ecnFlags } from "./ecn";
import { disarm, T_ACK } from "./timer";
import { sackWrite } from "./sack";
import { stampNow } from "./timestamps";
import { trouble } from "./trouble";
import { urgentWrite } from "./urgent";
import { UTO_OWED, utoWrite, utoWritten } from "./usertimeout";
import { synWindow, windowEdge, windowField } from "./window";

const TTL: u32 = 64;
/** IP and TCP header without options: what an MTU holds beside text. */
export const OVERHEAD_V4: u32 = 40;
export const OVERHEAD_V6: u32 = 60;
/** Most text of a packet that the device cuts into segments: IPv4's largest, less the longest headers. */
const CUT_MAX: u32 = 65535 - 20 - 60;
/** A peer that asks for smaller segments gets these: headers must not outweigh the text by much. */
export const MSS_MIN: u32 = 64;

/** The first repetition of a SYN that POLICY_DROP_SYN_OPTIONS is about. */
const BARE_SYN: u32 = 3;

const PROTOCOL = <u32>IPPROTO_TCP;
/** So few bytes of text are copied behind the header: less than a part of its own costs whoever takes the frame. */
const BESIDE: u32 = TINY ? 0 : 16;

/**
 * Text that one packet may carry now, bytes: a segment's, or where the device cuts packets (wire/vnet) that of as many whole segments as
 * IPv4 has room for. CWR belongs to one segment (RFC 3168 §6.1.2), an urgent pointer counts from one; a device that cuts would copy them to all.
 */
export function packetText(t: Tcb): u32 {
  const mss = <u32>t.sndMss;
  return (t.agreed & AGREED_CWR_OWED) != 0 || (t.marks & M_URGENT_OUT) != 0 || mss << 1 > CUT_MAX || !ipCuts(remotePtr(t)) ? mss : CUT_MAX / mss * mss;
}

/** What a device cuts counts as the segments it becomes (RFC 4022 tcpOutSegs). */
// @ts-ignore: decorator
@inline function sentCount(t: Tcb, len: u32): void {
  if (!TINY && len > <u32>t.sndMss) countBy(STAT_TCP_OUT_SEGS, <i32>(len / t.sndMss)); else count(STAT_TCP_OUT_SEGS);
}

/**
 * Sends `len` bytes of the queue from `offset` under `flags`; more than SND.MSS only if packetText allows it, and then whole segments. 0 = taken, WASI_EAGAIN = not taken, below 0 = the network
 * has no way: counts as sent, except for who opens a connection.
 */
export function segmentSend(t: Tcb, seq: u32, flags: u32, offset: u32, len: u32): i32 {
  if (!TINY && changetype<usize>(t) == trainOf && flags == trainFlags && len == trainLen && (!(t.agreed & AGREED_ECN) || unsent(t, seq)) && ipMaySendAgain()) {
    const again = composeNext(t, seq, offset, len);
    if (!again) sentCount(t, len);
    return again;
  }
  // RFC 7323 §2.2: the window of a SYN is never scaled.
  const edge = flags & SYN ? t.rcvNxt + synWindow(t) : windowEdge(t);
  const r = compose(t, seq, flags, offset, len, flags & RST ? 0 : flags & SYN ? synWindow(t) : windowField(t, edge));
  if (r == WASI_EAGAIN) return r;
  sentCount(t, len);
  if (flags & RST) count(STAT_TCP_OUT_RSTS);
  // As in tcp/icmp: an orphan times out.
  if (r < 0 && !(t.marks & M_ORPHAN)) trouble(t, r == -1 ? WSAENETUNREACH : WSAEHOSTUNREACH);
  if (flags & ACK && !(flags & RST)) {
    t.rcvAdv = edge;
    ackTold(t);
    t.unackedSegments = 0;
    t.marks &= ~M_ACK_NOW;
    disarm(t, T_ACK);
  }
  return r < 0 && t.state != TCP_SYN_SENT ? 0 : r;
}

/** An ACK has left: everything received so far is told. */
// @ts-ignore: decorator
@inline function ackTold(t: Tcb): void {
  if (TINY) return;
  t.lastAckSent = t.rcvNxt;
  t.dupEnd = t.dupStart;
}

/** The segment that was sent last held nothing new: it counts as retransmitted instead (RFC 4022 tcpOutSegs, tcpRetransSegs). */
export function repeatCount(): void {
  count(STAT_TCP_RETRANS_SEGS);
  countBy(STAT_TCP_OUT_SEGS, -1);
}

/** One of several identical ACKs for text that came out of order: ACK, window and all as in the last one (RFC 5681 §2). */
export function duplicateAckSend(t: Tcb): i32 {
  const r = compose(t, t.sndNxt, ACK, 0, 0, windowField(t, t.rcvAdv));
  if (r == WASI_EAGAIN) return r;
  count(STAT_TCP_OUT_SEGS);
  t.unackedSegments = 0;
  ackTold(t);
  disarm(t, T_ACK);
  return 0;
}

/**
 * The train: segments of one connection that leave one after the other and differ in sequence number and text alone. Connection (0 =
 * none), flags and text length of the segment at TX, and the sum of its header and pseudo header without sequence number.
 */
let trainOf: usize = 0;
let trainFlags: u32 = 0;
let trainLen: u32 = 0;
let trainSum: u32 = 0;

/** To be called before a connection's first segment of a turn: what stands at TX may be old. */
// @ts-ignore: decorator
@inline export function trainForget(): void { trainOf = 0; }

/** The next of a train: what acknowledges, stamps and offers is as in the one before, which has left already. */
// @ts-ignore: decorator
@inline function composeNext(t: Tcb, seq: u32, offset: u32, len: u32): i32 {
  const r = sndRing(t), p1 = ringAt(r, offset), n1 = min(len, ringRun(r, offset)), n2 = len - n1;
  tcpSetSequence(TX, seq);
  // A packet that is cut keeps its pseudo header's sum.
  if (len <= <u32>t.sndMss) store<u16>(TX + TCP_CHECKSUM, <u16>sumFinish(trainSum + sumPair(swap32(seq)) + textSum(p1, n1, r.base, n2)));
  return ipSendAgain(p1, n1, r.base, n2);
}

/** Sum of the pseudo header and of the header of `header` bytes at TX. */
function headerSum(local: usize, remote: usize, header: u32, len: u32): u32 {
  if (TINY || !addrIsV4(remote)) return sumPseudo(local, remote, addrIsV4(remote), PROTOCOL, header + len) + sumBytes(TX, header);
  return sumFoldWords(<u64>load<u32>(local, ADDR_V4) + <u64>load<u32>(remote, ADDR_V4) + <u64>swap32(PROTOCOL << 16 | (header + len)) + tcpHeaderSum(TX, header));
}

/** Sum of text in two runs. */
function textSum(p1: usize, n1: u32, p2: usize, n2: u32): u32 {
  const sum = sumBytes(p1, n1);
  if (!n2) return sum;
  const more = sumBytes(p2, n2);
  return sum + (n1 & 1 ? sumSwap(more) : more);
}

/** Text at `seq` was never sent before, not even by a window probe. */
// @ts-ignore: decorator
@inline function unsent(t: Tcb, seq: u32): bool { return seq == t.sndNxt && seqGeq(seq, t.sndMax) && t.sndWnd != 0; }

function compose(t: Tcb, seq: u32, flags: u32, offset: u32, len: u32, window: u32): i32 {
  const local = localPtr(t), remote = remotePtr(t);
  const ecn = !TINY && (t.agreed & AGREED_ECN) != 0 && !(flags & RST);
  const fresh = ecn && len != 0 && unsent(t, seq);
  if (ecn) flags = ecnFlags(t, flags, fresh);
  const header = optionsWrite(t, flags, len);
  tcpEmit(TX, t.lport, t.rport, seq, flags & ACK ? t.rcvNxt : 0, header, flags, window);
  const urgent = !TINY && urgentWrite(t, TX, seq, flags);
  const cut = !TINY && len > <u32>t.sndMss;
  let sum = headerSum(local, remote, header, len);
  // A short segment has nothing like it behind it.
  if (!TINY) trainOf = 0;
  if (!TINY && len >= <u32>t.sndMss) {
    // SACK blocks change from segment to segment. 0x1fffe is nothing in a sum, and keeps the difference positive.
    const plain = header == TCP_HEADER + (t.agreed & AGREED_TIMESTAMPS ? TIMESTAMPS_ROOM : 0);
    trainOf = plain && fresh == ecn && !urgent ? changetype<usize>(t) : 0;
    trainFlags = flags;
    trainLen = len;
    trainSum = sumFold(sum + 0x1fffe - sumPair(swap32(seq)));
  }
  let p1: usize = 0, n1: u32 = 0, p2: usize = 0, n2: u32 = 0, head = header;
  if (len) {
    const r = sndRing(t);
    p1 = ringAt(r, offset);
    n1 = min(len, ringRun(r, offset));
    p2 = r.base;
    n2 = len - n1;
    if (len <= BESIDE && !n2) {
      const to = TX + <usize>header;
      for (let k: usize = 0; k < <usize>len; k++) store<u8>(to + k, load<u8>(p1 + k));
      sum += len == 1 ? <u32>load<u8>(to) : sumBytes(to, len);
      head += len;
      n1 = 0;
    } else if (!cut) sum += textSum(p1, n1, p2, n2);
  }
  if (cut) ipCut(t.sndMss);
  store<u16>(TX + TCP_CHECKSUM, <u16>(cut ? sumFold(sumPseudo(local, remote, addrIsV4(remote), PROTOCOL, header + len)) : sumFinish(sum)));
  const r = ipSend(local, remote, PROTOCOL, head, p1, n1, p2, n2, t.ttl, ecn ? ecnField(t, fresh) : t.tos);
  if (fresh && r == 0) t.agreed &= ~AGREED_CWR_OWED;
  if (!TINY && t.agreed & AGREED_USER_TIMEOUT && utoWritten && r == 0) t.uto &= <u8>~UTO_OWED;
  return r;
}

/**
 * In a SYN the MSS always, the others if we offer them or the peer did (RFC 7323 §2.2, §3.2); timestamps in every segment once they
 * are agreed on, SACK in ACKs while text is missing. Returns the header's length.
 */
function optionsWrite(t: Tcb, flags: u32, len: u32): u32 {
  let header = TCP_HEADER;
  if (flags & SYN) {
    header = tcpEmitMss(TX, t.rcvMss);
    if (!TINY && !(flags & ACK) && synBare(t)) return header;
  }
  if (TINY) return header;
  if (t.agreed & AGREED_TIMESTAMPS) header = tcpEmitStamp(TX, header, stampNow(t), flags & ACK ? t.tsRecent : 0);
  if (flags & SYN) {
    if (t.agreed & AGREED_SACK) header = tcpEmitSackPermitted(TX, header, (t.agreed & AGREED_TIMESTAMPS) != 0);
    if (t.marks & M_SCALED) header = tcpEmitScale(TX, header, t.rcvScale);
  } else if (t.agreed & AGREED_SACK && (flags & (ACK | RST)) == ACK) header = sackWrite(t, TX, header, len);
  return t.agreed & AGREED_USER_TIMEOUT ? utoWrite(t, TX, header, flags, len) : header;
}

/**
 * POLICY_DROP_SYN_OPTIONS (net.inet.tcp.rexmit_drop_options of FreeBSD): the third repetition of a SYN and all after it have no option but
 * the segment size. What they leave out counts as offered by those before: a SYN,ACK carries only what its SYN did (RFC 7323 §1.3, §3.2;
 * RFC 2018 §2), so it tells which of them it answers.
 */
function synBare(t: Tcb): bool { return <u32>t.synRetries >= BARE_SYN && (config(CONFIG_POLICY) & POLICY_DROP_SYN_OPTIONS) != 0; }

/** Sends the header of `header` bytes that stands at TX, which no control block stands for: 0 = sent. */
export function bareSend(local: usize, remote: usize, header: u32, ttl: u32, tos: u32): i32 {
  store<u16>(TX + TCP_CHECKSUM, <u16>sumFinish(headerSum(local, remote, header, 0)));
  return ipSend(local, remote, PROTOCOL, header, 0, 0, 0, 0, ttl, tos);
}

/** The largest segment we can take from remote, bytes of text: what our SYN announces (RFC 9293 MUST-67). */
export function ownMss(remote: usize): u32 {
  const mtu = ipMtu(remote), overhead = addrIsV4(remote) ? OVERHEAD_V4 : OVERHEAD_V6;
  return min<u32>(mtu > overhead + MSS_MIN ? mtu - overhead : MSS_MIN, 65535);
}

/**
 * A RST in answer to a segment no connection claims (RFC 9293 §3.10.7.1, semantics W-26). `local` and `remote` as seen from
 * here. If the device is full it is not sent: the next stray gets one.
 */
export function resetSend(local: usize, remote: usize, lport: u32, rport: u32, seq: u32, ack: u32, flags: u32): void {
  tcpEmit(TX, lport, rport, seq, ack, TCP_HEADER, flags, 0);
  if (bareSend(local, remote, TCP_HEADER, TTL, 0) != 0) return;
  count(STAT_TCP_OUT_SEGS);
  count(STAT_TCP_OUT_RSTS);
}

/** True while the peer's SYN has not been answered by a completed handshake: nothing but the SYN may leave. */
// @ts-ignore: decorator
@inline export function opening(t: Tcb): bool { return t.state == TCP_SYN_SENT || t.state == TCP_SYN_RCVD; }
