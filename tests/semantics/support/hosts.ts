/** Two cores on a memory link in virtual time, or one core and a scripted peer, with every segment captured at the devices. */
import assert from "node:assert/strict";
import { LASTACK_WAIT } from "../../../host/abi/errors.gen.ts";
import type { CoreConfig } from "../../../host/core/index.ts";
import { type FrameDevice, type MemoryLink, type MemoryLinkOptions, memoryLink } from "../../../host/device/index.ts";
import { World } from "../../../host/driver/index.ts";
import { coreModule } from "../../host/support/spi.ts";
import type { Check } from "../check.ts";
import { kernelHosts, scriptedKernelHosts } from "../kernel/hosts.ts";
import { kernelTime } from "../kernel/reasons.ts";
import { NotRun } from "../kernel/protocol.ts";
import { Gate } from "./gate.ts";
import type { Attach } from "../../host/support/spi.ts";
import { Provider } from "./provider.ts";
import { RawPeer } from "./rawpeer.ts";
import { stateOnWire } from "./tcpstate.ts";
import { type Segment, type Side, WireLog } from "./wire.ts";

export const A = "10.0.0.1";
export const B = "10.0.0.2";
export const PORT = 7000;

/** Build of the core that the rows run against; the runner sets it. */
export const target: { build: string; acting?: Acting } = { build: "" };

/** Where core a is, if not in this process: makes it on that device, with that address and configuration (tests/device). */
export type Acting = (world: World, device: FrameDevice, address: string, config: CoreConfig) => Attach;

export interface HostsOptions {
  config?: CoreConfig;
  configA?: CoreConfig;
  configB?: CoreConfig;
  link?: MemoryLinkOptions;
  seed?: number;
  /** false: WSPStartup is not called. */
  startup?: boolean;
}

/** What every arrangement has: core a, the wire, the clock. */
class Wired {
  readonly world: World;
  readonly link: MemoryLink;
  readonly log = new WireLog();
  readonly a: Provider;
  /** The far end's device: p.far.open = false unplugs it. */
  readonly far: Gate;

  constructor(module: WebAssembly.Module, options: HostsOptions, config: CoreConfig) {
    const seed = options.seed ?? 1;
    this.world = new World({ seed });
    this.link = memoryLink({
      clock: this.world.clock, seed, ...options.link,
      onFrame: (direction, frame, fate) => {
        const due = fate.kind === "passed" && this.far.open ? fate.dueNs / 1e6 : Number.POSITIVE_INFINITY;
        this.log.note(direction === "aToB" ? "a" : "b", frame, this.world.nowMs, Math.max(due, this.world.nowMs));
      },
    });
    this.far = new Gate(this.link.b);
    const elsewhere = target.acting?.(this.world, this.link.a, `${A}/24`, config);
    this.a = new Provider(elsewhere ?? module, this.world, this.link.a, `${A}/24`, config);
    if (options.startup !== false) assert.equal(this.a.startup(), 0);
  }

  get now(): number {
    return this.world.nowMs;
  }

  /** Lets that many virtual milliseconds pass. */
  run(ms: number): void {
    this.world.runFor(ms);
  }

  /** Repeats a call that waits until it no longer does, running the world. */
  until<T>(spi: Provider, call: () => T, withinMs?: number): T {
    return spi.until(call, withinMs);
  }

  /** Place in the capture, for since(). */
  mark(): number {
    return this.log.segments.length;
  }

  /** What was captured from a mark on. */
  since(mark: number): Segment[] {
    return this.log.segments.slice(mark);
  }

  /** Segments with a flag, from a side, from a mark on. */
  seen(flag: string, from?: Side, mark = 0): Segment[] {
    return this.since(mark).filter((s) => (!from || s.from === from) && s.flags.split(",").includes(flag));
  }

  /** Whether that side's connection with that port has sent its FIN. */
  finSent(side: Side, port: number): boolean {
    return this.seen("FIN", side).some((s) => s.sourcePort === port);
  }

  /** Whether an acknowledgement of that FIN has arrived. */
  finAcknowledged(side: Side, port: number): boolean {
    const fin = this.seen("FIN", side).find((s) => s.sourcePort === port);
    const end = fin && (fin.seq + fin.length + 1) >>> 0;
    return this.log.segments.some((s) => s.from !== side && s.destinationPort === port && s.ack === end && s.due <= this.now);
  }

  /** Whether a's stack still has memory in use for bytes that were sent. */
  holds(_side: "a", _port: number): boolean {
    return this.a.core.stats().bufferBytes > 0;
  }

  /** The state that the segments on the wire put one end of the connection in; for ends without a handle. */
  wireState(side: Side, port: number): string {
    return stateOnWire(this.log, side, port, this.now);
  }
}

/** Two cores: `a` at 10.0.0.1 and `b` at 10.0.0.2. */
export class Hosts extends Wired {
  readonly b: Provider;

  constructor(module: WebAssembly.Module, options: HostsOptions, row: CoreConfig) {
    super(module, options, { ...row, ...options.config, ...options.configA });
    this.b = new Provider(module, this.world, this.far, `${B}/24`, { ...row, ...options.config, ...options.configB });
    if (options.startup !== false) assert.equal(this.b.startup(), 0);
  }

  /** One more connection from a to b; the listener is made if it is not given. */
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

export interface Connected extends Hosts {
  /** On a, which connected. */
  readonly s: number;
  /** On b, accepted. */
  readonly t: number;
  /** On b. */
  readonly listener: number;
  /** Port of s. */
  readonly port: number;
}

/** Two cores, configured for the row's reading; on host sockets where the check is of that provider. */
export async function hosts(check: Check, options: HostsOptions = {}): Promise<Hosts> {
  if (check.provider === "host") {
    check.transitMs = options.link?.delayMs ?? 0;
    return kernelHosts(target.build, options, check.config, check.wired ? kernelTime(check.row.id) : undefined);
  }
  return new Hosts(await coreModule(target.build), options, check.config);
}

/** Two cores with one connection from a to b, both ends blocking, 50 ms old and quiet. */
export async function connected(check: Check, options: HostsOptions = {}): Promise<Connected> {
  const made = await hosts(check, options);
  const pair = made.join();
  return Object.assign(made, pair, { port: portOf(made.a, pair.s) });
}

/** Local port of a socket. */
export function portOf(spi: Provider, s: number): number {
  return Number(spi.name(s).split(":")[1]);
}

/** Core a and a scripted peer at 10.0.0.2. */
export class Scripted extends Wired {
  readonly peer: RawPeer;

  constructor(module: WebAssembly.Module, options: HostsOptions, row: CoreConfig) {
    super(module, options, { ...row, ...options.config, ...options.configA });
    this.peer = new RawPeer(this.far, B, A, this.link.a.mac);
  }
}

export interface ScriptedConnection extends Scripted {
  /** On a, connected to the peer's PORT. */
  readonly s: number;
  readonly port: number;
}

export async function scripted(check: Check, options: HostsOptions = {}): Promise<Scripted> {
  if (check.provider === "host") {
    if (!check.wired) throw new NotRun("needs a scripted peer");
    const made = await scriptedKernelHosts(target.build, options, check.config, kernelTime(check.row.id));
    return Object.assign(made, { peer: new RawPeer(made.far, B, A, made.link.a.mac) }) as unknown as Scripted;
  }
  return new Scripted(await coreModule(target.build), options, check.config);
}

/** Core a with a blocking connection to the scripted peer, which acknowledges nothing by itself from now on. */
export async function scriptedConnection(check: Check, options: HostsOptions & { window?: number } = {}): Promise<ScriptedConnection> {
  const made = await scripted(check, options);
  const { a, peer } = made;
  const s = a.socket();
  assert.equal(a.connect(s, B, PORT), LASTACK_WAIT);
  made.run(10);
  peer.answerSyn(options.window);
  assert.equal(a.until(() => a.connect(s, B, PORT), 1000), 0, "the connection failed");
  made.run(100);
  return Object.assign(made, { s, port: portOf(a, s) });
}

/** A scripted peer with a connection to a listener of a; `t` is accepted. */
export async function scriptedAccept(check: Check, options: HostsOptions = {}): Promise<Scripted & { t: number; listener: number }> {
  const made = await scripted(check, options);
  const { a, peer } = made;
  const listener = a.listener(PORT);
  peer.port = 40_000;
  peer.remotePort = PORT;
  peer.send("SYN");
  made.run(10);
  peer.take();
  peer.send("ACK");
  made.run(100);
  const t = a.accept(listener);
  assert.equal(a.err, 0, "the connection was not accepted");
  return Object.assign(made, { t, listener });
}
