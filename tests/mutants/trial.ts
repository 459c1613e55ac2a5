/** Runs the tests against one build, the quickest first, until one fails: that one has killed the mutant. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { coreModule } from "../host/support/spi.ts";
import { runFile, scriptsBelow } from "../packetdrill/runner/cli.ts";
import { DEFAULT_DEFINES } from "../packetdrill/runner/parse.ts";
import { Check } from "../semantics/check.ts";
import { CHAPTERS, loadScenarios } from "../semantics/registry.ts";
import { readRows, rowsById } from "../semantics/table.ts";
import { scenarioOf } from "../sim/program.ts";
import { runScenario } from "../sim/run.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SEEDS = 25;
/** Host tests that need no network of the machine: those that end within a second first. */
const HOST_TESTS = [/^(sim-findings|mutant-findings|link-neighbors)\.test\.ts$/, /^(winsock-.*|seqpacket.*|loss-table|clock-jumps|net-stack|fuzz)\.test\.ts$/] as const;
const HOST_MS = 240_000;
/** A script, a row or a seed takes well below a second; one that takes this long does not end. */
const ONE_MS = 60_000;

const scripts = scriptsBelow(join(ROOT, "tests/packetdrill"));
const rows = rowsById(readRows());
const scenarios = await loadScenarios(readdirSync(CHAPTERS).filter((name) => name.endsWith(".ts")).sort());

/** Names of the tests that fail, one after the other; stop asking and no more are run. */
type Failures = AsyncGenerator<string, void>;
/** Is told of each test before it runs, and how long it may take, ms: a core that hangs takes the whole process with it. */
export type Begin = (name: string, limitMs: number) => void;

async function* script(begin: Begin): Failures {
  const module = await coreModule("");
  for (const file of scripts) {
    const name = `packetdrill ${relative(join(ROOT, "tests/packetdrill"), file)}`;
    begin(name, ONE_MS);
    const { verdict } = runFile(file, { module, mode: "strict" }, new Set(DEFAULT_DEFINES));
    if (verdict !== "pass") yield name;
  }
}

async function* semantics(begin: Begin): Failures {
  for (const [id, lines] of rows) {
    const found = scenarios.get(id);
    if (!found || !lines[0]?.inet.startsWith("test")) continue;
    begin(`semantics ${id}`, ONE_MS);
    for (const line of lines) {
      const check = new Check(line);
      try {
        await found.scenario(check);
        check.finish();
      } catch {
        yield `semantics ${id}`;
        break;
      }
    }
  }
}

async function* simulation(begin: Begin): Failures {
  const module = await coreModule("");
  for (let seed = 1; seed <= SEEDS; seed++) {
    begin(`sim seed ${seed}`, ONE_MS);
    if (runScenario(scenarioOf(seed), { module }).failure) yield `sim seed ${seed}`;
  }
}

async function* host(core: string, which: RegExp, begin: Begin): Failures {
  begin("host tests", HOST_MS + ONE_MS);
  const folder = join(ROOT, "tests/host");
  const files = readdirSync(folder).filter((name) => which.test(name)).map((name) => join(folder, name));
  const { stdout, status, signal } = spawnSync(process.execPath, ["--import", "tsx", "--test", "--test-reporter=tap", ...files], {
    cwd: ROOT, encoding: "utf8", env: { ...process.env, LASTACK_CORE: core }, timeout: HOST_MS, maxBuffer: 1 << 26,
  });
  if (signal) yield "host tests, which did not end";
  else if (status !== 0) for (const [, name] of stdout.matchAll(/^\s*not ok \d+ - (.*)$/gm)) yield `host test "${name}"`;
}

/** The tests that fail on the build at path `core`, in the order in which they are found. */
export async function* failures(core: string, begin: Begin): Failures {
  process.env["LASTACK_CORE"] = core;
  yield* script(begin);
  yield* semantics(begin);
  yield* host(core, HOST_TESTS[0], begin);
  yield* simulation(begin);
  yield* host(core, HOST_TESTS[1], begin);
}
