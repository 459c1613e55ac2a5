/** lastack/winsock with SOCK_SEQPACKET: messages, their parts, disconnect data, the catalog. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as W from "../../host/winsock/index.ts";
import { type WinsockPair, winsockPair } from "./support/winsock-pair.ts";

const { AF_INET, IPPROTO_TCP, MSG_PARTIAL, MSG_PEEK, SOCK_SEQPACKET, SOCK_STREAM, SOL_LASTACK, SOL_SOCKET } = W;
const PORT = 102;
/** XP1_UNI_SEND and XP1_UNI_RECV. */
const XP1_UNI = 0x18000;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (part: Uint8Array): string => new TextDecoder().decode(part);

const pair = (): Promise<WinsockPair> => winsockPair(SOCK_SEQPACKET, PORT);

test("recv: whole messages by their length, 10040 for one that goes on, 10101 behind the last", async () => {
  const { a, b, s, t, end } = await pair();
  assert.equal(b.getsockopt(t, SOL_SOCKET, W.SO_TYPE), SOCK_SEQPACKET);
  for (const line of ["", "one", "0123456789"]) assert.equal(await a.send(s, bytes(line)), line.length);
  const into = new Uint8Array(8);
  assert.equal(await b.recv(t, into), 0);
  assert.equal(await b.recv(t, into, MSG_PEEK), 3);
  assert.equal(await b.recv(t, into), 3);
  assert.equal(text(into.subarray(0, 3)), "one");
  assert.equal(await b.recv(t, into), -1);
  assert.deepEqual([b.WSAGetLastError(), text(into)], [W.WSAEMSGSIZE, "01234567"]);
  assert.equal(await b.recv(t, into), 2);
  assert.equal(text(into.subarray(0, 2)), "89");
  assert.equal(a.WSASendDisconnect(s), 0);
  assert.equal(await b.recv(t, into), -1);
  assert.equal(b.WSAGetLastError(), W.WSAEDISCON);
  end();
});

test("MSG_PARTIAL goes in with WSASend and comes back from WSARecv and WSARecvEx", async () => {
  const { a, b, s, t, end } = await pair();
  const sent = { value: 0 };
  assert.equal(await a.WSASend(s, [bytes("be"), bytes("gin ")], sent, MSG_PARTIAL, null), 0);
  assert.equal(sent.value, 6);
  const [one, two, count, flags] = [new Uint8Array(2), new Uint8Array(100), { value: 0 }, { value: MSG_PARTIAL }];
  assert.equal(await b.WSARecv(t, [one, two], count, flags, null), 0);
  assert.deepEqual([text(one), text(two.subarray(0, 4)), count.value, flags.value], ["be", "gin ", 6, MSG_PARTIAL]);
  assert.equal(await a.send(s, bytes("end")), 3);
  const last = { value: 0 };
  assert.equal(await b.WSARecvEx(t, one, last), 2);
  assert.deepEqual([text(one), last.value], ["en", MSG_PARTIAL]);
  last.value = 0;
  assert.equal(await b.WSARecvEx(t, one, last), 1);
  assert.deepEqual([text(one.subarray(0, 1)), last.value], ["d", 0]);
  assert.equal(await b.WSARecvEx(12345, one, last), -1);
  assert.equal(await b.WSARecv(12345, [one], null, 0, null), -1);
  assert.equal(await a.WSASend(12345, [one], null, 0, null), -1);
  assert.equal(b.WSAGetLastError(), W.WSAENOTSOCK);
  end();
});

test("a message larger than one call's room is one message, sent and received", async () => {
  const { a, b, s, t, end } = await pair();
  const message = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) >> 3);
  const sending = a.send(s, message);
  const into = new Uint8Array(300_000);
  let got = 0;
  for (const flags = { value: MSG_PARTIAL }; flags.value & MSG_PARTIAL; ) {
    flags.value = 0;
    const n = await b.WSARecvEx(t, into.subarray(got), flags);
    assert.ok(n > 0);
    got += n;
  }
  assert.equal(await sending, message.length);
  assert.equal(got, message.length);
  assert.ok(Buffer.from(into.subarray(0, got)).equals(Buffer.from(message)));
  assert.equal(await a.send(s, bytes("next")), 4);
  assert.equal(await b.recv(t, into), 4);
  end();
});

test("messages that are sent at once do not mix, and each send hears its own count; one larger than the host area is refused", async () => {
  const { a, b, s, t, end } = await pair();
  const sizes = [150_000, 5, 120_000, 90];
  const sending = Promise.all(sizes.map((size, k) => a.send(s, new Uint8Array(size).fill(k + 1))));
  const into = new Uint8Array(300_000);
  const seen: number[] = [];
  for (let k = 0; k < sizes.length; k++) {
    let got = 0;
    for (const flags = { value: MSG_PARTIAL }; flags.value & MSG_PARTIAL; ) {
      flags.value = 0;
      got += await b.WSARecvEx(t, into.subarray(got), flags);
    }
    assert.equal(new Set(into.subarray(0, got)).size, 1);
    assert.equal(got, sizes[(into[0] as number) - 1]);
    seen.push(into[0] as number);
  }
  assert.deepEqual(seen.sort(), [1, 2, 3, 4]);
  assert.deepEqual(await sending, sizes);
  assert.equal(await a.send(s, new Uint8Array(4 << 20)), -1);
  assert.equal(a.WSAGetLastError(), W.WSAEMSGSIZE);
  end();
});

test("overlapped receives tell MSG_PARTIAL: at once, by result, by routine", async () => {
  const { a, b, s, t, end } = await pair();
  await a.send(s, bytes("0123456789"));
  await b.recv(t, new Uint8Array(100), MSG_PEEK);
  const [buffer, count, flags, record] = [new Uint8Array(4), { value: 0 }, { value: 0 }, new W.WSAOVERLAPPED()];
  assert.equal(b.WSARecv(t, [buffer], count, flags, record), 0);
  assert.deepEqual([count.value, flags.value, record.Offset], [4, MSG_PARTIAL, MSG_PARTIAL]);
  const ended = { value: 0 };
  assert.equal(await b.WSAGetOverlappedResult(t, record, count, false, ended), true);
  assert.deepEqual([count.value, ended.value], [4, MSG_PARTIAL]);
  await b.recv(t, new Uint8Array(100));
  const told = new Promise<readonly number[]>((resolve) => {
    assert.equal(b.WSARecv(t, [buffer], null, MSG_PARTIAL, record, (error, n, _record, back) => resolve([error, n, back])), -1);
    assert.equal(b.WSAGetLastError(), W.WSA_IO_PENDING);
  });
  await a.send(s, bytes("abc"), MSG_PARTIAL);
  assert.deepEqual(await told, [0, 3, MSG_PARTIAL]);
  end();
});

test("disconnect data in both directions; what is too long is refused, what does not fit is kept; TCP takes none", async () => {
  const { a, b, s, t, end } = await pair();
  assert.equal(a.WSASendDisconnect(s, new Uint8Array(65)), -1);
  assert.equal(a.WSAGetLastError(), W.WSAEMSGSIZE);
  assert.equal(a.WSASendDisconnect(s, new Uint8Array(1 << 20)), -1);
  assert.equal(a.WSAGetLastError(), W.WSAEMSGSIZE);
  assert.equal(a.WSASendDisconnect(s, bytes("good bye")), 0);
  const into = new Uint8Array(64);
  assert.equal(await b.recv(t, into), -1);
  assert.equal(b.WSAGetLastError(), W.WSAEDISCON);
  assert.equal(b.WSARecvDisconnect(t, new Uint8Array(4)), -1);
  assert.equal(b.WSAGetLastError(), W.WSAEFAULT);
  const length = { value: -1 };
  assert.equal(b.WSARecvDisconnect(t, into, length), 0);
  assert.equal(text(into.subarray(0, length.value)), "good bye");
  assert.equal(await b.send(t, bytes("after your end")), 14);
  assert.equal(b.WSASendDisconnect(t, bytes("so long")), 0);
  assert.equal(await a.recv(s, into), 14);
  assert.equal(await a.recv(s, into), -1);
  assert.equal(a.WSARecvDisconnect(s, into, length), 0);
  assert.equal(text(into.subarray(0, length.value)), "so long");
  assert.equal(await a.closesocket(s), 0);
  assert.equal(await b.closesocket(t), 0);
  assert.deepEqual([(await a.closeReport(s)).outcome, (await b.closeReport(t)).outcome], ["graceful", "graceful"]);
  const tcp = a.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  assert.equal(a.WSASendDisconnect(tcp, bytes("x")), -1);
  assert.equal(a.WSAGetLastError(), W.WSAENOPROTOOPT);
  end();
});

test("WSAEnumProtocols tells the truth, and its entries make sockets", async () => {
  const { a, end } = await pair();
  const found: W.WSAPROTOCOL_INFO[] = [];
  assert.equal(a.WSAEnumProtocols(null, found), 3);
  assert.deepEqual(found.map(({ iSocketType, iProtocol, szProtocol, dwMessageSize, dwCatalogEntryId }) => [iSocketType, iProtocol, szProtocol, dwMessageSize, dwCatalogEntryId]), [
    [SOCK_STREAM, IPPROTO_TCP, "TCP", 0, W.CATALOG_INET_TCP],
    [W.SOCK_DGRAM, W.IPPROTO_UDP, "UDP", 65_507, W.CATALOG_INET_UDP],
    [SOCK_SEQPACKET, IPPROTO_TCP, "TP2", 0xffffffff, W.CATALOG_INET_MESSAGES],
  ]);
  // What rows C-58, S-26 and O-42 say of providers that are not here.
  for (const { dwServiceFlags1: flags, iSocketType, iAddressFamily } of found) {
    assert.equal((flags & W.XP1_GRACEFUL_CLOSE) !== 0, iSocketType !== W.SOCK_DGRAM);
    assert.equal((flags & (W.XP1_DISCONNECT_DATA | W.XP1_PARTIAL_MESSAGE)) !== 0, iSocketType === SOCK_SEQPACKET);
    assert.equal(flags & XP1_UNI, 0);
    assert.equal(iAddressFamily, AF_INET);
  }
  assert.equal(a.socket(W.AF_INET6, SOCK_STREAM, 0), W.INVALID_SOCKET);
  assert.equal(a.WSAGetLastError(), W.WSAEAFNOSUPPORT);
  assert.equal(a.WSAEnumProtocols([W.IPPROTO_UDP], found), 1);
  const all: W.WSAPROTOCOL_INFO[] = [];
  a.WSAEnumProtocols([IPPROTO_TCP], all);
  const made = a.WSASocket(-1, -1, -1, all[1]?.info ?? null, 0, W.WSA_FLAG_OVERLAPPED);
  assert.equal(a.getsockopt(made, SOL_SOCKET, W.SO_TYPE), SOCK_SEQPACKET);
  assert.equal(a.setsockopt(made, SOL_LASTACK, W.LSO_TSAP_CALLED, bytes("A")), 0);
  end();
});

test("AcceptEx and ConnectEx with the first message, over the operating system's sockets", async () => {
  const ws = await W.createWinsock({ hostSockets: true });
  assert.equal(ws.WSAStartup(), 0);
  const name: W.SockAddr = { address: "127.0.0.1", port: 0 };
  const listener = ws.socket(AF_INET, SOCK_SEQPACKET, 0);
  assert.equal(ws.bind(listener, name), 0);
  assert.equal(ws.listen(listener, 5), 0);
  assert.equal(ws.getsockname(listener, name), 0);
  const [t, buffer, accepting] = [ws.socket(AF_INET, SOCK_SEQPACKET, 0), new Uint8Array(4 + 2 * W.ACCEPTEX_NAME_BYTES), new W.WSAOVERLAPPED()];
  assert.equal(ws.AcceptEx(listener, t, buffer, 4, accepting), false);
  assert.equal(ws.WSAGetLastError(), W.WSA_IO_PENDING);
  const s = ws.socket(AF_INET, SOCK_SEQPACKET, 0);
  assert.equal(ws.bind(s, { address: "127.0.0.1", port: 0 }), 0);
  const connecting = new W.WSAOVERLAPPED();
  assert.equal(ws.ConnectEx(s, name, bytes("order"), connecting), false);
  assert.equal(ws.WSAGetLastError(), W.WSA_IO_PENDING);
  const [count, flags] = [{ value: 0 }, { value: 0 }];
  assert.equal(await ws.WSAGetOverlappedResult(s, connecting, count, true), true);
  assert.equal(count.value, 5);
  assert.equal(await ws.WSAGetOverlappedResult(listener, accepting, count, true, flags), true);
  assert.deepEqual([count.value, flags.value, text(buffer.subarray(0, 4))], [4, MSG_PARTIAL, "orde"]);
  assert.equal(W.GetAcceptExSockaddrs(buffer, 4).remote.address, "127.0.0.1");
  assert.equal(ws.setsockopt(t, SOL_SOCKET, W.SO_UPDATE_ACCEPT_CONTEXT, listener), 0);
  assert.equal(ws.setsockopt(s, SOL_SOCKET, W.SO_UPDATE_CONNECT_CONTEXT, 0), 0);
  assert.equal(await ws.recv(t, buffer), 1);
  assert.equal(ws.WSASendDisconnect(t, bytes("done")), 0);
  assert.equal(await ws.recv(s, buffer), -1);
  assert.equal(ws.WSAGetLastError(), W.WSAEDISCON);
  const length = { value: 0 };
  assert.equal(ws.WSARecvDisconnect(s, buffer, length), 0);
  assert.equal(text(buffer.subarray(0, length.value)), "done");
  for (const one of [s, t, listener]) assert.equal(await ws.closesocket(one), 0);
  assert.deepEqual([(await ws.closeReport(s)).outcome === "resetByPeer", (await ws.closeReport(t)).outcome === "resetByPeer"], [false, false]);
  ws.end();
});
