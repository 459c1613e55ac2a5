/** Sending and receiving on SOCK_SEQPACKET sockets: messages and parts of them (MSG_PARTIAL). */
import { CONFIG_SEND_MAX, SWITCH_V24_SEND_CLEARS_WRITE } from "../../abi/config";
import { WSAEDISCON, WSAENOBUFS, WSAETIMEDOUT, WSAEWOULDBLOCK } from "../../abi/errors";
import { OP_RECV, OP_SEND } from "../../abi/events";
import { FD_CLOSE, FD_READ, FD_WRITE, MSG_PARTIAL, MSG_PEEK } from "../../abi/winsock";
import { config } from "../../base/config";
import { DATA_OVERHEAD, dataMost, dataPlace, dataWire, sendData } from "../../cotp/output";
import { recordAny, recordCopy, recordEnds, recordLength, recordTake } from "../../cotp/records";
import { NOTIFY_FAILED, TF_FIN_RCVD } from "../../tcp/tcb";
import { streamSendUsed } from "../../provider/index";
import { bufferLength, bufferPointer } from "../buffers";
import { forgetWrite, raise, reenable } from "../netevents";
import { has, S_NONBLOCKING, Socket } from "../socket";
import { chosen, factsOf, receiveError, sendError, sendRoom } from "../status";
import { waitDone, waitEnd, waitFor, waitOf, waitsHalfway, wake } from "../waits";
import { associationOf, messageWhole } from "./facts";
import { seqpacketMore } from "./news";

/** Octets the last call moved. */
export let messageMoved: u32 = 0;
/** The last message received goes on: MSG_PARTIAL of WSPRecv's lpFlags. */
export let messageGoesOn: bool = false;

/**
 * Sends the buffers as one message, or with MSG_PARTIAL as a part of one that the next send goes on with. Nonblocking: all or 10035.
 * Blocking: TPDU by TPDU as room comes up. A send that times out after some of them returns their octets, and the message stands open:
 * the next send goes on with it. Nobody else's message comes between the TPDUs of one.
 */
export function sendMessage(s: Socket, h: u32, list: usize, count: u32, total: u32, flags: u32): i32 {
  messageMoved = 0;
  const e = sendError(s, waitOf(s, OP_SEND) != 0);
  if (e) { waitEnd(s, OP_SEND); return e; }
  const a = associationOf(s), whole = !(flags & MSG_PARTIAL), waits = !has(s, S_NONBLOCKING);
  let done = waitDone(s, OP_SEND);
  messageMoved = done;
  if (!total && !whole) return ends(s);
  if (!waits && dataWire(a, total) > config(CONFIG_SEND_MAX)) return WSAENOBUFS;
  if (waitsHalfway(s, OP_SEND)) return later(s, h, 1, done);
  const need = dataWire(a, total - done);
  if (!waits && need > sendRoom(s)) return later(s, h, need, 0);
  do {
    const n = min(total - done, dataMost(a));
    if (waits && sendRoom(s) < n + DATA_OVERHEAD) return later(s, h, n + DATA_OVERHEAD, done);
    gather(list, count, done, n);
    if (!sendData(a, n, whole && done + n == total)) return short(s, h, n, done);
    done += n;
  } while (done < total);
  messageMoved = done;
  return ends(s);
}

/**
 * The same as one step that takes everything or answers 10035, for overlapped sends: `space` bytes of stream may be added. Without memory
 * halfway what went out is part of the message, and it answers 10055.
 */
export function messageSend(s: Socket, list: usize, count: u32, total: u32, whole: bool, space: u32): i32 {
  const a = associationOf(s);
  if (!total && !whole) return 0;
  if (dataWire(a, total) > space) return WSAEWOULDBLOCK;
  let done: u32 = 0;
  do {
    const n = min(total - done, dataMost(a));
    gather(list, count, done, n);
    if (!sendData(a, n, whole && done + n == total)) return done || !streamSendUsed(s.provider, s.transport) ? WSAENOBUFS : WSAEWOULDBLOCK;
    done += n;
  } while (done < total);
  return 0;
}

/** Memory ran out: what stands in the queue gives some back when it is acknowledged. */
function short(s: Socket, h: u32, n: u32, done: u32): i32 {
  messageMoved = done;
  if (!has(s, S_NONBLOCKING) && streamSendUsed(s.provider, s.transport)) return later(s, h, n, done);
  waitEnd(s, OP_SEND);
  return done ? 0 : WSAENOBUFS;
}

function ends(s: Socket): i32 {
  waitEnd(s, OP_SEND);
  s.writeNeed = 0;
  if (chosen(SWITCH_V24_SEND_CLEARS_WRITE)) forgetWrite(s);
  return 0;
}

/** `need` bytes of stream found no room: 10035 with FD_WRITE re-enabled (E-61), or a wait. */
function later(s: Socket, h: u32, need: u32, done: u32): i32 {
  messageMoved = done;
  if (has(s, S_NONBLOCKING)) {
    waitEnd(s, OP_SEND);
    s.writeNeed = need;
    reenable(s, FD_WRITE);
    return WSAEWOULDBLOCK;
  }
  s.writeNeed = min(need, max(s.sendLimit >> 1, 1));
  const e = waitFor(s, h, OP_SEND, s.sendTimeout, done);
  return e == WSAETIMEDOUT && done ? ends(s) : e;
}

/** n octets of the buffers from offset `from` to the next TPDU. */
function gather(list: usize, count: u32, from: u32, n: u32): void {
  let to = dataPlace();
  for (let k: u32 = 0; k < count && n; k++) {
    const length = bufferLength(list, k);
    if (from >= length) { from -= length; continue; }
    const part = min(n, length - from);
    memory.copy(to, bufferPointer(list, k) + <usize>from, part);
    to += <usize>part;
    n -= part;
    from = 0;
  }
}

/**
 * Receives one message, or as much of it as the buffers hold: then messageGoesOn, and the next receive goes on with it. Without
 * MSG_PARTIAL it waits for the whole message, unless buffers or receive buffer are full; with it, for any part. R-25: the peer's end is
 * 10101. A peer's message that will never be whole is received as a part.
 */
export function receiveMessage(s: Socket, h: u32, list: usize, count: u32, total: u32, flags: u32): i32 {
  messageMoved = 0;
  messageGoesOn = false;
  const e = receiveError(s, waitOf(s, OP_RECV) != 0);
  if (e) { waitEnd(s, OP_RECV); reenable(s, FD_READ); return e; }
  const got = messageTake(s, list, count, total, flags);
  if (got != WSAEWOULDBLOCK || has(s, S_NONBLOCKING)) waitEnd(s, OP_RECV);
  received(s);
  return got == WSAEWOULDBLOCK && !has(s, S_NONBLOCKING) ? waitFor(s, h, OP_RECV, s.recvTimeout, 0) : got;
}

/** receiveMessage as one step: 0, 10101 at the peer's end, 10035 while what is wanted is not here. Overlapped receives wait with it. */
export function messageTake(s: Socket, list: usize, count: u32, total: u32, flags: u32): i32 {
  messageMoved = 0;
  messageGoesOn = false;
  const a = associationOf(s);
  if (!recordAny(a)) return factsOf(s) & TF_FIN_RCVD ? WSAEDISCON : WSAEWOULDBLOCK;
  if (!(flags & MSG_PARTIAL) && !messageHere(s, total)) return WSAEWOULDBLOCK;
  const length = recordLength(a);
  messageMoved = scatter(s, list, count, min(length, total));
  messageGoesOn = !recordEnds(a) || length > total;
  if (!(flags & MSG_PEEK)) taken(s, messageMoved);
  return 0;
}

/** What a receive of `total` octets waits for: a whole message, or so much of one that waiting would bring no more. */
export function messageHere(s: Socket, total: u32): bool {
  const a = associationOf(s);
  return messageWhole(a) || (recordAny(a) && recordLength(a) >= total);
}

/** n octets of the oldest record were read: there is room for what the stream held back. */
function taken(s: Socket, n: u32): void {
  recordTake(associationOf(s), n);
  const news = seqpacketMore(s);
  if (news) wake(s, 1 << OP_RECV | (news & NOTIFY_FAILED ? 1 << OP_SEND : 0));
}

/** What every receive does to the event record: FD_READ re-enabled (E-51), FD_CLOSE now that the messages are read (E-25). */
function received(s: Socket): void {
  reenable(s, FD_READ);
  raise(s, FD_CLOSE);
}

function scatter(s: Socket, list: usize, count: u32, n: u32): u32 {
  let at: u32 = 0;
  for (let k: u32 = 0; k < count && at < n; k++) {
    const part = min(n - at, bufferLength(list, k));
    recordCopy(associationOf(s), at, bufferPointer(list, k), part);
    at += part;
  }
  return n;
}
