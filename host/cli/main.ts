/** The `lastack` command: chooses the subcommand, turns failures into messages and exit codes. */
import { demo } from "./demo/demo.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError } from "./usage.ts";

interface Command {
  readonly about: string;
  /** Runs with the arguments after the command's name; settles with the exit code. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  demo: { about: "shows a connection closing, step by step from both sides", run: demo },
};

function help(): string {
  const names = Object.keys(COMMANDS);
  const width = Math.max(...names.map((name) => name.length));
  return `usage: lastack COMMAND [options]

commands
${names.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name]?.about}`).join("\n")}

lastack COMMAND --help explains a command.
`;
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(help());
    return EXIT_OK;
  }
  const names = Object.keys(COMMANDS).join(", ");
  if (name === undefined) throw new UsageError(`no command given; expected one of: ${names}. See lastack --help`);
  if (!Object.hasOwn(COMMANDS, name)) throw new UsageError(`unknown command "${name}"; expected one of: ${names}. See lastack --help`);
  return (COMMANDS[name] as Command).run(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`lastack: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}
