/** What a wire does to frames: options, their checks, and the seeded decisions for each frame. */
import type { Clock } from "../base/clock.ts";
import { systemClock } from "../base/clock.ts";
import { SeededRandom } from "../base/random.ts";
import { ETHERNET_HEADER } from "./contract.ts";

export interface Impairments {
  /** Seeds every decision; the same seed and the same frames give the same fates. Default 1. */
  seed?: number;
  /** Needed as soon as frames take time. Default: the system's. */
  clock?: Clock;
  /** Probability 0 to 1 that a frame is lost. */
  loss?: number;
  /** Time on the wire, ms (fractions allowed). */
  delayMs?: number;
  /** Each frame's delay varies by up to ± this, ms, never below 0. Order is kept. */
  jitterMs?: number;
  /** Probability that a frame is held back by up to `reorderMs` more, so that later ones overtake it. */
  reorder?: number;
  /** Longest extra time of a held-back frame, ms. Default: the delay, at least 2. */
  reorderMs?: number;
  /** Probability that a frame arrives twice. */
  duplicate?: number;
  /** Probability that one bit of a frame's IPv4 packet is flipped. Ethernet headers and other protocols are left alone. */
  corrupt?: number;
  /** Bits per second of the frame as given; frames queue up behind each other. Default: no limit. */
  rateBitsPerSecond?: number;
  /** Frames in one direction that are queued, on the way or not yet read. Default 1024. */
  queueFrames?: number;
  /** A full queue tells the sender so (`backpressure`, the default of a link), or loses the frame (`drop`, as a switch does). */
  whenFull?: "backpressure" | "drop";
}

/** What became of a frame, for logs and tests. */
export interface FrameFate {
  readonly kind: "passed" | "lost" | "overflow" | "oversize";
  readonly duplicated: boolean;
  readonly reordered: boolean;
  /** Bit flipped, counted from the start of the frame (bit 0 = the most significant of byte 0); -1 = none. */
  readonly corruptedBit: number;
  /** When it arrives, ns of the link's clock; for frames that do not, when they were sent. */
  readonly dueNs: number;
}

/** Options checked and completed. */
export interface WireOptions {
  readonly seed: number;
  readonly clock: Clock;
  readonly loss: number;
  readonly delayNs: number;
  readonly jitterNs: number;
  readonly reorder: number;
  readonly reorderNs: number;
  readonly duplicate: number;
  readonly corrupt: number;
  /** Nanoseconds per byte; 0 = no limit. */
  readonly nsPerByte: number;
  readonly queueFrames: number;
  readonly whenFull: "backpressure" | "drop";
  /** No decision has to be drawn and no frame takes time. */
  readonly ideal: boolean;
}

function bounded(name: string, value: number | undefined, fallback: number, low: number, high: number, expected: string): number {
  const number = value ?? fallback;
  if (typeof number !== "number" || !(number >= low && number <= high)) throw new RangeError(`${name} is ${number}; expected ${expected}`);
  return number;
}

const NS = 1_000_000;
const DAY_MS = 86_400_000;

/** Checks every option; throws a RangeError with the option, its value and what was expected. */
export function wireOptions(options: Impairments, whenFull: "backpressure" | "drop"): WireOptions {
  const share = (name: "loss" | "reorder" | "duplicate" | "corrupt"): number =>
    bounded(name, options[name], 0, 0, 1, "a probability from 0 to 1");
  const time = (name: "delayMs" | "jitterMs" | "reorderMs", fallback: number): number =>
    bounded(name, options[name], fallback, 0, DAY_MS, `milliseconds from 0 to ${DAY_MS}`) * NS;
  const rate = bounded("rateBitsPerSecond", options.rateBitsPerSecond, 0, 0, 1e15, "bits per second, 0 for no limit");
  const delayNs = time("delayMs", 0);
  const wire = {
    seed: bounded("seed", options.seed, 1, -(2 ** 31), 2 ** 32 - 1, "a 32-bit integer"),
    clock: options.clock ?? systemClock,
    loss: share("loss"),
    delayNs,
    jitterNs: time("jitterMs", 0),
    reorder: share("reorder"),
    reorderNs: time("reorderMs", Math.max(2, delayNs / NS)),
    duplicate: share("duplicate"),
    corrupt: share("corrupt"),
    nsPerByte: rate === 0 ? 0 : 8e9 / rate,
    queueFrames: bounded("queueFrames", options.queueFrames, 1024, 1, 1e6, "frames from 1 to 1000000"),
    whenFull: options.whenFull ?? whenFull,
  };
  if (wire.whenFull !== "backpressure" && wire.whenFull !== "drop") {
    throw new RangeError(`whenFull is ${String(wire.whenFull)}; expected "backpressure" or "drop"`);
  }
  const chance = wire.loss + wire.reorder + wire.duplicate + wire.corrupt;
  return { ...wire, ideal: chance + wire.delayNs + wire.jitterNs + wire.nsPerByte === 0 };
}

/** Bytes of the IPv4 packet in a frame, by its own length field and never past the frame's end; 0 = not IPv4. */
function ipv4PacketLength(frame: Uint8Array): number {
  if (frame.length < ETHERNET_HEADER + 20 || frame[12] !== 0x08 || frame[13] !== 0x00) return 0;
  const total = ((frame[16] as number) << 8) | (frame[17] as number);
  return Math.min(total, frame.length - ETHERNET_HEADER);
}

/** The decisions for one frame. One object is reused: read it before the next draw. */
export class Dice {
  lost = false;
  duplicated = false;
  corrupted = false;
  reordered = false;
  /** Extra wire time of this frame, ns, may be negative for jitter. */
  extraNs = 0;
  readonly #wire: WireOptions;
  readonly #random: SeededRandom;

  /** @param lane Tells apart the directions and ports of one seed. */
  constructor(wire: WireOptions, lane: number) {
    this.#wire = wire;
    this.#random = new SeededRandom(wire.seed ^ Math.imul(lane + 1, 0x9e3779b1));
  }

  /** Always draws the same number of times, so that one option's change leaves the others' decisions where they were. */
  draw(): void {
    const { loss, duplicate, corrupt, reorder, jitterNs, reorderNs } = this.#wire;
    const random = this.#random;
    this.lost = random.float() < loss;
    this.duplicated = random.float() < duplicate;
    this.corrupted = random.float() < corrupt;
    this.reordered = random.float() < reorder;
    const jitter = Math.round((random.float() * 2 - 1) * jitterNs);
    const held = Math.ceil(random.float() * reorderNs);
    this.extraNs = jitter + (this.reordered ? held : 0);
  }

  /** Flips one bit of the frame's IPv4 packet; returns its position, or -1 for a frame without one. */
  flip(frame: Uint8Array): number {
    const bit = this.#random.next();
    const length = ipv4PacketLength(frame);
    if (length === 0) return -1;
    const position = ETHERNET_HEADER * 8 + (bit % (length * 8));
    const byte = position >> 3;
    frame[byte] = (frame[byte] as number) ^ (0x80 >> (position & 7));
    return position;
  }
}
