/**
 * Window messages (WSPAsyncSelect): a mailbox a registration, taken when it is made, so that no message is lost for want of room. Each
 * holds at most one message of each event. What was posted stays deliverable when its registration or socket is gone (C-28, E-75).
 */
import { FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_OOB, FD_READ, FD_WRITE } from "../abi/winsock";
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { freeLink, freeNext } from "../memory/freelist";

// @ts-ignore: decorator
@unmanaged
class Mailbox {
  /** Window, message, socket as the program knows it (wParam). */
  hWnd: u32;
  handle: u32;
  wMsg: u16;
  /** Errors that go with FD_CLOSE and FD_CONNECT. */
  closeError: u16;
  connectError: u16;
  /** Messages that wait, and 1 while in the queue. */
  held: u8;
  queued: u8;
  /** Positions of their event bits, the oldest in the lowest four bits. */
  order: u32;
  /** Next in the queue or of the free ones, + 1. */
  next: u32;
  /** 1: the registration is gone, the mailbox goes with its last message. */
  orphan: u32;
}

/** What one post may add to the queue, in the order in which a program must hear of it (E-42, E-64). */
const ORDER: usize = TINY ? 0 : memory.data<u32>([FD_ACCEPT, FD_CONNECT, FD_WRITE, FD_READ, FD_OOB, FD_CLOSE]);
const KINDS: u32 = 6;

let table: usize = 0;
let capacity: u32 = 0;
let free: u32 = 0;
let first: u32 = 0;
let last: u32 = 0;
/** The message that messageTake found. */
export let messageWindow: u32 = 0;
export let messageNumber: u32 = 0;
export let messageSocket: u32 = 0;
/** Event in the low half, error in the high one. */
export let messageEvent: u32 = 0;

export function mailboxesReset(n: u32): bool {
  capacity = n;
  table = chunksCarve(n, <u32>offsetof<Mailbox>());
  if (!table) return false;
  free = 1;
  first = last = 0;
  return true;
}

// @ts-ignore: decorator
@inline function at(ref: u32): Mailbox { return changetype<Mailbox>(chunkAt(table, ref - 1, <u32>offsetof<Mailbox>())); }

/** A mailbox for messages wMsg about `handle` to hWnd, + 1; 0 if every one is in use. */
export function mailboxTake(hWnd: u32, wMsg: u32, handle: u32): u32 {
  const ref = free;
  if (!ref || !chunkEnsure(table, ref - 1, capacity, <u32>offsetof<Mailbox>())) return 0;
  const m = at(ref);
  free = freeNext(m.next, ref, capacity);
  memory.fill(changetype<usize>(m), 0, offsetof<Mailbox>());
  m.hWnd = hWnd;
  m.wMsg = <u16>wMsg;
  m.handle = handle;
  return ref;
}

/** hWnd and wMsg of a mailbox, for an accepted socket's own (E-14). */
export function mailboxWindow(ref: u32): u32 { return at(ref).hWnd; }
export function mailboxMessage(ref: u32): u32 { return <u32>at(ref).wMsg; }

/** The registration is gone: what was posted is still delivered, nothing more is posted. */
export function mailboxLeave(ref: u32): void {
  const m = at(ref);
  if (m.queued) m.orphan = 1; else release(ref);
}

function release(ref: u32): void {
  at(ref).next = freeLink(free);
  free = ref;
}

/** Posts a message for each event in `bits` that has none waiting. */
export function mailboxPost(ref: u32, bits: u32, closeError: i32, connectError: i32): void {
  const m = at(ref);
  if (bits & FD_CLOSE) m.closeError = <u16>closeError;
  if (bits & FD_CONNECT) m.connectError = <u16>connectError;
  for (let k: u32 = 0; k < KINDS; k++) {
    const event = load<u32>(ORDER + <usize>(k << 2));
    if (bits & event && !waits(m, ctz(event))) {
      m.order |= ctz(event) << (<u32>m.held << 2);
      m.held++;
    }
  }
  if (!m.held || m.queued) return;
  m.queued = 1;
  m.next = 0;
  if (last) at(last).next = ref; else first = ref;
  last = ref;
}

function waits(m: Mailbox, position: u32): bool {
  for (let k: u32 = 0; k < <u32>m.held; k++) if (((m.order >> (k << 2)) & 15) == position) return true;
  return false;
}

/** Takes the next message into messageWindow and its kin; false if there is none. */
export function messageTake(): bool {
  const ref = first;
  if (!ref) return false;
  const m = at(ref), event = <u32>1 << (m.order & 15);
  messageWindow = m.hWnd;
  messageNumber = <u32>m.wMsg;
  messageSocket = m.handle;
  messageEvent = event | (event == FD_CLOSE ? <u32>m.closeError : event == FD_CONNECT ? <u32>m.connectError : 0) << 16;
  m.order >>= 4;
  m.held--;
  if (m.held) return true;
  first = m.next;
  if (!first) last = 0;
  m.queued = 0;
  if (m.orphan) release(ref);
  return true;
}
