/**
 * Lastack against the kernel's TCP over a TAP device: curl, nc and node:net at the other end; every capture is checked by
 * tshark. As root on Linux with the tools installed; else listed as skipped.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readPcapng } from "../../host/device/index.ts";
import { whyNoTap } from "./support/tap-there.ts";

const PROGRAM = fileURLToPath(new URL("kernel-program.ts", import.meta.url));
const CASE_TIMEOUT_MS = 120_000;

const skip = whyNoTap("ip", "curl", "nc", "tshark");
const directory = mkdtempSync(join(tmpdir(), "lastack-kernel-"));
after(() => rmSync(directory, { recursive: true }));

/** Every checksum verified; text not reassembled across segments, which would take minutes for 200 MB. */
const CHECKED = ["-o", "tcp.desegment_tcp_streams:FALSE", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];

function tshark(capture: string, ...args: string[]): string[] {
  const { status, stdout, stderr } = spawnSync("tshark", ["-n", "-r", capture, ...CHECKED, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

/**
 * Frames that tshark calls malformed, or whose checksums it finds wrong. The kernel at 10.9.0.2 writes a sum of 0 as 0xffff (its
 * CSUM_MANGLED_0), which is the same number in one's complement and which tshark does not like.
 */
function faults(capture: string): string[] {
  const tcp = "(tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && ip.src == 10.9.0.2))";
  return tshark(capture, "-Y", `_ws.malformed || ip.checksum.status == 0 || ${tcp} || udp.checksum.status == 0 || icmp.checksum.status == 0`);
}

function inNamespace(name: string, mode = "offload"): string {
  const capture = join(directory, `${name}-${mode}.pcapng`);
  const args = ["-n", process.execPath, "--import", "tsx", PROGRAM, name, capture, mode];
  const { status, signal, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: CASE_TIMEOUT_MS, killSignal: "SIGKILL" });
  assert.equal(status, 0, `${name} ended with ${signal ?? status}: ${stderr}${stdout}`);
  assert.match(stdout, new RegExp(`^${name} ok`, "m"));
  assert.deepEqual(faults(capture), [], "tshark finds nothing malformed or wrong");
  return capture;
}

/** FIN and its acknowledgement both ways, no RST, as tshark reads the capture. */
function assertGraceful(capture: string): void {
  const fins = tshark(capture, "-Y", "tcp.flags.fin == 1", "-T", "fields", "-e", "ip.src", "-e", "tcp.nxtseq").map((line) => line.split("\t") as [string, string]);
  assert.deepEqual([...new Set(fins.map(([from]) => from))].sort(), ["10.9.0.1", "10.9.0.2"], "a FIN each way");
  for (const [from, next] of fins) {
    const acks = tshark(capture, "-Y", `ip.dst == ${from} && tcp.flags.ack == 1 && tcp.ack == ${next}`);
    assert.ok(acks.length > 0, `the FIN from ${from} was acknowledged with ${next}`);
  }
  assert.deepEqual(tshark(capture, "-Y", "tcp.flags.reset == 1"), [], "no RST");
}

/** Bytes of text from an address in all packets, and in those that hold more than a segment. */
function textFrom(capture: string, address: string): { all: number; joined: number } {
  const lengths = tshark(capture, "-Y", `ip.src == ${address} && tcp.len > 0`, "-T", "fields", "-e", "tcp.len").map(Number);
  const sum = (list: readonly number[]): number => list.reduce((total, length) => total + length, 0);
  return { all: sum(lengths), joined: sum(lengths.filter((length) => length > 1460)) };
}

for (const [name, from, title] of [
  ["curl", "10.9.0.1", "curl fetches 200 MB from a Lastack server"], ["fetch", "10.9.0.2", "Lastack fetches 200 MB from a kernel server"],
] as const) {
  test(`${title} in packets of many segments: equal hashes, graceful on both sides`, { skip }, () => {
    const capture = inNamespace(name);
    assertGraceful(capture);
    const { all, joined } = textFrom(capture, from);
    assert.ok(joined > all * 0.8, `${joined} of ${all} bytes came in packets of more than one segment`);
  });

  test(`${title.replace("200", "40")} a segment a packet: equal hashes, graceful on both sides`, { skip }, () => {
    const capture = inNamespace(name, "plain");
    assertGraceful(capture);
    assert.equal(textFrom(capture, from).joined, 0);
  });
}
test("the kernel's nc -N half-closes and reads the answer", { skip }, () => assertGraceful(inNamespace("nc-client")));
test("Lastack half-closes and reads what nc -N says", { skip }, () => assertGraceful(inNamespace("nc-server")));

test("linger { 1, 0 } gives the kernel's program ECONNRESET", { skip }, () => {
  const capture = inNamespace("linger-zero");
  assert.equal(tshark(capture, "-Y", "tcp.flags.reset == 1 && ip.src == 10.9.0.1").length, 1, "one RST");
  assert.deepEqual(tshark(capture, "-Y", "tcp.flags.fin == 1 && ip.src == 10.9.0.1"), [], "no FIN");
});

test("a close with unread data resets", { skip }, () => {
  const capture = inNamespace("unread-data");
  assert.equal(tshark(capture, "-Y", "tcp.flags.reset == 1 && ip.src == 10.9.0.1").length, 1, "one RST");
  assert.deepEqual(tshark(capture, "-Y", "tcp.flags.fin == 1 && ip.src == 10.9.0.1"), [], "no FIN");
});

test("tshark does find one flipped bit of a control capture", { skip }, () => {
  const clean = inNamespace("nc-client");
  const bytes = new Uint8Array(readFileSync(clean));
  const frames = readPcapng(bytes);
  const victim = frames.find((frame) => frame.bytes.length > 60 && frame.bytes[23] === 6);
  assert.ok(victim, "a segment with text");
  // The frame's bytes stand in the file as they were: find them and flip the last bit of the text.
  const at = Buffer.from(bytes).indexOf(Buffer.from(victim.bytes));
  assert.ok(at > 0);
  bytes[at + victim.bytes.length - 1] = (bytes[at + victim.bytes.length - 1] as number) ^ 1;
  const control = join(directory, "control.pcapng");
  writeFileSync(control, bytes);
  assert.equal(faults(control).length, 1);
});
