/**
 * Lastack and the kernel's TCP over a TAP on a switch of ours that delays and loses: what they agree on, and that it is used, as tshark reads
 * the capture. As root on Linux with the tools installed; else listed as skipped.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { whyNoTap } from "./support/tap-there.ts";

const PROGRAM = fileURLToPath(new URL("kernel-loss-program.ts", import.meta.url));
const CASE_TIMEOUT_MS = 120_000;
const KERNEL = "ip.src == 10.9.0.2";
const OURS = "ip.src == 10.9.0.1";

const skip = whyNoTap("ip", "sysctl", "tshark");
const directory = mkdtempSync(join(tmpdir(), "lastack-loss-"));
after(() => rmSync(directory, { recursive: true }));

/** Runs a case; asks its capture. Every checksum is verified. */
function inNamespace(name: string): (filter: string, ...fields: string[]) => string[][] {
  const capture = join(directory, `${name}.pcapng`);
  const { status, signal, stdout, stderr } = spawnSync("unshare", ["-n", process.execPath, "--import", "tsx", PROGRAM, name, capture], {
    encoding: "utf8", timeout: CASE_TIMEOUT_MS, killSignal: "SIGKILL",
  });
  assert.equal(status, 0, `${name} ended with ${signal ?? status}: ${stderr}${stdout}`);
  assert.match(stdout, new RegExp(`^${name} ok$`, "m"));
  const ask = (filter: string, ...fields: string[]): string[][] => {
    const wanted = (fields.length ? fields : ["frame.number"]).flatMap((field) => ["-e", field]);
    const settings = ["-o", "tcp.desegment_tcp_streams:FALSE", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];
    const run = spawnSync("tshark", ["-n", "-r", capture, ...settings, "-Y", filter, "-T", "fields", ...wanted], { encoding: "utf8", maxBuffer: 1 << 28 });
    assert.equal(run.status, 0, run.stderr);
    return run.stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t"));
  };
  // The kernel writes a sum of 0 as 0xffff, the same number in one's complement, which tshark does not like.
  const wrong = `_ws.malformed || ip.checksum.status == 0 || (tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && ${KERNEL}))`;
  assert.deepEqual(ask(wrong), [], "tshark finds nothing malformed or wrong");
  return ask;
}

/** The same for both ends. */
function both(check: (side: string) => void): void {
  for (const side of [KERNEL, OURS]) check(side);
}

test("window scale, timestamps and SACK are agreed on with the kernel and used over a wire that delays and loses", { skip }, () => {
  const ask = inNamespace("options");
  both((side) => {
    const offers = "tcp.options.sack_perm && tcp.options.timestamp.tsval && tcp.options.wscale.shift";
    assert.equal(ask(`${side} && tcp.flags.syn == 1 && !(${offers})`).length, 0, `${side}: every SYN has all three`);
    assert.ok(ask(`${side} && tcp.flags.syn == 1`).length >= 2, `${side}: it asks once and accepts once`);
    assert.deepEqual(ask(`${side} && tcp && !tcp.flags.reset && !tcp.options.timestamp.tsval`), [], `${side}: every segment is stamped`);
    assert.ok(ask(`${side} && tcp.options.timestamp.tsecr > 0 && tcp.len > 0`).length > 100, `${side}: stamps are echoed`);
    assert.ok(ask(`${side} && tcp.options.sack.count > 0`).length > 0, `${side}: tells of gaps by SACK`);
    assert.ok(ask(`${side} && tcp.flags.syn == 0 && tcp.window_size > 65535`).length > 0, `${side}: a window beyond 16 bits`);
  });
});

test("a lost tail is repaired by a probe and RACK, without a timeout", { skip }, () => {
  const ask = inNamespace("tail");
  const sent = ask(`${OURS} && tcp.len > 0`, "tcp.seq", "tcp.len", "frame.time_relative").map(([seq, len, at]) => ({ end: Number(seq) + Number(len), at: Number(at) }));
  const end = Math.max(...sent.map((one) => one.end));
  const tails = sent.filter((one) => one.end === end);
  assert.ok(tails.length >= 2, "the last segment was sent again");
  const reported = ask(`${KERNEL} && tcp.options.sack.count > 0`, "tcp.options.sack_re", "tcp.ack", "frame.time_relative").filter(([right]) => Number(right?.split(",")[0]) === end);
  assert.ok(reported.length > 0, "its SACK tells of the hole in front of it");
  const [, hole, at] = reported[0] as string[];
  const repair = ask(`${OURS} && tcp.len > 0 && tcp.seq == ${hole}`, "frame.time_relative").map(([time]) => Number(time));
  assert.ok(repair.some((time) => time > Number(at)), "and the hole is filled after that");
});

test("ECN is agreed on with the kernel whoever asks; a mark is echoed until CWR, both ways", { skip }, () => {
  const ask = inNamespace("ecn");
  const flags = (side: string, syn: string) => ask(`${side} && ${syn}`, "tcp.flags.ece", "tcp.flags.cwr").map((pair) => pair.map((text) => (/^(1|True)$/i.test(text) ? 1 : 0)));
  both((side) => {
    assert.deepEqual(flags(side, "tcp.flags.syn == 1 && tcp.flags.ack == 0")[0], [1, 1], `${side} asks`);
    assert.deepEqual(flags(side, "tcp.flags.syn == 1 && tcp.flags.ack == 1")[0], [1, 0], `${side} accepts`);
    assert.ok(ask(`${side} && tcp.len > 0 && ip.dsfield.ecn == 2`).length > 50, `${side}: text is ECT(0)`);
  });
  assert.deepEqual(ask(`${OURS} && tcp.len == 0 && ip.dsfield.ecn != 0`), [], "our ACKs and SYNs may not be marked");
  // The recorder stands at our port: it sees the kernel's text with the router's mark, and ours before it.
  assert.equal(ask(`${KERNEL} && ip.dsfield.ecn == 3`).length, 1, "one mark reached us");
  const first = (filter: string): number => Number((ask(filter)[0] ?? assert.fail(filter))[0]);
  const marked = first(`${KERNEL} && ip.dsfield.ecn == 3`);
  const echoed = first(`${OURS} && tcp.flags.syn == 0 && tcp.flags.ece == 1`);
  const reduced = first(`${KERNEL} && tcp.flags.syn == 0 && tcp.flags.cwr == 1 && frame.number > ${marked}`);
  assert.ok(marked < echoed && echoed < reduced, `mark ${marked}, echo ${echoed}, CWR ${reduced}`);
  assert.deepEqual(ask(`${OURS} && tcp.flags.syn == 0 && tcp.flags.ece == 1 && tcp.stream == 0 && frame.number > ${reduced + 1}`), [], "CWR ends the echo");
  const theirs = first(`${KERNEL} && tcp.flags.syn == 0 && tcp.flags.ece == 1`);
  const ours = first(`${OURS} && tcp.flags.syn == 0 && tcp.flags.cwr == 1 && tcp.len > 0`);
  assert.ok(theirs < ours, `the kernel's echo ${theirs}, our CWR ${ours}`);
  assert.ok(ask(`${KERNEL} && tcp.flags.syn == 0 && tcp.flags.ece == 1 && frame.number < ${ours}`).length > 0);
});
