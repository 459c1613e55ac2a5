// Runs a command, shows its output line by line as it comes, and keeps it for whoever counts.
import { spawn } from "node:child_process";

const ANSI = /\x1b\[[0-9;]*m/g;

/**
 * Resolves to { text, code, problem? }: the whole output without colours, the exit code (null if a signal ended it),
 * and what went wrong if it did not end by itself. `show(line)` decides which lines are printed.
 */
export function stream(command, args, { cwd, env, timeoutMs, show = () => true }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let text = "";
    let problem;
    const timer = setTimeout(() => {
      problem = `stopped after ${timeoutMs / 1000} s`;
      kill(child);
    }, timeoutMs);
    const onLine = (line) => {
      text += `${line}\n`;
      if (show(line)) console.log(line);
    };
    const flushes = [splitLines(child.stdout, onLine), splitLines(child.stderr, onLine)];
    child.on("error", (error) => { problem = error.message; });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      for (const flush of flushes) flush();
      resolve({ text, code, problem: problem ?? (signal ? `ended by ${signal}` : undefined) });
    });
    for (const signal of ["SIGINT", "SIGTERM"]) {
      process.once(signal, () => {
        kill(child);
        process.exit(1);
      });
    }
  });
}

/** Ends the child and what it started: it is the leader of a process group of its own. */
function kill(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** Calls onLine for each full line of a stream; returns a function that hands over an unfinished last one. */
function splitLines(source, onLine) {
  let rest = "";
  source.setEncoding("utf8");
  source.on("data", (chunk) => {
    const lines = (rest + chunk.replace(ANSI, "")).split("\n");
    rest = lines.pop();
    lines.forEach(onLine);
  });
  return () => {
    if (rest) onLine(rest);
  };
}
