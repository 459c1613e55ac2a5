/** What came of each script, for people and for programs. */
import { errnoName } from "./posix.ts";

export type Verdict = "pass" | "fail" | "differs" | "unsupported";

export interface Outcome {
  path: string;
  verdict: Verdict;
  /** Script line where it was decided, or null. */
  line: number | null;
  /** Why it is no pass: the failure, the construct, the row. */
  reason: string | null;
  /** The script's event, and what was seen instead, in packetdrill's notation. */
  expected: string | null;
  seen: readonly string[];
  /** Rows of semantics chapter P that the script asserts the other side of. */
  rows: readonly string[];
  /** Relaxations of the neutral mode that were used, with how often. */
  relaxations: Readonly<Record<string, number>>;
  notes: readonly string[];
}

export interface Totals {
  scripts: number;
  pass: number;
  fail: number;
  differs: number;
  unsupported: number;
  relaxations: Record<string, number>;
  /** Unsupported scripts by construct. */
  constructs: Record<string, number>;
  rows: Record<string, number>;
}

export function totalsOf(outcomes: readonly Outcome[]): Totals {
  const totals: Totals = { scripts: outcomes.length, pass: 0, fail: 0, differs: 0, unsupported: 0, relaxations: {}, constructs: {}, rows: {} };
  const add = (map: Record<string, number>, key: string, n = 1): void => {
    map[key] = (map[key] ?? 0) + n;
  };
  for (const o of outcomes) {
    totals[o.verdict]++;
    for (const [name, n] of Object.entries(o.relaxations)) add(totals.relaxations, name, n);
    for (const row of o.rows) add(totals.rows, row);
    if (o.verdict === "unsupported") add(totals.constructs, o.reason ?? "unknown");
  }
  return totals;
}

/** One script: a line for its verdict, and below it what one needs to understand a failure. */
export function formatOutcome(o: Outcome): string {
  const place = o.line === null ? o.path : `${o.path}:${o.line}`;
  const lines = [`${headline(o).padEnd(7)} ${place}${o.reason ? `: ${o.reason}` : ""}`];
  if (o.verdict === "fail") {
    if (o.expected) lines.push(`        expected  ${o.expected}`);
    for (const seen of o.seen) lines.push(`        seen      ${seen}`);
  }
  const relaxed = Object.entries(o.relaxations);
  if (relaxed.length) lines.push(`        relaxed   ${relaxed.map(([name, n]) => (n > 1 ? `${name} (${n})` : name)).join("; ")}`);
  return lines.join("\n");
}

function headline(o: Outcome): string {
  return o.verdict === "differs" ? `differs (${o.rows.join(", ")})` : o.verdict;
}

export function formatTotals(t: Totals): string {
  const lines = [`${t.scripts} scripts: ${t.pass} pass, ${t.fail} fail, ${t.differs} differs, ${t.unsupported} unsupported`];
  const table = (title: string, map: Record<string, number>): void => {
    const rows = Object.entries(map).sort((a, b) => b[1] - a[1]);
    if (rows.length) lines.push(`${title}:`, ...rows.map(([name, n]) => `  ${String(n).padStart(5)}  ${name}`));
  };
  table("unsupported", t.constructs);
  table("differs", t.rows);
  table("relaxations used", t.relaxations);
  return lines.join("\n");
}

/** `-1 EAGAIN` or the value. */
export function formatResult(value: number, error: number): string {
  return value === -1 && error ? `-1 ${errnoName(error)} (${error})` : String(value);
}
