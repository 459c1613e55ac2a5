/** Characters to tokens. Blanks and newlines separate; comments go; nothing is interpreted. */
import { ScriptError } from "./ast.ts";

export type TokenKind = "int" | "hex" | "float" | "word" | "string" | "command" | "code" | "option" | "ipv4" | "ipv6" | "ellipsis" | "punct" | "end";

export interface Token {
  kind: TokenKind;
  /** As written; for strings, commands and code without their delimiters. */
  text: string;
  line: number;
  /** Offsets in the text, for quoting the source. */
  from: number;
  to: number;
  /** True if a blank or newline stands before it. */
  spaced: boolean;
}

const IPV4 = /\d+\.\d+\.\d+\.\d+(?![\w.])/y;
/** Only with `::` or seven colons: `1:1001` is a sequence range. */
const IPV6 = /(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){7}|(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?::(?:(?:[0-9a-fA-F]{1,4}:)*\d+\.\d+\.\d+\.\d+|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?)(?![\w:])/y;
const FLOAT = /-?\d*\.\d+/y;
const HEX = /0[xX][0-9a-fA-F]+(?![A-Za-z0-9_])/y;
const INT = /-?\d+(?![A-Za-z0-9_])/y;
const WORD = /[A-Za-z0-9_]+/y;
const OPTION = /--[A-Za-z0-9_]+(?:=(?:"[^"\n]*"|[^\s]*))?/y;
const STRING = /"(?:\\[\s\S]|[^"\\])*"/y;
const COMMAND = /`(?:\\[\s\S]|[^`\\])*`/y;
const CODE = /%\{[\s\S]*?\}%/y;

/** In this order: the first that matches at a place wins. */
const RULES: readonly [TokenKind, RegExp][] = [
  ["ipv4", IPV4],
  ["ipv6", IPV6],
  ["ellipsis", /\.\.\./y],
  ["float", FLOAT],
  ["hex", HEX],
  ["int", INT],
  ["word", WORD],
  ["option", OPTION],
  ["string", STRING],
  ["command", COMMAND],
  ["code", CODE],
];

const SKIP = /(?:[ \t\r\n\f\v]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;

/** Splits the (preprocessed) text. Throws ScriptError on an unclosed quote or comment. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  const lineAfter = (from: number, to: number): number => {
    for (let i = from; i < to; i++) if (text.charCodeAt(i) === 10) line++;
    return to;
  };
  for (;;) {
    SKIP.lastIndex = at;
    const skipped = SKIP.exec(text);
    if (skipped) at = lineAfter(at, at + skipped[0].length);
    if (at >= text.length) break;
    const token = scan(text, at, line, skipped !== null || at === 0);
    tokens.push(token);
    at = lineAfter(at, token.to);
  }
  tokens.push({ kind: "end", text: "", line, from: at, to: at, spaced: true });
  return tokens;
}

function scan(text: string, at: number, line: number, spaced: boolean): Token {
  for (const [kind, rule] of RULES) {
    rule.lastIndex = at;
    const match = rule.exec(text);
    if (match) return { kind, text: inside(kind, match[0]), line, from: at, to: at + match[0].length, spaced };
  }
  const char = text.charAt(at);
  if (char === '"' || char === "`") throw new ScriptError(line, `unclosed ${char}`);
  if (text.startsWith("/*", at)) throw new ScriptError(line, "unclosed comment");
  if (text.startsWith("%{", at)) throw new ScriptError(line, "unclosed %{");
  return { kind: "punct", text: char, line, from: at, to: at + 1, spaced };
}

function inside(kind: TokenKind, text: string): string {
  if (kind === "string" || kind === "command") return text.slice(1, -1);
  if (kind === "code") return text.slice(2, -2).trim();
  return text;
}
