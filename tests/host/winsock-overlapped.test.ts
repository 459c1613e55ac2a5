/** Overlapped operations, completion ports and the extension functions: what faults put into the core on purpose (tests/mutants) must not get past. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import { TF_REUSE_SOCKET } from "../../host/abi/overlapped.gen.ts";
import { SD_SEND, SO_KEEPALIVE, SO_SNDBUF, SO_UPDATE_ACCEPT_CONTEXT, SOL_SOCKET } from "../../host/abi/winsock.gen.ts";
import type { CoreConfig } from "../../host/core/index.ts";
import { memoryLink } from "../../host/device/index.ts";
import { World } from "../../host/driver/index.ts";
import { Overlaps } from "../semantics/support/overlapped.ts";
import { Provider } from "../semantics/support/provider.ts";
import { A, B, PORT } from "./support/pair.ts";
import { coreModule } from "./support/spi.ts";

interface Two {
  readonly world: World;
  readonly a: Provider;
  readonly b: Provider;
  /** Operations of a's sockets. */
  readonly o: Overlaps;
}

async function two(config: CoreConfig = {}): Promise<Two> {
  const world = new World({ seed: 1 });
  const link = memoryLink({ clock: world.clock, delayMs: 20 });
  const module = await coreModule();
  const a = new Provider(module, world, link.a, `${A}/24`, config);
  const b = new Provider(module, world, link.b, `${B}/24`, config);
  for (const one of [a, b]) assert.equal(one.startup(), 0);
  return { world, a, b, o: new Overlaps(a) };
}

/** And a connection from s on a to t on b. */
async function joined(config?: CoreConfig): Promise<Two & { s: number; t: number }> {
  const made = await two(config);
  const { a, b } = made;
  const listener = b.listener(PORT);
  const s = a.socket();
  assert.equal(a.until(() => a.connect(s, B, PORT)), 0);
  return { ...made, s, t: b.until(() => b.accept(listener)) };
}

test("a completion routine and a completion port exclude each other: 10022", async () => {
  const { o, s } = await joined();
  o.port(s);
  assert.equal(o.recv(s, 0, 100, { routine: 1 }), 10022);
  assert.equal(o.recv(s, 0, 100), 997);
});

test("an operation that has to wait resets its event object, and its end sets it", async () => {
  const { world, a, b, o, s, t } = await joined();
  const event = a.raw("WSACreateEvent") >>> 0;
  a.pokeWord(event, 0);
  const isSet = (): boolean => a.raw("WSAWaitForMultipleEvents", 1, a.scratch, 0) === 0;
  assert.equal(a.raw("WSASetEvent", event), 1);
  assert.ok(isSet());
  assert.equal(o.recv(s, 0, 100, { event }), 997);
  assert.ok(!isSet());
  assert.equal(b.send(t, "now"), 3);
  world.runFor(100);
  assert.ok(isSet());
  assert.equal(o.result(s), "completion:0:3");
});

test("a port gives its packets in the order in which they came, emptied or not in between", async () => {
  const { a, o } = await two();
  const port = a.call("CreateIoCompletionPort", 0xffffffff, 0, 0, 0) >>> 0;
  const post = (n: number): void => void assert.equal(a.call("PostQueuedCompletionStatus", port, n, 7, 64), 1);
  post(1);
  post(2);
  assert.equal(o.packet(port), "completion:0:1");
  post(3);
  assert.equal(o.packet(port), "completion:0:2");
  assert.equal(o.packet(port), "completion:0:3");
  assert.equal(o.packet(port), "none");
  post(4);
  assert.equal(o.packet(port), "completion:0:4");
});

test("a socket is tied to one port: 87 for a second", async () => {
  const { a, o, s } = await joined();
  const port = o.port(s);
  assert.equal(a.call("CreateIoCompletionPort", s, 0, 2, 0), 0);
  assert.equal(a.err, 87);
  assert.equal(a.call("CreateIoCompletionPort", s, port, 2, 0), 0);
  assert.equal(a.err, 87);
});

test("C-37: close ends a send whose bytes are handed over with success", async () => {
  const { a, o, s } = await joined();
  assert.equal(a.setOption(s, SOL_SOCKET, SO_SNDBUF, 0), 0);
  assert.equal(o.send(s, 0, 300), 997);
  assert.equal(o.record(), "none");
  assert.equal(a.close(s), 0);
  assert.equal(o.record(), "completion:0:300");
});

test("C-35: AcceptEx ends with 995 when the socket it was to accept with is closed, and the listener takes the next", async () => {
  const { world, a, b, o } = await two();
  const listener = a.listener(PORT);
  const [first, second] = [a.socket(), a.socket()];
  assert.equal(o.accept(listener, first), "0/997");
  assert.equal(o.accept(listener, second, 1), "0/997");
  assert.equal(a.close(first), 0);
  assert.equal(o.record(), "completion:995:0");
  const s = b.socket();
  assert.equal(b.until(() => b.connect(s, A, PORT)), 0);
  world.runFor(100);
  assert.equal(o.record(1), "completion:0:0");
});

test("CancelIoEx ends the operation it is told of and no other", async () => {
  const { world, a, b, o, s, t } = await joined();
  for (const k of [0, 1, 2]) assert.equal(o.recv(s, k), 997);
  assert.equal(a.call("CancelIoEx", s, o.at(1)), 1);
  assert.deepEqual([0, 1, 2].map((k) => o.result(s, k)), ["none", "completion:995:0", "none"]);
  assert.equal(b.send(t, "first"), 5);
  world.runFor(100);
  assert.deepEqual([0, 2].map((k) => o.result(s, k)), ["completion:0:5", "none"]);
});

test("AcceptEx with room for data waits for the first bytes", async () => {
  const { world, a, b, o } = await two();
  const listener = a.listener(PORT);
  assert.equal(o.accept(listener, a.socket(), 0, 100), "0/997");
  const s = b.socket();
  assert.equal(b.until(() => b.connect(s, A, PORT)), 0);
  world.runFor(100);
  assert.equal(o.record(), "none");
  assert.equal(b.send(s, "hello"), 5);
  world.runFor(100);
  assert.equal(o.record(), "completion:0:5");
  assert.equal(o.text(0, 5), "hello");
});

test("an accepted socket takes over the listener's options with SO_UPDATE_ACCEPT_CONTEXT (O-35)", async () => {
  const { world, a, b, o } = await two();
  const listener = a.listener(PORT);
  assert.equal(a.setOption(listener, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
  const t = a.socket();
  assert.equal(o.accept(listener, t), "0/997");
  const s = b.socket();
  assert.equal(b.until(() => b.connect(s, A, PORT)), 0);
  world.runFor(100);
  assert.equal(o.record(), "completion:0:0");
  assert.equal(a.getOption(t, SOL_SOCKET, SO_KEEPALIVE), 0);
  assert.equal(a.setOption(t, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, listener), 0);
  assert.equal(a.getOption(t, SOL_SOCKET, SO_KEEPALIVE), 1);
});

test("ConnectEx wants a bound socket: 10022", async () => {
  const { a, b, o } = await two();
  b.listener(PORT);
  const s = a.socket();
  assert.equal(o.connect(s, B, PORT), "0/10022");
  assert.equal(a.bind(s, "0.0.0.0", 0), 0);
  assert.equal(o.connect(s, B, PORT), "0/997");
});

test("D-28: a handle is free for reuse when TIME_WAIT is over, not before", async () => {
  const { world, a, b, o, s, t } = await joined({ timeWaitMs: 5_000 });
  assert.equal(o.disconnect(s, 0, TF_REUSE_SOCKET), "0/997");
  world.runFor(100);
  assert.equal(b.close(t), 0);
  world.runFor(1_000);
  assert.equal(a.state(s), "TIME_WAIT");
  assert.equal(o.result(s), "none");
  world.runFor(5_000);
  assert.equal(o.result(s), "completion:0:0");
});

test("WSPGetOverlappedResult waits where fWait says so, and answers 996 where not", async () => {
  const { a, o, s } = await joined();
  assert.equal(o.recv(s), 997);
  const ask = (wait: number): number => {
    assert.equal(a.call("WSPGetOverlappedResult", s, o.at(0), a.scratch, wait, a.scratch + 4), 0);
    return a.err;
  };
  assert.equal(ask(0), 996);
  assert.equal(ask(1), LASTACK_WAIT);
});

test("S-35: a FIN stands behind an overlapped send that waits for room", async () => {
  const { world, a, b, o, s, t } = await joined({ sendBuffer: 2_048, recvBuffer: 2_048 });
  assert.equal(a.nonblocking(s), 0);
  assert.equal(a.send(s, 10_000), 10_000, "an empty queue takes any send");
  assert.equal(o.send(s, 0, 500), 997);
  assert.equal(a.shutdown(s, SD_SEND), 0);
  let got = 0;
  for (let part = b.until(() => b.recv(t)); part && part.length > 0; part = b.until(() => b.recv(t))) got += part.length;
  assert.equal(got, 10_500);
  world.runFor(100);
  assert.equal(o.result(s), "completion:0:500");
});
