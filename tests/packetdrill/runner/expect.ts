/** `>` events: wait for the packet in virtual time, match it, and judge when it came. */
import type { IcmpSpec, PacketSpec, TcpSpec, UdpSpec } from "./ast.ts";
import { compareIcmp, compareIp, compareTcp, compareUdp, type Match, type Progress } from "./compare.ts";
import type { Flow } from "./flow.ts";
import { printPacket } from "./notation.ts";
import { Failure, type RunState } from "./state.ts";
import type { LivePacket, LiveTcp } from "./wire.ts";

/** When the packet may come, microseconds; Infinity for `*`. */
export interface Span {
  from: number;
  to: number;
}

export interface ExpectOptions {
  span: Span;
  tolerance: number;
  /** One script packet is one live packet. */
  strictSegments: boolean;
  /** Extra pure ACKs may be passed over (neutral, data-transfer scripts). */
  skipAcks: boolean;
  mtu: number;
  source: string;
}

/** How long `*` waits when the core has no deadline of its own left. */
const PATIENCE_US = 3_600_000_000;

/** Matches one script packet; returns the time (microseconds) its last live packet came. Throws Failure. */
export function expectPacket(state: RunState, spec: PacketSpec, options: ExpectOptions): number {
  const progress: Progress = { done: 0, split: false };
  for (;;) {
    const packet = nextPacket(state, options);
    const flow = flowFor(state, spec, packet);
    if (spec.kind === "tcp") progress.split = maySplit(spec, flow, options);
    const match = judge(state, flow, spec, packet, progress);
    if (match.problem !== null && options.skipAcks && progress.done === 0 && extraAck(flow, packet)) {
      state.relax("extra pure ACK passed over");
      note(flow, packet);
      state.world.outbox.shift();
      continue;
    }
    if (match.problem !== null) fail(state, match.problem, options, flow);
    checkTime(state, packet, options, flow);
    note(flow, packet);
    state.world.outbox.shift();
    if (match.complete) return packet.us;
    progress.done += packet.layer.kind === "tcp" ? packet.layer.payload.length : 0;
  }
}

function nextPacket(state: RunState, options: ExpectOptions): LivePacket {
  const world = state.world;
  const latest = Number.isFinite(options.span.to) ? options.span.to + options.tolerance : world.us + PATIENCE_US;
  if (!world.outbox.length) world.advance(Math.max(latest, world.us), () => world.outbox.length > 0);
  const packet = world.outbox[0];
  if (!packet) throw new Failure("no packet came", options.source);
  return packet;
}

/** Addresses and ports decide which connection it is; a local port not known yet is learned here. */
function flowFor(state: RunState, spec: PacketSpec, packet: LivePacket): Flow | null {
  const layer = packet.layer;
  const ports = spec.kind === "icmp" ? null : spec.ports;
  const flow = ports ? state.flowOfPorts(ports.src, ports.dst) : state.currentFlow();
  if (layer.kind !== "tcp" && layer.kind !== "udp") return flow;
  const learns = flow.localPort === null && layer.dstPort === flow.remotePort;
  if (learns && (layer.kind === "udp" || layer.flags.includes("S"))) flow.localPort = layer.srcPort;
  return flow;
}

function maySplit(spec: TcpSpec, flow: Flow | null, options: ExpectOptions): boolean {
  if (options.strictSegments) return false;
  return spec.seq.length > Math.min(flow?.peerMss ?? 536, options.mtu - 40);
}

function judge(state: RunState, flow: Flow | null, spec: PacketSpec, packet: LivePacket, progress: Progress): Match {
  if (packet.broken) return verdict(packet.broken);
  const { localIp, remoteIp } = state.addresses;
  if (packet.ip.source !== localIp || packet.ip.destination !== remoteIp) return verdict(`it goes from ${packet.ip.source} to ${packet.ip.destination}`);
  if (packet.layer.kind !== spec.kind || !flow) return verdict(`it is ${packet.layer.kind}`);
  const ip = compareIp(spec.ip, packet);
  if (ip) return verdict(ip);
  const layer = packet.layer;
  if (layer.kind === "icmp") return verdict(compareIcmp(flow, spec as IcmpSpec, layer));
  if (layer.srcPort !== flow.localPort || layer.dstPort !== flow.remotePort) return verdict(`its ports are ${layer.srcPort} > ${layer.dstPort}`);
  if (layer.kind === "udp") return verdict(compareUdp(flow, spec as UdpSpec, layer));
  return compareTcp(state, flow, spec as TcpSpec, layer, progress);
}

const verdict = (problem: string | null): Match => ({ problem, complete: true });

function checkTime(state: RunState, packet: LivePacket, options: ExpectOptions, flow: Flow | null): void {
  const { span, tolerance } = options;
  if (!Number.isFinite(span.to)) return;
  if (packet.us >= span.from - tolerance && packet.us <= span.to + tolerance) return;
  const when = span.from === span.to ? seconds(span.from) : `${seconds(span.from)} to ${seconds(span.to)}`;
  fail(state, `it came at ${seconds(packet.us)} s, not at ${when} s`, options, flow);
}

const seconds = (us: number): string => (us / 1e6).toFixed(6);

function fail(state: RunState, problem: string, options: ExpectOptions, flow: Flow | null): never {
  const seen = state.world.outbox.slice(0, 4).map((p) => printPacket(p, flow));
  if (state.world.outbox.length > 4) seen.push(`and ${state.world.outbox.length - 4} more`);
  throw new Failure(`outbound packet: ${problem}`, options.source, seen);
}

/** Keeps what later checks need: how far the core has sent and acknowledged. */
export function note(flow: Flow | null, packet: LivePacket): void {
  if (!flow || packet.layer.kind !== "tcp" || packet.layer.flags.includes("R")) return;
  const tcp = packet.layer;
  const top = (tcp.seq + tcp.payload.length + (tcp.flags.includes("S") ? 1 : 0) + (tcp.flags.includes("F") ? 1 : 0)) >>> 0;
  if (flow.sentTop === null || ((top - flow.sentTop) | 0) > 0) flow.sentTop = top;
  if (tcp.flags.includes("S")) {
    const scale = tcp.options.find((o) => o.kind === "wscale");
    flow.ownScale = scale?.kind === "wscale" ? scale.shift : null;
  }
  if (!tcp.flags.includes(".")) return;
  flow.lastAck = tcp.ack;
  const scaled = !tcp.flags.includes("S") && flow.ownScale !== null && flow.peerScale !== null;
  flow.offeredEdge = (tcp.ack + tcp.window * 2 ** (scaled ? flow.ownScale ?? 0 : 0)) >>> 0;
}

/** An ACK of data that was injected, from where the core's sequence space stands: it contradicts nothing. */
export function extraAck(flow: Flow | null, packet: LivePacket): boolean {
  if (!flow || packet.broken || packet.layer.kind !== "tcp") return false;
  const tcp: LiveTcp = packet.layer;
  if (tcp.flags !== "." || tcp.payload.length || tcp.srcPort !== flow.localPort || tcp.dstPort !== flow.remotePort) return false;
  const inPlace = flow.sentTop !== null && tcp.seq === flow.sentTop;
  const known = flow.injectedTop !== null && ((flow.injectedTop - tcp.ack) | 0) >= 0;
  const fresh = flow.lastAck === null || ((tcp.ack - flow.lastAck) | 0) >= 0;
  return inPlace && known && fresh;
}
