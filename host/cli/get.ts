/** `lastack get`: fetches one URL by HTTP/1.1 and says whether everything came and how the connection ended. */
import { createHash } from "node:crypto";
import type { CloseReport, CoreStats, Socket, Stack } from "../index.ts";
import { type Framing, framingOf, receiveBody } from "./http/body.ts";
import { type Head, HttpError, parseHead, printable } from "./http/head.ts";
import { Incoming } from "./http/incoming.ts";
import { Interrupt } from "./interrupt.ts";
import { type LinkInfo, localAddress, openStack } from "./link.ts";
import { CLOSE_HELP, type CommonOptions, COUNTERS_HELP, counted, EXIT_HELP, LINK_HELP, outputHelp, parseCommandLine, parseHost } from "./options.ts";
import { outputFailed } from "./output.ts";
import { Progress } from "./progress.ts";
import { exitCodeFor, reportLine } from "./reports.ts";
import { fileSink, nowhere, type Sink, stdoutSink } from "./sink.ts";
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, UsageError } from "./usage.ts";

const GET_HELP = `usage: lastack get [options] URL

Fetches http://ADDRESS[:PORT]/PATH, writes the body to standard output, and the close report of the connection to stderr.
Addresses are IPv4; with --link node "localhost" will do. Redirections are shown, not followed.

  -o, --output FILE  write the body to FILE

${outputHelp("one JSON object instead: status, length and sha256 of the body, the close report,", `${COUNTERS_HELP}; the body itself goes to --output only`)}
${LINK_HELP}
${CLOSE_HELP}
examples
  lastack get http://127.0.0.1:8000/
  lastack get --json -o disk.img http://localhost:8000/disk.img
  lastack get --link tap:tap0 --ip 10.77.0.2/24 --pcap get.pcapng http://10.77.0.1:8000/

${EXIT_HELP}A body that is short, and a status other than 2xx, count as failures.
`;

/** How long after the body the server's end is awaited before we close without it. */
const END_MS = 2000;

export interface Target {
  readonly address: string;
  readonly port: number;
  /** As the Host field says it. */
  readonly host: string;
  readonly path: string;
}

/** Reads a URL. Throws a UsageError for what cannot be fetched. */
export function parseTarget(text: string, link: CommonOptions["link"]): Target {
  const refuse = (expected: string): never => {
    throw new UsageError(`the URL is "${text}"; expected ${expected}`);
  };
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    return refuse("http://ADDRESS[:PORT]/PATH");
  }
  if (url.protocol !== "http:") return refuse("http://: no other protocol is spoken here");
  if (url.username !== "" || url.password !== "") return refuse("no user name and no password");
  const port = url.port === "" ? 80 : Number(url.port);
  if (port === 0) return refuse("a port from 1 to 65535");
  return { address: parseHost("the URL's host", url.hostname, link), port, host: url.host, path: `${url.pathname}${url.search}` };
}

/** What came, as far as it came. */
interface Result {
  status: number | undefined;
  reason: string;
  location: string | undefined;
  /** Bytes of the body. */
  bytes: number;
  /** The body came whole. */
  whole: boolean;
  /** sha256 of the body, hexadecimal; only with --json. */
  sha256: string | undefined;
  /** What went wrong. */
  failure: string | undefined;
  report: CloseReport | undefined;
}

/** The first head that is no interim one (1xx, RFC 9110 §15.2). */
async function responseHead(incoming: Incoming): Promise<{ head: Head; status: number; reason: string }> {
  for (;;) {
    const text = await incoming.head();
    if (text === undefined) throw new HttpError(502, "the server ended the connection without an answer");
    const head = parseHead(text);
    const line = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(head.start);
    if (!line) throw new HttpError(502, `the answer begins with "${printable(head.start.slice(0, 60))}" and not with HTTP/1.x and a status`);
    const status = Number(line[1]);
    if (status >= 200) return { head, status, reason: printable(line[2] ?? "") };
  }
}

const nothing = (): Result => ({
  status: undefined, reason: "", location: undefined, bytes: 0, whole: false, sha256: undefined, failure: undefined, report: undefined,
});

class Fetch {
  readonly result = nothing();
  readonly #socket: Socket;
  readonly #sink: Sink;
  readonly #progress: Progress;
  readonly #hash;

  constructor(socket: Socket, sink: Sink, progress: Progress, hashed: boolean) {
    this.#socket = socket;
    this.#sink = sink;
    this.#progress = progress;
    this.#hash = hashed ? createHash("sha256") : undefined;
  }

  /** Asks and takes the answer in; what fails is in the result. */
  async run({ host, path }: Target): Promise<void> {
    const { result } = this;
    const incoming = new Incoming(this.#socket);
    try {
      await this.#socket.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: lastack\r\nAccept: */*\r\nConnection: close\r\n\r\n`));
      const { head, status, reason } = await responseHead(incoming);
      Object.assign(result, { status, reason });
      const location = head.fields.get("location")?.[0];
      if (location !== undefined) result.location = printable(location);
      await this.#body(incoming, framingOf(status, head));
    } catch (error) {
      result.failure = (error as Error).message;
    } finally {
      this.#progress.end();
    }
    if (this.#hash) result.sha256 = this.#hash.digest("hex");
    if (result.failure === undefined) await this.#end(incoming);
  }

  async #body(incoming: Incoming, framing: Framing): Promise<void> {
    const { result } = this;
    this.#progress.expect(framing.kind === "length" ? framing.length : undefined);
    result.whole = await receiveBody(incoming, framing, async (bytes) => {
      result.bytes += bytes.length;
      this.#hash?.update(bytes);
      this.#progress.add(bytes.length);
      await this.#sink.write(bytes);
    });
    if (!result.whole) {
      const of = framing.kind === "length" ? ` of ${framing.length}` : "";
      result.failure = `the body is short: the server ended after ${result.bytes}${of} bytes`;
    }
  }

  /** The six steps: our FIN, then the server's, then close (semantics T.1). */
  async #end(incoming: Incoming): Promise<void> {
    try {
      await this.#socket.shutdown("send");
      await incoming.untilEnd(AbortSignal.timeout(END_MS));
    } catch {
      // A server that keeps its side open, or resets it: the close report says so.
    }
  }
}

function exitCode({ status, failure, report }: Result): number {
  if (failure !== undefined || report === undefined || status === undefined || status < 200 || status > 299) return EXIT_FAILED;
  return exitCodeFor(report);
}

/** `about`: what it ran on and the stack's counters, in JSON only. */
function print(result: Result, target: Target, about: { link: LinkInfo; counters: CoreStats } | undefined): void {
  if (about) {
    const { status, bytes, whole, sha256, failure, report } = result;
    console.log(JSON.stringify({ status: status ?? null, bytes, whole, sha256: sha256 ?? null, failure: failure ?? null, report: report ?? null, ...about }, null, 2));
    return;
  }
  const { status, reason, location, failure, report } = result;
  if (status !== undefined && (status < 200 || status > 299)) console.error(`lastack get: ${status} ${reason}${location === undefined ? "" : `, to be found at ${location}`}`);
  if (failure !== undefined) console.error(`lastack get: ${failure}`);
  if (report) console.error(`${target.address}:${target.port} ${reportLine(report)}`);
}

interface GetOptions {
  readonly common: CommonOptions;
  readonly target: Target;
  readonly output: string | undefined;
}

function parse(args: readonly string[]): GetOptions | undefined {
  const { help, common, values, positionals } = parseCommandLine("get", args, { output: { type: "string", short: "o" } });
  if (help) return undefined;
  const output = values.output as string | undefined;
  if (output === "") throw new UsageError('--output is ""; expected the name of a file');
  if (positionals.length !== 1) throw new UsageError(`${counted(positionals.length, "URL")} given; expected one. See lastack get --help`);
  return { common, target: parseTarget(positionals[0] as string, common.link), output };
}

/** Connects, fetches, closes. What fails is in the result. */
async function fetchOver(stack: Stack, { common, target, output }: GetOptions, interrupt: Interrupt): Promise<Result> {
  let socket: Socket;
  try {
    socket = await stack.connect({ address: target.address, port: target.port, ...localAddress(common), signal: interrupt.gentle });
  } catch (error) {
    return { ...nothing(), failure: interrupt.gentle.aborted ? "interrupted before there was a connection" : (error as Error).message };
  }
  const sink = output === undefined ? (common.json ? nowhere : stdoutSink) : fileSink("--output", output);
  const fetching = new Fetch(socket, sink, new Progress({ always: common.progress }), common.json);
  const { result } = fetching;
  const close = (): Promise<CloseReport> => socket.close({ ...(common.linger !== undefined && { linger: common.linger }), drain: common.drain });
  // Closing makes the waiting reads fail, and run() end.
  interrupt.gentle.addEventListener("abort", () => void close());
  interrupt.hard.addEventListener("abort", () => void socket.abort());
  await fetching.run(target);
  if (result.failure !== undefined && interrupt.gentle.aborted && !outputFailed.aborted) result.failure = `interrupted after ${counted(result.bytes, "byte")}`;
  result.report = await close();
  try {
    await sink.close(result.whole);
  } catch (error) {
    result.failure ??= (error as Error).message;
  }
  return result;
}

/** Runs the command; settles with the exit code. */
export async function get(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (options === undefined) {
    process.stdout.write(GET_HELP);
    return EXIT_OK;
  }
  const { common, target } = options;
  const { stack, link } = await openStack(common, (text) => console.error(`lastack get: ${text}`));
  const interrupt = new Interrupt();
  try {
    const result = await fetchOver(stack, options, interrupt);
    print(result, target, common.json ? { link, counters: stack.stats() } : undefined);
    return interrupt.gentle.aborted ? EXIT_INTERRUPTED : exitCode(result);
  } finally {
    interrupt[Symbol.dispose]();
    await stack.close();
  }
}
