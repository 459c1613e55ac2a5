/**
 * Every scenario of the demonstration keeps its promise, also when frames are lost; on host sockets against a plain node:net
 * program; on TAP against the kernel, as root.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { nodeObstacle, runOnNode } from "../../host/cli/demo/node-wire.ts";
import { runOnMemory } from "../../host/cli/demo/memory-wire.ts";
import { hasKoffi, namespaceObstacle } from "../../host/cli/demo/namespace.ts";
import { judged, type WireRun } from "../../host/cli/demo/run.ts";
import type { Side } from "../../host/cli/demo/steps.ts";
import { SCENARIOS, type ScenarioName, scenarios } from "../../host/cli/demo/scenarios.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LOSS_SEEDS = 5;
const signal = new AbortController().signal;
const hasTshark = spawnSync("tshark", ["--version"], { stdio: "ignore" }).status === 0;

function onMemory(scenario: ScenarioName, loss: number, seed: number): Promise<WireRun> {
  return runOnMemory({ scenario, loss, seed, pcap: undefined, signal }, () => {});
}

const report = (side: WireRun["client"]) => ("report" in side ? side.report : null);

describe("memory link", () => {
  for (const scenario of SCENARIOS) {
    test(`${scenario} keeps its promise`, async () => {
      assert.deepEqual((await onMemory(scenario, 0, 1)).problems, []);
    });

    test(`${scenario} keeps it with 5 % loss, seeds 1 to ${LOSS_SEEDS}`, async () => {
      for (let seed = 1; seed <= LOSS_SEEDS; seed++) assert.deepEqual((await onMemory(scenario, 0.05, seed)).problems, [], `seed ${seed}`);
    });
  }

  test("the six steps come in their order (T-09), and the FIN after the last byte", async () => {
    const { steps } = await onMemory("graceful", 0, 1);
    const at = (step: string): number => steps.findIndex((one) => "step" in one && one.step === step);
    const order = ["1", "2", "3", "4", "5", "6"].map(at);
    assert.ok(order.every((place) => place >= 0), String(order));
    assert.deepEqual(order, [...order].sort((a, b) => a - b));
    assert.ok(at("3") < at("5'") && at("5'") < at("5"));
  });

  test("the same seed is the same run, to the microsecond", async () => {
    const [first, second] = [await onMemory("half-close", 0.1, 9), await onMemory("half-close", 0.1, 9)];
    assert.deepEqual(first.steps, second.steps);
    assert.deepEqual(first.counters, second.counters);
  });

  test("the counters of both stacks are those of what was drawn", async () => {
    const { steps, counters } = await onMemory("graceful", 0, 1);
    const segments = (side: Side): number => steps.filter((step) => step.kind === "segment" && step.from === side).length;
    const { client, server } = counters;
    assert.ok(client && server);
    assert.deepEqual([client.tcpActiveOpens, client.tcpPassiveOpens, server.tcpActiveOpens, server.tcpPassiveOpens], [1, 0, 0, 1]);
    assert.deepEqual([client.tcpOutSegs, client.tcpInSegs], [segments("client"), segments("server")]);
    assert.deepEqual([server.tcpOutSegs, server.tcpInSegs], [segments("server"), segments("client")]);
  });

  test("linger-expires is reset after one second, and the report counts the bytes in doubt", async () => {
    const { client } = await onMemory("linger-expires", 0, 1);
    const closed = report(client);
    assert.equal(closed?.outcome, "lingerExpired");
    assert.ok(closed.durationMs >= 1000 && closed.durationMs <= 1100, `${closed.durationMs} ms`);
    assert.equal(closed.bytes.acknowledged + closed.bytes.unacknowledged, closed.bytes.sent);
  });
});

describe("the judgement", () => {
  test("names what was not as promised", async () => {
    const run = await onMemory("abortive", 0, 1);
    const [client, server] = [report(run.client), report(run.server)];
    assert.ok(client && server);
    const problems = judged("memory", scenarios.graceful, "client", {
      client: { report: client, received: 1, intact: false },
      server: { report: server, received: 16, intact: true },
    }, run.steps).problems;
    for (const text of [/client's report says aborted, not graceful/, /client received 1 of \d+ bytes/, /client received other bytes/, /server's report says resetByPeer/, /no FIN of the client/, /a RST was seen/]) {
      assert.ok(problems.some((problem) => text.test(problem)), String(text));
    }
  });

  test("holds a kernel's program to the same", () => {
    const { problems } = judged("tap", scenarios.graceful, "client", {
      client: { bytes: 3, end: false, error: "ECONNRESET" },
    }, [], "server");
    assert.deepEqual(problems.slice(0, 3), [
      "the client (kernel) saw no end", "the client (kernel) saw ECONNRESET", "the client (kernel) received 3 of 53 bytes",
    ]);
  });
});

describe("host sockets", () => {
  for (const scenario of SCENARIOS) {
    for (const lastack of ["client", "server"] as const) {
      test(`${scenario} keeps its promise against a plain node:net program, Lastack the ${lastack}`, { skip: nodeObstacle(scenario) ?? false }, async () => {
        const run = await runOnNode({ scenario, loss: 0, seed: 1, pcap: undefined, signal, lastack }, () => {});
        assert.deepEqual(run.problems, []);
        const plain = run[lastack === "client" ? "server" : "client"];
        assert.ok("observed" in plain && plain.observed);
        const own = run[lastack];
        assert.ok("report" in own && own.report);
        assert.deepEqual(Object.keys(run.counters), [lastack]);
        if (scenario !== "graceful") return;
        // Without koffi the system cannot tell, and the report does not pretend (semantics N-18).
        assert.equal(own.report.outcome, hasKoffi() ? "graceful" : "unknown");
        assert.deepEqual(plain.observed, { bytes: lastack === "client" ? 17 : 53, end: true, error: null });
      });
    }
  }
});

/** Segments as tshark reads a capture: [from, flags, seq, ack, length], sequence numbers relative; and what it finds wrong. */
function tshark(file: string): { segments: unknown[][]; wrong: string[] } {
  const fields = ["tcp.dstport", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len", "ip.checksum.status", "tcp.checksum.status", "_ws.malformed"];
  const checks = ["ip.check_checksum", "tcp.check_checksum"].flatMap((name) => ["-o", `${name}:TRUE`]);
  const args = ["-r", file, "-Y", "tcp", ...checks, "-T", "fields", ...fields.flatMap((field) => ["-e", field])];
  const { stdout, status, stderr } = spawnSync("tshark", args, { encoding: "utf8", timeout: 60_000 });
  assert.equal(status, 0, stderr);
  const rows = stdout.trimEnd().split("\n").map((line) => line.split("\t"));
  const names = [["SYN", 2], ["FIN", 1], ["RST", 4], ["PSH", 8], ["ACK", 16]] as const;
  return {
    segments: rows.map(([port, flags, seq, ack, length]) => {
      const bits = Number(flags);
      const text = names.filter(([, bit]) => bits & bit).map(([name]) => name).join(",");
      return [port === "7777" ? "client" : "server", text, Number(seq), bits & 16 ? Number(ack) : 0, Number(length)];
    }),
    // Status 1 is "Good".
    wrong: rows.filter((row) => row[5] !== "1" || row[6] !== "1" || row[7]).map((row) => row.join(" ")),
  };
}

function assertAsTsharkReads(run: WireRun, file: string): void {
  const drawn = run.steps.flatMap((step) => (step.kind === "segment" && step.recorded ? [[step.from, step.flags, step.seq, step.ack, step.length]] : []));
  const { segments, wrong } = tshark(file);
  assert.deepEqual(wrong, []);
  assert.deepEqual(drawn, segments);
}

describe("the chart is what tshark reads in the capture", { skip: hasTshark ? false : "tshark is not installed" }, () => {
  for (const scenario of SCENARIOS) {
    for (const loss of [0, 0.05]) {
      test(`memory link, ${scenario}, ${loss * 100} % loss`, async () => {
        const directory = mkdtempSync(join(tmpdir(), "lastack-"));
        try {
          const pcap = join(directory, "demo.pcapng");
          assertAsTsharkReads(await runOnMemory({ scenario, loss, seed: 2, pcap, signal }, () => {}), pcap);
        } finally {
          rmSync(directory, { recursive: true });
        }
      });
    }
  }

  test("TAP, both roles", { skip: namespaceObstacle() ?? false }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "lastack-"));
    try {
      const { stdout } = await demoOnTap("--json", "--pcap", join(directory, "demo.pcapng"));
      for (const run of JSON.parse(stdout).wires as WireRun[]) assertAsTsharkReads(run, join(directory, `demo-tap-${run.lastack}.pcapng`));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let interrupted = false;

function interruptOnce(group: number): void {
  if (interrupted) return;
  interrupted = true;
  process.kill(-group, "SIGINT");
}

interface Running extends Promise<Outcome> {
  readonly child: ReturnType<typeof spawnDemo>;
  output(): string;
}

function spawnDemo(args: readonly string[]) {
  return spawn(process.execPath, ["--import", "tsx", "host/cli/main.ts", "demo", "--link", "tap", ...args], {
    cwd: ROOT, timeout: 60_000, detached: true, stdio: ["ignore", "pipe", "pipe"],
  });
}

function demoOnTap(...args: string[]): Running {
  const child = spawnDemo(args);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const done = new Promise<Outcome>((resolve) => child.on("close", (status) => resolve({ status, stdout, stderr })));
  return Object.assign(done, { child, output: () => stdout });
}

describe("TAP", { skip: namespaceObstacle() ?? false }, () => {
  for (const scenario of SCENARIOS) {
    test(`${scenario} keeps its promise against the kernel, in both roles`, async () => {
      const { status, stdout, stderr } = await demoOnTap("--scenario", scenario, "--json");
      assert.equal(status, 0, stdout.slice(-3000) + stderr);
      const { wires } = JSON.parse(stdout);
      assert.deepEqual(wires.map((run: WireRun) => [run.wire, run.lastack]), [["tap", "client"], ["tap", "server"]]);
      for (const run of wires) {
        assert.deepEqual(Object.keys(run[run.lastack]), ["report"]);
        assert.deepEqual(Object.keys(run[run.lastack === "client" ? "server" : "client"].observed), ["bytes", "end", "error"]);
      }
    });
  }

  test("Ctrl-C closes, says so and exits 130", async () => {
    const run = demoOnTap("--scenario", "linger-expires");
    run.child.stdout.on("data", () => {
      // In the middle of the close; a terminal sends the signal to the whole group.
      if (run.output().includes("WSPCloseSocket = waits")) interruptOnce(run.child.pid as number);
    });
    const { status, stdout } = await run;
    assert.equal(status, 130, stdout);
    assert.match(stdout, /the run broke off: interrupted/);
    assert.equal(stdout.match(/linger-expires:/g)?.length, 1, "the second run was not begun");
  });
});

describe("without a TAP device", () => {
  test("--tap with a device that is not there says why and what to do", { skip: process.getuid?.() === 0 }, async () => {
    const { status, stderr } = await demoOnTap("--tap", "nosuchtap");
    assert.equal(status, 1);
    assert.match(stderr, /ip tuntap add/);
  });
});
