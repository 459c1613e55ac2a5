/** `npm run mutants -- [options]`: makes every fault of the table and shows which test notices it. */
import { type ChildProcess, fork } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MUTANTS } from "./table.ts";
import type { Running, Task, Verdict } from "./worker.ts";

const HELP = `usage: npm run mutants -- [options] [TEXT]

Builds the core with each fault of tests/mutants/table.ts in turn and runs packetdrill scripts, rows of the Winsock contract,
simulations and host tests against it until one fails. A fault nobody notices is a survivor.

options
  --jobs N     mutants at once (default 2)
  --json FILE  write what became of each as JSON
  --list       print the table and end
  --help       this text
  TEXT         only mutants whose file or name contains it; may be repeated

exit code: 0 all killed, 1 some survived or could not be made, 2 bad arguments`;

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
      let timer: NodeJS.Timeout | undefined;
      const done = (verdict: Verdict, end: boolean): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (end) this.end();
        resolve(verdict);
      };
      // A fault that makes the core go round for ever is noticed by the test under way, which never ends.
      const watch = ({ running, limitMs }: Running): void => {
        clearTimeout(timer);
        timer = setTimeout(() => done({ index, killers: [`${running}, which does not end`] }, true), limitMs);
      };
      child.on("message", (message: Running | Verdict) => {
        if ("running" in message) watch(message); else done(message, false);
      });
      child.once("exit", (code) => done({ index, killers: [], problem: `the worker ended with ${code}` }, true));
      child.send(task);
    });
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

function asJson(verdicts: readonly Verdict[]): string {
  const results = [...verdicts].sort((x, y) => x.index - y.index).map(({ index, killers, problem }) => ({ file: MUTANTS[index]?.file, name: MUTANTS[index]?.name, killer: killers[0] ?? null, problem }));
  return `${JSON.stringify(results, null, 2)}\n`;
}

function print(verdict: Verdict, out: Out): void {
  const mutant = MUTANTS[verdict.index];
  if (!mutant) return;
  const label = `${mutant.file.replace(/\.ts$/, "")}: ${mutant.name}`;
  out(verdict.problem ? `BROKEN    ${label}: ${verdict.problem}` : verdict.killers[0] ? `killed    ${label} -- ${verdict.killers[0]}` : `SURVIVED  ${label}`);
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
  return run(wanted, Number(values.jobs ?? 2), values.json, out);
}

function parse(args: readonly string[]) {
  const parsed = parseArgs({ args: [...args], options: { jobs: { type: "string" }, json: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean" } }, allowPositionals: true });
  const jobs = Number(parsed.values.jobs ?? 2);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) throw new RangeError(`--jobs is ${parsed.values.jobs}; expected an integer from 1 to 64`);
  return parsed;
}

async function run(wanted: readonly number[], jobs: number, json: string | undefined, out: Out): Promise<number> {
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
    const verdicts: Verdict[] = [];
    await Promise.all(judges.map(async (judge) => {
      for (let index = left.shift(); index !== undefined; index = left.shift()) {
        const verdict = await judge.try({ index, folder: FOLDER, ignore });
        print(verdict, out);
        verdicts.push(verdict);
      }
    }));
    const killed = verdicts.filter(({ killers }) => killers.length > 0).length;
    if (json) writeFileSync(json, asJson(verdicts));
    out(`${wanted.length} mutants: ${killed} killed, ${wanted.length - killed} not, in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    return killed === wanted.length && ignore.length === 0 ? 0 : 1;
  } finally {
    for (const judge of judges) judge.end();
    rmSync(FOLDER, { recursive: true, force: true });
  }
}
