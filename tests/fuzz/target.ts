/** A core with one connection in each of the eleven states and one of messages in each phase, and a peer that knows their numbers. */
import { World } from "../../host/driver/index.ts";
import { tcpStateName } from "../../host/abi/winsock.gen.ts";
import type { SeededRandom } from "../../host/base/random.ts";
import { Spi } from "../host/support/spi.ts";
import { ACK, FIN, Segment, SYN } from "../sim/segment.ts";
import { tcp, type View } from "./frames.ts";
import { Port } from "./port.ts";
import { Talkers } from "./talkers.ts";

export const STATES = [
  "CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT",
] as const;
export type State = (typeof STATES)[number];

/** A connection of the core's, or the place of one. */
export interface Subject extends View {
  readonly state: State;
  /** Its handle, -1 if the core has none: not accepted yet, or CLOSED and LISTEN. */
  handle: number;
  lport: number;
  rport: number;
  /** Inputs it has lived through. */
  age: number;
}

const LISTENING = 80;
const INVALID = 0xffffffff;
/** Short, so that what the noise leaves behind ends soon. */
const LIMITS = { timeWaitMs: 400, orphanTimeoutMs: 3_000, orphanFinWait2Ms: 1_000, userTimeoutMs: 6_000, synRetries: 2, rtoInitialMs: 300 };

export class Target {
  readonly world: World;
  readonly spi: Spi;
  readonly port = new Port();
  readonly subjects: Subject[];
  /** Connections of messages. */
  readonly talkers: Talkers;
  readonly listener: number;
  readonly udp: number;
  readonly #random: SeededRandom;
  readonly #segment = new Segment();
  #nextPort = 20_000;
  /** Frames the core sent lately: material for mutations. */
  readonly seen: Uint8Array[] = [];

  constructor(module: WebAssembly.Module, random: SeededRandom) {
    this.#random = random;
    this.world = new World({ seed: random.next(), pollLimit: 5_000 });
    this.port.onSent = (frame) => this.#sent(frame);
    this.spi = new Spi(module, this.world, this.port, "10.0.0.1/24", { ...LIMITS, maxSockets: 64, maxConnections: 128, sendBuffer: 16_384, recvBuffer: 8_192, neighbors: 8 });
    if (this.spi.startup() !== 0) throw new Error("WSPStartup failed");
    this.listener = this.spi.listener(LISTENING, 20);
    this.spi.nonblocking(this.listener);
    this.udp = this.spi.socket("udp");
    this.spi.bind(this.udp, "0.0.0.0", 53);
    this.spi.nonblocking(this.udp);
    this.subjects = STATES.map((state) => this.#fresh(state));
    for (const subject of this.subjects) this.renew(subject);
    this.talkers = new Talkers(this.spi, random, (frame, ms) => this.inject(frame, ms));
    for (const talker of this.talkers.list) this.talkers.renew(talker);
  }

  #fresh(state: State): Subject {
    return { state, handle: -1, lport: LISTENING, rport: 0, rcvNxt: 0, edge: 0, sndUna: 0, sndNxt: 0, age: 0 };
  }

  /** The core's frames say what it expects next; requests for the peer's address are answered. */
  #sent(frame: Uint8Array): void {
    if (frame[12] === 8 && frame[13] === 6) return this.#answerArp(frame);
    if (this.seen.length < 200) this.seen.push(frame.slice());
    else this.seen[this.#random.below(200)] = frame.slice();
    const s = this.#segment;
    if (!s.read(frame)) return;
    const talker = this.talkers?.list.find((one) => one.rport === s.destinationPort && one.lport === s.sourcePort);
    if (talker) this.talkers.sent(talker, frame);
    const subject = talker ?? this.subjects?.find((one) => one.rport === s.destinationPort && one.lport === s.sourcePort);
    if (!subject || s.flags & 4) return;
    const end = (s.seq + s.length + (s.flags & (SYN | FIN) ? 1 : 0)) >>> 0;
    if (s.flags & SYN) subject.sndUna = subject.sndNxt = end;
    if (((end - subject.sndNxt) | 0) > 0) subject.sndNxt = end;
    if (!(s.flags & ACK)) return;
    subject.rcvNxt = s.ack;
    subject.edge = (s.ack + s.window) >>> 0;
  }

  #answerArp(request: Uint8Array): void {
    if (request[21] !== 1 || request[41] !== 2) return;
    const reply = new Uint8Array(42);
    reply.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1]);
    this.port.push(reply);
  }

  /** Puts frames on the wire and lets the core see them. */
  inject(frame: Uint8Array, ms = 0): void {
    this.port.push(frame);
    this.world.runFor(ms);
  }

  /** The state the core says the subject is in; for one without a handle the state it was put in, as far as it shows. */
  stateOf(subject: Subject): string {
    if (subject.handle < 0) return subject.state;
    return tcpStateName[this.spi.core.exports.socketState(subject.handle)] ?? "none";
  }

  /** True while the subject is what it is called. */
  holds(subject: Subject): boolean {
    return subject.state === "SYN_RCVD" || this.stateOf(subject) === subject.state;
  }

  #send(subject: Subject, flags: number, length = 0): void {
    const seq = subject.rcvNxt;
    this.inject(tcp(subject, flags, seq, subject.sndNxt, 20_000, length));
    // Its acknowledgement may be delayed.
    subject.rcvNxt = (seq + length + (flags & FIN ? 1 : 0)) >>> 0;
  }

  /** Ends what the subject was and puts a new connection in its state. */
  renew(subject: Subject): void {
    const { spi } = this;
    if (subject.handle >= 0) {
      spi.abort(subject.handle);
      spi.close(subject.handle);
    }
    spi.reports.length = 0;
    subject.handle = -1;
    subject.age = 0;
    subject.rport = this.#nextPort = this.#nextPort >= 60_000 ? 20_000 : this.#nextPort + 1;
    subject.lport = LISTENING;
    subject.sndUna = subject.sndNxt = subject.rcvNxt = 0;
    this.#drainQueue();
    switch (subject.state) {
      case "LISTEN": return;
      case "CLOSED": subject.lport = 81; return;
      case "SYN_SENT": return this.#synSent(subject);
      case "SYN_RCVD": return this.#syn(subject);
      default: return this.#synchronized(subject);
    }
  }

  /** Connections the noise has opened must not fill the backlog. */
  #drainQueue(): void {
    for (let s = this.spi.accept(this.listener); s !== INVALID; s = this.spi.accept(this.listener)) {
      this.spi.abort(s);
      this.spi.close(s);
    }
  }

  #synSent(subject: Subject): void {
    const handle = this.spi.socket();
    if (handle === INVALID) throw new Error(`no socket: ${this.spi.err}`);
    subject.handle = handle;
    subject.lport = 0;
    this.spi.nonblocking(handle);
    const code = this.spi.connect(handle, "10.0.0.2", subject.rport);
    if (code !== 10035) return;
    subject.lport = Number(this.spi.name(handle).split(":")[1]);
    this.world.runFor(1);
  }

  #syn(subject: Subject): void {
    subject.rcvNxt = this.#random.next();
    this.inject(tcp(subject, SYN, subject.rcvNxt, 0, 20_000, 0, this.#random.below(2) ? [2, 4, 5, 0xb4, 3, 3, 2, 1] : []), 1);
  }

  #synchronized(subject: Subject): void {
    const { spi } = this;
    this.#syn(subject);
    this.#send(subject, ACK);
    const handle = spi.accept(this.listener);
    if (handle === INVALID) return;
    subject.handle = handle;
    if (this.#random.below(2)) spi.send(handle, 1 + this.#random.below(3_000));
    this.world.runFor(1);
    if (this.#random.below(2)) this.#send(subject, ACK, 100);
    switch (subject.state) {
      case "FIN_WAIT_1": spi.shutdown(handle, 1); break;
      case "FIN_WAIT_2": this.#finish(subject); break;
      case "CLOSE_WAIT": this.#send(subject, FIN | ACK); break;
      case "LAST_ACK": this.#send(subject, FIN | ACK); spi.shutdown(handle, 1); break;
      case "CLOSING": this.#closing(subject); break;
      case "TIME_WAIT": this.#finish(subject); this.#send(subject, FIN | ACK); break;
      default:
    }
    this.world.runFor(0);
  }

  /** Our FIN is sent and acknowledged. */
  #finish(subject: Subject): void {
    for (let i = 0; i < 6 && this.stateOf(subject) !== "FIN_WAIT_2"; i++) {
      this.spi.shutdown(subject.handle, 1);
      this.world.runFor(1);
      this.#send(subject, ACK);
    }
  }

  /** Both FINs are out and ours is not acknowledged. */
  #closing(subject: Subject): void {
    const { sndNxt } = subject;
    this.spi.shutdown(subject.handle, 1);
    this.world.runFor(1);
    this.inject(tcp(subject, FIN | ACK, subject.rcvNxt, sndNxt, 20_000));
  }

  /** What a program does between the blows. */
  use(subject: Subject): void {
    if (subject.handle < 0) return;
    if (this.#random.below(2)) this.spi.recv(subject.handle, 1 + this.#random.below(2_000));
    else if (this.#random.below(3) === 0) this.spi.send(subject.handle, 1 + this.#random.below(2_000));
  }
}

