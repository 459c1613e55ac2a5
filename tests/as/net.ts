/**
 * A network for the specs of link, ip and udp: one interface, 10.0.0.1/24 on device 7 with MAC 02:00:00:00:00:01, gateway 10.0.0.254.
 * Frames are built in F and taken to T, both at 2 mod 4 like the core's own buffers.
 */
import { DEVICE_VNET_HEADER } from "../../assembly/abi/link";
import { CONFIG_NEIGHBORS } from "../../assembly/abi/config";
import { IPPROTO_ICMP, IPPROTO_UDP } from "../../assembly/abi/winsock";
import { addrSetV4 } from "../../assembly/base/addr";
import { rd8, rd16, rd32, wr16, wr32, frameBounds } from "../../assembly/base/bytes";
import { sumBytes, sumFinish, sumPseudo } from "../../assembly/base/checksum";
import { configLoad } from "../../assembly/base/config";
import { countersReset } from "../../assembly/base/counters";
import { timeReset } from "../../assembly/base/time";
import { blocksReset } from "../../assembly/memory/blocks";
import { chunksReset } from "../../assembly/memory/chunks";
import { deadlineTake } from "../../assembly/memory/deadlines";
import { identitiesReset, idOfNeighbors, idOfReassembly } from "../../assembly/memory/identities";
import { clockSample, seedFromHost } from "../../assembly/wasi/preview1";
import { device, deviceAdd, devicesReset } from "../../assembly/link/device";
import { etherAccept, etherLength, etherPayload, etherToGroup, etherTrusted } from "../../assembly/link/ethernet";
import { arpAccept, arpArrive, arpFrom, arpTo } from "../../assembly/link/arp";
import { neighborsReset, neighborsTimer } from "../../assembly/link/neighbor";
import { addressAdd, addressesReset, addressOnLink, broadcastInterface, ownInterface, v4IsUnicast } from "../../assembly/ip/address";
import { routeAdd, routesReset } from "../../assembly/ip/route";
import { icmpArrive, icmpReset, icmpUnreachable } from "../../assembly/ip/icmp";
import { identificationReset } from "../../assembly/ip/identification";
import { DST, flags, inputReset, ipv4Arrive, payload, payloadLength, SRC } from "../../assembly/ip/input";
import { loopbackReset } from "../../assembly/ip/loopback";
import { reassemblyRelease, reassemblyReset, reassemblyTimer } from "../../assembly/ip/reassembly";
import { udpArrive, udpListsReset, udpReset } from "../../assembly/udp/udp";
import { freshArena } from "./region";
import { advance, deviceFull, taken } from "./world";

export const US: u32 = 0x0a000001;
export const PEER: u32 = 0x0a000002;
export const GATEWAY: u32 = 0x0a0000fe;
export const FAR: u32 = 0xc0000201;
export const OUR_MAC = memory.data<u8>([2, 0, 0, 0, 0, 1], 2);
export const PEER_MAC = memory.data<u8>([2, 0, 0, 0, 0, 2], 2);
export const OTHER_MAC = memory.data<u8>([2, 0, 0, 0, 0, 3], 2);
export const BROADCAST_MAC = memory.data<u8>([255, 255, 255, 255, 255, 255], 2);

const FBUF = memory.data(70000, 16);
const TBUF = memory.data(70000, 16);
export const F: usize = FBUF + 2;
export const T: usize = TBUF + 2;
/** Where the Ethernet payload of F and T begins. */
export const FP: usize = F + 14;
export const TP: usize = T + 14;

const RECORD = memory.data(256, 4);
const POOL = memory.data(16 * 16, 8);
let poolNext: u32 = 0;

/** One of sixteen 16-byte addresses, handed out in turn. */
export function a16(v4: u32): usize {
  const p = POOL + <usize>((poolNext++ & 15) << 4);
  addrSetV4(p, v4);
  return p;
}

/** Starts everything over. `neighbors` = size of the cache. */
export function freshNet(capabilities: u32 = 0, mtu: u32 = 1500, neighbors: u32 = 8): void {
  freshArena();
  memory.fill(RECORD, 0xff, 256);
  store<u32>(RECORD, neighbors, CONFIG_NEIGHBORS);
  configLoad(RECORD, CONFIG_NEIGHBORS + 4);
  timeReset(0);
  clockSample();
  seedFromHost();
  countersReset();
  chunksReset();
  identitiesReset(4, 4);
  devicesReset(); addressesReset(); routesReset(); identificationReset(); inputReset();
  loopbackReset(); reassemblyReset(); icmpReset(); neighborsReset(); udpListsReset(); udpReset();
  blocksReset(16);
  deviceFull(0);
  while (taken(T, 65536)) {}
  deviceAdd(7, capabilities, mtu, OUR_MAC);
  addressAdd(0, a16(US), 96 + 24);
  routeAdd(a16(0), 96, a16(GATEWAY), 0);
}

/** Moves time and runs the link's and the reassembly's deadlines. */
export function tick(ms: u32): void {
  advance(ms);
  clockSample();
  for (let id = deadlineTake(); id >= 0; id = deadlineTake()) {
    if (<u32>id == idOfNeighbors()) neighborsTimer();
    else if (<u32>id == idOfReassembly()) while (reassemblyTimer()) {}
  }
}

/** What became of a received frame. */
export let lastProtocol: i32 = -1;
export let lastIcmpError: bool = false;

/** Brings in the `len` bytes at F the way stack/ingress does, without TCP. Returns the EtherType acted on, 0 if none. */
export function receive(len: u32): u32 {
  lastProtocol = -1;
  lastIcmpError = false;
  const type = etherAccept(device(0), F, len);
  if (type == 0x0806) {
    if (!arpAccept(etherPayload, etherLength)) return 0;
    const sender = a16(arpFrom);
    const near = addressOnLink(0, sender) != 0 && v4IsUnicast(arpFrom) && broadcastInterface(arpFrom) == -1 && ownInterface(arpFrom) < 0;
    arpArrive(0, etherPayload, ownInterface(arpTo) == 0, near);
  } else if (type == 0x0800) packet();
  return type;
}

function packet(): void {
  lastProtocol = ipv4Arrive(0, etherPayload, etherLength, etherTrusted, etherToGroup);
  if (lastProtocol == IPPROTO_ICMP) lastIcmpError = icmpArrive();
  else if (lastProtocol == IPPROTO_UDP) { if (udpArrive(SRC, DST, payload, payloadLength, flags)) icmpUnreachable(3); }
  reassemblyRelease();
}

/** Takes the next frame that was sent to T; its length, 0 if there is none. */
export function sent(): u32 {
  const n = taken(T, 65600);
  frameBounds(T, n);
  return n;
}

/** Ethernet header at F; returns its length. */
export function ether(dst: usize, src: usize, type: u32): void {
  memory.copy(F, dst, 6);
  memory.copy(F + 6, src, 6);
  wr16(F + 12, type);
}

/** An ARP frame at F; returns its length. */
export function arp(operation: u32, senderMac: usize, sender: u32, target: u32, to: usize = BROADCAST_MAC): u32 {
  ether(to, senderMac, 0x0806);
  wr16(FP, 1); wr16(FP + 2, 0x0800); wr16(FP + 4, 0x0604); wr16(FP + 6, operation);
  memory.copy(FP + 8, senderMac, 6);
  wr16(FP + 14, sender >> 16); wr16(FP + 16, sender);
  memory.fill(FP + 18, 0, 6);
  wr32(FP + 24, target);
  return 42;
}

/** Tells us the peer's hardware address, so that packets to `v4` leave at once. */
export function meet(v4: u32 = PEER): void {
  receive(arp(1, PEER_MAC, v4, US));
  sent();
}

/** An IPv4 header without options at FP for `n` payload bytes, which stand at FP + 20 already; returns the frame's length. */
export function ip(src: u32, dst: u32, protocol: u32, n: u32, fragment: u32 = 0, id: u32 = 1): u32 {
  ether(OUR_MAC, PEER_MAC, 0x0800);
  wr16(FP, 0x4500); wr16(FP + 2, 20 + n); wr16(FP + 4, id); wr16(FP + 6, fragment);
  wr16(FP + 8, 64 << 8 | protocol); wr16(FP + 10, 0);
  wr32(FP + 12, src); wr32(FP + 16, dst);
  seal();
  return 34 + n;
}

/** Computes the header checksum at FP anew. */
export function seal(): void {
  wr16(FP + 10, 0);
  store<u16>(FP + 10, <u16>sumFinish(sumBytes(FP, (<u32>load<u8>(FP) & 15) << 2)));
}

/** A UDP datagram with `n` bytes that count up from `first`; returns the frame's length. */
export function udp(src: u32, sport: u32, dst: u32, dport: u32, n: u32, first: u32 = 0): u32 {
  const p = FP + 20;
  wr16(p, sport); wr16(p + 2, dport); wr16(p + 4, 8 + n); wr16(p + 6, 0);
  for (let i: u32 = 0; i < n; i++) store<u8>(p + 8 + i, <u8>(first + i));
  const sum = sumFinish(sumPseudo(a16(src), a16(dst), true, 17, 8 + n) + sumBytes(p, 8 + n));
  store<u16>(p + 6, <u16>(sum ? sum : 0xffff));
  return ip(src, dst, 17, 8 + n);
}

/** Same with the vnet header in front: moves F's frame up by twelve bytes and clears them. */
export function withVnet(len: u32, flagsByte: u32): u32 {
  memory.copy(F + 12, F, len);
  memory.fill(F, 0, 12);
  store<u8>(F, <u8>flagsByte);
  return len + 12;
}

/** True if the IPv4 packet at p has a right header checksum. */
export function headerRight(p: usize): bool { return sumFinish(sumBytes(p, 20)) == 0; }

export function b8(p: usize): u32 { return rd8(p); }
export function b16(p: usize): u32 { return rd16(p); }
export function b32(p: usize): u32 { return rd32(p); }
export const VNET: u32 = DEVICE_VNET_HEADER;
