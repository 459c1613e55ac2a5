/** What the tools promise: the gate, the layers, the tiny build's imports and page, the example of the README. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { WASI } from "node:wasi";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TIMEOUT_MS = 60_000;

function node(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", timeout: TIMEOUT_MS });
  return { status, output: stdout + stderr };
}

/** Runs a check on a directory that holds the given files and nothing else. */
function inTree<T>(files: Record<string, string>, check: (root: string) => T): T {
  const root = mkdtempSync(join(tmpdir(), "lastack-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return check(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe("layers", () => {
  const layers = (files: Record<string, string>) => inTree(files, (root) => node("tools/check-layers.mjs", root));

  test("this tree is in order", () => {
    const { status, output } = node("tools/check-layers.mjs");
    assert.equal(status, 0, output);
  });

  test("a room that imports one above it is refused", () => {
    const { status, output } = layers({
      "assembly/base/a.ts": 'import { b } from "../tcp/b";\n',
      "assembly/tcp/b.ts": "export const b: i32 = 1;\n",
    });
    assert.equal(status, 1);
    assert.match(output, /assembly\/base\/a\.ts:1: base must not import assembly\/tcp\/b\.ts/);
  });

  test("tcp and udp do not see each other", () => {
    const { output } = layers({
      "assembly/udp/a.ts": 'export * from "../tcp/b";\n',
      "assembly/tcp/b.ts": "export const b: i32 = 1;\n",
    });
    assert.match(output, /udp must not import assembly\/tcp\/b\.ts/);
  });

  test("a cycle inside a room is refused", () => {
    const { status, output } = layers({
      "assembly/ip/a.ts": 'import { b } from "./b";\n',
      "assembly/ip/b.ts": 'import { a } from "./a";\n',
    });
    assert.equal(status, 1);
    assert.match(output, /cycle: assembly\/ip\/a\.ts -> assembly\/ip\/b\.ts -> assembly\/ip\/a\.ts/);
  });

  test("a device sees no other room of the host", () => {
    const { output } = layers({
      "host/device/a.ts": 'import { b } from "../api/b.ts";\n',
      "host/api/b.ts": "export const b = 1;\n",
    });
    assert.match(output, /device must not import host\/api\/b\.ts/);
  });

  test("a file of more than 400 lines is refused, a function of more than 60 named", () => {
    const { status, output } = layers({
      "assembly/base/a.ts": "const x: i32 = 1;\n".repeat(401),
      "assembly/base/b.ts": `export function long(): void {\n${"  x();\n".repeat(60)}}\n`,
    });
    assert.equal(status, 1);
    assert.match(output, /assembly\/base\/a\.ts: 401 lines/);
    assert.match(output, /assembly\/base\/b\.ts:1: long has 62 lines/);
  });
});

describe("the gate", () => {
  const USE = ["abort=", "DEBUG=0", "TINY=0"].flatMap((use) => ["--use", use]);
  const compile = (source: string) =>
    inTree({ "entry.ts": source, "none.ts": readFileSync(join(ROOT, "tools/rt/none.ts"), "utf8") }, (root) =>
      node(join(ROOT, "node_modules/assemblyscript/bin/asc.js"), "entry.ts", "--baseDir", root, "--config", "none",
        "--runtime", "./none", "--stackSize", "16", "--noEmit", ...USE));

  test("raw memory passes", () => {
    const { status, output } = compile("export function get(p: usize): u32 { return load<u32>(p); }\n");
    assert.equal(status, 0, output);
  });

  for (const [what, source] of [
    ["an object", "class A { x: i32 = 1; }\nexport function f(): i32 { return new A().x; }\n"],
    ["a string", "export function f(n: i32): i32 { return (n.toString() + 'x').length; }\n"],
    ["an array", "export function f(n: i32): i32 { return [n, n].length; }\n"],
    ["the heap", "export function f(n: usize): usize { return heap.alloc(n); }\n"],
  ] as const) {
    test(`${what} does not`, () => {
      const { status, output } = compile(source);
      assert.notEqual(status, 0);
      assert.match(output, /forbidden in this core/);
    });
  }
});

describe("lastack.tiny.wasm", () => {
  const bytes = () => readFileSync(join(ROOT, "build/lastack.tiny.wasm"));

  test("imports exactly four functions of preview1", () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes()));
    assert.deepEqual(new Set(imports.map((i) => i.module)), new Set(["wasi_snapshot_preview1"]));
    assert.deepEqual(imports.map((i) => i.name).sort(), ["clock_time_get", "fd_read", "fd_write", "random_get"]);
  });

  test("starts on node:wasi, in one page that cannot grow, with eight sockets", async () => {
    const wasi = new WASI({ version: "preview1" });
    const { instance } = await WebAssembly.instantiate(bytes(), { wasi_snapshot_preview1: wasi.wasiImport });
    wasi.initialize(instance);
    const core = instance.exports as Record<string, (...args: number[]) => number> & { memory: WebAssembly.Memory };
    assert.equal(core.memory.buffer.byteLength, 65536);
    assert.throws(() => core.memory.grow(1), RangeError);
    assert.equal(core.configure!(0, 0), 0);
    const area = core.hostArea!();
    assert.equal(core.WSPStartup!(0x0202, 0, 0, 0, 0), 0);
    const open = () => core.WSPSocket!(2, 1, 6, 0, 0, 0, area) >>> 0;
    const sockets = Array.from({ length: 8 }, open);
    assert.equal(new Set(sockets).size, 8);
    assert.ok(!sockets.includes(0xffffffff));
    assert.equal(open(), 0xffffffff);
    assert.equal(new DataView(core.memory.buffer).getUint32(area, true), 10024);
    assert.equal(core.poll!(), -1);
  });
});

describe("documents", () => {
  const said = [[/^the last bytes$/m, /outcome: 'graceful'/, /sent: 14, acknowledged: 14, unacknowledged: 0/], [/^hello$/m, /client graceful/, /server \{[\s\S]*outcome: 'graceful'/]];
  const examples = [...readFileSync(join(ROOT, "README.md"), "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text as string);

  test("the README has an example for each expectation", () => assert.equal(examples.length, said.length));

  for (const [i, example] of examples.entries()) {
    test(`example ${i + 1} of the README runs and says what stands there`, () => {
      const file = join(ROOT, "build", `readme-${process.pid}-${i}.mts`);
      writeFileSync(file, example);
      try {
        const { status, output } = node("--import", "tsx", file);
        assert.equal(status, 0, output);
        for (const pattern of said[i] as RegExp[]) assert.match(output, pattern);
      } finally {
        rmSync(file);
      }
    });
  }

  test("every npm script that a document names exists", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const name of ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/builds.md", "bench/README.md"]) {
      for (const [, script] of readFileSync(join(ROOT, name), "utf8").matchAll(/npm run ([\w:]+)/g)) {
        assert.ok(script! in scripts, `${name}: npm run ${script}`);
      }
    }
  });
});
