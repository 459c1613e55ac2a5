/** What the simulation found: each finding as a test of its own, named after the behaviour. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SD_SEND } from "../../host/abi/winsock.gen.ts";
import { scripted } from "../sim/scripted.ts";
import { B, connected, pair } from "./support/pair.ts";

test("an old segment that acknowledges more does not let text beyond the window's right edge", async () => {
  const { world, a, peer, s } = await scripted(1000);
  const start = peer.rcvNxt;
  assert.equal(a.send(s, 5000), 5000);
  world.runFor(10);
  peer.take();
  const first = peer.sndNxt;
  // An ACK sent after the four bytes that are to come, which it has overtaken.
  peer.send("ACK", { seq: first + 4, ack: start, window: 1000 });
  world.runFor(1);
  peer.inbox.length = 0;
  // SND.WL1 says its window is old news; its acknowledgement is not.
  peer.send("ACK", { seq: first, ack: start + 536, window: 1000 - 536, data: "abcd" });
  world.runFor(1);
  const edge = Math.max(...peer.inbox.map(({ seq, data }) => seq - start + data.length), 0);
  assert.ok(edge <= 1000, `text up to ${edge}, the peer offered 1000`);
});

test("after an abort that sends no RST a receive answers 10053, not the end of the stream", async () => {
  const { world, a, b, s, t } = await connected({ link: { delayMs: 20 } });
  // Simultaneous close, and the peer's last bytes are unread here: CLOSING.
  assert.equal(b.send(t, 500), 500);
  assert.equal(b.shutdown(t, SD_SEND), 0);
  assert.equal(a.shutdown(s, SD_SEND), 0);
  world.runFor(25);
  assert.equal(a.state(s), "CLOSING");
  assert.equal(a.abort(s), 0);
  assert.equal(a.recvError(s), 10053);
  assert.equal(a.close(s), 0);
});

test("an ephemeral port another socket holds is passed over: 400 attempts to connect, no 10055", async () => {
  const { a, world } = await pair({ config: { maxSockets: 1024 } });
  const ports = new Set<string>();
  for (let i = 0; i < 400; i++) {
    const s = a.socket();
    assert.equal(a.nonblocking(s), 0);
    assert.equal(a.connect(s, B, 1000 + (i % 200)), 10035, `attempt ${i}`);
    ports.add(a.name(s));
  }
  assert.equal(ports.size, 400);
  world.runFor(10);
});

test("a hard close after an abort that sends no RST reports the abort", async () => {
  const { world, a, b, s, t } = await connected({ link: { delayMs: 20 } });
  assert.equal(b.shutdown(t, SD_SEND), 0);
  world.runFor(30);
  assert.equal(a.shutdown(s, SD_SEND), 0);
  world.runFor(5);
  assert.equal(a.state(s), "LAST_ACK");
  assert.equal(a.abort(s), 0);
  assert.equal(a.setLinger(s, 1, 0), 0);
  assert.equal(a.close(s), 0);
  world.runFor(100);
  assert.deepEqual(a.reports.map(({ outcome, cause }) => `${outcome} ${cause}`), ["aborted abort"]);
});
