/**
 * TIME_WAIT in 64 bytes, in tiny 32 (RFC 9293 §3.6.1): once nobody looks at a connection any more, this is all that is left of it, and it is enough to
 * answer whatever of it still wanders about, to keep its four-tuple, and to let the next connection begin beyond it. Found through a keyed
 * hash; as all wait equally long, the list in order of arrival is the order of expiry.
 */
import { CONFIG_TIME_WAITS, CONFIG_TIME_WAIT_MS } from "../abi/config";
import { STAT_TCP_TIME_WAITS, STAT_TCP_TIME_WAITS_CUT } from "../abi/stats";
import { ADDR_SECOND, addrCopy, addrEqual, ADDRS_SKIPPED } from "../base/addr";
import { config } from "../base/config";
import { count, countBy } from "../base/counters";
import { due, now } from "../base/time";
import { carve } from "../memory/arena";
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { deadlineClear, deadlineSet } from "../memory/deadlines";
import { freeLink, freeNext } from "../memory/freelist";
import { idOfWaiting } from "../memory/identities";
import { byteAt, setByteAt } from "../memory/links";
import { tupleHash } from "./hash";
import { AGREED_TIMESTAMPS, localPtr, remotePtr, Tcb } from "./tcb";
import { windowEdge, windowField } from "./window";

// @ts-ignore: decorator
@unmanaged
export class Waiting {
  /** Local and remote address: read through waitingLocal and waitingRemote. */
  private local0: u64;
  private local1: u64;
  private remote0: u64;
  private remote1: u64;
  /** Our port << 16 | the peer's. */
  ports: u32;
  /** SND.NXT and RCV.NXT, behind both FINs. */
  sndNxt: u32;
  rcvNxt: u32;
  /** End of the time. */
  expiry: u32;
  /** The window last offered, as it stands in a header. */
  window: u16;
  ttl: u8;
  /** Differentiated Services field, its lower bits WAIT_x. */
  marks: u8;
  /** With WAIT_STAMPED: the timestamp to echo. In tiny the three numbers of links, a byte each. */
  tsRecent: u32;
  /** From here on not in tiny. Three numbers of 21 bits, each a record + 1 or 0: next in the hash bucket, previous and next in the list. */
  links: u64;
}

/** Both sides put timestamps into their segments. */
export const WAIT_STAMPED: u32 = 1;

/** Bytes of a record. */
export const WAITING_SIZE: u32 = (TINY ? <u32>offsetof<Waiting>("links") : 64) - <u32>ADDRS_SKIPPED;
const LINK: u64 = 0x1fffff;
const PREVIOUS: u64 = TINY ? 1 : 21;
const NEXT: u64 = TINY ? 2 : 42;

let table: usize = 0;
let buckets: usize = 0;
let mask: u32 = 0;
let capacity: u32 = 0;
/** First free record, linked as memory/freelist says. */
let free: u32 = 0;
let first: u32 = 0;
let last: u32 = 0;
/** Records in use. */
export let waitingCount: u32 = 0;

// @ts-ignore: decorator
@inline export function waiting(n: u32): Waiting { return changetype<Waiting>(chunkAt(table, n - 1, WAITING_SIZE)); }
// @ts-ignore: decorator
@inline export function waitingLocal(w: Waiting): usize { return changetype<usize>(w) + ADDRS_SKIPPED; }
// @ts-ignore: decorator
@inline export function waitingRemote(w: Waiting): usize { return changetype<usize>(w) + ADDR_SECOND; }

// @ts-ignore: decorator
@inline function small(w: Waiting): usize { return changetype<usize>(w) + offsetof<Waiting>("tsRecent"); }
// @ts-ignore: decorator
@inline function link(w: Waiting, at: u64): u32 { return TINY ? byteAt(small(w), <usize>at) : <u32>((w.links >> at) & LINK); }
// @ts-ignore: decorator
@inline function setLink(w: Waiting, at: u64, n: u32): void {
  if (TINY) setByteAt(small(w), <usize>at, n); else w.links = (w.links & ~(LINK << at)) | <u64>n << at;
}
/** All three links at once: of a record in no list, 0; of a free one as memory/freelist has it. */
// @ts-ignore: decorator
@inline function setLinks(w: Waiting, n: u32): void { if (TINY) w.tsRecent = n; else w.links = <u64>n; }

/** Carves the records and their buckets. False if memory does not suffice. */
export function waitingReset(): bool {
  const n = config(CONFIG_TIME_WAITS);
  capacity = n;
  // Four to a bucket when all are in use.
  mask = TINY ? 0 : (n <= 4 ? 1 : 1 << (30 - clz(n - 1))) - 1;
  table = chunksCarve(n, WAITING_SIZE);
  buckets = carve((mask + 1) * 4);
  if (!table || !buckets) return false;
  table -= ADDRS_SKIPPED;
  free = 1;
  first = 0;
  last = 0;
  waitingCount = 0;
  return true;
}

function bucketOf(local: usize, remote: usize, ports: u32): usize { return buckets + (<usize>(tupleHash(local, remote, ports) & mask) << 2); }

/** Record of this four-tuple, 0 if there is none. */
export function waitingFind(local: usize, remote: usize, ports: u32): u32 {
  if (!waitingCount) return 0;
  for (let n = load<u32>(bucketOf(local, remote, ports)); n; n = link(waiting(n), 0)) {
    const w = waiting(n);
    if (w.ports == ports && addrEqual(waitingRemote(w), remote) && addrEqual(waitingLocal(w), local)) return n;
  }
  return 0;
}

/**
 * Takes over from t, which is in TIME_WAIT until t.userAt. The oldest record gives way if none is free, and is counted. False if memory is
 * used up and there is no record at all.
 */
export function waitingAdd(t: Tcb): bool {
  if (!free || !chunkEnsure(table, free - 1, capacity, WAITING_SIZE)) {
    if (!first) return false;
    count(STAT_TCP_TIME_WAITS_CUT);
    waitingRemove(first);
  }
  const n = free, w = waiting(n);
  free = freeNext(TINY ? w.tsRecent : <u32>w.links, n, capacity);
  addrCopy(waitingLocal(w), localPtr(t));
  addrCopy(waitingRemote(w), remotePtr(t));
  w.ports = <u32>t.lport << 16 | <u32>t.rport;
  w.sndNxt = t.sndNxt;
  w.rcvNxt = t.rcvNxt;
  if (!TINY) w.tsRecent = t.tsRecent;
  w.expiry = t.userAt;
  w.window = <u16>windowField(t, windowEdge(t));
  w.ttl = t.ttl;
  w.marks = <u8>(<u32>t.tos & 0xfc | (!TINY && t.agreed & AGREED_TIMESTAMPS ? WAIT_STAMPED : 0));
  setLinks(w, 0);
  const bucket = bucketOf(waitingLocal(w), waitingRemote(w), w.ports);
  setLink(w, 0, load<u32>(bucket));
  store<u32>(bucket, n);
  append(n);
  waitingCount++;
  countBy(STAT_TCP_TIME_WAITS, 1);
  return true;
}

/** Behind every record that ends no later: mostly that is the end of the list. */
function append(n: u32): void {
  const w = waiting(n);
  let before = last;
  while (before && <i32>(waiting(before).expiry - w.expiry) > 0) before = link(waiting(before), PREVIOUS);
  const after = before ? link(waiting(before), NEXT) : first;
  setLink(w, PREVIOUS, before);
  setLink(w, NEXT, after);
  if (before) setLink(waiting(before), NEXT, n); else first = n;
  if (after) setLink(waiting(after), PREVIOUS, n); else last = n;
  if (first == n) deadlineSet(idOfWaiting(), w.expiry);
}

function detach(n: u32): void {
  const w = waiting(n), before = link(w, PREVIOUS), after = link(w, NEXT);
  if (before) setLink(waiting(before), NEXT, after); else first = after;
  if (after) setLink(waiting(after), PREVIOUS, before); else last = before;
}

/** The time is over, or somebody takes the four-tuple. */
export function waitingRemove(n: u32): void {
  const w = waiting(n), bucket = bucketOf(waitingLocal(w), waitingRemote(w), w.ports);
  let at = load<u32>(bucket);
  if (at == n) store<u32>(bucket, link(w, 0));
  else {
    while (link(waiting(at), 0) != n) at = link(waiting(at), 0);
    setLink(waiting(at), 0, link(w, 0));
  }
  detach(n);
  setLinks(w, freeLink(free));
  free = n;
  waitingCount--;
  countBy(STAT_TCP_TIME_WAITS, -1);
  if (!first) deadlineClear(idOfWaiting());
}

/** The peer's FIN came again: the time starts over (semantics W-21, T-27). */
export function waitingRestart(n: u32): void {
  detach(n);
  waiting(n).expiry = now + config(CONFIG_TIME_WAIT_MS);
  append(n);
}

/** The deadline of the oldest record has come. */
export function waitingTimer(): void {
  while (first && due(waiting(first).expiry)) waitingRemove(first);
  if (first) deadlineSet(idOfWaiting(), waiting(first).expiry);
}
