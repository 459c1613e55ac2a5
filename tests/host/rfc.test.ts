/** docs/rfc.md and docs/states.md say what the sources say: every anchor, test and transition they name exists. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const check = (root: string) => spawnSync(process.execPath, [join(root, "tools", "rfc.mjs"), "--check"], { encoding: "utf8" });

test("npm run rfc would change nothing", () => {
  const { status, stderr } = check(ROOT);
  assert.equal(stderr, "");
  assert.equal(status, 0);
});

test("npm run knobs would change nothing", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "tools", "knobs.mjs"), "--check"], { encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(status, 0);
});

test("a place in the code, a test, a script, a row or a transition that is gone is an error", () => {
  const folder = mkdtempSync(join(tmpdir(), "lastack-rfc-"));
  try {
    for (const part of ["assembly", "docs", "tools/rfc.mjs", "tests/rfc", "tests/as", "tests/host", "tests/packetdrill", "tests/semantics/rows.tsv"]) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }
    const edit = (path: string, from: string, to: string): void => {
      const text = readFileSync(join(folder, path), "utf8");
      assert.ok(text.includes(from), `${path} has no ${from}`);
      writeFileSync(join(folder, path), text.replaceAll(from, to));
    };
    assert.equal(check(folder).status, 0);
    edit("assembly/tcp/output.ts", "function mayLeave", "function canLeave");
    edit("tests/as/tcp-data.spec.ts", "a batch of segments is", "segments are");
    edit("assembly/tcp/state.ts", "    TCP_LISTEN, TCP_CLOSED, BY_ABORT,\n", "");
    rmSync(join(folder, "tests/packetdrill/data/persist.pkt"));
    edit("tests/semantics/rows.tsv", "\nE-74\t", "\nE-99\t");
    const { status, stderr } = check(folder);
    assert.equal(status, 1);
    for (const gone of ["mayLeave", "a batch of segments is acknowledged once", "LISTEN CLOSED ABORT", "data/persist.pkt", "no row E-74"]) assert.ok(stderr.includes(gone), `${gone}\n${stderr}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
