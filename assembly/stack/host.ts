/** What the host asks or tells the stack outside poll: counters, readiness. */
import { STAT_BUFFER_BYTES, STAT_MEMORY_BYTES } from "../abi/stats";
import { counterSet, countersPtr } from "../base/counters";
import { arenaCursor } from "../memory/arena";
import { blockBytes } from "../memory/blocks";
import { hostReadiness } from "../provider/hostflow";

/** Address of the STAT_COUNT counters (u32, abi/stats), brought up to date. Valid for good; they go on counting. */
export function stats(): usize {
  counterSet(STAT_BUFFER_BYTES, blockBytes);
  counterSet(STAT_MEMORY_BYTES, TINY ? <u32>arenaCursor() : <u32>memory.size() << 16);
  return countersPtr();
}

/**
 * A device or host socket can be read or written (READY_ bits): poll soon. Noted for sockets, of which there may be many; every poll
 * looks at every frame device anyway.
 */
export function hostReady(fd: i32, bits: u32): void { if (!TINY) hostReadiness(fd, bits); }
