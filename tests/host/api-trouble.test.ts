/** Connections in trouble that go on (RFC 9293 §3.8.3, §3.9.1.8): who hears of it, and what IP is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createStack, type Knobs, memoryLink, type Socket, type Trouble, World } from "../../host/index.ts";
import { partsLength } from "../../host/device/index.ts";
import { bytes, connectPair, pattern, socketError } from "./api-support.ts";

const ARP = 0x0806;

/** A connection from the right stack to the left one, which is deaf once cut() was called; ARP requests of the right one are counted then. */
async function cuttable(knobs: Knobs = {}, peers: Knobs = knobs) {
  const seen = { cut: false, arp: 0 };
  const world = new World({ seed: 1 });
  const link = memoryLink({
    clock: world.clock,
    delayMs: 1,
    onFrame: (direction, frame) => {
      if (direction === "bToA" && seen.cut && ((frame[12] as number) << 8 | (frame[13] as number)) === ARP) seen.arp++;
    },
  });
  const common = { runtime: world, limits: { maxSockets: 64 } };
  const left = await createStack({ ...common, knobs: peers, devices: [link.a], addresses: ["10.0.0.1/24"] });
  const right = await createStack({ ...common, knobs, devices: [link.b], addresses: ["10.0.0.2/24"] });
  const run = <T>(promise: Promise<T>): Promise<T> => world.settle(promise, 900_000);
  const server = await left.listen({ port: 7000 });
  const [, socket] = await run(Promise.all([server.accept(), right.connect({ address: "10.0.0.1", port: 7000 })]));
  const cut = (): void => {
    seen.cut = true;
    link.a.readInto = () => 0;
  };
  return { world, right, socket, seen, cut, run };
}

test("MUST-20, SHLD-9: after R1 retransmissions the neighbour is asked again and the program is told", async () => {
  const { right, world, socket, seen, cut, run } = await cuttable();
  const told: Trouble[] = [];
  socket.ontrouble = (trouble) => told.push(trouble);
  cut();
  await run(socket.write(bytes("lost")));
  world.runFor(1300);
  assert.deepEqual([told, seen.arp, right.stats().tcpNegativeAdvice], [[], 0, 0], "two retransmissions");
  world.runFor(300);
  assert.deepEqual(told, [{ code: "ETIMEDOUT", wsa: 10060, timeouts: 3 }]);
  assert.deepEqual([seen.arp, right.stats().tcpNegativeAdvice], [1, 1]);
  world.runFor(20_000);
  assert.ok(seen.arp >= 3, `${seen.arp} ARP requests: the entry is given up`);
  assert.equal(told[1]?.code, "EHOSTUNREACH");
});

test("MUST-20: adviceRetries is R1", async () => {
  const { right, world, socket, cut, run } = await cuttable({ adviceRetries: 1 });
  cut();
  await run(socket.write(bytes("lost")));
  world.runFor(700);
  assert.equal(right.stats().tcpNegativeAdvice, 1);
});

test("MUST-22: a SYN that is not answered is treated the same", async () => {
  const { right, world, cut } = await cuttable({ adviceRetries: 2 });
  cut();
  const attempt = right.connect({ address: "10.0.0.1", port: 7001 }).catch((error: unknown) => error);
  world.runFor(1500);
  assert.equal(right.stats().tcpNegativeAdvice, 0);
  world.runFor(2000);
  assert.equal(right.stats().tcpNegativeAdvice, 1);
  world.runFor(200_000);
  assert.match(String(await attempt), /10065|10060/);
});

test("SHLD-20: without a callback nobody is told, and a callback can be taken back", async () => {
  const { world, socket, cut, run } = await cuttable();
  let told = 0;
  socket.ontrouble = () => void told++;
  socket.ontrouble = null;
  cut();
  await run(socket.write(bytes("lost")));
  world.runFor(30_000);
  assert.equal(told, 0);
  assert.throws(() => { socket.ontrouble = 3 as never; }, /ontrouble/);
});

test("MUST-21: setUserTimeout is R2 of one connection", async () => {
  const { world, socket, cut, run } = await cuttable();
  socket.setUserTimeout(5000);
  assert.throws(() => socket.setUserTimeout(0), RangeError);
  cut();
  await run(socket.write(bytes("lost")));
  const read = socket.read();
  read.catch(() => {});
  world.runFor(4900);
  assert.equal(socket.state, "ESTABLISHED");
  world.runFor(200);
  assert.equal(socket.state, "CLOSED");
  await assert.rejects(run(read), socketError("ECONNABORTED", 10053, "read"));
});

test("RFC 1191 §6.3, RFC 4821: behind a black hole a larger segment is tried every pathAgeMs, which costs little while it is there and helps once it is gone", async () => {
  const world = new World({ seed: 1 });
  const link = memoryLink({ clock: world.clock, delayMs: 5 });
  let most = 1200;
  const write = link.b.write.bind(link.b);
  link.b.write = (memory, parts, first, count) => partsLength(parts, first, count) > most || write(memory, parts, first, count);
  const common = { runtime: world, limits: { maxSockets: 8 }, knobs: { pathAgeMs: 300_000 } };
  const left = await createStack({ ...common, devices: [link.a], addresses: ["10.0.0.1/24"] });
  const right = await createStack({ ...common, devices: [link.b], addresses: ["10.0.0.2/24"] });
  const run = <T>(promise: Promise<T>): Promise<T> => world.settle(promise, 900_000);
  const server = await left.listen({ port: 7000 });
  const [accepted, socket] = await run(Promise.all([server.accept(), right.connect({ address: "10.0.0.1", port: 7000 })]));
  /** What 300 kB cost: [segment size afterwards, timeouts, recoveries]. */
  const carry = async (): Promise<[number, number, number]> => {
    const data = pattern(300_000), before = right.stats();
    let got = 0;
    await run(Promise.all([socket.write(data), (async () => {
      while (got < data.length) {
        const part = (await accepted.read()) as Uint8Array;
        assert.deepEqual(Buffer.from(part), Buffer.from(data.subarray(got, got + part.length)));
        got += part.length;
      }
    })()]));
    world.runFor(1000);
    const after = right.stats();
    return [socket.info().mss, after.tcpTimeouts - before.tcpTimeouts, after.tcpFastRetrans - before.tcpFastRetrans];
  };
  const [size, timeouts] = await carry();
  assert.deepEqual([size, right.stats().tcpBlackHoles], [1024, 1]);
  assert.ok(timeouts >= 3, `${timeouts} timeouts`);
  assert.deepEqual(await carry(), [1024, 0, 0], "not tried yet");
  world.runFor(300_000);
  assert.deepEqual(await carry(), [1024, 0, 1], "tried once, and repaired without a timeout");
  assert.deepEqual(await carry(), [1024, 0, 0], "not again before its time");
  most = 65535;
  assert.deepEqual(await carry(), [1024, 0, 0]);
  world.runFor(300_000);
  assert.deepEqual(await carry(), [1448, 0, 0]);
  assert.deepEqual([right.stats().tcpBlackHoles, left.stats().tcpBlackHoles], [1, 0]);
});

test("RFC 5482: a connection adapts to the user timeout its peer tells, unless its program set one", async () => {
  for (const [knobs, prepare, lasts] of [
    // The peer keeps text for the stack's 120 s and says so; we would for 101 s.
    [{ userTimeoutOption: true, userTimeoutMs: 101_000 }, () => {}, 120_000],
    [{ userTimeoutOption: false, userTimeoutMs: 101_000 }, () => {}, 101_000],
    [{ userTimeoutOption: true, userTimeoutMs: 101_000 }, (s: Socket) => s.setUserTimeout(50_000), 50_000],
    [{ userTimeoutOption: true, userTimeoutMs: 101_000 }, (s: Socket) => s.setUserTimeoutOption({ enabled: true, changeable: false }), 101_000],
    [{ userTimeoutOption: true, userTimeoutMs: 101_000, userTimeoutMostMs: 110_000 }, () => {}, 110_000],
    [{ userTimeoutOption: true, userTimeoutMs: 101_000, userTimeoutLeastMs: 130_000 }, () => {}, 130_000],
  ] as const) {
    const { world, socket, cut, run } = await cuttable(knobs, { userTimeoutOption: true });
    prepare(socket);
    cut();
    await run(socket.write(bytes("lost")));
    socket.read().catch(() => {});
    world.runFor(lasts - 1500);
    assert.equal(socket.state, "ESTABLISHED", JSON.stringify(knobs));
    world.runFor(3000);
    assert.equal(socket.state, "CLOSED", JSON.stringify(knobs));
  }
});

test("RFC 5482: the option is checked", async () => {
  const { socket } = await cuttable();
  assert.throws(() => socket.setUserTimeoutOption({ enabled: 1 as never }), /options.enabled/);
  assert.throws(() => socket.setUserTimeoutOption({ enabled: true, changeable: "no" as never }), /options.changeable/);
  assert.throws(() => socket.setUserTimeoutOption({ enabled: true, advertise: 3 } as never), /advertise/);
});

test("MUST-48, MUST-49: setPacketOptions marks the packets", async () => {
  const marks: string[] = [];
  const { world, socket, run } = await connectPair({
    link: { onFrame: (direction, frame) => void (direction === "bToA" && frame.length > 40 && marks.push(`${frame[15]}/${frame[22]}`)) },
  });
  marks.length = 0;
  socket.setPacketOptions({ ttl: 9, diffServ: 184 });
  await run(socket.write(bytes("marked")));
  world.runFor(100);
  assert.deepEqual([...new Set(marks)], ["184/9"]);
  assert.throws(() => socket.setPacketOptions({ ttl: 0 }), RangeError);
  assert.throws(() => socket.setPacketOptions({ diffServ: 256 }), RangeError);
});
