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

test("arguments of another form are refused by name, and change nothing", async () => {
  const { a, s, end } = await pair();
  // biome-ignore lint/suspicious/noExplicitAny: what a program in JavaScript may pass.
  const ws = a as any;
  const refusals: readonly [() => unknown, RegExp][] = [
    [() => ws.connect(s, "10.0.0.2"), /^name is "10\.0\.0\.2"; expected an address such as/],
    [() => ws.bind(s), /^name is undefined; expected an address such as/],
    [() => ws.send(s, "text"), /^data is "text"; expected a Uint8Array/],
    [() => ws.recv(s, 10), /^bytes is 10; expected a Uint8Array/],
    [() => ws.sendto(s, "x", 0, { address: "10.0.0.2", port: 1 }), /^data is "x"; expected a Uint8Array/],
    [() => ws.setsockopt(s, SOL_SOCKET, SO_LINGER, { onoff: 1, linger: 5 }), /^value\.l_onoff is undefined; expected an integer from 0 to 65535$/],
    [() => ws.setsockopt(s, SOL_SOCKET, SO_LINGER, "on"), /^value is "on"; expected a number, true, false/],
    [() => ws.ioctlsocket(s, W.FIONBIO, 1), /^arg is 1; expected an object with a value/],
    [() => ws.select(), /^sets is undefined; expected an object such as/],
  ];
  for (const [call, message] of refusals) await assert.rejects(async () => call(), (error: Error) => message.test(error.message) || assert.fail(error.message));
  assert.deepEqual(a.getLinger(s), { l_onoff: 0, l_linger: 0 });
  assert.equal(a.setsockopt(s, SOL_SOCKET, W.SO_KEEPALIVE, true), 0);
  assert.equal(a.getsockopt(s, SOL_SOCKET, W.SO_KEEPALIVE), 1);
  assert.equal(a.setsockopt(s, SOL_SOCKET, W.SO_KEEPALIVE, false), 0);
  assert.equal(a.getsockopt(s, SOL_SOCKET, W.SO_KEEPALIVE), 0);
  end();
});

test("end() ends what waits: calls fail with 10093, a report that will not come is refused", async () => {
  const { a, s, end } = await pair();
  const event = a.WSACreateEvent();
  const listener = a.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  assert.equal(a.bind(listener, { address: "0.0.0.0", port: PORT + 1 }), 0);
  assert.equal(a.listen(listener, 5), 0);
  const waiting = [a.recv(s, new Uint8Array(1)), a.accept(listener), a.select({ read: [listener] }), a.WSAWaitForMultipleEvents([event], true)];
  const [report, torn] = [a.closeReport(listener), a.closeReport(s)];
  // Nobody ever had this handle.
  const refused = assert.rejects(a.closeReport(12345), /^Error: Winsock was ended before the socket had its report$/);
  end();
  assert.deepEqual(await Promise.all(waiting), [-1, W.INVALID_SOCKET, -1, W.WSA_WAIT_FAILED]);
  assert.equal(a.WSAGetLastError(), W.WSANOTINITIALISED);
  assert.deepEqual([(await report).outcome, (await torn).outcome, (await torn).cause], ["notConnected", "aborted", "cleanup"]);
  await refused;
  await assert.rejects(a.closeReport(listener), /ended before/);
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
