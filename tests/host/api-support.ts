/**
 * Two stacks on a link, for the tests of the promise API: in virtual time, or (api-worker.test.ts) each in a thread of its own and in
 * real time, where only lower bounds of times can be checked.
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  createStack, type Knobs, type Limits, type MemoryLinkOptions, memoryLink, type Server, type Socket, SocketError, type Stack, threadLink, World,
} from "../../host/index.ts";

export const LEFT = "10.0.0.1";
export const RIGHT = "10.0.0.2";
/** Virtual time a promise may take. */
const LIMIT_MS = 900_000;
/** Real time it may take, whatever else the machine does. */
const REAL_LIMIT_MS = 120_000;
/** A pause longer than this is one for "everything under way" and ends here, ms. */
const REAL_PAUSE_MS = 400;

let workers = false;

/** From now on each stack has a thread. */
export function useWorkers(): void {
  workers = true;
}

/** A test of what takes long, or of how long it takes exactly: virtual time only. */
export const virtualTest = (name: string, run: () => Promise<void>): void => {
  if (!workers) test(name, run);
};

/** Checks how long something took, ms; in real time the machine decides how much longer. */
export function took(world: Time, started: number, least: number, most: number): void {
  const elapsed = world.nowMs - started;
  assert.ok(elapsed >= least && elapsed <= (workers ? REAL_LIMIT_MS : most), `${elapsed} ms; expected ${least} to ${most}`);
}

/** What the tests use of a World. */
export interface Time {
  readonly nowMs: number;
  /** Lets time pass; stacks work meanwhile. */
  runFor(ms: number): void;
}

const realTime: Time = {
  get nowMs() {
    return performance.now();
  },
  runFor(ms) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(ms, REAL_PAUSE_MS));
  },
};

export interface PairOptions {
  seed?: number;
  link?: MemoryLinkOptions;
  limits?: Limits;
  knobs?: Knobs;
}

export interface Pair {
  readonly world: Time;
  readonly link: { readonly a: { close(): void }; readonly b: { close(): void } };
  readonly left: Stack;
  readonly right: Stack;
  /** Runs the world until the promise settles. */
  run<T>(promise: Promise<T>, withinMs?: number): Promise<T>;
}

export async function makePair(options: PairOptions = {}): Promise<Pair> {
  if (workers) return makeThreads(options);
  const seed = options.seed ?? 1;
  const world = new World({ seed });
  const link = memoryLink({ clock: world.clock, seed, delayMs: 1, ...options.link });
  const common = { runtime: world, limits: { maxSockets: 64, ...options.limits }, knobs: options.knobs ?? {} };
  const left = await createStack({ ...common, devices: [link.a], addresses: [`${LEFT}/24`] });
  const right = await createStack({ ...common, devices: [link.b], addresses: [`${RIGHT}/24`] });
  return { world, link, left, right, run: (promise, withinMs = LIMIT_MS) => world.settle(promise, withinMs) };
}

/** The same with a thread for each stack. A link with impairments is in this thread. */
async function makeThreads(options: PairOptions): Promise<Pair> {
  const link = options.link ? memoryLink({ seed: options.seed ?? 1, delayMs: 1, ...options.link }) : threadLink({ mtu: 1500 });
  const common = { worker: true, limits: { maxSockets: 64, ...options.limits }, knobs: options.knobs ?? {} };
  const [left, right] = await Promise.all([
    createStack({ ...common, devices: [link.a], addresses: [`${LEFT}/24`] }),
    createStack({ ...common, devices: [link.b], addresses: [`${RIGHT}/24`] }),
  ]);
  // UDP loses what waits for a neighbour that a busy machine lets answer too late: both know each other before the test begins.
  if (!options.link) await known(right);
  // A thread holds the process until its stack is closed.
  after(() => Promise.all([left, right].map((stack) => stack.close({ deadlineMs: 0 }))));
  return { world: realTime, link, left, right, run: (promise) => withLimit(promise) };
}

/** Returns when the left stack has answered the right one: nobody listens there. */
async function known(right: Stack): Promise<void> {
  for (let code: unknown; code !== "ECONNREFUSED"; ) code = await right.connect({ address: LEFT, port: 1 }).then((socket) => socket.abort(), (error) => error.code);
}

async function withLimit<T>(promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not settled within ${REAL_LIMIT_MS} ms`)), REAL_LIMIT_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
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
