/** The benchmark runs and says what it measured in the documented form; how fast anything was is not looked at. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Entry, entryOf, type Figure, type Measure, measureAll, median, reaches } from "../../bench/figures.ts";
import { BenchUsageError, parseBench } from "../../bench/run.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "lastack-bench-"));
after(() => rmSync(directory, { recursive: true }));

/** Runs tools/bench.mjs on the build that is there. */
async function bench(...args: string[]): Promise<{ stdout: string; entries: Entry[] }> {
  const out = join(directory, "bench.json");
  const all = ["tools/bench.mjs", "--wasm", "build/lastack.simd.wasm", "--out", out, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, all, { cwd: ROOT, timeout: 120_000 });
  return { stdout, entries: JSON.parse(readFileSync(out, "utf8")) };
}

function fixed(name: string, values: readonly number[]): Measure {
  let round = 0;
  return { name, run: async () => values[round++] as number };
}

describe("figures", () => {
  test("a median is the middle one, or between the middle two", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
  });

  test("measures are taken in turn, a shared peer once a round, and the ratio is the median of the rounds' ratios", async () => {
    const peer = fixed("peer", [10, 100, 1000]);
    const common = { about: "", unit: "x", better: "higher", target: 2, stretch: null } as const;
    const figures: Figure[] = [
      { ...common, id: "a", own: fixed("a", [30, 200, 1000]), peer }, { ...common, id: "b", own: fixed("b", [10, 100, 1000]), peer },
      { ...common, id: "c", own: fixed("c", [0.5, 0.7, 0.6]), peer: undefined, better: "lower", target: 1 },
    ];
    const order: string[] = [];
    const values = await measureAll(figures, [], 3, 1, (_done, _of, name) => order.push(name));
    assert.deepEqual(order.slice(0, 5), ["peer", "a", "b", "c", "peer"]);
    const entries = figures.map((figure) => entryOf(figure, values));
    assert.deepEqual(entries[0], { id: "a", value: 200, unit: "x", peer: "peer", ratio: 2, better: "higher", target: 2, stretch: null });
    assert.deepEqual(entries.map(({ ratio }) => ratio), [2, 1, 0.6]);
    assert.deepEqual(entries.map((entry) => reaches(entry, entry.target)), [true, false, true]);
    assert.equal(reaches(entries[0] as Entry, null), undefined);
  });
});

describe("npm run bench", () => {
  test("with tiny sizes gives every figure, in the documented form", async () => {
    const { stdout, entries } = await bench("--rounds", "1", "--ms", "2", "--crowd", "1500");
    assert.match(stdout, /^Node v\d+.*\nmedians of 1 interleaved rounds of 2 ms.*\n\nwhat +value \[min\.\.max\] +unit +peer \[min\.\.max\] +ratio/);
    assert.match(stdout, /\nNode net, onread +\d/);
    // What does not depend on speed is looked at: every one of the 1500 ended gracefully, and all buffers went back.
    for (const id of ["crowd-graceful", "crowd-memory"]) assert.equal(entries.find((entry) => entry.id === id)?.value, 1, id);
    assert.match(readFileSync(join(directory, "bench.svg"), "utf8"), /^<svg .*<\/svg>\n$/s);
    const ids = new Set(entries.map(({ id }) => id));
    assert.equal(ids.size, entries.length);
    for (const id of [
      "memory-bulk-exports", "memory-bulk-promises", "memory-bulk-64k", "memory-bulk-decay", "memory-round-trips-exports", "memory-round-trips-promises",
      "memory-connections-exports", "memory-connections-promises", "host-bulk-promises", "host-round-trips-promises", "host-connections-promises", "create-stack",
      "memory-bulk-share", "segment-among-1000", "segment-among-all", "segment-round-robin", "idle-connection", "crowd-graceful", "crowd-memory", "crowd-opened",
      "thread-bulk-promises", "thread-round-trips-promises", "thread-connections-promises", "timer-delay", "timer-delay-thread", "size-tiny", "size-full", "size-full-gzip",
    ]) assert.ok(ids.has(id), id);
    for (const entry of entries) {
      assert.deepEqual(Object.keys(entry), ["id", "value", "unit", "peer", "ratio", "better", "target", "stretch"], entry.id);
      assert.ok(Number.isFinite(entry.value) && entry.value > 0 && Number.isFinite(entry.ratio) && entry.ratio > 0, JSON.stringify(entry));
      assert.ok(entry.better === "higher" || entry.better === "lower");
      for (const limit of [entry.target, entry.stretch]) assert.ok(limit === null || limit > 0);
      assert.ok(entry.peer === null ? entry.ratio === entry.value : /^(Node net|bound|the only connection|TAP, bare loop|veth, offloads (on|off))/.test(entry.peer), entry.id);
    }
  });

  test("--only chooses, --json prints what is written", async () => {
    const { stdout, entries } = await bench("--rounds", "2", "--ms", "1", "--only", "create,trips-exports", "--json");
    assert.deepEqual(JSON.parse(stdout), entries);
    assert.deepEqual(entries.map(({ id }) => id), ["memory-round-trips-exports", "create-stack"]);
  });

  for (const args of [["--rounds", "0"], ["--ms", "x"], ["--only"], ["bulk"], ["--fast"]]) {
    test(`${args.join(" ")} is refused`, () => assert.throws(() => parseBench(args), BenchUsageError));
  }

  test("--only that names nothing exits 2 and lists the ids", async () => {
    await assert.rejects(bench("--only", "nothing"), (error: { code: number; stderr: string }) => error.code === 2 && error.stderr.includes("memory-bulk-exports"));
  });
});
