/** Options of createStack: what each is called, its bounds, and how it reaches the core's configure record. */
import * as abi from "../abi/config.gen.ts";
import { DEVICE_SEGMENT_OFFLOAD } from "../abi/link.gen.ts";
import type { Clock } from "../base/clock.ts";
import type { RandomSource } from "../base/random.ts";
import type { CoreConfig, CoreSource } from "../core/index.ts";
import { type FrameDevice, PACKET_MAX } from "../device/contract.ts";
import type { Runtime } from "../driver/index.ts";
import { checkAddress, checkPeerAddress, checkPrefix, prefixHolds } from "./address.ts";
import { checkArray, checkBoolean, checkInteger, checkOptions, wrongType, wrongValue } from "./check.ts";
import { checkConfig, type Knobs, type Limits } from "./knobs.ts";

/** `"192.0.2.1/24"` on the first device, or with the index of a device in `devices`. */
export type AddressOption =
  | string
  | {
      /** With its prefix length. */
      address: string;
      /** Index in `devices`. Default 0. */
      device?: number;
    };

/** Where packets for other networks go. */
export interface RouteOption {
  /** A network and its prefix length; `"0.0.0.0/0"` is the default route. */
  destination: string;
  /** Left out: the destination is on the link itself. */
  gateway?: string;
  /** Index in `devices`. Default: the device whose own prefix holds the gateway, else the first. */
  device?: number;
}

/** What createStack and createWinsock make a stack from. Left out: a stack with the loopback only. */
export interface StackOptions {
  /** The core: bytes, a compiled module (shared by any number of stacks), or where to load it. Default: lastack.wasm beside this library. */
  wasm?: CoreSource;
  /** Up to 16, each for one stack; `Stack.close` closes them. Default: none, then there is only the loopback. */
  devices?: readonly FrameDevice[];
  /** Up to 32; needs a device. Networks of these addresses are on the link. */
  addresses?: readonly AddressOption[];
  /** Up to 32. The longest prefix that holds a destination wins. */
  routes?: readonly RouteOption[];
  /** Sizes, fixed for the stack's life (docs/knobs.md). */
  limits?: Limits;
  /** Times, protections and choices of TCP (docs/knobs.md). */
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

/** The core's configuration, with room for the largest frame of every device. */
function checkSizes(limits: Limits, knobs: Knobs, devices: readonly FrameDevice[]): CoreConfig {
  const config = checkConfig(limits, knobs);
  const { mtuMax } = limits;
  if (mtuMax === undefined) return config;
  const large = devices.find((device) => device.mtu > mtuMax);
  if (large) throw wrongValue("limits.mtuMax", mtuMax, `at least ${large.mtu}, the MTU of device ${large.name}`);
  const joins = mtuMax < PACKET_MAX ? devices.find((device) => device.capabilities & DEVICE_SEGMENT_OFFLOAD) : undefined;
  if (joins) throw wrongValue("limits.mtuMax", mtuMax, `${PACKET_MAX}, for packets of many segments on device ${joins.name}; or a TAP device with { offload: false }`);
  return config;
}

function checkDevices(list: unknown): readonly FrameDevice[] {
  const value = checkArray("devices", list);
  return value.map((device, i) => {
    const one = device as FrameDevice | null;
    if (typeof one !== "object" || one === null || typeof one.readInto !== "function" || typeof one.write !== "function") {
      throw wrongType(`devices[${i}]`, device, "a frame device such as memoryLink().a or tap(name)");
    }
    if (value.indexOf(device) !== i) throw new RangeError(`devices[${i}] is ${one.name}, which devices[${value.indexOf(device)}] is too; expected each device once`);
    return one;
  });
}

function checkDeviceIndex(argument: string, value: unknown, devices: readonly FrameDevice[]): number {
  if (devices.length === 0) throw new RangeError(`${argument} needs a device but devices is empty; expected at least one in devices (with hostSockets alone the system has the addresses)`);
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
  const config = checkSizes(options.limits ?? {}, options.knobs ?? {}, devices);
  if (hostSockets) config.hostSockets = config.maxConnections ?? 2 * (config.maxSockets ?? abi.DEFAULT_MAX_SOCKETS);
  return { config, devices, addresses, routes, hostSockets };
}
