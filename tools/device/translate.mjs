// lastack.tiny.wasm to C: wabt's wasm2c, then the generated file is freed of what a device cannot afford. Every rewriting
// rule counts its matches, so that another version of wasm2c fails here and not on a device.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MODULE = "core";
const RUNTIME = "lastack_w2c.h";
/** The line before the generated functions' prototypes, and the last of wasm2c's own prologue. */
const PROLOGUE_END = /^#define WEAK_FUNC_DECL\(func, fallback\) {40,}\\\n.*\\\n.*\n#endif\n/m;

const WASM2C = join(dirname(createRequire(import.meta.url).resolve("wabt/package.json")), "bin", "wasm2c");

/** Runs wasm2c over `wasm`; returns { source, header } as it wrote them. */
function wasm2c(wasm) {
  const dir = mkdtempSync(join(tmpdir(), "lastack-wasm2c-"));
  try {
    const { status, stderr, error } = spawnSync(process.execPath, [WASM2C, wasm, "-n", MODULE, "-o", join(dir, "core.c")], { encoding: "utf8" });
    if (status !== 0) throw new Error(`wasm2c of ${wasm} failed: ${error?.message ?? stderr.trim()}`);
    return { source: readFileSync(join(dir, "core.c"), "utf8"), header: readFileSync(join(dir, "core.h"), "utf8") };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** text.replace that fails if the rule does not fit at least `least` and at most `most` times. */
function rewrite(text, what, pattern, replacement, least = 1, most = Infinity) {
  const found = [...text.matchAll(pattern)].length;
  if (found < least || found > most) {
    throw new Error(`wasm2c output: "${what}" fits ${found} times, expected ${least}${most === Infinity ? " or more" : ` to ${most}`}; is this wabt 1.0.39?`);
  }
  return text.replace(pattern, replacement);
}

/** Drops every `#if WASM_RT_USE_SEGUE_...` up to its own #endif: x86's segment registers. */
function withoutSegments(text) {
  let depth = 0;
  return text.split("\n").filter((line) => {
    if (depth === 0 && !line.startsWith("#if WASM_RT_USE_SEGUE_FOR_THIS_MODULE")) return true;
    if (line.startsWith("#if")) depth++;
    if (line.startsWith("#endif")) depth--;
    return false;
  }).join("\n");
}

/** What only hosts with tables, exceptions or an operating system need. */
function trim(source) {
  const end = PROLOGUE_END.exec(source);
  if (!end) throw new Error("wasm2c output: the end of its prologue is not where it was; is this wabt 1.0.39?");
  let text = `/* Generated from lastack.tiny.wasm by tools/device/translate.mjs. */\n#include "core.h"\n#include "${RUNTIME}"\n${source.slice(end.index + end[0].length)}`;
  text = rewrite(text, "function types", /^FUNC_TYPE_T\(.*\n/gm, "");
  text = rewrite(text, "function type query", /^wasm_rt_func_type_t wasm2c_core_get_func_type[^]*?^}\n/gm, "", 1, 1);
  text = withoutSegments(text);
  text = rewrite(text, "prologue", /^ {2}FUNC_PROLOGUE;\n/gm, "");
  text = rewrite(text, "epilogue", /^ {2}FUNC_EPILOGUE;\n/gm, "");
  text = rewrite(text, "zero globals", /^ {2}instance->w2c_g\d+ = 0u(?:ll)?;\n/gm, "");
  text = rewrite(text, "start", /^ {2}init_instance_import\(instance,/gm, "  CORE_CLEAR(instance);\n$&", 1, 1);
  text = rewrite(text, "data segments", /LOAD_DATA\(instance->w2c_memory, (\d+u), (\w+), (\d+)\);/g, "DATA_SEGMENT(CORE_MEMORY(instance), $1, $2, $3);", 0);
  text = rewrite(text, "memory", /wasm_rt_allocate_memory\(&instance->w2c_memory, 1, 1, 0, 65536\);/g, "MEMORY_CLEAR(CORE_MEMORY(instance));", 1, 1);
  text = rewrite(text, "memory handed out", /^wasm_rt_memory_t\* w2c_core_memory[^]*?^}\n/gm, "", 1, 1);
  text = rewrite(text, "freeing", /^void wasm2c_core_free[^]*?^}\n/gm, "", 1, 1);
  text = rewrite(text, "start-up assertion", /^ {2}assert\(wasm_rt_is_initialized\(\)\);\n/gm, "", 1, 1);
  text = rewrite(text, "loads and stores", /\b(i(?:32|64)_(?:load|store)\w*?)_default32\(&instance->w2c_memory, \(u64\)\((\w+)\)(?: \+ (\d+)u?)?([,)])/g,
    (_, op, address, offset, rest) => `${op}(CORE_MEMORY(instance), ${address}, ${offset ?? 0}u${rest}`, 1000);
  text = rewrite(text, "memory size", /instance->w2c_memory\.pages/g, "1u", 0);
  text = rewrite(text, "fills", /memory_fill\(&instance->w2c_memory,/g, "memory_fill(CORE_MEMORY(instance),", 0);
  text = rewrite(text, "copies", /memory_copy\(&instance->w2c_memory, &instance->w2c_memory,/g, "memory_copy(CORE_MEMORY(instance),", 0);
  const left = /_default32|wasm_rt_funcref|CALL_INDIRECT|&instance->w2c_memory|f32_|f64_/.exec(text);
  if (left) throw new Error(`wasm2c output: ${left[0]} is left at ${text.slice(left.index - 60, left.index + 60)}`);
  return text;
}

/** One stack and no more: its state stands at a fixed place, no function is handed a pointer to it. */
function single(text) {
  let out = text.replace(/\(w2c_core ?\* ?instance\)/g, "(void)").replace(/\(w2c_core ?\*\)/g, "(void)");
  out = out.replace(/\(w2c_core ?\* ?(?:instance)?, /g, "(");
  out = rewrite(out, "calls with arguments", /\b((?:w2c_|init_|wasm2c_)\w+)\(instance, /g, "$1(", 0);
  out = rewrite(out, "calls without", /\b((?:w2c_|init_)\w+)\(instance\)/g, "$1()", 0);
  return out.replace(/\binstance->/g, "core_instance.").replace(/\bCORE_MEMORY\(instance\)/g, "CORE_MEMORY(0)").replace(/CORE_CLEAR\(instance\)/g, "CORE_CLEAR(&core_instance)");
}

function headerOf(header) {
  let text = rewrite(header, "memory handed out", /\/\* export: 'memory' \*\/\n.*\n/g, "", 1, 1);
  text = rewrite(text, "function type query", /^wasm_rt_func_type_t wasm2c_core_get_func_type.*\n/gm, "", 1, 1);
  text = rewrite(text, "freeing", /^void wasm2c_core_free.*\n/gm, "", 1, 1);
  return text;
}

/** core_calls.h: a function that calls an export by its name, for the test firmware of a single stack. */
function callsOf(header) {
  const exports = [...header.matchAll(/^(u32|void) w2c_core_([A-Za-z]\w*)\(w2c_core\*((?:, u32)*)\);$/gm)].map(([, type, name, parameters]) => ({ type, name, arity: parameters.length / 5 }));
  if (exports.length < 60) throw new Error(`wasm2c output: ${exports.length} exports found, expected 60 or more; is this wabt 1.0.39?`);
  const most = Math.max(...exports.map(({ arity }) => arity));
  const cases = exports.map(({ type, name, arity }, i) => {
    const call = `w2c_core_${name}(${Array.from({ length: arity }, (_, k) => `a[${k}]`).join(", ")})`;
    return `    case ${i}: ${type === "void" ? `${call}; *result = 0` : `*result = ${call}`}; return 1;`;
  });
  return `/* Generated from lastack.tiny.wasm by tools/device/translate.mjs. */
#include <string.h>
#include "core.h"

#define CORE_CALL_MOST ${most}
static const struct { const char *name; unsigned arity; } core_exports[] = {
${exports.map(({ name, arity }) => `  {"${name}", ${arity}},`).join("\n")}
};
/* Calls the export of that name with its n arguments; 0 if there is none that takes so many. */
static int core_call(const char *name, const u32 *a, unsigned n, u32 *result) {
  unsigned i = 0;
  while (i < ${exports.length} && strcmp(core_exports[i].name, name)) i++;
  if (i == ${exports.length} || core_exports[i].arity != n) return 0;
  switch (i) {
${cases.join("\n")}
  }
  return 0;
}
`;
}

/**
 * Translates the module at `wasm`. Returns the texts of core.c and core.h; with `one`, core_calls.h too, for a single stack whose state is
 * the variable core_instance.
 */
export function translate(wasm, { one }) {
  const { source, header } = wasm2c(wasm);
  const c = trim(source), h = headerOf(header);
  if (!one) return { source: c, header: h };
  return { calls: callsOf(h), source: single(c), header: `${single(rewrite(h, "memory member", /^ {2}wasm_rt_memory_t w2c_memory;\n/gm, "", 1, 1)).replace(/#endif {2}\/\* CORE_H/, "extern w2c_core core_instance;\n\n$&")}` };
}

/** node tools/device/translate.mjs MODULE.wasm DIRECTORY [--one]: writes core.c and core.h. */
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [wasm, directory, mode] = process.argv.slice(2);
  if (!wasm || !directory || (mode && mode !== "--one")) {
    console.error("usage: node tools/device/translate.mjs MODULE.wasm DIRECTORY [--one]");
    process.exit(2);
  }
  const { source, header, calls } = translate(wasm, { one: mode === "--one" });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "core.h"), header);
  if (calls) writeFileSync(join(directory, "core_calls.h"), calls);
  writeFileSync(join(directory, "core.c"), source);
}
