/** The core's instructions per piece of work against committed limits, and that the counter counts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { before, describe, test } from "node:test";
import wabt from "wabt";
import { compare, type Costs, countInstructions, KINDS, type Limits } from "../../bench/instructions.ts";
import { functionNames, functionSizes, ICOUNT, instrument, MOVED } from "../../bench/instrument.ts";

const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

describe("instructions", () => {
  const counted: Record<string, Costs> = {};

  before(async () => {
    for (const [name, file] of [["lastack", "lastack.wasm"], ["simd", "lastack.simd.wasm"]] as const) counted[name] = (await countInstructions(place(`build/${file}`))).costs;
  });

  test("are at most 2 % above bench/instructions.json", () => {
    const limits = JSON.parse(readFileSync(place("bench/instructions.json"), "utf8")) as Limits;
    const over = compare(counted, limits).filter((row) => row.over).map(({ build, kind, count, limit }) => `${build} ${kind}: ${count}, limit ${limit}`);
    assert.deepEqual(over, [], "npm run icount -- --functions says where they go; if they are worth it, npm run icount -- --write");
  });

  test("are the same in every run", async () => {
    assert.deepEqual((await countInstructions(place("build/lastack.wasm"))).costs, counted["lastack"]);
  });

  test("a segment is copied once and no more", () => {
    for (const build of Object.values(counted)) assert.ok(build.bulkSegment.moved <= 1448, `${build.bulkSegment.moved} bytes`);
  });

  test("one more than the tolerance allows is noticed, a missing limit too", () => {
    const costs = counted["lastack"] as Costs;
    const limit = { bulkSegment: costs.bulkSegment.instructions / 1.021, roundTrip: costs.roundTrip.instructions, connection: 1e9 };
    assert.deepEqual(compare({ lastack: costs }, { lastack: limit }).map(({ over }) => over), [true, false, false]);
    assert.throws(() => compare({ other: costs }, { lastack: limit }), /no limit for other bulkSegment/);
    assert.equal(KINDS.length, 3);
  });
});

describe("the counter", () => {
  const MODULE = `(module (memory 1) (global $g (mut i32) (i32.const 0)) (table 1 funcref)
    (func $loop (export "loop") (param $n i32) (result i32) (local $i i32)
      (block $out (loop $again
        (br_if $out (i32.ge_u (local.get $i) (local.get $n)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $again)))
      (local.get $i))
    (func $choose (export "choose") (param $x i32) (result i32)
      (if (result i32) (local.get $x) (then (i32.const 300)) (else (i32.const -1))))
    (func (export "move") (param $n i32)
      (memory.copy (i32.const 0) (i32.const 1000) (local.get $n))
      (memory.fill (i32.const 0) (i32.const 7) (local.get $n)))
    (func (export "leave") (param $x i32) (result i32)
      (block (block (br_table 0 1 (local.get $x))) (return (i32.const 1)))
      (call $choose (i32.const 5))))`;

  async function load() {
    const { buffer } = (await wabt()).parseWat("module.wat", MODULE, { bulk_memory: true }).toBinary({ write_debug_names: true });
    const { instance } = await WebAssembly.instantiate(instrument(buffer));
    const exports = instance.exports as unknown as Record<string, WebAssembly.Global<"i64">> & Record<string, (x: number) => number>;
    const counts = (): number[] => [0, 1, 2, 3].map((i) => Number((exports[`${ICOUNT}${i}`] as WebAssembly.Global<"i64">).value));
    return { buffer, exports, counts, moved: () => Number((exports[MOVED] as WebAssembly.Global<"i64">).value) };
  }

  test("counts every turn of a loop", async () => {
    const { exports, counts } = await load();
    assert.equal((exports["loop"] as (n: number) => number)(10), 10);
    // Each turn 4 of the condition, 4 of the sum, br; the last one the condition; then local.get.
    assert.deepEqual(counts(), [10 * 9 + 4 + 1, 0, 0, 0]);
  });

  test("counts the branch that was taken, and calls where they lead", async () => {
    const { exports, counts } = await load();
    assert.equal((exports["choose"] as (x: number) => number)(1), 300);
    assert.deepEqual(counts(), [0, 3, 0, 0]);
    assert.equal((exports["leave"] as (x: number) => number)(0), 1);
    assert.deepEqual(counts(), [0, 3, 0, 4]);
    assert.equal((exports["leave"] as (x: number) => number)(1), 300);
    assert.deepEqual(counts(), [0, 6, 0, 8]);
  });

  test("counts bytes moved", async () => {
    const { exports, counts, moved } = await load();
    (exports["move"] as (n: number) => number)(700);
    assert.deepEqual([counts()[2], moved()], [8, 1400]);
  });

  test("knows names and sizes", async () => {
    const { buffer } = await load();
    assert.deepEqual(functionNames(buffer)?.slice(0, 2), ["loop", "choose"]);
    assert.equal(functionSizes(buffer).length, 4);
    assert.equal(functionNames(new Uint8Array(readFileSync(place("build/lastack.wasm")))), undefined);
  });
});
