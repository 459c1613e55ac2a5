/** A network namespace for the TAP wire: the program runs itself again inside one. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";

/** Set for the inner run, so that it does not start another. */
const INSIDE = "LASTACK_DEMO_NAMESPACE";

export function insideNamespace(): boolean {
  return process.env[INSIDE] === "1";
}

/** The optional package is there: TAP devices need it, and on host sockets only with it the kernel's knowledge is had. */
export function hasKoffi(): boolean {
  try {
    createRequire(import.meta.url)("koffi");
    return true;
  } catch {
    return false;
  }
}

/** Why a namespace with a TAP device cannot be had here; undefined when it can. */
export function namespaceObstacle(): string | undefined {
  if (process.platform !== "linux") return "TAP devices are Linux's";
  if (process.getuid?.() !== 0) {
    return 'a TAP device needs root, or one made before: "ip tuntap add dev tap0 mode tap user $USER", then --tap tap0';
  }
  if (!hasKoffi()) return 'a TAP device needs the optional package koffi: "npm install koffi"';
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "/dev/net/tun cannot be opened here";
  }
  for (const [command, ...args] of [["unshare", "-n", "true"], ["ip", "-V"]] as const) {
    const { error, status } = spawnSync(command, args, { timeout: 5000, stdio: "ignore" });
    if (error || status !== 0) return `"${[command, ...args].join(" ")}" does not work here (util-linux and iproute2 are needed, and the right to make a network namespace)`;
  }
  return undefined;
}

/** Gives the host sockets of a new namespace their loopback. */
export async function raiseLoopback(): Promise<void> {
  await promisify(execFile)("ip", ["link", "set", "lo", "up"], { timeout: 5000 });
}

/** Runs this program again with the same arguments in a namespace of its own; settles with its exit code. */
export function runInNamespace(args: readonly string[]): Promise<number> {
  const script = process.argv[1] as string;
  const inner = spawn("unshare", ["-n", "--", process.execPath, ...process.execArgv, script, ...args], {
    stdio: "inherit",
    env: { ...process.env, [INSIDE]: "1" },
  });
  // Ctrl-C reaches the inner run too, and that one decides how to end.
  const ignore = (): void => {};
  process.on("SIGINT", ignore);
  const pass = (): void => void inner.kill("SIGTERM");
  process.on("SIGTERM", pass);
  return new Promise<number>((resolve, reject) => {
    inner.once("error", reject);
    inner.once("exit", (code, signal) => resolve(code ?? (signal === "SIGINT" ? 130 : 1)));
  }).finally(() => {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", pass);
  });
}
