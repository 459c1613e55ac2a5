/** Segments as they cross a device, with sequence numbers counted from the connection's start. */
import { decodeFrame, type DecodedTcp, flagNames } from "../../device/index.ts";
import type { Side, Steps } from "./steps.ts";

/** Turns frames into segment steps. One connection is expected: a new SYN starts the counting anew. */
export class SegmentLog {
  /** Called after each segment: states may have changed. */
  onSegment: (() => void) | undefined;
  readonly #steps: Steps;
  /** Port the server listens on: tells the directions apart. */
  readonly #serverPort: number;
  readonly #initial: Partial<Record<Side, number>> = {};

  /** Resolves the promise of bothEnded. */
  #ended: (() => void) | undefined;

  constructor(steps: Steps, serverPort: number) {
    this.#steps = steps;
    this.#serverPort = serverPort;
  }

  /** Takes one Ethernet frame; what is no segment of the connection is ignored. */
  frame(bytes: Uint8Array, lost: boolean, recorded: boolean): void {
    const { tcp } = decodeFrame(bytes);
    if (!tcp) return;
    const from: Side | undefined = tcp.destinationPort === this.#serverPort ? "client" : tcp.sourcePort === this.#serverPort ? "server" : undefined;
    if (!from) return;
    if (tcp.flags.syn) this.#initial[from] = tcp.seq;
    const { seq, ack } = this.#relative(from, tcp);
    this.#steps.add({ kind: "segment", from, flags: flagNames(tcp.flags), seq, ack, length: tcp.payloadLength, lost, recorded });
    this.onSegment?.();
    if (this.#ended && this.#finsAnswered()) this.#ended();
  }

  /**
   * Settles once the FIN of each side has crossed the wire and the other side has spoken after it, or after `limitMs`: a program is
   * told that its close is over before the peer's last segments are here.
   */
  bothEnded(limitMs: number): Promise<void> {
    if (this.#finsAnswered()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#ended = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #finsAnswered(): boolean {
    const segments = this.#steps.all.filter((step) => step.kind === "segment");
    return (["client", "server"] as const).every((side) => {
      const fin = segments.findIndex((step) => step.from === side && step.flags.includes("FIN"));
      return fin >= 0 && segments.slice(fin + 1).some((step) => step.from !== side);
    });
  }

  #relative(from: Side, tcp: DecodedTcp): { seq: number; ack: number } {
    const own = this.#initial[from] ?? tcp.seq;
    const other = this.#initial[from === "client" ? "server" : "client"] ?? 0;
    return { seq: (tcp.seq - own) >>> 0, ack: tcp.flags.ack ? (tcp.ack - other) >>> 0 : 0 };
  }
}
