/** Floods: what a stack holds and does under them is bounded, and who means it still gets through. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACK, attack, type Attack, forge, FIN, knock, PSH, RST, SYN } from "./support/attacker.ts";

const FLOOD = 100_000;
const PORT = 80;

const spoofed = (i: number): string => `198.${18 + ((i >> 16) & 1)}.${(i >> 8) & 255}.${i & 255}`;

/** A handshake and ten bytes from an honest host while the flood goes on. True if the bytes were read. */
function honest(a: Attack, listener: number, sport: number): boolean {
  const answer = knock(a, { from: "203.0.113.5", sport, dport: PORT, seq: 5000, options: [2, 4, 5, 180] });
  if (!answer) return false;
  a.send(forge({ from: "203.0.113.5", sport, dport: PORT, flags: ACK | PSH, seq: 5001, ack: answer.seq + 1, text: 10 }));
  a.world.runFor(1);
  const s = a.victim.accept(listener);
  const got = s === 0xffffffff ? undefined : a.victim.recv(s);
  if (s !== 0xffffffff) a.victim.abort(s);
  if (s !== 0xffffffff) a.victim.close(s);
  return got?.length === 10;
}

test(`SYN flood of ${FLOOD} spoofed addresses: honest connections open, memory stays what it was`, async () => {
  const a = await attack({ config: { maxSockets: 256 } });
  const listener = a.victim.listener(PORT, 128);
  const figures = (): { memory: number; buffers: number; connections: number } => {
    const { memoryBytes, bufferBytes, tcpCurrent } = a.victim.core.stats();
    return { memory: memoryBytes, buffers: bufferBytes, connections: tcpCurrent };
  };
  const before = figures();
  let opened = 0;
  let most = before;
  for (let i = 0; i < FLOOD; i++) {
    a.send(forge({ from: spoofed(i), sport: 1024 + (i % 60_000), dport: PORT, flags: SYN, seq: i * 7919, options: [2, 4, 5, 180] }));
    if (i % 64 === 63) a.world.runFor(1);
    if (i % 1000 === 999) {
      a.heard();
      if (honest(a, listener, 40_000 + (i - 999) / 1000)) opened++;
      const now = figures();
      if (now.connections + now.buffers > most.connections + most.buffers) most = now;
    }
  }
  const { tcpCookiesSent, tcpCookiesTaken, tcpListenDrops, tcpInSegs } = a.victim.core.stats();
  a.world.runFor(400_000);
  const after = figures();
  console.log(`SYN flood: before ${JSON.stringify(before)}, during at most ${JSON.stringify(most)}, after ${JSON.stringify(after)}; ` +
    `${tcpCookiesSent} cookies sent, ${tcpCookiesTaken} taken, ${tcpListenDrops} SYNs dropped, ${opened} of 100 honest connections opened`);
  assert.ok(tcpInSegs > FLOOD, `${tcpInSegs} segments`);
  assert.equal(opened, 100);
  assert.equal(most.memory, before.memory, "linear memory grew");
  assert.ok(most.connections <= 129 + 1, `${most.connections} control blocks`);
  assert.deepEqual(after, before);
});

test("the same without cookies: the cap holds, and the queue drains by itself", async () => {
  const a = await attack({ config: { maxSockets: 64, synCookies: 0 } });
  const listener = a.victim.listener(PORT, 16);
  for (let i = 0; i < 5000; i++) {
    a.send(forge({ from: spoofed(i), sport: 1024 + i, dport: PORT, flags: SYN, seq: i }));
    if (i % 64 === 63) a.world.runFor(1);
  }
  const stats = a.victim.core.stats();
  assert.equal(stats.tcpCurrent, 17);
  assert.ok(stats.tcpListenDrops >= 4900, `${stats.tcpListenDrops} dropped`);
  a.world.runFor(300_000);
  assert.equal(a.victim.core.stats().tcpCurrent, 1);
  assert.ok(honest(a, listener, 60_001));
});

test("tiny, which sends no cookies: a half-open connection gives way once its SYN,ACK was repeated in vain, not before, and never to a full queue", async () => {
  const a = await attack({ build: "tiny" });
  const listener = a.victim.listener(PORT, 2);
  const syn = (i: number): void => a.send(forge({ from: spoofed(i), sport: 2000 + i, dport: PORT, flags: SYN, seq: i }));
  const from = { from: "203.0.113.5", dport: PORT, seq: 5000 };
  for (const i of [0, 1]) syn(i);
  a.world.runFor(500);
  assert.equal(knock(a, { ...from, sport: 40_000 }), undefined, "both were young: their handshakes may yet be finished");
  a.world.runFor(1000);
  assert.ok(honest(a, listener, 40_001), "the oldest, unanswered for more than a second, gives way");
  assert.ok(honest(a, listener, 40_002));
  assert.ok(a.victim.core.stats().tcpListenDrops >= 2);
  // Two connections nobody accepts fill the queue, and those are somebody's.
  for (const sport of [40_003, 40_004]) {
    const answer = knock(a, { ...from, sport });
    assert.ok(answer, `${sport} is answered`);
    a.send(forge({ ...from, sport, flags: ACK, seq: 5001, ack: answer.seq + 1 }));
    a.world.runFor(5000);
  }
  assert.equal(knock(a, { ...from, sport: 40_005 }), undefined);
  for (const sport of [40_003, 40_004]) {
    const s = a.victim.accept(listener);
    assert.notEqual(s, 0xffffffff, `${sport} still waits to be accepted`);
    a.victim.abort(s);
    a.victim.close(s);
  }
});

test("a flood of ACKs, FINs and RSTs at a listener that sends cookies opens nothing", async () => {
  const a = await attack({ config: { maxSockets: 64, synCookies: 2 } });
  a.victim.listener(PORT, 16);
  knock(a, { sport: 1000, dport: PORT, seq: 1 });
  let random = 12345;
  for (let i = 0; i < 20_000; i++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    a.send(forge({ from: spoofed(i), sport: 1024 + (i % 60_000), dport: PORT, flags: [ACK, ACK | PSH, ACK | FIN, RST][i & 3] as number, seq: random, ack: random ^ 0x5a5a5a5a }));
    if (i % 64 === 63) {
      a.world.runFor(1);
      a.heard();
    }
  }
  const stats = a.victim.core.stats();
  assert.equal(stats.tcpCookiesTaken, 0);
  assert.ok(stats.tcpCookiesWrong > 10_000, `${stats.tcpCookiesWrong} refused`);
  assert.equal(stats.tcpCurrent, 1);
});

test("handshakes that are finished and never used: the accept queue is the bound", async () => {
  const a = await attack({ config: { maxSockets: 64 } });
  a.victim.listener(PORT, 16);
  for (let i = 0; i < 2000; i++) {
    const answer = knock(a, { from: spoofed(i), sport: 2000, dport: PORT, seq: 1 });
    if (answer) a.send(forge({ from: spoofed(i), sport: 2000, dport: PORT, flags: ACK, seq: 2, ack: answer.seq + 1 }));
  }
  a.world.runFor(10);
  assert.equal(a.victim.core.stats().tcpCurrent, 17);
  assert.equal(a.victim.core.stats().bufferBytes, 0);
});

test("connections opened and closed for ever: TIME_WAIT takes 64 bytes each and no control block", async () => {
  const a = await attack({ config: { maxSockets: 64, timeWaits: 500 } });
  const listener = a.victim.listener(PORT, 16);
  for (let i = 0; i < 1500; i++) {
    const sport = 2000 + i;
    const answer = knock(a, { sport, dport: PORT, seq: 1 });
    assert.ok(answer, `connection ${i}`);
    a.send(forge({ sport, dport: PORT, flags: ACK, seq: 2, ack: answer.seq + 1 }));
    a.world.runFor(1);
    a.victim.close(a.victim.accept(listener));
    a.world.runFor(1);
    a.send(forge({ sport, dport: PORT, flags: ACK | FIN, seq: 2, ack: answer.seq + 2 }));
    a.world.runFor(1);
  }
  const stats = a.victim.core.stats();
  console.log(`TIME_WAIT: ${stats.tcpTimeWaits} records of 64 bytes, ${stats.tcpTimeWaitsCut} gave way, ${stats.tcpCurrent} control block`);
  assert.deepEqual([stats.tcpCurrent, stats.tcpTimeWaits, stats.tcpTimeWaitsCut, stats.bufferBytes], [1, 500, 1000, 0]);
  a.world.runFor(240_001);
  assert.equal(a.victim.core.stats().tcpTimeWaits, 0);
});
