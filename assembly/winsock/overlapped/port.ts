/** Completion ports: queues of completed operations, first in, first out. */
import { carve } from "../../memory/arena";
import { handleObject, KIND_PORT } from "../../memory/handles";
import { portWake } from "../portwaits";
import { operationFree, Queue, queuePush, queueShift } from "./operations";

/** Ports at once. */
export const PORTS: u32 = 64;

// @ts-ignore: decorator
@unmanaged
class Port {
  /** Oldest and youngest completion: a Queue. */
  first: u32;
  last: u32;
  /** Next free port + 1. */
  next: u32;
}

let table: usize = 0;
let free: u32 = 0;

// @ts-ignore: decorator
@inline function at(i: u32): Port { return changetype<Port>(table + <usize>i * offsetof<Port>()); }

// @ts-ignore: decorator
@inline function queueOf(i: u32): Queue { return changetype<Queue>(changetype<usize>(at(i)) + offsetof<Port>("first")); }

export function portTableReset(): bool {
  table = carve(PORTS * <u32>offsetof<Port>());
  if (!table) return false;
  for (let i: u32 = 0; i < PORTS; i++) at(i).next = i + 1 < PORTS ? i + 2 : 0;
  free = 1;
  return true;
}

/** Index of an empty port, -1 if there are PORTS. */
export function portTake(): i32 {
  if (!free) return -1;
  const i = free - 1;
  free = at(i).next;
  at(i).first = at(i).last = 0;
  return <i32>i;
}

/** Gives port i back; completions nobody took are gone. */
export function portFree(i: u32): void {
  for (let ref = portShift(i); ref; ref = portShift(i)) operationFree(ref);
  at(i).next = free;
  free = i + 1;
}

/** True if `h` is an open port. */
export function portLive(h: u32): bool { return h != 0 && handleObject(h, KIND_PORT) >= 0; }

/** Puts a completed operation into the open port `h` and wakes who waits there. */
export function portQueue(h: u32, ref: u32): void {
  queuePush(queueOf(<u32>handleObject(h, KIND_PORT)), ref);
  portWake(h);
}

/** The oldest completion of port i, out of the queue and still to be freed; 0 if it is empty. */
export function portShift(i: u32): u32 { return queueShift(queueOf(i)); }
