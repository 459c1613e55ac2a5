/** Tries one mutant after the other, as the parent process says. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileMutant } from "./compile.ts";
import { MUTANTS } from "./table.ts";
import { failures } from "./trial.ts";

export interface Verdict {
  readonly index: number;
  /** The test that noticed. */
  readonly killer?: string;
  /** Tests that failed, and do so on the build without a fault too: they say nothing. */
  readonly unsound: readonly string[];
  /** The mutant could not be made. */
  readonly problem?: string;
}

export interface Task {
  /** In the table. */
  readonly index: number;
  /** Where the sources are, as assembly/, and where the module may be put. */
  readonly folder: string;
  /** The build without a fault. */
  readonly sound: string;
  /** The test to try first. */
  readonly hint?: string;
}

/** What a worker says before its verdict: the test it runs now, and how long that may take, ms. */
export interface Running {
  readonly running: string;
  readonly limitMs: number;
}

/** The compiler gets this long. */
const COMPILE_MS = 300_000;

function begin(running: string, limitMs: number): void {
  process.send?.({ running, limitMs } satisfies Running);
}

/** Whether a test passes without a fault; each is asked once. */
const passes = new Map<string, boolean>();

async function passesSound(sound: string, name: string): Promise<boolean> {
  const known = passes.get(name);
  if (known !== undefined) return known;
  const { value } = await failures(sound, begin, "", name).next();
  passes.set(name, value === undefined);
  return value === undefined;
}

/** The first test that fails on `core` and not on the sound build; those that fail on both are added to `unsound`. */
async function firstKiller(core: string, file: string, sound: string, unsound: string[], only?: string): Promise<string | undefined> {
  for await (const name of failures(core, begin, file, only)) {
    const counts = await passesSound(sound, name);
    process.env["LASTACK_CORE"] = core;
    if (counts) return name;
    unsound.push(name);
  }
  return undefined;
}

async function judge({ index, folder, sound, hint }: Task): Promise<Verdict> {
  const core = join(folder, `mutant-${index}.wasm`);
  begin("the compiler", COMPILE_MS);
  try {
    writeFileSync(core, await compileMutant(folder, MUTANTS[index]));
  } catch (error) {
    return { index, unsound: [], problem: (error as Error).message };
  }
  const unsound: string[] = [];
  const file = MUTANTS[index]?.file ?? "";
  const killer = (hint && (await firstKiller(core, file, sound, unsound, hint))) || (await firstKiller(core, file, sound, unsound));
  rmSync(core);
  return { index, unsound, ...(killer && { killer }) };
}

process.on("message", (task: Task) => {
  void judge(task).then((verdict) => process.send?.(verdict));
});
