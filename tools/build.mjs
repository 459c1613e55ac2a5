#!/usr/bin/env node
// Builds the Wasm modules and the host bundles, each only when something it was made from has changed.
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const BUILD = join(ROOT, "build");
const STAMPS = join(BUILD, ".stamps");
/** asc keeps the smaller module then; nothing is wrong. */
const CONVERGE_NOTE = /^Last converge was suboptimal\.\n/gm;

const WASM = (name, outputs) => ({ kind: "wasm", name, outputs, inputs: ["assembly", "tools/rt", "asconfig.json"], uses: ["assemblyscript", "@assemblyscript/wasi-shim"] });
const BUNDLE = (name, entry, shebang) => ({ kind: "bundle", name, entry, shebang, outputs: [`${name}.mjs`], inputs: ["host", "package.json"], uses: ["esbuild"] });

const TARGETS = [
  WASM("gate", []),
  WASM("gate-tiny", []),
  WASM("lastack", ["lastack.wasm"]),
  WASM("simd", ["lastack.simd.wasm"]),
  WASM("named", [".named/lastack.simd.wasm"]),
  WASM("tiny", ["lastack.tiny.wasm"]),
  WASM("debug", ["lastack.debug.wasm", "lastack.debug.wasm.map"]),
  { ...BUNDLE("lastack", "host/index.ts", false), name: "api" },
  BUNDLE("winsock", "host/winsock/index.ts", false),
  BUNDLE("worker", "host/worker/thread.ts", false),
  BUNDLE("cli", "host/cli/main.ts", true),
  { kind: "types", name: "types", outputs: ["types/index.d.ts"], inputs: ["host", "tools/tsconfig.types.json", "tsconfig.json"], uses: ["typescript"] },
];
const GROUPS = {
  all: ["gate", "gate-tiny", "lastack", "simd", "tiny", "debug", "api", "winsock", "worker", "cli"],
  wasm: ["lastack", "simd", "tiny", "debug"],
  gates: ["gate", "gate-tiny"],
  host: ["api", "winsock", "worker", "cli"],
  demo: ["lastack", "api", "worker", "cli"],
};

const HELP = `usage: node tools/build.mjs [--force] [--quiet] [target ...]

Builds into build/; a target whose inputs have not changed is left alone. Without a target: all.

targets
  lastack    lastack.wasm          default build
  simd       lastack.simd.wasm     the same with SIMD
  named      .named/lastack.simd.wasm  the same with the names of its functions, to be profiled
  tiny       lastack.tiny.wasm     static pools, one 64 KiB page, four imports
  debug      lastack.debug.wasm    assertions, source map
  gate       (no output)           fails if the core can reach a managed object
  gate-tiny  (no output)           the same for the tiny build
  api        lastack.mjs           the library, bundled from host/index.ts
  winsock    winsock.mjs           lastack/winsock, bundled from host/winsock/index.ts
  worker     worker.mjs            the thread of createStack({ worker: true })
  cli        cli.mjs               the command, bundled from host/cli/main.ts
  types      types/                declaration files for publishing
groups
${Object.entries(GROUPS).map(([name, members]) => `  ${name.padEnd(10)} ${members.join(" ")}`).join("\n")}
options
  --force    build even if nothing changed
  --quiet    one line on stderr if anything is to be built, then only what fails
  --help     this text
`;

/** Files below a path (or the path itself), sorted, tests and generated output not among them. */
function filesBelow(path) {
  const full = join(ROOT, path);
  if (!existsSync(full)) return [];
  const names = [];
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const child = join(dir, entry.name);
      if (entry.isDirectory()) walk(child);
      else if (/\.(ts|json)$/.test(entry.name)) names.push(child);
    }
  };
  try {
    walk(full);
  } catch (error) {
    if (error.code !== "ENOTDIR") throw error;
    names.push(full);
  }
  return names.sort();
}

/** One hash over everything a target is made from: its files, this tool, the versions of what compiles it. */
function fingerprint(target) {
  const hash = createHash("sha256");
  for (const file of [...target.inputs.flatMap(filesBelow), fileURLToPath(import.meta.url)]) {
    hash.update(relative(ROOT, file)).update("\0").update(readFileSync(file)).update("\0");
  }
  for (const name of target.uses) {
    hash.update(`${name}@${JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8")).version}\n`);
  }
  return hash.digest("hex");
}

/** Writes through a temporary name: whoever reads build/ meanwhile sees the old file or the new one, never half. */
function writeOutput(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

/**
 * Runs asc in this process; resolves to the compiler's messages, or throws with them. asc joins relative paths with its
 * base directory more than once, so the base directory has to be the current one. Its `lib` option leaves the shim's
 * files behind for later runs: therefore the debug build stands last among the modules in TARGETS.
 */
async function buildWasm(target) {
  const { main } = await import("assemblyscript/asc");
  process.chdir(ROOT);
  const outputs = new Map();
  const messages = [];
  const collect = { write: (text) => void messages.push(String(text)) };
  const { error } = await main(["--config", "asconfig.json", "--target", target.name], {
    stdout: collect,
    stderr: collect,
    writeFile: (name, content) => void outputs.set(name, content),
  });
  const text = messages.join("").replace(CONVERGE_NOTE, "").trim();
  if (error) throw new Error(text || error.message);
  for (const [name, content] of outputs) writeOutput(join(ROOT, name), content);
  return text;
}

async function buildBundle(target) {
  const { build } = await import("esbuild");
  const outfile = join(BUILD, target.outputs[0]);
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [target.entry],
    outfile,
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "esm",
    external: ["koffi"],
    legalComments: "none",
    banner: target.shebang ? { js: "#!/usr/bin/env node" } : {},
    logLevel: "silent",
  }).catch(async (failure) => {
    const { formatMessages } = await import("esbuild");
    throw new Error((await formatMessages(failure.errors ?? [], { kind: "error" })).join("\n") || failure.message);
  });
  for (const file of result.outputFiles) writeOutput(file.path, file.contents);
  if (target.shebang) chmodSync(outfile, 0o755);
  return result.warnings.map((w) => w.text).join("\n");
}

async function buildTypes() {
  const { spawnSync } = await import("node:child_process");
  rmSync(join(BUILD, "types"), { recursive: true, force: true });
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", "tools/tsconfig.types.json"], { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(stdout.trim());
  return "";
}

const BUILDERS = { wasm: buildWasm, bundle: buildBundle, types: buildTypes };

const stampOf = (target) => join(STAMPS, target.name);
const labelOf = (target) => target.outputs[0] ?? target.name;

function isCurrent(target) {
  const present = target.outputs.every((name) => existsSync(join(BUILD, name)));
  return present && existsSync(stampOf(target)) && readFileSync(stampOf(target), "utf8") === fingerprint(target);
}

/** Builds one target. Returns false when it failed. */
async function run(target, quiet) {
  const stamp = stampOf(target);
  const wanted = fingerprint(target);
  const label = labelOf(target);
  const started = performance.now();
  try {
    const text = await BUILDERS[target.kind](target);
    if (text && !quiet) console.log(text);
  } catch (error) {
    rmSync(stamp, { force: true });
    console.error(`build: ${label} failed\n${error.message}`);
    return false;
  }
  writeOutput(stamp, wanted);
  if (!quiet) console.log(`build: ${label} (${Math.round(performance.now() - started)} ms)`);
  return true;
}

/** The targets that the arguments name, in build order; throws on a name that is none. */
function choose(names) {
  const wanted = new Set(names.length ? names.flatMap((n) => GROUPS[n] ?? [n]) : GROUPS.all);
  for (const name of wanted) {
    if (!TARGETS.some((t) => t.name === name)) {
      throw new Error(`unknown target ${name}; expected ${TARGETS.map((t) => t.name).join(", ")} or ${Object.keys(GROUPS).join(", ")}`);
    }
  }
  return TARGETS.filter((t) => wanted.has(t.name));
}

async function main(args) {
  if (args.includes("--help")) return void process.stdout.write(HELP);
  const force = args.includes("--force");
  const quiet = args.includes("--quiet");
  const unknown = args.find((a) => a.startsWith("-") && !["--force", "--quiet"].includes(a));
  if (unknown) throw new Error(`unknown option ${unknown}; see --help`);
  const due = choose(args.filter((a) => !a.startsWith("-"))).filter((target) => force || !isCurrent(target));
  if (quiet && due.length) console.error(`building ${due.map(labelOf).join(", ")} ...`);
  for (const target of due) {
    if (!(await run(target, quiet))) process.exitCode = 1;
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}
