// Generated from assembly/abi/report.ts by tools/gen-abi.mjs. Do not edit.
/**
 * The close report: one record per closed socket, pulled with `report(ptr)`.
 * Every close ends in exactly one (design: "close() always settles").
 */

/** Our FIN is acknowledged and the peer's FIN was seen. */
export const OUTCOME_GRACEFUL = 1;
/** All bytes and our FIN are acknowledged; the peer has not closed its side. */
export const OUTCOME_DELIVERED = 2;
/** The peer reset the connection. */
export const OUTCOME_RESET_BY_PEER = 3;
/** We reset it; the cause says why. */
export const OUTCOME_ABORTED = 4;
/** The linger time ran out; the connection was reset. */
export const OUTCOME_LINGER_EXPIRED = 5;
/** No acknowledgement progress for the orphan or user timeout. */
export const OUTCOME_TIMED_OUT = 6;
/** The network reported the peer unreachable. */
export const OUTCOME_UNREACHABLE = 7;
/** The socket never had a connection. */
export const OUTCOME_NOT_CONNECTED = 8;
/** A host socket that cannot tell. */
export const OUTCOME_UNKNOWN = 9;

export const CAUSE_NONE = 0;
/** SO_LINGER { on, 0 }. */
export const CAUSE_LINGER0 = 1;
/** abort was called. */
export const CAUSE_ABORT = 2;
/** Closed with received data unread (semantics C-44). */
export const CAUSE_UNREAD_DATA = 3;
/** Data arrived after the close (semantics C-45). */
export const CAUSE_DATA_AFTER_CLOSE = 4;
/** Data met a receive side that was shut (semantics S-11, S-12). */
export const CAUSE_RECV_SHUT = 5;
/** The last WSPCleanup tore the connection down (semantics C-53). */
export const CAUSE_CLEANUP = 6;
/** The peer broke the protocol above TCP (SOCK_SEQPACKET). */
export const CAUSE_PROTOCOL = 7;

/** Offsets in bytes. */
export const REPORT_HANDLE = 0;
export const REPORT_OUTCOME = 4;
export const REPORT_CAUSE = 8;
/** Winsock error of the connection, 0 if none. */
export const REPORT_ERROR = 12;
/** u64: bytes accepted from the caller. */
export const REPORT_BYTES_SENT = 16;
/** u64: of those, acknowledged by the peer's stack. */
export const REPORT_BYTES_ACKED = 24;
/** u64: accepted and not acknowledged. */
export const REPORT_BYTES_UNACKED = 32;
/** u64: received and never handed to the caller. */
export const REPORT_BYTES_DISCARDED = 40;
/** u32: 1 if the peer's FIN was received. */
export const REPORT_PEER_FIN = 48;
/** u32: milliseconds from the close call to this report. */
export const REPORT_DURATION_MS = 52;
/** u32: TCP state in which the close found the connection. */
export const REPORT_STATE = 56;
/** u32: reports dropped because nobody pulled them, so far. */
export const REPORT_DROPPED = 60;
export const SIZEOF_REPORT = 64;

/** OUTCOME_ number to its name as the API spells it. */
export const outcomeName: Readonly<Record<number, string>> = {
  [OUTCOME_GRACEFUL]: "graceful",
  [OUTCOME_DELIVERED]: "delivered",
  [OUTCOME_RESET_BY_PEER]: "resetByPeer",
  [OUTCOME_ABORTED]: "aborted",
  [OUTCOME_LINGER_EXPIRED]: "lingerExpired",
  [OUTCOME_TIMED_OUT]: "timedOut",
  [OUTCOME_UNREACHABLE]: "unreachable",
  [OUTCOME_NOT_CONNECTED]: "notConnected",
  [OUTCOME_UNKNOWN]: "unknown",
};

/** CAUSE_ number to its name as the API spells it. */
export const causeName: Readonly<Record<number, string>> = {
  [CAUSE_NONE]: "none",
  [CAUSE_LINGER0]: "linger0",
  [CAUSE_ABORT]: "abort",
  [CAUSE_UNREAD_DATA]: "unreadData",
  [CAUSE_DATA_AFTER_CLOSE]: "dataAfterClose",
  [CAUSE_RECV_SHUT]: "recvShut",
  [CAUSE_CLEANUP]: "cleanup",
  [CAUSE_PROTOCOL]: "protocol",
};
