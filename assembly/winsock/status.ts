/**
 * What is true of a socket: the predicates of semantics §0.1 as calls, events and select ask for them.
 */
import { CONFIG_SEND_MAX, CONFIG_SWITCHES, SWITCH_V01_CLOSE_ABORTED, SWITCH_V02_CLOSE_EARLY, SWITCH_V06_RESET_AFTER_FIN, SWITCH_V15_RESET_KEEPS_UNREAD } from "../abi/config";
import { WSAECONNABORTED, WSAECONNRESET, WSAENETDOWN, WSAENOTCONN, WSAESHUTDOWN, WSAETIMEDOUT } from "../abi/errors";
import { FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE, SOCK_STREAM } from "../abi/winsock";
import { config } from "../base/config";
import {
  datagramHasError, datagramQueued, datagramWritable, PROVIDER_INET, streamAcceptCount, streamError, streamFlags, streamSendUsed, streamUnread,
  streamUrgent,
} from "../provider/index";
import { TF_FAILED, TF_FIN_RCVD, TF_RST_RCVD, TF_RST_SENT } from "../tcp/tcb";
import { admitted, associationOf, messageFacts, seqpacketUnread, messageWhole } from "./seqpacket/facts";
import { A_DEAD } from "../cotp/association";
import {
  has, isSeqpacket, isStream, S_ACCEPTED, S_BOUND, S_CONNECT_FAILED, S_CONNECTED, S_LISTENING, S_OOBINLINE, S_RECV_SHUT, S_SEND_PENDING, S_SEND_SHUT, Socket,
} from "./socket";

/** Facts that mean: this connection carries nothing any more. */
export const TF_LOST: u32 = TF_RST_RCVD | TF_RST_SENT | TF_FAILED;

// @ts-ignore: decorator
@inline export function chosen(bit: u32): bool { return (config(CONFIG_SWITCHES) & bit) != 0; }

/** Facts of a connected stream socket's connection, 0 without one. */
export function factsOf(s: Socket): u32 {
  if (!has(s, S_CONNECTED) || s.transport < 0) return 0;
  if (<i32>s.type == SOCK_STREAM) return streamFlags(s.provider, s.transport);
  return isSeqpacket(s) ? messageFacts(s, streamFlags(s.provider, s.transport)) : 0;
}

/**
 * What send and receive answer on a lost connection. `pending`: the call had been waiting when it was lost (R-32: then
 * WSAECONNABORTED; a call that finds the failure itself gets WSAETIMEDOUT).
 */
export function lostError(s: Socket, facts: u32, pending: bool): i32 {
  if (isSeqpacket(s) && associationOf(s).state == A_DEAD && !(facts & TF_RST_RCVD)) return WSAECONNABORTED;
  if (facts & TF_RST_RCVD) {
    // R-06, V-06: a reset that followed the peer's own FIN is no hard close of the peer's.
    return (facts & TF_FIN_RCVD) != 0 && !chosen(SWITCH_V06_RESET_AFTER_FIN) ? WSAECONNABORTED : WSAECONNRESET;
  }
  // A failure resets the peer as well; only a reset without one was our own decision.
  if (!(facts & TF_FAILED)) return WSAECONNABORTED;
  const e = streamError(s.provider, s.transport);
  if (e != WSAETIMEDOUT && e != WSAECONNABORTED) return e ? e : WSAECONNABORTED;
  return pending ? WSAECONNABORTED : WSAETIMEDOUT;
}

/**
 * A stream of our own in the state it is in nearly always, so that nothing below needs to be asked: connected, none of the `shut` flags,
 * nothing lost, nobody waits.
 */
// @ts-ignore: decorator
@inline export function isOrdinary(s: Socket, shut: u32): bool {
  return <i32>s.type == SOCK_STREAM && s.provider == PROVIDER_INET && (s.flags & (S_CONNECTED | shut)) == S_CONNECTED && !s.waits && !s.abortCause
    && s.transport >= 0 && !(streamFlags(PROVIDER_INET, s.transport) & TF_LOST);
}

/** Why nothing can be sent, 0 if it can: not connected, shut, lost (chapter X: in that order). */
export function sendError(s: Socket, pending: bool): i32 {
  if ((s.flags & (S_CONNECTED | S_SEND_SHUT)) != S_CONNECTED) return has(s, S_SEND_SHUT) ? WSAESHUTDOWN : WSAENOTCONN;
  const facts = factsOf(s);
  return facts & TF_LOST ? lostError(s, facts, pending) : abortedQuietly(s);
}

/** An abort that sends no RST, in CLOSING and LAST-ACK (W-09), ends the connection all the same: unread bytes are gone. */
function abortedQuietly(s: Socket): i32 { return s.abortCause ? WSAECONNABORTED : 0; }

/** Why a stream cannot be read, 0 if it can. R-24: the shut side comes before everything the peer did. */
export function receiveError(s: Socket, pending: bool): i32 {
  if (has(s, S_RECV_SHUT)) return WSAESHUTDOWN;
  if (!has(s, S_CONNECTED)) return WSAENOTCONN;
  const facts = factsOf(s);
  if (!(facts & TF_LOST)) return abortedQuietly(s);
  if (facts & TF_RST_RCVD && chosen(SWITCH_V15_RESET_KEEPS_UNREAD) && unreadOf(s)) return 0;
  return lostError(s, facts, pending);
}

export function unreadOf(s: Socket): u32 {
  if (s.transport < 0) return 0;
  return isSeqpacket(s) ? seqpacketUnread(s, streamFlags(s.provider, s.transport)) : streamUnread(s.provider, s.transport);
}

/** Connections that wait to be accepted. */
export function acceptCount(s: Socket): u32 { return isSeqpacket(s) ? admitted(s) : streamAcceptCount(s.provider, s.transport); }

/** What a receive would have: of messages a whole one, or all there will be of one. */
function toReceive(s: Socket): bool { return isSeqpacket(s) ? unreadOf(s) != 0 && messageWhole(associationOf(s)) : unreadOf(s) != 0; }

/** Bytes a send may add now: none before overlapped ones that wait. */
export function sendRoom(s: Socket): u32 { return !TINY && has(s, S_SEND_PENDING) ? 0 : sendSpace(s); }

/** Bytes the send buffer takes (V-25: an empty queue takes one of any size up to sendMax). */
export function sendSpace(s: Socket): u32 {
  const used = streamSendUsed(s.provider, s.transport);
  if (!used) return max(config(CONFIG_SEND_MAX), s.sendLimit);
  return used < s.sendLimit ? s.sendLimit - used : 0;
}

/** True if a send of the size that was refused last, or of one byte, would be taken. */
export function hasRoom(s: Socket): bool {
  const room = sendRoom(s);
  return room != 0 && (room >= s.writeNeed || streamSendUsed(s.provider, s.transport) == 0);
}

/** The FD_ bits whose condition holds now, whether asked for, recorded or neither (chapter E). */
export function eventsHolding(s: Socket): u32 {
  if (!isStream(s)) {
    if (!has(s, S_BOUND)) return 0;
    let bits: u32 = 0;
    if (!has(s, S_RECV_SHUT) && (datagramQueued(s.provider, s.transport) || datagramHasError(s.provider, s.transport))) bits |= FD_READ;
    if (!has(s, S_SEND_SHUT) && datagramWritable(s.provider, s.transport)) bits |= FD_WRITE;
    return bits;
  }
  if (has(s, S_LISTENING)) return acceptCount(s) ? FD_ACCEPT : 0;
  // E-65, E-66: the end of a connect attempt, kept until it was reported.
  if (has(s, S_CONNECT_FAILED)) return s.connectError ? FD_CONNECT : 0;
  if (!has(s, S_CONNECTED)) return 0;
  const facts = factsOf(s), unread = has(s, S_RECV_SHUT) ? 0 : unreadOf(s);
  let bits: u32 = has(s, S_ACCEPTED) ? 0 : FD_CONNECT;
  if (unread && toReceive(s)) bits |= FD_READ;
  if (isUrgent(s)) bits |= FD_OOB;
  // E-62: never again after SD_SEND or a reset.
  if (!(facts & TF_LOST) && !has(s, S_SEND_SHUT) && hasRoom(s)) bits |= FD_WRITE;
  if (closeHolds(facts, unread)) bits |= FD_CLOSE;
  return bits;
}

/** E-20 … E-33: the peer is done (V-02: and everything was read), or the connection is lost not by us. */
function closeHolds(facts: u32, unread: u32): bool {
  if (facts & (TF_RST_RCVD | TF_FAILED)) return true;
  return (facts & TF_FIN_RCVD) != 0 && (unread == 0 || chosen(SWITCH_V02_CLOSE_EARLY));
}

/** Error that goes with FD_CLOSE: 10054 or V-01, 10050 (E-29), 10053 for every other failure (E-28). */
export function closeErrorOf(s: Socket, facts: u32): i32 {
  if (facts & TF_RST_RCVD) return chosen(SWITCH_V01_CLOSE_ABORTED) ? WSAECONNABORTED : WSAECONNRESET;
  if (!(facts & TF_FAILED)) return 0;
  return streamError(s.provider, s.transport) == WSAENETDOWN ? WSAENETDOWN : WSAECONNABORTED;
}

/** E-80, E-81: a receive would not wait; S-41: a shut receive side alone does not count. */
export function isReadable(s: Socket): bool {
  if (!isStream(s)) return (eventsHolding(s) & FD_READ) != 0;
  if (has(s, S_LISTENING)) return acceptCount(s) != 0;
  if (!has(s, S_CONNECTED)) return false;
  return (!has(s, S_RECV_SHUT) && toReceive(s)) || (factsOf(s) & (TF_FIN_RCVD | TF_LOST)) != 0;
}

/** E-81, E-86, S-41: a send would not wait, be it because it fails. */
export function isWritable(s: Socket): bool {
  if (!isStream(s)) return datagramWritable(s.provider, s.transport);
  if (!has(s, S_CONNECTED)) return false;
  return has(s, S_SEND_SHUT) || (factsOf(s) & TF_LOST) != 0 || hasRoom(s);
}

/** E-83, E-84: a connect attempt failed. */
export function isExceptional(s: Socket): bool { return has(s, S_CONNECT_FAILED) || isUrgent(s); }

/** E-74: a byte waits for MSG_OOB. */
export function isUrgent(s: Socket): bool {
  if (TINY || !isStream(s) || !has(s, S_CONNECTED) || has(s, S_OOBINLINE | S_RECV_SHUT)) return false;
  return s.transport >= 0 && !(factsOf(s) & TF_LOST) && streamUrgent(s.provider, s.transport);
}
