/** Arguments and results of system calls. */
import { ScriptError, type Expr, type Field } from "./ast.ts";
import type { Cursor } from "./cursor.ts";

/** `(…)` after a function name. */
export function parseArguments(cursor: Cursor): Expr[] {
  cursor.need("(");
  if (cursor.take(")")) return [];
  const args = parseList(cursor);
  cursor.need(")");
  return args;
}

function parseList(cursor: Cursor): Expr[] {
  const items = [parseExpression(cursor)];
  while (cursor.take(",")) items.push(parseExpression(cursor));
  return items;
}

/** primary, `a | b | c`, or `name = value`. */
export function parseExpression(cursor: Cursor): Expr {
  if (cursor.seesKind("word") && cursor.sees("=", 1)) {
    const name = cursor.next().text;
    cursor.next();
    return { kind: "assign", name, value: parseExpression(cursor) };
  }
  const first = parsePrimary(cursor);
  if (!cursor.sees("|")) return first;
  const terms = [first];
  while (cursor.take("|")) terms.push(parsePrimary(cursor));
  return { kind: "or", terms };
}

function parsePrimary(cursor: Cursor): Expr {
  const token = cursor.peek();
  switch (token.kind) {
    case "ellipsis":
      cursor.next();
      return { kind: "ellipsis" };
    case "int":
      cursor.next();
      return { kind: "int", value: Number(token.text), hex: false };
    case "hex":
      cursor.next();
      return { kind: "int", value: Number(token.text), hex: true };
    case "float":
      cursor.next();
      return { kind: "float", value: Number(token.text) };
    case "string":
      return parseString(cursor);
    case "word":
      return parseWord(cursor);
    default:
      break;
  }
  if (cursor.take("[")) return { kind: "list", items: closeList(cursor) };
  if (cursor.take("{")) return parseStruct(cursor);
  if (cursor.take("(")) {
    const inner = parseExpression(cursor);
    cursor.need(")");
    return inner;
  }
  return cursor.fail("an expression");
}

function closeList(cursor: Cursor): Expr[] {
  if (cursor.take("]")) return [];
  const items = parseList(cursor);
  cursor.need("]");
  return items;
}

/** Adjacent strings are one; `"…"...` means "begins with". */
function parseString(cursor: Cursor): Expr {
  let text = "";
  while (cursor.seesKind("string")) {
    const token = cursor.next();
    text += unquote(token.text, token.line);
  }
  const more = cursor.seesKind("ellipsis");
  if (more) cursor.next();
  return { kind: "string", text, more };
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", "0": "\0", "\\": "\\", '"': '"', "'": "'" };

function unquote(text: string, line: number): string {
  return text.replace(/\\(x[0-9a-fA-F]{2}|[\s\S])/g, (whole, code: string) => {
    if (code.length === 3) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    const plain = ESCAPES[code];
    if (plain === undefined) throw new ScriptError(line, `syntax: escape ${whole}`);
    return plain;
  });
}

const FUNCTIONS = new Set(["htons", "htonl", "ntohs", "ntohl", "inet_addr", "inet6_addr", "inet_pton"]);

function parseWord(cursor: Cursor): Expr {
  const name = cursor.next().text;
  if (FUNCTIONS.has(name) && cursor.sees("(")) return { kind: "call", name, args: parseArguments(cursor) };
  return { kind: "word", name };
}

/** `{name=v, name(n)=v, v}` after its opening brace. */
function parseStruct(cursor: Cursor): Expr {
  const fields: Field[] = [];
  if (cursor.take("}")) return { kind: "struct", fields };
  do fields.push(parseField(cursor));
  while (cursor.take(","));
  cursor.need("}");
  return { kind: "struct", fields };
}

function parseField(cursor: Cursor): Field {
  const named = cursor.seesKind("word") && (cursor.sees("=", 1) || (cursor.sees("(", 1) && !FUNCTIONS.has(cursor.peek().text)));
  if (!named) return { name: null, arg: null, value: parseExpression(cursor) };
  const name = cursor.next().text;
  let arg: Expr | null = null;
  if (cursor.take("(")) {
    arg = parseExpression(cursor);
    cursor.need(")");
  }
  cursor.need("=");
  return { name, arg, value: parseExpression(cursor) };
}
