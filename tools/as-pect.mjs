// Runs the as-pect specs and counts. as-pect by itself exits 0 when no spec matches and when its child is killed, and
// has no timeout; so the printed figures decide here, and every spec file must have been reported.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stream } from "./stream.mjs";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const SPECS = join("tests", "as");
const TIMEOUT_MS = 300_000;
/** The last line of as-pect's logo and settings; `--no-logo` does nothing. */
const END_OF_BANNER = /Using code coverage/;

/** Names of the spec files, sorted. */
export function specFiles() {
  return readdirSync(join(ROOT, SPECS), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".spec.ts"))
    .sort();
}

/** What a finished run says, from its text without colours; null when it printed no summary. */
export function readSummary(text) {
  const match = /\[Tests\]:\s+(\d+)\s*\/\s*(\d+)/.exec(text);
  return match ? { passed: Number(match[1]), total: Number(match[2]) } : null;
}

/** Runs the specs whose names contain `filter` ("" = all). Resolves to { passed, failed, problem? }. */
export async function runSpecs(filter = "") {
  const wanted = specFiles().filter((name) => name.includes(filter));
  if (wanted.length === 0) return filter ? { passed: 0, failed: 0 } : { passed: 0, failed: 1, problem: "no spec files" };
  const hook = pathToFileURL(join(ROOT, SPECS, "enum-hook.mjs")).href;
  const args = [join(ROOT, "node_modules", "@as-pect", "cli", "bin", "asp.js"), "--config", `${SPECS}/as-pect.config.js`,
    "--as-config", `${SPECS}/as-pect.asconfig.json`, "--summary"];
  let begun = false;
  const { text, code, problem } = await stream(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: `--import=${hook}`, AS_SPECS: wanted.map((name) => `${SPECS}/${name}`).join(",") },
    timeoutMs: TIMEOUT_MS,
    show: (line) => {
      const shown = begun && line.trim() !== "";
      begun ||= END_OF_BANNER.test(line);
      return shown;
    },
  });
  return judge(readSummary(text), wanted.filter((name) => !text.includes(name)), code, problem);
}

function judge(summary, unreported, code, problem) {
  if (problem) return { passed: summary?.passed ?? 0, failed: 1, problem };
  if (!summary) return { passed: 0, failed: 1, problem: `as-pect printed no summary (exit code ${code})` };
  const failed = summary.total - summary.passed;
  if (summary.total === 0) return { passed: 0, failed: 1, problem: "as-pect ran no test" };
  if (unreported.length) return { passed: summary.passed, failed: failed + 1, problem: `no result for ${unreported.join(", ")}` };
  if (code !== 0 && failed === 0) return { passed: summary.passed, failed: 1, problem: `as-pect exited with ${code}` };
  return { passed: summary.passed, failed };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed, problem } = await runSpecs(process.argv[2]);
  if (problem) console.error(`as-pect: ${problem}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}
