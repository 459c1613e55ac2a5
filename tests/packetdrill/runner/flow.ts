/**
 * One connection (or datagram exchange) as the script sees it: its ports, and how script numbers become wire numbers.
 * Sequence numbers are relative to the ISN of their direction once a SYN was seen there, raw before (packetdrill.md, How it runs).
 */
import { Stream } from "./content.ts";

const u32 = (n: number): number => n >>> 0;

export class Flow {
  /** null: not known before the first packet the core sends (active open). */
  localPort: number | null;
  remotePort: number;
  /** Ports the script writes for this flow when it writes any. */
  scriptPorts: { local: number; remote: number } | null = null;
  /** Wire number minus script number of what the core sends; null before its SYN. */
  localOffset: number | null = null;
  /** The same for what the script injects; null before its SYN. */
  remoteOffset: number | null = null;
  /** Added to the ISN of injected SYNs: 0 keeps the script's own number. */
  readonly remoteShift: number;
  /** Timestamp clock: wire minus script, of what the core sends; null before its first timestamp. */
  timestampOffset: number | null = null;
  /** A SYN without ACK was injected: the next SYN of the core may open a new incarnation with a new ISN. */
  synPending = false;
  /** Script numbers of the two ISNs: the stream's first byte is one above. */
  localIsn = 0;
  remoteIsn = 0;
  /** MSS option of the peer's SYN, 536 without one (RFC 9293 §3.7.1). */
  peerMss = 536;
  /** Highest wire number behind what the core sent / the script injected, for the checks of extra ACKs. */
  sentTop: number | null = null;
  injectedTop: number | null = null;
  lastAck: number | null = null;
  /** Wire number of the first byte beyond the window the core offered last; null before it offered one. */
  offeredEdge: number | null = null;
  /** Shift of the window scale option in the core's SYN and in the peer's; null without. */
  ownScale: number | null = null;
  peerScale: number | null = null;
  /** Receive buffer of the system the script was written on, where it reads SO_RCVBUF and ours differs. */
  authorBuffer: number | null = null;
  finInjected = false;
  rstInjected = false;
  /** What the core sends must be this, what it receives was that. */
  readonly outbound = new Stream(1);
  readonly inbound = new Stream(0x5bd1e995);

  constructor(localPort: number | null, remotePort: number, remoteShift: number) {
    this.localPort = localPort;
    this.remotePort = remotePort;
    this.remoteShift = remoteShift;
  }

  /** Wire number of a script number in the core's sequence space. */
  localWire(n: number): number {
    return u32(n + (this.localOffset ?? 0));
  }

  localScript(n: number): number {
    return u32(n - (this.localOffset ?? 0));
  }

  remoteWire(n: number): number {
    return u32(n + (this.remoteOffset ?? 0));
  }

  remoteScript(n: number): number {
    return u32(n - (this.remoteOffset ?? 0));
  }

  /** The script injects a SYN with this number: the direction's ISN from now on, unless it already has one. */
  injectSyn(n: number, absolute = false): void {
    if (this.remoteOffset !== null) return;
    this.remoteOffset = absolute ? 0 : this.remoteShift;
    this.remoteIsn = n;
  }

  /** The core sent a SYN where the script writes `n`. */
  learnSyn(n: number, wire: number): void {
    this.localOffset = u32(wire - n);
    this.localIsn = n;
    this.synPending = false;
  }

  /** Offset in the core's stream of a script sequence number. */
  outboundOffset(n: number): number {
    return u32(n - this.localIsn - 1) | 0;
  }

  inboundOffset(n: number): number {
    return u32(n - this.remoteIsn - 1) | 0;
  }
}
