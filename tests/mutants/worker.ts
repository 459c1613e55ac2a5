/** Tries one mutant after the other, as the parent process says. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileMutant } from "./compile.ts";
import { MUTANTS } from "./table.ts";
import { failures } from "./trial.ts";

export interface Verdict {
  readonly index: number;
  /** The tests that failed: all of them on the build without a fault, else the first. */
  readonly killers: readonly string[];
  /** The mutant could not be made. */
  readonly problem?: string;
}

export interface Task {
  /** In the table; -1 = the build without a fault. */
  readonly index: number;
  /** Where the sources are, as assembly/, and where the module may be put. */
  readonly folder: string;
  /** Tests that fail without any fault: they say nothing. */
  readonly ignore: readonly string[];
}

/** What a worker says before its verdict: the test it runs now, and how long that may take, ms. */
export interface Running {
  readonly running: string;
  readonly limitMs: number;
}

/** The compiler gets this long. */
const COMPILE_MS = 180_000;

function begin(running: string, limitMs: number): void {
  process.send?.({ running, limitMs } satisfies Running);
}

async function judge({ index, folder, ignore }: Task): Promise<Verdict> {
  const core = join(folder, `mutant-${index}.wasm`);
  begin("the compiler", COMPILE_MS);
  try {
    const wasm = await compileMutant(folder, MUTANTS[index]);
    writeFileSync(core, wasm);
  } catch (error) {
    return { index, killers: [], problem: (error as Error).message };
  }
  const killers: string[] = [];
  for await (const name of failures(core, begin)) {
    if (ignore.includes(name)) continue;
    killers.push(name);
    if (index >= 0) break;
  }
  rmSync(core);
  return { index, killers };
}

process.on("message", (task: Task) => {
  void judge(task).then((verdict) => process.send?.(verdict));
});
