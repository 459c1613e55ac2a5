/** Runs the tests against one build, the quickest first, until one fails: that one has killed the mutant. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
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
const HOST_TESTS = [/^(sim-findings|mutant-findings|link-neighbors)\.test\.ts$/, /^(winsock-.*|attack-(icmp|prediction)|seqpacket.*|loss-table|clock-jumps|net-stack|fuzz)\.test\.ts$/] as const;
/** No script has messages or overlapped calls: where those were changed, the tests that know them come first. */
const SPECIAL: readonly (readonly [file: RegExp, tests: RegExp])[] = [
  [/cotp|tpkt|seqpacket/, /^seqpacket.*\.test\.ts$/],
  [/tcp\/(trouble|guard|table|cookie)/, /^(winsock-trouble|attack-(icmp|prediction))\.test\.ts$/],
  [/^winsock\/overlapped\//, /^winsock-overlapped\.test\.ts$/],
];
/** All host tests of a group, and one file of them. */
const HOST_MS = 500_000;
const FILE_MS = 240_000;
/** A script, a row or a seed takes well below a second; one that takes this long does not end. */
const ONE_MS = 120_000;

const scripts = scriptsBelow(join(ROOT, "tests/packetdrill"));
const rows = rowsById(readRows());
const scenarios = await loadScenarios(readdirSync(CHAPTERS).filter((name) => name.endsWith(".ts")).sort());

/** Names of the tests that fail, one after the other; stop asking and no more are run. */
type Failures = AsyncGenerator<string, void>;
/** Is told of each test before it runs, and how long it may take, ms: a core that hangs takes the whole process with it. */
export type Begin = (name: string, limitMs: number) => void;

interface Trial {
  readonly core: string;
  readonly begin: Begin;
  /** The name of the only test to run; without it, all. */
  readonly only: string | undefined;
}

const wanted = ({ only }: Trial, name: string): boolean => only === undefined || only === name;

async function* script(trial: Trial): Failures {
  const module = await coreModule("");
  for (const file of scripts) {
    const name = `packetdrill ${relative(join(ROOT, "tests/packetdrill"), file)}`;
    if (!wanted(trial, name)) continue;
    trial.begin(name, ONE_MS);
    const { verdict } = runFile(file, { module, mode: "strict" }, new Set(DEFAULT_DEFINES));
    if (verdict !== "pass") yield name;
  }
}

async function* semantics(trial: Trial): Failures {
  for (const [id, lines] of rows) {
    const found = scenarios.get(id), name = `semantics ${id}`;
    if (!found || !lines[0]?.inet.startsWith("test") || !wanted(trial, name)) continue;
    trial.begin(name, ONE_MS);
    for (const line of lines) {
      const check = new Check(line);
      try {
        await found.scenario(check);
        check.finish();
      } catch {
        yield name;
        break;
      }
    }
  }
}

async function* simulation(trial: Trial): Failures {
  const module = await coreModule("");
  for (let seed = 1; seed <= SEEDS; seed++) {
    const name = `sim seed ${seed}`;
    if (!wanted(trial, name)) continue;
    trial.begin(name, ONE_MS);
    if (runScenario(scenarioOf(seed), { module }).failure) yield name;
  }
}

/** A host test's name as node:test has it. */
const HOST = /^host test "(.*)"$/s;

async function* host(trial: Trial, which: RegExp): Failures {
  const one = trial.only === undefined ? undefined : HOST.exec(trial.only)?.[1];
  if (trial.only !== undefined && one === undefined) return;
  trial.begin("host tests", HOST_MS + ONE_MS);
  const folder = join(ROOT, "tests/host");
  const all = readdirSync(folder).filter((name) => which.test(name)).map((name) => join(folder, name));
  const holding = one === undefined ? [] : all.filter((file) => readFileSync(file, "utf8").includes(one));
  const pattern = one === undefined ? [] : [`--test-name-pattern=^${one.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}$`];
  const { stdout, status, signal } = spawnSync(process.execPath, ["--import", "tsx", "--test", "--test-reporter=tap", `--test-timeout=${FILE_MS}`, ...pattern, ...(holding.length > 0 ? holding : all)], {
    cwd: ROOT, encoding: "utf8", env: { ...process.env, LASTACK_CORE: trial.core }, timeout: HOST_MS, maxBuffer: 1 << 26,
  });
  if (signal) yield "host tests, which did not end";
  else if (status !== 0) for (const [, name] of stdout.matchAll(/^\s*not ok \d+ - (.*)$/gm)) yield `host test "${name}"`;
}

/** The tests that fail on the build at path `core`, in the order in which they are found; `only` that one, if it is named. `file`: what was changed. */
export async function* failures(core: string, begin: Begin, file: string, only?: string): Failures {
  const trial = { core, begin, only };
  process.env["LASTACK_CORE"] = core;
  const special = SPECIAL.find(([where]) => where.test(file))?.[1];
  if (special) {
    yield* host(trial, special);
    yield* semantics(trial);
  }
  yield* script(trial);
  if (!special) yield* semantics(trial);
  yield* host(trial, HOST_TESTS[0]);
  yield* simulation(trial);
  yield* host(trial, HOST_TESTS[1]);
}
