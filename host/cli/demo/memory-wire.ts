/** A scenario between two stacks on a memory link, on a virtual clock: repeatable, and it takes no time. */
import { memoryLink, pcapng } from "../../device/index.ts";
import { World } from "../../index.ts";
import { observed } from "../observed.ts";
import { Program } from "./program.ts";
import { SegmentLog } from "./recorder.ts";
import { judged, meeting, type Played, PORT, type RunOptions, type WireRun } from "./run.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { type Step, Steps } from "./steps.ts";

const CLIENT = "10.0.0.1";
const SERVER = "10.0.0.2";
const DELAY_MS = 5;
/** Virtual time a run may take: enough for retransmissions to give up. */
const LIMIT_MS = 600_000;
/** Small receive buffers, so that a flood fills them; room for a flood in one send. */
const LIMITS = { receiveBuffer: 65536, hostArea: 2 << 20, maxSockets: 16 };

export async function runOnMemory(options: RunOptions, onStep: (step: Step) => void): Promise<WireRun> {
  const scenario = scenarios[options.scenario];
  const world = new World({ seed: options.seed });
  const steps = new Steps(world.clock, onStep);
  const log = new SegmentLog(steps, PORT);
  let lastFate = "passed";
  const link = memoryLink({
    clock: world.clock,
    seed: options.seed,
    delayMs: DELAY_MS,
    loss: options.loss,
    onFrame(direction, frame, { kind }) {
      if (direction === "aToB") lastFate = kind;
      // What is lost on its way to the client never comes to the recorder.
      else if (kind !== "passed") log.frame(frame, true, false);
    },
  });
  const recorder = options.pcap ? pcapng(link.a, options.pcap, { clock: world.clock }) : undefined;
  const device = observed(recorder ?? link.a, (frame, sent) => log.frame(frame, sent && lastFate !== "passed", true));
  const client = await Program.start("client", steps, { runtime: world, devices: [device], addresses: [`${CLIENT}/24`], limits: LIMITS });
  const server = await Program.start("server", steps, { runtime: world, devices: [link.b], addresses: [`${SERVER}/24`], limits: LIMITS });
  log.onSegment = () => queueMicrotask(() => {
    client.sample();
    server.sample();
  });
  try {
    const played = await play(scenario, client, server, world);
    return { ...judged("memory", scenario, "client", played, steps.all), counters: { client: client.counters, server: server.counters } };
  } finally {
    client.stop();
    server.stop();
    device.close();
    link.close();
  }
}

async function play(scenario: Scenario, client: Program, server: Program, world: World): Promise<Played> {
  const meet = meeting();
  const played: { -readonly [K in keyof Played]: Played[K] } = {};
  let listening = (): void => {};
  const ready = new Promise<void>((resolve) => {
    listening = resolve;
  });
  const serve = async (): Promise<void> => {
    await server.accept({ address: SERVER, port: PORT }, listening);
    played.server = await scenario.respond(server, meet);
  };
  const connect = async (): Promise<void> => {
    await ready;
    await client.connect({ address: SERVER, port: PORT });
    played.client = await scenario.initiate(client, meet);
  };
  try {
    await world.settle(Promise.all([serve(), connect()]), LIMIT_MS);
  } catch (error) {
    played.failure = `the run broke off: ${(error as Error).message}`;
  }
  return played;
}
