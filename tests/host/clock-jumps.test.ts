/** The clock jumps while connections live: after the jump everything that was due happens, nothing hangs, nothing is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SD_SEND } from "../../host/abi/winsock.gen.ts";
import { connected } from "./support/pair.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

/** Both programs do nothing for `ms`; the stacks are not polled in between, as when a machine sleeps. */
for (const [name, ms] of [["5 s", 5 * SECOND], ["1 h", HOUR], ["50 days", 50 * DAY]] as const) {
  test(`a jump of ${name} with data in flight: the transfer and the graceful close go on`, async () => {
    const { world, a, b, s, t } = await connected({ link: { delayMs: 10 } });
    assert.equal(a.send(s, 20_000), 20_000);
    world.clock.jump(ms);
    world.runFor(2_000);
    let got = 0;
    while (got < 20_000) {
      const part = b.until(() => b.recv(t));
      assert.ok(part && part.length > 0, `received ${got} bytes, then error ${b.err}`);
      got += part.length;
    }
    assert.equal(a.shutdown(s, SD_SEND), 0);
    assert.equal(b.until(() => b.recv(t))?.length, 0);
    assert.equal(b.close(t), 0);
    assert.equal(a.until(() => a.recv(s))?.length, 0);
    assert.equal(a.close(s), 0);
    assert.equal(a.report(s).outcome, "graceful");
    assert.equal(b.report(t).outcome, "graceful");
  });

  test(`a jump of ${name} in TIME_WAIT: it is over`, async () => {
    const { world, a, b, s, t } = await connected({ link: { delayMs: 10 } });
    assert.equal(a.shutdown(s, SD_SEND), 0);
    world.runFor(100);
    assert.equal(b.close(t), 0);
    assert.equal(a.until(() => a.recv(s))?.length, 0);
    assert.equal(a.state(s), "TIME_WAIT");
    assert.equal(a.close(s), 0);
    world.clock.jump(Math.max(ms, 300 * SECOND));
    world.runFor(1_000);
    assert.equal(a.raw("orphans"), 0, "nothing is left of the connection");
    assert.equal(a.core.stats().tcpTimeWaits, 0);
  });
}

test("an exchange across the 32-bit wrap of the millisecond clock", async () => {
  for (const before of [1, 50, 1_000]) {
    const { world, a, b, s, t } = await connected({ config: { timeOrigin: (2 ** 32 - 200 - before) >>> 0 }, link: { delayMs: 20, loss: 0.02 }, seed: before });
    for (let round = 0; round < 50; round++) {
      assert.equal(a.until(() => a.send(s, "ping")), 4);
      assert.equal(b.until(() => b.recv(t))?.length, 4);
      assert.equal(b.until(() => b.send(t, "pong")), 4);
      assert.equal(a.until(() => a.recv(s))?.length, 4);
    }
    assert.equal(a.setLinger(s, 1, 5), 0);
    assert.equal(a.until(() => a.close(s)), 0);
    assert.equal(a.report(s).outcome, "delivered");
    assert.equal(b.until(() => b.recv(t))?.length, 0);
    assert.equal(b.close(t), 0);
    assert.equal(b.report(t).outcome, "graceful");
    assert.ok(world.nowMs > 1_200, "the wrap lies behind us");
  }
});

test("a linger wait that spans the wrap expires at its time", async () => {
  const { world, a, b, s, t } = await connected({ config: { timeOrigin: (2 ** 32 - 1_000) >>> 0 } });
  // The peer never reads: its window shuts and the last bytes stay here.
  const sent = 2_000_000;
  for (let done = 0; done < sent; done += 25_000) { a.send(s, 25_000); world.runFor(1); }
  assert.equal(a.setLinger(s, 1, 3), 0);
  const start = world.nowMs;
  assert.equal(a.until(() => a.close(s)), 0);
  const took = world.nowMs - start;
  assert.ok(took >= 3_000 && took <= 3_100, `took ${took} ms`);
  assert.equal(a.report(s).outcome, "lingerExpired");
  world.runFor(100);
  assert.equal(b.recvError(t), 10054);
});

