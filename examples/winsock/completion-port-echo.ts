/**
 * An echo server on one completion port, as a Windows server has it: AcceptEx for the next connection, one overlapped operation under way on
 * each connection, DisconnectEx when the client has ended its side. Two clients, one of which resets.
 * Run: npm run build && npx tsx examples/winsock/completion-port-echo.ts
 */
import {
  ACCEPTEX_NAME_BYTES, AF_INET, createWinsock, GetAcceptExSockaddrs, INVALID_HANDLE_VALUE, IPPROTO_TCP, memoryLink, type Ref, SD_SEND, SO_LINGER,
  SO_UPDATE_ACCEPT_CONTEXT, SOCK_STREAM, type SOCKET, SOCKET_ERROR, SOL_SOCKET, type Winsock, WSA_IO_PENDING, WSAOVERLAPPED,
} from "lastack/winsock";

const PORT = 5001;
const LISTENER_KEY = 1;
const CLIENTS = 2;
const bytes = (line: string): Uint8Array => new TextEncoder().encode(line);
const text = (part: Uint8Array): string => new TextDecoder().decode(part);

/** One connection, from AcceptEx to its close: what it waits for now. */
class Session extends WSAOVERLAPPED {
  phase: "accept" | "receive" | "send" | "disconnect" = "accept";
  readonly names = new Uint8Array(2 * ACCEPTEX_NAME_BYTES);
  readonly buffer = new Uint8Array(4096);
  readonly s: SOCKET;
  peer = "";

  constructor(s: SOCKET) {
    super();
    this.s = s;
  }
}

class EchoServer {
  readonly #ws: Winsock;
  readonly #port: SOCKET;
  readonly #listener: SOCKET;
  #key = LISTENER_KEY + 1;
  #open = 0;

  constructor(ws: Winsock) {
    this.#ws = ws;
    ws.WSAStartup(0x0202);
    this.#port = ws.CreateIoCompletionPort(INVALID_HANDLE_VALUE, 0, 0);
    this.#listener = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    ws.bind(this.#listener, { address: "0.0.0.0", port: PORT });
    ws.listen(this.#listener, 5);
    ws.CreateIoCompletionPort(this.#listener, this.#port, LISTENER_KEY);
    this.#accept();
  }

  /** What a call that begins an operation has to answer; its packet comes either way. */
  #pending(answer: number | boolean): void {
    const failed = answer === SOCKET_ERROR || answer === false;
    if (failed && this.#ws.WSAGetLastError() !== WSA_IO_PENDING) throw new Error(`Winsock error ${this.#ws.WSAGetLastError()}`);
  }

  #accept(): void {
    const session = new Session(this.#ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    this.#pending(this.#ws.AcceptEx(this.#listener, session.s, session.names, 0, session));
  }

  /** Until every client has come and gone. */
  async run(): Promise<void> {
    const [count, key, overlapped]: [Ref<number>, Ref<number>, Ref<WSAOVERLAPPED | null>] = [{ value: 0 }, { value: 0 }, { value: null }];
    for (let served = 0; served < CLIENTS; ) {
      const ok = await this.#ws.GetQueuedCompletionStatus(this.#port, count, key, overlapped);
      const session = overlapped.value as Session;
      if (!ok) console.log(`server: ${session.phase} of ${session.peer} failed with ${this.#ws.WSAGetLastError()}`);
      if (!ok || session.phase === "disconnect") {
        await this.#close(session);
        served++;
      } else this.#completed(session, count.value);
    }
    await this.#ws.closesocket(this.#listener);
    console.log(`server: ${this.#open} connections open`);
    this.#ws.WSACleanup();
    this.#ws.end();
  }

  #completed(session: Session, count: number): void {
    const ws = this.#ws;
    switch (session.phase) {
      case "accept": {
        const { remote } = GetAcceptExSockaddrs(session.names, 0);
        session.peer = remote.address;
        this.#open++;
        ws.setsockopt(session.s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, this.#listener);
        ws.CreateIoCompletionPort(session.s, this.#port, this.#key++);
        console.log(`server: connection from ${session.peer}`);
        this.#accept();
        this.#receive(session);
        break;
      }
      case "receive":
        if (count > 0) this.#send(session, count);
        else {
          session.phase = "disconnect";
          this.#pending(ws.DisconnectEx(session.s, session, 0));
        }
        break;
      default:
        this.#receive(session);
    }
  }

  #send(session: Session, count: number): void {
    session.phase = "send";
    this.#pending(this.#ws.WSASend(session.s, [session.buffer.subarray(0, count)], null, 0, session));
  }

  #receive(session: Session): void {
    session.phase = "receive";
    this.#pending(this.#ws.WSARecv(session.s, [session.buffer], null, 0, session));
  }

  async #close(session: Session): Promise<void> {
    this.#open--;
    await this.#ws.closesocket(session.s);
    console.log(`server: ${session.peer} closed, ${(await this.#ws.closeReport(session.s)).outcome}`);
  }
}

async function client(ws: Winsock, lines: readonly string[], resets: boolean): Promise<void> {
  ws.WSAStartup(0x0202);
  const s = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if ((await ws.connect(s, { address: "10.0.0.2", port: PORT })) === SOCKET_ERROR) throw new Error(`connect: ${ws.WSAGetLastError()}`);
  const buffer = new Uint8Array(4096);
  for (const line of lines) {
    await ws.send(s, bytes(line));
    const n = await ws.recv(s, buffer);
    console.log(`client: "${text(buffer.subarray(0, n))}"`);
  }
  if (resets) ws.setsockopt(s, SOL_SOCKET, SO_LINGER, { l_onoff: 1, l_linger: 0 });
  else {
    ws.shutdown(s, SD_SEND);
    console.log(`client: end of the stream: ${(await ws.recv(s, buffer)) === 0}`);
  }
  await ws.closesocket(s);
  console.log(`client: report ${(await ws.closeReport(s)).outcome}`);
}

const { a, b } = memoryLink();
const server = new EchoServer(await createWinsock({ devices: [b], addresses: ["10.0.0.2/24"] }));
const clients = await createWinsock({ devices: [a], addresses: ["10.0.0.1/24"] });
const running = server.run();
await client(clients, ["hello", "and again"], false);
await client(clients, ["this one resets"], true);
await running;
clients.end();
