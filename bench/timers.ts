/** How late a program's timers run while its stack is busy: the 99th percentile of the delay of a 10 ms timer, milliseconds. */
import type { Socket } from "../host/index.ts";
import type { Measure } from "./figures.ts";
import { connected, ended, type Place } from "./promises.ts";

const TIMER_MS = 10;
/** A percentile needs more samples than a rate. */
const TIMES = 5;
const CHUNK = 65_536;

/** How much later than asked a timer ran, set anew each time, for `ms` milliseconds: its 99th percentile. */
async function lateness(ms: number): Promise<number> {
  const delays: number[] = [];
  const end = performance.now() + ms;
  for (let now = performance.now(); now < end || delays.length === 0; ) {
    await new Promise((resolve) => setTimeout(resolve, TIMER_MS));
    const after = performance.now();
    delays.push(Math.max(0, after - now - TIMER_MS));
    now = after;
  }
  delays.sort((a, b) => a - b);
  return delays[Math.ceil(delays.length * 0.99) - 1] as number;
}

/** As much as goes through in one direction, until `over` says so. */
async function pour(client: Socket, peer: Socket, over: () => boolean): Promise<void> {
  const [chunk, target] = [new Uint8Array(CHUNK), new Uint8Array(CHUNK)];
  const sending = (async () => {
    while (!over()) await client.write(chunk);
  })().catch(ended);
  while (!over()) await peer.readInto(target);
  await Promise.all([client.abort(), peer.abort(), sending]);
}

async function underLoad(place: Place, ms: number): Promise<number> {
  return connected(place, async (client, peer) => {
    let over = false;
    const pouring = pour(client, peer, () => over);
    const late = await lateness(ms);
    over = true;
    await pouring;
    return late;
  });
}

/** During bulk transfer at `place`. */
export function timerDelay(place: Place): Measure {
  return { name: `10 ms timer, ${place.name}`, run: (ms) => underLoad(place, ms * TIMES) };
}

/** The same, less what it is with nothing else to do, measured just before. */
export function timerDelayAboveIdle(place: Place): Measure {
  return {
    name: `10 ms timer above idle, ${place.name}`,
    run: async (ms) => {
      const idle = await lateness(ms * TIMES);
      // A figure has to be more than nothing to be divided and drawn.
      return Math.max(0.001, (await underLoad(place, ms * TIMES)) - idle);
    },
  };
}
