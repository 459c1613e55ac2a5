/** A whole script: header options, back-quoted prologue, timed events, epilogue. */
import { ScriptError, type Action, type Event, type HeaderOption, type Script, type When } from "./ast.ts";
import { Cursor } from "./cursor.ts";
import { tokenize } from "./lex.ts";
import { parseArguments, parseExpression } from "./parse-expression.ts";
import { parsePacket } from "./parse-packet.ts";
import { preprocess } from "./preprocess.ts";

/** STANDARD is defined unless the caller says otherwise (packetdrill.md, Subset). */
export const DEFAULT_DEFINES: ReadonlySet<string> = new Set(["STANDARD"]);

/** Parses a script's text. Throws ScriptError naming the line and the construct it does not know. */
export function parseScript(text: string, path: string, defined: ReadonlySet<string> = DEFAULT_DEFINES): Script {
  const clean = preprocess(text, defined);
  const cursor = new Cursor(tokenize(clean), clean);
  const script: Script = { path, options: [], init: [], events: [], cleanup: [] };
  while (cursor.seesKind("option")) script.options.push(parseHeader(cursor));
  script.init = parseCommands(cursor);
  while (!cursor.seesKind("end")) {
    if (cursor.seesKind("command")) {
      script.cleanup = parseCommands(cursor);
      if (!cursor.seesKind("end")) cursor.fail("the end of the script after its last command");
      break;
    }
    script.events.push(parseEvent(cursor));
  }
  return script;
}

function parseHeader(cursor: Cursor): HeaderOption {
  const token = cursor.next();
  const equals = token.text.indexOf("=");
  if (equals < 0) return { line: token.line, name: token.text.slice(2), value: null };
  const value = token.text.slice(equals + 1).replace(/^"(.*)"$/, "$1");
  return { line: token.line, name: token.text.slice(2, equals), value };
}

function parseCommands(cursor: Cursor): { line: number; text: string }[] {
  const found: { line: number; text: string }[] = [];
  while (cursor.seesKind("command")) {
    const token = cursor.next();
    found.push({ line: token.line, text: token.text });
  }
  return found;
}

function parseEvent(cursor: Cursor): Event {
  const start = cursor.peek();
  const when = parseWhen(cursor);
  const action = parseAction(cursor, when);
  const last = cursor.tokens[cursor.at - 1];
  const source = cursor.text.slice(start.from, last?.to).replace(/\s+/g, " ");
  if (when.kind !== "at" && !(action.kind === "packet" && action.packet.direction === "out")) {
    throw new ScriptError(start.line, "syntax: * and a~b stand only before outbound packets");
  }
  return { line: start.line, when, action, source };
}

function parseWhen(cursor: Cursor): When {
  if (cursor.take("*")) return { kind: "any" };
  const line = cursor.peek().line;
  const relative = cursor.take("+");
  const us = parseTime(cursor);
  if (!cursor.take("~")) return { kind: "at", relative, us };
  if (relative) cursor.need("+");
  const to = parseTime(cursor);
  if (to < us) throw new ScriptError(line, "syntax: time range is backwards");
  return { kind: "window", relative, from: us, to };
}

/** Seconds, to the microsecond. */
function parseTime(cursor: Cursor): number {
  const token = cursor.next();
  const seconds = token.kind === "int" || token.kind === "float" ? Number(token.text) : Number.NaN;
  if (!(seconds >= 0)) {
    cursor.at--;
    return cursor.fail("a time");
  }
  return Math.round(seconds * 1e6);
}

function parseAction(cursor: Cursor, when: When): Action {
  if (cursor.sees("<") || cursor.sees(">")) return { kind: "packet", packet: parsePacket(cursor) };
  if (cursor.seesKind("command")) return { kind: "command", text: cursor.next().text };
  if (cursor.seesKind("code")) return { kind: "code", text: cursor.next().text };
  return parseSyscall(cursor, when);
}

function parseSyscall(cursor: Cursor, when: When): Action {
  let end: number | null = null;
  if (cursor.seesKind("ellipsis")) {
    cursor.next();
    const line = cursor.peek().line;
    end = parseTime(cursor);
    if (when.kind === "at" && end < when.us) throw new ScriptError(line, "syntax: a call ends before it begins");
  }
  const name = cursor.needKind("word", "an event").text;
  if (!cursor.sees("(")) cursor.fail(`"(" after ${name}`);
  const args = parseArguments(cursor);
  cursor.need("=");
  const result = parseExpression(cursor);
  const errno = cursor.seesKind("word") ? cursor.next().text : null;
  return { kind: "syscall", name, args, end, result, errno, note: parseNote(cursor) };
}

/** `(any words)` after a result; only for people. */
function parseNote(cursor: Cursor): string | null {
  if (!cursor.take("(")) return null;
  const from = cursor.peek().from;
  let to = from;
  for (let depth = 1; depth > 0; ) {
    if (cursor.seesKind("end")) cursor.fail('")"');
    const token = cursor.next();
    if (token.text === "(") depth++;
    if (token.text === ")") depth--;
    if (depth > 0) to = token.to;
  }
  return cursor.text.slice(from, to);
}
