import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeFrame, type FrameFate, type MemoryLinkOptions, memoryLink } from "../../host/device/index.ts";
import { VirtualClock } from "../../host/wasi/index.ts";
import { arpFrame, numbered, numberOf, receive, send, tcpFrame } from "./device-frames.ts";

const SEED = 7001;

/** Sends `count` numbered frames from a to b over a virtual clock, one each `gapMs`, and returns what arrived. */
function transfer(options: MemoryLinkOptions, count: number, gapMs = 0) {
  const clock = new VirtualClock();
  const link = memoryLink({ clock, ...options });
  const arrived: { number: number; at: number; frame: Uint8Array }[] = [];
  link.b.onReadable = () => {
    for (const frame of receive(link.b)) arrived.push({ number: numberOf(frame), at: clock.now() / 1e6, frame });
  };
  for (let i = 0; i < count; i++) {
    send(link.a, numbered(i));
    clock.advance(gapMs);
  }
  clock.advance(10_000);
  return { link, arrived, numbers: arrived.map(({ number }) => number), clock };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test("without impairments a frame can be read at once, in order, unchanged, both ways", () => {
  const link = memoryLink();
  for (const [from, to] of [[link.a, link.b], [link.b, link.a]] as const) {
    const frames = [numbered(1), numbered(2, 1400), numbered(3, 1)];
    for (const frame of frames) assert.equal(send(from, frame), true);
    assert.deepEqual(receive(to), frames);
    assert.equal(to.readInto(new Uint8Array(10), 0, 10), 0);
  }
  assert.equal(link.a.stats.outFrames, 3);
  assert.equal(link.b.stats.inFrames, 3);
  assert.equal(link.stats.aToB.delivered, 3);
  assert.equal(link.nextDeadline(), undefined);
});

test("a frame gathered from any parts is the concatenation of the parts", () => {
  const link = memoryLink({ mtu: 65535 });
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 300, maxLength: 300 }), fc.array(fc.tuple(fc.nat(199), fc.nat(100)), { minLength: 1, maxLength: 6 }), (memory, parts) => {
      const expected = parts.flatMap(([ptr, length]) => [...memory.subarray(ptr, ptr + length)]);
      if (expected.length === 0) return;
      link.a.write(memory, Int32Array.from([99, 99, ...parts.flat()]), 2, parts.length);
      assert.deepEqual(receive(link.b).map((frame) => [...frame]), [expected]);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test("the bytes are copied at the write: changing the sender's memory later changes nothing", () => {
  const link = memoryLink();
  const frame = numbered(5);
  send(link.a, frame);
  frame.fill(0);
  assert.equal(numberOf(receive(link.b)[0] as Uint8Array), 5);
});

test("readInto cuts at the capacity, says the whole length, and writes nothing beyond", () => {
  const link = memoryLink();
  const frame = numbered(1);
  send(link.a, frame);
  const target = new Uint8Array(50).fill(0xee);
  assert.equal(link.b.readInto(target, 10, 20), frame.length);
  assert.deepEqual(target.subarray(10, 30), frame.subarray(0, 20));
  assert.ok(target.subarray(30).every((byte) => byte === 0xee));
});

test("a full queue tells the sender to wait, and tells it when there is room", () => {
  const link = memoryLink({ queueFrames: 3 });
  let writable = 0;
  link.a.onWritable = () => writable++;
  for (let i = 0; i < 3; i++) assert.equal(send(link.a, numbered(i)), true);
  assert.equal(send(link.a, numbered(3)), false);
  assert.equal(link.a.stats.outBusy, 1);
  const buffer = new Uint8Array(2000);
  link.b.readInto(buffer, 0, 2000);
  assert.equal(writable, 1);
  link.b.readInto(buffer, 0, 2000);
  assert.equal(writable, 1);
  assert.equal(send(link.a, numbered(3)), true);
  assert.deepEqual(receive(link.b).map(numberOf), [2, 3]);
});

test("with whenFull drop the queue loses frames instead, and counts them", () => {
  const link = memoryLink({ queueFrames: 3, whenFull: "drop" });
  for (let i = 0; i < 5; i++) assert.equal(send(link.a, numbered(i)), true);
  assert.deepEqual(receive(link.b).map(numberOf), [0, 1, 2]);
  assert.equal(link.stats.aToB.overflow, 2);
});

test("a frame above the MTU is dropped and counted, one of exactly the MTU passes", () => {
  const link = memoryLink({ mtu: 576 });
  send(link.a, new Uint8Array(576 + 14));
  send(link.a, new Uint8Array(576 + 15));
  assert.deepEqual(receive(link.b).map((frame) => frame.length), [590]);
  assert.equal(link.stats.aToB.oversize, 1);
  const jumbo = memoryLink({ mtu: 65535 });
  send(jumbo.a, new Uint8Array(65535 + 14));
  assert.equal(receive(jumbo.b)[0]?.length, 65549);
});

test("a delay holds each frame for exactly that long, and the link says when the next arrives", () => {
  const clock = new VirtualClock();
  const link = memoryLink({ clock, delayMs: 20 });
  send(link.a, numbered(0));
  clock.advance(5);
  send(link.b, numbered(1));
  assert.equal(link.nextDeadline(), 20e6);
  clock.advance(14.999);
  assert.deepEqual(receive(link.b), []);
  clock.advance(0.001);
  assert.equal(receive(link.b).length, 1);
  assert.equal(link.nextDeadline(), 25e6);
  clock.advance(5);
  assert.equal(receive(link.a).length, 1);
  assert.equal(link.nextDeadline(), undefined);
});

test("jitter varies the delay and keeps the order", () => {
  const { arrived, numbers } = transfer({ delayMs: 20, jitterMs: 15, seed: 3 }, 200, 1);
  assert.deepEqual(numbers, upTo(200));
  const delays = arrived.map(({ at }, i) => at - i);
  assert.ok(Math.min(...delays) >= 5 && Math.max(...delays) > 30);
  assert.ok(Math.max(...delays) - Math.min(...delays) > 10);
});

test("reordering lets later frames overtake, and loses none", () => {
  const { link, numbers } = transfer({ reorder: 0.2, reorderMs: 10, seed: 5 }, 300, 1);
  assert.notDeepEqual(numbers, upTo(300));
  assert.deepEqual([...numbers].sort((x, y) => x - y), upTo(300));
  const inversions = numbers.filter((number, i) => i > 0 && number < (numbers[i - 1] as number)).length;
  assert.ok(inversions > 20 && link.stats.aToB.reordered > 30, `${inversions} of ${link.stats.aToB.reordered}`);
});

test("a rate spaces the frames by their length on the line", () => {
  const length = numbered(0).length;
  const { arrived } = transfer({ rateBitsPerSecond: length * 8 * 100 }, 4);
  assert.deepEqual(arrived.map(({ at }) => Math.round(at)), [10, 20, 30, 40]);
});

test("loss and duplication hit their share of the frames, and the statistics say which", () => {
  const { link, numbers } = transfer({ loss: 0.1, duplicate: 0.05, seed: 11 }, 5000, 0.01);
  const { frames, lost, duplicated, delivered } = link.stats.aToB;
  assert.equal(frames, 5000);
  assert.ok(Math.abs(lost - 500) < 75, `lost ${lost}`);
  assert.ok(Math.abs(duplicated - 225) < 60, `duplicated ${duplicated}`);
  assert.equal(delivered, 5000 - lost + duplicated);
  assert.equal(numbers.length, delivered);
  assert.equal(new Set(numbers).size, 5000 - lost);
});

test("loss 1 delivers nothing, and neither end is told to wait", () => {
  const { link, numbers } = transfer({ loss: 1 }, 2000);
  assert.deepEqual(numbers, []);
  assert.equal(link.stats.aToB.busy, 0);
});

test("corruption flips exactly one bit of the IPv4 packet, never of the Ethernet header or of the padding", () => {
  const clock = new VirtualClock();
  const link = memoryLink({ clock, corrupt: 1, seed: 17 });
  const positions = new Set<number>();
  for (let i = 0; i < 2000; i++) {
    const frame = new Uint8Array(80);
    frame.set(tcpFrame({ seq: i }));
    send(link.a, frame);
    const [seen] = receive(link.b) as [Uint8Array];
    const flipped: number[] = [];
    for (let at = 0; at < seen.length; at++) {
      const difference = (seen[at] as number) ^ (frame[at] as number);
      for (let bit = 0; bit < 8; bit++) if (difference & (0x80 >> bit)) flipped.push(at * 8 + bit);
    }
    assert.equal(flipped.length, 1);
    positions.add(flipped[0] as number);
    const decoded = decodeFrame(seen.subarray(0, 54));
    assert.ok(decoded.problem !== undefined || decoded.ip?.checksumValid === false || decoded.tcp?.checksumValid === false, "a flipped bit that no checksum sees");
  }
  assert.equal(Math.min(...positions), 14 * 8);
  assert.equal(Math.max(...positions), 54 * 8 - 1);
  send(link.a, arpFrame(1));
  assert.deepEqual(receive(link.b), [arpFrame(1)]);
  assert.equal(link.stats.aToB.corrupted, 2000);
});

test("the same seed gives the same run, another seed another", () => {
  const options = { loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.1, delayMs: 5, jitterMs: 3, rateBitsPerSecond: 1e6 };
  const run = (seed: number) => transfer({ ...options, seed }, 300, 0.5).arrived.map(({ number, at, frame }) => `${number}@${at}:${Buffer.from(frame).toString("hex")}`);
  assert.deepEqual(run(1), run(1));
  assert.notDeepEqual(run(1), run(2));
});

test("the directions draw their fates apart: traffic one way does not change the other's", () => {
  const run = (talkative: boolean) => {
    const clock = new VirtualClock();
    const link = memoryLink({ clock, loss: 0.3, seed: 9 });
    for (let i = 0; i < 100; i++) {
      send(link.a, numbered(i));
      if (talkative) send(link.b, numbered(i));
    }
    return receive(link.b).map(numberOf);
  };
  assert.deepEqual(run(true), run(false));
});

test("the hook sees every frame, its direction and its fate", () => {
  const clock = new VirtualClock();
  const seen: [string, number, FrameFate][] = [];
  const onFrame: MemoryLinkOptions["onFrame"] = (direction, frame, fate) => seen.push([direction, frame.length === 0 ? -1 : numberOf(frame), fate]);
  const link = memoryLink({ clock, loss: 0.5, delayMs: 10, seed: 2, onFrame });
  for (let i = 0; i < 40; i++) send(link.a, numbered(i));
  send(link.b, new Uint8Array(3000));
  assert.deepEqual(seen.slice(0, 40).map(([direction, number]) => [direction, number]), upTo(40).map((i) => ["aToB", i]));
  const lost = seen.filter(([, , fate]) => fate.kind === "lost").length;
  assert.equal(lost, link.stats.aToB.lost);
  assert.ok(seen.filter(([, , fate]) => fate.kind === "passed").every(([, , fate]) => fate.dueNs === 10e6));
  assert.deepEqual(seen.at(-1)?.[2].kind, "oversize");
});

test("a closed end reads nothing, loses what is sent to it, and the other end goes on", () => {
  const clock = new VirtualClock();
  const link = memoryLink({ clock, delayMs: 1 });
  send(link.a, numbered(1));
  link.b.close();
  link.b.close();
  clock.advance(10);
  assert.deepEqual(receive(link.b), []);
  for (let i = 0; i < 3000; i++) assert.equal(send(link.a, numbered(2)), true);
  assert.equal(send(link.b, numbered(3)), true);
  assert.equal(link.b.stats.dropped, 1);
  assert.deepEqual(receive(link.a), []);
});

test("a reader that comes late is told of the frames that wait", () => {
  const link = memoryLink();
  send(link.a, numbered(1));
  let told = 0;
  link.b.onReadable = () => told++;
  assert.equal(told, 1);
});

test("options out of range are refused with the option, the value and what was expected", () => {
  const cases: [MemoryLinkOptions, RegExp][] = [
    [{ mtu: 67 }, /mtu is 67; expected an integer from 68 to 65535/],
    [{ mtu: 1500.5 }, /mtu is 1500\.5/],
    [{ loss: 1.1 }, /loss is 1\.1; expected a probability from 0 to 1/],
    [{ corrupt: Number.NaN }, /corrupt is NaN/],
    [{ delayMs: -1 }, /delayMs is -1; expected milliseconds/],
    [{ queueFrames: 0 }, /queueFrames is 0; expected frames from 1/],
    [{ rateBitsPerSecond: -5 }, /rateBitsPerSecond is -5/],
    [{ seed: "x" as unknown as number }, /seed is x; expected a 32-bit integer/],
    [{ whenFull: "explode" as "drop" }, /whenFull is explode; expected "backpressure" or "drop"/],
    [{ macs: ["02:00:00:00:00:01", "03:00:00:00:00:02"] }, /MAC is "03:00:00:00:00:02"; expected .* unicast/],
  ];
  for (const [options, message] of cases) assert.throws(() => memoryLink(options), (error: Error) => error instanceof RangeError && message.test(error.message), JSON.stringify(options));
});

test("on the system's clock a delayed frame arrives by itself", async () => {
  const link = memoryLink({ delayMs: 1 });
  const arrived = new Promise<void>((resolve) => {
    link.b.onReadable = resolve;
  });
  send(link.a, numbered(1));
  await arrived;
  assert.equal(receive(link.b).length, 1);
  link.close();
});
