/**
 * The network event record of a socket (chapter E): bits recorded until enumerated, bits reported until a re-enabling call.
 * A bit is recorded when its condition holds, somebody asked for it, and it is neither recorded nor reported.
 */
import { SWITCH_V03_EVENTS_PERSIST, SWITCH_V04_NEW_DATA_RECORDS } from "../abi/config";
import { WSAEFAULT, WSAEINVAL } from "../abi/errors";
import {
  FD_ACCEPT, FD_ALL_EVENTS, FD_CLOSE, FD_CLOSE_BIT, FD_CONNECT, FD_CONNECT_BIT, FD_MAX_EVENTS, FD_OOB, FD_READ, FD_WRITE, SIZEOF_WSANETWORKEVENTS,
} from "../abi/winsock";
import { isEvent, WSAResetEvent, WSASetEvent } from "./eventobjects";
import { mailboxLeave, mailboxPost } from "./mailboxes";
import { overlapOf } from "./overlapped/operations";
import { finish, mayAccess } from "./result";
import { enter, has, it, S_MESSAGES, S_NONBLOCKING, Socket } from "./socket";
import { chosen, closeErrorOf, eventsHolding, factsOf } from "./status";

/** Records those of `bits` that hold and are wanted and new, and signals the event object. */
export function raise(s: Socket, bits: u32): void {
  if (!(<u32>s.eventMask & bits)) return;
  const fresh = bits & <u32>s.eventMask & ~<u32>s.eventRecord & ~<u32>s.eventReported & eventsHolding(s);
  if (!fresh) return;
  if (fresh & FD_CLOSE) s.closeError = <u16>closeErrorOf(s, factsOf(s));
  if (!TINY && has(s, S_MESSAGES)) {
    s.eventReported |= <u16>fresh;
    mailboxPost(overlapOf(s).mailbox, fresh, <i32>s.closeError, s.connectError);
    return;
  }
  s.eventRecord |= <u16>fresh;
  WSASetEvent(s.eventHandle);
}

/** Like raise, for something that arrived anew: V-04 decides whether that counts for a bit already reported. */
export function raiseNew(s: Socket, bits: u32): void {
  if (chosen(SWITCH_V04_NEW_DATA_RECORDS) && !has(s, S_MESSAGES)) s.eventReported &= ~<u16>(bits & (FD_READ | FD_ACCEPT | FD_OOB));
  raise(s, bits);
}

/** A re-enabling call for `bit` was made (E-51, E-53, E-61, E-71): recorded again if its condition still holds. */
export function reenable(s: Socket, bit: u32): void {
  if (!s.eventMask) { s.eventReported &= ~<u16>bit; return; }
  s.eventRecord &= ~<u16>bit;
  s.eventReported &= ~<u16>bit;
  raise(s, bit);
}

/**
 * Records network events of `s` in `mask` (FD_ bits; 0 cancels) and signals `hEvent` from now on; makes the socket
 * nonblocking (E-01), cancels WSPAsyncSelect (E-05) and clears what was recorded (E-04). What holds already and was not reported is recorded at once.
 * Errors: 10093, 10038, 10022 (unknown bits, or a mask without an event object, E-06).
 */
export function WSPEventSelect(s: u32, hEvent: u32, mask: i32, lpErrno: usize): i32 {
  return finish(eventSelect(s, hEvent, <u32>mask), lpErrno);
}

function eventSelect(h: u32, hEvent: u32, mask: u32): i32 {
  const e = enter(h);
  if (e) return e;
  if (mask & ~<u32>FD_ALL_EVENTS || (mask && !isEvent(hEvent))) return WSAEINVAL;
  const s = it;
  if (!TINY && has(s, S_MESSAGES)) {
    // E-05: messages give way; what they told may be recorded, FD_CONNECT excepted.
    mailboxLeave(overlapOf(s).mailbox);
    overlapOf(s).mailbox = 0;
    s.flags &= ~S_MESSAGES;
  }
  s.flags |= S_NONBLOCKING;
  s.eventMask = <u16>mask;
  s.eventHandle = mask ? hEvent : 0;
  s.eventRecord = 0;
  // V-03: a condition that was reported is recorded again only under the other reading. FD_CONNECT never is (E-67).
  if (chosen(SWITCH_V03_EVENTS_PERSIST)) s.eventReported &= <u16>FD_CONNECT;
  raise(s, mask);
  return 0;
}

/**
 * Copies the recorded events and their errors to lpNetworkEvents, clears the record and resets hEvent (unless 0), as one
 * step (E-08, E-09). Only the error entries of returned bits are written (E-11). Nothing changes on failure (E-10).
 * Errors: 10093, 10038, 10014, 10022 (hEvent is no event object).
 */
export function WSPEnumNetworkEvents(s: u32, hEvent: u32, lpNetworkEvents: usize, lpErrno: usize): i32 {
  return finish(enumEvents(s, hEvent, lpNetworkEvents), lpErrno);
}

function enumEvents(h: u32, hEvent: u32, out: usize): i32 {
  const e = enter(h);
  if (e) return e;
  if (!mayAccess(out, SIZEOF_WSANETWORKEVENTS)) return WSAEFAULT;
  if (hEvent && !isEvent(hEvent)) return WSAEINVAL;
  const s = it, bits = <u32>s.eventRecord;
  store<u32>(out, bits);
  for (let k: u32 = 0; k < <u32>FD_MAX_EVENTS; k++) {
    if (!(bits & (1 << k))) continue;
    const error = k == FD_CLOSE_BIT ? <i32>s.closeError : k == FD_CONNECT_BIT ? s.connectError : 0;
    store<i32>(out + 4 + <usize>(k << 2), error);
  }
  s.eventRecord = 0;
  s.eventReported |= <u16>bits;
  if (hEvent) WSAResetEvent(hEvent);
  return 0;
}

/** V-24, E-60: what a successful send does to a recorded FD_WRITE under the other reading: gone until a send finds no room. */
export function forgetWrite(s: Socket): void {
  s.eventReported |= s.eventRecord & <u16>FD_WRITE;
  s.eventRecord &= ~<u16>FD_WRITE;
}
