/** Live packets: what came out of the core, decoded with every length checked. Sequence numbers are those on the wire. */
import { checksum, fold, pseudoHeaderSum4, sumWords } from "../../../host/base/checksum.ts";
import { FLAG_LETTERS, type TcpOption } from "./ast.ts";

export const ETHERNET_HEADER = 14;
export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

export interface LiveIp {
  source: string;
  destination: string;
  tos: number;
  ttl: number;
  protocol: number;
  /** Bytes of the whole packet as its header says. */
  length: number;
}

export interface LiveTcp {
  kind: "tcp";
  srcPort: number;
  dstPort: number;
  seq: number;
  ack: number;
  flags: string;
  window: number;
  urgent: number;
  options: TcpOption[];
  payload: Uint8Array;
}

export interface LiveUdp {
  kind: "udp";
  srcPort: number;
  dstPort: number;
  payload: Uint8Array;
}

export interface LiveIcmp {
  kind: "icmp";
  type: number;
  code: number;
  mtu: number;
  /** Everything behind the 8-byte header. */
  body: Uint8Array;
}

export interface LiveOther {
  kind: "other";
}

export interface LivePacket {
  /** Virtual time it left, microseconds since the script's start. */
  us: number;
  ip: LiveIp;
  layer: LiveTcp | LiveUdp | LiveIcmp | LiveOther;
  /** What is wrong with it (checksums, lengths), or null. */
  broken: string | null;
}

/** Flag letters of TCP header bytes 12 and 13, in the order packets are printed. */
export function flagLetters(high: number, low: number): string {
  const on: Record<string, boolean> = {
    S: (low & 2) !== 0, F: (low & 1) !== 0, R: (low & 4) !== 0, P: (low & 8) !== 0, U: (low & 32) !== 0,
    E: (low & 64) !== 0, W: (low & 128) !== 0, A: (high & 1) !== 0, ".": (low & 16) !== 0,
  };
  return [...FLAG_LETTERS].filter((c) => on[c]).join("");
}

/** The byte of flags for letters; AE is bit 0 of the byte before. */
export function flagBits(letters: string): { high: number; low: number } {
  const bit: Record<string, number> = { F: 1, S: 2, R: 4, P: 8, ".": 16, U: 32, E: 64, W: 128 };
  return { high: letters.includes("A") ? 1 : 0, low: [...letters].reduce((sum, c) => sum | (bit[c] ?? 0), 0) };
}

export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

export function u32(bytes: Uint8Array, at: number): number {
  return ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0;
}

const dotted = (bytes: Uint8Array, at: number): string => [...bytes.subarray(at, at + 4)].join(".");

/** Decodes an Ethernet frame with an IPv4 packet; null for anything else. */
export function decodeFrame(frame: Uint8Array, us: number): LivePacket | null {
  if (frame.length < ETHERNET_HEADER + 20 || u16(frame, 12) !== 0x0800) return null;
  return decodeIpv4(frame.subarray(ETHERNET_HEADER), us);
}

function decodeIpv4(packet: Uint8Array, us: number): LivePacket {
  const header = ((packet[0] as number) & 15) * 4;
  const length = u16(packet, 2);
  const ip: LiveIp = {
    source: dotted(packet, 12), destination: dotted(packet, 16), tos: packet[1] as number, ttl: packet[8] as number,
    protocol: packet[9] as number, length,
  };
  const live: LivePacket = { us, ip, layer: { kind: "other" }, broken: null };
  if ((packet[0] as number) >> 4 !== 4 || header < 20 || length < header || length > packet.length) {
    live.broken = "IPv4 lengths do not fit";
    return live;
  }
  if (fold(sumWords(packet, 0, header)) !== 0xffff) live.broken = "IPv4 header checksum is wrong";
  if (u16(packet, 6) & 0x3fff) return live;
  const segment = packet.subarray(header, length);
  const decoded = decodeTransport(ip.protocol, segment);
  live.layer = decoded.layer;
  live.broken ??= decoded.broken ?? checksumProblem(packet, header, length, ip.protocol);
  return live;
}

function checksumProblem(packet: Uint8Array, header: number, length: number, protocol: number): string | null {
  const size = length - header;
  if (protocol === PROTOCOL_TCP) {
    return fold(sumWords(packet, header, size, pseudoHeaderSum4(packet, 0, protocol, size))) === 0xffff ? null : "TCP checksum is wrong";
  }
  if (protocol === PROTOCOL_UDP) {
    if (u16(packet, header + 6) === 0) return null;
    return fold(sumWords(packet, header, size, pseudoHeaderSum4(packet, 0, protocol, size))) === 0xffff ? null : "UDP checksum is wrong";
  }
  if (protocol === PROTOCOL_ICMP) return checksum(packet, header, size) === 0 ? null : "ICMP checksum is wrong";
  return null;
}

function decodeTransport(protocol: number, bytes: Uint8Array): { layer: LivePacket["layer"]; broken: string | null } {
  const bad = (why: string): { layer: LivePacket["layer"]; broken: string } => ({ layer: { kind: "other" }, broken: why });
  if (protocol === PROTOCOL_TCP) {
    if (bytes.length < 20) return bad("TCP header is cut");
    const header = ((bytes[12] as number) >> 4) * 4;
    if (header < 20 || header > bytes.length) return bad("TCP data offset does not fit");
    return { layer: decodeTcp(bytes, header), broken: null };
  }
  if (protocol === PROTOCOL_UDP) {
    if (bytes.length < 8 || u16(bytes, 4) !== bytes.length) return bad("UDP length does not fit");
    return { layer: { kind: "udp", srcPort: u16(bytes, 0), dstPort: u16(bytes, 2), payload: bytes.slice(8) }, broken: null };
  }
  if (protocol === PROTOCOL_ICMP) {
    if (bytes.length < 8) return bad("ICMP header is cut");
    return { layer: { kind: "icmp", type: bytes[0] as number, code: bytes[1] as number, mtu: u16(bytes, 6), body: bytes.slice(8) }, broken: null };
  }
  return { layer: { kind: "other" }, broken: null };
}

function decodeTcp(bytes: Uint8Array, header: number): LiveTcp {
  return {
    kind: "tcp", srcPort: u16(bytes, 0), dstPort: u16(bytes, 2), seq: u32(bytes, 4), ack: u32(bytes, 8),
    flags: flagLetters(bytes[12] as number, bytes[13] as number), window: u16(bytes, 14), urgent: u16(bytes, 18),
    options: decodeOptions(bytes.subarray(20, header)), payload: bytes.slice(header),
  };
}

/** Options as they stand, padding included; an option that does not fit ends the list as `other`. */
export function decodeOptions(bytes: Uint8Array): TcpOption[] {
  const options: TcpOption[] = [];
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at] as number;
    if (kind === 0 || kind === 1) {
      options.push({ kind: kind ? "nop" : "eol" });
      at++;
      continue;
    }
    const size = bytes[at + 1] ?? 0;
    if (size < 2 || at + size > bytes.length) {
      options.push({ kind: "other", name: `cut option ${kind}` });
      break;
    }
    options.push(decodeOption(kind, bytes.subarray(at, at + size)));
    at += size;
  }
  return options;
}

function decodeOption(kind: number, bytes: Uint8Array): TcpOption {
  const hex = (from: number): string => [...bytes.subarray(from)].map((b) => b.toString(16).padStart(2, "0")).join("");
  if (kind === 2 && bytes.length === 4) return { kind: "mss", value: u16(bytes, 2) };
  if (kind === 3 && bytes.length === 3) return { kind: "wscale", shift: bytes[2] as number };
  if (kind === 4 && bytes.length === 2) return { kind: "sackOK" };
  if (kind === 5 && bytes.length > 2 && bytes.length % 8 === 2) {
    const blocks = [];
    for (let at = 2; at < bytes.length; at += 8) blocks.push({ left: u32(bytes, at), right: u32(bytes, at + 4) });
    return { kind: "sack", blocks };
  }
  if (kind === 8 && bytes.length === 10) return { kind: "timestamp", val: u32(bytes, 2), ecr: u32(bytes, 6), ecrAbsolute: false };
  if (kind === 28 && bytes.length === 4) return { kind: "uto", value: u16(bytes, 2) & 0x7fff, minutes: (bytes[2] as number) > 127 };
  if (kind === 19) return { kind: "md5", digest: hex(2) };
  if (kind === 34) return { kind: "fastopen", cookie: hex(2), experimental: false };
  return { kind: "other", name: `option ${kind} ${hex(2)}` };
}
