/** Puts a fault of the table into the text of its file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Mutant } from "./table.ts";

/** The file below `folder`/assembly with the fault. @throws if `find` does not stand in it exactly once. */
export function faulty(folder: string, { file, find, replace, name }: Mutant): string {
  const source = readFileSync(join(folder, "assembly", file), "utf8");
  const places = source.split(find).length - 1;
  if (places !== 1) throw new Error(`"${name}": the text to change stands ${places} times in assembly/${file}; expected once`);
  return source.replace(find, () => replace);
}
