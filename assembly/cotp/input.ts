/**
 * What the peer sends. Octets of messages go from the stream straight into the association's ring as far as there is room; every other
 * TPDU is short and is looked at whole, in place. Nothing a peer says about lengths is believed before it was compared, and nothing
 * makes this side hold more than its receive buffer and the stream's.
 */
import { frameBounds, rd8 } from "../base/bytes";
import { streamConsume, streamFlags, streamRecv, streamUnread } from "../provider/index";
import { TF_FIN_RCVD } from "../tcp/tcb";
import {
  calledAt, calledLength, CLASS_2_NO_FLOW_CONTROL, CODE_CC, CODE_CR, CODE_DC, CODE_DR, CODE_DT, CONNECT_DATA_MAX, COTP_CLASS, COTP_CODE, COTP_NR,
  cotpCheck, cotpDestination, cotpParameters, cotpSource, DISCONNECT_DATA_MAX, DT_HEADER, EOT, foundSize, LI_DC, LI_MAX, REASON_NEGOTIATION, REASON_NO_TSAP,
  TPDU_SIZE_OURS,
} from "../wire/cotp";
import { TPKT_HEADER, tpktCheck } from "../wire/tpkt";
import {
  A_DEAD, A_HELD, A_IDLE, A_OPEN, A_WAIT_CC, A_WAIT_CR, Association, E_CUT, E_RECEIVED, E_REFUSE, E_SENT, ended, inData, ownTsap,
} from "./association";
import { sendRefusal } from "./output";
import { recordCommit, recordEnd, recordReserve, recordReserved, recordRoom } from "./records";

/** News that take returns. */
/** Messages, or parts of them, arrived. */
export const NEWS_DATA: u32 = 1;
/** The peer's direction ended in good order. */
export const NEWS_END: u32 = 2;
/** CC came: open. */
export const NEWS_CONFIRMED: u32 = 4;
/** An acceptable CR came: the association is A_HELD. */
export const NEWS_REQUESTED: u32 = 8;
/** The peer refused our CR, or its CR was refused here with a DR. */
export const NEWS_REFUSED: u32 = 16;
/** The peer broke the protocol: the stream has to be reset. */
export const NEWS_BROKEN: u32 = 32;
/** The stream ended without a disconnect request. */
export const NEWS_CUT: u32 = 64;
/** A message came for a side that refuses them. */
export const NEWS_UNWANTED: u32 = 128;

/** Longest TPDU that is no DT: header and disconnect data. */
const CONTROL_MAX: u32 = TPKT_HEADER + LI_MAX + 1 + DISCONNECT_DATA_MAX;
const HEAD: usize = TINY ? 0 : memory.data(336, 8);
const TPDU: usize = 4;

/** Takes from the stream what there is. Returns NEWS_ bits; after BROKEN, REFUSED, CUT and UNWANTED the association is A_DEAD. */
export function take(a: Association): u32 {
  if (a.state == A_IDLE || a.state == A_DEAD) return 0;
  let news: u32 = 0;
  a.starved = 0;
  for (;;) {
    const n = a.inData ? takeData(a) : takeHeader(a);
    news |= n;
    if (n & (NEWS_REFUSED | NEWS_BROKEN | NEWS_UNWANTED)) { a.state = A_DEAD; return news; }
    if (!n || n & NEWS_REQUESTED) break;
  }
  return (news | streamEnd(a)) & ~NEWS_AGAIN;
}

/** Something was taken that is no news. */
const NEWS_AGAIN: u32 = 1 << 31;

/** The stream's end: in good order behind a disconnect request of either side, between two TPDUs; else the peer gave up. */
function streamEnd(a: Association): u32 {
  if (!(streamFlags(a.provider, a.transport) & TF_FIN_RCVD) || ended(a, E_RECEIVED | E_CUT)) return 0;
  const unread = streamUnread(a.provider, a.transport);
  // A full ring keeps the rest in the stream: there is no end before that was read.
  if (unread && a.inData) return 0;
  if (!unread && !a.inData && ended(a, E_SENT)) { a.ends |= <u8>E_RECEIVED; return NEWS_END; }
  a.ends |= <u8>E_CUT;
  return NEWS_CUT;
}

/** Octets of the current DT into the ring. */
function takeData(a: Association): u32 {
  let moved: u32 = 0;
  while (a.left) {
    const want = min(min(a.left, streamUnread(a.provider, a.transport)), recordRoom(a));
    if (!want) return moved;
    if (ended(a, E_REFUSE)) return NEWS_UNWANTED;
    const at = recordReserve(a, want);
    if (!at) { a.starved = 1; return moved; }
    const n = streamRecv(a.provider, a.transport, at, recordReserved(), false);
    recordCommit(a, n);
    a.left -= n;
    moved = NEWS_DATA;
  }
  if (a.eot) {
    if (ended(a, E_REFUSE)) return NEWS_UNWANTED;
    // An end needs room for a record of its own at most: empty messages fill the ring like others.
    if (!a.growing && !recordRoom(a)) return moved;
    if (!recordEnd(a)) { a.starved = 1; return moved; }
  }
  a.inData = 0;
  return NEWS_DATA;
}

/** The next TPDU's header, or the whole of one that is no DT. 0 if more has to come first. */
function takeHeader(a: Association): u32 {
  const unread = streamUnread(a.provider, a.transport);
  if (unread < TPKT_HEADER + 2) return 0;
  const first = streamRecv(a.provider, a.transport, HEAD, min(unread, DT_HEADER + TPKT_HEADER), true);
  frameBounds(HEAD, first);
  const length = tpktCheck(HEAD);
  // After the peer's disconnect request only the confirm of our own may come.
  if (!length) return NEWS_BROKEN;
  if (rd8(HEAD + TPDU + COTP_CODE) == CODE_DT) return first < DT_HEADER + TPKT_HEADER ? short(length) : dataHeader(a, length);
  if (length > CONTROL_MAX) return NEWS_BROKEN;
  if (unread < length) return 0;
  streamRecv(a.provider, a.transport, HEAD, length, true);
  frameBounds(HEAD, length);
  const header = cotpCheck(HEAD + TPDU, length - TPKT_HEADER);
  if (!header) return NEWS_BROKEN;
  streamConsume(a.provider, a.transport, length);
  return control(a, HEAD + TPDU, header, length - TPKT_HEADER - header);
}

/** A DT whose header is not all here: wrong if it never will be. */
function short(length: u32): u32 { return length < DT_HEADER + TPKT_HEADER ? NEWS_BROKEN : 0; }

function dataHeader(a: Association, length: u32): u32 {
  const size = length - TPKT_HEADER;
  if (a.state != A_OPEN || ended(a, E_RECEIVED) || cotpCheck(HEAD + TPDU, size) != DT_HEADER || size > a.size) return NEWS_BROKEN;
  if (cotpDestination(HEAD + TPDU) != <u32>a.localRef) return NEWS_BROKEN;
  a.eot = rd8(HEAD + TPDU + COTP_NR) & EOT ? 1 : 0;
  a.left = size - DT_HEADER;
  a.inData = 1;
  streamConsume(a.provider, a.transport, DT_HEADER + TPKT_HEADER);
  return NEWS_AGAIN;
}

/** A TPDU that is no DT: `header` octets, then `data` octets of user data. */
function control(a: Association, p: usize, header: u32, data: u32): u32 {
  switch (rd8(p + COTP_CODE)) {
    case CODE_CR: return a.state == A_WAIT_CR && data <= CONNECT_DATA_MAX ? request(a, p, header) : NEWS_BROKEN;
    case CODE_CC: return a.state == A_WAIT_CC && data <= CONNECT_DATA_MAX ? confirm(a, p, header) : NEWS_BROKEN;
    case CODE_DR: return data <= DISCONNECT_DATA_MAX ? disconnect(a, p, header, data) : NEWS_BROKEN;
    case CODE_DC: return header == LI_DC + 1 && !data ? confirmed(a, p) : NEWS_BROKEN;
    default: return NEWS_BROKEN;
  }
}

/** CR: answered with A_HELD, or refused with a DR (X.224 §6.5.5: class 2 and no explicit flow control must both be proposed). */
function request(a: Association, p: usize, header: u32): u32 {
  a.remoteRef = <u16>cotpSource(p);
  if (cotpDestination(p) || !a.remoteRef) return NEWS_BROKEN;
  let reason: u32 = 0;
  if (!cotpParameters(p, header) || rd8(p + COTP_CLASS) != CLASS_2_NO_FLOW_CONTROL) reason = REASON_NEGOTIATION;
  // A listener without a TSAP of its own takes any.
  else if (a.ownLength && !sameTsap(a)) reason = REASON_NO_TSAP;
  if (reason) { sendRefusal(a, reason); return NEWS_REFUSED; }
  a.size = min(foundSize, TPDU_SIZE_OURS);
  a.state = A_HELD;
  return NEWS_REQUESTED;
}

function sameTsap(a: Association): bool {
  return calledLength == <u32>a.ownLength && memory.compare(calledAt, ownTsap(a), calledLength) == 0;
}

/** CC: what it selects must have been proposed. */
function confirm(a: Association, p: usize, header: u32): u32 {
  a.remoteRef = <u16>cotpSource(p);
  if (cotpDestination(p) != <u32>a.localRef || !a.remoteRef || rd8(p + COTP_CLASS) != CLASS_2_NO_FLOW_CONTROL) return NEWS_BROKEN;
  if (!cotpParameters(p, header)) return NEWS_BROKEN;
  // Where the CC names no size, the one proposed holds.
  if (foundSize < a.size) a.size = foundSize;
  a.state = A_OPEN;
  return NEWS_CONFIRMED;
}

/** DR: a refusal of our CR, or the end of the peer's messages. */
function disconnect(a: Association, p: usize, header: u32, data: u32): u32 {
  if (cotpDestination(p) != <u32>a.localRef) return NEWS_BROKEN;
  if (a.state == A_WAIT_CC) return NEWS_REFUSED;
  if (a.state != A_OPEN || ended(a, E_RECEIVED)) return NEWS_BROKEN;
  memory.copy(inData(a), p + header, data);
  a.inLength = <u8>data;
  a.ends |= <u8>E_RECEIVED;
  return NEWS_END;
}

/** DC: the peer has nothing more to send either. Behind a DR of its own, which crossed ours, it says nothing new. */
function confirmed(a: Association, p: usize): u32 {
  if (a.state != A_OPEN || !ended(a, E_SENT) || cotpDestination(p) != <u32>a.localRef) return NEWS_BROKEN;
  if (ended(a, E_RECEIVED)) return NEWS_AGAIN;
  a.ends |= <u8>E_RECEIVED;
  return NEWS_END;
}
