/** A scenario between Lastack and the kernel over a TAP device, in real time, Lastack in either role. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DeviceError, type FrameDevice, type PcapngRecorder, pcapng, type TapDevice, tap } from "../../device/index.ts";
import { systemClock } from "../../index.ts";
import { observed } from "../observed.ts";
import { playAgainst } from "./against-kernel.ts";
import type { KernelPeer } from "./kernel-peer.ts";
import { Program } from "./program.ts";
import { SegmentLog } from "./recorder.ts";
import { judged, PORT, type RunOptions, type WireRun } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { type Side, type Step, Steps } from "./steps.ts";

export const KERNEL = "10.77.0.1";
export const LASTACK = "10.77.0.2";
export const PREFIX = 24;
/** How long the last segments of a finished run may take. */
const LAST_SEGMENTS_MS = 2000;
const LIMITS = { receiveBuffer: 65536, hostArea: 2 << 20, maxSockets: 16 };

const run = promisify(execFile);

/** Gives the kernel's end of a device that this process opened its address, in a namespace of our own. */
export async function configureKernelSide(name: string): Promise<void> {
  await run("ip", ["address", "add", `${KERNEL}/${PREFIX}`, "dev", name], { timeout: 5000 });
  await run("ip", ["link", "set", name, "up"], { timeout: 5000 });
}

export interface TapRunOptions extends RunOptions {
  readonly tapName: string;
  /** The kernel's end has to be given its address first. */
  readonly configure: boolean;
  readonly lastack: Side;
}

function openTap(name: string): TapDevice {
  try {
    return tap(name, { offload: false });
  } catch (error) {
    throw error instanceof DeviceError ? new DeviceError(error.code, `${error.message}; or use --link memory`) : error;
  }
}

export async function runOnTap(options: TapRunOptions, onStep: (step: Step) => void): Promise<WireRun> {
  const scenario = scenarios[options.scenario];
  const device = openTap(options.tapName);
  const { lastack } = options;
  let recorder: PcapngRecorder | undefined;
  let program: Program | undefined;
  const peers: KernelPeer[] = [];
  try {
    if (options.configure) await configureKernelSide(options.tapName);
    const steps = new Steps(systemClock, onStep);
    const log = new SegmentLog(steps, PORT);
    recorder = options.pcap ? pcapng(device, options.pcap) : undefined;
    const wire: FrameDevice = observed(recorder ?? device, (frame) => log.frame(frame, false, true));
    const started = await Program.start(lastack, steps, { devices: [wire], addresses: [`${LASTACK}/${PREFIX}`], limits: LIMITS });
    program = started;
    log.onSegment = () => queueMicrotask(() => started.sample());
    const initiator: Side = scenario.initiator === "client" ? "client" : lastack;
    const ends = { kernel: { address: KERNEL, port: PORT }, lastack: { address: LASTACK, port: PORT } };
    const played = await playAgainst({ ...options, initiator, ends }, started, steps, peers);
    if (scenario.wire !== "reset" && played.failure === undefined) await log.bothEnded(LAST_SEGMENTS_MS);
    return { ...judged("tap", scenario, initiator, played, steps.all, lastack), counters: { [lastack]: started.counters } };
  } finally {
    for (const peer of peers) peer.stop();
    program?.stop();
    recorder?.close();
    device.close();
  }
}
