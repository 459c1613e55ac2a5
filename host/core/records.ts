/** Records that the core hands out, as plain objects: events, close reports, counters. */
import * as events from "../abi/events.gen.ts";
import * as report from "../abi/report.gen.ts";
import { STAT_COUNT, statNames } from "../abi/stats.gen.ts";
import { tcpStateName } from "../abi/winsock.gen.ts";
import type { MemoryViews } from "./memory.ts";

export interface CoreEvent {
  /** EVENT_x of assembly/abi/events.ts. */
  readonly kind: number;
  readonly handle: number;
  readonly a: number;
  readonly b: number;
}

export type CloseOutcome =
  | "graceful"
  | "delivered"
  | "resetByPeer"
  | "aborted"
  | "lingerExpired"
  | "timedOut"
  | "unreachable"
  | "notConnected"
  | "unknown";
export type CloseCause = "none" | "linger0" | "abort" | "unreadData" | "dataAfterClose" | "recvShut" | "cleanup" | "protocol";

/** What became of a connection (design §4). "Acknowledged" means by the peer's stack, not by its program. */
export interface CloseReportRecord {
  readonly handle: number;
  readonly outcome: CloseOutcome;
  readonly cause: CloseCause;
  /** Winsock error of the connection, 0 if none. */
  readonly error: number;
  readonly bytesSent: number;
  readonly bytesAcknowledged: number;
  readonly bytesUnacknowledged: number;
  /** Received and never handed to the caller. */
  readonly bytesDiscarded: number;
  readonly peerFin: boolean;
  /** Milliseconds from the close call to the report. */
  readonly durationMs: number;
  /** TCP state in which the close found the connection: `ESTABLISHED`. */
  readonly state: string;
  /** Reports lost so far because nobody pulled them. */
  readonly dropped: number;
}

/** The event record at `ptr` (16 bytes, aligned to 4). */
export function readEvent(memory: MemoryViews, ptr: number): CoreEvent {
  return {
    kind: memory.word(ptr + events.EVENT_KIND),
    handle: memory.word(ptr + events.EVENT_HANDLE),
    a: memory.word(ptr + events.EVENT_A),
    b: memory.word(ptr + events.EVENT_B),
  };
}

/** The close report at `ptr` (64 bytes, aligned to 4). */
export function readReport(memory: MemoryViews, ptr: number): CloseReportRecord {
  return {
    handle: memory.word(ptr + report.REPORT_HANDLE),
    outcome: (report.outcomeName[memory.word(ptr + report.REPORT_OUTCOME)] ?? "unknown") as CloseOutcome,
    cause: (report.causeName[memory.word(ptr + report.REPORT_CAUSE)] ?? "none") as CloseCause,
    error: memory.word(ptr + report.REPORT_ERROR),
    bytesSent: memory.wide(ptr + report.REPORT_BYTES_SENT),
    bytesAcknowledged: memory.wide(ptr + report.REPORT_BYTES_ACKED),
    bytesUnacknowledged: memory.wide(ptr + report.REPORT_BYTES_UNACKED),
    bytesDiscarded: memory.wide(ptr + report.REPORT_BYTES_DISCARDED),
    peerFin: memory.word(ptr + report.REPORT_PEER_FIN) !== 0,
    durationMs: memory.word(ptr + report.REPORT_DURATION_MS),
    state: tcpStateName[memory.word(ptr + report.REPORT_STATE)] ?? `state ${memory.word(ptr + report.REPORT_STATE)}`,
    dropped: memory.word(ptr + report.REPORT_DROPPED),
  };
}

export type StatName = (typeof statNames)[number];
export type CoreStats = Readonly<Record<StatName, number>>;

/** The counters at `ptr`, by name. */
export function readStats(memory: MemoryViews, ptr: number): CoreStats {
  const stats = {} as Record<StatName, number>;
  for (let i = 0; i < STAT_COUNT; i++) stats[statNames[i] as StatName] = memory.word(ptr + i * 4);
  return stats;
}
