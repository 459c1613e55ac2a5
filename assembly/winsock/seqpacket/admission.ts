/**
 * Listening for messages. Connections leave TCP's queue at once and wait here, as objects without handles, until their connection
 * request has come: only then can they be accepted (FD_ACCEPT). At most `backlog` of them wait, each at most 30 s for its request.
 */
import { CAUSE_ABORT, CAUSE_NONE, CAUSE_PROTOCOL } from "../../abi/report";
import { SOCK_SEQPACKET } from "../../abi/winsock";
import { due } from "../../base/time";
import { A_HELD, A_OPEN, A_WAIT_CR, Association, associationAlloc, associationBegin, associationLimit, ownTsap } from "../../cotp/association";
import { NEWS_BROKEN, NEWS_CUT, NEWS_REFUSED, NEWS_REQUESTED, take } from "../../cotp/input";
import { sendConfirm, sendRefusal } from "../../cotp/output";
import { deadlineBefore } from "../../memory/deadlines";
import { idOfSocket } from "../../memory/identities";
import {
  streamAbort, streamAcceptTake, streamAttach, streamDetach, streamSetUrgentInline, streamShutdownSend,
} from "../../provider/index";
import { NOTIFY_FAILED, NOTIFY_RESET } from "../../tcp/tcb";
import { REASON_REFUSED } from "../../wire/cotp";
import { has, indexOf, overlapTake, S_CONDITIONAL, S_PENDING, Socket, socketAlloc, socketAt, socketFree } from "../socket";
import { associationOf } from "./facts";
import { handshakeBy } from "./news";

/** Takes connections out of TCP's queue, as many as the backlog allows. */
export function admit(l: Socket): void {
  // A child that is dropped while it is taken makes room for the next: the loop below sees it.
  if (admitting) return;
  admitting = true;
  takeAll(l);
  admitting = false;
}
let admitting: bool = false;

function takeAll(l: Socket): void {
  const list = associationOf(l);
  while (list.children < list.backlog) {
    const i = streamAcceptTake(l.provider, l.transport);
    if (i < 0) return;
    if (newChild(l, list, i)) continue;
    // No memory: the peer must not believe that somebody listens.
    streamAbort(l.provider, i, CAUSE_ABORT);
    streamDetach(l.provider, i);
  }
}

function newChild(l: Socket, list: Association, i: i32): bool {
  const c = socketAlloc();
  if (!changetype<usize>(c)) return false;
  if (overlapTake(c)) c.message = associationAlloc(l.provider);
  if (!c.message) { socketFree(c); return false; }
  c.type = <u8>SOCK_SEQPACKET;
  c.provider = l.provider;
  c.transport = i;
  c.flags = S_PENDING;
  const a = associationOf(c);
  associationBegin(a, i, A_WAIT_CR, l.recvLimit);
  a.ownLength = list.ownLength;
  memory.copy(ownTsap(a), ownTsap(list), list.ownLength);
  a.listener = indexOf(l) + 1;
  append(list, a, indexOf(c) + 1);
  handshakeBy(c, a);
  streamAttach(c.provider, i, <i32>indexOf(c));
  streamSetUrgentInline(c.provider, i, true);
  childNews(c, 0);
  return true;
}

function append(list: Association, a: Association, ref: u32): void {
  a.prev = list.last;
  if (list.last) associationOf(socketAt(list.last - 1)).next = ref; else list.first = ref;
  list.last = ref;
  list.children++;
}

/** Takes child c out of its listener's list. */
function unlink(c: Socket): Socket {
  const a = associationOf(c), l = socketAt(a.listener - 1), list = associationOf(l);
  if (a.prev) associationOf(socketAt(a.prev - 1)).next = a.next; else list.first = a.next;
  if (a.next) associationOf(socketAt(a.next - 1)).prev = a.prev; else list.last = a.prev;
  a.prev = a.next = a.listener = 0;
  list.children--;
  if (a.state == A_HELD || a.state == A_OPEN) list.ready--;
  return l;
}

/** The stream of a child that waits has NOTIFY_ news. */
export function childNews(c: Socket, bits: u32): void {
  const a = associationOf(c);
  if (bits & (NOTIFY_RESET | NOTIFY_FAILED)) { drop(c, CAUSE_NONE); return; }
  const waited = a.state == A_WAIT_CR, l = socketAt(a.listener - 1);
  const news = take(a);
  if (news & NEWS_REQUESTED) {
    if (!has(l, S_CONDITIONAL)) sendConfirm(a);
    associationOf(l).ready++;
    return;
  }
  if (!(news & (NEWS_BROKEN | NEWS_CUT | NEWS_REFUSED))) return;
  // take has left A_DEAD behind: the count of those that could be accepted goes by what it was.
  if (!waited && news & (NEWS_BROKEN | NEWS_REFUSED)) associationOf(l).ready--;
  if (news & NEWS_REFUSED) dismiss(c); else drop(c, CAUSE_PROTOCOL);
}

/** The deadline of a child: its request did not come. */
export function childDue(c: Socket): void {
  const a = associationOf(c);
  if (a.state != A_WAIT_CR) return;
  if (due(a.until)) drop(c, CAUSE_PROTOCOL); else deadlineBefore(idOfSocket(indexOf(c)), a.until);
}

/** The refusal is sent: it leaves in good order. */
function dismiss(c: Socket): void {
  const l = unlink(c);
  streamShutdownSend(c.provider, c.transport);
  streamDetach(c.provider, c.transport);
  socketFree(c);
  admit(l);
}

/** Resets a child. */
function drop(c: Socket, cause: u32): void {
  const l = unlink(c);
  streamAbort(c.provider, c.transport, cause);
  streamDetach(c.provider, c.transport);
  socketFree(c);
  if (cause != CAUSE_ABORT) admit(l);
}

/** The child that has waited longest of those that can be accepted; address 0 if there is none. */
export function admittedFirst(l: Socket): Socket {
  for (let ref = associationOf(l).first; ref;) {
    const c = socketAt(ref - 1), a = associationOf(c);
    if (a.state == A_HELD || a.state == A_OPEN) return c;
    ref = a.next;
  }
  return changetype<Socket>(0);
}

/** Child c of l gets its handle: it leaves the list, and its request is confirmed if that waited for this. */
export function admittedTake(l: Socket, c: Socket): void {
  unlink(c);
  const a = associationOf(c);
  if (a.state == A_HELD) sendConfirm(a);
  admit(l);
}

/** Child c of l becomes the connection of socket a, which has none (AcceptEx); returns the stream. */
export function admittedMove(l: Socket, c: Socket, a: Socket): i32 {
  admittedTake(l, c);
  const i = c.transport, former = a.message;
  a.message = c.message;
  c.message = former;
  socketFree(c);
  associationLimit(associationOf(a), a.recvLimit);
  return i;
}

/** CF_REJECT for the oldest: a disconnect request in answer to its connection request, if that can be had, else a reset (O-22). */
export function admittedReject(l: Socket): void {
  const c = admittedFirst(l);
  if (!changetype<usize>(c)) return;
  const a = associationOf(c);
  if (a.state == A_HELD && sendRefusal(a, REASON_REFUSED)) dismiss(c); else drop(c, CAUSE_PROTOCOL);
}

/** The listener closes: those that nobody accepted are reset (C-46). */
export function admittedDrop(l: Socket): void {
  for (let ref = associationOf(l).first; ref; ref = associationOf(l).first) drop(socketAt(ref - 1), CAUSE_ABORT);
}
