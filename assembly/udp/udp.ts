/**
 * UDP (RFC 768): what sockets ask of it, and what the stack brings it. Sending only queues: poll() does the rest, so a
 * datagram accepted from a socket that is then closed still goes out (semantics C-49).
 */
import { CONFIG_UDP_QUEUE } from "../abi/config";
import { WSAECONNRESET, WSAEHOSTUNREACH, WSAENETUNREACH } from "../abi/errors";
import { STAT_UDP_IN_DATAGRAMS, STAT_UDP_IN_ERRORS, STAT_UDP_NO_PORTS, STAT_UDP_OUT_DATAGRAMS } from "../abi/stats";
import { WASI_EAGAIN } from "../abi/link";
import { addrClear, addrCopy, addrIsAny, addrIsV4 } from "../base/addr";
import { sumBytes, sumFinish, sumFold, sumPseudo, sumSwap } from "../base/checksum";
import { config } from "../base/config";
import { count } from "../base/counters";
import { ringAt, ringFree, ringGet, ringRun, ringUsed } from "../memory/ring";
import { ICMP_HOST_UNREACHABLE, ICMP_NEIGHBOR_GONE, ICMP_NET_UNREACHABLE, ICMP_PORT_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE } from "../ip/icmp";
import { FLAG_GROUP, FLAG_TRUSTED } from "../ip/input";
import { ipSend, TTL_DEFAULT, TX } from "../ip/output";
import { ipSourceFor } from "../ip/route";
import { udpCheck, udpChecksum, udpDestination, udpEmit, udpSource, UDP_CHECKSUM, UDP_HEADER } from "../wire/udp";
import { RECORD, RECORD_CLASS, RECORD_FIRST, RECORD_HEADER, RECORD_LENGTH, RECORD_PORTS, RECORD_SECOND, recordAppend, recordDrop, recordPeek } from "./queue";
import {
  NOTIFY_UDP_ERROR, NOTIFY_UDP_READABLE, NOTIFY_UDP_WRITABLE, Ucb, ucb, ucbRemote, udpFind, udpFree, udpNext, udpUnlink,
  UF_CHANGED, UF_CLOSING, UF_CONNECTED, UF_FLAGGED, UF_REFUSED,
} from "./table";

export { udpBind, udpEphemeralPort, udpOpen, udpPortFree, udpReset } from "./table";

const PROTOCOL: u32 = 17;

let flaggedFirst: u32 = 0;
let flaggedLast: u32 = 0;
let changedFirst: u32 = 0;
let changedLast: u32 = 0;

/** Some socket has something to send. */
// @ts-ignore: decorator
@inline export function udpFlagged(): bool { return flaggedFirst != 0; }
/** Some socket may have news for its owner. */
// @ts-ignore: decorator
@inline export function udpChanged(): bool { return changedFirst != 0; }

/** Empties the two lists; udpReset empties the table. */
export function udpListsReset(): void { flaggedFirst = 0; flaggedLast = 0; changedFirst = 0; changedLast = 0; }

function flag(i: u32): void {
  const u = ucb(i);
  if (u.flags & UF_FLAGGED) return;
  u.flags |= UF_FLAGGED;
  u.nextFlagged = 0;
  if (flaggedLast) ucb(flaggedLast - 1).nextFlagged = i + 1; else flaggedFirst = i + 1;
  flaggedLast = i + 1;
}

function changed(i: u32, bits: u32): void {
  const u = ucb(i);
  u.notify |= bits;
  if (u.flags & UF_CHANGED) return;
  u.flags |= UF_CHANGED;
  u.nextChanged = 0;
  if (changedLast) ucb(changedLast - 1).nextChanged = i + 1; else changedFirst = i + 1;
  changedLast = i + 1;
}

/** Next block with datagrams to send, -1 if none. */
export function udpFlaggedTake(): i32 {
  if (!flaggedFirst) return -1;
  const i = flaggedFirst - 1;
  flaggedFirst = ucb(i).nextFlagged;
  if (!flaggedFirst) flaggedLast = 0;
  ucb(i).flags &= ~UF_FLAGGED;
  return <i32>i;
}

/** Next block with something to tell its owner, -1 if none. */
export function udpChangedTake(): i32 {
  while (changedFirst) {
    const i = changedFirst - 1, u = ucb(i);
    changedFirst = u.nextChanged;
    if (!changedFirst) changedLast = 0;
    u.flags &= ~UF_CHANGED;
    if (!(u.flags & UF_CLOSING)) return <i32>i;
    if (!(u.flags & UF_FLAGGED)) udpFree(i);
  }
  return -1;
}

export function udpNotifyTake(i: i32): u32 {
  const bits = ucb(i).notify;
  ucb(i).notify = 0;
  return bits;
}

export function udpOwner(i: i32): i32 { return ucb(i).owner; }

/** Only datagrams from this peer are heard from now on. A zero port dissolves the association. */
export function udpConnect(i: i32, remote16: usize, port: u32): void {
  const u = ucb(i);
  if (port) {
    addrCopy(ucbRemote(u), remote16);
    u.flags |= UF_CONNECTED;
  } else {
    addrClear(ucbRemote(u));
    u.flags &= ~UF_CONNECTED;
  }
  u.remotePort = port;
  u.error = 0;
}

/**
 * `tclass`: second byte of the IP header | TTL << 8 (0 = default).
 * Queues one datagram of `len` bytes (at most 65,507) from src16 (wildcard: what the route says when it goes) to dst16:port. False if the queue is full: udp/writable is
 * notified once it has room.
 */
export function udpSend(i: i32, src16: usize, dst16: usize, port: u32, data: usize, len: u32, tclass: u32): bool {
  const u = ucb(i);
  if (u.unsentCount >= config(CONFIG_UDP_QUEUE) ||
      !recordAppend(u.unsent, u.sendLimit, dst16, src16, (u.localPort << 16) | port, tclass, data, len)) {
    u.flags |= UF_REFUSED;
    return false;
  }
  u.unsentCount++;
  flag(i);
  return true;
}

/** True if udpSend would take a small datagram. */
export function udpWritable(i: i32): bool {
  const u = ucb(i), used = ringUsed(u.unsent);
  return u.unsentCount < config(CONFIG_UDP_QUEUE) && (!used || used + 2 * RECORD_HEADER <= u.sendLimit);
}

/** Datagrams waiting for udpRecv. */
export function udpQueued(i: i32): u32 { return ucb(i).receivedCount; }

/** Data bytes of the first datagram waiting, 0 if there is none. */
export function udpUnread(i: i32): u32 { return recordPeek(ucb(i).received) ? load<u32>(RECORD + RECORD_LENGTH) : 0; }

/**
 * Copies the first `capacity` bytes of the oldest datagram to dst, its sender to from16 and fromPort (u32) unless 0, and removes it
 * unless `peek`. Returns the datagram's true length, -1 if none waits.
 */
export function udpRecv(i: i32, dst: usize, capacity: u32, from16: usize, fromPort: usize, peek: bool): i32 {
  const u = ucb(i);
  if (!recordPeek(u.received)) return -1;
  const len = load<u32>(RECORD + RECORD_LENGTH);
  ringGet(u.received, RECORD_HEADER, dst, min(len, capacity));
  if (from16) addrCopy(from16, RECORD + RECORD_FIRST);
  if (fromPort) store<u32>(fromPort, load<u32>(RECORD + RECORD_PORTS) & 0xffff);
  if (!peek) { recordDrop(u.received); u.receivedCount--; }
  return <i32>len;
}

/** Takes the pending ICMP error: a WSA code, 0 if none (semantics R-33: once per event). */
export function udpError(i: i32): i32 {
  const e = ucb(i).error;
  ucb(i).error = 0;
  return e;
}

/** True if udpError would return one. */
export function udpHasError(i: i32): bool { return ucb(i).error != 0; }

export function udpSetLimits(i: i32, sendLimit: u32, receiveLimit: u32): void {
  ucb(i).sendLimit = sendLimit;
  ucb(i).receiveLimit = receiveLimit;
}

/** The owner is gone: received datagrams are discarded, accepted ones are still sent (semantics C-49). */
export function udpClose(i: i32): void {
  const u = ucb(i);
  u.owner = -1;
  u.flags |= UF_CLOSING;
  u.receivedCount = 0;
  ringFree(u.received);
  udpUnlink(i);
  // The block goes when it stands on neither list; every poll empties both.
  flag(i);
}

/** Sends what block i has queued. 0 done, WASI_EAGAIN when the device is full: the block stays flagged. */
export function udpOutput(i: i32): i32 {
  const u = ucb(i);
  while (recordPeek(u.unsent)) {
    if (emit(u) == WASI_EAGAIN) { flag(i); return WASI_EAGAIN; }
    recordDrop(u.unsent);
    u.unsentCount--;
    count(STAT_UDP_OUT_DATAGRAMS);
  }
  if (u.flags & UF_CLOSING) {
    if (!(u.flags & UF_CHANGED)) udpFree(i);
  } else if (u.flags & UF_REFUSED) {
    u.flags &= ~UF_REFUSED;
    changed(i, NOTIFY_UDP_WRITABLE);
  }
  return 0;
}

/** Sends the record that stands in RECORD. What has no route or no neighbour is lost, as datagrams may be. */
function emit(u: Ucb): i32 {
  const len = load<u32>(RECORD + RECORD_LENGTH), ports = load<u32>(RECORD + RECORD_PORTS), length = len + UDP_HEADER;
  const dst = RECORD + RECORD_FIRST, src = RECORD + RECORD_SECOND;
  if (addrIsAny(src) && ipSourceFor(dst, src) < 0) return 0;
  udpEmit(TX, ports >> 16, ports & 0xffff, length);
  const first = len ? min(len, ringRun(u.unsent, RECORD_HEADER)) : 0, rest = len - first;
  const p1 = len ? ringAt(u.unsent, RECORD_HEADER) : 0, p2 = u.unsent.base;
  let sum = sumPseudo(src, dst, addrIsV4(dst), PROTOCOL, length) + sumBytes(TX, UDP_HEADER);
  if (first) sum += sumBytes(p1, first);
  if (rest) sum += first & 1 ? sumSwap(sumFold(sumBytes(p2, rest))) : sumBytes(p2, rest);
  const check = sumFinish(sum), ipClass = load<u32>(RECORD + RECORD_CLASS);
  // RFC 768: a computed zero is transmitted as all ones.
  store<u16>(TX + UDP_CHECKSUM, <u16>(check ? check : 0xffff));
  return ipSend(src, dst, PROTOCOL, UDP_HEADER, p1, first, p2, rest, ipClass >> 8 ? ipClass >> 8 : TTL_DEFAULT, ipClass & 0xff);
}

/** What became of an arriving datagram: 0 delivered or dropped, 1 nobody has the port (answer: ICMP port unreachable). */
export function udpArrive(src16: usize, dst16: usize, p: usize, len: u32, flags: u32): u32 {
  const n = udpCheck(p, len);
  if (!n) { count(STAT_UDP_IN_ERRORS); return 0; }
  if (!(flags & FLAG_TRUSTED) && udpChecksum(p)) {
    if (sumFinish(sumPseudo(src16, dst16, addrIsV4(dst16), PROTOCOL, n) + sumBytes(p, n))) { count(STAT_UDP_IN_ERRORS); return 0; }
  }
  const port = udpDestination(p), sport = udpSource(p), group = (flags & FLAG_GROUP) != 0;
  let i = group ? udpNext(-1, port, src16, sport) : udpFind(dst16, port, src16, sport);
  if (i < 0) { count(STAT_UDP_NO_PORTS); return 1; }
  for (; i >= 0; i = group ? udpNext(i, port, src16, sport) : -1) deliver(<u32>i, src16, dst16, port << 16 | sport, p + UDP_HEADER, n - UDP_HEADER);
  return 0;
}

function deliver(i: u32, src16: usize, dst16: usize, ports: u32, data: usize, len: u32): void {
  const u = ucb(i);
  if (u.receivedCount >= config(CONFIG_UDP_QUEUE) || !recordAppend(u.received, u.receiveLimit, src16, dst16, ports, 0, data, len)) {
    u.drops++;
    count(STAT_UDP_IN_ERRORS);
    return;
  }
  u.receivedCount++;
  count(STAT_UDP_IN_DATAGRAMS);
  changed(i, NOTIFY_UDP_READABLE);
}

/** An ICMP error quoted a datagram of ours (kind: ip/icmp). */
export function udpIcmpError(local16: usize, lport: u32, remote16: usize, rport: u32, kind: u32): void {
  const i = udpFind(local16, lport, remote16, rport);
  if (i < 0) return;
  // Winsock reports an unreachable port as a reset (semantics R-33).
  if (kind == ICMP_PORT_UNREACHABLE || kind == ICMP_PROTOCOL_UNREACHABLE) ucb(i).error = WSAECONNRESET;
  else if (kind == ICMP_HOST_UNREACHABLE || kind == ICMP_NEIGHBOR_GONE) ucb(i).error = WSAEHOSTUNREACH;
  else if (kind == ICMP_NET_UNREACHABLE) ucb(i).error = WSAENETUNREACH;
  else return;
  changed(i, NOTIFY_UDP_ERROR);
}
