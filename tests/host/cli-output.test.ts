/** What the commands print where: readers that go away, full disks, terminals, JSON for each command, Ctrl-C while something is under way. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, get as httpGet, type Server } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { BUNDLE, jsonLines, lastack as command, type Outcome, ROOT, type RunOptions, type Running } from "./cli-support.ts";

const koffi = await import("koffi").then(() => true, () => false);
const GRACEFUL = koffi ? "graceful" : "unknown";
const directory = mkdtempSync(join(tmpdir(), "lastack-output-"));
after(() => rmSync(directory, { recursive: true }));

const lastack = (args: readonly string[], options: RunOptions = {}): Running => command(args, { ...options, bundle: true });

/** A command that lost its output: one line says so, and nothing else went wrong. */
function assertGone({ status, stderr }: Outcome, words: RegExp): void {
  assert.equal(status, 1, stderr);
  assert.match(stderr, words);
  assert.ok(!/^\s+at /m.test(stderr), stderr);
}

/** A server whose body never ends. */
async function endless(use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Length": 1e9 });
    const timer = setInterval(() => response.write(Buffer.alloc(10_000, "x")), 20);
    response.on("close", () => clearInterval(timer));
  });
  await listening(server, async (port) => use(`http://127.0.0.1:${port}/`));
}

async function listening(server: Server, use: (port: number) => Promise<void>): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await use((server.address() as AddressInfo).port);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("standard output that takes no more ends the command", () => {
  const GONE = /^lastack.*: standard output: its reader has gone$/m;

  for (const args of [["--help"], ["demo", "--link", "memory"], ["demo", "--link", "node"]]) {
    test(`a reader that goes away: ${args.join(" ")}`, async () => {
      const run = lastack(args);
      run.child.stdout?.destroy();
      assertGone(await run.done, GONE);
    });
  }

  test("a reader that goes away: get", async () => {
    await endless(async (url) => {
      const run = lastack(["get", url]);
      await run.until(/x/);
      run.child.stdout?.destroy();
      const outcome = await run.done;
      assertGone(outcome, GONE);
      // Unread data resets; without any, the server's FIN answers ours.
      assert.match(outcome.stderr, /^127\.0\.0\.1:\d+ (aborted|graceful|unknown)/m);
    });
  });

  test("a reader that goes away: serve stops listening, and ends", async () => {
    const run = lastack(["serve", "hello", "--port", "0"]);
    const port = Number((await run.until(/:(\d+)\//))[1]);
    run.child.stdout?.destroy();
    const [answer] = await once(httpGet({ host: "127.0.0.1", port, agent: false }), "response");
    assert.equal(answer.statusCode, 200);
    answer.resume();
    assertGone(await run.done, GONE);
  });

  for (const args of [["--version"], ["demo", "--link", "memory", "--json"], ["serve", "hello", "--port", "0"]]) {
    test(`a full disk: ${args.join(" ")}`, { skip: existsSync("/dev/full") ? false : "needs /dev/full" }, async () => {
      const run = lastack(args, { prefix: ["sh", "-c", 'exec "$0" "$@" > /dev/full'] });
      assertGone(await run.done, /^lastack: standard output: ENOSPC/m);
    });
  }
});

describe("--json", () => {
  test("get says in JSON that there was no connection", async () => {
    const server = createServer();
    let port = 0;
    await listening(server, async (free) => {
      port = free;
    });
    const { status, stdout, stderr } = await lastack(["get", "--json", `http://127.0.0.1:${port}/`]).done;
    assert.equal(status, 1);
    const { failure, counters, ...rest } = JSON.parse(stdout.toString());
    assert.equal(typeof counters, "object");
    assert.match(failure, /^connect -> 127\.0\.0\.1:\d+: the peer refused the connection/);
    assert.deepEqual(rest, { link: { kind: "node" }, status: null, bytes: 0, whole: false, sha256: null, report: null });
    assert.equal(stderr, "");
  });

  test("get -o a file that cannot be written names option, value and reason", async () => {
    await listening(createServer((_request, response) => response.end(Buffer.alloc(1_000_000))), async (port) => {
      const file = join(directory, "nowhere", "file");
      const { status, stdout } = await lastack(["get", "--json", "-o", file, `http://127.0.0.1:${port}/`]).done;
      assert.equal(status, 1);
      const { failure, report } = JSON.parse(stdout.toString());
      assert.ok(failure.startsWith(`--output is "${file}"; expected a file that can be written: ENOENT`), failure);
      assert.equal(report.outcome, "aborted");
    });
  });

  test("get -o makes a file of an empty body, and none where there was no answer", async () => {
    const file = join(directory, "empty");
    await listening(createServer((_request, response) => response.end()), async (port) => {
      assert.equal((await lastack(["get", "-o", file, `http://127.0.0.1:${port}/`]).done).status, koffi ? 0 : 3);
      assert.equal(readFileSync(file).length, 0);
    });
    await lastack(["get", "-o", `${file}2`, "http://127.0.0.1:1/"]).done;
    assert.equal(existsSync(`${file}2`), false);
  });

  test("nc prints JSON lines on stderr: where it listens, and the report", async () => {
    const run = lastack(["nc", "-l", "--json", "0"], { input: "answer" });
    const [, port] = await run.until(/"port":(\d+)/, true);
    const client = lastack(["nc", "127.0.0.1", port as string], { input: "question" });
    const { stdout, stderr } = await run.done;
    await client.done;
    assert.equal(stdout.toString(), "question");
    const [first, second] = jsonLines(stderr) as [{ event: string }, { event: string; failure: unknown; report: { outcome: string } }];
    assert.deepEqual([first.event, second.event, second.failure, second.report.outcome], ["listening", "closed", null, GRACEFUL]);
  });
});

describe("Ctrl-C", () => {
  test("get --json prints its object, with what came and the report, and exits 130", async () => {
    await endless(async (url) => {
      const run = lastack(["get", "--json", "-o", join(directory, "part"), url]);
      const came = (): boolean => existsSync(join(directory, "part"));
      while (!came() && run.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 10));
      run.child.kill("SIGINT");
      const { status, stdout } = await run.done;
      assert.equal(status, 130);
      const { whole, bytes, failure, report } = JSON.parse(stdout.toString());
      assert.equal(whole, false);
      assert.ok(bytes > 0);
      assert.equal(failure, `interrupted after ${bytes} bytes`);
      // Unread data resets; without any, the server's FIN answers ours.
      assert.ok(["aborted", "graceful", "delivered", "unknown"].includes(report.outcome), report.outcome);
    });
  });

  test("nc -l that waits says that there was no connection, and exits 130", async () => {
    const run = lastack(["nc", "-l", "0"]);
    await run.until(/listening/, true);
    run.child.kill("SIGINT");
    const { status, stderr } = await run.done;
    assert.equal(status, 130);
    assert.match(stderr, /^lastack nc: interrupted before there was a connection$/m);
  });

  test("nc --json tells of no failure that Ctrl-C made", async () => {
    const server = createNetServer({ allowHalfOpen: true }, (socket: Socket) => socket.resume().on("end", () => socket.end()).on("error", () => {})).listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted = once(server, "connection");
    const run = lastack(["nc", "--json", "127.0.0.1", String((server.address() as AddressInfo).port)]);
    const [peer] = (await accepted) as [Socket];
    run.child.stdin?.write("x");
    await once(peer, "data");
    run.child.kill("SIGINT");
    const { status, stderr } = await run.done;
    assert.equal(status, 130, stderr);
    const [{ failure, report }] = jsonLines(stderr) as [{ failure: unknown; report: { outcome: string } }];
    assert.deepEqual([failure, report.outcome], [null, GRACEFUL]);
    server.close();
  });

  for (const seen of [/graceful:/, /WSPConnect/, /WSPShutdown/]) {
    test(`demo --link node, after ${seen.source}, ends and exits 130`, async () => {
      const run = lastack(["demo", "--link", "node"]);
      await run.until(seen);
      run.child.kill("SIGINT");
      const { status, stderr } = await run.done;
      // It may have been done before the signal came.
      assert.ok(status === 130 || status === 0, `${status} ${stderr}`);
    });
  }
});

/** Runs the command on a terminal of its own and returns what that showed. */
function onTerminal(args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const { stdout } = spawnSync("script", ["-qec", [process.execPath, BUNDLE, ...args].join(" "), "/dev/null"], { cwd: ROOT, encoding: "utf8", timeout: 60_000, stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, TERM: "xterm", NO_COLOR: "", ...env } });
  return stdout;
}

describe("a terminal", { skip: spawnSync("script", ["--version"]).status === 0 ? false : "script is not installed" }, () => {
  test("gets colours, unless NO_COLOR or TERM=dumb say no", () => {
    const demo = ["demo", "--link", "memory"];
    const coloured = (text: string): boolean => text.includes("\x1b[");
    assert.deepEqual([onTerminal(demo), onTerminal(demo, { NO_COLOR: "1" }), onTerminal(demo, { TERM: "dumb" })].map(coloured), [true, false, false]);
  });
});

describe("help and version", () => {
  test("--version is the package's, help COMMAND is COMMAND --help", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    assert.equal((await lastack(["--version"]).done).stdout.toString(), `${version}\n`);
    const [one, other] = await Promise.all([lastack(["help", "get"]).done, lastack(["get", "--help"]).done]);
    assert.ok(one.stdout.equals(other.stdout) && one.status === 0);
    assert.equal((await lastack(["help", "nix"]).done).status, 2);
  });
});
