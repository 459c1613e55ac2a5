/** get, serve and nc as processes, against plain node:net and node:http programs: what they print, exit codes, Ctrl-C. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, request as httpRequest, type RequestListener } from "node:http";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { CloseReport } from "../../host/index.ts";
import { jsonLines, lastack } from "./cli-support.ts";

const directory = mkdtempSync(join(tmpdir(), "lastack-cli-"));
after(() => rmSync(directory, { recursive: true }));

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const koffi = await import("koffi").then(() => true, () => false);
/** Without koffi the system cannot tell whether everything was acknowledged (semantics N-18): that is exit code 3. */
const GRACEFUL = koffi ? { status: 0, outcome: /^graceful$/, line: /127\.0\.0\.1:\d+ graceful: / } : { status: 3, outcome: /^unknown$/, line: /127\.0\.0\.1:\d+ unknown: / };

async function withHttp(listener: RequestListener, use: (base: string) => Promise<void>): Promise<void> {
  const server = createHttpServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use(`http://localhost:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A server that gives each connection to `serve` once its request came. */
async function withNet(serve: (socket: Socket) => void, use: (port: number) => Promise<void>): Promise<void> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => serve(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of open) socket.destroy();
    server.close();
  }
}

describe("get", () => {
  const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255));

  test("writes the body to standard output, whatever its framing, and the report to stderr", async () => {
    await withHttp(({ url, headers }, response) => {
      assert.match(headers.host as string, /^localhost:\d+$/);
      if (url === "/length") response.setHeader("Content-Length", content.length);
      if (url === "/close") response.useChunkedEncodingByDefault = false;
      for (let at = 0; at < content.length; at += 50_000) response.write(content.subarray(at, at + 50_000));
      response.end();
    }, async (base) => {
      for (const path of ["/length", "/chunked", "/close"]) {
        const { status, stdout, stderr } = await lastack(["get", base + path]).done;
        assert.equal(status, GRACEFUL.status, path + stderr);
        assert.ok(stdout.equals(content), path);
        assert.match(stderr, GRACEFUL.line);
      }
    });
  });

  test("--json gives status, length, hash and report; -o the body", async () => {
    await withHttp((_request, response) => response.end(content), async (base) => {
      const file = join(directory, "body");
      const { stdout } = await lastack(["get", "--json", "-o", file, base]).done;
      const { report, counters, ...rest } = JSON.parse(stdout.toString());
      assert.equal(typeof counters.tcpActiveOpens, "number", "named after RFC 4022");
      assert.deepEqual(rest, { link: { kind: "node" }, status: 200, bytes: content.length, whole: true, sha256: sha256(content), failure: null });
      assert.match(report.outcome, GRACEFUL.outcome);
      assert.ok(readFileSync(file).equals(content));
    });
  });

  test("a status that is no success exits 1, with the body", async () => {
    await withHttp((_request, response) => response.writeHead(302, { Location: "/else\x1b".replace("\x1b", "") }).end("moved"), async (base) => {
      const { status, stdout, stderr } = await lastack(["get", base]).done;
      assert.equal(status, 1);
      assert.equal(stdout.toString(), "moved");
      assert.match(stderr, /lastack get: 302 Found, to be found at \/else/);
    });
  });

  for (const [what, answer, message] of [
    ["a short body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", /the body is short: the server ended after 5 of 10 bytes/],
    ["a short chunked body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", /the body is short: the server ended after 5 bytes/],
    ["no answer", "", /ended the connection without an answer/],
    ["what is no HTTP", "220 ftp\x1b[2J ready\r\n\r\n", /the answer begins with|control characters/],
  ] as const) {
    test(`${what} exits 1 and says so`, async () => {
      await withNet((socket) => socket.end(answer), async (port) => {
        const { status, stderr } = await lastack(["get", `127.0.0.1:${port}`]).done;
        assert.equal(status, 1);
        assert.match(stderr, message);
        assert.ok(!stderr.includes("\x1b"));
      });
    });
  }

  test("a reset within the body exits 1, and the report names it", async () => {
    let peer: Socket | undefined;
    await withNet((socket) => {
      peer = socket;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    }, async (port) => {
      const run = lastack(["get", `127.0.0.1:${port}`]);
      await run.until(/hello/);
      peer?.resetAndDestroy();
      const { status, stderr } = await run.done;
      assert.equal(status, 1);
      assert.match(stderr, /ECONNRESET|resetByPeer/);
    });
  });

  test("interim answers are passed over; a server that keeps its side open is left, all delivered", async () => {
    await withNet((socket) => socket.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), async (port) => {
      const { status, stdout, stderr } = await lastack(["get", "--linger", "5", `127.0.0.1:${port}`]).done;
      assert.equal(stdout.toString(), "hello");
      assert.match(stderr, koffi ? /127\.0\.0\.1:\d+ delivered: / : /unknown: /);
      assert.equal(status, koffi ? 0 : 3);
    });
  });

  test("a refused connection exits 1 with one line", async () => {
    const { status, stderr } = await lastack(["get", "127.0.0.1:1"]).done;
    assert.equal(status, 1);
    assert.match(stderr, /^lastack get: connect .*\(WSAECONNREFUSED 10061\)\n$/);
  });

  test("Ctrl-C closes, prints the report and exits 130", async () => {
    await withNet((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"), async (port) => {
      const run = lastack(["get", "--linger", "1", `127.0.0.1:${port}`]);
      await run.until(/hello/);
      run.child.kill("SIGINT");
      const { status, stderr } = await run.done;
      assert.equal(status, 130, stderr);
      assert.match(stderr, koffi ? /127\.0\.0\.1:\d+ delivered: / : /127\.0\.0\.1:\d+ (unknown|lingerExpired)/);
    });
  });
});

async function fetched(port: number, path: string, method = "GET"): Promise<{ code: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ host: "127.0.0.1", port, path, method, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => { body += chunk; });
      response.on("end", () => resolve({ code: response.statusCode, body }));
    });
    asked.on("error", reject);
    asked.end();
  });
}

/** Settles when nobody listens on the port any more. */
async function refused(port: number): Promise<void> {
  for (let open = true; open;) {
    const socket = connect(port, "127.0.0.1");
    open = await new Promise<boolean>((resolve) => socket.on("connect", () => resolve(true)).on("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED")));
    socket.destroy();
  }
}

describe("serve", () => {
  test("serves a directory; Ctrl-C ends it with 0 and a report for each connection", async () => {
    writeFileSync(join(directory, "file.txt"), "content");
    const run = lastack(["serve", directory, "--port", "0", "--json"]);
    await run.until(/"listening"/);
    const [listening] = jsonLines(run.output());
    assert.equal(listening?.address, "127.0.0.1", "not open to others unasked");
    assert.equal(listening?.serving, `the files below ${directory}`);
    const port = listening?.port as number;
    assert.deepEqual(await fetched(port, "/file.txt"), { code: 200, body: "content" });
    assert.equal((await fetched(port, "/../../../etc/passwd")).code, 404);
    assert.equal((await fetched(port, "/%2e%2e/%2e%2e/etc/passwd")).code, 404);
    assert.equal((await fetched(port, "/file.txt", "DELETE")).code, 405);
    const idle = connect(port, "127.0.0.1");
    await once(idle, "connect");
    idle.write("GET /file.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(idle, "data");
    run.child.kill("SIGINT");
    await once(idle.resume(), "end");
    const { status, stdout, stderr } = await run.done;
    assert.equal(status, GRACEFUL.status, stderr);
    const lines = jsonLines(stdout.toString());
    // Connections are served side by side: the order of two lines says nothing.
    const answers = lines.filter(({ event }) => event === "answer").map(({ method, target, status: code }) => `${method} ${target} ${code}`);
    assert.deepEqual(answers.sort(), [
      "DELETE /file.txt 405", "GET /%2e%2e/%2e%2e/etc/passwd 404", "GET /../../../etc/passwd 404", "GET /file.txt 200", "GET /file.txt 200",
    ]);
    const closed = lines.filter(({ event }) => event === "closed") as { report: CloseReport }[];
    assert.equal(closed.length, 5);
    for (const { report } of closed) assert.match(report.outcome, GRACEFUL.outcome);
  });

  test("serves a text; a client that keeps its side open does not hold up the end", async () => {
    const run = lastack(["serve", "--port", "0", "hello"]);
    const port = Number((await run.until(/^serving the text "hello" on http:\/\/127\.0\.0\.1:(\d+)\/$/m))[1]);
    assert.deepEqual(await fetched(port, "/"), { code: 200, body: "hello" });
    const silent = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(silent, "connect");
    silent.resume();
    run.child.kill("SIGINT");
    const { status, stdout } = await run.done;
    assert.equal(status, koffi ? 0 : 3);
    assert.match(stdout.toString(), /127\.0\.0\.1:\d+ GET \/ 200, 5 bytes\n/);
    assert.match(stdout.toString(), koffi ? /127\.0\.0\.1:\d+ delivered/ : /unknown/);
    silent.destroy();
  });

  for (const [how, deadline, signals] of [["at the deadline", "1", 1], ["at the second Ctrl-C", "60", 2]] as const) {
    test(`an answer that nobody takes is reset ${how}, which exits 1`, async () => {
      writeFileSync(join(directory, "big"), Buffer.alloc(30_000_000));
      const run = lastack(["serve", "--port", "0", "--deadline", deadline, directory]);
      const port = Number((await run.until(/http:\/\/127\.0\.0\.1:(\d+)\//))[1]);
      const lazy = connect(port, "127.0.0.1");
      lazy.on("error", () => {});
      lazy.write("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
      await once(lazy, "readable");
      run.child.kill("SIGINT");
      // The first is taken when nobody listens any more; two at once would count as one.
      await refused(port);
      if (signals > 1) run.child.kill("SIGINT");
      const { status, stdout } = await run.done;
      assert.equal(status, 1);
      assert.match(stdout.toString(), /127\.0\.0\.1:\d+ aborted/);
      lazy.destroy();
    });
  }

  test("what looks like a path and is no directory is refused", async () => {
    const { status, stderr } = await lastack(["serve", "./nosuch"]).done;
    assert.equal(status, 2);
    assert.match(stderr, /"\.\/nosuch" is no directory/);
  });
});

describe("nc", () => {
  const BIG = Buffer.alloc(3_000_000, "lastack ");

  test("sends its input, half-closes, and still receives: as client", async () => {
    const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const running = lastack(["nc", "--json", "localhost", String((server.address() as AddressInfo).port)], { input: BIG });
    const [peer] = (await once(server, "connection")) as [Socket];
    const parts: Buffer[] = [];
    for await (const part of peer.iterator({ destroyOnReturn: false })) parts.push(part as Buffer);
    // Only after its FIN.
    peer.end(BIG);
    const { status, stdout, stderr } = await running.done;
    server.close();
    assert.ok(Buffer.concat(parts).equals(BIG));
    assert.ok(stdout.equals(BIG));
    assert.equal(status, GRACEFUL.status, stderr);
    assert.match(JSON.parse(stderr).report.outcome, GRACEFUL.outcome);
  });

  test("the same as server", async () => {
    const running = lastack(["nc", "-l", "0"], { input: "from the server" });
    const port = Number((await running.until(/listening on 127\.0\.0\.1:(\d+)/, true))[1]);
    const peer = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let text = "";
    for await (const part of peer.iterator({ destroyOnReturn: false })) text += part;
    peer.end("from the client");
    const { status, stdout, stderr } = await running.done;
    assert.equal(text, "from the server");
    assert.equal(stdout.toString(), "from the client");
    assert.equal(status, GRACEFUL.status, stderr);
    assert.match(stderr, GRACEFUL.line);
  });

  test("a peer that resets makes it exit 1 and say so, although input is still open", async () => {
    await withNet((socket) => socket.resetAndDestroy(), async (port) => {
      const running = lastack(["nc", "127.0.0.1", String(port)]);
      running.child.stdin?.write("x");
      const { status, stderr } = await running.done;
      assert.equal(status, 1, stderr);
      assert.match(stderr, /WSAECONNRESET 10054/);
      assert.match(stderr, /resetByPeer/);
    });
  });

  test("Ctrl-C closes gracefully with what was sent, prints the report and exits 130", async () => {
    let arrived = (): void => {};
    const came = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await withNet((socket) => {
      socket.on("end", () => socket.end());
      socket.resume();
      arrived();
    }, async (port) => {
      const running = lastack(["nc", "127.0.0.1", String(port)]);
      running.child.stdin?.write("some words");
      await came;
      running.child.kill("SIGINT");
      const { status, stderr } = await running.done;
      assert.equal(status, 130, stderr);
      assert.match(stderr, koffi ? /graceful: 10 bytes sent, 10 acknowledged/ : /unknown: 10 bytes sent/);
    });
  });

  test("a reader that closes our output ends the connection, exit 1", async () => {
    await withNet((socket) => socket.write(BIG), async (port) => {
      const running = lastack(["nc", "127.0.0.1", String(port)]);
      running.child.stdin?.write("x");
      running.child.stdout?.destroy();
      const { status, stderr } = await running.done;
      assert.equal(status, 1, stderr);
      assert.match(stderr, /standard output/);
    });
  });
});

