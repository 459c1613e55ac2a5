/** The other side on TAP and on host sockets: an ordinary program on the kernel's sockets, through node:net. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Endpoint } from "../../api/raw.ts";
import type { Observed } from "./run.ts";
import { ANSWER, Check, HALF, HELLO, type Meet, QUESTION, type ScenarioName, scenarios } from "./scenarios.ts";
import type { Side, Steps } from "./steps.ts";

/** How long a program that does not read leaves it at that: longer than the linger time of linger-expires. */
const UNREAD_MS = 1500;

/** One connection of a kernel program, noting what it does and sees. */
class KernelSide {
  readonly socket: Socket;
  readonly check: Check;
  readonly #side: Side;
  readonly #steps: Steps;
  #end = false;
  #error: string | null = null;
  #onData: () => void = () => {};

  constructor(socket: Socket, side: Side, steps: Steps, expected: Uint8Array) {
    this.socket = socket;
    this.check = new Check(expected);
    this.#side = side;
    this.#steps = steps;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.check.take(chunk);
      this.#event(`'data' ${chunk.length} bytes`);
      this.#onData();
    });
    socket.on("end", () => {
      this.#end = true;
      this.#event("'end'");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#error = error.code ?? error.message;
      this.#event(`'error' ${this.#error}`);
    });
  }

  send(bytes: Uint8Array): void {
    this.#call(`write(${bytes.length} bytes)`);
    this.socket.write(bytes);
  }

  end(bytes?: Uint8Array): void {
    this.#call(bytes ? `end(${bytes.length} bytes)` : "end()");
    if (bytes) this.socket.end(bytes);
    else this.socket.end();
  }

  /** Settles when so many bytes have come. */
  received(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onData = () => {
        if (this.check.received >= count) resolve();
      };
      this.#onData();
    });
  }

  ended(): Promise<void> {
    return this.#end ? Promise.resolve() : new Promise((resolve) => this.socket.once("end", () => resolve()));
  }

  /** What was seen, once the socket is done. */
  async observed(): Promise<Observed> {
    if (!this.socket.closed) await new Promise<void>((resolve) => this.socket.once("close", () => resolve()));
    return { bytes: this.check.received, end: this.#end, error: this.check.intact ? this.#error : "other bytes than were sent" };
  }

  #event(event: string): void {
    this.#steps.add({ kind: "event", side: this.#side, event, error: 0 });
  }

  #call(call: string): void {
    this.#steps.add({ kind: "call", side: this.#side, call, result: "ok" });
  }
}

type Play = (side: KernelSide, meet: Meet) => Promise<void>;

async function answer(side: KernelSide): Promise<void> {
  await side.received(HELLO.length);
  side.send(ANSWER);
}

async function talkThenEndTogether(side: KernelSide, meet: Meet): Promise<void> {
  await meet();
  side.end();
}

const RESPONDERS: Readonly<Record<ScenarioName, Play>> = {
  async graceful(side) {
    await side.ended();
    side.end(ANSWER);
  },
  abortive: answer,
  "unread-data": answer,
  async "linger-ok"(side) {
    await side.ended();
    side.end();
  },
  async "linger-expires"(side) {
    side.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, UNREAD_MS).unref());
    if (side.socket.destroyed) return;
    // Reading would show the bytes and then a clean end: Node does not see a reset behind unread bytes (semantics N-09).
    side.send(QUESTION);
  },
  async "half-close"(side) {
    await side.received(HELLO.length);
    side.send(HALF);
    await side.ended();
    side.end(HALF);
  },
  async simultaneous(side, meet) {
    await answer(side);
    await talkThenEndTogether(side, meet);
  },
};

/** Where the connecting side closes first (Scenario.initiator), the kernel can be that side. */
const INITIATORS: Readonly<Partial<Record<ScenarioName, Play>>> = {
  async graceful(side) {
    side.send(HELLO);
    side.end();
  },
  async "half-close"(side) {
    side.send(HELLO);
    await side.received(1);
    side.end();
  },
  async simultaneous(side, meet) {
    side.send(HELLO);
    await side.received(ANSWER.length);
    await talkThenEndTogether(side, meet);
  },
};

export interface KernelPeer {
  /** Settles when its connection is over. */
  readonly done: Promise<Observed>;
  /** Destroys its sockets. */
  stop(): void;
}

async function play(socket: Socket, side: Side, name: ScenarioName, initiates: boolean, steps: Steps, meet: Meet): Promise<Observed> {
  const { sends } = scenarios[name];
  const kernel = new KernelSide(socket, side, steps, initiates ? sends.responder : sends.initiator);
  const script = (initiates ? INITIATORS : RESPONDERS)[name] as Play;
  const observed = kernel.observed();
  // A reset ends the connection wherever the script stands.
  await Promise.race([script(kernel, meet), observed]);
  return observed;
}

/** Listens on the kernel's side and plays the server; settles when it listens, with where that is. */
export async function kernelServer(
  local: Endpoint, name: ScenarioName, initiates: boolean, steps: Steps, meet: Meet,
): Promise<{ peer: KernelPeer; local: Endpoint }> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true });
  const done = new Promise<Observed>((resolve, reject) => {
    server.once("connection", (socket) => {
      open.add(socket);
      server.close();
      play(socket, "server", name, initiates, steps, meet).then(resolve, reject);
    });
    server.once("error", reject);
  });
  done.catch(() => {});
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(local.port, local.address, resolve);
  });
  const stop = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { peer: { done, stop }, local: { address: local.address, port: (server.address() as AddressInfo).port } };
}

/** Connects from the kernel's side and plays the client. */
export function kernelClient(remote: Endpoint, name: ScenarioName, initiates: boolean, steps: Steps, meet: Meet): KernelPeer {
  const socket = connect({ host: remote.address, port: remote.port, allowHalfOpen: true });
  const done = play(socket, "client", name, initiates, steps, meet);
  done.catch(() => {});
  return { done, stop: () => void socket.destroy() };
}
