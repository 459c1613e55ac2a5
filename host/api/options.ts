/** Options of createStack: what each is called, its bounds, and how it reaches the core's configure record. */
import * as abi from "../abi/config.gen.ts";
import type { Clock } from "../base/clock.ts";
import type { RandomSource } from "../base/random.ts";
import type { CoreConfig, CoreSource } from "../core/index.ts";
import type { FrameDevice } from "../device/contract.ts";
import type { Runtime } from "../driver/index.ts";
import { checkAddress, checkPeerAddress, checkPrefix, prefixHolds } from "./address.ts";
import { checkArray, checkBoolean, checkInteger, checkOptions, TIME_MAX_MS, wrongType, wrongValue } from "./check.ts";

/** Sizes, fixed for the life of a stack. What is left out keeps the core's default. */
export interface Limits {
  /** Sockets open at once, listeners included. 1 to 1,048,576; default 1024. */
  maxSockets?: number;
  /** Connections at once, TIME_WAIT and closed ones still being flushed included. Default: twice the sockets. */
  maxConnections?: number;
  /** Bytes of memory the stack may use. Default 1 GiB. */
  memoryLimit?: number;
  /** Bytes that an empty send queue takes in one Winsock send. Default 64 MiB. */
  sendMax?: number;
  /** Send buffer of a new socket, bytes. Default 262144. */
  sendBuffer?: number;
  /** Receive buffer of a new socket, bytes. Default 262144. */
  receiveBuffer?: number;
  /** Close reports kept until somebody takes them. Default: as many as connections. */
  reportSlots?: number;
  /** Neighbour (ARP) cache entries. Default 64. */
  neighbors?: number;
  /** Largest MTU of any device, bytes: sizes the frame buffers. 576 to 65535; default 65535. */
  mtuMax?: number;
  /** Datagrams queued per UDP socket and direction. Default 64. */
  udpQueue?: number;
  /** Bytes of the region through which arguments pass; also the largest datagram plus about 4 KiB. Default 73728. */
  hostArea?: number;
}

/** Where Winsock's texts disagree: true takes the second reading (docs: semantics chapter V). All are off by default. */
export interface Switches {
  closeAborted?: boolean;
  closeEarly?: boolean;
  eventsPersist?: boolean;
  newDataRecords?: boolean;
  receiveAborted?: boolean;
  resetAfterFin?: boolean;
  idleCloseSucceeds?: boolean;
  unreadCloseFin?: boolean;
  receiveShutKeeps?: boolean;
  errorClears?: boolean;
  dontLingerInverted?: boolean;
  shutCloseReturns?: boolean;
  resetKeepsUnread?: boolean;
  receiveDisconnectLenient?: boolean;
  sendClearsWrite?: boolean;
}

/** Times and behaviour. Times are milliseconds. What is left out keeps the core's default. */
export interface Knobs {
  /** Length of TIME_WAIT, 0 to 300000. Default 240000. */
  timeWaitMs?: number;
  /** Longest FIN_WAIT_2 of an open socket; 0 = unlimited, the default. */
  finWait2Ms?: number;
  /** Longest FIN_WAIT_2 of a closed socket, then its report says `delivered`. Default 60000. */
  orphanFinWait2Ms?: number;
  /** A closed socket without acknowledgement progress for this long is dropped as `timedOut`. Default 60000. */
  orphanTimeoutMs?: number;
  /** Retransmission timeout before the first measurement (RFC 6298). Default 1000. */
  rtoInitialMs?: number;
  /** Default 200. */
  rtoMinMs?: number;
  /** Default 60000. */
  rtoMaxMs?: number;
  /** Delayed acknowledgement, 0 to 500. Default 40. */
  delayedAckMs?: number;
  /** SYN retransmissions before a connect fails. Default 6. */
  synRetries?: number;
  /** An open connection without acknowledgement progress for this long fails. Default 120000. */
  userTimeoutMs?: number;
  /** Keep-alive: idle time before the first probe. Default 7200000. */
  keepIdleMs?: number;
  /** Keep-alive: time between probes. Default 1000. */
  keepIntervalMs?: number;
  /** Keep-alive: unanswered probes before the connection fails. Default 10. */
  keepCount?: number;
  /** Age at which a neighbour is asked again. Default 60000. */
  neighborAgeMs?: number;
  /** First value of the core's 32-bit millisecond clock; lets a test cross its wrap. Default 0. */
  timeOrigin?: number;
  /** TCP window scale option (RFC 7323). Default true. */
  windowScale?: boolean;
  /** TCP timestamps option, with it protection against old segments (RFC 7323). Default true. */
  timestamps?: boolean;
  /** TCP selective acknowledgements, and repair of losses by them (RFC 2018, RFC 6675). Default true. */
  sack?: boolean;
  /** Losses found by time and a probe of a silent tail (RFC 8985); needs `sack`. Default true. */
  rack?: boolean;
  /** Congestion control of connections whose socket does not choose: CUBIC (RFC 9438), else NewReno (RFC 5681, RFC 6582). Default true. */
  cubic?: boolean;
  /** Timeouts that nothing was lost for are undone (RFC 5682). Default true. */
  frto?: boolean;
  /** Explicit congestion notification is accepted when a peer asks for it (RFC 3168). Default true. */
  ecn?: boolean;
  /** Connections we open ask for it too. Default false: some paths drop what asks, which costs a second before it goes on without. */
  ecnAsk?: boolean;
  switches?: Switches;
}

/** `"192.0.2.1/24"` on the first device, or with the index of a device in `devices`. */
export type AddressOption = string | { address: string; device?: number };

export interface RouteOption {
  /** `"0.0.0.0/0"` is the default route. */
  destination: string;
  /** Left out: the destination is on the link itself. */
  gateway?: string;
  /** Index in `devices`. Default: the device whose own prefix holds the gateway, else the first. */
  device?: number;
}

export interface StackOptions {
  /** The core: bytes, a compiled module (shared by any number of stacks), or where to load it. Default: lastack.wasm beside this library. */
  wasm?: CoreSource;
  devices?: readonly FrameDevice[];
  addresses?: readonly AddressOption[];
  routes?: readonly RouteOption[];
  limits?: Limits;
  knobs?: Knobs;
  /** Time; a VirtualClock makes a run repeatable. Default: real time. */
  clock?: Clock;
  /** Randomness; a SeededRandom makes a run repeatable and predictable. Default: the system's. */
  random?: RandomSource;
  /** Clock, randomness and scheduling in one, instead of `clock` and `random`: a World runs several stacks in virtual time. */
  runtime?: Runtime;
  /**
   * Sockets of the operating system, through Node. A stack without devices then uses them; one with devices has both, and
   * connect, listen and udp choose with `provider`. What differs without koffi: docs/closing.md. Default: none.
   */
  hostSockets?: boolean | HostSocketsOptions;
  /**
   * true: the core, its devices and its timers run in a thread of their own (Node's `worker_threads`), so that the program's event loop
   * and the network do not hold each other up. Bytes cross through shared memory; everything else is as without it. The thread lives, and
   * keeps the process running, until the stack is closed. Real time only: not together with clock, random or runtime.
   */
  worker?: boolean;
}

/** How host sockets are made; both default to using what is there. */
export interface HostSocketsOptions {
  /** false: without koffi, as where it is not installed: close reports say `unknown` where only the kernel knows. */
  koffi?: boolean;
  /** false: without Node's undocumented TCP handle: ports in use are noticed later than bind and listen. */
  handles?: boolean;
}

export interface CheckedOptions {
  readonly config: CoreConfig;
  readonly devices: readonly FrameDevice[];
  readonly addresses: readonly { readonly address: string; readonly device: number }[];
  readonly routes: readonly { readonly destination: string; readonly gateway: string | undefined; readonly device: number }[];
  /** undefined: the stack has none. */
  readonly hostSockets: HostSocketsOptions | undefined;
}

const U32_MAX = 0xffff_fffe;
/** What the API's own pieces of the host area, and the largest UDP datagram, need. */
const HOST_AREA = 73728;

type Bounds = readonly [field: keyof CoreConfig, min: number, max: number];

const LIMITS: Readonly<Record<keyof Limits, Bounds>> = {
  maxSockets: ["maxSockets", 1, 1 << 20],
  maxConnections: ["maxConnections", 1, 1 << 21],
  memoryLimit: ["memoryLimit", 65536, U32_MAX],
  sendMax: ["sendMax", 1, 1 << 30],
  sendBuffer: ["sendBuffer", 1, 1 << 30],
  receiveBuffer: ["recvBuffer", 1, 1 << 30],
  reportSlots: ["reportSlots", 1, 1 << 21],
  neighbors: ["neighbors", 1, 65536],
  mtuMax: ["mtuMax", 576, 65535],
  udpQueue: ["udpQueue", 1, 65536],
  hostArea: ["hostArea", 8192, 1 << 24],
};

/** Knobs that turn a feature on or off, with its bit. */
const FEATURES = {
  windowScale: abi.FEATURE_WINDOW_SCALE,
  timestamps: abi.FEATURE_TIMESTAMPS,
  sack: abi.FEATURE_SACK,
  rack: abi.FEATURE_RACK,
  cubic: abi.FEATURE_CUBIC,
  frto: abi.FEATURE_FRTO,
  ecn: abi.FEATURE_ECN,
  ecnAsk: abi.FEATURE_ECN_ASK,
} as const;

const TIMES: Readonly<Record<Exclude<keyof Knobs, keyof typeof FEATURES | "switches">, Bounds>> = {
  timeWaitMs: ["timeWaitMs", 0, 300000],
  finWait2Ms: ["finWait2Ms", 0, TIME_MAX_MS],
  orphanFinWait2Ms: ["orphanFinWait2Ms", 0, TIME_MAX_MS],
  orphanTimeoutMs: ["orphanTimeoutMs", 1, TIME_MAX_MS],
  rtoInitialMs: ["rtoInitialMs", 1, 600000],
  rtoMinMs: ["rtoMinMs", 1, 600000],
  rtoMaxMs: ["rtoMaxMs", 1, 600000],
  delayedAckMs: ["delayedAckMs", 0, 500],
  synRetries: ["synRetries", 0, 255],
  userTimeoutMs: ["userTimeoutMs", 1, TIME_MAX_MS],
  keepIdleMs: ["keepIdleMs", 1, 2 ** 30 - 1],
  keepIntervalMs: ["keepIntervalMs", 1, 2 ** 30 - 1],
  keepCount: ["keepCount", 1, 255],
  neighborAgeMs: ["neighborAgeMs", 1, TIME_MAX_MS],
  timeOrigin: ["timeOrigin", 0, U32_MAX],
};

const SWITCHES: Readonly<Record<keyof Switches, number>> = {
  closeAborted: abi.SWITCH_V01_CLOSE_ABORTED,
  closeEarly: abi.SWITCH_V02_CLOSE_EARLY,
  eventsPersist: abi.SWITCH_V03_EVENTS_PERSIST,
  newDataRecords: abi.SWITCH_V04_NEW_DATA_RECORDS,
  receiveAborted: abi.SWITCH_V05_RECV_ABORTED,
  resetAfterFin: abi.SWITCH_V06_RESET_AFTER_FIN,
  idleCloseSucceeds: abi.SWITCH_V07_IDLE_CLOSE_SUCCEEDS,
  unreadCloseFin: abi.SWITCH_V08_UNREAD_CLOSE_FIN,
  receiveShutKeeps: abi.SWITCH_V10_RECV_SHUT_KEEPS,
  errorClears: abi.SWITCH_V12_ERROR_CLEARS,
  dontLingerInverted: abi.SWITCH_V13_DONTLINGER_INVERTED,
  shutCloseReturns: abi.SWITCH_V14_SHUT_CLOSE_RETURNS,
  resetKeepsUnread: abi.SWITCH_V15_RESET_KEEPS_UNREAD,
  receiveDisconnectLenient: abi.SWITCH_V22_RECVDISC_LENIENT,
  sendClearsWrite: abi.SWITCH_V24_SEND_CLEARS_WRITE,
};

const entries = <K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] => Object.entries(record) as [K, V][];

function takeNumbers(argument: string, from: object, bounds: Readonly<Record<string, Bounds>>, config: CoreConfig): void {
  for (const [name, [field, min, max]] of entries(bounds)) {
    const value = (from as Record<string, unknown>)[name];
    if (value !== undefined) config[field] = checkInteger(`${argument}.${name}`, value, min, max);
  }
}

function switchBits(switches: Switches): number {
  checkOptions("knobs.switches", switches, Object.keys(SWITCHES));
  let bits = 0;
  for (const [name, bit] of entries(SWITCHES)) {
    const value = switches[name];
    if (value !== undefined && checkBoolean(`knobs.switches.${name}`, value)) bits |= bit;
  }
  return bits >>> 0;
}

function featureBits(knobs: Knobs): number {
  let bits = abi.DEFAULT_FEATURES;
  for (const [name, bit] of entries(FEATURES)) {
    const value = knobs[name];
    if (value !== undefined) bits = checkBoolean(`knobs.${name}`, value) ? bits | bit : bits & ~bit;
  }
  // All ones would mean the default; the highest bit is no feature's.
  return bits & 0x7fffffff;
}

/** Bounds between two knobs that the core checks too; here the message can say which. */
function checkTimeouts(knobs: Knobs): void {
  const max = knobs.rtoMaxMs ?? abi.DEFAULT_RTO_MAX_MS;
  for (const name of ["rtoMinMs", "rtoInitialMs"] as const) {
    const value = knobs[name] ?? (name === "rtoMinMs" ? abi.DEFAULT_RTO_MIN_MS : abi.DEFAULT_RTO_INITIAL_MS);
    if (value > max) throw wrongValue(`knobs.${name}`, value, `at most knobs.rtoMaxMs, which is ${max}`);
  }
}

function checkConfig(limits: Limits, knobs: Knobs, devices: readonly FrameDevice[]): CoreConfig {
  const config: CoreConfig = { hostArea: HOST_AREA };
  takeNumbers("limits", checkOptions("limits", limits, Object.keys(LIMITS)), LIMITS, config);
  takeNumbers("knobs", checkOptions("knobs", knobs, [...Object.keys(TIMES), ...Object.keys(FEATURES), "switches"]), TIMES, config);
  checkTimeouts(knobs);
  if (knobs.switches !== undefined) config.switches = switchBits(knobs.switches);
  const features = featureBits(knobs);
  if (features !== (abi.DEFAULT_FEATURES & 0x7fffffff)) config.features = features;
  const mtuMax = limits.mtuMax;
  const large = mtuMax === undefined ? undefined : devices.find((device) => device.mtu > mtuMax);
  if (large) throw wrongValue("limits.mtuMax", mtuMax, `at least ${large.mtu}, the MTU of device ${large.name}`);
  return config;
}

function checkDevices(value: unknown): readonly FrameDevice[] {
  return checkArray("devices", value).map((device, i) => {
    const one = device as FrameDevice | null;
    if (typeof one !== "object" || one === null || typeof one.readInto !== "function" || typeof one.write !== "function") {
      throw wrongType(`devices[${i}]`, device, "a frame device such as memoryLink() or tap() gives");
    }
    return one;
  });
}

function checkDeviceIndex(argument: string, value: unknown, devices: readonly FrameDevice[]): number {
  if (devices.length === 0) throw wrongValue(argument, value ?? 0, "at least one device in devices");
  return checkInteger(argument, value ?? 0, 0, devices.length - 1);
}

function checkAddresses(value: unknown, devices: readonly FrameDevice[]): CheckedOptions["addresses"] {
  return checkArray("addresses", value).map((entry, i) => {
    const name = `addresses[${i}]`;
    if (typeof entry === "string") return { address: checkPrefix(name, entry, true), device: checkDeviceIndex(name, undefined, devices) };
    const { address, device } = checkOptions(name, entry as { address: unknown; device?: unknown }, ["address", "device"]);
    return { address: checkPrefix(`${name}.address`, address, true), device: checkDeviceIndex(`${name}.device`, device, devices) };
  });
}

function checkRoutes(value: unknown, devices: readonly FrameDevice[], addresses: CheckedOptions["addresses"]): CheckedOptions["routes"] {
  return checkArray("routes", value).map((entry, i) => {
    const name = `routes[${i}]`;
    const route = checkOptions(name, entry as Record<keyof RouteOption, unknown>, ["destination", "gateway", "device"]);
    const destination = checkPrefix(`${name}.destination`, route.destination, true);
    const gateway = route.gateway === undefined ? undefined : checkPeerAddress(`${name}.gateway`, checkAddress(`${name}.gateway`, route.gateway));
    const near = gateway === undefined ? undefined : addresses.find(({ address }) => prefixHolds(address, gateway));
    return { destination, gateway, device: checkDeviceIndex(`${name}.device`, route.device ?? near?.device, devices) };
  });
}

function checkHostSockets(value: unknown): HostSocketsOptions | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return {};
  if (typeof value !== "object") throw wrongType("hostSockets", value, "true, false or an object");
  const options = checkOptions("hostSockets", value as HostSocketsOptions, ["koffi", "handles"]);
  for (const name of ["koffi", "handles"] as const) if (options[name] !== undefined) checkBoolean(`hostSockets.${name}`, options[name]);
  return options;
}

const OPTION_NAMES = ["wasm", "devices", "addresses", "routes", "limits", "knobs", "clock", "random", "runtime", "hostSockets", "worker"];

/** Checks everything but `wasm`. Throws a TypeError or RangeError naming the option. */
export function checkStackOptions(options: StackOptions): CheckedOptions {
  checkOptions("options", options, OPTION_NAMES);
  const hostSockets = checkHostSockets(options.hostSockets);
  const { clock, random } = options;
  if (clock !== undefined && (typeof clock?.now !== "function" || typeof clock.attach !== "function")) throw wrongType("clock", clock, "a Clock such as a VirtualClock");
  if (random !== undefined && typeof random?.fill !== "function") throw wrongType("random", random, "a RandomSource such as a SeededRandom");
  if (options.runtime !== undefined) {
    if (typeof options.runtime?.attach !== "function") throw wrongType("runtime", options.runtime, "a Runtime such as a World");
    if (clock || random) throw new TypeError("runtime is given together with clock or random; expected one or the other");
  }
  if (options.worker !== undefined && checkBoolean("worker", options.worker)) {
    const given = (["clock", "random", "runtime"] as const).find((name) => options[name] !== undefined);
    if (given) throw new TypeError(`worker is true together with ${given}; expected one or the other: a thread runs on real time`);
  }
  const devices = checkDevices(options.devices ?? []);
  const addresses = checkAddresses(options.addresses ?? [], devices);
  const routes = checkRoutes(options.routes ?? [], devices, addresses);
  const config = checkConfig(options.limits ?? {}, options.knobs ?? {}, devices);
  if (hostSockets) config.hostSockets = config.maxConnections ?? 2 * (config.maxSockets ?? abi.DEFAULT_MAX_SOCKETS);
  return { config, devices, addresses, routes, hostSockets };
}
