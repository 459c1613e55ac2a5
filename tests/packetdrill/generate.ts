/**
 * Writes the generated part of the corpus below tests/packetdrill/generated/. The output is committed; `check` finds whether
 * generating again would change anything. Run: node --import tsx tests/packetdrill/generate.ts [--check]
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { closeScripts } from "./corpus/close.ts";
import { type GeneratedScript, stateScripts } from "./corpus/states.ts";

export const GENERATED = join(dirname(fileURLToPath(import.meta.url)), "generated");

/** Every generated script, each path once. */
export function generate(): GeneratedScript[] {
  const scripts = [...stateScripts(), ...closeScripts()];
  const paths = new Set<string>();
  for (const s of scripts) {
    if (paths.has(s.path)) throw new Error(`two generated scripts are named ${s.path}`);
    paths.add(s.path);
  }
  return scripts;
}

function existing(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true }).map(String).filter((name) => statSync(join(folder, name)).isFile());
  } catch {
    return [];
  }
}

/** What differs between the folder and what would be generated. */
export function check(folder = GENERATED): string[] {
  const scripts = new Map(generate().map((s) => [s.path, s.text]));
  const problems: string[] = [];
  for (const name of existing(folder)) if (!scripts.has(name)) problems.push(`${name} is not generated any more`);
  for (const [path, text] of scripts) {
    let found: string | null = null;
    try {
      found = readFileSync(join(folder, path), "utf8");
    } catch {
      problems.push(`${path} is missing`);
    }
    if (found !== null && found !== text) problems.push(`${path} differs`);
  }
  return problems;
}

function write(folder = GENERATED): number {
  rmSync(folder, { recursive: true, force: true });
  const scripts = generate();
  for (const { path, text } of scripts) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return scripts.length;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--check")) {
    const problems = check();
    for (const problem of problems) console.error(problem);
    process.exitCode = problems.length ? 1 : 0;
  } else {
    console.log(`${write()} scripts written`);
  }
}
