/** `npm run mutants -- [options]`: makes every fault of the table and shows which test notices it. */
import { type ChildProcess, fork } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MUTANTS } from "./table.ts";
import type { Task, Verdict } from "./worker.ts";

const HELP = `usage: npm run mutants -- [options] [TEXT]

Builds the core with each fault of tests/mutants/table.ts in turn and runs packetdrill scripts, rows of the Winsock contract,
simulations and host tests against it until one fails. A fault nobody notices is a survivor.

options
  --jobs N   mutants at once (default 2)
  --list     print the table and end
  --help     this text
  TEXT       only mutants whose file or name contains it

exit code: 0 all killed, 1 some survived or could not be made, 2 bad arguments`;

/** A mutant whose tests take longer than this hangs, and that was noticed. */
const TRIAL_MS = 300_000;
/** The build without a fault runs every test to its end. */
const SOUND_MS = 900_000;
const FOLDER = fileURLToPath(new URL("../../build/mutants/", import.meta.url));
const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

type Out = (text: string) => void;

const launch = (): ChildProcess => fork(WORKER, { execArgv: ["--import", "tsx"], stdio: ["ignore", "ignore", "inherit", "ipc"] });

/** One worker process; a new one takes the place of one that had to be ended. */
class Judge {
  // At once, so that all judges know the same tests.
  #child: ChildProcess | undefined = launch();

  try(task: Task): Promise<Verdict> {
    const { index } = task;
    const child = this.#child ?? launch();
    this.#child = child;
    return new Promise((resolve) => {
      const timer = setTimeout(() => done({ index, killers: ["the time limit (it hangs)"] }, true), index < 0 ? SOUND_MS : TRIAL_MS);
      const done = (verdict: Verdict, end: boolean): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (end) this.end();
        resolve(verdict);
      };
      child.once("message", (verdict) => done(verdict as Verdict, false));
      child.once("exit", (code) => done({ index, killers: [], problem: `the worker ended with ${code}` }, true));
      child.send(task);
    });
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

function print(verdict: Verdict, out: Out): boolean {
  const mutant = MUTANTS[verdict.index];
  if (!mutant) return true;
  const label = `${mutant.file.replace(/\.ts$/, "")}: ${mutant.name}`;
  out(verdict.problem ? `BROKEN    ${label}: ${verdict.problem}` : verdict.killers[0] ? `killed    ${label} -- ${verdict.killers[0]}` : `SURVIVED  ${label}`);
  return verdict.killers.length > 0;
}

/** Runs the command; returns its exit code. */
export async function main(args: readonly string[], out: Out): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    out(`mutants: ${(error as Error).message}\nsee --help`);
    return 2;
  }
  const { values, positionals } = parsed;
  if (values.help) {
    out(HELP);
    return 0;
  }
  const wanted = MUTANTS.flatMap(({ file, name }, i) => (positionals.length === 0 || positionals.some((text) => file.includes(text) || name.includes(text)) ? [i] : []));
  if (values.list) {
    for (const i of wanted) out(`${join("assembly", MUTANTS[i]?.file ?? "")}: ${MUTANTS[i]?.name}`);
    return 0;
  }
  return run(wanted, Number(values.jobs ?? 2), out);
}

function parse(args: readonly string[]) {
  const parsed = parseArgs({ args: [...args], options: { jobs: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean" } }, allowPositionals: true });
  const jobs = Number(parsed.values.jobs ?? 2);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) throw new RangeError(`--jobs is ${parsed.values.jobs}; expected an integer from 1 to 64`);
  return parsed;
}

async function run(wanted: readonly number[], jobs: number, out: Out): Promise<number> {
  const started = performance.now();
  const judges = Array.from({ length: jobs }, () => new Judge());
  try {
    // The sources as they are now: whoever edits them meanwhile changes nothing here.
    rmSync(FOLDER, { recursive: true, force: true });
    cpSync(join(FOLDER, "../../assembly"), join(FOLDER, "assembly"), { recursive: true });
    const sound = await (judges[0] as Judge).try({ index: -1, folder: FOLDER, ignore: [] });
    const ignore = sound.killers;
    if (sound.problem) throw new Error(sound.problem);
    for (const name of ignore) out(`left out  ${name}: it fails without any fault`);
    const left = [...wanted];
    let killed = 0;
    await Promise.all(judges.map(async (judge) => {
      for (let index = left.shift(); index !== undefined; index = left.shift()) if (print(await judge.try({ index, folder: FOLDER, ignore }), out)) killed++;
    }));
    out(`${wanted.length} mutants: ${killed} killed, ${wanted.length - killed} not, in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    return killed === wanted.length && ignore.length === 0 ? 0 : 1;
  } finally {
    for (const judge of judges) judge.end();
    rmSync(FOLDER, { recursive: true, force: true });
  }
}
