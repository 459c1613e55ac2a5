/** The demonstration's command line. */
import { splitArguments } from "../options.ts";
import { UsageError } from "../usage.ts";
import { SCENARIOS, type ScenarioName, scenarios } from "./scenarios.ts";
import { KERNEL, LASTACK, PREFIX } from "./tap-wire.ts";

export type LinkName = "memory" | "node" | "tap";

export interface DemoOptions {
  readonly help: boolean;
  readonly scenario: ScenarioName;
  /** undefined: memory link and host sockets, and TAP too where that is possible. */
  readonly link: LinkName | undefined;
  /** A TAP device that is there already. */
  readonly tap: string | undefined;
  readonly loss: number;
  readonly seed: number;
  readonly pcap: string | undefined;
  readonly json: boolean;
}

const width = Math.max(...SCENARIOS.map((name) => name.length));

export const DEMO_HELP = `usage: lastack demo [options]

Shows one TCP connection being closed, step by step from both sides: the calls to the socket provider, the network
events, the segments on the wire with relative sequence numbers, the TCP states, and then the close reports (on host
sockets the segments are the kernel's and are not seen).

options
  --scenario NAME   what happens (default: graceful)
${SCENARIOS.map((name) => `      ${name.padEnd(width)}  ${scenarios[name].about}`).join("\n")}
  --link memory     two stacks in this process, on a virtual clock: takes no time and repeats exactly
  --link node       Lastack on the operating system's sockets against a plain node:net program, as client and as server
  --link tap        Lastack's own TCP/IP against the kernel over a TAP device, as client and as server; as root, in a
                    network namespace of its own. Default: memory, node, and as root tap too
  --tap NAME        use this TAP device of the present namespace, for instance one made with
                      ip tuntap add dev NAME mode tap user $USER
                      ip address add ${KERNEL}/${PREFIX} dev NAME && ip link set NAME up
                    (Lastack takes ${LASTACK})
  --loss P          probability, 0 up to but not including 1, that a frame of the memory link is lost (default: 0)
  --seed N          seeds the memory link and its stacks, 0 to 4294967295 (default: 1)
  --pcap FILE       record the segments as pcapng; with several wires each gets a file of its own (FILE-memory, ...);
                    host sockets have none
  --json            print one JSON object instead of the chart, with the counters of each stack (names of RFC 4022 and RFC 4293)
  --help            this text

exit code: 0 if everything the scenario promises happened, 1 if not, 2 for a wrong command line, 130 after Ctrl-C
`;

const SEED_MAX = 0xffff_ffff;
/** Longest name of a network device (IFNAMSIZ without its end). */
const TAP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/;

function refuse(option: string, value: string, expected: string): never {
  throw new UsageError(`--${option} is "${value}"; expected ${expected}`);
}

function oneOf<T extends string>(option: string, value: string, words: readonly T[]): T {
  return words.find((word) => word === value) ?? refuse(option, value, words.join(", "));
}

function parse(args: readonly string[]): Record<string, string | boolean | undefined> {
  const options = {
    scenario: { type: "string" }, link: { type: "string" }, tap: { type: "string" }, loss: { type: "string" },
    seed: { type: "string" }, pcap: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" },
  } as const;
  return splitArguments("demo", args, options, false).values;
}

/** Reads the arguments after `demo`. Throws a UsageError naming the option, its value and what was expected. */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const values = parse(args);
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const scenario = oneOf("scenario", text("scenario") ?? "graceful", SCENARIOS);
  const chosen = text("link");
  const tap = text("tap");
  if (tap !== undefined && !TAP_NAME.test(tap)) refuse("tap", tap, "the name of a network device, at most 15 characters");
  const link = chosen === undefined ? (tap === undefined ? undefined : "tap") : oneOf("link", chosen, ["memory", "node", "tap"]);
  if (tap !== undefined && link !== "tap") throw new UsageError(`--tap is "${tap}" but --link is "${link}"; expected --link tap, or no --tap`);
  const loss = text("loss") ?? "0";
  if (!/^(0|0?\.\d+|0\.)$/.test(loss)) refuse("loss", loss, "a probability such as 0.05: 0 up to but not including 1");
  const seed = text("seed") ?? "1";
  if (!/^\d{1,10}$/.test(seed) || Number(seed) > SEED_MAX) refuse("seed", seed, `an integer from 0 to ${SEED_MAX}`);
  const pcap = text("pcap");
  if (pcap === "") refuse("pcap", pcap, "the name of a file");
  if (pcap !== undefined && link === "node") throw new UsageError(`--pcap is "${pcap}" but --link is "node"; expected --link memory or tap: host sockets show no frames`);
  if (Number(loss) > 0 && link !== undefined && link !== "memory") {
    throw new UsageError(`--loss is "${loss}" but --link is "${link}"; expected --link memory: only that can lose frames on request`);
  }
  return { help: values.help === true, scenario, link, tap, loss: Number(loss), seed: Number(seed), pcap, json: values.json === true };
}
