/**
 * Where a packet goes: routes (longest prefix first), and a small cache of answers so that a segment costs one comparison.
 */
import { E_ARGUMENT, E_FULL } from "../abi/link";
import {
  ADDR_BYTES, ADDR_SECOND, ADDR_V4, addrClear, addrCopy, addrEqual, addrFromHost, addrIsAny, addrIsLoopback, addrIsMapped, addrIsMulticast, addrIsV4, addrMatches,
  addrSetV4, ADDRS_SKIPPED, addrV4,
} from "../base/addr";
import { device, deviceCount, deviceSegments } from "../link/device";
import { neighborDoubt, neighborFind } from "../link/neighbor";
import {
  addressFirst, addressOnLink, broadcastInterface, interfaceOf, ipIsBroadcast, ipIsLocal, prefixOf, topology, topologyChanged,
  v4IsUnicast, V4_BITS,
} from "./address";

export { ipHasAddress, ipIsBroadcast, ipIsGroup, ipIsLocal, ipOwns } from "./address";

const MAX_ROUTES: u32 = TINY ? 4 : 32;
const MAX_PATHS: u32 = TINY ? 4 : 64;
/** Largest packet a connection to ourselves uses, bytes: header and packet fill one block of memory/blocks. */
const LOOPBACK_MTU: u32 = 32752;
/** What every host accepts (RFC 1122 §3.3.3): the answer where nothing better is known. */
const MTU_UNKNOWN: u32 = 576;
/** Interface number of what stays inside. */
export const INTERFACE_LOOPBACK: u32 = 255;

/** Kinds of path. */
export const PATH_NONE: u32 = 0;
export const PATH_LOCAL: u32 = 1;
export const PATH_NEIGHBOR: u32 = 2;
export const PATH_GROUP: u32 = 3;

// @ts-ignore: decorator
@unmanaged
class Route {
  /** Destination and gateway: read through destination and gateway. */
  private dest0: u64;
  private dest1: u64;
  private gate0: u64;
  private gate1: u64;
  /** Prefix length, 0..128. */
  bits: u16;
  iface: u16;
}

/** The way to one destination, valid while `version` is the topology's. */
// @ts-ignore: decorator
@unmanaged
export class Path {
  /** The destination and the next hop: read through pathTarget and pathNext. */
  private dst0: u64;
  private dst1: u64;
  private next0: u64;
  private next1: u64;
  /** Topology under which this was found; 0 = empty. */
  version: u32;
  /** Neighbour cache entry that answered last, + 1; the cache checks that it still is the next hop's. */
  neighbor: u32;
  /** Largest IP packet, bytes. */
  mtu: u32;
  /** PATH_x. */
  kind: u16;
  /** Interface the packet leaves by, INTERFACE_LOOPBACK for PATH_LOCAL. */
  iface: u16;
}

const ROUTE_SIZE: u32 = (TINY ? 36 : 40) - <u32>ADDRS_SKIPPED;
const PATH_SIZE: u32 = 48 - <u32>ADDRS_SKIPPED;
const ROUTES = memory.data(MAX_ROUTES * ROUTE_SIZE, 8);
const PATHS = memory.data(MAX_PATHS * PATH_SIZE, 8);
let routes: u32 = 0;

// @ts-ignore: decorator
@inline function routePtr(i: u32): usize { return ROUTES + <usize>(i * ROUTE_SIZE); }
// @ts-ignore: decorator
@inline function route(i: u32): Route { return changetype<Route>(routePtr(i) - ADDRS_SKIPPED); }
// @ts-ignore: decorator
@inline function gateway(i: u32): usize { return routePtr(i) + <usize>ADDR_BYTES; }
// @ts-ignore: decorator
@inline function pathTarget(p: Path): usize { return changetype<usize>(p) + ADDRS_SKIPPED; }
/** Address of the next hop: the destination itself or a gateway. */
// @ts-ignore: decorator
@inline export function pathNext(p: Path): usize { return changetype<usize>(p) + ADDR_SECOND; }

export function routesReset(): void {
  routes = 0;
  memory.fill(PATHS, 0, MAX_PATHS * PATH_SIZE);
}

/**
 * Sends what matches the first `bits` (96 + n for IPv4) of dest16 through gateway16 on interface `iface`; a wildcard gateway
 * means: the destination itself is on the link. dest16 0.0.0.0 with 96 bits is the default route.
 * Returns 0, E_ARGUMENT or E_FULL.
 */
export function routeAdd(dest16: usize, bits: u32, gateway16: usize, iface: u32): i32 {
  const top = <usize>memory.size() << 16;
  if (!dest16 || dest16 + 16 > top || !gateway16 || gateway16 + 16 > top) return E_ARGUMENT;
  if (iface >= deviceCount || !addrIsMapped(dest16) || bits < V4_BITS || bits > 128) return E_ARGUMENT;
  const dest = addrFromHost(dest16), via = addrFromHost(gateway16);
  if (!via) return E_ARGUMENT;
  const direct = addrIsAny(via);
  if (!direct && (!addrIsV4(via) || !v4IsUnicast(addrV4(via)))) return E_ARGUMENT;
  if (routes == MAX_ROUTES) return E_FULL;
  // Longest prefix first; among equals the one added first.
  let at = routes;
  while (at && <u32>route(at - 1).bits < bits) at--;
  memory.copy(routePtr(at + 1), routePtr(at), (routes - at) * ROUTE_SIZE);
  routes++;
  addrCopy(routePtr(at), dest);
  if (direct) addrClear(gateway(at)); else addrCopy(gateway(at), via);
  route(at).bits = <u16>bits;
  route(at).iface = <u16>iface;
  topologyChanged();
  return 0;
}

/** The way to dst16; PATH_NONE if there is none. Valid until the next call. */
export function pathTo(dst16: usize): Path {
  const h = load<u32>(dst16, ADDR_V4);
  const p = changetype<Path>(PATHS - ADDRS_SKIPPED + <usize>(((h ^ (h >> 8) ^ (h >> 16) ^ (h >> 24)) & (MAX_PATHS - 1)) * PATH_SIZE));
  if (p.version == topology && addrEqual(pathTarget(p), dst16)) return p;
  addrCopy(pathTarget(p), dst16);
  p.version = topology;
  p.neighbor = 0;
  find(p, dst16);
  const kind = <u32>p.kind;
  p.mtu = kind == PATH_LOCAL ? LOOPBACK_MTU : kind == PATH_NONE ? MTU_UNKNOWN : device(<u32>p.iface).mtu;
  return p;
}

function find(p: Path, dst16: usize): void {
  p.kind = <u16>PATH_NONE;
  p.iface = 0;
  if (addrIsAny(dst16)) return;
  if (ipIsLocal(dst16)) {
    // Tiny has no loopback queue.
    if (!TINY) { p.kind = <u16>PATH_LOCAL; p.iface = <u16>INTERFACE_LOOPBACK; }
    return;
  }
  if (addrIsMulticast(dst16) || ipIsBroadcast(dst16)) { findGroup(p, dst16); return; }
  const link = addressOnLink(-1, dst16);
  const i = matching(dst16);
  if (i >= 0 && (!link || <u32>route(<u32>i).bits > prefixOf(link))) {
    p.kind = <u16>PATH_NEIGHBOR;
    p.iface = route(<u32>i).iface;
    addrCopy(pathNext(p), addrIsAny(gateway(<u32>i)) ? dst16 : gateway(<u32>i));
  } else if (link) {
    p.kind = <u16>PATH_NEIGHBOR;
    p.iface = <u16>interfaceOf(link);
    addrCopy(pathNext(p), dst16);
  }
}

/** Broadcasts leave by their link; the limited one and groups by a matching route's, else by the first interface with an address. */
function findGroup(p: Path, dst16: usize): void {
  let iface = addrIsV4(dst16) ? broadcastInterface(addrV4(dst16)) : -1;
  const i = iface < 0 ? matching(dst16) : -1;
  if (i >= 0) iface = <i32>route(<u32>i).iface;
  for (let d: u32 = 0; iface < 0 && d < deviceCount; d++) if (addressFirst(d)) iface = <i32>d;
  if (iface < 0) return;
  p.kind = <u16>PATH_GROUP;
  p.iface = <u16>iface;
}

/** The route with the longest matching prefix, -1 if none. */
function matching(dst16: usize): i32 {
  for (let i: u32 = 0; i < routes; i++) if (addrMatches(routePtr(i), dst16, <u32>route(i).bits)) return <i32>i;
  return -1;
}

/**
 * Writes the source address for packets to dst16 to out16 and returns the interface they leave by (INTERFACE_LOOPBACK inside);
 * -1 if there is no route or the interface has no address.
 */
export function ipSourceFor(dst16: usize, out16: usize): i32 {
  const p = pathTo(dst16);
  const kind = <u32>p.kind;
  if (kind == PATH_NONE) return -1;
  if (kind == PATH_LOCAL) {
    // 127.0.0.2 is reached from 127.0.0.1; an own address from itself.
    if (addrIsLoopback(dst16) && addrIsV4(dst16)) addrSetV4(out16, 0x7f000001); else addrCopy(out16, dst16);
    return <i32>INTERFACE_LOOPBACK;
  }
  let from: usize = 0;
  if (kind == PATH_NEIGHBOR) from = addressOnLink(<i32>p.iface, pathNext(p));
  if (!from) from = addressFirst(<u32>p.iface);
  if (!from) return -1;
  addrCopy(out16, from);
  return <i32>p.iface;
}

/** A transport's negative advice (RFC 9293 MUST-20, RFC 1122 §3.3.1.4): the next hop towards dst16 is asked whether it is still there. */
export function ipDoubt(dst16: usize): void {
  const p = pathTo(dst16);
  if (<u32>p.kind == PATH_NEIGHBOR) neighborDoubt(neighborFind(<u32>p.iface, pathNext(p)));
}

/** True if TCP packets to dst16 may be as large as IPv4 allows: the device on the way makes segments of them (ipCut in ip/output). */
export function ipCuts(dst16: usize): bool {
  const p = pathTo(dst16);
  return <u32>p.kind == PATH_NEIGHBOR && deviceSegments(device(<u32>p.iface));
}

/** Largest IP packet towards dst16 in bytes, headers included; 576 if there is no route. */
export function ipMtu(dst16: usize): u32 { return pathTo(dst16).mtu; }
