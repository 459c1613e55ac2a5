/** The ends of operations that nobody waits to see complete: closesocket, WSPCleanup, CancelIoEx. */
import { SWITCH_V05_RECV_ABORTED } from "../../abi/config";
import { ERROR_NOT_FOUND, STATUS_CANCELLED, STATUS_CONNECTION_ABORTED, STATUS_SUCCESS } from "../../abi/overlapped";
import { WSAEOPNOTSUPP } from "../../abi/errors";
import { CAUSE_NONE } from "../../abi/report";
import { streamAbort } from "../../provider/index";
import { connectFailed } from "../connect";
import { setError } from "../result";
import { seqpacketForget } from "../seqpacket/news";
import { enter, has, isSeqpacket, isStream, it, S_ACCEPTING, S_CONNECTING, S_LISTENING, Socket, socketAt } from "../socket";
import { chosen } from "../status";
import { vacate } from "./accepting";
import { operationComplete, operationVanish } from "./complete";
import { KIND_CONNECT, operation, overlapOf, recvRemove, sendRemove } from "./operations";
import { receivesProgress, sendsProgress } from "./transfers";

/** Only what stands in WSAOVERLAPPED tells (C-53). */
let silent: bool = false;

/** Ends every operation of s, whose last descriptor goes; by WSPCleanup nobody is told. Its port and mailbox are its no more. */
export function operationsEnd(s: Socket, quietly: bool): void {
  silent = quietly;
  const p = overlapOf(s);
  while (p.recvFirst) endReceive(s, p.recvFirst, stillReceiving(s));
  while (p.sendFirst) endSend(s, p.sendFirst);
  // C-35: the listener's operation is this socket's as well; close resets the connection.
  if (p.acceptance) {
    const ref = p.acceptance;
    p.acceptance = 0;
    s.flags &= ~S_ACCEPTING;
    recvRemove(socketAt(operation(ref).socket), ref);
    tell(ref, STATUS_CANCELLED, 0);
  }
  if (p.link) endLink(s);
  p.port = 0;
  silent = false;
}

/** V-05: what a receive on a connection is told when its socket is closed. */
function stillReceiving(s: Socket): u32 {
  return isStream(s) && !has(s, S_LISTENING) && chosen(SWITCH_V05_RECV_ABORTED) ? STATUS_CONNECTION_ABORTED : STATUS_CANCELLED;
}

function endReceive(s: Socket, ref: u32, status: u32): void {
  recvRemove(s, ref);
  // C-34: connections that wait for their first data are reset with the listener's AcceptEx.
  if (has(s, S_LISTENING)) { vacate(socketAt(operation(ref).acceptor)); tell(ref, status, 0); }
  else tell(ref, status, operation(ref).done);
}

/** C-37: bytes already handed over stay sent. */
function endSend(s: Socket, ref: u32): void {
  sendRemove(s, ref);
  const o = operation(ref);
  tell(ref, o.half ? STATUS_SUCCESS : STATUS_CANCELLED, o.done);
}

function endLink(s: Socket): void {
  const p = overlapOf(s), ref = p.link;
  p.link = 0;
  tell(ref, STATUS_CANCELLED, 0);
}

function tell(ref: u32, status: u32, bytes: u32): void {
  if (silent) operationVanish(ref, status); else operationComplete(ref, status, bytes);
}

/**
 * Cancels the operation of socket `s` that was begun with lpOverlapped, or all of them (0): 995. A send that is cancelled has sent
 * nothing, a ConnectEx ends its attempt, a DisconnectEx only stops telling. 1, or 0: 10093, 10038, 1168 (there is none).
 */
export function CancelIoEx(s: u32, lpOverlapped: usize, lpErrno: usize): i32 {
  const e = TINY ? WSAEOPNOTSUPP : cancel(s, <u32>lpOverlapped);
  setError(lpErrno, e);
  return e ? 0 : 1;
}

function cancel(h: u32, overlapped: u32): i32 {
  const e = enter(h);
  if (e) return e;
  const s = it, p = overlapOf(s);
  let found = false, next: u32 = 0;
  for (let r = p.recvFirst; r; r = next) {
    next = operation(r).next;
    if (!overlapped || operation(r).overlapped == overlapped) { endReceive(s, r, STATUS_CANCELLED); found = true; }
  }
  for (let r = p.sendFirst; r; r = next) {
    next = operation(r).next;
    if (!overlapped || operation(r).overlapped == overlapped) { endSend(s, r); found = true; }
  }
  if (p.link && (!overlapped || operation(p.link).overlapped == overlapped)) { cancelLink(s); found = true; }
  if (!found) return ERROR_NOT_FOUND;
  // What stood behind the cancelled operations need not wait any more: others, a shut side.
  if (!has(s, S_LISTENING) && isStream(s)) afterCancel(s);
  return 0;
}

function afterCancel(s: Socket): void {
  if (s.transport < 0 || has(s, S_CONNECTING)) return;
  receivesProgress(s);
  sendsProgress(s);
}

function cancelLink(s: Socket): void {
  const connects = operation(overlapOf(s).link).kind == KIND_CONNECT, error = s.soError;
  endLink(s);
  if (!connects) return;
  streamAbort(s.provider, s.transport, CAUSE_NONE);
  if (isSeqpacket(s)) seqpacketForget(s);
  connectFailed(s, 0);
  s.soError = error;
}
