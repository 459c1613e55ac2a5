/** Datagram sockets: one call, one datagram. */
import {
  WSAEACCES, WSAEADDRNOTAVAIL, WSAECONNRESET, WSAEINVAL, WSAEMSGSIZE, WSAENETUNREACH, WSAENOBUFS, WSAENOTCONN, WSAESHUTDOWN, WSAEWOULDBLOCK,
} from "../abi/errors";
import { OP_RECV, OP_SEND } from "../abi/events";
import { FD_READ, FD_WRITE } from "../abi/winsock";
import { ADDR_ALIGN, ADDR_BYTES, addrCopy, addrIsAny, addrSetV4 } from "../base/addr";
import { ipIsBroadcast, ipSourceFor } from "../ip/route";
import { blockAlloc, blockFree, blockOrder } from "../memory/blocks";
import { datagramError, datagramRecv, datagramSend, datagramUnread, PROVIDER_HOST } from "../provider/index";
import { ipClass } from "./ipoptions";
import { bufferLength, bufferPointer, buffersGather, buffersScatter } from "./buffers";
import { NAME, namePort, sockaddrRead, sockaddrWrite } from "./names";
import { reenable } from "./netevents";
import { bindTo } from "./ports";
import {
  has, isHosted, localOf, remoteOf, S_BOUND, S_BROADCAST, S_CONNECTED, S_IGNORE_UNREACHABLE, S_NONBLOCKING, S_RECV_SHUT, S_SEND_PENDING, S_SEND_SHUT, Socket,
} from "./socket";
import { waitEnd, waitFor } from "./waits";

/** Largest payload of a UDP datagram over IPv4 (SO_MAX_MSG_SIZE). */
export const DATAGRAM_MAX: u32 = 65507;

/** take found no block to scatter from. */
const NO_MEMORY: i32 = -2;
/** Destination of the datagram that addressDatagram settled. */
export const TO = memory.data(ADDR_BYTES, ADDR_ALIGN);
let toPort: u32 = 0;
const SRC = memory.data(ADDR_BYTES, ADDR_ALIGN);
const ANY = memory.data(ADDR_BYTES, ADDR_ALIGN);
const FROM_PORT = memory.data(4, 4);
/** Bytes the last datagram received put into the buffers. */
export let datagramGot: u32 = 0;

/** Sends the buffers as one datagram to `to` (0 = the connected peer). */
export function sendDatagram(s: Socket, h: u32, list: usize, count: u32, total: u32, to: usize, toLen: i32): i32 {
  let e = addressDatagram(s, total, to, toLen);
  if (e) return e;
  e = !TINY && has(s, S_SEND_PENDING) ? WSAEWOULDBLOCK : handDatagram(s, list, count, total);
  if (!e) { waitEnd(s, OP_SEND); return 0; }
  if (e != WSAEWOULDBLOCK) return e;
  if (!has(s, S_NONBLOCKING)) return waitFor(s, h, OP_SEND, s.sendTimeout, 0);
  reenable(s, FD_WRITE);
  return WSAEWOULDBLOCK;
}

/** Settles where the next datagram of s goes (TO, toPort) and gives s a port: 0 or why it cannot be sent. */
export function addressDatagram(s: Socket, total: u32, to: usize, toLen: i32): i32 {
  let port = <u32>s.rport;
  addrCopy(TO, remoteOf(s));
  if (to) {
    const e = sockaddrRead(to, toLen);
    if (e) return e;
    addrCopy(TO, NAME);
    port = namePort;
  }
  if (has(s, S_SEND_SHUT)) return WSAESHUTDOWN;
  if (!to && !has(s, S_CONNECTED)) return WSAENOTCONN;
  if (total > DATAGRAM_MAX) return WSAEMSGSIZE;
  if (!port || addrIsAny(TO)) return WSAEADDRNOTAVAIL;
  if (!has(s, S_BROADCAST) && ipIsBroadcast(TO)) return WSAEACCES;
  if (!isHosted(s) && ipSourceFor(TO, SRC) < 0) return WSAENETUNREACH;
  if (!has(s, S_BOUND)) {
    addrSetV4(ANY, 0);
    const e = bindTo(s, ANY, 0);
    if (e) return e;
  }
  toPort = port;
  return 0;
}

/** Hands the datagram for TO on; several buffers are joined in a block that lives for the call. 0, 10035, 10055, 10051 (the route is gone). */
export function handDatagram(s: Socket, list: usize, count: u32, total: u32): i32 {
  if (!isHosted(s) && ipSourceFor(TO, SRC) < 0) return WSAENETUNREACH;
  if (!addrIsAny(localOf(s))) addrCopy(SRC, localOf(s));
  let data = bufferPointer(list, 0);
  const joined = count > 1 && total != 0;
  if (joined) {
    data = blockAlloc(blockOrder(total));
    if (!data) return WSAENOBUFS;
    buffersGather(list, count, data);
  }
  const taken = datagramSend(s.provider, s.transport, SRC, TO, toPort, data, total, ipClass(s));
  if (joined) blockFree(data);
  return taken ? 0 : WSAEWOULDBLOCK;
}

/**
 * Receives one datagram into the buffers and its sender's name into from (0 = not wanted, checked). 10040: cut to the
 * buffers, which are filled.
 */
export function receiveDatagram(s: Socket, h: u32, list: usize, count: u32, total: u32, peek: bool, from: usize, fromLen: usize): i32 {
  if (has(s, S_RECV_SHUT)) { waitEnd(s, OP_RECV); return WSAESHUTDOWN; }
  if (!has(s, S_BOUND)) return WSAEINVAL;
  const e = takeDatagram(s, list, count, total, peek, from, fromLen);
  if (e == WSAENOBUFS) return e;
  if (!e || e == WSAEMSGSIZE || e == WSAEWOULDBLOCK) reenable(s, FD_READ);
  if (e == WSAEWOULDBLOCK) return has(s, S_NONBLOCKING) ? e : waitFor(s, h, OP_RECV, s.recvTimeout, 0);
  waitEnd(s, OP_RECV);
  return e;
}

/** Sets the destination again that a datagram which waited had. */
export function readdress(to: usize, port: u32): void { addrCopy(TO, to); toPort = port; }
/** Port of the destination that addressDatagram settled. */
export function destinationPort(): u32 { return toPort; }

/** The error that waits at s, or its oldest datagram: 0 or 10040 with datagramGot set, 10035 if there is neither, 10055. */
export function takeDatagram(s: Socket, list: usize, count: u32, total: u32, peek: bool, from: usize, fromLen: usize): i32 {
  const error = datagramError(s.provider, s.transport);
  // once per event, and not at all when SIO_UDP_CONNRESET is FALSE.
  if (error && !(error == WSAECONNRESET && has(s, S_IGNORE_UNREACHABLE))) return error;
  const length = take(s, list, count, total, peek);
  if (length < 0) return length == NO_MEMORY ? WSAENOBUFS : WSAEWOULDBLOCK;
  if (from) sockaddrWrite(from, fromLen, SRC, load<u32>(FROM_PORT));
  datagramGot = min(<u32>length, total);
  return <u32>length > total ? WSAEMSGSIZE : 0;
}

/** Length of the datagram put into the buffers; -1 if none waits. */
function take(s: Socket, list: usize, count: u32, total: u32, peek: bool): i32 {
  if (count == 1) return datagramRecv(s.provider, s.transport, bufferPointer(list, 0), bufferLength(list, 0), SRC, FROM_PORT, peek);
  const n = min(datagramUnread(s.provider, s.transport), total);
  const block = n ? blockAlloc(blockOrder(n)) : 0;
  if (n && !block) return NO_MEMORY;
  const length = datagramRecv(s.provider, s.transport, block, n, SRC, FROM_PORT, peek);
  if (block) {
    buffersScatter(list, count, block, n);
    blockFree(block);
  }
  return length;
}
