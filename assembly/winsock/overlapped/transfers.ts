/**
 * Overlapped sends and receives. Each direction is a queue: operations complete in the order of asking. A send is handed over whole
 * or not at all, so that one that is cancelled has sent nothing (but where memory ran out halfway: its count says so).
 */
import { CONFIG_SEND_MAX, SWITCH_V24_SEND_CLEARS_WRITE } from "../../abi/config";
import { WSA_IO_PENDING, WSAEINVAL, WSAEMSGSIZE, WSAENOBUFS, WSAESHUTDOWN, WSAEWOULDBLOCK } from "../../abi/errors";
import { OP_SEND } from "../../abi/events";
import { FD_CLOSE, FD_READ, FD_WRITE, MSG_PARTIAL, MSG_WAITALL } from "../../abi/winsock";
import { addrCopy } from "../../base/addr";
import { config } from "../../base/config";
import { streamSendUsed, streamShutdownRecv, streamShutdownSend } from "../../provider/index";
import { TF_FIN_RCVD } from "../../tcp/tcb";
import { buffersTotal } from "../buffers";
import { addressDatagram, datagramGot, destinationPort, handDatagram, readdress, takeDatagram, TO } from "../datagram";
import { forgetWrite, raise, reenable } from "../netevents";
import { messageGoesOn, messageMoved, messageSend, messageTake } from "../seqpacket/transfer";
import { seqpacketEnd, seqpacketRefuse } from "../seqpacket/news";
import { has, isSeqpacket, isStream, S_BOUND, S_RECV_PENDING, S_RECV_SHUT, S_SEND_PENDING, S_SEND_SHUT, Socket } from "../socket";
import { chosen, factsOf, lostError, receiveError, sendError, sendSpace, TF_LOST, unreadOf } from "../status";
import { streamGet, streamPut } from "../streambuffers";
import { wake } from "../waits";
import { statusOf } from "./codes";
import { begun, operationBegin, operationComplete, operationPend } from "./complete";
import {
  addressOf, buffersCapture, buffersOf, KIND_RECV, KIND_SEND, Operation, operation, operationFree, overlapOf, recvAppend, recvRemove, sendAppend, sendRemove,
} from "./operations";

/** WSPSend and WSPSendTo with an lpOverlapped; the buffers are checked. */
export function sendOverlapped(
  s: Socket, list: usize, count: u32, lpSent: usize, overlapped: usize, routine: u32, to: usize, toLen: i32, flags: u32,
): i32 {
  const total = buffersTotal;
  let e = isStream(s) ? sendError(s, false) : addressDatagram(s, total, to, toLen);
  if (!e && isStream(s) && total > config(CONFIG_SEND_MAX) && total > s.sendLimit) e = WSAENOBUFS;
  if (!e) e = operationBegin(s, KIND_SEND, overlapped, routine);
  if (e) return e;
  const ref = begun, o = operation(ref);
  o.flags = flags;
  e = buffersCapture(o, list, count, total);
  if (e) { operationFree(ref); return e; }
  if (!isStream(s)) {
    addrCopy(addressOf(o), TO);
    o.port = <u16>destinationPort();
  }
  e = has(s, S_SEND_PENDING) ? WSAEWOULDBLOCK : attemptSend(s, o);
  if (e == WSAEWOULDBLOCK) {
    operationPend(ref);
    sendAppend(s, ref);
    return WSA_IO_PENDING;
  }
  if (e) { operationFree(ref); return e; }
  if (lpSent) store<u32>(lpSent, total);
  operationComplete(ref, 0, total);
  return 0;
}

/** Hands over what the operation sends: 0 when it is complete, 10035 if it has to wait (on), or why it never will be. */
function attemptSend(s: Socket, o: Operation): i32 {
  if (!isStream(s)) {
    readdress(addressOf(o), <u32>o.port);
    return handDatagram(s, buffersOf(o), o.count, o.total);
  }
  if (isSeqpacket(s)) return sendMessageNow(s, o);
  if (!o.half) {
    const rest = o.total - o.done;
    if (rest > sendSpace(s)) return WSAEWOULDBLOCK;
    o.done += rest ? streamPut(s, buffersOf(o), o.count, o.done, rest) : 0;
    // Without memory, what is on its way may give some back.
    if (o.done < o.total) return streamSendUsed(s.provider, s.transport) ? WSAEWOULDBLOCK : WSAENOBUFS;
    if (chosen(SWITCH_V24_SEND_CLEARS_WRITE)) forgetWrite(s);
    // O-36: without a send buffer the operation lasts until the peer's stack has the bytes.
    if (s.sendLimit || !o.total) return 0;
    o.half = 1;
  }
  return streamSendUsed(s.provider, s.transport) ? WSAEWOULDBLOCK : 0;
}

/** A message, or with MSG_PARTIAL a part of one: whole or not at all. */
function sendMessageNow(s: Socket, o: Operation): i32 {
  const e = messageSend(s, buffersOf(o), o.count, o.total, !(o.flags & MSG_PARTIAL), sendSpace(s));
  if (!e && chosen(SWITCH_V24_SEND_CLEARS_WRITE)) forgetWrite(s);
  return e;
}

/** Lets pending sends go on as far as they can, and a FIN behind the last. */
export function sendsProgress(s: Socket): void {
  const p = overlapOf(s);
  while (p.sendFirst) {
    const ref = p.sendFirst, o = operation(ref), facts = factsOf(s);
    const e = facts & TF_LOST || (isStream(s) && s.abortCause) ? lostError(s, facts, true) : attemptSend(s, o);
    if (e == WSAEWOULDBLOCK) return;
    sendRemove(s, ref);
    operationComplete(ref, statusOf(e), e ? o.done : o.total);
  }
  if (!isStream(s) || !has(s, S_SEND_SHUT)) {
    raise(s, FD_WRITE);
    wake(s, 1 << OP_SEND);
  } else if (isSeqpacket(s)) seqpacketEnd(s);
  else if (s.transport >= 0) streamShutdownSend(s.provider, s.transport); // S-35
}

/** WSPRecv and WSPRecvFrom with an lpOverlapped; the arguments are checked. */
export function receiveOverlapped(
  s: Socket, list: usize, count: u32, lpRecvd: usize, flags: u32, overlapped: usize, routine: u32, from: usize, fromLen: usize,
): i32 {
  const total = buffersTotal;
  let e = isStream(s) ? receiveError(s, false) : has(s, S_RECV_SHUT) ? WSAESHUTDOWN : has(s, S_BOUND) ? 0 : WSAEINVAL;
  if (!e) e = operationBegin(s, KIND_RECV, overlapped, routine);
  if (e) { reenable(s, FD_READ); return e; }
  const ref = begun, o = operation(ref);
  e = buffersCapture(o, list, count, total);
  if (e) { operationFree(ref); return e; }
  o.flags = flags;
  o.from = isStream(s) ? 0 : <u32>from;
  o.fromLength = <u32>fromLen;
  e = has(s, S_RECV_PENDING) ? WSAEWOULDBLOCK : attemptReceive(s, o);
  if (e == WSAEWOULDBLOCK) {
    operationPend(ref);
    recvAppend(s, ref);
    reenable(s, FD_READ);
    return WSA_IO_PENDING;
  }
  const got = o.done;
  if (e && e != WSAEMSGSIZE) operationFree(ref);
  else {
    if (lpRecvd) store<u32>(lpRecvd, got);
    operationComplete(ref, statusOf(e), got, flagsBack(o));
  }
  reenable(s, FD_READ);
  raise(s, FD_CLOSE);
  return e;
}

/** Of Operation.flags: the message received goes on. */
const GOES_ON: u32 = 1 << 31;
// @ts-ignore: decorator
@inline function flagsBack(o: Operation): u32 { return o.flags & GOES_ON ? <u32>MSG_PARTIAL : 0; }

/** Moves what is there to the operation's buffers: 0 or 10040 when it is complete, 10035 if it has to wait (on), or its error. */
function attemptReceive(s: Socket, o: Operation): i32 {
  if (!isStream(s)) {
    const e = takeDatagram(s, buffersOf(o), o.count, o.total, false, <usize>o.from, <usize>o.fromLength);
    if (!e || e == WSAEMSGSIZE) o.done = datagramGot;
    return e;
  }
  if (isSeqpacket(s)) {
    const e = messageTake(s, buffersOf(o), o.count, o.total, o.flags);
    o.done = messageMoved;
    o.flags = messageGoesOn ? o.flags | GOES_ON : o.flags;
    return e;
  }
  const ended = (factsOf(s) & TF_FIN_RCVD) != 0, some = unreadOf(s) != 0;
  if (some && o.total) o.done += streamGet(s, buffersOf(o), o.count, o.done, false);
  // without room it tells that something is there, and leaves it.
  if (ended || !o.total) return ended || some ? 0 : WSAEWOULDBLOCK;
  return some && !(o.flags & MSG_WAITALL && o.done < o.total) ? 0 : WSAEWOULDBLOCK;
}

/** Lets pending receives go on as far as they can (E-56: before anybody hears of the bytes); what was to be shut behind the last is. */
export function receivesProgress(s: Socket): void {
  const p = overlapOf(s);
  while (p.recvFirst) {
    const ref = p.recvFirst, o = operation(ref), facts = factsOf(s);
    // S-14: a side shut after the operation was asked for does not concern it.
    const lost = isStream(s) && (facts & TF_LOST || s.abortCause) && !unreadOf(s);
    const e = lost ? lostError(s, facts, true) : attemptReceive(s, o);
    if (e == WSAEWOULDBLOCK) return;
    recvRemove(s, ref);
    operationComplete(ref, statusOf(e), o.done, flagsBack(o));
  }
  if (isSeqpacket(s)) { if (has(s, S_RECV_SHUT)) seqpacketRefuse(s); }
  else if (isStream(s) && has(s, S_RECV_SHUT) && s.transport >= 0) streamShutdownRecv(s.provider, s.transport);
}
