/** Runs the command line as a child process, without holding up the event loop on which its peer may live. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOURCE = ["--import", "tsx", "host/cli/main.ts"];
/** What people run; `npm test` and `npm run build` make it. */
export const BUNDLE = "build/cli.mjs";
const TIMEOUT_MS = 120_000;

export interface Outcome {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Outcome>;
  /** Standard output so far, as text. */
  output(): string;
  /** Settles with the match once standard output, or with `errors` standard error, has it; rejects when the process ends without. */
  until(pattern: RegExp, errors?: boolean): Promise<RegExpExecArray>;
}

export interface RunOptions {
  /** Standard input, and its end; undefined leaves it open. */
  readonly input?: string | Uint8Array;
  /** Program to run it with, such as unshare -n. */
  readonly prefix?: readonly string[];
  /** Run the bundle and not the sources. */
  readonly bundle?: boolean;
}

export function lastack(args: readonly string[], { input, prefix = [], bundle = false }: RunOptions = {}): Running {
  const [command = "", ...rest] = [...prefix, process.execPath, ...(bundle ? [BUNDLE] : SOURCE), ...args];
  const child = spawn(command, rest, { cwd: ROOT, timeout: TIMEOUT_MS, killSignal: "SIGKILL", stdio: ["pipe", "pipe", "pipe"] });
  const parts: Buffer[] = [];
  let errors = "";
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const one of [...waiting]) one();
  };
  child.stdout.on("data", (part: Buffer) => {
    parts.push(part);
    look();
  });
  child.stderr.on("data", (part: Buffer) => {
    errors += part;
    look();
  });
  child.stdin.on("error", () => {});
  if (input !== undefined) child.stdin.end(input);
  const output = (): string => Buffer.concat(parts).toString();
  const done = new Promise<Outcome>((resolve) => child.on("close", (status) => resolve({ status, stdout: Buffer.concat(parts), stderr: errors })));
  const until = (pattern: RegExp, inErrors = false): Promise<RegExpExecArray> => new Promise((resolve, reject) => {
    const attempt = (): void => {
      const found = pattern.exec(inErrors ? errors : output());
      if (!found) return;
      waiting.delete(attempt);
      resolve(found);
    };
    waiting.add(attempt);
    attempt();
    void done.then(({ status }) => reject(new Error(`ended with ${status} before ${pattern}: ${output().slice(-500)}${errors}`)));
  });
  return { child, done, output, until };
}

/** The last JSON object a line of standard output holds that `test` likes. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>);
}
