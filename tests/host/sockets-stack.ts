/** A whole stack on host sockets against plain peers, for the tests of closing. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import * as net from "node:net";
import { type CloseReport, createStack, type HostSocketsOptions, type Knobs, type Limits, type Server, type Socket, type Stack, type VirtualClock } from "../../host/index.ts";
import { needsKoffi, until } from "./sockets-support.ts";

export const LOCALHOST = "127.0.0.1";
/** The debug build: its assertions trap. */
const DEBUG_CORE = new URL("../../build/lastack.debug.wasm", import.meta.url);

export interface StackMode {
  readonly name: string;
  readonly hostSockets: HostSocketsOptions;
  /** Acknowledgements are known: close reports are exact. */
  readonly exact: boolean;
}

export const STACK_MODES: readonly StackMode[] = [
  ...(needsKoffi ? [] : [{ name: "with koffi", hostSockets: {}, exact: true }]),
  { name: "without koffi", hostSockets: { koffi: false }, exact: false },
  { name: "without koffi and TCP handles", hostSockets: { koffi: false, handles: false }, exact: false },
];

/** Without the mode that differs in binding and listening only. */
export const KOFFI_MODES = STACK_MODES.filter(({ hostSockets }) => hostSockets.handles !== false);

export interface MakeOptions {
  limits?: Limits;
  knobs?: Knobs;
  release?: boolean;
  /** A clock that stands still unless the test moves it: what waits for time then waits for the test. */
  clock?: VirtualClock;
}

export function makeStack(mode: StackMode, options: MakeOptions = {}): Promise<Stack> {
  return createStack({
    hostSockets: mode.hostSockets,
    limits: { maxSockets: 64, ...options.limits },
    knobs: options.knobs ?? {},
    ...(options.clock && { clock: options.clock }),
    ...(!options.release && { wasm: DEBUG_CORE }),
  });
}

/** Lets a clock that stands still go on, a millisecond each turn of the event loop, until the promise settles. */
export async function passing<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  promise.then(mark, mark);
  await until("what needs time to pass", () => {
    if (!settled) clock.advance(1);
    return settled;
  });
  return promise;
}

/** What a plain node:net peer saw. */
export interface PeerSaw {
  bytes: number;
  /** `end` is the FIN, `error` the code of a failure; undefined while neither came. */
  end: "end" | string | undefined;
}

/** A plain node:net socket that knows nothing of Lastack: it counts and waits. */
export class Peer {
  readonly socket: net.Socket;
  readonly saw: PeerSaw = { bytes: 0, end: undefined };
  readonly finished: Promise<PeerSaw>;

  /** @param reads false: the peer's program reads nothing until `socket.resume()`. */
  constructor(socket: net.Socket, reads = true) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.saw.bytes += chunk.length;
    });
    if (!reads) socket.pause();
    this.finished = new Promise((resolve) => {
      const done = (end: string): void => {
        this.saw.end ??= end;
        resolve(this.saw);
      };
      socket.on("end", () => done("end"));
      socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? "error"));
    });
  }

  /** Everything up to the FIN or failure; then its own side is closed. */
  async closed(): Promise<PeerSaw> {
    const saw = await this.finished;
    this.socket.end();
    return saw;
  }

  async stop(): Promise<void> {
    if (this.socket.closed) return;
    const gone = once(this.socket, "close");
    this.socket.destroy();
    await gone;
  }
}

export interface Meeting {
  readonly stack: Stack;
  readonly socket: Socket;
  readonly peer: Peer;
  /** Closes what is left and checks nothing. */
  end(): Promise<void>;
}

export type Role = "opens" | "accepts";

/** One connection between `stack` and a plain peer; Lastack opens it, or accepts it. */
export async function meet(stack: Stack, role: Role = "opens", reads = true): Promise<Meeting> {
  if (role === "opens") {
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.listen(0, LOCALHOST);
    await once(server, "listening");
    const accepted = once(server, "connection");
    const socket = await stack.connect({ address: LOCALHOST, port: (server.address() as net.AddressInfo).port });
    const peer = new Peer((await accepted)[0] as net.Socket, reads);
    if (reads) peer.socket.resume();
    server.close();
    return { stack, socket, peer, end: () => peer.stop() };
  }
  const server: Server = await stack.listen({ address: LOCALHOST, port: 0 });
  const plain = net.connect({ host: LOCALHOST, port: server.address.port, allowHalfOpen: true });
  const [socket] = await Promise.all([server.accept(), once(plain, "connect")]);
  await server.close();
  const peer = new Peer(plain, reads);
  return { stack, socket, peer, end: () => peer.stop() };
}

/** Descriptors of sockets this process holds; -1 where /proc does not say. */
export function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return -1;
  }
}

/** Resources that keep the event loop running, but for the test runner's own. */
export function activeResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|UDP|Timeout|Immediate/.test(name)).sort();
}

export function bytesOf({ bytes }: CloseReport): [sent: number, acknowledged: number] {
  return [bytes.sent, bytes.acknowledged];
}
