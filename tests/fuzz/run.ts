/** Throws frames at a core, tells how deep they got, and keeps what breaks it. */
import { writeFileSync } from "node:fs";
import { SeededRandom } from "../../host/base/random.ts";
import { hostileFrame } from "../host/support/hostile.ts";
import { RST, Segment } from "../sim/segment.ts";
import { CORE_IP, other, PEER_IP, segment } from "./frames.ts";
import { PHASES, type Talker } from "./talkers.ts";
import { STATES, type Subject, Target } from "./target.ts";

/** How deep an input got; every level contains the ones below it. */
export const DEPTHS = [
  "frames for the core", "IPv4 header right", "TCP checksum right", "found a connection or listener", "sequence number acceptable", "state changed",
] as const;

export interface FuzzOptions {
  readonly module: WebAssembly.Module;
  readonly inputs: number;
  readonly seed: number;
  /** Frames of real traffic to mutate, beside what the core itself sends. */
  readonly captures?: readonly Uint8Array[];
  /** Where a failing case is written; without it, it is only told. */
  readonly regressions?: string;
  readonly progress?: (done: number) => void;
}

export interface FuzzResult {
  readonly inputs: number;
  readonly depths: readonly number[];
  /** Inputs that met each state, and each phase of a connection of messages. */
  readonly states: ReadonlyMap<string, number>;
  /** What connections of messages made of theirs: receives of the program that gave something, resets. */
  readonly messages: { readonly received: number; readonly resets: number };
  /** Most bytes of linear memory that a core had at the ends of the quarters of its life. Buffers take some as they come: MEMORY_MOST is enough for all of them. */
  readonly memory: readonly number[];
  readonly failure: string | undefined;
}

/** Inputs one core lives through. */
const EPISODE = 25_000;
/** Inputs a connection lives through at most. */
const AGE = 150;
const WATCH = 60;
const QUARTERS = 4;

/** Bytes of linear memory that the connections of a target and what is thrown at them need at most. */
export const MEMORY_MOST = 2 << 20;

class Fuzz {
  readonly #options: FuzzOptions;
  readonly #random: SeededRandom;
  readonly #segment = new Segment();
  readonly #last: string[] = [];
  readonly depths = DEPTHS.map(() => 0);
  readonly states = new Map<string, number>([...STATES, ...PHASES].map((state) => [state, 0]));
  readonly messages = { received: 0, resets: 0 };
  readonly memory: number[] = Array(QUARTERS).fill(0);
  done = 0;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  run(): string | undefined {
    while (this.done < this.#options.inputs) {
      const seed = this.#random.next();
      try {
        this.#episode(seed, Math.min(EPISODE, this.#options.inputs - this.done));
      } catch (error) {
        return this.#keep(seed, error as Error);
      }
      this.#options.progress?.(this.done);
    }
    return undefined;
  }

  #keep(seed: number, error: Error): string {
    const what = `episode ${seed}: ${error.stack ?? error.message}`;
    const { regressions } = this.#options;
    if (regressions) writeFileSync(`${regressions}/found-${seed}.json`, `${JSON.stringify({ what: error.message, frames: this.#last }, null, 2)}\n`);
    return what;
  }

  #episode(seed: number, inputs: number): void {
    const random = new SeededRandom(seed);
    const target = new Target(this.#options.module, random);
    const { subjects, spi } = target;
    const mine = spi.core.memory;
    for (let i = 0; i < inputs; i++) {
      if (random.below(8) === 0) this.#talk(random, target);
      else {
        const subject = subjects[random.below(subjects.length)] as Subject;
        if (subject.age++ >= AGE || !target.holds(subject)) target.renew(subject);
        this.#input(target, subject, this.#make(random, target, subject), random.below(12) === 0 ? random.below(300) : 0);
        if (random.below(8) === 0) target.use(subject);
      }
      if ((QUARTERS * i) % inputs < QUARTERS) this.#weigh(mine, Math.trunc((QUARTERS * i) / inputs) - 1);
    }
    this.messages.received += target.talkers.received;
    this.messages.resets += target.talkers.resets;
    this.#settle(target);
    this.#weigh(mine, QUARTERS - 1);
  }

  #weigh(memory: Target["spi"]["core"]["memory"], quarter: number): void {
    if (quarter < 0) return;
    memory.ensure();
    this.memory[quarter] = Math.max(this.memory[quarter] as number, memory.u8.byteLength);
  }

  #talk(random: SeededRandom, target: Target): void {
    const { talkers } = target;
    const talker = talkers.list[random.below(talkers.list.length)] as Talker;
    if (!talkers.holds(talker)) talkers.renew(talker);
    talker.age++;
    this.#input(target, talker, talkers.segment(talker), random.below(12) === 0 ? random.below(300) : 0);
    if (random.below(3) === 0) talkers.use(talker);
  }

  #make(random: SeededRandom, target: Target, subject: Subject): Uint8Array {
    const draw = random.below(20);
    if (draw < 14) return segment(random, subject);
    if (draw < 16) return other(random, subject);
    const { captures } = this.#options;
    return hostileFrame(random, captures && draw < 18 ? captures : target.seen);
  }

  #input(target: Target, subject: Subject | Talker, frame: Uint8Array, ms: number): void {
    if (this.#last.length >= WATCH) this.#last.shift();
    this.#last.push(Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString("hex"));
    this.done++;
    const depth = this.#depth(target, frame);
    const before = depth >= 4 ? this.#signature(target) : "";
    target.inject(frame, ms);
    const changed = before !== "" && this.#signature(target) !== before;
    const level = depth >= 4 && changed ? 6 : depth;
    for (let k = 0; k < level; k++) (this.depths[k] as number)++;
    if (depth >= 4) this.states.set(subject.state, (this.states.get(subject.state) as number) + 1);
  }

  /** States of all connections and the numbers that count them. */
  #signature(target: Target): string {
    let text = "";
    for (const { handle } of target.subjects) text += handle < 0 ? "." : target.spi.core.exports.socketState(handle);
    for (const { handle } of target.talkers.list) text += handle < 0 ? "." : target.spi.core.exports.socketState(handle);
    const at = target.spi.core.exports.stats() >>> 0;
    const { memory } = target.spi.core;
    memory.ensure();
    return `${text} ${memory.word(at + 4 * TCP_CURRENT)} ${memory.word(at + 4 * TCP_PASSIVE_OPENS)}`;
  }

  /** 0 to 5: the levels the frame reaches by its own bytes and the connections' numbers. */
  #depth(target: Target, frame: Uint8Array): number {
    if (frame.length < 14 || !((frame[0] === 2 && frame[5] === 1) || (frame[0] as number) & 1)) return 0;
    if (frame.length < 34 || frame[12] !== 8 || frame[13] !== 0 || !headerRight(frame)) return 1;
    const s = this.#segment;
    if (!s.read(frame) || !s.valid) return 2;
    if (s.source !== PEER_IP || s.destination !== CORE_IP) return 3;
    const { subjects, talkers } = target;
    const own = (one: Subject | Talker): boolean => one.lport === s.destinationPort && one.rport === s.sourcePort;
    const subject = subjects.find(own) ?? talkers.list.find(own) ?? subjects.find((one) => one.state === "LISTEN" && one.lport === s.destinationPort);
    if (!subject || subject.state === "CLOSED") return 3;
    const ahead = (s.seq - subject.rcvNxt) | 0;
    const window = (subject.edge - subject.rcvNxt) | 0;
    const acceptable = subject.state === "LISTEN" || subject.state === "SYN_SENT" || (ahead <= window && ahead + s.length >= 0 && (ahead >= 0 || s.length > 0 || (s.flags & RST) === 0));
    return acceptable ? 5 : 4;
  }

  /** The noise is over: everything it left behind ends by its own timers. */
  #settle(target: Target): void {
    const { spi, subjects, talkers, world } = target;
    talkers.close();
    for (const { handle } of subjects) {
      if (handle < 0) continue;
      spi.abort(handle);
      spi.close(handle);
    }
    // Fragments that wait for others are given up after a minute (RFC 1122 §3.3.2).
    for (let k = 0; k < 20; k++) {
      while (spi.recvFrom(target.udp));
      for (let s = spi.accept(target.listener); s !== 0xffffffff; s = spi.accept(target.listener)) { spi.abort(s); spi.close(s); }
      world.runFor(10_000);
    }
    const stats = spi.core.stats();
    if (stats.tcpCurrent !== 1 || stats.tcpOrphans !== 0 || stats.bufferBytes !== 0) {
      throw new Error(`after the noise ${stats.tcpCurrent} connections, ${stats.tcpOrphans} orphans and ${stats.bufferBytes} buffer bytes are left; expected the listener alone`);
    }
  }
}

const TCP_PASSIVE_OPENS = 21;
const TCP_CURRENT = 36;

function headerRight(frame: Uint8Array): boolean {
  const header = ((frame[14] as number) & 15) * 4;
  if ((frame[14] as number) >> 4 !== 4 || header < 20 || frame.length < 14 + header) return false;
  let sum = 0;
  for (let i = 14; i < 14 + header; i += 2) sum += ((frame[i] as number) << 8) | (frame[i + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum === 0xffff;
}

/** Runs the fuzzer. A trap, an endless run or something left behind is in the result, not thrown. */
export function fuzz(options: FuzzOptions): FuzzResult {
  const run = new Fuzz(options);
  const failure = run.run();
  return { inputs: run.done, depths: run.depths, states: run.states, messages: run.messages, memory: run.memory, failure };
}
