/** Two cores on a memory link in virtual time, with a log of every TCP segment on the wire. */
import assert from "node:assert/strict";
import { LASTACK_WAIT } from "../../../host/abi/errors.gen.ts";
import type { CoreConfig } from "../../../host/core/index.ts";
import { decodeFrame, flagNames, type MemoryLink, type MemoryLinkOptions, memoryLink } from "../../../host/device/index.ts";
import { World } from "../../../host/driver/index.ts";
import { coreModule, Spi } from "./spi.ts";

export const A = "10.0.0.1";
export const B = "10.0.0.2";
export const PORT = 7000;

export interface Segment {
  /** Who sent it. */
  readonly from: "a" | "b";
  /** Virtual milliseconds. */
  readonly at: number;
  /** SYN,FIN,RST,PSH,ACK,URG in that order, comma between. */
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly length: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface PairOptions {
  config?: CoreConfig;
  configA?: CoreConfig;
  configB?: CoreConfig;
  link?: MemoryLinkOptions;
  seed?: number;
  /** Build of the core. Default: debug. */
  build?: string;
}

export interface Pair {
  readonly world: World;
  readonly link: MemoryLink;
  readonly a: Spi;
  readonly b: Spi;
  /** Segments as they were sent. */
  readonly wire: Segment[];
  /** Segments from `from` that carry `flag`, of those sent since the log was `since` long. */
  seen(flag: string, from?: "a" | "b", since?: number): Segment[];
}

export async function pair(options: PairOptions = {}): Promise<Pair> {
  const world = new World({ seed: options.seed ?? 1 });
  const wire: Segment[] = [];
  const link = memoryLink({
    clock: world.clock,
    seed: options.seed ?? 1,
    ...options.link,
    onFrame: (direction, frame) => {
      const tcp = decodeFrame(frame).tcp;
      if (!tcp) return;
      const { seq, ack, payloadLength: length, sourcePort, destinationPort } = tcp;
      wire.push({ from: direction === "aToB" ? "a" : "b", at: world.nowMs, flags: flagNames(tcp.flags), seq, ack, length, sourcePort, destinationPort });
    },
  });
  const module = await coreModule(options.build);
  const a = new Spi(module, world, link.a, `${A}/24`, { ...options.config, ...options.configA });
  const b = new Spi(module, world, link.b, `${B}/24`, { ...options.config, ...options.configB });
  assert.equal(a.startup(), 0);
  assert.equal(b.startup(), 0);
  return {
    world, link, a, b, wire,
    seen: (flag, from, since = 0) => wire.slice(since).filter((s) => (!from || s.from === from) && s.flags.split(",").includes(flag)),
  };
}

export interface Connected extends Pair {
  /** On a, which connected. */
  readonly s: number;
  /** On b, accepted. */
  readonly t: number;
  /** On b. */
  readonly listener: number;
}

/** A pair with one connection from a to b, both ends blocking. */
export async function connected(options: PairOptions = {}): Promise<Connected> {
  const made = await pair(options);
  return { ...made, ...join(made) };
}

/** One more connection from a to b; the listener is made if it is not given. */
export function join(made: Pair, given?: number): { s: number; t: number; listener: number } {
  const { a, b } = made;
  const listener = given ?? b.listener(PORT);
  const s = a.socket();
  assert.equal(a.connect(s, B, PORT), LASTACK_WAIT);
  assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
  made.world.runFor(50);
  const t = b.accept(listener);
  assert.equal(b.err, 0, "the connection was not accepted");
  return { s, t, listener };
}
