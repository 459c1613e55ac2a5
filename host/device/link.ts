/** A wire between two stacks of one process. */
import { Channel, type ChannelStats } from "./channel.ts";
import { checkMtu, ETHERNET_HEADER, parseMac } from "./contract.ts";
import { type FrameFate, type Impairments, wireOptions } from "./impairment.ts";
import { Station } from "./station.ts";

export type Direction = "aToB" | "bToA";

export interface MemoryLinkOptions extends Impairments {
  /** Largest IP packet, 68 to 65535 bytes. Default 1500. */
  mtu?: number;
  /** Hardware addresses of the ends. Default 02:00:00:00:00:01 and :02. */
  macs?: readonly [string, string];
  /** Name in messages and recordings. Default `link`. */
  name?: string;
  /** Sees every frame given to the link, as it will arrive, and its fate. The bytes are valid only during the call. */
  onFrame?: (direction: Direction, frame: Uint8Array, fate: FrameFate) => void;
}

export interface MemoryLink {
  readonly a: Station;
  readonly b: Station;
  readonly stats: Readonly<Record<Direction, Readonly<ChannelStats>>>;
  /** When the next frame arrives, ns of the link's clock; undefined when none is on its way. */
  nextDeadline(): number | undefined;
  /** Closes both ends. */
  close(): void;
}

/**
 * Makes a link of two ends, each a FrameDevice. Without impairments a frame can be read at the other end as soon as it was
 * written, in order, none lost: a full queue tells the sender to wait. Delayed frames arrive by the link's clock.
 * Frames are given to the link whole and unchanged but for `corrupt`; it knows nothing of what they carry.
 * @throws RangeError for an option out of range, naming it.
 */
export function memoryLink(options: MemoryLinkOptions = {}): MemoryLink {
  const mtu = checkMtu(options.mtu ?? 1500);
  const wire = wireOptions(options, "backpressure");
  const [macA, macB] = (options.macs ?? ["02:00:00:00:00:01", "02:00:00:00:00:02"]).map(parseMac) as [Uint8Array, Uint8Array];
  const name = options.name ?? "link";
  const aToB = new Channel(wire, mtu + ETHERNET_HEADER, 0);
  const bToA = new Channel(wire, mtu + ETHERNET_HEADER, 1);
  const hook = options.onFrame;
  if (hook) {
    aToB.onFrame = (frame, fate) => hook("aToB", frame, fate);
    bToA.onFrame = (frame, fate) => hook("bToA", frame, fate);
  }
  const common = { mtu, capabilities: 0 };
  const a = new Station({ ...common, name: `${name}/a`, mac: macA }, aToB, bToA);
  const b = new Station({ ...common, name: `${name}/b`, mac: macB }, bToA, aToB);
  return {
    a,
    b,
    stats: { aToB: aToB.stats, bToA: bToA.stats },
    nextDeadline() {
      const [first, second] = [aToB.nextDeadline(), bToA.nextDeadline()];
      if (first === undefined || second === undefined) return first ?? second;
      return Math.min(first, second);
    },
    close() {
      a.close();
      b.close();
    },
  };
}
