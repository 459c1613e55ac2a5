/** News from below for connections of messages: handshake, arrival, end; and the deadline of the handshake. */
import { WSAECONNABORTED, WSAECONNREFUSED, WSAECONNRESET, WSAETIMEDOUT } from "../../abi/errors";
import { CAUSE_PROTOCOL, CAUSE_RECV_SHUT } from "../../abi/report";
import { due, now } from "../../base/time";
import { A_DEAD, A_IDLE, A_WAIT_CC, Association, associationBegin, E_REFUSE } from "../../cotp/association";
import { NEWS_BROKEN, NEWS_CONFIRMED, NEWS_CUT, NEWS_DATA, NEWS_END, NEWS_REFUSED, NEWS_UNWANTED, take } from "../../cotp/input";
import { sendEnd, sendRequest } from "../../cotp/output";
import { recordAny, recordsDrop } from "../../cotp/records";
import { deadlineBefore } from "../../memory/deadlines";
import { idOfSocket } from "../../memory/identities";
import { streamAbort, streamFlags, streamShutdownSend } from "../../provider/index";
import {
  NOTIFY_CONNECT_FAILED, NOTIFY_CONNECTED, NOTIFY_FAILED, NOTIFY_FIN, NOTIFY_READABLE, NOTIFY_RESET, NOTIFY_URGENT, NOTIFY_WRITABLE, TF_RST_RCVD,
} from "../../tcp/tcb";
import { indexOf, has, S_ACCEPTING, S_CONNECTED, S_CONNECTING, Socket } from "../socket";
import { associationOf } from "./facts";

/** How long the peer may take to answer a connection request, and to send one, milliseconds (X.224's TS1 is a local matter). */
const HANDSHAKE_MS: u32 = 30000;
/** When memory was short: tried again after this. */
const AGAIN_MS: u32 = 50;

/** News of the stream that are none of its messages. */
const STREAM: u32 = NOTIFY_READABLE | NOTIFY_FIN | NOTIFY_URGENT;
const LOST: u32 = NOTIFY_RESET | NOTIFY_FAILED;

/** The handshake above TCP has to be through by then. */
export function handshakeBy(s: Socket, a: Association): void {
  a.until = now + HANDSHAKE_MS;
  deadlineBefore(idOfSocket(indexOf(s)), a.until);
}

/** Why connectingNews answered NOTIFY_CONNECT_FAILED; 0 = the stream knows. */
export let handshakeError: i32 = 0;

/**
 * The stream of a connecting socket has NOTIFY_ news; returns those that concern the socket: NOTIFY_CONNECTED once the CC is here,
 * NOTIFY_CONNECT_FAILED with handshakeError.
 */
export function connectingNews(s: Socket, bits: u32): u32 {
  const a = associationOf(s);
  handshakeError = 0;
  if (bits & NOTIFY_CONNECT_FAILED) return bits;
  if (bits & NOTIFY_CONNECTED) {
    associationBegin(a, s.transport, A_WAIT_CC, s.recvLimit);
    if (!sendRequest(a)) return giveUp(s, WSAECONNABORTED);
    handshakeBy(s, a);
  }
  if (a.state != A_WAIT_CC) return 0;
  if (bits & LOST) return giveUp(s, streamFlags(s.provider, s.transport) & TF_RST_RCVD ? WSAECONNREFUSED : WSAECONNABORTED);
  const news = take(a);
  // A peer that does not speak the protocol, or closes instead of answering, is no peer.
  if (news & NEWS_REFUSED) return giveUp(s, WSAECONNREFUSED);
  if (news & (NEWS_BROKEN | NEWS_CUT) && !(news & NEWS_CONFIRMED)) return giveUp(s, WSAECONNRESET);
  return news & NEWS_CONFIRMED ? NOTIFY_CONNECTED | NOTIFY_WRITABLE | noticed(s, news) : 0;
}

function giveUp(s: Socket, error: i32): u32 {
  associationOf(s).state = A_DEAD;
  streamAbort(s.provider, s.transport, CAUSE_PROTOCOL);
  handshakeError = error;
  return NOTIFY_CONNECT_FAILED;
}

/** The stream of a connected socket has NOTIFY_ news; returns what they mean for messages. */
export function messageNews(s: Socket, bits: u32): u32 {
  if (bits & LOST) {
    // V-15: a reset empties every queue of the connection.
    s.drained += recordsDrop(associationOf(s));
    return bits & ~STREAM;
  }
  return (bits & ~STREAM) | noticed(s, take(associationOf(s)));
}

/** Takes what the stream held back for want of room or memory. */
export function seqpacketMore(s: Socket): u32 { return has(s, S_CONNECTED | S_ACCEPTING) ? noticed(s, take(associationOf(s))) : 0; }

/** NEWS_ bits as NOTIFY_ bits; what breaks the protocol is answered with a reset. */
function noticed(s: Socket, news: u32): u32 {
  const a = associationOf(s);
  let bits: u32 = 0;
  if (news & NEWS_DATA) bits |= NOTIFY_READABLE;
  // Whatever is whole only now because no more will come is news too.
  if (news & NEWS_END) bits |= NOTIFY_FIN | NOTIFY_READABLE;
  if (news & NEWS_CUT) bits |= NOTIFY_RESET | NOTIFY_READABLE;
  if (news & (NEWS_BROKEN | NEWS_UNWANTED)) {
    seqpacketAbort(s, news & NEWS_BROKEN ? CAUSE_PROTOCOL : CAUSE_RECV_SHUT);
    bits = NOTIFY_FAILED;
  } else if (a.starved) {
    a.until = now + AGAIN_MS;
    deadlineBefore(idOfSocket(indexOf(s)), a.until);
  }
  return bits;
}

/** Resets the connection for `cause`; messages unread are lost. */
export function seqpacketAbort(s: Socket, cause: u32): void {
  const a = associationOf(s);
  a.state = A_DEAD;
  s.abortCause = <u8>cause;
  s.drained += recordsDrop(a);
  streamAbort(s.provider, s.transport, cause);
}

/** Our direction ends behind what was sent: disconnect request or confirm, then the FIN. Without memory for it the FIN alone, an abort to the peer. */
export function seqpacketEnd(s: Socket): void {
  sendEnd(associationOf(s));
  streamShutdownSend(s.provider, s.transport);
}

/** Of a closed socket: takes what the stream has and throws the messages away; octets, or at least 1 if there was an empty message. */
export function seqpacketDrain(s: Socket): u32 {
  const a = associationOf(s), news = take(a), empty = a.complete;
  const n = max(recordsDrop(a), empty);
  return news & (NEWS_BROKEN | NEWS_UNWANTED) ? max<u32>(n, 1) : n;
}

/** Nobody reads any more: what is unread resets the connection now, a message that comes later then (V-10). The peer's end is no message. */
export function seqpacketRefuse(s: Socket): void {
  const a = associationOf(s);
  if (recordAny(a) || a.inData) seqpacketAbort(s, CAUSE_RECV_SHUT); else a.ends |= <u8>E_REFUSE;
}

/** Nothing is left of an association: its socket may have another (DisconnectEx, CancelIoEx). */
export function seqpacketForget(s: Socket): void {
  const a = associationOf(s);
  recordsDrop(a);
  a.state = A_IDLE;
}

/** The deadline of an open socket: NOTIFY_ news of what the stream may give now (memory), NOTIFY_CONNECT_FAILED where no CC came. */
export function seqpacketDue(s: Socket): u32 {
  const a = associationOf(s);
  const waits = a.state == A_WAIT_CC && has(s, S_CONNECTING);
  if (!waits && !a.starved) return 0;
  if (!due(a.until)) { deadlineBefore(idOfSocket(indexOf(s)), a.until); return 0; }
  return waits ? giveUp(s, WSAETIMEDOUT) : seqpacketMore(s);
}
