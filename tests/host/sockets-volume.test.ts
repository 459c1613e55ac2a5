/** 16 MB queued, then close, a hundred times over for each kind of close that promises delivery; and nothing is left behind. */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as net from "node:net";
import { describe, test } from "node:test";
import { type CloseReport, createStack, type Socket, type Stack } from "../../host/index.ts";
import { activeResources, KOFFI_MODES, LOCALHOST, makeStack, openDescriptors, Peer } from "./sockets-stack.ts";
import { until } from "./sockets-support.ts";

const BYTES = 16 << 20;
const ROUNDS = 100;
const DATA = new Uint8Array(BYTES).map((_, i) => (i * 31) & 0xff);

const KINDS: Readonly<Record<string, (socket: Socket) => Promise<CloseReport>>> = {
  background: (socket) => socket.close(),
  linger: (socket) => socket.close({ linger: 30 }),
  "shutdown, then close": async (socket) => {
    await socket.shutdown("send");
    return socket.close();
  },
};

/** A plain server that reads everything, checks it, and closes after the peer's FIN. */
async function readingServer(): Promise<{ server: net.Server; port: number; next(): Promise<{ bytes: number; wrong: number; end: string }> }> {
  const waiting: ((saw: { bytes: number; wrong: number; end: string }) => void)[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const done = waiting.shift();
    let bytes = 0;
    let wrong = 0;
    socket.on("data", (chunk: Buffer) => {
      if (Buffer.compare(chunk, DATA.subarray(bytes, bytes + chunk.length)) !== 0) wrong++;
      bytes += chunk.length;
    });
    socket.on("end", () => {
      socket.end();
      done?.({ bytes, wrong, end: "end" });
    });
    socket.on("error", (error: NodeJS.ErrnoException) => done?.({ bytes, wrong, end: error.code ?? "error" }));
  });
  server.listen(0, LOCALHOST);
  await once(server, "listening");
  return { server, port: (server.address() as net.AddressInfo).port, next: () => new Promise((resolve) => void waiting.push(resolve)) };
}

/** Waits until nothing of the network and no timer keeps the event loop alive, and no more than `most` descriptors are open; how many are. */
async function quiet(most = Number.POSITIVE_INFINITY): Promise<number> {
  await until("no handle, no timer, no descriptor more", () => activeResources().length === 0 && openDescriptors() <= most);
  return openDescriptors();
}

for (const mode of KOFFI_MODES) {
  describe(`volume ${mode.name}`, () => {
    for (const [kind, close] of Object.entries(KINDS)) {
      test(`${kind}: ${ROUNDS} times 16 MB, every byte and a clean end, nothing left behind`, { timeout: 240_000 }, async (t) => {
        const before = await quiet();
        const stack = await makeStack(mode, { release: true, limits: { sendBuffer: 2 * BYTES } });
        const { server, port, next } = await readingServer();
        const started = performance.now();
        for (let round = 0; round < ROUNDS; round++) {
          const saw = next();
          const socket = await stack.connect({ address: LOCALHOST, port });
          await socket.write(DATA);
          const report = await close(socket);
          assert.deepEqual(await saw, { bytes: BYTES, wrong: 0, end: "end" }, `round ${round}`);
          const expected = mode.exact ? (kind === "linger" ? ["delivered", "graceful"] : ["graceful"]) : ["unknown"];
          assert.ok(expected.includes(report.outcome), `round ${round}: ${report.outcome}`);
          assert.equal(report.bytes.acknowledged, mode.exact ? BYTES : 0);
        }
        const seconds = (performance.now() - started) / 1000;
        server.close();
        await stack.close();
        const after = await quiet(before);
        t.diagnostic(`${ROUNDS} rounds in ${seconds.toFixed(1)} s, ${((ROUNDS * BYTES * 8) / seconds / 1e9).toFixed(1)} Gbit/s; descriptors ${before} before, ${after} after; no handle, no timer`);
      });
    }

    test("no descriptor, timer or socket is left after the stack is closed, whatever was open", async (t) => {
      const before = await quiet();
      const stack = await makeStack(mode);
      const { server, port, next } = await readingServer();
      for (let i = 0; i < 20; i++) await oneClose(stack, i, port, next);
      const listener = await stack.listen({ address: LOCALHOST, port: 0 });
      const plain = new Peer(net.connect({ host: LOCALHOST, port: listener.address.port }));
      await listener.accept();
      const udp = await stack.udp({ address: LOCALHOST });
      await udp.send(new Uint8Array(10), { address: LOCALHOST, port: 9 });
      assert.ok(openDescriptors() > before);
      await stack.close({ deadlineMs: 100 });
      server.close();
      await plain.stop();
      t.diagnostic(`descriptors ${before} before, ${await quiet(before)} after; no handle, no timer`);
    });
  });
}

/** One connection, ended in one of the ways there are. */
async function oneClose(stack: Stack, i: number, port: number, next: () => Promise<unknown>): Promise<void> {
  const saw = next();
  const socket = await stack.connect({ address: LOCALHOST, port });
  await socket.write(new Uint8Array(1000));
  if (i % 4 === 0) await socket.abort();
  else if (i % 4 === 1) await socket.close({ linger: 5 });
  else if (i % 4 === 2) await socket.close({ drain: true });
  else await socket.close();
  await saw;
}

test("a stack with its own loopback and host sockets: each socket says whose TCP it uses", async () => {
  const stack = await createStack({ hostSockets: true });
  const inet = await stack.listen({ address: LOCALHOST, port: 0, provider: "inet" });
  const host = await stack.listen({ address: LOCALHOST, port: 0, provider: "host" });
  const plain = net.connect({ host: LOCALHOST, port: host.address.port });
  const [accepted] = await Promise.all([host.accept(), once(plain, "connect")]);
  const inside = await stack.connect({ address: LOCALHOST, port: inet.address.port, provider: "inet" });
  const insideAccepted = await inet.accept();
  assert.equal(accepted.remoteAddress.port, (plain.address() as net.AddressInfo).port);
  await inside.write(new TextEncoder().encode("inside"));
  assert.equal(Buffer.from((await insideAccepted.read()) ?? []).toString(), "inside");
  const report = Promise.all([inside.close(), insideAccepted.close(), accepted.close({ linger: 5 })]);
  plain.on("end", () => plain.end()).resume();
  assert.deepEqual((await report).slice(0, 2).map(({ outcome }) => outcome), ["graceful", "graceful"]);
  await stack.close();
});

test("datagrams on host sockets: both ways, connected and not, and an unreachable port", async () => {
  const stack = await createStack({ hostSockets: true });
  const a = await stack.udp({ address: LOCALHOST });
  const b = await stack.udp({ address: LOCALHOST });
  await b.send(new TextEncoder().encode("ping"), a.localAddress);
  const got = await a.receive();
  assert.deepEqual([Buffer.from(got.data).toString(), got.port], ["ping", b.localAddress.port]);
  await a.send(new TextEncoder().encode("pong"), { address: got.address, port: got.port });
  assert.equal(Buffer.from((await b.receive()).data).toString(), "pong");
  // Connected to one, and still free to send to others.
  const c = await stack.udp({ address: LOCALHOST });
  await c.connect(a.localAddress);
  await c.send(new TextEncoder().encode("to a"));
  await c.send(new TextEncoder().encode("to b"), b.localAddress);
  assert.equal(Buffer.from((await a.receive()).data).toString(), "to a");
  assert.equal(Buffer.from((await b.receive()).data).toString(), "to b");
  const port = b.localAddress.port;
  await b.close();
  await c.connect({ address: LOCALHOST, port });
  await assert.rejects(async () => {
    for (;;) {
      await c.send(new Uint8Array(1));
      await c.receive({ signal: AbortSignal.timeout(50) }).catch((error: Error) => {
        if (error.name !== "TimeoutError") throw error;
      });
    }
  }, { code: "ECONNRESET" });
  await stack.close();
});
