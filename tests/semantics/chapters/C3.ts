/** Closing with operations, messages and completion ports around. */
import assert from "node:assert/strict";
import { FD_READ } from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { SLOW } from "../support/closing.ts";
import { connected, hosts, PORT } from "../support/hosts.ts";
import { messagesOf } from "../support/messages.ts";
import { Overlaps } from "../support/overlapped.ts";
import { bytesOf } from "../support/provider.ts";
import { backlog, callIn } from "../support/situations.ts";

const WINDOW = 0x50001;
const MESSAGE = 0x401;

row("C-28", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "news");
  p.run(100);
  // The message is posted in the call and pulled after the close.
  assert.equal(p.a.code("WSPAsyncSelect", p.s, WINDOW, MESSAGE, FD_READ), 0);
  t.code(p.a.close(p.s));
  p.run(100);
  const seen = messagesOf(p.a, p.s);
  t.own(seen.length === 1 ? (seen[0] as string) : `${seen.length} messages`);
});

row("C-32", async (t) => {
  const p = await connected(t, SLOW);
  const ov = new Overlaps(p.a);
  const event = p.a.event();
  assert.equal(ov.recv(p.s, 0, 100, { event }), 997);
  assert.equal(p.a.isSet(event), false);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(10);
  assert.equal(p.a.isSet(event), true);
  t.own(ov.record());
  t.wire(p.log, p.since(mark));
  t.state(p.wireState("a", p.port));
});

row("C-33", async (t) => {
  const { a } = await hosts(t);
  const ov = new Overlaps(a);
  const s = a.socket("udp");
  assert.equal(a.bind(s, "0.0.0.0", 5000), 0);
  assert.equal(ov.recvFrom(s), 997);
  t.code(a.close(s));
  t.own(ov.record());
});

row("C-34", async (t) => {
  const p = await hosts(t);
  const ov = new Overlaps(p.a);
  const listener = p.a.listener(PORT);
  const port = ov.port(listener);
  assert.equal(ov.accept(listener, p.a.socket()), "0/997");
  t.code(p.a.close(listener));
  p.run(100);
  t.own(ov.packet(port));
  t.own(ov.packet(port));
});

row("C-35", async (t) => {
  const p = await hosts(t);
  const ov = new Overlaps(p.a);
  const listener = p.a.listener(PORT);
  const acceptor = p.a.socket();
  const port = ov.port(listener);
  assert.equal(ov.accept(listener, acceptor, 0, 100), "0/997");
  callIn(p);
  p.run(100);
  assert.equal(ov.packet(port), "none");
  const mark = p.mark();
  t.code(p.a.close(acceptor));
  p.run(100);
  t.own(ov.packet(port));
  t.wire(p.log, p.since(mark));
});

row("C-36", async (t) => {
  const p = await hosts(t);
  const ov = new Overlaps(p.a);
  const listener = p.a.listener(PORT);
  const acceptor = p.a.socket();
  const port = ov.port(listener);
  assert.equal(ov.accept(listener, acceptor, 0, 100), "0/997");
  const s = callIn(p);
  p.b.send(s, "hello");
  p.run(100);
  t.code(p.a.close(acceptor));
  t.own(ov.packet(port));
});

row("C-37", async (t) => {
  const { p, amount } = await backlog(t);
  const ov = new Overlaps(p.a);
  assert.equal(ov.send(p.s, 0, "never"), 997);
  t.code(p.a.close(p.s));
  t.own(ov.record());
  const { bytes } = p.b.drain(p.t, amount);
  assert.ok(p.world.runUntil(() => p.finSent("a", p.port), 10_000), "no FIN was sent");
  t.state(p.wireState("a", p.port));
  t.peerBytes(bytes, bytesOf(amount));
  p.run(1000);
  assert.equal(p.b.recv(p.t)?.length, 0, "nothing but the end follows");
});

row("C-38", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const port = ov.port(p.s);
  t.code(p.a.close(p.s));
  p.run(100);
  t.own(ov.packet(port));
});
