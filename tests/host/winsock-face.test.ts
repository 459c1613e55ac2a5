/** lastack/winsock: Winsock's names over the provider, on a memory link in real time (nothing here waits for a timer). */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as W from "../../host/winsock/index.ts";
import { type WinsockPair, winsockPair } from "./support/winsock-pair.ts";

const { AF_INET, IPPROTO_TCP, IPPROTO_UDP, SD_SEND, SO_LINGER, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } = W;
const PORT = 6000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const pair = (): Promise<WinsockPair> => winsockPair(SOCK_STREAM, PORT);

test("calls answer as Winsock's do, and the last error is set and cleared", async () => {
  const { a, s, end } = await pair();
  assert.equal(a.shutdown(s, 7), -1);
  assert.equal(a.WSAGetLastError(), W.WSAEINVAL);
  assert.equal(a.shutdown(s, SD_SEND), 0);
  assert.equal(a.WSAGetLastError(), 0);
  assert.equal(await a.send(s, bytes("x")), -1);
  assert.equal(a.WSAGetLastError(), W.WSAESHUTDOWN);
  assert.equal(a.socket(AF_INET, 99, 0), W.INVALID_SOCKET);
  assert.equal(a.WSAGetLastError(), W.WSAESOCKTNOSUPPORT);
  assert.equal(await a.closesocket(12345), -1);
  assert.equal(a.WSAGetLastError(), W.WSAENOTSOCK);
  end();
});

test("a worker is refused: calls answer in the thread that makes them", async () => {
  await assert.rejects(W.createWinsock({ worker: true }), { name: "TypeError", message: /^worker is true; expected false/ });
});

test("a receive that waits does not hold up another call on the same socket", async () => {
  const { a, b, s, t, end } = await pair();
  const into = new Uint8Array(100);
  const waiting = a.recv(s, into);
  const other = new Uint8Array(100);
  const second = a.recv(s, other);
  assert.equal(await b.send(t, bytes("one")), 3);
  const first = await Promise.race([waiting, second]);
  assert.equal(first, 3);
  assert.equal(await b.send(t, bytes("four")), 4);
  assert.equal((await waiting) + (await second), 7);
  end();
});

test("a megabyte in one blocking send, then the graceful close and its report", async () => {
  const { a, b, s, t, end } = await pair();
  const data = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7) >> 3);
  const sending = a.send(s, data).then(() => a.setsockopt(s, SOL_SOCKET, SO_LINGER, { l_onoff: 1, l_linger: 20 })).then(() => a.closesocket(s));
  const got = new Uint8Array(data.length);
  let n = 0;
  const part = new Uint8Array(50_000);
  for (let k = await b.recv(t, part); k > 0; k = await b.recv(t, part)) { got.set(part.subarray(0, k), n); n += k; }
  assert.equal(n, data.length);
  assert.ok(Buffer.from(got).equals(Buffer.from(data)));
  assert.equal(await sending, 0);
  assert.equal((await a.closeReport(s)).outcome, "delivered");
  assert.equal(await b.closesocket(t), 0);
  assert.equal((await b.closeReport(t)).outcome, "graceful");
  end();
});

test("select, WSAPoll and event objects see data and the end", async () => {
  const { a, b, s, t, end } = await pair();
  const event = a.WSACreateEvent();
  const sets = { read: [s], write: [s] };
  assert.equal(await a.select(sets, 0), 1);
  assert.deepEqual(sets, { read: [], write: [s] });
  const polling = a.WSAPoll([{ fd: s, events: W.POLLRDNORM, revents: 0 }], -1);
  await b.send(t, bytes("data"));
  assert.equal(await polling, 1);
  assert.equal(a.WSAEventSelect(s, event, W.FD_READ | W.FD_CLOSE), 0);
  assert.equal(await a.WSAWaitForMultipleEvents([event], false, 1000), 0);
  const events: W.NetworkEvents = { lNetworkEvents: 0, iErrorCode: [] };
  assert.equal(a.WSAEnumNetworkEvents(s, event, events), 0);
  assert.equal(events.lNetworkEvents, W.FD_READ);
  assert.equal(await a.WSAWaitForMultipleEvents([event], false, 0), W.WSA_WAIT_TIMEOUT);
  const waiting = a.recv(s, new Uint8Array(10)).then(() => a.WSAWaitForMultipleEvents([event], false));
  await b.closesocket(t);
  assert.equal(await waiting, 0);
  assert.equal(a.WSAEnumNetworkEvents(s, event, events), 0);
  assert.deepEqual([events.lNetworkEvents, events.iErrorCode[W.FD_CLOSE_BIT]], [W.FD_CLOSE, 0]);
  end();
});

test("a duplicated descriptor keeps the connection until the last close; names and options", async () => {
  const { a, b, s, t, end } = await pair();
  const info = new Uint8Array(W.SIZEOF_WSAPROTOCOL_INFOW);
  assert.equal(a.WSADuplicateSocket(s, 1, info), 0);
  const twin = a.WSASocket(W.AF_UNSPEC, 0, 0, info);
  assert.notEqual(twin, W.INVALID_SOCKET);
  assert.equal(await a.closesocket(s), 0);
  assert.equal(await a.send(twin, bytes("still open")), 10);
  assert.equal(await b.recv(t, new Uint8Array(100)), 10);
  assert.equal(a.setsockopt(twin, SOL_SOCKET, SO_LINGER, { l_onoff: 1, l_linger: 0 }), 0);
  assert.deepEqual(a.getLinger(twin), { l_onoff: 1, l_linger: 0 });
  assert.equal(a.WSASendDisconnect(twin, bytes("data")), -1);
  assert.equal(a.WSAGetLastError(), W.WSAENOPROTOOPT);
  const arg = { value: 1 };
  assert.equal(a.ioctlsocket(twin, W.FIONREAD, arg), 0);
  assert.equal(arg.value, 0);
  assert.equal(await a.closesocket(twin), 0);
  assert.equal((await a.closeReport(twin)).cause, "linger0");
  assert.equal(await b.recv(t, new Uint8Array(10)), -1);
  assert.equal(b.WSAGetLastError(), W.WSAECONNRESET);
  end();
});

test("datagrams, and an accept condition that rejects", async () => {
  const { a, b, end } = await pair();
  const [from, to] = [a.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP), b.socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP)];
  assert.equal(b.bind(to, { address: "0.0.0.0", port: 53 }), 0);
  assert.equal(await a.sendto(from, bytes("hello"), 0, { address: "10.0.0.2", port: 53 }), 5);
  const sender: W.SockAddr = { address: "", port: 0 };
  assert.equal(await b.recvfrom(to, new Uint8Array(100), 0, sender), 5);
  assert.equal(sender.address, "10.0.0.1");
  const listener = b.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  assert.equal(b.bind(listener, { address: "0.0.0.0", port: 7001 }), 0);
  assert.equal(b.listen(listener, 5), 0);
  const s = a.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  const rejected = b.WSAAccept(listener, null, () => W.CF_REJECT);
  await a.connect(s, { address: "10.0.0.2", port: 7001 });
  assert.equal(await rejected, W.INVALID_SOCKET);
  assert.equal(b.WSAGetLastError(), W.WSAECONNREFUSED);
  end();
});
