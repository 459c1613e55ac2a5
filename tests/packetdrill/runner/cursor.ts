/** A place in the token list, with the few questions a hand-written parser asks. */
import { ScriptError } from "./ast.ts";
import type { Token, TokenKind } from "./lex.ts";

export class Cursor {
  readonly tokens: Token[];
  readonly text: string;
  at = 0;

  constructor(tokens: Token[], text: string) {
    this.tokens = tokens;
    this.text = text;
  }

  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)] as Token;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.at++;
    return token;
  }

  /** True if the next token is this punctuation or word. */
  sees(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return (token.kind === "punct" || token.kind === "word") && token.text === text;
  }

  seesKind(kind: TokenKind, ahead = 0): boolean {
    return this.peek(ahead).kind === kind;
  }

  /** Takes the token if it is this punctuation or word. */
  take(text: string): boolean {
    if (!this.sees(text)) return false;
    this.at++;
    return true;
  }

  need(text: string): Token {
    if (!this.sees(text)) this.fail(`"${text}"`);
    return this.next();
  }

  needKind(kind: TokenKind, what: string): Token {
    if (!this.seesKind(kind)) this.fail(what);
    return this.next();
  }

  /** A decimal integer in [min, max]. */
  integer(what: string, min = 0, max = 0xffffffff): number {
    const token = this.needKind("int", what);
    const value = Number(token.text);
    if (value < min || value > max) throw new ScriptError(token.line, `syntax: ${what} ${token.text} out of range ${min}..${max}`);
    return value;
  }

  fail(expected: string): never {
    const token = this.peek();
    const near = token.kind === "end" ? "end of file" : `"${this.text.slice(token.from, token.to).slice(0, 40)}"`;
    throw new ScriptError(token.line, `syntax: expected ${expected} at ${near}`);
  }
}
