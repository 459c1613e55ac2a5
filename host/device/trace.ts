/**
 * Frames as people read them: decode to a small object, print as one line. Made for charts, tests and simulations; any bytes
 * are accepted, and what does not fit is reported, not thrown.
 */
import { fold, pseudoHeaderSum4, sumWords } from "../base/checksum.ts";
import { ETHERNET_HEADER, formatMac } from "./contract.ts";

export interface DecodedFrame {
  readonly length: number;
  readonly destination: string;
  readonly source: string;
  readonly etherType: number;
  readonly arp?: DecodedArp;
  readonly ip?: DecodedIpv4;
  readonly tcp?: DecodedTcp;
  readonly udp?: DecodedUdp;
  readonly icmp?: DecodedIcmp;
  /** What is wrong with the frame, when something is: `IPv4 header cut at 12 bytes`. */
  readonly problem?: string;
}

export interface DecodedArp {
  readonly operation: "request" | "reply" | number;
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetMac: string;
  readonly targetIp: string;
}

export interface DecodedIpv4 {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly ttl: number;
  readonly identification: number;
  readonly headerLength: number;
  readonly totalLength: number;
  readonly moreFragments: boolean;
  /** In bytes; a later fragment (above 0) has no transport header to decode. */
  readonly fragmentOffset: number;
  readonly checksumValid: boolean;
}

export interface TcpFlags {
  readonly fin: boolean;
  readonly syn: boolean;
  readonly rst: boolean;
  readonly psh: boolean;
  readonly ack: boolean;
  readonly urg: boolean;
  readonly ece: boolean;
  readonly cwr: boolean;
}

export interface TcpOptions {
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sackPermitted?: boolean;
  readonly sack?: readonly (readonly [number, number])[];
  readonly timestamps?: readonly [number, number];
}

export interface DecodedTcp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: TcpFlags;
  /** As it stands in the header, not scaled. */
  readonly window: number;
  readonly urgent: number;
  readonly options: TcpOptions;
  readonly payloadLength: number;
  /** Where the payload starts in the frame. */
  readonly payloadOffset: number;
  /** undefined when the packet is a fragment or cut. */
  readonly checksumValid: boolean | undefined;
}

export interface DecodedUdp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payloadLength: number;
  readonly payloadOffset: number;
  /** A checksum of 0 means none was sent (RFC 768), which is valid. */
  readonly checksumValid: boolean | undefined;
}

export interface DecodedIcmp {
  readonly type: number;
  readonly code: number;
  readonly checksumValid: boolean | undefined;
}

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2);
}

function dotted(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** Decodes one Ethernet frame without its vnet header. Never throws. */
export function decodeFrame(bytes: Uint8Array): DecodedFrame {
  const frame: Mutable<DecodedFrame> = { length: bytes.length, destination: "", source: "", etherType: 0 };
  if (bytes.length < ETHERNET_HEADER) {
    frame.problem = `Ethernet header cut at ${bytes.length} bytes`;
    return frame;
  }
  frame.destination = formatMac(bytes, 0);
  frame.source = formatMac(bytes, 6);
  frame.etherType = u16(bytes, 12);
  if (frame.etherType === ETHERTYPE_ARP) decodeArp(bytes, frame);
  else if (frame.etherType === ETHERTYPE_IPV4) decodeIpv4(bytes, frame);
  return frame;
}

function decodeArp(bytes: Uint8Array, frame: Mutable<DecodedFrame>): void {
  const at = ETHERNET_HEADER;
  if (bytes.length < at + 28) {
    frame.problem = `ARP cut at ${bytes.length - at} bytes`;
    return;
  }
  if (u16(bytes, at) !== 1 || u16(bytes, at + 2) !== ETHERTYPE_IPV4 || u16(bytes, at + 4) !== 0x0604) {
    frame.problem = "ARP for something other than IPv4 over Ethernet";
    return;
  }
  const operation = u16(bytes, at + 6);
  frame.arp = {
    operation: operation === 1 ? "request" : operation === 2 ? "reply" : operation,
    senderMac: formatMac(bytes, at + 8),
    senderIp: dotted(bytes, at + 14),
    targetMac: formatMac(bytes, at + 18),
    targetIp: dotted(bytes, at + 24),
  };
}

function decodeIpv4(bytes: Uint8Array, frame: Mutable<DecodedFrame>): void {
  const at = ETHERNET_HEADER;
  const room = bytes.length - at;
  if (room < 20) {
    frame.problem = `IPv4 header cut at ${room} bytes`;
    return;
  }
  const headerLength = ((bytes[at] as number) & 15) * 4;
  const totalLength = u16(bytes, at + 2);
  if ((bytes[at] as number) >> 4 !== 4 || headerLength < 20 || headerLength > room || totalLength < headerLength) {
    frame.problem = `IPv4 header says version ${(bytes[at] as number) >> 4}, header ${headerLength}, total ${totalLength} bytes of ${room}`;
    return;
  }
  const fragment = u16(bytes, at + 6);
  frame.ip = {
    source: dotted(bytes, at + 12),
    destination: dotted(bytes, at + 16),
    protocol: bytes[at + 9] as number,
    ttl: bytes[at + 8] as number,
    identification: u16(bytes, at + 4),
    headerLength,
    totalLength,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: (fragment & 0x1fff) * 8,
    checksumValid: fold(sumWords(bytes, at, headerLength)) === 0xffff,
  };
  if (totalLength > room) frame.problem = `IPv4 packet of ${totalLength} bytes cut at ${room}`;
  if (frame.ip.fragmentOffset > 0) return;
  const whole = totalLength <= room && !frame.ip.moreFragments;
  const transport = { at: at + headerLength, end: at + Math.min(totalLength, room), whole };
  if (frame.ip.protocol === PROTOCOL_TCP) decodeTcp(bytes, transport, frame);
  else if (frame.ip.protocol === PROTOCOL_UDP) decodeUdp(bytes, transport, frame);
  else if (frame.ip.protocol === PROTOCOL_ICMP) decodeIcmp(bytes, transport, frame);
}

interface Transport {
  readonly at: number;
  readonly end: number;
  /** Neither a fragment nor cut, so that a checksum can be judged. */
  readonly whole: boolean;
}

function transportValid(bytes: Uint8Array, { at, end, whole }: Transport, protocol: number): boolean | undefined {
  if (!whole) return undefined;
  const length = end - at;
  return fold(sumWords(bytes, at, length, pseudoHeaderSum4(bytes, ETHERNET_HEADER, protocol, length))) === 0xffff;
}

function decodeTcp(bytes: Uint8Array, transport: Transport, frame: Mutable<DecodedFrame>): void {
  const { at, end } = transport;
  const headerLength = end - at >= 20 ? ((bytes[at + 12] as number) >> 4) * 4 : 0;
  if (headerLength < 20 || at + headerLength > end) {
    frame.problem ??= `TCP header of ${headerLength} bytes in ${end - at}`;
    return;
  }
  const bits = bytes[at + 13] as number;
  frame.tcp = {
    sourcePort: u16(bytes, at),
    destinationPort: u16(bytes, at + 2),
    seq: u32(bytes, at + 4),
    ack: u32(bytes, at + 8),
    flags: {
      fin: (bits & 1) !== 0, syn: (bits & 2) !== 0, rst: (bits & 4) !== 0, psh: (bits & 8) !== 0,
      ack: (bits & 16) !== 0, urg: (bits & 32) !== 0, ece: (bits & 64) !== 0, cwr: (bits & 128) !== 0,
    },
    window: u16(bytes, at + 14),
    urgent: u16(bytes, at + 18),
    options: decodeTcpOptions(bytes, at + 20, at + headerLength),
    payloadLength: end - at - headerLength,
    payloadOffset: at + headerLength,
    checksumValid: transportValid(bytes, transport, PROTOCOL_TCP),
  };
}

function decodeTcpOptions(bytes: Uint8Array, from: number, end: number): TcpOptions {
  const options: Mutable<TcpOptions> = {};
  for (let at = from; at < end; ) {
    const kind = bytes[at] as number;
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = at + 1 < end ? (bytes[at + 1] as number) : 0;
    if (length < 2 || at + length > end) break;
    decodeTcpOption(bytes, at, kind, length, options);
    at += length;
  }
  return options;
}

function decodeTcpOption(bytes: Uint8Array, at: number, kind: number, length: number, options: Mutable<TcpOptions>): void {
  if (kind === 2 && length === 4) options.mss = u16(bytes, at + 2);
  else if (kind === 3 && length === 3) options.windowScale = bytes[at + 2] as number;
  else if (kind === 4 && length === 2) options.sackPermitted = true;
  else if (kind === 8 && length === 10) options.timestamps = [u32(bytes, at + 2), u32(bytes, at + 6)];
  else if (kind === 5 && (length - 2) % 8 === 0) {
    const blocks: [number, number][] = [];
    for (let i = at + 2; i < at + length; i += 8) blocks.push([u32(bytes, i), u32(bytes, i + 4)]);
    options.sack = blocks;
  }
}

function decodeUdp(bytes: Uint8Array, transport: Transport, frame: Mutable<DecodedFrame>): void {
  const { at, end } = transport;
  const length = end - at >= 8 ? u16(bytes, at + 4) : 0;
  if (length < 8 || (transport.whole && at + length > end)) {
    frame.problem ??= `UDP length ${length} in ${end - at} bytes`;
    return;
  }
  const sent = u16(bytes, at + 6) !== 0;
  frame.udp = {
    sourcePort: u16(bytes, at),
    destinationPort: u16(bytes, at + 2),
    payloadLength: length - 8,
    payloadOffset: at + 8,
    checksumValid: sent ? transportValid(bytes, { ...transport, end: transport.whole ? at + length : end }, PROTOCOL_UDP) : true,
  };
}

function decodeIcmp(bytes: Uint8Array, { at, end, whole }: Transport, frame: Mutable<DecodedFrame>): void {
  if (end - at < 8) {
    frame.problem ??= `ICMP cut at ${end - at} bytes`;
    return;
  }
  const checksumValid = whole ? fold(sumWords(bytes, at, end - at)) === 0xffff : undefined;
  frame.icmp = { type: bytes[at] as number, code: bytes[at + 1] as number, checksumValid };
}

/** Names of the flags that are set, as tcpdump orders them: `SYN,ACK`. */
export function flagNames(flags: TcpFlags): string {
  const names = ["syn", "fin", "rst", "psh", "ack", "urg", "ece", "cwr"] as const;
  return names.filter((name) => flags[name]).map((name) => name.toUpperCase()).join(",");
}

function tcpText(ip: DecodedIpv4, tcp: DecodedTcp): string {
  const { mss, windowScale, sackPermitted, sack, timestamps } = tcp.options;
  const options = [
    mss !== undefined && `mss=${mss}`,
    windowScale !== undefined && `ws=${windowScale}`,
    sackPermitted && "sackOK",
    timestamps && `ts=${timestamps[0]}/${timestamps[1]}`,
    sack?.map(([from, to]) => `sack=${from}-${to}`).join(" "),
  ].filter(Boolean);
  const ends = `${ip.source}:${tcp.sourcePort} > ${ip.destination}:${tcp.destinationPort}`;
  const ack = tcp.flags.ack ? ` ack=${tcp.ack}` : "";
  const tail = options.length > 0 ? ` <${options.join(" ")}>` : "";
  return `TCP ${ends} [${flagNames(tcp.flags)}] seq=${tcp.seq}${ack} win=${tcp.window} len=${tcp.payloadLength}${tail}`;
}

function ipText(frame: DecodedFrame, ip: DecodedIpv4): string {
  const valid = frame.tcp?.checksumValid ?? frame.udp?.checksumValid ?? frame.icmp?.checksumValid;
  const notes = [
    !ip.checksumValid && "bad IPv4 checksum",
    valid === false && "bad checksum",
    (ip.moreFragments || ip.fragmentOffset > 0) && `fragment at ${ip.fragmentOffset}${ip.moreFragments ? "+" : ""}`,
  ].filter(Boolean);
  const tail = notes.length > 0 ? ` (${notes.join(", ")})` : "";
  if (frame.tcp) return tcpText(ip, frame.tcp) + tail;
  if (frame.udp) {
    const { sourcePort, destinationPort, payloadLength } = frame.udp;
    return `UDP ${ip.source}:${sourcePort} > ${ip.destination}:${destinationPort} len=${payloadLength}${tail}`;
  }
  if (frame.icmp) return `ICMP ${ip.source} > ${ip.destination} type=${frame.icmp.type} code=${frame.icmp.code}${tail}`;
  return `IPv4 ${ip.source} > ${ip.destination} protocol=${ip.protocol} len=${ip.totalLength - ip.headerLength}${tail}`;
}

/** One line for a decoded frame: `TCP 10.0.0.1:1024 > 10.0.0.2:80 [SYN] seq=… win=… len=0 <mss=1460>`. */
export function formatFrame(frame: DecodedFrame): string {
  const problem = frame.problem ? ` !${frame.problem}` : "";
  if (frame.ip) return ipText(frame, frame.ip) + problem;
  if (!frame.arp) return `0x${frame.etherType.toString(16).padStart(4, "0")} ${frame.source} > ${frame.destination} length=${frame.length}${problem}`;
  const { operation, senderIp, senderMac, targetIp } = frame.arp;
  if (operation === "request") return `ARP who has ${targetIp}? tell ${senderIp}`;
  return operation === "reply" ? `ARP ${senderIp} is at ${senderMac}` : `ARP operation ${operation} ${senderIp} > ${targetIp}`;
}

/** Decodes and prints a frame in one go. */
export function traceLine(bytes: Uint8Array): string {
  return formatFrame(decodeFrame(bytes));
}
