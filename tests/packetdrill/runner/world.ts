/**
 * The core under test in virtual time: its clock, its randomness, and a frame device whose other end is this runner. The
 * device answers ARP for every address and keeps all else the core sends, stamped with the virtual time.
 */
import { WASI_EAGAIN, WASI_EBADF } from "../../../host/abi/link.gen.ts";
import { READY_READ } from "../../../host/abi/events.gen.ts";
import { SeededRandom } from "../../../host/base/random.ts";
import { type CloseReportRecord, Core, type CoreConfig, type MemoryViews, type WasiHost } from "../../../host/core/index.ts";
import { decodeFrame, ETHERNET_HEADER, type LivePacket, u16 } from "./wire.ts";

export const CORE_MAC = [0x02, 0, 0, 0, 0, 0x01];
export const GATEWAY_MAC = [0x02, 0, 0, 0, 0, 0x02];
const FD = 3;
/** Virtual time when the script's clock reads zero. */
const START_US = 1_000_000;
/** Rounds of poll() at one instant before the core counts as spinning. */
const MAX_ROUNDS = 1000;

export interface WorldOptions {
  module: WebAssembly.Module;
  config: CoreConfig;
  seed: number;
  localIp: string;
  prefix: number;
  gatewayIp: string;
  mtu: number;
  /** For tests of the runner: what the wire carries instead of a frame the core sent. */
  tamper?: ((frame: Uint8Array, us: number) => Uint8Array[]) | undefined;
}

/** The core did what no script can describe: it trapped, or it never comes to rest. */
export class CoreTrouble extends Error {}

export class World {
  readonly core: Core;
  /** Microseconds since the script's start. */
  us = 0;
  /** Frames the core sent and no event has matched yet, oldest first. */
  readonly outbox: LivePacket[] = [];
  /** Close reports by handle. */
  readonly reports = new Map<number, CloseReportRecord>();
  /** Called each time the core has come to rest at an instant; true: it was called, so poll again. */
  onRest: () => boolean = () => false;
  /** A time of the host's own at which the clock stops on its way, microseconds. */
  alarm: number | null = null;
  readonly #inbox: Uint8Array[] = [];
  readonly #tamper: WorldOptions["tamper"];
  #memory: MemoryViews | undefined;
  readonly #random: SeededRandom;
  readonly #events: Uint32Array;

  constructor(options: WorldOptions) {
    this.#random = new SeededRandom(options.seed);
    this.#tamper = options.tamper;
    this.core = new Core(options.module, this.#wasi(), options.config);
    this.#events = new Uint32Array(this.core.eventCapacity * 4);
    this.core.addDevice(FD, { mtu: options.mtu, mac: Uint8Array.from(CORE_MAC), capabilities: 0 });
    this.core.addAddress(0, `${options.localIp}/${options.prefix}`);
    this.core.addRoute("0.0.0.0/0", options.gatewayIp, 0);
  }

  /** Puts an Ethernet frame on the wire towards the core; the MAC addresses are filled in. */
  inject(frame: Uint8Array): void {
    frame.set(CORE_MAC, 0);
    frame.set(GATEWAY_MAC, 6);
    frame[12] = 0x08;
    frame[13] = 0x00;
    this.#inbox.push(frame);
    this.core.exports.hostReady(FD, READY_READ);
  }

  /** Polls until the core is at rest at this instant; returns the microsecond of its next deadline, Infinity for none. */
  settle(): number {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const wait = this.#poll();
      this.#pull();
      if (wait === 0 || this.#inbox.length) continue;
      if (this.onRest() || this.#inbox.length) continue;
      return wait < 0 ? Number.POSITIVE_INFINITY : this.us + wait * 1000;
    }
    throw new CoreTrouble(`poll() asked ${MAX_ROUNDS} times to be called again at once`);
  }

  /** Moves the clock to `target`, running what falls due on the way. Returns early when `stop` says so. */
  advance(target: number, stop: () => boolean = () => false): void {
    for (;;) {
      // Whatever the calls since the last poll flagged goes out at the present instant, before time moves.
      let next = this.settle();
      if (stop()) return;
      if (next <= this.us) next = this.us + 1000;
      if (this.alarm !== null && this.alarm > this.us) next = Math.min(next, this.alarm);
      if (next > target) break;
      this.us = next;
    }
    if (target > this.us) {
      this.us = target;
      this.settle();
    }
  }

  #poll(): number {
    try {
      return this.core.exports.poll();
    } catch (error) {
      throw new CoreTrouble(`the core trapped in poll(): ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #pull(): void {
    while (this.core.pullEvents(this.#events) > 0);
    for (let report = this.core.pullReport(); report; report = this.core.pullReport()) this.reports.set(report.handle, report);
  }

  #wasi(): WasiHost {
    const views = (): MemoryViews => {
      const memory = this.#memory as MemoryViews;
      memory.ensure();
      return memory;
    };
    return {
      bind: (memory) => {
        this.#memory = memory;
      },
      functions: {
        fd_read: (fd: number, iovs: number, count: number, nread: number) => this.#read(views(), fd, iovs, count, nread),
        fd_write: (fd: number, iovs: number, count: number, nwritten: number) => this.#write(views(), fd, iovs, count, nwritten),
        clock_time_get: (_id: number, _precision: bigint, time: number) => {
          views().data.setBigUint64(time, BigInt(this.us + START_US) * 1000n, true);
          return 0;
        },
        random_get: (at: number, length: number) => {
          this.#random.fill(views().u8, at, length);
          return 0;
        },
      },
    };
  }

  #read(memory: MemoryViews, fd: number, iovs: number, count: number, nread: number): number {
    if (fd !== FD) return WASI_EBADF;
    const frame = this.#inbox.shift();
    if (!frame) return WASI_EAGAIN;
    let done = 0;
    for (let i = 0; i < count && done < frame.length; i++) {
      const size = Math.min(memory.word(iovs + i * 8 + 4), frame.length - done);
      memory.u8.set(frame.subarray(done, done + size), memory.word(iovs + i * 8));
      done += size;
    }
    memory.data.setUint32(nread, done, true);
    return 0;
  }

  #write(memory: MemoryViews, fd: number, iovs: number, count: number, nwritten: number): number {
    if (fd !== FD) return WASI_EBADF;
    const parts: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const from = memory.word(iovs + i * 8);
      parts.push(memory.u8.slice(from, from + memory.word(iovs + i * 8 + 4)));
    }
    const frame = Uint8Array.from(parts.flatMap((p) => [...p]));
    memory.data.setUint32(nwritten, frame.length, true);
    for (const one of this.#tamper ? this.#tamper(frame, this.us) : [frame]) this.#carry(one);
    return 0;
  }

  #carry(frame: Uint8Array): void {
    if (frame.length >= ETHERNET_HEADER + 28 && u16(frame, 12) === 0x0806) {
      this.#answerArp(frame);
      return;
    }
    const packet = decodeFrame(frame, this.us);
    if (packet) this.outbox.push(packet);
  }

  /** RFC 826: every address asked for, but the core's own, is at the gateway. */
  #answerArp(frame: Uint8Array): void {
    const sender = frame.slice(22, 32);
    const target = frame.slice(38, 42);
    const own = target.every((b, i) => b === sender[6 + i]);
    if (u16(frame, 20) !== 1 || own) return;
    const reply = new Uint8Array(42);
    reply.set([...CORE_MAC, ...GATEWAY_MAC, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2, ...GATEWAY_MAC, ...target, ...sender]);
    this.#inbox.push(reply);
    this.core.exports.hostReady(FD, READY_READ);
  }
}
