/**
 * The table of overlapped operations, and which of them hang on which socket. An operation takes its slot when it is asked for and
 * keeps it until its completion was taken: no completion can be lost for want of room. Not in tiny.
 */
import { CONFIG_OPERATIONS } from "../../abi/config";
import { WSAENOBUFS } from "../../abi/errors";
import { config } from "../../base/config";
import { chunkAt, chunkEnsure, chunksCarve } from "../../memory/chunks";
import { blockAlloc, blockFree, blockOrder } from "../../memory/blocks";
import { freeLink, freeNext } from "../../memory/freelist";
import { S_RECV_PENDING, S_SEND_PENDING, setFlag, Socket, socketObjects } from "../socket";
import { NONE, Overlap, overlapAlloc, overlapsReset } from "./overlap";

export const KIND_RECV: u8 = 1;
export const KIND_SEND: u8 = 2;
export const KIND_ACCEPT: u8 = 3;
export const KIND_CONNECT: u8 = 4;
export const KIND_DISCONNECT: u8 = 5;
export const KIND_IOCTL: u8 = 6;
/** What PostQueuedCompletionStatus posts: a completion without an operation. */
export const KIND_PACKET: u8 = 7;

// @ts-ignore: decorator
@unmanaged
export class Operation {
  /** Destination of a datagram, 16 bytes. */
  address0: u64;
  address1: u64;
  /** Next of the socket's queue, of the port, of the routines that are due or of the free ones, + 1. */
  next: u32;
  /** Socket object it was asked of; meaningless once it is complete. */
  socket: u32;
  /** WSAOVERLAPPED, and what it said then of the event object; the routine. Each 0 = none. */
  overlapped: u32;
  event: u32;
  routine: u32;
  /** Captured WSABUF array: a block for several, 0 = the one below. */
  list: u32;
  count: u32;
  length: u32;
  pointer: u32;
  /** Bytes of all buffers, and bytes moved so far. */
  total: u32;
  done: u32;
  /** lpFrom and lpFromLen of a receive; room for the two addresses of AcceptEx. */
  from: u32;
  fromLength: u32;
  /** MSG_ bits of a receive; TF_ bits of DisconnectEx. */
  flags: u32;
  /** Completed: status, and the key of the port it waits at. */
  status: u32;
  key: u32;
  /** AcceptEx: the accepting socket's object. */
  acceptor: u32;
  /** Destination's port. */
  port: u16;
  /** KIND_x, 0 = free. */
  kind: u8;
  /** A send without a send buffer: its bytes are handed over and wait for acknowledgement (O-36). AcceptEx: the connection is there. */
  half: u8;
}

const STRIDE: usize = (offsetof<Operation>() + 7) & ~7;

let table: usize = 0;
let capacity: u32 = 0;
let free: u32 = 0;

export function operationsReset(): bool {
  capacity = config(CONFIG_OPERATIONS);
  table = chunksCarve(capacity, <u32>STRIDE);
  free = 1;
  return table != 0 && overlapsReset(socketObjects());
}

// @ts-ignore: decorator
@inline export function operation(ref: u32): Operation { return changetype<Operation>(chunkAt(table, ref - 1, <u32>STRIDE)); }
// @ts-ignore: decorator
@inline export function overlapOf(s: Socket): Overlap { return changetype<Overlap>(s.overlap ? s.overlap : NONE); }
/** Sees to it that something can hang on s; false if memory is used up. */
export function overlapTake(s: Socket): bool {
  if (!s.overlap) s.overlap = overlapAlloc();
  return s.overlap != 0;
}
// @ts-ignore: decorator
@inline export function addressOf(o: Operation): usize { return changetype<usize>(o); }
/** The captured WSABUF array. */
// @ts-ignore: decorator
@inline export function buffersOf(o: Operation): usize { return o.list ? <usize>o.list : changetype<usize>(o) + offsetof<Operation>("length"); }

/** A zeroed operation of that kind, 0 if every slot is taken. */
export function operationTake(kind: u8): u32 {
  const ref = free;
  if (!ref || !chunkEnsure(table, ref - 1, capacity, <u32>STRIDE)) return 0;
  const o = operation(ref);
  free = freeNext(o.next, ref, capacity);
  memory.fill(changetype<usize>(o), 0, STRIDE);
  o.kind = kind;
  return ref;
}

export function operationFree(ref: u32): void {
  const o = operation(ref);
  buffersRelease(o);
  o.kind = 0;
  o.next = freeLink(free);
  free = ref;
}

/** Captures the array of WSABUFs, which is the caller's again after the call; the bytes stay where they are. WSAENOBUFS without memory. */
export function buffersCapture(o: Operation, list: usize, count: u32, total: u32): i32 {
  o.count = count;
  o.total = total;
  if (count == 1) {
    o.length = load<u32>(list);
    o.pointer = load<u32>(list, 4);
    return 0;
  }
  o.list = <u32>blockAlloc(blockOrder(count << 3));
  if (!o.list) return WSAENOBUFS;
  memory.copy(<usize>o.list, list, count << 3);
  return 0;
}

/** The captured array is not needed any more. */
export function buffersRelease(o: Operation): void {
  if (!o.list) return;
  blockFree(<usize>o.list);
  o.list = 0;
}

/** A queue of operations linked by `next`; references are operation + 1, 0 = none. */
// @ts-ignore: decorator
@unmanaged
export class Queue {
  first: u32;
  last: u32;
}

export function queuePush(q: Queue, ref: u32): void {
  operation(ref).next = 0;
  if (q.last) operation(q.last).next = ref; else q.first = ref;
  q.last = ref;
}

/** The oldest, out of the queue; 0 if it is empty. */
export function queueShift(q: Queue): u32 {
  const ref = q.first;
  if (!ref) return 0;
  q.first = operation(ref).next;
  if (!q.first) q.last = 0;
  return ref;
}

/** Takes an operation out, wherever it stands. */
function queueRemove(q: Queue, ref: u32): void {
  let before: u32 = 0;
  for (let r = q.first; r && r != ref; r = operation(r).next) before = r;
  if (before) operation(before).next = operation(ref).next; else q.first = operation(ref).next;
  if (q.last == ref) q.last = before;
}

// @ts-ignore: decorator
@inline function receives(s: Socket): Queue { return changetype<Queue>(changetype<usize>(overlapOf(s)) + offsetof<Overlap>("recvFirst")); }
// @ts-ignore: decorator
@inline function sends(s: Socket): Queue { return changetype<Queue>(changetype<usize>(overlapOf(s)) + offsetof<Overlap>("sendFirst")); }

export function recvAppend(s: Socket, ref: u32): void {
  queuePush(receives(s), ref);
  s.flags |= S_RECV_PENDING;
}

export function sendAppend(s: Socket, ref: u32): void {
  queuePush(sends(s), ref);
  s.flags |= S_SEND_PENDING;
}

export function recvRemove(s: Socket, ref: u32): void {
  queueRemove(receives(s), ref);
  setFlag(s, S_RECV_PENDING, receives(s).first != 0);
}

export function sendRemove(s: Socket, ref: u32): void {
  queueRemove(sends(s), ref);
  setFlag(s, S_SEND_PENDING, sends(s).first != 0);
}

/** True while a send of s has bytes that are not handed over: a FIN has to stand behind them (S-35). */
export function sendsUnsent(s: Socket): bool {
  const p = overlapOf(s);
  return p.sendFirst != 0 && (operation(p.sendFirst).half == 0 || operation(p.sendFirst).next != 0);
}
