/** Altered expectations: each must make its row fail, or the row's scenario does not look at what the row says. */
import { COLUMNS, type Column, matches, type RowLine } from "./table.ts";

export interface Mutant {
  readonly column: Column;
  /** Place in the column's list. */
  readonly index: number;
  readonly from: string;
  readonly to: string;
  readonly row: RowLine;
}

const STATES = [
  "CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT",
];

/** The first candidate that the original would not accept. */
function other(item: string, candidates: readonly string[]): string[] {
  return candidates.filter((candidate) => !matches(item, candidate)).slice(0, 1);
}

function numeric(item: string): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(item);
  if (!range) return [String(Number(item) + 1)];
  const [low, high] = [Number(range[1]), Number(range[2])];
  return [`${high + 1}..${high + 100_000_000}`, ...(low > 0 ? [`0..${low - 1}`] : [])];
}

function result(item: string): string[] {
  const failure = /^-1\/(\d+)$/.exec(item);
  if (failure) return [`-1/${failure[1] === "10058" ? 10057 : 10058}`, "0"];
  if (/^\d/.test(item) && !item.includes("|")) return [...numeric(item), "-1/10022"];
  return other(item, ["0", "-1/10022", "1"]);
}

function events(item: string): string[] {
  if (item === "none") return ["FD_READ:0"];
  if (!item.includes(":")) return other(item, ["none", "FD_READ:0"]);
  if (item.includes("|")) return other(item, ["none"]);
  const parts = item.split("+");
  const wrongCodes = parts.map((part, i) => parts.map((p, k) => (i === k ? wrongCode(part) : p)).join("+"));
  return [...wrongCodes, parts.length > 1 ? parts.slice(1).join("+") : "none"];
}

function wrongCode(part: string): string {
  const [name, value] = part.split(":") as [string, string];
  return name === "bytes" ? `bytes:${value === "all" ? "lost" : "all"}` : `${name}:${value === "0" ? 10054 : 0}`;
}

const WIRE: Readonly<Record<string, string>> = {
  none: "FIN", data: "FIN", ack: "RST", probe: "RST", SYN: "RST", "SYN,ACK": "RST", FIN: "RST", "FIN,ACK": "RST,ACK", RST: "FIN", "RST,ACK": "FIN",
};

/** `a:FIN,ACK seq=sndNxt` loses its flags, then its numbers; `!RST` becomes a demand. An optional item demands nothing. */
function wire(item: string): string[] {
  if (item.endsWith("?")) return [];
  if (item.startsWith("!")) return [`^${item.slice(1)}`];
  if (item.includes("|")) return ["SYN"];
  const [head, ...attributes] = item.split(" ") as [string, ...string[]];
  const side = /^[ab]:/.exec(head)?.[0] ?? "";
  const flags = side + (WIRE[head.slice(side.length)] ?? "none");
  const changed = [[flags, ...attributes].join(" ")];
  if (side) changed.push([(side === "a:" ? "b:" : "a:") + head.slice(2), ...attributes].join(" "));
  for (const [i, attribute] of attributes.entries()) changed.push([head, ...attributes.map((one, k) => (i === k ? `${attribute}+1` : one))].join(" "));
  return changed;
}

function fact(item: string): string[] {
  const at = item.indexOf("=");
  const [name, value] = [item.slice(0, at), item.slice(at + 1)];
  const wrong = /^\d+$/.test(value) ? String(Number(value) + 1) : value.includes("..") ? numeric(value)[0] : `not ${value.replaceAll("|", " ")}`;
  return [`${name}=${wrong}`];
}

function alterations(column: Column, item: string): string[] {
  switch (column) {
    case "result": return result(item);
    case "own":
    case "peer": return events(item);
    case "wire": return wire(item);
    case "state": return other(item, STATES.toReversed());
    case "timing": return numeric(item);
    default: return fact(item);
  }
}

/** Every alteration of one expected value of the line. */
export function mutants(row: RowLine): Mutant[] {
  return COLUMNS.flatMap((column) => row.items[column].flatMap((from, index) => alterations(column, from).map((to) => {
    const list = row.items[column].map((item, i) => (i === index ? to : item));
    return { column, index, from, to, row: { ...row, items: { ...row.items, [column]: list } } };
  })));
}
