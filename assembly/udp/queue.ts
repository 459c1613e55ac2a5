/**
 * Datagram records in a ring: total length u32 @0, data length u32 @4, ports u32 @8 (high half: own, low half: other),
 * traffic class u32 @12, first address @16, second @32, data @48, padded to 16. In tiny, whose addresses are shorter: second @20, data @24.
 * Received: first = sender. Unsent: first = destination, second = source.
 */
import { ADDR_BYTES, addrCopy } from "../base/addr";
import { Ring, ringEnsure, ringFree, ringGet, ringPut, ringUsed } from "../memory/ring";

export const RECORD_TOTAL: usize = 0;
export const RECORD_LENGTH: usize = 4;
export const RECORD_PORTS: usize = 8;
export const RECORD_CLASS: usize = 12;
export const RECORD_FIRST: usize = 16;
export const RECORD_SECOND: usize = RECORD_FIRST + <usize>ADDR_BYTES;
export const RECORD_HEADER: u32 = <u32>RECORD_SECOND + <u32>ADDR_BYTES;

/** Header of the record under inspection, filled by recordPeek. */
export const RECORD = memory.data(16 + 2 * ADDR_BYTES, 8);

/** Appends a datagram. False, with nothing changed, if `limit` bytes would be passed or memory is short. An empty queue takes one of any size. */
export function recordAppend(r: Ring, limit: u32, first: usize, second: usize, ports: u32, tclass: u32, data: usize, len: u32): bool {
  const total = (RECORD_HEADER + len + 15) & ~15, used = ringUsed(r);
  if (used && used + total > limit) return false;
  if (!ringEnsure(r, used + total, used)) return false;
  store<u32>(RECORD, total);
  store<u32>(RECORD, len, 4);
  store<u32>(RECORD, ports, 8);
  store<u32>(RECORD, tclass, 12);
  addrCopy(RECORD + RECORD_FIRST, first);
  addrCopy(RECORD + RECORD_SECOND, second);
  ringPut(r, used, RECORD, RECORD_HEADER);
  ringPut(r, used + RECORD_HEADER, data, len);
  r.tail += total;
  return true;
}

/** Copies the oldest record's header to RECORD; false if the queue is empty. */
export function recordPeek(r: Ring): bool {
  if (!ringUsed(r)) return false;
  ringGet(r, 0, RECORD, RECORD_HEADER);
  return true;
}

/** Drops the record that recordPeek showed; an empty queue gives its memory back. */
export function recordDrop(r: Ring): void {
  r.head += load<u32>(RECORD + RECORD_TOTAL);
  if (!ringUsed(r)) ringFree(r);
}
