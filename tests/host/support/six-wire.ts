/** What the six steps promise of the wire: a FIN each way and no RST, but for one that answers a straggler when all is over. */
import type { Direction, FrameFate } from "../../../host/device/index.ts";

const ETHERTYPE = 12;
const IP = 14;
const TCP = 6;
const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

interface Segment {
  readonly flags: number;
  readonly ack: number;
  /** Sequence number behind it. */
  readonly end: number;
}

/** A TCP segment's numbers; undefined for any other frame. Reads only what it needs: it sees every frame of a thousand runs. */
function segmentOf(frame: Uint8Array): Segment | undefined {
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < IP + 40 || data.getUint16(ETHERTYPE) !== 0x0800 || frame[IP + 9] !== TCP) return undefined;
  const tcp = IP + ((frame[IP] as number) & 15) * 4;
  const flags = frame[tcp + 13] as number;
  const length = IP + data.getUint16(IP + 2) - tcp - (data.getUint8(tcp + 12) >> 4) * 4;
  const end = (data.getUint32(tcp + 4) + length + (flags & FIN ? 1 : 0) + (flags & SYN ? 1 : 0)) >>> 0;
  return { flags, ack: data.getUint32(tcp + 8), end };
}

export class SixStepsWire {
  /** Number behind the FIN of the server's column; when its acknowledgement arrives there, ns. */
  #serverEnd: number | undefined;
  #serverClosed = Number.POSITIVE_INFINITY;
  readonly #client: Direction;
  readonly fins = new Set<Direction>();
  /** RSTs that the table does not allow. */
  resets = 0;
  /** RSTs by which the server's stack, which is done, answers segments that come late (RFC 9293 §3.10.7.1). */
  late = 0;

  /** @param client Direction in which the client's column sends. */
  constructor(client: Direction) {
    this.#client = client;
  }

  note(direction: Direction, frame: Uint8Array, fate: FrameFate, nowNs: number): void {
    const segment = segmentOf(frame);
    if (!segment) return;
    const fromClient = direction === this.#client;
    if (segment.flags & FIN) this.fins.add(direction);
    if (segment.flags & FIN && !fromClient) this.#serverEnd = segment.end;
    if (fromClient && segment.flags & ACK && segment.ack === this.#serverEnd && fate.kind === "passed") {
      this.#serverClosed = Math.min(this.#serverClosed, fate.dueNs);
    }
    if (!(segment.flags & RST)) return;
    if (!fromClient && nowNs >= this.#serverClosed) this.late++;
    else this.resets++;
  }
}
