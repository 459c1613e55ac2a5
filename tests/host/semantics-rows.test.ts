/** The machinery behind npm run semantics: what a scenario must report, how captures are read, that altered rows fail; and the rows. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Check, RowFailure } from "../semantics/check.ts";
import { mutants } from "../semantics/mutate.ts";
import { CHAPTERS, loadScenarios } from "../semantics/registry.ts";
import { attempt } from "../semantics/attempt.ts";
import { runSeeds } from "../semantics/seeds.ts";
import { target } from "../semantics/support/hosts.ts";
import { type Segment, WireLog } from "../semantics/support/wire.ts";
import { matches, readRows, type RowLine, rowsById } from "../semantics/table.ts";

const EMPTY = { result: [], own: [], peer: [], wire: [], state: [], timing: [], facts: [] };

function line(items: Partial<RowLine["items"]>): RowLine {
  return { id: "X-00", setting: "-", title: "", items: { ...EMPTY, ...items }, inet: "test", host: "exact", rests: "core" };
}

/** Runs the reports of a scenario against a line; the failure's message, or "". */
function told(items: Partial<RowLine["items"]>, report: (check: Check) => void): string {
  const check = new Check(line(items));
  try {
    report(check);
    check.finish();
    return "";
  } catch (error) {
    assert.ok(error instanceof RowFailure, String(error));
    return error.message;
  }
}

test("a column of the row that the scenario does not look at fails it", () => {
  assert.match(told({ result: ["0"], state: ["CLOSED"] }, (t) => t.code(0)), /^state: untested column: 0 of 1/);
  assert.match(told({ result: ["0", "0"] }, (t) => t.code(0)), /^result: untested column: 1 of 2/);
  assert.match(told({ wire: ["none"] }, () => {}), /^wire: not looked at/);
  assert.match(told({ facts: ["n=1", "m=2"] }, (t) => t.fact("n", 1)), /^facts: untested column/);
  assert.match(told({ result: ["0"] }, (t) => t.code(0, 0)), /one more was seen/);
  assert.match(told({}, (t) => t.fact("n", 1)), /the row has no n/);
});

test("values: codes, alternatives, ranges, events", () => {
  assert.equal(told({ result: ["0", "-1/10035", "WAIT", "5"] }, (t) => {
    t.code(0, 10035, 20001);
    t.result(new Uint8Array(5));
  }), "");
  assert.ok(matches("-1/10004|-1/10053", "-1/10053") && !matches("-1/10004|-1/10053", "-1/10054"));
  assert.ok(matches("100..110", "110") && !matches("100..110", "111") && !matches("100..110", "FD_READ"));
  assert.equal(told({ own: ["FD_READ:0+FD_CLOSE:10054", "none"] }, (t) => {
    t.own({ FD_READ: 0, FD_CLOSE: 10054 });
    t.own({});
  }), "");
  assert.match(told({ own: ["none"] }, (t) => t.own({ FD_READ: 0 })), /FD_READ:0; the row says none/);
});

/** A log of [side, flags, seq, ack, length] segments of one connection, each arriving when it is sent. */
function log(...segments: [Segment["from"], string, number, number, number][]): WireLog {
  const made = new WireLog();
  const bits: Readonly<Record<string, number>> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 };
  for (const [i, [from, flags, seq, ack, length]] of segments.entries()) {
    const frame = new Uint8Array(54 + length);
    const view = new DataView(frame.buffer);
    view.setUint16(12, 0x0800);
    frame[14] = 0x45;
    view.setUint16(16, 40 + length);
    frame[23] = 6;
    view.setUint16(34, from === "a" ? 1000 : 7000);
    view.setUint16(36, from === "a" ? 7000 : 1000);
    view.setUint32(38, seq);
    view.setUint32(42, ack);
    frame[46] = 0x50;
    frame[47] = flags.split(",").reduce((sum, flag) => sum | (bits[flag] as number), 0);
    view.setUint16(48, 1000);
    made.note(from, frame, i, i);
  }
  return made;
}

test("captures: flags, collapsed data, numbers, what must not appear", () => {
  const wire = log(
    ["a", "SYN", 99, 0, 0], ["b", "SYN,ACK", 499, 100, 0], ["a", "ACK", 100, 500, 0],
    ["a", "ACK", 100, 500, 10], ["a", "PSH,ACK", 110, 500, 10], ["b", "ACK", 500, 120, 0], ["a", "FIN,ACK", 120, 500, 5], ["b", "RST,ACK", 500, 126, 0],
  );
  const seen = (items: string[]): string => told({ wire: items }, (t) => t.wire(wire, wire.segments.slice(3)));
  assert.equal(seen(["data", "FIN seq=sndNxt"]), "");
  assert.equal(seen(["data seq=0", "FIN,ACK seq=25", "!RST"]), "");
  assert.equal(seen(["a:data", "b:ack ack=20", "a:data", "a:FIN", "b:RST seq=0"]), "");
  assert.equal(seen(["probe?", "data", "FIN"]), "");
  for (const wrong of [["data"], ["FIN"], ["data", "FIN seq=sndNxt+1"], ["data", "RST"], ["none"], ["data", "FIN", "!data"], ["a:data", "a:FIN"]]) {
    assert.match(seen(wrong), /^wire: seen/, wrong.join("; "));
  }
  assert.equal(told({ wire: ["none"] }, (t) => t.wire(wire, [])), "");
  assert.match(told({ wire: ["none"] }, (t) => t.wire(wire, wire.segments.slice(2, 3))), /^wire: seen/, "an acknowledgement is something");
});

test("every expected value has alterations, and none of them accepts what the row says", () => {
  const rows = readRows().filter((row) => row.inet === "test");
  for (const row of rows) {
    const altered = new Set(mutants(row).map(({ column, index }) => `${column} ${index}`));
    for (const [column, items] of Object.entries(row.items)) {
      for (const [i, item] of items.entries()) assert.ok(item.endsWith("?") || altered.has(`${column} ${i}`), `${row.id} ${column} ${item}`);
    }
  }
  const total = rows.reduce((sum, row) => sum + mutants(row).length, 0);
  assert.ok(total > 2000, `${total} alterations`);
});

test("the table has all 547 rows, and each says test, later or why not", () => {
  const rows = rowsById(readRows());
  assert.equal(rows.size, 547);
  const counts = Object.entries({ V: 26, L: 31, C: 60, S: 44, D: 28, R: 36, E: 88, H: 24, O: 43, W: 35, T: 29, X: 37, N: 34, P: 32 });
  for (const [chapter, count] of counts) assert.equal([...rows.keys()].filter((id) => id.startsWith(`${chapter}-`)).length, count, chapter);
  const all = [...rows.values()].map((lines) => lines[0] as RowLine);
  assert.ok(all.filter((row) => row.inet.startsWith("na:")).length < 20);
  assert.ok(all.filter((row) => ["exact", "emulated", "needs-ffi"].includes(row.host)).length >= 300);
});

test("every row that has a scenario holds", async () => {
  target.build = "debug";
  const rows = rowsById(readRows());
  const scenarios = await loadScenarios(readdirSync(CHAPTERS).filter((name) => name.endsWith(".ts")).sort());
  const failures: string[] = [];
  for (const [id, scenario] of scenarios) {
    for (const row of rows.get(id) ?? []) {
      const failure = await attempt(row, scenario);
      if (failure) failures.push(`${id} ${row.setting}: ${failure.message.split("\n")[0]}`);
    }
  }
  assert.deepEqual(failures, []);
  assert.ok(scenarios.size > 150);
});

test("the six steps keep their order over bad wires, whoever begins", async () => {
  const { broken, lost } = await runSeeds(1, 60);
  assert.deepEqual(broken, []);
  assert.ok(lost > 10, "the wires were bad");
});
