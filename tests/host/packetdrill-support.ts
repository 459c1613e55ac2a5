/** For the packetdrill tests: the core, and scripts from text. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileCore } from "../../host/core/index.ts";
import { parseScript } from "../packetdrill/runner/parse.ts";
import type { Outcome } from "../packetdrill/runner/report.ts";
import { type RunOptions, runScript } from "../packetdrill/runner/run.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const CORPUS = join(ROOT, "tests", "packetdrill");
export const WASM = join(ROOT, "build", "lastack.wasm");

export const module: WebAssembly.Module = await compileCore(new Uint8Array(readFileSync(WASM)));

/** Runs a script given as text; strict unless said otherwise. */
export function play(text: string, options: Partial<RunOptions> = {}): Outcome {
  return runScript(parseScript(text, "inline.pkt"), { module, mode: "strict", ...options });
}

/** A connection accepted as descriptor 4, peer window 10000, MSS 1000. */
export const ACCEPTED = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
+0 < S 0:0(0) win 10000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 < . 1:1(0) ack 1 win 10000
+0 accept(3, ..., ...) = 4
`;
