/**
 * `%{ assert a == b, message; … }%`: a matcher for the assertions scripts make, not Python. Statements are `assert` and `print`;
 * expressions are integers, names, parentheses, comparisons, `and or not`, `& | + - * / % << >>`.
 */
import { Unsupported } from "./state.ts";

export type Lookup = (name: string) => number;

export interface AssertionResult {
  /** The first assertion that does not hold, as written, or null. */
  failed: string | null;
  /** Values looked up on the way. */
  values: Map<string, number>;
}

const TOKEN = /\s*(0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?|[A-Za-z_]\w*|<<|>>|==|!=|<=|>=|\/\/|[-+*/%&|^~<>(),]|"[^"]*"|'[^']*')/y;

/** Runs all statements. Throws Unsupported for what it cannot read. */
export function runAssertions(text: string, lookup: Lookup): AssertionResult {
  const values = new Map<string, number>();
  const remember: Lookup = (name) => {
    const value = lookup(name);
    if (name.startsWith("tcpi_")) values.set(name, value);
    return value;
  };
  for (const statement of statements(text)) {
    if (/^(print|import|from)\b/.test(statement)) continue;
    const assertion = /^assert\b\s*([\s\S]+)$/.exec(statement);
    if (!assertion) throw new Unsupported(`code "${statement.slice(0, 40)}"`);
    if (!new Evaluator(assertion[1] as string, remember).condition()) return { failed: statement, values };
  }
  return { failed: null, values };
}

/** Split at `;` and newlines; a backslash at the end of a line joins it with the next. */
function statements(text: string): string[] {
  return text.replace(/\\\s*\n/g, " ").split(/[;\n]/).map((s) => s.replace(/#.*$/, "").trim()).filter(Boolean);
}

class Evaluator {
  readonly #tokens: string[];
  readonly #lookup: Lookup;
  #at = 0;

  constructor(text: string, lookup: Lookup) {
    this.#tokens = split(text);
    this.#lookup = lookup;
  }

  /** The condition before the comma of an assert; the message behind it is not evaluated. */
  condition(): boolean {
    const value = this.#or();
    const next = this.#tokens[this.#at];
    if (next !== undefined && next !== ",") throw new Unsupported(`code near "${next}"`);
    return value !== 0;
  }

  #take(...texts: string[]): string | null {
    const next = this.#tokens[this.#at];
    if (next === undefined || !texts.includes(next)) return null;
    this.#at++;
    return next;
  }

  #or(): number {
    let left = this.#and();
    while (this.#take("or")) {
      const right = this.#and();
      left = left || right;
    }
    return left;
  }

  #and(): number {
    let left = this.#not();
    while (this.#take("and")) {
      const right = this.#not();
      left = left && right;
    }
    return left;
  }

  #not(): number {
    return this.#take("not") ? (this.#not() ? 0 : 1) : this.#comparison();
  }

  /** Chains as in Python: `1 <= x <= 3`. */
  #comparison(): number {
    let left = this.#binary(0);
    let holds: number | null = null;
    for (let op = this.#take("==", "!=", "<", ">", "<=", ">="); op; op = this.#take("==", "!=", "<", ">", "<=", ">=")) {
      const right = this.#binary(0);
      const one = compare(op, left, right) ? 1 : 0;
      holds = holds === null ? one : holds && one;
      left = right;
    }
    return holds ?? left;
  }

  #binary(level: number): number {
    const operators = LEVELS[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    for (let op = this.#take(...operators); op; op = this.#take(...operators)) left = apply(op, left, this.#binary(level + 1));
    return left;
  }

  #unary(): number {
    if (this.#take("-")) return -this.#unary();
    if (this.#take("~")) return ~this.#unary();
    return this.#primary();
  }

  #primary(): number {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Unsupported("code that ends early");
    if (token === "(") {
      const value = this.#or();
      if (!this.#take(")")) throw new Unsupported("code without a closing parenthesis");
      return value;
    }
    if (/^\d/.test(token)) return Number(token);
    if (token === "True") return 1;
    if (token === "False") return 0;
    if (/^[A-Za-z_]/.test(token)) return this.#lookup(token);
    throw new Unsupported(`code near "${token}"`);
  }
}

/** Python's precedence, loosest first. */
const LEVELS: readonly (readonly string[])[] = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "//", "%"]];

function compare(op: string, a: number, b: number): boolean {
  switch (op) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case ">":
      return a > b;
    case "<=":
      return a <= b;
    default:
      return a >= b;
  }
}

function apply(op: string, a: number, b: number): number {
  switch (op) {
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "&":
      return a & b;
    case "<<":
      return a << b;
    case ">>":
      return a >> b;
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "%":
      return a % b;
    case "//":
      return Math.floor(a / b);
    default:
      return a / b;
  }
}

function split(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.trimEnd().length; ) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw new Unsupported(`code near "${text.slice(at, at + 20)}"`);
    tokens.push(match[1] as string);
    at = TOKEN.lastIndex;
  }
  return tokens;
}
