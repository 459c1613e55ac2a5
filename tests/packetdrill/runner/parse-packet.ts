/** `< …` and `> …`: TCP, UDP and ICMP packets with their IP prefix, options and mutations. */
import { canonicalFlags, ScriptError, type Direction, type IcmpSpec, type Mutation, type PacketSpec, type Ports, type Sequence, type TcpSpec } from "./ast.ts";
import type { Cursor } from "./cursor.ts";
import { parseIpInfo } from "./parse-ip.ts";
import { parseTcpOptions } from "./parse-options.ts";

const OUTSIDE: Record<string, string> = {
  ipv4: "encapsulation ipv4",
  ipv6: "encapsulation ipv6",
  gre: "encapsulation gre",
  GREv0: "encapsulation gre",
  mpls: "encapsulation mpls",
  sctp: "sctp packet",
  udplite: "udplite packet",
};

/** The packet whose direction sign comes next. */
export function parsePacket(cursor: Cursor): PacketSpec {
  const direction: Direction = cursor.next().text === "<" ? "in" : "out";
  const line = cursor.peek().line;
  const outside = cursor.seesKind("word") ? OUTSIDE[cursor.peek().text] : undefined;
  if (outside) throw new ScriptError(line, outside);
  const ip = parseIpInfo(cursor, direction);
  if (cursor.take("icmp")) return parseIcmp(cursor, direction, ip);
  const early = parsePorts(cursor);
  if (cursor.seesKind("word") && OUTSIDE[cursor.peek().text]) throw new ScriptError(line, OUTSIDE[cursor.peek().text] as string);
  if (cursor.take("udp")) {
    const ports = early ?? parsePorts(cursor);
    cursor.need("(");
    const length = cursor.integer("UDP length", 0, 65507);
    cursor.need(")");
    return { kind: "udp", direction, ip, ports, length };
  }
  return parseTcp(cursor, direction, ip, early);
}

/** `src > dst` as two bare integers. */
function parsePorts(cursor: Cursor): Ports | null {
  if (!(cursor.seesKind("int") && cursor.sees(">", 1) && cursor.seesKind("int", 2))) return null;
  const src = cursor.integer("port", 1, 65535);
  cursor.next();
  return { src, dst: cursor.integer("port", 1, 65535) };
}

function parseTcp(cursor: Cursor, direction: Direction, ip: TcpSpec["ip"], ports: Ports | null): TcpSpec {
  const flags = parseFlags(cursor);
  const seq = parseSequence(cursor);
  const ack = cursor.take("ack") ? cursor.integer("ack") : null;
  const window = cursor.take("win") ? cursor.integer("win", 0, 65535) : null;
  const urgent = cursor.take("urg") ? cursor.integer("urg", 0, 65535) : null;
  const options = parseTcpOptions(cursor, direction);
  const udp = parseEncapsulation(cursor);
  const mutations = parseMutations(cursor);
  if (mutations.length && direction === "out" && mutations.some((m) => m.verb !== "mut")) {
    throw new ScriptError(cursor.peek().line, "mutation of an outbound packet");
  }
  return { kind: "tcp", direction, ip, ports, flags, seq, ack, window, urgent, options, mutations, udp };
}

function parseFlags(cursor: Cursor): string {
  const token = cursor.peek();
  if (cursor.take("-")) return "";
  let text = "";
  if (token.kind === "word") text = cursor.next().text;
  if (cursor.seesKind("float")) throw new ScriptError(token.line, "AccECN counter in the flags");
  // The dot belongs to the flags only when nothing stands between, or when it is all there is.
  if (cursor.sees(".")) text += cursor.next().text;
  if (!text) cursor.fail("TCP flags");
  const flags = canonicalFlags(text);
  if (flags === null) throw new ScriptError(token.line, `syntax: TCP flags "${text}"`);
  return flags;
}

function parseSequence(cursor: Cursor): Sequence {
  const line = cursor.peek().line;
  if (cursor.seesKind("ellipsis")) {
    cursor.next();
    cursor.need("(");
    const length = cursor.integer("payload length", 0, 65535);
    cursor.need(")");
    return { start: 0, length, absolute: false, any: true };
  }
  const start = cursor.integer("sequence number");
  cursor.need(":");
  const end = cursor.integer("sequence number");
  cursor.need("(");
  const length = cursor.integer("payload length", 0, 65535);
  cursor.need(")");
  if (((start + length) >>> 0) !== end) throw new ScriptError(line, `syntax: ${start}:${end}(${length}) does not add up`);
  return { start, length, absolute: cursor.take("!"), any: false };
}

/** `/udp(a > b)`. */
function parseEncapsulation(cursor: Cursor): Ports | null {
  if (!(cursor.sees("/") && cursor.sees("udp", 1))) return null;
  cursor.next();
  cursor.next();
  cursor.need("(");
  const ports = parsePorts(cursor);
  if (!ports) return cursor.fail("ports");
  cursor.need(")");
  return ports;
}

const VERBS = new Set(["rep", "ins", "trun", "mut"]);

/** Any number of `{verb layer …}` groups; `;` separates mutations inside one. */
function parseMutations(cursor: Cursor): Mutation[] {
  const found: Mutation[] = [];
  while (cursor.sees("{") && VERBS.has(cursor.peek(1).text)) {
    cursor.next();
    do found.push(parseMutation(cursor));
    while (cursor.take(";"));
    cursor.need("}");
  }
  return found;
}

function parseMutation(cursor: Cursor): Mutation {
  const verb = cursor.needKind("word", "rep, ins or trun").text;
  if (!VERBS.has(verb)) return cursor.fail("rep, ins or trun");
  const layer = cursor.needKind("word", "a layer").text;
  const words: string[] = [];
  while (!cursor.sees("}") && !cursor.sees(";") && !cursor.seesKind("end")) {
    if (!cursor.take(",")) words.push(cursor.next().text);
  }
  return { verb: verb as Mutation["verb"], layer, words };
}

function parseIcmp(cursor: Cursor, direction: Direction, ip: IcmpSpec["ip"]): IcmpSpec {
  const type = cursor.needKind("word", "an ICMP type").text;
  const spec: IcmpSpec = { kind: "icmp", direction, ip, type, code: null, mtu: null, id: null, quoted: null };
  if (cursor.seesKind("word") && !cursor.sees("mtu") && !cursor.sees("id")) spec.code = cursor.next().text;
  if (cursor.take("mtu")) spec.mtu = cursor.integer("mtu");
  if (cursor.take("id")) spec.id = cursor.integer("id", 0, 65535);
  if (!cursor.take("[")) return spec;
  if (cursor.take("udp")) {
    spec.quoted = { protocol: "udp", start: 0, length: parenthesized(cursor) };
  } else if (cursor.take("raw")) {
    spec.quoted = { protocol: "raw", start: 0, length: parenthesized(cursor) };
  } else {
    const seq = parseSequence(cursor);
    spec.quoted = { protocol: "tcp", start: seq.start, length: seq.length };
  }
  cursor.need("]");
  return spec;
}

function parenthesized(cursor: Cursor): number {
  cursor.need("(");
  const value = cursor.integer("length", 0, 65535);
  cursor.need(")");
  return value;
}
