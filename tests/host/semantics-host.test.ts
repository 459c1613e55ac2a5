/** Rows of the Winsock contract on the operating system's sockets: two fast chapters, and that wrong expectations are noticed there. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, test } from "node:test";
import { Check } from "../semantics/check.ts";
import { hostOutcome } from "../semantics/kernel/rows.ts";
import { stop } from "../semantics/kernel/thread.ts";
import { mutants } from "../semantics/mutate.ts";
import { CHAPTERS, loadScenarios } from "../semantics/registry.ts";
import { target } from "../semantics/support/hosts.ts";
import { readRows, type RowLine, rowsById } from "../semantics/table.ts";

/** Shutdown and receive: few timers, every kind of end. */
const FAST = ["D", "R"];
const ALTERED = ["C-08", "D-05", "R-01", "R-04"];

target.build = "debug";
const rows = rowsById(readRows());
const scenarios = await loadScenarios(readdirSync(CHAPTERS).filter((name) => name.endsWith(".ts")).sort());
after(stop);

for (const chapter of FAST) {
  test(`chapter ${chapter} holds on host sockets`, { skip: process.platform !== "linux" && "needs Linux" }, async () => {
    const outcomes = [];
    for (const [id, lines] of rows) if (id.startsWith(`${chapter}-`)) outcomes.push(await hostOutcome(lines, scenarios.get(id)));
    assert.deepEqual(outcomes.filter(({ status }) => status === "fail"), []);
    assert.ok(outcomes.filter(({ status }) => status === "pass").length > 15);
  });
}

test("altered rows fail on host sockets, but for what the wire alone shows", { skip: process.platform !== "linux" && "needs Linux" }, async () => {
  for (const id of ALTERED) {
    const [line] = rows.get(id) as [RowLine];
    for (const { row, column, index } of mutants(line)) {
      if (column === "wire") continue;
      const { status } = await hostOutcome([row], scenarios.get(id));
      assert.equal(status, "fail", `${id} ${column}[${index}]`);
    }
  }
});

test("on host sockets times have a tolerance, and a state may have given way to its successor", () => {
  const row: RowLine = {
    id: "X-00", setting: "-", title: "", inet: "test", host: "exact", rests: "core",
    items: { result: [], own: [], peer: [], wire: ["RST"], state: ["FIN_WAIT_1", "LAST_ACK"], timing: ["40..60", "0"], facts: [] },
  };
  const report = (check: Check, ms: number): void => {
    check.state("FIN_WAIT_2", "LAST_ACK");
    check.timing(ms, 150);
    check.finish();
  };
  report(new Check(row, "host"), 200);
  const slow = new Check(row, "host");
  slow.transitMs = 20;
  report(slow, 0);
  assert.throws(() => report(new Check(row, "host"), 39), /^RowFailure: timing/);
  assert.throws(() => report(new Check(row, "host"), 211), /^RowFailure: timing/);
  assert.throws(() => report(new Check(row), 50), /^RowFailure: state/);
});
