/** Scenarios by row. Each file of chapters/ registers those of one chapter. */
import { fileURLToPath } from "node:url";
import type { Check } from "./check.ts";

export type Scenario = (check: Check) => Promise<void> | void;

export interface Registered {
  readonly scenario: Scenario;
  /** File name inside tests/semantics/chapters. */
  readonly file: string;
}

const scenarios = new Map<string, Registered>();
let current = "";

/** Registers the scenario of a row. It runs once per reading of the switch the row depends on, as rows.tsv lists them. */
export function row(id: string, scenario: Scenario): void {
  if (scenarios.has(id)) throw new Error(`row ${id} has two scenarios`);
  scenarios.set(id, { scenario, file: current });
}

/** Loads the chapters and returns every scenario. */
export async function loadScenarios(files: readonly string[]): Promise<ReadonlyMap<string, Registered>> {
  for (const file of files) {
    current = file;
    await import(new URL(`./chapters/${file}`, import.meta.url).href);
  }
  return scenarios;
}

/** Folder of the chapters. */
export const CHAPTERS: string = fileURLToPath(new URL("./chapters/", import.meta.url));
