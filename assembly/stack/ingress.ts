/**
 * A frame's way in. Every room answers what it made of the bytes; here the answer is carried to the next one:
 *
 *   link: for us? → ARP: neighbours | IPv4: valid, ours, whole? → ICMP | UDP | TCP: whose?
 *
 * Nothing here trusts a peer: a room that lets bytes through has checked their lengths and sums.
 */
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from "../abi/winsock";
import { STAT_IP_IN_DELIVERS, STAT_IP_IN_UNKNOWN_PROTOS, STAT_IP_OUT_DISCARDS } from "../abi/stats";
import { frameBounds } from "../base/bytes";
import { count } from "../base/counters";
import { ADDR_ALIGN, ADDR_BYTES, addrSetV4 } from "../base/addr";
import { arpAccept, arpArrive, arpFrom, arpTo } from "../link/arp";
import { device } from "../link/device";
import { etherAccept, etherLength, etherPayload, etherToGroup, etherTrusted } from "../link/ethernet";
import { neighborRefused } from "../link/neighbor";
import { parkedLength, parkedRelease, PARKED_PACKET } from "../link/parking";
import { addressOnLink, broadcastInterface, ownInterface, v4IsUnicast } from "../ip/address";
import {
  errorKind, errorLocal, errorLocalPort, errorMtu, errorProtocol, errorRemote, errorRemotePort, errorSequence, icmpArrive, icmpQuote,
  icmpReassemblyTime, icmpUnreachable, ICMP_NEIGHBOR_GONE,
} from "../ip/icmp";
import { DST, flags, ipv4Arrive, payload, payloadLength, SRC } from "../ip/input";
import { loopbackLength, loopbackPacket, loopbackRelease, loopbackTake } from "../ip/loopback";
import { reassemblyRelease, reassemblyTimer } from "../ip/reassembly";
import { INTERFACE_LOOPBACK } from "../ip/route";
import { tcpArrive } from "../tcp/arrival";
import { tcpIcmpError } from "../tcp/icmp";
import { udpArrive, udpIcmpError } from "../udp/udp";
import { CODE_PORT, CODE_PROTOCOL } from "../wire/icmp";
import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../wire/ethernet";

const SENDER = memory.data(ADDR_BYTES, ADDR_ALIGN);

/** One frame of `len` bytes from device `iface`. */
export function ingressFrame(iface: u32, frame: usize, len: u32): void {
  const type = etherAccept(device(iface), frame, len);
  if (type == ETHERTYPE_IPV4) ingressPacket(iface, etherPayload, etherLength, etherTrusted, etherToGroup);
  else if (type == ETHERTYPE_ARP) ingressArp(iface);
}

function ingressArp(iface: u32): void {
  if (!arpAccept(etherPayload, etherLength)) return;
  addrSetV4(SENDER, arpFrom);
  const onLink = addressOnLink(<i32>iface, SENDER) != 0 && v4IsUnicast(arpFrom) && broadcastInterface(arpFrom) == -1;
  // RFC 5227 §2.4: who claims an address of ours teaches us nothing and gets no answer.
  arpArrive(iface, etherPayload, ownInterface(arpTo) == <i32>iface, onLink && ownInterface(arpFrom) < 0);
}

/** The packets queued for ourselves, at most `most`. Returns how many there were. */
export function ingressLoopback(most: u32): u32 {
  let n: u32 = 0;
  while (n < most) {
    const b = loopbackTake();
    if (!b) break;
    frameBounds(loopbackPacket(b), loopbackLength(b));
    ingressPacket(INTERFACE_LOOPBACK, loopbackPacket(b), loopbackLength(b), true, false);
    loopbackRelease(b);
    n++;
  }
  return n;
}

function ingressPacket(iface: u32, p: usize, len: u32, trusted: bool, linkGroup: bool): void {
  const protocol = ipv4Arrive(iface, p, len, trusted, linkGroup);
  if (protocol < 0) return;
  count(STAT_IP_IN_DELIVERS);
  switch (protocol) {
    case IPPROTO_TCP: tcpArrive(SRC, DST, payload, payloadLength, flags); break;
    case IPPROTO_UDP: if (udpArrive(SRC, DST, payload, payloadLength, flags)) icmpUnreachable(CODE_PORT); break;
    case IPPROTO_ICMP: if (icmpArrive()) ingressError(); break;
    default: count(STAT_IP_IN_UNKNOWN_PROTOS); icmpUnreachable(CODE_PROTOCOL);
  }
  reassemblyRelease();
}

/** Tells the transport whose packet an ICMP error, or our own neighbour cache, says could not be delivered. */
function ingressError(): void {
  if (errorProtocol == <u32>IPPROTO_TCP) tcpIcmpError(errorLocal, errorLocalPort, errorRemote, errorRemotePort, errorSequence, errorKind, errorMtu);
  else udpIcmpError(errorLocal, errorLocalPort, errorRemote, errorRemotePort, errorKind);
}

/** Packets whose neighbour did not answer: their senders learn it as if a router had said so (RFC 1122 §3.3.1.4). */
export function ingressRefused(): void {
  for (let b = neighborRefused(); b; b = neighborRefused()) {
    count(STAT_IP_OUT_DISCARDS);
    frameBounds(b + PARKED_PACKET, parkedLength(b));
    if (icmpQuote(b + PARKED_PACKET, parkedLength(b), ICMP_NEIGHBOR_GONE)) ingressError();
    parkedRelease(b);
  }
}

/** Datagrams that stayed incomplete for too long: their senders are told. */
export function ingressExpired(): void {
  for (let p = reassemblyTimer(); p; p = reassemblyTimer()) icmpReassemblyTime(p);
}
