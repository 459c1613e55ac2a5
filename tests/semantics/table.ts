/**
 * rows.tsv: what every row of the Winsock contract says, one line per row and reading of the switch it depends on. The columns
 * result to facts hold a list of items separated by "; ", in the order in which the row's scenario observes them; "-" = the row says
 * nothing there. An item may list alternatives separated by "|". docs/semantics.md repeats the vocabulary for readers:
 *
 *   result   return value, -1/code on failure, WAIT for a call that waits
 *   own      network events of the acting side, one enumeration an item: FD_READ:0+FD_CLOSE:0, none
 *   peer     what the other end sees: events as above, recv:0 (end), recv:10054, send:10053, connect:10061, bytes:all, bytes:lost
 *   wire     segments the acting side sent, data and acknowledgements collapsed (support/wire.ts): data, FIN, RST,ACK seq=sndNxt,
 *            none (nothing at all); !RST = must not appear; a:, b: = both sides are looked at; a trailing ? = may be missing
 *   state    TCP states, in order
 *   timing   virtual milliseconds, or a range 100..110
 *   facts    name=value, in any order
 */
import { readFileSync } from "node:fs";

export const COLUMNS = ["result", "own", "peer", "wire", "state", "timing", "facts"] as const;
export type Column = (typeof COLUMNS)[number];

export interface RowLine {
  /** `C-08` */
  readonly id: string;
  /** `V-01=B`, or "-" where no switch matters. */
  readonly setting: string;
  readonly title: string;
  readonly items: Readonly<Record<Column, readonly string[]>>;
  /** `test`, `later:<issue> what`, `na:reason`, or `host` for rows about the host provider alone. */
  readonly inet: string;
  /** Verdict on the host provider: exact, emulated, needs-ffi, impossible; later and na as under inet. */
  readonly host: string;
  /** The N rows the verdict rests on; core = answered by the core's own state; kernel = the operating system's TCP does it. */
  readonly rests: string;
}

const HEAD = ["id", "setting", "title", ...COLUMNS, "inet", "host", "rests"];
const VERDICTS = ["exact", "emulated", "needs-ffi", "impossible", "later", "na"];

function split(cell: string): string[] {
  return cell === "-" ? [] : cell.split("; ");
}

function parseLine(line: string, number: number): RowLine {
  const cells = line.split("\t");
  const problem = (text: string): never => {
    throw new Error(`rows.tsv line ${number}: ${text}`);
  };
  if (cells.length !== HEAD.length) return problem(`${cells.length} cells; expected ${HEAD.length}`);
  const cell = (name: string): string => cells[HEAD.indexOf(name)] as string;
  const items = Object.fromEntries(COLUMNS.map((column) => [column, split(cell(column))])) as Record<Column, string[]>;
  if (!/^[A-Z]-\d\d$/.test(cell("id"))) return problem(`"${cell("id")}" is no row`);
  if (!/^(-|V-\d\d=[AB])$/.test(cell("setting"))) return problem(`"${cell("setting")}" is no setting`);
  if (!/^(test|host|(later|na):.+)$/.test(cell("inet"))) return problem(`"${cell("inet")}" says neither test nor why not`);
  if (!VERDICTS.includes(cell("host"))) return problem(`"${cell("host")}" is no verdict`);
  if (cell("inet") === "test" && COLUMNS.every((column) => items[column].length === 0)) return problem("nothing to test");
  return { id: cell("id"), setting: cell("setting"), title: cell("title"), items, inet: cell("inet"), host: cell("host"), rests: cell("rests") };
}

/** All lines of rows.tsv in order. */
export function readRows(): RowLine[] {
  const [head, ...lines] = readFileSync(new URL("./rows.tsv", import.meta.url), "utf8").trimEnd().split("\n");
  if (head !== HEAD.join("\t")) throw new Error(`rows.tsv starts with other columns than ${HEAD.join(", ")}`);
  const rows = lines.map((line, i) => parseLine(line, i + 2));
  const keys = rows.map((row) => `${row.id} ${row.setting}`);
  const twice = keys.find((key, i) => keys.indexOf(key) !== i);
  if (twice) throw new Error(`rows.tsv has ${twice} twice`);
  return rows;
}

/** Rows by their id, each with its lines: the recommended reading first. */
export function rowsById(rows: readonly RowLine[]): Map<string, RowLine[]> {
  const found = new Map<string, RowLine[]>();
  for (const row of rows) found.set(row.id, [...(found.get(row.id) ?? []), row]);
  return found;
}

/** True if an observation is one of the item's alternatives; numbers also fit ranges. Not for wire items. */
export function matches(expected: string, observed: string): boolean {
  return expected.split("|").some((one) => {
    if (one === observed) return true;
    const range = /^(-?\d+)\.\.(\d+)$/.exec(one);
    if (!range || !/^-?\d+(\.\d+)?$/.test(observed)) return false;
    return Number(observed) >= Number(range[1]) && Number(observed) <= Number(range[2]);
  });
}
