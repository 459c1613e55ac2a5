/** The options that serve, get, nc and ping share: how to reach the network, how to close, what to print. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { checkAddress, checkPeerAddress, checkPrefix } from "../api/address.ts";
import { UsageError } from "./usage.ts";

/** `node`: the operating system's sockets. `tap`: Lastack's own TCP/IP over a TAP device. */
export type LinkChoice = { readonly kind: "node" } | { readonly kind: "tap"; readonly name: string; readonly offload: boolean };

export interface CommonOptions {
  readonly link: LinkChoice;
  /** On TAP our address with its prefix length; on node the local address to use. */
  readonly ip: string | undefined;
  readonly gateway: string | undefined;
  readonly pcap: string | undefined;
  /** Seconds; undefined: close without a limit. */
  readonly linger: number | undefined;
  readonly drain: boolean;
  readonly json: boolean;
  readonly progress: boolean;
}

export interface CommandLine {
  readonly help: boolean;
  readonly common: CommonOptions;
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

export const LINK_HELP = `link
  --link node        the operating system's sockets (default)
  --link tap:NAME    Lastack's own TCP/IP over the TAP device NAME; root, or a device made before with
                       ip tuntap add dev NAME mode tap user $USER
                       ip address add 10.77.0.1/24 dev NAME && ip link set NAME up
  --ip ADDRESS       with tap: our address and prefix length, such as 10.77.0.2/24 (needed); with node: the local address
  --gateway ADDRESS  with tap: where packets for other networks go
  --pcap FILE        with tap: record all frames as pcapng
  --no-offload       with tap: no packets of many segments and no checksums left to the kernel, even where it grants them
`;

export const CLOSE_HELP = `closing
  --linger SECONDS   everything has to be acknowledged within this time, or the connection is reset; 0 resets at once.
                     Without it delivery goes on for as long as the peer makes progress
  --drain            read and throw away what the peer still sends, instead of resetting the connection for it
`;

/** @param json What --json prints: lines, the first behind the option's name. */
export const outputHelp = (...json: readonly string[]): string => `output
  --progress         progress of long transfers on stderr, also where that is no terminal
  --json             ${json.join("\n                     ")}
  --help             this text
`;
/** The counters in --json. */
export const COUNTERS_HELP = "the stack's counters (names of RFC 4022 and RFC 4293)";

export const EXIT_HELP = `exit code: 0 if the close report says graceful or delivered, 1 if not or if anything else failed, 2 for a wrong command
line, 3 if the report says unknown (the operating system does not tell), 130 after Ctrl-C
`;

const LINK_OPTIONS = {
  link: { type: "string" }, ip: { type: "string" }, gateway: { type: "string" }, pcap: { type: "string" },
  "no-offload": { type: "boolean" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" },
} as const;
const TRANSFER_OPTIONS = { linger: { type: "string" }, drain: { type: "boolean" }, progress: { type: "boolean" } } as const;

/** Longest name of a network device (IFNAMSIZ without its end). */
const TAP_LINK = /^tap:([A-Za-z0-9][A-Za-z0-9._-]{0,14})$/;
const LINGER_MAX = 65535;

export function refuse(option: string, value: string, expected: string): never {
  throw new UsageError(`${option} is "${value}"; expected ${expected}`);
}

/** An integer written in decimal, from `min` to `max`. */
export function parseInteger(option: string, text: string, min: number, max: number, unit = ""): number {
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value < min || value > max) refuse(option, text, `an integer from ${min} to ${max}${unit}`);
  return value;
}

export function parsePort(option: string, text: string, min = 1): number {
  return parseInteger(option, text, min, 65535);
}

/** `1 argument`, `2 arguments`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** `--linger -1` as `--linger=-1`: parseArgs takes the value for an option and never says what is wrong with it. */
function withNegatives(args: readonly string[], options: NonNullable<ParseArgsConfig["options"]>): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1) ?? "";
    const takesValue = before.startsWith("--") && options[before.slice(2)]?.type === "string";
    if (takesValue && /^-\.?\d/.test(arg)) joined[joined.length - 1] = `${before}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

/**
 * Splits a command's arguments.
 * @throws UsageError naming the option and what is wrong with it.
 */
export function splitArguments(command: string, args: readonly string[], options: NonNullable<ParseArgsConfig["options"]>, allowPositionals: boolean): Pick<CommandLine, "values" | "positionals"> {
  try {
    return parseArgs({ args: withNegatives(args, options), options, strict: true, allowPositionals }) as Pick<CommandLine, "values" | "positionals">;
  } catch (error) {
    // The first sentence names the option; the rest is advice.
    const text = (error as Error).message.split(/\.\s/)[0] as string;
    const missing = /^Option '(?:-\w, )?(--?[\w-]+)(?: <value>)?' argument (?:missing|is ambiguous)/.exec(text)?.[1];
    throw new UsageError(`${missing === undefined ? text : `${missing} has no value; expected one after it`}; see lastack ${command} --help`);
  }
}

/** Turns the API's complaint about an argument into one about the command line. */
function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/**
 * The address a user named. `localhost` is the system's loopback; other names are not resolved.
 * @throws UsageError
 */
export function parseHost(what: string, text: string, link: LinkChoice): string {
  if (text === "localhost" && link.kind === "node") return "127.0.0.1";
  return checked(() => checkPeerAddress(what, text));
}

function parseLink(text: string, offload: boolean): LinkChoice {
  if (text === "node") return { kind: "node" };
  const name = TAP_LINK.exec(text)?.[1];
  return name === undefined ? refuse("--link", text, "node, or tap:NAME with the name of a network device") : { kind: "tap", name, offload };
}

function parseNetwork(values: CommandLine["values"]): Pick<CommonOptions, "link" | "ip" | "gateway" | "pcap"> {
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const [ip, gateway, pcap] = [text("ip"), text("gateway"), text("pcap")];
  const link = parseLink(text("link") ?? "node", values["no-offload"] !== true);
  if (pcap === "") refuse("--pcap", pcap, "the name of a file");
  if (link.kind === "node") {
    if (ip !== undefined) checked(() => checkAddress("--ip", ip));
    if (gateway !== undefined) throw new UsageError(`--gateway is "${gateway}" but --link is "node"; expected --link tap:NAME: the system has its own routes`);
    if (values["no-offload"] === true) throw new UsageError('--no-offload is given but --link is "node"; expected --link tap:NAME: the system has its own offloads');
    if (pcap !== undefined) throw new UsageError(`--pcap is "${pcap}" but --link is "node"; expected --link tap:NAME: host sockets show no frames`);
    return { link, ip, gateway, pcap };
  }
  if (ip === undefined) throw new UsageError(`--link is "tap:${link.name}" but there is no --ip; expected our address there, such as --ip 10.77.0.2/24`);
  checked(() => checkPrefix("--ip", ip, true));
  if (gateway !== undefined) checked(() => checkPeerAddress("--gateway", gateway));
  return { link, ip, gateway, pcap };
}

/**
 * Reads a command's arguments: the common options, those in `extra`, and the positional ones.
 * @param transfers The command has connections to close.
 * @throws UsageError naming the option, its value and what was expected.
 */
export function parseCommandLine(command: string, args: readonly string[], extra: NonNullable<ParseArgsConfig["options"]>, transfers = true): CommandLine {
  const options = { ...LINK_OPTIONS, ...(transfers && TRANSFER_OPTIONS), ...extra };
  const { values, positionals } = splitArguments(command, args, options, true);
  const on = (name: string): boolean => values[name] === true;
  const linger = values.linger as string | undefined;
  const switches = { drain: on("drain"), json: on("json"), progress: on("progress") };
  if (on("help")) return { help: true, common: { link: { kind: "node" }, ip: undefined, gateway: undefined, pcap: undefined, linger: undefined, ...switches }, values, positionals };
  const common = { ...parseNetwork(values), linger: linger === undefined ? undefined : parseInteger("--linger", linger, 0, LINGER_MAX, " seconds"), ...switches };
  return { help: false, common, values, positionals };
}
