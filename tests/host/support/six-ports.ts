/** Ports of the six steps: a Winsock program that acts on network events, and a plain node:net program. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import {
  AF_INET, createWinsock, FD_CLOSE, FD_CLOSE_BIT, FD_READ, FD_WRITE, IPPROTO_TCP, type NetworkEvents, SD_SEND, SOCK_STREAM, type SockAddr,
  type StackOptions, type Winsock, WSAEHOSTUNREACH, WSAESHUTDOWN, WSAEWOULDBLOCK,
} from "../../../host/winsock/index.ts";
import type { Port } from "./six-columns.ts";

/** A Winsock of its own, started. */
export async function started(options: StackOptions): Promise<Winsock> {
  const ws = await createWinsock(options);
  assert.equal(ws.WSAStartup(0x0202), 0);
  return ws;
}

/** A socket that acts on FD_READ, FD_WRITE and FD_CLOSE alone. */
export class WinsockPort implements Port {
  readonly #ws: Winsock;
  readonly #s: number;
  readonly #event: number;
  readonly #disconnect: boolean;
  readonly #outcomes: readonly string[];
  readonly #buffer = new Uint8Array(16384);
  /** FD_* bits recorded and not yet acted on. */
  #came = 0;
  #sent = 0;

  /**
   * @param disconnect WSASendDisconnect(NULL) in place of shutdown(SD_SEND) (T-11).
   * @param outcomes Those of a close report that count as graceful.
   */
  constructor(ws: Winsock, s: number, { disconnect = false, outcomes = ["graceful"] }: { disconnect?: boolean; outcomes?: readonly string[] } = {}) {
    this.#ws = ws;
    this.#s = s;
    this.#disconnect = disconnect;
    this.#outcomes = outcomes;
    this.#event = ws.WSACreateEvent();
    this.#succeeded(ws.WSAEventSelect(s, this.#event, FD_READ | FD_WRITE | FD_CLOSE), "WSAEventSelect");
  }

  async send(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const count = await this.#ws.send(this.#s, bytes.subarray(done));
      if (count === -1) {
        assert.equal(this.#ws.WSAGetLastError(), WSAEWOULDBLOCK, "send");
        await this.#until(FD_WRITE);
      } else done += count;
    }
    this.#sent += bytes.length;
  }

  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const came = await this.#until(FD_READ | FD_CLOSE);
      if (came & FD_READ) {
        const got = await this.#readAll();
        if (came & FD_CLOSE) this.#came |= FD_CLOSE;
        if (got.length > 0) return got;
      } else {
        // T-07: after FD_CLOSE a receive returns 0.
        assert.equal(await this.#ws.recv(this.#s, this.#buffer), 0, "recv after FD_CLOSE");
        return null;
      }
    }
  }

  async shutdown(): Promise<void> {
    const ws = this.#ws;
    if (this.#disconnect) this.#succeeded(ws.WSASendDisconnect(this.#s), "WSASendDisconnect");
    else this.#succeeded(ws.shutdown(this.#s, SD_SEND), "shutdown");
    // T-01: sends fail from now on.
    assert.equal(await ws.send(this.#s, this.#buffer.subarray(0, 1)), -1);
    assert.equal(ws.WSAGetLastError(), WSAESHUTDOWN);
  }

  async close(): Promise<string> {
    this.#succeeded(await this.#ws.closesocket(this.#s), "closesocket");
    const { outcome, bytes, peerFin, error } = await this.#ws.closeReport(this.#s);
    const known = outcome === "graceful";
    const complete = bytes.sent === this.#sent && bytes.discarded === 0 && peerFin && error === null && (!known || bytes.unacknowledged === 0);
    return this.#outcomes.includes(outcome) && complete ? "graceful" : JSON.stringify({ outcome, bytes, peerFin, error });
  }

  /** Those of the FD_* in `mask` that were recorded, once there are any. */
  async #until(mask: number): Promise<number> {
    for (;;) {
      const came = this.#came & mask;
      this.#came &= ~mask;
      if (came) return came;
      await this.#ws.WSAWaitForMultipleEvents([this.#event], false);
      const happened: NetworkEvents = { lNetworkEvents: 0, iErrorCode: [] };
      this.#succeeded(this.#ws.WSAEnumNetworkEvents(this.#s, this.#event, happened), "WSAEnumNetworkEvents");
      if (happened.lNetworkEvents & FD_CLOSE) assert.equal(happened.iErrorCode[FD_CLOSE_BIT], 0, "FD_CLOSE");
      this.#came |= happened.lNetworkEvents;
    }
  }

  async #readAll(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const count = await this.#ws.recv(this.#s, this.#buffer);
      if (count === -1) assert.equal(this.#ws.WSAGetLastError(), WSAEWOULDBLOCK, "recv");
      if (count <= 0) return Buffer.concat(parts);
      parts.push(this.#buffer.slice(0, count));
    }
  }

  #succeeded(result: number, call: string): void {
    assert.equal(result, 0, `${call} failed with ${this.#ws.WSAGetLastError()}`);
  }
}

/** A listening socket and where it listens. */
export function listening(ws: Winsock, at: SockAddr): { listener: number; local: SockAddr } {
  const listener = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  const local = { address: "", port: 0 };
  for (const result of [ws.bind(listener, at), ws.listen(listener, 1), ws.getsockname(listener, local)]) assert.equal(result, 0);
  return { listener, local };
}

/** Accepts one connection and closes the listener. */
export async function accepted(ws: Winsock, listener: number): Promise<number> {
  const s = await ws.accept(listener);
  assert.equal(ws.WSAGetLastError(), 0, "accept");
  assert.equal(await ws.closesocket(listener), 0);
  return s;
}

/** A connected socket. With `again` an unreachable peer is tried anew whenever that has settled. */
export async function connected(ws: Winsock, to: SockAddr, again?: () => Promise<void>): Promise<number> {
  for (;;) {
    const s = ws.socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if ((await ws.connect(s, to)) === 0) return s;
    const error = ws.WSAGetLastError();
    assert.ok(again && error === WSAEHOSTUNREACH, `connect failed with ${error}`);
    assert.equal(await ws.closesocket(s), 0);
    await again();
  }
}

/** A plain program on the kernel's sockets that knows nothing of Lastack. */
export class NetPort implements Port {
  readonly #socket: Socket;
  readonly #queue: (Uint8Array | null)[] = [];
  #error = "";
  #told: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    const add = (item: Uint8Array | null): void => {
      this.#queue.push(item);
      this.#told();
    };
    socket.on("data", add).on("end", () => add(null)).on("error", (error: NodeJS.ErrnoException) => {
      this.#error = error.code ?? error.message;
      add(null);
    });
  }

  async send(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#socket.write(bytes, (error) => (error ? reject(error) : resolve())));
  }

  async next(): Promise<Uint8Array | null> {
    while (this.#queue.length === 0) await new Promise<void>((resolve) => { this.#told = resolve; });
    return this.#queue.shift() ?? null;
  }

  async shutdown(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.end(resolve));
  }

  async close(): Promise<string> {
    if (!this.#socket.closed) {
      const closed = once(this.#socket, "close");
      this.#socket.destroySoon();
      await closed;
    }
    return this.#error || "graceful";
  }
}

/** Lastack as the client, a node:net program at `address` as the server. */
export async function clientOfNet(ws: Winsock, address: string, outcomes?: readonly string[]): Promise<[WinsockPort, NetPort]> {
  const server = createServer({ allowHalfOpen: true }).listen(0, address);
  await once(server, "listening");
  const arrived = once(server, "connection") as Promise<[Socket]>;
  const s = await connected(ws, { address, port: (server.address() as AddressInfo).port });
  const [socket] = await arrived;
  server.close();
  return [new WinsockPort(ws, s, { ...(outcomes && { outcomes }) }), new NetPort(socket)];
}

/** A node:net program as the client, Lastack at `address` as the server. */
export async function serverOfNet(ws: Winsock, address: string, outcomes?: readonly string[]): Promise<[NetPort, WinsockPort]> {
  const { listener, local } = listening(ws, { address, port: 0 });
  const socket = connect({ host: address, port: local.port, allowHalfOpen: true });
  const client = new NetPort(socket);
  const s = await accepted(ws, listener);
  return [client, new WinsockPort(ws, s, { ...(outcomes && { outcomes }) })];
}
