/** TCP segments read from frames, without allocation: one record, overwritten by every read. */
import { fold, pseudoHeaderSum4, sumWords } from "../../host/base/checksum.ts";

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const ACK = 16;

const IP = 14;
const PROTOCOL_TCP = 6;

export class Segment {
  /** IPv4 addresses as numbers. */
  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  seq = 0;
  ack = 0;
  flags = 0;
  window = 0;
  /** Shift of the window scale option, -1 = none. */
  scale = -1;
  /** Where the text stands in the frame, and how long it is. */
  text = 0;
  length = 0;
  /** Both checksums are right. */
  valid = false;

  /** False if the frame is no whole IPv4 TCP packet. */
  read(frame: Uint8Array): boolean {
    if (frame.length < IP + 40 || frame[12] !== 8 || frame[13] !== 0 || frame[IP + 9] !== PROTOCOL_TCP) return false;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const header = ((frame[IP] as number) & 15) * 4;
    const total = view.getUint16(IP + 2);
    const tcp = IP + header;
    const end = IP + total;
    if (header < 20 || end > frame.length || tcp + 20 > end || view.getUint16(IP + 6) & 0x3fff) return false;
    const offset = ((frame[tcp + 12] as number) >> 4) * 4;
    if (offset < 20 || tcp + offset > end) return false;
    this.source = view.getUint32(IP + 12);
    this.destination = view.getUint32(IP + 16);
    this.sourcePort = view.getUint16(tcp);
    this.destinationPort = view.getUint16(tcp + 2);
    this.seq = view.getUint32(tcp + 4);
    this.ack = view.getUint32(tcp + 8);
    this.flags = (frame[tcp + 13] as number) & 63;
    this.window = view.getUint16(tcp + 14);
    this.text = tcp + offset;
    this.length = end - tcp - offset;
    this.scale = this.flags & SYN ? scaleOf(frame, tcp + 20, tcp + offset) : -1;
    this.valid = fold(sumWords(frame, IP, header)) === 0xffff
      && fold(sumWords(frame, tcp, end - tcp, pseudoHeaderSum4(frame, IP, PROTOCOL_TCP, end - tcp))) === 0xffff;
    return true;
  }
}

function scaleOf(frame: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end;) {
    const kind = frame[at] as number;
    if (kind === 0) break;
    const length = kind === 1 ? 1 : at + 1 < end ? (frame[at + 1] as number) : 0;
    if (length < 1 || at + length > end) break;
    if (kind === 3 && length === 3) return Math.min(14, frame[at + 2] as number);
    at += length;
  }
  return -1;
}
