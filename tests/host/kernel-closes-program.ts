/**
 * What kernel-closes.test.ts runs inside a network namespace of its own: rows of chapter P whose rule the kernel's TCP shares, as a
 * Winsock program against node:net on the kernel's TCP over a TAP device, recorded to a capture. Argument: the capture's path. Prints
 * what the calls returned and what the kernel's program saw, as JSON by row; every row has ports of its own.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import {
  FIONBIO, pcapng, SD_RECEIVE, SD_SEND, SIZEOF_WSAPROTOCOL_INFOW, SO_LINGER, SOL_SOCKET, tap,
} from "../../host/winsock/index.ts";
import { accepted, connected, listening, started } from "./support/six-ports.ts";

const KERNEL = "10.9.0.2";
const OURS = "10.9.0.1";
/** What two ends of one machine need to settle, ms. */
const SETTLED_MS = 100;

const device = tap("lastack0");
for (const args of [["addr", "add", `${KERNEL}/24`, "dev", device.name], ["link", "set", device.name, "up"]]) execFileSync("ip", args);
const recorder = pcapng(device, process.argv[2] as string);
const ws = await started({ devices: [recorder], addresses: [`${OURS}/24`] });

interface Pair {
  readonly s: number;
  readonly peer: Socket;
  /** Codes the kernel's program met. */
  readonly errors: string[];
}

/** What a row's scenario saw. */
interface Seen {
  readonly ports: number[];
  readonly result: string[];
  readonly peer: string[];
  readonly facts: Record<string, string>;
}

const settle = (ms = SETTLED_MS): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Kernel's error codes as Winsock numbers (semantics N.2). */
const WINSOCK: Readonly<Record<string, number>> = { ECONNRESET: 10054, EPIPE: 10053 };
let port = 7000;

function watched(peer: Socket, s: number): Pair {
  const errors: string[] = [];
  peer.on("error", (error: NodeJS.ErrnoException) => void errors.push(`recv:${WINSOCK[error.code ?? ""] ?? error.code}`));
  return { s, peer, errors };
}

class Row {
  readonly seen: Seen = { ports: [], result: [], peer: [], facts: {} };

  #port(): number {
    this.seen.ports.push(++port);
    return port;
  }

  /** A connection that Lastack opens. The kernel's program does not read yet. */
  async outward(): Promise<Pair> {
    const to = { address: KERNEL, port: this.#port() };
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(to.port, to.address);
    await once(server, "listening");
    const arrived = once(server, "connection") as Promise<[Socket]>;
    const s = await connected(ws, to);
    const [peer] = await arrived;
    server.close();
    return watched(peer, s);
  }

  /** A connection that the kernel opens; `prepare` gets the listener. */
  async inward(prepare: (listener: number) => void = () => {}): Promise<Pair> {
    const { listener } = listening(ws, { address: OURS, port: this.#port() });
    prepare(listener);
    const peer = connect({ host: OURS, port, allowHalfOpen: true });
    return watched(peer, await accepted(ws, listener));
  }

  /** Calls that return 0 or SOCKET_ERROR. */
  result(returned: number): void {
    this.seen.result.push(returned === -1 ? `-1/${ws.WSAGetLastError()}` : String(returned));
  }

  linger(s: number, seconds: number): void {
    assert.equal(ws.setsockopt(s, SOL_SOCKET, SO_LINGER, { l_onoff: 1, l_linger: seconds }), 0);
  }

  async close(s: number): Promise<void> {
    this.result(await ws.closesocket(s));
  }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Sends until nothing moves any more: the kernel's window is closed, and there is unsent data. */
async function stuff(s: number): Promise<void> {
  const bytes = new Uint8Array(65_536);
  assert.equal(ws.ioctlsocket(s, FIONBIO, { value: 1 }), 0);
  for (let idle = 0; idle < 3; ) {
    if ((await ws.send(s, bytes)) === -1) {
      idle++;
      await settle();
    } else idle = 0;
  }
  assert.equal(ws.ioctlsocket(s, FIONBIO, { value: 0 }), 0);
}

const rows: Record<string, (row: Row) => Promise<void>> = {
  /** A lingering close returns 0: delivered, expired, and reset while it waits. */
  async "P-06"(row) {
    const good = await row.outward();
    good.peer.resume();
    row.linger(good.s, 5);
    await row.close(good.s);
    good.peer.end();
    const late = await row.outward();
    await stuff(late.s);
    row.linger(late.s, 1);
    const start = performance.now();
    await row.close(late.s);
    row.seen.facts["expiry"] = performance.now() - start >= 1000 ? "kept" : "early";
    row.seen.facts["outcome"] = (await ws.closeReport(late.s)).outcome;
    const reset = await row.outward();
    await stuff(reset.s);
    row.linger(reset.s, 30);
    const closing = row.close(reset.s);
    await settle();
    assert.equal(row.seen.result.length, 2, "the close waits");
    reset.peer.resetAndDestroy();
    await closing;
  },
  async "P-07"(row) {
    const { s, peer } = await row.outward();
    const sent = Uint8Array.from({ length: 5000 }, (_, i) => i & 0xff);
    const parts: Buffer[] = [];
    peer.on("data", (part: Buffer) => void parts.push(part)).resume();
    assert.equal(await ws.send(s, sent), sent.length);
    row.linger(s, 30);
    const start = performance.now();
    await row.close(s);
    row.seen.facts["seconds"] = String(Math.floor((performance.now() - start) / 1000));
    await settle();
    row.seen.peer.push(Buffer.compare(Buffer.concat(parts), sent) === 0 ? "bytes:all" : "bytes:lost");
    peer.end();
  },
  async "P-08"(row) {
    const { s, peer, errors } = await row.outward();
    peer.resume();
    row.linger(s, 0);
    await row.close(s);
    await settle();
    row.seen.facts["errors"] = errors.join();
  },
  async "P-10"(row) {
    const { s, peer } = await row.inward((listener) => row.linger(listener, 555));
    const value = ws.getLinger(s);
    row.seen.facts["accepted"] = `${value?.l_onoff},${value?.l_linger}`;
    peer.resume().end();
    assert.equal(await ws.closesocket(s), 0);
  },
  async "P-12"(row) {
    const { s, peer, errors } = await row.inward();
    peer.resume();
    peer.write("unread");
    await settle();
    await row.close(s);
    await settle();
    row.seen.peer.push(...errors);
  },
  async "P-13"(row) {
    const { s, peer, errors } = await row.outward();
    peer.resume();
    assert.equal(await ws.closesocket(s), 0);
    await settle();
    peer.write("late");
    await settle();
    peer.write("more");
    await settle();
    row.seen.peer.push(...errors);
  },
  async "P-14"(row) {
    const quiet = await row.inward();
    quiet.peer.resume();
    row.result(ws.shutdown(quiet.s, SD_RECEIVE));
    await settle();
    row.result(await ws.recv(quiet.s, new Uint8Array(16)));
    quiet.peer.write("late");
    await settle();
    const queued = await row.inward();
    queued.peer.resume();
    queued.peer.write("queued");
    await settle();
    row.result(ws.shutdown(queued.s, SD_RECEIVE));
    await settle();
    row.seen.peer.push(...quiet.errors, ...queued.errors);
  },
  async "P-15"(row) {
    const { s, peer } = await row.outward();
    peer.resume();
    for (let i = 0; i < 2; i++) {
      row.result(ws.shutdown(s, SD_SEND));
      await settle();
    }
    peer.end();
    await settle();
    assert.equal(await ws.closesocket(s), 0);
  },
  async "P-25"(row) {
    const { s, peer } = await row.outward();
    peer.resume();
    const description = new Uint8Array(SIZEOF_WSAPROTOCOL_INFOW);
    assert.equal(ws.WSADuplicateSocket(s, process.pid, description), 0);
    const twin = ws.WSASocket(0, 0, 0, description, 0, 1);
    assert.equal(ws.WSAGetLastError(), 0, "WSASocket");
    await row.close(s);
    await settle();
    peer.write("between");
    const buffer = new Uint8Array(16);
    const got = await ws.recv(twin, buffer);
    assert.deepEqual(buffer.subarray(0, got), text("between"));
    await row.close(twin);
    await settle();
    peer.end();
  },
};

const report: Record<string, Seen> = {};
for (const [id, scenario] of Object.entries(rows)) {
  const row = new Row();
  await scenario(row);
  await settle();
  report[id] = row.seen;
}
ws.end();
recorder.close();
console.log(JSON.stringify(report));
process.exit(0);
