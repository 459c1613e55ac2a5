/**
 * What must hold of every TCP segment a stack of ours sends, and what the wire says of each connection: enough to judge
 * whether a close report is true. Numbers are relative to the first sequence number of the direction they count.
 */
import { mismatch } from "./pattern.ts";
import { ACK, FIN, RST, Segment, SYN } from "./segment.ts";

/** One end of a connection. */
export interface End {
  /** Station it belongs to. */
  readonly station: number;
  /** Names the stream it sends. */
  readonly stream: number;
  /** Bytes the program's sends were told to have been accepted, and bytes of a send that has not returned. */
  written: number;
  writing: number;
  /** Bytes the program has received. */
  read: number;
  /** The program has shut the sending side, or closed, or the stack did on its behalf. */
  ended: boolean;
  wire: WireEnd;
}

/** What one end put on the wire and what reached it. */
export interface WireEnd {
  iss: number;
  /** Highest sequence number sent + 1, and that of segments without text or FIN. */
  sent: number;
  pure: number;
  /** Place of the FIN, -1 if none was sent. */
  fin: number;
  rst: boolean;
  /** Highest acknowledgement sent, and the highest right edge of the window. */
  acked: number;
  edge: number;
  /** Window scale offered, -1 none. */
  scale: number;
  /** Of what arrived with right checksums: acknowledgement, end of text, FIN, RST, right edge. */
  ackArrived: number;
  textArrived: number;
  finArrived: boolean;
  rstArrived: boolean;
  edgeArrived: number;
}

export const newWireEnd = (): WireEnd => ({
  iss: -1, sent: 0, pure: 0, fin: -1, rst: false, acked: 0, edge: 0, scale: -1,
  ackArrived: 0, textArrived: 0, finArrived: false, rstArrived: false, edgeArrived: 0,
});

export interface Connection {
  readonly name: string;
  /** The end that connected, and the one that listened. */
  readonly ends: readonly [End, End];
  /** An end began anew under the same four-tuple: the wire no longer tells one from the other. */
  muddled: boolean;
}

export function tupleKey(client: number, clientPort: number, server: number, serverPort: number): string {
  return `${client}:${clientPort}>${server}:${serverPort}`;
}

export class Wire {
  readonly connections = new Map<string, Connection>();
  segments = 0;
  readonly #fail: (what: string) => void;
  readonly #segment = new Segment();
  #made = 0;

  /** @param fail Told of every violation. */
  constructor(fail: (what: string) => void) {
    this.#fail = fail;
  }

  /** The connection of a four-tuple, made if it is new. */
  connection(client: number, clientPort: number, server: number, serverPort: number): Connection {
    const key = tupleKey(client, clientPort, server, serverPort);
    const known = this.connections.get(key);
    if (known) return known;
    const end = (address: number): End => ({
      station: (address & 255) - 1, stream: ++this.#made, written: 0, writing: 0, read: 0, ended: false, wire: newWireEnd(),
    });
    const made: Connection = { name: key, ends: [end(client), end(server)], muddled: false };
    this.connections.set(key, made);
    return made;
  }

  /** The connection of the segment just read and which of its ends sent it. */
  #find(s: Segment): { connection: Connection; from: 0 | 1 } {
    const back = this.connections.get(tupleKey(s.destination, s.destinationPort, s.source, s.sourcePort));
    if (back && !(s.flags & SYN && !(s.flags & ACK) && back.ends[1].wire.iss < 0)) return { connection: back, from: 1 };
    return { connection: this.connection(s.source, s.sourcePort, s.destination, s.destinationPort), from: 0 };
  }

  sent(frame: Uint8Array): void {
    const s = this.#segment;
    if (!s.read(frame)) return;
    this.segments++;
    const { connection, from } = this.#find(s);
    const wrong = (what: string): void => this.#fail(`${connection.name}, ${from ? "server" : "client"} sends ${describe(s)}: ${what}`);
    if (!s.valid) wrong("a checksum is wrong");
    const me = connection.ends[from];
    const peer = connection.ends[1 - from] as End;
    if (s.flags & SYN) this.#syn(connection, me, s);
    if (s.flags & RST) {
      if (s.window !== 0) wrong("a RST offers nothing");
      // Before our SYN it answers a SYN nobody listened for; the next one may find a listener.
      if (me.wire.iss >= 0) me.wire.rst = true;
      return;
    }
    if (connection.muddled) return;
    if (me.wire.iss < 0) return wrong("nothing may leave before the SYN");
    if (me.wire.rst && !(s.flags & SYN)) wrong("nothing may follow a RST");
    checkSequence(me, s, frame, wrong);
    if (s.flags & ACK && peer.wire.iss >= 0) checkAck(me, peer, s, wrong);
    const end = ((s.seq - me.wire.iss) | 0) + s.length;
    // One byte beyond the window is a probe (RFC 9293 §3.8.6.1).
    if (s.length > 0 && end > peer.wire.edge + 1) wrong(`text ends at ${end}, beyond the window's edge ${peer.wire.edge}`);
  }

  #syn(connection: Connection, me: End, s: Segment): void {
    if (me.wire.iss >= 0 && me.wire.iss !== s.seq) {
      connection.muddled = true;
      me.wire = newWireEnd();
    }
    me.wire.iss = s.seq;
    me.wire.scale = s.scale;
    me.wire.sent = Math.max(me.wire.sent, 1);
  }

  arrived(frame: Uint8Array): void {
    const s = this.#segment;
    if (!s.read(frame) || !s.valid) return;
    const { connection, from } = this.#find(s);
    const sender = connection.ends[from].wire;
    const mine = (connection.ends[1 - from] as End).wire;
    if (s.flags & RST) {
      mine.rstArrived = true;
      return;
    }
    const at = (s.seq - sender.iss - 1) | 0;
    if (s.length > 0) mine.textArrived = Math.max(mine.textArrived, at + s.length);
    if (s.flags & FIN) mine.finArrived = true;
    if (s.flags & ACK && mine.iss >= 0) mine.ackArrived = Math.max(mine.ackArrived, (s.ack - mine.iss) | 0);
  }
}

function describe(s: Segment): string {
  const names = [[SYN, "SYN"], [FIN, "FIN"], [RST, "RST"], [ACK, "ACK"]] as const;
  return `${names.filter(([bit]) => s.flags & bit).map(([, name]) => name).join(",")} seq=${s.seq} ack=${s.ack} len=${s.length}`;
}

/** Text is the stream's own, the FIN has one place, what is sent is what the program gave, SND.NXT never goes back. */
function checkSequence(me: End, s: Segment, frame: Uint8Array, wrong: (what: string) => void): void {
  const wire = me.wire;
  const seq = (s.seq - wire.iss) | 0;
  const most = me.written + me.writing;
  if (s.length > 0) {
    if (seq < 1 || seq - 1 + s.length > most) wrong(`bytes ${seq - 1} to ${seq - 1 + s.length} of ${most} given`);
    else {
      const at = mismatch(me.stream, seq - 1, frame.subarray(s.text, s.text + s.length));
      if (at >= 0) wrong(`byte ${at} of the stream is not what was given`);
    }
    if (wire.fin >= 0 && seq + s.length > wire.fin) wrong(`text beyond the FIN at ${wire.fin}`);
  }
  if (s.flags & FIN) {
    const place = seq + s.length;
    if (wire.fin >= 0 && wire.fin !== place) wrong(`the FIN was at ${wire.fin} and is at ${place}`);
    if (!me.ended) wrong("nobody has shut this side");
    if (place - 1 < me.written || place - 1 > most) wrong(`the FIN stands after ${place - 1} bytes of ${me.written}`);
    wire.fin = place;
  }
  const end = seq + s.length + (s.flags & (SYN | FIN) ? 1 : 0);
  wire.sent = Math.max(wire.sent, end);
  if (s.length > 0 || s.flags & (SYN | FIN)) return;
  // A keepalive probe stands one before SND.NXT (RFC 9293 §3.8.4).
  if (seq < wire.pure - 1 || seq > wire.sent) wrong(`SND.NXT was ${wire.pure} and is ${seq}, ${wire.sent} sent`);
  wire.pure = Math.max(wire.pure, seq);
}

/** RCV.NXT and the window's right edge never go back; nothing is acknowledged that was not sent. */
function checkAck(me: End, peer: End, s: Segment, wrong: (what: string) => void): void {
  const wire = me.wire;
  const ack = (s.ack - peer.wire.iss) | 0;
  if (ack > peer.wire.sent) wrong(`acknowledges ${ack} of ${peer.wire.sent} sent`);
  if (ack < wire.acked) wrong(`RCV.NXT was ${wire.acked} and is ${ack}`);
  wire.acked = Math.max(wire.acked, ack);
  const shift = !(s.flags & SYN) && wire.scale >= 0 && peer.wire.scale >= 0 ? wire.scale : 0;
  const edge = ack + s.window * 2 ** shift;
  // RFC 7323 §2.4: a scaled window is rounded, so its edge may seem to move by less than one unit.
  if (edge + 2 ** shift <= wire.edge) wrong(`the window's edge was ${wire.edge} and is ${edge}`);
  wire.edge = Math.max(wire.edge, edge);
}
