/**
 * Bytes between a host socket's descriptor and its buffers, at poll(): readiness that the host told, bytes received eagerly up
 * to the limit (N-10), bytes the host takes, and the FIN behind the last of them.
 */
import { CONFIG_SWITCHES, SWITCH_V10_RECV_SHUT_KEEPS } from "../abi/config";
import { READY_ERROR, READY_HANGUP, READY_READ, READY_WRITE } from "../abi/events";
import { WASI_EAGAIN } from "../abi/link";
import { CAUSE_DATA_AFTER_CLOSE, CAUSE_NONE, CAUSE_RECV_SHUT } from "../abi/report";
import { LSO_CAPABILITIES, LSO_RESET, SO_ERROR, SOCK_DGRAM, SOCK_STREAM, SOL_LASTACK, SOL_SOCKET, TCP_CLOSED, TCP_ESTABLISHED, TCP_LISTEN, TCP_SYN_SENT } from "../abi/winsock";
import { config } from "../base/config";
import { now } from "../base/time";
import { ringAt, ringEnsure, ringFree, ringRun, ringUsed } from "../memory/ring";
import {
  NOTIFY_ACCEPTABLE, NOTIFY_CONNECTED, NOTIFY_FAILED, NOTIFY_FIN, NOTIFY_READABLE, NOTIFY_WRITABLE, TF_CONNECTED_ONCE, TF_FIN_RCVD,
  TF_FIN_SENT, TF_RECV_SHUT, TF_SEND_SHUT,
} from "../tcp/tcb";
import { hostAccept, hostClose, hostName, hostOption, hostRecv, hostSend, hostSetOption, hostShutdownSend } from "../wasi/sockets";
import {
  H_FULL, H_HELD, H_ORPHAN, H_PEER_FIRST, H_PENDING, H_READS, H_SHUT, HostBlock, hostAlloc, hostBlock, hostFind, hostLocal,
  hostNotify, hostRemote, hostWorkAdd, hostWorkLast, hostWorkTake, indexOfHost, marked, recvRing, sendRing,
} from "./hostblock";
import { hostError, hostFail, hostLookIn, hostRefuse, hostReset, hostSettle, hostState } from "./hostend";

/** Bytes asked for at once, and turns of one block in one poll. */
const CHUNK: u32 = 65536;
const TURNS: u32 = 16;
/** How often a connection whose buffer is full is looked at, milliseconds. */
const HELD_MS: u32 = 100;
/** When bytes sent behind the peer's FIN may have been answered, milliseconds. */
const ANSWER_MS: u32 = 10;

/** NOTIFY_ bits of a datagram socket, as udp/udp numbers them. */
export const DATAGRAM_READABLE: u32 = 1;
export const DATAGRAM_WRITABLE: u32 = 2;
export const DATAGRAM_ERROR: u32 = 4;

/** Where bytes go that nobody may have. */
const SINK: usize = TINY ? 0 : memory.data(2048, 8);

/** The host says what a descriptor is ready for. Remembered until the next poll; unknown descriptors mean nothing. */
export function hostReadiness(fd: i32, bits: u32): void {
  const i = hostFind(fd);
  if (i < 0) return;
  const b = hostBlock(i);
  b.ready |= bits;
  hostWorkAdd(b);
}

/** Gives every block that has work one turn. What is left, or came up meanwhile, makes hostBusy() true. */
export function hostWork(): void {
  for (let last = hostWorkLast(); last >= 0;) {
    const i = hostWorkTake();
    if (i < 0) return;
    const b = hostBlock(i);
    if (work(b) && b.fd >= 0) hostWorkAdd(b);
    if (i == last) return;
  }
}

/** True if the block wants another turn at once. */
function work(b: HostBlock): bool {
  const ready = b.ready;
  b.ready = 0;
  if (b.fd < 0) return false;
  if (<i32>b.type == SOCK_DGRAM) { datagramReady(b, ready); return false; }
  if (b.state == TCP_LISTEN) return children(b, ready);
  if (ready & READY_ERROR) { hostFail(b, hostOption(b.fd, SOL_SOCKET, SO_ERROR, 0)); return false; }
  if (b.state == TCP_SYN_SENT && ready & READY_WRITE) established(b);
  if (b.state == TCP_SYN_SENT || b.state == TCP_CLOSED) return false;
  if (ready & READY_WRITE) b.marks &= ~H_FULL;
  let more: bool = false;
  if (ready & (READY_READ | READY_HANGUP)) {
    more = hostReceive(b);
    // The rest is still there at the next turn, though the host will not say so again.
    if (more) b.ready |= READY_READ;
  }
  if (b.fd < 0) return false;
  return transmit(b) || more;
}

function datagramReady(b: HostBlock, ready: u32): void {
  let bits: u32 = 0;
  if (ready & READY_READ) bits |= DATAGRAM_READABLE;
  if (ready & READY_WRITE) { b.marks &= ~H_FULL; bits |= DATAGRAM_WRITABLE; }
  if (ready & READY_ERROR) bits |= DATAGRAM_ERROR;
  if (bits) hostNotify(b, bits);
}

/** A connection stands: its names, what its host can tell. */
function connected(b: HostBlock): void {
  const local = hostName(b.fd, hostLocal(b), false), remote = hostName(b.fd, hostRemote(b), true);
  if (local > 0) b.lport = <u16>local;
  if (remote > 0) b.rport = <u16>remote;
  b.capabilities = <u32>hostOption(b.fd, SOL_LASTACK, LSO_CAPABILITIES, 0);
  b.flags |= TF_CONNECTED_ONCE;
  b.state = TCP_ESTABLISHED;
  b.progressAt = now;
}

function established(b: HostBlock): void {
  connected(b);
  hostNotify(b, NOTIFY_CONNECTED);
  hostState(b);
}

/** Takes over the connections that a listener's host has accepted, as many as the backlog allows. */
function children(l: HostBlock, ready: u32): bool {
  if (ready & READY_ERROR) {
    // Only where the host listens later than it answers (CAPABILITY_BIND_NOW).
    l.error = <u16>hostError(hostOption(l.fd, SOL_SOCKET, SO_ERROR, 0));
    hostNotify(l, NOTIFY_FAILED);
    return false;
  }
  if (!l.lport) {
    const port = hostName(l.fd, hostLocal(l), false);
    if (port > 0) l.lport = <u16>port;
  }
  while (l.childCount < l.backlog) {
    const fd = hostAccept(l.fd);
    if (fd < 0) break;
    const i = hostAlloc(fd, SOCK_STREAM, -1);
    if (i < 0) {
      // No block for it: the peer must not believe that somebody listens.
      hostSetOption(fd, SOL_LASTACK, LSO_RESET, 1);
      hostClose(fd);
      break;
    }
    adopt(l, hostBlock(i));
  }
  return false;
}

function adopt(l: HostBlock, b: HostBlock): void {
  const i = <u32>indexOfHost(b) + 1;
  b.sndLimit = l.sndLimit;
  b.rcvLimit = l.rcvLimit;
  connected(b);
  b.listener = <u32>indexOfHost(l) + 1;
  b.marks |= H_PENDING;
  if (l.childrenLast) hostBlock(<i32>l.childrenLast - 1).next = i; else l.children = i;
  l.childrenLast = i;
  l.childCount++;
  // It may have bytes that were told of before it had a block.
  b.ready |= READY_READ;
  hostWorkAdd(b);
  hostNotify(l, NOTIFY_ACCEPTABLE);
}

/** Bytes for a shut receive side are answered with a reset, but where V-10 keeps them. */
function refusing(b: HostBlock): bool {
  return (b.flags & TF_RECV_SHUT) != 0 && !(config(CONFIG_SWITCHES) & SWITCH_V10_RECV_SHUT_KEEPS);
}

/** Takes what the host has received. True if there may be more. */
export function hostReceive(b: HostBlock): bool {
  for (let turn: u32 = 0; turn < TURNS; turn++) {
    if (b.flags & TF_FIN_RCVD) return false;
    const n = (b.marks & (H_ORPHAN | H_READS)) == H_ORPHAN || refusing(b) ? refuseBytes(b) : takeBytes(b);
    if (b.fd < 0 || n == -WASI_EAGAIN) return false;
    if (n < 0) { hostFail(b, -n); return false; }
    if (n == 0) { fin(b); return false; }
  }
  return true;
}

/** Bytes moved to the receive buffer, 0 = FIN, or minus an errno; EAGAIN also while there is no room. */
function takeBytes(b: HostBlock): i32 {
  const r = recvRing(b), unread = ringUsed(r);
  const room = unread < b.rcvLimit ? min(b.rcvLimit - unread, CHUNK) : 0;
  if (!room || !ringEnsure(r, unread + room, unread)) {
    b.marks |= H_HELD;
    hostLookIn(b, HELD_MS);
    return -WASI_EAGAIN;
  }
  b.marks &= ~H_HELD;
  const first = min(ringRun(r, unread), room);
  const n = hostRecv(b.fd, ringAt(r, unread), first, r.base, room - first);
  if (n <= 0) {
    if (!unread) ringFree(r);
    return n;
  }
  r.tail += <u32>n;
  b.bytesReceived += <u64>n;
  hostNotify(b, NOTIFY_READABLE);
  return n;
}

/** Like takeBytes where nobody may have them: a byte is answered with a reset (C-45, S-12). */
function refuseBytes(b: HostBlock): i32 {
  const n = hostRecv(b.fd, SINK, 2048, 0, 0);
  if (n <= 0) return n;
  b.bytesReceived += <u64>n;
  b.bytesDiscarded += <u32>n;
  hostRefuse(b, marked(b, H_ORPHAN) ? CAUSE_DATA_AFTER_CLOSE : CAUSE_RECV_SHUT);
  return n;
}

/** The peer's FIN, after its last byte. */
function fin(b: HostBlock): void {
  b.flags |= TF_FIN_RCVD;
  if (!(b.flags & TF_SEND_SHUT)) b.marks |= H_PEER_FIRST;
  hostState(b);
  hostNotify(b, NOTIFY_FIN);
  hostSettle(b);
  if (b.fd >= 0) hostLookIn(b, HELD_MS);
}

/** Gives the host what it takes, then the FIN if it is due. True if it may take more. */
function transmit(b: HostBlock): bool {
  const r = sendRing(b);
  for (let turn: u32 = 0; ringUsed(r) && !marked(b, H_FULL); turn++) {
    if (turn == TURNS) return true;
    const used = ringUsed(r), first = min(ringRun(r, 0), used);
    const n = hostSend(b.fd, ringAt(r, 0), first, r.base, used - first);
    if (n == -WASI_EAGAIN) { b.marks |= H_FULL; break; }
    if (n < 0) { hostFail(b, -n); return false; }
    r.head += <u32>n;
    b.progressAt = now;
    // V-06, P-13: the answer may be a reset, which Node does not show behind the peer's FIN.
    if (b.flags & TF_FIN_RCVD) hostLookIn(b, ANSWER_MS);
    hostNotify(b, NOTIFY_WRITABLE);
  }
  if (ringUsed(r)) return false;
  ringFree(r);
  if (b.flags & TF_SEND_SHUT && !marked(b, H_SHUT)) shut(b);
  return false;
}

/** The FIN goes to the host: it follows the last byte (N-02). */
function shut(b: HostBlock): void {
  b.marks |= H_SHUT;
  const e = hostShutdownSend(b.fd);
  if (e < 0) { hostFail(b, -e); return; }
  b.flags |= TF_FIN_SENT;
  b.progressAt = now;
  hostSettle(b);
  if (b.fd >= 0) hostLookIn(b, 1);
}

/** Ends a listener: connections nobody took are reset (C-46). */
export function hostListenerEnd(l: HostBlock): void {
  while (l.children) hostReset(hostBlock(<i32>l.children - 1), CAUSE_NONE, 0);
}
