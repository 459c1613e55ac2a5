/** Active opens of streams, and the peer of a datagram socket. */
import {
  WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEALREADY, WSAEINVAL, WSAEISCONN, WSAENETUNREACH, WSAENOBUFS, WSAEWOULDBLOCK,
} from "../abi/errors";
import { OP_CONNECT, OP_RECV, OP_SEND } from "../abi/events";
import { AF_UNSPEC, FD_CONNECT, FD_WRITE } from "../abi/winsock";
import { ADDR_ALIGN, ADDR_BYTES, addrClear, addrCopy, addrIsAny, addrSetV4 } from "../base/addr";
import { ipIsGroup, ipSourceFor } from "../ip/route";
import {
  datagramConnect, OPEN_TAKEN, OPEN_UNREACHABLE, streamDetach, streamEphemeralPort, streamFailure, streamNames, streamOpen,
  streamSetCongestion, streamSetCork, streamSetKeepAlive, streamSetNoDelay, streamSetUrgentInline, streamSetUserTimeout, streamSetUserTimeoutOption,
} from "../provider/index";
import { ipChanged } from "./ipoptions";
import { raise } from "./netevents";
import { NAME, namePort, sockaddrRead } from "./names";
import { bindTo, portConflict, portDrop, portTake } from "./ports";
import { finish, mayAccess } from "./result";
import {
  has, indexOf, isHosted, isSeqpacket, isStream, it, localOf, remoteOf, S_ACCEPTING, S_BOUND, S_CONNECT_FAILED, S_CONNECTED, S_CONNECTING, S_IMPLICIT, S_KEEPALIVE,
  S_LISTENING, S_NODELAY, S_NONBLOCKING, S_OOBINLINE, S_RECV_SHUT, S_SEND_SHUT, Socket,
} from "./socket";
import { clockNow, enterWaiting, wake, waitEnd, waitFor, waitOf } from "./waits";

const LOCAL = memory.data(ADDR_BYTES, ADDR_ALIGN);
const REMOTE = memory.data(ADDR_BYTES, ADDR_ALIGN);

/**
 * Stream: starts the handshake. Nonblocking: 10035, then FD_CONNECT or writability tells. Blocking: LASTACK_WAIT until it is
 * done, then 0 or the reason (10061, 10060, 10065, 10051). Datagram: fixes the peer at once; AF_UNSPEC dissolves that. The
 * caller's and callee's data and the flow specifications are ignored: TCP carries none.
 * Errors besides: 10093, 10038, 10014, 10047, 10022 (listening), 10037 (attempt in progress), 10056 (connected, or was: S-28),
 * 10049 (no single peer), 10051 (no route), 10048 (address pair in use), 10055, 10004 (cancelled or closed meanwhile).
 */
export function WSPConnect(
  s: u32, name: usize, namelen: i32, lpCallerData: usize, lpCalleeData: usize, lpSQOS: usize, lpGQOS: usize, lpErrno: usize,
): i32 { return finish(connectTo(s, name, namelen), lpErrno); }

function connectTo(h: u32, name: usize, namelen: i32): i32 {
  let e = enterWaiting(h, OP_CONNECT);
  if (e) return e;
  const s = it;
  if (waitOf(s, OP_CONNECT)) return connectResumed(s, h);
  if (!isStream(s) && mayAccess(name, 2) && namelen >= 2 && <i32>load<u16>(name) == AF_UNSPEC) return disconnectDatagram(s);
  e = sockaddrRead(name, namelen);
  if (e) return e;
  if (has(s, S_LISTENING | S_ACCEPTING)) return WSAEINVAL;
  if (has(s, S_CONNECTING)) return WSAEALREADY;
  if (!isStream(s)) return connectDatagram(s);
  if (has(s, S_CONNECTED)) return WSAEISCONN;
  if (!namePort || ipIsGroup(NAME)) return WSAEADDRNOTAVAIL;
  e = openStream(s);
  if (e) return e;
  return has(s, S_NONBLOCKING) ? WSAEWOULDBLOCK : waitFor(s, h, OP_CONNECT, 0, 0);
}

/** A blocking connect repeated by its caller. */
function connectResumed(s: Socket, h: u32): i32 {
  if (has(s, S_CONNECTING)) return waitFor(s, h, OP_CONNECT, 0, 0);
  waitEnd(s, OP_CONNECT);
  // O-05: the code is returned here and nowhere else.
  const e = has(s, S_CONNECT_FAILED) ? s.connectError : 0;
  s.connectError = 0;
  return e;
}

/** Ports of the dynamic range tried before it counts as used up. */
const PORT_TRIES: u32 = 256;

/** A port for the own end of a connection to NAME:namePort that no other socket holds; 0 if none was found. */
function implicitPort(s: Socket): u32 {
  for (let k: u32 = 0; k < PORT_TRIES; k++) {
    const port = streamEphemeralPort(s.provider, LOCAL, NAME, namePort);
    if (!port || !portConflict(s, LOCAL, port)) return port;
  }
  return 0;
}

/** Settles the own end of a connection to NAME:namePort and opens it. */
export function openStream(s: Socket): i32 {
  if (isHosted(s)) return openOutside(s);
  if (ipSourceFor(NAME, LOCAL) < 0) return WSAENETUNREACH;
  if (has(s, S_BOUND) && !addrIsAny(localOf(s))) addrCopy(LOCAL, localOf(s));
  if (!has(s, S_BOUND)) {
    const port = implicitPort(s);
    if (!port) return WSAENOBUFS;
    s.lport = <u16>port;
    addrCopy(localOf(s), LOCAL);
    portTake(s);
    s.flags |= S_IMPLICIT;
  }
  clockNow();
  s.transport = streamOpen(s.provider, LOCAL, <u32>s.lport, NAME, namePort, s.sendLimit, s.recvLimit, <i32>indexOf(s));
  if (s.transport < 0) {
    const why = s.transport;
    s.transport = -1;
    unbindImplicit(s);
    return why == OPEN_TAKEN ? WSAEADDRINUSE : why == OPEN_UNREACHABLE ? WSAENETUNREACH : WSAENOBUFS;
  }
  addrCopy(localOf(s), LOCAL);
  opened(s);
  return 0;
}

/** The operating system chooses address and port where bind has not; connectDone asks for them. */
function openOutside(s: Socket): i32 {
  clockNow();
  s.transport = streamOpen(s.provider, localOf(s), <u32>s.lport, NAME, namePort, s.sendLimit, s.recvLimit, <i32>indexOf(s));
  if (s.transport < 0) return streamFailure(s.provider);
  opened(s);
  return 0;
}

/** The handshake is on its way. */
function opened(s: Socket): void {
  addrCopy(remoteOf(s), NAME);
  s.rport = <u16>namePort;
  s.connectError = 0;
  s.flags = (s.flags | S_CONNECTING) & ~S_CONNECT_FAILED;
  s.eventReported &= ~<u16>FD_CONNECT;
  s.eventRecord &= ~<u16>FD_CONNECT;
  applyOptions(s);
}

function unbindImplicit(s: Socket): void {
  if (!has(s, S_IMPLICIT)) return;
  portDrop(s);
  s.flags &= ~S_IMPLICIT;
  addrClear(localOf(s));
}

/** Hands a new connection the options that its control block must know. */
export function applyOptions(s: Socket): void {
  if (has(s, S_NODELAY)) streamSetNoDelay(s.provider, s.transport, true);
  if (!TINY && s.congestion) streamSetCongestion(s.provider, s.transport, s.congestion);
  if (!TINY && s.corked) streamSetCork(s.provider, s.transport, true);
  if (has(s, S_KEEPALIVE)) streamSetKeepAlive(s.provider, s.transport, true, s.keepIdle, s.keepInterval, s.keepCount);
  if (s.ttl || s.tos) ipChanged(s);
  if (s.userTimeout) streamSetUserTimeout(s.provider, s.transport, s.userTimeout);
  if (!TINY && s.uto) streamSetUserTimeoutOption(s.provider, s.transport, <u32>s.uto - 1);
  // Messages have no urgent data: such a byte stays where it stands in the stream.
  streamSetUrgentInline(s.provider, s.transport, isSeqpacket(s) || has(s, S_OOBINLINE));
}

/** The handshake is complete (E-64). */
export function connectDone(s: Socket): void {
  if (isHosted(s)) nameFromOutside(s);
  s.flags = (s.flags & ~S_CONNECTING) | S_CONNECTED;
  s.connectedAt = clockNow();
  // O-04: only a later success clears the error of an earlier attempt.
  s.soError = 0;
  raise(s, FD_CONNECT | FD_WRITE);
  wake(s, 1 << OP_CONNECT);
}

/** What the operating system named the own end. */
function nameFromOutside(s: Socket): void {
  const ports = streamNames(s.provider, s.transport, localOf(s), REMOTE);
  if (has(s, S_BOUND) && s.lport) return;
  portDrop(s);
  s.lport = <u16>(ports >> 16);
  portTake(s);
  s.flags |= S_IMPLICIT;
}

/** The attempt failed with `error`; the socket may try again. */
export function connectFailed(s: Socket, error: i32): void {
  const waited = s.waits != 0;
  streamDetach(s.provider, s.transport);
  s.transport = -1;
  s.flags = (s.flags & ~S_CONNECTING) | S_CONNECT_FAILED;
  s.rport = 0;
  unbindImplicit(s);
  s.connectError = error;
  // O-02, O-05: SO_ERROR is for those whom no return value tells.
  if (!waited) s.soError = error;
  raise(s, FD_CONNECT);
  wake(s, 1 << OP_CONNECT);
}

function connectDatagram(s: Socket): i32 {
  if (has(s, S_SEND_SHUT | S_RECV_SHUT)) return WSAEISCONN;
  if (!namePort || addrIsAny(NAME)) return WSAEADDRNOTAVAIL;
  if (isHosted(s)) addrSetV4(LOCAL, 0);
  else if (ipSourceFor(NAME, LOCAL) < 0) return WSAENETUNREACH;
  if (!has(s, S_BOUND)) {
    const e = bindTo(s, LOCAL, 0);
    if (e) return e;
  }
  addrCopy(remoteOf(s), NAME);
  s.rport = <u16>namePort;
  s.flags |= S_CONNECTED;
  datagramConnect(s.provider, s.transport, NAME, namePort);
  raise(s, FD_WRITE);
  wake(s, 1 << OP_SEND | 1 << OP_RECV);
  return 0;
}

function disconnectDatagram(s: Socket): i32 {
  datagramConnect(s.provider, s.transport, remoteOf(s), 0);
  s.flags &= ~S_CONNECTED;
  s.rport = 0;
  return 0;
}
