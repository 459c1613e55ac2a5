/**
 * The transmission control block (RFC 9293 §3.3.1) and its table. A connection is known by its index in the table.
 * The field comments say what is true while no call is in progress.
 */
import { TCP_CLOSED } from "../abi/winsock";
import { STAT_TCP_CURRENT } from "../abi/stats";
import { ADDR_SECOND, ADDRS_SKIPPED } from "../base/addr";
import { countBy } from "../base/counters";
import { arenaCursor, arenaLimit, carve } from "../memory/arena";
import { blockGive, blockKeep, blockOrder, BLOCK_SHIFT } from "../memory/blocks";
import { deadlineClear } from "../memory/deadlines";
import { freeLink, freeNext } from "../memory/freelist";
import { idOfConnection } from "../memory/identities";
import { byteAt, linkLoad, linkStore, setByteAt } from "../memory/links";
import { Ring } from "../memory/ring";
import { Loss, lossAlloc, lossFree } from "./loss";
import {
  CONGESTION_AT, CUBIC_RUNS, FRTO_AT, M_CHANGED, M_FLAGGED, M_HASHED, M_USED, RACK_WAITS, REORDERED, RESCUED, TAIL_PROBE_AT, TF_PROBED, TWO_BITS,
} from "./marks";

export * from "./marks";

/** Winsock's error codes are this and one byte. */
const WSA_BASE: u32 = 10000;

/** What connections and listeners have in common. */
// @ts-ignore: decorator
@unmanaged
export class Endpoint {
  /** Next block + 1 in the queues of M_FLAGGED and M_CHANGED. In tiny, whose blocks begin behind these, they stand beside hashNext. */
  private flaggedWord: u32;
  private changedWord: u32;
  /** Local and remote address: read through localPtr and remotePtr. */
  private local0: u64;
  private local1: u64;
  private remote0: u64;
  private remote1: u64;
  /** M_x. */
  marks: u32;
  /** Socket object above, -1 if none (not accepted yet, or detached). While M_PENDING: -1 less `listener`. */
  owner: i32;
  /** Ports in host order. */
  lport: u16;
  rport: u16;
  private flagBits: u16;
  private notifyBits: u16;
  private hashWord: u32;
  /** Neighbours + 1 in the one list the block stands in: free, a listener's. Of a connection in none: keepIdle, keepInterval. */
  prev: u32;
  next: u32;
  private stateByte: u8;
  ttl: u8;
  tos: u8;
  /** CAUSE_x of abi/report. */
  cause: u8;

  /** TCP_x of abi/winsock; written by transition() only. */
  get state(): i32 { return <i32>this.stateByte; }
  set state(v: i32) { this.stateByte = <u8>v; }
  /** TF_x. */
  get flags(): u32 { return <u32>this.flagBits; }
  set flags(v: u32) { this.flagBits = <u16>v; }
  /** NOTIFY_x not taken yet. */
  get notify(): u32 { return <u32>this.notifyBits; }
  set notify(v: u32) { this.notifyBits = <u16>v; }
  /** Next block of the same hash bucket + 1 (memory/links; also reached through HASH_NEXT). */
  @inline get hashNext(): u32 { return linkLoad(changetype<usize>(this) + HASH_NEXT); }
  set hashNext(v: u32) { linkStore(changetype<usize>(this) + HASH_NEXT, v); }
  @inline get flaggedNext(): u32 { return TINY ? byteAt(changetype<usize>(this) + HASH_NEXT, 1) : this.flaggedWord; }
  set flaggedNext(v: u32) { if (TINY) setByteAt(changetype<usize>(this) + HASH_NEXT, 1, v); else this.flaggedWord = v; }
  @inline get changedNext(): u32 { return TINY ? byteAt(changetype<usize>(this) + HASH_NEXT, 2) : this.changedWord; }
  set changedNext(v: u32) { if (TINY) setByteAt(changetype<usize>(this) + HASH_NEXT, 2, v); else this.changedWord = v; }
}

/** Where a block's hashNext stands. */
export const HASH_NEXT: usize = offsetof<Endpoint>("hashWord");

// @ts-ignore: decorator
@unmanaged
export class Tcb extends Endpoint {
  /** Oldest unacknowledged sequence number. */
  sndUna: u32;
  /** Next sequence number of new data; retransmission never moves it back. */
  sndNxt: u32;
  /** Sequence number after the last byte queued: the place of the FIN once TF_SEND_SHUT is set. */
  sndEnd: u32;
  /** Window the peer offers from sndUna, bytes, and the SEG.SEQ and SEG.ACK that offered it. */
  sndWnd: u32;
  sndWl1: u32;
  sndWl2: u32;
  /** Largest sndWnd seen. */
  maxWnd: u32;
  /** End of the last segment sent that was shorter than the MSS (Nagle). */
  sndSml: u32;

  /** Next sequence number expected. */
  rcvNxt: u32;
  /** Right edge of the window we have offered; never moves left. */
  rcvAdv: u32;
  /** Place of the peer's FIN while M_FIN_HELD. */
  rcvFin: u32;
  /** Ranges held beyond rcvNxt (memory/ranges). */
  outOfOrder: u32;
  /** Bytes the send queue and the receive buffer should hold at most. */
  sndLimit: u32;
  rcvLimit: u32;
  /** Smoothed round trip ×8, its variation ×4, and the timeout made of them, milliseconds (RFC 6298). */
  srtt: u32;
  rttvar: u32;

  /** Send queue: [sndEnd - used, sndEnd). In tiny the second half is the receive buffer. */
  private sndRing0: u64;
  private sndRing1: u64;

  rto: u32;
  /** While M_RTT_TIMING: an ACK of rttSeq ends the measurement begun at rttAt. With timestamps: when the timer expired last. */
  rttSeq: u32;
  rttAt: u32;

  /** Congestion window and slow start threshold, bytes; of a CLOSED connection: bytesLost. */
  cwnd: u32;
  ssthresh: u32;
  /** In congestion avoidance: bytes acknowledged towards the next growth (RFC 3465). */
  bytesAcked: u32;
  /** SND.NXT when loss was noticed: recovery ends when it is acknowledged. */
  recover: u32;
  /** In RECOVERY_LOSS: next sequence number to retransmit. */
  rtxNxt: u32;

  /** When an acknowledgement last made progress, or outstanding data began. */
  progressAt: u32;
  /** When the last acceptable segment came, and the last segment with data or FIN left. */
  heardAt: u32;
  sentAt: u32;
  /** Start of the second in which challengeCount was counted. */
  challengeAt: u32;
  /** User timeout of this connection, milliseconds; 0 = the stack's, all ones = none. */
  userLimit: u32;

  /** Bytes received and given up unread. */
  bytesDiscarded: u32;
  /** Bytes accepted from the caller. */
  bytesSent: u64;

  /** Largest segment we send and the one we announced, bytes of text. */
  sndMss: u16;
  rcvMss: u16;
  private errorByte: u8;
  private softErrorByte: u8;
  /** sndScale, rcvScale << 4. */
  private scales: u8;
  /** RECOVERY_x. */
  recovery: u8;
  /** Duplicate ACKs in a row. */
  dupAcks: u8;
  /** Doublings of the timeout. */
  backoff: u8;
  /** SYN or SYN,ACK retransmissions. */
  synRetries: u8;
  /** T_x bits of running timers. */
  armed: u8;
  /** Text segments received since the last ACK left. */
  unackedSegments: u8;
  /** Duplicate ACKs to send for segments that came out of order. */
  dupAcksOwed: u8;
  challengeCount: u8;
  keepCount: u8;
  keepProbes: u8;
  /** Not in tiny. Quarters of minRtt the reordering window has beyond the first, and recoveries until they are forgotten. */
  reorderSteps: u8;
  reorderKept: u8;
  /** Not in tiny. UTO_x of abi/sockets and tcp/usertimeout. */
  uto: u8;

  /** Deadlines (tcp/timer placeOf); those whose bit is in `armed` count. T_RTX and T_PERSIST have one between them, T_USER and T_WAIT another. */
  rtxAt: u32;
  ackAt: u32;
  userAt: u32;
  keepAt: u32;
  /** From here on not in tiny, whose blocks end before. */
  idleAt: u32;
  rackAt: u32;
  /** RCV.NXT as the last ACK that left told it (Last.ACK.sent of RFC 7323). */
  lastAckSent: u32;
  /** Receive buffer: unread bytes, out-of-order ones ahead of its tail. */
  private rcvRing0: u64;
  private rcvRing1: u64;
  /** Bytes received in order. */
  bytesReceived: u64;
  /** With AGREED_TIMESTAMPS: the timestamp to echo (TS.Recent), when it came, and what turns the clock into ours. */
  tsRecent: u32;
  tsRecentAt: u32;
  tsOffset: u32;
  /** Smallest round trip measured, milliseconds. */
  minRtt: u32;
  /** SND.NXT - SND.UNA when the connection could last send: how much of cwnd is used, however many ACKs came together since. */
  outstanding: u32;
  /** SND.NXT when the window was reduced last: marks of what was sent before say nothing new (RFC 3168). */
  ecnHigh: u32;
  /** Its Loss block (tcp/loss), 0 while it needs none. */
  loss: usize;
  private agreedBits: u16;
  /** The peer's user timeout as the option's field told it last (wire/tcp userTimeoutMs); 0 = it did not. */
  utoRemote: u16;

  /** Largest sequence number ever sent + 1: beyond sndNxt only by the byte or FIN of a zero-window probe. */
  get sndMax(): u32 { return this.sndNxt + (this.flags & TF_PROBED ? 1 : 0); }
  get probed(): bool { return (this.flags & TF_PROBED) != 0; }
  set probed(v: bool) { this.flags = v ? this.flags | TF_PROBED : this.flags & ~TF_PROBED; }
  /** Winsock error that ended the connection, and one a router reported that did not. */
  get error(): u32 { return wsa(this.errorByte); }
  set error(v: u32) { this.errorByte = <u8>(v ? v - WSA_BASE : 0); }
  get softError(): u32 { return wsa(this.softErrorByte); }
  set softError(v: u32) { this.softErrorByte = <u8>(v ? v - WSA_BASE : 0); }
  /** Window shifts: of what the peer says, of what we say. */
  get sndScale(): u32 { return <u32>this.scales & 0xf; }
  set sndScale(v: u32) { this.scales = <u8>(<u32>this.scales & 0xf0 | v); }
  get rcvScale(): u32 { return <u32>this.scales >> 4; }
  set rcvScale(v: u32) { this.scales = <u8>(<u32>this.scales & 0xf | v << 4); }
  /** An epoch of CUBIC runs (tcp/cubic). */
  get cubicRuns(): bool { return (this.agreed & CUBIC_RUNS) != 0; }
  set cubicRuns(v: bool) { this.agreed = v ? this.agreed | CUBIC_RUNS : this.agreed & ~CUBIC_RUNS; }
  /** The tail was sent again once in this recovery (RFC 6675 NextSeg rule 4). */
  get rescued(): bool { return (this.agreed & RESCUED) != 0; }
  set rescued(v: bool) { this.agreed = v ? this.agreed | RESCUED : this.agreed & ~RESCUED; }
  /** The reordering window runs for rackEdge. */
  get rackWaits(): bool { return (this.agreed & RACK_WAITS) != 0; }
  set rackWaits(v: bool) { this.agreed = v ? this.agreed | RACK_WAITS : this.agreed & ~RACK_WAITS; }
  /** The path was seen to change the order of segments. */
  get reordered(): bool { return (this.agreed & REORDERED) != 0; }
  set reordered(v: bool) { this.agreed = v ? this.agreed | REORDERED : this.agreed & ~REORDERED; }
  /** FRTO_x of tcp/retransmission. */
  get frto(): u32 { return this.agreed >> FRTO_AT & TWO_BITS; }
  set frto(v: u32) { this.agreed = this.agreed & ~(TWO_BITS << FRTO_AT) | v << FRTO_AT; }
  /** TAIL_x; 0 while no probe of the tail is due or out. */
  get tailProbe(): u32 { return this.agreed >> TAIL_PROBE_AT & TWO_BITS; }
  set tailProbe(v: u32) { this.agreed = this.agreed & ~(TWO_BITS << TAIL_PROBE_AT) | v << TAIL_PROBE_AT; }
  /** Not 0 while the reordering window runs or a probe of the tail is due or out. */
  get watched(): u32 { return this.agreed & (RACK_WAITS | TWO_BITS << TAIL_PROBE_AT); }
  /** CONGESTION_x of abi/sockets. */
  get congestion(): u32 { return this.agreed >> CONGESTION_AT; }
  set congestion(v: u32) { this.agreed = this.agreed & ~(TWO_BITS << CONGESTION_AT) | v << CONGESTION_AT; }
  /** Initial sequence numbers, sent and received, until the handshake is complete. */
  get iss(): u32 { return this.sndUna; }
  get irs(): u32 { return this.rcvNxt - 1; }
  /** Options both SYNs carried, AGREED_x, among bits of other things; before the peer's SYN: what we offer. */
  get agreed(): u32 { return <u32>this.agreedBits; }
  set agreed(v: u32) { this.agreedBits = <u16>v; }
  /** Keepalive idle time and probe interval, milliseconds; of a connection that is accepted. */
  get keepIdle(): u32 { return this.prev; }
  set keepIdle(v: u32) { this.prev = v; }
  get keepInterval(): u32 { return this.next; }
  set keepInterval(v: u32) { this.next = v; }
  /** Bytes accepted and given up unacknowledged; written when the connection becomes CLOSED. */
  get bytesLost(): u32 { return this.state == TCP_CLOSED ? this.cwnd : 0; }
  set bytesLost(v: u32) { this.cwnd = v; }
  /** Listener's index + 1 while M_PENDING. */
  get listener(): u32 { return <u32>(-1 - this.owner); }
  set listener(v: u32) { this.owner = -1 - <i32>v; }

  /** What the block says, or what holds without one; written without one it is forgotten. */
  get sacked(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).sacked; }
  set sacked(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).sacked = v; }
  get dupStart(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).dupStart; }
  set dupStart(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).dupStart = v; }
  get dupEnd(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).dupEnd; }
  set dupEnd(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).dupEnd = v; }
  get lostEdge(): u32 { return TINY || !this.loss ? this.sndUna : changetype<Loss>(this.loss).lostEdge; }
  set lostEdge(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).lostEdge = v; }
  get leftNetwork(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).leftNetwork; }
  set leftNetwork(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).leftNetwork = v; }
  get rackEdge(): u32 { return TINY || !this.loss ? this.sndUna : changetype<Loss>(this.loss).rackEdge; }
  set rackEdge(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).rackEdge = v; }
  get rackLost(): u32 { return TINY || !this.loss ? this.sndUna : changetype<Loss>(this.loss).rackLost; }
  set rackLost(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).rackLost = v; }
  get rackUntil(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).rackUntil; }
  set rackUntil(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).rackUntil = v; }
  get repairs(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).repairs; }
  set repairs(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).repairs = v; }
  get reorderRound(): u32 { return TINY || !this.loss ? this.sndUna : changetype<Loss>(this.loss).reorderRound; }
  set reorderRound(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).reorderRound = v; }
  get tailEnd(): u32 { return TINY || !this.loss ? this.sndUna : changetype<Loss>(this.loss).tailEnd; }
  set tailEnd(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).tailEnd = v; }
  get prrFlight(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).prrFlight; }
  set prrFlight(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).prrFlight = v; }
  get prrDelivered(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).prrDelivered; }
  set prrDelivered(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).prrDelivered = v; }
  get prrOut(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).prrOut; }
  set prrOut(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).prrOut = v; }
  get cubicMax(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).cubicMax; }
  set cubicMax(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).cubicMax = v; }
  get cubicPrior(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).cubicPrior; }
  set cubicPrior(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).cubicPrior = v; }
  get cubicReno(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).cubicReno; }
  set cubicReno(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).cubicReno = v; }
  get cubicAt(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).cubicAt; }
  set cubicAt(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).cubicAt = v; }
  get cubicK(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).cubicK; }
  set cubicK(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).cubicK = v; }
  get undoWindow(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).undoWindow; }
  set undoWindow(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).undoWindow = v; }
  get undoThreshold(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).undoThreshold; }
  set undoThreshold(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).undoThreshold = v; }
  get undoMax(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).undoMax; }
  set undoMax(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).undoMax = v; }
  get frtoEnd(): u32 { return TINY || !this.loss ? this.sndNxt : changetype<Loss>(this.loss).frtoEnd; }
  set frtoEnd(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).frtoEnd = v; }
  /** SND.UP while M_URGENT_OUT: the sequence number behind the last urgent byte. */
  get sndUp(): u32 { return TINY || !this.loss ? this.sndUna : changetype<Loss>(this.loss).sndUp; }
  set sndUp(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).sndUp = v; }
  /** The urgent byte while M_URGENT_HELD. */
  get urgentByte(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).urgentByte; }
  set urgentByte(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).urgentByte = v; }
  get urgentSeq(): u32 { return TINY || !this.loss ? 0 : changetype<Loss>(this.loss).urgentSeq; }
  set urgentSeq(v: u32) { if (!TINY && this.loss) changetype<Loss>(this.loss).urgentSeq = v; }
}

// @ts-ignore: decorator
@inline function wsa(byte: u8): u32 { return byte ? WSA_BASE + <u32>byte : 0; }

// @ts-ignore: decorator
@unmanaged
export class Listener extends Endpoint {
  /** Children allowed, half-open and completed together. */
  backlog: u32;
  /** Children in SYN_RCVD: first, last, how many (tcp/lists). */
  embryos: u32;
  private embryosLast: u32;
  embryoCount: u32;
  /** Completed children, oldest first. */
  queue: u32;
  private queueLast: u32;
  queueCount: u32;
  /** Half-open children whose SYN waits for the owner's decision. */
  held: u32;
  /** Completed children that were reset before they were accepted. */
  lost: u32;
  /** What children inherit. */
  sndLimit: u32;
  rcvLimit: u32;
  userLimit: u32;
  /** UTO_x of its children; 0 = the stack's. */
  uto: u8;
}

/** What lies before the addresses, and what of a block tiny leaves to the one before. */
const FRONT: usize = offsetof<Endpoint>("local0");
const SKIPPED: usize = TINY ? FRONT + ADDRS_SKIPPED : 0;
/** Bytes from one block to the next: the 64-bit fields of every block are aligned. */
const STRIDE: usize = (((TINY ? offsetof<Tcb>("idleAt") : offsetof<Tcb>()) + 7) & ~7) - SKIPPED;

/** What an absent Loss block says: zero. */
const NOTHING = memory.data(TINY ? 4 : 16, 4);

/** Blocks that a table begins with that grows, and by what factor it does. */
const FIRST: u32 = 256;
const GROWTH: u32 = 2;
/** A table of at most so many bytes, and a share of all memory no larger than 1 / 2^GROWN_SHARE, grows; others are there from the beginning. */
const GROWN_MOST: u32 = 2 * 1024 * 1024;
const GROWN_SHARE: u32 = 6;

let table: usize = 0;
let free: u32 = 0;
/** The table is a block of memory/blocks. */
let grown: bool = false;
/** Blocks there may be, and blocks that are there: tcb(i) for i < tcbCount. */
export let tcbCapacity: u32 = 0;
export let tcbCount: u32 = 0;

/** Carves the table, or what it begins with; every block is free. */
export function tcbReset(n: u32): bool {
  tcbCapacity = n;
  tcbCount = n;
  grown = false;
  const whole = <u64>n * STRIDE;
  if (!TINY && whole <= GROWN_MOST && whole <= (arenaLimit() - arenaCursor()) >> GROWN_SHARE) tcbCount = min(n, FIRST);
  table = carve(tcbCount * <u32>STRIDE);
  if (!table) return false;
  table -= SKIPPED;
  free = 1;
  return true;
}

/**
 * Sees to it that tcbAlloc finds a block as long as there may be more and memory is to be had. The blocks move: whoever calls this holds no
 * Tcb, and neither does anyone that called him. Returns true if they did.
 */
export function tcbEnsure(): bool {
  if (TINY || free || tcbCount == tcbCapacity) return false;
  const order = blockOrder(min(tcbCapacity, tcbCount * GROWTH) * <u32>STRIDE), at = blockKeep(order);
  if (!at) return false;
  const size: usize = 1 << (BLOCK_SHIFT + order), held = <usize>tcbCount * STRIDE, old = table;
  memory.copy(at, old, held);
  memory.fill(at + held, 0, size - held);
  table = at;
  free = tcbCount + 1;
  tcbCount = min(tcbCapacity, <u32>(size / STRIDE));
  if (grown) blockGive(old);
  grown = true;
  return true;
}

/** The block of a connection, 0 ≤ i < tcbCount. */
// @ts-ignore: decorator
@inline export function tcb(i: i32): Tcb {
  assert(<u32>i < tcbCount, "no such connection");
  return changetype<Tcb>(table + <usize>i * STRIDE);
}
/** The block of a listener. */
// @ts-ignore: decorator
@inline export function listenerOf(i: i32): Listener { return changetype<Listener>(tcb(i)); }
// @ts-ignore: decorator
@inline export function indexOf(e: Endpoint): i32 { return <i32>((changetype<usize>(e) - table) / STRIDE); }

// @ts-ignore: decorator
@inline export function localPtr(e: Endpoint): usize { return changetype<usize>(e) + FRONT + ADDRS_SKIPPED; }
// @ts-ignore: decorator
@inline export function remotePtr(e: Endpoint): usize { return changetype<usize>(e) + FRONT + ADDR_SECOND; }
// @ts-ignore: decorator
@inline export function sndRing(t: Tcb): Ring { return changetype<Ring>(changetype<usize>(t) + offsetof<Tcb>("sndRing0")); }
// @ts-ignore: decorator
@inline export function rcvRing(t: Tcb): Ring { return changetype<Ring>(changetype<usize>(t) + (TINY ? offsetof<Tcb>("sndRing1") : offsetof<Tcb>("rcvRing0"))); }
// @ts-ignore: decorator
@inline export function outOfOrderList(t: Tcb): usize { return changetype<usize>(t) + offsetof<Tcb>("outOfOrder"); }

/** What the peer says it has (memory/ranges); without a Loss block an empty list, to which nothing may be added. */
// @ts-ignore: decorator
@inline export function sackedList(t: Tcb): usize { return t.loss ? t.loss : NOTHING; }
/** The four sequence numbers of recent ranges. */
// @ts-ignore: decorator
@inline export function recentPtr(t: Tcb): usize { return t.loss ? t.loss + offsetof<Loss>("recent0") : NOTHING; }

/** Sees to it that t has a Loss block; false if memory is used up. */
export function lossTake(t: Tcb): bool {
  if (!t.loss) t.loss = lossAlloc(t.sndUna);
  return t.loss != 0;
}

/** Gives it back. */
export function lossDrop(t: Tcb): void {
  lossFree(t.loss);
  t.loss = 0;
}

/** Takes a free block, zeroed, in state CLOSED and without an owner; -1 if none is left. */
export function tcbAlloc(): i32 {
  if (!free) return -1;
  const i = <i32>free - 1, t = tcb(i);
  free = freeNext(t.next, free, tcbCount);
  // A block may be freed while it stands in a queue; the queue keeps its links.
  const kept = t.marks & (M_FLAGGED | M_CHANGED), flaggedNext = t.flaggedNext, changedNext = t.changedNext;
  memory.fill(changetype<usize>(t) + SKIPPED, 0, STRIDE);
  t.marks = kept | M_USED;
  t.flaggedNext = flaggedNext;
  t.changedNext = changedNext;
  t.owner = -1;
  t.ttl = 64;
  countBy(STAT_TCP_CURRENT, 1);
  return i;
}

/** Gives a block back. Its buffers must be gone and its hash entry removed. */
export function tcbFree(i: i32): void {
  const t = tcb(i);
  assert(t.state == TCP_CLOSED && !(t.marks & M_HASHED), "freeing a live connection");
  deadlineClear(idOfConnection(<u32>i));
  if (!TINY && t.loss) lossDrop(t);
  t.marks &= M_FLAGGED | M_CHANGED;
  t.owner = -1;
  t.next = freeLink(free);
  free = <u32>i + 1;
  countBy(STAT_TCP_CURRENT, -1);
}
