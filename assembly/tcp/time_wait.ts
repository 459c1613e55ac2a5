/** TIME_WAIT: both FINs exchanged, ours acknowledged; the last ACK may have to be sent again (RFC 9293 §3.6). */
import { CONFIG_TIME_WAIT_MS } from "../abi/config";
import { TCP_TIME_WAIT } from "../abi/winsock";
import { config } from "../base/config";
import { M_DETACHED, Tcb } from "./tcb";
import { transition } from "./state";
import { arm, disarm, T_KEEP, T_PERSIST, T_RTX, T_USER, T_WAIT } from "./timer";
import { flag } from "./lists";
import { bufferEmptied, sndUsed } from "./buffers";

/** Enters TIME_WAIT: starts the time-wait timer and turns off the other timers. */
export function enterTimeWait(t: Tcb, by: i32): void {
  assert(sndUsed(t) == 0, "TIME_WAIT with unacknowledged bytes");
  transition(t, TCP_TIME_WAIT, by);
  disarm(t, T_RTX | T_PERSIST | T_USER | T_KEEP);
  restartTimeWait(t);
  bufferEmptied(t);
  if (t.marks & M_DETACHED) flag(t); // egress retires it
}

/** The peer's FIN came again: it has not seen our ACK, so the time starts over (semantics W-21, T-27). */
export function restartTimeWait(t: Tcb): void { arm(t, T_WAIT, config(CONFIG_TIME_WAIT_MS)); }
