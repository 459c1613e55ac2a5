/** Soft errors on their way to the program: RFC 9293 §3.9.1.8 (MUST-47), asked for by LSO_ERROR_REPORTS (SHLD-20). Not in tiny. */
import { has, indexOf, S_ERROR_REPORTS, Socket, socketAt, T_OPEN } from "./socket";

let first: u32 = 0;
let last: u32 = 0;

export function troubleReset(): void {
  first = 0;
  last = 0;
}

/** The connection of s has a soft error: an event will say so, unless the program does not want to know. */
export function troubleAdd(s: Socket): void {
  if (s.troubled || !has(s, S_ERROR_REPORTS)) return;
  s.troubled = 1;
  s.troubleNext = 0;
  const i = indexOf(s) + 1;
  if (last) socketAt(last - 1).troubleNext = i; else first = i;
  last = i;
}

/** The next socket that has an EVENT_TROUBLE to tell; null if there is none. */
export function troubleTake(): Socket {
  while (first) {
    const s = socketAt(first - 1);
    first = s.troubleNext;
    if (!first) last = 0;
    s.troubled = 0;
    if (s.type && has(s, S_ERROR_REPORTS) && s.transport >= 0 && s.teardown == T_OPEN) return s;
  }
  return changetype<Socket>(0);
}
