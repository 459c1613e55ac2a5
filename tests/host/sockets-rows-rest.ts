/** Chapter N, what is known of a connection, and the provider's own rules above what the system allows. */
import assert from "node:assert/strict";
import * as E from "../../host/abi/errors.gen.ts";
import { CAPABILITY_ACKS, CAPABILITY_PAUSED_SEEN, CAPABILITY_RESET_SEEN, CAPABILITY_STATE } from "../../host/abi/sockets.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { descriptorOf, KERNEL, kernelEntry, kernelState } from "./sockets-peers.ts";
import { IPPROTO_TCP, RawSocket, TCP_NODELAY } from "./sockets-raw.ts";
import { FIN, MIB, type RowCheck } from "./sockets-rows-ends.ts";
import { type Scene, turns } from "./sockets-scene.ts";
import { LOCALHOST } from "./sockets-stack.ts";
import { until } from "./sockets-support.ts";

async function resetBehindData(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  const event = t.watch(s, W.FD_CLOSE);
  peer.send(new Uint8Array(5000));
  peer.reset();
  if (!t.can(s, CAPABILITY_RESET_SEEN)) {
    assert.equal(await t.readAll(s), 5000, "then what looks like an end");
    await t.closes(s, "unknown");
    return;
  }
  assert.deepEqual(await t.events(s, event), { FD_CLOSE: E.WSAECONNRESET });
  // V-15: what was not read is gone.
  assert.equal(t.spi.recvError(s), E.WSAECONNRESET);
  await t.closes(s, "resetByPeer");
}

/** Nobody reads, and FIN and reset are known all the same: the core takes in what the kernel has. */
async function seenUnread(t: Scene): Promise<void> {
  const ended = await t.connected();
  ended.peer.send(new Uint8Array(1000));
  ended.peer.finish();
  await until("1000 unread", () => t.spi.unread(ended.s) === 1000);
  await until("the FIN", () => t.spi.state(ended.s) === "CLOSE_WAIT");
  const reset = await t.accepted();
  const event = t.watch(reset.s, W.FD_CLOSE);
  reset.peer.send(new Uint8Array(1000));
  await until("1000 unread", () => t.spi.unread(reset.s) === 1000);
  reset.peer.reset();
  assert.deepEqual(await t.events(reset.s, event), { FD_CLOSE: E.WSAECONNRESET });
  // Above the high-water mark reading pauses, and only the kernel can tell.
  const paused = await t.connected();
  const news = t.watch(paused.s, W.FD_CLOSE);
  paused.peer.send(new Uint8Array(2 * MIB));
  await turns(50);
  assert.ok((kernelEntry(t.portOf(paused.s), paused.peer.port)?.unread ?? 0) > 0, "reading has paused");
  const seen = t.can(paused.s, CAPABILITY_PAUSED_SEEN);
  paused.peer.reset();
  if (seen) assert.deepEqual(await t.events(paused.s, news), { FD_CLOSE: E.WSAECONNRESET });
  else {
    await turns(50);
    assert.equal(t.spi.isSet(news), false);
    let bytes = 0;
    await until("the reset, by reading", () => {
      const chunk = t.spi.recv(paused.s);
      bytes += chunk?.length ?? 0;
      return t.spi.isSet(news);
    });
    assert.ok(bytes < 2 * MIB);
  }
}

async function unacknowledged(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  const outstanding = (): number => t.spi.getOption(s, W.SOL_LASTACK, W.LSO_OUTSTANDING) | 0;
  t.fill(s, MIB);
  await turns(20);
  const before = outstanding();
  t.spi.shutdown(s, W.SD_SEND);
  const reading = peer.read();
  if (t.can(s, CAPABILITY_ACKS)) {
    assert.ok(before > 0 && before < MIB, `${before} bytes`);
    await until("all acknowledged", () => outstanding() === 0);
  } else assert.equal(before, -1);
  assert.deepEqual(await reading, FIN(MIB));
  await t.part(s, peer);
}

async function states(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  const known = t.can(s, CAPABILITY_STATE);
  const both = (): string[] => [t.spi.state(s), t.spi.tcpInfoState(s)];
  assert.deepEqual(both(), ["ESTABLISHED", "ESTABLISHED"]);
  t.fill(s, 16 * MIB);
  t.spi.shutdown(s, W.SD_SEND);
  await turns(20);
  // RFC 9293 §3.10.4: from the call on, although the FIN waits behind bytes.
  assert.deepEqual(both(), ["FIN_WAIT_1", "FIN_WAIT_1"]);
  await peer.read();
  await until("FIN_WAIT2", () => kernelState(t.portOf(s), peer.port) === KERNEL.FIN_WAIT2);
  // The host looks at the kernel when it looks at all: the core hears a little later.
  const after = known ? "FIN_WAIT_2" : "FIN_WAIT_1";
  await until(after, () => both().every((state) => state === after));
  // The kernel keeps an entry for this end, and calls its socket closed: the core knows who ended first.
  const port = t.portOf(s);
  peer.finish();
  await t.readAll(s);
  await until("TIME_WAIT", () => kernelState(port, peer.port) === KERNEL.TIME_WAIT);
  if (known) assert.deepEqual(both(), ["TIME_WAIT", "TIME_WAIT"]);
  const other = await t.accepted();
  other.peer.finish();
  await t.readAll(other.s);
  assert.deepEqual([t.spi.state(other.s), t.spi.tcpInfoState(other.s)], ["CLOSE_WAIT", "CLOSE_WAIT"]);
}

async function rejected(t: Scene): Promise<void> {
  const { s, port } = t.listening();
  const peer = t.keep(await t.kind.connect(port));
  await t.blocking("the condition", () => t.spi.accept(s, 1));
  assert.equal(t.spi.err, E.LASTACK_CONDITION);
  assert.equal(t.spi.raw("acceptDecide", s, W.CF_REJECT), 0);
  t.spi.accept(s, 1);
  assert.equal(t.spi.err, E.WSAECONNREFUSED);
  assert.deepEqual(await peer.read(), { bytes: 0, end: "reset" });
}

async function portRules(t: Scene): Promise<void> {
  const theirs = await t.listener();
  assert.equal(t.spi.bind(t.spi.socket(), LOCALHOST, theirs.port), E.WSAEADDRINUSE, "the system's answer");
  const [first, second, exclusive] = [t.spi.socket(), t.spi.socket(), t.spi.socket()];
  assert.equal(t.spi.bind(first, LOCALHOST, 0), 0);
  const port = t.portOf(first);
  assert.equal(t.spi.bind(second, LOCALHOST, port), E.WSAEADDRINUSE);
  t.spi.setOption(second, W.SOL_SOCKET, W.SO_REUSEADDR, 1);
  assert.equal(t.spi.bind(second, LOCALHOST, port), E.WSAEACCES);
  t.spi.setOption(exclusive, W.SOL_SOCKET, W.SO_EXCLUSIVEADDRUSE, 1);
  assert.equal(t.spi.bind(exclusive, LOCALHOST, port), E.WSAEADDRINUSE);
  assert.equal(t.spi.close(first), 0);
  assert.equal(t.spi.bind(exclusive, LOCALHOST, port), 0);
  assert.equal(t.spi.listen(exclusive), 0);
  const peer = t.keep(await t.kind.connect(port));
  const s = await t.blocking("accept", () => t.spi.accept(exclusive));
  await t.part(s, peer);
}

async function allOrNothing(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  t.spi.nonblocking(s);
  const event = t.watch(s, W.FD_WRITE);
  assert.deepEqual(await t.events(s, event), { FD_WRITE: 0 });
  let sent = 0;
  for (let full = 0; full < 20; ) {
    const n = t.spi.send(s, 30_000);
    assert.ok(n === 30_000 || (n === -1 && t.spi.err === E.WSAEWOULDBLOCK), `${n} of 30000 taken, error ${t.spi.err}`);
    full = n > 0 ? 0 : full + 1;
    if (n > 0) sent += n;
    await turns(1);
  }
  assert.equal(t.spi.isSet(event), false);
  const reading = peer.read();
  assert.deepEqual(await t.events(s, event), { FD_WRITE: 0 });
  assert.equal(t.spi.send(s, 30_000), 30_000);
  t.spi.shutdown(s, W.SD_SEND);
  assert.deepEqual(await reading, FIN(sent + 30_000));
  await t.part(s, peer);
}

async function options(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  const fd = descriptorOf(t.portOf(s), peer.port);
  const keepsAlive = (): boolean => kernelEntry(t.portOf(s), peer.port)?.timer === 2;
  assert.equal(keepsAlive(), false);
  assert.equal(t.spi.setOption(s, W.SOL_SOCKET, W.SO_KEEPALIVE, 1), 0);
  await until("the keep-alive timer", keepsAlive);
  for (const on of [1, 0]) {
    assert.equal(t.spi.setOption(s, W.IPPROTO_TCP, W.TCP_NODELAY, on), 0);
    assert.equal(new RawSocket(fd).option(IPPROTO_TCP, TCP_NODELAY), on);
  }
  assert.equal(t.spi.setOption(s, W.SOL_SOCKET, W.SO_KEEPALIVE, 0), 0);
  await until("no keep-alive timer", () => !keepsAlive());
  await t.part(s, peer);
}

async function datagrams(t: Scene): Promise<void> {
  const peer = await t.kind.datagrams();
  const s = t.spi.socket("udp");
  assert.equal(t.spi.bind(s, LOCALHOST, 0), 0);
  t.spi.nonblocking(s);
  const received = async (): Promise<string> => {
    let got: ReturnType<typeof t.spi.recvFrom>;
    await until("a datagram", () => {
      got = t.spi.recvFrom(s);
      return got !== undefined;
    });
    return Buffer.from(got?.data ?? []).toString();
  };
  assert.equal(t.spi.sendTo(s, "one", LOCALHOST, peer.port), 0);
  await until("one datagram", () => peer.received() === 1);
  peer.send("two", t.portOf(s));
  assert.equal(await received(), "two");
  assert.equal(t.spi.shutdown(s, W.SD_SEND), 0);
  assert.equal(t.spi.sendTo(s, "three", LOCALHOST, peer.port), E.WSAESHUTDOWN);
  peer.send("four", t.portOf(s));
  assert.equal(await received(), "four");
  assert.equal(t.spi.shutdown(s, W.SD_RECEIVE), 0);
  assert.equal(t.spi.recvFrom(s), undefined);
  assert.equal(t.spi.err, E.WSAESHUTDOWN);
  // An unreachable port is an error of a connected socket.
  const connected = t.spi.socket("udp");
  t.spi.nonblocking(connected);
  await peer.close();
  assert.equal(t.spi.connect(connected, LOCALHOST, peer.port), 0);
  await until("10054", () => {
    t.spi.send(connected, "anybody?");
    return t.spi.recv(connected) === undefined && t.spi.err === E.WSAECONNRESET;
  });
}

async function urgent(t: Scene): Promise<void> {
  const { s, peer } = await t.connected();
  const event = t.watch(s, W.FD_OOB);
  assert.equal(t.spi.send(s, "!", W.MSG_OOB), -1);
  assert.equal(t.spi.err, E.WSAEOPNOTSUPP);
  assert.equal(t.spi.recvError(s, 1, W.MSG_OOB), E.WSAEOPNOTSUPP);
  t.spi.select(s, 0, 0);
  t.spi.shutdown(s, W.SD_SEND);
  assert.deepEqual(await peer.read(), FIN(0));
  assert.equal(t.spi.isSet(event), false);
}

export const REST: Readonly<Record<string, RowCheck>> = {
  "N-09": { check: resetBehindData },
  "N-10": { check: seenUnread },
  "N-22": { check: unacknowledged },
  "N-23": { check: states },
  "N-26": { check: rejected },
  "N-27": { check: portRules },
  "N-28": { check: allOrNothing },
  "N-30": { check: options },
  "N-31": { check: datagrams },
  "N-32": { check: urgent },
};
