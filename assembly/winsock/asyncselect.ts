/** WSPAsyncSelect: network events as window messages, which the host pulls as EVENT_MESSAGE. */
import { WSAEINVAL, WSAENOBUFS, WSAEOPNOTSUPP } from "../abi/errors";
import { FD_ALL_EVENTS, FD_CONNECT } from "../abi/winsock";
import { mailboxLeave, mailboxMessage, mailboxTake, mailboxWindow } from "./mailboxes";
import { raise } from "./netevents";
import { overlapOf, overlapTake } from "./overlapped/operations";
import { finish } from "./result";
import { enter, has, it, S_CONNECT_FAILED, S_CONNECTED, S_MESSAGES, S_NONBLOCKING, setFlag, Socket } from "./socket";

/**
 * Posts message `wMsg` (1 .. 65535) to window `hWnd` (any number but 0) for each network event of `s` in `events` (0 cancels; either
 * cancels WSPEventSelect, E-05); makes the socket nonblocking. wParam is `s`, lParam the event with its error in the high half. An event is
 * posted again only after its re-enabling call, or by calling this again while it holds (V-03, V-04). Messages posted before stay
 * deliverable (E-75). Errors: 10093, 10038, 10022 (unknown bits, no window or message), 10055 (too many registrations with messages nobody pulled).
 */
export function WSPAsyncSelect(s: u32, hWnd: u32, wMsg: u32, events: i32, lpErrno: usize): i32 {
  return finish(asyncSelect(s, hWnd, wMsg, <u32>events), lpErrno);
}

function asyncSelect(h: u32, hWnd: u32, wMsg: u32, mask: u32): i32 {
  const e = enter(h);
  if (e) return e;
  if (TINY) return WSAEOPNOTSUPP;
  if (mask & ~<u32>FD_ALL_EVENTS || (mask && (!hWnd || !wMsg || wMsg > 0xffff))) return WSAEINVAL;
  const s = it, box = mask && overlapTake(s) ? mailboxTake(hWnd, wMsg, h) : 0;
  if (mask && !box) return WSAENOBUFS;
  messagesEnd(s);
  overlapOf(s).mailbox = box;
  setFlag(s, S_MESSAGES, box != 0);
  s.flags |= S_NONBLOCKING;
  s.eventHandle = 0;
  s.eventMask = <u16>mask;
  s.eventRecord = 0;
  // E-66: of a connection that stood before, FD_CONNECT is no news.
  s.eventReported = has(s, S_CONNECTED | S_CONNECT_FAILED) ? <u16>FD_CONNECT : 0;
  raise(s, mask);
  return 0;
}

/** Ends the registration of s, if it has one. */
export function messagesEnd(s: Socket): void {
  if (!has(s, S_MESSAGES)) return;
  mailboxLeave(overlapOf(s).mailbox);
  overlapOf(s).mailbox = 0;
  s.flags &= ~S_MESSAGES;
}

/** E-14: an accepted socket has the listener's window and message. False if there is no mailbox for it. */
export function messagesInherit(s: Socket, from: Socket): bool {
  if (!has(from, S_MESSAGES)) return true;
  const model = overlapOf(from).mailbox, box = !overlapTake(s) ? 0 : mailboxTake(mailboxWindow(model), mailboxMessage(model), s.handle);
  if (!box) return false;
  overlapOf(s).mailbox = box;
  s.flags |= S_MESSAGES;
  return true;
}
