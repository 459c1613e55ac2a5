/** Keepalive (RFC 9293 §3.8.4, semantics O-43): off by default, probes an idle connection, fails it when no probe is answered. */
import { WSAENETRESET } from "../abi/errors";
import { TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_FIN_WAIT_2 } from "../abi/winsock";
import { now } from "../base/time";
import { AGREED_USER_TIMEOUT, M_KEEP_NOW, M_KEEPALIVE, Tcb } from "./tcb";
import { flag } from "./lists";
import { arm, armed, disarm, T_KEEP } from "./timer";
import { fail } from "./release";
import { limitOf, somethingOwed } from "./progress";

function applies(t: Tcb): bool { return t.state == TCP_ESTABLISHED || t.state == TCP_CLOSE_WAIT || t.state == TCP_FIN_WAIT_2; }

/** Silence before the first probe, ms: longer than the user timeout where peers tell each other theirs (RFC 5482 §4.2), so that both agree on when to give up. */
function idleLimit(t: Tcb): u32 { return !TINY && t.agreed & AGREED_USER_TIMEOUT ? max(t.keepIdle, limitOf(t) + 1) : t.keepIdle; }

/** Starts the idle timer if keepalive is on and the connection is up. */
export function keepaliveBegin(t: Tcb): void {
  t.keepProbes = 0;
  if (!(t.marks & M_KEEPALIVE)) disarm(t, T_KEEP);
  else if (applies(t)) arm(t, T_KEEP, idleLimit(t));
}

/** The T_KEEP timer. Whatever was heard meanwhile puts it off; outstanding data has its own timer. */
export function keepaliveTimeout(t: Tcb): void {
  if (!(t.marks & M_KEEPALIVE) || !applies(t)) return;
  const idle = now - t.heardAt, limit = idleLimit(t);
  if (idle < limit) {
    t.keepProbes = 0;
    arm(t, T_KEEP, limit - idle);
  } else if (somethingOwed(t)) arm(t, T_KEEP, limit);
  else if (t.keepProbes >= t.keepCount) fail(t, WSAENETRESET);
  else {
    t.keepProbes++;
    t.marks |= M_KEEP_NOW;
    flag(t);
    arm(t, T_KEEP, t.keepInterval);
  }
}

/** A segment came: unanswered probes are forgotten. */
export function keepaliveHeard(t: Tcb): void {
  if (!t.keepProbes) return;
  t.keepProbes = 0;
  if (armed(t, T_KEEP)) arm(t, T_KEEP, idleLimit(t));
}
