/** Timers expire (RFC 9293 §3.10.8). They only mark what must leave; egress of the same poll sends it. */
import { CONFIG_SYN_RETRIES } from "../abi/config";
import { WSAETIMEDOUT } from "../abi/errors";
import { TCP_CLOSED, TCP_SYN_SENT } from "../abi/winsock";
import { config } from "../base/config";
import { M_HELD, M_SYN_NOW, M_USED, Tcb, tcb } from "./tcb";
import { flag } from "./lists";
import { arm, T_ACK, T_IDLE, T_KEEP, T_PERSIST, T_RACK, T_RTX, T_USER, T_WAIT, timerDue, timersEnter } from "./timer";
import { ackNow } from "./guard";
import { buffersIdle } from "./buffers";
import { corkTimeout } from "./cork";
import { keepaliveTimeout } from "./keepalive";
import { userTimeout, waitTimeout } from "./progress";
import { fail } from "./release";
import { BACKOFF_MAX, persistTimeout, retransmitTimeout, rtoNow, rttCancel } from "./retransmission";
import { ecnGiveUp } from "./ecn";
import { rackTimeout, tailFirst } from "./rack";
import { opening } from "./segment_out";
import { unanswered } from "./trouble";

/** The deadline of connection i has come: runs what is due and enters the next one. */
export function tcpTimer(i: i32): void {
  const t = tcb(i);
  // A handler may end the connection and free the block; what is due then was disarmed with it.
  for (let timer = timerDue(t); timer; timer = timerDue(t)) expire(t, timer);
  if (t.marks & M_USED) timersEnter(t);
}

function expire(t: Tcb, timer: u32): void {
  switch (timer) {
    case T_RTX: if (opening(t)) synTimeout(t); else if (!(!TINY && tailFirst(t))) textTimeout(t); break;
    case T_PERSIST: persistTimeout(t); break;
    case T_ACK: ackNow(t); break;
    case T_RACK: if (!TINY) rackTimeout(t); break;
    case T_USER: userTimeout(t); break;
    case T_KEEP: keepaliveTimeout(t); break;
    case T_WAIT: waitTimeout(t); break;
    case T_IDLE: if (!TINY && !corkTimeout(t)) buffersIdle(t, t.state == TCP_CLOSED); break;
  }
}

/** Outstanding text or FIN was not acknowledged in time. */
function textTimeout(t: Tcb): void {
  // First, so that what is sent again already has the size decided there.
  if (t.sndNxt != t.sndUna) unanswered(t, <u32>t.backoff + 1);
  retransmitTimeout(t);
}

/** A SYN or SYN,ACK was not answered: again with twice the patience, or the attempt has failed (RFC 9293 MUST-23). */
function synTimeout(t: Tcb): void {
  if (t.marks & M_HELD || <u32>t.synRetries >= config(CONFIG_SYN_RETRIES)) {
    fail(t, t.softError ? <i32>t.softError : WSAETIMEDOUT);
    return;
  }
  if (!TINY && t.state == TCP_SYN_SENT) ecnGiveUp(t);
  if (t.synRetries < 255) t.synRetries++;
  if (<u32>t.backoff < BACKOFF_MAX) t.backoff++;
  rttCancel(t);
  unanswered(t, <u32>t.backoff);
  t.marks |= M_SYN_NOW;
  arm(t, T_RTX, rtoNow(t));
  flag(t);
}
