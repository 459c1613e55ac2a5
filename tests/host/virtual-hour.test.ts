/** An hour of traffic in virtual time: what it takes of memory in its first minutes is all it ever takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Socket } from "../../host/index.ts";
import { LEFT, makePair, pattern } from "./api-support.ts";

const PORT = 7000;
const MINUTES = 60;
const ROUNDS_PER_MINUTE = 6;
const MINUTE_MS = 60_000;
/** Minutes after which every table and buffer has been as large as it gets. */
const WARM = 10;
const BYTES = 48 * 1024;
const TRIPS = 8;
const SHORT = 4;

async function readAll(socket: Socket): Promise<number> {
  let total = 0;
  const buffer = new Uint8Array(16_384);
  for (let n = await socket.readInto(buffer); n > 0; n = await socket.readInto(buffer)) total += n;
  return total;
}

/** Sends `data`, reads what the peer sends until it ends, and closes. */
async function exchange(socket: Socket, data: Uint8Array): Promise<{ read: number; outcome: string }> {
  const reading = readAll(socket);
  await socket.write(data);
  await socket.shutdown("send");
  const read = await reading;
  return { read, outcome: (await socket.close()).outcome };
}

test("an hour of connections, transfers and round trips over a link that loses: memory is flat, all closes are graceful", async (t) => {
  const seed = 20;
  const { world, left, right, run } = await makePair({ seed, link: { loss: 0.002, delayMs: 5 }, limits: { maxSockets: 64, maxConnections: 256 }, knobs: { timeWaitMs: 5000 } });
  const server = await left.listen({ port: PORT });
  const data = pattern(BYTES);
  const serving = (async () => {
    for await (const socket of server) void exchange(socket, data).catch(() => {});
  })();
  // One connection lives through it all.
  const lasting = await left.listen({ port: PORT + 1 });
  const [there, here] = await run(Promise.all([lasting.accept(), right.connect({ address: LEFT, port: PORT + 1 })]));
  const memory: number[] = [];
  let transfers = 0;
  for (let minute = 0; minute < MINUTES; minute++) {
    for (let round = 0; round < ROUNDS_PER_MINUTE; round++) {
      const many = Array.from({ length: SHORT }, async (_, i) => exchange(await right.connect({ address: LEFT, port: PORT }), i === 0 ? data : data.subarray(0, 100)));
      const trips = (async () => {
        const answer = new Uint8Array(1);
        for (let k = 0; k < TRIPS; k++) {
          await here.write(data.subarray(k, k + 1));
          await there.readInto(answer);
          await there.write(answer);
          await here.readInto(answer);
        }
      })();
      for (const { read, outcome } of await run(Promise.all(many))) {
        assert.equal(read, BYTES, `seed ${seed}, minute ${minute}`);
        assert.equal(outcome, "graceful", `seed ${seed}, minute ${minute}`);
        transfers++;
      }
      await run(trips);
    }
    world.runFor(Math.max(0, (minute + 1) * MINUTE_MS - world.nowMs));
    const [a, b] = [left.stats(), right.stats()];
    assert.equal(a.bufferBytes + b.bufferBytes, 0, `seed ${seed}, minute ${minute}: no buffer is held while nothing happens`);
    memory.push(a.memoryBytes + b.memoryBytes);
  }
  assert.equal(transfers, MINUTES * ROUNDS_PER_MINUTE * SHORT);
  assert.equal(Math.max(...memory.slice(WARM)), memory[WARM - 1], `seed ${seed}: linear memory by minute ${memory.join(" ")}`);
  assert.ok(world.nowMs >= MINUTES * MINUTE_MS);
  await run(Promise.all([here.close(), there.close()]));
  await run(server.close());
  await serving;
  world.runFor(MINUTE_MS);
  // Listeners apart, both tables are empty again.
  assert.ok(left.stats().tcpCurrent <= 2 && right.stats().tcpCurrent === 0, `seed ${seed}: ${left.stats().tcpCurrent} and ${right.stats().tcpCurrent} control blocks left`);
  t.diagnostic(`${transfers} connections, ${world.nowMs / MINUTE_MS} virtual minutes, ${memory[0]} bytes of linear memory after the first, ${memory.at(-1)} after the last`);
});
