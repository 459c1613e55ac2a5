/** The rows of the Winsock contract on a board, through its serial port. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { missingTools } from "../device/board.ts";
import { runRows } from "../device/rows.ts";

const missing = missingTools();
const skip = missing.length > 0 && `not installed: ${missing.join(", ")}`;

test("rows of the Winsock contract hold on lm3s6965evb, at least 150 of them", { skip }, async (t) => {
  const { passed, failed, left, commands, seconds } = await runRows("lm3s6965evb");
  t.diagnostic(`${passed.length} rows pass on the board, ${failed.length} fail, ${left.length} are left out; ${commands} commands in ${seconds} s`);
  for (const why of new Set(left.map(([, reason]) => reason))) t.diagnostic(`left, ${why}: ${left.filter(([, reason]) => reason === why).map(([id]) => id).join(" ")}`);
  assert.deepEqual(failed, []);
  assert.ok(passed.length >= 150, `${passed.length} rows pass; expected 150 or more`);
});
