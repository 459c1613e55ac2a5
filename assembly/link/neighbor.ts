/**
 * The neighbour cache: IP address on a link → hardware address. Found through a keyed hash; bounded by CONFIG_NEIGHBORS.
 *
 *   INCOMPLETE -reply→ REACHABLE -age, used→ PROBING -reply→ REACHABLE
 *   INCOMPLETE, PROBING -three requests unanswered→ FAILED -HOLD_FAILED, used→ INCOMPLETE
 */
import { CONFIG_NEIGHBORS, CONFIG_NEIGHBOR_AGE_MS } from "../abi/config";
import { WASI_EAGAIN } from "../abi/link";
import { STAT_ARP_FAILED } from "../abi/stats";
import { addrCopy, addrEqual, ADDR_SKIPPED } from "../base/addr";
import { config } from "../base/config";
import { count } from "../base/counters";
import { hashBegin, hashEnd, hashWord } from "../base/hash";
import { due, now } from "../base/time";
import { carve } from "../memory/arena";
import { deadlineBefore } from "../memory/deadlines";
import { idOfNeighbors } from "../memory/identities";
import { linkLoad, linkStore } from "../memory/links";
import { ETHER_HEADER, ETHERTYPE_IPV4, macCopy, macEqual } from "../wire/ethernet";
import { arpAsk } from "./ask";
import { device } from "./device";
import { etherWrite } from "./ethernet";
import { park, parkedLength, parkedMove, parkedRelease, parkingReset, PARKED_ETHER, unpark } from "./parking";

const FREE: u32 = 0;
const INCOMPLETE: u32 = 1;
const REACHABLE: u32 = 2;
const PROBING: u32 = 3;
const FAILED: u32 = 4;

/** Requests before a neighbour has failed, and milliseconds between them (RFC 1122 §2.3.2.1: at most one a second). */
const TRIES: u32 = 3;
const RETRY_MS: u32 = 1000;
/** A request or packet the device had no room for is tried again after this. */
const BUSY_MS: u32 = 10;
/** How long a failed neighbour stays failed without being asked again: past the second retransmission of a SYN. */
const HOLD_FAILED_MS: u32 = 10000;
/** A confirmed hardware address is not replaced by another within this time: two hosts that claim one address cannot make it flap. */
const LOCK_MS: u32 = 1000;
/** Entries looked at to find one to replace. */
const SAMPLE: u32 = 16;
const HASH_DOMAIN: u32 = 0x6e656967;
export const UNREACHABLE: i32 = -2;

// @ts-ignore: decorator
@unmanaged
class Neighbor {
  /** The address: read through addressOf. */
  private addr0: u64;
  private addr1: u64;
  private mac0: u16;
  private mac1: u16;
  private mac2: u16;
  /** FREE, INCOMPLETE, REACHABLE, PROBING, FAILED. */
  state: u8;
  /** Requests sent since the last answer. */
  tries: u8;
  /** In tiny iface and next, a byte each. */
  private ifaceWord: u32;
  /** Own IPv4 address that asks for it. */
  source: u32;
  /** When the address was confirmed, or the neighbour given up. */
  settled: u32;
  /** When the next request goes, while INCOMPLETE or PROBING. */
  retryAt: u32;
  used: u32;
  /** Packets waiting (link/parking). */
  waiting: u32;
  /** From here on not in tiny. */
  private nextWord: u32;
  private pad: u32;

  get iface(): u32 { return linkLoad(changetype<usize>(this) + LINKS); }
  set iface(v: u32) { linkStore(changetype<usize>(this) + LINKS, v); }
  /** Next in its hash bucket, index + 1. */
  get next(): u32 { return linkLoad(changetype<usize>(this) + NEXT); }
  set next(v: u32) { linkStore(changetype<usize>(this) + NEXT, v); }
}

const LINKS: usize = offsetof<Neighbor>("ifaceWord");
const NEXT: usize = TINY ? LINKS + 1 : offsetof<Neighbor>("nextWord");
const SIZE: usize = (TINY ? offsetof<Neighbor>("nextWord") : offsetof<Neighbor>()) - ADDR_SKIPPED;

let table: usize = 0;
let buckets: usize = 0;
let capacity: u32 = 0;
let mask: u32 = 0;
let hand: u32 = 0;
let maxAge: u32 = 0;
/** Packets whose neighbour failed, until neighborRefused takes them. */
const REFUSED = memory.data(4, 4);

export function neighborsReset(): bool {
  capacity = config(CONFIG_NEIGHBORS);
  maxAge = config(CONFIG_NEIGHBOR_AGE_MS);
  mask = TINY ? 0 : (capacity <= 1 ? 1 : 1 << (32 - clz(capacity - 1))) - 1;
  hand = 0;
  store<u32>(REFUSED, 0);
  parkingReset();
  table = carve(capacity * <u32>SIZE);
  buckets = carve((mask + 1) * 4);
  if (!table || !buckets) return false;
  table -= ADDR_SKIPPED;
  return true;
}

/** Counts what changes about neighbours: while it stands still, so does a packet's way to one that was reachable. */
export let neighborhood: u32 = 0;

// @ts-ignore: decorator
@inline function entry(n: u32): Neighbor { return changetype<Neighbor>(table + <usize>(n - 1) * SIZE); }
// @ts-ignore: decorator
@inline function addressOf(e: Neighbor): usize { return changetype<usize>(e) + ADDR_SKIPPED; }
// @ts-ignore: decorator
@inline function macOf(e: Neighbor): usize { return changetype<usize>(e) + offsetof<Neighbor>("mac0"); }
// @ts-ignore: decorator
@inline function waitingOf(e: Neighbor): usize { return changetype<usize>(e) + offsetof<Neighbor>("waiting"); }

function bucketOf(iface: u32, a16: usize): usize {
  if (TINY) return buckets;
  hashBegin(HASH_DOMAIN);
  for (let i: usize = 0; i < 16; i += 4) hashWord(load<u32>(a16 + i));
  hashWord(iface);
  return buckets + (<usize>(hashEnd() & mask) << 2);
}

// @ts-ignore: decorator
@inline function isFor(e: Neighbor, iface: u32, a16: usize): bool {
  return e.iface == iface && e.state != <u8>FREE && addrEqual(addressOf(e), a16);
}

/** Entry of a16 on `iface` as index + 1, 0 if there is none. */
export function neighborFind(iface: u32, a16: usize): u32 {
  let n = load<u32>(bucketOf(iface, a16));
  while (n && !isFor(entry(n), iface, a16)) n = entry(n).next;
  return n;
}

/** Entry of a16, made if there is none; `hint` is what an earlier call returned. `source` is the own address that will ask. */
export function neighborFor(iface: u32, a16: usize, hint: u32, source: u32): u32 {
  if (hint && isFor(entry(hint), iface, a16)) return hint;
  const n = neighborFind(iface, a16);
  return n ? n : add(victim(), iface, a16, source);
}

function add(n: u32, iface: u32, a16: usize, source: u32): u32 {
  const e = entry(n), bucket = bucketOf(iface, a16);
  addrCopy(addressOf(e), a16);
  e.state = <u8>INCOMPLETE;
  e.tries = 0;
  e.iface = iface;
  e.source = source;
  e.retryAt = now;
  e.used = now;
  e.waiting = 0;
  e.next = load<u32>(bucket);
  store<u32>(bucket, n);
  neighborhood++;
  return n;
}

/** An entry to use: free, else the least worth keeping among the next few. */
function victim(): u32 {
  let best: u32 = 0, worth: u32 = 0xffffffff;
  for (let i = min(capacity, SAMPLE); i; i--) {
    hand = hand % capacity + 1;
    const e = entry(hand), state = <u32>e.state;
    if (state == FREE) return hand;
    // Unresolved before resolved; among equals the one used longest ago.
    const rank: u32 = state == FAILED ? 0 : state == INCOMPLETE ? 1 : 2;
    const w = rank << 30 | (0x3fffffff - min<u32>(now - e.used, 0x3fffffff));
    if (w <= worth) { worth = w; best = hand; }
  }
  drop(best);
  return best;
}

function drop(n: u32): void {
  const e = entry(n);
  let at = bucketOf(e.iface, addressOf(e));
  while (linkLoad(at) != n) at = changetype<usize>(entry(linkLoad(at))) + NEXT;
  linkStore(at, e.next);
  for (let b = unpark(waitingOf(e)); b; b = unpark(waitingOf(e))) parkedRelease(b);
  e.state = <u8>FREE;
  neighborhood++;
}

/** Uses neighbour n, whose way has not changed (neighborhood): true if what goes to it needs nothing but its address in front. */
// @ts-ignore: decorator
@inline export function neighborUse(n: u32): bool {
  const e = entry(n);
  if (<u32>e.state != REACHABLE || now - e.settled >= maxAge) return false;
  e.used = now;
  return true;
}

/**
 * Sends the packet whose Ethernet header has its room at `ether` (headLen counts it) to neighbour n: 0 sent, or parked until the
 * neighbour answers; WASI_EAGAIN device full; UNREACHABLE if it recently did not answer.
 */
// @ts-ignore: decorator
@inline export function neighborSend(n: u32, ether: usize, headLen: u32, p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  const e = entry(n), state = <u32>e.state;
  e.used = now;
  if (state == REACHABLE || state == PROBING) {
    if (state == REACHABLE && now - e.settled >= maxAge) { e.state = <u8>PROBING; e.tries = 0; ask(e); }
    macCopy(ether, macOf(e));
    return etherWrite(device(e.iface), ether, ETHERTYPE_IPV4, headLen, p1, n1, p2, n2);
  }
  if (state == FAILED) {
    if (now - e.settled < HOLD_FAILED_MS) return UNREACHABLE;
    e.state = <u8>INCOMPLETE;
    e.tries = 0;
  }
  park(waitingOf(e), ether + ETHER_HEADER, headLen - ETHER_HEADER, p1, n1, p2, n2);
  if (!e.tries && due(e.retryAt)) ask(e);
  return 0;
}

/** What neighbour n was sent seems to be lost: it is asked again before its age says so, and forgotten if it does not answer. */
export function neighborDoubt(n: u32): void {
  if (!n || <u32>entry(n).state != REACHABLE) return;
  entry(n).state = <u8>PROBING;
  entry(n).tries = 0;
  ask(entry(n));
}

/** Sends the next request: to all, or while an address is known twice to that one alone first (RFC 1122 §2.3.2.1). */
function ask(e: Neighbor): void {
  const unicast = <u32>e.state == PROBING && <u32>e.tries + 1 < TRIES;
  if (arpAsk(e.iface, e.source, addressOf(e), unicast ? macOf(e) : 0) == WASI_EAGAIN) e.retryAt = now + BUSY_MS;
  else { e.tries++; e.retryAt = now + RETRY_MS; }
  deadlineBefore(idOfNeighbors(), e.retryAt);
}

/**
 * Takes in that a16 on `iface` has hardware address `mac`. Existing entries only, unless `learn`: then a free or failed entry is
 * used, never a live one, so that nobody can push out the neighbours we talk to.
 */
export function neighborHeard(iface: u32, a16: usize, mac: usize, learn: bool, source: u32): void {
  let n = neighborFind(iface, a16);
  if (!n) {
    if (!learn) return;
    n = spare();
    if (!n) return;
    add(n, iface, a16, source);
  }
  const e = entry(n);
  if (<u32>e.state == REACHABLE && now - e.settled < LOCK_MS && !macEqual(macOf(e), mac)) return;
  neighborhood++;
  macCopy(macOf(e), mac);
  e.state = <u8>REACHABLE;
  e.tries = 0;
  e.settled = now;
  flush(e);
}

/** A free or failed entry among the next few, 0 if all are in use. */
function spare(): u32 {
  for (let i = min(capacity, SAMPLE); i; i--) {
    hand = hand % capacity + 1;
    const state = <u32>entry(hand).state;
    if (state == FAILED) drop(hand);
    if (state == FREE || state == FAILED) return hand;
  }
  return 0;
}

/** Sends what waited. What the device has no room for stays and is tried again shortly. */
function flush(e: Neighbor): void {
  while (e.waiting) {
    const b = <usize>e.waiting;
    macCopy(b + PARKED_ETHER, macOf(e));
    if (etherWrite(device(e.iface), b + PARKED_ETHER, ETHERTYPE_IPV4, parkedLength(b) + ETHER_HEADER, 0, 0, 0, 0) == WASI_EAGAIN) {
      e.retryAt = now + BUSY_MS;
      deadlineBefore(idOfNeighbors(), e.retryAt);
      return;
    }
    parkedRelease(unpark(waitingOf(e)));
  }
}

/** The neighbours' deadline has come: asks again, gives up, sends what could not be sent. */
export function neighborsTimer(): void {
  for (let n: u32 = 1; n <= capacity; n++) {
    const e = entry(n), state = <u32>e.state;
    if (state == REACHABLE) {
      if (e.waiting && due(e.retryAt)) flush(e);
      else if (e.waiting) deadlineBefore(idOfNeighbors(), e.retryAt);
    } else if (state == INCOMPLETE || state == PROBING) {
      if (!due(e.retryAt)) deadlineBefore(idOfNeighbors(), e.retryAt);
      else if (<u32>e.tries < TRIES) ask(e);
      else fail(e);
    }
  }
}

function fail(e: Neighbor): void {
  count(STAT_ARP_FAILED);
  e.state = <u8>FAILED;
  e.settled = now;
  parkedMove(waitingOf(e), REFUSED);
}

/** The next packet (a block of link/parking, to be released) whose neighbour could not be found, so that its sender can be told; 0 if none. */
export function neighborRefused(): usize { return unpark(REFUSED); }
