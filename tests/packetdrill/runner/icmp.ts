/** ICMP types and codes by packetdrill's names (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1). */
import type { IcmpSpec } from "./ast.ts";

const TYPES: Record<string, number> = {
  echo_reply: 0, unreachable: 3, destination_unreachable: 3, source_quench: 4, redirect: 5, echo_request: 8, time_exceeded: 11,
  parameter_problem: 12, timestamp_request: 13, timestamp_reply: 14, information_request: 15, information_reply: 16,
  address_mask_request: 17, address_mask_reply: 18,
};

const CODES: Record<number, Record<string, number>> = {
  3: {
    net_unreachable: 0, host_unreachable: 1, protocol_unreachable: 2, port_unreachable: 3, frag_needed: 4, source_route_failed: 5,
    net_unknown: 6, host_unknown: 7, source_host_isolated: 8, net_prohibited: 9, host_prohibited: 10, net_unreachable_for_tos: 11,
    host_unreachable_for_tos: 12, packet_filtered: 13, precedence_violation: 14, precedence_cutoff: 15,
  },
  11: { ttl_exceeded: 0, exc_ttl: 0, fragment_reassembly_time_exceeded: 1, exc_fragtime: 1 },
};

/** Types that carry no quoted packet. */
const QUERIES = new Set([0, 8, 13, 14, 15, 16, 17, 18]);

export interface IcmpNumbers {
  type: number;
  code: number;
  quotes: boolean;
}

/** Numbers for a script's words, or null when a word is none of ours. `type_N` and `code_N` name a number. */
export function icmpNumbers(spec: IcmpSpec): IcmpNumbers | null {
  const type = byPrefix(spec.type, "type_") ?? TYPES[spec.type];
  if (type === undefined) return null;
  const code = spec.code === null ? 0 : (byPrefix(spec.code, "code_") ?? CODES[type]?.[spec.code]);
  if (code === undefined) return null;
  return { type, code, quotes: !QUERIES.has(type) };
}

function byPrefix(word: string, prefix: string): number | undefined {
  if (!word.startsWith(prefix)) return undefined;
  const value = Number(word.slice(prefix.length));
  return Number.isInteger(value) && value >= 0 && value <= 255 ? value : undefined;
}

/** `unreachable port_unreachable` for numbers. */
export function icmpWords(type: number, code: number): string {
  const name = Object.entries(TYPES).find(([, n]) => n === type)?.[0] ?? `type_${type}`;
  const detail = Object.entries(CODES[type] ?? {}).find(([, n]) => n === code)?.[0];
  return detail ? `${name} ${detail}` : code ? `${name} code_${code}` : name;
}
