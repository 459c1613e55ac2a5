/** AcceptEx: a connection of the listener's for a socket that is there already, with its first bytes and both names. */
import {
  WSA_INVALID_PARAMETER, WSA_IO_PENDING, WSAECONNRESET, WSAEFAULT, WSAEINVAL, WSAENOBUFS, WSAENOTSOCK, WSAEOPNOTSUPP,
} from "../../abi/errors";
import { ACCEPTEX_ADDRESS_EXTRA } from "../../abi/overlapped";
import { CAUSE_ABORT } from "../../abi/report";
import { FD_ALL_EVENTS, MSG_PARTIAL, SIZEOF_SOCKADDR_IN } from "../../abi/winsock";
import { addrClear } from "../../base/addr";
import { handleObject, KIND_SOCKET } from "../../memory/handles";
import {
  streamAbort, streamAcceptTake, streamAttach, streamDetach, streamFlags, streamNames, streamRecv, streamSetLimits, streamUnread,
} from "../../provider/index";
import { TF_FIN_RCVD } from "../../tcp/tcb";
import { applyOptions } from "../connect";
import { sockaddrWrite } from "../names";
import { raise } from "../netevents";
import { portDrop, portTake } from "../ports";
import { mayAccess, setError } from "../result";
import { admittedFirst, admittedMove } from "../seqpacket/admission";
import { messageFacts } from "../seqpacket/facts";
import { seqpacketForget } from "../seqpacket/news";
import { messageGoesOn, messageHere, messageMoved, messageTake } from "../seqpacket/transfer";
import {
  enter, has, indexOf, isSeqpacket, isStream, it, localOf, remoteOf, S_ACCEPTED, S_ACCEPTING, S_BOUND, S_CONNECTED, S_CONNECTING, S_LISTENING, S_NO_CONTEXT, S_REUSED,
  Socket, socketAt,
} from "../socket";
import { acceptCount, TF_LOST } from "../status";
import { clockNow } from "../waits";
import { statusOf } from "./codes";
import { begun, operationBegin, operationComplete, operationPend } from "./complete";
import { buffersOf, KIND_ACCEPT, Operation, operation, overlapOf, overlapTake, recvAppend, recvRemove } from "./operations";

const ADDRESS_ROOM: u32 = SIZEOF_SOCKADDR_IN + ACCEPTEX_ADDRESS_EXTRA;
/** Where the length of a name stands in its room. */
const LENGTH_AT: usize = SIZEOF_SOCKADDR_IN;

/**
 * Gives `acceptor` (a stream socket of the listener's provider that is neither bound nor connected) the next connection of `listener`
 * that no one else takes; AcceptEx is served before accept. With dataLength > 0 the operation lasts until the first bytes or the end of
 * the stream are there. Data, own name and peer's name (each dataLength, localLength, remoteLength bytes; names at least 32) go to
 * `buffer`, which is the provider's until the operation is complete. Of SOCK_SEQPACKET the data is the first message, as far as it fits
 * (MSG_PARTIAL). shutdown and the names answer only after SO_UPDATE_ACCEPT_CONTEXT
 * (O-35). Returns 0 always, with 997 (pending, or complete meanwhile) or the error: 10093, 10038, 10014 (buffer, names' room), 10045 (UDP), 10022 (not
 * listening; acceptor in use, or of another kind), 87 (no lpOverlapped), 10055. Completes with 995 when either socket is closed, 10054 when the peer reset.
 */
export function AcceptEx(
  listener: u32, acceptor: u32, buffer: usize, dataLength: u32, localLength: u32, remoteLength: u32, lpReceived: usize, lpOverlapped: usize,
  lpErrno: usize,
): i32 {
  setError(lpErrno, TINY ? WSAEOPNOTSUPP : acceptEx(listener, acceptor, buffer, dataLength, localLength, remoteLength, lpOverlapped));
  return 0;
}

function acceptEx(h: u32, acceptor: u32, buffer: usize, data: u32, local: u32, remote: u32, overlapped: usize): i32 {
  let e = enter(h);
  if (e) return e;
  const l = it, i = handleObject(acceptor, KIND_SOCKET);
  if (i < 0) return WSAENOTSOCK;
  const a = socketAt(<u32>i), room = <u64>data + <u64>local + <u64>remote;
  if (local < ADDRESS_ROOM || remote < ADDRESS_ROOM || room > 0x7fffffff || !mayAccess(buffer, <u32>room)) return WSAEFAULT;
  if (!overlapped) return WSA_INVALID_PARAMETER;
  if (!isStream(l) || !isStream(a)) return WSAEOPNOTSUPP;
  if (!has(l, S_LISTENING) || a.provider != l.provider || a.type != l.type || !isVacant(a)) return WSAEINVAL;
  e = overlapTake(a) ? operationBegin(l, KIND_ACCEPT, overlapped, 0) : WSAENOBUFS;
  if (e) return e;
  const ref = begun, o = operation(ref);
  o.pointer = <u32>buffer;
  o.length = data;
  o.from = local;
  o.fromLength = remote;
  o.acceptor = <u32>i;
  overlapOf(a).acceptance = ref;
  a.flags |= S_ACCEPTING;
  operationPend(ref);
  recvAppend(l, ref);
  acceptsProgress(l);
  return WSA_IO_PENDING;
}

/** True of a socket that may become anything. */
function isVacant(a: Socket): bool {
  if (has(a, S_CONNECTED | S_CONNECTING | S_LISTENING | S_ACCEPTING)) return false;
  return has(a, S_REUSED) || (!has(a, S_BOUND) && a.transport < 0);
}

/** Gives a listener's connections to the AcceptEx that wait, the oldest to the oldest (E-73: nobody else hears of them). */
export function acceptsProgress(l: Socket): void {
  let ref = overlapOf(l).recvFirst;
  while (ref && acceptCount(l)) {
    const next = operation(ref).next;
    if (!operation(ref).half) {
      const child = isSeqpacket(l) ? admittedMove(l, admittedFirst(l), socketAt(operation(ref).acceptor)) : streamAcceptTake(l.provider, l.transport);
      if (child < 0) return;
      attach(l, ref, child);
    }
    ref = next;
  }
}

function attach(l: Socket, ref: u32, child: i32): void {
  const o = operation(ref), a = socketAt(o.acceptor);
  // The name it was bound to as another connection's end goes.
  portDrop(a);
  a.flags &= ~S_REUSED;
  a.transport = child;
  const ports = streamNames(a.provider, child, localOf(a), remoteOf(a));
  a.lport = <u16>(ports >> 16);
  a.rport = <u16>ports;
  portTake(a);
  a.flags |= S_ACCEPTED;
  a.connectedAt = clockNow();
  streamAttach(a.provider, child, o.acceptor);
  streamSetLimits(a.provider, child, a.sendLimit, a.recvLimit);
  o.half = 1;
  acceptanceProgress(a);
}

/** An accepting socket whose connection has news: is the AcceptEx complete? */
export function acceptanceProgress(a: Socket): void {
  const ref = overlapOf(a).acceptance, o = operation(ref);
  if (!o.half) return;
  const l = socketAt(o.socket), stream = streamFlags(a.provider, a.transport), facts = isSeqpacket(a) ? messageFacts(a, stream) : stream;
  if (facts & TF_LOST) {
    recvRemove(l, ref);
    vacate(a);
    operationComplete(ref, statusOf(WSAECONNRESET), 0);
    return;
  }
  if (o.length && !(facts & TF_FIN_RCVD) && !(isSeqpacket(a) ? messageHere(a, o.length) : streamUnread(a.provider, a.transport) != 0)) return;
  recvRemove(l, ref);
  overlapOf(a).acceptance = 0;
  a.flags = (a.flags & ~S_ACCEPTING) | S_CONNECTED | S_NO_CONTEXT;
  applyOptions(a);
  const n = o.length ? firstData(a, o) : 0, goesOn = o.length != 0 && isSeqpacket(a) && messageGoesOn;
  nameAt(<usize>o.pointer + <usize>o.length, localOf(a), <u32>a.lport);
  nameAt(<usize>o.pointer + <usize>o.length + <usize>o.from, remoteOf(a), <u32>a.rport);
  operationComplete(ref, 0, n, goesOn ? MSG_PARTIAL : 0);
  raise(a, FD_ALL_EVENTS);
}

/** nothing if the peer ended without any. */
function firstData(a: Socket, o: Operation): u32 {
  if (!isSeqpacket(a)) return streamRecv(a.provider, a.transport, <usize>o.pointer, o.length, false);
  messageTake(a, buffersOf(o), 1, o.length, 0);
  return messageMoved;
}

function nameAt(at: usize, addr: usize, port: u32): void { sockaddrWrite(at, at + LENGTH_AT, addr, port); }

/** The accepting socket is what it was before AcceptEx; a connection it had is reset (C-35). */
export function vacate(a: Socket): void {
  overlapOf(a).acceptance = 0;
  a.flags &= ~(S_ACCEPTING | S_ACCEPTED);
  if (a.transport < 0) return;
  streamAbort(a.provider, a.transport, CAUSE_ABORT);
  streamDetach(a.provider, a.transport);
  if (isSeqpacket(a)) seqpacketForget(a);
  a.transport = -1;
  portDrop(a);
  addrClear(localOf(a));
  a.rport = 0;
}

/**
 * Where AcceptEx put the names: *local and *remote get the addresses of sockaddrs inside `buffer`, *localSize and *remoteSize their sizes
 * (0 where the operation is not complete). The lengths are those AcceptEx was called with; for a bad pointer nothing is written.
 */
export function GetAcceptExSockaddrs(
  buffer: usize, dataLength: u32, localLength: u32, remoteLength: u32, local: usize, localSize: usize, remote: usize, remoteSize: usize,
): void {
  if (TINY) return;
  const room = <u64>dataLength + <u64>localLength + <u64>remoteLength;
  if (localLength < ADDRESS_ROOM || remoteLength < ADDRESS_ROOM || room > 0x7fffffff || !mayAccess(buffer, <u32>room)) return;
  const at = buffer + <usize>dataLength;
  give(local, localSize, at);
  give(remote, remoteSize, at + <usize>localLength);
}

function give(where: usize, size: usize, at: usize): void {
  if (mayAccess(where, 4)) store<u32>(where, <u32>at);
  if (mayAccess(size, 4)) store<u32>(size, load<u32>(at, SIZEOF_SOCKADDR_IN));
}
