/** A configured core with its devices, addresses, routes and driver: what every face of the API stands on. */
import { CoreError, type CoreSource, compileCore, Core } from "../core/index.ts";
import { type Driver, type DriverListener, realRuntime, type Runtime, systemRuntime } from "../driver/index.ts";
import { NodeSockets, type NodeSocketsOptions } from "../sockets/index.ts";
import { FdTable, wasiImports } from "../wasi/index.ts";
import { socketsPart } from "../wasi/sockets.ts";
import type { FrameDevice } from "../device/contract.ts";
import { checkStackOptions, type HostSocketsOptions, type StackOptions } from "./options.ts";

export interface Host {
  readonly core: Core;
  readonly driver: Driver;
  readonly runtime: Runtime;
  /** The operating system's sockets, where the stack has them. */
  readonly sockets: NodeSockets | undefined;
}

/** Where the default core lies: beside the bundle, or in build/ as seen from this file. */
const DEFAULT_PLACES = ["./lastack.wasm", "../../build/lastack.wasm"];
let defaultCore: Promise<WebAssembly.Module> | undefined;

/** Compiles the core that comes with the library; once per process. */
async function loadDefaultCore(): Promise<WebAssembly.Module> {
  for (const place of DEFAULT_PLACES) {
    try {
      return await compileCore(new URL(place, import.meta.url));
    } catch (error) {
      if (!(error instanceof CoreError) || place === DEFAULT_PLACES.at(-1)) {
        throw new CoreError("E_LOAD", `lastack.wasm is not beside this library: in a bundled program copy node_modules/lastack/build/lastack.wasm beside the bundle or pass it as wasm, in a checkout run "npm run build" (${(error as Error).message})`);
      }
    }
  }
  throw new CoreError("E_LOAD", "lastack.wasm cannot be loaded");
}

/** A path without a scheme is relative to the working directory, as paths are elsewhere. */
function locate(source: CoreSource): CoreSource {
  if (typeof source !== "string" || /^[a-z][a-z0-9+.-]+:/i.test(source)) return source;
  const base = typeof process === "object" ? `file://${process.cwd()}/` : globalThis.location?.href;
  return new URL(source, base);
}

/** The compiled core for `wasm`, or the default one. */
export function loadCore(wasm: CoreSource | undefined): Promise<WebAssembly.Module> {
  if (wasm !== undefined) return compileCore(locate(wasm));
  defaultCore ??= loadDefaultCore().catch((error) => {
    defaultCore = undefined;
    throw error;
  });
  return defaultCore;
}

function runtimeFor({ runtime, clock, random }: StackOptions): Runtime {
  if (runtime) return runtime;
  if (!clock && !random) return systemRuntime;
  return realRuntime({ ...(clock && { clock }), ...(random && { random }) });
}

function socketsOptions({ koffi, handles }: HostSocketsOptions): NodeSocketsOptions {
  return { ...(koffi !== undefined && { kernel: koffi }), ...(handles !== undefined && { handles }) };
}

/** Who reads a device: two stacks on one device would take each other's frames. */
const readers = new WeakMap<FrameDevice, Driver>();

/** @throws RangeError for a device of a stack that is not closed. */
function checkFree(devices: readonly FrameDevice[]): void {
  for (const [i, device] of devices.entries()) {
    if (readers.get(device)?.closed === false) throw new RangeError(`devices[${i}] is ${device.name}, which another stack has; expected a device of its own, such as the link's other end`);
  }
}

/**
 * Makes a core from checked options and starts driving it.
 * @throws TypeError or RangeError for an option that is wrong; CoreError when the core cannot be had or refuses.
 */
export async function openHost(options: StackOptions, listener: DriverListener, name?: string): Promise<Host> {
  const checked = checkStackOptions(options);
  checkFree(checked.devices);
  const module = await loadCore(options.wasm);
  const runtime = runtimeFor(options);
  const fds = new FdTable();
  const sockets = checked.hostSockets && new NodeSockets(socketsOptions(checked.hostSockets));
  const parts = { clock: runtime.clock, random: runtime.random, fds, ...(sockets && { sockets: socketsPart(sockets, fds) }) };
  const core = new Core(module, wasiImports(parts), checked.config);
  const interfaces = checked.devices.map((device) => core.addDevice(fds.add(device), device));
  for (const { address, device } of checked.addresses) core.addAddress(interfaces[device] as number, address);
  for (const { destination, gateway, device } of checked.routes) core.addRoute(destination, gateway, interfaces[device] as number);
  const driver = runtime.attach(core, fds, listener, name);
  for (const device of checked.devices) readers.set(device, driver);
  return { core, driver, runtime, sockets };
}
