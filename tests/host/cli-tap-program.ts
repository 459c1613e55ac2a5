/**
 * What cli-transfer.test.ts runs inside a network namespace of its own: the commands on a TAP device against curl, node:http, ping
 * and node:net on the kernel's end. Arguments: the case, a directory with the file "big", its sha256.
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { decodeFrame, readPcapng } from "../../host/device/index.ts";
import type { CloseReport } from "../../host/index.ts";
import { jsonLines, lastack } from "./cli-support.ts";

const KERNEL = "10.77.0.1";
const OURS = "10.77.0.2";
const LINK = ["--link", "tap:tap0", "--ip", `${OURS}/24`];
const [name = "", directory = "", sha256 = ""] = process.argv.slice(2);
const BIG = join(directory, "big");

const cases: Record<string, () => Promise<void>> = {
  /** curl fetches the file from `lastack serve`. */
  async serve() {
    const run = lastack(["serve", directory, "--json", ...LINK]);
    await run.until(/"listening"/);
    const hash = createHash("sha256");
    const started = performance.now();
    const curl = spawn("curl", ["--silent", "--fail", "--max-time", "100", `http://${OURS}:8000/big`], { stdio: ["ignore", "pipe", "inherit"] });
    curl.stdout.on("data", (part: Buffer) => hash.update(part));
    assert.equal((await once(curl, "close"))[0], 0, "curl's exit code");
    const got = hash.digest("hex");
    console.log(`curl: ${statSync(BIG).size.toLocaleString("en-US")} bytes in ${((performance.now() - started) / 1000).toFixed(1)} s, sha256 ${got.slice(0, 16)}…, of the file ${sha256.slice(0, 16)}…`);
    assert.equal(got, sha256);
    run.child.kill("SIGINT");
    const { status, stdout, stderr } = await run.done;
    assert.equal(status, 0, stderr);
    const closed = jsonLines(stdout.toString()).filter(({ event }) => event === "closed") as { report: CloseReport }[];
    assert.equal(closed.length, 1);
    assert.equal(closed[0]?.report.outcome, "graceful");
    assert.ok((closed[0]?.report.bytes.acknowledged ?? 0) > statSync(BIG).size);
  },

  /** `lastack get` fetches the file from node:http. */
  async get() {
    const http = createHttpServer((_request, response) => {
      response.setHeader("Content-Length", statSync(BIG).size);
      createReadStream(BIG).pipe(response);
    }).listen(0, KERNEL);
    await once(http, "listening");
    const { status, stdout, stderr } = await lastack(["get", "--json", ...LINK, `http://${KERNEL}:${(http.address() as AddressInfo).port}/big`]).done;
    assert.equal(status, 0, stderr);
    const result = JSON.parse(stdout.toString());
    console.log(`lastack get: ${result.bytes.toLocaleString("en-US")} bytes, sha256 ${result.sha256.slice(0, 16)}…, of the file ${sha256.slice(0, 16)}…; report ${result.report.outcome}`);
    assert.deepEqual([result.status, result.bytes, result.whole, result.sha256], [200, statSync(BIG).size, true, sha256]);
    assert.equal(result.report.outcome, "graceful");
    http.close();
  },

  async ping() {
    const capture = join(directory, "ping.pcapng");
    const { status, stdout, stderr } = await lastack(["ping", ...LINK, "-c", "3", "--interval", "0.05", "--pcap", capture, KERNEL]).done;
    assert.equal(status, 0, stderr + stdout);
    assert.match(stdout.toString(), /^56 bytes from 10\.77\.0\.1: seq=0 time=\d+\.\d{3} ms\n.*\n10\.77\.0\.1: 3 sent, 3 answered; round trip min /s);
    const types = readPcapng(readFileSync(capture)).flatMap(({ bytes }) => decodeFrame(bytes).icmp ?? []);
    assert.deepEqual(types.map(({ type, checksumValid }) => [type, checksumValid]), [[8, true], [0, true], [8, true], [0, true], [8, true], [0, true]]);
    for (const own of ["127.0.0.1", OURS]) assert.equal((await lastack(["ping", ...LINK, "-c", "1", own]).done).status, 0, own);
    const missing = await lastack(["ping", ...LINK, "-c", "2", "--timeout", "0.3", "--interval", "0", "--json", "10.77.0.99"]).done;
    assert.equal(missing.status, 1);
    const told = JSON.parse(missing.stdout.toString());
    assert.equal(told.received, 0);
    assert.deepEqual([told.counters.icmpInMsgs, told.counters.tcpActiveOpens], [0, 0]);
    const heard = JSON.parse((await lastack(["ping", ...LINK, "-c", "2", "--interval", "0", "--json", KERNEL]).done).stdout.toString());
    assert.deepEqual([heard.received, heard.counters.icmpInMsgs >= 2, heard.counters.icmpOutMsgs >= 2], [2, true, true]);
    const interrupted = lastack(["ping", ...LINK, "-c", "10000", "--interval", "0.02", KERNEL]);
    await interrupted.until(/seq=2/);
    interrupted.child.kill("SIGINT");
    const ended = await interrupted.done;
    assert.equal(ended.status, 130, ended.stderr);
    assert.match(ended.stdout.toString(), /^10\.77\.0\.1: \d+ sent, \d+ answered; round trip min /m);
    const muted = lastack(["ping", ...LINK, "-c", "10000", "--interval", "0.02", KERNEL]);
    await muted.until(/seq=2/);
    muted.child.stdout?.destroy();
    assert.deepEqual(await muted.done.then(({ status: code, stderr: errors }) => [code, errors]), [1, "lastack: standard output: its reader has gone\n"]);
    const elsewhere = await lastack(["ping", ...LINK, "-c", "1", "192.0.2.1"]).done;
    assert.match(elsewhere.stdout.toString(), /192\.0\.2\.1: seq=0 no route/);
  },

  async nc() {
    const server = createServer({ allowHalfOpen: true }).listen(0, KERNEL);
    await once(server, "listening");
    const running = lastack(["nc", ...LINK, KERNEL, String((server.address() as AddressInfo).port)], { input: "question" });
    const [peer] = (await once(server, "connection")) as [Socket];
    let text = "";
    for await (const part of peer.iterator({ destroyOnReturn: false })) text += part;
    peer.end("answer");
    const { status, stdout, stderr } = await running.done;
    assert.equal(status, 0, stderr);
    assert.deepEqual([text, stdout.toString()], ["question", "answer"]);
    assert.match(stderr, /10\.77\.0\.1:\d+ graceful: 8 bytes sent, 8 acknowledged/);
    server.close();
  },

  /** A device of our own making has a kernel's end without an address: that is said. */
  async "own-device"() {
    const { status, stderr } = await lastack(["get", "--link", "tap:tap9", "--ip", "10.78.0.2/24", "http://192.0.2.1/"]).done;
    assert.equal(status, 1);
    assert.match(stderr, /the kernel's end of tap9 has no address or is down/);
    assert.match(stderr, /\(WSAE(NET|HOST)UNREACH /);
  },
};

const chosen = cases[name];
assert.ok(chosen, `no case ${name}`);
execFileSync("ip", ["tuntap", "add", "dev", "tap0", "mode", "tap"]);
execFileSync("ip", ["address", "add", `${KERNEL}/24`, "dev", "tap0"]);
execFileSync("ip", ["link", "set", "tap0", "up"]);
await chosen();
console.log(`${name} ok`);
process.exit(0);
