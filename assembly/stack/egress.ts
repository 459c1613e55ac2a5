/**
 * A segment's way out. Socket calls only flag; here every flagged connection may send what its window, its queue and the device
 * allow: tcp/output composes header and payload → ip: route → link: neighbour → wasi: fd_write.
 */
import { WASI_EAGAIN } from "../abi/link";
import { echoDue, echoOutput } from "../ip/echo";
import { tcpFlag, tcpFlagged, tcpFlaggedTake } from "../tcp/lists";
import { tcpOutput } from "../tcp/output";
import { udpFlagged, udpFlaggedTake, udpOutput } from "../udp/udp";

/** Turns that one round gives out, so that connections which feed each other cannot hold a poll for ever. */
const TURNS: u32 = 65536;

/** All flagged work was done. */
export const EGRESS_DONE: u32 = 0;
/** A device was full: the rest stays flagged. */
export const EGRESS_FULL: u32 = 1;
/** Turns ran out. */
export const EGRESS_MORE: u32 = 2;

/** One round over everything flagged: UDP, an echo request, then TCP, first flagged first served, a connection with more to send goes to the end. */
export function egress(): u32 {
  while (udpFlagged()) if (udpOutput(udpFlaggedTake()) == WASI_EAGAIN) return EGRESS_FULL;
  if (echoDue() && echoOutput() == WASI_EAGAIN) return EGRESS_FULL;
  for (let turns = TURNS; turns; turns--) {
    if (!tcpFlagged()) return EGRESS_DONE;
    const i = tcpFlaggedTake(), result = tcpOutput(i);
    if (result) tcpFlag(i);
    if (result == WASI_EAGAIN) return EGRESS_FULL;
  }
  return EGRESS_MORE;
}
