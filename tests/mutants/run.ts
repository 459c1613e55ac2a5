/** `npm run mutants -- [options]`: makes every fault of the table and shows which test notices it. */
import { type ChildProcess, fork } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileMutant } from "./compile.ts";
import { MUTANTS } from "./table.ts";
import type { Running, Task, Verdict } from "./worker.ts";

const HELP = `usage: npm run mutants -- [options] [TEXT]

Builds the core with each fault of tests/mutants/table.ts in turn and runs packetdrill scripts, rows of the Winsock contract,
simulations and host tests against it until one fails that passes without the fault. A fault nobody notices is a survivor.

options
  --jobs N     mutants at once (default 2)
  --json FILE  write what became of each as JSON
  --last FILE  such a file of an earlier run: what killed a mutant then is tried first
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
        timer = setTimeout(() => done({ index, killer: `${running}, which does not end`, unsound: [] }, true), limitMs);
      };
      child.on("message", (message: Running | Verdict) => {
        if ("running" in message) watch(message); else done(message, false);
      });
      child.once("exit", (code) => done({ index, unsound: [], problem: `the worker ended with ${code}` }, true));
      child.send(task);
    });
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

/** What became of one mutant, as --json writes it. */
interface Result {
  readonly file?: string;
  readonly name?: string;
  readonly killer: string | null;
  readonly problem?: string;
}

function results(verdicts: readonly Verdict[]): Result[] {
  return [...verdicts].sort((x, y) => x.index - y.index).map(({ index, killer, problem }) => {
    const { file, name } = MUTANTS[index] ?? {};
    return { ...(file && { file }), ...(name && { name }), killer: killer ?? null, ...(problem && { problem }) };
  });
}

/** What to try first for a mutant, from the results of an earlier run. */
function hints(file: string | undefined): Map<string, string> {
  const found = file ? (JSON.parse(readFileSync(file, "utf8")) as Result[]) : [];
  return new Map(found.flatMap(({ file: where, name, killer }) => (killer ? [[`${where}: ${name}`, killer]] : [])));
}

function print(verdict: Verdict, out: Out): void {
  const mutant = MUTANTS[verdict.index];
  if (!mutant) return;
  const label = `${mutant.file.replace(/\.ts$/, "")}: ${mutant.name}`;
  for (const name of verdict.unsound) out(`left out  ${name}: it fails without any fault`);
  out(verdict.problem ? `BROKEN    ${label}: ${verdict.problem}` : verdict.killer ? `killed    ${label} -- ${verdict.killer}` : `SURVIVED  ${label}`);
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
  return run(wanted, Number(values.jobs ?? 2), values, out);
}

function parse(args: readonly string[]) {
  const parsed = parseArgs({ args: [...args], options: { jobs: { type: "string" }, json: { type: "string" }, last: { type: "string" }, list: { type: "boolean" }, help: { type: "boolean" } }, allowPositionals: true });
  const jobs = Number(parsed.values.jobs ?? 2);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 64) throw new RangeError(`--jobs is ${parsed.values.jobs}; expected an integer from 1 to 64`);
  return parsed;
}

async function run(wanted: readonly number[], jobs: number, { json, last }: { json?: string | undefined; last?: string | undefined }, out: Out): Promise<number> {
  const started = performance.now();
  const known = hints(last), written = json && resolve(json);
  const judges = Array.from({ length: jobs }, () => new Judge());
  try {
    // The sources as they are now: whoever edits them meanwhile changes nothing here.
    rmSync(FOLDER, { recursive: true, force: true });
    cpSync(join(FOLDER, "../../assembly"), join(FOLDER, "assembly"), { recursive: true });
    const sound = join(FOLDER, "sound.wasm");
    writeFileSync(sound, await compileMutant(FOLDER));
    const left = [...wanted];
    const verdicts: Verdict[] = [];
    await Promise.all(judges.map(async (judge) => {
      for (let index = left.shift(); index !== undefined; index = left.shift()) {
        const hint = known.get(`${MUTANTS[index]?.file}: ${MUTANTS[index]?.name}`);
        const verdict = await judge.try({ index, folder: FOLDER, sound, ...(hint && { hint }) });
        print(verdict, out);
        verdicts.push(verdict);
        if (written) writeFileSync(written, `${JSON.stringify(results(verdicts), null, 2)}\n`);
      }
    }));
    const killed = verdicts.filter(({ killer }) => killer !== undefined).length;
    out(`${wanted.length} mutants: ${killed} killed, ${wanted.length - killed} not, in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    return killed === wanted.length && verdicts.every(({ unsound }) => unsound.length === 0) ? 0 : 1;
  } finally {
    for (const judge of judges) judge.end();
    rmSync(FOLDER, { recursive: true, force: true });
  }
}
