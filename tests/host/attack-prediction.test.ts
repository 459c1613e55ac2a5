/** What an outsider may predict: nothing of sequence numbers and ports (RFC 6528, RFC 6056), nothing of identifications (RFC 7739). Fixed seeds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACK, attack, type Attack, knock, RST, forge } from "./support/attacker.ts";

const PEERS = 1000;
const PORT = 80;
/** RFC 9293 §3.4.1: a tick every 4 microseconds. */
const TICKS_PER_MS = 250;

/** Chi-squared of `values`, each in [0, 1), over 16 classes: 15 degrees of freedom. */
function chiSquared(values: readonly number[]): number {
  const seen = new Array<number>(16).fill(0);
  for (const value of values) seen[Math.floor(value * 16)] = (seen[Math.floor(value * 16)] as number) + 1;
  const expected = values.length / 16;
  return seen.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}
/** Below this lie 99.9 % of uniform samples. */
const CHI_LIMIT = 37.7;

/** Correlation of each value with the next. */
function serial(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  let top = 0;
  let bottom = 0;
  values.forEach((value, i) => {
    bottom += (value - mean) ** 2;
    if (i > 0) top += (value - mean) * ((values[i - 1] as number) - mean);
  });
  return top / bottom;
}

/** ISNs of SYN,ACKs to `PEERS` peers, all at one time of the clock; half-open connections are reset at once. */
function numbers(a: Attack, who: (i: number) => { from: string; sport: number }): number[] {
  const found: number[] = [];
  for (let i = 0; i < PEERS; i++) {
    const at = a.world.nowMs;
    const answer = knock(a, { ...who(i), dport: PORT, seq: 1 });
    assert.ok(answer, `no SYN,ACK for ${JSON.stringify(who(i))}`);
    found.push((answer.seq - Math.trunc(at) * TICKS_PER_MS) >>> 0);
    a.send(forge({ ...who(i), dport: PORT, flags: RST, seq: 2 }));
    a.world.runFor(1);
  }
  return found;
}

async function listening(seed: number): Promise<Attack> {
  const a = await attack({ seed });
  a.victim.listener(PORT, 16);
  return a;
}

test(`initial sequence numbers of 1,000 peers are uniform and unrelated (RFC 6528), for neighbouring addresses and neighbouring ports`, async () => {
  const kinds = [
    (i: number) => ({ from: `192.0.${2 + (i >> 8)}.${i & 255}`, sport: 5000 }),
    (i: number) => ({ from: "203.0.113.9", sport: 5000 + i }),
  ];
  for (const who of kinds) {
    for (const seed of [1, 2, 3]) {
      const isns = numbers(await listening(seed), who);
      assert.equal(new Set(isns).size, PEERS, `seed ${seed}: two are the same`);
      const parts = isns.map((n) => n / 2 ** 32);
      const low = isns.map((n) => (n & 0xffff) / 65536);
      const steps = isns.slice(1).map((n, i) => ((n - (isns[i] as number)) >>> 0) / 2 ** 32);
      const figures = [chiSquared(parts), chiSquared(low), chiSquared(steps)];
      console.log(`ISN, seed ${seed}: chi-squared ${figures.map((x) => x.toFixed(1)).join(", ")} of at most ${CHI_LIMIT}; serial correlation ${serial(parts).toFixed(3)}`);
      for (const figure of figures) assert.ok(figure < CHI_LIMIT, `seed ${seed}: chi-squared ${figure}`);
      assert.ok(Math.abs(serial(parts)) < 0.12, `seed ${seed}: serial correlation ${serial(parts)}`);
    }
  }
});

test("initial sequence numbers of one four-tuple follow the clock (RFC 9293 MUST-8): 250,000 a second", async () => {
  const a = await listening(7);
  const peer = { from: "192.0.2.7", sport: 6000 };
  const first = knock(a, { ...peer, dport: PORT, seq: 1 });
  a.send(forge({ ...peer, dport: PORT, flags: RST, seq: 2 }));
  a.world.runFor(10_000);
  const second = knock(a, { ...peer, dport: PORT, seq: 1 });
  assert.ok(first && second);
  const gain = (second.seq - first.seq) >>> 0;
  assert.ok(Math.abs(gain - 2_500_000) < 1000, `${gain} in ten seconds`);
});

test("another run with another secret has other numbers (RFC 9293 MUST-9)", async () => {
  const who = (i: number) => ({ from: `192.0.2.${i & 255}`, sport: 5000 + (i >> 8) });
  const [one, two, again] = await Promise.all([11, 12, 11].map(async (seed) => numbers(await listening(seed), who)));
  assert.deepEqual(one, again, "the same secret gives the same numbers");
  const offsets = new Set((one as number[]).map((n, i) => (n - ((two as number[])[i] as number)) >>> 0));
  assert.ok(offsets.size > PEERS - 3, `${offsets.size} differences among ${PEERS}`);
});

test("a cookie tells no more than any other sequence number", async () => {
  for (const seed of [1, 2, 3]) {
    const a = await attack({ seed, config: { synCookies: 2 } });
    a.victim.listener(PORT, 16);
    const isns = numbers(a, (i) => ({ from: "203.0.113.9", sport: 5000 + i })).map((n) => n / 2 ** 32);
    assert.ok(chiSquared(isns) < CHI_LIMIT, `seed ${seed}: chi-squared ${chiSquared(isns)}`);
    assert.ok(Math.abs(serial(isns)) < 0.12, `seed ${seed}: serial correlation ${serial(isns)}`);
  }
});

test("ports of our own connections (RFC 6056 §3.3.5): spread over the dynamic range, no step predicts the next, no peer sees another's", async () => {
  for (const seed of [1, 2, 3]) {
    const a = await attack({ seed, config: { maxSockets: 64 } });
    const ports = new Map<string, number[]>();
    for (let i = 0; i < 400; i++) {
      for (const peer of ["192.0.2.1", "192.0.2.2"]) {
        const s = a.victim.socket();
        a.victim.connect(s, peer, 443);
        a.world.runFor(1);
        const port = a.heard().find((frame) => frame.tcp?.flags.syn)?.tcp?.sourcePort;
        assert.ok(port !== undefined && port >= 49152, `port ${port}`);
        ports.set(peer, [...(ports.get(peer) ?? []), port]);
        a.victim.abort(s);
        a.victim.close(s);
        a.world.runFor(1);
      }
    }
    const [one, two] = [...ports.values()] as [number[], number[]];
    const steps = one.slice(1).map((port, i) => (port - (one[i] as number) + 16384) % 16384);
    assert.equal(new Set(one).size, one.length, `seed ${seed}: a port was used twice in 400`);
    const kinds = new Map<number, number>();
    for (const step of steps) kinds.set(step, (kinds.get(step) ?? 0) + 1);
    const likeliest = Math.max(...kinds.values()) / steps.length;
    const between = new Set(one.map((port, i) => (port - (two[i] as number) + 16384) % 16384)).size;
    console.log(`ports, seed ${seed}: the likeliest step has ${(likeliest * 100).toFixed(1)} %, ${between} distances between two peers' ports`);
    // Two random steps of 1 to 16 lie between two connections to one peer: the likeliest sum has 6.25 %.
    assert.ok(likeliest < 0.12, `seed ${seed}: a guess of the next port is right in ${(likeliest * 100).toFixed(1)} %`);
    assert.ok(Math.abs((one[0] as number) - (two[0] as number)) > 32, "two peers see ports of their own");
  }
});

test("identifications of IP packets (RFC 7739): none in TCP, unrelated between peers in UDP", async () => {
  const a = await attack();
  const s = a.victim.socket("udp");
  a.victim.bind(s, "0.0.0.0", 5353);
  const found = new Map<string, number[]>();
  for (let i = 0; i < 200; i++) {
    for (const peer of ["192.0.2.1", "198.51.100.1"]) {
      a.victim.sendTo(s, "x", peer, 9);
      a.world.runFor(1);
      for (const frame of a.heard()) if (frame.ip && frame.udp) found.set(frame.ip.destination, [...(found.get(frame.ip.destination) ?? []), frame.ip.identification]);
    }
  }
  const [one, two] = [...found.values()] as [number[], number[]];
  const steps = new Set(one.slice(1).map((id, i) => (id - (one[i] as number)) & 0xffff));
  assert.ok(steps.size >= 6, `${steps.size} different steps`);
  assert.ok(new Set(one.map((id, i) => (id - (two[i] as number)) & 0xffff)).size > 20, "one peer's say something about another's");
  a.victim.listener(PORT, 4);
  a.send(forge({ sport: 1, dport: PORT, flags: ACK, seq: 1, ack: 1 }));
  a.world.runFor(1);
  assert.equal(a.heard().find((frame) => frame.tcp)?.ip?.identification, 0, "an atomic datagram (RFC 6864 §4.1)");
});

test("a cookie brings back that the peer permits SACK, and only then", async () => {
  for (const permits of [true, false]) {
    const a = await attack({ config: { synCookies: 2 } });
    const listener = a.victim.listener(PORT, 16);
    const peer = { from: "192.0.2.7", sport: 6000, dport: PORT };
    const stamps = (val: number, ecr: number): number[] => [1, 1, 8, 10, 0, 0, 0, val, (ecr >>> 24) & 255, (ecr >>> 16) & 255, (ecr >>> 8) & 255, ecr & 255];
    const answer = knock(a, { ...peer, seq: 100, options: [2, 4, 5, 180, ...(permits ? [1, 1, 4, 2] : []), ...stamps(1, 0)] });
    const ecr = answer?.options?.timestamps?.[0];
    assert.ok(answer && ecr !== undefined);
    a.send(forge({ ...peer, flags: ACK, seq: 101, ack: answer.seq + 1, options: stamps(2, ecr) }));
    a.world.runFor(1);
    assert.notEqual(a.victim.accept(listener), 0xffffffff);
    a.heard();
    a.send(forge({ ...peer, flags: ACK, seq: 111, ack: answer.seq + 1, options: stamps(3, ecr), text: 10 }));
    a.world.runFor(1);
    assert.deepEqual(a.heard().find((frame) => frame.tcp)?.tcp?.options?.sack, permits ? [[111, 121]] : undefined);
  }
});
