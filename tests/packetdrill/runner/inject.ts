/** `<` events: a script's packet becomes a frame on the wire, its numbers translated to the live connection's. */
import type { IcmpSpec, PacketSpec, TcpOption, TcpSpec, UdpSpec } from "./ast.ts";
import { buildIcmp, buildTcp, buildUdp, encodeOptions, type Endpoints, quotePacket } from "./build.ts";
import type { Flow } from "./flow.ts";
import { icmpNumbers } from "./icmp.ts";
import { mutate } from "./mutate.ts";
import { type RunState, Unsupported } from "./state.ts";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "./wire.ts";

/** Injects the packet at the world's present time. The core sees it at its next poll. */
export function injectPacket(state: RunState, spec: PacketSpec, line: number): void {
  const ends: Endpoints = { source: state.addresses.remoteIp, destination: state.addresses.localIp };
  if (spec.kind === "icmp") {
    state.world.inject(icmpFrame(state, spec, ends));
    return;
  }
  // On the wire towards the core the source is the remote side.
  const flow = spec.ports ? state.flowOfPorts(spec.ports.dst, spec.ports.src) : state.currentFlow();
  const frame = spec.kind === "tcp" ? tcpFrame(state, flow, spec, ends) : udpFrame(state, flow, spec, ends);
  state.world.inject(spec.kind === "tcp" && spec.mutations.length ? mutate(frame, spec.mutations, line) : frame);
}

function localPort(state: RunState, flow: Flow): number {
  return flow.localPort ?? state.addresses.bindPort;
}

function tcpFrame(state: RunState, flow: Flow, spec: TcpSpec, ends: Endpoints): Uint8Array {
  const syn = spec.flags.includes("S");
  if (syn) noteSyn(flow, spec);
  const seq = spec.seq.absolute ? spec.seq.start : atOwnEdge(state, flow, flow.remoteWire(spec.seq.start));
  const payload = flow.inbound.bytes(flow.inboundOffset(spec.seq.start + (syn ? 1 : 0)), spec.seq.length);
  noteInjected(flow, spec, seq);
  return buildTcp(
    ends,
    {
      srcPort: flow.remotePort, dstPort: localPort(state, flow), seq, flags: spec.flags, window: spec.window ?? 0, urgent: spec.urgent ?? 0,
      ack: spec.ack === null ? 0 : flow.localWire(spec.ack),
      options: encodeOptions((spec.options ?? []).map((o) => wireOption(flow, o))), payload,
    },
    spec.ip,
  );
}

/** Distance from the author's window edge at which a number is meant as that edge. */
const EDGE_SLACK = 8;

/**
 * Neutral mode: a segment placed at the edge of the window of the author's system (its receive buffer, which the script reads) is
 * placed at the same distance from the edge of ours, so that it tests what it was written to test.
 */
function atOwnEdge(state: RunState, flow: Flow, seq: number): number {
  if (state.mode !== "neutral" || flow.authorBuffer === null || flow.lastAck === null || flow.offeredEdge === null) return seq;
  const beyond = ((seq - flow.lastAck) | 0) - flow.authorBuffer;
  const own = (flow.offeredEdge + beyond) >>> 0;
  if (Math.abs(beyond) > EDGE_SLACK || own === seq) return seq;
  state.relax("window edge moved to this stack's own");
  return own;
}

function noteSyn(flow: Flow, spec: TcpSpec): void {
  flow.injectSyn(spec.seq.start, spec.seq.absolute);
  if (!spec.flags.includes(".")) flow.synPending = true;
  const mss = spec.options?.find((o) => o.kind === "mss");
  if (mss?.kind === "mss") flow.peerMss = mss.value;
  const scale = spec.options?.find((o) => o.kind === "wscale");
  flow.peerScale = scale?.kind === "wscale" ? scale.shift : null;
}

function noteInjected(flow: Flow, spec: TcpSpec, seq: number): void {
  if (spec.flags.includes("R")) {
    flow.rstInjected = true;
    return;
  }
  if (spec.flags.includes("F")) flow.finInjected = true;
  const top = (seq + spec.seq.length + (spec.flags.includes("S") ? 1 : 0) + (spec.flags.includes("F") ? 1 : 0)) >>> 0;
  if (flow.injectedTop === null || ((top - flow.injectedTop) | 0) > 0) flow.injectedTop = top;
}

/** SACK edges and echoed timestamps are the core's own numbers. */
function wireOption(flow: Flow, option: TcpOption): TcpOption {
  if (option.kind === "sack") return { kind: "sack", blocks: option.blocks.map((b) => ({ left: flow.localWire(b.left), right: flow.localWire(b.right) })) };
  if (option.kind === "timestamp" && !option.ecrAbsolute && option.ecr !== 0) return { ...option, ecr: (option.ecr + (flow.timestampOffset ?? 0)) >>> 0 };
  return option;
}

function udpFrame(state: RunState, flow: Flow, spec: UdpSpec, ends: Endpoints): Uint8Array {
  return buildUdp(ends, { src: flow.remotePort, dst: localPort(state, flow) }, flow.inbound.bytes(0, spec.length), spec.ip);
}

function icmpFrame(state: RunState, spec: IcmpSpec, ends: Endpoints): Uint8Array {
  const numbers = icmpNumbers(spec);
  if (!numbers) throw new Unsupported(`icmp ${spec.type} ${spec.code ?? ""}`.trim());
  const flow = state.currentFlow();
  if (!numbers.quotes) return buildIcmp(ends, numbers.type, numbers.code, ((spec.id ?? 1) << 16) | 1, flow.inbound.bytes(0, 56), spec.ip);
  const body = quote(state, flow, spec.quoted ?? { protocol: "tcp", start: 0, length: 0 }, ends);
  return buildIcmp(ends, numbers.type, numbers.code, spec.mtu ?? 0, body, spec.ip);
}

/** What the core once sent, as the error quotes it. */
function quote(state: RunState, flow: Flow, quoted: NonNullable<IcmpSpec["quoted"]>, ends: Endpoints): Uint8Array {
  const sent: Endpoints = { source: ends.destination, destination: ends.source };
  const header = new DataView(new ArrayBuffer(quoted.protocol === "udp" ? 8 : 20));
  header.setUint16(0, localPort(state, flow));
  header.setUint16(2, flow.remotePort);
  if (quoted.protocol === "udp") {
    header.setUint16(4, 8 + quoted.length);
    return quotePacket(sent, PROTOCOL_UDP, new Uint8Array(header.buffer), 8 + quoted.length);
  }
  header.setUint32(4, flow.localWire(quoted.start));
  header.setUint8(12, 0x50);
  header.setUint8(13, 0x10);
  return quotePacket(sent, quoted.protocol === "raw" ? 255 : PROTOCOL_TCP, new Uint8Array(header.buffer), 20 + quoted.length);
}
