/** One configured core: its exports, its memory, and the set-up calls with their arguments written for you. */
import { SIZEOF_CONFIG } from "../abi/config.gen.ts";
import { SIZEOF_EVENT } from "../abi/events.gen.ts";
import { SIZEOF_REPORT } from "../abi/report.gen.ts";
import { ADDRESS_BYTES, parseAddress, parsePrefix } from "./address.ts";
import { type CoreConfig, encodeConfig } from "./config.ts";
import { CoreError, checkSetup } from "./errors.ts";
import type { CoreExports } from "./exports.ts";
import type { MemoryViews } from "./memory.ts";
import { instantiate, type WasiHost } from "./module.ts";
import { type CloseReportRecord, type CoreStats, readReport, readStats } from "./records.ts";

/** Events pulled at once, where the host area is large enough. */
const EVENT_BATCH = 64;

/** Hands out fixed pieces of hostArea(). A piece stays its owner's for the life of the core. */
export class HostArea {
  readonly start: number;
  readonly size: number;
  #used = 0;

  constructor(start: number, size: number) {
    this.start = start;
    this.size = size;
  }

  /** Bytes not handed out yet. */
  get free(): number {
    return this.size - this.#used;
  }

  /** A piece of `bytes`, aligned to 8. Throws CoreError `E_MEMORY` when the area is used up. */
  take(bytes: number): number {
    const from = (this.start + this.#used + 7) & ~7;
    if (from + bytes > this.start + this.size) {
      throw new CoreError("E_MEMORY", `the host area of ${this.size} bytes has no room for ${bytes} more`);
    }
    this.#used = from + bytes - this.start;
    return from;
  }
}

/** What `addDevice` needs to know of a device; every FrameDevice fits. */
export interface DeviceInfo {
  readonly mtu: number;
  readonly mac: Uint8Array;
  readonly capabilities: number;
  /** Takes buffers of the core's, where the device can write to them (device/contract.ts). */
  readonly postable?: boolean;
  post?(memory: MemoryViews, record: number): void;
  taken?(): void;
}

/** Buffers asked for where a device takes some: what one poll takes. */
const POSTED_FRAMES = 256;

export class Core {
  readonly exports: CoreExports;
  readonly memory: MemoryViews;
  readonly area: HostArea;
  /** Shared by the calls below: the record's bytes are the core's only until a call returns. */
  readonly #scratch: number;
  readonly #eventCapacity: number;
  /** Devices that write into posted buffers. */
  readonly #posted: DeviceInfo[] = [];

  /**
   * Instantiates and configures a core.
   * @throws CoreError when the module is no core of this ABI or refuses the configuration; RangeError for a bad option.
   */
  constructor(module: WebAssembly.Module, host: WasiHost, config: CoreConfig = {}) {
    const record = encodeConfig(config);
    const { exports, memory } = instantiate(module, host);
    this.exports = exports;
    this.memory = memory;
    const at = exports.hostArea() >>> 0;
    const room = exports.hostAreaSize() >>> 0;
    if (room < SIZEOF_CONFIG) throw new CoreError("E_MEMORY", `the host area has ${room} bytes; expected ${SIZEOF_CONFIG} for the configure record`);
    memory.ensure();
    memory.u8.set(record, at);
    checkSetup(exports.configure(at, record.length), "configure");
    memory.ensure();
    this.area = new HostArea(exports.hostArea() >>> 0, exports.hostAreaSize() >>> 0);
    // The tiny build has 256 bytes for everything: four events at a time there.
    const scratch = this.area.size >= 4096 ? EVENT_BATCH * SIZEOF_EVENT : SIZEOF_REPORT;
    this.#scratch = this.area.take(scratch);
    this.#eventCapacity = scratch / SIZEOF_EVENT;
  }

  /** Adds a frame device under its file descriptor; returns the interface index. */
  addDevice(fd: number, device: DeviceInfo): number {
    this.memory.ensure();
    this.memory.u8.set(device.mac, this.#scratch);
    const iface = checkSetup(this.exports.deviceAdd(fd, device.capabilities, device.mtu, this.#scratch), "add device");
    const record = device.postable === true && this.exports.devicePost ? this.exports.devicePost(iface, POSTED_FRAMES) >>> 0 : 0;
    if (record !== 0) {
      device.post?.(this.memory, record);
      this.#posted.push(device);
    }
    return iface;
  }

  /** `device` writes into buffers of the core's, which every poll looks into. */
  isPosted(device: DeviceInfo): boolean {
    for (let i = 0; i < this.#posted.length; i++) if (this.#posted[i] === device) return true;
    return false;
  }

  /** Polls at `ns` of the clock that clock_time_get reads: the exports' poll, without the core asking for the time. */
  poll(ns: number): number {
    const next = this.exports.pollAt === undefined ? this.exports.poll() : this.exports.pollAt(ns);
    for (let i = 0; i < this.#posted.length; i++) (this.#posted[i] as DeviceInfo).taken?.();
    return next;
  }

  /** Gives an interface an address: `addAddress(0, "192.0.2.1/24")`. */
  addAddress(iface: number, prefix: string): void {
    const { address, bits } = parsePrefix(prefix);
    this.memory.ensure();
    this.memory.u8.set(address, this.#scratch);
    checkSetup(this.exports.addressAdd(iface, this.#scratch, bits), `add address ${prefix}`);
  }

  /** Adds a route: `addRoute("0.0.0.0/0", "192.0.2.254", 0)`. Without a gateway the destination is on the link. */
  addRoute(destination: string, gateway: string | undefined, iface: number): void {
    const { address, bits } = parsePrefix(destination);
    const via = gateway === undefined ? new Uint8Array(ADDRESS_BYTES) : parseAddress(gateway);
    this.memory.ensure();
    this.memory.u8.set(address, this.#scratch);
    this.memory.u8.set(via, this.#scratch + ADDRESS_BYTES);
    const operation = `add route ${destination}${gateway === undefined ? "" : ` via ${gateway}`}`;
    checkSetup(this.exports.routeAdd(this.#scratch, bits, this.#scratch + ADDRESS_BYTES, iface), operation);
  }

  /**
   * Pulls a batch of events into `target` as { kind, handle, a, b } words and returns their number; 0 = none left. They are
   * copied out, so handling one may call the core.
   * @param target At least `4 * eventCapacity` words.
   */
  pullEvents(target: Uint32Array): number {
    const count = this.exports.events(this.#scratch, this.#eventCapacity);
    if (count === 0) return 0;
    this.memory.ensure();
    const first = this.#scratch >>> 2;
    const words = Math.min(count, this.#eventCapacity) * 4;
    for (let i = 0; i < words; i++) target[i] = this.memory.i32[first + i] as number;
    return words >>> 2;
  }

  /** Events one pull can return. */
  get eventCapacity(): number {
    return this.#eventCapacity;
  }

  /** The oldest close report not pulled yet, or undefined. Each is handed out once. */
  pullReport(): CloseReportRecord | undefined {
    if (this.exports.report(this.#scratch) !== 1) return undefined;
    this.memory.ensure();
    return readReport(this.memory, this.#scratch);
  }

  /** A snapshot of the counters. */
  stats(): CoreStats {
    const at = this.exports.stats() >>> 0;
    this.memory.ensure();
    return readStats(this.memory, at);
  }
}
