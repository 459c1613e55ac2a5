/** The HTTP server and client of the command line: messages, framing, paths, keep-alive, refusals. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Framing, framingOf, receiveBody } from "../../host/cli/http/body.ts";
import { contentLength, HttpError, parseHead, printable } from "../../host/cli/http/head.ts";
import { Incoming } from "../../host/cli/http/incoming.ts";
import { serveConnection } from "../../host/cli/serve/connection.ts";
import { parseRequest } from "../../host/cli/serve/request.ts";
import { directorySite, type Site, textSite } from "../../host/cli/serve/site.ts";
import { type CloseReport, createStack, type Server, type Stack } from "../../host/index.ts";

const status = (code: number) => (error: unknown): boolean => error instanceof HttpError && error.status === code;

describe("heads", () => {
  test("are read with their fields by lower-case name, repeated ones kept apart", () => {
    const head = parseHead("GET / HTTP/1.1\r\nHost: a\r\nX:  b c \r\nx:\r\nEmpty:");
    assert.equal(head.start, "GET / HTTP/1.1");
    assert.deepEqual([...head.fields], [["host", ["a"]], ["x", ["b c", ""]], ["empty", [""]]]);
  });

  for (const [what, text] of [
    ["a space before the colon", "GET / HTTP/1.1\r\nHost : a"], ["a folded line", "GET / HTTP/1.1\r\nHost: a\r\n b"],
    ["no colon", "GET / HTTP/1.1\r\nHost"], ["a control character in a value", "GET / HTTP/1.1\r\nHost: a\x01"],
    ["a control character in the start line", "GET /\x1b[2J HTTP/1.1"], ["a lone CR", "GET / HTTP/1.1\r\nHost: a\rX: b"],
  ] as const) test(`with ${what} are refused`, () => assert.throws(() => parseHead(text), status(400)));

  test("with more than 100 fields are refused", () => {
    assert.throws(() => parseHead(`GET / HTTP/1.1${"\r\na: b".repeat(101)}`), status(431));
  });

  test("a field of 16000 spaces costs no time", () => {
    const started = performance.now();
    parseHead(`GET / HTTP/1.1\r\nA: x${" ".repeat(16_000)}y`);
    assert.ok(performance.now() - started < 1000);
  });

  test("a Content-Length is one decimal number", () => {
    assert.equal(contentLength(parseHead("x\r\nContent-Length: 5\r\nContent-Length: 5, 5")), 5);
    assert.equal(contentLength(parseHead("x")), undefined);
    for (const bad of ["-1", "+5", "0x5", "5, 6", "1e3", "9999999999999999", "5 5"]) {
      assert.throws(() => contentLength(parseHead(`x\r\nContent-Length: ${bad}`)), status(400), bad);
    }
  });

  test("text of peers is made harmless for a terminal", () => {
    assert.equal(printable("a\x1b[31m\x9b\n\u00e9"), "a\\x1b[31m\\x9b\\x0a\\xe9");
  });
});

describe("requests", () => {
  const request = (text: string) => parseRequest(parseHead(text));

  test("say what is asked for and whether the connection goes on", () => {
    const { method, path, keepAlive, hasBody } = request("GET /a%20b/c?d=e HTTP/1.1\r\nHost: x");
    assert.deepEqual({ method, path, keepAlive, hasBody }, { method: "GET", path: ["a b", "c"], keepAlive: true, hasBody: false });
    assert.deepEqual(request("GET http://x:1/a/ HTTP/1.1\r\nHost: x").path, ["a", ""]);
    assert.deepEqual(request("GET http://x HTTP/1.1\r\nHost: x").path, [""]);
    assert.equal(request("GET / HTTP/1.1\r\nHost: x\r\nConnection: Close").keepAlive, false);
    assert.equal(request("GET / HTTP/1.0").keepAlive, false);
    assert.equal(request("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked").hasBody, true);
  });

  for (const [text, code] of [
    ["GET / HTTP/1.1", 400], ["GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400], ["GET  / HTTP/1.1\r\nHost: a", 400], ["GET /", 400],
    ["GET / HTTP/2.0\r\nHost: a", 505], ["GET / ICY/1.1\r\nHost: a", 400], ["G(T / HTTP/1.1\r\nHost: a", 400],
    ["GET %2e HTTP/1.1\r\nHost: a", 400], ["GET /%zz HTTP/1.1\r\nHost: a", 400], ["GET /%ff HTTP/1.1\r\nHost: a", 400],
    ["GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", 400], ["GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x", 400],
  ] as const) test(`${JSON.stringify(text)} is answered ${code}`, () => assert.throws(() => request(text), status(code)));
});

/** A source that gives the bytes in pieces of `piece`, then the end, or fails. */
function source(text: string, piece: number, end: "fin" | "reset" = "fin") {
  const bytes = Buffer.from(text, "latin1");
  let at = 0;
  return {
    async read() {
      if (at >= bytes.length && end === "reset") throw new Error("reset");
      const chunk = bytes.subarray(at, at + piece);
      at += chunk.length;
      return chunk.length === 0 ? null : new Uint8Array(chunk);
    },
  };
}

async function body(framing: Framing, text: string, piece: number): Promise<{ whole: boolean; text: string; left: number }> {
  const incoming = new Incoming(source(text, piece));
  const parts: Uint8Array[] = [];
  const whole = await receiveBody(incoming, framing, async (bytes) => void parts.push(bytes.slice()));
  return { whole, text: Buffer.concat(parts).toString("latin1"), left: await incoming.untilEnd() };
}

describe("bodies", () => {
  const framing = (code: number, fields: string) => framingOf(code, parseHead(`HTTP/1.1 ${code} x${fields}`));

  test("are framed as the head says", () => {
    assert.deepEqual(framing(200, "\r\nContent-Length: 7"), { kind: "length", length: 7 });
    assert.deepEqual(framing(200, "\r\nTransfer-Encoding: chunked\r\nContent-Length: 7"), { kind: "chunked" });
    assert.deepEqual(framing(200, ""), { kind: "close" });
    assert.deepEqual(framing(304, "\r\nContent-Length: 7"), { kind: "none" });
    assert.throws(() => framing(200, "\r\nTransfer-Encoding: gzip, chunked"), status(502));
  });

  for (const piece of [1, 2, 3, 7, 1000]) {
    test(`come whole in pieces of ${piece}`, async () => {
      assert.deepEqual(await body({ kind: "length", length: 5 }, "helloX", piece), { whole: true, text: "hello", left: 1 });
      assert.deepEqual(await body({ kind: "close" }, "hello", piece), { whole: true, text: "hello", left: 0 });
      const chunked = "5;name=value\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\nX";
      assert.deepEqual(await body({ kind: "chunked" }, chunked, piece), { whole: true, text: "hello world", left: 1 });
    });
  }

  test("that end early are not whole", async () => {
    assert.equal((await body({ kind: "length", length: 6 }, "hello", 3)).whole, false);
    const chunked = "5\r\nhello\r\n0\r\n\r\n";
    for (let length = 0; length < chunked.length; length++) assert.equal((await body({ kind: "chunked" }, chunked.slice(0, length), 4)).whole, false, String(length));
  });

  for (const bad of ["x\r\n", "-1\r\n", "5\r\nhello!\r\n", "fffffffffffffff\r\n", `${"0".repeat(2000)}\r\n`, `0\r\n${"a: b\r\n".repeat(200)}`, "\r\n"]) {
    test(`chunked as ${JSON.stringify(bad.slice(0, 20))} are refused`, () => assert.rejects(body({ kind: "chunked" }, bad, 100), HttpError));
  }

  test("what a reset cuts off rejects", async () => {
    const incoming = new Incoming(source("hel", 2, "reset"));
    await assert.rejects(receiveBody(incoming, { kind: "close" }, async () => {}), /reset/);
  });

  test("a head that never ends is refused at 16384 bytes; an end before it is told", async () => {
    await assert.rejects(new Incoming(source("a".repeat(20_000), 999)).head(), status(431));
    await assert.rejects(new Incoming(source("GET / HT", 3)).head(), status(400));
    assert.equal(await new Incoming(source("", 3)).head(), undefined);
    const both = new Incoming(source("\r\n\r\na\r\n\r\nb\n\n", 1));
    assert.deepEqual([await both.head(), await both.head(), await both.head()], ["a", "b", undefined]);
  });
});

describe("a directory", () => {
  const outside = mkdtempSync(join(tmpdir(), "lastack-outside-"));
  const root = join(outside, "root");
  after(() => rmSync(outside, { recursive: true }));
  mkdirSync(join(root, "sub"), { recursive: true });
  mkdirSync(join(outside, "root-twin"));
  writeFileSync(join(outside, "secret"), "secret");
  writeFileSync(join(outside, "root-twin", "secret"), "secret");
  writeFileSync(join(root, "a b<&.txt"), "text");
  writeFileSync(join(root, "sub", "index.html"), "<p>index");
  symlinkSync(join(outside, "secret"), join(root, "link"));
  symlinkSync(outside, join(root, "up"));
  symlinkSync(join(root, "sub"), join(root, "inside"));

  test("gives files, an index, a listing, and sends to the slash", async () => {
    const site = await directorySite(root);
    assert.deepEqual(await site(["a b<&.txt"]), { kind: "file", path: join(root, "a b<&.txt"), type: "text/plain; charset=utf-8" });
    assert.equal((await site(["sub", ""]))?.kind, "file");
    assert.equal((await site(["inside", ""]))?.kind, "file");
    assert.deepEqual(await site(["sub"]), { kind: "moved", location: "/sub/" });
    const list = await site([""]);
    assert.ok(list?.kind === "text");
    assert.match(list.body.toString(), /<a href="\.\/a%20b%3C%26\.txt">a b&#60;&#38;\.txt<\/a>/);
    assert.ok(!list.body.toString().includes("../"));
  });

  test("gives nothing from outside", async () => {
    const site = await directorySite(root);
    for (const path of [["..", "secret"], ["sub", "..", "..", "secret"], ["link"], ["up", "secret"], ["../secret"], ["..\0"], ["a b<&.txt", ""], ["none"],
      ["..", "root-twin", "secret"], ["."], ["x".repeat(5000)]]) {
      assert.equal(await site(path), undefined, path.join("|").slice(0, 50));
    }
  });

  test("a redirection cannot lead to another host", async () => {
    const site = await directorySite(root);
    assert.deepEqual(await site(["", "sub"]), { kind: "moved", location: "/sub/" });
  });
});

describe("a connection", () => {
  let stack: Stack;
  before(async () => {
    stack = await createStack({ hostSockets: true });
  });
  after(async () => void (await stack.close()));

  /** Sends `raw` to a server for one connection, and our end; what it answers until its end, and its report. */
  async function talk(site: Site, raw: string, stopping = new AbortController().signal): Promise<{ answer: string; report: CloseReport }> {
    const server: Server = await stack.listen({ address: "127.0.0.1", port: 0 });
    const client = connect({ ...server.address, host: "127.0.0.1", allowHalfOpen: true });
    let answer = "";
    client.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    const ended = new Promise<void>((resolve, reject) => {
      client.once("end", () => resolve());
      client.once("error", reject);
    });
    client.write(raw, "latin1");
    const socket = await server.accept();
    const meter = { expect() {}, add() {} };
    const closed = serveConnection(socket, { site, meter, stopping, linger: undefined, lastLinger: 10, drain: false, onAnswer() {}, onTrouble: (error) => assert.fail(error) });
    void ended.then(() => client.end(), () => {});
    if (/Connection: keep-alive/.test(raw)) client.end();
    await ended;
    const report = await closed;
    await server.close();
    return { answer, report };
  }

  const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n";

  test("answers requests in turn, stating that it goes on, and ends after the one that says so", async () => {
    const { answer, report } = await talk(textSite("hello"), `${REQUEST}\r\n${REQUEST}Connection: close\r\n\r\n`);
    assert.equal(answer.match(/HTTP\/1\.1 200 OK/g)?.length, 2);
    assert.match(answer, /Content-Length: 5\r\n.*Connection: keep-alive\r\n\r\nhello.*Connection: close\r\n\r\nhello$/s);
    assert.notEqual(report.outcome, "aborted");
  });

  test("ends when the client has", async () => {
    const { answer, report } = await talk(textSite("hello"), `${REQUEST}Connection: keep-alive\r\n\r\n`);
    assert.match(answer, /hello$/);
    assert.equal(report.peerFin, true);
  });

  test("answers HEAD without a body, with the length of GET's", async () => {
    const { answer } = await talk(textSite("hello"), "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert.match(answer, /Content-Length: 5\r\n/);
    assert.match(answer, /\r\n\r\n$/);
  });

  for (const [what, raw, code] of [
    ["a body nobody wants", `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n${"b".repeat(50_000)}`, 405],
    ["what is no HTTP, and more of it", `hello\r\n\r\n${"b".repeat(50_000)}`, 400],
    ["too long a head", `GET / HTTP/1.1\r\nHost: ${"x".repeat(40_000)}`, 431],
    ["a path that is not there", "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404],
    ["an old version", "GET / HTTP/0.9\r\n\r\n", 505],
  ] as const) {
    test(`answers ${code} to ${what}, and the client gets it whole`, async () => {
      const { answer, report } = await talk(textSite("hello"), raw);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${code} `));
      assert.match(answer, /Connection: close\r\n/);
      assert.equal(answer.length - answer.indexOf("\r\n\r\n") - 4, Number(/Content-Length: (\d+)/.exec(answer)?.[1]));
      assert.notEqual(report.outcome, "aborted");
    });
  }

  test("takes no request once it is to stop", async () => {
    const { answer, report } = await talk(textSite("hello"), "", AbortSignal.abort());
    assert.equal(answer, "");
    assert.notEqual(report.outcome, "aborted");
  });
});
