/**
 * Streams of the host: the contract of provider/index over the sock_* imports. Where inet's tcp/user says what a call means to
 * the connection, these do the same by way of the host's TCP; what the host cannot do or tell is said here.
 */
import { CONFIG_SWITCHES, SWITCH_V10_RECV_SHUT_KEEPS } from "../abi/config";
import { WSAECONNABORTED } from "../abi/errors";
import { READY_READ } from "../abi/events";
import { WASI_EINPROGRESS } from "../abi/link";
import { CAUSE_RECV_SHUT } from "../abi/report";
import {
  IPPROTO_TCP, SO_KEEPALIVE, SOCK_STREAM, SOL_SOCKET, TCP_CLOSED, TCP_ESTABLISHED, TCP_KEEPALIVE, TCP_LISTEN, TCP_NODELAY,
  TCP_SYN_SENT, TCP_TIME_WAIT,
} from "../abi/winsock";
import { addrCopy, addrIsAny } from "../base/addr";
import { config } from "../base/config";
import { now } from "../base/time";
import { ringAt, ringEnsure, ringFree, ringGet, ringPut, ringRun, ringUsed } from "../memory/ring";
import { NOTIFY_CONNECTED, TF_CONNECTED_ONCE, TF_FIN_ACKED, TF_RECV_SHUT, TF_SEND_SHUT } from "../tcp/tcb";
import { hostBind, hostClose, hostConnect, hostListen, hostName, hostOpen, hostSetOption } from "../wasi/sockets";
import {
  H_BLIND, H_DETACHED, H_KEEPALIVE, H_LINGER, H_ORPHAN, H_READS, H_TIME_WAIT, hostAlloc, hostAnnounce, HostBlock, hostBlock, hostBoundAdd, hostBoundTake, hostLocal, hostRelease,
  hostRemote, hostWorkAdd, marked, recvRing, sendRing,
} from "./hostblock";
import { childRemove, hostError, hostFlush, hostFreeIfDone, hostHolds, hostLeave, hostLookIn, hostReset, hostSettle, hostState } from "./hostend";
import { hostListenerEnd, hostReceive } from "./hostflow";

const LIMIT_MOST: u32 = 1 << 30;
/** How long a system keeps TIME_WAIT: Linux's 60 s, the longest of those usual. */
const SYSTEM_TIME_WAIT_MS: u32 = 60000;

/** What the last hostStreamOpen, hostStreamListen or hostStreamBind failed with. */
export let hostFailure: i32 = 0;

/**
 * Binds a socket to local:lport (0 = the system chooses): index of the block that holds it for `owner`, or -1 with hostFailure set.
 * A host that binds later (CAPABILITY_BIND_NOW) answers with port 0 until it listens or is connected.
 */
export function hostStreamBind(local: usize, lport: u32, owner: i32): i32 {
  const i = bound(local, local, lport, owner);
  if (i >= 0) hostBoundAdd(hostBlock(i));
  return i;
}

/** A block with a descriptor for addresses like `kin`, bound if `local` or `lport` asks for it. */
function bound(kin: usize, local: usize, lport: u32, owner: i32): i32 {
  const fd = hostOpen(kin, SOCK_STREAM);
  if (fd < 0) { hostFailure = hostError(-fd); return -1; }
  const i = hostAlloc(fd, SOCK_STREAM, owner);
  if (i < 0) {
    hostClose(fd);
    hostFailure = hostError(-1);
    return -1;
  }
  if (lport == 0 && addrIsAny(local) && local != kin) return i;
  const b = hostBlock(i), e = hostBind(fd, local, lport);
  if (e < 0) return refused(b, e);
  const port = hostName(fd, hostLocal(b), false);
  if (port < 0) addrCopy(hostLocal(b), local);
  b.lport = <u16>(port > 0 ? <u32>port : lport);
  return i;
}

/** The host refused; the block goes. */
function refused(b: HostBlock, errno: i32): i32 {
  hostFailure = hostError(-errno);
  b.state = TCP_CLOSED;
  b.marks |= H_DETACHED;
  hostFreeIfDone(b);
  return -1;
}

/** Own port of a bound block, 0 if the host has not said. */
export function hostStreamPort(i: i32): u32 { return <u32>hostBlock(i).lport; }

/** Active open: NOTIFY_CONNECTED or NOTIFY_CONNECT_FAILED follow. Index, or -1 with hostFailure set. */
export function hostStreamOpen(local: usize, lport: u32, remote: usize, rport: u32, sndLimit: u32, rcvLimit: u32, owner: i32): i32 {
  let i = hostBoundTake(owner);
  if (i < 0) i = bound(remote, local, lport, owner);
  if (i < 0) return -1;
  const b = hostBlock(i), e = hostConnect(b.fd, remote, rport);
  if (e < 0 && e != -WASI_EINPROGRESS) return refused(b, e);
  addrCopy(hostRemote(b), remote);
  b.rport = <u16>rport;
  b.state = TCP_SYN_SENT;
  hostStreamSetLimits(i, sndLimit, rcvLimit);
  return i;
}

/** Passive open of the block that `owner` bound. Index, or -1 with hostFailure set. */
export function hostStreamListen(local: usize, lport: u32, backlog: u32, rcvLimit: u32, sndLimit: u32, owner: i32): i32 {
  let i = hostBoundTake(owner);
  if (i < 0) i = bound(local, local, lport, owner);
  if (i < 0) return -1;
  const b = hostBlock(i), e = hostListen(b.fd, backlog);
  if (e < 0) return refused(b, e);
  b.state = TCP_LISTEN;
  b.backlog = backlog;
  hostStreamSetLimits(i, sndLimit, rcvLimit);
  return i;
}

export function hostAcceptTake(i: i32): i32 {
  const l = hostBlock(i);
  if (l.state != TCP_LISTEN || !l.children) return -1;
  const child = <i32>l.children - 1;
  childRemove(hostBlock(child));
  // The host may keep connections that the backlog had no room for.
  l.ready |= READY_READ;
  hostWorkAdd(l);
  return child;
}
export function hostAcceptCount(i: i32): u32 { return hostBlock(i).childCount; }

export function hostAttach(i: i32, owner: i32): void {
  const b = hostBlock(i);
  b.owner = owner;
  b.notify &= ~NOTIFY_CONNECTED;
  if (owner >= 0 && b.notify) hostAnnounce(b);
}
export function hostOwner(i: i32): i32 { return hostBlock(i).owner; }

export function hostNames(i: i32, local: usize, remote: usize): u32 {
  const b = hostBlock(i);
  addrCopy(local, hostLocal(b));
  addrCopy(remote, hostRemote(b));
  return (<u32>b.lport << 16) | <u32>b.rport;
}

/** Bytes accepted that the host has not taken yet: what it took no longer fills our buffer (N-28). */
export function hostSendUsed(i: i32): u32 { return ringUsed(sendRing(hostBlock(i))); }

/** Bytes accepted and not acknowledged, those in the host's hands included; -1 where the host cannot tell (N-22). */
export function hostOutstanding(i: i32): i32 {
  const b = hostBlock(i), held = hostHolds(b);
  return held < 0 ? -1 : <i32>(ringUsed(sendRing(b)) + <u32>held);
}

export function hostStreamSetLimits(i: i32, sndLimit: u32, rcvLimit: u32): void {
  const b = hostBlock(i);
  b.sndLimit = min(sndLimit, LIMIT_MOST);
  b.rcvLimit = min(max<u32>(rcvLimit, 1), LIMIT_MOST);
  if (b.state != TCP_LISTEN) roomAgain(b);
}

/** The host may hold bytes that found no room: they are fetched at the next poll. */
function roomAgain(b: HostBlock): void {
  b.ready |= READY_READ;
  hostWorkAdd(b);
}

function mayQueue(b: HostBlock): bool { return b.fd >= 0 && b.state != TCP_LISTEN && !(b.flags & TF_SEND_SHUT); }

/** Room for `more` bytes behind those that wait. */
function grow(b: HostBlock, more: u32): bool {
  const r = sendRing(b), used = ringUsed(r);
  if (used + more < used || used + more > LIMIT_MOST) return false;
  return ringEnsure(r, used + more, used);
}

function queued(b: HostBlock, n: u32): void {
  sendRing(b).tail += n;
  b.bytesSent += <u64>n;
  hostWorkAdd(b);
}

export function hostStreamSend(i: i32, src: usize, len: u32): u32 {
  const b = hostBlock(i);
  if (!len || !mayQueue(b) || !grow(b, len)) return 0;
  ringPut(sendRing(b), ringUsed(sendRing(b)), src, len);
  queued(b, len);
  return len;
}

let reserved: u32 = 0;

export function hostReserve(i: i32, want: u32): usize {
  const b = hostBlock(i), r = sendRing(b), used = ringUsed(r);
  reserved = 0;
  const room = b.sndLimit > used ? min(want, b.sndLimit - used) : 0;
  if (!room || !mayQueue(b) || !grow(b, room)) return 0;
  reserved = min(room, ringRun(r, used));
  return ringAt(r, used);
}
export function hostReserved(): u32 { return reserved; }
export function hostCommit(i: i32, n: u32): void { if (n) queued(hostBlock(i), n); }

/** Takes in what the host holds already, ahead of the poll that would: for decisions that turn on unread bytes (C-44, S-11). */
export function hostFetch(i: i32): void {
  const b = hostBlock(i);
  if (b.fd >= 0 && b.state != TCP_SYN_SENT && b.state != TCP_LISTEN && b.flags & TF_CONNECTED_ONCE) hostReceive(b);
}

export function hostUnread(i: i32): u32 { return ringUsed(recvRing(hostBlock(i))); }

export function hostStreamRecv(i: i32, dst: usize, len: u32, peek: bool): u32 {
  const b = hostBlock(i), n = min(len, ringUsed(recvRing(b)));
  if (!n) return 0;
  ringGet(recvRing(b), 0, dst, n);
  if (!peek) hostConsume(i, n);
  return n;
}

let peeked: u32 = 0;

export function hostPeek(i: i32): usize {
  const r = recvRing(hostBlock(i));
  peeked = min(ringUsed(r), ringRun(r, 0));
  return peeked ? ringAt(r, 0) : 0;
}
export function hostPeeked(): u32 { return peeked; }

export function hostConsume(i: i32, n: u32): void {
  const b = hostBlock(i), r = recvRing(b);
  const wasFull = ringUsed(r) >= b.rcvLimit;
  r.head += n;
  if (!ringUsed(r)) ringFree(r);
  if (wasFull) roomAgain(b);
}

/** The FIN goes out behind the last byte, at a poll (N-02, N-03). */
export function hostStreamShutdownSend(i: i32): void {
  const b = hostBlock(i);
  if (b.flags & TF_SEND_SHUT || b.fd < 0 || b.state == TCP_LISTEN) return;
  b.flags |= TF_SEND_SHUT;
  b.progressAt = now;
  if (b.state != TCP_SYN_SENT) hostState(b);
  hostWorkAdd(b);
}

/** The host is told nothing (N-16): bytes that come are answered with a reset here (N-17). */
export function hostStreamShutdownRecv(i: i32): void {
  const b = hostBlock(i);
  if (b.state == TCP_LISTEN) return;
  // What came before this call counts as unread.
  hostFetch(i);
  b.flags |= TF_RECV_SHUT;
  if (b.state == TCP_CLOSED || config(CONFIG_SWITCHES) & SWITCH_V10_RECV_SHUT_KEEPS) return;
  if (ringUsed(recvRing(b))) hostReset(b, CAUSE_RECV_SHUT, WSAECONNABORTED);
}

export function hostAbort(i: i32, cause: u32): void {
  const b = hostBlock(i);
  if (b.state == TCP_LISTEN) hostListenerEnd(b); else hostReset(b, cause, WSAECONNABORTED);
}

/** The close waits for at most SO_LINGER's time: the limits for orphans begin with hostDetach. */
export function hostLinger(i: i32): void { hostBlock(i).marks |= H_LINGER; }

/** Nobody reads any more. Unread bytes count as discarded; looks at acknowledgements begin. */
export function hostOrphan(i: i32): void {
  const b = hostBlock(i);
  if (marked(b, H_ORPHAN) || b.state == TCP_CLOSED || b.state == TCP_LISTEN) return;
  b.marks |= H_ORPHAN;
  b.progressAt = now;
  if (!marked(b, H_READS)) hostFlush(b);
  roomAgain(b);
  hostSettle(b);
  if (b.fd >= 0) hostLookIn(b, 1);
}

/** Somebody above goes on reading after hostOrphan, though the handle is closed. */
export function hostReads(i: i32): void { hostBlock(i).marks |= H_READS; }

/** Nobody will look at index i again; what the host was given it still delivers. */
export function hostDetach(i: i32): void {
  const b = hostBlock(i);
  hostBoundTake(b.owner);
  b.marks &= ~H_LINGER;
  if (marked(b, H_READS)) {
    b.marks &= ~H_READS;
    if (marked(b, H_ORPHAN)) hostFlush(b);
  }
  if (b.state == TCP_LISTEN) {
    hostListenerEnd(b);
    b.state = TCP_CLOSED;
    hostRelease(b);
  } else hostOrphan(i);
  b.owner = -1;
  b.marks |= H_DETACHED;
  hostLeave(b);
  hostFreeIfDone(b);
}

export function hostSetNoDelay(i: i32, on: bool): void {
  const b = hostBlock(i);
  if (b.fd >= 0) hostSetOption(b.fd, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}
/** The idle time reaches the host, in whole seconds; interval and number of probes are the system's (N-30). */
export function hostSetKeepAlive(i: i32, on: bool, idle: u32): void {
  const b = hostBlock(i);
  if (b.fd < 0 || b.state == TCP_LISTEN) return;
  b.marks = on ? b.marks | H_KEEPALIVE : b.marks & ~H_KEEPALIVE;
  if (on) hostSetOption(b.fd, IPPROTO_TCP, TCP_KEEPALIVE, <i32>max<u32>(idle / 1000, 1));
  else hostSetOption(b.fd, SOL_SOCKET, SO_KEEPALIVE, 0);
}

/** N-23: the descriptor of a connection that ended in TIME_WAIT is given back and cannot be asked; the state is known all the same. */
export function hostStreamState(i: i32): i32 {
  const b = hostBlock(i);
  return marked(b, H_TIME_WAIT) && now - b.waitAt < SYSTEM_TIME_WAIT_MS ? TCP_TIME_WAIT : b.state;
}
export function hostFlags(i: i32): u32 { return hostBlock(i).flags; }
export function hostStreamError(i: i32): i32 { return <i32>hostBlock(i).error; }
export function hostCause(i: i32): u32 { return <u32>hostBlock(i).cause; }
/** CAPABILITY_x; a connection that is not established yet has none. */
export function hostCapabilities(i: i32): u32 { return hostBlock(i).capabilities; }
/** True when the host took everything, FIN included, and will never say what became of it. */
export function hostBlind(i: i32): bool {
  const b = hostBlock(i);
  return marked(b, H_BLIND) && !(b.flags & TF_FIN_ACKED);
}
export function hostBytesSent(i: i32): u64 { return hostBlock(i).bytesSent; }
/** Bytes known to be acknowledged: 0 where the host cannot tell. */
export function hostBytesAcked(i: i32): u64 {
  const b = hostBlock(i);
  if (b.flags & TF_FIN_ACKED) return b.bytesSent;
  if (b.fd < 0) return marked(b, H_BLIND) ? 0 : b.bytesSent - <u64>b.bytesLost;
  const left = hostOutstanding(i);
  return left < 0 ? 0 : b.bytesSent - <u64>left;
}
export function hostBytesReceived(i: i32): u64 { return hostBlock(i).bytesReceived; }
export function hostBytesDiscarded(i: i32): u64 {
  const b = hostBlock(i);
  return <u64>b.bytesDiscarded + (b.state == TCP_CLOSED ? <u64>ringUsed(recvRing(b)) : 0);
}
