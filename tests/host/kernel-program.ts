/**
 * What kernel-peers.test.ts runs inside a network namespace of its own: one case per process against the kernel's TCP over
 * a TAP device, recorded to a capture. Arguments: the case, the capture's path, and `plain` for a device without offloads.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { type CloseReport, createStack, pcapng, type Socket, type Stack, tap } from "../../host/index.ts";

const KERNEL = "10.9.0.2";
const OURS = "10.9.0.1";
/** The echo service: tshark takes its text as text, and not for what it may resemble. */
const PORT = 7;
const [name = "", capture = "", mode = ""] = process.argv.slice(2);
const OFFLOAD = mode !== "plain";
/** A segment a packet takes its time. */
const BIG = OFFLOAD ? 200_000_000 : 40_000_000;
const CHUNK = 1 << 16;

interface Bench {
  readonly stack: Stack;
  /** Closes the stack and completes the capture. */
  end(): Promise<void>;
}

async function bench(): Promise<Bench> {
  const device = tap("lastack0", { offload: OFFLOAD });
  assert.deepEqual(device.offload, { checksum: OFFLOAD, segments: OFFLOAD });
  const ip = (...args: string[]) => execFileSync("ip", args);
  ip("addr", "add", `${KERNEL}/24`, "dev", device.name);
  ip("link", "set", device.name, "up");
  ip("link", "set", "lo", "up");
  const recorder = pcapng(device, capture);
  const stack = await createStack({ devices: [recorder], addresses: [`${OURS}/24`] });
  return { stack, end: async () => void (await stack.close()) };
}

/** Block k of what both sides know. */
function block(k: number): Buffer {
  const bytes = Buffer.alloc(CHUNK);
  for (let i = 0; i < CHUNK; i += 4) bytes.writeUInt32LE((Math.imul(k * 16384 + i, 2654435761) ^ k) >>> 0, i);
  return bytes;
}

const BLOCKS = Array.from({ length: 64 }, (_, k) => block(k));

function* body(): Generator<Buffer> {
  for (let at = 0, k = 0; at < BIG; at += CHUNK, k++) yield (BLOCKS[k % 64] as Buffer).subarray(0, Math.min(CHUNK, BIG - at));
}

function expectedHash(): string {
  const hash = createHash("sha256");
  for (const part of body()) hash.update(part);
  return hash.digest("hex");
}

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of socket) parts.push(part);
  return Buffer.concat(parts);
}

function run(command: string, args: string[], input?: string): Promise<{ status: number | null; stdout: Buffer }> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  child.stdin.end(input);
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, stdout: Buffer.concat(parts) })));
}

function graceful(report: CloseReport): void {
  assert.equal(report.outcome, "graceful", JSON.stringify(report));
  assert.equal(report.bytes.unacknowledged, 0);
}

type Case = (stack: Stack) => Promise<void>;

const cases: Record<string, Case> = {
  /** curl fetches much from a Lastack server. */
  async curl(stack) {
    const server = await stack.listen({ port: PORT });
    const serving = (async () => {
      const socket = await server.accept();
      let request = "";
      while (!request.includes("\r\n\r\n")) request += Buffer.from((await socket.read()) ?? assert.fail("no request")).toString("latin1");
      assert.match(request, /^GET \/big HTTP\/1\.1\r\n/);
      await socket.write(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG}\r\nConnection: close\r\n\r\n`));
      for (const part of body()) await socket.write(part);
      await socket.shutdown("send");
      assert.equal(await socket.read(), null, "curl closes its side after ours");
      return socket.close();
    })();
    const curl = spawn("curl", ["--silent", "--fail", "--max-time", "100", `http://${OURS}:${PORT}/big`], { stdio: ["ignore", "pipe", "inherit"] });
    const hash = createHash("sha256");
    curl.stdout.on("data", (part: Buffer) => hash.update(part));
    const [status] = (await once(curl, "close")) as [number];
    assert.equal(status, 0, "curl's exit code");
    assert.equal(hash.digest("hex"), expectedHash());
    graceful(await serving);
  },

  /** Lastack fetches much from a kernel server. */
  async fetch(stack) {
    const http = createHttpServer((_request, response) => {
      response.writeHead(200, { "Content-Length": BIG, Connection: "close" });
      const parts = body();
      const more = (): void => {
        for (let next = parts.next(); !next.done; next = parts.next()) if (!response.write(next.value)) return void response.once("drain", more);
        response.end();
      };
      more();
    });
    http.listen(PORT, KERNEL);
    await once(http, "listening");
    const socket = await stack.connect({ address: KERNEL, port: PORT });
    await socket.write(Buffer.from("GET /big HTTP/1.1\r\nHost: kernel\r\nConnection: close\r\n\r\n"));
    const hash = createHash("sha256");
    let head = "";
    let got = 0;
    for await (const part of socket) {
      let from = 0;
      if (!head.includes("\r\n\r\n")) {
        const before = head.length;
        head += Buffer.from(part).toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) continue;
        from = end + 4 - before;
      }
      hash.update(part.subarray(from));
      got += part.length - from;
    }
    assert.equal(got, BIG);
    assert.equal(hash.digest("hex"), expectedHash());
    graceful(await socket.close());
    http.close();
  },

  /** The kernel's nc -N ends its input first and still reads the answer. */
  async "nc-client"(stack) {
    const server = await stack.listen({ port: PORT });
    const nc = run("nc", ["-N", "-w", "20", OURS, String(PORT)], "question");
    const socket = await server.accept();
    assert.equal((await readAll(socket)).toString(), "question");
    await socket.write(Buffer.from("the answer after your end"));
    graceful(await socket.close({ linger: 10 }).then(async (report) => {
      // A linger wait ends when our side is done; nc closed first, so both are.
      return report;
    }));
    const { status, stdout } = await nc;
    assert.equal(status, 0);
    assert.equal(stdout.toString(), "the answer after your end");
  },

  /** Lastack ends its sending first and still reads what the kernel's nc -N says. */
  async "nc-server"(stack) {
    const nc = run("nc", ["-l", "-N", KERNEL, String(PORT)], "said by the server");
    const socket = await connectPatiently(stack);
    await socket.write(Buffer.from("asked"));
    await socket.shutdown("send");
    assert.equal((await readAll(socket)).toString(), "said by the server");
    graceful(await socket.close());
    const { stdout } = await nc;
    assert.equal(stdout.toString(), "asked");
  },

  /** Linger { 1, 0 }: the kernel's program sees ECONNRESET. */
  async "linger-zero"(stack) {
    const server = createServer({ allowHalfOpen: true }).listen(PORT, KERNEL);
    await once(server, "listening");
    const accepted = once(server, "connection");
    const socket = await stack.connect({ address: KERNEL, port: PORT });
    const [peer] = (await accepted) as [import("node:net").Socket];
    const failed = once(peer, "error");
    peer.resume();
    const report = await socket.close({ linger: 0 });
    assert.equal(report.outcome, "aborted");
    assert.equal(report.cause, "linger0");
    const [error] = (await failed) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
    server.close();
  },

  /** Closing with received bytes unread resets: the kernel's program learns that they were not taken. */
  async "unread-data"(stack) {
    const server = await stack.listen({ port: PORT });
    const peer = connect({ host: OURS, port: PORT });
    const failed = once(peer, "error");
    peer.write("you will not read this");
    const socket = await server.accept();
    while (socket.info().unread === 0) await new Promise((resolve) => setImmediate(resolve));
    const report = await socket.close();
    assert.equal(report.outcome, "aborted");
    assert.equal(report.cause, "unreadData");
    assert.equal(report.bytes.discarded, 22);
    const [error] = (await failed) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
  },
};

/** nc needs a moment to listen; a refused attempt is repeated. */
async function connectPatiently(stack: Stack): Promise<Socket> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await stack.connect({ address: KERNEL, port: PORT, timeoutMs: 5_000 });
    } catch (error) {
      if (attempt === 200 || (error as { code?: string }).code !== "ECONNREFUSED") throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const chosen = cases[name];
assert.ok(chosen, `no case ${name}`);
const { stack, end } = await bench();
const start = performance.now();
await chosen(stack);
const ms = performance.now() - start;
await end();
console.log(`${name} ok ${JSON.stringify({ ms: Math.round(ms) })}`);
process.exit(0);
