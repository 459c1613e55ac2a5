/** Throughput by loss and delay is what the committed table says; npm run losstable writes a new one. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Cell, lossTable, renderLossTable } from "../sim/loss-table.ts";
import { coreModule } from "./support/spi.ts";

test("throughput by loss and delay is the committed one", { timeout: 240_000 }, async () => {
  const cells = lossTable(await coreModule(""));
  const committed = JSON.parse(readFileSync(new URL("../sim/loss-table.json", import.meta.url), "utf8")) as Cell[];
  assert.deepEqual(cells, committed, "npm run losstable writes the new table: see that it is no worse");
  assert.equal(readFileSync(new URL("../../docs/loss-table.md", import.meta.url), "utf8"), renderLossTable(cells));
});
