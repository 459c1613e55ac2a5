/** The firmware of a board, built and booted in QEMU, with its network and its serial port in this process. */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import type { FrameDevice } from "../../host/device/index.ts";
import { type QemuDevice, qemuDatagram, qemuStream } from "../../host/device/qemu.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUT = join(ROOT, "build", "c");
const MACHINES: Record<string, string> = { mainstone: "mainstone", mps2_an385: "mps2-an385", versatilepb: "versatilepb", lm3s6965evb: "lm3s6965evb" };
export const BOARDS = Object.keys(MACHINES);
/** The firmware's address; ours is in the same network. */
export const BOARD_ADDRESS = "10.77.0.2";
export const OUR_ADDRESS = "10.77.0.1";
const BOOT_MS = 30_000;

/** What this machine lacks of the tools for devices. */
export function missingTools(): string[] {
  return ["arm-none-eabi-gcc", "make", "qemu-system-arm", "setpriv", "flock"].filter((tool) => spawnSync(tool, ["--version"], { stdio: "ignore" }).status !== 0);
}

export interface Built {
  elf: string;
  /** Directory of its object files and call graphs. */
  objects: string;
  /** Bytes of flash (code, constants, initial values) and of RAM (static data, linear memory). */
  flash: number;
  ram: number;
}

/** Builds the example firmware by host/c/Makefile; `settings` are variables of make. One at a time, whichever process asks. */
export async function buildFirmware(board: string, settings: Record<string, string> = {}, out = OUT): Promise<Built> {
  const assignments = Object.entries({ BOARD: board, OUT: out, ...settings }).map(([name, value]) => `${name}=${value}`);
  mkdirSync(out, { recursive: true });
  const make = ["make", "-s", "-C", join(ROOT, "host", "c"), "firmware", ...assignments];
  const { stdout } = await promisify(execFile)("flock", [join(out, ".lock"), ...make], { encoding: "utf8" });
  const objects = join(out, `${board}${settings["TEST"] ? "-test" : ""}${settings["VARIANT"] ?? ""}.o`), elf = objects.replace(/o$/, "elf");
  const table = stdout.includes("text") ? stdout : (await promisify(execFile)("arm-none-eabi-size", [elf], { encoding: "utf8" })).stdout;
  const [text, data, bss] = (table.trim().split("\n").at(-1) as string).trim().split(/\s+/).map(Number) as [number, number, number];
  return { elf, objects, flash: text + data, ram: data + bss };
}

export interface BootOptions {
  /** QEMU's -netdev. */
  wire?: "dgram" | "stream";
  /** The board's clock counts instructions, one a nanosecond. */
  counting?: boolean;
}

/** A cable between two devices: what one receives the other sends on. A full device loses the frame, as a switch does. */
export function plug(a: FrameDevice, b: FrameDevice): void {
  const frame = new Uint8Array(Math.max(a.mtu, b.mtu) + 14), parts = new Int32Array(2);
  const carry = (from: FrameDevice, to: FrameDevice) => (): void => {
    for (let length = from.readInto(frame, 0, frame.length); length > 0; length = from.readInto(frame, 0, frame.length)) {
      parts[1] = length;
      to.write(frame, parts, 0, 1);
    }
  };
  a.onReadable = carry(a, b);
  b.onReadable = carry(b, a);
}

/** A booted board. */
export class Board {
  readonly device: QemuDevice;
  /** Milliseconds from the start of QEMU to READY on the serial port. */
  bootMs = 0;
  readonly #qemu: ChildProcess;
  #serial = "";
  readonly #waiting = new Set<() => void>();

  private constructor(device: QemuDevice, qemu: ChildProcess) {
    this.device = device;
    this.#qemu = qemu;
    qemu.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#serial += text;
      for (const wake of this.#waiting) wake();
    });
    qemu.on("exit", () => {
      for (const wake of this.#waiting) wake();
    });
  }

  /** Resolves once the firmware says READY. */
  static async boot(board: string, elf: string, { wire = "dgram", counting = false }: BootOptions = {}): Promise<Board> {
    const started = performance.now();
    const theirs = await freePort();
    const device = wire === "stream" ? await qemuStream({ name: board }) : await qemuDatagram({ name: board, peerPort: theirs });
    const netdev = wire === "stream"
      ? `stream,id=n0,server=off,addr.type=inet,addr.host=127.0.0.1,addr.port=${device.port}`
      : `dgram,id=n0,local.type=inet,local.host=127.0.0.1,local.port=${theirs},remote.type=inet,remote.host=127.0.0.1,remote.port=${device.port}`;
    const args = ["-M", MACHINES[board] as string, "-nographic", "-monitor", "none", "-serial", "stdio", "-kernel", elf, "-net", "nic,netdev=n0", "-netdev", netdev, ...(counting ? ["-icount", "shift=0,sleep=off"] : [])];
    // It ends with this process, however that ends.
    const qemu = spawn("setpriv", ["--pdeathsig", "KILL", "qemu-system-arm", ...args], { env: { ...process.env, QEMU_AUDIO_DRV: "none" }, stdio: ["pipe", "pipe", "ignore"] });
    const made = new Board(device, qemu);
    try {
      await made.line(/^READY .*$/m);
    } catch (error) {
      await made.stop();
      throw error;
    }
    made.bootMs = performance.now() - started;
    return made;
  }

  /** Everything the board has written so far. */
  get serial(): string {
    return this.#serial;
  }

  /** Waits for a match behind `from` in what the board writes; rejects if it ends or says nothing of the kind for 30 s. */
  async line(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const limit = performance.now() + BOOT_MS;
    for (;;) {
      const text = this.#serial.slice(from);
      // A line that is not whole yet is none.
      const match = pattern.exec(text.slice(0, text.lastIndexOf("\n") + 1));
      if (match) return match;
      if (this.#qemu.exitCode !== null || performance.now() > limit || /FAULT|FAILED/.test(text)) {
        throw new Error(`${this.device.name}: no ${pattern} on its serial port, only: ${text}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, BOOT_MS);
        const waiting = this.#waiting;
        function wake(): void {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
      });
    }
  }

  /** Sends a command line and waits for an answer. */
  async command(text: string, answer: RegExp): Promise<RegExpExecArray> {
    const from = this.#serial.length;
    this.#qemu.stdin?.write(`${text}\n`);
    return this.line(answer, from);
  }

  /** Resolves when the device has a frame to read. */
  readable(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.device.name}: a frame it says it sent did not arrive`)), BOOT_MS);
      this.device.onReadable = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async stop(): Promise<void> {
    this.device.close();
    if (this.#qemu.exitCode !== null || this.#qemu.signalCode !== null) return;
    const ended = once(this.#qemu, "exit");
    this.#qemu.kill("SIGKILL");
    await ended;
  }
}

/** A UDP port that nobody used a moment ago: QEMU must be told one. */
async function freePort(): Promise<number> {
  const probe = await qemuDatagram();
  probe.close();
  return probe.port;
}
