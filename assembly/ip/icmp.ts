/**
 * ICMP (RFC 792, RFC 1122 §3.2.2): answers echo requests, hands the answers to ours on to ip/echo, reports what cannot be delivered,
 * and turns the errors others report into a record for the transports.
 */
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from "../abi/winsock";
import { STAT_ICMP_IN_ERRORS, STAT_ICMP_IN_MSGS, STAT_ICMP_OUT_MSGS } from "../abi/stats";
import { ADDR_ALIGN, ADDR_BYTES, addrEqual, addrSetV4 } from "../base/addr";
import { rd8, rd16 } from "../base/bytes";
import { sumBytes } from "../base/checksum";
import { count } from "../base/counters";
import { Bucket, limitReset, limitTake } from "../link/limit";
import {
  CODE_FRAGMENTATION, CODE_PORT, CODE_PROTOCOL, CODE_REASSEMBLY, icmpCheck, icmpCode, ICMP_ECHO, ICMP_ECHO_REPLY, icmpEmit,
  ICMP_HEADER, ICMP_MTU, ICMP_PARAMETER_PROBLEM, ICMP_QUOTE, ICMP_REST, ICMP_TIME_EXCEEDED, icmpType, ICMP_UNREACHABLE,
} from "../wire/icmp";
import {
  IPV4_HEADER, IPV4_OFFSET_MASK, IPV4_PROTOCOL, ipv4Destination, ipv4Fragment, ipv4HeaderLength, ipv4Source, ipv4Total,
} from "../wire/ipv4";
import { ownInterface } from "./address";
import { echoArrive, echoReset } from "./echo";
import { DST, packet, payload, payloadLength, SRC, toGroup } from "./input";
import { ipSend, TTL_DEFAULT, TX } from "./output";

/** What an error means for a connection. */
export const ICMP_NET_UNREACHABLE: u32 = 1;
export const ICMP_HOST_UNREACHABLE: u32 = 2;
export const ICMP_PROTOCOL_UNREACHABLE: u32 = 3;
export const ICMP_PORT_UNREACHABLE: u32 = 4;
export const ICMP_FRAG_NEEDED: u32 = 5;
export const ICMP_OTHER: u32 = 6;
/** No router said so: our own neighbour cache did. */
export const ICMP_NEIGHBOR_GONE: u32 = 7;

/** The error icmpArrive or icmpQuote found: about a packet from errorLocal to errorRemote. */
export const errorLocal = memory.data(ADDR_BYTES, ADDR_ALIGN);
export const errorRemote = memory.data(ADDR_BYTES, ADDR_ALIGN);
export let errorProtocol: u32 = 0;
export let errorLocalPort: u32 = 0;
export let errorRemotePort: u32 = 0;
/** TCP: its sequence number. */
export let errorSequence: u32 = 0;
/** ICMP_x above. */
export let errorKind: u32 = 0;
/** ICMP_FRAG_NEEDED: the largest packet that would have passed, at least MTU_LEAST. */
export let errorMtu: u32 = 0;

/** RFC 1191 allows 68; what is smaller than this serves only to make us send tiny segments. */
const MTU_LEAST: u32 = 552;
/** Errors sent, per second and at once (RFC 1812 §4.3.2.8). */
const ERRORS_PER_SECOND: u32 = 100;
const ERRORS_BURST: u32 = 50;
const LIMIT = memory.data(8, 4);

export function icmpReset(): void {
  limitReset(changetype<Bucket>(LIMIT), ERRORS_BURST);
  echoReset();
}

/** Handles the ICMP message that ip/input describes. True if it is an error about a packet of ours: see the record. */
export function icmpArrive(): bool {
  count(STAT_ICMP_IN_MSGS);
  if (!icmpCheck(payload, payloadLength)) { count(STAT_ICMP_IN_ERRORS); return false; }
  const type = icmpType(payload);
  if (type == ICMP_ECHO) { answerEcho(); return false; }
  if (type == ICMP_ECHO_REPLY) { echoArrive(); return false; }
  if (toGroup || (type != ICMP_UNREACHABLE && type != ICMP_TIME_EXCEEDED && type != ICMP_PARAMETER_PROBLEM)) return false;
  // An error goes to the address the packet came from: one that names another is not about our packet.
  if (icmpQuote(payload + ICMP_HEADER, payloadLength - ICMP_HEADER, kindOf(type, icmpCode(payload))) && addrEqual(errorLocal, DST)) return true;
  count(STAT_ICMP_IN_ERRORS);
  return false;
}

/** Sends the data back from the address it was sent to; not if that was everybody's (RFC 1122 §3.2.2.6). */
function answerEcho(): void {
  if (toGroup) return;
  const data = payload + ICMP_HEADER, n = payloadLength - ICMP_HEADER;
  icmpEmit(TX, ICMP_ECHO_REPLY, 0, load<u32>(payload, ICMP_REST), sumBytes(data, n));
  count(STAT_ICMP_OUT_MSGS);
  ipSend(DST, SRC, <u32>IPPROTO_ICMP, ICMP_HEADER, data, n, 0, 0, TTL_DEFAULT, 0);
}

function kindOf(type: u32, code: u32): u32 {
  if (type != ICMP_UNREACHABLE) return ICMP_OTHER;
  switch (code) {
    case 0: case 6: case 9: case 11: return ICMP_NET_UNREACHABLE;
    case 1: case 5: case 7: case 8: case 10: case 12: case 13: return ICMP_HOST_UNREACHABLE;
    case CODE_PROTOCOL: return ICMP_PROTOCOL_UNREACHABLE;
    case CODE_PORT: return ICMP_PORT_UNREACHABLE;
    case CODE_FRAGMENTATION: return ICMP_FRAG_NEEDED;
    default: return ICMP_OTHER;
  }
}

/**
 * Fills the record from the beginning of a packet we are said to have sent: `len` bytes at p, an IP header and at least 8 bytes
 * of TCP or UDP. False if it is not whole enough to say which.
 */
export function icmpQuote(p: usize, len: u32, kind: u32): bool {
  if (len < IPV4_HEADER + ICMP_QUOTE || rd8(p) >> 4 != 4) return false;
  const header = ipv4HeaderLength(p);
  if (header < IPV4_HEADER || len < header + ICMP_QUOTE || ipv4Fragment(p) & IPV4_OFFSET_MASK) return false;
  errorProtocol = rd8(p + IPV4_PROTOCOL);
  if (errorProtocol != <u32>IPPROTO_TCP && errorProtocol != <u32>IPPROTO_UDP) return false;
  const from = ipv4Source(p), transport = p + header;
  addrSetV4(errorLocal, from);
  addrSetV4(errorRemote, ipv4Destination(p));
  errorLocalPort = rd16(transport);
  errorRemotePort = rd16(transport + 2);
  errorSequence = errorProtocol == <u32>IPPROTO_TCP ? rd16(transport + 4) << 16 | rd16(transport + 6) : 0;
  errorKind = kind;
  errorMtu = kind == ICMP_FRAG_NEEDED ? nextMtu(rd16(p - ICMP_HEADER + ICMP_MTU), ipv4Total(p)) : 0;
  return true;
}

/** The MTU a router names, or for one that names none a common value below the packet's length (RFC 1191 §7.1). */
function nextMtu(named: u32, total: u32): u32 {
  if (named) return max(named, MTU_LEAST);
  return total > 32000 ? 32000 : total > 17914 ? 17914 : total > 8166 ? 8166 : total > 4352 ? 4352 : total > 2002 ? 2002 :
    total > 1492 ? 1492 : total > 1006 ? 1006 : MTU_LEAST;
}

/** Tells the sender of the packet in ip/input that nobody takes it: `code` CODE_PROTOCOL or CODE_PORT. */
export function icmpUnreachable(code: u32): void {
  // RFC 1122 §3.2.2: not about what was sent to a group. Later fragments and ICMP errors never come here.
  if (!toGroup) report(ICMP_UNREACHABLE, code, DST, SRC, packet, ipv4HeaderLength(packet) + min(payloadLength, ICMP_QUOTE));
}

const FROM = memory.data(ADDR_BYTES, ADDR_ALIGN);
const TO = memory.data(ADDR_BYTES, ADDR_ALIGN);

/** Tells the sender of a datagram that stayed incomplete (its header and 8 bytes at p) that time is up (RFC 1122 §3.3.2). */
export function icmpReassemblyTime(p: usize): void {
  // Not about ICMP, which may have been an error itself, nor about what was not sent to us alone (RFC 1122 §3.2.2).
  if (rd8(p + IPV4_PROTOCOL) == <u32>IPPROTO_ICMP || ownInterface(ipv4Destination(p)) < 0) return;
  addrSetV4(FROM, ipv4Destination(p));
  addrSetV4(TO, ipv4Source(p));
  report(ICMP_TIME_EXCEEDED, CODE_REASSEMBLY, FROM, TO, p, IPV4_HEADER + ICMP_QUOTE);
}

function report(type: u32, code: u32, from: usize, to: usize, quote: usize, n: u32): void {
  if (!limitTake(changetype<Bucket>(LIMIT), ERRORS_PER_SECOND, ERRORS_BURST)) return;
  icmpEmit(TX, type, code, 0, sumBytes(quote, n));
  count(STAT_ICMP_OUT_MSGS);
  ipSend(from, to, <u32>IPPROTO_ICMP, ICMP_HEADER, quote, n, 0, 0, TTL_DEFAULT, 0);
}
