/** Packets of many segments between two stacks, in virtual time: on a good wire, one that loses them whole, and among forged headers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEVICE_SEGMENT_OFFLOAD } from "../../host/abi/link.gen.ts";
import { SeededRandom } from "../../host/base/random.ts";
import { cable, createStack, type FrameFate, type MemoryLinkOptions, memoryLink, type Socket, type Stack, World } from "../../host/index.ts";
import { LEFT, pattern, RIGHT, readAll } from "./api-support.ts";
import { Offloading } from "./support/offloading.ts";

const WASM = new URL("../../build/lastack.debug.wasm", import.meta.url);
const VNET = 12;
const PORT = 7000;
const LIMIT_MS = 3_600_000;

interface Scene { readonly world: World; readonly left: Stack; readonly right: Stack; readonly accepted: Socket; readonly socket: Socket }

async function scene(seed: number, wire: MemoryLinkOptions, see: (frame: Uint8Array, fate: FrameFate) => void, ends: (link: ReturnType<typeof memoryLink>) => void = () => {}): Promise<Scene> {
  const world = new World({ seed });
  const link = memoryLink({ clock: world.clock, seed, delayMs: 5, mtu: 65535, onFrame: (_, frame, fate) => see(frame, fate), ...wire });
  ends(link);
  const common = { wasm: WASM, runtime: world, limits: { sendBuffer: 1 << 20, receiveBuffer: 1 << 20 } };
  const left = await createStack({ ...common, devices: [new Offloading(link.a)], addresses: [`${LEFT}/24`] });
  const right = await createStack({ ...common, devices: [new Offloading(link.b)], addresses: [`${RIGHT}/24`] });
  const server = await left.listen({ port: PORT });
  const [accepted, socket] = await world.settle(Promise.all([server.accept(), right.connect({ address: LEFT, port: PORT })]), LIMIT_MS);
  return { world, left, right, accepted, socket };
}

/** All of `sent` from one to the other and back, and a graceful end. */
async function bothWays(one: Socket, other: Socket, sent: Uint8Array): Promise<void> {
  const end = async (socket: Socket): Promise<void> => {
    const reading = readAll(socket);
    await socket.write(sent);
    await socket.shutdown("send");
    assert.ok(Buffer.from(sent).equals(await reading), "the bytes that were sent");
    const { outcome, bytes } = await socket.close();
    assert.deepEqual([outcome, bytes.acknowledged, bytes.unacknowledged], ["graceful", sent.length, 0]);
  };
  await Promise.all([end(one), end(other)]);
}

/** Text and segment size of a frame: [text, 0] for one that is a segment. */
function tcpText(frame: Uint8Array): [number, number] {
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength), ip = VNET + 14;
  if (frame.length < ip + 40 || frame[VNET + 12] !== 8 || frame[VNET + 13] !== 0 || frame[ip + 9] !== 6) return [0, 0];
  return [data.getUint16(ip + 2) - 20 - ((frame[ip + 32] as number) >> 4) * 4, data.getUint16(4, true)];
}

describe("packets of many segments", () => {
  test("carry 4 MB each way; no packet without a segment size exceeds the MTU", async () => {
    const sizes: number[] = [];
    const { world, left, right, accepted, socket } = await scene(1, {}, (frame) => {
      const [text, size] = tcpText(frame);
      if (size > 0) {
        sizes.push(text);
        assert.equal(text % size, 0, "whole segments");
        assert.ok(size <= 1460 && text > size && text <= 65535 - 40, `${text} bytes in segments of ${size}`);
      } else assert.ok(frame.length <= VNET + 14 + 1500, `a frame of ${frame.length} bytes`);
    });
    const sent = pattern(4_000_000);
    await world.settle(bothWays(accepted, socket, sent), LIMIT_MS);
    const joined = sizes.reduce((sum, text) => sum + text, 0);
    assert.ok(joined > 0.9 * 2 * sent.length, `${joined} bytes went in ${sizes.length} packets of many segments`);
    assert.ok(Math.max(...sizes) > 60_000, `the largest had ${Math.max(...sizes)}`);
    for (const stack of [left, right]) {
      const { tcpRetransSegs, inFrameErrors, tcpInErrs, tcpOutSegs, outFrames } = stack.stats();
      assert.deepEqual([tcpRetransSegs, inFrameErrors, tcpInErrs], [0, 0, 0]);
      assert.ok(tcpOutSegs > 4 * outFrames, `${tcpOutSegs} segments in ${outFrames} frames`);
    }
  });

  for (let seed = 1; seed <= 6; seed++) {
    test(`of which a wire loses some whole, and some come late: every byte arrives (seed ${seed})`, async () => {
      let repeated = 0;
      const { world, left, right, accepted, socket } = await scene(seed, { loss: 0.05, jitterMs: seed % 2 ? 0 : 3 }, (frame) => {
        if (tcpText(frame)[1] > 0) repeated++;
      });
      await world.settle(bothWays(accepted, socket, pattern(600_000 + seed)), LIMIT_MS);
      assert.ok(repeated > 20, `${repeated} packets of many segments`);
      assert.ok(left.stats().tcpRetransSegs + right.stats().tcpRetransSegs > 0, "something was lost");
    });
  }

  test("forged headers among them: counted, dropped, and a transfer works (seed 77)", { timeout: 120_000 }, async () => {
    const random = new SeededRandom(77);
    const seen: Uint8Array[] = [];
    let [injecting, link] = [false, undefined as ReturnType<typeof memoryLink> | undefined];
    const { world, left, accepted, socket } = await scene(77, {}, (frame) => {
      if (injecting) return;
      if (seen.length < 100) seen.push(frame.slice());
      else seen[random.below(100)] = frame.slice();
    }, (made) => {
      link = made;
    });
    const sent = pattern(300_000);
    const reading = readAll(accepted);
    const writing = socket.write(sent);
    for (let round = 0; round < 400; round++) {
      injecting = true;
      for (let i = 0; i < 20; i++) {
        const frame = (seen[random.below(seen.length)] as Uint8Array).slice(0, random.below(4) ? undefined : random.below(2000));
        // The header is where the meaning is; the wrong pair of checksum flags would let damaged text in, as a lying device can.
        for (let k = random.below(5); k >= 0 && frame.length > VNET; k--) frame[1 + random.below(VNET - 1)] = random.below(3) ? random.next() >>> 24 : random.below(3);
        link?.b.write(frame, Int32Array.of(0, frame.length), 0, 1);
      }
      injecting = false;
      world.runFor(random.below(30));
    }
    const { inFrameErrors, inFrames } = left.stats();
    assert.ok(inFrameErrors > 500, `${inFrameErrors} of ${inFrames} frames were refused for their headers`);
    await world.settle(writing, LIMIT_MS);
    await world.settle(socket.shutdown("send"), LIMIT_MS);
    assert.ok(Buffer.from(sent).equals(await world.settle(reading, LIMIT_MS)), "the bytes that were sent");
    const [ours, theirs] = await world.settle(Promise.all([accepted.close(), socket.close()]), LIMIT_MS);
    assert.deepEqual([ours.outcome, theirs.outcome], ["graceful", "graceful"]);
  });
});

describe("a device with segment offload", () => {
  test("wants room for its packets", async () => {
    const { a } = memoryLink({ mtu: 65535 });
    const device = new Offloading(a);
    assert.ok(device.capabilities & DEVICE_SEGMENT_OFFLOAD);
    await assert.rejects(createStack({ devices: [device], addresses: [`${LEFT}/24`], limits: { mtuMax: 1500 } }), /limits\.mtuMax is 1500; expected 65535, for packets of many segments on device link\/a/);
  });

  test("is not joined to one without", () => {
    const { a, b } = memoryLink({ mtu: 1500 });
    assert.throws(() => cable(new Offloading(a), b), /the capabilities of link\/b are 0; expected 7, those of link\/a; a TAP device has 0 with \{ offload: false \}/);
  });
});
