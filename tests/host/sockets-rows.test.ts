/**
 * Each row of chapter N by a check of its own: against plain node:net and against a raw kernel peer, with koffi and without. Without it
 * a row may have the lesser answer that `capabilities` declares; which have is counted apart from those that hold, and fixed here.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readRows } from "../semantics/table.ts";
import { PEER_KINDS } from "./sockets-peers.ts";
import { CLOSES } from "./sockets-rows-closes.ts";
import { ENDS, type RowCheck } from "./sockets-rows-ends.ts";
import { REST } from "./sockets-rows-rest.ts";
import { Scene } from "./sockets-scene.ts";
import { needsKoffi } from "./sockets-support.ts";

const CHECKS: Readonly<Record<string, RowCheck>> = { ...ENDS, ...CLOSES, ...REST };
/** What cannot be known or done without koffi (docs/closing.md, "Two wires"). */
const LESSER = ["N-07", "N-09", "N-10", "N-18", "N-19", "N-22", "N-23"];

const rows = readRows().filter(({ id }) => id.startsWith("N-"));
const ids = rows.map(({ id }) => id);

interface Run {
  readonly held: string[];
  readonly declared: string[];
}

/** All rows, each with both peers; filled as the tests pass. */
function rowsWith(exact: boolean): readonly Run[] {
  return PEER_KINDS.map((kind) => {
    const run: Run = { held: [], declared: [] };
    describe(`chapter N, ${kind.name}, ${exact ? "with" : "without"} koffi`, { skip: needsKoffi }, () => {
      for (const { id, title } of rows) {
        test(`${id} ${title}`, { timeout: 60_000 }, async () => {
          const row = CHECKS[id];
          assert.ok(row, "the row has no check");
          const t = await Scene.begin(kind, exact, row.config);
          try {
            await row.check(t);
          } finally {
            await t.end();
          }
          (t.lesser ? run.declared : run.held).push(id);
        });
      }
    });
    return run;
  });
}

const sum = (runs: readonly Run[], what: keyof Run): number => runs.reduce((total, run) => total + run[what].length, 0);

const exact = rowsWith(true);
const lesser = rowsWith(false);

test("chapter N in figures", { skip: needsKoffi }, (t) => {
  const verdicts = new Map<string, number>();
  for (const { host } of rows) verdicts.set(host, (verdicts.get(host) ?? 0) + 1);
  const said = [...verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(", ");
  t.diagnostic(`chapter N: ${ids.length} rows (${said}) × ${PEER_KINDS.length} peers with koffi: ${sum(exact, "held")} pass; `
    + `without: ${sum(lesser, "held")} pass, ${sum(lesser, "declared")} declared (${LESSER.join(", ")})`);
  assert.deepEqual(Object.keys(CHECKS).sort(), ids, "a check for every row and no other");
  for (const run of exact) assert.deepEqual(run, { held: ids, declared: [] });
  for (const run of lesser) assert.deepEqual(run, { held: ids.filter((id) => !LESSER.includes(id)), declared: LESSER });
});
