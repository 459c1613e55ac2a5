/**
 * UDP control blocks, found by local port. A block belongs to a socket object (owner) until udpClose; it stays while
 * datagrams it accepted wait to be sent.
 */
import { CONFIG_MAX_SOCKETS, CONFIG_RECV_BUFFER, CONFIG_SEND_BUFFER } from "../abi/config";
import { ADDR_SECOND, addrClear, addrCopy, addrEqual, addrIsAny, ADDRS_SKIPPED } from "../base/addr";
import { config } from "../base/config";
import { randomBelow } from "../base/prng";
import { carve } from "../memory/arena";
import { blockAlloc, blockFree, blockOrder } from "../memory/blocks";
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { freeLink, freeNext } from "../memory/freelist";
import { Ring, RING_SIZE } from "../memory/ring";

/** The peer named by udpConnect is the only one heard. */
export const UF_CONNECTED: u32 = 1;
/** Closed by its owner: goes as soon as the send queue is empty. */
export const UF_CLOSING: u32 = 2;
/** On the flagged (egress) list. */
export const UF_FLAGGED: u32 = 4;
/** On the changed (notify) list. */
export const UF_CHANGED: u32 = 8;
/** A datagram was refused because the send queue was full: tell the owner when it is not. */
export const UF_REFUSED: u32 = 16;

export const NOTIFY_UDP_READABLE: u32 = 1;
export const NOTIFY_UDP_WRITABLE: u32 = 2;
export const NOTIFY_UDP_ERROR: u32 = 4;

// @ts-ignore: decorator
@unmanaged
export class Ucb {
  private local0: u64;
  private local1: u64;
  private remote0: u64;
  private remote1: u64;
  /** Socket object, -1 after udpClose; -2 while the block is free. */
  owner: i32;
  /** UF_x bits. */
  flags: u32;
  /** Own port, 0 while unbound. */
  localPort: u32;
  /** Peer's port, 0 while not connected. */
  remotePort: u32;
  /** Received datagrams as records (udp/queue). */
  received: Ring;
  /** Datagrams accepted and not sent yet. */
  unsent: Ring;
  /** Most bytes each queue holds, record headers included. */
  receiveLimit: u32;
  sendLimit: u32;
  /** Datagrams in `received` and in `unsent`. */
  receivedCount: u32;
  unsentCount: u32;
  /** WSA code of the last ICMP error for a datagram of ours, 0 if none is pending. */
  error: i32;
  /** NOTIFY_UDP_x not handed up yet. */
  notify: u32;
  /** Datagrams dropped because the queue was full. */
  drops: u32;
  /** Next block + 1 of the same port bucket, or of the free list. */
  next: u32;
  /** Next block + 1 on the flagged and on the changed list. */
  nextFlagged: u32;
  nextChanged: u32;
}

const EPHEMERAL_FIRST: u32 = 49152;
const EPHEMERAL_COUNT: u32 = 16384;

let buckets: usize = 0;
let mask: u32 = 0;
let table: usize = 0;
let size: u32 = 0;
let free: u32 = 0;
/** Blocks in use. Tiny: the table is there while there are any, in a buffer of which a datagram socket needs fewer than it has a right to. */
let open: u32 = 0;

export function udpReset(): bool {
  size = config(CONFIG_MAX_SOCKETS);
  // The two rings are embedded: Ucb as declared holds references, so the stride counts their bytes instead.
  mask = TINY ? 0 : (size <= 1 ? 1 : 1 << (32 - clz(min<u32>(size, 65536) - 1))) - 1;
  table = TINY ? 0 : chunksCarve(size, STRIDE);
  buckets = carve((mask + 1) * 4);
  if (!TINY && !table || !buckets) return false;
  free = 1;
  open = 0;
  return true;
}

/** Block, then its two rings; a multiple of eight. */
const STRIDE: u32 = ((<u32>offsetof<Ucb>() + 2 * RING_SIZE + 7) & ~7) - <u32>ADDRS_SKIPPED;

// @ts-ignore: decorator
@inline export function ucb(i: u32): Ucb { return changetype<Ucb>(chunkAt(table, i, STRIDE)); }
// @ts-ignore: decorator
@inline export function ucbLocal(u: Ucb): usize { return changetype<usize>(u) + ADDRS_SKIPPED; }
// @ts-ignore: decorator
@inline export function ucbRemote(u: Ucb): usize { return changetype<usize>(u) + ADDR_SECOND; }
// @ts-ignore: decorator
@inline function bucket(port: u32): usize { return buckets + <usize>((port & mask) << 2); }

/** A fresh, unbound block for socket object `owner`; -1 when all are in use. */
export function udpOpen(owner: i32): i32 {
  if (!free) return -1;
  if (TINY && !open) {
    table = blockAlloc(blockOrder(size * STRIDE));
    if (!table) return -1;
    memory.fill(table, 0, size * STRIDE);
    table -= ADDRS_SKIPPED;
    free = 1;
  }
  if (!chunkEnsure(table, free - 1, size, STRIDE)) return -1;
  open++;
  const i = free - 1, u = ucb(i);
  free = freeNext(u.next, free, size);
  u.received = changetype<Ring>(changetype<usize>(u) + offsetof<Ucb>());
  u.unsent = changetype<Ring>(changetype<usize>(u) + offsetof<Ucb>() + RING_SIZE);
  u.owner = owner;
  u.flags = 0;
  u.localPort = 0;
  u.remotePort = 0;
  addrClear(ucbLocal(u));
  addrClear(ucbRemote(u));
  u.receiveLimit = config(CONFIG_RECV_BUFFER);
  u.sendLimit = config(CONFIG_SEND_BUFFER);
  u.receivedCount = 0;
  u.unsentCount = 0;
  u.error = 0;
  u.notify = 0;
  u.drops = 0;
  u.next = 0;
  return <i32>i;
}

export function udpUnlink(i: u32): void {
  const u = ucb(i);
  if (!u.localPort) return;
  let at = bucket(u.localPort);
  while (load<u32>(at) != i + 1) at = changetype<usize>(ucb(load<u32>(at) - 1)) + offsetof<Ucb>("next");
  store<u32>(at, u.next);
  u.localPort = 0;
}

/** Puts a block that holds nothing any more on the free list. */
export function udpFree(i: u32): void {
  udpUnlink(i);
  const u = ucb(i);
  u.owner = -2;
  u.next = freeLink(free);
  free = i + 1;
  open--;
  if (TINY && !open) blockFree(table + ADDRS_SKIPPED);
}

/** Gives the block its local address and port; the caller has checked that they are free. */
export function udpBind(i: i32, local16: usize, port: u32): void {
  const u = ucb(i);
  udpUnlink(i);
  addrCopy(ucbLocal(u), local16);
  u.localPort = port;
  u.next = load<u32>(bucket(port));
  store<u32>(bucket(port), <u32>i + 1);
}

/** True if no block has `port` on an address that collides with local16 (a wildcard collides with the same wildcard only, O-12). */
export function udpPortFree(local16: usize, port: u32): bool {
  for (let k = load<u32>(bucket(port)); k; k = ucb(k - 1).next) {
    const u = ucb(k - 1);
    if (u.localPort == port && (addrEqual(ucbLocal(u), local16) || (addrIsAny(ucbLocal(u)) && addrIsAny(local16)))) return false;
  }
  return true;
}

/** True if nobody could hear datagrams meant for the owner of `port` on local16: stricter than what bind allows. */
function portUnused(local16: usize, port: u32): bool {
  const any = addrIsAny(local16);
  for (let k = load<u32>(bucket(port)); k; k = ucb(k - 1).next) {
    const other = ucbLocal(ucb(k - 1));
    if (ucb(k - 1).localPort == port && (any || addrIsAny(other) || addrEqual(other, local16))) return false;
  }
  return true;
}

/** A free port of the dynamic range for local16, from a random position on (RFC 6056 §3.3.1); 0 if all are taken. */
export function udpEphemeralPort(local16: usize): u32 {
  let k = randomBelow(EPHEMERAL_COUNT);
  for (let tries: u32 = 0; tries < EPHEMERAL_COUNT; tries++) {
    if (portUnused(local16, EPHEMERAL_FIRST + k)) return EPHEMERAL_FIRST + k;
    k = (k + 1) & (EPHEMERAL_COUNT - 1);
  }
  return 0;
}

/** Whether a block hears datagrams to (dst16, port) from (src16, sport): 0 no, else the more closely bound the higher. dst16 0: to all. */
function hears(u: Ucb, dst16: usize, port: u32, src16: usize, sport: u32): u32 {
  if (u.localPort != port || u.flags & UF_CLOSING) return 0;
  const any = addrIsAny(ucbLocal(u));
  if (!any && dst16 && !addrEqual(ucbLocal(u), dst16)) return 0;
  if (!(u.flags & UF_CONNECTED)) return any ? 1 : 2;
  return u.remotePort == sport && addrEqual(ucbRemote(u), src16) ? (any ? 5 : 6) : 0;
}

/**
 * The block a datagram to (dst16, port) from (src16, sport) belongs to, -1 if none: connected ones first, then the
 * specific address, then the wildcard.
 */
export function udpFind(dst16: usize, port: u32, src16: usize, sport: u32): i32 {
  let best = -1, score: u32 = 0;
  for (let k = load<u32>(bucket(port)); k; k = ucb(k - 1).next) {
    const s = hears(ucb(k - 1), dst16, port, src16, sport);
    if (s > score) { score = s; best = <i32>(k - 1); }
  }
  return best;
}

/**
 * The next block after `after` (-1: the first) that hears a datagram sent to all; -1 if there are no more. As on Windows a block bound
 * to an own address hears broadcasts too.
 */
export function udpNext(after: i32, port: u32, src16: usize, sport: u32): i32 {
  let k = after < 0 ? load<u32>(bucket(port)) : ucb(<u32>after).next;
  while (k && !hears(ucb(k - 1), 0, port, src16, sport)) k = ucb(k - 1).next;
  return <i32>k - 1;
}
