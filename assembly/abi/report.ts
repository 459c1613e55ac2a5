/**
 * The close report: one record per closed socket, pulled with `report(ptr)`.
 * Every close ends in exactly one (design: "close() always settles").
 */

/** Our FIN is acknowledged and the peer's FIN was seen. */
export const OUTCOME_GRACEFUL: u32 = 1;
/** All bytes and our FIN are acknowledged; the peer has not closed its side. */
export const OUTCOME_DELIVERED: u32 = 2;
/** The peer reset the connection. */
export const OUTCOME_RESET_BY_PEER: u32 = 3;
/** We reset it; the cause says why. */
export const OUTCOME_ABORTED: u32 = 4;
/** The linger time ran out; the connection was reset. */
export const OUTCOME_LINGER_EXPIRED: u32 = 5;
/** No acknowledgement progress for the orphan or user timeout. */
export const OUTCOME_TIMED_OUT: u32 = 6;
/** The network reported the peer unreachable. */
export const OUTCOME_UNREACHABLE: u32 = 7;
/** The socket never had a connection. */
export const OUTCOME_NOT_CONNECTED: u32 = 8;
/** A host socket that cannot tell. */
export const OUTCOME_UNKNOWN: u32 = 9;

export const CAUSE_NONE: u32 = 0;
/** SO_LINGER { on, 0 }. */
export const CAUSE_LINGER0: u32 = 1;
/** abort was called. */
export const CAUSE_ABORT: u32 = 2;
/** Closed with received data unread (semantics C-44). */
export const CAUSE_UNREAD_DATA: u32 = 3;
/** Data arrived after the close (semantics C-45). */
export const CAUSE_DATA_AFTER_CLOSE: u32 = 4;
/** Data met a receive side that was shut (semantics S-11, S-12). */
export const CAUSE_RECV_SHUT: u32 = 5;
/** The last WSPCleanup tore the connection down (semantics C-53). */
export const CAUSE_CLEANUP: u32 = 6;
/** The peer broke the protocol above TCP (SOCK_SEQPACKET). */
export const CAUSE_PROTOCOL: u32 = 7;

/** Offsets in bytes. */
export const REPORT_HANDLE: u32 = 0;
export const REPORT_OUTCOME: u32 = 4;
export const REPORT_CAUSE: u32 = 8;
/** Winsock error of the connection, 0 if none. */
export const REPORT_ERROR: u32 = 12;
/** u64: bytes accepted from the caller. */
export const REPORT_BYTES_SENT: u32 = 16;
/** u64: of those, acknowledged by the peer's stack. */
export const REPORT_BYTES_ACKED: u32 = 24;
/** u64: accepted and not acknowledged. */
export const REPORT_BYTES_UNACKED: u32 = 32;
/** u64: received and never handed to the caller. */
export const REPORT_BYTES_DISCARDED: u32 = 40;
/** u32: 1 if the peer's FIN was received. */
export const REPORT_PEER_FIN: u32 = 48;
/** u32: milliseconds from the close call to this report. */
export const REPORT_DURATION_MS: u32 = 52;
/** u32: TCP state in which the close found the connection. */
export const REPORT_STATE: u32 = 56;
/** u32: reports dropped because nobody pulled them, so far. */
export const REPORT_DROPPED: u32 = 60;
export const SIZEOF_REPORT: u32 = 64;
