/** The TAP device against the kernel, each case in a network namespace of its own. As root on Linux; else listed as skipped. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { tap } from "../../host/device/index.ts";
import { whyNoTap } from "./support/tap-there.ts";

const PROGRAM = fileURLToPath(new URL("tap-program.ts", import.meta.url));
const CASE_TIMEOUT_MS = 60_000;

const skip = whyNoTap();

function inNamespace(name: string): void {
  const args = ["-n", process.execPath, "--expose-gc", "--import", "tsx", PROGRAM, name];
  const { status, signal, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: CASE_TIMEOUT_MS, killSignal: "SIGKILL" });
  assert.equal(status, 0, `${name} ended with ${signal ?? status}: ${stderr}${stdout}`);
  assert.match(stdout, new RegExp(`^${name} ok$`, "m"));
}

test("datagrams cross both ways, input by the pipe handle", { skip }, () => inNamespace("exchange-pipe"));
test("datagrams cross both ways, input by a waiting thread", { skip }, () => inNamespace("exchange-poll"));
test("datagrams cross both ways with a vnet header (pipe)", { skip }, () => inNamespace("exchange-offload-pipe"));
test("datagrams cross both ways with a vnet header (thread)", { skip }, () => inNamespace("exchange-offload-poll"));
test("a stack that does not read leaves the frames with the kernel, with a vnet header (pipe)", { skip }, () => inNamespace("backpressure-offload-pipe"));
test("a stack that does not read leaves the frames with the kernel, with a vnet header (thread)", { skip }, () => inNamespace("backpressure-offload-poll"));
test("each user of a device has the offloads it agreed on, with TCP both ways", { skip }, () => inNamespace("agreements"));
test("packets of many segments for a stack in a thread, from a device that is not", { skip }, () => inNamespace("ferried"));
test("a stack that does not read leaves the frames with the kernel (pipe)", { skip }, () => inNamespace("backpressure-pipe"));
test("a stack that does not read leaves the frames with the kernel (thread)", { skip }, () => inNamespace("backpressure-poll"));
test("a device that is removed is told once, and writes to it are dropped (pipe)", { skip }, () => inNamespace("removed-pipe"));
test("a device that is removed is told once, and writes to it are dropped (thread)", { skip }, () => inNamespace("removed-poll"));
test("a garbage collection during a wait does not free what the wait polls", { skip }, () => inNamespace("collected"));
test("frames for an interface that is down, too short or too long are dropped and counted", { skip }, () => inNamespace("down"));
test("a device in use, one that is no TAP, and a name with %d", { skip }, () => inNamespace("refusals"));
test("a device made beforehand keeps its MTU and outlives its user", { skip }, () => inNamespace("persistent"));
test("a stack in a thread takes the device with it: TCP with the kernel, and its removal is told (pipe)", { skip }, () => inNamespace("thread-pipe"));
test("a stack in a thread takes the device with it: TCP with the kernel, and its removal is told (thread)", { skip }, () => inNamespace("thread-poll"));
test("without the privilege the message says what to do", { skip }, () => inNamespace("unprivileged"));

test("names the kernel cannot have and options out of range are refused before anything is opened", () => {
  for (const name of ["", "a".repeat(16), "tap 0", "tap/0", "tap\n", "täp0"]) assert.throws(() => tap(name), /TAP device name is .*; expected 1 to 15/s, name);
  assert.throws(() => tap("tap0", { mtu: 5 }), /mtu is 5/);
  assert.throws(() => tap("tap0", { mac: "ff:ff:ff:ff:ff:ff" }), /MAC is "ff:ff:ff:ff:ff:ff"/);
  assert.throws(() => tap("tap0", { queueFrames: 0 }), /queueFrames is 0/);
});
