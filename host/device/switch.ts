/** A learning Ethernet switch for any number of stacks of one process (IEEE 802.1D filtering, without spanning tree). */
import { type Clock, NS_PER_MS, systemClock } from "../base/clock.ts";
import { Channel, type ChannelStats } from "./channel.ts";
import { checkMtu, ETHERNET_HEADER, parseMac } from "./contract.ts";
import { type FrameFate, type Impairments, type WireOptions, wireOptions } from "./impairment.ts";
import { Station } from "./station.ts";

export interface FrameSwitchOptions extends Impairments {
  /** Number of ports, 2 to 4096. */
  ports: number;
  /** Largest IP packet, 68 to 65535 bytes. Default 1500. */
  mtu?: number;
  /** Hardware addresses of the stations, in port order. Default 02:00:00:01:00:00 and up. */
  macs?: readonly string[];
  name?: string;
  /** A learned address is forgotten after this long without a frame from it, ms. Default 300000 (IEEE 802.1D). */
  ageingMs?: number;
  /** Addresses learned at most; while the table is full, frames to unlearned ones are flooded. Default 1024. */
  maxAddresses?: number;
  /** Sees every frame on every cable. `in` is from the station into the switch. */
  onFrame?: (port: number, direction: "in" | "out", frame: Uint8Array, fate: FrameFate) => void;
}

export interface PortStats {
  /** From the station into the switch. */
  readonly in: Readonly<ChannelStats>;
  /** From the switch to the station. */
  readonly out: Readonly<ChannelStats>;
}

interface Port {
  readonly station: Station;
  readonly incoming: Channel;
  readonly outgoing: Channel;
}

interface Learned {
  port: number;
  /** Last frame from the address, ns. */
  seen: number;
}

/** 48 bits as one number, exact. */
function macKey(frame: Uint8Array, at: number): number {
  const high = ((frame[at] as number) << 8) | (frame[at + 1] as number);
  const low = ((frame[at + 2] as number) << 24) | ((frame[at + 3] as number) << 16) | ((frame[at + 4] as number) << 8) | (frame[at + 5] as number);
  return high * 0x1_0000_0000 + (low >>> 0);
}

export class FrameSwitch {
  readonly #ports: Port[] = [];
  readonly #learned = new Map<number, Learned>();
  readonly #clock: Clock;
  readonly #ageingNs: number;
  readonly #maxAddresses: number;
  /** Before this no learned address can have aged, ns. */
  #nextScan = 0;

  /** @throws RangeError for an option out of range, naming it. */
  constructor(options: FrameSwitchOptions) {
    const { ports } = options;
    if (!Number.isInteger(ports) || ports < 2 || ports > 4096) throw new RangeError(`ports is ${ports}; expected an integer from 2 to 4096`);
    if (options.macs && options.macs.length !== ports) {
      throw new RangeError(`macs has ${options.macs.length} entries; expected one for each of ${ports} ports`);
    }
    this.#clock = options.clock ?? systemClock;
    this.#ageingNs = (options.ageingMs ?? 300_000) * NS_PER_MS;
    this.#maxAddresses = options.maxAddresses ?? 1024;
    if (!(this.#ageingNs > 0)) throw new RangeError(`ageingMs is ${options.ageingMs}; expected milliseconds above 0`);
    if (!(this.#maxAddresses >= 0)) throw new RangeError(`maxAddresses is ${options.maxAddresses}; expected 0 or more`);
    const mtu = checkMtu(options.mtu ?? 1500);
    const wire = wireOptions(options, "backpressure");
    for (let i = 0; i < ports; i++) this.#ports.push(this.#makePort(i, mtu, wire, options));
  }

  #makePort(index: number, mtu: number, wire: WireOptions, options: FrameSwitchOptions): Port {
    const incoming = new Channel(wire, mtu + ETHERNET_HEADER, index * 2);
    // A station can be told to wait; the frames of many stations for one port cannot.
    const outgoing = new Channel({ ...wire, whenFull: "drop" }, mtu + ETHERNET_HEADER, index * 2 + 1);
    const hook = options.onFrame;
    if (hook) {
      incoming.onFrame = (frame, fate) => hook(index, "in", frame, fate);
      outgoing.onFrame = (frame, fate) => hook(index, "out", frame, fate);
    }
    incoming.onReadable = () => this.#drain(index, incoming);
    const mac = options.macs ? parseMac(options.macs[index] as string) : Uint8Array.of(2, 0, 0, 1, index >> 8, index & 0xff);
    const name = `${options.name ?? "switch"}/${index}`;
    return { station: new Station({ name, mac, mtu, capabilities: 0 }, incoming, outgoing), incoming, outgoing };
  }

  get size(): number {
    return this.#ports.length;
  }

  /** The device of the station at a port, 0 to size - 1. */
  port(index: number): Station {
    return this.#at(index).station;
  }

  stats(index: number): PortStats {
    const { incoming, outgoing } = this.#at(index);
    return { in: incoming.stats, out: outgoing.stats };
  }

  /** Addresses known now, aged ones not counted. */
  get learned(): number {
    const oldest = this.#clock.now() - this.#ageingNs;
    let count = 0;
    for (const entry of this.#learned.values()) if (entry.seen > oldest) count++;
    return count;
  }

  /** Unplugs every station. */
  close(): void {
    for (const { station, incoming } of this.#ports) {
      station.close();
      incoming.close();
    }
    this.#learned.clear();
  }

  #at(index: number): Port {
    const port = this.#ports[index];
    if (!port) throw new RangeError(`port is ${index}; expected 0 to ${this.#ports.length - 1}`);
    return port;
  }

  #drain(index: number, incoming: Channel): void {
    for (let frame = incoming.take(); frame !== undefined; frame = incoming.take()) {
      this.#forward(index, frame.view);
      incoming.done(frame);
    }
  }

  #forward(from: number, frame: Uint8Array): void {
    if (frame.length < ETHERNET_HEADER) return;
    this.#learn(from, frame);
    const group = ((frame[0] as number) & 1) !== 0;
    const to = group ? undefined : this.#lookup(macKey(frame, 0));
    if (to !== undefined) {
      if (to !== from) this.#ports[to]?.outgoing.writeFrame(frame);
      return;
    }
    for (const [index, port] of this.#ports.entries()) if (index !== from) port.outgoing.writeFrame(frame);
  }

  #learn(from: number, frame: Uint8Array): void {
    // A group address cannot be a source; a frame that claims so teaches nothing.
    if (((frame[6] as number) & 1) !== 0) return;
    const key = macKey(frame, 6);
    const seen = this.#clock.now();
    const entry = this.#learned.get(key);
    if (entry) {
      entry.port = from;
      entry.seen = seen;
    } else if (this.#learned.size < this.#maxAddresses || this.#forgetAged(seen)) {
      this.#learned.set(key, { port: from, seen });
    }
  }

  #lookup(key: number): number | undefined {
    const entry = this.#learned.get(key);
    if (!entry) return undefined;
    if (entry.seen > this.#clock.now() - this.#ageingNs) return entry.port;
    this.#learned.delete(key);
    return undefined;
  }

  /** true if that made room. Scans only when the oldest entry can have aged: a flood of new addresses costs no more. */
  #forgetAged(now: number): boolean {
    if (now < this.#nextScan) return false;
    let oldest = now;
    for (const [key, entry] of this.#learned) {
      if (entry.seen <= now - this.#ageingNs) this.#learned.delete(key);
      else oldest = Math.min(oldest, entry.seen);
    }
    this.#nextScan = oldest + this.#ageingNs;
    return this.#learned.size < this.#maxAddresses;
  }
}

/**
 * Makes a switch. The impairments of the options hold on every cable and in both directions, so a frame passes them twice.
 * A full queue towards a station loses frames, as a switch does; `whenFull` is about the queue from a station.
 */
export function frameSwitch(options: FrameSwitchOptions): FrameSwitch {
  return new FrameSwitch(options);
}
