/** Random programs: what the stations' users do, and how long they let time pass between. */
import fc from "fast-check";
import { SeededRandom } from "../../host/base/random.ts";

/** A step means something for a slot in the right condition and is passed over otherwise, so any list of steps is a program. */
export type StepKind =
  | "connect" | "listen" | "accept" | "send" | "recv" | "shutdown" | "close" | "linger" | "abort" | "blocking" | "nodelay" | "buffers"
  | "keepalive" | "drain" | "direct" | "cable" | "run" | "serve"
  | "ovrecv" | "ovsend" | "ovaccept" | "ovconnect" | "ovdisconnect" | "cancel" | "tie";

export interface Step {
  readonly kind: StepKind;
  /** Station, slot of its socket table, and two numbers whose meaning is the kind's. */
  readonly at: number;
  readonly slot: number;
  readonly n: number;
  readonly m: number;
}

export interface Scenario {
  readonly seed: number;
  readonly stations: number;
  readonly mtu: number;
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly loss: number;
  readonly reorder: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly rateBitsPerSecond: number;
  readonly queueFrames: number;
  readonly sendBuffer: number;
  readonly recvBuffer: number;
  readonly timeOrigin: number;
  readonly features: number;
  readonly orphanTimeoutMs: number;
  readonly steps: readonly Step[];
}

export const SLOTS = 8;

/** How often each kind is drawn. */
const WEIGHTS: readonly (readonly [StepKind, number])[] = [
  ["connect", 10], ["listen", 4], ["accept", 7], ["send", 22], ["recv", 10], ["shutdown", 4], ["close", 4], ["linger", 3], ["abort", 1],
  ["blocking", 2], ["nodelay", 1], ["buffers", 1], ["keepalive", 1], ["drain", 1], ["direct", 4], ["cable", 1], ["run", 28], ["serve", 12],
  ["ovrecv", 10], ["ovsend", 10], ["ovaccept", 3], ["ovconnect", 3], ["ovdisconnect", 1], ["cancel", 2], ["tie", 2],
];
const TOTAL = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

function kindOf(draw: number): StepKind {
  let left = draw;
  for (const [kind, weight] of WEIGHTS) if ((left -= weight) < 0) return kind;
  return "run";
}

const BUFFERS = [1024, 2048, 4096, 16_384, 65_536, 262_144] as const;
const MTUS = [576, 1280, 1500, 1500] as const;
const ORIGINS = [0, 0xffff_ff00, 0xffff_0000, 0x7fff_f000] as const;
/** Shorter and longer than any linger time drawn. */
const ORPHANS = [1_500, 10_000, 10_000] as const;
const RATES = [0, 0, 1e6, 1e7] as const;

/** The scenario of a seed. */
export function scenarioOf(seed: number): Scenario {
  const random = new SeededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const chance = (share: number): boolean => random.float() < share;
  const stations = chance(0.25) ? 3 : 2;
  const bad = chance(0.6);
  const trouble = (most: number): number => (bad && chance(0.6) ? random.float() * most : 0);
  return {
    seed, stations,
    mtu: pick(MTUS),
    delayMs: pick([0, 1, 10, 80]),
    jitterMs: chance(0.2) ? 5 : 0,
    loss: trouble(0.15), reorder: trouble(0.2), duplicate: trouble(0.1), corrupt: trouble(0.05),
    rateBitsPerSecond: pick(RATES),
    queueFrames: pick([8, 64, 1024, 1024]),
    sendBuffer: pick(BUFFERS), recvBuffer: pick(BUFFERS),
    timeOrigin: pick(ORIGINS),
    features: chance(0.25) ? 0 : 0x7fff_ffff,
    orphanTimeoutMs: pick(ORPHANS),
    steps: Array.from({ length: 60 + random.below(340) }, (_, i) => ({
      kind: i < stations ? "listen" : kindOf(random.below(TOTAL)), at: i < stations ? i : random.below(stations), slot: random.below(SLOTS), n: random.next(), m: random.next(),
    })),
  };
}

/** The same space for fast-check, which shrinks what fails to the steps that matter. */
export function scenarios(): fc.Arbitrary<Scenario> {
  const word = fc.nat(0x7fff_ffff);
  const share = (most: number): fc.Arbitrary<number> => fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.double({ min: 0, max: most, noNaN: true }));
  const kind = fc.oneof(...WEIGHTS.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) })));
  return fc.record({
    seed: word, stations: fc.constantFrom(2, 3), mtu: fc.constantFrom(...MTUS),
    delayMs: fc.constantFrom(0, 1, 10, 80), jitterMs: fc.constantFrom(0, 5),
    loss: share(0.15), reorder: share(0.2), duplicate: share(0.1), corrupt: share(0.05),
    rateBitsPerSecond: fc.constantFrom(...RATES), queueFrames: fc.constantFrom(8, 64, 1024),
    sendBuffer: fc.constantFrom(...BUFFERS), recvBuffer: fc.constantFrom(...BUFFERS),
    timeOrigin: fc.constantFrom(...ORIGINS), features: fc.constantFrom(0x7fff_ffff, 0), orphanTimeoutMs: fc.constantFrom(...ORPHANS),
    steps: fc.array(fc.record({ kind, at: fc.nat(2), slot: fc.nat(SLOTS - 1), n: word, m: word }), { maxLength: 120, size: "max" }),
  });
}
