/**
 * Generated scripts: close() by state × linger × unread × unsent × what the peer does then. What must happen is written from
 * semantics chapters C, L, V and W and from seam.md's rules for close reports, knowing nothing of the core.
 */
import type { GeneratedScript } from "./states.ts";

type CloseState = "established" | "fin-wait-1" | "fin-wait-2" | "close-wait" | "closing" | "last-ack" | "time-wait";
type Linger = "off" | "hard" | "timed";
/** Nothing; 500 bytes sent and not acknowledged; 300 more behind a window of 500. */
type Unsent = "none" | "flight" | "blocked";
/** Acknowledges and closes too; acknowledges only; resets; sends data; is silent; speaks after our reset. */
type Peer = "fins" | "acks" | "resets" | "sends" | "silent" | "late";

interface CloseCase {
  state: CloseState;
  linger: Linger;
  unread: boolean;
  unsent: Unsent;
  peer: Peer;
}

const STATES: readonly CloseState[] = ["established", "fin-wait-1", "fin-wait-2", "close-wait", "closing", "last-ack", "time-wait"];
const LINGERS: readonly Linger[] = ["off", "hard", "timed"];
const UNSENT: readonly Unsent[] = ["none", "flight", "blocked"];
const PEERS: readonly Peer[] = ["fins", "acks", "resets", "sends", "silent", "late"];

const LINGER_SECONDS = 2;
const WIDE = 20000;
const NARROW = 500;
/** RTO after a handshake that took no time: the configured minimum. */
const RTO = 0.2;

/** States in which an abort sends a RST (RFC 9293 §3.10.5, W-09). */
const resettable = (s: CloseState): boolean => s === "established" || s === "fin-wait-1" || s === "fin-wait-2" || s === "close-wait";
const peerClosed = (s: CloseState): boolean => s === "close-wait" || s === "closing" || s === "last-ack" || s === "time-wait";

/** Combinations that exist and say something of their own. */
function exists(c: CloseCase): boolean {
  const finAcked = c.state === "fin-wait-2" || c.state === "time-wait";
  if (finAcked && c.unsent !== "none") return false;
  if ((c.state === "closing" || c.state === "last-ack") && c.unsent === "blocked") return false;
  // What unread data does where a RST is out of place is no row of the contract.
  if (c.unread && !resettable(c.state)) return false;
  const aborts = c.linger === "hard" || c.unread;
  if (aborts && resettable(c.state)) return c.peer === "late";
  if (aborts) return c.peer === "silent" && c.unsent === "none";
  if (c.peer === "late") return false;
  if (c.state === "time-wait") return c.peer === "silent";
  if (c.peer === "silent") return c.unsent === "none" && !finAcked;
  if (peerClosed(c.state)) return c.peer === "acks" || c.peer === "resets";
  return true;
}

class Script {
  readonly lines: string[] = [];
  /** Script numbers, both ISNs 0. */
  una = 1;
  nxt = 1;
  /** Behind the last byte written. */
  end = 1;
  rcv = 1;
  finQueued = false;
  finSent = false;
  window: number;

  constructor(window: number) {
    this.window = window;
  }

  add(...lines: string[]): void {
    this.lines.push(...lines);
  }

  /** `< flags seq:…` from where the peer stands. */
  peer(time: string, flags: string, ack: number | null, length = 0): void {
    const acked = ack === null ? "" : ` ack ${ack}`;
    this.add(`${time} < ${flags} ${this.rcv}:${this.rcv + length}(${length})${acked} win ${flags.startsWith("R") ? 0 : this.window}`);
    if (ack !== null && ack > this.una) this.una = ack;
  }

  ours(time: string, flags: string, seq = this.nxt, length = 0): void {
    const ack = flags === "R" ? "" : ` ack ${this.rcv}`;
    this.add(`${time} > ${flags} ${seq}:${seq + length}(${length})${ack}`);
  }

  /** Our FIN, at once when no data stands before it. */
  fin(): void {
    this.finQueued = true;
    if (this.nxt !== this.end) return;
    this.ours("+0", "F.");
    this.nxt++;
    this.finSent = true;
  }

  peerFin(ack: number): void {
    this.peer("+0", "F.", ack);
    this.rcv++;
    this.ours("+0", ".");
  }

  /** The peer takes what it has and opens its window; the rest and the FIN follow. */
  unblock(): void {
    if (this.nxt === this.end || this.finSent) return;
    const rest = this.end - this.nxt;
    this.window = WIDE;
    this.peer("+.05", ".", this.nxt);
    this.ours("+0", "FP.", this.nxt, rest);
    this.nxt = this.end + 1;
    this.finSent = true;
  }
}

function opened(c: CloseCase): Script {
  const s = new Script(c.unsent === "blocked" ? NARROW : WIDE);
  s.add(
    "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "+0 bind(3, ..., ...) = 0", "+0 listen(3, 5) = 0",
    `+0 < S 0:0(0) win ${s.window} <mss 1000>`, "+0 > S. 0:0(0) ack 1 <mss 1460>", `+0 < . 1:1(0) ack 1 win ${s.window}`, "+0 accept(3, ..., ...) = 4",
  );
  if (c.linger !== "off") s.add(`+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=${c.linger === "hard" ? 0 : LINGER_SECONDS}}, 8) = 0`);
  if (c.unread) {
    s.peer("+0", "P.", 1, 100);
    s.rcv += 100;
    s.ours("+.04", ".");
  }
  write(s, c.unsent);
  return s;
}

function write(s: Script, unsent: Unsent): void {
  if (unsent === "none") return;
  const bytes = unsent === "flight" ? 500 : 800;
  s.add(`+0 write(4, ..., ${bytes}) = ${bytes}`);
  s.ours("+0", unsent === "flight" ? "P." : ".", s.nxt, 500);
  s.nxt += 500;
  s.end += bytes;
}

function reach(s: Script, state: CloseState): void {
  const shut = (): void => {
    s.add("+0 shutdown(4, SHUT_WR) = 0");
    s.fin();
  };
  switch (state) {
    case "fin-wait-1":
      shut();
      break;
    case "fin-wait-2":
      shut();
      s.peer("+0", ".", s.nxt);
      break;
    case "close-wait":
      s.peerFin(s.una);
      break;
    case "closing":
      shut();
      s.peerFin(s.una);
      break;
    case "last-ack":
      s.peerFin(s.una);
      shut();
      break;
    case "time-wait":
      shut();
      s.peerFin(s.nxt);
      break;
    default:
  }
}

/** Seconds after the call at which a blocking close returns; null: at once. */
function closeTakes(c: CloseCase): number | null {
  if (c.linger !== "timed" || c.unread || c.state === "fin-wait-2" || c.state === "time-wait") return null;
  if (c.peer === "silent") return LINGER_SECONDS;
  return c.unsent === "blocked" && c.peer !== "resets" && c.peer !== "sends" ? 0.1 : 0.05;
}

/** seam.md, V-21: what a linger would wait for was there before the close, whose report follows at once. */
const atOnce = (c: CloseCase): boolean => c.linger === "timed" && !c.unread && c.state === "fin-wait-2";

function generated(c: CloseCase): string[] {
  const s = opened(c);
  reach(s, c.state);
  const takes = closeTakes(c);
  s.add(takes === null ? "+0 close(4) = 0" : `+0...${takes} close(4) = 0`);
  const aborts = c.linger === "hard" || c.unread;
  if (aborts) aborted(s, c);
  else {
    if (!s.finQueued) s.fin();
    if (atOnce(c)) s.add("+0 close_report(4, DELIVERED) = 0");
    BEHAVIOUR[c.peer](s, c);
  }
  return s.lines;
}

/** W-06 … W-09, W-12: RST with SEQ=SND.NXT or nothing; whatever the peer still says meets no connection. */
function aborted(s: Script, c: CloseCase): void {
  if (!resettable(c.state)) {
    s.add(`+.1 close_report(4${c.state === "time-wait" ? ", GRACEFUL" : ""}) = 0`);
    return;
  }
  s.ours("+0", "R.");
  s.add(`+0 close_report(4, ABORTED, ${c.linger === "hard" ? "LINGER0" : "UNREAD_DATA"}) = 0`);
  s.peer("+.05", ".", s.nxt);
  s.add(`+0 > R ${s.nxt}:${s.nxt}(0)`);
}

const BEHAVIOUR: Record<Peer, (s: Script, c: CloseCase) => void> = {
  fins(s, c) {
    s.unblock();
    if (s.una < s.nxt) s.peer("+.05", ".", s.nxt);
    // seam.md: with linger the report is made when data and FIN are acknowledged, the peer still being open then.
    if (c.linger === "timed" && !atOnce(c)) s.add("+0 close_report(4, DELIVERED) = 0");
    s.peer("+.05", "F.", s.nxt);
    s.rcv++;
    s.ours("+0", ".");
    if (c.linger === "off") s.add("+0 close_report(4, GRACEFUL) = 0");
    // W-21: the last ACK is repeated for a repeated FIN.
    s.add(`+1 < F. ${s.rcv - 1}:${s.rcv - 1}(0) ack ${s.nxt} win ${s.window}`);
    s.ours("+0", ".");
  },
  acks(s, c) {
    s.unblock();
    if (s.una < s.nxt) s.peer("+.05", ".", s.nxt);
    if (peerClosed(c.state)) {
      s.add("+0 close_report(4, GRACEFUL) = 0");
    } else if (c.linger === "timed") {
      if (!atOnce(c)) s.add("+0 close_report(4, DELIVERED) = 0");
      // What goes on without a report is an ownerless FIN_WAIT_2 all the same.
      s.peer("+61", "F.", s.nxt);
      s.add(`+0 > R ${s.nxt}:${s.nxt}(0)`);
    } else {
      // seam.md: 60 s into an ownerless FIN_WAIT_2.
      s.add("+59 close_report(4) = -1", "+2 close_report(4, DELIVERED) = 0");
      s.peer("+0", "F.", s.nxt);
      s.add(`+0 > R ${s.nxt}:${s.nxt}(0)`);
    }
  },
  resets(s, c) {
    s.peer("+.05", "R", null);
    if (!atOnce(c)) s.add("+0 close_report(4, RESET_BY_PEER) = 0");
    s.peer("+.05", ".", s.nxt);
    s.add(`+0 > R ${s.nxt}:${s.nxt}(0)`);
  },
  sends(s, c) {
    // W-13: SEQ=SEG.ACK, no ACK bit; the bytes are not acknowledged.
    const ack = s.nxt;
    s.peer("+.05", "P.", ack, 10);
    s.add(`+0 > R ${ack}:${ack}(0)`);
    if (!atOnce(c)) s.add("+0 close_report(4, ABORTED, DATA_AFTER_CLOSE) = 0");
  },
  silent(s, c) {
    if (c.state === "time-wait") {
      s.add("+.1 close_report(4, GRACEFUL) = 0");
      return;
    }
    const fin = s.nxt - 1;
    s.ours(`+${RTO}`, "F.", fin);
    s.ours(`+${RTO * 2}`, "F.", fin);
    s.ours(`+${RTO * 4}`, "F.", fin);
    if (c.linger === "timed") {
      // W-10: RST at T where a RST is sent at all.
      const rest = Math.round((LINGER_SECONDS - RTO * 7) * 1000) / 1000;
      if (c.state === "closing" || c.state === "last-ack") s.add(`+${rest + 0.01} close_report(4, LINGER_EXPIRED) = 0`);
      else {
        s.ours(`+${rest}`, "R.");
        s.add("+0 close_report(4, LINGER_EXPIRED) = 0");
      }
      return;
    }
    s.peer("+.05", ".", s.nxt);
    if (!peerClosed(c.state)) s.peerFin(s.nxt);
    s.add("+0 close_report(4, GRACEFUL) = 0");
  },
  late() {},
};

function label(c: CloseCase): string {
  return [`linger-${c.linger}`, c.unread ? "unread" : "read", c.unsent, `peer-${c.peer}`].join("-");
}

/** The whole matrix. */
export function closeScripts(): GeneratedScript[] {
  const all: GeneratedScript[] = [];
  for (const state of STATES)
    for (const linger of LINGERS)
      for (const unread of [false, true])
        for (const unsent of UNSENT)
          for (const peer of PEERS) {
            const c: CloseCase = { state, linger, unread, unsent, peer };
            if (!exists(c)) continue;
            const title = `// close in ${state.toUpperCase().replaceAll("-", "_")}: linger ${linger}, ${unread ? "data unread" : "nothing unread"}, unsent ${unsent}, the peer ${peer}.`;
            all.push({ path: `close/${state}/${label(c)}.pkt`, text: `${[title, ...generated(c)].join("\n")}\n` });
          }
  return all;
}
