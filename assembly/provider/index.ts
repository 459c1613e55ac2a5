/**
 * The seam below the socket layer: what a socket asks of whoever moves its bytes. One contract, a `switch` on the
 * provider, chosen per socket. `inet` is our own TCP/IP: stream calls take the index of a TCB or listener, datagram calls
 * that of a UDP block. What each call means is said where inet implements it (tcp/user, tcp/status, udp/udp). `host` passes them on
 * to sockets of the operating system; its indices are those of hostblock.
 */
import { addrCopy } from "../base/addr";
import {
  CAPABILITY_ACKS, CAPABILITY_BIND_NOW, CAPABILITY_PAUSED_SEEN, CAPABILITY_RESET_NOW, CAPABILITY_RESET_SEEN, CAPABILITY_STATE,
} from "../abi/sockets";
import * as F from "../tcp/status";
import { tcpEphemeralPort } from "../tcp/table";
import * as T from "../tcp/user";
import * as U from "../tcp/urgent";
import { localPtr, remotePtr, tcb } from "../tcp/tcb";
import * as H from "./host";
import { PROVIDER_HOST, PROVIDER_INET, providerOf } from "./kinds";

export { PROVIDER_HOST, PROVIDER_INET } from "./kinds";
export {
  datagramBind, datagramClose, datagramConnect, datagramError, datagramHasError, datagramOpen, datagramQueued, datagramRecv, datagramSend,
  datagramSetBroadcast, datagramSetLimits, datagramUnread, datagramWritable,
} from "./datagrams";

/** inet knows everything about its connections. */
const CAPABILITIES_ALL: u32 = CAPABILITY_ACKS | CAPABILITY_RESET_NOW | CAPABILITY_RESET_SEEN | CAPABILITY_PAUSED_SEEN | CAPABILITY_STATE | CAPABILITY_BIND_NOW;

/** Failures of streamOpen besides -1, no control block. */
export const OPEN_UNREACHABLE: i32 = -2;
export const OPEN_TAKEN: i32 = -3;

/** Why the provider's last streamOpen, streamListen or streamBind gave -1: a WSA code, 0 where it does not say. */
export function streamFailure(p: u8): i32 { return !TINY && p == PROVIDER_HOST ? H.hostFailure : 0; }
/** Binds a stream ahead of streamOpen or streamListen where the operating system keeps the names: index, or -1. inet has no need. */
export function streamBind(p: u8, local: usize, lport: u32, owner: i32): i32 {
  return !TINY && p == PROVIDER_HOST ? H.hostStreamBind(local, lport, owner) : -1;
}
/** Own port of a stream that streamBind or streamListen named. */
export function streamPort(p: u8, i: i32): u32 { return !TINY && p == PROVIDER_HOST ? H.hostStreamPort(i) : 0; }

/** Active open: index, -1, OPEN_UNREACHABLE (no route) or OPEN_TAKEN (the address pair is in use). */
export function streamOpen(p: u8, local: usize, lport: u32, remote: usize, rport: u32, sendLimit: u32, recvLimit: u32, owner: i32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpOpen(local, lport, remote, rport, sendLimit, recvLimit, owner);
    case PROVIDER_HOST: return TINY ? -1 : H.hostStreamOpen(local, lport, remote, rport, sendLimit, recvLimit, owner);
    default: return -1;
  }
}
/** Passive open: index, or -1. */
export function streamListen(p: u8, local: usize, lport: u32, backlog: u32, recvLimit: u32, sendLimit: u32, owner: i32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpListen(local, lport, backlog, recvLimit, sendLimit, owner);
    case PROVIDER_HOST: return TINY ? -1 : H.hostStreamListen(local, lport, backlog, recvLimit, sendLimit, owner);
    default: return -1;
  }
}
/** Port for a connection to remote:rport (RFC 6056), 0 if none is free. */
export function streamEphemeralPort(p: u8, local: usize, remote: usize, rport: u32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return tcpEphemeralPort(local, remote, rport);
    default: return 0;
  }
}
/** Oldest completed connection of a listener, out of its queue; -1 if none waits. */
export function streamAcceptTake(p: u8, i: i32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpAcceptTake(i);
    case PROVIDER_HOST: return TINY ? -1 : H.hostAcceptTake(i);
    default: return -1;
  }
}
export function streamAcceptCount(p: u8, i: i32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpAcceptCount(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostAcceptCount(i);
    default: return 0;
  }
}
/** SO_PAUSE_ACCEPT on a listener: SYNs are refused while it is on (O-41). The operating system's listeners cannot. */
export function streamListenPause(p: u8, i: i32, on: bool): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpListenPause(i, on); break;
    default: break;
  }
}
/** SO_CONDITIONAL_ACCEPT on a new listener: SYNs wait for streamAcceptTake (O-21). The operating system answers them itself (N-26). */
export function streamListenConditional(p: u8, i: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpListenConditional(i); break;
    default: break;
  }
}
/** Makes socket object `owner` the one that hears of connection i. */
export function streamAttach(p: u8, i: i32, owner: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpAttach(i, owner); break;
    case PROVIDER_HOST: if (!TINY) H.hostAttach(i, owner); break;
    default: break;
  }
}
/** Copies the two addresses of connection i; returns own port << 16 | peer's port. */
export function streamNames(p: u8, i: i32, local: usize, remote: usize): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: {
      const t = tcb(i);
      addrCopy(local, localPtr(t));
      addrCopy(remote, remotePtr(t));
      return (<u32>t.lport << 16) | <u32>t.rport;
    }
    case PROVIDER_HOST: return TINY ? 0 : H.hostNames(i, local, remote);
    default: return 0;
  }
}

/** Bytes that fill the send buffer: inet keeps them until they are acknowledged, host until the system takes them. */
export function streamSendUsed(p: u8, i: i32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpSendUsed(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostSendUsed(i);
    default: return 0;
  }
}
/** Bytes accepted and not acknowledged by the peer; -1 unknown. */
export function streamOutstanding(p: u8, i: i32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return <i32>T.tcpSendUsed(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostOutstanding(i);
    default: return 0;
  }
}
/** True when everything is handed over and nothing will ever be known of it: a close can end, but not say how. */
export function streamBlind(p: u8, i: i32): bool { return !TINY && p == PROVIDER_HOST ? H.hostBlind(i) : false; }
/** CAPABILITY_x of the connection's provider. */
export function streamCapabilities(p: u8, i: i32): u32 { return !TINY && p == PROVIDER_HOST ? H.hostCapabilities(i) : CAPABILITIES_ALL; }
export function streamSetLimits(p: u8, i: i32, sendLimit: u32, recvLimit: u32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpSetSendLimit(i, max<u32>(sendLimit, 1)); T.tcpSetRecvLimit(i, recvLimit); break;
    case PROVIDER_HOST: if (!TINY) H.hostStreamSetLimits(i, sendLimit, recvLimit); break;
    default: break;
  }
}
/** Takes len bytes, all of them or, without memory, none: returns len or 0. */
export function streamSend(p: u8, i: i32, src: usize, len: u32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpSend(i, src, len);
    case PROVIDER_HOST: return TINY ? 0 : H.hostStreamSend(i, src, len);
    default: return 0;
  }
}
/** Contiguous free place for at most `want` bytes (0 = none), and its length. */
export function streamReserve(p: u8, i: i32, want: u32): usize {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpReserve(i, want);
    case PROVIDER_HOST: return TINY ? 0 : H.hostReserve(i, want);
    default: return 0;
  }
}
export function streamReserved(p: u8): u32 { return !TINY && p == PROVIDER_HOST ? H.hostReserved() : T.tcpReserved(); }
export function streamCommit(p: u8, i: i32, n: u32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpCommit(i, n); break;
    case PROVIDER_HOST: if (!TINY) H.hostCommit(i, n); break;
    default: break;
  }
}
/** In-order bytes received and not handed to the caller. */
/** Brings what streamUnread counts up to date where a poll would, for decisions that turn on unread bytes (C-44). */
export function streamFetch(p: u8, i: i32): void { if (!TINY && p == PROVIDER_HOST) H.hostFetch(i); }
export function streamUnread(p: u8, i: i32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpUnread(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostUnread(i);
    default: return 0;
  }
}
export function streamRecv(p: u8, i: i32, dst: usize, len: u32, peek: bool): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpRecv(i, dst, len, peek);
    case PROVIDER_HOST: return TINY ? 0 : H.hostStreamRecv(i, dst, len, peek);
    default: return 0;
  }
}
/** The oldest unread bytes in place (0 = none), and how many lie contiguously. */
export function streamPeek(p: u8, i: i32): usize {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpPeek(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostPeek(i);
    default: return 0;
  }
}
export function streamPeeked(p: u8): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return T.tcpPeeked();
    case PROVIDER_HOST: return TINY ? 0 : H.hostPeeked();
    default: return 0;
  }
}
export function streamConsume(p: u8, i: i32, n: u32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpConsume(i, n); break;
    case PROVIDER_HOST: if (!TINY) H.hostConsume(i, n); break;
    default: break;
  }
}

/** SO_OOBINLINE of a connection that has its owner. Only inet knows urgent data (N-32). */
export function streamSetUrgentInline(p: u8, i: i32, on: bool): void { if (!TINY && p == PROVIDER_INET) U.tcpSetUrgentInline(i, on); }
/** True while a byte received out of band is not read. */
export function streamUrgent(p: u8, i: i32): bool { return !TINY && p == PROVIDER_INET ? U.tcpUrgentHeld(i) : false; }
/** SIOCATMARK: no unread byte stands before the place of urgent text. */
export function streamAtMark(p: u8, i: i32): bool { return !TINY && p == PROVIDER_INET && i >= 0 ? U.tcpAtMark(i) : true; }
/** The byte received out of band, -1 if there is none. */
export function streamRecvUrgent(p: u8, i: i32, peek: bool): i32 { return !TINY && p == PROVIDER_INET ? U.tcpRecvUrgent(i, peek) : -1; }

/** What stands last in the send queue is urgent. Only inet can say so to the peer. */
export function streamSetUrgent(i: i32): void { U.tcpSetUrgent(i); }

export function streamShutdownSend(p: u8, i: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpShutdownSend(i); break;
    case PROVIDER_HOST: if (!TINY) H.hostStreamShutdownSend(i); break;
    default: break;
  }
}
export function streamShutdownRecv(p: u8, i: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpShutdownRecv(i); break;
    case PROVIDER_HOST: if (!TINY) H.hostStreamShutdownRecv(i); break;
    default: break;
  }
}
/** Resets the connection for `cause` where a RST is due (RFC 9293 §3.10.5); nothing is left of it but its facts. */
export function streamAbort(p: u8, i: i32, cause: u32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpAbort(i, cause); break;
    case PROVIDER_HOST: if (!TINY) H.hostAbort(i, cause); break;
    default: break;
  }
}
/** Nobody will read: data arriving from now on is answered with RST (C-45); the limits for orphans apply. */
export function streamOrphan(p: u8, i: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpOrphan(i); break;
    case PROVIDER_HOST: if (!TINY) H.hostOrphan(i); break;
    default: break;
  }
}
/** Of a connection about to be orphaned: text is taken all the same, until streamDetach. For what has a protocol of its own above TCP. */
export function streamReads(p: u8, i: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpReads(i); break;
    case PROVIDER_HOST: if (!TINY) H.hostReads(i); break;
    default: break;
  }
}
/** The close waits within a limit of its own (C-15): no other counts, and those for orphans apply after streamDetach. */
export function streamLinger(p: u8, i: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpLinger(i); break;
    case PROVIDER_HOST: if (!TINY) H.hostLinger(i); break;
    default: break;
  }
}
/** Nobody will look again: the index means nothing any more. */
export function streamDetach(p: u8, i: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpDetach(i); break;
    case PROVIDER_HOST: if (!TINY) H.hostDetach(i); break;
    default: break;
  }
}

export function streamSetNoDelay(p: u8, i: i32, on: bool): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpSetNoDelay(i, on); break;
    case PROVIDER_HOST: if (!TINY) H.hostSetNoDelay(i, on); break;
    default: break;
  }
}
/** Which congestion control, CONGESTION_x or 0 for the stack's. The host's sockets have their own. */
export function streamSetCongestion(p: u8, i: i32, algorithm: u32): void { if (p == PROVIDER_INET) T.tcpSetCongestion(i, algorithm); }
/** LSO_CORK. The host's sockets have none. */
export function streamSetCork(p: u8, i: i32, on: bool): void { if (!TINY && p == PROVIDER_INET) T.tcpSetCork(i, on); }
export function streamSetKeepAlive(p: u8, i: i32, on: bool, idle: u32, interval: u32, probes: u32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: T.tcpSetKeepAlive(i, on, idle, interval, probes); break;
    case PROVIDER_HOST: if (!TINY) H.hostSetKeepAlive(i, on, idle); break;
    default: break;
  }
}

/** TTL and Differentiated Services field of a connection or listener. The operating system's sockets keep their own. */
export function streamSetIp(p: u8, i: i32, ttl: u32, tos: u32): void { if (p == PROVIDER_INET) T.tcpSetIp(i, ttl, tos); }
/** Milliseconds without acknowledgement progress before the connection fails; 0 = the stack's, all ones = never. */
export function streamSetUserTimeout(p: u8, i: i32, ms: u32): void { if (p == PROVIDER_INET) T.tcpSetUserTimeout(i, ms); }
/** UTO_x of RFC 5482, and what the peer told. The host's sockets have neither. */
export function streamSetUserTimeoutOption(p: u8, i: i32, flags: u32): void { if (!TINY && p == PROVIDER_INET) T.tcpSetUserTimeoutOption(i, flags); }
export function streamPeerUserTimeout(p: u8, i: i32): u32 { return !TINY && p == PROVIDER_INET ? T.tcpPeerUserTimeout(i) : 0; }
/** WSA code of a soft error (NOTIFY_TROUBLE), and the timeouts since something was acknowledged last. */
export function streamTrouble(p: u8, i: i32): i32 { return p == PROVIDER_INET ? F.tcpTrouble(i) : 0; }
export function streamUnanswered(p: u8, i: i32): u32 { return p == PROVIDER_INET ? F.tcpUnanswered(i) : 0; }

/** TCP_x of abi/winsock. */
export function streamState(p: u8, i: i32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return F.tcpState(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostStreamState(i);
    default: return 0;
  }
}
/** TF_x facts. */
export function streamFlags(p: u8, i: i32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return F.tcpFlags(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostFlags(i);
    default: return 0;
  }
}
/** WSA code of what ended the connection, 0 if nothing did. */
export function streamError(p: u8, i: i32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return F.tcpError(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostStreamError(i);
    default: return 0;
  }
}
/** CAUSE_x of a reset of ours. */
export function streamCause(p: u8, i: i32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return F.tcpCause(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostCause(i);
    default: return 0;
  }
}
export function streamBytesSent(p: u8, i: i32): u64 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return F.tcpBytesSent(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostBytesSent(i);
    default: return 0;
  }
}
export function streamBytesAcked(p: u8, i: i32): u64 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return F.tcpBytesAcked(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostBytesAcked(i);
    default: return 0;
  }
}
export function streamBytesReceived(p: u8, i: i32): u64 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return F.tcpBytesReceived(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostBytesReceived(i);
    default: return 0;
  }
}
/** Bytes received and given up unread. */
export function streamBytesDiscarded(p: u8, i: i32): u64 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return F.tcpBytesDiscarded(i);
    case PROVIDER_HOST: return TINY ? 0 : H.hostBytesDiscarded(i);
    default: return 0;
  }
}
