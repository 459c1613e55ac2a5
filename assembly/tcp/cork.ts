/**
 * LSO_CORK, which other systems call TCP_CORK: while it is on only full segments leave. What fills none waits until the program clears the
 * option or ends its side, or it has waited for 200 ms, which is Linux's limit. Not in tiny.
 */
import { seqGeq, seqLt } from "../base/seq";
import { M_CORKED, Tcb, tcb, TF_CORK_DUE, TF_CORK_WAITS, TF_SEND_SHUT } from "./tcb";
import { flag } from "./lists";
import { arm, T_IDLE } from "./timer";
import { urgentWaits } from "./urgent";

/** Text waits no longer than this, milliseconds. */
const LIMIT_MS: u32 = 200;

/** SND.NXT when the connection began to send in this turn. */
let begun: u32 = 0;

/** Segments below the full size may not leave now. */
export function corkHolds(t: Tcb): bool {
  return (t.marks & M_CORKED) != 0 && !(t.flags & TF_CORK_DUE) && !(t.flags & TF_SEND_SHUT) && !urgentWaits(t);
}

/** Before a connection sends for which a limit runs or is over. */
export function corkBegin(t: Tcb): void { begun = t.sndNxt; }

/** What is queued waits: the limit runs from now, unless it runs for the same text already. */
export function corkWait(t: Tcb): void {
  if (t.flags & TF_CORK_WAITS && t.sndNxt == begun) return;
  t.flags |= TF_CORK_WAITS;
  // Empty buffers can wait: T_IDLE looks for them when it expires without text that waits.
  arm(t, T_IDLE, LIMIT_MS);
}

/** After it sent: the limit is for text that was queued by then. */
export function corkEnd(t: Tcb): void { if (seqGeq(t.sndNxt, t.sndEnd)) t.flags &= ~(TF_CORK_WAITS | TF_CORK_DUE); }

/** T_IDLE expired: false if it was not for text that waits. */
export function corkTimeout(t: Tcb): bool {
  if (!(t.flags & TF_CORK_WAITS)) return false;
  t.flags &= ~TF_CORK_WAITS;
  push(t);
  return true;
}

/** All that is queued may leave as if Nagle were off. */
function push(t: Tcb): void {
  if (!seqLt(t.sndNxt, t.sndEnd)) return;
  t.flags |= TF_CORK_DUE;
  flag(t);
}

/** LSO_CORK. Cleared, what waits leaves at the next poll, a short segment of it as the Nagle algorithm allows. */
export function tcpSetCork(i: i32, on: bool): void {
  const t = tcb(i);
  // What waits already goes on waiting for its own limit.
  if (on == ((t.marks & M_CORKED) != 0)) return;
  t.marks = on ? t.marks | M_CORKED : t.marks & ~M_CORKED;
  t.flags &= ~(TF_CORK_WAITS | TF_CORK_DUE);
  if (!on) flag(t);
}

/** TCP_NODELAY was set: what waits leaves at once, what comes later waits again. */
export function corkPush(t: Tcb): void { if (t.marks & M_CORKED) push(t); }
