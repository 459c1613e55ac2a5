/** ARP, ICMP and UDP against the kernel over a TAP device, the capture checked by tshark. As root on Linux with the tools; else skipped. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { whyNoTap } from "./support/tap-there.ts";

const PROGRAM = fileURLToPath(new URL("net-kernel-program.ts", import.meta.url));

const skip = whyNoTap("ip", "ping", "tshark");
const directory = mkdtempSync(join(tmpdir(), "lastack-net-"));
after(() => rmSync(directory, { recursive: true }));

test("the kernel's ping and UDP get right answers in every size, whole and in pieces; its port unreachables arrive", { skip }, () => {
  const capture = join(directory, "net.pcapng");
  const run = spawnSync("unshare", ["-n", process.execPath, "--import", "tsx", PROGRAM, capture], { encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" });
  assert.equal(run.status, 0, `${run.signal ?? run.status}: ${run.stderr}${run.stdout}`);
  assert.match(run.stdout, /^net-kernel ok$/m);
  const wrong = "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || arp.duplicate-address-detected";
  const checks = ["ip", "udp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
  const { status, stdout, stderr } = spawnSync("tshark", ["-n", "-r", capture, ...checks, "-Y", wrong], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, "", "tshark finds nothing malformed or wrong");
});
