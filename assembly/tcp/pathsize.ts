/**
 * The size of a connection's segments where the path did not carry what both ends can: lowered because full segments vanished (tcp/trouble)
 * or a router said so (tcp/icmp), and after CONFIG_PATH_AGE_MS tried again, since paths change (RFC 1191 §6.3, RFC 4821 §7.7). The trial is
 * one segment of the size before (RFC 4821 §7.3), with enough text behind it for its loss to be noticed without a timeout; if it is
 * acknowledged all have that size again, else the next trial is due after the same time. A trial that is lost and nothing else is no
 * congestion (§7.6.2): the window is what it was. Not in tiny.
 */
import { CONFIG_PATH_AGE_MS } from "../abi/config";
import { config } from "../base/config";
import { seqGeq } from "../base/seq";
import { now } from "../base/time";
import { lossTake, Tcb, TF_LOWERED } from "./tcb";
import { ccKeep } from "./congestion";
import { Loss } from "./loss";

/** Segments of the lowered size that must be able to leave behind a trial: DupThresh and one. */
const BEHIND: u32 = 4;

/** `sizeTrial`: a trial is on its way; it is lost, and so is nothing else, as far as is known; it is lost, or a repetition of it made its ACK ambiguous. */
const OUT: u32 = 1;
const LOST_ALONE: u32 = 2;
const LOST: u32 = 3;

/** Its Loss block, which a connection with TF_LOWERED has and keeps. */
// @ts-ignore: decorator
@inline function lossOf(t: Tcb): Loss { return changetype<Loss>(t.loss); }

/** Segments carry `mss` bytes from now on, fewer than before. Without memory to remember it by they stay so. */
export function sizeLower(t: Tcb, mss: u32): void {
  const age = config(CONFIG_PATH_AGE_MS);
  if (age && lossTake(t)) {
    const l = lossOf(t);
    if (!(t.flags & TF_LOWERED)) l.sizeBefore = t.sndMss;
    t.flags |= TF_LOWERED;
    l.sizeAt = now + age;
    l.sizeTrial = 0;
  }
  t.sndMss = <u16>mss;
}

/** With TF_LOWERED: takes note of what was acknowledged; the size of the segment to try now, 0 if none is due. */
export function sizeDue(t: Tcb): u32 {
  const l = lossOf(t), size = l.sizeBefore;
  if (l.sizeTrial && seqGeq(t.sndUna, l.sizeSeq + size)) {
    if (l.sizeTrial == OUT) {
      t.sndMss = <u16>size;
      t.flags &= ~TF_LOWERED;
      l.sizeBefore = 0;
    }
    l.sizeTrial = 0;
    return 0;
  }
  if (l.sizeTrial || <i32>(now - l.sizeAt) < 0 || t.recovery || t.tailProbe || t.sacked || t.backoff) return 0;
  const need = <i32>(size + BEHIND * <u32>t.sndMss), room = <i32>(t.sndUna + min(t.sndWnd, t.cwnd) - t.sndNxt);
  return <i32>(t.sndEnd - t.sndNxt) >= need && room >= need && t.sndNxt == t.sndMax ? size : 0;
}

/** The segment of that size begins at `seq` and has left. */
export function sizeTried(t: Tcb, seq: u32): void {
  const l = lossOf(t);
  l.sizeTrial = OUT;
  l.sizeSeq = seq;
}

/** With TF_LOWERED: what begins at `seq` was sent again. */
export function sizeRepeated(t: Tcb, seq: u32): void {
  const l = lossOf(t), inside = seq - l.sizeSeq < l.sizeBefore;
  if (l.sizeTrial == OUT && inside) {
    l.sizeTrial = LOST;
    l.sizeAt = now + config(CONFIG_PATH_AGE_MS);
  } else if (l.sizeTrial == LOST_ALONE && !inside) l.sizeTrial = LOST;
}

/** With TF_LOWERED: a loss was noticed. If it is that of the trial the window is remembered before it is reduced. */
export function sizeLost(t: Tcb): void {
  const l = lossOf(t);
  if (l.sizeTrial != OUT || t.sndUna != l.sizeSeq) return;
  l.sizeTrial = LOST_ALONE;
  l.sizeAt = now + config(CONFIG_PATH_AGE_MS);
  ccKeep(t);
}

/** With TF_LOWERED: a loss was repaired. True if it was that of a trial alone. */
export function sizeForgiven(t: Tcb): bool { return lossOf(t).sizeTrial == LOST_ALONE; }

/** With TF_LOWERED: the retransmission timer expired. That is congestion whatever was lost. */
export function sizeTimedOut(t: Tcb): void {
  const l = lossOf(t);
  if (!l.sizeTrial) return;
  l.sizeTrial = LOST;
  l.sizeAt = now + config(CONFIG_PATH_AGE_MS);
}
