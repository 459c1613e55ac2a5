/**
 * What kernel-rows.test.ts runs inside a network namespace of its own: rows of the Winsock contract whose rule the kernel's TCP shares,
 * with the kernel at the other end of a TAP device. Expected values are those of tests/semantics/rows.tsv; the wire is what crossed the
 * device.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket as Peer } from "node:net";
import { DEVICE_VNET_HEADER } from "../../host/abi/link.gen.ts";
import { type FrameDevice, gather, VNET_HEADER } from "../../host/device/contract.ts";
import { createStack, type Socket, type Stack, tap } from "../../host/index.ts";
import { Check } from "../semantics/check.ts";
import { Gate } from "../semantics/support/gate.ts";
import { stateOnWire } from "../semantics/support/tcpstate.ts";
import { type Side, WireLog } from "../semantics/support/wire.ts";
import { type Column, COLUMNS, readRows, rowsById } from "../semantics/table.ts";

const KERNEL = "10.9.0.2";
const OURS = "10.9.0.1";
/** What two ends of one machine need to settle, ms. */
const SETTLED_MS = 60;

/** Notes every frame that crosses a device: ours are a's, the kernel's b's. */
class Noting extends Gate {
  readonly #log: WireLog;
  readonly #scratch = new Uint8Array(65_600);

  constructor(device: FrameDevice, log: WireLog) {
    super(device);
    this.#log = log;
  }

  override readInto(target: Uint8Array, offset: number, capacity: number): number {
    const length = super.readInto(target, offset, capacity);
    if (length > 0) this.#note("b", target.slice(offset, offset + Math.min(length, capacity)));
    return length;
  }

  override write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    const length = gather(memory, parts, first, count, this.#scratch, 0);
    if (!super.write(memory, parts, first, count)) return false;
    this.#note("a", this.#scratch.slice(0, length));
    return true;
  }

  /** TAP frames carry a vnet header where the device says so. */
  #note(from: Side, frame: Uint8Array): void {
    const at = performance.now();
    this.#log.note(from, this.capabilities & DEVICE_VNET_HEADER ? frame.subarray(VNET_HEADER) : frame, at, at);
  }
}

interface Pair {
  readonly s: Socket;
  readonly peer: Peer;
  /** Error codes the kernel's program met, as Winsock numbers (semantics N.2). */
  readonly errors: number[];
}

interface Bench {
  readonly t: Check;
  readonly log: WireLog;
  readonly stack: Stack;
  /** The connection, opened by Lastack, or by the kernel with `inward`. */
  pair(inward?: boolean): Promise<Pair>;
}

const WINSOCK: Readonly<Record<string, number>> = { ECONNRESET: 10054, EPIPE: 10053 };
const settle = (ms = SETTLED_MS): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** A case takes no longer. */
const CASE_MS = 4000;
let port = 7000;

async function open(stack: Stack, inward: boolean): Promise<Pair> {
  port++;
  const errors: number[] = [];
  const note = (peer: Peer): Peer => peer.on("error", (error: NodeJS.ErrnoException) => void errors.push(WINSOCK[error.code ?? ""] ?? -1));
  if (inward) {
    const server = await stack.listen({ port });
    const peer = note(connect({ host: OURS, port, allowHalfOpen: true }));
    const s = await server.accept();
    void server.close();
    return { s, peer, errors };
  }
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(port, KERNEL);
  await once(server, "listening");
  const accepted = once(server, "connection");
  const s = await stack.connect({ address: KERNEL, port });
  const [peer] = (await accepted) as [Peer];
  server.close();
  return { s, peer: note(peer), errors };
}

/** The Winsock code a promise fails with, 0 for success. */
async function codeOf(call: Promise<unknown>): Promise<number> {
  return call.then(() => 0, (error: { wsa?: number }) => error.wsa ?? -1);
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

type Scenario = (bench: Bench) => Promise<void>;

/** By row; `columns` are those that can be looked at from here. */
const cases: Record<string, { columns: readonly Column[]; run: Scenario }> = {
  "P-07": { columns: ["result", "peer", "state"], run: async ({ t, log, pair }) => {
    const { s, peer } = await pair();
    const sent = new Uint8Array(5000).fill(7);
    const parts: Buffer[] = [];
    peer.on("data", (part: Buffer) => void parts.push(part)).resume();
    await s.write(sent);
    const local = s.localAddress.port;
    t.code(await codeOf(s.close({ linger: 30 })));
    t.state(stateOnWire(log, "a", local, performance.now()));
    await settle();
    t.peerBytes(Buffer.concat(parts), sent);
    peer.destroy();
  } },
  "P-08": { columns: ["result", "wire"], run: async ({ t, log, pair }) => {
    const { s, peer, errors } = await pair();
    peer.resume();
    const mark = log.segments.length;
    t.code(await codeOf(s.close({ linger: 0 })));
    await settle();
    t.wire(log, log.segments.slice(mark));
    assert.deepEqual(errors, [10054], "the kernel's program");
  } },
  "P-12": { columns: ["result", "peer", "wire"], run: async ({ t, log, pair }) => {
    const { s, peer, errors } = await pair(true);
    peer.resume();
    peer.write("unread");
    await settle();
    const mark = log.segments.length;
    t.code(await codeOf(s.close()));
    await settle();
    t.peer(`recv:${errors[0]}`);
    t.wire(log, log.segments.slice(mark));
  } },
  "P-13": { columns: ["peer", "wire"], run: async ({ t, log, pair }) => {
    const { s, peer, errors } = await pair();
    peer.resume();
    void s.close();
    await settle();
    const mark = log.segments.length;
    peer.write("late");
    await settle();
    peer.write("later");
    await settle();
    t.peer(`recv:${errors[0]}`);
    t.wire(log, log.segments.slice(mark));
  } },
  "P-14": { columns: ["result", "peer", "wire"], run: async ({ t, log, pair }) => {
    const one = await pair(true);
    one.peer.resume();
    let mark = log.segments.length;
    const step = async (): Promise<void> => {
      await settle();
      t.wire(log, log.segments.slice(mark));
      mark = log.segments.length;
    };
    t.code(await codeOf(one.s.shutdown("receive")), await codeOf(one.s.read()));
    await step();
    one.peer.write("later");
    await step();
    t.peer(`recv:${one.errors[0]}`);
    const two = await pair(true);
    two.peer.resume();
    two.peer.write("queued");
    await settle();
    mark = log.segments.length;
    t.code(await codeOf(two.s.shutdown("receive")));
    await step();
    t.peer(`recv:${two.errors[0]}`);
  } },
  "P-15": { columns: ["result", "wire"], run: async ({ t, log, pair }) => {
    const { s, peer } = await pair();
    peer.resume();
    for (let i = 0; i < 2; i++) {
      const mark = log.segments.length;
      t.code(await codeOf(s.shutdown("send")));
      await settle();
      t.wire(log, log.segments.slice(mark));
    }
    peer.end();
    await s.close();
  } },
  "P-18": { columns: ["result"], run: async ({ t, pair }) => {
    const { s, peer } = await pair();
    await s.shutdown("send");
    t.code(await codeOf(s.write(text("x"))));
    peer.destroy();
  } },
  "P-19": { columns: ["result"], run: async ({ t, pair }) => {
    const { s, peer } = await pair(true);
    peer.resetAndDestroy();
    await settle();
    for (let i = 0; i < 3; i++) t.code(await codeOf(s.read()));
    t.code(await codeOf(s.write(text("x"))));
  } },
  "P-20": { columns: ["result", "facts"], run: async ({ t, pair }) => {
    const { s, peer } = await pair(true);
    peer.write("unread");
    await settle();
    peer.resetAndDestroy();
    await settle();
    t.fact("readable", s.info().unread);
    t.code(await codeOf(s.read()));
  } },
  "P-21": { columns: ["result"], run: async ({ t, pair }) => {
    const { s, peer } = await pair(true);
    peer.destroy();
    await settle();
    await s.write(text("late"));
    await settle();
    t.code(await codeOf(s.read()));
  } },
  "S-42": { columns: ["wire"], run: async ({ t, log, pair }) => {
    const { s, peer } = await pair();
    const mark = log.segments.length;
    const ended = once(peer.resume(), "end");
    await s.shutdown("send");
    await ended;
    await settle();
    peer.end();
    assert.equal(await s.read(), null);
    await settle();
    t.wire(log, log.segments.slice(mark));
    await s.close();
  } },
  "T-09": { columns: ["facts"], run: async ({ t, pair }) => {
    const { s, peer } = await pair();
    t.fact("order", await sixSteps(
      async () => { await s.write(text("request")); await s.shutdown("send"); },
      async () => { await once(peer.resume(), "end"); },
      async () => { peer.write("response"); },
      async () => { peer.end(); },
      async () => { await readToEnd(s); },
      async () => { await s.close(); },
    ));
  } },
  "T-12": { columns: ["facts"], run: async ({ t, log, pair }) => {
    const { s, peer } = await pair(true);
    const mark = log.segments.length;
    t.fact("order", await sixSteps(
      async () => { peer.end("request"); },
      async () => { await readToEnd(s); },
      async () => { await s.write(text("response")); },
      async () => { await s.shutdown("send"); },
      async () => { await once(peer.resume(), "end"); },
      async () => { peer.destroy(); await s.close(); },
    ));
    const assertions = !log.segments.slice(mark).some(({ flags }) => flags.includes("RST"));
    t.fact("assertions", assertions ? "identical" : "a RST");
  } },
};

/** Runs the steps; a step counts when what it waits for has happened. */
async function sixSteps(...steps: (() => Promise<void>)[]): Promise<string> {
  const order: number[] = [];
  for (const [i, step] of steps.entries()) {
    await step();
    order.push(i + 1);
  }
  return order.join("<");
}

async function readToEnd(s: Socket): Promise<void> {
  for (let part = await s.read(); part !== null; part = await s.read());
}

const device = tap("lastack0");
for (const args of [["addr", "add", `${KERNEL}/24`, "dev", device.name], ["link", "set", device.name, "up"], ["link", "set", "lo", "up"]]) execFileSync("ip", args);
const log = new WireLog();
const stack = await createStack({ devices: [new Noting(device, log)], addresses: [`${OURS}/24`] });
const rows = rowsById(readRows());
for (const [id, { columns, run }] of Object.entries(cases)) {
  const line = rows.get(id)?.[0];
  assert.ok(line);
  const items = { ...line.items };
  for (const column of COLUMNS) if (!columns.includes(column)) items[column] = [];
  const t = new Check({ ...line, items });
  let verdict = "pass";
  try {
    const late = settle(CASE_MS).then(() => assert.fail(`not done after ${CASE_MS} ms`));
    await Promise.race([run({ t, log, stack, pair: (inward = false) => open(stack, inward) }), late]);
    t.finish();
  } catch (error) {
    verdict = (error as Error).message.split("\n")[0] as string;
  }
  console.log(`${id} ${verdict}`);
}
process.exit(0);
