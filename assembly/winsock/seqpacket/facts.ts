/** What is true of a SOCK_SEQPACKET socket: its association's facts in the words the rest of the room asks in (semantics §0.1). */
import {
  A_DEAD, Association, association, E_CUT, E_RECEIVED, ended,
} from "../../cotp/association";
import { recordAny, recordEnds, recordLength, recordRoom } from "../../cotp/records";
import { TF_FAILED, TF_FIN_RCVD, TF_RST_RCVD, TF_RST_SENT } from "../../tcp/tcb";
import { Socket } from "../socket";

// @ts-ignore: decorator
@inline export function associationOf(s: Socket): Association { return association(s.message); }

/**
 * The stream's facts as they concern messages: the peer has finished when its disconnect request came, not with the FIN; a FIN without
 * one is an abort (X.224 §6.7.1), told when every message before it was read; a broken protocol is a failure.
 */
export function messageFacts(s: Socket, stream: u32): u32 {
  const a = associationOf(s);
  let facts = stream & ~TF_FIN_RCVD;
  if (a.state == A_DEAD) return facts | TF_FAILED;
  if (ended(a, E_RECEIVED)) facts |= TF_FIN_RCVD;
  if (ended(a, E_CUT) && !recordAny(a)) facts |= TF_RST_RCVD;
  return facts;
}

/** The stream's facts for the close report: what the peer's TCP acknowledged and finished, and whether it gave up before its messages' end. */
export function messageReportFacts(s: Socket, stream: u32): u32 { return ended(associationOf(s), E_CUT) ? stream | TF_RST_RCVD : stream; }

/** Not 0 while something is unread: octets, or messages without any. */
export function seqpacketUnread(s: Socket, stream: u32): u32 {
  if (stream & (TF_RST_RCVD | TF_RST_SENT | TF_FAILED)) return 0;
  const a = associationOf(s);
  return max(a.unread, a.complete);
}

/**
 * A receive of any size would not wait: a whole message is there, or as much of one as the receive buffer holds, or what is left of one
 * that will never be whole.
 */
export function messageWhole(a: Association): bool {
  return recordAny(a) && (recordEnds(a) || !recordRoom(a) || a.starved != 0 || ended(a, E_RECEIVED | E_CUT));
}

/** Connections of a listener that accept would give (winsock/seqpacket/admission). */
export function admitted(l: Socket): u32 { return associationOf(l).ready; }

/** Octets of the oldest message that are here: FIONREAD. */
export function messageFirst(s: Socket): u32 { return recordLength(associationOf(s)); }
