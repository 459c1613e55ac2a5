/** What the host pulls after a poll: wake-ups, signaled event objects, completion routines, window messages, soft errors, close reports (abi/events). */
import { E_ARGUMENT } from "../abi/link";
import { EVENT_A, EVENT_B, EVENT_HANDLE, EVENT_KIND, EVENT_MESSAGE, EVENT_REPORT, EVENT_ROUTINE, EVENT_SIGNALED, EVENT_TROUBLE, EVENT_WAKE, SIZEOF_EVENT } from "../abi/events";
import { streamTrouble, streamUnanswered } from "../provider/index";
import { signaledTake } from "./eventobjects";
import { messageEvent, messageNumber, messageSocket, messageTake, messageWindow } from "./mailboxes";
import { winsockOf } from "./overlapped/codes";
import { routineTake } from "./overlapped/complete";
import { operation, operationFree } from "./overlapped/operations";
import { mayAccess } from "./result";
import { reportAnnounce, reportHandle, reportOutcome } from "./teardown/reportslots";
import { troubleTake } from "./trouble";
import { wakeTake, waitAt } from "./waits";

/**
 * Writes up to `capacity` 16-byte events to ptr and returns how many; call again while it returns `capacity`. E_ARGUMENT for
 * a bad pointer. What is not pulled stays: each waiting call, event object, operation and report stands in the queue at most once.
 */
export function eventsPull(ptr: usize, capacity: i32): i32 {
  if (capacity <= 0) return 0;
  if (<u32>capacity > 0x1000000 || !mayAccess(ptr, <u32>capacity * SIZEOF_EVENT)) return E_ARGUMENT;
  const start = ptr;
  let n: i32 = 0;
  for (; n < capacity; n++) {
    const r = wakeTake();
    if (!r) break;
    const w = waitAt(r);
    ptr = put(ptr, EVENT_WAKE, w.handle, w.caller, <u32>w.op);
  }
  for (; n < capacity; n++) {
    const h = signaledTake();
    if (!h) break;
    ptr = put(ptr, EVENT_SIGNALED, h, 0, 0);
  }
  if (!TINY) {
    n = completionsPull(ptr, n, capacity);
    n = troublesPull(start + <usize>n * SIZEOF_EVENT, n, capacity);
  }
  ptr = start + <usize>n * SIZEOF_EVENT;
  for (; n < capacity; n++) {
    const at = reportAnnounce();
    if (!at) break;
    ptr = put(ptr, EVENT_REPORT, reportHandle(at), reportOutcome(at), 0);
  }
  return n;
}

/** Completion routines that are due, then window messages. Returns how many events there are now. */
function completionsPull(ptr: usize, n: i32, capacity: i32): i32 {
  for (; n < capacity; n++) {
    const r = routineTake();
    if (!r) break;
    const o = operation(r);
    ptr = put(ptr, EVENT_ROUTINE | <u32>winsockOf(o.status) << 16, o.routine, o.overlapped, o.done);
    operationFree(r);
  }
  for (; n < capacity && messageTake(); n++) {
    ptr = put(ptr, EVENT_MESSAGE | messageNumber << 16, messageWindow, messageSocket, messageEvent);
  }
  return n;
}

/** Soft errors of connections. Returns how many events there are now. */
function troublesPull(ptr: usize, n: i32, capacity: i32): i32 {
  for (; n < capacity; n++) {
    const s = troubleTake();
    if (!changetype<usize>(s)) break;
    ptr = put(ptr, EVENT_TROUBLE, s.handle, <u32>streamTrouble(s.provider, s.transport), streamUnanswered(s.provider, s.transport));
  }
  return n;
}

function put(at: usize, kind: u32, handle: u32, a: u32, b: u32): usize {
  store<u32>(at + <usize>EVENT_KIND, kind);
  store<u32>(at + <usize>EVENT_HANDLE, handle);
  store<u32>(at + <usize>EVENT_A, a);
  store<u32>(at + <usize>EVENT_B, b);
  return at + <usize>SIZEOF_EVENT;
}
