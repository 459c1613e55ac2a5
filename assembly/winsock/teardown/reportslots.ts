/**
 * Where close reports stand until they are pulled (abi/report). When slots run out the oldest report gives way and is counted.
 *
 * A slot is the record that pulling copies; in tiny, half as large, what the record is made from.
 */
import { CONFIG_REPORT_SLOTS } from "../../abi/config";
import { E_ARGUMENT } from "../../abi/link";
import {
  REPORT_BYTES_ACKED, REPORT_BYTES_DISCARDED, REPORT_BYTES_SENT, REPORT_BYTES_UNACKED, REPORT_CAUSE, REPORT_DROPPED, REPORT_DURATION_MS, REPORT_ERROR,
  REPORT_HANDLE, REPORT_OUTCOME, REPORT_PEER_FIN, REPORT_STATE, SIZEOF_REPORT,
} from "../../abi/report";
import { STAT_REPORTS, STAT_REPORTS_DROPPED } from "../../abi/stats";
import { config } from "../../base/config";
import { count, counter } from "../../base/counters";
import { chunkAt, chunkEnsure, chunksCarve } from "../../memory/chunks";
import { freeLink, freeNext } from "../../memory/freelist";
import { mayAccess } from "../result";

/** A report in tiny; fields as in abi/report. */
// @ts-ignore: decorator
@unmanaged
class Small {
  sent: u64;
  handle: u32;
  durationMs: u32;
  /** The lower 32 bits. */
  discarded: u32;
  /** As memory/freelist has it, or the next younger one. */
  link: u32;
  /** Less than the send buffers hold. */
  unacked: u16;
  error: u16;
  outcome: u8;
  cause: u8;
  state: u8;
  /** PEER_FIN, and DISCARDED_MORE: bit 32 of what was discarded. */
  marks: u8;
}
const PEER_FIN: u8 = 1;
const DISCARDED_MORE: u8 = 2;

const STRIDE: u32 = TINY ? <u32>offsetof<Small>() : SIZEOF_REPORT;

let slots: usize = 0;
let capacity: u32 = 0;
/** Slots + 1, 0 = none: the first free one, the oldest report, the youngest, the oldest that no event has announced. */
let free: u32 = 0;
let first: u32 = 0;
let last: u32 = 0;
let unannounced: u32 = 0;

export function reportsReset(): bool {
  capacity = config(CONFIG_REPORT_SLOTS);
  slots = chunksCarve(capacity, STRIDE);
  free = 1;
  first = last = unannounced = 0;
  return slots != 0;
}

/** To be called when there is memory to be had: one report can always be made. */
export function reportsReady(): bool { return chunkEnsure(slots, 0, capacity, STRIDE); }

// @ts-ignore: decorator
@inline function slotAt(ref: u32): usize { return chunkAt(slots, ref - 1, STRIDE); }
// @ts-ignore: decorator
@inline function small(at: usize): Small { return changetype<Small>(at); }
/** While a report is held, the slot of the next younger one stands where pulling it writes how many were dropped. */
// @ts-ignore: decorator
@inline function link(ref: u32): usize { return slotAt(ref) + (TINY ? offsetof<Small>("link") : <usize>REPORT_DROPPED); }

function dropOldest(): void {
  const gone = first;
  first = load<u32>(link(gone));
  if (!first) last = 0;
  if (unannounced == gone) unannounced = first;
  store<u32>(link(gone), freeLink(free));
  free = gone;
}

/** A fresh, zeroed slot after the youngest, to be filled by put and putBytes. */
export function reportAppend(): usize {
  if (!free || !chunkEnsure(slots, free - 1, capacity, STRIDE)) { dropOldest(); count(STAT_REPORTS_DROPPED); }
  const ref = free, at = slotAt(ref);
  free = freeNext(load<u32>(link(ref)), ref, capacity);
  memory.fill(at, 0, STRIDE);
  if (last) store<u32>(link(last), ref); else first = ref;
  last = ref;
  if (!unannounced) unannounced = ref;
  count(STAT_REPORTS);
  return at;
}

/** Writes a field of 32 bits into a slot: `offset` is the REPORT_ constant, PEER_FIN and DURATION_MS among them. */
// @ts-ignore: decorator
@inline export function put(at: usize, offset: u32, value: u32): void {
  if (!TINY) { store<u32>(at + <usize>offset, value); return; }
  const s = small(at);
  if (offset == REPORT_HANDLE) s.handle = value;
  else if (offset == REPORT_OUTCOME) s.outcome = <u8>value;
  else if (offset == REPORT_CAUSE) s.cause = <u8>value;
  else if (offset == REPORT_ERROR) s.error = <u16>value;
  else if (offset == REPORT_STATE) s.state = <u8>value;
  else if (offset == REPORT_DURATION_MS) s.durationMs = value;
  else s.marks |= value ? PEER_FIN : 0;
}

/** Writes the byte counts of a connection. */
export function putBytes(at: usize, sent: u64, acked: u64, discarded: u64): void {
  if (!TINY) {
    store<u64>(at + <usize>REPORT_BYTES_SENT, sent);
    store<u64>(at + <usize>REPORT_BYTES_ACKED, acked);
    store<u64>(at + <usize>REPORT_BYTES_UNACKED, sent - acked);
    store<u64>(at + <usize>REPORT_BYTES_DISCARDED, discarded);
    return;
  }
  const s = small(at);
  s.sent = sent;
  s.unacked = <u16>(sent - acked);
  s.discarded = <u32>discarded;
  if (discarded >> 32) s.marks |= DISCARDED_MORE;
}

/**
 * Copies the oldest report (SIZEOF_REPORT bytes) to ptr and forgets it: 1, 0 if there is none, E_ARGUMENT for a bad pointer.
 */
export function reportPull(ptr: usize): i32 {
  if (!mayAccess(ptr, SIZEOF_REPORT)) return E_ARGUMENT;
  if (!first) return 0;
  if (TINY) unfold(small(slotAt(first)), ptr); else memory.copy(ptr, slotAt(first), SIZEOF_REPORT);
  store<u32>(ptr + <usize>REPORT_DROPPED, counter(STAT_REPORTS_DROPPED));
  dropOldest();
  return 1;
}

/** Tiny: the record that s stands for, written to ptr. */
function unfold(s: Small, ptr: usize): void {
  memory.fill(ptr, 0, SIZEOF_REPORT);
  store<u32>(ptr + <usize>REPORT_HANDLE, s.handle);
  store<u32>(ptr + <usize>REPORT_OUTCOME, s.outcome);
  store<u32>(ptr + <usize>REPORT_CAUSE, s.cause);
  store<u32>(ptr + <usize>REPORT_ERROR, s.error);
  wide(ptr + <usize>REPORT_BYTES_SENT, s.sent);
  wide(ptr + <usize>REPORT_BYTES_ACKED, s.sent - <u64>s.unacked);
  store<u32>(ptr + <usize>REPORT_BYTES_UNACKED, s.unacked);
  store<u32>(ptr + <usize>REPORT_BYTES_DISCARDED, s.discarded);
  store<u32>(ptr + <usize>REPORT_BYTES_DISCARDED + 4, s.marks & DISCARDED_MORE ? 1 : 0);
  store<u32>(ptr + <usize>REPORT_PEER_FIN, s.marks & PEER_FIN);
  store<u32>(ptr + <usize>REPORT_DURATION_MS, s.durationMs);
  store<u32>(ptr + <usize>REPORT_STATE, s.state);
}

/** A record of the host's need not begin at a multiple of 8. */
function wide(at: usize, v: u64): void {
  store<u32>(at, <u32>v);
  store<u32>(at, <u32>(v >> 32), 4);
}

/** The oldest report that no event has announced, for reportHandle and reportOutcome; 0 if all are. */
export function reportAnnounce(): usize {
  if (!unannounced) return 0;
  const at = slotAt(unannounced);
  unannounced = load<u32>(link(unannounced));
  return at;
}

// @ts-ignore: decorator
@inline export function reportHandle(at: usize): u32 { return TINY ? small(at).handle : load<u32>(at + <usize>REPORT_HANDLE); }
// @ts-ignore: decorator
@inline export function reportOutcome(at: usize): u32 { return TINY ? <u32>small(at).outcome : load<u32>(at + <usize>REPORT_OUTCOME); }
