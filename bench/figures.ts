/** What a benchmark run consists of: measures that are repeated in turn, and the figures that are made of them. */

/** One way of doing the work. Returns so much per second, or the unit its figures name. */
export interface Measure {
  readonly name: string;
  run(ms: number): Promise<number>;
}

export type Better = "higher" | "lower";

/** A measure beside its peer, or by itself. */
export interface Figure {
  /** Stable: other programs look for it. */
  readonly id: string;
  readonly about: string;
  readonly unit: string;
  readonly own: Measure;
  /** What it is divided by; undefined: the value itself is what the target is compared with. */
  readonly peer: Measure | undefined;
  readonly better: Better;
  readonly target: number | null;
  readonly stretch: number | null;
}

/** One entry of build/bench.json. */
export interface Entry {
  readonly id: string;
  /** Median of the rounds. */
  readonly value: number;
  readonly unit: string;
  /** Name of the peer, null for a figure that has none. */
  readonly peer: string | null;
  /** Median of value / peer's value, round by round; the value itself where there is no peer. The target is compared with it. */
  readonly ratio: number;
  readonly better: Better;
  readonly target: number | null;
  readonly stretch: number | null;
}

/** Values of a measure, by round. */
export type Values = ReadonlyMap<Measure, readonly number[]>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

/** What a second of waiting for the processor does to a value: rates rise, durations fall, counts stay. */
const PER_SECOND = new Set(["Gbit/s", "round trips/s", "connections/s"]);
const DURATION = new Set(["ms", "ns/segment"]);

/** The part of the processor that each measure had last, and how small one is believed. */
const shares = new WeakMap<Measure, number>();
const SHARE_LEAST = 0.1;

/**
 * A run's value as it would be if nobody else used the processor: by the time this process had it, kernel's part included. The run
 * lasts until it has had about `ms` of that, as far as its last run tells: compilers need work done, not time passed.
 */
async function onProcessor(measure: Measure, unit: string, ms: number): Promise<number> {
  const [before, started] = [process.cpuUsage(), performance.now()];
  const value = await measure.run(Math.ceil(ms / Math.min(1, shares.get(measure) ?? 1)));
  const { user, system } = process.cpuUsage(before);
  const share = (user + system) / 1000 / (performance.now() - started);
  shares.set(measure, Math.max(share, SHARE_LEAST));
  return PER_SECOND.has(unit) ? value / share : DURATION.has(unit) ? value * share : value;
}

/**
 * Every measure once, uncounted: the first second of a module runs in the baseline compiler's code. By processor time twice: after the
 * first it is known how long that takes.
 */
export async function warm(figures: readonly Figure[], ms: number, cpu = false): Promise<void> {
  for (const [measure, unit] of unitsOf(figures)) {
    if (!cpu) await measure.run(ms);
    else for (let n = 0; n < 2; n++) await onProcessor(measure, unit, ms);
  }
}

/** The unit of each measure, as the figures have it. */
export const unitsOf = (figures: readonly Figure[]): ReadonlyMap<Measure, string> =>
  new Map(figures.flatMap(({ own, peer, unit }) => [own, ...(peer ? [peer] : [])].map((measure): [Measure, string] => [measure, unit])));

/** All measures once a round, in turn, so that what disturbs the machine disturbs them alike. With `units`: by processor time. */
export async function measureAll(figures: readonly Figure[], extra: readonly Measure[], rounds: number, ms: number, tell: (done: number, of: number, name: string) => void, units?: ReadonlyMap<Measure, string>): Promise<Values> {
  const measures = [...new Set([...extra, ...figures.flatMap(({ own, peer }) => (peer ? [peer, own] : [own]))])];
  const values = new Map<Measure, number[]>(measures.map((measure) => [measure, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [i, measure] of measures.entries()) {
      tell(round * measures.length + i, rounds * measures.length, measure.name);
      (values.get(measure) as number[]).push(await (units ? onProcessor(measure, units.get(measure) ?? "Gbit/s", ms) : measure.run(ms)));
    }
  }
  return values;
}

/** A figure's ratio in each round. */
export function ratios({ own, peer }: Figure, values: Values): number[] {
  const mine = values.get(own) as readonly number[];
  const theirs = peer && (values.get(peer) as readonly number[]);
  return mine.map((value, round) => (theirs ? value / (theirs[round] as number) : value));
}

export function entryOf(figure: Figure, values: Values): Entry {
  const { id, unit, peer, better, target, stretch } = figure;
  const value = rounded(median(values.get(figure.own) as readonly number[]));
  return { id, value, unit, peer: peer?.name ?? null, ratio: rounded(median(ratios(figure, values))), better, target, stretch };
}

/** true or false for a target, undefined without one. */
export function reaches({ ratio, better }: Pick<Entry, "ratio" | "better">, limit: number | null): boolean | undefined {
  if (limit === null) return undefined;
  return better === "higher" ? ratio >= limit : ratio <= limit;
}
