/**
 * The data path without a copy through the caller's memory: the host writes into the send buffer and reads out of the receive
 * buffer. commit is a successful send, consume a successful receive, reserve and peek fail like them (seam.md, Memory).
 */
import { WSAEFAULT, WSAEINVAL, WSAENOBUFS, WSAEOPNOTSUPP } from "../abi/errors";
import { OP_RECV, OP_SEND } from "../abi/events";
import { FD_READ, SOCKET_ERROR } from "../abi/winsock";
import { streamCommit, streamConsume, streamPeek, streamPeeked, streamReserve, streamReserved, streamSendUsed } from "../provider/index";
import { TF_FIN_RCVD } from "../tcp/tcb";
import { reenable } from "./netevents";
import { received, receiveLater } from "./receive";
import { mayAccess, setError } from "./result";
import { movedNothing, sendLater, sent } from "./send";
import { claim, claimHandle, claimKind, claimLength, enter, isSeqpacket, isStream, it } from "./socket";
import { factsOf, receiveError, sendError, sendRoom, unreadOf } from "./status";
import { enterWaiting, waitEnd, waitOf } from "./waits";

const CLAIM_SEND: u32 = 1;
const CLAIM_RECV: u32 = 2;

let place: usize = 0;
let length: u32 = 0;

/**
 * A contiguous free place in the send buffer of stream `s`, `want` bytes at most; *lpLength gets its size (≥ 1). Valid until the
 * next call into the core. Returns 0 with an error: as WSPSend, 10022 if want is 0; no room: 10035 or LASTACK_WAIT.
 */
export function reserve(s: u32, want: u32, lpLength: usize, lpErrno: usize): usize {
  place = 0;
  length = 0;
  const e = reserveFor(s, want, lpLength);
  setError(lpErrno, e);
  if (e) return 0;
  store<u32>(lpLength, length);
  claim(CLAIM_SEND, s, length);
  return place;
}

// @ts-ignore: decorator
@inline function reserveFor(h: u32, want: u32, lpLength: usize): i32 {
  let e = enterWaiting(h, OP_SEND);
  if (e) return e;
  const s = it;
  if (!mayAccess(lpLength, 4)) return WSAEFAULT;
  if (!want) return WSAEINVAL;
  if (!isStream(s) || isSeqpacket(s)) return WSAEOPNOTSUPP;
  e = sendError(s, waitOf(s, OP_SEND) != 0);
  if (e) { waitEnd(s, OP_SEND); return e; }
  // Piece by piece there is no single send to hold whole: the buffer's size is the bound, not sendMax.
  const room = min(sendRoom(s), max(s.sendLimit, 1));
  movedNothing();
  if (!room) return sendLater(s, h, min(want, max(s.sendLimit, 1)));
  place = streamReserve(s.provider, s.transport, min(want, room));
  length = place ? streamReserved(s.provider) : 0;
  if (!length) return streamSendUsed(s.provider, s.transport) ? sendLater(s, h, 1) : WSAENOBUFS;
  waitEnd(s, OP_SEND);
  return 0;
}

/** Sends the first n bytes of the place that the call before this one reserved on `s`: n, or -1 with 10022 or reserve's errors. */
export function commit(s: u32, n: u32, lpErrno: usize): i32 {
  const mine = claimKind == CLAIM_SEND && claimHandle == s && n <= claimLength;
  let e = enter(s);
  if (!e) e = mine ? sendError(it, false) : WSAEINVAL;
  setError(lpErrno, e);
  if (e) return SOCKET_ERROR;
  if (n) streamCommit(it.provider, it.transport, n);
  sent(it);
  return <i32>n;
}

/**
 * The oldest unread bytes of stream `s` in place; *lpLength gets how many lie contiguously. Valid until the next call into the
 * core. Returns 0 with *lpLength 0 and no error once the peer has finished; 0 with an error as WSPRecv otherwise.
 */
export function peek(s: u32, lpLength: usize, lpErrno: usize): usize {
  place = 0;
  length = 0;
  const e = peekAt(s, lpLength);
  setError(lpErrno, e);
  if (e) return 0;
  store<u32>(lpLength, length);
  if (length) claim(CLAIM_RECV, s, length);
  return place;
}

// @ts-ignore: decorator
@inline function peekAt(h: u32, lpLength: usize): i32 {
  let e = enterWaiting(h, OP_RECV);
  if (e) return e;
  const s = it;
  if (!mayAccess(lpLength, 4)) return WSAEFAULT;
  if (!isStream(s) || isSeqpacket(s)) return WSAEOPNOTSUPP;
  e = receiveError(s, waitOf(s, OP_RECV) != 0);
  if (e) { waitEnd(s, OP_RECV); reenable(s, FD_READ); return e; }
  received(s);
  if (unreadOf(s)) {
    place = streamPeek(s.provider, s.transport);
    length = streamPeeked(s.provider);
  } else if (!(factsOf(s) & TF_FIN_RCVD)) return receiveLater(s, h, 0);
  waitEnd(s, OP_RECV);
  return 0;
}

/** Takes n of the bytes that the call before this one peeked on `s`: n, or -1 with 10022 or peek's errors. */
export function consume(s: u32, n: u32, lpErrno: usize): i32 {
  const mine = claimKind == CLAIM_RECV && claimHandle == s && n <= claimLength;
  let e = enter(s);
  if (!e) e = mine ? receiveError(it, false) : WSAEINVAL;
  setError(lpErrno, e);
  if (e) return SOCKET_ERROR;
  if (n) streamConsume(it.provider, it.transport, n);
  received(it);
  return <i32>n;
}
