/** `(tos 0x..)`, `(ttl N)`, `[ect0]`, `[ce, ttl 7]`: what a script says of the IP header. */
import { ScriptError, type Direction, type Ecn, type IpInfo } from "./ast.ts";
import type { Cursor } from "./cursor.ts";

const ECN = new Set(["noecn", "ect0", "ect1", "ect01", "ce"]);

/** Code points by name (RFC 2474, 2597, 3246, 5865, 8622). */
const DSCP: Record<string, number> = {
  cs0: 0, cs1: 8, cs2: 16, cs3: 24, cs4: 32, cs5: 40, cs6: 48, cs7: 56,
  af11: 10, af12: 12, af13: 14, af21: 18, af22: 20, af23: 22, af31: 26, af32: 28, af33: 30, af41: 34, af42: 36, af43: 38,
  ef: 46, "voice-admit": 44, le: 1,
};

const WORDS = new Set(["tos", "class", "dscp", "ecn", "ttl", "hlim", "flowlabel"]);

/** Empty when no prefix stands there. */
export function parseIpInfo(cursor: Cursor, direction: Direction): IpInfo {
  const info: IpInfo = {};
  const word = cursor.peek(1).text;
  const prefixed = (cursor.sees("(") || cursor.sees("[")) && (ECN.has(word) || WORDS.has(word));
  if (!prefixed) return info;
  const close = cursor.next().text === "(" ? ")" : "]";
  do parseItem(cursor, info);
  while (cursor.take(","));
  cursor.need(close);
  if (info.ecn === "ect01" && direction === "in") throw new ScriptError(cursor.peek().line, "syntax: [ect01] on an inbound packet");
  return info;
}

function parseItem(cursor: Cursor, info: IpInfo): void {
  const token = cursor.needKind("word", "tos, ttl, ect0 …");
  switch (token.text) {
    case "tos":
    case "class":
      info.tos = byte(cursor, token.text, 255);
      return;
    case "dscp":
      info.dscp = cursor.seesKind("word") ? codePoint(cursor) : byte(cursor, "dscp", 63);
      return;
    case "ecn": {
      const name = cursor.needKind("word", "an ECN code point").text;
      if (!ECN.has(name)) throw new ScriptError(token.line, `syntax: ecn ${name}`);
      info.ecn = name as Ecn;
      return;
    }
    case "ttl":
    case "hlim":
      info.ttl = cursor.integer(token.text, 0, 255);
      return;
    case "flowlabel":
      info.flowlabel = byte(cursor, "flowlabel", 0xfffff);
      return;
    default:
      if (!ECN.has(token.text)) throw new ScriptError(token.line, `syntax: IP field ${token.text}`);
      info.ecn = token.text as Ecn;
  }
}

function codePoint(cursor: Cursor): number {
  const token = cursor.next();
  let name = token.text.toLowerCase();
  if (name === "voice" && cursor.take("-")) name += `-${cursor.next().text.toLowerCase()}`;
  const value = DSCP[name];
  if (value === undefined) throw new ScriptError(token.line, `syntax: dscp ${token.text}`);
  return value;
}

function byte(cursor: Cursor, what: string, max: number): number {
  const token = cursor.next();
  const value = token.kind === "int" || token.kind === "hex" ? Number(token.text) : Number.NaN;
  if (!(value >= 0 && value <= max)) throw new ScriptError(token.line, `syntax: ${what} ${token.text}`);
  return value;
}
