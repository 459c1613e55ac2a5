/** Which congestion control a connection has: by its socket, its listener, its stack; and what comes of it, in virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_FEATURES, FEATURE_CUBIC } from "../../host/abi/config.gen.ts";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { CONGESTION_CUBIC, CONGESTION_NEWRENO, LSO_CONGESTION } from "../../host/abi/sockets.gen.ts";
import { SD_SEND, SOL_LASTACK } from "../../host/abi/winsock.gen.ts";
import { pair } from "./support/pair.ts";

const RENO_STACK = (DEFAULT_FEATURES & ~FEATURE_CUBIC) >>> 0;
const BYTES = 600_000;
const PORT = 7000;
/** Losses enough for the window to be reduced several times. */
const WIRE = { loss: 0.02, delayMs: 20, rateBitsPerSecond: 100_000_000 };

/** Milliseconds that 600 kB take from a to b; `passive`: the sender was accepted, and the option set on its listener. */
async function transfer(features: number, option: number | undefined, passive: boolean): Promise<number> {
  const p = await pair({ config: { features }, link: WIRE, seed: 3 });
  const [sender, other] = passive ? [p.b, p.a] : [p.a, p.b];
  const listener = p.b.listener(PORT);
  const s = p.a.socket();
  if (option !== undefined) assert.equal(sender.setOption(passive ? listener : s, SOL_LASTACK, LSO_CONGESTION, option), 0);
  assert.equal(p.a.until(() => p.a.connect(s, "10.0.0.2", PORT)), 0);
  const t = p.b.until(() => p.b.accept(listener));
  const [from, to] = passive ? [t, s] : [s, t];
  if (option !== undefined) assert.equal(sender.getOption(from, SOL_LASTACK, LSO_CONGESTION), option);
  const start = p.world.nowMs;
  let [sent, got] = [0, 0];
  const write = (): void => {
    while (sent < BYTES) {
      const n = sender.send(from, new Uint8Array(Math.min(30_000, BYTES - sent)));
      if (n < 0) {
        assert.equal(sender.err, LASTACK_WAIT);
        return;
      }
      sent += n;
    }
    sender.shutdown(from, SD_SEND);
  };
  const read = (): void => {
    for (let part = other.recv(to); part && part.length > 0; part = other.recv(to)) got += part.length;
  };
  write();
  read();
  const done = p.world.runUntil(() => {
    if (sender.wakes.length > 0 && sent < BYTES) { sender.wakes.length = 0; write(); }
    if (other.wakes.length > 0) { other.wakes.length = 0; read(); }
    return got === BYTES;
  }, 600_000);
  assert.ok(done, `${got} bytes`);
  return p.world.nowMs - start;
}

test("LSO_CONGESTION: 0 until it is set, NewReno or CUBIC, refused otherwise", async () => {
  const { a } = await pair();
  const s = a.socket();
  assert.equal(a.getOption(s, SOL_LASTACK, LSO_CONGESTION), 0);
  for (const algorithm of [CONGESTION_CUBIC, CONGESTION_NEWRENO, 0]) {
    assert.equal(a.setOption(s, SOL_LASTACK, LSO_CONGESTION, algorithm), 0);
    assert.equal(a.getOption(s, SOL_LASTACK, LSO_CONGESTION), algorithm);
  }
  for (const wrong of [3, 256, 0xffffffff]) assert.equal(a.setOption(s, SOL_LASTACK, LSO_CONGESTION, wrong), 10022, String(wrong));
  assert.equal(a.setOption(s, SOL_LASTACK, LSO_CONGESTION, 1, 3), 10014);
  assert.equal(a.setOption(a.socket("udp"), SOL_LASTACK, LSO_CONGESTION, 1), 10042);
});

test("the socket's choice counts before the stack's: opened and accepted connections behave as in a stack of that default", async () => {
  for (const passive of [false, true]) {
    const [cubic, reno] = [await transfer(DEFAULT_FEATURES, undefined, passive), await transfer(RENO_STACK, undefined, passive)];
    assert.ok(cubic < reno, `CUBIC, the default, takes ${cubic} ms; NewReno ${reno} ms`);
    assert.equal(await transfer(DEFAULT_FEATURES, CONGESTION_NEWRENO, passive), reno);
    assert.equal(await transfer(RENO_STACK, CONGESTION_CUBIC, passive), cubic);
  }
});
