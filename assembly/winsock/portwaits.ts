/** Callers that wait for a completion: GetQueuedCompletionStatus. One list, whose deadlines share an identity. */
import { OP_PORT } from "../abi/events";
import { due } from "../base/time";
import { deadlineBefore } from "../memory/deadlines";
import { idOfPorts } from "../memory/identities";
import { clockSample } from "../wasi/preview1";
import { currentCaller, W_CANCELLED, waitAllocate, waitAt, waitEnqueue, waitRelease, waitWithout } from "./waits";

/** First record + 1. */
let list: u32 = 0;

export function portWaitsReset(): void { list = 0; }

/** The current caller's wait at port `h`, record + 1; 0 if it has none. */
export function portWaitOf(h: u32): u32 {
  for (let r = list; r; r = waitAt(r).next) if (waitAt(r).handle == h && waitAt(r).caller == currentCaller) return r;
  return 0;
}

/** Lets the current caller wait at port `h`, at most `timeout` ms if timed. False if no record can be had. */
export function portWait(h: u32, ref: u32, timed: bool, timeout: u32): bool {
  let r = ref;
  if (!r) {
    r = waitAllocate(OP_PORT, h);
    if (!r) return false;
    waitAt(r).next = list;
    list = r;
    if (timed) {
      waitAt(r).timed = 1;
      waitAt(r).deadline = waitAt(r).started + timeout;
    }
  }
  const w = waitAt(r);
  w.told = w.queued;
  if (w.timed) deadlineBefore(idOfPorts(), w.deadline);
  return true;
}

export function portWaitCancelled(ref: u32): bool { return waitAt(ref).state == W_CANCELLED; }

export function portWaitExpired(ref: u32): bool {
  const w = waitAt(ref);
  if (!w.timed) return false;
  clockSample();
  return due(w.deadline);
}

export function portWaitEnd(ref: u32): void {
  list = waitWithout(list, ref);
  waitRelease(ref);
}

/** Something happened at port `h`: whoever waits there looks again. */
export function portWake(h: u32): void {
  for (let r = list; r; r = waitAt(r).next) if (waitAt(r).handle == h) waitEnqueue(r);
}

/** Wakes whose time is up and keeps the next deadline. */
export function portWaitsTimer(): void {
  for (let r = list; r; r = waitAt(r).next) {
    const w = waitAt(r);
    if (!w.timed) continue;
    if (due(w.deadline)) waitEnqueue(r); else deadlineBefore(idOfPorts(), w.deadline);
  }
}
