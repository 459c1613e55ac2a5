/**
 * Two network namespaces for a thread, each with one end of a wire that this program carries frames over: a TAP device at 10.0.0.1 and
 * one at 10.0.0.2. A socket belongs to the namespace the thread is in when it is made. Linux, root, koffi.
 */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { type FrameDevice, tap } from "../../../host/device/index.ts";
import { loadKoffi } from "../../../host/sockets/koffi.ts";

const CLONE_NEWNET = 0x4000_0000;
const O_RDONLY_CLOEXEC = 0o2000000;
const MACS = ["02:00:00:00:00:01", "02:00:00:00:00:02"] as const;
const ADDRESSES = ["10.0.0.1", "10.0.0.2"] as const;
const DEVICE = "lastack0";

interface Calls {
  open(path: string, flags: number): number;
  close(fd: number): number;
  unshare(flags: number): number;
  setns(fd: number, type: number): number;
}

let calls: Calls | undefined;
let own = -1;

function system(): Calls {
  const koffi = loadKoffi();
  if (!koffi) throw new Error("namespaces need koffi");
  const libc = koffi.load(null);
  return {
    open: libc.func("int open(const char *path, int flags)"),
    close: libc.func("int close(int fd)"),
    unshare: libc.func("int unshare(int flags)"),
    setns: libc.func("int setns(int fd, int type)"),
  } as unknown as Calls;
}

function current(c: Calls): number {
  const fd = c.open("/proc/thread-self/ns/net", O_RDONLY_CLOEXEC);
  if (fd < 0) throw new Error("the thread's namespace cannot be opened");
  return fd;
}

/** One end: a namespace with its device. */
export class Place {
  readonly device: FrameDevice;
  readonly #calls: Calls;
  readonly #fd: number;

  /** @param settings net.ipv4 of the namespace. */
  constructor(which: 0 | 1, settings: Readonly<Record<string, string>>) {
    calls ??= system();
    this.#calls = calls;
    if (own < 0) own = current(calls);
    if (calls.unshare(CLONE_NEWNET) !== 0) throw new Error("unshare failed");
    this.#fd = current(calls);
    try {
      this.device = tap(DEVICE, { offload: false });
      this.device.unref?.();
      const lines = [
        "link set lo up", `link set ${DEVICE} addrgenmode none`, `link set ${DEVICE} address ${MACS[which]}`, `addr add ${ADDRESSES[which]}/24 dev ${DEVICE}`,
        `link set ${DEVICE} up`, `neigh replace ${ADDRESSES[1 - which]} lladdr ${MACS[1 - which]} dev ${DEVICE} nud permanent`,
      ];
      const { status, stderr } = spawnSync("ip", ["-batch", "-"], { input: lines.join("\n"), encoding: "utf8" });
      if (status !== 0) throw new Error(`ip: ${stderr}`);
      for (const [name, value] of Object.entries(settings)) {
        // Older kernels have no tcp_rto_min_us.
        if (existsSync(`/proc/sys/net/ipv4/${name}`)) writeFileSync(`/proc/sys/net/ipv4/${name}`, value);
      }
    } finally {
      this.#leave();
    }
  }

  /** Runs `make` inside: the sockets it makes are of this namespace. */
  within<T>(make: () => T): T {
    this.#calls.setns(this.#fd, CLONE_NEWNET);
    try {
      return make();
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    this.#calls.setns(own, CLONE_NEWNET);
  }

  close(): void {
    this.device.close();
    this.#calls.close(this.#fd);
  }
}

/** Why this process can have no namespaces, or undefined. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== "linux") return "a wire of its own needs Linux";
  if (process.getuid?.() !== 0) return "a wire of its own needs root";
  return loadKoffi() ? undefined : "a wire of its own needs koffi";
}
