/** `npm run packetdrill`: arguments, exit codes, what it prints, JSON. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { main } from "../packetdrill/runner/cli.ts";
import { ACCEPTED, ROOT, WASM } from "./packetdrill-support.ts";

const folder = mkdtempSync(join(tmpdir(), "packetdrill-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function script(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const good = script("set/good.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n");
const bad = script("set/deep/bad.pkt", `${ACCEPTED}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 2\n`);
script("set/foreign.pkt", `${ACCEPTED}+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1 win 77\n+0 write(4, ..., 1) = -1 EPIPE\n`);
const strange = script("set/strange.pkt", "0 epoll_create(1) = 3\n");
const broken = script("broken.pkt", "0 socket(\n");
const conditional = script("conditional.pkt", "#ifdef MINE\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n#else\n0 close(3) = 0\n#endif\n");

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const streams = {
    out(text: string) {
      out += `${text}\n`;
    },
    err(text: string) {
      err += `${text}\n`;
    },
  };
  const code = await main(args, WASM, streams);
  return { code, out, err };
}

describe("verdicts", () => {
  test("one good script: pass, exit 0", async () => {
    const { code, out } = await run(good);
    assert.equal(code, 0);
    assert.match(out, /^pass {4}\S*good\.pkt\n1 scripts: 1 pass, 0 fail, 0 differs, 0 unsupported\n$/);
  });

  test("a failing one: its line, expected and seen packet in packetdrill's notation, exit 1", async () => {
    const { code, out } = await run(bad);
    assert.equal(code, 1);
    assert.match(out, /^fail {4}\S*bad\.pkt:9: outbound packet: ack is 1\n {8}expected {2}\+0 > P\. 1:11\(10\) ack 2\n {8}seen {6}0\.0 > P\. 1:11\(10\) ack 1 win 65535\n/);
  });

  test("a folder: every script below it, totals, constructs, rows, relaxations", async () => {
    const { code, out } = await run("--neutral", join(folder, "set"));
    assert.equal(code, 1);
    assert.match(out, /differs \(P-18\) \S*foreign\.pkt/);
    assert.match(out, /relaxed {3}window not compared/);
    assert.match(out, /4 scripts: 1 pass, 1 fail, 1 differs, 1 unsupported/);
    assert.match(out, /unsupported:\n +1 {2}call epoll_create\n/);
    assert.match(out, /differs:\n +1 {2}P-18\n/);
    assert.match(out, /relaxations used:\n +1 {2}window not compared\n/);
  });

  test("a script that cannot be parsed is unsupported, with place and construct", async () => {
    const { code, out } = await run(broken);
    assert.equal(code, 0);
    assert.match(out, /unsupported \S*broken\.pkt:2: syntax: expected an expression at end of file/);
  });

  test("-D and -U choose the branches of #ifdef", async () => {
    assert.equal((await run(conditional)).code, 1);
    assert.equal((await run("-D", "MINE", conditional)).code, 0);
    const standard = script("standard.pkt", "#ifdef STANDARD\n0 close(3) = 0\n#endif\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n");
    assert.equal((await run(standard)).code, 1);
    assert.equal((await run("-U", "STANDARD", standard)).code, 0);
  });

  test("--quiet leaves the passes out", async () => {
    const { out } = await run("--quiet", good, strange);
    assert.doesNotMatch(out, /good\.pkt/);
    assert.match(out, /strange\.pkt/);
  });
});

describe("JSON", () => {
  interface Result {
    mode: string;
    totals: Record<string, unknown>;
    results: { path: string; verdict: string; line: number | null; reason: string | null; expected: string | null; seen: string[]; rows: string[]; relaxations: Record<string, number> }[];
  }

  test("to a file: mode, totals and one result a script", async () => {
    const file = join(folder, "out.json");
    await run("--neutral", "--json", file, join(folder, "set"));
    const json = JSON.parse(readFileSync(file, "utf8")) as Result;
    assert.equal(json.mode, "neutral");
    assert.deepEqual([json.totals.scripts, json.totals.pass, json.totals.fail, json.totals.differs, json.totals.unsupported], [4, 1, 1, 1, 1]);
    const failed = json.results.find((r) => r.verdict === "fail");
    assert.deepEqual([failed?.line, failed?.expected, failed?.seen.length], [9, "+0 > P. 1:11(10) ack 2", 1]);
    assert.deepEqual(json.results.find((r) => r.verdict === "differs")?.rows, ["P-18"]);
  });

  test("to standard output: nothing else there", async () => {
    const { out } = await run("--json", "-", good);
    assert.equal((JSON.parse(out) as Result).results[0]?.verdict, "pass");
  });
});

describe("bad arguments: exit 2 and what was expected", () => {
  const cases: [string[], RegExp][] = [
    [[], /no PATH given/],
    [["--neutral", "--strict", good], /exclude each other/],
    [["--no-such-option", good], /no-such-option/],
    [[join(folder, "nowhere")], /nowhere does not exist; expected a \.pkt file or a folder/],
    [["--seed", "many", good], /--seed is many; expected an integer/],
    [["--isn-shift", "-1", good], /isn-shift/],
    [["--wasm", join(folder, "none.wasm"), good], /cannot read the core/],
    [["--json"], /json/],
  ];
  for (const [args, message] of cases) {
    test(args.filter((a) => !a.includes(folder)).join(" ") || "paths", async () => {
      const { code, err, out } = await run(...args);
      assert.equal(code, 2);
      assert.match(err, message);
      assert.match(err, /see --help/);
      assert.equal(out, "");
    });
  }

  test("a folder without scripts", async () => {
    mkdirSync(join(folder, "empty"));
    const { code, err } = await run(join(folder, "empty"));
    assert.deepEqual([code, err.split("\n")[0]], [2, `packetdrill: no .pkt file below ${join(folder, "empty")}`]);
  });
});

test("--help tells every option, through the npm entry as well", async () => {
  const { code, out } = await run("--help");
  assert.equal(code, 0);
  for (const option of ["--strict", "--neutral", "-D NAME", "-U NAME", "--json FILE", "--wasm FILE", "--seed N", "--isn-shift N", "--time-origin N", "--quiet", "--help"]) {
    assert.ok(out.includes(option), option);
  }
  const entry = spawnSync(process.execPath, [join(ROOT, "tools", "packetdrill.mjs"), "--help"], { encoding: "utf8" });
  assert.deepEqual([entry.status, entry.stdout], [0, out]);
  const child = spawnSync(process.execPath, [join(ROOT, "tools", "packetdrill.mjs"), "--wasm", WASM, bad], { encoding: "utf8" });
  assert.deepEqual([child.status, /1 fail/.test(child.stdout)], [1, true]);
});
