/**
 * What plain node:net does when it closes, measured (semantics N.1). Nothing of Lastack runs here: these are the facts that
 * host/sockets is built on and docs/closing.md tells. A test that fails after an update of Node means a page to rewrite.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import * as net from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import { ECONNRESET, EPIPE, KERNEL_CLOSE_WAIT, KERNEL_FIN_WAIT2, RawSocket } from "./sockets-raw.ts";
import { LOCALHOST } from "./sockets-stack.ts";
import { needsKoffi, until } from "./sockets-support.ts";

const MIB = 1 << 20;
const skip = needsKoffi;

/** A plain net.Socket and the kernel socket at its other end. */
async function pair(options: net.SocketConstructorOpts = { allowHalfOpen: true }): Promise<{ socket: net.Socket; raw: RawSocket; events: string[] }> {
  const listener = RawSocket.listen();
  const socket = new net.Socket(options);
  const events: string[] = [];
  socket.on("error", (error: NodeJS.ErrnoException) => void events.push(`error ${error.code}`));
  for (const name of ["end", "finish", "close"]) socket.on(name, (value: unknown) => void events.push(name === "close" ? `close(${value})` : name));
  socket.connect(listener.port, LOCALHOST);
  const raw = await listener.accept();
  if (socket.connecting) await once(socket, "connect");
  listener.close();
  return { socket, raw, events };
}

const turns = async (n = 10): Promise<void> => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** The 'close' event; `once` would reject for the error that comes before it. */
const closed = (socket: net.Socket): Promise<void> => new Promise((resolve) => void socket.once("close", () => resolve()));

test("N-01: end() half-closes, the peer keeps sending", { skip }, async () => {
  const { socket, raw } = await pair();
  socket.end();
  assert.deepEqual(await raw.drain(), { bytes: 0, errno: 0 });
  assert.equal(raw.state(), KERNEL_CLOSE_WAIT);
  raw.send(Buffer.from("later"));
  assert.equal(String((await once(socket, "data"))[0]), "later");
  socket.destroy();
  raw.close();
});

test("N-02: 'finish' comes when the kernel has the bytes, not when the peer has", { skip }, async (t) => {
  const { socket, raw } = await pair();
  socket.end(new Uint8Array(MIB));
  await once(socket, "finish");
  const read = raw.recv(65536);
  t.diagnostic(`'finish' with 1,048,576 bytes given; the peer's program had read 0, and now reads ${read}`);
  assert.ok(read > 0);
  socket.destroy();
  raw.close();
});

test("N-03: a write after end destroys the socket", { skip }, async () => {
  const { socket, raw, events } = await pair();
  socket.end();
  await once(socket, "finish");
  const gone = closed(socket);
  socket.write("too late");
  await gone;
  assert.ok(events.includes("error ERR_STREAM_WRITE_AFTER_END"), events.join());
  assert.ok(socket.destroyed);
  raw.close();
});

test("N-06: resetAndDestroy() resets, with data queued", { skip }, async (t) => {
  const { socket, raw, events } = await pair();
  socket.write(new Uint8Array(16 * MIB));
  await turns();
  socket.resetAndDestroy();
  const { bytes, errno } = await raw.drain();
  t.diagnostic(`the peer read ${bytes} bytes, then errno ${errno}; own events: ${events.join(", ")}`);
  assert.equal(errno, ECONNRESET);
  raw.close();
});

/** In a process of its own: what this leaves behind cannot be closed, and keeps a loop busy. */
const LEAK = `
import * as net from "node:net";
const server = net.createServer({ allowHalfOpen: true }, (peer) => {
  let bytes = 0;
  peer.on("data", (chunk) => { bytes += chunk.length; });
  peer.on("error", (error) => console.log("peer", error.code));
  peer.on("end", () => setTimeout(() => {
    handle.close();
    console.log(JSON.stringify({ bytes, error, destroyed: socket.destroyed, open: handle.fd >= 0 }));
    process.exit();
  }, 20));
});
let socket, handle, error;
server.listen(0, "127.0.0.1", () => {
  socket = net.connect(server.address().port, "127.0.0.1", () => {
    handle = socket._handle;
    socket.write("all of it");
    socket.end();
    socket.resetAndDestroy();
  });
  socket.on("error", ({ code }) => { error = code; });
});`;

test("N-07: resetAndDestroy() while end() is under way fails, and its descriptor is never closed", async (t) => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", LEAK], { timeout: 20_000 });
  t.diagnostic(stdout.trim());
  assert.deepEqual(JSON.parse(stdout), { bytes: 9, error: "EINVAL", destroyed: true, open: true });
});

test("N-08: resetAndDestroy() while connecting waits for the connection", { skip }, async () => {
  const listener = RawSocket.listen();
  const socket = net.connect(listener.port, LOCALHOST);
  socket.on("error", () => {});
  socket.resetAndDestroy();
  assert.ok(socket.connecting && !socket.destroyed);
  await once(socket, "close");
  listener.close();
});

test("N-09: a reset behind unread data is a clean end", { skip }, async (t) => {
  const { socket, raw, events } = await pair();
  raw.send(new Uint8Array(5000));
  raw.reset();
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(socket, "end");
  await turns();
  t.diagnostic(`${bytes} bytes, then: ${events.join(", ")}`);
  assert.equal(bytes, 5000);
  assert.ok(!events.some((event) => event.startsWith("error")));
  socket.destroy();
});

test("N-10: a socket that was never read sees neither FIN nor reset", { skip }, async (t) => {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, LOCALHOST);
  await once(server, "listening");
  for (const how of ["FIN", "reset"] as const) {
    const raw = new RawSocket().connect((server.address() as net.AddressInfo).port);
    const [socket] = (await once(server, "connection")) as [net.Socket];
    const events: string[] = [];
    for (const name of ["end", "error", "close"]) socket.on(name, () => void events.push(name));
    if (how === "FIN") raw.shutdown();
    else raw.reset();
    await turns(50);
    t.diagnostic(`${how}: events [${events.join(", ")}]`);
    assert.deepEqual(events, []);
    socket.destroy();
    raw.close();
  }
  server.close();
});

test("N-13: destroy() with 16 MB queued loses most of it and ends cleanly; destroySoon() loses nothing", { skip }, async (t) => {
  const hasty = await pair();
  hasty.socket.write(new Uint8Array(16 * MIB));
  await turns();
  hasty.socket.destroy();
  const lost = await hasty.raw.drain();
  t.diagnostic(`destroy(): ${lost.bytes} of ${16 * MIB} bytes, then errno ${lost.errno}`);
  assert.ok(lost.bytes < 16 * MIB && lost.errno === 0);
  hasty.raw.close();
  const patient = await pair();
  patient.socket.write(new Uint8Array(8 * MIB));
  patient.socket.destroySoon();
  assert.deepEqual(await patient.raw.drain(), { bytes: 8 * MIB, errno: 0 });
  patient.raw.close();
});

test("N-14: unread data in the kernel resets, unread data in Node does not", { skip }, async () => {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, LOCALHOST);
  await once(server, "listening");
  const raw = new RawSocket().connect((server.address() as net.AddressInfo).port);
  const [socket] = (await once(server, "connection")) as [net.Socket];
  raw.send(Buffer.from("unread"));
  await turns();
  socket.destroy();
  assert.equal((await raw.drain()).errno, ECONNRESET);
  server.close();
  raw.close();
  const other = await pair();
  other.raw.send(Buffer.from("unread"));
  await until("Node's buffer", () => other.socket.readableLength === 6);
  other.socket.destroy();
  assert.deepEqual(await other.raw.drain(), { bytes: 0, errno: 0 });
  other.raw.close();
});

test("N-15: data after destroy() is answered with a reset", { skip }, async () => {
  const { socket, raw } = await pair();
  socket.destroy();
  assert.deepEqual(await raw.drain(), { bytes: 0, errno: 0 });
  assert.equal(raw.send(Buffer.from("x")), 1);
  await until("EPIPE", () => raw.send(Buffer.from("x")) === -EPIPE);
  raw.close();
});

test("N-22: bytesWritten counts what is still queued", { skip }, async (t) => {
  const { socket, raw } = await pair();
  socket.write(new Uint8Array(16 * MIB));
  await turns();
  t.diagnostic(`bytesWritten ${socket.bytesWritten}, writableLength ${socket.writableLength}`);
  assert.equal(socket.bytesWritten, 16 * MIB);
  assert.ok(socket.writableLength > 0);
  socket.resetAndDestroy();
  raw.close();
});

test("N-33: without allowHalfOpen Node answers the peer's FIN with its own", { skip }, async () => {
  const { socket, raw } = await pair({});
  socket.resume();
  raw.shutdown();
  assert.deepEqual(await raw.drain(), { bytes: 0, errno: 0 });
  const open = await pair();
  open.socket.resume();
  open.raw.shutdown();
  await once(open.socket, "end");
  await turns();
  await until("FIN_WAIT2", () => open.raw.state() === KERNEL_FIN_WAIT2);
  for (const one of [socket, open.socket]) one.destroy();
  for (const one of [raw, open.raw]) one.close();
});

test("N-34: 'close' says an error for the peer's reset, none for one's own", { skip }, async () => {
  const theirs = await pair();
  theirs.socket.resume();
  theirs.raw.reset();
  await closed(theirs.socket);
  assert.deepEqual(theirs.events, ["error ECONNRESET", "close(true)"]);
  const ours = await pair();
  ours.socket.resetAndDestroy();
  await closed(ours.socket);
  assert.deepEqual(ours.events, ["close(false)"]);
  ours.raw.close();
});
