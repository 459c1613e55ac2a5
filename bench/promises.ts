/** Lastack through its promise API: two stacks on a memory link, or one on host sockets with both ends. */
import { createStack, memoryLink, type Server, type Socket, type Stack, threadLink } from "../host/index.ts";
import { type Measure, median } from "./figures.ts";

const GBIT = 8e-9;
const CHUNK = 65_536;
/** Buffers of both ends; the kernel's loopback grows its own to several MB. */
export const WINDOW = 1 << 20;
const LIMITS = { sendBuffer: WINDOW, receiveBuffer: WINDOW };

/** Where both ends live. */
export interface Place {
  readonly name: string;
  open(): Promise<{ client: Stack; server: Stack; address: string }>;
}

export function memoryPlace(wasm: WebAssembly.Module): Place {
  return {
    name: "memory link",
    async open() {
      const link = memoryLink();
      const client = await createStack({ wasm, devices: [link.a], addresses: ["10.0.0.1/24"], limits: LIMITS });
      const server = await createStack({ wasm, devices: [link.b], addresses: ["10.0.0.2/24"], limits: LIMITS });
      return { client, server, address: "10.0.0.2" };
    },
  };
}

/** Each stack in a thread of its own; this thread reads and writes. */
export function threadPlace(wasm: WebAssembly.Module): Place {
  return {
    name: "threads",
    async open() {
      const link = threadLink();
      const client = await createStack({ worker: true, wasm, devices: [link.a], addresses: ["10.0.0.1/24"], limits: LIMITS });
      const server = await createStack({ worker: true, wasm, devices: [link.b], addresses: ["10.0.0.2/24"], limits: LIMITS });
      return { client, server, address: "10.0.0.2" };
    },
  };
}

export function hostPlace(wasm: WebAssembly.Module): Place {
  return {
    name: "host sockets",
    async open() {
      const stack = await createStack({ wasm, hostSockets: true, limits: LIMITS });
      return { client: stack, server: stack, address: "127.0.0.1" };
    },
  };
}

/** Runs `use` with a listening server, then ends everything at once. */
async function listening<T>(place: Place, use: (server: Server, connect: () => Promise<Socket>) => Promise<T>): Promise<T> {
  const { client, server, address } = await place.open();
  const listener = await server.listen({ address, port: 0 });
  try {
    return await use(listener, () => client.connect({ address, port: listener.address.port }));
  } finally {
    await client.close({ deadlineMs: 0 });
    await server.close({ deadlineMs: 0 });
  }
}

/** The same with one connection. */
export function connected<T>(place: Place, use: (client: Socket, peer: Socket) => Promise<T>): Promise<T> {
  return listening(place, async (server, connect) => {
    const [client, peer] = await Promise.all([connect(), server.accept()]);
    client.setNoDelay();
    peer.setNoDelay();
    return use(client, peer);
  });
}

/** An end that is cut off while it waits: the measure is over. */
export const ended = (): void => {};

export function bulk(place: Place): Measure {
  return {
    name: `promises, ${place.name}`,
    run: (ms) => connected(place, async (client, peer) => {
      const chunk = new Uint8Array(CHUNK).fill(7);
      const target = new Uint8Array(CHUNK);
      let over = false;
      const pouring = (async () => {
        while (!over) await client.write(chunk);
      })().catch(ended);
      let bytes = 0;
      const started = performance.now();
      let elapsed = 0;
      while (elapsed < ms) {
        bytes += await peer.readInto(target);
        elapsed = performance.now() - started;
      }
      over = true;
      await Promise.all([client.abort(), peer.abort(), pouring]);
      return (bytes * GBIT) / (elapsed / 1000);
    }),
  };
}

export function roundTrips(place: Place): Measure {
  return {
    name: `promises, ${place.name}`,
    run: (ms) => connected(place, async (client, peer) => {
      const [byte, answer] = [new Uint8Array(1), new Uint8Array(1)];
      const echoing = (async () => {
        const buffer = new Uint8Array(1);
        while (await peer.readInto(buffer)) await peer.write(buffer);
      })().catch(ended);
      let trips = 0;
      const started = performance.now();
      let elapsed = 0;
      while (elapsed < ms) {
        await client.write(byte);
        await client.readInto(answer);
        trips++;
        elapsed = performance.now() - started;
      }
      await Promise.all([client.abort(), peer.abort(), echoing]);
      return trips / (elapsed / 1000);
    }),
  };
}

async function serveEnd(socket: Socket): Promise<void> {
  while ((await socket.read()) !== null);
  await socket.close();
}

export function connections(place: Place): Measure {
  return {
    name: `promises, ${place.name}`,
    run: (ms) => listening(place, async (server, connect) => {
      const serving = (async () => {
        for await (const socket of server) serveEnd(socket).catch(ended);
      })();
      let made = 0;
      const started = performance.now();
      let elapsed = 0;
      while (elapsed < ms) {
        const report = await (await connect()).close();
        if (report.outcome !== "graceful" && report.outcome !== "unknown") throw new Error(`a connection ended ${report.outcome}`);
        made++;
        elapsed = performance.now() - started;
      }
      await server.close();
      await serving;
      return made / (elapsed / 1000);
    }),
  };
}

const CREATIONS_AT_ONCE = 10;

/** Milliseconds to create one stack, the module compiled already: the median of batches, garbage collection that falls into them included. */
export function creation(wasm: WebAssembly.Module): Measure {
  return {
    name: "createStack",
    async run(ms) {
      const times: number[] = [];
      const started = performance.now();
      while (performance.now() - started < ms) {
        const before = performance.now();
        const stacks: Stack[] = [];
        for (let i = 0; i < CREATIONS_AT_ONCE; i++) stacks.push(await createStack({ wasm, devices: [memoryLink().a], addresses: ["10.0.0.1/24"] }));
        times.push((performance.now() - before) / CREATIONS_AT_ONCE);
        await Promise.all(stacks.map((stack) => stack.close()));
      }
      return median(times);
    },
  };
}
