/** Window messages (WSAAsyncSelect), and events that operations take away. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { connected, hosts, PORT } from "../support/hosts.ts";
import { messagesOf } from "../support/messages.ts";
import { Overlaps } from "../support/overlapped.ts";
import type { Provider } from "../support/provider.ts";
import { callIn, finByPeer, resetByPeer, watch } from "../support/situations.ts";

const { FD_ACCEPT, FD_CLOSE, FD_READ, FD_WRITE } = W;
const WINDOW = 0x50001;
const MESSAGE = 0x401;

const asyncSelect = (spi: Provider, s: number, mask: number): number => spi.code("WSPAsyncSelect", s, WINDOW, MESSAGE, mask);

row("E-05", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  t.code(asyncSelect(p.a, p.s, FD_READ));
  p.b.send(p.t, "news");
  p.run(100);
  const recorded = Object.keys(p.a.enumerate(p.s, event) ?? {});
  assert.deepEqual(messagesOf(p.a, p.s), ["FD_READ:0"]);
  assert.equal(p.a.text(p.s), "news");
  t.code(p.a.select(p.s, event, FD_READ));
  p.b.send(p.t, "more");
  p.run(100);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_READ: 0 });
  const cancelled = [...recorded, ...messagesOf(p.a, p.s)];
  t.own(cancelled.length === 0 ? "none" : cancelled.join("+"));
});

row("E-43", async (t) => {
  for (const end of [finByPeer, resetByPeer]) {
    const p = await connected(t);
    assert.equal(asyncSelect(p.a, p.s, FD_CLOSE), 0);
    end(p);
    const seen = messagesOf(p.a, p.s);
    t.own(seen.length === 1 ? `message:${seen[0]}` : `${seen.length} messages`);
  }
});

row("E-56", async (t) => {
  const p = await connected(t);
  const ov = new Overlaps(p.a);
  const event = watch(p.a, p.s, FD_READ);
  assert.equal(ov.recv(p.s), 997);
  p.b.send(p.t, "bytes");
  p.run(100);
  t.own(p.a.enumerate(p.s, event));
  assert.equal(ov.result(p.s), "completion:0:5");
});

row("E-73", async (t) => {
  const p = await hosts(t);
  const ov = new Overlaps(p.a);
  const listener = p.a.listener(PORT);
  const event = watch(p.a, listener, FD_ACCEPT);
  assert.equal(ov.accept(listener, p.a.socket()), "0/997");
  callIn(p);
  p.run(100);
  t.own(p.a.enumerate(listener, event));
  assert.equal(ov.result(listener), "completion:0:0");
});

row("E-75", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "news");
  p.run(100);
  // Posted in the first call, pulled after the second.
  assert.equal(asyncSelect(p.a, p.s, FD_READ), 0);
  assert.equal(asyncSelect(p.a, p.s, 0), 0);
  p.run(100);
  const seen = messagesOf(p.a, p.s);
  p.a.recv(p.s);
  p.b.send(p.t, "more");
  p.run(100);
  assert.deepEqual(messagesOf(p.a, p.s), []);
  t.own(seen.length === 1 ? `message:${seen[0]}` : `${seen.length} messages`);
});

row("E-76", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "news");
  p.run(100);
  assert.equal(asyncSelect(p.a, p.s, FD_READ | FD_WRITE), 0);
  p.run(100);
  for (const message of messagesOf(p.a, p.s)) t.own(`message:${message}`);
});
