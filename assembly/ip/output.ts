/**
 * The way out of a packet: a transport composes its header at TX, ipSend puts the IP header in front of it and hands both to
 * the link together with the payload, which is never copied.
 *
 *   | ... vnet 12 | Ethernet 14 | IPv4 20 | TX: transport header ... |
 */
import { WASI_EAGAIN } from "../abi/link";
import { IPPROTO_TCP } from "../abi/winsock";
import { STAT_IP_OUT_DISCARDS, STAT_IP_OUT_FRAG_CREATES, STAT_IP_OUT_FRAG_OKS, STAT_IP_OUT_NO_ROUTES, STAT_IP_OUT_REQUESTS } from "../abi/stats";
import { ADDR_V4, addrIsMulticast, addrIsV4, addrV4 } from "../base/addr";
import { sumFinish, sumFold, sumWord } from "../base/checksum";
import { count } from "../base/counters";
import { device } from "../link/device";
import { etherForget, etherMayRepeat, etherRepeat, etherRepeatAs, etherWrite } from "../link/ethernet";
import { neighborFor, neighborhood, neighborSend, neighborUse } from "../link/neighbor";
import { ETHER_HEADER, ETHERTYPE_IPV4, macSetBroadcast, macSetGroupV4 } from "../wire/ethernet";
import { vnetEmit, vnetEmitSegments, VNET_HEADER } from "../wire/vnet";
import { IPV4_CHECKSUM, IPV4_DONT_FRAGMENT, IPV4_HEADER, IPV4_MAXIMUM, IPV4_MORE_FRAGMENTS, IPV4_TOTAL, ipv4Emit } from "../wire/ipv4";
import { ownInterface, topology } from "./address";
import { identificationFor } from "./identification";
import { loopbackPut } from "./loopback";
import { Path, pathNext, pathTo, PATH_GROUP, PATH_LOCAL, PATH_NEIGHBOR, PATH_NONE } from "./route";

/** Room before TX: vnet header 12, Ethernet 14, IP header 20, rounded to 16; in tiny, which has no vnet headers, to 4. */
const ROOM: i32 = TINY ? 36 : 48;
/** The longest header of a transport is TCP's; a little text may stand beside it. */
const ROOM_BEHIND: i32 = TINY ? 64 : 80;
const BUFFER = memory.data(ROOM + ROOM_BEHIND, TINY ? 4 : 16);
/** Where a transport writes its header: 16-aligned, in tiny 4-aligned. */
export const TX: usize = BUFFER + <usize>ROOM;
const HEADER: usize = TX - <usize>IPV4_HEADER;
const ETHER: usize = HEADER - <usize>ETHER_HEADER;
const VNET: usize = ETHER - <usize>VNET_HEADER;

/** Time to live of what the stack itself sends (RFC 1700). */
export const TTL_DEFAULT: u32 = 64;
/** No route or no address to send from. */
export const NO_ROUTE: i32 = -1;

/** Text of each segment that the next packet is to be cut into, and what the vnet header says now; 0: a packet is a packet. */
let cutNext: u32 = 0;
let cutNow: u32 = 0;

/**
 * The next TCP packet given to ipSend becomes segments of `size` bytes of text, which the device makes of it: ask ipCuts first. Its checksum
 * field holds the pseudo header's sum alone, it has no IP options, and ipSendAgain may repeat it.
 */
export function ipCut(size: u32): void { cutNext = size; }

function announce(headerLen: u32): void {
  if (cutNext) vnetEmitSegments(VNET, headerLen, cutNext); else vnetEmit(VNET);
  cutNow = cutNext;
  cutNext = 0;
}

/**
 * Sends the IPv4 packet [TX, headerLen][p1, n1][p2, n2], its transport checksum already in place. TCP is sent with "don't
 * fragment"; anything else larger than the MTU goes out in fragments. `tos` is the whole second byte.
 * Returns 0 (sent, queued inside, or parked until the neighbour answers; the link may still lose it), WASI_EAGAIN (the device is
 * full and took nothing: try at the next poll), NO_ROUTE, or UNREACHABLE (-2: the neighbour recently did not answer).
 */
export function ipSend(src16: usize, dst16: usize, protocol: u32, headerLen: u32, p1: usize, n1: u32, p2: usize, n2: u32, ttl: u32, tos: u32): i32 {
  if (!TINY && protocol == <u32>IPPROTO_TCP && !(cutNext | cutNow) && headStands(src16, dst16, ttl, tos)) return sendBehind(headerLen, p1, n1, p2, n2);
  const path = pathTo(dst16), total = IPV4_HEADER + headerLen + n1 + n2;
  if (!TINY && (cutNext | cutNow)) announce(headerLen);
  if (path.kind == PATH_NONE || total > IPV4_MAXIMUM) { count(STAT_IP_OUT_NO_ROUTES); return NO_ROUTE; }
  count(STAT_IP_OUT_REQUESTS);
  if (!TINY) { etherForget(); headNeighbor = 0; }
  // RFC 6864 §4.1: an atomic datagram may carry any identification.
  const atomic = protocol == <u32>IPPROTO_TCP, id = atomic ? 0 : identificationFor(src16, dst16, protocol);
  if (!TINY && path.kind == PATH_LOCAL) {
    ipv4Emit(HEADER, tos, total, id, IPV4_DONT_FRAGMENT, ttl, protocol, src16, dst16);
    return loopbackPut(HEADER, IPV4_HEADER + headerLen, p1, n1, p2, n2);
  }
  if (total > path.mtu && !atomic) return fragments(path, src16, dst16, protocol, id, headerLen, p1, n1, p2, n2, ttl, tos);
  ipv4Emit(HEADER, tos, total, id, atomic ? IPV4_DONT_FRAGMENT : 0, ttl, protocol, src16, dst16);
  const result = transmit(path, src16, dst16, headerLen, p1, n1, p2, n2);
  if (!TINY && atomic && path.kind == PATH_NEIGHBOR) headKeep(path.neighbor, src16, dst16, total, ttl, tos);
  return result;
}

/**
 * The head: Ethernet and IP header of the TCP packet sent last, which stand in front of TX. The next one between the same hosts differs in
 * length alone. Neighbour it went to (0 = none), addresses as they lie in memory, time to live and class, what it was found under, and the
 * sum of the IP header without length.
 */
let headNeighbor: u32 = 0;
let headFrom: u32 = 0;
let headTo: u32 = 0;
let headClass: u32 = 0;
let headTopology: u32 = 0;
let headNeighborhood: u32 = 0;
let headSum: u32 = 0;

function headKeep(neighbor: u32, src16: usize, dst16: usize, total: u32, ttl: u32, tos: u32): void {
  if (!addrIsV4(dst16)) return;
  headNeighbor = neighbor;
  headFrom = load<u32>(src16, ADDR_V4);
  headTo = load<u32>(dst16, ADDR_V4);
  headClass = ttl << 8 | tos;
  headTopology = topology;
  headNeighborhood = neighborhood;
  // The sum of a whole header is all ones: what is left without length and checksum.
  headSum = sumFold(0xffff * 3 - <u32>load<u16>(HEADER, IPV4_CHECKSUM) - sumWord(total));
}

// @ts-ignore: decorator
@inline function headStands(src16: usize, dst16: usize, ttl: u32, tos: u32): bool {
  return headNeighbor != 0 && etherMayRepeat(ETHER) && load<u32>(src16, ADDR_V4) == headFrom && load<u32>(dst16, ADDR_V4) == headTo && addrIsV4(dst16)
    && (ttl << 8 | tos) == headClass && topology == headTopology && neighborhood == headNeighborhood && neighborUse(headNeighbor);
}

/** The packet [TX, headerLen][p1, n1][p2, n2] behind the head. */
function sendBehind(headerLen: u32, p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  const length = sumWord(IPV4_HEADER + headerLen + n1 + n2);
  count(STAT_IP_OUT_REQUESTS);
  store<u16>(HEADER, <u16>length, IPV4_TOTAL);
  store<u16>(HEADER, <u16>sumFinish(headSum + length), IPV4_CHECKSUM);
  return etherRepeatAs(ETHER_HEADER + IPV4_HEADER + headerLen, p1, n1, p2, n2);
}

/** True if the packet sent last went to its neighbour at once and its headers stand at TX still: ipSendAgain may send them again. */
// @ts-ignore: decorator
@inline export function ipMaySendAgain(): bool { return !TINY && etherMayRepeat(ETHER); }

/**
 * Sends the packet sent last again with other payload of the same length; only its transport header has been changed. 0 or WASI_EAGAIN.
 * For TCP, whose packets may all carry the same identification. Nothing else may have been sent in between.
 */
export function ipSendAgain(p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  count(STAT_IP_OUT_REQUESTS);
  return etherRepeat(p1, n1, p2, n2);
}

/** Hands the packet whose IP header is complete to the link. */
function transmit(path: Path, src16: usize, dst16: usize, headerLen: u32, p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  const length = ETHER_HEADER + IPV4_HEADER + headerLen;
  if (path.kind != PATH_GROUP) {
    path.neighbor = neighborFor(path.iface, pathNext(path), path.neighbor, addrV4(src16));
    return neighborSend(path.neighbor, ETHER, length, p1, n1, p2, n2);
  }
  // A socket bound to one interface's address broadcasts there.
  const from = ownInterface(addrV4(src16));
  if (addrIsMulticast(dst16)) macSetGroupV4(ETHER, addrV4(dst16)); else macSetBroadcast(ETHER);
  return etherWrite(device(from >= 0 ? <u32>from : path.iface), ETHER, ETHERTYPE_IPV4, length, p1, n1, p2, n2);
}

/**
 * Sends a datagram in pieces (RFC 791 §2.3). The transport header travels in the first one; nothing is copied. If the device
 * fills up at the first piece nothing was taken; later the rest is lost, as a link may lose it, so that no piece is sent twice.
 */
function fragments(path: Path, src16: usize, dst16: usize, protocol: u32, id: u32, headerLen: u32, p1: usize, n1: u32, p2: usize, n2: u32, ttl: u32, tos: u32): i32 {
  const total = headerLen + n1 + n2, most = (path.mtu - IPV4_HEADER) & ~7;
  let at: u32 = 0;
  while (at < total) {
    const n = min(most, total - at), more = at + n < total ? IPV4_MORE_FRAGMENTS : 0, head = at ? 0 : headerLen;
    // [at, at + n) of the datagram as parts of p1 and p2.
    const from = at + head - headerLen, to = at + n - headerLen;
    const a1 = min(from, n1), b1 = min(to, n1), a2 = max(from, n1) - n1, b2 = max(to, n1) - n1;
    ipv4Emit(HEADER, tos, IPV4_HEADER + n, id, more | at >> 3, ttl, protocol, src16, dst16);
    const result = transmit(path, src16, dst16, head, p1 + a1, b1 - a1, p2 + a2, b2 - a2);
    if (result) {
      if (at) count(STAT_IP_OUT_DISCARDS);
      return at && result == WASI_EAGAIN ? 0 : result;
    }
    count(STAT_IP_OUT_FRAG_CREATES);
    at += n;
  }
  count(STAT_IP_OUT_FRAG_OKS);
  return 0;
}
