/** Taking completed connections from a listener. */
import {
  LASTACK_CONDITION, WSAECONNREFUSED, WSAECONNRESET, WSAEFAULT, WSAEINVAL, WSAEMFILE, WSAENOBUFS, WSAEOPNOTSUPP, WSAEWOULDBLOCK,
  WSATRY_AGAIN,
} from "../abi/errors";
import { OP_ACCEPT } from "../abi/events";
import { CAUSE_ABORT } from "../abi/report";
import { CF_ACCEPT, CF_DEFER, CF_REJECT, FD_ACCEPT, FD_ALL_EVENTS, INVALID_SOCKET } from "../abi/winsock";
import { handleFree } from "../memory/handles";
import { streamAbort, streamAcceptTake, streamAttach, streamDetach, streamError, streamNames, streamSetLimits } from "../provider/index";
import { messagesEnd, messagesInherit } from "./asyncselect";
import { applyOptions } from "./connect";
import { nameSocket } from "./create";
import { admittedFirst, admittedReject, admittedTake } from "./seqpacket/admission";
import { sockaddrCheck, sockaddrWrite } from "./names";
import { raise, reenable } from "./netevents";
import { portTake } from "./ports";
import { mayAccess, setError } from "./result";
import {
  countHandles, enter, has, indexOf, isHosted, isSeqpacket, isStream, it, localOf, remoteOf, S_ACCEPTED, S_CONNECTED, S_INHERITED, S_LISTENING, S_NEW_LIMITS, S_NONBLOCKING, S_PENDING,
  settingsInherit, Socket, socketAlloc, socketFree,
} from "./socket";
import { acceptCount } from "./status";
import { clockNow, enterWaiting, waitEnd, waitFor } from "./waits";

/** The socket made last. */
let accepted: Socket = changetype<Socket>(0);

/**
 * Takes the connection that waits longest and returns a handle for it; it inherits the listener's options, linger, mode and
 * event registration (O-34, E-14). addr/addrlen (both or neither NULL) get the peer's name. With lpfnCondition ≠ 0 the call
 * first answers LASTACK_CONDITION: decide with acceptDecide and repeat it.
 * INVALID_SOCKET: 10093, 10038, 10014, 10045 (UDP), 10022 (not listening), 10035, LASTACK_WAIT, 10054 (the connection FD_ACCEPT
 * announced was reset, O-25), 10061 (rejected), 11002 (deferred, O-23), 10024, 10055, 10004 (closed or cancelled meanwhile, C-39).
 */
export function WSPAccept(s: u32, addr: usize, addrlen: usize, lpfnCondition: u32, dwCallbackData: u32, lpErrno: usize): u32 {
  const e = acceptFrom(s, addr, addrlen, lpfnCondition);
  setError(lpErrno, e);
  return e ? INVALID_SOCKET : accepted.handle;
}

function acceptFrom(h: u32, addr: usize, addrlen: usize, condition: u32): i32 {
  const e = enterWaiting(h, OP_ACCEPT);
  if (e) return e;
  const s = it;
  if (addr && sockaddrCheck(addr, addrlen)) return WSAEFAULT;
  if (!addr && addrlen && !mayAccess(addrlen, 4)) return WSAEFAULT;
  if (!isStream(s)) return WSAEOPNOTSUPP;
  if (!has(s, S_LISTENING)) return WSAEINVAL;
  if (!acceptCount(s)) return acceptNothing(s, h);
  waitEnd(s, OP_ACCEPT);
  const told = condition ? decide(s) : 0;
  if (told) return told;
  const error = takeChild(s);
  if (error) return error;
  if (addr) sockaddrWrite(addr, addrlen, remoteOf(accepted), <u32>accepted.rport);
  reenable(s, FD_ACCEPT);
  return 0;
}

/** Nothing is queued: wait, or say so. */
function acceptNothing(s: Socket, h: u32): i32 {
  s.decision = 0;
  // A host that listens later than it answers may have failed since (CAPABILITY_BIND_NOW).
  const failed = isHosted(s) ? streamError(s.provider, s.transport) : 0;
  if (failed) { waitEnd(s, OP_ACCEPT); return failed; }
  if (!has(s, S_NONBLOCKING)) return waitFor(s, h, OP_ACCEPT, 0, 0);
  // O-25: FD_ACCEPT was reported and nothing was taken since: what it announced is gone.
  const vanished = (<u32>s.eventReported & FD_ACCEPT) != 0;
  reenable(s, FD_ACCEPT);
  return vanished ? WSAECONNRESET : WSAEWOULDBLOCK;
}

/** Applies the condition's answer for the oldest connection; 0 = accept it. */
function decide(s: Socket): i32 {
  const answer = <i32>s.decision - 1;
  if (answer < 0) return LASTACK_CONDITION;
  s.decision = 0;
  // E-72: a deferred accept does not re-enable FD_ACCEPT.
  if (answer == CF_DEFER) return WSATRY_AGAIN;
  if (answer == CF_ACCEPT) return 0;
  if (isSeqpacket(s)) {
    admittedReject(s);
    reenable(s, FD_ACCEPT);
    return WSAECONNREFUSED;
  }
  const i = streamAcceptTake(s.provider, s.transport);
  if (i >= 0) {
    // O-22: the peer saw a connection and now sees it reset.
    streamAbort(s.provider, i, CAUSE_ABORT);
    streamDetach(s.provider, i);
  }
  reenable(s, FD_ACCEPT);
  return WSAECONNREFUSED;
}

/** Makes a socket of the oldest connection. The connection stays queued if none can be made. */
function takeChild(listener: Socket): i32 {
  if (isSeqpacket(listener)) return takeAdmitted(listener);
  const s = socketAlloc();
  if (!changetype<usize>(s)) return WSAENOBUFS;
  if (!nameSocket(s)) { socketFree(s); return WSAEMFILE; }
  const boxed = TINY || messagesInherit(s, listener), i = boxed ? streamAcceptTake(listener.provider, listener.transport) : -1;
  if (i < 0) {
    if (!TINY && boxed) messagesEnd(s);
    handleFree(s.handle);
    countHandles();
    socketFree(s);
    return boxed ? WSAEWOULDBLOCK : WSAENOBUFS;
  }
  s.transport = i;
  take(s, listener);
  return 0;
}

/** The same for messages: the oldest connection is an object already. */
function takeAdmitted(listener: Socket): i32 {
  const s = admittedFirst(listener);
  if (!changetype<usize>(s)) return WSAEWOULDBLOCK;
  if (!nameSocket(s)) return WSAEMFILE;
  if (!TINY && !messagesInherit(s, listener)) {
    handleFree(s.handle);
    countHandles();
    s.refs = 0;
    return WSAENOBUFS;
  }
  admittedTake(listener, s);
  s.flags &= ~S_PENDING;
  take(s, listener);
  return 0;
}

/** s, which has a handle and its connection, becomes the socket that the listener's caller gets. */
function take(s: Socket, listener: Socket): void {
  const i = s.transport;
  inherit(s, listener);
  const ports = streamNames(s.provider, i, localOf(s), remoteOf(s));
  s.lport = <u16>(ports >> 16);
  s.rport = <u16>ports;
  portTake(s);
  s.connectedAt = clockNow();
  streamAttach(s.provider, i, <i32>indexOf(s));
  if (has(listener, S_NEW_LIMITS)) streamSetLimits(s.provider, i, s.sendLimit, s.recvLimit);
  applyOptions(s);
  accepted = s;
  raise(s, FD_ALL_EVENTS);
}

function inherit(s: Socket, from: Socket): void {
  s.type = from.type;
  s.provider = from.provider;
  s.flags |= S_CONNECTED | S_ACCEPTED;
  inheritOptions(s, from);
  s.eventHandle = from.eventHandle;
  s.eventMask = from.eventMask;
}

/** O-34: what a connection takes over from the listener it came from. */
export function inheritOptions(s: Socket, from: Socket): void {
  s.flags = (s.flags & ~S_INHERITED) | (from.flags & S_INHERITED);
  s.lingerOn = from.lingerOn;
  s.lingerSecs = from.lingerSecs;
  settingsInherit(s, from);
}

/**
 * Answers LASTACK_CONDITION of WSPAccept on listener `s`: CF_ACCEPT, CF_REJECT or CF_DEFER for the connection queued longest.
 * Returns 0, or the error: 10093, 10038, 10022 (not listening, unknown answer).
 */
export function acceptDecide(s: u32, answer: i32): i32 {
  const e = enter(s);
  if (e) return e;
  if (!has(it, S_LISTENING) || (answer != CF_ACCEPT && answer != CF_REJECT && answer != CF_DEFER)) return WSAEINVAL;
  it.decision = <u8>(answer + 1);
  return 0;
}
