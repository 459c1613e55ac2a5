/**
 * Explicit congestion notification (RFC 3168): whether both ends use it, what a mark of a router leads to, and which segments may be
 * marked. Not in tiny.
 */
import { CONFIG_FEATURES, FEATURE_ECN, FEATURE_ECN_ASK } from "../abi/config";
import { config } from "../base/config";
import { seqGt, seqLt } from "../base/seq";
import { ACK, CWR, ECE, SYN } from "../wire/tcp";
import { AGREED_CWR_OWED, AGREED_ECHO, AGREED_ECN, M_PASSIVE, Tcb } from "./tcb";
import { ccSackLoss } from "./congestion";
import { ackNow } from "./guard";
import { RECOVERY_NONE } from "./retransmission";
import { segAck, segFlags, textLen } from "./segment_in";

/** ECT(0) in the second byte of the IP header, and the mask of that field (§5). */
const ECT: u32 = 2;
const FIELD: u32 = 3;
/** Bit of tcpArrive's flags: the segment was marked (ip/input FLAG_CE). */
const MARKED: u32 = 2;

let marked: bool = false;

/** The segment that arrives came with these flags of the network layer. */
// @ts-ignore: decorator
@inline export function ecnArriving(flags: u32): void { marked = (flags & MARKED) != 0; }

/** A new connection: who opens it asks if the stack is told to, who is asked accepts unless it is told not to. */
export function ecnOffer(t: Tcb): void {
  if (config(CONFIG_FEATURES) & (t.marks & M_PASSIVE ? FEATURE_ECN : FEATURE_ECN_ASK)) t.agreed |= AGREED_ECN;
}

/** The peer's SYN: ECE and CWR ask, ECE alone in a SYN,ACK accepts (§6.1.1). */
export function ecnNegotiate(t: Tcb): void {
  t.ecnHigh = t.iss;
  if ((segFlags & (ECE | CWR)) != (segFlags & ACK ? ECE : ECE | CWR)) t.agreed &= ~AGREED_ECN;
}

/** The SYN was not answered: perhaps something on the way cannot bear it (§6.1.1.1). Without it from now on. */
// @ts-ignore: decorator
@inline export function ecnGiveUp(t: Tcb): void { t.agreed &= ~AGREED_ECN; }

/** The flags of a segment that leaves: the question or its answer in a SYN, the echo in all others, CWR in `fresh` text. */
export function ecnFlags(t: Tcb, flags: u32, fresh: bool): u32 {
  if (flags & SYN) return flags & ACK ? flags | ECE : flags | ECE | CWR;
  if (t.agreed & AGREED_ECHO) flags |= ECE;
  return fresh && t.agreed & AGREED_CWR_OWED ? flags | CWR : flags;
}

/** The second byte of its IP header: only text that leaves for the first time may be marked (§6.1.4 to §6.1.6). */
// @ts-ignore: decorator
@inline export function ecnField(t: Tcb, fresh: bool): u32 { return (<u32>t.tos & ~FIELD) | (fresh ? ECT : 0); }

/** Text was found acceptable: CWR ends the echo, a mark begins it; the peer hears of a mark at once (§6.1.3). */
export function ecnReceived(t: Tcb): void {
  if (!textLen) return;
  if (segFlags & CWR) t.agreed &= ~AGREED_ECHO;
  if (!marked || t.agreed & AGREED_ECHO) return;
  t.agreed |= AGREED_ECHO;
  ackNow(t);
}

/** An ACK that found SND.UNA at `una`: with ECE the window is reduced, once for each window of data (§6.1.2). */
export function ecnEchoed(t: Tcb, una: u32): void {
  if (!(segFlags & ECE) || !seqGt(segAck, t.ecnHigh)) {
    // Kept close behind, so that serial comparison stays valid.
    if (seqLt(t.ecnHigh, una)) t.ecnHigh = una;
    return;
  }
  if (<u32>t.recovery == RECOVERY_NONE) ccSackLoss(t, t.sndNxt - una);
}
