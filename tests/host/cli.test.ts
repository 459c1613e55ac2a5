/** The command line: help, refusals, exit codes, the JSON form. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { hasKoffi } from "../../host/cli/demo/namespace.ts";
import { parseDemoOptions } from "../../host/cli/demo/options.ts";
import { SCENARIOS } from "../../host/cli/demo/scenarios.ts";
import type { Step } from "../../host/cli/demo/steps.ts";
import { UsageError } from "../../host/cli/usage.ts";
import { decodeFrame, flagNames, readPcapng } from "../../host/index.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Who owns nothing, on every system that has users by number. */
const NOBODY = 65_534;
const MAIN = join(ROOT, "host", "cli", "main.ts");

function lastack(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", MAIN, ...args], {
    cwd: ROOT, encoding: "utf8", timeout: 60_000, env: { ...process.env, NO_COLOR: "" },
  });
  return { status, stdout, stderr };
}

describe("help", () => {
  test("lastack --help lists the commands and exits 0", () => {
    const { status, stdout, stderr } = lastack("--help");
    assert.equal(status, 0);
    assert.match(stdout, /^usage: lastack COMMAND/);
    for (const command of ["demo", "get", "nc", "ping", "serve"]) assert.match(stdout, new RegExp(`\\n {2}${command} +\\S`));
    assert.equal(stderr, "");
  });

  test("lastack demo --help names every scenario and option and exits 0", () => {
    const { status, stdout } = lastack("demo", "--help");
    assert.equal(status, 0);
    for (const word of [...SCENARIOS, "--scenario", "--link", "--tap", "--loss", "--seed", "--pcap", "--json"]) assert.ok(stdout.includes(word), word);
  });
});

describe("a wrong command line exits 2 and says what was expected", () => {
  for (const [args, message] of [
    [[], /no command given; expected one of: demo/],
    [["dmeo"], /unknown command "dmeo"; expected one of: demo/],
    [["demo", "--scenario", "slow"], /--scenario is "slow"; expected graceful, abortive/],
    [["demo", "--wire", "tap"], /Unknown option '--wire'; see lastack demo --help/],
  ] as const) {
    test(args.join(" ") || "(nothing)", () => {
      const { status, stdout, stderr } = lastack(...args);
      assert.equal(status, 2);
      assert.match(stderr, message);
      assert.match(stderr, /^lastack: .*\n$/, "one line");
      assert.equal(stdout, "");
    });
  }

  for (const [args, message] of [
    [["--link", "wifi"], /--link is "wifi"; expected memory, node, tap$/],
    [["--loss", "1"], /--loss is "1"; expected a probability/],
    [["--loss", "5%"], /--loss is "5%"; expected a probability/],
    [["--loss=-0.1"], /--loss is "-0\.1"; expected a probability/],
    [["--loss", "0.1", "--link", "tap"], /--loss is "0\.1" but --link is "tap"; expected --link memory/],
    [["--loss", "0.1", "--link", "node"], /--loss is "0\.1" but --link is "node"; expected --link memory/],
    [["--pcap", "x.pcapng", "--link", "node"], /--pcap is "x\.pcapng" but --link is "node"; expected --link memory or tap/],
    [["--tap", "tap0", "--link", "node"], /--tap is "tap0" but --link is "node"/],
    [["--seed", "x"], /--seed is "x"; expected an integer from 0 to 4294967295$/],
    [["--seed", "4294967296"], /--seed is "4294967296"; expected/],
    [["--tap", "a name"], /--tap is "a name"; expected the name of a network device/],
    [["--tap", "tap0", "--link", "memory"], /--tap is "tap0" but --link is "memory"/],
    [["--pcap", ""], /--pcap is ""; expected the name of a file$/],
    [["--json=yes"], /'--json' does not take an argument/],
    [["graceful"], /Unexpected argument 'graceful'/],
  ] as const) {
    test(`demo ${args.join(" ")}`, () => {
      assert.throws(() => parseDemoOptions(args), (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test("what is right is taken", () => {
    assert.deepEqual(parseDemoOptions(["--scenario", "half-close", "--loss", ".05", "--seed", "7", "--json", "--link=memory"]), {
      help: false, scenario: "half-close", link: "memory", tap: undefined, loss: 0.05, seed: 7, pcap: undefined, json: true,
    });
  });
});

describe("lastack demo", () => {
  test("draws the chart, prints both reports and exits 0", () => {
    const { status, stdout, stderr } = lastack("demo", "--link", "memory");
    assert.equal(status, 0, stdout + stderr);
    for (const step of ["(1) WSPShutdown(SD_SEND)", "(2) FD_CLOSE", "(3) WSPSend", "(4) WSPShutdown(SD_SEND)", "(4') WSPCloseSocket", "(5') FD_READ", "(5) FD_CLOSE", "(6) WSPCloseSocket"]) {
      assert.ok(stdout.includes(step), step);
    }
    assert.equal(stdout.match(/close report: graceful/g)?.length, 2);
    assert.match(stdout, /promise kept/);
    assert.ok(!stdout.includes("\x1b"), "no colours when it is no terminal");
  });

  test("--json prints one object of the documented form", () => {
    const { status, stdout } = lastack("demo", "--link", "memory", "--json");
    assert.equal(status, 0, stdout);
    const result = JSON.parse(stdout);
    assert.deepEqual(Object.keys(result), ["scenario", "kept", "wires", "skipped"]);
    assert.equal(result.scenario, "graceful");
    assert.equal(result.wires.length, 1);
    const [run] = result.wires;
    assert.deepEqual(Object.keys(run), ["wire", "steps", "client", "server", "problems", "counters"]);
    for (const side of ["client", "server"]) {
      assert.equal(run[side].report.outcome, "graceful");
      assert.deepEqual(Object.keys(run[side].report), ["outcome", "cause", "error", "bytes", "peerFin", "durationMs", "state"]);
    }
    const kinds: Record<string, string[]> = {
      call: ["atMs", "kind", "side", "call", "result"], event: ["atMs", "kind", "side", "event", "error"],
      segment: ["atMs", "kind", "from", "flags", "seq", "ack", "length", "lost", "recorded"], state: ["atMs", "kind", "side", "state"],
    };
    for (const step of run.steps) assert.deepEqual(Object.keys(step).filter((key) => key !== "step"), kinds[step.kind]);
  });

  test("--link node runs as an ordinary user: both roles, every byte, a clean end for the plain program", () => {
    const root = process.getuid?.() === 0;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", MAIN, "demo", "--link", "node", "--json"], {
      cwd: ROOT, encoding: "utf8", timeout: 60_000, ...(root && { uid: NOBODY, gid: NOBODY, env: { PATH: process.env.PATH, HOME: tmpdir() } }),
    });
    assert.equal(status, 0, stdout + stderr);
    const { wires } = JSON.parse(stdout);
    assert.deepEqual(wires.map((run: { wire: string; lastack: string }) => [run.wire, run.lastack]), [["node", "client"], ["node", "server"]]);
    for (const run of wires) {
      // Without koffi the system cannot tell, and the report does not pretend.
      assert.equal(run[run.lastack].report.outcome, hasKoffi() ? "graceful" : "unknown");
      assert.deepEqual(run[run.lastack === "client" ? "server" : "client"].observed, { bytes: run.lastack === "client" ? 17 : 53, end: true, error: null });
    }
  });

  test("--pcap records exactly the segments of the chart", () => {
    const directory = mkdtempSync(join(tmpdir(), "lastack-"));
    try {
      const file = join(directory, "demo.pcapng");
      const { status, stdout } = lastack("demo", "--link", "memory", "--loss", "0.1", "--seed", "3", "--pcap", file, "--json");
      assert.equal(status, 0, stdout);
      const segments = (JSON.parse(stdout).wires[0].steps as Step[]).flatMap((step) => (step.kind === "segment" && step.recorded ? [step] : []));
      const frames = readPcapng(readFileSync(file)).map(({ bytes }) => decodeFrame(bytes)).filter(({ tcp }) => tcp);
      assert.deepEqual(
        frames.map(({ tcp }) => [tcp?.destinationPort === 7777 ? "client" : "server", flagNames(tcp!.flags), tcp?.payloadLength]),
        segments.map(({ from, flags, length }) => [from, flags, length]),
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("a broken promise exits 1", () => {
    const { status, stdout } = lastack("demo", "--link", "memory", "--loss", "0.999", "--json");
    assert.equal(status, 1, stdout);
    const result = JSON.parse(stdout);
    assert.equal(result.kept, false);
    assert.match(result.wires[0].problems[0], /the run broke off/);
  });
});
