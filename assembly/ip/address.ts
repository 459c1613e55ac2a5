/**
 * The stack's own addresses and what they imply: which destinations are ours, on which link a neighbour lives, which
 * addresses are broadcasts. The table is small and bounded; per-packet users keep what they found (route, input).
 */
import { E_ARGUMENT, E_FULL } from "../abi/link";
import { addrCopy, addrEqual, addrFromHost, addrIsAny, addrIsLoopback, addrIsMapped, addrIsMulticast, addrIsV4, addrMatches, ADDR_SKIPPED, addrV4 } from "../base/addr";
import { deviceCount } from "../link/device";

const MAX_ADDRESSES: u32 = TINY ? 4 : 32;
/** Prefix bits of the IPv4 mapping, before the 32 of the address itself. */
export const V4_BITS: u32 = 96;
export const V4_BROADCAST: u32 = 0xffffffff;

// @ts-ignore: decorator
@unmanaged
export class OwnAddress {
  /** The address: read through ownPtr. */
  private low: u64;
  private high: u64;
  /** IPv4: the address in host order; the same with all host bits set (the broadcast address, 0 if the link has none). */
  v4: u32;
  broadcast: u32;
  /** Length of the prefix that is on the link, 0..128. */
  bits: u16;
  /** Interface it belongs to. */
  iface: u16;
}

const SIZE: u32 = (TINY ? 28 : 32) - <u32>ADDR_SKIPPED;
const TABLE = memory.data(MAX_ADDRESSES * SIZE, 8);
let addresses: u32 = 0;
/** Changes whenever addresses or routes do; what was learned from them under another value is stale. */
export let topology: u32 = 1;

// @ts-ignore: decorator
@inline function own(i: u32): OwnAddress { return changetype<OwnAddress>(TABLE - ADDR_SKIPPED + <usize>(i * SIZE)); }
// @ts-ignore: decorator
@inline export function ownPtr(a: OwnAddress): usize { return changetype<usize>(a) + ADDR_SKIPPED; }

export function addressesReset(): void { addresses = 0; topology++; }
export function topologyChanged(): void { topology++; }

/**
 * Gives interface `iface` the unicast address at a16; `bits` of it (96 + n for IPv4) are shared by the neighbours on the link.
 * Returns 0, E_ARGUMENT (no such interface, not a usable IPv4 address, already ours, prefix out of range) or E_FULL.
 */
export function addressAdd(iface: u32, a16: usize, bits: u32): i32 {
  if (iface >= deviceCount || !a16 || a16 + 16 > <usize>memory.size() << 16) return E_ARGUMENT;
  if (!addrIsMapped(a16) || bits < V4_BITS || bits > 128) return E_ARGUMENT;
  const given = addrFromHost(a16), v4 = addrV4(given);
  if (!v4IsUnicast(v4) || ipOwns(given)) return E_ARGUMENT;
  if (addresses == MAX_ADDRESSES) return E_FULL;
  const a = own(addresses++), plain = bits - V4_BITS;
  addrCopy(ownPtr(a), given);
  a.v4 = v4;
  // RFC 3021: a /31 has no broadcast address; neither has a /32. A /0 shares the limited broadcast.
  a.broadcast = plain >= 31 ? 0 : v4 | (V4_BROADCAST >> plain);
  a.bits = <u16>bits;
  a.iface = <u16>iface;
  topology++;
  return 0;
}

/** May stand as a host's address: not 0/8, loopback, multicast or reserved (RFC 1122 §3.2.1.3). */
// @ts-ignore: decorator
@inline export function v4IsUnicast(v4: u32): bool {
  const first = v4 >> 24;
  return first != 0 && first != 127 && first < 224;
}

/** True if a16 is one of the addresses given to an interface. */
export function ipOwns(a16: usize): bool {
  for (let i: u32 = 0; i < addresses; i++) if (addrEqual(ownPtr(own(i)), a16)) return true;
  return false;
}

/** True if packets to a16 stay inside: an own address or loopback. */
export function ipIsLocal(a16: usize): bool { return addrIsLoopback(a16) || ipOwns(a16); }

/** True if a socket may bind to a16: own unicast, loopback (not in tiny, which has none), or the wildcard. */
export function ipHasAddress(a16: usize): bool {
  return addrIsAny(a16) || (!TINY && addrIsLoopback(a16)) || ipOwns(a16);
}

/** True if a16 is the limited broadcast or that of one of our links. */
export function ipIsBroadcast(a16: usize): bool { return addrIsV4(a16) && broadcastInterface(addrV4(a16)) != -1; }

/** Interface whose broadcast address v4 is; -2 for the limited one, which belongs to all; -1 if it is none. */
export function broadcastInterface(v4: u32): i32 {
  if (v4 == V4_BROADCAST) return -2;
  for (let i: u32 = 0; i < addresses; i++) if (v4 == own(i).broadcast) return <i32>own(i).iface;
  return -1;
}

/** True if a16 can never be the one address of one peer: wildcard, multicast or broadcast. */
export function ipIsGroup(a16: usize): bool { return addrIsAny(a16) || addrIsMulticast(a16) || ipIsBroadcast(a16); }

/** The interface that has v4 as its own address, -1 if none. */
export function ownInterface(v4: u32): i32 {
  for (let i: u32 = 0; i < addresses; i++) if (own(i).v4 == v4) return <i32>own(i).iface;
  return -1;
}

/** The own address on `iface` (any interface if -1) with the longest prefix that holds a16; null pointer object if none. */
export function addressOnLink(iface: i32, a16: usize): usize {
  let best: usize = 0, bits: u32 = 0;
  for (let i: u32 = 0; i < addresses; i++) {
    const a = own(i);
    if ((iface < 0 || <u32>a.iface == <u32>iface) && <u32>a.bits > bits && addrMatches(ownPtr(a), a16, <u32>a.bits)) { best = ownPtr(a); bits = <u32>a.bits; }
  }
  return best;
}

/** The first address of an interface, 0 if it has none. */
export function addressFirst(iface: u32): usize {
  for (let i: u32 = 0; i < addresses; i++) if (<u32>own(i).iface == iface) return ownPtr(own(i));
  return 0;
}

/** Interface of the address record that addressOnLink returned. */
// @ts-ignore: decorator
@inline export function interfaceOf(record: usize): u32 { return changetype<OwnAddress>(record - ADDR_SKIPPED).iface; }
// @ts-ignore: decorator
@inline export function prefixOf(record: usize): u32 { return changetype<OwnAddress>(record - ADDR_SKIPPED).bits; }
