/**
 * The machine: every legal state transition with its cause, in one table (RFC 9293 §3.3.2). Only transition() writes a state.
 */
import {
  TCP_CLOSED, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_LAST_ACK, TCP_LISTEN,
  TCP_SYN_RCVD, TCP_SYN_SENT, TCP_TIME_WAIT,
} from "../abi/winsock";
import {
  STAT_TCP_ACTIVE_OPENS, STAT_TCP_ATTEMPT_FAILS, STAT_TCP_CURR_ESTAB, STAT_TCP_ESTAB_RESETS, STAT_TCP_ORPHANS, STAT_TCP_PASSIVE_OPENS,
  STAT_TCP_TIME_WAITS,
} from "../abi/stats";
import { count, countBy } from "../base/counters";
import { Endpoint, M_ORPHAN, M_PASSIVE, NOTIFY_CONNECTED, NOTIFY_SETTLED, TF_CONNECTED_ONCE } from "./tcb";
import { notify } from "./lists";

/** Causes of a transition: a user call, a segment, a timer. */
export const BY_PASSIVE_OPEN: i32 = 1;
export const BY_ACTIVE_OPEN: i32 = 2;
export const BY_CLOSE: i32 = 3;
export const BY_ABORT: i32 = 4;
export const BY_SYN: i32 = 5;
export const BY_SYN_ACK: i32 = 6;
export const BY_ACK_OF_SYN: i32 = 7;
export const BY_FIN: i32 = 8;
export const BY_ACK_OF_FIN: i32 = 9;
export const BY_RST: i32 = 10;
export const BY_TIMEOUT: i32 = 11;
/** A new connection takes the place of one in TIME_WAIT. */
export const BY_SUCCESSOR: i32 = 12;
/** Nobody looks at a connection in TIME_WAIT: a record goes on waiting in its place (tcp/waiting). */
export const BY_RETIRED: i32 = 13;

/** Numbers per row. */
const ROW: u32 = 3;
const ROWS: u32 = 43;

/** from, to, cause. */
function rows(): usize {
  return memory.data<i32>([
    TCP_CLOSED, TCP_LISTEN, BY_PASSIVE_OPEN,
    TCP_CLOSED, TCP_SYN_SENT, BY_ACTIVE_OPEN,
    // A listener stays in LISTEN; the child that answers the SYN begins in SYN_RCVD.
    TCP_CLOSED, TCP_SYN_RCVD, BY_SYN,
    TCP_LISTEN, TCP_CLOSED, BY_ABORT,
    TCP_SYN_SENT, TCP_ESTABLISHED, BY_SYN_ACK,
    TCP_SYN_SENT, TCP_SYN_RCVD, BY_SYN,
    TCP_SYN_SENT, TCP_CLOSED, BY_RST,
    TCP_SYN_SENT, TCP_CLOSED, BY_TIMEOUT,
    TCP_SYN_SENT, TCP_CLOSED, BY_ABORT,
    TCP_SYN_RCVD, TCP_ESTABLISHED, BY_ACK_OF_SYN,
    TCP_SYN_RCVD, TCP_CLOSED, BY_RST,
    TCP_SYN_RCVD, TCP_CLOSED, BY_TIMEOUT,
    TCP_SYN_RCVD, TCP_CLOSED, BY_ABORT,
    TCP_ESTABLISHED, TCP_FIN_WAIT_1, BY_CLOSE,
    TCP_ESTABLISHED, TCP_CLOSE_WAIT, BY_FIN,
    TCP_ESTABLISHED, TCP_CLOSED, BY_RST,
    TCP_ESTABLISHED, TCP_CLOSED, BY_TIMEOUT,
    TCP_ESTABLISHED, TCP_CLOSED, BY_ABORT,
    TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, BY_ACK_OF_FIN,
    TCP_FIN_WAIT_1, TCP_CLOSING, BY_FIN,
    TCP_FIN_WAIT_1, TCP_CLOSED, BY_RST,
    TCP_FIN_WAIT_1, TCP_CLOSED, BY_TIMEOUT,
    TCP_FIN_WAIT_1, TCP_CLOSED, BY_ABORT,
    TCP_FIN_WAIT_2, TCP_TIME_WAIT, BY_FIN,
    TCP_FIN_WAIT_2, TCP_CLOSED, BY_RST,
    TCP_FIN_WAIT_2, TCP_CLOSED, BY_TIMEOUT,
    TCP_FIN_WAIT_2, TCP_CLOSED, BY_ABORT,
    TCP_CLOSE_WAIT, TCP_LAST_ACK, BY_CLOSE,
    TCP_CLOSE_WAIT, TCP_CLOSED, BY_RST,
    TCP_CLOSE_WAIT, TCP_CLOSED, BY_TIMEOUT,
    TCP_CLOSE_WAIT, TCP_CLOSED, BY_ABORT,
    TCP_CLOSING, TCP_TIME_WAIT, BY_ACK_OF_FIN,
    TCP_CLOSING, TCP_CLOSED, BY_RST,
    TCP_CLOSING, TCP_CLOSED, BY_TIMEOUT,
    TCP_CLOSING, TCP_CLOSED, BY_ABORT,
    TCP_LAST_ACK, TCP_CLOSED, BY_ACK_OF_FIN,
    TCP_LAST_ACK, TCP_CLOSED, BY_RST,
    TCP_LAST_ACK, TCP_CLOSED, BY_TIMEOUT,
    TCP_LAST_ACK, TCP_CLOSED, BY_ABORT,
    TCP_TIME_WAIT, TCP_CLOSED, BY_TIMEOUT,
    TCP_TIME_WAIT, TCP_CLOSED, BY_ABORT,
    TCP_TIME_WAIT, TCP_CLOSED, BY_SUCCESSOR,
    TCP_TIME_WAIT, TCP_CLOSED, BY_RETIRED,
  ]);
}

/** True if the table has that row. */
export function transitionLegal(from: i32, to: i32, cause: i32): bool {
  const table = rows();
  for (let r: u32 = 0; r < ROWS; r++) {
    const row = table + <usize>(r * ROW << 2);
    if (load<i32>(row) == from && load<i32>(row, 4) == to && load<i32>(row, 8) == cause) return true;
  }
  return false;
}

/** Moves a connection or listener to `to`, counts it and tells its owner. Timers and buffers are the caller's business. */
export function transition(e: Endpoint, to: i32, cause: i32): void {
  const from = e.state;
  if (DEBUG) assert(transitionLegal(from, to, cause), "illegal state transition");
  e.state = to;
  tally(e, from, to, cause);
  if (to == TCP_ESTABLISHED) {
    e.flags |= TF_CONNECTED_ONCE;
    if (!(e.marks & M_PASSIVE)) notify(e, NOTIFY_CONNECTED);
  } else if (to == TCP_TIME_WAIT || to == TCP_CLOSED) notify(e, NOTIFY_SETTLED);
}

/** The counters of RFC 4022 and ours. */
function tally(e: Endpoint, from: i32, to: i32, cause: i32): void {
  if (cause == BY_ACTIVE_OPEN) count(STAT_TCP_ACTIVE_OPENS);
  else if (to == TCP_SYN_RCVD && from == TCP_CLOSED) count(STAT_TCP_PASSIVE_OPENS);
  else if (to == TCP_CLOSED) {
    if (from == TCP_SYN_SENT || from == TCP_SYN_RCVD) count(STAT_TCP_ATTEMPT_FAILS);
    else if (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT) count(STAT_TCP_ESTAB_RESETS);
  }
  // RFC 4022 tcpCurrEstab: ESTABLISHED or CLOSE-WAIT.
  const was = from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT, is = to == TCP_ESTABLISHED || to == TCP_CLOSE_WAIT;
  if (was != is) countBy(STAT_TCP_CURR_ESTAB, is ? 1 : -1);
  if (to == TCP_TIME_WAIT) count(STAT_TCP_TIME_WAITS);
  else if (from == TCP_TIME_WAIT) countBy(STAT_TCP_TIME_WAITS, -1);
  if (e.marks & M_ORPHAN && from != TCP_TIME_WAIT && (to == TCP_TIME_WAIT || to == TCP_CLOSED)) countBy(STAT_TCP_ORPHANS, -1);
}
