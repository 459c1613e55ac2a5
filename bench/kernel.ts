/** TCP over a TAP device against the kernel, and what bounds it. As root on Linux with koffi, ip, ethtool and iperf3; elsewhere these lines are left out. */
import { execFile, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Measure } from "./figures.ts";

/** Beside the bundle: built by tools/bench.mjs from kernel-program.ts. */
const PROGRAM = fileURLToPath(new URL("kernel.mjs", import.meta.url));
const TIMEOUT_MS = 120_000;

/** A case of kernel-program.ts, in a namespace of its own. */
function measure(name: string, what: string, wasm: string): Measure {
  return {
    name,
    async run(ms) {
      const { stdout } = await promisify(execFile)("unshare", ["-n", process.execPath, PROGRAM, what, String(ms), wasm], { timeout: TIMEOUT_MS, killSignal: "SIGKILL" });
      const value = Number(stdout);
      if (!(value > 0)) throw new Error(`${name} says ${JSON.stringify(stdout)}; expected a rate`);
      return value;
    },
  };
}

function possible(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    createRequire(import.meta.url)("koffi");
  } catch {
    return false;
  }
  return spawnSync("iperf3", ["--version"]).status === 0 && spawnSync("ethtool", ["--version"]).status === 0 && spawnSync("unshare", ["-n", "ip", "tuntap", "add", "dev", "lastack0", "mode", "tap"]).status === 0;
}

export interface KernelMeasures {
  readonly receive: Measure;
  readonly send: Measure;
  /** The same with a vnet header: packets of many segments both ways. */
  readonly receiveSuper: Measure;
  readonly sendSuper: Measure;
  /** One write and one read for each frame, nothing else. */
  readonly loop: Measure;
  /** Kernel to kernel over veth: packets of many segments within it, and one segment a packet. */
  readonly veth: Measure;
  readonly vethSingle: Measure;
}

/** undefined where they cannot be had. */
export function kernelMeasures(wasm: string): KernelMeasures | undefined {
  if (!possible()) return undefined;
  return {
    receive: measure("TAP, kernel to stack", "receive", wasm), send: measure("TAP, stack to kernel", "send", wasm), loop: measure("TAP, bare loop", "loop", wasm),
    receiveSuper: measure("TAP with packets of many segments, kernel to stack", "receive-super", wasm), sendSuper: measure("TAP with packets of many segments, stack to kernel", "send-super", wasm),
    veth: measure("veth, offloads on (iperf3)", "veth-on", wasm), vethSingle: measure("veth, offloads off (iperf3)", "veth-off", wasm),
  };
}
