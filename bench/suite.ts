/** The figures of `npm run bench`, with their targets: each is a ratio within one run, so that it holds on any machine. */
import { bound } from "./bound.ts";
import { lives, segments } from "./crowd.ts";
import * as cores from "./exports.ts";
import type { Figure, Measure } from "./figures.ts";
import { kernelMeasures } from "./kernel.ts";
import { netBulk, netBulkOnread, netConnections, netRoundTrips } from "./net.ts";
import { bulk, connections, creation, hostPlace, memoryPlace, roundTrips, threadPlace } from "./promises.ts";
import { rawBytes, sentBytes } from "./sizes.ts";
import { timerDelay, timerDelayAboveIdle } from "./timers.ts";

export interface Suite {
  readonly figures: readonly Figure[];
  /** Shown beside them, target of nobody. */
  readonly beside: readonly { readonly measure: Measure; readonly unit: string }[];
}

const RATE = "Gbit/s";
const TRIPS = "round trips/s";
const MADE = "connections/s";
const SEGMENT = "ns/segment";
const BYTES = "bytes";
/** Built by tools/bench.mjs. */
const [FULL, TINY] = ["build/lastack.wasm", "build/lastack.tiny.wasm"];
const KIB = 1024;
/** Largest IP packet of a memory link. */
const JUMBO = 65_535;

/** What a suite is made from: the core, the bound (bench/bound), and how many connections a crowd has. */
export interface Subjects {
  readonly wasm: WebAssembly.Module;
  readonly bound: WebAssembly.Module;
  readonly crowd: number;
  /** Where the core lies, for measures in processes of their own. */
  readonly file: string;
}

export function suite({ wasm, bound: limit, crowd, file }: Subjects): Suite {
  const [memory, host, threads] = [memoryPlace(wasm), hostPlace(wasm), threadPlace(wasm)];
  const [bulk1500, alone, life] = [cores.bulk(wasm, 1500), segments(wasm, 1, 1), lives(wasm, crowd)];
  const [thousand, all] = [Math.min(1000, crowd), crowd];
  const higher = (id: string, about: string, unit: string, own: Measure, peer: Measure | undefined, target: number | null = null, stretch: number | null = null): Figure =>
    ({ id, about, unit, own, peer, better: "higher", target, stretch });
  const lower = (id: string, about: string, unit: string, own: Measure, peer: Measure | undefined, target: number | null = null, stretch: number | null = null): Figure =>
    ({ id, about, unit, own, peer, better: "lower", target, stretch });
  const kernel = kernelMeasures(file);
  return {
    figures: [
      higher("memory-bulk-exports", "bulk, memory link, exports", RATE, bulk1500, netBulk, 1.2, 1.8),
      higher("memory-bulk-share", "that, as a share of the bound", RATE, bulk1500, bound(limit), 0.25, 0.4),
      higher("memory-bulk-promises", "bulk, memory link, promises", RATE, bulk(memory), netBulk, 1, 1.3),
      higher("memory-bulk-64k", "bulk, memory link with 64 KiB frames, exports", RATE, cores.bulk(wasm, JUMBO), netBulk, 3.5, 5),
      higher("memory-bulk-decay", "last tenth of a long transfer against its first", "ratio", cores.decay(wasm), undefined, 0.95),
      higher("memory-round-trips-exports", "round trips, memory link, exports", TRIPS, cores.roundTrips(wasm), netRoundTrips, 20),
      higher("memory-round-trips-promises", "round trips, memory link, promises", TRIPS, roundTrips(memory), netRoundTrips, 5, 9),
      higher("memory-connections-exports", "connect and close, memory link, exports", MADE, cores.connections(wasm), netConnections),
      higher("memory-connections-promises", "connect and close, memory link, promises", MADE, connections(memory), netConnections, 6, 20),
      higher("host-bulk-promises", "bulk, host sockets, promises", RATE, bulk(host), netBulk),
      higher("host-round-trips-promises", "round trips, host sockets, promises", TRIPS, roundTrips(host), netRoundTrips),
      higher("host-connections-promises", "connect and close, host sockets, promises", MADE, connections(host), netConnections),
      higher("thread-bulk-promises", "bulk, a thread for each stack, promises", RATE, bulk(threads), netBulk),
      higher("thread-round-trips-promises", "round trips, a thread for each stack, promises", TRIPS, roundTrips(threads), netRoundTrips),
      higher("thread-connections-promises", "connect and close, a thread for each stack, promises", MADE, connections(threads), netConnections),
      lower("timer-delay", "99th percentile of a 10 ms timer's delay in bulk transfer, one thread", "ms", timerDelay(memory), undefined, 15),
      lower("timer-delay-thread", "the same above idle, a thread for each stack", "ms", timerDelayAboveIdle(threads), undefined, 2),
      ...(kernel ? [
        higher("tap-receive", "bulk, kernel to stack over TAP, MTU 1500, promises", RATE, kernel.receive, kernel.loop, 0.65, 0.8),
        higher("tap-send", "bulk, stack to kernel over TAP, MTU 1500, promises", RATE, kernel.send, kernel.loop, 0.65, 0.8),
        higher("tap-receive-veth", "kernel to stack over TAP, against kernel to kernel", RATE, kernel.receive, kernel.vethSingle),
        higher("tap-send-veth", "stack to kernel over TAP, against kernel to kernel", RATE, kernel.send, kernel.vethSingle),
        higher("tap-super-receive", "bulk, kernel to stack over TAP, packets of many segments", RATE, kernel.receiveSuper, kernel.vethSingle, 2),
        higher("tap-super-send", "bulk, stack to kernel over TAP, packets of many segments", RATE, kernel.sendSuper, kernel.vethSingle, 2),
        higher("tap-super-receive-veth", "the first of them, against kernel to kernel with offloads", RATE, kernel.receiveSuper, kernel.veth, null, 1),
        higher("tap-super-send-veth", "the second, against kernel to kernel with offloads", RATE, kernel.sendSuper, kernel.veth, null, 1),
      ] : []),
      { id: "create-stack", about: "create a stack, module compiled", unit: "ms", own: creation(wasm), peer: undefined, better: "lower", target: 1, stretch: null },
      lower("segment-among-1000", `a segment, one active among ${thousand}`, SEGMENT, segments(wasm, thousand, 1), alone),
      lower("segment-among-all", `a segment, one active among ${all}`, SEGMENT, segments(wasm, all, 1), alone, 1.05, 1.02),
      lower("segment-round-robin", `a segment, round robin over ${all}`, SEGMENT, segments(wasm, all, all), alone, 2, 1.5),
      lower("idle-connection", "an idle connection, linear memory per endpoint", BYTES, life(({ bytesIdle }) => bytesIdle, "memory of the larger core"), undefined, 512, 320),
      higher("crowd-graceful", `${all} connections opened, used, closed: share of graceful ends`, "share", life(({ graceful, connections }) => graceful / connections, "close reports"), undefined, 1),
      higher("crowd-memory", "buffers given back after that, 1 = all", "share", life(({ buffersAfter, buffersIdle }) => (buffersAfter + buffersIdle === 0 ? 1 : 1e-9), "buffers"), undefined, 1),
      higher("crowd-reopened", "of 2048 of them opened again out of the server's TIME_WAIT, share", "share", life(({ reopened }) => reopened, "timestamps"), undefined, 1),
      higher("crowd-opened", "of those, opened", MADE, life(({ openedPerSecond }) => openedPerSecond, "connect and accept"), undefined),
      lower("size-tiny", "lastack.tiny.wasm", BYTES, rawBytes(TINY), undefined, 32 * KIB, 24 * KIB),
      lower("size-full", "lastack.wasm, everything", BYTES, rawBytes(FULL), undefined, 96 * KIB, 64 * KIB),
      lower("size-full-gzip", "the same compressed", BYTES, sentBytes(FULL), undefined, 40 * KIB, 28 * KIB),
    ],
    beside: [{ measure: netBulkOnread, unit: RATE }],
  };
}
