/** Whether a test can have a TAP device in a network namespace of its own. */
import { spawnSync } from "node:child_process";
import { loadKoffi } from "../../../host/sockets/koffi.ts";

/** Why not, for `skip`; false if it can, and the tools named are there too. */
export function whyNoTap(...tools: readonly string[]): string | false {
  if (process.platform !== "linux") return "TAP devices need Linux";
  if (process.getuid?.() !== 0) return "making a network namespace needs root";
  if (!loadKoffi()) return "the optional package koffi is not installed";
  for (const tool of tools) if (spawnSync("which", [tool]).status !== 0) return `${tool} is not installed`;
  return spawnSync("unshare", ["-n", "ip", "tuntap", "add", "dev", "lastack0", "mode", "tap"]).status === 0 ? false : "no TAP in a namespace of its own here";
}
