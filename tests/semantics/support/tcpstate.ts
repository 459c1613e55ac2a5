/**
 * The TCP state of one end of a connection, read off the wire alone: what RFC 9293 §3.3.2 says of a host that sent and received
 * these segments. For ends whose handle is gone. A state that leaves no trace on the wire (TIME_WAIT ended) needs a probe.
 */
import type { Segment, Side, WireLog } from "./wire.ts";

const has = (segment: Segment, flag: string): boolean => segment.flags.split(",").includes(flag);

interface End {
  state: string;
  /** Sequence number behind our FIN, once it was sent. */
  finEnd: number | undefined;
}

const ON_FIN_SENT: Readonly<Record<string, string>> = { ESTABLISHED: "FIN_WAIT_1", SYN_RCVD: "FIN_WAIT_1", CLOSE_WAIT: "LAST_ACK" };
const ON_FIN_ACKED: Readonly<Record<string, string>> = { FIN_WAIT_1: "FIN_WAIT_2", CLOSING: "TIME_WAIT", LAST_ACK: "CLOSED" };
const ON_FIN: Readonly<Record<string, string>> = { SYN_RCVD: "CLOSE_WAIT", ESTABLISHED: "CLOSE_WAIT", FIN_WAIT_1: "CLOSING", FIN_WAIT_2: "TIME_WAIT" };

function sent(end: End, s: Segment): void {
  if (has(s, "RST")) end.state = "CLOSED";
  else if (has(s, "SYN")) end.state = has(s, "ACK") ? "SYN_RCVD" : "SYN_SENT";
  else if (has(s, "FIN") && end.finEnd === undefined) {
    end.finEnd = (s.seq + s.length + 1) >>> 0;
    end.state = ON_FIN_SENT[end.state] ?? end.state;
  } else if (end.state === "SYN_SENT") end.state = "ESTABLISHED";
}

function arrived(end: End, s: Segment): void {
  if (has(s, "RST")) {
    end.state = "CLOSED";
    return;
  }
  if (has(s, "SYN")) {
    if (end.state === "SYN_SENT" && has(s, "ACK")) end.state = "ESTABLISHED";
    return;
  }
  if (end.state === "SYN_RCVD") end.state = "ESTABLISHED";
  if (end.finEnd !== undefined && s.ack === end.finEnd) end.state = ON_FIN_ACKED[end.state] ?? end.state;
  if (has(s, "FIN")) end.state = ON_FIN[end.state] ?? end.state;
}

/** State of `side`'s end of the connection with that port on its own side, at virtual time `now`. */
export function stateOnWire(log: WireLog, side: Side, port: number, now: number): string {
  const end: End = { state: "CLOSED", finEnd: undefined };
  const mine = log.segments.filter((s) => (s.from === side ? s.sourcePort : s.destinationPort) === port);
  const steps = mine.flatMap((s) => (s.from === side ? [{ at: s.at, s, own: true }] : s.due <= now ? [{ at: s.due, s, own: false }] : []));
  // Segments without delay stand in the log in the order in which they worked; sorting is stable.
  for (const { s, own } of steps.sort((x, y) => x.at - y.at)) (own ? sent : arrived)(end, s);
  return end.state;
}
