/** Two cores on the operating system's sockets, with what scenarios use of Hosts. There is no wire to look at: it is the kernel's. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { CoreConfig } from "../../../host/core/index.ts";
import type { World } from "../../../host/driver/index.ts";
import type { Hosts, HostsOptions } from "../support/hosts.ts";
import { Provider } from "../support/provider.ts";
import type { Segment, Side } from "../support/wire.ts";
import { NotRun } from "./protocol.ts";
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

/** The kernel's state of the first connection, not listener, whose two names fit; CLOSED if it has none. */
function kernelState(matches: (local: string, remote: string) => boolean): string {
  if (process.platform !== "linux") throw new NotRun("looks at a state that only Linux shows of a socket without a handle");
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local = "", remote = "", state = ""] = line.trim().split(/\s+/);
    if (state !== "0A" && matches(local, remote)) return STATES[state] ?? state;
  }
  return "CLOSED";
}

export class KernelHosts {
  readonly world: RemoteWorld;
  readonly a: Provider;
  readonly b: Provider;

  constructor(build: string, options: HostsOptions, row: CoreConfig) {
    const { delayMs = 0, ...rest } = options.link ?? {};
    if (delayMs > SHORT_DELAY_MS || Object.keys(rest).length > 0) throw new NotRun("needs a wire with faults or a long delay");
    const config = (own: CoreConfig | undefined): CoreConfig => ({ ...row, ...options.config, ...own });
    this.world = new RemoteWorld(build, [config(options.configA), config(options.configB)]);
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

  get log(): unknown {
    return LOG;
  }

  get link(): never {
    throw new NotRun("needs a wire with faults");
  }

  get far(): never {
    throw new NotRun("needs a wire that can be unplugged");
  }

  /** What the kernel says of the end with that port, whether or not a handle is left. */
  wireState(side: Side, port: number): string {
    this.world.rest();
    const [here, there] = (side === "a" ? this.world.addresses : this.world.addresses.toReversed()) as [string, string];
    // Where nobody bound the port, the kernel chose the address on our side.
    return kernelState((local, remote) => Number.parseInt(local.slice(9), 16) === port && (local.startsWith(hex(here)) || remote.startsWith(hex(there))));
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

/** Two cores on host sockets, as Hosts. */
export async function kernelHosts(build: string, options: HostsOptions, row: CoreConfig): Promise<Hosts> {
  await start();
  return new KernelHosts(build, options, row) as unknown as Hosts;
}
