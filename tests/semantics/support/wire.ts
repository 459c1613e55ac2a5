/**
 * TCP segments as they were captured at the device, and how rows speak of them: a list of tokens per capture.
 *
 *   SYN  SYN,ACK  FIN,ACK  RST  RST,ACK   by flags (PSH and URG left out); a FIN on a data segment counts as data, then FIN
 *   data    one or more segments with text
 *   probe   one or more segments into a closed window, or keepalive probes
 *   ack     one or more segments with nothing but an acknowledgement
 *
 * An expected token names at least the flags it wants ("FIN" fits FIN,ACK), and numbers: seq= and ack= of a plain number count from
 * the first byte of that direction; sndNxt (what the sender had to send next), segAck (acknowledgement in the segment that came last),
 * segEnd (its end), zero are absolute. "+1" behind a name adds one.
 */
import { decodeFrame, flagNames } from "../../../host/device/index.ts";

export type Side = "a" | "b";

export interface Segment {
  /** Who sent it. */
  readonly from: Side;
  /** Virtual milliseconds at which it was sent, and at which it arrives (Infinity: never). */
  readonly at: number;
  readonly due: number;
  /** SYN,FIN,RST,PSH,ACK,URG in that order, comma between. */
  readonly flags: string;
  readonly seq: number;
  readonly ack: number;
  /** As in the header. */
  readonly window: number;
  readonly length: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Place in the log. */
  readonly index: number;
  /** What its sender had to send next. */
  readonly sndNxt: number;
  /** Numbers of the first bytes, behind the SYNs: of its own direction, of the other. */
  readonly first: number;
  readonly peerFirst: number;
}

export interface Token {
  readonly side: Side;
  kind: string;
  /** The segment, the last one of a run of acks, the first of other runs. */
  segment: Segment;
  /** Sequence number of the token: behind the text for the FIN of a data segment. */
  readonly seq: number;
}

const has = (segment: Segment, flag: string): boolean => segment.flags.split(",").includes(flag);
const endOf = (s: Segment): number => (s.seq + s.length + (has(s, "SYN") ? 1 : 0) + (has(s, "FIN") ? 1 : 0)) >>> 0;
const after = (x: number, y: number): boolean => ((x - y) | 0) > 0;

/** One direction of a connection so far. */
interface Flow {
  first: number;
  next: number;
}

/** Every TCP segment seen, in the order of sending; and what else crossed. */
export class WireLog {
  readonly segments: Segment[] = [];
  /** ICMP messages and UDP datagrams seen, by sender. */
  readonly icmp: Side[] = [];
  readonly datagrams: Side[] = [];
  readonly #flows = new Map<string, Flow>();

  note(from: Side, frame: Uint8Array, at: number, due: number): void {
    const { tcp, icmp, udp } = decodeFrame(frame);
    if (icmp) this.icmp.push(from);
    if (udp) this.datagrams.push(from);
    if (!tcp) return;
    const { seq, ack, window, payloadLength: length, sourcePort, destinationPort } = tcp;
    const mine = this.#flow(`${from} ${sourcePort} ${destinationPort}`, seq);
    const theirs = this.#flow(`${from === "a" ? "b" : "a"} ${destinationPort} ${sourcePort}`, ack);
    if (tcp.flags.syn) mine.first = mine.next = (seq + 1) >>> 0;
    const segment: Segment = {
      from, at, due, flags: flagNames(tcp.flags), seq, ack, window, length, sourcePort, destinationPort, index: this.segments.length,
      sndNxt: mine.next, first: mine.first, peerFirst: theirs.first,
    };
    if (!tcp.flags.rst && after(endOf(segment), mine.next)) mine.next = endOf(segment);
    this.segments.push(segment);
  }

  #flow(key: string, first: number): Flow {
    const flow = this.#flows.get(key) ?? { first, next: first };
    this.#flows.set(key, flow);
    return flow;
  }

  /** The segment that reached `s`'s sender last before it was sent. */
  #heard(s: Segment): Segment | undefined {
    for (let i = s.index - 1; i >= 0; i--) {
      const other = this.segments[i] as Segment;
      if (other.from !== s.from && other.due <= s.at && same(s, other)) return other;
    }
    return undefined;
  }

  /** Numbers that expected tokens name. The FIN of a data segment comes after its text. */
  #names({ kind, segment: s }: Token): Record<string, number> {
    const heard = this.#heard(s);
    const text = kind.startsWith("FIN") ? s.length : 0;
    return { sndNxt: (s.sndNxt + text) >>> 0, segAck: heard?.ack ?? -1, segEnd: heard ? endOf(heard) : -1, zero: 0 };
  }

  #kinds(s: Segment): string[] {
    if (has(s, "RST")) return [has(s, "ACK") ? "RST,ACK" : "RST"];
    if (has(s, "SYN")) return [has(s, "ACK") ? "SYN,ACK" : "SYN"];
    const end = has(s, "FIN") ? [has(s, "ACK") ? "FIN,ACK" : "FIN"] : [];
    if (s.length > 0) return [s.length === 1 && this.#heard(s)?.window === 0 ? "probe" : "data", ...end];
    if (end.length) return end;
    return ((s.seq + 1) >>> 0) === s.sndNxt ? ["probe"] : ["ack"];
  }

  /** The segments as tokens; runs of data, probes and acks of one side are one token. */
  tokens(segments: readonly Segment[]): Token[] {
    const list: Token[] = [];
    for (const segment of segments) {
      for (const kind of this.#kinds(segment)) {
        const last = list.at(-1);
        if (last?.side === segment.from && last.kind === kind && ["data", "probe", "ack"].includes(kind)) {
          if (kind === "ack") last.segment = segment;
          continue;
        }
        const seq = kind.startsWith("FIN") ? (segment.seq + segment.length) >>> 0 : segment.seq;
        list.push({ side: segment.from, kind, segment, seq });
      }
    }
    return list;
  }

  /** True if a token is what an expected item describes. Without a side prefix any side is right. */
  fits(item: string, token: Token): boolean {
    return item.split("|").some((one) => {
      const [head, ...attributes] = one.split(" ") as [string, ...string[]];
      const side = /^([ab]):/.exec(head)?.[1];
      if (side && side !== token.side) return false;
      const wanted = (side ? head.slice(2) : head).split(",");
      const found = token.kind.split(",");
      return wanted.every((flag) => found.includes(flag)) && attributes.every((attribute) => this.#holds(attribute, token));
    });
  }

  #holds(attribute: string, token: Token): boolean {
    const [, field, name, plus] = /^(seq|ack)=(\w+)(\+\d+)?$/.exec(attribute) ?? [];
    if (!field || !name) throw new Error(`"${attribute}" is no attribute of a segment`);
    const { segment } = token;
    const base = /^\d+$/.test(name) ? (field === "seq" ? segment.first : segment.peerFirst) + Number(name) : this.#names(token)[name];
    if (base === undefined) throw new Error(`"${name}" is no name of a sequence number`);
    return ((base + Number(plus ?? 0)) >>> 0) === (field === "seq" ? token.seq : segment.ack);
  }
}

/** Both segments belong to one connection. */
function same(x: Segment, y: Segment): boolean {
  if (x.from === y.from) return x.sourcePort === y.sourcePort && x.destinationPort === y.destinationPort;
  return x.sourcePort === y.destinationPort && x.destinationPort === y.sourcePort;
}

/** A capture as a person reads it. */
export function wireText(tokens: readonly Token[]): string {
  return tokens.length === 0 ? "none" : tokens.map(({ side, kind, segment }) => `${side}:${kind} seq=${segment.seq} ack=${segment.ack} len=${segment.length}`).join("; ");
}
