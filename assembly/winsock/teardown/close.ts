/**
 * closesocket: from the last descriptor to the close report. The descriptor dies in the call; the object lives until the
 * connection settles (seam.md): lingering, once data and FIN are acknowledged or time is up; in the background, at TIME_WAIT
 * or CLOSED or when the orphan limits end it.
 */
import { CONFIG_ORPHAN_FIN_WAIT2_MS } from "../../abi/config";
import { LASTACK_WAIT, WSAENOBUFS, WSAENOTCONN, WSAENOTSOCK, WSAEWOULDBLOCK } from "../../abi/errors";
import { CAUSE_ABORT, CAUSE_CLEANUP, CAUSE_DATA_AFTER_CLOSE, CAUSE_LINGER0, CAUSE_NONE, CAUSE_UNREAD_DATA } from "../../abi/report";
import { TCP_CLOSED, TCP_TIME_WAIT } from "../../abi/winsock";
import { config } from "../../base/config";
import { due, now } from "../../base/time";
import { deadlineBefore } from "../../memory/deadlines";
import { handleFormer, handleFree } from "../../memory/handles";
import { idOfSocket } from "../../memory/identities";
import {
  datagramClose, streamAbort, streamBlind, streamConsume, streamDetach, streamFetch, streamLinger, streamOrphan, streamReads, streamShutdownSend, streamState,
} from "../../provider/index";
import { NOTIFY_HALF_DONE, NOTIFY_SETTLED, TF_FIN_ACKED } from "../../tcp/tcb";
import { duplicatesForget } from "../duplicate";
import { messagesEnd } from "../asyncselect";
import { operationsEnd } from "../overlapped/cancel";
import { operationsProgress } from "../overlapped/progress";
import { admittedDrop } from "../seqpacket/admission";
import { seqpacketDrain, seqpacketEnd } from "../seqpacket/news";
import { portDrop } from "../ports";
import { finish } from "../result";
import {
  addOrphans, countHandles, enter, has, indexOf, isSeqpacket, isStream, it, S_CONNECTED, S_LISTENING, Socket, socketAt, socketsUsed, socketFree, T_BACKGROUND,
  T_LINGER, T_OPEN, T_REPORTED,
} from "../socket";
import { factsOf, TF_LOST, unreadOf } from "../status";
import { cancelWaits, clockNow, lingerAnswer, lingerOver, lingerWait, selectsLeave, wake } from "../waits";
import { CLOSE_ABORT, CLOSE_LINGER, CLOSE_NOTHING, CLOSE_REFUSE, CLOSE_UNREAD, closeKind, lingers } from "./linger";
import { reportMake } from "./report";

/**
 * Closes descriptor `s`. If others name the same socket nothing else happens (H-06). Otherwise by linger: off (default) returns
 * at once and goes on in the background; { on, 0 } resets; { on, T } waits (LASTACK_WAIT) until the peer's stack has
 * acknowledged everything or T seconds have passed, then returns 0 either way (C-17). One close report follows in every case.
 * An acknowledgement means the peer's stack has the bytes, not its program.
 * Errors: 10093, 10038, 10035 (nonblocking with { on, T }: nothing has happened, C-18), 10055 (no wait record: nothing has
 * happened), 10004 (the wait was cancelled; the close goes on).
 */
export function WSPCloseSocket(s: u32, lpErrno: usize): i32 {
  let e = enter(s);
  if (!e) e = closeDescriptor(it, s);
  else if (e == WSAENOTSOCK) {
    const answer = lingerAnswer(s);
    if (answer) e = answer < 0 ? 0 : answer;
  }
  return finish(e, lpErrno);
}

function closeDescriptor(s: Socket, h: u32): i32 {
  if (s.refs > 1) {
    s.refs--;
    releaseDescriptor(s, h);
    return 0;
  }
  clockNow();
  if (!isStream(s) || !has(s, S_CONNECTED)) { closeUnconnected(s, h); return 0; }
  streamFetch(s.provider, s.transport);
  // What has come belongs to receives that wait already.
  if (!TINY) operationsProgress(s);
  const kind = closeKind(s);
  if (kind == CLOSE_REFUSE) return WSAEWOULDBLOCK;
  if (kind == CLOSE_LINGER && !lingerWait(s, h)) return WSAENOBUFS;
  s.closedState = <u8>streamState(s.provider, s.transport);
  leave(s, h, kind == CLOSE_LINGER ? T_LINGER : T_BACKGROUND);
  if (kind == CLOSE_ABORT) abortNow(s, overAlready(s) ? CAUSE_NONE : CAUSE_LINGER0);
  else if (kind == CLOSE_UNREAD) abortNow(s, CAUSE_UNREAD_DATA);
  else if (kind == CLOSE_NOTHING) settle(s);
  else return closeGracefully(s, kind == CLOSE_LINGER);
  return 0;
}

/** For leave: the last WSPCleanup does it, so that no operation tells of its end (C-53). */
const T_CLEANUP: u8 = 3;

/** Both FINs are through: what is left is only time. */
function over(state: i32): bool { return state == TCP_TIME_WAIT || state == TCP_CLOSED; }
// @ts-ignore: decorator
@inline function overAlready(s: Socket): bool { return over(<i32>s.closedState); }

/** Descriptor h is gone: its handle, and the calls that wait on it. */
function releaseDescriptor(s: Socket, h: u32): void {
  cancelWaits(s, s.refs ? h : 0);
  handleFree(h);
  countHandles();
}

/** The last descriptor goes; from here on nothing of the caller's hangs on the object (C-27: not even its event object). */
function leave(s: Socket, h: u32, teardown: u8): void {
  s.handle = h;
  s.refs = 0;
  if (!TINY) {
    operationsEnd(s, teardown == T_CLEANUP);
    messagesEnd(s);
  }
  s.teardown = teardown == T_CLEANUP ? T_BACKGROUND : teardown;
  s.closedAt = now;
  s.eventMask = 0;
  s.eventHandle = 0;
  duplicatesForget(s);
  releaseDescriptor(s, h);
  selectsLeave(s);
  if (teardown != T_LINGER) s.closeWait = 0;
  addOrphans(1);
}

/** Listeners, datagram sockets, attempts to connect, and sockets that never did anything: L-30, L-31, C-46 … C-49. */
function closeUnconnected(s: Socket, h: u32): void {
  if (s.transport >= 0 && isStream(s)) s.closedState = <u8>streamState(s.provider, s.transport);
  leave(s, h, T_BACKGROUND);
  settle(s);
}

function closeGracefully(s: Socket, waits: bool): i32 {
  if (overAlready(s)) { settle(s); return 0; }
  if (isSeqpacket(s)) seqpacketEnd(s); else streamShutdownSend(s.provider, s.transport);
  if (waits) {
    // T-24: the clock starts at this call.
    s.lingerUntil = s.closedAt + (s.lingerMs ? s.lingerMs : <u32>s.lingerSecs * 1000);
    s.lingering = 1;
    deadlineBefore(idOfSocket(indexOf(s)), s.lingerUntil);
    streamLinger(s.provider, s.transport);
  }
  if (s.drainMs) startDrain(s); else forsake(s);
  return waits ? LASTACK_WAIT : 0;
}

/** From now on nobody reads: data that arrives resets the connection (C-45). In FIN_WAIT_2 linger has nothing to wait for (V-21). */
function forsake(s: Socket): void {
  // The peer ends with octets of its own: what comes is read until then, and messages reset (C-45).
  if (isSeqpacket(s)) streamReads(s.provider, s.transport);
  streamOrphan(s.provider, s.transport);
  if (lingers(s) && factsOf(s) & TF_FIN_ACKED) settle(s);
}

/** LSO_DRAIN: read and discard for a while, so that the peer's data does not reset the connection. */
function startDrain(s: Socket): void {
  s.drainUntil = s.closedAt + s.drainMs;
  s.draining = 1;
  deadlineBefore(idOfSocket(indexOf(s)), s.drainUntil);
  drain(s, CAUSE_UNREAD_DATA);
}

/** Throws away what is unread; false if that was too much and the connection was reset for `cause`. */
function drain(s: Socket, cause: u32): bool {
  if (isSeqpacket(s)) return drainSeqpacket(s, cause);
  if (!s.draining) return true;
  const n = unreadOf(s);
  // Where both sides have finished there is nobody left to reset.
  if (n > s.drainBytes - s.drained && !over(streamState(s.provider, s.transport))) { abortNow(s, cause); return false; }
  if (n) streamConsume(s.provider, s.transport, n);
  s.drained += n;
  return true;
}

/** drain for messages, which goes on without LSO_DRAIN too: then none may come. A broken protocol after the close is the peer's affair. */
function drainSeqpacket(s: Socket, cause: u32): bool {
  const n = seqpacketDrain(s), room: u32 = s.draining ? s.drainBytes - s.drained : 0;
  s.drained += n;
  if (n <= room || over(streamState(s.provider, s.transport))) return true;
  if (s.teardown == T_REPORTED) end(s, true); else abortNow(s, cause);
  return false;
}

/** Resets what is connected and settles with that cause; CAUSE_NONE lets the facts speak, an abort before the close among them. */
function abortNow(s: Socket, cause: u32): void {
  if (cause) s.abortCause = <u8>cause;
  streamAbort(s.provider, s.transport, cause ? cause : CAUSE_ABORT);
  settle(s);
}

/** A closed socket's connection has news. */
export function closeProgress(s: Socket, bits: u32): void {
  const facts = factsOf(s);
  // What came with the peer's FIN counts as drained too.
  if (!(facts & TF_LOST) && !drain(s, CAUSE_DATA_AFTER_CLOSE)) return;
  if (s.teardown == T_REPORTED) {
    if (facts & TF_LOST || bits & NOTIFY_SETTLED) end(s, false);
    return;
  }
  if (facts & TF_LOST || bits & NOTIFY_SETTLED) { settle(s); return; }
  // V-21: a linger wait ends when data and FIN are acknowledged, whatever the peer's program does.
  if (s.teardown == T_LINGER && (bits & NOTIFY_HALF_DONE || facts & TF_FIN_ACKED)) settle(s);
}

/** Deadlines of a closed socket: end of the linger wait (C-15), end of the drain. */
export function closeTimer(s: Socket): void {
  if (s.teardown == T_OPEN) return;
  if (s.teardown == T_REPORTED) { if (due(s.drainUntil)) end(s, false); else deadlineBefore(idOfSocket(indexOf(s)), s.drainUntil); return; }
  if (s.lingering) {
    if (due(s.lingerUntil)) {
      // N-18, N-19: where nothing is known of acknowledgements, a reset might undo what was delivered.
      if (streamBlind(s.provider, s.transport)) { settle(s); return; }
      s.lingerExpired = 1;
      abortNow(s, CAUSE_NONE);
      return;
    }
    deadlineBefore(idOfSocket(indexOf(s)), s.lingerUntil);
  }
  if (!s.draining) return;
  if (!due(s.drainUntil)) { deadlineBefore(idOfSocket(indexOf(s)), s.drainUntil); return; }
  s.draining = 0;
  forsake(s);
}

/** The one end of every close: report, wake-up, and the object is free. */
export function settle(s: Socket): void {
  reportMake(s);
  lingerOver(s);
  addOrphans(-1);
  if (isSeqpacket(s) && hearsOn(s)) return;
  if (s.transport >= 0) letGo(s);
  portDrop(s);
  socketFree(s);
}

/** After a linger wait the peer may still end its side, which takes octets: the object stays for them, as long as FIN_WAIT_2 may last. */
function hearsOn(s: Socket): bool {
  if (!has(s, S_CONNECTED) || s.transport < 0 || factsOf(s) & TF_LOST || over(streamState(s.provider, s.transport))) return false;
  s.teardown = T_REPORTED;
  s.lingering = 0;
  s.drainUntil = now + min<u32>(config(CONFIG_ORPHAN_FIN_WAIT2_MS), 0x3fffffff);
  deadlineBefore(idOfSocket(indexOf(s)), s.drainUntil);
  return true;
}

/** The end of an object whose report was made before. */
function end(s: Socket, reset: bool): void {
  if (reset) streamAbort(s.provider, s.transport, CAUSE_DATA_AFTER_CLOSE);
  streamDetach(s.provider, s.transport);
  portDrop(s);
  socketFree(s);
}

function letGo(s: Socket): void {
  if (isSeqpacket(s) && has(s, S_LISTENING)) admittedDrop(s);
  if (!isStream(s)) { datagramClose(s.provider, s.transport); return; }
  // C-48, C-46: an attempt to connect and a listener end without a word of their own; queued connections are reset.
  if (!has(s, S_CONNECTED)) streamAbort(s.provider, s.transport, CAUSE_NONE);
  else if (s.draining) streamOrphan(s.provider, s.transport);
  streamDetach(s.provider, s.transport);
}

/** The last WSPCleanup takes descriptor h: the last one of a socket resets what is connected (C-53). */
export function closeForCleanup(s: Socket, h: u32): void {
  if (s.refs > 1) {
    s.refs--;
    releaseDescriptor(s, h);
    return;
  }
  if (isStream(s) && s.transport >= 0) s.closedState = <u8>streamState(s.provider, s.transport);
  leave(s, h, T_CLEANUP);
  settleForCleanup(s);
}

/** A closed socket that the last WSPCleanup still finds busy (C-54), or has just closed. */
export function settleForCleanup(s: Socket): void {
  if (s.teardown == T_REPORTED) { end(s, true); return; }
  if (!isStream(s) || !has(s, S_CONNECTED) || factsOf(s) & TF_LOST || over(streamState(s.provider, s.transport))) settle(s);
  else abortNow(s, CAUSE_CLEANUP);
}

/**
 * Resets the connection of `s` now (RFC 9293 §3.10.5); queued data is lost. An open descriptor stays to be closed, and that close
 * reports `aborted`. Of a closed one whose close still goes on, in the background or lingering, it is the end: the report is made now,
 * `aborted` with cause abort, and a closesocket that waits returns 0 (C-16, C-17).
 * Errors: 10093, 10038 (also: the close has its report already), 10057 (no connection).
 */
export function abortSocket(s: u32, lpErrno: usize): i32 {
  let e = enter(s);
  if (!e) e = resetStream(it);
  else if (e == WSAENOTSOCK && abortClosing(s)) e = 0;
  return finish(e, lpErrno);
}

/** Ends the close of h that is under way; false if there is none. */
function abortClosing(h: u32): bool {
  const former = handleFormer(h);
  if (former >= 0) return abortClosed(<u32>former, h);
  // The table's place was given away again while the connection lived on.
  for (let i: u32 = 0; i < socketsUsed(); i++) if (abortClosed(i, h)) return true;
  return false;
}

function abortClosed(i: u32, h: u32): bool {
  if (i >= socketsUsed()) return false;
  const s = socketAt(i);
  if (!s.type || s.teardown == T_OPEN || s.handle != h) return false;
  clockNow();
  // The report was made before: only the reset is left.
  if (s.teardown == T_REPORTED) end(s, true);
  else if (factsOf(s) & TF_LOST || over(streamState(s.provider, s.transport))) settle(s);
  else abortNow(s, CAUSE_ABORT);
  return true;
}

/** The reset behind abortSocket and LSO_RESET. */
export function resetStream(s: Socket): i32 {
  if (!isStream(s) || !has(s, S_CONNECTED)) return WSAENOTCONN;
  if (factsOf(s) & TF_LOST || over(streamState(s.provider, s.transport))) return 0;
  s.abortCause = <u8>CAUSE_ABORT;
  streamAbort(s.provider, s.transport, CAUSE_ABORT);
  if (!TINY) operationsProgress(s);
  wake(s, ~0);
  return 0;
}
