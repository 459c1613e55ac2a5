/** A script's outbound packet against what the core sent (packetdrill.md, How it runs and Two modes). */
import type { Ecn, IcmpSpec, IpInfo, TcpOption, TcpSpec, UdpSpec } from "./ast.ts";
import type { Flow } from "./flow.ts";
import { icmpNumbers } from "./icmp.ts";
import { printOption } from "./notation.ts";
import type { RunState } from "./state.ts";
import { type LiveIcmp, type LivePacket, type LiveTcp, type LiveUdp, PROTOCOL_UDP, u16, u32 } from "./wire.ts";

/** Why a packet is not the expected one, or null. */
export type Problem = string | null;

/** How much of a script packet earlier live segments have covered. */
export interface Progress {
  done: number;
  /** Several live segments may make one script packet. */
  split: boolean;
}

export interface Match {
  problem: Problem;
  /** The script packet is complete. */
  complete: boolean;
}

const whole = (problem: Problem): Match => ({ problem, complete: true });

const ECN_VALUES: Record<Ecn, readonly number[]> = { noecn: [0], ect1: [1], ect0: [2], ect01: [1, 2], ce: [3] };

/** What the script wrote of the IP header. */
export function compareIp(info: IpInfo, live: LivePacket): Problem {
  const { tos, ttl } = live.ip;
  if (info.tos !== undefined && info.tos !== tos) return `tos is 0x${tos.toString(16)}`;
  if (info.dscp !== undefined && info.dscp !== tos >> 2) return `dscp is ${tos >> 2}`;
  if (info.ecn !== undefined && !ECN_VALUES[info.ecn].includes(tos & 3)) return `ECN bits are ${tos & 3}`;
  if (info.ttl !== undefined && info.ttl !== ttl) return `ttl is ${ttl}`;
  return null;
}

export function compareTcp(state: RunState, flow: Flow, spec: TcpSpec, live: LiveTcp, progress: Progress): Match {
  const left = spec.seq.length - progress.done;
  const partial = progress.split && live.payload.length > 0 && live.payload.length < left;
  if (live.payload.length !== left && !partial) return whole(`payload is ${live.payload.length} bytes`);
  const flags = compareFlags(state, flow, spec, live, partial);
  if (flags === "fin repeated") return whole(null);
  const problem = flags ?? compareSequence(flow, spec, live, progress.done) ?? compareAck(flow, spec, live) ?? compareRest(state, flow, spec, live);
  return { problem: problem ?? compareContent(flow, spec, live, progress.done), complete: !partial };
}

/** Flags a partial segment leaves to the last one. */
const LAST_ONLY = "FPW";

function compareFlags(state: RunState, flow: Flow, spec: TcpSpec, live: LiveTcp, partial: boolean): Problem | "fin repeated" {
  const ignored = partial ? LAST_ONLY : "";
  const strip = (flags: string, also: string): string => [...flags].filter((c) => !ignored.includes(c) && !also.includes(c)).join("");
  if (strip(spec.flags, "") === strip(live.flags, "")) return null;
  if (state.mode === "neutral" && strip(spec.flags, "P") === strip(live.flags, "P")) {
    state.relax("PSH not compared");
    return null;
  }
  if (state.mode === "neutral" && bareAckForFin(flow, spec, live)) {
    state.relax("bare ACK where the script repeats FIN");
    return "fin repeated";
  }
  return `flags are ${live.flags || "-"}`;
}

/** FreeBSD sends its FIN again on entering CLOSING; RFC 9293 §3.10.7.4 asks for the acknowledgement only. */
function bareAckForFin(flow: Flow, spec: TcpSpec, live: LiveTcp): boolean {
  const behind = (flow.localWire(spec.seq.start) + spec.seq.length + 1) >>> 0;
  return spec.flags === "F." && live.flags === "." && live.seq === behind && flow.sentTop === behind && spec.ack !== null && live.ack === flow.remoteWire(spec.ack);
}

function compareSequence(flow: Flow, spec: TcpSpec, live: LiveTcp, done: number): Problem {
  if (spec.seq.any) return null;
  const script = spec.seq.start + done;
  if (spec.seq.absolute) return live.seq === script >>> 0 ? null : `sequence number is ${live.seq} on the wire`;
  if (spec.flags.includes("S") && (flow.localOffset === null || (flow.synPending && live.seq !== flow.localWire(script)))) {
    flow.learnSyn(script, live.seq);
    return null;
  }
  if (live.seq === flow.localWire(script)) return null;
  // RFC 9293 §3.10.7.1: a RST that answers a segment without ACK has SEQ=0, whatever the connection's numbers were.
  if (script === 0 && live.seq === 0 && spec.flags === "R.") return null;
  return `sequence number is ${flow.localScript(live.seq)}`;
}

function compareAck(flow: Flow, spec: TcpSpec, live: LiveTcp): Problem {
  if (!live.flags.includes(".")) return live.ack === 0 ? null : `ack field is ${live.ack} without the ACK flag`;
  const wanted = flow.remoteWire(spec.ack ?? 0);
  return live.ack === wanted ? null : `ack is ${flow.remoteScript(live.ack)}`;
}

function compareRest(state: RunState, flow: Flow, spec: TcpSpec, live: LiveTcp): Problem {
  if (spec.window !== null && spec.window !== live.window) {
    // The window of a RST is part of its form in scripts that write it.
    if (state.mode === "strict") return `window is ${live.window}`;
    state.relax("window not compared");
  }
  const urgent = spec.urgent ?? 0;
  if (live.flags.includes("U") && urgent !== live.urgent) return `urgent pointer is ${live.urgent}`;
  if (spec.options === null) return null;
  return compareOptions(state, flow, spec.options, live.options);
}

function compareOptions(state: RunState, flow: Flow, want: readonly TcpOption[], seen: readonly TcpOption[]): Problem {
  learnTimestamp(flow, want, seen);
  const text = (list: readonly TcpOption[]): string[] => list.map((o) => printOption(o, null));
  const wanted = text(wireOptions(flow, want));
  const found = text(wireOptions(flow, seen, true));
  const shown = (): string => `options are <${seen.map((o) => printOption(o, flow)).join(",")}>`;
  if (state.mode === "strict") return wanted.join(",") === found.join(",") ? null : shown();
  const set = (list: string[]): string => list.filter((o) => o !== "nop" && o !== "eol").sort().join(",");
  if (wanted.join(",") === found.join(",")) return null;
  if (set(wanted) === set(found)) {
    state.relax("options compared as a set");
    return null;
  }
  return looseOptions(state, wanted, found) ? null : shown();
}

/** Neutral: the scale and the MSS of a SYN follow from buffers and MTU, the timestamp clock from the stack. */
function looseOptions(state: RunState, wanted: string[], found: string[]): boolean {
  const loose = (list: string[]): string =>
    list.filter((o) => o !== "nop" && o !== "eol").map((o) => o.replace(/^wscale \d+$/, "wscale").replace(/^TS val \S+/, "TS val")).sort().join(",");
  if (loose(wanted) !== loose(found)) return false;
  state.relax("wscale and TS val not compared");
  return true;
}

/** Script options with the numbers they have on the wire; live ones only lose what cannot be compared. */
function wireOptions(flow: Flow, options: readonly TcpOption[], live = false): TcpOption[] {
  return options.map((o) => {
    if (live) return o;
    if (o.kind === "sack") return { ...o, blocks: o.blocks.map((b) => ({ left: flow.remoteWire(b.left), right: flow.remoteWire(b.right) })) };
    if (o.kind === "timestamp" && o.val !== null) return { ...o, val: (o.val + (flow.timestampOffset ?? 0)) >>> 0 };
    return o;
  });
}

function learnTimestamp(flow: Flow, want: readonly TcpOption[], seen: readonly TcpOption[]): void {
  const script = want.find((o) => o.kind === "timestamp");
  const live = seen.find((o) => o.kind === "timestamp");
  if (flow.timestampOffset !== null || script?.kind !== "timestamp" || live?.kind !== "timestamp") return;
  if (script.val !== null && live.val !== null) flow.timestampOffset = (live.val - script.val) >>> 0;
}

function compareContent(flow: Flow, spec: TcpSpec, live: LiveTcp, done: number): Problem {
  if (!live.payload.length || spec.seq.any) return null;
  const offset = flow.outboundOffset(spec.seq.absolute ? flow.localScript(live.seq) : spec.seq.start + done);
  const wrong = flow.outbound.differsAt(offset, live.payload);
  return wrong < 0 ? null : `byte ${wrong} of the stream was sent as another`;
}

export function compareUdp(flow: Flow, spec: UdpSpec, live: LiveUdp): Problem {
  if (live.payload.length !== spec.length) return `payload is ${live.payload.length} bytes`;
  const wrong = flow.outbound.differsAt(0, live.payload);
  return wrong < 0 ? null : `byte ${wrong} of the datagram was sent as another`;
}

export function compareIcmp(flow: Flow, spec: IcmpSpec, live: LiveIcmp): Problem {
  const numbers = icmpNumbers(spec);
  if (!numbers) return `nobody knows ${spec.type} ${spec.code ?? ""}`;
  if (live.type !== numbers.type || live.code !== numbers.code) return `it is type ${live.type} code ${live.code}`;
  if (spec.mtu !== null && live.mtu !== spec.mtu) return `mtu is ${live.mtu}`;
  return spec.quoted ? compareQuote(flow, spec.quoted, live.body) : null;
}

/** The quoted packet is one that the script injected. */
function compareQuote(flow: Flow, quoted: NonNullable<IcmpSpec["quoted"]>, body: Uint8Array): Problem {
  if (body.length < 28) return "the quoted packet is cut";
  const header = ((body[0] as number) & 15) * 4;
  if (body.length < header + 8) return "the quoted packet is cut";
  if (quoted.protocol === "udp") {
    if (body[9] !== PROTOCOL_UDP) return `protocol ${body[9]} is quoted`;
    return u16(body, header + 4) === 8 + quoted.length ? null : `a datagram of ${u16(body, header + 4) - 8} bytes is quoted`;
  }
  if (quoted.protocol === "tcp" && u32(body, header + 4) !== flow.remoteWire(quoted.start)) return `sequence number ${flow.remoteScript(u32(body, header + 4))} is quoted`;
  return null;
}
