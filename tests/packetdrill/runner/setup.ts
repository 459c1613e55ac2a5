/** Everything that is decided before the first event: header options, features, configuration. */
import type { Event, Script } from "./ast.ts";
import { missing } from "./capabilities.ts";
import { parseCommands } from "./commands.ts";
import { neededFeatures, offers } from "./features.ts";
import type { Addresses, Mode } from "./state.ts";
import { Unsupported } from "./state.ts";
import { applySetting, type Setting } from "./sysctl.ts";
import {
  DEFAULT_FEATURES, FEATURE_CUBIC, FEATURE_ECN, FEATURE_ECN_ASK, FEATURE_FRTO, FEATURE_RACK, FEATURE_SACK, FEATURE_TIMESTAMPS,
} from "../../../host/abi/config.gen.ts";
import type { CoreConfig } from "../../../host/core/index.ts";

export interface Setup {
  addresses: Addresses;
  prefix: number;
  gatewayIp: string;
  mtu: number;
  toleranceUs: number;
  strictSegments: boolean;
  nonFatal: ReadonlySet<string>;
  config: CoreConfig;
  notes: string[];
  relaxations: string[];
  /** Settings in force, by name. */
  settings: Map<string, string>;
}

/** The scripts' own tolerance when they name none: packetdrill's 4 ms. */
const TOLERANCE_US = 4000;

/** Scripts inject packets larger than the MTU, as an offloading device would deliver them. */
const LARGEST_PACKET = 65535;

const STATEMENT = "header option";

/** Reads headers and settings. Throws Unsupported, naming the line in `at`, for what cannot be had. */
export function prepareScript(script: Script, mode: Mode, at: (line: number) => void): Setup {
  const setup: Setup = {
    addresses: { localIp: "192.168.0.1", remoteIp: "192.0.2.1", bindPort: 8080, connectPort: 8080 },
    prefix: 16, gatewayIp: "192.168.0.2", mtu: 1500, toleranceUs: TOLERANCE_US, strictSegments: false, nonFatal: new Set(),
    config: { maxSockets: 64, maxConnections: 256, hostArea: hostAreaFor(script), mtuMax: LARGEST_PACKET, neighbors: 8 },
    notes: [], relaxations: [], settings: new Map(),
  };
  for (const need of neededFeatures(script)) {
    at(need.line);
    if (missing(need.feature)) throw new Unsupported(`feature: ${need.feature}`);
  }
  setup.config.features = featuresOf(script);
  for (const option of script.options) {
    at(option.line);
    header(setup, option.name, option.value ?? "");
  }
  for (const { line, text } of [...script.init, ...leadingCommands(script.events)]) {
    at(line);
    configure(setup, text, mode);
  }
  if (mode === "neutral" && !setup.settings.has("net.inet.tcp.delacktime") && expectsQuickAcks(script.events)) {
    setup.config.delayedAckMs = 0;
    setup.relaxations.push("acknowledgements not delayed, as the script expects");
  }
  return setup;
}

/** All features but those a script does not show; its settings have the last word. */
function featuresOf(script: Script): number {
  let bits = DEFAULT_FEATURES & 0x7fffffff & ~(FEATURE_RACK | FEATURE_CUBIC | FEATURE_FRTO | FEATURE_ECN | FEATURE_ECN_ASK);
  if (!offers(script, "timestamps")) bits &= ~FEATURE_TIMESTAMPS;
  if (!offers(script, "sack")) bits &= ~FEATURE_SACK;
  return bits;
}

/**
 * Some stacks acknowledge the first segments of a connection at once. A script of theirs shows it: after a single segment of text
 * the ACK is expected at the same time, and nowhere later.
 */
function expectsQuickAcks(events: readonly Event[]): boolean {
  let quick = 0;
  let next: number | null = null;
  for (const [i, event] of events.entries()) {
    const packet = event.action.kind === "packet" ? event.action.packet : null;
    if (packet?.kind !== "tcp" || packet.direction !== "in") continue;
    const expected = next;
    if (!packet.flags.includes("R")) next = packet.seq.start + packet.seq.length + (/[SF]/.test(packet.flags) ? 1 : 0);
    const single = packet.seq.length > 0 && packet.seq.start === expected && !/[SFR]/.test(packet.flags) && packet.seq.length < 1000;
    const answer = events[i + 1];
    if (!single || answer?.action.kind !== "packet" || answer.action.packet.kind !== "tcp" || answer.action.packet.direction !== "out") continue;
    const ack = answer.action.packet;
    if (ack.flags !== "." || ack.seq.length || ack.ack !== next) continue;
    const { when } = answer;
    const atOnce = when.kind === "at" && (when.relative ? when.us === 0 : event.when.kind === "at" && !event.when.relative && event.when.us === when.us);
    if (!atOnce) return false;
    quick++;
  }
  return quick > 0;
}

function header(setup: Setup, name: string, value: string): void {
  const number = (): number => {
    const n = Number(value);
    if (!Number.isInteger(n) || n < 0) throw new Unsupported(`${STATEMENT} --${name}=${value}`);
    return n;
  };
  switch (name) {
    case "ip_version":
    case "wire_protocol":
      return;
    case "tolerance_usecs":
      setup.toleranceUs = number();
      return;
    case "mtu":
      setup.mtu = number();
      return;
    case "mss":
      setup.mtu = number() + 40;
      return;
    case "tcp_ts_tick_usecs":
    case "tcp_ts_ecr_scaled":
      return;
    case "local_ip":
      setup.addresses.localIp = value;
      setup.gatewayIp = value.replace(/\d+$/, (last) => String(last === "2" ? 3 : 2));
      return;
    case "remote_ip":
      setup.addresses.remoteIp = value;
      return;
    case "gateway_ip":
      setup.gatewayIp = value;
      return;
    case "bind_port":
      setup.addresses.bindPort = number();
      return;
    case "connect_port":
      setup.addresses.connectPort = number();
      return;
    case "udp_encapsulation":
      return;
    case "strict_segments":
      setup.strictSegments = value !== "0" && value !== "false";
      return;
    case "non_fatal":
      setup.nonFatal = new Set(value.split(","));
      return;
    default:
      throw new Unsupported(`${STATEMENT} --${name}`);
  }
}

/** Room for the largest single transfer a script asks for. */
function hostAreaFor(script: Script): number {
  let most = 65536;
  for (const event of script.events) {
    if (event.action.kind !== "syscall") continue;
    for (const match of event.source.matchAll(/\b\d{5,8}\b/g)) most = Math.max(most, Number(match[0]));
  }
  return Math.min(1 << 24, ((most + 16384) >>> 12) << 12);
}

/** Commands before anything that touches the stack: they configure it. */
function leadingCommands(events: readonly Event[]): { line: number; text: string }[] {
  const found: { line: number; text: string }[] = [];
  for (const event of events) {
    if (event.action.kind !== "command") break;
    found.push({ line: event.line, text: event.action.text });
  }
  return found;
}

function configure(setup: Setup, text: string, mode: Mode): void {
  for (const command of parseCommands(text)) {
    if (command.kind === "settings") for (const s of command.settings) applyOne(setup, s);
    if (command.kind === "defaults") {
      if (mode === "strict") throw new Unsupported("command defaults.sh (in strict mode)");
      setup.relaxations.push("defaults.sh taken as this stack's own defaults");
    }
  }
}

function applyOne(setup: Setup, setting: Setting): void {
  const note = applySetting(setup.config, setting);
  if (note) setup.notes.push(note);
  setup.settings.set(setting.name, setting.value);
}

/** A setting in the middle of a script: fine when it changes nothing, or when nothing follows that could show it. */
export function lateSetting(setup: Setup, setting: Setting, last: boolean): void {
  if (setup.settings.get(setting.name) === setting.value) return;
  const before = JSON.stringify(setup.config);
  const probe = { ...setup.config };
  if (last) return;
  applySetting(probe, setting);
  if (JSON.stringify(probe) !== before) throw new Unsupported(`sysctl ${setting.name} changed while the script runs`);
}
