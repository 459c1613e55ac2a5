/**
 * The six steps of the graceful close in Winsock's own words, client and server as two processes would run them.
 * Run: npm run build && npx tsx examples/winsock/six-steps.ts
 */
import {
  AF_INET, createWinsock, FD_ACCEPT, FD_CLOSE, FD_CLOSE_BIT, FD_READ, IPPROTO_TCP, memoryLink, type NetworkEvents, SD_SEND, SOCK_STREAM, SOCKET_ERROR, type Winsock,
} from "lastack/winsock";

const PORT = 5001;
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (line: string): Uint8Array => new TextEncoder().encode(line);

/** Waits for one of the events on s and returns what happened. */
async function next(ws: Winsock, s: number, event: number): Promise<NetworkEvents> {
  const happened: NetworkEvents = { lNetworkEvents: 0, iErrorCode: [] };
  await ws.WSAWaitForMultipleEvents([event], false);
  if (ws.WSAEnumNetworkEvents(s, event, happened) === SOCKET_ERROR) throw new Error(`WSAEnumNetworkEvents: ${ws.WSAGetLastError()}`);
  return happened;
}

/** Reads what is there. */
async function readAll(ws: Winsock, s: number): Promise<string> {
  const buffer = new Uint8Array(4096);
  let all = "";
  for (let n = await ws.recv(s, buffer); n > 0; n = await ws.recv(s, buffer)) all += text(buffer.subarray(0, n));
  return all;
}

async function server(ws: Winsock): Promise<void> {
  ws.WSAStartup(0x0202);
  const listener = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  ws.bind(listener, { address: "0.0.0.0", port: PORT });
  ws.listen(listener, 5);
  const event = ws.WSACreateEvent();
  ws.WSAEventSelect(listener, event, FD_ACCEPT);
  await next(ws, listener, event);
  const s = await ws.accept(listener);
  ws.WSAEventSelect(s, event, FD_READ | FD_CLOSE);
  for (;;) {
    const { lNetworkEvents, iErrorCode } = await next(ws, s, event);
    if (lNetworkEvents & FD_READ) console.log(`server: received "${await readAll(ws, s)}"`);
    if (lNetworkEvents & FD_CLOSE) {
      console.log(`server: (2) FD_CLOSE ${iErrorCode[FD_CLOSE_BIT]}: the client has sent everything`);
      break;
    }
  }
  console.log(`server: (3) sends ${await ws.send(s, bytes("the rest of the answer"))} remaining bytes`);
  console.log(`server: (4) shutdown = ${ws.shutdown(s, SD_SEND)}`);
  console.log(`server: (4') closesocket = ${await ws.closesocket(s)}`);
  console.log(`server: report ${(await ws.closeReport(s)).outcome}`);
  await ws.closesocket(listener);
  ws.WSACleanup();
  ws.end();
}

async function client(ws: Winsock): Promise<void> {
  ws.WSAStartup(0x0202);
  const s = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if ((await ws.connect(s, { address: "10.0.0.2", port: PORT })) === SOCKET_ERROR) throw new Error(`connect: ${ws.WSAGetLastError()}`);
  await ws.send(s, bytes("the request"));
  const event = ws.WSACreateEvent();
  ws.WSAEventSelect(s, event, FD_READ | FD_CLOSE);
  console.log(`client: (1) shutdown = ${ws.shutdown(s, SD_SEND)}`);
  for (;;) {
    const { lNetworkEvents, iErrorCode } = await next(ws, s, event);
    if (lNetworkEvents & FD_READ) console.log(`client: (5') received "${await readAll(ws, s)}"`);
    if (lNetworkEvents & FD_CLOSE) {
      console.log(`client: (5) FD_CLOSE ${iErrorCode[FD_CLOSE_BIT]}`);
      break;
    }
  }
  console.log(`client: (6) closesocket = ${await ws.closesocket(s)}`);
  console.log(`client: report ${(await ws.closeReport(s)).outcome}`);
  ws.WSACleanup();
  ws.end();
}

const { a, b } = memoryLink();
await Promise.all([
  server(await createWinsock({ devices: [b], addresses: ["10.0.0.2/24"] })),
  client(await createWinsock({ devices: [a], addresses: ["10.0.0.1/24"] })),
]);
