/** The table of faults (tests/mutants) says of each one where it goes; a source that has changed must be followed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { faulty } from "../mutants/fault.ts";
import { MUTANTS } from "../mutants/table.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

test("the text that each mutant changes stands in the source exactly once", () => {
  const wrong: string[] = [];
  for (const mutant of MUTANTS) {
    try {
      faulty(ROOT, mutant);
    } catch (error) {
      wrong.push((error as Error).message);
    }
  }
  assert.deepEqual(wrong, []);
});

test("no two mutants share file and name", () => {
  assert.equal(new Set(MUTANTS.map(({ file, name }) => `${file}: ${name}`)).size, MUTANTS.length);
});
