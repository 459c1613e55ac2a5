/** Node's own `net` over loopback, both ends in this process: what a user would have instead. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type OnReadOpts, type Server, type Socket } from "node:net";
import type { Measure } from "./figures.ts";

const CHUNK = Buffer.alloc(65_536, 7);
const GBIT = 8e-9;

interface Pair {
  readonly client: Socket;
  readonly peer: Socket;
  close(): Promise<void>;
}

async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

/** One connection; the reading side is the one that connects, because only that can be given `onread`. */
async function pair(onread?: OnReadOpts): Promise<Pair> {
  const { server, port } = await listen();
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = connect({ port, host: "127.0.0.1", ...(onread && { onread }) });
  const [[peer]] = await Promise.all([accepted, once(client, "connect")]);
  for (const socket of [client, peer]) socket.setNoDelay(true).on("error", () => {});
  return {
    client,
    peer,
    async close() {
      client.destroy();
      peer.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Writes 64 KiB chunks, waiting for 'drain', until told to stop. */
function pour(socket: Socket, stopped: () => boolean): void {
  while (!stopped()) {
    if (socket.write(CHUNK)) continue;
    socket.once("drain", () => pour(socket, stopped));
    return;
  }
}

/** Gbit/s that arrive within `ms`. `count` is told of the bytes as they come. */
async function flow(ms: number, open: (count: (bytes: number) => void) => Promise<Pair>): Promise<number> {
  let bytes = 0;
  let over = false;
  let finish = (_rate: number): void => {};
  let started = 0;
  const result = new Promise<number>((resolve) => {
    finish = resolve;
  });
  const made = await open((length) => {
    bytes += length;
    const elapsed = performance.now() - started;
    if (over || elapsed < ms) return;
    over = true;
    finish((bytes * GBIT) / (elapsed / 1000));
  });
  started = performance.now();
  pour(made.peer, () => over);
  const rate = await result;
  await made.close();
  return rate;
}

/** How people use it. */
export const netBulk: Measure = {
  name: "Node net, 'drain' and 'data'",
  run: (ms) => flow(ms, async (count) => {
    const made = await pair();
    made.client.on("data", (chunk) => count(chunk.length));
    return made;
  }),
};

/** Its best case: one buffer, no stream in between. */
export const netBulkOnread: Measure = {
  name: "Node net, onread",
  run: (ms) => flow(ms, (count) => pair({
    buffer: Buffer.alloc(65_536),
    callback: (length) => {
      count(length);
      return true;
    },
  })),
};

export const netRoundTrips: Measure = {
  name: "Node net, 1 byte each way",
  async run(ms) {
    const { client, peer, close } = await pair();
    const byte = Buffer.alloc(1);
    peer.on("data", (chunk) => peer.write(chunk));
    let trips = 0;
    const started = performance.now();
    const elapsed = await new Promise<number>((resolve) => {
      client.on("data", () => {
        trips++;
        const now = performance.now() - started;
        if (now < ms) client.write(byte);
        else resolve(now);
      });
      client.write(byte);
    });
    await close();
    return trips / (elapsed / 1000);
  },
};

export const netConnections: Measure = {
  name: "Node net, connect and end",
  async run(ms) {
    // A port of its own for each round: connections in TIME_WAIT would use up one.
    const { server, port } = await listen();
    server.on("connection", (socket) => socket.resume());
    let made = 0;
    const started = performance.now();
    let elapsed = 0;
    while (elapsed < ms) {
      const client = connect(port, "127.0.0.1");
      client.once("connect", () => client.end()).resume();
      await once(client, "close");
      made++;
      elapsed = performance.now() - started;
    }
    server.close();
    return made / (elapsed / 1000);
  },
};
