/** Memory runs out: who holds much waits or is told WSAENOBUFS, who needs little goes on, and everything comes back. Virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WSAENOBUFS } from "../../host/abi/errors.gen.ts";
import { SocketError } from "../../host/index.ts";
import { LEFT, makePair, pattern } from "./api-support.ts";
import { connected } from "./support/pair.ts";

const PORT = 7000;
const MIB = 1 << 20;
const HUGE = 64 * MIB;
const SMALL_CONNECTIONS = 24;
/** What a send to an empty queue may ask for (V-25), and more than such a stack has. */
const WHOLE = 4 * MIB;

test("a connection that nobody reads takes its share and no more: others go on, and afterwards all memory is back", async (t) => {
  const { world, left, right, run } = await makePair({ seed: 5, limits: { maxSockets: 64, memoryLimit: 6 * MIB, sendBuffer: HUGE, receiveBuffer: HUGE } });
  const server = await left.listen({ port: PORT });
  const [unread, hog] = await run(Promise.all([server.accept(), right.connect({ address: LEFT, port: PORT })]));
  const chunk = pattern(MIB);
  let taken = 0;
  const filling = (async () => {
    for (;;) {
      await hog.write(chunk);
      taken += chunk.length;
    }
  })().catch((error: unknown) => error);
  // Both ends fill up: the sender's queue behind the window that the receiver's memory allows.
  world.runFor(5000);
  await run(Promise.resolve());
  world.runFor(5000);
  const data = pattern(1000);
  for (let i = 0; i < SMALL_CONNECTIONS; i++) {
    const [there, here] = await run(Promise.all([server.accept(), right.connect({ address: LEFT, port: PORT })]));
    await run(here.write(data));
    const got = await run(there.read());
    assert.deepEqual(got, data, `connection ${i}`);
    await run(Promise.all([here.close(), there.close()]));
  }
  const held = left.stats().bufferBytes + right.stats().bufferBytes;
  assert.ok(held > MIB, `${held} bytes are held: memory is not short, and the test shows nothing`);
  t.diagnostic(`the unread connection holds ${held} bytes of two cores of ${6 * MIB}, ${taken} were accepted`);
  const outcomes = await run(Promise.all([hog.abort(), unread.abort()]));
  assert.equal(outcomes[0].outcome, "aborted");
  assert.ok((await filling) instanceof SocketError);
  assert.equal(left.stats().bufferBytes + right.stats().bufferBytes, 0);
  // What was joined and split finds together again: one large transfer as at the start.
  const [sink, source] = await run(Promise.all([server.accept(), right.connect({ address: LEFT, port: PORT })]));
  const buffer = new Uint8Array(65_536);
  const reading = (async () => {
    let total = 0;
    for (let n = await sink.readInto(buffer); n > 0; n = await sink.readInto(buffer)) total += n;
    return total;
  })();
  await run(source.write(chunk));
  await run(source.shutdown("send"));
  assert.equal(await run(reading), MIB);
});

test("a send that must be held whole and cannot be is refused with WSAENOBUFS; smaller ones are taken, and the connection lives on", async () => {
  const { world, a, b, s, t } = await connected({ config: { memoryLimit: 8 * MIB, reportSlots: 16 }, configA: { hostArea: WHOLE + MIB } });
  // One WSABUF of bytes that are there, more than is left for buffers.
  const list = a.at + WHOLE;
  a.core.memory.i32[list >>> 2] = WHOLE;
  a.core.memory.i32[(list + 4) >>> 2] = a.at;
  a.call("WSPSend", s, list, 1, list + 8, 0, 0, 0, 0);
  assert.equal(a.err, WSAENOBUFS);
  assert.equal(a.send(s, "still here"), 10);
  world.runFor(100);
  assert.equal(b.recv(t)?.length, 10);
});
