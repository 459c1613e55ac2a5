/** The core on a board, for drivers and scenarios that think they hold one in this process: each call is a line on the serial port. */
import { SIZEOF_CONFIG } from "../../host/abi/config.gen.ts";
import { SIZEOF_EVENT } from "../../host/abi/events.gen.ts";
import { SIZEOF_REPORT } from "../../host/abi/report.gen.ts";
import { STAT_COUNT } from "../../host/abi/stats.gen.ts";
import { NS_PER_MS, type VirtualClock } from "../../host/base/clock.ts";
import { type CloseReportRecord, type Core, type CoreConfig, type CoreStats, checkSetup, encodeConfig, HostArea, parsePrefix, readReport, readStats } from "../../host/core/index.ts";
import { MemoryViews } from "../../host/core/memory.ts";
import type { FrameDevice } from "../../host/device/index.ts";
import type { Bridge } from "./bridge.ts";

/** The tiny build's host area. */
const AREA = 256;
/** Below this the room behind the core's memory is not worth having. */
const ROOM_LEAST = 4096;
const FRAME = 1514;
/** Frames announced at once: what every board's controller keeps until they are read. */
const FRAMES_AT_ONCE = 3;
/** Bytes one write command carries. */
const WRITE_MOST = 256;
/** Bytes one read command fetches. */
const READ_MOST = 64;

const hex = (v: number): string => (v >>> 0).toString(16);
const hexBytes = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export class DeviceCore {
  readonly memory = new MemoryViews({ buffer: new ArrayBuffer(65536) } as unknown as WebAssembly.Memory);
  area: HostArea;
  readonly eventCapacity: number;
  readonly exports: Readonly<Record<string, (...args: number[]) => number>>;
  readonly #bridge: Bridge;
  readonly #clock: VirtualClock;
  readonly #device: FrameDevice;
  /** Where arguments and results stand, and what the board knows of it. */
  #known = new Uint8Array(0);
  #start = 0;
  readonly #scratch: number;
  readonly #frame = new Uint8Array(FRAME);

  /** Restarts the board's core with its one device; `address` is its own, with the bits of the network. */
  constructor(bridge: Bridge, clock: VirtualClock, device: FrameDevice, address: string, config: CoreConfig) {
    this.#bridge = bridge;
    this.#clock = clock;
    this.#device = device;
    this.exports = new Proxy({}, { get: (_, name) => (...args: number[]) => this.#export(String(name), args) });
    const [bytes, most] = bridge.command("start").words.map((word) => Number.parseInt(word, 16)) as [number, number];
    bridge.command(`mac ${hexBytes(device.mac)}`);
    this.area = this.#watch(this.#call("hostArea", []) >>> 0, AREA);
    const record = encodeConfig(config);
    this.memory.u8.set(record.subarray(0, SIZEOF_CONFIG), this.#start);
    checkSetup(this.#call("configure", [this.#start, record.length]), "configure");
    const behind = (this.stats().memoryBytes + 15) & ~15, room = Math.min(bytes - behind, most);
    if (room >= ROOM_LEAST) this.area = this.#watch(behind, room);
    this.#scratch = this.area.take(SIZEOF_REPORT);
    this.eventCapacity = SIZEOF_REPORT / SIZEOF_EVENT;
    this.memory.u8.set(device.mac, this.#scratch);
    const iface = checkSetup(this.#call("deviceAdd", [3, 0, device.mtu, this.#scratch]), "add device");
    const prefix = parsePrefix(address);
    this.memory.u8.set(prefix.address, this.#scratch);
    checkSetup(this.#call("addressAdd", [iface, this.#scratch, prefix.bits]), "add address");
  }

  /** A board's own driver fills its frames: nothing is posted by this side. */
  isPosted(): boolean {
    return false;
  }

  #export(name: string, args: readonly number[]): number {
    if (name === "poll") return this.#poll();
    // Tiny looks at its device in every poll; this does nothing there and is not worth a line on the serial port.
    return name === "hostReady" ? 0 : this.#call(name, args);
  }

  #watch(start: number, size: number): HostArea {
    this.#bridge.command(`watch ${hex(start)} ${hex(size)}`);
    this.memory.u8.fill(0, start, start + size);
    this.#start = start;
    this.#known = new Uint8Array(size);
    return new HostArea(start, size);
  }

  /** Puts a change that the board tells, ADDRESS:BYTES, into this side's memory. */
  #learn(changes: readonly string[]): void {
    for (const change of changes) {
      const [address, bytes] = change.split(":") as [string, string];
      const at = Number.parseInt(address, 16), data = Buffer.from(bytes, "hex");
      this.memory.u8.set(data, at);
      this.#known.set(data, at - this.#start);
    }
  }

  /** Writes what this side has changed in the host area since. */
  #tell(): void {
    const here = this.memory.u8.subarray(this.#start, this.#start + this.#known.length);
    for (let i = 0; i < here.length; i++) {
      if (here[i] === this.#known[i]) continue;
      let end = i + 1;
      // A write costs more than a few bytes that are the same.
      for (let k = end; k < here.length && k < end + 8; k++) if (here[k] !== this.#known[k]) end = k + 1;
      end = Math.min(end, i + WRITE_MOST);
      this.#bridge.command(`w ${hex(this.#start + i)} ${hexBytes(here.subarray(i, end))}`);
      this.#known.set(here.subarray(i, end), i);
      i = end - 1;
    }
  }

  #call(name: string, args: readonly number[]): number {
    this.#tell();
    const { words } = this.#bridge.command(["call", name, ...args.map(hex)].join(" "));
    this.#learn(words.slice(1));
    return Number.parseInt(words[0] as string, 16) | 0;
  }

  /** A poll at the virtual time of the clock, whatever `_ns` says: the board has no other. */
  poll(_ns: number): number {
    return this.#poll();
  }

  /** Polls with the frames that are there for the board, and sends on what it sends. */
  #poll(): number {
    this.#tell();
    for (;;) {
      const frames: Uint8Array[] = [];
      for (let length = 1; frames.length < FRAMES_AT_ONCE && length > 0;) {
        length = this.#device.readInto(this.#frame, 0, FRAME);
        if (length > 0) frames.push(this.#frame.slice(0, length));
      }
      const answer = this.#bridge.command(`poll ${Math.floor(this.#clock.now() / NS_PER_MS).toString(16)} ${hex(frames.length)}`, frames);
      for (const frame of answer.frames) this.#device.write(frame, Int32Array.of(0, frame.length), 0, 1);
      this.#learn(answer.words.slice(2));
      const next = Number.parseInt(answer.words[0] as string, 16) | 0;
      if (frames.length < FRAMES_AT_ONCE) return next;
    }
  }

  pullEvents(target: Uint32Array): number {
    const count = this.#call("events", [this.#scratch, this.eventCapacity]), first = this.#scratch >>> 2;
    for (let i = 0; i < count * 4; i++) target[i] = this.memory.i32[first + i] as number;
    return count;
  }

  pullReport(): CloseReportRecord | undefined {
    return this.#call("report", [this.#scratch]) === 1 ? readReport(this.memory, this.#scratch) : undefined;
  }

  stats(): CoreStats {
    const at = this.#call("stats", []) >>> 0;
    for (let i = 0; i < STAT_COUNT * 4; i += READ_MOST) {
      this.memory.u8.set(Buffer.from(this.#bridge.command(`r ${hex(at + i)} ${hex(READ_MOST)}`).words[0] as string, "hex"), at + i);
    }
    return readStats(this.memory, at);
  }
}

/** For Spi: a core of that kind in a world. */
export function asCore(core: DeviceCore): Core {
  return core as unknown as Core;
}
