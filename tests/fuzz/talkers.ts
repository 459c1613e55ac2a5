/** SOCK_SEQPACKET sockets of the core in every phase of a connection of messages, and the peers that speak to them. */
import type { SeededRandom } from "../../host/base/random.ts";
import { MSG_PARTIAL } from "../../host/abi/winsock.gen.ts";
import { repair } from "../host/support/hostile.ts";
import type { Spi } from "../host/support/spi.ts";
import { ACK, Segment, SYN } from "../sim/segment.ts";
import { tcp, type View } from "./frames.ts";
import { CC, CR, DC, DR, DT, talk } from "./tpdus.ts";

/** The request is awaited by a listener's child; the confirm by a socket that connects; messages go; our side has ended. */
export const PHASES = ["CR awaited", "CC awaited", "messages", "DR sent"] as const;
export type Phase = (typeof PHASES)[number];

export interface Talker extends View {
  readonly state: Phase;
  /** -1 where the core has no handle: a child that was not accepted. */
  handle: number;
  lport: number;
  rport: number;
  /** Inputs it has lived through. */
  age: number;
  /** What the core calls the connection. */
  ref: number;
  /** The peer's request or confirm is said. */
  opened: boolean;
  /** The core has reset it. */
  reset: boolean;
  /** Said already, but not yet sent. */
  rest: Uint8Array;
}

const LISTENING = 102;
const INVALID = 0xffffffff;
/** Text of one segment at most. */
const TEXT = 1400;
/** Inputs one connection lives through at most. */
const AGE = 40;
const PSH = 8;
const RST = 4;

/** Puts a frame on the wire and lets the core see it. */
export type Inject = (frame: Uint8Array, ms: number) => void;

export class Talkers {
  readonly list: Talker[] = PHASES.map((state) => ({
    state, handle: -1, lport: LISTENING, rport: 0, rcvNxt: 0, edge: 0, sndUna: 0, sndNxt: 0, age: 0, ref: 0, opened: false, reset: false, rest: new Uint8Array(),
  }));
  /** Messages, or parts of them, that the program received, and connections the core reset. */
  received = 0;
  resets = 0;
  readonly #spi: Spi;
  readonly #random: SeededRandom;
  readonly #inject: Inject;
  readonly #segment = new Segment();
  readonly #listener: number;
  #nextPort = 61_000;

  constructor(spi: Spi, random: SeededRandom, inject: Inject) {
    this.#spi = spi;
    this.#random = random;
    this.#inject = inject;
    this.#listener = spi.listener(LISTENING, 20, "messages");
    spi.nonblocking(this.#listener);
  }

  /** Looks at a segment of the core's for a talker: its name of the connection, or its end. */
  sent(talker: Talker, frame: Uint8Array): void {
    const s = this.#segment;
    if (!s.read(frame)) return;
    if (s.flags & RST && !talker.reset) {
      talker.reset = true;
      this.resets++;
    }
    const code = frame[s.text + 5] as number;
    if (s.length >= 10 && frame[s.text] === 3 && (code === CR || code === CC)) talker.ref = ((frame[s.text + 8] as number) << 8) | (frame[s.text + 9] as number);
  }

  /** What the peer sends next: text in order, most of it what the protocol wants, cut anywhere. */
  segment(talker: Talker): Uint8Array {
    const random = this.#random;
    const all = Buffer.concat([talker.rest, talker.rest.length > 4 * TEXT ? new Uint8Array() : talk(random, () => this.#right(talker), talker.ref)]);
    const n = Math.min(TEXT, random.below(4) ? all.length : random.below(all.length + 1));
    talker.rest = all.subarray(n);
    return this.#text(talker, all.subarray(0, n));
  }

  /** What the protocol wants to hear: the opening once, then messages, at last an end. */
  #right(talker: Talker): number {
    const opening = !talker.opened;
    talker.opened = true;
    if (opening) return talker.state === "CR awaited" ? CR : CC;
    if (this.#random.below(20)) return DT;
    return talker.state === "DR sent" && this.#random.below(2) ? DC : DR;
  }

  #text(talker: Talker, octets: Uint8Array): Uint8Array {
    const frame = tcp(talker, ACK | PSH, talker.rcvNxt, talker.sndNxt, 20_000, octets.length);
    frame.set(octets, frame.length - octets.length);
    repair(frame);
    // Its acknowledgement may be delayed.
    talker.rcvNxt = (talker.rcvNxt + octets.length) >>> 0;
    return frame;
  }

  #send(talker: Talker, flags: number): void {
    this.#inject(tcp(talker, flags, talker.rcvNxt, talker.sndNxt, 20_000), 1);
  }

  holds(talker: Talker): boolean { return talker.age < AGE && !talker.reset; }

  /** Ends what the talker was and puts a new connection in its phase. */
  renew(talker: Talker): void {
    const spi = this.#spi;
    if (talker.handle >= 0) this.#end(talker.handle);
    else if (talker.rport) this.#send(talker, RST | ACK);
    Object.assign(talker, { handle: -1, age: 0, ref: 0, lport: LISTENING, opened: talker.state === "messages" || talker.state === "DR sent", sndUna: 0, sndNxt: 0, rcvNxt: 0, rest: new Uint8Array() });
    talker.rport = this.#nextPort = this.#nextPort >= 65_000 ? 61_000 : this.#nextPort + 1;
    this.accept();
    talker.reset = false;
    if (talker.state === "CC awaited") return this.#call(talker);
    talker.rcvNxt = this.#random.next();
    this.#inject(tcp(talker, SYN, talker.rcvNxt, 0, 20_000), 1);
    this.#send(talker, ACK);
    if (talker.state === "CR awaited") return;
    this.#inject(this.#text(talker, Uint8Array.of(3, 0, 0, 11, 6, CR, 0, 0, 0, 0x77, 0x21)), 1);
    const handle = spi.accept(this.#listener);
    if (handle === INVALID) return;
    talker.handle = handle;
    if (talker.state === "DR sent") {
      spi.shutdown(handle, 1);
      this.#inject(tcp(talker, ACK, talker.rcvNxt, talker.sndNxt, 20_000), 1);
    }
  }

  #call(talker: Talker): void {
    const spi = this.#spi;
    talker.lport = 0;
    const handle = spi.socket("messages");
    if (handle === INVALID) throw new Error(`no socket: ${spi.err}`);
    talker.handle = handle;
    spi.nonblocking(handle);
    if (spi.connect(handle, "10.0.0.2", talker.rport) !== 10035) return;
    talker.lport = Number(spi.name(handle).split(":")[1]);
    this.#inject(new Uint8Array(), 1);
    const isn = this.#random.next();
    this.#inject(tcp(talker, SYN | ACK, isn, talker.sndNxt, 20_000), 1);
    talker.rcvNxt = (isn + 1) >>> 0;
  }

  #end(handle: number): void {
    this.#spi.abort(handle);
    this.#spi.close(handle);
  }

  /** Connections whose requests have come must not fill the backlog. */
  accept(): void {
    for (let s = this.#spi.accept(this.#listener); s !== INVALID; s = this.#spi.accept(this.#listener)) this.#end(s);
  }

  /** What a program does between the blows. */
  use(talker: Talker): void {
    const random = this.#random;
    const { handle } = talker;
    if (handle < 0) return random.below(4) ? undefined : this.accept();
    if (random.below(3)) {
      if (this.#spi.recv(handle, 1 + random.below(2_000), random.below(2) ? MSG_PARTIAL : 0)) this.received++;
    } else this.#spi.send(handle, random.below(2_000), random.below(4) ? 0 : MSG_PARTIAL);
  }

  /** Everything is given up; what the core holds for it ends by its own timers. */
  close(): void {
    for (const { handle } of this.list) if (handle >= 0) this.#end(handle);
    this.accept();
    this.#spi.close(this.#listener);
  }
}
