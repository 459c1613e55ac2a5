/**
 * What happened below reaches the sockets here, once per poll: connections and datagram blocks with news, and deadlines.
 */
import { OP_ACCEPT, OP_RECV, OP_RESULT, OP_SEND } from "../abi/events";
import { FD_ACCEPT, FD_CLOSE, FD_OOB, FD_READ, FD_WRITE } from "../abi/winsock";
import { hostOwner } from "../provider/host";
import { streamError } from "../provider/index";
import {
  NOTIFY_ACCEPTABLE, NOTIFY_CONNECT_FAILED, NOTIFY_CONNECTED, NOTIFY_FAILED, NOTIFY_FIN, NOTIFY_READABLE, NOTIFY_RESET, NOTIFY_SETTLED, NOTIFY_TROUBLE, NOTIFY_URGENT, NOTIFY_WRITABLE,
} from "../tcp/tcb";
import { tcpOwner } from "../tcp/status";
import { NOTIFY_UDP_ERROR, NOTIFY_UDP_READABLE, NOTIFY_UDP_WRITABLE } from "../udp/table";
import { udpOwner } from "../udp/udp";
import { connectDone, connectFailed } from "./connect";
import { raise, raiseNew } from "./netevents";
import { connectExDone, isConnectExPending } from "./overlapped/connecting";
import { operationsProgress } from "./overlapped/progress";
import { has, isSeqpacket, isStream, S_ACCEPTING, S_CONNECTING, S_LISTENING, S_PENDING, S_WATCHED, Socket, socketAt, T_OPEN } from "./socket";
import { admit, childDue, childNews } from "./seqpacket/admission";
import { associationOf } from "./seqpacket/facts";
import { connectingNews, handshakeError, messageNews, seqpacketDue } from "./seqpacket/news";
import { acceptCount, hasRoom } from "./status";
import { closeProgress, closeTimer } from "./teardown/close";
import { troubleAdd } from "./trouble";
import { waitsTimer, wake } from "./waits";

/** NOTIFY_ bits after which the connection carries nothing any more. */
const LOST: u32 = NOTIFY_RESET | NOTIFY_FAILED;

/** Connection or listener i has news for its socket: NOTIFY_x bits. */
export function socketNotifyTcp(i: i32, bits: u32): void {
  const owner = tcpOwner(i);
  if (owner >= 0) streamTold(socketAt(<u32>owner), i, bits);
}

/** Socket i of the host has news: NOTIFY_x bits, or NOTIFY_UDP_x if it is one for datagrams. */
export function socketNotifyHost(i: i32, bits: u32): void {
  const owner = hostOwner(i);
  if (owner < 0) return;
  const s = socketAt(<u32>owner);
  if (isStream(s)) streamTold(s, i, bits); else datagramNews(s, bits);
}

function streamTold(s: Socket, i: i32, bits: u32): void {
  if (s.teardown != T_OPEN) { closeProgress(s, bits); return; }
  if (!TINY && bits & NOTIFY_TROUBLE) troubleAdd(s);
  if (!TINY && has(s, S_ACCEPTING)) {
    if (isSeqpacket(s)) messageNews(s, bits);
    operationsProgress(s);
    return;
  }
  if (isSeqpacket(s)) {
    bits = seqpacketTold(s, bits);
    if (!bits) return;
  }
  if (has(s, S_CONNECTING)) {
    if (bits & NOTIFY_CONNECT_FAILED) { attemptFailed(s, i); return; }
    if (!(bits & NOTIFY_CONNECTED)) return;
    const extended = !TINY && isConnectExPending(s);
    connectDone(s);
    if (extended) connectExDone(s, 0);
  }
  // E-56, E-73: operations that wait take what is theirs before anybody hears of it.
  if (!TINY) operationsProgress(s);
  streamNews(s, bits);
}

function attemptFailed(s: Socket, i: i32): void {
  const error = isSeqpacket(s) && handshakeError ? handshakeError : streamError(s.provider, i);
  const before = s.soError, extended = !TINY && isConnectExPending(s);
  connectFailed(s, error);
  if (!extended) return;
  // O-05: the operation tells.
  s.soError = before;
  connectExDone(s, error);
}

/** NOTIFY_ news of a stream that carries messages: those that are left for the socket. */
function seqpacketTold(s: Socket, bits: u32): u32 {
  if (has(s, S_CONNECTING)) return connectingNews(s, bits);
  if (!has(s, S_PENDING | S_LISTENING)) return messageNews(s, bits);
  const l = has(s, S_LISTENING) ? s : socketAt(associationOf(s).listener - 1), before = acceptCount(l);
  if (l == s) admit(l); else childNews(s, bits);
  requestsCame(l, before);
  return l == s ? bits & NOTIFY_FAILED : 0;
}

/** E-73: the connection requests that came go to AcceptEx before anybody hears of them. */
function requestsCame(l: Socket, before: u32): void {
  if (acceptCount(l) <= before) return;
  operationsProgress(l);
  if (!acceptCount(l)) return;
  raiseNew(l, FD_ACCEPT);
  wake(l, 1 << OP_ACCEPT);
}

function streamNews(s: Socket, bits: u32): void {
  // Only a host listens later than it answers (CAPABILITY_BIND_NOW).
  if (bits & NOTIFY_FAILED && has(s, S_LISTENING)) s.soError = streamError(s.provider, s.transport);
  // Nobody waits, asked for events or selects: there is only to be remembered what came anew.
  const heard = TINY || (s.eventMask | s.waits) != 0 || has(s, S_WATCHED);
  let ops: u32 = 0;
  if (bits & NOTIFY_ACCEPTABLE) { raiseNew(s, FD_ACCEPT); ops |= 1 << OP_ACCEPT; }
  if (bits & NOTIFY_READABLE) { raiseNew(s, FD_READ); ops |= 1 << OP_RECV; }
  if (bits & NOTIFY_URGENT) { raiseNew(s, FD_OOB); ops |= 1 << OP_RECV; }
  if (bits & NOTIFY_WRITABLE && heard && hasRoom(s)) { raise(s, FD_WRITE); ops |= 1 << OP_SEND; }
  if (!heard) return;
  if (bits & (NOTIFY_FIN | LOST)) { raise(s, FD_CLOSE); ops |= 1 << OP_RECV; }
  if (!TINY && bits & NOTIFY_SETTLED) ops |= 1 << OP_RESULT;
  if (bits & LOST) ops |= 1 << OP_SEND | 1 << OP_ACCEPT;
  if (ops) wake(s, ops);
}

/** Datagram block i has news for its socket: NOTIFY_UDP_x bits. */
export function socketNotifyUdp(i: i32, bits: u32): void {
  const owner = udpOwner(i);
  if (owner >= 0) datagramNews(socketAt(<u32>owner), bits);
}

function datagramNews(s: Socket, bits: u32): void {
  if (!TINY) operationsProgress(s);
  let ops: u32 = 0;
  if (bits & (NOTIFY_UDP_READABLE | NOTIFY_UDP_ERROR)) { raiseNew(s, FD_READ); ops |= 1 << OP_RECV; }
  if (bits & NOTIFY_UDP_WRITABLE) { raise(s, FD_WRITE); ops |= 1 << OP_SEND; }
  if (ops) wake(s, ops);
}

/** The deadline of socket object i has come: time-outs of waiting calls, linger, drain. */
export function socketTimer(i: u32): void {
  const s = socketAt(i);
  if (!s.type) return;
  waitsTimer(i);
  if (isSeqpacket(s) && s.teardown == T_OPEN) seqpacketTimer(s);
  closeTimer(s);
}

function seqpacketTimer(s: Socket): void {
  if (has(s, S_PENDING)) {
    const l = socketAt(associationOf(s).listener - 1), before = acceptCount(l);
    childDue(s);
    requestsCame(l, before);
    return;
  }
  const bits = seqpacketDue(s);
  if (!bits) return;
  if (bits & NOTIFY_CONNECT_FAILED) { attemptFailed(s, s.transport); return; }
  operationsProgress(s);
  if (!has(s, S_ACCEPTING)) streamNews(s, bits);
}
