/** What hangs on one socket object of overlapped I/O, ports and messages. Few sockets have any, so it is taken when it is needed first. Not in tiny. */
import { chunkAt, chunkEnsure, chunksCarve } from "../../memory/chunks";
import { freeLink, freeNext } from "../../memory/freelist";

/** References are operation + 1. */
// @ts-ignore: decorator
@unmanaged
export class Overlap {
  /** Receives of a connection or datagram socket, AcceptEx of a listener, in the order of asking. */
  recvFirst: u32;
  recvLast: u32;
  sendFirst: u32;
  sendLast: u32;
  /** ConnectEx or DisconnectEx under way. */
  link: u32;
  /** Of an accepting socket: its AcceptEx, which stands in the listener's queue. */
  acceptance: u32;
  /** Completion port's handle (0 = none) and key. */
  port: u32;
  key: u32;
  /** Mailbox of WSPAsyncSelect + 1 (winsock/mailboxes). */
  mailbox: u32;
  /** Its own place in the table + 1; while free what follows, as memory/freelist has it. */
  ref: u32;
}

const STRIDE: u32 = <u32>offsetof<Overlap>();
/** What a socket has that has none: zeros, and only zeros are ever written to it. */
export const NONE = memory.data(TINY ? 4 : 40, 4);

let table: usize = 0;
let capacity: u32 = 0;
let free: u32 = 0;

export function overlapsReset(sockets: u32): bool {
  capacity = sockets;
  table = chunksCarve(sockets, STRIDE);
  free = 1;
  return table != 0;
}

/** A zeroed one, 0 if memory is used up. */
export function overlapAlloc(): usize {
  if (!free || !chunkEnsure(table, free - 1, capacity, STRIDE)) return 0;
  const ref = free, p = changetype<Overlap>(chunkAt(table, ref - 1, STRIDE));
  free = freeNext(p.ref, ref, capacity);
  memory.fill(changetype<usize>(p), 0, STRIDE);
  p.ref = ref;
  return changetype<usize>(p);
}

export function overlapFree(at: usize): void {
  const p = changetype<Overlap>(at), ref = p.ref;
  p.ref = freeLink(free);
  free = ref;
}
