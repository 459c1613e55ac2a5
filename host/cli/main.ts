/** The `lastack` command: chooses the subcommand, turns failures into messages and exit codes. */
import { createRequire } from "node:module";
import { demo } from "./demo/demo.ts";
import { get } from "./get.ts";
import { nc } from "./nc.ts";
import { outputFailed, untoldFailure, watchOutput } from "./output.ts";
import { ping } from "./ping.ts";
import { serve } from "./serve/serve.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError } from "./usage.ts";

interface Command {
  readonly about: string;
  /** Runs with the arguments after the command's name; settles with the exit code. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  demo: { about: "shows a connection closing, step by step from both sides", run: demo },
  get: { about: "fetches a URL by HTTP and says how the connection ended", run: get },
  nc: { about: "joins standard input and output to a TCP connection", run: nc },
  ping: { about: "sends ICMP echo requests from Lastack's own IP", run: ping },
  serve: { about: "serves a directory or a text by HTTP, with a close report for each connection", run: serve },
};
const NAMES = Object.keys(COMMANDS).join(", ");

function help(): string {
  const names = Object.keys(COMMANDS);
  const width = Math.max(...names.map((name) => name.length));
  return `usage: lastack COMMAND [options]

commands
${names.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name]?.about}`).join("\n")}

lastack COMMAND --help explains a command; lastack --version prints the version.
`;
}

function commandOf(name: string): Command {
  if (!Object.hasOwn(COMMANDS, name)) throw new UsageError(`unknown command "${name}"; expected one of: ${NAMES}. See lastack --help`);
  return COMMANDS[name] as Command;
}

function print(text: string): number {
  process.stdout.write(text);
  return EXIT_OK;
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined) throw new UsageError(`no command given; expected one of: ${NAMES}. See lastack --help`);
  if (name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) return print(help());
  if (name === "--version") return print(`${(createRequire(import.meta.url)("lastack/package.json") as { version: string }).version}\n`);
  if (name === "help") return commandOf(rest[0] as string).run(["--help"]);
  return commandOf(name).run(rest);
}

watchOutput();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`lastack: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}
// The last words may fail after the command is done.
process.on("exit", () => {
  if (!outputFailed.aborted) return;
  const failure = untoldFailure();
  if (failure !== undefined) console.error(`lastack: ${failure}`);
  process.exitCode = EXIT_FAILED;
});
