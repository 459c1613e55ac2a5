/** Starts the benchmark from the command line; tools/bench.mjs bundles and runs this. */
import { bench, BenchUsageError, HELP, parseBench } from "./run.ts";

const terminal = process.stderr.isTTY === true;
let width = 0;

/** One line on stderr, written anew. */
function tell(text: string): void {
  if (!terminal) return;
  width = Math.max(width, text.length);
  process.stderr.write(`\r${text.padEnd(width)}`);
}

try {
  const options = parseBench(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else {
    await bench(options, (text) => {
      if (terminal && width > 0) process.stderr.write(`\r${" ".repeat(width)}\r`);
      console.log(text);
    }, tell);
  }
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = error instanceof BenchUsageError ? 2 : 1;
}
