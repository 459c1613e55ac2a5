/** Hostile frames: random bytes, and seen frames with bytes changed, lengths cut or grown, checksums made right again. */
import type { SeededRandom } from "../../../host/base/random.ts";

const IP = 14;

function sum(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let total = start;
  for (let i = from; i < to; i += 2) total += ((bytes[i] as number) << 8) | (i + 1 < to ? (bytes[i + 1] as number) : 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

/** Makes the IPv4 header checksum and that of a TCP, UDP or ICMP payload right, as far as the lengths in the frame allow. */
export function repair(frame: Uint8Array): void {
  if (frame.length < IP + 20 || frame[12] !== 8 || frame[13] !== 0) return;
  const header = ((frame[IP] as number) & 15) * 4;
  const total = ((frame[IP + 2] as number) << 8) | (frame[IP + 3] as number);
  if (header < 20 || IP + header > frame.length) return;
  const put = (at: number, value: number): void => {
    frame[at] = value >> 8;
    frame[at + 1] = value & 0xff;
  };
  put(IP + 10, 0);
  put(IP + 10, ~sum(frame, IP, IP + header) & 0xffff);
  const end = Math.min(IP + total, frame.length);
  const protocol = frame[IP + 9] as number;
  const field = IP + header + (protocol === 6 ? 16 : protocol === 17 ? 6 : 2);
  if (field + 2 > end || ![1, 6, 17].includes(protocol)) return;
  put(field, 0);
  const pseudo = protocol === 1 ? 0 : sum(frame, IP + 12, IP + 20, protocol + (end - IP - header));
  put(field, ~sum(frame, IP + header, end, pseudo) & 0xffff);
}

const INTERESTING = [0, 1, 2, 3, 4, 5, 15, 16, 20, 40, 41, 63, 64, 127, 128, 255];

/** A frame nobody should have sent. Most have right checksums, so that they get past the first door. */
export function hostileFrame(random: SeededRandom, corpus: readonly Uint8Array[]): Uint8Array {
  const pick = (n: number): number => random.next() % n;
  if (corpus.length === 0 || pick(10) === 0) {
    const frame = new Uint8Array(pick(200));
    for (let i = 0; i < frame.length; i++) frame[i] = random.next() >>> 24;
    return frame;
  }
  const seen = corpus[pick(corpus.length)] as Uint8Array;
  const length = pick(6) === 0 ? pick(Math.min(1514, seen.length + 60)) : seen.length;
  const frame = new Uint8Array(length);
  frame.set(seen.subarray(0, length));
  const changes = pick(6);
  for (let i = 0; i < changes && length > 0; i++) {
    // Headers are where the meaning is: three quarters of the changes go there.
    const at = pick(4) === 0 ? pick(length) : 12 + pick(Math.min(length, 62));
    if (at < length) frame[at] = pick(3) === 0 ? (INTERESTING[pick(INTERESTING.length)] as number) : random.next() >>> 24;
  }
  if (length !== seen.length && length > IP + 4 && pick(2) === 0) {
    frame[IP + 2] = (length - IP) >> 8;
    frame[IP + 3] = (length - IP) & 0xff;
  }
  if (pick(5) > 0) repair(frame);
  return frame;
}
