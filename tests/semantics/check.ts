/**
 * What a row's scenario reports, compared with what rows.tsv says. Each method takes something observed; the k-th call for a column is
 * compared with its k-th item. A scenario never sees the expected values. finish() fails if a column of the row was not looked at.
 */
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import type { CoreConfig } from "../../host/core/index.ts";
import { configFor } from "./settings.ts";
import { type Column, COLUMNS, matches, type RowLine } from "./table.ts";
import { type Segment, type Side, type Token, type WireLog, wireText } from "./support/wire.ts";

/** The row does not hold: which column, what was expected and what was seen. */
export class RowFailure extends Error {
  override readonly name = "RowFailure";
  readonly column: Column;

  constructor(column: Column, message: string) {
    super(`${column}: ${message}`);
    this.column = column;
  }
}

/** On `host` the wire is the kernel's: captures are not looked at, and times have a tolerance. */
export type ProviderName = "inet" | "host";

/** Milliseconds the kernel may add: a delayed acknowledgement, and the core's interval between two looks at it. */
const HOST_TOLERANCE_MS = 150;

/** States that last while one acknowledgement is under way, which on loopback is no time: the next state is as good. */
const SUCCESSORS: Readonly<Record<string, string>> = { FIN_WAIT_1: "FIN_WAIT_2", CLOSING: "TIME_WAIT", LAST_ACK: "CLOSED" };

export type Events = Readonly<Record<string, number>> | undefined;

export class Check {
  readonly row: RowLine;
  /** Milliseconds a segment takes on the wire the row asked for, which a host socket does not have. */
  transitMs = 0;
  readonly #seen: Record<Column, number> = { result: 0, own: 0, peer: 0, wire: 0, state: 0, timing: 0, facts: 0 };
  readonly #facts = new Set<string>();
  readonly #tokens: Token[] = [];
  readonly #captures: Token[][] = [];
  /** The capture a token is of: a row may have several situations. */
  readonly #logs = new Map<Token, WireLog>();
  #looked = false;

  readonly provider: ProviderName;

  /** The situation has a wire whose segments are captured: always on inet, on host if it was given one. */
  readonly wired: boolean;

  constructor(row: RowLine, provider: ProviderName = "inet", wired: boolean = provider === "inet") {
    this.row = row;
    this.provider = provider;
    this.wired = wired;
  }

  /** `A` or `B`: the reading of the switch this run is about; "" where the row has none. */
  get reading(): string {
    return this.row.setting === "-" ? "" : this.row.setting.slice(-1);
  }

  /** What the core must be configured with for this run's reading. */
  get config(): CoreConfig {
    return configFor(this.row.setting);
  }

  #next(column: Column, observed: string): void {
    const items = this.row.items[column];
    const expected = items[this.#seen[column]++];
    if (expected === undefined) throw new RowFailure(column, `the row has ${items.length} values, one more was seen: ${observed}`);
    if (this.provider === "host" && this.#holdsOnHost(column, expected, observed)) return;
    if (!matches(expected, observed)) throw new RowFailure(column, `value ${this.#seen[column]} is ${observed}; the row says ${expected}`);
  }

  #holdsOnHost(column: Column, expected: string, observed: string): boolean {
    if (column === "timing") return withinTolerance(expected, Number(observed), 2 * this.transitMs);
    return column === "state" && expected.split("|").some((one) => SUCCESSORS[one] === observed);
  }

  /** Return values of calls, with the error code behind lpErrno. A receive may give its bytes: their number counts. */
  result(returned: number | Uint8Array | undefined, error = 0): void {
    const failed = returned === undefined || returned === -1 || returned === 0xffffffff;
    if (error === LASTACK_WAIT) this.#next("result", "WAIT");
    else if (failed) this.#next("result", `-1/${error}`);
    else this.#next("result", String(typeof returned === "number" ? returned : returned.length));
  }

  /** Calls that return 0 or SOCKET_ERROR, given by their error codes (0 = success). */
  code(...errors: number[]): void {
    for (const error of errors) this.result(error ? -1 : 0, error);
  }

  /** A value that is the result itself, such as WSPStartup's. */
  returned(value: number | string): void {
    this.#next("result", String(value));
  }

  /** One enumeration of the acting side's network events. */
  own(events: Events | string): void {
    this.#next("own", typeof events === "string" ? events : eventText(events));
  }

  /** What the peer sees: one enumeration, or a word such as recv:10054. */
  peer(events: Events | string): void {
    this.#next("peer", typeof events === "string" ? events : eventText(events));
  }

  /** A receive of the peer: recv:0 at the end of the stream, recv:code, WAIT, or got:n bytes. */
  peerReceived(data: Uint8Array | undefined, error: number): void {
    this.peer(error === LASTACK_WAIT ? "WAIT" : data === undefined ? `recv:${error}` : data.length === 0 ? "recv:0" : `got:${data.length}`);
  }

  /** bytes:all if the peer received exactly what was sent, else bytes:lost. */
  peerBytes(received: Uint8Array, sent: Uint8Array): void {
    this.peer(received.length === sent.length && received.every((byte, i) => byte === sent[i]) ? "bytes:all" : "bytes:lost");
  }

  /** TCP states, in order. */
  state(...states: string[]): void {
    for (const state of states) this.#next("state", state);
  }

  /** Virtual milliseconds something took. */
  timing(...milliseconds: number[]): void {
    for (const ms of milliseconds) this.#next("timing", String(ms));
  }

  /** A fact by name; Booleans are yes and no, lists are joined with commas. */
  fact(name: string, value: string | number | boolean | readonly number[]): void {
    const text = typeof value === "boolean" ? (value ? "yes" : "no") : typeof value === "object" ? value.join(",") : String(value);
    const item = this.row.items.facts.find((one) => one.startsWith(`${name}=`));
    if (item === undefined) throw new RowFailure("facts", `the row has no ${name}; seen ${text}`);
    this.#facts.add(name);
    if (!matches(item.slice(name.length + 1), text)) throw new RowFailure("facts", `${name} is ${text}; the row says ${item}`);
  }

  /**
   * One capture: segments of `from` (both sides where the row's wire column names sides). Call it once for each situation of a row
   * that has several.
   */
  wire(log: WireLog, capture: readonly Segment[], from: Side = "a"): void {
    if (!this.wired) return;
    const both = this.row.items.wire.some((item) => /^[!^]?[ab]:/.test(item));
    const tokens = log.tokens(both ? capture : capture.filter((s) => s.from === from));
    const kept = tokens.filter(({ kind }) => !["ack", "probe"].includes(kind) || this.row.items.wire.some((item) => item.replace(/^[ab]:/, "").startsWith(kind)));
    // Acknowledgements are left out only beside something else: "none" means nothing at all.
    const shown = kept.length > 0 ? kept : tokens.slice(0, 1);
    this.#looked = true;
    this.#captures.push(tokens);
    const said = shown.length > 0 ? shown : [{ side: from, kind: "none", segment: NOTHING, seq: 0 }];
    for (const token of [...tokens, ...said]) this.#logs.set(token, log);
    this.#tokens.push(...said);
  }

  #finishWire(): void {
    if (this.row.items.wire.length === 0 || !this.wired) return;
    if (!this.#looked) throw new RowFailure("wire", "not looked at");
    const list = this.row.items.wire.filter((item) => !/^[!^]/.test(item));
    for (const rule of this.row.items.wire.filter((item) => /^[!^]/.test(item))) this.#rule(rule);
    const shown = list.length === 0 ? [] : this.#tokens;
    if (!this.#fitsAll(list, shown)) throw new RowFailure("wire", `seen ${wireText(this.#tokens)}; the row says ${list.join("; ")}`);
  }

  /** `!FIN`: no capture has one. `^FIN`, which only altered rows say: one has. */
  #rule(rule: string): void {
    const found = this.#captures.flat().some((token) => token.kind !== "none" && this.#fits(rule.slice(1), token));
    if (found === rule.startsWith("!")) throw new RowFailure("wire", `seen ${wireText(this.#captures.flat())}; the row says ${rule}`);
  }

  #fits(item: string, token: Token): boolean {
    return this.#logs.get(token)?.fits(item, token) ?? false;
  }

  /** The tokens are the items in order; items that end in "?" may be missing. */
  #fitsAll(items: readonly string[], tokens: readonly Token[]): boolean {
    const [item, ...rest] = items;
    if (item === undefined) return tokens.length === 0;
    const optional = item.endsWith("?");
    const name = optional ? item.slice(0, -1) : item;
    const [token, ...others] = tokens;
    if (token && this.#fits(name, token) && this.#fitsAll(rest, others)) return true;
    return optional && this.#fitsAll(rest, tokens);
  }

  /** Every column of the row must have been looked at. */
  finish(): void {
    this.#finishWire();
    for (const column of COLUMNS) {
      if (column === "wire") continue;
      const items = this.row.items[column];
      const checked = column === "facts" ? this.#facts.size : this.#seen[column];
      if (checked < items.length) throw new RowFailure(column, `untested column: ${checked} of ${items.length} values were looked at`);
    }
  }
}

const NOTHING: Segment = {
  from: "a", at: 0, due: 0, flags: "", seq: 0, ack: 0, window: 0, length: 0, sourcePort: 0, destinationPort: 0, index: 0, sndNxt: 0, first: 0, peerFirst: 0,
};

/** `FD_READ:0+FD_CLOSE:10054`, or none. */
export function eventText(events: Events): string {
  const names = Object.entries(events ?? {});
  return names.length === 0 ? "none" : names.map(([name, error]) => `${name}:${error}`).join("+");
}

/** A number or range of milliseconds, with what the kernel may add and what a wire without length saves. */
function withinTolerance(expected: string, ms: number, saved: number): boolean {
  return expected.split("|").some((one) => {
    const [low = Number.NaN, high = low] = one.split("..").map(Number);
    return ms >= low - saved && ms <= high + HOST_TOLERANCE_MS;
  });
}
