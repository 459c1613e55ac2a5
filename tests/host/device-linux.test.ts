/** lastack.h and lastack_winsock2.h on Linux: host/c compiled with gcc -std=c99 -Wall -Wextra -Werror, two stacks in a process, a page over TAP. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUT = join(ROOT, "build", "c");
const PROGRAM = join(ROOT, "tests", "device", "fetch-program.ts");

const has = (tool: string): boolean => spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0;
const missing = ["gcc", "make"].filter((tool) => !has(tool));
const skip = process.platform !== "linux" ? "the port is for Linux" : missing.length > 0 && `not installed: ${missing.join(", ")}`;

function noTap(): string | false {
  if (process.getuid?.() !== 0) return "making a network namespace needs root";
  return spawnSync("unshare", ["-n", "ip", "tuntap", "add", "dev", "lastack0", "mode", "tap"]).status === 0 ? false : "no TAP in a namespace of its own here";
}

describe("headers of host/c/include compile without a warning", () => {
  const HEADERS = ["lastack.h", "lastack_abi.h", "lastack_winsock2.h"];
  const LIBRARY = ["stdlib.h", "string.h", "stdio.h", "time.h", "sys/time.h", "unistd.h"];
  const include = (names: readonly string[]): string => names.map((name) => `#include <${name}>\n`).join("");
  const end = "int main(void) { return 0; }\n";
  const use = "int main(void) { fd_set set; FD_ZERO(&set); FD_SET(1u, &set); return FD_ISSET(1u, &set) - 1 + (int)set.fd_count; }\n";
  const programs = {
    ...Object.fromEntries(HEADERS.map((name) => [`${name} alone`, include([name]) + end])),
    "before headers of the C library": include([...[...HEADERS].reverse(), ...LIBRARY]) + end,
    "behind headers of the C library": include([...LIBRARY, ...HEADERS]) + use,
  };

  for (const [compiler, suffix, standards] of [["gcc", "c", ["c99", "gnu17"]], ["arm-none-eabi-gcc", "c", ["c99", "gnu17"]], ["g++", "cpp", ["c++11", "gnu++17"]]] as const) {
    for (const [what, text] of Object.entries(programs)) {
      test(`${compiler}: ${what}`, { skip: has(compiler) ? false : `not installed: ${compiler}` }, () => {
        const dir = mkdtempSync(join(tmpdir(), "lastack-headers-"));
        try {
          const file = join(dir, `program.${suffix}`);
          writeFileSync(file, text);
          for (const standard of standards) {
            const { status, stderr } = spawnSync(compiler, [`-std=${standard}`, "-Wall", "-Wextra", "-Wpedantic", "-Werror", `-I${join(ROOT, "host/c/include")}`, "-fsyntax-only", file], { encoding: "utf8" });
            assert.equal(status, 0, `${standard}: ${stderr}`);
          }
        } finally {
          rmSync(dir, { recursive: true });
        }
      });
    }
  }
});

describe("host/c on Linux", { skip }, () => {
  before(() => {
    const made = spawnSync("make", ["-s", "-C", join(ROOT, "host", "c"), "linux", `OUT=${OUT}`], { encoding: "utf8" });
    assert.equal(made.status, 0, made.stderr);
  });

  test("two stacks in one process go through the six steps; both reports are graceful", () => {
    const text = execFileSync(join(OUT, "linux", "two_stacks"), { encoding: "utf8", timeout: 30_000 });
    assert.equal(text, "stack 1: graceful, sent 10, acknowledged 10, peer FIN 1\nstack 0: graceful, sent 7, acknowledged 7, peer FIN 1\n");
  });

  test("Winsock's names: datagrams of every size, select, names, and the code of each call that fails", () => {
    const text = execFileSync(join(OUT, "linux", "datagrams"), { encoding: "utf8", timeout: 30_000 });
    assert.equal(text, "1472 bytes to 10.0.0.2:7 and back\n100 bytes into 60: 10040\n70000 bytes: 10040\nbind: 10022\nnothing for 1500 ms\nno peer: 10057\nno room: 10014\n");
  });

  test("a C program fetches a page from a kernel server over TAP and prints its close report", { skip: skip || noTap() }, () => {
    const run = spawnSync("unshare", ["-n", process.execPath, "--import", "tsx", PROGRAM, join(OUT, "linux", "fetch")], { encoding: "utf8", timeout: 90_000, killSignal: "SIGKILL" });
    assert.equal(run.status, 0, run.stderr);
    const { whole, status, report } = JSON.parse(run.stdout) as { whole: boolean; status: string; report: string };
    assert.equal(status, "HTTP/1.1 200 OK");
    assert.ok(whole, "the page is not whole");
    assert.match(report, /^close report: graceful, sent 39, acknowledged 39, discarded 0, peer FIN 1, \d+ ms$/);
  });
});
