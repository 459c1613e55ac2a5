/**
 * Control blocks of sockets that the host provides (seam.md): TCP connections and listeners, and UDP sockets, each behind a
 * descriptor. The field comments say what is true while no call is in progress.
 */
import { TCP_CLOSED } from "../abi/winsock";
import { hashBegin, hashEnd, hashWord } from "../base/hash";
import { carve } from "../memory/arena";
import { deadlineClear } from "../memory/deadlines";
import { freeLink, freeNext } from "../memory/freelist";
import { idOfHost } from "../memory/identities";
import { Ring } from "../memory/ring";
import { hostClose } from "../wasi/sockets";

/** Marks of a block. */
export const H_USED: u32 = 1 << 0;
/** Stands in the queue of blocks that have work at the next poll. */
export const H_WORK: u32 = 1 << 1;
/** Stands in the queue of blocks with news for their owner. */
export const H_CHANGED: u32 = 1 << 2;
/** The handle is closed: nobody will read. */
export const H_ORPHAN: u32 = 1 << 3;
/** Nobody will look at the block again. */
export const H_DETACHED: u32 = 1 << 4;
/** Waits in its listener's queue. */
export const H_PENDING: u32 = 1 << 5;
/** The host was asked for our FIN. */
export const H_SHUT: u32 = 1 << 6;
/** The host took no more: READY_WRITE will come. */
export const H_FULL: u32 = 1 << 7;
/** The receive buffer is at its limit: the host keeps what arrives, and may see nothing of a reset (N-10). */
export const H_HELD: u32 = 1 << 8;
/** The peer's FIN came before ours was asked for. */
export const H_PEER_FIRST: u32 = 1 << 9;
/** Only a bound descriptor: neither connected nor listening. */
export const H_BOUND: u32 = 1 << 10;
/** The half-done report was given. */
export const H_HALF_DONE: u32 = 1 << 11;
/** waitAt counts. */
export const H_WAITING: u32 = 1 << 12;
/** The host took everything and cannot say what became of it: bytes acknowledged are not known (CAPABILITY_ACKS). */
export const H_BLIND: u32 = 1 << 13;
/** A close waits within SO_LINGER's limit: those for orphans do not count yet. */
export const H_LINGER: u32 = 1 << 14;
/** CLOSED after both FINs, ours not behind the peer's: the system keeps TIME_WAIT (N-23) since waitAt. */
export const H_TIME_WAIT: u32 = 1 << 15;
/** Keep-alive is on: a time limit that passes with nothing outstanding is its. */
export const H_KEEPALIVE: u32 = 1 << 16;
/** Bytes are taken after hostOrphan too, until hostDetach (hostReads). */
export const H_READS: u32 = 1 << 17;

// @ts-ignore: decorator
@unmanaged
export class HostBlock {
  /** Own and peer's address, 16 bytes each. */
  private local0: u64;
  private local1: u64;
  private remote0: u64;
  private remote1: u64;
  /** Bytes accepted from the caller, and received. */
  bytesSent: u64;
  bytesReceived: u64;
  /** Bytes accepted and not handed to the host; bytes received and unread. */
  private sndRing0: u64;
  private sndRing1: u64;
  private rcvRing0: u64;
  private rcvRing1: u64;
  /** TCP_x; what the host's stack is in as far as it can be known here. */
  state: i32;
  /** TF_x of tcp/tcb. */
  flags: u32;
  /** H_x. */
  marks: u32;
  /** Socket object above, -1 if none. */
  owner: i32;
  /** Descriptor, -1 once it is given back. */
  fd: i32;
  /** READY_x told by the host and not looked at. */
  ready: u32;
  /** NOTIFY_x not taken yet. */
  notify: u32;
  /** CAPABILITY_x of the host. */
  capabilities: u32;
  lport: u16;
  rport: u16;
  sndLimit: u32;
  rcvLimit: u32;
  /** Bytes given up unacknowledged, or not known to be acknowledged; bytes given up unread. */
  bytesLost: u32;
  bytesDiscarded: u32;
  /** Bytes unsent and unacknowledged when last looked at, and when they last became fewer. */
  outstanding: u32;
  progressAt: u32;
  /** Milliseconds between two looks at the host. */
  interval: u32;
  /** End of an ownerless FIN_WAIT_2; valid with H_WAITING. With H_TIME_WAIT: when that began. */
  waitAt: u32;
  /** Links, index + 1: descriptor hash, free blocks or listener's queue or bound blocks, work queue, news queue. */
  hashNext: u32;
  next: u32;
  workNext: u32;
  changedNext: u32;
  /** Listener: first, last and number of the children nobody took. */
  children: u32;
  childrenLast: u32;
  childCount: u32;
  backlog: u32;
  /** Child: listener's index + 1 while H_PENDING. */
  listener: u32;
  /** Winsock error that ended the connection. */
  error: u16;
  /** CAUSE_x of a reset of ours. */
  cause: u8;
  /** SOCK_x. */
  type: u8;
}

/** Bytes from one block to the next: the 64-bit fields of every block are aligned. */
const STRIDE: usize = (offsetof<HostBlock>() + 7) & ~7;

let table: usize = 0;
let buckets: usize = 0;
let bucketMask: u32 = 0;
let free: u32 = 0;
/** Blocks in the table; 0 = this stack has no host sockets. */
export let hostCapacity: u32 = 0;
let workFirst: u32 = 0;
let workLast: u32 = 0;
let changedFirst: u32 = 0;
let changedLast: u32 = 0;
let boundFirst: u32 = 0;

/** Domain of the keyed hash (base/hash). */
const DOMAIN_FD: u32 = 0x686f7374;

/** Carves the table for n blocks; false if they do not fit. */
export function hostBlocksReset(n: u32): bool {
  hostCapacity = n;
  free = 0;
  workFirst = 0;
  workLast = 0;
  changedFirst = 0;
  changedLast = 0;
  boundFirst = 0;
  if (!n) return true;
  const size: u32 = n <= 1 ? 1 : 1 << (32 - clz(n - 1));
  bucketMask = size - 1;
  table = carve(n * <u32>STRIDE);
  buckets = carve(size * 4);
  if (!table || !buckets) return false;
  free = 1;
  return true;
}

// @ts-ignore: decorator
@inline export function hostBlock(i: i32): HostBlock {
  assert(<u32>i < hostCapacity, "no such host socket");
  return changetype<HostBlock>(table + <usize>i * STRIDE);
}
// @ts-ignore: decorator
@inline export function indexOfHost(b: HostBlock): i32 { return <i32>((changetype<usize>(b) - table) / STRIDE); }
// @ts-ignore: decorator
@inline export function hostLocal(b: HostBlock): usize { return changetype<usize>(b); }
// @ts-ignore: decorator
@inline export function hostRemote(b: HostBlock): usize { return changetype<usize>(b) + 16; }
// @ts-ignore: decorator
@inline export function sendRing(b: HostBlock): Ring { return changetype<Ring>(changetype<usize>(b) + offsetof<HostBlock>("sndRing0")); }
// @ts-ignore: decorator
@inline export function recvRing(b: HostBlock): Ring { return changetype<Ring>(changetype<usize>(b) + offsetof<HostBlock>("rcvRing0")); }
// @ts-ignore: decorator
@inline export function marked(b: HostBlock, mark: u32): bool { return (b.marks & mark) != 0; }

function bucketOf(fd: i32): usize {
  hashBegin(DOMAIN_FD);
  hashWord(<u32>fd);
  return buckets + (<usize>(hashEnd() & bucketMask) << 2);
}

/** Block behind a descriptor, -1 if it is none of ours: the host may tell of devices, or of what was closed meanwhile. */
export function hostFind(fd: i32): i32 {
  if (!hostCapacity) return -1;
  for (let at = load<u32>(bucketOf(fd)); at; at = hostBlock(<i32>at - 1).hashNext) {
    if (hostBlock(<i32>at - 1).fd == fd) return <i32>at - 1;
  }
  return -1;
}

/** A zeroed block in state CLOSED for descriptor fd; -1 if none is left. */
export function hostAlloc(fd: i32, type: i32, owner: i32): i32 {
  if (!free) return -1;
  const i = <i32>free - 1, b = hostBlock(i);
  free = freeNext(b.next, free, hostCapacity);
  // A block may be freed while it stands in a queue; the queue keeps its links.
  const kept = b.marks & (H_WORK | H_CHANGED), workNext = b.workNext, changedNext = b.changedNext;
  memory.fill(changetype<usize>(b), 0, STRIDE);
  b.marks = kept | H_USED;
  b.workNext = workNext;
  b.changedNext = changedNext;
  b.owner = owner;
  b.type = <u8>type;
  b.state = TCP_CLOSED;
  b.fd = fd;
  const bucket = bucketOf(fd);
  b.hashNext = load<u32>(bucket);
  store<u32>(bucket, <u32>i + 1);
  return i;
}

/** Gives the descriptor back to the host: what it took it still delivers. */
export function hostRelease(b: HostBlock): void {
  if (b.fd < 0) return;
  const wanted = <u32>indexOfHost(b) + 1;
  let link = bucketOf(b.fd);
  while (load<u32>(link) != wanted) link = changetype<usize>(hostBlock(<i32>load<u32>(link) - 1)) + offsetof<HostBlock>("hashNext");
  store<u32>(link, b.hashNext);
  hostClose(b.fd);
  b.fd = -1;
}

/** Gives a block back. Its buffers must be gone. */
export function hostFree(i: i32): void {
  const b = hostBlock(i);
  hostRelease(b);
  deadlineClear(idOfHost(<u32>i));
  b.marks &= H_WORK | H_CHANGED;
  b.owner = -1;
  b.next = freeLink(free);
  free = <u32>i + 1;
}

/** Has work at the next poll. */
export function hostWorkAdd(b: HostBlock): void {
  if (marked(b, H_WORK)) return;
  b.marks |= H_WORK;
  b.workNext = 0;
  const i = <u32>indexOfHost(b) + 1;
  if (workLast) hostBlock(<i32>workLast - 1).workNext = i; else workFirst = i;
  workLast = i;
}

/** Block that would be taken last, -1 if none has work. */
export function hostWorkLast(): i32 { return <i32>workLast - 1; }
/** True while some block has work. */
// @ts-ignore: decorator
@inline export function hostBusy(): bool { return workFirst != 0; }

/** Takes the block whose work is the oldest, be it freed meanwhile; -1 if there is none. */
export function hostWorkTake(): i32 {
  if (!workFirst) return -1;
  const i = <i32>workFirst - 1, b = hostBlock(i);
  workFirst = b.workNext;
  if (!workFirst) workLast = 0;
  b.marks &= ~H_WORK;
  return i;
}

/** Remembers NOTIFY_x bits for the owner and queues the block once. Without an owner they wait for one. */
export function hostNotify(b: HostBlock, bits: u32): void {
  b.notify |= bits;
  if (b.owner >= 0) hostAnnounce(b);
}

/** Queues the block for its owner. */
export function hostAnnounce(b: HostBlock): void {
  if (marked(b, H_CHANGED)) return;
  b.marks |= H_CHANGED;
  b.changedNext = 0;
  const i = <u32>indexOfHost(b) + 1;
  if (changedLast) hostBlock(<i32>changedLast - 1).changedNext = i; else changedFirst = i;
  changedLast = i;
}

/** Some block may have news for its owner. */
// @ts-ignore: decorator
@inline export function hostChanged(): bool { return changedFirst != 0; }

/** Takes the next block with news for its owner; -1 if there is none. */
export function hostChangedTake(): i32 {
  while (changedFirst) {
    const i = <i32>changedFirst - 1, b = hostBlock(i);
    changedFirst = b.changedNext;
    if (!changedFirst) changedLast = 0;
    b.marks &= ~H_CHANGED;
    if (marked(b, H_USED) && b.owner >= 0 && b.notify) return i;
  }
  return -1;
}

/** Takes the NOTIFY_x bits of block i. */
export function hostNotifyTake(i: i32): u32 {
  const b = hostBlock(i), bits = b.notify;
  b.notify = 0;
  return bits;
}

/** Remembers a block that is bound and not used otherwise, until its owner connects, listens or closes. */
export function hostBoundAdd(b: HostBlock): void {
  b.marks |= H_BOUND;
  b.next = boundFirst;
  boundFirst = <u32>indexOfHost(b) + 1;
}

/** Takes the bound block of socket object `owner`, -1 if it has none. */
export function hostBoundTake(owner: i32): i32 {
  let previous: u32 = 0;
  for (let at = boundFirst; at; at = hostBlock(<i32>at - 1).next) {
    const b = hostBlock(<i32>at - 1);
    if (b.owner != owner) { previous = at; continue; }
    if (previous) hostBlock(<i32>previous - 1).next = b.next; else boundFirst = b.next;
    b.next = 0;
    b.marks &= ~H_BOUND;
    return <i32>at - 1;
  }
  return -1;
}
