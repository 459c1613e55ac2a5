/**
 * What the wire let through, per direction, read from frames as they arrive: enough to say whether a close report is true.
 * Sequence numbers are relative to the SYN of their direction.
 */
import type { Direction, FrameFate } from "../../../host/device/index.ts";

interface Side {
  isn: number;
  /** Highest text byte + 1 that was put on the wire, and the highest that arrived whole. */
  sent: number;
  arrived: number;
  /** Relative place of the FIN, -1 if none was sent; whether one arrived. */
  fin: number;
  finArrived: boolean;
  /** Highest relative acknowledgement number that arrived at this side's peer (it acknowledges the peer's bytes). */
  acked: number;
  /** A RST was sent before both FINs and our FIN's acknowledgement were through. Later ones answer strays (RFC 9293 §3.10.7.1). */
  rst: boolean;
}

const fresh = (): Side => ({ isn: -1, sent: 0, arrived: 0, fin: -1, finArrived: false, acked: 0, rst: false });

export class Ledger {
  readonly a = fresh();
  readonly b = fresh();

  /** Give this to the link's onFrame. Only IPv4 TCP frames without options are expected to carry text. */
  readonly note = (direction: Direction, shown: Uint8Array, fate: FrameFate): void => {
    let frame = shown;
    if (fate.corruptedBit >= 0) {
      // A damaged frame is shown as it will arrive: its numbers cannot be believed, and its receiver drops it. A copy of it arrives as it was sent.
      if (!fate.duplicated) return;
      frame = shown.slice();
      const byte = fate.corruptedBit >> 3;
      frame[byte] = (frame[byte] as number) ^ (0x80 >> (fate.corruptedBit & 7));
    }
    if (frame.length < 54 || frame[12] !== 8 || frame[23] !== 6) return;
    const mine = direction === "aToB" ? this.a : this.b;
    const other = direction === "aToB" ? this.b : this.a;
    const whole = fate.kind === "passed";
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const ip = 14 + ((frame[14] ?? 0) & 15) * 4;
    const length = 14 + view.getUint16(16) - ip - ((frame[ip + 12] ?? 0) >> 4) * 4;
    const flags = frame[ip + 13] ?? 0;
    const seq = view.getUint32(ip + 4);
    if (flags & 2) mine.isn = seq;
    const at = (seq - mine.isn - 1) >>> 0;
    if (flags & 4 && !(mine.fin >= 0 && other.acked > mine.fin && other.finArrived)) mine.rst = true;
    if (length > 0) mine.sent = Math.max(mine.sent, at + length);
    if (flags & 1) mine.fin = at + length;
    if (!whole) return;
    if (length > 0) mine.arrived = Math.max(mine.arrived, at + length);
    if (flags & 1) mine.finArrived = true;
    if (flags & 16 && other.isn >= 0) mine.acked = Math.max(mine.acked, (view.getUint32(ip + 8) - other.isn - 1) | 0);
  };
}
