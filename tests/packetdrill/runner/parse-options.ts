/** `<mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7,uto 300>` and `<...>`. */
import { ScriptError, type Direction, type TcpOption } from "./ast.ts";
import type { Cursor } from "./cursor.ts";

/** No bracket: no options. `<...>`: null, any options (outbound only). */
export function parseTcpOptions(cursor: Cursor, direction: Direction): TcpOption[] | null {
  // A `<` that opens the next line's packet never follows a packet directly: a time stands between.
  if (!cursor.sees("<")) return [];
  const line = cursor.next().line;
  if (cursor.seesKind("ellipsis")) {
    cursor.next();
    cursor.need(">");
    if (direction === "in") throw new ScriptError(line, "syntax: <...> on an inbound packet");
    return null;
  }
  const options: TcpOption[] = [];
  if (cursor.take(">")) return options;
  do options.push(parseOption(cursor));
  while (cursor.take(","));
  cursor.need(">");
  return options;
}

function parseOption(cursor: Cursor): TcpOption {
  const token = cursor.needKind("word", "a TCP option");
  switch (token.text) {
    case "nop":
      return { kind: "nop" };
    case "eol":
      return { kind: "eol" };
    case "mss":
      return { kind: "mss", value: cursor.integer("mss", 0, 65535) };
    case "wscale":
      return { kind: "wscale", shift: cursor.integer("wscale", 0, 255) };
    case "sackOK":
      return { kind: "sackOK" };
    case "sack":
      return { kind: "sack", blocks: parseBlocks(cursor) };
    case "TS":
      return parseTimestamp(cursor);
    case "uto":
      return parseUserTimeout(cursor);
    case "FO":
      return { kind: "fastopen", cookie: parseBlob(cursor), experimental: false };
    case "FOEXP":
      return { kind: "fastopen", cookie: parseBlob(cursor), experimental: true };
    case "md5":
      return { kind: "md5", digest: parseBlob(cursor) };
    default:
      return parseOther(cursor, token.text);
  }
}

function parseBlocks(cursor: Cursor): { left: number; right: number }[] {
  const blocks: { left: number; right: number }[] = [];
  while (cursor.seesKind("int")) {
    const left = cursor.integer("SACK edge");
    cursor.need(":");
    blocks.push({ left, right: cursor.integer("SACK edge") });
  }
  if (!blocks.length) cursor.fail("a SACK block");
  return blocks;
}

function parseTimestamp(cursor: Cursor): TcpOption {
  cursor.need("val");
  let val: number | null = null;
  if (cursor.seesKind("ellipsis")) cursor.next();
  else val = cursor.integer("TS val");
  cursor.need("ecr");
  const ecr = cursor.integer("TS ecr");
  return { kind: "timestamp", val, ecr, ecrAbsolute: cursor.take("!") };
}

/** `uto 300` seconds, `uto 5 min`. */
function parseUserTimeout(cursor: Cursor): TcpOption {
  const value = cursor.integer("user timeout", 0, 0x7fff), minutes = cursor.sees("min");
  if (minutes) cursor.next();
  return { kind: "uto", value, minutes };
}

/** Hex digits, which may look like a word or a number; none at all is an empty cookie. */
function parseBlob(cursor: Cursor): string {
  return cursor.seesKind("word") || cursor.seesKind("int") ? cursor.next().text : "";
}

/** AccECN, TARR and what comes after them: kept by name, up to the comma, so that the script is reported by feature. */
function parseOther(cursor: Cursor, first: string): TcpOption {
  let name = first;
  while (!cursor.sees(",") && !cursor.sees(">") && !cursor.seesKind("end")) name += ` ${cursor.next().text}`;
  return { kind: "other", name };
}
