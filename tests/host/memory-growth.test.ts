/** What a stack begins with grows on demand: control blocks move while connections carry data; and a closed stack is let go. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createStack, memoryLink, type Socket, SocketError } from "../../host/index.ts";
import { LEFT, makePair, pattern, readAll } from "./api-support.ts";

const PORT = 7000;
const MIB = 1 << 20;
const KIB = 1 << 10;
/** More than a table of control blocks begins with, 256, and than its second size holds, some 800. */
const CONNECTIONS = 900;
const BATCH = 50;
const BYTES = 3000;
const HOGS = 40;
const STACKS = 200;

/** Bytes of connection i, other ones than its neighbours'. */
const textOf = (i: number): Uint8Array => pattern(BYTES + i).subarray(i);

test("900 connections opened while a transfer runs: control blocks move twice, no bytes are lost or another connection's", async () => {
  const { left, right, run } = await makePair({ seed: 11, limits: { maxSockets: 2048, maxConnections: 2048 } });
  const server = await left.listen({ port: PORT });
  const connect = (): Promise<Socket> => right.connect({ address: LEFT, port: PORT });
  const [sink, source] = await run(Promise.all([server.accept(), connect()]));
  const large = pattern(16 * MIB);
  const reading = readAll(sink);
  const writing = source.write(large).then(() => source.shutdown("send"));
  const pairs: { here: Socket; there: Socket }[] = [];
  while (pairs.length < CONNECTIONS) {
    const here = await run(Promise.all(Array.from({ length: BATCH }, connect)));
    const there = await run(Promise.all(Array.from({ length: BATCH }, () => server.accept())));
    const byPort = new Map(there.map((socket) => [socket.remoteAddress.port, socket]));
    for (const socket of here) pairs.push({ here: socket, there: byPort.get(socket.localAddress.port) as Socket });
  }
  assert.ok(left.stats().tcpCurrent > CONNECTIONS && right.stats().tcpCurrent > CONNECTIONS, "all are open at once");
  await run(Promise.all(pairs.map(({ here }, i) => here.write(textOf(i)))));
  for (const [i, { there }] of pairs.entries()) {
    const bytes = new Uint8Array(BYTES);
    for (let at = 0; at < BYTES; ) at += await run(there.readInto(bytes.subarray(at)));
    assert.deepEqual(bytes, textOf(i), `connection ${i}`);
  }
  const reports = await run(Promise.all(pairs.flatMap(({ here, there }) => [here.close(), there.close()])));
  assert.deepEqual([...new Set(reports.map(({ outcome }) => outcome))], ["graceful"]);
  const [got] = await run(Promise.all([reading, writing]));
  assert.ok(Buffer.compare(got, large) === 0, `${got.length} bytes came of ${large.length}`);
});

test("where memory is used up the table does not grow: connecting fails, what is open goes on, and later there is room again", async () => {
  const { left, right, run, world } = await makePair({ seed: 12, limits: { maxSockets: 512, maxConnections: 512, memoryLimit: 11 * MIB, sendBuffer: 64 * MIB, receiveBuffer: 64 * KIB } });
  const server = await left.listen({ port: PORT });
  const connect = (): Promise<Socket> => right.connect({ address: LEFT, port: PORT });
  const pairs: [Socket, Socket][] = [];
  const open = async (): Promise<void> => void pairs.push(await run(Promise.all([server.accept(), connect()])));
  while (pairs.length < 100) await open();
  // The client's memory fills with what nobody reads.
  const hogs = pairs.slice(0, HOGS).map(([, socket]) => socket);
  const filling = hogs.map(async (hog) => {
    for (;;) await hog.write(pattern(16 * KIB));
  }).map((endless) => endless.catch((error: unknown) => error));
  for (let turn = 0; turn < 20; turn++) {
    world.runFor(1000);
    await run(Promise.resolve());
  }
  const before = right.stats().memoryBytes;
  let refused: unknown;
  const waiting: Socket[] = [];
  while (refused === undefined && waiting.length < 200) {
    await run(connect().then((socket) => void waiting.push(socket), (error: unknown) => {
      refused = error;
    }));
  }
  assert.ok(refused instanceof SocketError, `${waiting.length} more were opened in ${before} bytes`);
  const [there, here] = pairs[HOGS] as [Socket, Socket];
  await run(here.write(pattern(100)));
  assert.deepEqual(await run(there.read()), pattern(100));
  await run(Promise.all(hogs.map((hog) => hog.abort())));
  for (const error of await run(Promise.all(filling))) assert.ok(error instanceof SocketError);
  const again = await run(Promise.all(Array.from({ length: 100 }, connect)));
  assert.equal(again.length, 100);
});

test("a stack that is closed is let go, memory and all", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // A stack's devices live as long as its core does.
  const refs: WeakRef<object>[] = [];
  for (let i = 0; i < STACKS; i++) {
    const device = memoryLink().a;
    refs.push(new WeakRef(device));
    await (await createStack({ devices: [device], addresses: ["10.0.0.1/24"] })).close();
  }
  // References are kept for the turn that made them.
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const kept = refs.filter((ref) => ref.deref() !== undefined).length;
  assert.ok(kept <= 1, `${kept} of ${STACKS} closed stacks are still there`);
});
