/** Captures of the simulation as another program reads them: tshark finds nothing wrong in a frame of ours. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readPcapng } from "../../host/device/index.ts";
import { scenarioOf } from "../sim/program.ts";
import { runScenario } from "../sim/run.ts";
import { coreModule } from "./support/spi.ts";

/** Seeds whose wire changes no bytes: what arrives broken there is the scenario's doing. */
const SEEDS = 10;
const WRONG = [
  "_ws.malformed", "_ws.expert.severity >= 8388608", 'ip.checksum.status == "Bad"', 'tcp.checksum.status == "Bad"', 'udp.checksum.status == "Bad"',
  'icmp.checksum.status == "Bad"',
].join(" || ");
const tshark = spawnSync("tshark", ["--version"]).status === 0;

/** One line per frame that tshark complains of, every checksum verified. */
function complaints(path: string): string[] {
  const checks = ["ip", "tcp", "udp"].flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);
  const output = execFileSync("tshark", ["-n", "-r", path, ...checks, "-Y", WRONG], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return output.split("\n").filter(Boolean);
}

test(`captures of ${SEEDS} seeds are clean in tshark, a changed byte is not`, { timeout: 240_000, skip: tshark ? false : "tshark is not installed" }, async () => {
  const module = await coreModule();
  const folder = mkdtempSync(join(tmpdir(), "sim-capture-"));
  try {
    let [frames, taken] = [0, 0];
    const path = join(folder, "run.pcapng");
    for (let seed = 1; taken < SEEDS; seed++) {
      const scenario = scenarioOf(seed);
      if (scenario.corrupt > 0) continue;
      taken++;
      runScenario(scenario, { module, pcap: path });
      frames += readPcapng(readFileSync(path)).length;
      assert.deepEqual(complaints(path), [], `seed ${seed}`);
    }
    assert.ok(frames > 500, `${frames} frames in all`);
    const bytes = readFileSync(path);
    const tcp = readPcapng(bytes).find(({ bytes: frame }) => frame[12] === 8 && frame[23] === 6);
    assert.ok(tcp);
    const at = bytes.indexOf(Buffer.from(tcp.bytes)) + 38;
    bytes[at] = (bytes[at] as number) ^ 1;
    writeFileSync(path, bytes);
    assert.ok(complaints(path).length > 0, "a changed sequence number is found");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
