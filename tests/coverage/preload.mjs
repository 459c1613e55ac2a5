// Loaded into every process of a coverage run: gives instrumented cores their counter import and writes down which
// statements ran when the process ends.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { threadId } from "node:worker_threads";

const directory = process.env.LASTACK_COVERAGE;
const hits = new Uint8Array(65536);
const NAME = "coverage_hit";

function withCounter(module, imports) {
  if (!WebAssembly.Module.imports(module).some((one) => one.name === NAME)) return imports;
  const functions = { ...imports.wasi_snapshot_preview1, [NAME]: (n) => void (hits[n] = 1) };
  return { ...imports, wasi_snapshot_preview1: functions };
}

const { Instance } = WebAssembly;
WebAssembly.Instance = class extends Instance {
  constructor(module, imports) {
    super(module, withCounter(module, imports));
  }
};
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (source, imports) => {
  if (source instanceof WebAssembly.Module) return instantiate(source, withCounter(source, imports));
  const module = await WebAssembly.compile(source);
  return { module, instance: await instantiate(module, withCounter(module, imports)) };
};

process.on("exit", () => {
  if (!directory || !hits.some(Boolean)) return;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${process.pid}-${threadId}.bin`), hits);
});
