/** `lastack ping`: ICMP echo requests from Lastack's own IP. */
import { randomInt } from "node:crypto";
import { type Host, openHost } from "../api/raw.ts";
import type { CoreStats, FrameDevice, StackOptions } from "../index.ts";
import { observed } from "./observed.ts";
import { Interrupt } from "./interrupt.ts";
import { stackOptions } from "./link.ts";
import { type CommonOptions, LINK_HELP, parseCommandLine, parseHost, parseInteger, refuse } from "./options.ts";
import { EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, UsageError } from "./usage.ts";

const COUNT = 4;
const INTERVAL_S = 1;
const TIMEOUT_S = 2;
const SIZE = 56;
/** Most data of one request (assembly/ip/echo.ts). */
const SIZE_MAX = 1472;
const SECONDS_MAX = 3600;

const PING_HELP = `usage: lastack ping [options] ADDRESS

Sends ICMP echo requests from Lastack's own IP and prints when each is answered. This needs --link tap: the operating
system gives programs no ICMP sockets through Node, and nothing else would be a ping. The stack's own address and 127.0.0.1
are answered by the stack itself.

  -c, --count N      so many requests (default: ${COUNT})
  --interval S       seconds from one to the next, fractions allowed (default: ${INTERVAL_S})
  --timeout S        seconds to wait for an answer (default: ${TIMEOUT_S})
  --size N           bytes of data, 0 to ${SIZE_MAX} (default: ${SIZE})
  --json             one JSON object at the end instead of the lines, with the stack's counters (names of RFC 4293)
  --help             this text

${LINK_HELP.replace(" (default)", ": not for ping").replace("; with node: the local address", "")}
examples
  lastack ping --link tap:tap0 --ip 10.77.0.2/24 10.77.0.1
  lastack ping --link tap:tap0 --ip 10.77.0.2/24 --gateway 10.77.0.1 -c 10 --pcap ping.pcapng 192.0.2.1

exit code: 0 if every request was answered, 1 if not or if anything else failed, 2 for a wrong command line, 130 after Ctrl-C
`;

/** What ping calls beyond the provider's entries (assembly/ip/echo.ts). */
interface EchoExports {
  echoRequest(address: number, identifier: number, sequence: number, bytes: number): number;
  echoState(): number;
}

const ECHO_ANSWERED = 3;
const ECHO_NO_ROUTE = -1;
const ECHO_UNREACHABLE = -2;

export interface PingOptions {
  readonly common: CommonOptions;
  readonly address: string;
  readonly count: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly size: number;
}

function seconds(option: string, text: string | undefined, fallback: number): number {
  const value = Number(text ?? fallback);
  if (text !== undefined && (!/^\d*\.?\d+$/.test(text) || value > SECONDS_MAX)) refuse(option, text, `seconds, 0 to ${SECONDS_MAX}`);
  return value * 1000;
}

export function parsePing(args: readonly string[]): PingOptions | undefined {
  const extra = { count: { type: "string", short: "c" }, interval: { type: "string" }, timeout: { type: "string" }, size: { type: "string" } } as const;
  const { help, common, values, positionals } = parseCommandLine("ping", args, extra, false);
  if (help) return undefined;
  const text = (name: string): string | undefined => values[name] as string | undefined;
  if (common.link.kind === "node") {
    throw new UsageError("--link is \"node\"; expected --link tap:NAME: Node has no ICMP sockets, so only Lastack's own IP can ping");
  }
  if (positionals.length !== 1) throw new UsageError(`${positionals.length} addresses given; expected one. See lastack ping --help`);
  return {
    common,
    address: parseHost("the address", positionals[0] as string, common.link),
    count: parseInteger("--count", text("count") ?? String(COUNT), 1, 65535),
    intervalMs: seconds("--interval", text("interval"), INTERVAL_S),
    timeoutMs: seconds("--timeout", text("timeout"), TIMEOUT_S),
    size: parseInteger("--size", text("size") ?? String(SIZE), 0, SIZE_MAX, " bytes"),
  };
}

/** An answer's time in ms, or why there is none. */
export type Answer = { readonly ms: number } | { readonly failure: string };

/** Sends requests one after the other on a stack of its own. */
export class Pinger {
  readonly #host: Host;
  readonly #exports: EchoExports;
  readonly #to: number;
  readonly #identifier = randomInt(65536);
  #sequence = 0;
  /** When the last frame came, ms. */
  #heard = 0;
  /** Looks whether what came was the answer. */
  #look: () => void = () => {};
  #failure: Error | undefined;

  private constructor(host: Host, address: string) {
    this.#host = host;
    this.#exports = host.core.exports as unknown as EchoExports;
    this.#to = host.core.area.take(16);
    host.core.memory.ensure();
    // IPv4 in 16 bytes: ten zeros, two times 255, the address.
    host.core.memory.u8.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...address.split(".").map(Number)], this.#to);
  }

  /** Starts a stack; its devices stay the caller's to close. */
  static async start(options: StackOptions, address: string): Promise<Pinger> {
    let pinger: Pinger | undefined;
    const hear = (device: FrameDevice): FrameDevice => observed(device, (_frame, sent) => {
      if (!sent && pinger) pinger.#arrived();
    });
    const host = await openHost({ ...options, devices: (options.devices ?? []).map(hear) }, {
      event: () => {},
      fatal: (error) => {
        if (pinger) pinger.#failed(error);
      },
    });
    pinger = new Pinger(host, address);
    return pinger;
  }

  /** One request; settles with its answer, or why there was none within `timeoutMs`. */
  ask(size: number, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    if (this.#failure) return Promise.reject(this.#failure);
    const sequence = this.#sequence++ & 0xffff;
    if (this.#exports.echoRequest(this.#to, this.#identifier, sequence, size) !== 0) throw new UsageError("this address cannot be pinged; expected that of a single host");
    const started = performance.now();
    this.#heard = started;
    this.#host.driver.kick();
    return new Promise((resolve, reject) => {
      const done = (answer: Answer): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", interrupted);
        this.#look = () => {};
        resolve(answer);
      };
      const interrupted = (): void => done({ failure: "interrupted" });
      const timer = setTimeout(() => done({ failure: "no answer" }), timeoutMs);
      signal.addEventListener("abort", interrupted, { once: true });
      this.#look = () => {
        if (this.#failure) {
          clearTimeout(timer);
          reject(this.#failure);
          return;
        }
        const state = this.#exports.echoState();
        if (state === ECHO_ANSWERED) done({ ms: Math.max(this.#heard, started) - started });
        else if (state === ECHO_NO_ROUTE) done({ failure: "no route" });
        else if (state === ECHO_UNREACHABLE) done({ failure: "the next host on the way does not answer ARP" });
      };
      this.#later();
    });
  }

  /** The stack's counters. */
  get counters(): CoreStats {
    return this.#host.core.stats();
  }

  stop(): void {
    this.#host.driver.close();
  }

  #arrived(): void {
    this.#heard = performance.now();
    this.#later();
  }

  /** Frames are told of while the core reads them: whether it took one for the answer is to be asked afterwards. */
  #later(): void {
    setImmediate(() => this.#look());
  }

  #failed(error: Error): void {
    this.#failure = error;
    this.#look();
  }
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  if (signal.aborted) return resolve();
  const end = (): void => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    resolve();
  };
  const timer = setTimeout(end, ms);
  signal.addEventListener("abort", end, { once: true });
});

/** Asks in turn, telling of each, until done or interrupted. */
async function askAll(pinger: Pinger, { count, intervalMs, timeoutMs, size }: PingOptions, signal: AbortSignal, tell: (sequence: number, answer: Answer) => void): Promise<Answer[]> {
  const answers: Answer[] = [];
  while (answers.length < count && !signal.aborted) {
    const started = performance.now();
    const answer = await pinger.ask(size, timeoutMs, signal);
    if (signal.aborted && "failure" in answer) break;
    tell(answers.length, answer);
    answers.push(answer);
    if (answers.length < count) await sleep(Math.max(0, intervalMs - (performance.now() - started)), signal);
  }
  return answers;
}

function summarize(address: string, answers: readonly Answer[]) {
  const times = answers.flatMap((answer) => ("ms" in answer ? [answer.ms] : [])).sort((a, b) => a - b);
  const round = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms * 1000) / 1000);
  return { address, sent: answers.length, received: times.length, minMs: round(times[0]), medianMs: round(times[times.length >> 1]), maxMs: round(times.at(-1)) };
}

function printSummary({ address, sent, received, minMs, medianMs, maxMs }: ReturnType<typeof summarize>): void {
  const times = received > 0 ? `; round trip min ${minMs} ms, median ${medianMs} ms, max ${maxMs} ms` : "";
  console.log(`${address}: ${sent} sent, ${received} answered${times}`);
}

/** Runs the command; settles with the exit code. */
export async function ping(args: readonly string[]): Promise<number> {
  const options = parsePing(args);
  if (options === undefined) {
    process.stdout.write(PING_HELP);
    return EXIT_OK;
  }
  const { common, address, size } = options;
  const { options: stack, link } = await stackOptions(common, (text) => console.error(`lastack ping: ${text}`));
  const interrupt = new Interrupt();
  let pinger: Pinger | undefined;
  try {
    pinger = await Pinger.start(stack, address);
    const answers = await askAll(pinger, options, interrupt.gentle, (sequence, answer) => {
      if (common.json) return;
      console.log("ms" in answer ? `${size} bytes from ${address}: seq=${sequence} time=${answer.ms.toFixed(3)} ms` : `${address}: seq=${sequence} ${answer.failure}`);
    });
    const summary = summarize(address, answers);
    if (common.json) console.log(JSON.stringify({ ...summary, link, answers, counters: pinger.counters }, null, 2));
    else printSummary(summary);
    if (interrupt.gentle.aborted) return EXIT_INTERRUPTED;
    return summary.received === summary.sent ? EXIT_OK : EXIT_FAILED;
  } finally {
    interrupt[Symbol.dispose]();
    pinger?.stop();
    for (const device of stack.devices ?? []) device.close();
  }
}
