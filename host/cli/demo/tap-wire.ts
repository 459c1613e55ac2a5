/** A scenario between Lastack and the kernel over a TAP device, in real time, Lastack in either role. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type FrameDevice, type PcapngRecorder, pcapng, tap } from "../../device/index.ts";
import { systemClock } from "../../index.ts";
import { type KernelPeer, kernelClient, kernelServer } from "./kernel-peer.ts";
import { Program } from "./program.ts";
import { observed, SegmentLog } from "./recorder.ts";
import { judged, meeting, type Observed, type Played, PORT, type RunOptions, type WireRun } from "./run.ts";
import { type Result, scenarios } from "./scenarios.ts";
import { type Side, type Step, Steps } from "./steps.ts";

export const KERNEL = "10.77.0.1";
export const LASTACK = "10.77.0.2";
export const PREFIX = 24;
const LIMIT_MS = 20_000;
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

export async function runOnTap(options: TapRunOptions, onStep: (step: Step) => void): Promise<WireRun> {
  const scenario = scenarios[options.scenario];
  const device = await tap(options.tapName);
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
    const played = await play(options, initiator, started, steps, peers);
    return judged("tap", scenario, initiator, played, steps.all, lastack);
  } finally {
    for (const peer of peers) peer.stop();
    program?.stop();
    recorder?.close();
    device.close();
  }
}

/** Rejects when the run has to end before it is over. */
function broken(signal: AbortSignal): { promise: Promise<never>; clear: () => void } {
  let clear = (): void => {};
  const promise = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not finished after ${LIMIT_MS / 1000} s`)), LIMIT_MS);
    const onAbort = (): void => reject(new Error("interrupted"));
    signal.addEventListener("abort", onAbort, { once: true });
    clear = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    if (signal.aborted) onAbort();
  });
  promise.catch(() => {});
  return { promise, clear };
}

async function play(options: TapRunOptions, initiator: Side, program: Program, steps: Steps, peers: KernelPeer[]): Promise<Played> {
  const meet = meeting();
  const own = options.lastack;
  const played: { -readonly [K in keyof Played]: Played[K] } = {};
  const scenario = scenarios[options.scenario];
  const act = own === initiator ? scenario.initiate : scenario.respond;
  const keep = (side: Side, one: Result | Observed): void => {
    played[side] = one;
  };
  const asClient = async (): Promise<void> => {
    const peer = await kernelServer({ address: KERNEL, port: PORT }, options.scenario, initiator === "server", steps, meet);
    peers.push(peer);
    const mine = program.connect({ address: KERNEL, port: PORT }).then(() => act(program, meet));
    await Promise.all([mine.then((one) => keep("client", one)), peer.done.then((one) => keep("server", one))]);
  };
  const asServer = async (): Promise<void> => {
    let listening = (): void => {};
    const ready = new Promise<void>((resolve) => {
      listening = resolve;
    });
    const mine = program.accept({ address: LASTACK, port: PORT }, listening).then(() => act(program, meet)).then((one) => keep("server", one));
    const theirs = ready.then(() => {
      const peer = kernelClient({ address: LASTACK, port: PORT }, options.scenario, initiator === "client", steps, meet);
      peers.push(peer);
      return peer.done.then((one) => keep("client", one));
    });
    await Promise.all([mine, theirs]);
  };
  const limit = broken(options.signal);
  try {
    await Promise.race([own === "client" ? asClient() : asServer(), limit.promise]);
  } catch (error) {
    played.failure = `the run broke off: ${(error as Error).message}`;
    await program.leave();
  } finally {
    limit.clear();
  }
  return played;
}
