/**
 * Messages instead of bytes: SOCK_SEQPACKET keeps the bounds of what is sent, and each side says why it ends (disconnect data). A clerk takes
 * orders; one is sent in parts, one is longer than the clerk's buffer. The customer ends its direction first and still hears the answers.
 * Run: npm run build && npx tsx examples/winsock/seqpacket-disconnect.ts
 */
import {
  AF_INET, createWinsock, memoryLink, MSG_PARTIAL, SOCK_SEQPACKET, SOCKET_ERROR, type Winsock, type WSAPROTOCOL_INFO, WSAEDISCON, XP1_DISCONNECT_DATA,
  XP1_PARTIAL_MESSAGE,
} from "lastack/winsock";

const PORT = 102;
const bytes = (line: string): Uint8Array => new TextEncoder().encode(line);
const text = (part: Uint8Array): string => new TextDecoder().decode(part);

/** One message, however long; undefined when the peer has ended its direction. */
async function next(ws: Winsock, s: number): Promise<string | undefined> {
  const buffer = new Uint8Array(16);
  let message = "";
  const flags = { value: 0 };
  do {
    flags.value = 0;
    const n = await ws.WSARecvEx(s, buffer, flags);
    if (n === SOCKET_ERROR) {
      if (ws.WSAGetLastError() === WSAEDISCON) return undefined;
      throw new Error(`WSARecvEx: ${ws.WSAGetLastError()}`);
    }
    message += text(buffer.subarray(0, n));
  } while (flags.value & MSG_PARTIAL);
  return message;
}

/** What the peer said with its end. */
function lastWords(ws: Winsock, s: number): string {
  const [buffer, length] = [new Uint8Array(64), { value: 0 }];
  if (ws.WSARecvDisconnect(s, buffer, length) === SOCKET_ERROR) throw new Error(`WSARecvDisconnect: ${ws.WSAGetLastError()}`);
  return text(buffer.subarray(0, length.value));
}

async function clerk(ws: Winsock): Promise<void> {
  ws.WSAStartup(0x0202);
  const listener = ws.socket(AF_INET, SOCK_SEQPACKET, 0);
  ws.bind(listener, { address: "0.0.0.0", port: PORT });
  ws.listen(listener, 5);
  const s = await ws.accept(listener);
  const orders: string[] = [];
  for (let order = await next(ws, s); order !== undefined; order = await next(ws, s)) orders.push(order);
  console.log(`clerk: ${orders.length} orders: ${orders.join(" / ")}`);
  console.log(`clerk: the customer ends with "${lastWords(ws, s)}"`);
  for (const order of orders) await ws.send(s, bytes(`${order.length} letters`));
  ws.WSASendDisconnect(s, bytes("closed until Monday"));
  await ws.closesocket(s);
  console.log(`clerk: report ${(await ws.closeReport(s)).outcome}`);
  await ws.closesocket(listener);
  ws.WSACleanup();
  ws.end();
}

async function customer(ws: Winsock): Promise<void> {
  ws.WSAStartup(0x0202);
  const protocols: WSAPROTOCOL_INFO[] = [];
  ws.WSAEnumProtocols(null, protocols);
  const able = protocols.filter(({ dwServiceFlags1: flags }) => flags & XP1_PARTIAL_MESSAGE && flags & XP1_DISCONNECT_DATA);
  console.log(`customer: messages in parts and disconnect data: ${able.map(({ szProtocol }) => szProtocol).join()}`);
  const s = ws.socket(AF_INET, SOCK_SEQPACKET, 0);
  if ((await ws.connect(s, { address: "10.0.0.2", port: PORT })) === SOCKET_ERROR) throw new Error(`connect: ${ws.WSAGetLastError()}`);
  await ws.send(s, bytes("tea"));
  await ws.send(s, bytes("bread and "), MSG_PARTIAL);
  await ws.send(s, bytes("butter"));
  await ws.send(s, bytes("three dozen eggs of the brown kind"));
  ws.WSASendDisconnect(s, bytes("that is all"));
  for (let answer = await next(ws, s); answer !== undefined; answer = await next(ws, s)) console.log(`customer: "${answer}"`);
  console.log(`customer: the clerk ends with "${lastWords(ws, s)}"`);
  await ws.closesocket(s);
  console.log(`customer: report ${(await ws.closeReport(s)).outcome}`);
  ws.WSACleanup();
  ws.end();
}

const { a, b } = memoryLink();
await Promise.all([
  clerk(await createWinsock({ devices: [b], addresses: ["10.0.0.2/24"] })),
  customer(await createWinsock({ devices: [a], addresses: ["10.0.0.1/24"] })),
]);
