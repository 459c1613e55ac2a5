/** Two cores on the operating system's sockets, with what scenarios use of Hosts. There is no wire to look at: it is the kernel's. */
import assert from "node:assert/strict";
import type { CoreConfig } from "../../../host/core/index.ts";
import { type FrameDevice, newDeviceStats, parseMac } from "../../../host/device/contract.ts";
import type { World } from "../../../host/driver/index.ts";
import type { Hosts, HostsOptions } from "../support/hosts.ts";
import { Provider } from "../support/provider.ts";
import { type Segment, type Side, WireLog } from "../support/wire.ts";
import { NotRun, type WireOptions } from "./protocol.ts";
import type { KernelTime } from "./reasons.ts";
import { RemoteWorld, start } from "./thread.ts";

/** As in support/hosts.ts, which imports this file. */
const B = "10.0.0.2";
const PORT = 7000;

/** Delays that only keep segments apart in a capture; a longer one is what the row is about. */
const SHORT_DELAY_MS = 50;

/** State numbers of /proc/net/tcp. */
const STATES: Readonly<Record<string, string>> = {
  "01": "ESTABLISHED", "02": "SYN_SENT", "03": "SYN_RCVD", "04": "FIN_WAIT_1", "05": "FIN_WAIT_2", "06": "TIME_WAIT", "07": "CLOSED",
  "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING", "0C": "SYN_RCVD",
};

/** An address as /proc/net/tcp writes it on a little-endian machine, port behind: `0100007F:1B58`. */
function hex(address: string): string {
  return address.split(".").reverse().map((byte) => Number(byte).toString(16).padStart(2, "0")).join("").toUpperCase();
}

/** What the kernel says of the first connection, not listener, whose two names fit; CLOSED if it has none. */
function kernelSocket(table: string, matches: (local: string, remote: string) => boolean): { state: string; unacknowledged: number } {
  for (const line of table.split("\n").slice(1)) {
    const [, local = "", remote = "", state = "", queues = ""] = line.trim().split(/\s+/);
    if (state !== "0A" && matches(local, remote)) return { state: STATES[state] ?? state, unacknowledged: Number.parseInt(queues, 16) };
  }
  return { state: "CLOSED", unacknowledged: 0 };
}

export class KernelHosts {
  readonly world: RemoteWorld;
  readonly a: Provider;
  readonly b: Provider;

  constructor(build: string, options: HostsOptions, row: CoreConfig, wire?: WireOptions) {
    const { delayMs = 0, ...rest } = options.link ?? {};
    if (!wire && (delayMs > SHORT_DELAY_MS || Object.keys(rest).length > 0)) throw new NotRun("needs a wire with faults or a long delay");
    const config = (own: CoreConfig | undefined): CoreConfig => ({ ...row, ...options.config, ...own });
    this.world = new RemoteWorld(build, [config(options.configA), config(options.configB)], wire);
    const world = this.world as unknown as World;
    this.a = new Provider((listener) => this.world.attach(0, listener), world, undefined, "");
    this.b = new Provider((listener) => this.world.attach(1, listener), world, undefined, "");
    if (options.startup !== false) for (const one of [this.a, this.b]) assert.equal(one.startup(), 0);
  }

  get now(): number {
    return this.world.nowMs;
  }

  run(ms: number): void {
    this.world.runFor(ms);
  }

  until<T>(spi: Provider, call: () => T, withinMs?: number): T {
    return spi.until(call, withinMs);
  }

  mark(): number {
    return 0;
  }

  since(_mark: number): Segment[] {
    return [];
  }

  seen(_flag: string, _from?: Side, _mark = 0): Segment[] {
    throw new NotRun("looks at segments");
  }

  readonly log: unknown = LOG;
  readonly link: unknown = LOG;
  readonly far: unknown = LOG;

  #socket(side: Side, port: number): ReturnType<typeof kernelSocket> {
    if (process.platform !== "linux") throw new NotRun("looks at a state that only Linux shows of a socket without a handle");
    const table = this.world.ask({ op: "sockets", world: this.world.id, place: side === "a" ? 0 : 1 }).value as string;
    const [here, there] = (side === "a" ? this.world.addresses : this.world.addresses.toReversed()) as [string, string];
    // Where nobody bound the port, the kernel chose the address on our side.
    return kernelSocket(table, (local, remote) => Number.parseInt(local.slice(9), 16) === port && (local.startsWith(hex(here)) || remote.startsWith(hex(there))));
  }

  /** What the kernel says of the end with that port, whether or not a handle is left. */
  wireState(side: Side, port: number): string {
    this.world.rest();
    return this.#socket(side, port).state;
  }

  /** Whether the core or the kernel still has bytes that were sent. */
  holds(side: Side, port: number): boolean {
    return this.a.core.stats().bufferBytes > 0 || this.#socket(side, port).unacknowledged > 0;
  }

  finSent(side: Side, port: number): boolean {
    return !["ESTABLISHED", "CLOSE_WAIT"].includes(this.wireState(side, port));
  }

  finAcknowledged(side: Side, port: number): boolean {
    return ["FIN_WAIT_2", "TIME_WAIT"].includes(this.wireState(side, port));
  }

  join(given?: number): { s: number; t: number; listener: number } {
    const { a, b } = this;
    const listener = given ?? b.listener(PORT);
    const s = a.socket();
    assert.equal(a.until(() => a.connect(s, B, PORT)), 0, "the connection failed");
    this.run(50);
    const t = b.accept(listener);
    assert.equal(b.err, 0, "the connection was not accepted");
    return { s, t, listener };
  }
}

/** Captures are handed to Check.wire, which lets them be; whoever reads one looks at segments. */
const LOG = new Proxy({}, {
  get(): never {
    throw new NotRun("looks at segments");
  },
});

/** The device at the far end of a wire whose near end is on the other thread. */
class FarDevice implements FrameDevice {
  readonly name = "far";
  readonly mtu = 1500;
  readonly mac = parseMac("02:00:00:00:00:02");
  readonly capabilities = 0;
  readonly stats = newDeviceStats();
  onWritable: (() => void) | undefined;
  #onReadable: (() => void) | undefined;
  readonly #world: RemoteWorld;
  readonly #queue: Uint8Array[] = [];
  #open = true;

  constructor(world: RemoteWorld) {
    this.#world = world;
    world.onArrived = (frame) => {
      this.#queue.push(frame);
      this.onReadable?.();
    };
  }

  get onReadable(): (() => void) | undefined {
    return this.#onReadable;
  }
  /** Whoever wants to read takes the place of the kernel there. */
  set onReadable(callback: (() => void) | undefined) {
    this.#onReadable = callback;
    this.#world.ask({ op: "script", world: this.#world.id });
  }

  get open(): boolean {
    return this.#open;
  }
  set open(open: boolean) {
    this.#open = open;
    this.#world.ask({ op: "plug", world: this.#world.id, open });
  }

  readInto(target: Uint8Array, offset: number): number {
    const frame = this.#queue.shift();
    if (frame) target.set(frame, offset);
    return frame?.length ?? 0;
  }

  write(memory: Uint8Array, parts: Int32Array, first: number): boolean {
    const [at, length] = [parts[first] as number, parts[first + 1] as number];
    this.#world.ask({ op: "frame", world: this.#world.id, frame: memory.slice(at, at + length) });
    return true;
  }

  close(): void {}
}

/** The same with a wire of its own between two namespaces: segments are captured, faults can be had, a scripted peer can be there. */
class WiredKernelHosts extends KernelHosts {
  override readonly far: FarDevice;
  override readonly link = { a: { mac: parseMac("02:00:00:00:00:01") } };
  override readonly log = new WireLog();

  constructor(build: string, options: HostsOptions, row: CoreConfig, time: KernelTime, scripted: boolean) {
    super(build, options, row, { ...options.link, ...time, seed: options.seed ?? 1, scripted });
    this.world.onFrame = ([from, frame, at, due]) => this.log.note(from, frame, at, due);
    this.far = new FarDevice(this.world);
  }

  override mark(): number {
    return this.log.segments.length;
  }

  override since(mark: number): Segment[] {
    return this.log.segments.slice(mark);
  }

  override seen(flag: string, from?: Side, mark = 0): Segment[] {
    return this.since(mark).filter((s) => (!from || s.from === from) && s.flags.split(",").includes(flag));
  }
}

/** Two cores on host sockets, as Hosts. */
export async function kernelHosts(build: string, options: HostsOptions, row: CoreConfig, wired: KernelTime | undefined): Promise<Hosts> {
  await start();
  return (wired ? new WiredKernelHosts(build, options, row, wired, false) : new KernelHosts(build, options, row)) as unknown as Hosts;
}

/** One core on host sockets and nobody but a scripted peer at the other end of the wire. */
export async function scriptedKernelHosts(build: string, options: HostsOptions, row: CoreConfig, time: KernelTime): Promise<WiredKernelHosts> {
  await start();
  return new WiredKernelHosts(build, options, row, time, true);
}
