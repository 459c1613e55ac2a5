/**
 * What RFC 9293 §3.10.7 (with RFC 5961 and RFC 1337) says an arriving segment does, written from the text and from the rows of
 * semantics chapter W, knowing nothing of the core: the generated scripts compare the two.
 */

export type State =
  | "CLOSED" | "LISTEN" | "SYN_SENT" | "SYN_RCVD" | "ESTABLISHED" | "FIN_WAIT_1" | "FIN_WAIT_2" | "CLOSE_WAIT" | "CLOSING" | "LAST_ACK" | "TIME_WAIT";

/** A connection in script numbers: both ISNs are 0. */
export interface Model {
  state: State;
  /** Came from LISTEN. */
  passive: boolean;
  sndUna: number;
  sndNxt: number;
  rcvNxt: number;
  /** Receive window. */
  window: number;
  /** Largest window the peer offered. */
  maxWnd: number;
}

export interface Segment {
  /** Letters of S F R P and `.`. */
  flags: string;
  seq: number;
  length: number;
  ack: number;
}

/** A packet the core must send; `delayed`: when the delayed-ACK timer fires. */
export interface Sent {
  flags: string;
  seq: number;
  ack: number | null;
  delayed: boolean;
}

export interface Outcome {
  sent: Sent[];
  after: Model;
  /** The passive open is undone: a child in SYN_RCVD is gone. */
  undone: boolean;
}

const has = (s: Segment, flag: string): boolean => s.flags.includes(flag);
const segLen = (s: Segment): number => s.length + (has(s, "S") ? 1 : 0) + (has(s, "F") ? 1 : 0);

const stay = (after: Model, ...sent: Sent[]): Outcome => ({ sent, after, undone: false });
const ackOf = (m: Model, delayed = false): Sent => ({ flags: ".", seq: m.sndNxt, ack: m.rcvNxt, delayed });

export function arrive(m: Model, s: Segment): Outcome {
  switch (m.state) {
    case "CLOSED":
      return has(s, "R") ? stay(m) : stay(m, resetFor(s));
    case "LISTEN":
      return atListen(m, s);
    case "SYN_SENT":
      return atSynSent(m, s);
    default:
      return otherStates(m, s);
  }
}

/** §3.10.7.1, W-26. */
function resetFor(s: Segment): Sent {
  return has(s, ".") ? { flags: "R", seq: s.ack, ack: null, delayed: false } : { flags: "R.", seq: 0, ack: s.seq + segLen(s), delayed: false };
}

/** §3.10.7.2. */
function atListen(m: Model, s: Segment): Outcome {
  if (has(s, "R")) return stay(m);
  if (has(s, ".")) return stay(m, resetFor(s));
  if (!has(s, "S")) return stay(m);
  const after: Model = { ...m, state: "SYN_RCVD", passive: true, sndUna: 0, sndNxt: 1, rcvNxt: s.seq + 1 };
  return stay(after, { flags: "S.", seq: 0, ack: after.rcvNxt, delayed: false });
}

/** §3.10.7.3. */
function atSynSent(m: Model, s: Segment): Outcome {
  const acks = has(s, ".");
  if (acks && (s.ack <= 0 || s.ack > m.sndNxt)) return has(s, "R") ? stay(m) : stay(m, resetFor(s));
  if (has(s, "R")) return acks ? stay({ ...m, state: "CLOSED" }) : stay(m);
  if (!has(s, "S")) return stay(m);
  const opened: Model = { ...m, rcvNxt: s.seq + 1 };
  if (!acks) return stay({ ...opened, state: "SYN_RCVD" }, { flags: "S.", seq: 0, ack: opened.rcvNxt, delayed: false });
  // The ACK of the SYN covers text and FIN that came with it.
  const up: Model = { ...opened, state: "ESTABLISHED", sndUna: s.ack };
  const after = takeFin(takeText(up, { ...s, seq: s.seq + 1 }), s, s.seq + 1 + s.length);
  return stay(after, ackOf(after));
}

/** Table 6. */
function acceptable(m: Model, s: Segment): boolean {
  const ahead = s.seq - m.rcvNxt;
  const length = segLen(s);
  if (length === 0) return ahead >= 0 && ahead < m.window;
  return (ahead >= 0 && ahead < m.window) || (ahead + length - 1 >= 0 && ahead + length - 1 < m.window);
}

/** §3.10.7.4. */
function otherStates(m: Model, s: Segment): Outcome {
  if (has(s, "R")) return onReset(m, s);
  if (has(s, "S")) return onSyn(m, s);
  if (!acceptable(m, s)) return stay(repeatedFin(m, s) ? acknowledge(m, s.ack) : m, ackOf(m));
  if (!has(s, ".")) return stay(m);
  if (m.state === "SYN_RCVD") {
    if (s.ack <= m.sndUna || s.ack > m.sndNxt) return stay(m, resetFor(s));
    return textAndFin({ ...m, state: "ESTABLISHED", sndUna: s.ack }, s);
  }
  // RFC 5961 §5.2, and the ACK of something not yet sent.
  if (s.ack < m.sndUna - m.maxWnd || s.ack > m.sndNxt) return stay(m, ackOf(m));
  // Step five, TIME-WAIT: acknowledged again; only the exact last ACK is not, or two ends would answer each other for ever.
  if (m.state === "TIME_WAIT") return s.flags === "." && s.seq === m.rcvNxt && s.length === 0 ? stay(m) : stay(m, ackOf(m));
  return textAndFin(acknowledge(m, s.ack), s);
}

/** RFC 9293 appendix A.2: in a simultaneous close the ACK inside the peer's repeated FIN may be the only copy that arrives. */
function repeatedFin(m: Model, s: Segment): boolean {
  return m.state === "CLOSING" && has(s, "F") && has(s, ".") && s.seq + segLen(s) === m.rcvNxt && s.ack > m.sndUna && s.ack <= m.sndNxt;
}

/** RFC 5961 §3.2; RFC 1337 in TIME_WAIT (W-25). */
function onReset(m: Model, s: Segment): Outcome {
  const ahead = s.seq - m.rcvNxt;
  if (ahead < 0 || ahead >= m.window) return stay(m);
  if (ahead > 0) return stay(m, ackOf(m));
  if (m.state === "TIME_WAIT") return stay(m);
  return { sent: [], after: { ...m, state: m.state === "SYN_RCVD" && m.passive ? "LISTEN" : "CLOSED" }, undone: m.state === "SYN_RCVD" };
}

/**
 * RFC 5961 §4.2: challenged whatever its number. In SYN_RCVD the same SYN again means that our SYN,ACK was lost; another one is
 * challenged too, where RFC 9293 would go back to LISTEN: a blind SYN must not undo an open, and a peer that began anew answers
 * the challenge with the RST that does.
 */
function onSyn(m: Model, s: Segment): Outcome {
  if (m.state === "SYN_RCVD" && s.seq === m.rcvNxt - 1) {
    if (!has(s, ".")) return stay(m, { flags: "S.", seq: 0, ack: m.rcvNxt, delayed: false });
    // Figure 8: the SYN is known, the rest of the segment counts.
    return otherStates(m, { ...s, flags: s.flags.replace("S", ""), seq: s.seq + 1 });
  }
  // O-19, MAY-2: a SYN beyond everything received begins the next connection, if somebody listens.
  if (m.state === "TIME_WAIT" && m.passive && s.flags === "S" && s.seq > m.rcvNxt) {
    return stay({ ...m, state: "CLOSED" }, { flags: "S.", seq: 0, ack: s.seq + 1, delayed: false });
  }
  return stay(m, ackOf(m));
}

function acknowledge(m: Model, ack: number): Model {
  if (ack <= m.sndUna) return m;
  const after = { ...m, sndUna: ack };
  if (ack < m.sndNxt) return after;
  if (m.state === "FIN_WAIT_1") return { ...after, state: "FIN_WAIT_2" };
  if (m.state === "CLOSING") return { ...after, state: "TIME_WAIT" };
  if (m.state === "LAST_ACK") return { ...after, state: "CLOSED" };
  return after;
}

const receives = (m: Model): boolean => m.state === "ESTABLISHED" || m.state === "FIN_WAIT_1" || m.state === "FIN_WAIT_2";

/** Steps seven and eight. */
function textAndFin(m: Model, s: Segment): Outcome {
  if (m.state === "CLOSED") return stay(m);
  if (!receives(m)) return stay(m);
  const end = s.seq + s.length;
  const gap = s.seq > m.rcvNxt;
  if (gap) return segLen(s) ? stay(m, ackOf(m)) : stay(m);
  const after = takeFin(takeText(m, s), s, end);
  if (after.rcvNxt === m.rcvNxt) return stay(after);
  return stay(after, ackOf(after, !has(s, "F")));
}

function takeText(m: Model, s: Segment): Model {
  const taken = Math.max(0, s.seq + s.length - m.rcvNxt);
  return { ...m, rcvNxt: m.rcvNxt + taken, window: m.window - taken };
}

function takeFin(m: Model, s: Segment, at: number): Model {
  if (!has(s, "F") || at !== m.rcvNxt) return m;
  const next: Partial<Record<State, State>> = { ESTABLISHED: "CLOSE_WAIT", FIN_WAIT_1: "CLOSING", FIN_WAIT_2: "TIME_WAIT" };
  return { ...m, rcvNxt: m.rcvNxt + 1, window: m.window - 1, state: next[m.state] ?? m.state };
}
