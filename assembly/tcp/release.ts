/**
 * How a connection ends and its block returns: closed, aborted, failed, retired to a record of TIME_WAIT.
 * A block is freed when it is CLOSED, nobody will look at it again and no RST is owed.
 */
import { CAUSE_NONE } from "../abi/report";
import {
  TCP_CLOSED, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_LAST_ACK, TCP_LISTEN, TCP_SYN_RCVD,
  TCP_SYN_SENT,
} from "../abi/winsock";
import { deadlineClear } from "../memory/deadlines";
import { idOfConnection } from "../memory/identities";
import {
  indexOf, Listener, listenerOf, M_ACK_NOW, M_DETACHED, M_FIN_HELD, M_HELD, M_KEEP_NOW, M_LINGER_RST, M_PASSIVE, M_PENDING, M_PROBE_NOW,
  M_RST_BARE, M_RST_OWED, M_RTX_NOW, M_SYN_NOW, NOTIFY_CONNECT_FAILED, NOTIFY_FAILED, Tcb, tcb, tcbFree, TF_FAILED,
  TF_FIN_SENT, TF_RST_SENT,
} from "./tcb";
import { embryosCount, flag, List, listPush, listRemove, notify } from "./lists";
import { unhash } from "./table";
import { BY_ABORT, BY_RETIRED, BY_RST, BY_TIMEOUT, transition } from "./state";
import { sackForget } from "./scoreboard";
import { rcvFlush, rcvForgetAhead, sndFlush } from "./buffers";
import { waitingAdd } from "./waiting";

/** A listener's half-open children. */
// @ts-ignore: decorator
@inline export function embryos(l: Listener): List { return changetype<List>(changetype<usize>(l) + offsetof<Listener>("embryos")); }
/** A listener's completed children, oldest first. */
// @ts-ignore: decorator
@inline export function acceptQueue(l: Listener): List { return changetype<List>(changetype<usize>(l) + offsetof<Listener>("queue")); }

/** A new child in SYN_RCVD. */
export function embryoAdd(l: Listener, i: i32): void {
  const t = tcb(i);
  t.listener = <u32>indexOf(l) + 1;
  t.marks |= M_PENDING;
  listPush(embryos(l), i);
  embryosCount(1);
}

/** The child's handshake is complete: it can be accepted. Called before its state changes. */
export function embryoComplete(t: Tcb): void {
  const l = listenerOf(<i32>t.listener - 1), i = indexOf(t);
  listRemove(embryos(l), i);
  embryosCount(-1);
  listPush(acceptQueue(l), i);
}

/** Takes a child out of its listener's lists, whichever it stands in. */
export function childRemove(t: Tcb): void {
  if (!(t.marks & M_PENDING)) return;
  const l = listenerOf(<i32>t.listener - 1), half = t.state == TCP_SYN_RCVD;
  listRemove(half ? embryos(l) : acceptQueue(l), indexOf(t));
  if (half) embryosCount(-1);
  if (t.marks & M_HELD) l.held--;
  t.marks &= ~(M_PENDING | M_HELD);
  t.listener = 0;
}

/** TIME_WAIT, and nobody looks any more: once no ACK is owed a record of 64 bytes takes the block's place, if there is one. Egress asks again. */
export function retire(t: Tcb): void {
  if (t.marks & M_ACK_NOW || t.dupAcksOwed) return;
  if (waitingAdd(t)) closed(t, BY_RETIRED);
}

/** Enters CLOSED: timers end, the send queue is given up, the block leaves every table; unread bytes stay for the owner. */
export function closed(t: Tcb, by: i32): void {
  const i = indexOf(t), unaccepted = (t.marks & M_PENDING) != 0;
  // Semantics O-25: the listener can tell that something it announced has vanished.
  if (unaccepted && by == BY_RST && (t.state != TCP_SYN_RCVD || t.marks & M_HELD)) listenerOf(<i32>t.listener - 1).lost++;
  childRemove(t);
  t.armed = 0;
  deadlineClear(idOfConnection(<u32>i));
  t.marks &= ~(M_ACK_NOW | M_SYN_NOW | M_RTX_NOW | M_PROBE_NOW | M_KEEP_NOW | M_FIN_HELD);
  t.dupAcksOwed = 0;
  sndFlush(t);
  rcvForgetAhead(t);
  if (!TINY) sackForget(t);
  transition(t, TCP_CLOSED, by);
  // Nobody but its listener knew the connection.
  if (unaccepted) t.marks |= M_DETACHED;
  freeIfDone(t);
}

/** Frees a CLOSED block as soon as that is allowed. */
export function freeIfDone(t: Tcb): void {
  if (t.state != TCP_CLOSED || t.marks & M_RST_OWED) return;
  unhash(t, false);
  if (!(t.marks & M_DETACHED)) return;
  rcvFlush(t);
  tcbFree(indexOf(t));
}

/**
 * RFC 9293 §3.10.5: where an abort sends a RST (semantics W-06, W-08, W-09). In LAST-ACK and CLOSING the peer has all but the ACK of
 * our FIN and hears nothing; while that FIN still waits behind unsent bytes (RFC 9293 §3.10.4: the state is CLOSE-WAIT as long as
 * it does), or when a lingering close gives up on what it began (W-10), the peer is told that bytes are missing.
 */
function abortSendsReset(t: Tcb): bool {
  const state = t.state;
  if (state == TCP_LAST_ACK || state == TCP_CLOSING) return !(t.flags & TF_FIN_SENT) || (t.marks & M_LINGER_RST) != 0;
  return state == TCP_SYN_RCVD || state == TCP_ESTABLISHED || state == TCP_FIN_WAIT_1 || state == TCP_FIN_WAIT_2 || state == TCP_CLOSE_WAIT;
}

/** Owes the peer one RST. It outlives the handle; segments that come before it left are swallowed. */
function oweReset(t: Tcb, bare: bool): void {
  t.flags |= TF_RST_SENT;
  t.marks |= M_RST_OWED | (bare ? M_RST_BARE : 0);
  flag(t);
}

/**
 * ABORT (RFC 9293 §3.10.5): <SEQ=SND.NXT><CTL=RST,ACK> where the state calls for it, both queues given up, CLOSED.
 * `error` is what the owner's later calls meet.
 */
export function abort(t: Tcb, cause: u32, error: i32): void {
  if (t.state == TCP_CLOSED || t.state == TCP_LISTEN) return;
  if (abortSendsReset(t)) oweReset(t, false);
  t.cause = <u8>cause;
  t.error = <u32>error;
  rcvFlush(t);
  closed(t, BY_ABORT);
}

/**
 * Text met a connection that cannot take it: reset. `seq` of the RST is SEG.ACK and it carries no ACK if `bare`
 * (semantics W-13); else it is SND.NXT (W-16).
 */
export function refuse(t: Tcb, cause: u32, error: i32, bare: bool, seq: u32): void {
  if (bare) t.sndNxt = seq;
  oweReset(t, bare);
  t.cause = <u8>cause;
  t.error = <u32>error;
  rcvFlush(t);
  notify(t, NOTIFY_FAILED);
  closed(t, BY_ABORT);
}

/** The connection failed without a segment saying so (RFC 9293 §3.10.8). The peer, if it hears us at all, is told. */
export function fail(t: Tcb, error: i32): void {
  const connecting = t.state == TCP_SYN_SENT || (t.state == TCP_SYN_RCVD && !(t.marks & M_PASSIVE));
  if (abortSendsReset(t) && t.state != TCP_SYN_RCVD) oweReset(t, false);
  t.flags |= TF_FAILED;
  t.error = <u32>error;
  t.cause = <u8>CAUSE_NONE;
  rcvFlush(t);
  notify(t, connecting ? NOTIFY_CONNECT_FAILED : NOTIFY_FAILED);
  closed(t, BY_TIMEOUT);
}

/** Ends a listener: its children, half-open or complete, are reset (semantics C-46, W-28); accepted ones are not touched. */
export function listenerClose(l: Listener): void {
  while (l.embryos) abort(tcb(<i32>l.embryos - 1), CAUSE_NONE, 0);
  while (l.queue) abort(tcb(<i32>l.queue - 1), CAUSE_NONE, 0);
  unhash(l, true);
  transition(l, TCP_CLOSED, BY_ABORT);
}
