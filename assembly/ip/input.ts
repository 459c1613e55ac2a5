/**
 * The way in of a packet: what ipv4Arrive lets through is described by the variables here, valid until the next packet.
 */
import { STAT_IP_IN_ADDR_ERRORS, STAT_IP_IN_HDR_ERRORS, STAT_IP_IN_RECEIVES, STAT_IP_REASM_REQDS } from "../abi/stats";
import { ADDR_ALIGN, ADDR_BYTES, addrSetV4 } from "../base/addr";
import { rd8 } from "../base/bytes";
import { count } from "../base/counters";
import {
  IPV4_DESTINATION, IPV4_HEADER, IPV4_MORE_FRAGMENTS, IPV4_OFFSET_MASK, IPV4_PROTOCOL, IPV4_SOURCE, IPV4_TOS, ipv4Check, ipv4Destination, ipv4Fragment, ipv4HeaderLength,
  ipv4Source, ipv4Total,
} from "../wire/ipv4";
import { broadcastInterface, ownInterface, topology, v4IsUnicast } from "./address";
import { INTERFACE_LOOPBACK } from "./route";
import { reassemble, reassembled, reassembledLength } from "./reassembly";

/** Source and destination. */
export const SRC = memory.data(ADDR_BYTES, ADDR_ALIGN);
export const DST = memory.data(ADDR_BYTES, ADDR_ALIGN);
/** The whole packet from its IP header on, as an ICMP error quotes it. */
export let packet: usize = 0;
/** What follows the IP header, and its length. */
export let payload: usize = 0;
export let payloadLength: u32 = 0;
/** Addressed to a group or to all, by IP or by the link. */
export let toGroup: bool = false;
/** FLAG_x for the transports. */
export let flags: u32 = 0;

/** The transport checksum has been verified below. */
export const FLAG_TRUSTED: u32 = 1;
/** Congestion experienced (RFC 3168 §5). */
export const FLAG_CE: u32 = 2;
/** Addressed to a group or to all: every socket that listens gets a copy. */
export const FLAG_GROUP: u32 = 4;

const ECN_MASK: u32 = 3;
/** 224.0.0.1, all hosts (RFC 1112 §4). */
const ALL_HOSTS: u32 = 0xe0000001;

/** The pair of addresses accepted last as unicast, as they lie in the header, and where: a stream's next packet is checked by comparing three words. */
let knownSource: u32 = 0;
let knownDestination: u32 = 0;
let knownInterface: u32 = 0;
let knownTopology: u32 = 0;

export function inputReset(): void { knownTopology = 0; }

/**
 * Takes in `len` bytes at the 4-aligned p from interface `iface` (INTERFACE_LOOPBACK: from ourselves). Returns the protocol number
 * of the datagram to deliver, or -1 if there is nothing to deliver: wrong, not for us, or a fragment of something incomplete.
 */
export function ipv4Arrive(iface: u32, p: usize, len: u32, trusted: bool, linkGroup: bool): i32 {
  count(STAT_IP_IN_RECEIVES);
  if (!ipv4Check(p, len)) { count(STAT_IP_IN_HDR_ERRORS); return -1; }
  const src = load<u32>(p, IPV4_SOURCE), dst = load<u32>(p, IPV4_DESTINATION);
  if (src == knownSource && dst == knownDestination && iface == knownInterface && topology == knownTopology && !linkGroup) toGroup = false;
  else {
    if (!accept(iface, ipv4Source(p), ipv4Destination(p), linkGroup)) { count(STAT_IP_IN_ADDR_ERRORS); return -1; }
    knownSource = src;
    knownDestination = dst;
    knownInterface = iface;
    knownTopology = toGroup ? 0 : topology;
  }
  const header = ipv4HeaderLength(p), fragment = ipv4Fragment(p), protocol = rd8(p + IPV4_PROTOCOL);
  flags = (trusted ? FLAG_TRUSTED : 0) | ((rd8(p + IPV4_TOS) & ECN_MASK) == ECN_MASK ? FLAG_CE : 0) | (toGroup ? FLAG_GROUP : 0);
  if (fragment & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK)) {
    count(STAT_IP_REASM_REQDS);
    if (!reassemble(p)) return -1;
    packet = reassembled;
    payload = reassembled + <usize>IPV4_HEADER;
    payloadLength = reassembledLength;
    flags &= ~FLAG_TRUSTED;
  } else {
    packet = p;
    payload = p + header;
    payloadLength = ipv4Total(p) - header;
  }
  return <i32>protocol;
}

/** Whether a packet from src to dst may come in here; notes both and whether it is for a group. */
function accept(iface: u32, src: u32, dst: u32, linkGroup: bool): bool {
  const inside = !TINY && iface == INTERFACE_LOOPBACK;
  if (!inside) {
    // RFC 1122 §3.2.1.3: a source that is no host's address; and what claims to come from us did not.
    if (!v4IsUnicast(src) || broadcastInterface(src) != -1 || ownInterface(src) >= 0) return false;
    if (dst >> 24 == 127) return false;
  }
  const link = broadcastInterface(dst);
  toGroup = dst == ALL_HOSTS || link == -2 || (link >= 0 && <u32>link == iface);
  if (!toGroup && !(inside && dst >> 24 == 127) && ownInterface(dst) < 0) return false;
  // RFC 1122 §3.3.6: a link-layer broadcast carries only packets for an IP broadcast or multicast address.
  if (linkGroup && !toGroup) return false;
  addrSetV4(SRC, src);
  addrSetV4(DST, dst);
  return true;
}
