/** The beginning and the one end of every overlapped operation. */
import { WSA_INVALID_HANDLE, WSAEFAULT, WSAEINVAL, WSAENOBUFS } from "../../abi/errors";
import { OP_RESULT } from "../../abi/events";
import { OVERLAPPED_EVENT, OVERLAPPED_FLAGS, OVERLAPPED_INTERNAL, OVERLAPPED_INTERNAL_HIGH, STATUS_PENDING } from "../../abi/overlapped";
import { SIZEOF_WSAOVERLAPPED } from "../../abi/winsock";
import { isEvent, WSAResetEvent, WSASetEvent } from "../eventobjects";
import { mayAccess } from "../result";
import { indexOf, overlapTake, Socket, socketAt } from "../socket";
import { wake } from "../waits";
import { buffersRelease, operation, operationFree, operationTake, overlapOf, Queue, queuePush, queueShift } from "./operations";
import { portLive, portQueue } from "./port";

/** The operation that operationBegin made. */
export let begun: u32 = 0;

/** Operations whose routine is due. */
const ROUTINES: usize = TINY ? 0 : memory.data(8, 4);
// @ts-ignore: decorator
@inline function routines(): Queue { return changetype<Queue>(ROUTINES); }

export function routinesReset(): void { routines().first = routines().last = 0; }

/**
 * A slot for an operation on s that will tell of its end through `overlapped`; leaves it in `begun`. Nothing of the caller's is touched
 * before operationPend or operationComplete. Errors: 10014, 10022 (a routine, and a completion port as well), 6 (hEvent is none), 10055.
 */
export function operationBegin(s: Socket, kind: u8, overlapped: usize, routine: u32): i32 {
  if (!mayAccess(overlapped, SIZEOF_WSAOVERLAPPED)) return WSAEFAULT;
  if (routine && portLive(overlapOf(s).port)) return WSAEINVAL;
  // A routine makes hEvent the caller's own.
  const event = routine ? 0 : load<u32>(overlapped + <usize>OVERLAPPED_EVENT);
  if (event && !isEvent(event)) return WSA_INVALID_HANDLE;
  begun = overlapTake(s) ? operationTake(kind) : 0;
  if (!begun) return WSAENOBUFS;
  const o = operation(begun);
  o.socket = indexOf(s);
  o.overlapped = <u32>overlapped;
  o.event = event;
  o.routine = routine;
  return 0;
}

/** The operation goes on after the call: 997. */
export function operationPend(ref: u32): void {
  const o = operation(ref);
  tell(<usize>o.overlapped, STATUS_PENDING, 0, 0);
  if (o.event) WSAResetEvent(o.event);
}

/** Ends an operation that hangs nowhere: WSAOVERLAPPED, event object, then routine or port (R-13: also if it never was pending). */
export function operationComplete(ref: u32, status: u32, bytes: u32, flags: u32 = 0): void {
  const o = operation(ref), s = socketAt(o.socket), p = overlapOf(s);
  buffersRelease(o);
  tell(<usize>o.overlapped, status, bytes, flags);
  if (o.event) WSASetEvent(o.event);
  o.status = status;
  o.done = bytes;
  if (o.routine) queuePush(routines(), ref);
  else if (portLive(p.port)) {
    o.key = p.key;
    portQueue(p.port, ref);
  } else operationFree(ref);
  wake(s, 1 << OP_RESULT);
}

/** C-53: an end nobody is told of but by what stands in WSAOVERLAPPED. */
export function operationVanish(ref: u32, status: u32): void {
  tell(<usize>operation(ref).overlapped, status, 0, 0);
  operationFree(ref);
}

function tell(at: usize, status: u32, bytes: u32, flags: u32): void {
  store<u32>(at + <usize>OVERLAPPED_INTERNAL, status);
  store<u32>(at + <usize>OVERLAPPED_INTERNAL_HIGH, bytes);
  store<u32>(at + <usize>OVERLAPPED_FLAGS, flags);
}

/** The operation whose routine has been due longest, out of the queue and still to be freed; 0 if there is none. */
export function routineTake(): u32 { return queueShift(routines()); }
