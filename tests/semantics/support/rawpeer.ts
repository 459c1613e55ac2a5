/**
 * The far end of a link without a TCP: it answers ARP, keeps what it receives, and sends the segments a scenario asks for. For
 * situations that a well-behaved peer never makes.
 */
import type { FrameDevice } from "../../../host/device/index.ts";
import { decodeFrame, flagNames } from "../../../host/device/index.ts";
import { repair } from "../../host/support/hostile.ts";

export interface Received {
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  readonly window: number;
  readonly data: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface Crafted {
  seq?: number;
  ack?: number;
  window?: number;
  urgent?: number;
  data?: Uint8Array | string;
  port?: number;
  remotePort?: number;
}

const FLAGS: Readonly<Record<string, number>> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 };

export class RawPeer {
  /** Segments received and not taken yet. */
  readonly inbox: Received[] = [];
  port = 7000;
  remotePort = 0;
  /** What it sends next, and expects next, as take() and send() leave it. */
  sndNxt = 5000;
  rcvNxt = 0;
  window = 65535;
  readonly #device: FrameDevice;
  readonly #own: readonly number[];
  readonly #other: readonly number[];
  readonly #mac: Uint8Array;
  readonly #frame = new Uint8Array(2048);

  constructor(device: FrameDevice, own: string, other: string, mac: Uint8Array) {
    this.#device = device;
    this.#own = own.split(".").map(Number);
    this.#other = other.split(".").map(Number);
    this.#mac = mac;
    device.onReadable = () => this.#read();
  }

  #read(): void {
    for (let n = this.#device.readInto(this.#frame, 0, this.#frame.length); n > 0; n = this.#device.readInto(this.#frame, 0, this.#frame.length)) {
      const bytes = this.#frame.slice(0, n);
      const { arp, tcp } = decodeFrame(bytes);
      if (arp?.operation === "request" && arp.targetIp === this.#own.join(".")) this.#answerArp(bytes);
      if (!tcp) continue;
      const { seq, ack, window, sourcePort, destinationPort, payloadOffset, payloadLength } = tcp;
      const data = bytes.slice(payloadOffset, payloadOffset + payloadLength);
      this.inbox.push({ flags: flagNames(tcp.flags), seq, ack, window, data, sourcePort, destinationPort });
    }
  }

  #answerArp(request: Uint8Array): void {
    const reply = new Uint8Array(42);
    reply.set(request.subarray(6, 12), 0);
    reply.set(this.#device.mac, 6);
    reply.set([8, 6, 0, 1, 8, 0, 6, 4, 0, 2], 12);
    reply.set(this.#device.mac, 22);
    reply.set(this.#own, 28);
    reply.set(request.subarray(22, 32), 32);
    this.#write(reply);
  }

  #write(frame: Uint8Array): void {
    this.#device.write(frame, Int32Array.of(0, frame.length), 0, 1);
  }

  /** The received segments; rcvNxt moves behind the text, SYN and FIN that continue it. */
  take(): Received[] {
    const taken = this.inbox.splice(0);
    for (const { flags, seq, data } of taken) {
      const counted = data.length + (flags.includes("SYN") || flags.includes("FIN") ? 1 : 0);
      if (flags.includes("SYN")) this.rcvNxt = (seq + 1) >>> 0;
      else if (seq === this.rcvNxt && !flags.includes("RST")) this.rcvNxt = (seq + counted) >>> 0;
    }
    return taken;
  }

  /**
   * Sends one segment: `send("FIN,ACK")`. What is not given continues the connection; sndNxt moves behind what was sent from there.
   * An acknowledgement number is only sent with ACK.
   */
  send(flags: string, { seq = this.sndNxt, ack = this.rcvNxt, window = this.window, urgent = 0, data = "", port = this.port, remotePort = this.remotePort }: Crafted = {}): void {
    const text = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const names = flags.split(",");
    const frame = new Uint8Array(54 + text.length);
    const view = new DataView(frame.buffer);
    frame.set(this.#mac, 0);
    frame.set(this.#device.mac, 6);
    view.setUint16(12, 0x0800);
    frame.set([0x45, 0], 14);
    view.setUint16(16, 40 + text.length);
    frame.set([64, 6], 22);
    frame.set(this.#own, 26);
    frame.set(this.#other, 30);
    view.setUint16(34, port);
    view.setUint16(36, remotePort);
    view.setUint32(38, seq >>> 0);
    view.setUint32(42, names.includes("ACK") ? ack >>> 0 : 0);
    frame[46] = 0x50;
    frame[47] = names.reduce((bits, name) => bits | (FLAGS[name] as number), 0);
    view.setUint16(48, window);
    view.setUint16(52, urgent);
    frame.set(text, 54);
    repair(frame);
    const length = text.length + (names.includes("SYN") ? 1 : 0) + (names.includes("FIN") ? 1 : 0);
    if (seq === this.sndNxt) this.sndNxt = (seq + length) >>> 0;
    this.#write(frame);
  }

  /** Answers the SYN that was received with SYN,ACK. */
  answerSyn(window = this.window): void {
    const syn = this.inbox.find(({ flags }) => flags === "SYN");
    if (!syn) throw new Error("no SYN was received");
    this.remotePort = syn.sourcePort;
    this.port = syn.destinationPort;
    this.window = window;
    this.take();
    this.send("SYN,ACK");
  }

  /** Takes what was received and acknowledges it. */
  acknowledge(window = this.window): Received[] {
    const taken = this.take();
    this.window = window;
    this.send("ACK");
    return taken;
  }
}
