/** Lastack: TCP and UDP sockets over a stack of its own, whose closes end in a report. */
export * from "./api/index.ts";
export { CoreError, type CoreSource, type CoreStats, type StatName } from "./core/index.ts";
export { type Clock, NS_PER_MS, RealClock, type RandomSource, SeededRandom, systemClock, systemRandom, type Timed, VirtualClock } from "./wasi/index.ts";
export { EndlessRunError, type Runtime, type RuntimeOptions, realRuntime, World, type WorldOptions } from "./driver/index.ts";
export * from "./device/index.ts";
