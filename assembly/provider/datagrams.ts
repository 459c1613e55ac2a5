/** The datagram half of the contract of provider/index. Indices are those of udp/table, or of hostblock. */
import { ucb } from "../udp/table";
import * as U from "../udp/udp";
import * as D from "./hostdatagram";
import { PROVIDER_HOST, PROVIDER_INET, providerOf } from "./kinds";

/** A block for datagrams of socket object `owner`: index, or -1. */
export function datagramOpen(p: u8, owner: i32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return U.udpOpen(owner);
    case PROVIDER_HOST: return TINY ? -1 : D.hostDatagramOpen(owner);
    default: return -1;
  }
}
/** Gives the block its name: the port, which the host chooses if lport is 0, or minus a WSA code. */
export function datagramBind(p: u8, i: i32, local: usize, lport: u32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: U.udpBind(i, local, lport); return <i32>lport;
    case PROVIDER_HOST: return TINY ? 0 : D.hostDatagramBind(i, local, lport);
    default: return 0;
  }
}
/** SO_BROADCAST, where the operating system keeps one of its own; inet's is checked above. */
export function datagramSetBroadcast(p: u8, i: i32, on: bool): void { if (!TINY && p == PROVIDER_HOST) D.hostDatagramSetBroadcast(i, on); }
/** rport 0 dissolves the association. */
export function datagramConnect(p: u8, i: i32, remote: usize, rport: u32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: U.udpConnect(i, remote, rport); break;
    case PROVIDER_HOST: if (!TINY) D.hostDatagramConnect(i, remote, rport); break;
    default: break;
  }
}
/** Queues one datagram; false if the queue is full. `ipClass`: Differentiated Services field | TTL << 8, each 0 = default; host sockets keep their own. */
export function datagramSend(p: u8, i: i32, local: usize, remote: usize, rport: u32, data: usize, len: u32, ipClass: u32): bool {
  switch (providerOf(p)) {
    case PROVIDER_INET: return U.udpSend(i, local, remote, rport, data, len, ipClass);
    case PROVIDER_HOST: return TINY ? false : D.hostDatagramSend(i, remote, rport, data, len);
    default: return false;
  }
}
export function datagramWritable(p: u8, i: i32): bool {
  switch (providerOf(p)) {
    case PROVIDER_INET: return U.udpWritable(i);
    case PROVIDER_HOST: return TINY ? false : D.hostDatagramWritable(i);
    default: return false;
  }
}
/** Copies at most `room` bytes of the oldest datagram; returns its true length, -1 if none waits. */
export function datagramRecv(p: u8, i: i32, dst: usize, room: u32, from: usize, fromPort: usize, peek: bool): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return U.udpRecv(i, dst, room, from, fromPort, peek);
    case PROVIDER_HOST: return TINY ? -1 : D.hostDatagramRecv(i, dst, room, from, fromPort, peek);
    default: return -1;
  }
}
/** Datagrams that wait, and the length of the first. */
export function datagramQueued(p: u8, i: i32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return U.udpQueued(i);
    case PROVIDER_HOST: return TINY ? 0 : D.hostDatagramQueued(i);
    default: return 0;
  }
}
export function datagramUnread(p: u8, i: i32): u32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return U.udpUnread(i);
    case PROVIDER_HOST: return TINY ? 0 : D.hostDatagramUnread(i);
    default: return 0;
  }
}
/** Takes the pending error: a WSA code, 0 if there is none. */
export function datagramError(p: u8, i: i32): i32 {
  switch (providerOf(p)) {
    case PROVIDER_INET: return U.udpError(i);
    case PROVIDER_HOST: return TINY ? 0 : D.hostDatagramError(i);
    default: return 0;
  }
}
/** True while an error waits to be taken. */
export function datagramHasError(p: u8, i: i32): bool {
  switch (providerOf(p)) {
    case PROVIDER_INET: return ucb(<u32>i).error != 0;
    case PROVIDER_HOST: return TINY ? false : D.hostDatagramHasError(i);
    default: return false;
  }
}
export function datagramSetLimits(p: u8, i: i32, sendLimit: u32, recvLimit: u32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: U.udpSetLimits(i, sendLimit, recvLimit); break;
    default: break;
  }
}
export function datagramClose(p: u8, i: i32): void {
  switch (providerOf(p)) {
    case PROVIDER_INET: U.udpClose(i); break;
    case PROVIDER_HOST: if (!TINY) D.hostDatagramClose(i); break;
    default: break;
  }
}
