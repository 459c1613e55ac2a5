/**
 * 200 MB by `lastack get` and `lastack serve` against curl and node:http: over host sockets, and over TAP as root in a network
 * namespace. Hashes are equal, reports graceful. Also the other commands on TAP.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { namespaceObstacle } from "../../host/cli/demo/namespace.ts";
import type { CloseReport } from "../../host/index.ts";
import { jsonLines, lastack, ROOT } from "./cli-support.ts";

const PROGRAM = fileURLToPath(new URL("cli-tap-program.ts", import.meta.url));
const SIZE = 200_000_000;
const CASE_TIMEOUT_MS = 150_000;
const koffi = await import("koffi").then(() => true, () => false);
const has = (tool: string): boolean => spawnSync("which", [tool]).status === 0;

const directory = mkdtempSync(join(tmpdir(), "lastack-transfer-"));
after(() => rmSync(directory, { recursive: true }));
let sha256 = "";

/** 200 MB in which no two megabytes are the same. */
before(() => {
  const hash = createHash("sha256");
  const file = openSync(join(directory, "big"), "w");
  const piece = Buffer.alloc(1_000_000);
  for (let i = 0; i < piece.length; i++) piece[i] = (Math.imul(i, 2654435761) >>> 13) & 255;
  for (let at = 0; at < SIZE; at += piece.length) {
    for (let i = 0; i < piece.length; i += 1000) piece.writeUInt32LE(at + i, i);
    writeSync(file, piece);
    hash.update(piece);
  }
  closeSync(file);
  sha256 = hash.digest("hex");
});

const moved = (who: string, started: number, hash: string): string =>
  `${who}: ${SIZE.toLocaleString("en-US")} bytes in ${((performance.now() - started) / 1000).toFixed(1)} s with the process's start, sha256 ${hash.slice(0, 16)}…, of the file ${sha256.slice(0, 16)}…`;

describe("host sockets, 200 MB", () => {
  test("curl gets them from lastack serve", { skip: has("curl") ? false : "curl is not installed" }, async (t) => {
    const run = lastack(["serve", directory, "--port", "0", "--json"]);
    const port = Number((await run.until(/"port":(\d+)/))[1]);
    const hash = createHash("sha256");
    const started = performance.now();
    const curl = spawn("curl", ["--silent", "--fail", "--max-time", "100", `http://127.0.0.1:${port}/big`], { stdio: ["ignore", "pipe", "inherit"] });
    curl.stdout.on("data", (part: Buffer) => hash.update(part));
    assert.equal((await once(curl, "close"))[0], 0, "curl's exit code");
    const got = hash.digest("hex");
    t.diagnostic(moved("curl", started, got));
    assert.equal(got, sha256);
    run.child.kill("SIGINT");
    const { status, stdout, stderr } = await run.done;
    assert.equal(status, 0, stderr);
    const closed = jsonLines(stdout.toString()).filter(({ event }) => event === "closed") as { report: CloseReport }[];
    assert.equal(closed[0]?.report.outcome, koffi ? "graceful" : "unknown");
    assert.ok((closed[0]?.report.bytes.sent ?? 0) > SIZE);
  });

  test("lastack get has them from node:http", async (t) => {
    const http = createServer((_request, response) => {
      response.setHeader("Content-Length", SIZE);
      createReadStream(join(directory, "big")).pipe(response);
    }).listen(0, "127.0.0.1");
    await once(http, "listening");
    const started = performance.now();
    const { status, stdout, stderr } = await lastack(["get", "--json", `http://localhost:${(http.address() as AddressInfo).port}/big`]).done;
    assert.equal(status, koffi ? 0 : 3, stderr);
    const { bytes, whole, sha256: got, report } = JSON.parse(stdout.toString());
    t.diagnostic(`${moved("lastack get", started, got)}; report ${report.outcome}`);
    assert.deepEqual([bytes, whole, got, report.outcome], [SIZE, true, sha256, koffi ? "graceful" : "unknown"]);
    http.close();
  });
});

describe("TAP", { skip: namespaceObstacle() ?? (has("curl") ? false : "curl is not installed") }, () => {
  for (const [name, what] of [
    ["serve", "curl gets 200 MB from lastack serve"], ["get", "lastack get has 200 MB from node:http"],
    ["ping", "lastack ping is answered by the kernel, and says so when it is not"], ["nc", "lastack nc half-closes against node:net"],
    ["own-device", "a device whose other end has no address is told of"],
  ] as const) {
    test(what, async (t) => {
      const child = spawn("unshare", ["-n", process.execPath, "--import", "tsx", PROGRAM, name, directory, sha256], {
        cwd: ROOT, timeout: CASE_TIMEOUT_MS, killSignal: "SIGKILL", stdio: ["ignore", "pipe", "pipe"],
      });
      let text = "";
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => { text += part; });
      const [status] = (await once(child, "close")) as [number | null];
      assert.equal(status, 0, text);
      t.diagnostic(text.trim());
      assert.match(text, new RegExp(`^${name} ok$`, "m"));
    });
  }
});
