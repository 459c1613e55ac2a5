/** ICMP against TCP (RFC 5927): errors that quote nothing outstanding do nothing, others are soft. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { POLICY_ICMP_HARD, POLICY_ICMP_SOFT } from "../../host/abi/config.gen.ts";
import { LSO_ERROR_REPORTS } from "../../host/abi/sockets.gen.ts";
import { SOL_LASTACK } from "../../host/abi/winsock.gen.ts";
import { ACK, attack, type Attack, forge, forgeIcmp, knock } from "./support/attacker.ts";

const PEER = "192.0.2.1";
const PORT = 80;
const SPORT = 5000;

/** An accepted connection with `outstanding` bytes in flight, and the sequence number of the first of them. */
async function established(outstanding: number, config = {}): Promise<{ a: Attack; s: number; una: number }> {
  const a = await attack({ config });
  const listener = a.victim.listener(PORT);
  const answer = knock(a, { from: PEER, sport: SPORT, dport: PORT, seq: 100, options: [2, 4, 5, 180] });
  assert.ok(answer);
  a.send(forge({ from: PEER, sport: SPORT, dport: PORT, flags: ACK, seq: 101, ack: answer.seq + 1 }));
  a.world.runFor(1);
  const s = a.victim.accept(listener);
  if (outstanding) assert.equal(a.victim.send(s, outstanding), outstanding);
  a.world.runFor(1);
  a.heard();
  return { a, s, una: (answer.seq + 1) >>> 0 };
}

const quote = (seq: number) => ({ sport: PORT, dport: SPORT, seq });

test("soft errors are told and end nothing: destination unreachable 0, 1, 5, time exceeded, parameter problem", async () => {
  for (const [type, code, told] of [[3, 0, 10051], [3, 1, 10065], [3, 5, 10065], [11, 0, 0], [12, 0, 0]] as const) {
    const { a, s, una } = await established(100);
    assert.equal(a.victim.setOption(s, SOL_LASTACK, LSO_ERROR_REPORTS, 1), 0);
    a.send(forgeIcmp(type, code, PEER, quote(una)));
    a.world.runFor(5);
    assert.equal(a.victim.state(s), "ESTABLISHED", `${type}/${code}`);
    assert.deepEqual(a.victim.troubles.map(({ error }) => error), told ? [told] : [], `${type}/${code}`);
    a.send(forge({ from: PEER, sport: SPORT, dport: PORT, flags: ACK, seq: 101, ack: una + 100 }));
    a.world.runFor(5);
    assert.equal(a.victim.send(s, 10), 10);
  }
});

test("a hard error ends an attempt, and a connection only by policy", async () => {
  for (const policy of [0, POLICY_ICMP_HARD]) {
    for (const code of [2, 3]) {
      const { a, s, una } = await established(100, { policy });
      a.send(forgeIcmp(3, code, PEER, quote(una)));
      a.world.runFor(5);
      assert.equal(a.victim.state(s), policy ? "CLOSED" : "ESTABLISHED", `code ${code}, policy ${policy}`);
    }
  }
  for (const policy of [0, POLICY_ICMP_SOFT]) {
    const a = await attack({ config: { policy } });
    const s = a.victim.socket();
    a.victim.connect(s, PEER, 443);
    a.world.runFor(5);
    const syn = a.heard().find((frame) => frame.tcp?.flags.syn)?.tcp;
    assert.ok(syn);
    a.send(forgeIcmp(3, 3, PEER, { sport: syn.sourcePort, dport: 443, seq: syn.seq }));
    a.world.runFor(5);
    assert.equal(a.victim.state(s), policy ? "SYN_SENT" : "CLOSED", `policy ${policy}`);
  }
});

test("an error that quotes a sequence number not outstanding is no error of ours", async () => {
  const { a, s, una } = await established(100, { policy: POLICY_ICMP_HARD });
  for (const seq of [una - 1, una + 100, una + 0x7fffffff, una - 100_000]) a.send(forgeIcmp(3, 3, PEER, quote(seq >>> 0)));
  for (const wrong of [{ sport: PORT, dport: SPORT + 1, seq: una }, { sport: PORT + 1, dport: SPORT, seq: una }]) a.send(forgeIcmp(3, 3, PEER, wrong));
  a.send(forgeIcmp(3, 3, "192.0.2.9", quote(una)));
  a.world.runFor(5);
  assert.equal(a.victim.state(s), "ESTABLISHED");
});

test("fragmentation needed: 0, 68 and more than the segment cost no more than a floor, and a forged flood sends nothing again and again", async () => {
  const { a, s, una } = await established(14_600);
  for (const mtu of [68, 0, 65535, 1, 552]) a.send(forgeIcmp(3, 4, PEER, quote(una), mtu));
  a.world.runFor(1);
  const again = a.heard().filter((frame) => (frame.tcp?.payloadLength ?? 0) > 0);
  assert.ok(again.every((frame) => (frame.tcp?.payloadLength ?? 0) <= 512), "smaller segments");
  assert.ok(again.every((frame) => (frame.tcp?.payloadLength ?? 0) >= 500 || frame.tcp?.flags.psh), "not below the floor");
  const sent = again.length;
  for (let i = 0; i < 500; i++) a.send(forgeIcmp(3, 4, PEER, quote(una), 552));
  a.world.runFor(1);
  assert.equal(a.heard().filter((frame) => (frame.tcp?.payloadLength ?? 0) > 0).length, 0, `after ${sent} the same news is none`);
  assert.equal(a.victim.state(s), "ESTABLISHED");
});

test("errors about connections in TIME_WAIT, closed or never made are passed over", async () => {
  const { a } = await established(0);
  for (let i = 0; i < 1000; i++) a.send(forgeIcmp(3, i % 16, `192.0.2.${i & 255}`, { sport: PORT, dport: 1000 + i, seq: i }));
  a.world.runFor(5);
  assert.equal(a.heard().length, 0);
});
