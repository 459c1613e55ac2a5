/**
 * Datagram sockets of the host (N-31). The host queues what arrives and what is sent; every call goes straight to it, and
 * readiness comes through the news queue of hostblock with the bits of udp/udp.
 */
import { WSAECONNREFUSED, WSAECONNRESET } from "../abi/errors";
import { WASI_EAGAIN, WASI_EINPROGRESS } from "../abi/link";
import { LSO_FIRST, LSO_QUEUED } from "../abi/sockets";
import { SO_ERROR, SO_BROADCAST, SOCK_DGRAM, SOL_LASTACK, SOL_SOCKET } from "../abi/winsock";
import { ADDR_ALIGN, ADDR_BYTES, addrCopy, addrEqual, addrSetV4 } from "../base/addr";
import { hostBind, hostClose, hostConnect, hostName, hostOpen, hostOption, hostRecvFrom, hostFromPort, hostSendTo, hostSetOption } from "../wasi/sockets";
import { H_FULL, hostAlloc, HostBlock, hostBlock, hostFree, hostLocal, hostNotify, hostRemote, marked } from "./hostblock";
import { hostError } from "./hostend";
import { DATAGRAM_ERROR } from "./hostflow";

const ANY: usize = TINY ? 0 : memory.data(ADDR_BYTES, ADDR_ALIGN);

/** A socket of the host for IPv4 datagrams; -1 if it has none. */
export function hostDatagramOpen(owner: i32): i32 {
  addrSetV4(ANY, 0);
  const fd = hostOpen(ANY, SOCK_DGRAM);
  if (fd < 0) return -1;
  const i = hostAlloc(fd, SOCK_DGRAM, owner);
  if (i < 0) hostClose(fd);
  return i;
}

/** Binds to local:lport, 0 = the system chooses: the port, or minus a Winsock error. */
export function hostDatagramBind(i: i32, local: usize, lport: u32): i32 {
  const b = hostBlock(i), e = hostBind(b.fd, local, lport);
  if (e < 0) return -hostError(-e);
  const port = hostName(b.fd, hostLocal(b), false);
  b.lport = <u16>(port > 0 ? <u32>port : lport);
  return <i32>b.lport;
}

/** The system's own permission: a datagram to a broadcast address without it fails later, with 10013. */
export function hostDatagramSetBroadcast(i: i32, on: bool): void { hostSetOption(hostBlock(i).fd, SOL_SOCKET, SO_BROADCAST, on ? 1 : 0); }

/** Fixes the peer; rport 0 dissolves that. */
export function hostDatagramConnect(i: i32, remote: usize, rport: u32): void {
  const b = hostBlock(i);
  const e = hostConnect(b.fd, remote, rport);
  b.rport = <u16>rport;
  addrCopy(hostRemote(b), remote);
  if (e < 0 && e != -WASI_EINPROGRESS) failLater(b, hostError(-e));
}

/** An error that the next receive takes. */
function failLater(b: HostBlock, error: i32): void {
  b.error = <u16>error;
  hostNotify(b, DATAGRAM_ERROR);
}

/** Hands one datagram to the host; false if it takes none now. Failures that come later are taken by hostDatagramError. */
export function hostDatagramSend(i: i32, remote: usize, rport: u32, data: usize, len: u32): bool {
  const b = hostBlock(i);
  const fixed = b.rport != 0, same = fixed && <u32>b.rport == rport && addrEqual(hostRemote(b), remote);
  // A connected socket of the host sends to nobody else: loosen it for this one.
  if (fixed && !same) hostConnect(b.fd, remote, 0);
  const n = hostSendTo(b.fd, same ? 0 : remote, rport, data, len);
  if (fixed && !same) hostConnect(b.fd, hostRemote(b), <u32>b.rport);
  if (n == -WASI_EAGAIN) { b.marks |= H_FULL; return false; }
  if (n < 0) failLater(b, hostError(-n));
  return true;
}
export function hostDatagramWritable(i: i32): bool { return !marked(hostBlock(i), H_FULL); }

/** Copies at most `room` bytes of the oldest datagram; returns its true length, -1 if none waits. */
export function hostDatagramRecv(i: i32, dst: usize, room: u32, from: usize, fromPort: usize, peek: bool): i32 {
  const b = hostBlock(i), length = hostOption(b.fd, SOL_LASTACK, LSO_FIRST, -1);
  if (length < 0) return -1;
  const n = hostRecvFrom(b.fd, dst, room, from, peek);
  if (n < 0) return -1;
  store<u32>(fromPort, hostFromPort);
  return max(length, n);
}
export function hostDatagramQueued(i: i32): u32 { return <u32>max(hostOption(hostBlock(i).fd, SOL_LASTACK, LSO_QUEUED, 0), 0); }
export function hostDatagramUnread(i: i32): u32 { return <u32>max(hostOption(hostBlock(i).fd, SOL_LASTACK, LSO_FIRST, 0), 0); }

/** The host's pending error is fetched once and kept until taken. R-33: nobody at the port reads as 10054. */
function errorOf(b: HostBlock): i32 {
  if (b.error || b.fd < 0) return <i32>b.error;
  const e = hostError(hostOption(b.fd, SOL_SOCKET, SO_ERROR, 0));
  b.error = <u16>(e == WSAECONNREFUSED ? WSAECONNRESET : e);
  return <i32>b.error;
}
export function hostDatagramError(i: i32): i32 {
  const b = hostBlock(i), e = errorOf(b);
  b.error = 0;
  return e;
}
export function hostDatagramHasError(i: i32): bool { return errorOf(hostBlock(i)) != 0; }

/** Received datagrams are discarded, sent ones still leave (C-49). */
export function hostDatagramClose(i: i32): void { hostFree(i); }
