/**
 * Both columns of the six-step table as one program on every kind of connection: between two stacks on virtual time (a thousand seeds of
 * delay, loss and scheduling among them), between Lastack and the kernel over TAP, and on host sockets against plain node:net.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { memoryLink, type MemoryLinkOptions } from "../../host/device/index.ts";
import { NS_PER_MS, SeededRandom, type Timed, World } from "../../host/index.ts";
import { loadKoffi } from "../../host/sockets/koffi.ts";
import { type Port, SixSteps } from "./support/six-columns.ts";
import { accepted, clientOfNet, connected, listening, serverOfNet, started, WinsockPort } from "./support/six-ports.ts";
import { SixStepsWire } from "./support/six-wire.ts";
import { whyNoTap } from "./support/tap-there.ts";

const SEEDS = 1000;
/** Virtual time that a run may take. */
const LIMIT_MS = 600_000;
const PROGRAM = fileURLToPath(new URL("six-steps-program.ts", import.meta.url));
const B = "10.0.0.2";
const PORT = 7000;
/** Three ARP requests in a row without an answer, which a lossy link may bring about, make a peer unreachable for 10 s. */
const UNREACHABLE_MS = 10_000;
/** Stacks of which two thousand are made. */
const SMALL = { maxSockets: 8, maxConnections: 8, mtuMax: 1500, neighbors: 4, udpQueue: 1 };

/** What differs between runs on two stacks. */
interface Variant {
  readonly seed: number;
  readonly link: MemoryLinkOptions;
  readonly limits?: { receiveBuffer?: number; sendBuffer?: number };
  /** Longest pause before an action, virtual ms. */
  readonly pauseMs: number;
  /** Columns that use WSASendDisconnect (T-11). */
  readonly disconnect?: { client?: boolean; server?: boolean };
  /** The accepted end is the client (T-12). */
  readonly swapped?: boolean;
}

/** Resolves `ms` later on the world's clock. */
function later(world: World, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const due = world.clock.now() + Math.round(ms * NS_PER_MS);
    const timed: Timed = {
      nextDeadline: () => due,
      advance: () => {
        world.clock.detach(timed);
        resolve();
      },
    };
    world.clock.attach(timed);
  });
}

/** The six steps between two stacks; the steps in their order. Fails unless everything is as the table says. */
async function onTwoStacks({ seed, link, limits = {}, pauseMs, disconnect = {}, swapped = false }: Variant): Promise<string[]> {
  const world = new World({ seed });
  const random = new SeededRandom(seed ^ 0x5157e95);
  const seen = new SixStepsWire(swapped ? "bToA" : "aToB");
  const wire = memoryLink({
    clock: world.clock, seed, ...link,
    onFrame: (direction, frame, fate) => seen.note(direction, frame, fate, world.clock.now()),
  });
  const common = { runtime: world, limits: { ...SMALL, ...limits } };
  const a = await started({ ...common, devices: [wire.a], addresses: ["10.0.0.1/24"] });
  const b = await started({ ...common, devices: [wire.b], addresses: [`${B}/24`] });
  const run = new SixSteps(() => later(world, random.float() * pauseMs));
  const play = async (): Promise<{ client: string; server: string }> => {
    const { listener } = listening(b, { address: B, port: PORT });
    const [s, t] = await Promise.all([connected(a, { address: B, port: PORT }, () => later(world, UNREACHABLE_MS)), accepted(b, listener)]);
    const [near, far] = swapped ? (["server", "client"] as const) : (["client", "server"] as const);
    const ports = { [near]: new WinsockPort(a, s, { disconnect: disconnect[near] ?? false }), [far]: new WinsockPort(b, t, { disconnect: disconnect[far] ?? false }) };
    return run.run(ports["client"] as WinsockPort, ports["server"] as WinsockPort);
  };
  try {
    assert.deepEqual(await world.settle(play(), LIMIT_MS), { client: "graceful", server: "graceful" });
    run.assertOrder();
    // T-10
    assert.equal(seen.resets, 0, "a RST was seen");
    assert.equal(seen.fins.size, 2, "a FIN each way");
    if (!link.reorder && !link.duplicate && !link.loss) assert.equal(seen.late, 0, "a RST was seen");
  } finally {
    a.end();
    b.end();
    wire.close();
  }
  return run.steps;
}

const QUIET = { seed: 1, link: { delayMs: 5 }, pauseMs: 2 };

test("T-01 to T-10: the six steps between two stacks", async () => {
  assert.deepEqual((await onTwoStacks(QUIET)).filter((step) => !step.includes("'")), ["1", "2", "3", "4", "5", "6"]);
});

test("T-11: with WSASendDisconnect in either step or both", async () => {
  for (const disconnect of [{ client: true }, { server: true }, { client: true, server: true }]) await onTwoStacks({ ...QUIET, disconnect });
});

test("T-12: the end that was connected to begins", async () => {
  await onTwoStacks({ ...QUIET, swapped: true });
});

/** What a seed makes of the wire, the buffers and the programs' pace. */
function variant(seed: number): Variant {
  const random = new SeededRandom(seed);
  const up = (limit: number): number => random.float() * limit;
  const delayMs = up(60);
  return {
    seed,
    link: { delayMs, jitterMs: up(delayMs), loss: up(0.15), reorder: up(0.2), duplicate: up(0.1) },
    limits: { receiveBuffer: 4096 + Math.floor(up(20_000)), sendBuffer: 4096 + Math.floor(up(30_000)) },
    pauseMs: up(1) < 0.2 ? 0 : up(80),
    disconnect: { client: up(1) < 0.25, server: up(1) < 0.25 },
    swapped: up(1) < 0.5,
  };
}

test(`T-09: the order holds in ${SEEDS} runs of delay, jitter, loss, reordering, duplication and scheduling`, async () => {
  const orders = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const one = variant(seed);
    try {
      const order = (await onTwoStacks(one)).join(" ");
      orders.set(order, (orders.get(order) ?? 0) + 1);
    } catch (error) {
      throw new Error(`seed ${seed} (${JSON.stringify(one)}): ${(error as Error).message}`, { cause: error });
    }
  }
  // T-05, T-06: 4' and 5' are free against the other column, and the runs use that freedom.
  assert.ok(orders.size >= 3, `only these orders: ${[...orders.keys()].join(" | ")}`);
});

const real = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
/** Without koffi a host socket cannot tell whether the peer has it all (semantics N-18). */
const HOST_OUTCOMES = loadKoffi() ? ["graceful"] : ["graceful", "unknown"];

for (const role of ["client", "server"] as const) {
  test(`the six steps on host sockets, Lastack is the ${role}, plain node:net the other`, async () => {
    const ws = await started({ hostSockets: true });
    try {
      const ports: [Port, Port] = await (role === "client" ? clientOfNet : serverOfNet)(ws, "127.0.0.1", HOST_OUTCOMES);
      const run = new SixSteps(real);
      assert.deepEqual(await run.run(...ports), { client: "graceful", server: "graceful" });
      run.assertOrder();
    } finally {
      ws.end();
    }
  });
}

const skip = whyNoTap("ip", "tshark");
const directory = mkdtempSync(join(tmpdir(), "lastack-six-"));
after(() => rmSync(directory, { recursive: true }));

/** Senders of segments with a flag, in the capture's order, as tshark reads it. */
function senders(capture: string, filter: string): string[] {
  const { status, stdout, stderr } = spawnSync("tshark", ["-n", "-r", capture, "-Y", filter, "-T", "fields", "-e", "ip.src"], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

for (const role of ["client", "server"] as const) {
  test(`the six steps against the kernel over TAP, Lastack is the ${role}`, { skip }, () => {
    const capture = join(directory, `${role}.pcapng`);
    const args = ["-n", process.execPath, "--import", "tsx", PROGRAM, role, capture];
    const { status, signal, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" });
    assert.equal(status, 0, `ended with ${signal ?? status}: ${stderr}${stdout}`);
    assert.match(stdout, new RegExp(`^${role} ok`, "m"));
    const fins = role === "client" ? ["10.9.0.1", "10.9.0.2"] : ["10.9.0.2", "10.9.0.1"];
    assert.deepEqual([...new Set(senders(capture, "tcp.flags.fin == 1"))], fins, "the client's FIN first, then the server's");
    assert.deepEqual(senders(capture, "tcp.flags.reset == 1 || _ws.malformed"), [], "no RST, nothing malformed");
  });
}
