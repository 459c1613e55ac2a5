/** Two stacks on a memory link in virtual time, for the tests of the promise API. */
import assert from "node:assert/strict";
import {
  createStack, type Knobs, type Limits, type MemoryLink, type MemoryLinkOptions, memoryLink, type Server, type Socket, SocketError, type Stack, World,
} from "../../host/index.ts";

export const LEFT = "10.0.0.1";
export const RIGHT = "10.0.0.2";
/** Virtual time a promise may take. */
const LIMIT_MS = 900_000;

export interface PairOptions {
  seed?: number;
  link?: MemoryLinkOptions;
  limits?: Limits;
  knobs?: Knobs;
}

export interface Pair {
  readonly world: World;
  readonly link: MemoryLink;
  readonly left: Stack;
  readonly right: Stack;
  /** Runs the world until the promise settles. */
  run<T>(promise: Promise<T>, withinMs?: number): Promise<T>;
}

export async function makePair(options: PairOptions = {}): Promise<Pair> {
  const seed = options.seed ?? 1;
  const world = new World({ seed });
  const link = memoryLink({ clock: world.clock, seed, delayMs: 1, ...options.link });
  const common = { runtime: world, limits: { maxSockets: 64, ...options.limits }, knobs: options.knobs ?? {} };
  const left = await createStack({ ...common, devices: [link.a], addresses: [`${LEFT}/24`] });
  const right = await createStack({ ...common, devices: [link.b], addresses: [`${RIGHT}/24`] });
  return { world, link, left, right, run: (promise, withinMs = LIMIT_MS) => world.settle(promise, withinMs) };
}

export interface Connected extends Pair {
  readonly server: Server;
  /** On the left stack, which listened. */
  readonly accepted: Socket;
  /** On the right stack, which connected. */
  readonly socket: Socket;
}

/** A pair with one connection, opened from the right to the left. */
export async function connectPair(options: PairOptions = {}): Promise<Connected> {
  const pair = await makePair(options);
  const server = await pair.left.listen({ port: 7000 });
  const [accepted, socket] = await pair.run(Promise.all([server.accept(), pair.right.connect({ address: LEFT, port: 7000 })]));
  return { ...pair, server, accepted, socket };
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array | null): string | null => data && new TextDecoder().decode(data);

/** Bytes of which each tells its place. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
}

/** Everything until the end. */
export async function readAll(socket: Socket): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** true while a promise has not settled after all microtasks. */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  const later = new Promise((resolve) => setImmediate(resolve, pending));
  return (await Promise.race([promise.then(() => 0, () => 0), later])) === pending;
}

/** A SocketError with these properties; the message names the operation. */
export function socketError(code: string, wsa: number, operation: string, message?: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof SocketError, String(error));
    assert.deepEqual([error.code, error.wsa, error.operation, error.name], [code, wsa, operation, "SocketError"]);
    assert.ok(error.message.startsWith(`${operation} `) || error.message.startsWith(`${operation}:`), error.message);
    if (message) assert.match(error.message, message);
    return true;
  };
}
