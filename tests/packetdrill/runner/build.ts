/** Frames to inject: Ethernet, IPv4 and a transport header made from a script's packet, checksums filled in. */
import { checksum, pseudoHeaderSum4 } from "../../../host/base/checksum.ts";
import type { IpInfo, TcpOption } from "./ast.ts";
import { ETHERNET_HEADER, flagBits, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "./wire.ts";

export interface Endpoints {
  source: string;
  destination: string;
}

/** A TCP segment with the numbers that go on the wire. */
export interface RawTcp {
  srcPort: number;
  dstPort: number;
  seq: number;
  ack: number;
  flags: string;
  window: number;
  urgent: number;
  options: Uint8Array;
  payload: Uint8Array;
}

const ECN_BITS: Record<string, number> = { noecn: 0, ect1: 1, ect0: 2, ce: 3, ect01: 2 };

function octets(address: string): number[] {
  return address.split(".").map(Number);
}

/** A buffer with room for the Ethernet header, the IPv4 header filled in but for its checksum. */
function ipv4(ends: Endpoints, protocol: number, size: number, info: IpInfo): { frame: Uint8Array; ip: DataView } {
  const frame = new Uint8Array(ETHERNET_HEADER + 20 + size);
  const ip = new DataView(frame.buffer, ETHERNET_HEADER);
  const dscp = info.dscp === undefined ? 0 : info.dscp << 2;
  ip.setUint8(0, 0x45);
  ip.setUint8(1, info.tos ?? dscp | (info.ecn ? (ECN_BITS[info.ecn] as number) : 0));
  ip.setUint16(2, 20 + size);
  ip.setUint8(8, info.ttl ?? 64);
  ip.setUint8(9, protocol);
  frame.set(octets(ends.source), ETHERNET_HEADER + 12);
  frame.set(octets(ends.destination), ETHERNET_HEADER + 16);
  return { frame, ip };
}

/** Fills the IPv4 and transport checksums from what the headers now say; a length that lies leaves the rest alone. */
export function sealChecksums(frame: Uint8Array, parts: { ip: boolean; transport: boolean } = { ip: true, transport: true }): void {
  const ip = new DataView(frame.buffer, frame.byteOffset + ETHERNET_HEADER);
  const header = (ip.getUint8(0) & 15) * 4;
  const room = frame.length - ETHERNET_HEADER;
  if (parts.transport) sealTransport(frame, ip, room);
  if (!parts.ip || header > room) return;
  ip.setUint16(10, 0);
  ip.setUint16(10, checksum(frame, ETHERNET_HEADER, Math.max(header, 20)));
}

const CHECKSUM_AT: Record<number, number> = { [PROTOCOL_TCP]: 16, [PROTOCOL_UDP]: 6, [PROTOCOL_ICMP]: 2 };

function sealTransport(frame: Uint8Array, ip: DataView, room: number): void {
  const at = CHECKSUM_AT[ip.getUint8(9)];
  const size = Math.min(ip.getUint16(2), room) - 20;
  if (at === undefined || size < at + 2) return;
  ip.setUint16(20 + at, 0);
  const pseudo = ip.getUint8(9) === PROTOCOL_ICMP ? 0 : pseudoHeaderSum4(frame, ETHERNET_HEADER, ip.getUint8(9), size);
  ip.setUint16(20 + at, checksum(frame, ETHERNET_HEADER + 20, size, pseudo));
}

export function buildTcp(ends: Endpoints, tcp: RawTcp, info: IpInfo): Uint8Array {
  const header = 20 + tcp.options.length;
  const { frame, ip } = ipv4(ends, PROTOCOL_TCP, header + tcp.payload.length, info);
  const bits = flagBits(tcp.flags);
  ip.setUint16(20, tcp.srcPort);
  ip.setUint16(22, tcp.dstPort);
  ip.setUint32(24, tcp.seq);
  ip.setUint32(28, tcp.ack);
  ip.setUint8(32, ((header / 4) << 4) | bits.high);
  ip.setUint8(33, bits.low);
  ip.setUint16(34, tcp.window);
  ip.setUint16(38, tcp.urgent);
  frame.set(tcp.options, ETHERNET_HEADER + 40);
  frame.set(tcp.payload, ETHERNET_HEADER + 20 + header);
  sealChecksums(frame);
  return frame;
}

export function buildUdp(ends: Endpoints, ports: { src: number; dst: number }, payload: Uint8Array, info: IpInfo): Uint8Array {
  const { frame, ip } = ipv4(ends, PROTOCOL_UDP, 8 + payload.length, info);
  ip.setUint16(20, ports.src);
  ip.setUint16(22, ports.dst);
  ip.setUint16(24, 8 + payload.length);
  frame.set(payload, ETHERNET_HEADER + 28);
  sealChecksums(frame);
  return frame;
}

/** `rest` is the second word of the ICMP header (identifier and sequence, or the next-hop MTU). */
export function buildIcmp(ends: Endpoints, type: number, code: number, rest: number, body: Uint8Array, info: IpInfo): Uint8Array {
  const { frame, ip } = ipv4(ends, PROTOCOL_ICMP, 8 + body.length, info);
  ip.setUint8(20, type);
  ip.setUint8(21, code);
  ip.setUint32(24, rest);
  frame.set(body, ETHERNET_HEADER + 28);
  sealChecksums(frame);
  return frame;
}

/** The IPv4 header and first 8 bytes of a packet the core sent, as an ICMP error quotes them (RFC 792). */
export function quotePacket(ends: Endpoints, protocol: number, transport: Uint8Array, length: number): Uint8Array {
  const { frame } = ipv4(ends, protocol, transport.length, {});
  const view = new DataView(frame.buffer, ETHERNET_HEADER);
  view.setUint16(2, 20 + length);
  frame.set(transport, ETHERNET_HEADER + 20);
  sealChecksums(frame, { ip: true, transport: false });
  return frame.slice(ETHERNET_HEADER);
}

/** Options in the order given, padded to a multiple of four with eol. `numbers` are those that go on the wire. */
export function encodeOptions(options: readonly TcpOption[]): Uint8Array {
  const bytes: number[] = [];
  for (const option of options) bytes.push(...encodeOption(option));
  while (bytes.length % 4) bytes.push(0);
  return Uint8Array.from(bytes);
}

function encodeOption(option: TcpOption): number[] {
  const word = (v: number): number[] => [(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255];
  const hex = (text: string): number[] => (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  switch (option.kind) {
    case "nop":
      return [1];
    case "eol":
      return [0];
    case "mss":
      return [2, 4, option.value >> 8, option.value & 255];
    case "wscale":
      return [3, 3, option.shift];
    case "sackOK":
      return [4, 2];
    case "sack":
      return [5, 2 + 8 * option.blocks.length, ...option.blocks.flatMap((b) => [...word(b.left), ...word(b.right)])];
    case "timestamp":
      return [8, 10, ...word(option.val ?? 0), ...word(option.ecr)];
    case "uto":
      return [28, 4, (option.value >> 8) | (option.minutes ? 0x80 : 0), option.value & 255];
    case "md5":
      return [19, 2 + hex(option.digest).length, ...hex(option.digest)];
    case "fastopen": {
      const cookie = hex(option.cookie);
      return option.experimental ? [254, 4 + cookie.length, 0xf9, 0x89, ...cookie] : [34, 2 + cookie.length, ...cookie];
    }
    case "other":
      return [];
  }
}
