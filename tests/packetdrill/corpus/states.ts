/** Generated scripts: every state × every combination of SYN, FIN, RST and ACK × where the segment stands. */
import { arrive, type Model, type Outcome, type Segment, type Sent, type State } from "./oracle.ts";

export interface GeneratedScript {
  /** Path below generated/. */
  path: string;
  text: string;
}

/** Receive buffer of the generated scripts, and the window the peer offers. */
const WINDOW = 8192;
const PEER_WINDOW = 1000;

const LISTENER = [
  "+0 `sysctl -w net.inet.tcp.recvspace=8192`",
  "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
  "+0 bind(3, ..., ...) = 0",
  "+0 listen(3, 5) = 0",
];
const HANDSHAKE = [...LISTENER, `+0 < S 0:0(0) win ${PEER_WINDOW} <mss 1000>`, "+0 > S. 0:0(0) ack 1 <mss 1460>"];
const ACCEPTED = [...HANDSHAKE, `+0 < . 1:1(0) ack 1 win ${PEER_WINDOW}`, "+0 accept(3, ..., ...) = 4"];
const PEER_FIN = [`+0 < F. 1:1(0) ack 1 win ${PEER_WINDOW}`, "+0 > . 1:1(0) ack 2"];
const OUR_FIN = ["+0 shutdown(4, SHUT_WR) = 0", "+0 > F. 1:1(0) ack 1"];
const CONNECTING = [
  "+0 `sysctl -w net.inet.tcp.recvspace=8192`",
  "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4",
  "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0",
  "+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
  "+0 > S 0:0(0) <...>",
];

export interface Scene {
  /** Folder name. */
  name: string;
  setup: readonly string[];
  model: Model;
  /** Descriptor 4 is the connection. */
  handle: boolean;
}

const model = (state: State, sndUna: number, sndNxt: number, rcvNxt: number, passive = true): Model => ({
  state, passive, sndUna, sndNxt, rcvNxt, window: WINDOW - (rcvNxt > 1 ? 1 : 0), maxWnd: PEER_WINDOW,
});

export const SCENES: readonly Scene[] = [
  { name: "closed", setup: ["+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "+0 bind(3, ..., ...) = 0"], model: model("CLOSED", 0, 0, 0), handle: false },
  { name: "listen", setup: LISTENER, model: model("LISTEN", 0, 0, 0), handle: false },
  { name: "syn-sent", setup: CONNECTING, model: model("SYN_SENT", 0, 1, 0, false), handle: true },
  { name: "syn-rcvd", setup: HANDSHAKE, model: model("SYN_RCVD", 0, 1, 1), handle: false },
  {
    name: "syn-rcvd-simultaneous",
    setup: [...CONNECTING, `+0 < S 0:0(0) win ${PEER_WINDOW} <mss 1000>`, "+0 > S. 0:0(0) ack 1 <...>"],
    model: model("SYN_RCVD", 0, 1, 1, false), handle: true,
  },
  { name: "established", setup: ACCEPTED, model: model("ESTABLISHED", 1, 1, 1), handle: true },
  { name: "fin-wait-1", setup: [...ACCEPTED, ...OUR_FIN], model: model("FIN_WAIT_1", 1, 2, 1), handle: true },
  { name: "fin-wait-2", setup: [...ACCEPTED, ...OUR_FIN, `+0 < . 1:1(0) ack 2 win ${PEER_WINDOW}`], model: model("FIN_WAIT_2", 2, 2, 1), handle: true },
  { name: "close-wait", setup: [...ACCEPTED, ...PEER_FIN], model: model("CLOSE_WAIT", 1, 1, 2), handle: true },
  {
    name: "closing", setup: [...ACCEPTED, ...OUR_FIN, `+0 < F. 1:1(0) ack 1 win ${PEER_WINDOW}`, "+0 > . 2:2(0) ack 2"],
    model: model("CLOSING", 1, 2, 2), handle: true,
  },
  { name: "last-ack", setup: [...ACCEPTED, ...PEER_FIN, "+0 shutdown(4, SHUT_WR) = 0", "+0 > F. 1:1(0) ack 2"], model: model("LAST_ACK", 1, 2, 2), handle: true },
  {
    name: "time-wait", setup: [...ACCEPTED, ...OUR_FIN, `+0 < F. 1:1(0) ack 2 win ${PEER_WINDOW}`, "+0 > . 2:2(0) ack 2"],
    model: model("TIME_WAIT", 2, 2, 2), handle: true,
  },
];

/** Every combination of SYN, FIN, RST and ACK. */
export const FLAG_SETS: readonly string[] = Array.from({ length: 16 }, (_, bits) => [..."SFR."].filter((_f, i) => bits & (1 << i)).join(""));

interface Variant {
  label: string;
  segment: Segment;
}

const flagName = (flags: string): string => flags.replace(".", "A").toLowerCase() || "none";

/** Where a segment stands against the receive window of a synchronized connection. */
function places(m: Model): readonly [string, number][] {
  return [["exact", m.rcvNxt], ["inside", m.rcvNxt + 100], ["left", m.rcvNxt - 1], ["right", m.rcvNxt + 20000]];
}

/** Interesting acknowledgment numbers, each once. */
function acks(m: Model): readonly [string, number][] {
  const ancient = m.sndUna - m.maxWnd - 1;
  const all: [string, number][] = [["una", m.sndUna], ["nxt", m.sndNxt], ["future", m.sndNxt + 1], ["ancient", ancient >>> 0]];
  return all.filter(([, n], i) => all.findIndex(([, other]) => other === n) === i);
}

function variantsFor(scene: Scene): Variant[] {
  const m = scene.model;
  const found: Variant[] = [];
  const add = (label: string, flags: string, seq: number, ack = m.sndNxt, length = 0): void => {
    found.push({ label: `${flagName(flags)}-${label}`, segment: { flags, seq, length, ack: flags.includes(".") ? ack : 0 } });
  };
  if (m.state === "CLOSED" || m.state === "LISTEN") {
    for (const flags of FLAG_SETS) {
      add("bare", flags, 17, 23);
      if (!flags.includes("R")) add("data", flags, 17, 23, 3);
    }
  } else if (m.state === "SYN_SENT") {
    for (const flags of FLAG_SETS) {
      if (!flags.includes(".")) add("bare", flags, 0);
      else for (const [label, ack] of [["old", 0], ["exact", 1], ["future", 2]] as const) add(label, flags, 0, ack);
    }
    add("data", "", 0, 1, 5);
    add("data", ".", 0, 1, 5);
    add("data", "S.", 0, 1, 5);
    add("data-fin", "SF.", 0, 1, 5);
  } else {
    synchronized(scene, add);
  }
  return found;
}

function synchronized(scene: Scene, add: (label: string, flags: string, seq: number, ack?: number, length?: number) => void): void {
  const m = scene.model;
  for (const flags of FLAG_SETS) {
    const plain = !flags.includes("S") && !flags.includes("R");
    const everywhere = ["R", "R.", "S", "S.", "", "F", ".", "F."].includes(flags);
    for (const [label, seq] of places(m)) {
      if (label !== "exact" && !everywhere) continue;
      if (plain && flags.includes(".") && label === "exact") for (const [name, ack] of acks(m)) add(`${label}-${name}`, flags, seq, ack);
      else add(label, flags, seq);
    }
  }
  add("data-exact", "P.", m.rcvNxt, m.sndUna, 10);
  add("data-inside", "P.", m.rcvNxt + 100, m.sndUna, 10);
  add("data-left", "P.", m.rcvNxt - 1, m.sndUna, 1);
  add("data-straddling", "P.", m.rcvNxt - 1, m.sndUna, 11);
  add("data-no-ack", "P", m.rcvNxt, 0, 10);
}

function packetLine(s: Segment): string {
  const end = (s.seq + s.length) >>> 0;
  const ack = s.flags.includes(".") ? ` ack ${s.ack}` : "";
  const options = s.flags.includes("S") ? " <mss 1000>" : "";
  return `< ${s.flags || "-"} ${s.seq}:${end}(${s.length})${ack} win ${PEER_WINDOW}${options}`;
}

function sentLine(s: Sent): string {
  const options = s.flags.includes("S") ? " <...>" : "";
  return `${s.delayed ? "+.04" : "+0"} > ${s.flags} ${s.seq}:${s.seq}(0)${s.ack === null ? "" : ` ack ${s.ack}`}${options}`;
}

/** The state of the open descriptor, or what a handshake shows of a listener's child. */
function proof(scene: Scene, outcome: Outcome): string[] {
  const after = outcome.after.state;
  if (scene.handle) return [`+.03 %{ assert tcpi_state == TCP_${LINUX[after]} }%`];
  if (scene.model.state === "SYN_RCVD") {
    if (outcome.undone) return [`+.03 < . 1:1(0) ack 1 win ${PEER_WINDOW}`, "+0 > R 1:1(0)"];
    if (after === "SYN_RCVD") return [`+.03 < . 1:1(0) ack 1 win ${PEER_WINDOW}`, "+0 accept(3, ..., ...) = 4"];
    return ["+.03 accept(3, ..., ...) = 4", `+0 %{ assert tcpi_state == TCP_${LINUX[after]} }%`];
  }
  if (after === "SYN_RCVD") return [];
  return ["+.03 close(3) = 0"];
}

const LINUX: Record<State, string> = {
  CLOSED: "CLOSE", LISTEN: "LISTEN", SYN_SENT: "SYN_SENT", SYN_RCVD: "SYN_RECV", ESTABLISHED: "ESTABLISHED", FIN_WAIT_1: "FIN_WAIT1",
  FIN_WAIT_2: "FIN_WAIT2", CLOSE_WAIT: "CLOSE_WAIT", CLOSING: "CLOSING", LAST_ACK: "LAST_ACK", TIME_WAIT: "TIME_WAIT",
};

function describe(scene: Scene, v: Variant, outcome: Outcome): string {
  const answer = outcome.sent.map((s) => `${s.flags} seq ${s.seq}${s.ack === null ? "" : ` ack ${s.ack}`}`).join(", ") || "nothing";
  return `// ${scene.model.state}, ${v.label}: answered with ${answer}; then ${outcome.undone && scene.model.passive ? "LISTEN" : outcome.after.state}.`;
}

/** All state × event scripts. */
export function stateScripts(): GeneratedScript[] {
  return SCENES.flatMap((scene) =>
    variantsFor(scene).map((v) => {
      const outcome = arrive(scene.model, v.segment);
      const lines = [describe(scene, v, outcome), ...scene.setup, `+.05 ${packetLine(v.segment)}`, ...outcome.sent.map(sentLine), ...proof(scene, outcome)];
      return { path: `states/${scene.name}/${v.label}.pkt`, text: `${lines.join("\n")}\n` };
    }),
  );
}
