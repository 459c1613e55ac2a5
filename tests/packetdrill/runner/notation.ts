/** Packets as packetdrill writes them, with the script's relative numbers. */
import type { TcpOption } from "./ast.ts";
import type { Flow } from "./flow.ts";
import { icmpWords } from "./icmp.ts";
import type { LivePacket, LiveTcp } from "./wire.ts";

/** `0.1 > S. 0:0(0) ack 1 win 65535 <mss 1460>`; `flow` translates the numbers. */
export function printPacket(packet: LivePacket, flow: Flow | null): string {
  const time = (packet.us / 1e6).toFixed(6).replace(/0{1,5}$/, "");
  return `${time} > ${ipPrefix(packet)}${printLayer(packet, flow)}${packet.broken ? ` (${packet.broken})` : ""}`;
}

function ipPrefix(packet: LivePacket): string {
  return packet.ip.tos ? `(tos 0x${packet.ip.tos.toString(16)}) ` : "";
}

function printLayer(packet: LivePacket, flow: Flow | null): string {
  const layer = packet.layer;
  switch (layer.kind) {
    case "tcp":
      return printTcp(layer, flow);
    case "udp":
      return `udp (${layer.payload.length})`;
    case "icmp":
      return `icmp ${icmpWords(layer.type, layer.code)}`;
    default:
      return `protocol ${packet.ip.protocol} to ${packet.ip.destination}, ${packet.ip.length} bytes`;
  }
}

export function printTcp(tcp: LiveTcp, flow: Flow | null): string {
  const seq = flow ? flow.localScript(tcp.seq) : tcp.seq;
  const ack = flow ? flow.remoteScript(tcp.ack) : tcp.ack;
  const flags = tcp.flags || "-";
  const length = tcp.payload.length;
  const parts = [`${flags.padEnd(2)} ${seq}:${(seq + length) >>> 0}(${length})`];
  if (tcp.flags.includes(".")) parts.push(`ack ${ack}`);
  parts.push(`win ${tcp.window}`);
  if (tcp.flags.includes("U")) parts.push(`urg ${tcp.urgent}`);
  if (tcp.options.length) parts.push(`<${tcp.options.map((o) => printOption(o, flow)).join(",")}>`);
  return parts.join(" ");
}

export function printOption(option: TcpOption, flow: Flow | null): string {
  switch (option.kind) {
    case "nop":
    case "eol":
    case "sackOK":
      return option.kind;
    case "mss":
      return `mss ${option.value}`;
    case "wscale":
      return `wscale ${option.shift}`;
    case "sack":
      return `sack ${option.blocks.map((b) => `${flow ? flow.remoteScript(b.left) : b.left}:${flow ? flow.remoteScript(b.right) : b.right}`).join(" ")}`;
    case "timestamp": {
      const val = option.val === null ? "..." : ((option.val - (flow?.timestampOffset ?? 0)) >>> 0);
      return `TS val ${val} ecr ${option.ecr}`;
    }
    case "fastopen":
      return `FO${option.experimental ? "EXP" : ""} ${option.cookie}`.trim();
    case "uto":
      return `uto ${option.value}${option.minutes ? " min" : ""}`;
    case "md5":
      return `md5 ${option.digest}`;
    case "other":
      return option.name;
  }
}
