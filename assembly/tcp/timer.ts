/**
 * A connection's deadlines. Each has its own field; the deadline queue knows only the earliest (memory/deadlines).
 * Disarming leaves the queue's entry: when it fires, tcpTimer finds nothing due and enters the next one.
 */
import { now } from "../base/time";
import { deadlineBefore, deadlineClear, deadlineSet } from "../memory/deadlines";
import { idOfConnection } from "../memory/identities";
import { indexOf, Tcb } from "./tcb";

/** Retransmission, or the next window probe: never both. */
export const T_RTX: u32 = 1;
export const T_PERSIST: u32 = 2;
/** Delayed acknowledgement. */
export const T_ACK: u32 = 4;
/** User timeout or orphan timeout. */
export const T_USER: u32 = 8;
export const T_KEEP: u32 = 16;
/** End of TIME_WAIT, or limit of FIN_WAIT_2: nothing is owed then, so never together with T_USER. */
export const T_WAIT: u32 = 32;
/** Empty buffers go back, or text has waited long enough (tcp/cork). */
export const T_IDLE: u32 = 64;
/** Reordering timer, or the probe of the tail: never both (RFC 8985 §8). */
export const T_RACK: u32 = 128;
/** Tiny has neither of these. */
const LAST: u32 = TINY ? T_WAIT : T_RACK;

// @ts-ignore: decorator
@inline export function armed(t: Tcb, timer: u32): bool { return (<u32>t.armed & timer) != 0; }

// @ts-ignore: decorator
@inline export function disarm(t: Tcb, timers: u32): void { t.armed = <u8>(<u32>t.armed & ~timers); }

/** Place of each T_x behind rtxAt, a digit of base 16 for each. */
const PLACES: u32 = 0x54232100;

/** Where the deadline of a timer stands. */
// @ts-ignore: decorator
@inline function placeOf(t: Tcb, timer: u32): usize {
  return changetype<usize>(t) + offsetof<Tcb>("rtxAt") + <usize>((PLACES >> (ctz(timer) << 2) & 15) << 2);
}

/** Starts or restarts a timer: it is due `delay` milliseconds from now. */
export function arm(t: Tcb, timer: u32, delay: u32): void {
  const at = now + delay;
  if (timer & (T_RTX | T_PERSIST)) disarm(t, T_RTX | T_PERSIST);
  store<u32>(placeOf(t, timer), at);
  t.armed = <u8>(<u32>t.armed | timer);
  enter(t, at);
}

function enter(t: Tcb, at: u32): void { deadlineBefore(idOfConnection(<u32>indexOf(t)), at); }

/** arm for the timers that come and go with each segment. */
// @ts-ignore: decorator
@inline export function armRetransmission(t: Tcb, delay: u32): void {
  if (TINY) { arm(t, T_RTX, delay); return; }
  const at = now + delay;
  t.rtxAt = at;
  t.armed = <u8>(<u32>t.armed & ~T_PERSIST | T_RTX);
  enter(t, at);
}
// @ts-ignore: decorator
@inline export function armAck(t: Tcb, delay: u32): void {
  if (TINY) { arm(t, T_ACK, delay); return; }
  const at = now + delay;
  t.ackAt = at;
  t.armed = <u8>(<u32>t.armed | T_ACK);
  enter(t, at);
}
// @ts-ignore: decorator
@inline export function armRack(t: Tcb, delay: u32): void {
  const at = now + delay;
  t.rackAt = at;
  t.armed = <u8>(<u32>t.armed | T_RACK);
  enter(t, at);
}

/** Takes the timer that is due: it is disarmed and returned; 0 if none is. */
export function timerDue(t: Tcb): u32 {
  for (let timer = T_RTX; timer <= LAST; timer <<= 1) {
    if (armed(t, timer) && <i32>(now - load<u32>(placeOf(t, timer))) >= 0) {
      disarm(t, timer);
      return timer;
    }
  }
  return 0;
}

/** Enters the earliest armed timer into the deadline queue. */
export function timersEnter(t: Tcb): void {
  const id = idOfConnection(<u32>indexOf(t));
  let first: u32 = 0, found = false;
  for (let timer = T_RTX; timer <= LAST; timer <<= 1) {
    if (!armed(t, timer)) continue;
    const at = load<u32>(placeOf(t, timer));
    if (!found || <i32>(at - first) < 0) first = at;
    found = true;
  }
  if (found) deadlineSet(id, first); else deadlineClear(id);
}
