/** What a script means, before anything runs. Times are microseconds, sequence numbers as written in the script. */

/** A script this runner cannot take: `construct` names what it does not know. */
export class ScriptError extends Error {
  readonly line: number;
  readonly construct: string;
  constructor(line: number, construct: string) {
    super(`line ${line}: ${construct}`);
    this.line = line;
    this.construct = construct;
  }
}

export type When =
  | { kind: "at"; relative: boolean; us: number }
  | { kind: "window"; relative: boolean; from: number; to: number }
  | { kind: "any" };

export type Expr =
  | { kind: "ellipsis" }
  | { kind: "int"; value: number; hex: boolean }
  | { kind: "float"; value: number }
  | { kind: "word"; name: string }
  | { kind: "string"; text: string; more: boolean }
  | { kind: "or"; terms: Expr[] }
  | { kind: "list"; items: Expr[] }
  | { kind: "struct"; fields: Field[] }
  | { kind: "call"; name: string; args: Expr[] }
  | { kind: "assign"; name: string; value: Expr };

/** One member of `{…}`: `name(arg)=value`, `name=value` or a bare value. */
export interface Field {
  name: string | null;
  arg: Expr | null;
  value: Expr;
}

export type Direction = "in" | "out";

export type Ecn = "noecn" | "ect0" | "ect1" | "ect01" | "ce";

export interface IpInfo {
  ecn?: Ecn;
  /** The whole octet; excludes dscp. */
  tos?: number;
  dscp?: number;
  ttl?: number;
  flowlabel?: number;
}

export type TcpOption =
  | { kind: "nop" }
  | { kind: "eol" }
  | { kind: "mss"; value: number }
  | { kind: "wscale"; shift: number }
  | { kind: "sackOK" }
  | { kind: "sack"; blocks: { left: number; right: number }[] }
  | { kind: "timestamp"; val: number | null; ecr: number; ecrAbsolute: boolean }
  | { kind: "uto"; value: number; minutes: boolean }
  | { kind: "fastopen"; cookie: string; experimental: boolean }
  | { kind: "md5"; digest: string }
  | { kind: "other"; name: string };

export interface Sequence {
  start: number;
  length: number;
  /** `!`: the number on the wire, not relative to an ISN. */
  absolute: boolean;
  /** `...(len)`: any start. */
  any: boolean;
}

export interface Ports {
  src: number;
  dst: number;
}

export interface TcpSpec {
  kind: "tcp";
  direction: Direction;
  ip: IpInfo;
  ports: Ports | null;
  /** Letters of FLAG_LETTERS in that order. */
  flags: string;
  seq: Sequence;
  ack: number | null;
  window: number | null;
  urgent: number | null;
  /** null: `<...>`, any options. */
  options: TcpOption[] | null;
  mutations: Mutation[];
  udp: Ports | null;
}

export interface UdpSpec {
  kind: "udp";
  direction: Direction;
  ip: IpInfo;
  ports: Ports | null;
  length: number;
}

export interface IcmpSpec {
  kind: "icmp";
  direction: Direction;
  ip: IpInfo;
  type: string;
  code: string | null;
  mtu: number | null;
  id: number | null;
  quoted: { protocol: "tcp" | "udp" | "raw"; start: number; length: number } | null;
}

export type PacketSpec = TcpSpec | UdpSpec | IcmpSpec;

/** `{rep LAYER FIELD VALUE}`, `{ins LAYER OFFSET BYTES}`, `{trun LAYER LENGTH}`. */
export interface Mutation {
  verb: "rep" | "ins" | "trun" | "mut";
  layer: string;
  words: string[];
}

export interface Syscall {
  kind: "syscall";
  name: string;
  args: Expr[];
  /** End of a blocking call (microseconds, same base as the event's time), or null. */
  end: number | null;
  result: Expr;
  errno: string | null;
  note: string | null;
}

export type Action =
  | { kind: "packet"; packet: PacketSpec }
  | Syscall
  | { kind: "command"; text: string }
  | { kind: "code"; text: string };

export interface Event {
  line: number;
  when: When;
  action: Action;
  /** The event as it stands in the script, blanks folded. */
  source: string;
}

export interface HeaderOption {
  line: number;
  name: string;
  value: string | null;
}

export interface Script {
  path: string;
  options: HeaderOption[];
  /** Back-quoted text before the first event and after the last. */
  init: { line: number; text: string }[];
  events: Event[];
  cleanup: { line: number; text: string }[];
}

/** TCP flag letters in the order packets are printed: SYN, FIN, RST, PSH, URG, ECE, CWR, AE, then `.` for ACK. */
export const FLAG_LETTERS = "SFRPUEWA.";

/** Brings flag letters into FLAG_LETTERS order; `C` is another name of CWR. Null when a letter is none. */
export function canonicalFlags(text: string): string | null {
  const letters = text.replaceAll("C", "W");
  if ([...letters].some((c) => !FLAG_LETTERS.includes(c))) return null;
  return [...FLAG_LETTERS].filter((c) => letters.includes(c)).join("");
}
