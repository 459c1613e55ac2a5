/** Which kind of close it will be (semantics §0.1), decided at the moment the last descriptor is closed. */
import { SWITCH_V07_IDLE_CLOSE_SUCCEEDS, SWITCH_V08_UNREAD_CLOSE_FIN, SWITCH_V14_SHUT_CLOSE_RETURNS } from "../../abi/config";
import { streamOutstanding } from "../../provider/index";
import { TF_FIN_ACKED } from "../../tcp/tcb";
import { has, S_NONBLOCKING, S_SEND_SHUT, Socket } from "../socket";
import { chosen, factsOf, TF_LOST, unreadOf } from "../status";

/** GRACEFUL_BACKGROUND: returns at once, data and FIN follow. */
export const CLOSE_BACKGROUND: u32 = 0;
/** Nothing is left to do: the connection is lost or over. */
export const CLOSE_NOTHING: u32 = 1;
/** ABORT: linger { on, 0 }. */
export const CLOSE_ABORT: u32 = 2;
/** RST because received data was not read (V-08). */
export const CLOSE_UNREAD: u32 = 3;
/** LINGER_WAIT: returns when data and FIN are acknowledged, or after l_linger seconds. */
export const CLOSE_LINGER: u32 = 4;
/** REFUSE: 10035, nothing happens. */
export const CLOSE_REFUSE: u32 = 5;

/** The kind for a connected stream socket. */
export function closeKind(s: Socket): u32 {
  const facts = factsOf(s);
  // C-26: what the peer or a failure has ended needs no waiting.
  if (facts & TF_LOST) return CLOSE_NOTHING;
  if (s.lingerOn && !s.lingerSecs) return CLOSE_ABORT;
  // V-26: unread data wins over lingering. A drain reads it instead.
  if (!s.drainMs && unreadOf(s) && !chosen(SWITCH_V08_UNREAD_CLOSE_FIN)) return CLOSE_UNREAD;
  if (!s.lingerOn || facts & TF_FIN_ACKED) return CLOSE_BACKGROUND;
  if (!has(s, S_NONBLOCKING)) return lingers(s) ? CLOSE_LINGER : CLOSE_BACKGROUND;
  // C-22: SD_SEND is the documented way out of the refusal; C-25, V-07: an idle connection is refused too.
  if (has(s, S_SEND_SHUT)) return CLOSE_BACKGROUND;
  return chosen(SWITCH_V07_IDLE_CLOSE_SUCCEEDS) && streamOutstanding(s.provider, s.transport) == 0 ? CLOSE_BACKGROUND : CLOSE_REFUSE;
}

/** A close waits for l_linger seconds at most, if there is anything to wait for (V-14). */
export function lingers(s: Socket): bool {
  return s.lingerOn != 0 && s.lingerSecs != 0 && !has(s, S_NONBLOCKING) && !(has(s, S_SEND_SHUT) && chosen(SWITCH_V14_SHUT_CLOSE_RETURNS));
}
