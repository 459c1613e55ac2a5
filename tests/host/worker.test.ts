/** Stacks in threads: what only threads can do right or wrong. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, describe, test } from "node:test";
import { createStack, type FrameDevice, memoryLink, SeededRandom, type Socket, type Stack, type StackOptions, threadLink } from "../../host/index.ts";
import { bytes, LEFT, pattern, RIGHT, readAll, socketError, text } from "./api-support.ts";
import { trappingCore } from "./worker-support.ts";

interface Ends {
  readonly left: Stack;
  readonly right: Stack;
  readonly accepted: Socket;
  readonly socket: Socket;
}

/** Two stacks on a thread link with a connection from the right to the left; closed at the test's end. */
async function connect(leftOptions: StackOptions, rightOptions: StackOptions): Promise<Ends> {
  const link = threadLink();
  const left = await createStack({ devices: [link.a], addresses: [`${LEFT}/24`], ...leftOptions });
  const right = await createStack({ devices: [link.b], addresses: [`${RIGHT}/24`], ...rightOptions });
  after(() => Promise.all([left, right].map((stack) => stack.close({ deadlineMs: 0 }))));
  const server = await left.listen({ port: 7000 });
  const [accepted, socket] = await Promise.all([server.accept(), right.connect({ address: LEFT, port: 7000 })]);
  return { left, right, accepted, socket };
}

const WORKER = { worker: true } as const;

describe("a stack in a thread", () => {
  test("works on while this thread does not", async () => {
    const { accepted, socket } = await connect(WORKER, WORKER);
    await socket.write(pattern(100_000));
    // Whatever the event loop of this thread had to do, it does not: the pause ends by the clock alone.
    let left = 100_000;
    for (const until = performance.now() + 20_000; left > 0 && performance.now() < until; ) left = socket.info().outstanding as number;
    assert.equal(left, 0, "acknowledged by the other stack");
    assert.equal(accepted.info().unread, 100_000);
  });

  test("speaks to one in this thread", async () => {
    const { accepted, socket } = await connect(WORKER, {});
    const data = pattern(500_000);
    const sending = socket.write(data).then(() => socket.shutdown("send"));
    assert.deepEqual(await readAll(accepted), Buffer.from(data));
    await sending;
    await accepted.write(bytes("thanks"));
    assert.equal(text(await socket.read()), "thanks");
    const reports = await Promise.all([socket.close(), accepted.close()]);
    assert.deepEqual(reports.map(({ outcome }) => outcome), ["graceful", "graceful"]);
  });

  test("takes a device that cannot move", async () => {
    const link = memoryLink({ delayMs: 1 });
    const seen: string[] = [];
    const left = await createStack({ worker: true, devices: [link.a], addresses: [`${LEFT}/24`] });
    const right = await createStack({ devices: [link.b], addresses: [`${RIGHT}/24`] });
    after(() => Promise.all([left, right].map((stack) => stack.close({ deadlineMs: 0 }))));
    const server = await left.listen({ port: 80 });
    const serving = (async () => {
      for await (const socket of server) {
        for await (const chunk of socket) seen.push(text(chunk) as string);
        await socket.close();
      }
    })();
    const socket = await right.connect({ address: LEFT, port: 80 });
    await socket.write(bytes("over the bridge"));
    assert.equal((await socket.close()).outcome, "graceful");
    assert.deepEqual(seen.join(""), "over the bridge");
    await server.close();
    await serving;
  });

  test("has sockets of the operating system", async () => {
    const stack = await createStack({ worker: true, hostSockets: true });
    after(() => stack.close({ deadlineMs: 0 }));
    const server = await stack.listen({ address: "127.0.0.1", port: 0 });
    const [accepted, socket] = await Promise.all([server.accept(), stack.connect({ address: "127.0.0.1", port: server.address.port })]);
    const data = pattern(300_000);
    const sending = socket.write(data).then(() => socket.close());
    assert.deepEqual(await readAll(accepted), Buffer.from(data));
    await accepted.close();
    assert.equal((await sending).bytes.sent, data.length);
  });

  test("carries many connections both ways at once, in pieces of every size", async () => {
    const seed = Number(process.env["LASTACK_SEED"] ?? (Date.now() & 0x7fffffff));
    const random = new SeededRandom(seed);
    const word = new Uint8Array(4);
    const upTo = (n: number): number => {
      random.fill(word, 0, 4);
      return 1 + (new DataView(word.buffer).getUint32(0) % n);
    };
    const { left, right } = await connect({ ...WORKER, limits: { sendBuffer: 20_000, receiveBuffer: 9000 } }, WORKER);
    const server = await left.listen({ port: 7001 });
    const exchange = async (socket: Socket, size: number): Promise<void> => {
      const data = pattern(size);
      const sending = (async () => {
        for (let at = 0; at < size; ) {
          const n = Math.min(size - at, upTo(30_000));
          await socket.write(data.subarray(at, at + n));
          at += n;
        }
        await socket.shutdown("send");
      })();
      const into = new Uint8Array(size + 1);
      let have = 0;
      for (let n = 1; n > 0; have += n) n = await socket.readInto(into.subarray(have, have + upTo(50_000)));
      await sending;
      assert.deepEqual(into.subarray(0, have), data, `seed ${seed}`);
      assert.equal((await socket.close()).outcome, "graceful", `seed ${seed}`);
    };
    const size = 150_000 + upTo(50_000);
    await Promise.all(Array.from({ length: 6 }, async () => {
      const [accepted, socket] = await Promise.all([server.accept(), right.connect({ address: LEFT, port: 7001 })]);
      await Promise.all([exchange(accepted, size), exchange(socket, size)]);
    }));
  });
});

describe("a thread that fails", () => {
  test("ends what waits with the reason, and every later call", async () => {
    const { accepted, socket, right } = await connect(WORKER, { ...WORKER, wasm: trappingCore("WSPIoctl") });
    const trap = /unreachable/;
    const waiting = assert.rejects(socket.read(), trap);
    assert.throws(() => socket.info(), trap);
    await waiting;
    await assert.rejects(socket.closed, trap);
    await assert.rejects(socket.write(bytes("x")), socketError("ENOTSOCK", 10038, "write"));
    await assert.rejects(right.connect({ address: LEFT, port: 7000 }), trap);
    assert.throws(() => right.stats(), trap);
    assert.equal(socket.state, "CLOSED");
    assert.deepEqual(await right.close(), []);
    // The other stack has its own thread, and hears nothing of the end of this one.
    await accepted.write(bytes("anybody?"));
    assert.equal((await accepted.abort()).outcome, "aborted");
  });

  test("at its start: createStack says why", async () => {
    const wrong = { ...memoryLink().a, readInto: () => 0, write: () => true, name: "wrong", mtu: 1500, mac: new Uint8Array(6), toThread: () => ({ kind: "shared" }) };
    await assert.rejects(createStack({ worker: true, devices: [wrong as unknown as FrameDevice] }), TypeError);
    await assert.rejects(createStack({ worker: true, limits: { memoryLimit: 65536 } }), { name: "CoreError", code: "E_MEMORY" });
  });
});

describe("the end of a stack in a thread", () => {
  const run = (program: string) =>
    spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8", timeout: 60_000, cwd: new URL("../..", import.meta.url) });
  const make = `import { createStack } from "./build/lastack.mjs"; const stack = await createStack({ worker: true }); const waiting = (await stack.listen({ port: 1 })).accept();`;

  test("closing it ends the thread: nothing holds the process", () => {
    const { stdout, stderr, status } = run(`${make} waiting.catch((e) => console.log(e.code)); console.log(await stack.close());`);
    assert.deepEqual([stdout, stderr, status], ["EINTR\n[]\n", "", 0]);
  });

  test("a program that exits takes the thread with it", () => {
    const { stdout, status } = run(`${make} setTimeout(() => { console.log("enough"); process.exit(3); }, 1);`);
    assert.deepEqual([stdout, status], ["enough\n", 3]);
  });

  test("calls after it say that the stack is closed", async () => {
    const { right, socket } = await connect(WORKER, WORKER);
    await Promise.all([right.close({ deadlineMs: 0 }), right.close()]);
    await assert.rejects(right.udp(), socketError("ENOTINITIALISED", 10093, "udp"));
    assert.throws(() => right.stats(), socketError("ENOTINITIALISED", 10093, "stats"));
    assert.equal(socket.state, "CLOSED");
  });
});
