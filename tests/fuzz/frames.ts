/** Frames as the fuzzer makes them: whole and right, or wrong in one place, or noise. */
import type { SeededRandom } from "../../host/base/random.ts";
import { repair } from "../host/support/hostile.ts";

export const CORE_IP = 0x0a000001;
export const PEER_IP = 0x0a000002;
const IP = 14;
const TCP = 34;

/** What is known of the connection a frame is made for. */
export interface View {
  /** Ports of the core and of its peer. */
  readonly lport: number;
  readonly rport: number;
  /** Next number the core expects, and the right edge of its window. */
  rcvNxt: number;
  edge: number;
  /** Oldest number the core wants acknowledged, and its next. */
  sndUna: number;
  sndNxt: number;
}

export function ipv4(frame: Uint8Array, protocol: number, from = PEER_IP, to = CORE_IP): DataView {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0], 0);
  view.setUint16(IP + 2, frame.length - IP);
  frame.set([64, protocol], IP + 8);
  view.setUint32(IP + 12, from);
  view.setUint32(IP + 16, to);
  return view;
}

/** A segment from the peer; options are padded to four bytes. */
export function tcp(view: View, flags: number, seq: number, ack: number, window: number, length = 0, options: readonly number[] = []): Uint8Array {
  const header = 20 + ((options.length + 3) & ~3);
  const frame = new Uint8Array(TCP + header + length);
  const data = ipv4(frame, 6);
  data.setUint16(TCP, view.rport);
  data.setUint16(TCP + 2, view.lport);
  data.setUint32(TCP + 4, seq >>> 0);
  data.setUint32(TCP + 8, ack >>> 0);
  frame[TCP + 12] = (header / 4) << 4;
  frame[TCP + 13] = flags;
  data.setUint16(TCP + 14, window);
  frame.set(options, TCP + 20);
  repair(frame);
  return frame;
}

const LENGTHS = [0, 0, 0, 1, 2, 10, 100, 536, 1400] as const;
const OPTIONS: readonly (readonly number[])[] = [
  [], [], [2, 4, 5, 0xb4], [2, 4, 0, 0], [3, 3, 7], [3, 3, 255], [4, 2, 1, 1], [2, 0], [2, 1], [8, 10, 0, 0, 0, 1, 0, 0, 0, 0], [5, 10, 0, 0, 0, 1, 0, 0, 0, 9], [5, 255],
  [1, 1, 1, 1], [0, 255, 255, 255], [254, 4, 1, 2], [2], [3, 2], [30, 12, 0, 129, 1, 2, 3, 4, 5, 6, 7, 8],
];
/** Flag sets that mean something, drawn more often than the rest. */
const FLAGS = [16, 16, 16, 24, 17, 25, 2, 18, 4, 20, 1, 0, 3, 6, 19, 48, 63, 8] as const;

/** A segment for a connection, most of whose fields are right, near the edge, or wild. */
export function segment(random: SeededRandom, view: View): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const near = (right: number, edge: number): number => {
    switch (random.below(9)) {
      case 0: return random.next();
      case 1: return right - 1;
      case 2: return right + 1;
      case 3: return edge;
      case 4: return edge - 1;
      case 5: return right + random.below(Math.max(1, (edge - right) >>> 0 > 1 << 20 ? 1000 : (edge - right) >>> 0));
      case 6: return right - random.below(70_000);
      default: return right;
    }
  };
  const flags = random.below(5) === 0 ? random.below(64) : pick(FLAGS);
  const window = pick([0, 1, 500, 65_535, random.next() & 0xffff]);
  const frame = tcp(view, flags, near(view.rcvNxt, view.edge), near(view.sndNxt, view.sndUna), window, pick(LENGTHS), pick(OPTIONS));
  if (random.below(30) === 0) {
    // A header length or packet length that lies, with checksums as right as they can be.
    if (random.below(2)) frame[TCP + 12] = random.next() & 0xff; else frame[IP + 3] = random.next() & 0xff;
    repair(frame);
  }
  if (random.below(40) === 0) {
    const at = random.below(frame.length);
    frame[at] = (frame[at] as number) ^ (1 << random.below(8));
  }
  return frame;
}

/** ICMP that quotes a connection, fragments, ARP, UDP: what is not a whole segment. */
export function other(random: SeededRandom, view: View): Uint8Array {
  const kind = random.below(5);
  if (kind === 0) return arp(random);
  if (kind === 1) return icmp(random, view);
  const frame = new Uint8Array(IP + 20 + 8 + random.below(200));
  random.fill(frame, IP + 20, frame.length - IP - 20);
  const data = ipv4(frame, kind === 2 ? 17 : [1, 6, 17, random.next() & 0xff][random.below(4)] as number);
  if (kind === 2) {
    data.setUint16(IP + 22, random.below(2) ? 53 : random.next() & 0xffff);
    data.setUint16(IP + 24, random.below(3) ? frame.length - IP - 20 : random.next() & 0xffff);
  }
  // Fragments of few packets, so that they meet.
  if (kind > 2) {
    data.setUint16(IP + 4, random.below(4));
    data.setUint16(IP + 6, (random.below(2) << 13) | (random.below(2) ? random.below(64) : random.below(8192)));
  }
  repair(frame);
  return frame;
}

function arp(random: SeededRandom): Uint8Array {
  const frame = new Uint8Array(14 + random.below(50));
  random.fill(frame, 0, frame.length);
  const right = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 + random.below(2), 2, 0, 0, 0, 0, 2, 10, 0, 0, random.below(6), 0, 0, 0, 0, 0, 0, 10, 0, 0, 1];
  frame.set(right.slice(0, frame.length));
  if (random.below(3) === 0) frame[random.below(frame.length)] = random.next() & 0xff;
  return frame;
}

function icmp(random: SeededRandom, view: View): Uint8Array {
  const quoted = 20 + 4 + random.below(20);
  const frame = new Uint8Array(IP + 20 + 8 + quoted);
  const inner = IP + 28;
  const data = ipv4(frame, 1);
  frame.set([[3, 4, 5, 11, 8, 0][random.below(6)] as number, random.below(16)], IP + 20);
  data.setUint16(IP + 26, random.next() & 0xffff);
  frame.set([0x45 + (random.below(8) === 0 ? random.below(11) : 0), 0, 0, 40], inner);
  frame.set([64, random.below(6) ? 6 : 17], inner + 8);
  data.setUint32(inner + 12, CORE_IP);
  data.setUint32(inner + 16, PEER_IP);
  data.setUint16(inner + 20, view.lport);
  if (quoted >= 24) data.setUint16(inner + 22, view.rport);
  if (quoted >= 28) data.setUint32(inner + 24, random.below(3) ? view.sndUna >>> 0 : random.next());
  repair(frame);
  return frame;
}
