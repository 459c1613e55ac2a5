/**
 * Close reports (abi/report): every close ends in exactly one. A report keeps its slot until pulled; when slots run out the
 * oldest gives way and is counted.
 */
import { CONFIG_REPORT_SLOTS } from "../../abi/config";
import { WSAECONNRESET, WSAENETUNREACH, WSAEHOSTUNREACH } from "../../abi/errors";
import { E_ARGUMENT } from "../../abi/link";
import {
  CAUSE_NONE, OUTCOME_ABORTED, OUTCOME_DELIVERED, OUTCOME_GRACEFUL, OUTCOME_LINGER_EXPIRED, OUTCOME_NOT_CONNECTED, OUTCOME_RESET_BY_PEER,
  OUTCOME_TIMED_OUT, OUTCOME_UNKNOWN, OUTCOME_UNREACHABLE, REPORT_BYTES_ACKED, REPORT_BYTES_DISCARDED, REPORT_BYTES_SENT, REPORT_BYTES_UNACKED,
  REPORT_CAUSE, REPORT_DROPPED, REPORT_DURATION_MS, REPORT_ERROR, REPORT_HANDLE, REPORT_OUTCOME, REPORT_PEER_FIN, REPORT_STATE,
  SIZEOF_REPORT,
} from "../../abi/report";
import { STAT_REPORTS, STAT_REPORTS_DROPPED } from "../../abi/stats";
import { config } from "../../base/config";
import { count, counter } from "../../base/counters";
import { now } from "../../base/time";
import { chunkAt, chunkEnsure, chunksCarve } from "../../memory/chunks";
import { freeLink, freeNext } from "../../memory/freelist";
import {
  streamBlind, streamBytesAcked, streamBytesDiscarded, streamBytesSent, streamCause, streamError, streamFlags,
} from "../../provider/index";
import { TF_FAILED, TF_FIN_ACKED, TF_FIN_RCVD, TF_RST_RCVD, TF_RST_SENT } from "../../tcp/tcb";
import { mayAccess } from "../result";
import { associationOf, messageReportFacts } from "../seqpacket/facts";
import { has, isSeqpacket, isStream, S_CONNECTED, Socket } from "../socket";
import { factsOf } from "../status";

let slots: usize = 0;
let capacity: u32 = 0;
/** Slots + 1, 0 = none: the first free one, the oldest report, the youngest, the oldest that no event has announced. */
let free: u32 = 0;
let first: u32 = 0;
let last: u32 = 0;
let unannounced: u32 = 0;

export function reportsReset(): bool {
  capacity = config(CONFIG_REPORT_SLOTS);
  slots = chunksCarve(capacity, SIZEOF_REPORT);
  free = 1;
  first = last = unannounced = 0;
  return slots != 0;
}

/** To be called when there is memory to be had: one report can always be made. */
export function reportsReady(): bool { return chunkEnsure(slots, 0, capacity, SIZEOF_REPORT); }

// @ts-ignore: decorator
@inline function slotAt(ref: u32): usize { return chunkAt(slots, ref - 1, SIZEOF_REPORT); }
/** While a report is held, the slot of the next younger one stands where pulling it writes how many were dropped. */
// @ts-ignore: decorator
@inline function link(ref: u32): usize { return slotAt(ref) + <usize>REPORT_DROPPED; }

function dropOldest(): void {
  const gone = first;
  first = load<u32>(link(gone));
  if (!first) last = 0;
  if (unannounced == gone) unannounced = first;
  store<u32>(link(gone), freeLink(free));
  free = gone;
}

/** A fresh, zeroed slot after the youngest. */
function append(): usize {
  if (!free || !chunkEnsure(slots, free - 1, capacity, SIZEOF_REPORT)) { dropOldest(); count(STAT_REPORTS_DROPPED); }
  const ref = free, at = slotAt(ref);
  free = freeNext(load<u32>(link(ref)), ref, capacity);
  memory.fill(at, 0, SIZEOF_REPORT);
  if (last) store<u32>(link(last), ref); else first = ref;
  last = ref;
  if (!unannounced) unannounced = ref;
  count(STAT_REPORTS);
  return at;
}

/**
 * Copies the oldest report (SIZEOF_REPORT bytes) to ptr and forgets it: 1, 0 if there is none, E_ARGUMENT for a bad pointer.
 */
export function reportPull(ptr: usize): i32 {
  if (!mayAccess(ptr, SIZEOF_REPORT)) return E_ARGUMENT;
  if (!first) return 0;
  memory.copy(ptr, slotAt(first), SIZEOF_REPORT);
  store<u32>(ptr + <usize>REPORT_DROPPED, counter(STAT_REPORTS_DROPPED));
  dropOldest();
  return 1;
}

/** The oldest report that no event has announced; 0 if all are. */
export function reportAnnounce(): usize {
  if (!unannounced) return 0;
  const at = slotAt(unannounced);
  unannounced = load<u32>(link(unannounced));
  return at;
}

/** Makes the report of s from what its connection knows; the connection is still attached. */
export function reportMake(s: Socket): void {
  const at = append(), facts = isSeqpacket(s) && has(s, S_CONNECTED) && s.transport >= 0
    ? messageReportFacts(s, streamFlags(s.provider, s.transport)) : factsOf(s);
  put(at, REPORT_HANDLE, s.handle);
  put(at, REPORT_STATE, <u32>s.closedState);
  put(at, REPORT_DURATION_MS, now - s.closedAt);
  put(at, REPORT_CAUSE, CAUSE_NONE);
  if (!has(s, S_CONNECTED) || s.transport < 0 || !isStream(s)) { put(at, REPORT_OUTCOME, OUTCOME_NOT_CONNECTED); return; }
  const sent = streamBytesSent(s.provider, s.transport), acked = streamBytesAcked(s.provider, s.transport);
  store<u64>(at + <usize>REPORT_BYTES_SENT, sent);
  store<u64>(at + <usize>REPORT_BYTES_ACKED, acked);
  store<u64>(at + <usize>REPORT_BYTES_UNACKED, sent - acked);
  const unread: u32 = isSeqpacket(s) ? associationOf(s).unread : 0;
  store<u64>(at + <usize>REPORT_BYTES_DISCARDED, streamBytesDiscarded(s.provider, s.transport) + <u64>(s.drained + unread));
  put(at, REPORT_PEER_FIN, facts & TF_FIN_RCVD ? 1 : 0);
  outcome(s, at, facts);
}

// @ts-ignore: decorator
@inline function put(at: usize, offset: u32, value: u32): void { store<u32>(at + <usize>offset, value); }

/** What the close came to, the worst thing first: nothing better is claimed than the facts show. */
function outcome(s: Socket, at: usize, facts: u32): void {
  const error = streamError(s.provider, s.transport);
  if (s.lingerExpired) { put(at, REPORT_OUTCOME, OUTCOME_LINGER_EXPIRED); return; }
  if (facts & TF_RST_RCVD) {
    put(at, REPORT_OUTCOME, OUTCOME_RESET_BY_PEER);
    put(at, REPORT_ERROR, WSAECONNRESET);
  } else if (facts & TF_FAILED) {
    put(at, REPORT_OUTCOME, error == WSAENETUNREACH || error == WSAEHOSTUNREACH ? OUTCOME_UNREACHABLE : OUTCOME_TIMED_OUT);
    put(at, REPORT_ERROR, error);
  } else if (s.abortCause || facts & TF_RST_SENT) {
    put(at, REPORT_OUTCOME, OUTCOME_ABORTED);
    put(at, REPORT_CAUSE, s.abortCause ? <u32>s.abortCause : streamCause(s.provider, s.transport));
  } else if (facts & TF_FIN_ACKED) {
    put(at, REPORT_OUTCOME, facts & TF_FIN_RCVD ? OUTCOME_GRACEFUL : OUTCOME_DELIVERED);
  } else if (streamBlind(s.provider, s.transport)) {
    put(at, REPORT_OUTCOME, OUTCOME_UNKNOWN);
  } else {
    // The connection is gone without its FIN acknowledged and nobody said why.
    put(at, REPORT_OUTCOME, OUTCOME_TIMED_OUT);
  }
}
