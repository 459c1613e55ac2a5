/** `lastack serve`: a small HTTP/1.1 server for files or a text, with a close report for each connection. */
import { stat } from "node:fs/promises";
import type { Server, Socket, Stack } from "../../index.ts";
import { printable } from "../http/head.ts";
import { Interrupt } from "../interrupt.ts";
import { type LinkInfo, listenAddress, openStack } from "../link.ts";
import { CLOSE_HELP, type CommonOptions, COUNTERS_HELP, counted, LINK_HELP, outputHelp, parseCommandLine, parseInteger, parsePort } from "../options.ts";
import { Progress } from "../progress.ts";
import { exitCodeFor, reportLine } from "../reports.ts";
import { EXIT_FAILED, EXIT_OK, UsageError } from "../usage.ts";
import { serveConnection } from "./connection.ts";
import type { Request } from "./request.ts";
import type { Meter, Sent } from "./response.ts";
import { directorySite, type Site, textSite } from "./site.ts";

const PORT = 8000;
const DEADLINE_S = 10;
const DEADLINE_MAX_S = 65_535;
/** What is reset at the deadline is reported a moment later. */
const GRACE_MS = 250;
/** Characters of a text that the first line shows. */
const TEXT_SHOWN = 40;

const SERVE_HELP = `usage: lastack serve [options] DIRECTORY | TEXT

Serves the files below DIRECTORY, or TEXT (what names no directory and looks like no path) at the path /, by HTTP/1.1 (GET
and HEAD), and prints a line for each answer and the close report of each connection. Ctrl-C stops listening, lets answers
that are under way finish, and prints the reports; a second one resets what is still open.

  --port N           listen there, 0 lets the system choose (default: ${PORT}); on host sockets at 127.0.0.1 unless --ip
                     says otherwise
  --deadline SECONDS what is still open so long after Ctrl-C is reset (default: ${DEADLINE_S})

${outputHelp(`one JSON object a line, the last with ${COUNTERS_HELP}`)}
${LINK_HELP}
${CLOSE_HELP}
examples
  lastack serve . --port 8000
  lastack serve "hello" --ip 0.0.0.0
  lastack serve --link tap:tap0 --ip 10.77.0.2/24 --pcap serve.pcapng ./public

exit code: Ctrl-C is the usual end. 0 if every connection that was open then was closed as graceful or delivered, 1 if not or if
anything else failed, 2 for a wrong command line, 3 if a report says unknown (the operating system does not tell)
`;

interface ServeOptions {
  readonly common: CommonOptions;
  readonly what: string;
  readonly port: number;
  readonly deadlineMs: number;
}

export function parseServe(args: readonly string[]): ServeOptions | undefined {
  const { help, common, values, positionals } = parseCommandLine("serve", args, { port: { type: "string" }, deadline: { type: "string" } });
  if (help) return undefined;
  if (positionals.length !== 1) throw new UsageError(`${counted(positionals.length, "argument")} given; expected one, a directory or a text. See lastack serve --help`);
  const port = parsePort("--port", (values.port as string | undefined) ?? String(PORT), 0);
  const deadline = parseInteger("--deadline", (values.deadline as string | undefined) ?? String(DEADLINE_S), 0, DEADLINE_MAX_S, " seconds");
  return { common, what: positionals[0] as string, port, deadlineMs: deadline * 1000 };
}

/** A site and what it shows, in words: whoever mistyped a directory sees that its name is served as a text. */
interface Offer {
  readonly site: Site;
  readonly about: string;
}

/** A directory if there is one of that name; else a text, unless it looks like a path. */
async function siteFor(what: string): Promise<Offer> {
  const found = await stat(what).catch(() => undefined);
  if (found?.isDirectory()) return { site: await directorySite(what), about: `the files below ${printable(what)}` };
  if (found || /^[./~]|\/$/.test(what)) throw new UsageError(`"${what}" is no directory; expected a directory, or a text to serve`);
  return { site: textSite(what), about: `the text "${printable(what.slice(0, TEXT_SHOWN))}"${what.length > TEXT_SHOWN ? " ..." : ""}` };
}

const nameOf = ({ remoteAddress: { address, port } }: Socket): string => `${address}:${port}`;

/** What the command prints. */
class Log {
  readonly #json: boolean;

  constructor(json: boolean) {
    this.#json = json;
  }

  #line(object: object, text: string): void {
    console.log(this.#json ? JSON.stringify(object) : text);
  }

  listening({ address: { address, port } }: Server, link: LinkInfo, about: string): void {
    this.#line({ event: "listening", address, port, serving: about, link }, `serving ${about} on http://${address}:${port}/`);
  }

  answer(socket: Socket, request: Pick<Request, "method" | "target"> | undefined, { status, bytes }: Sent): void {
    const asked = request ? { method: request.method, target: printable(request.target) } : { method: null, target: null };
    const peer = nameOf(socket);
    this.#line({ event: "answer", peer, ...asked, status, bytes }, `${peer} ${asked.method ?? "?"} ${asked.target ?? "?"} ${status}, ${bytes} bytes`);
  }

  trouble(socket: Socket, { message }: Error): void {
    const peer = nameOf(socket);
    this.#line({ event: "trouble", peer, message }, `${peer} ${message}`);
  }

  /** The stack's counters at the end, in JSON only. */
  counters(stack: Stack): void {
    if (this.#json) console.log(JSON.stringify({ event: "counters", counters: stack.stats() }));
  }

  closed(socket: Socket): void {
    const peer = nameOf(socket);
    socket.closed.then((report) => this.#line({ event: "closed", peer, report }, `${peer} ${reportLine(report)}`), () => {});
  }
}

/** Takes connections until the server is closed. */
async function acceptAll(server: Server, site: Site, { common, deadlineMs }: ServeOptions, log: Log, stopping: AbortSignal): Promise<void> {
  const { linger, drain, progress } = common;
  const lastLinger = Math.ceil(deadlineMs / 1000);
  const shown = new Progress({ always: progress });
  let busy = 0;
  const meter: Meter = { expect: (bytes) => shown.expect(bytes), add: (bytes) => shown.add(bytes) };
  for await (const socket of server) {
    log.closed(socket);
    busy++;
    void serveConnection(socket, {
      site, meter, stopping, linger, lastLinger, drain,
      onAnswer: (request, sent) => log.answer(socket, request, sent),
      onTrouble: (error) => log.trouble(socket, error),
    }).catch(() => {}).finally(() => {
      if (--busy === 0) shown.end();
    });
  }
}

const aborted = (signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  if (signal.aborted) resolve();
  else signal.addEventListener("abort", () => resolve(), { once: true });
});

/** Settles a moment after the deadline, or at the second Ctrl-C. Also keeps the event loop alive for that long. */
function givenUp(interrupt: Interrupt, deadlineMs: number): { promise: Promise<undefined>; cancel: () => void } {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, deadlineMs + GRACE_MS, undefined);
  });
  return { promise: Promise.race([late, aborted(interrupt.hard).then(() => undefined)]), cancel: () => clearTimeout(timer) };
}

async function serveUntilInterrupted({ stack, link }: { stack: Stack; link: LinkInfo }, { site, about }: Offer, options: ServeOptions): Promise<number> {
  const { common, port, deadlineMs } = options;
  const interrupt = new Interrupt();
  try {
    const server = await stack.listen({ address: listenAddress(common), port });
    const log = new Log(common.json);
    log.listening(server, link, about);
    const accepting = acceptAll(server, site, options, log, interrupt.gentle);
    await Promise.race([aborted(interrupt.gentle), accepting]);
    const draining = server.drain({ deadlineMs });
    draining.catch(() => {});
    const limit = givenUp(interrupt, deadlineMs);
    const reports = await Promise.race([draining, limit.promise]);
    limit.cancel();
    log.counters(stack);
    if (reports === undefined) return EXIT_FAILED;
    return reports.reduce((code, report) => code === EXIT_FAILED ? code : exitCodeFor(report) || code, EXIT_OK);
  } finally {
    interrupt[Symbol.dispose]();
  }
}

/** Runs the command; settles with the exit code. */
export async function serve(args: readonly string[]): Promise<number> {
  const options = parseServe(args);
  if (options === undefined) {
    process.stdout.write(SERVE_HELP);
    return EXIT_OK;
  }
  const offer = await siteFor(options.what);
  const opened = await openStack(options.common, (text) => console.error(`lastack serve: ${text}`));
  try {
    return await serveUntilInterrupted(opened, offer, options);
  } finally {
    // What a drain left open has had its time: it is reset, and reported so.
    await opened.stack.close({ deadlineMs: 0 });
  }
}
