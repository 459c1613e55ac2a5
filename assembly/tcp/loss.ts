/**
 * What a connection remembers while something is missing: text beyond a gap, ranges the peer reported, repairs, the window before a
 * reduction. Most connections never lose anything, so it stands in a block of its own, taken when it is needed first and given back when
 * all of it is over (tcp/congestion lossOver). The accessors of Tcb say what holds without a block. Not in tiny.
 *
 * A connection that gets no block because memory is used up repairs its losses by the retransmission timer alone.
 */
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { freeLink, freeNext } from "../memory/freelist";

// @ts-ignore: decorator
@unmanaged
export class Loss {
  /** Ranges at or above SND.UNA that the peer says it has (memory/ranges). Must be first. */
  sacked: u32;
  /** A sequence number in each of the ranges beyond RCV.NXT that changed last, the latest first. */
  recent0: u32;
  recent1: u32;
  recent2: u32;
  recent3: u32;
  /** Text that came twice and is to be reported (RFC 2883); none if both are equal. */
  dupStart: u32;
  dupEnd: u32;
  /** Everything below that is not in `sacked` is taken for lost (RFC 6675 IsLost); SND.UNA if nothing is. */
  lostEdge: u32;
  /** Bytes of SND.UNA..SND.NXT that are not in the network: pipe of RFC 6675 is that difference minus this. */
  leftNetwork: u32;
  /** RFC 8985 (tcp/rack): with rackWaits, everything below rackEdge not in `sacked` is lost at rackUntil; below rackLost it is. */
  rackEdge: u32;
  rackLost: u32;
  rackUntil: u32;
  /** What was sent again and is not known to have arrived (tcp/repairs). */
  repairs: u32;
  /** SND.NXT when the reordering window was widened last. */
  reorderRound: u32;
  /** SND.NXT when the tail was probed, while tailProbe is not 0. */
  tailEnd: u32;
  /** PRR (RFC 6937): outstanding when a recovery began; delivered and sent since. */
  prrFlight: u32;
  prrDelivered: u32;
  prrOut: u32;
  /** CUBIC (RFC 9438): W_max, cwnd before the last reduction, W_est; while cubicRuns the begin of the epoch and its K, ms. */
  cubicMax: u32;
  cubicPrior: u32;
  cubicReno: u32;
  cubicAt: u32;
  cubicK: u32;
  /** cwnd, ssthresh and W_max before the last timeout. */
  undoWindow: u32;
  undoThreshold: u32;
  undoMax: u32;
  /** F-RTO (RFC 5682): with FRTO_NEW, where the new segments end that may tell a spurious timeout. */
  frtoEnd: u32;
  /** While TF_LOWERED (tcp/pathsize): bytes of text a segment carried before, when to try that again, where the trial stands and begins. */
  sizeBefore: u32;
  sizeAt: u32;
  sizeTrial: u32;
  sizeSeq: u32;
  /** Place of the last urgent byte while M_URGENT_DUE or M_URGENT_MARK. */
  urgentSeq: u32;
  /** SND.UP while M_URGENT_OUT. */
  sndUp: u32;
  /** The urgent byte while M_URGENT_HELD. */
  urgentByte: u32;
  /** Its own place in the table + 1; while free what follows, as memory/freelist has it. */
  ref: u32;
}

const STRIDE: u32 = <u32>offsetof<Loss>();

let table: usize = 0;
let capacity: u32 = 0;
let free: u32 = 0;
/** Blocks in use. */
export let lossesHeld: u32 = 0;

/** Carves the table, one block for each connection at most. False if memory does not suffice. */
export function lossReset(connections: u32): bool {
  capacity = connections;
  table = chunksCarve(connections, STRIDE);
  free = 1;
  lossesHeld = 0;
  return table != 0;
}

/** A block of a connection whose oldest unacknowledged number is `una`, as if nothing had been lost; 0 if memory is used up. */
export function lossAlloc(una: u32): usize {
  if (!free || !chunkEnsure(table, free - 1, capacity, STRIDE)) return 0;
  const ref = free, l = changetype<Loss>(chunkAt(table, ref - 1, STRIDE));
  free = freeNext(l.ref, ref, capacity);
  memory.fill(changetype<usize>(l), 0, STRIDE);
  l.ref = ref;
  l.lostEdge = una;
  l.rackEdge = una;
  l.rackLost = una;
  l.reorderRound = una;
  lossesHeld++;
  return changetype<usize>(l);
}

/** Gives a block back. Its ranges and repairs must be gone. */
export function lossFree(at: usize): void {
  const l = changetype<Loss>(at), ref = l.ref;
  assert(!l.sacked && !l.repairs, "a block that still holds ranges");
  l.ref = freeLink(free);
  free = ref;
  lossesHeld--;
}
