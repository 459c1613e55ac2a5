/** SEGMENT ARRIVES for a record of TIME_WAIT (RFC 9293 §3.10.7.4 with RFC 1337 and RFC 6191): the answers leave at once, or not at all. */
import { CONFIG_POLICY, POLICY_INSECURE_RST } from "../abi/config";
import { STAT_TCP_CHALLENGE_ACKS, STAT_TCP_CHALLENGES_WITHHELD, STAT_TCP_OUT_SEGS } from "../abi/stats";
import { config } from "../base/config";
import { count } from "../base/counters";
import { seqGeq, seqGt, seqLeq } from "../base/seq";
import { now } from "../base/time";
import { ACK, FIN, optionStamp, optionTsVal, RST, SYN, TCP_HEADER, tcpEmit, tcpEmitStamp, tcpParseOptions } from "../wire/tcp";
import { TX } from "../ip/output";
import { budgetTake, CHALLENGES, CHALLENGE_MS } from "./guard";
import { bareSend } from "./segment_out";
import { stampOffset, stampsOffered } from "./timestamps";
import { segAck, segFlags, segHeader, segHeaderLength, segLen, segSeq } from "./segment_in";
import { Waiting, waiting, waitingLocal, waitingRemote, waitingRestart, WAIT_STAMPED } from "./waiting";

/** Challenges of a second are counted for groups of records: a record has no room of its own for it. */
const GROUPS: u32 = TINY ? 4 : 64;
const COUNTED = memory.data(GROUPS * 8, 4);

export function waitingArrivalReset(): void { memory.fill(COUNTED, 0, GROUPS * 8); }

// @ts-ignore: decorator
@inline function stamped(w: Waiting): bool { return !TINY && (<u32>w.marks & WAIT_STAMPED) != 0; }

/** The segment that arrives belongs to record n. True if it is a SYN that may begin the next connection, provided that somebody listens. */
export function waitingArrive(n: u32): bool {
  const w = waiting(n);
  if (!TINY && (stamped(w) || segFlags & SYN)) tcpParseOptions(segHeader, segHeaderLength);
  if (segFlags & SYN && !(segFlags & RST)) return !(segFlags & (ACK | FIN)) && mayFollow(w);
  if (stampAcceptable(n, w) && inOrder(n, w) && segFlags & ACK) accepted(n, w);
  return false;
}

/** RFC 6191 §2, semantics O-19: stamps decide where both incarnations have them; without, the sequence number does. */
function mayFollow(w: Waiting): bool {
  const beyond = seqGt(segSeq, w.rcvNxt);
  if (TINY || !optionStamp) return beyond;
  if (!stamped(w)) return beyond || stampsOffered();
  return seqGt(optionTsVal, w.tsRecent) || (optionTsVal == w.tsRecent && beyond);
}

/** RFC 7323 §5.3 R1, as in tcp/timestamps. */
function stampAcceptable(n: u32, w: Waiting): bool {
  if (!stamped(w) || segFlags & RST) return true;
  if (!optionStamp) return false;
  if (seqGeq(optionTsVal, w.tsRecent)) return true;
  if (segLen) answer(w); else waitingChallenge(n);
  return false;
}

/** First and second: the sequence number and RST. A RST never cuts TIME_WAIT short (RFC 1337, W-25). */
function inOrder(n: u32, w: Waiting): bool {
  const ahead = <i32>(segSeq - w.rcvNxt), window = <i32>w.window;
  if (segFlags & RST) {
    if (ahead > 0 && ahead < window && !(config(CONFIG_POLICY) & POLICY_INSECURE_RST)) waitingChallenge(n);
    return false;
  }
  if (segLen == 0 ? ahead >= 0 && ahead <= window : ahead + <i32>segLen > 0 && (ahead < window || ahead <= 0)) return true;
  if (segFlags & FIN && segSeq + segLen == w.rcvNxt) waitingRestart(n); // W-21
  if (segLen) answer(w); else waitingChallenge(n);
  return false;
}

/** Fifth and later: only the FIN should come; whatever else does is told where we stand. */
function accepted(n: u32, w: Waiting): void {
  if (seqGt(segAck, w.sndNxt)) { waitingChallenge(n); return; }
  if (stamped(w) && seqLeq(segSeq, w.rcvNxt)) w.tsRecent = optionTsVal;
  if (segLen) answer(w); else if (segSeq != w.rcvNxt) waitingChallenge(n);
}

/** An ACK for what may be forged, a few a second only (RFC 5961 §7). */
export function waitingChallenge(n: u32): void {
  const counted = COUNTED + (<usize>(n & (GROUPS - 1)) << 3), fresh = now - load<u32>(counted) >= CHALLENGE_MS;
  const sent: u32 = fresh ? 0 : load<u32>(counted, 4);
  if (sent >= CHALLENGES || !budgetTake()) { count(STAT_TCP_CHALLENGES_WITHHELD); return; }
  if (fresh) store<u32>(counted, now);
  store<u32>(counted, sent + 1, 4);
  count(STAT_TCP_CHALLENGE_ACKS);
  answer(waiting(n));
}

/** <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. Lost if the device is full: the peer's FIN will come again. */
function answer(w: Waiting): void {
  let header = TCP_HEADER;
  if (stamped(w)) header = tcpEmitStamp(TX, header, now + stampOffset(waitingLocal(w), waitingRemote(w)), w.tsRecent);
  tcpEmit(TX, w.ports >> 16, w.ports & 0xffff, w.sndNxt, w.rcvNxt, header, ACK, w.window);
  if (bareSend(waitingLocal(w), waitingRemote(w), header, w.ttl, <u32>w.marks & 0xfc) == 0) count(STAT_TCP_OUT_SEGS);
}
