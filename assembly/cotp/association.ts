/**
 * One transport connection of class 2 over a TCP stream (RFC 2126, X.224): what the two sides agreed on, how each direction ended, and
 * the messages that were received and not read. It lives in one block of memory, its messages in a ring of their own.
 *
 * A direction ends with a disconnect request behind its last message and the FIN of TCP behind that. X.224 ends both at once; here
 * what the peer still sends is taken until its own request or confirm (semantics D-09), which X.224 §6.7 leaves to the receiver.
 */
import { random32 } from "../base/prng";
import { blockAlloc, blockFree } from "../memory/blocks";
import { Ring, ringFree } from "../memory/ring";
import { TPDU_SIZE_DEFAULT, TPDU_SIZE_OURS } from "../wire/cotp";

/** Association.state. */
export const A_IDLE: u8 = 0;
/** A listener's child: TCP stands, the peer's CR is awaited. */
export const A_WAIT_CR: u8 = 1;
/** CR came; the CC waits for accept (SO_CONDITIONAL_ACCEPT). */
export const A_HELD: u8 = 2;
/** Our CR is on its way. */
export const A_WAIT_CC: u8 = 3;
export const A_OPEN: u8 = 4;
/** The peer broke the protocol, or refused us. Nothing is read or written any more. */
export const A_DEAD: u8 = 5;

/** Association.ends. */
/** Our DR or DC went out. */
export const E_SENT: u32 = 1;
/** The peer's DR or DC came. */
export const E_RECEIVED: u32 = 2;
/** Nobody reads: a message that comes breaks the connection (semantics S-12). */
export const E_REFUSE: u32 = 4;
/** The stream ended without a disconnect request: the peer aborted (X.224 §6.7.1, semantics R-26). */
export const E_CUT: u32 = 8;

// @ts-ignore: decorator
@unmanaged
export class Association {
  /** The stream below, in the numbering of provider/index. */
  transport: i32;
  provider: u8;
  /** A_ state. */
  state: u8;
  /** E_ bits. */
  ends: u8;
  /** Number of the next DT, 0 .. 127. */
  number: u8;
  /** Inside a DT whose header was taken; whether it ends its message. */
  inData: u8;
  eot: u8;
  /** The youngest record may grow. */
  growing: u8;
  /** Memory was short: try again without news from below. */
  starved: u8;
  /** Octets of disconnect data, ours and the peer's; of our own TSAP and the called one. */
  outLength: u8;
  inLength: u8;
  ownLength: u8;
  calledLength: u8;
  localRef: u16;
  /** 0 until CR or CC named it. */
  remoteRef: u16;
  /** TPDU size agreed on, LI to last octet of user data. */
  size: u32;
  /** Deadline of the handshake, or of another try for memory while starved. */
  until: u32;
  /** Octets of the current DT still to come. */
  left: u32;
  /** Bytes of records the ring may hold. */
  limit: u32;
  /** Ring index of the youngest record's header; valid while growing. */
  youngest: u32;
  /** Octets of user data in the ring; messages whose end is in it. */
  unread: u32;
  complete: u32;
  /** The records (memory/ring). */
  base: usize;
  capacity: u32;
  head: u32;
  tail: u32;
  /** For the socket layer, socket index + 1 each, 0 = none: the listener of a child; neighbours in its list; of a listener, first and last child. */
  listener: u32;
  next: u32;
  prev: u32;
  first: u32;
  last: u32;
  /** Of a listener: most children at a time, how many there are, how many can be accepted. */
  backlog: u32;
  children: u32;
  ready: u32;
}

/** Places of octet strings behind the fields. */
const OUT_DATA: usize = 256;
const IN_DATA: usize = 320;
const OWN_TSAP: usize = 384;
const CALLED_TSAP: usize = 416;

// @ts-ignore: decorator
@inline export function association(p: usize): Association { return changetype<Association>(p); }
// @ts-ignore: decorator
@inline export function records(a: Association): Ring { return changetype<Ring>(changetype<usize>(a) + offsetof<Association>("base")); }
// @ts-ignore: decorator
@inline export function outData(a: Association): usize { return changetype<usize>(a) + OUT_DATA; }
// @ts-ignore: decorator
@inline export function inData(a: Association): usize { return changetype<usize>(a) + IN_DATA; }
// @ts-ignore: decorator
@inline export function ownTsap(a: Association): usize { return changetype<usize>(a) + OWN_TSAP; }
// @ts-ignore: decorator
@inline export function calledTsap(a: Association): usize { return changetype<usize>(a) + CALLED_TSAP; }

/** A block for one association; 0 without memory. */
export function associationAlloc(provider: u8): usize {
  const p = blockAlloc(0);
  if (!p) return 0;
  memory.fill(p, 0, 448);
  association(p).provider = provider;
  association(p).transport = -1;
  return p;
}

/** Gives the block and what it holds back. */
export function associationFree(p: usize): void {
  ringFree(records(association(p)));
  blockFree(p);
}

/** A stream stands: the handshake begins in `state` (A_WAIT_CR, A_WAIT_CC). `limit`: bytes of messages to hold. */
export function associationBegin(a: Association, transport: i32, state: u8, limit: u32): void {
  a.transport = transport;
  a.state = state;
  a.ends = 0;
  a.number = a.inData = a.growing = a.outLength = a.inLength = a.starved = 0;
  a.unread = a.complete = 0;
  ringFree(records(a));
  a.remoteRef = 0;
  // Never 0, which stands for "none yet" (X.224 §13.3.2).
  a.localRef = <u16>(random32() | 1);
  a.size = state == A_WAIT_CR ? TPDU_SIZE_DEFAULT : TPDU_SIZE_OURS;
  associationLimit(a, limit);
}

/** Room that any receive buffer has, bytes. */
const LIMIT_LEAST: u32 = 1024;

export function associationLimit(a: Association, limit: u32): void { a.limit = max(limit, LIMIT_LEAST); }

// @ts-ignore: decorator
@inline export function ended(a: Association, bit: u32): bool { return (<u32>a.ends & bit) != 0; }
