/** Rows of the Winsock contract with core a on a board: the scenarios and expected values of tests/semantics. */
import { readdirSync } from "node:fs";
import { attempt } from "../semantics/attempt.ts";
import { CHAPTERS, loadScenarios, type Registered } from "../semantics/registry.ts";
import { readRows, rowsById } from "../semantics/table.ts";
import { act } from "./acting.ts";
import { buildFirmware } from "./board.ts";
import { Bridge } from "./bridge.ts";
import { whyLeft } from "./left.ts";

export interface RowsResult {
  passed: string[];
  /** "C-08: what was seen". */
  failed: string[];
  /** Row and reason. */
  left: [string, string][];
  commands: number;
  seconds: number;
}

/**
 * Builds and boots the board's test firmware and runs the rows on it. `only`: these. `all`: those that are listed as left too.
 * Once in a process: afterwards the scenarios stay sized for a board.
 */
export async function runRows(board: string, { only, all = false }: { only?: RegExp; all?: boolean } = {}): Promise<RowsResult> {
  const { elf } = await buildFirmware(board, { TEST: "1" });
  const bridge = await Bridge.boot(board, elf);
  try {
    act(bridge);
    const started = performance.now();
    const scenarios = await loadScenarios(readdirSync(CHAPTERS).filter((name) => name.endsWith(".ts")).sort());
    const result: RowsResult = { passed: [], failed: [], left: [], commands: 0, seconds: 0 };
    for (const [id, lines] of rowsById(readRows())) {
      const scenario = scenarios.get(id) as Registered, why = whyLeft(id);
      if (lines[0]?.inet !== "test" || (only && !only.test(id))) continue;
      if (why && !all) {
        result.left.push([id, why]);
        continue;
      }
      let failure: Error | undefined;
      for (const line of lines) failure ??= await attempt(line, scenario);
      if (failure) result.failed.push(`${id}: ${failure.message.split("\n")[0]}`);
      else result.passed.push(id);
    }
    return { ...result, commands: bridge.commands, seconds: Math.round(performance.now() - started) / 1000 };
  } finally {
    await bridge.stop();
  }
}
