/** `lastack nc`: standard input and output joined to a TCP connection. */
import type { CloseReport, Server, Socket, Stack } from "../index.ts";
import { Interrupt } from "./interrupt.ts";
import { listenAddress, localAddress, openStack } from "./link.ts";
import { CLOSE_HELP, type CommonOptions, COUNTERS_HELP, counted, EXIT_HELP, LINK_HELP, outputHelp, parseCommandLine, parseHost, parsePort } from "./options.ts";
import { outputFailed } from "./output.ts";
import { Progress } from "./progress.ts";
import { exitCodeFor, reportLine } from "./reports.ts";
import { stdoutSink } from "./sink.ts";
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, UsageError } from "./usage.ts";

const NC_HELP = `usage: lastack nc [options] ADDRESS PORT
       lastack nc -l [options] PORT

Joins standard input and output to a TCP connection, opened to ADDRESS or, with -l, accepted on PORT (one connection).
The end of the input shuts down sending; what the peer still sends is written out until its end. Then the connection is
closed, and its close report goes to stderr. Where the input is a terminal, the peer's end is enough.

  -l, --listen       wait for a connection instead of opening one; on host sockets at 127.0.0.1 unless --ip says otherwise

${outputHelp("on stderr one line of JSON with the close report and", `${COUNTERS_HELP}; with -l one before it, with the port`)}
${LINK_HELP}
${CLOSE_HELP}
examples
  lastack nc -l 7000 > received
  lastack nc 127.0.0.1 7000 < file
  lastack nc --linger 5 --link tap:tap0 --ip 10.77.0.2/24 10.77.0.1 7000 < file

${EXIT_HELP}`;

interface NcOptions {
  readonly common: CommonOptions;
  readonly listen: boolean;
  readonly address: string;
  readonly port: number;
}

export function parseNc(args: readonly string[]): NcOptions | undefined {
  const { help, common, values, positionals } = parseCommandLine("nc", args, { listen: { type: "boolean", short: "l" } });
  if (help) return undefined;
  const listen = values.listen === true;
  const wanted = listen ? ["PORT"] : ["ADDRESS", "PORT"];
  if (positionals.length !== wanted.length) throw new UsageError(`${counted(positionals.length, "argument")} given; expected ${wanted.join(" and ")}. See lastack nc --help`);
  const port = parsePort("the port", positionals.at(-1) as string, listen ? 0 : 1);
  return { common, listen, address: listen ? listenAddress(common) : parseHost("the address", positionals[0] as string, common.link), port };
}

/** Sends standard input, then our FIN. */
async function sendInput(socket: Socket): Promise<void> {
  for await (const chunk of process.stdin) await socket.write(chunk as Buffer);
  await socket.shutdown("send");
}

async function writeReceived(socket: Socket, progress: Progress): Promise<void> {
  for await (const chunk of socket) {
    await stdoutSink.write(chunk);
    progress.add(chunk.length);
  }
}

/** Both directions until both have ended. Returns what went wrong, or undefined. */
async function join(socket: Socket, progress: Progress): Promise<string | undefined> {
  let failure: string | undefined;
  const fail = (error: unknown): void => {
    failure ??= (error as Error).message;
    // What fails in one direction ends the other, even where that waits.
    void socket.close({ linger: 0 });
    process.stdin.destroy();
  };
  const sending = sendInput(socket).catch((error) => {
    // An input given up because the other direction is done.
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") fail(error);
  });
  const receiving = writeReceived(socket, progress).then(() => {
    if (process.stdin.isTTY) process.stdin.destroy();
  }, fail);
  await Promise.all([sending, receiving]);
  progress.end();
  return failure;
}

async function accepted(server: Server, interrupt: Interrupt): Promise<Socket> {
  const socket = await server.accept({ signal: interrupt.gentle });
  await server.close();
  return socket;
}

async function connection(stack: Stack, { common, listen, address, port }: NcOptions, interrupt: Interrupt): Promise<Socket> {
  if (!listen) return stack.connect({ address, port, ...localAddress(common), signal: interrupt.gentle });
  const server = await stack.listen({ address, port, backlog: 1 });
  const { address: at, port: on } = server.address;
  console.error(common.json ? JSON.stringify({ event: "listening", address: at, port: on }) : `listening on ${at}:${on}`);
  return accepted(server, interrupt);
}

/** Runs the command; settles with the exit code. */
export async function nc(args: readonly string[]): Promise<number> {
  const options = parseNc(args);
  if (options === undefined) {
    process.stdout.write(NC_HELP);
    return EXIT_OK;
  }
  const { common } = options;
  const { stack, link } = await openStack(common, (text) => console.error(`lastack nc: ${text}`));
  const interrupt = new Interrupt();
  try {
    const socket = await connection(stack, options, interrupt);
    const close = (): Promise<CloseReport> => socket.close({ ...(common.linger !== undefined && { linger: common.linger }), drain: common.drain });
    interrupt.gentle.addEventListener("abort", () => {
      void close();
      process.stdin.destroy();
    });
    interrupt.hard.addEventListener("abort", () => void socket.abort());
    const failure = await join(socket, new Progress({ always: common.progress }));
    const report = await close();
    // What Ctrl-C breaks off is no failure.
    const told = interrupt.gentle.aborted && !outputFailed.aborted ? undefined : failure;
    const { address, port } = socket.remoteAddress;
    if (common.json) console.error(JSON.stringify({ event: "closed", peer: { address, port }, failure: told ?? null, report, link, counters: stack.stats() }));
    else {
      if (told !== undefined) console.error(`lastack nc: ${told}`);
      console.error(`${address}:${port} ${reportLine(report)}`);
    }
    return interrupt.gentle.aborted ? EXIT_INTERRUPTED : failure !== undefined ? EXIT_FAILED : exitCodeFor(report);
  } catch (error) {
    if (!interrupt.gentle.aborted) throw error;
    console.error("lastack nc: interrupted before there was a connection");
    return EXIT_INTERRUPTED;
  } finally {
    process.stdin.destroy();
    interrupt[Symbol.dispose]();
    await stack.close();
  }
}
