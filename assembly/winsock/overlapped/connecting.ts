/** ConnectEx and DisconnectEx: the two operations that concern a connection as a whole. At most one is under way on a socket. */
import {
  WSA_INVALID_PARAMETER, WSA_IO_PENDING, WSAEADDRNOTAVAIL, WSAEALREADY, WSAEFAULT, WSAEINVAL, WSAEISCONN, WSAENOBUFS, WSAENOTCONN, WSAEOPNOTSUPP,
} from "../../abi/errors";
import { CONFIG_SEND_MAX } from "../../abi/config";
import { OP_RESULT } from "../../abi/events";
import { TF_REUSE_SOCKET } from "../../abi/overlapped";
import { TCP_CLOSED, TCP_TIME_WAIT } from "../../abi/winsock";
import { addrClear } from "../../base/addr";
import { config } from "../../base/config";
import { ipIsGroup } from "../../ip/route";
import { PROVIDER_HOST, streamBlind, streamDetach, streamSend, streamState } from "../../provider/index";
import { TF_FIN_ACKED } from "../../tcp/tcb";
import { openStream } from "../connect";
import { NAME, namePort, sockaddrRead } from "../names";
import { portDrop } from "../ports";
import { mayAccess, setError } from "../result";
import { seqpacketForget } from "../seqpacket/news";
import { messageSend } from "../seqpacket/transfer";
import {
  enter, has, isSeqpacket, isStream, it, localOf, S_ACCEPTED, S_ACCEPTING, S_BOUND, S_CONNECT_FAILED, S_CONNECTED, S_CONNECTING, S_LISTENING, S_NO_CONTEXT,
  S_RECV_SHUT, S_REUSED, S_SEND_SHUT, Socket,
} from "../socket";
import { factsOf, lostError, TF_LOST } from "../status";
import { shutStream } from "../teardown/directions";
import { enterWaiting, waitEnd, waitFor } from "../waits";
import { statusOf } from "./codes";
import { begun, operationBegin, operationComplete, operationPend } from "./complete";
import { buffersOf, KIND_CONNECT, KIND_DISCONNECT, Operation, operation, operationFree, overlapOf } from "./operations";

/**
 * Connects the bound stream socket `s` and sends `length` bytes of `data` (0 = none) as the first: complete when they are accepted, which
 * is not delivered (SOCK_SEQPACKET: as the first message). shutdown and getpeername answer only after SO_UPDATE_CONNECT_CONTEXT. Returns 0 always, with 997 or the error: 10093,
 * 10038, 10014, 10047, 87 (no lpOverlapped), 10045 (UDP), 10022 (not bound, listening), 10037, 10056, 10049, 10051, 10048, 10055 (more than
 * sendMax). Completes with the bytes sent, with why the attempt failed (10061, 10060, 10065, 10051), or 995 when s is closed.
 */
export function ConnectEx(s: u32, name: usize, nameLength: i32, data: usize, length: u32, lpSent: usize, lpOverlapped: usize, lpErrno: usize): i32 {
  setError(lpErrno, TINY ? WSAEOPNOTSUPP : connectEx(s, name, nameLength, data, length, lpOverlapped));
  return 0;
}

function connectEx(h: u32, name: usize, nameLength: i32, data: usize, length: u32, overlapped: usize): i32 {
  let e = enter(h);
  if (e) return e;
  const s = it;
  e = sockaddrRead(name, nameLength);
  if (e) return e;
  if (length && (!data || !mayAccess(data, length))) return WSAEFAULT;
  if (!overlapped) return WSA_INVALID_PARAMETER;
  if (!isStream(s)) return WSAEOPNOTSUPP;
  if (has(s, S_LISTENING | S_ACCEPTING)) return WSAEINVAL;
  if (has(s, S_CONNECTED)) return WSAEISCONN;
  if (has(s, S_CONNECTING)) return WSAEALREADY;
  if (!has(s, S_BOUND)) return WSAEINVAL;
  if (!namePort || ipIsGroup(NAME)) return WSAEADDRNOTAVAIL;
  if (length > config(CONFIG_SEND_MAX)) return WSAENOBUFS;
  e = operationBegin(s, KIND_CONNECT, overlapped, 0);
  if (e) return e;
  const ref = begun, o = operation(ref);
  o.pointer = <u32>data;
  o.length = o.total = length;
  e = openStream(s);
  if (e) { operationFree(ref); return e; }
  s.flags &= ~S_REUSED;
  overlapOf(s).link = ref;
  operationPend(ref);
  return WSA_IO_PENDING;
}

/** True while a ConnectEx waits for the handshake of s. */
export function isConnectExPending(s: Socket): bool {
  const ref = overlapOf(s).link;
  return ref != 0 && operation(ref).kind == KIND_CONNECT;
}

/** The handshake of a ConnectEx is over: `error`, or 0 and its data goes out. */
export function connectExDone(s: Socket, error: i32): void {
  const p = overlapOf(s), ref = p.link, o = operation(ref);
  p.link = 0;
  if (!error) {
    s.flags |= S_NO_CONTEXT;
    if (o.total && !firstData(s, o)) error = WSAENOBUFS;
  }
  operationComplete(ref, statusOf(error), error ? 0 : o.total);
}

/** False if memory is short. */
function firstData(s: Socket, o: Operation): bool {
  if (isSeqpacket(s)) return !messageSend(s, buffersOf(o), 1, o.total, true, ~0);
  return streamSend(s.provider, s.transport, <usize>o.pointer, o.total) == o.total;
}

/**
 * Ends the connection of `s` like shutdown(SD_SEND). With lpOverlapped: 0 and 997; complete when the peer's stack has everything and our
 * FIN (or the operating system, where it does not tell), with TF_REUSE_SOCKET when nothing is left of the connection, TIME_WAIT included:
 * the handle may then be given to ConnectEx (bound as it was) or AcceptEx (D-28). Without it: 1 at once, with TF_REUSE_SOCKET when that
 * is so, LASTACK_WAIT until then. A peer that never closes holds the reuse up for ever, unless finWait2Ms limits it.
 * Errors: 10093, 10038, 10022 (other flags, dwReserved), 10057, 10037 (one is under way), 10054, 10053, 10055.
 */
export function DisconnectEx(s: u32, lpOverlapped: usize, flags: u32, reserved: u32, lpErrno: usize): i32 {
  const e = TINY ? WSAEOPNOTSUPP : disconnectEx(s, lpOverlapped, flags, reserved);
  setError(lpErrno, e);
  return e ? 0 : 1;
}

function disconnectEx(h: u32, overlapped: usize, flags: u32, reserved: u32): i32 {
  let e = enterWaiting(h, OP_RESULT);
  if (e) return e;
  const s = it;
  if (flags & ~TF_REUSE_SOCKET || reserved) return WSAEINVAL;
  if (!isStream(s) || !has(s, S_CONNECTED)) return WSAENOTCONN;
  if (overlapOf(s).link) return WSAEALREADY;
  e = overlapped ? operationBegin(s, KIND_DISCONNECT, overlapped, 0) : 0;
  if (e) return e;
  const ref = begun;
  e = ended(s, flags);
  // V-23: a second time is as good as the first; what is over needs no shutting.
  if (e < 0) {
    const error = shutStream(s, S_SEND_SHUT);
    if (error) { if (overlapped) operationFree(ref); return error; }
    s.flags |= S_SEND_SHUT;
  }
  if (overlapped) {
    operation(ref).flags = flags;
    overlapOf(s).link = ref;
    operationPend(ref);
    disconnectProgress(s);
    return WSA_IO_PENDING;
  }
  if (!(flags & TF_REUSE_SOCKET)) return 0;
  e = ended(s, flags);
  if (e < 0) return waitFor(s, h, OP_RESULT, 0, 0);
  waitEnd(s, OP_RESULT);
  if (!e) recycle(s);
  return e;
}

/** Whether the disconnect with these flags has come to its end: 0, an error, or -1 = not yet. */
function ended(s: Socket, flags: u32): i32 {
  const facts = factsOf(s), state = streamState(s.provider, s.transport);
  if (facts & TF_LOST && !(facts & TF_FIN_ACKED)) return lostError(s, facts, true);
  // The operating system keeps TIME_WAIT without our help.
  if (flags & TF_REUSE_SOCKET) return state == TCP_CLOSED || (state == TCP_TIME_WAIT && s.provider == PROVIDER_HOST) ? 0 : -1;
  return facts & TF_FIN_ACKED || streamBlind(s.provider, s.transport) ? 0 : -1;
}

/** A pending DisconnectEx looks whether it is complete. */
export function disconnectProgress(s: Socket): void {
  const p = overlapOf(s), ref = p.link;
  if (!ref || operation(ref).kind != KIND_DISCONNECT) return;
  const flags = operation(ref).flags, e = ended(s, flags);
  if (e < 0) return;
  p.link = 0;
  if (!e && flags & TF_REUSE_SOCKET) recycle(s);
  operationComplete(ref, statusOf(e), 0);
}

/** D-28: nothing is left of the connection; the socket is fresh but for its options and the name that bind gave it. */
function recycle(s: Socket): void {
  streamDetach(s.provider, s.transport);
  if (isSeqpacket(s)) seqpacketForget(s);
  s.transport = -1;
  s.rport = 0;
  if (has(s, S_ACCEPTED)) {
    portDrop(s);
    addrClear(localOf(s));
  }
  s.flags = (s.flags & ~(S_CONNECTED | S_ACCEPTED | S_NO_CONTEXT | S_SEND_SHUT | S_RECV_SHUT | S_CONNECT_FAILED)) | S_REUSED;
  s.abortCause = 0;
  s.writeNeed = 0;
  s.eventRecord = s.eventReported = 0;
}
