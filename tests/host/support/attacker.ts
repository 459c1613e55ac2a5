/** Somebody on the link who sends whatever he likes, from any address: the stack's gateway, with one hand free to forge. */
import { decodeFrame, type DecodedFrame, memoryLink } from "../../../host/device/index.ts";
import { World } from "../../../host/driver/index.ts";
import type { CoreConfig } from "../../../host/core/index.ts";
import { repair } from "./hostile.ts";
import { coreModule, Spi } from "./spi.ts";

export const VICTIM = "10.0.0.1";
export const GATEWAY = "10.0.0.254";
const VICTIM_MAC = [2, 0, 0, 0, 0, 1];
const OWN_MAC = [2, 0, 0, 0, 0, 2];
export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;

export interface Forged {
  readonly from?: string;
  readonly sport: number;
  readonly dport: number;
  readonly flags: number;
  readonly seq?: number;
  readonly ack?: number;
  readonly window?: number;
  readonly urgent?: number;
  /** Bytes of options, a multiple of four. */
  readonly options?: readonly number[];
  readonly text?: number;
}

const bytesOf = (address: string): number[] => address.split(".").map(Number);
const word = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const half = (n: number): number[] => [(n >> 8) & 255, n & 255];

function packet(protocol: number, from: string, to: string, body: readonly number[]): Uint8Array {
  const header = [0x45, 0, ...half(20 + body.length), 0, 1, 0, 0, 64, protocol, 0, 0, ...bytesOf(from), ...bytesOf(to)];
  const frame = Uint8Array.from([...VICTIM_MAC, ...OWN_MAC, 8, 0, ...header, ...body]);
  repair(frame);
  return frame;
}

const header = (s: Forged): number[] => {
  const options = s.options ?? [];
  return [
    ...half(s.sport), ...half(s.dport), ...word(s.seq ?? 0), ...word(s.ack ?? 0), ((20 + options.length) >> 2) << 4, s.flags,
    ...half(s.window ?? 65535), 0, 0, ...half(s.urgent ?? 0), ...options,
  ];
};

/** A TCP segment as a frame, its checksums right. */
export function forge(s: Forged, to = VICTIM): Uint8Array {
  return packet(6, s.from ?? "192.0.2.1", to, [...header(s), ...new Array<number>(s.text ?? 0).fill(0x78)]);
}

/** An ICMP error about a segment that the victim sent to `peer`: its addresses, ports and sequence number are quoted. */
export function forgeIcmp(type: number, code: number, peer: string, quoted: { sport: number; dport: number; seq: number }, mtu = 0): Uint8Array {
  const quote = [0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, ...bytesOf(VICTIM), ...bytesOf(peer), ...half(quoted.sport), ...half(quoted.dport), ...word(quoted.seq)];
  return packet(1, GATEWAY, VICTIM, [type, code, 0, 0, 0, 0, ...half(mtu), ...quote]);
}

export interface Attack {
  readonly world: World;
  readonly victim: Spi;
  /** What the victim sent since the last call, ARP aside. */
  heard(): DecodedFrame[];
  send(frame: Uint8Array): void;
}

/** A stack whose default route leads to the attacker. */
export async function attack(options: { config?: CoreConfig; build?: string; seed?: number; queueFrames?: number } = {}): Promise<Attack> {
  const world = new World({ seed: options.seed ?? 1 });
  const frames: DecodedFrame[] = [];
  const parts = new Int32Array(2);
  const transmit = (frame: Uint8Array): void => {
    parts[1] = frame.length;
    link.b.write(frame, parts, 0, 1);
  };
  /** Whoever asks for an address on the link is answered: that is the attacker's. */
  const answerArp = (ask: Uint8Array): void => {
    transmit(Uint8Array.from([...VICTIM_MAC, ...OWN_MAC, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, ...OWN_MAC, ...ask.subarray(38, 42), ...ask.subarray(22, 32)]));
  };
  const link = memoryLink({
    clock: world.clock,
    queueFrames: options.queueFrames ?? 4096,
    whenFull: "drop",
    onFrame: (direction, frame) => {
      if (direction === "bToA") return;
      if (frame[12] === 8 && frame[13] === 6) {
        if (frame[21] === 1) answerArp(frame);
      } else frames.push(decodeFrame(frame.slice()));
    },
  });
  const victim = new Spi(await coreModule(options.build ?? ""), world, link.a, `${VICTIM}/24`, options.config ?? {});
  victim.core.addRoute("0.0.0.0/0", GATEWAY, 0);
  if (victim.startup() !== 0) throw new Error("WSPStartup failed");
  const sink = new Uint8Array(2048);
  const drain = (): void => {
    while (link.b.readInto(sink, 0, sink.length) > 0);
  };
  const send = (frame: Uint8Array): void => {
    drain();
    transmit(frame);
  };
  // The victim learns the gateway's hardware address.
  send(Uint8Array.from([...VICTIM_MAC, ...OWN_MAC, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, ...OWN_MAC, ...bytesOf(GATEWAY), 0, 0, 0, 0, 0, 0, ...bytesOf(VICTIM)]));
  world.runFor(10);
  drain();
  return { world, victim, send, heard: () => frames.splice(0) };
}

/** The victim's SYN,ACK for a SYN, through the handshake when `finish`. */
export function knock(a: Attack, s: { from?: string; sport: number; dport: number; seq?: number; options?: readonly number[] }): DecodedFrame["tcp"] {
  a.heard();
  a.send(forge({ ...s, flags: SYN }));
  a.world.runFor(1);
  return a.heard().find((frame) => frame.tcp?.flags.syn && frame.tcp.flags.ack && frame.tcp.destinationPort === s.sport)?.tcp;
}
