/** Which features of a TCP a script needs, from what it writes. */
import type { Event, PacketSpec, Script, TcpOption, TcpSpec } from "./ast.ts";
import type { Feature } from "./capabilities.ts";

export interface Need {
  feature: Feature;
  line: number;
}

/** Every feature the script needs, at its first line. */
export function neededFeatures(script: Script): Need[] {
  const found = new Map<Feature, number>();
  const add = (feature: Feature, line: number): void => {
    if (!found.has(feature)) found.set(feature, line);
  };
  for (const option of script.options) headerNeeds(option.name, option.value, (f) => add(f, option.line));
  for (const event of script.events) eventNeeds(event, (f) => add(f, event.line));
  return [...found].map(([feature, line]) => ({ feature, line }));
}

/**
 * True if the core should offer the option of this feature: where the script shows it in a packet of ours, or leaves our options open
 * and needs it. Elsewhere the core is configured without, so that scripts about other things write no options.
 */
export function offers(script: Script, feature: "timestamps" | "sack"): boolean {
  const kinds = feature === "timestamps" ? ["timestamp"] : ["sackOK", "sack"];
  let open = false;
  for (const { action } of script.events) {
    if (action.kind !== "packet" || action.packet.kind !== "tcp" || action.packet.direction !== "out") continue;
    if (action.packet.options?.some((o) => kinds.includes(o.kind))) return true;
    open ||= action.packet.options === null && action.packet.flags.includes("S");
  }
  return open && neededFeatures(script).some((need) => need.feature === feature);
}

function headerNeeds(name: string, value: string | null, add: (f: Feature) => void): void {
  if (name === "ip_version" && value !== "ipv4") add("ipv6");
  if (name === "udp_encapsulation" && value !== "none") add("udp encapsulation");
  if ((name.endsWith("_ip") || name.endsWith("_ip6")) && value?.includes(":")) add("ipv6");
}

function eventNeeds(event: Event, add: (f: Feature) => void): void {
  if (event.action.kind === "packet") packetNeeds(event.action.packet, add);
  if (event.action.kind !== "syscall") return;
  const source = event.source;
  if (/\bTCP_FASTOPEN|\bMSG_FASTOPEN/.test(source)) add("fast open");
  if (/\bTCP_MD5SIG/.test(source)) add("md5");
  if (/\bAF_INET6\b|\bIPV6_[A-Z]/.test(source)) add("ipv6");
  if (/\bTCP_NOPUSH\b/.test(source)) add("nopush");
  if (/\bMSG_MORE\b/.test(source)) add("more to come");
}

function packetNeeds(packet: PacketSpec, add: (f: Feature) => void): void {
  if (packet.ip.flowlabel !== undefined) add("ipv6");
  if (packet.kind !== "tcp") return;
  if (packet.udp) add("udp encapsulation");
  // A SYN that offers ECN asks nothing of a host without it, unless the answer accepts (RFC 3168 §6.1.1).
  const core = packet.direction === "out";
  if (core && (/[EW]/.test(packet.flags) || (packet.ip.ecn && packet.ip.ecn !== "noecn"))) add("ecn");
  if (packet.flags.includes("A")) add("accecn");
  for (const option of packet.options ?? []) optionNeeds(packet, option, core, add);
}

function optionNeeds(packet: TcpSpec, option: TcpOption, core: boolean, add: (f: Feature) => void): void {
  const syn = packet.flags.includes("S");
  switch (option.kind) {
    // What a SYN of the peer offers may be left unanswered; anything beyond that is the feature in use.
    case "sackOK":
      if (core) add("sack");
      return;
    case "sack":
      add("sack");
      return;
    case "timestamp":
      if (core || !syn) add("timestamps");
      return;
    case "wscale":
      if (core) add("window scale");
      return;
    case "fastopen":
      add("fast open");
      return;
    case "md5":
      add("md5");
      return;
    case "other":
      add("accecn");
      return;
    default:
  }
}
