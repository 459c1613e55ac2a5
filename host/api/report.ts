/** The close report as the API hands it out. */
import { type CloseCause, type CloseOutcome, type CloseReportRecord, errorInfo } from "../core/index.ts";

export type { CloseCause, CloseOutcome };

/**
 * What became of a connection. Every `close()` and `abort()` ends in exactly one.
 *
 * "Acknowledged" says that the peer's *stack* has the bytes. Whether its program read them, only the program can say.
 */
export interface CloseReport {
  /**
   * - `graceful`: our FIN is acknowledged and the peer's FIN was seen.
   * - `delivered`: all bytes and our FIN are acknowledged; the peer has not closed its side.
   * - `resetByPeer`: the peer reset the connection.
   * - `aborted`: this side reset it; `cause` says why.
   * - `lingerExpired`: the linger time ran out and the connection was reset.
   * - `timedOut`: the peer stopped acknowledging.
   * - `unreachable`: the network reported the peer unreachable.
   * - `notConnected`: the socket had no connection.
   * - `unknown`: a host socket that cannot tell.
   */
  readonly outcome: CloseOutcome;
  /** Why this side reset the connection; `none` unless outcome is `aborted`. */
  readonly cause: CloseCause;
  /** Error of the connection, null when there was none. */
  readonly error: { readonly code: string; readonly wsa: number } | null;
  readonly bytes: {
    /** Accepted from the caller. */
    readonly sent: number;
    /** Of those, known to be acknowledged by the peer's stack: 0 when the outcome is `unknown`. */
    readonly acknowledged: number;
    /** Of those, not known to be acknowledged. */
    readonly unacknowledged: number;
    /** Received and never handed to the caller. */
    readonly discarded: number;
  };
  /** The peer's FIN was received: it had said everything. */
  readonly peerFin: boolean;
  /** Milliseconds from the close call to this report. */
  readonly durationMs: number;
  /** TCP state (RFC 9293) in which the close found the connection. */
  readonly state: string;
}

export function toCloseReport(record: CloseReportRecord): CloseReport {
  return {
    outcome: record.outcome,
    cause: record.cause,
    error: record.error === 0 ? null : { code: errorInfo(record.error).code, wsa: record.error },
    bytes: {
      sent: record.bytesSent,
      acknowledged: record.bytesAcknowledged,
      unacknowledged: record.bytesUnacknowledged,
      discarded: record.bytesDiscarded,
    },
    peerFin: record.peerFin,
    durationMs: record.durationMs,
    state: record.state,
  };
}

/** For a handle the core does not take back: nothing is known, and the error says why. */
export function refusedReport(wsa: number): CloseReport {
  return {
    outcome: "unknown",
    cause: "none",
    error: { code: errorInfo(wsa).code, wsa },
    bytes: { sent: 0, acknowledged: 0, unacknowledged: 0, discarded: 0 },
    peerFin: false,
    durationMs: 0,
    state: "CLOSED",
  };
}
