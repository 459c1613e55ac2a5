/**
 * What goes wrong with a connection that goes on: retransmissions that stay unanswered (RFC 9293 §3.8.3: at R1 IP is advised and the
 * program told), full segments that vanish on a path that hides why (RFC 2923 §2.1), and soft errors (§3.9.1.8).
 */
import { CONFIG_ADVICE_RETRIES, CONFIG_POLICY, POLICY_NO_BLACK_HOLES } from "../abi/config";
import { STAT_TCP_BLACK_HOLES, STAT_TCP_NEGATIVE_ADVICE } from "../abi/stats";
import { config } from "../base/config";
import { count } from "../base/counters";
import { ipDoubt } from "../ip/route";
import { NOTIFY_TROUBLE, remotePtr, Tcb } from "./tcb";
import { notify } from "./lists";
import { sizeLower } from "./pathsize";

/** Unanswered timeouts of a full segment before smaller ones are tried, and the two sizes of text then (RFC 4821 §7.2, RFC 1191 §7). */
const FIRST_CUT: u32 = 3;
const SECOND_CUT: u32 = 5;
const FIRST_MSS: u32 = 1024;
const SECOND_MSS: u32 = 512;

/** A soft error: named if the connection times out, and told to a program that asks for it (RFC 9293 SHLD-25, MUST-47). */
export function trouble(t: Tcb, error: i32): void {
  t.softError = <u32>error;
  notify(t, NOTIFY_TROUBLE);
}

/** The retransmission timer has expired `times` times since something was acknowledged last. */
export function unanswered(t: Tcb, times: u32): void {
  if (times == config(CONFIG_ADVICE_RETRIES)) {
    // MUST-20: the next hop may be the one that is gone. SHLD-9: the program may want to know.
    count(STAT_TCP_NEGATIVE_ADVICE);
    ipDoubt(remotePtr(t));
    notify(t, NOTIFY_TROUBLE);
  }
  if (TINY || config(CONFIG_POLICY) & POLICY_NO_BLACK_HOLES) return;
  if (times == FIRST_CUT) narrow(t, FIRST_MSS); else if (times == SECOND_CUT) narrow(t, SECOND_MSS);
}

/** Full segments may be what the path does not carry: shorter ones from now on. */
function narrow(t: Tcb, mss: u32): void {
  if (t.sndNxt - t.sndUna < <u32>t.sndMss || <u32>t.sndMss <= mss) return;
  count(STAT_TCP_BLACK_HOLES);
  sizeLower(t, mss);
}
