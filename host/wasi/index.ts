/** The WASI layer: what a core imports, over real or virtual time, randomness and frame devices. */
export { type Clock, NS_PER_MS, RealClock, systemClock, type Timed, VirtualClock } from "../base/clock.ts";
export { type RandomSource, SeededRandom, systemRandom } from "../base/random.ts";
export { FdTable } from "./fds.ts";
export type { FrameIoStats } from "./frames.ts";
export { type WasiImports, type WasiOptions, type WasiPart, wasiImports } from "./imports.ts";
