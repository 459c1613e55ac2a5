/** Compiles the core with one place changed, in this process and without touching a source file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { main as asc } from "assemblyscript/asc";
import { faulty } from "./fault.ts";
import type { Mutant } from "./table.ts";

/** Constants and the start of static data as in the default build; unoptimised, because a fault is one there too and the compiler is three times as fast. */
const OPTIONS = [
  "assembly/index.ts", "--outFile", "core.wasm", "--exportTable", "--noAssert", "--runtime", "stub", "--exportStart", "_initialize", "--initialMemory", "2", "--memoryBase", "1024",
  ...["abort=", "DEBUG=0", "TINY=0", "TINY_SOCKETS=8", "TINY_CONNECTIONS=10", "TINY_SEND_BUFFER=2048", "TINY_RECV_BUFFER=2048", "TINY_MTU=1500"].flatMap((use) => ["--use", use]),
];

/** The module made of `folder`/assembly with the fault, or without one. @throws what the compiler says. */
export async function compileMutant(folder: string, mutant?: Mutant): Promise<Uint8Array> {
  process.chdir(folder);
  const changed = mutant ? faulty(folder, mutant) : "";
  const path = mutant ? `assembly/${mutant.file}` : "";
  const messages: string[] = [];
  let wasm: Uint8Array | undefined;
  const { error } = await asc(OPTIONS, {
    stdout: { write: (text: string) => void messages.push(text) },
    stderr: { write: (text: string) => void messages.push(text) },
    readFile: (name: string, base: string) => {
      if (name === path) return changed;
      try {
        return readFileSync(join(base, name), "utf8");
      } catch {
        return null;
      }
    },
    writeFile: (name: string, content: string | Uint8Array) => {
      if (name.endsWith(".wasm")) wasm = content as Uint8Array;
    },
  });
  if (error || !wasm) throw new Error(`"${mutant?.name}" does not compile: ${messages.join("") || error?.message}`);
  return wasm;
}
