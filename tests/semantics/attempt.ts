/** One run of one row. */
import { Check } from "./check.ts";
import type { Registered } from "./registry.ts";
import type { RowLine } from "./table.ts";

/** Runs a scenario against one line of its row; undefined = the line holds. */
export async function attempt(line: RowLine, scenario: Registered): Promise<Error | undefined> {
  const check = new Check(line);
  try {
    await scenario.scenario(check);
    check.finish();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
