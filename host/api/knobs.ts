/** Sizes, times and behaviour of a stack: what each is called, its bounds, and its field or bit in the core's configure record. docs/knobs.md lists them. */
import * as abi from "../abi/config.gen.ts";
import type { CoreConfig } from "../core/index.ts";
import { checkBoolean, checkInteger, checkOptions, checkWord, TIME_MAX_MS, wrongValue } from "./check.ts";

/** Sizes, fixed for the life of a stack. What is left out keeps the core's default. */
export interface Limits {
  /** Sockets open at once, listeners included. 1 to 1,048,576; default 1024. */
  maxSockets?: number;
  /** Connections at once, TIME_WAIT and closed ones still being flushed included. 1 to 2,097,152; default: twice the sockets. */
  maxConnections?: number;
  /** Bytes of memory the stack may use, 65536 to 4 GiB - 2; default 1 GiB. */
  memoryLimit?: number;
  /** Bytes that an empty send queue takes in one Winsock send, 1 to 2^30; default 64 MiB. */
  sendMax?: number;
  /** Send buffer of a new socket, bytes, 1 to 2^30; default 262144. It is taken when there is something to send. */
  sendBuffer?: number;
  /** Receive buffer of a new socket, bytes, 1 to 2^30; less than 1024 is 1024. Default 262144. It is taken when something comes. */
  receiveBuffer?: number;
  /** Close reports kept until somebody takes them, 1 to 2,097,152; default: as many as connections. */
  reportSlots?: number;
  /** Neighbour (ARP) cache entries, 1 to 65536; default 64. */
  neighbors?: number;
  /** Largest MTU of any device, bytes: sizes the frame buffers. 576 to 65535; default 65535. */
  mtuMax?: number;
  /** Datagrams queued per UDP socket and direction, 1 to 65536; default 64. */
  udpQueue?: number;
  /** Bytes of the region through which arguments pass; also the largest datagram plus about 4 KiB. 8192 to 2^24; default 73728. */
  hostArea?: number;
}

/** Where Winsock's texts disagree: true takes the second reading (docs: semantics chapter V). All are off by default. */
export interface Switches {
  /** FD_CLOSE carries 10053 instead of 10054 when the peer resets. */
  closeAborted?: boolean;
  /** FD_CLOSE is recorded when the FIN comes, together with FD_READ, instead of after the last byte was read. */
  closeEarly?: boolean;
  /** WSAEventSelect called again records what persists, although it was reported before. */
  eventsPersist?: boolean;
  /** New data, connections and urgent bytes are recorded again without a re-enabling call. */
  newDataRecords?: boolean;
  /** An overlapped receive that waits at closesocket completes with 10053 instead of 995. */
  receiveAborted?: boolean;
  /** A receive answers 10054 instead of 10053 when the reset came after the peer's FIN. */
  resetAfterFin?: boolean;
  /** A nonblocking socket with linger closes where nothing is left to send, instead of 10035. */
  idleCloseSucceeds?: boolean;
  /** closesocket with unread data sends a FIN instead of a RST: the peer believes that its bytes were read. */
  unreadCloseFin?: boolean;
  /** Data that meets a receive side that was shut is kept instead of answered with a RST. */
  receiveShutKeeps?: boolean;
  /** Reading SO_ERROR clears it. */
  errorClears?: boolean;
  /** A nonzero argument of SO_DONTLINGER turns lingering on instead of off. */
  dontLingerInverted?: boolean;
  /** A close with linger does not wait once sends were shut down. */
  shutCloseReturns?: boolean;
  /** Unread bytes can still be read after a RST, then comes the error. */
  resetKeepsUnread?: boolean;
  /** WSARecvDisconnect takes a buffer on TCP instead of answering 10042. */
  receiveDisconnectLenient?: boolean;
  /** A send clears an FD_WRITE that was recorded and not enumerated. */
  sendClearsWrite?: boolean;
}

/** Times and behaviour. Times are milliseconds, from 1 to 2147483647 unless the line says otherwise. What is left out keeps the core's default. */
export interface Knobs {
  /** Length of TIME_WAIT, 0 to 300000. Default 240000. */
  timeWaitMs?: number;
  /** Longest FIN_WAIT_2 of an open socket; 0 = unlimited, the default. */
  finWait2Ms?: number;
  /** Longest FIN_WAIT_2 of a closed socket, then its report says `delivered`. Default 60000. */
  orphanFinWait2Ms?: number;
  /** A closed socket without acknowledgement progress for this long is dropped as `timedOut`. Default 60000. */
  orphanTimeoutMs?: number;
  /** Retransmission timeout before the first measurement (RFC 6298), 1 to 600000. Default 1000. */
  rtoInitialMs?: number;
  /** The shortest retransmission timeout, 1 to rtoMaxMs. Default 200. */
  rtoMinMs?: number;
  /** The longest, where doubling ends, 1 to 600000. Default 60000. */
  rtoMaxMs?: number;
  /** Delayed acknowledgement, 0 to 500. Default 40. */
  delayedAckMs?: number;
  /** Text segments after which an acknowledgement is not delayed any more, 1 to 16 (RFC 9293 SHLD-19). Default 2. */
  ackEvery?: number;
  /** Added to every retransmission timeout that comes from a measurement, 0 to 60000. Default 0. */
  rtoSlopMs?: number;
  /** SYN retransmissions before a connect fails, 0 to 255; the timeouts double from rtoInitialMs to rtoMaxMs. Default 7: three minutes (RFC 9293 MUST-23). */
  synRetries?: number;
  /** A handshake, ours or a peer's, that takes longer fails; 0 = synRetries decide, the default. */
  connectTimeoutMs?: number;
  /** R1 of RFC 9293 §3.8.3: after so many unanswered retransmissions the next hop is asked again, and `Socket.ontrouble` told. 1 to 255; default 3. */
  adviceRetries?: number;
  /** An open connection without acknowledgement progress for this long fails. Default 120000. */
  userTimeoutMs?: number;
  /** A user timeout that a peer's advice leads to is at least this (RFC 5482 §3.1, L_LIMIT). 1 to 2^30; default 100000. */
  userTimeoutLeastMs?: number;
  /** And at most this (U_LIMIT): so long a peer can make us keep what it does not acknowledge. 1 to 2^30; default 600000. */
  userTimeoutMostMs?: number;
  /** Keep-alive: idle time before the first probe, 1 to 1073741823. Default 7200000. */
  keepIdleMs?: number;
  /** Keep-alive: time between probes, 1 to 1073741823. Default 1000. */
  keepIntervalMs?: number;
  /** Keep-alive: unanswered probes before the connection fails, 1 to 255. Default 10. */
  keepCount?: number;
  /**
   * After this time the segment size that a connection had before its path did not carry it is tried again, by one segment where at least four
   * more are queued behind it (RFC 4821 §7.3); RFC 1191 §6.3 says ten minutes, and never below five. 0 to 2^30; 0 = never; default 600000.
   */
  pathAgeMs?: number;
  /** Age at which a neighbour is asked again. Default 60000. */
  neighborAgeMs?: number;
  /** First value of the core's 32-bit millisecond clock; lets a test cross its wrap. 0 to 2^32 - 2; default 0. */
  timeOrigin?: number;
  /** Connections in TIME_WAIT that are remembered, 1 to 1,048,576, 64 bytes each; beyond it the oldest is forgotten and counted. Default: as many as connections. */
  timeWaits?: number;
  /** Challenge ACKs in a second of all connections together, of which up to half are withheld by chance (RFC 5961 §7); 0 = unlimited, at most 2^30. Default 1000. */
  challengeLimit?: number;
  /** SYN cookies: when there is no room for another half-open connection, for every SYN, or not at all. Default "whenFull". */
  synCookies?: "never" | "whenFull" | "always";
  /** Only the exact RST resets, others in the window are challenged (RFC 5961 §3). false: RFC 793's rule. Default true. */
  strictReset?: boolean;
  /** A SYN on a connection is challenged (RFC 5961 §4). false: one in the window resets it. Default true. */
  strictSyn?: boolean;
  /** Acknowledgements older than the largest window are challenged, their text dropped (RFC 5961 §5). false: they are taken. Default true. */
  strictAck?: boolean;
  /** Segments with SYN and FIN are dropped unanswered. Default false. */
  dropSynFin?: boolean;
  /** Segments for ports nobody listens at are not answered. Default false. */
  silent?: boolean;
  /**
   * Protocol and port unreachable end an attempt to connect ("connecting", the default), a connection too ("always", RFC 9293
   * SHLD-26), or are soft errors only ("never").
   */
  icmpHard?: "connecting" | "always" | "never";
  /** Full segments that vanish make segments smaller (RFC 2923 §2.1): after three timeouts 1024 bytes, after five 512; `pathAgeMs` says for how long. Default true. */
  blackHoles?: boolean;
  /**
   * From its third repetition on a SYN goes without options but the segment size, for paths that drop what they do not know; a SYN,ACK that
   * answers an earlier one is still taken at its word. Default false.
   */
  dropSynOptions?: boolean;
  /** TCP window scale option (RFC 7323). Default true. */
  windowScale?: boolean;
  /** TCP timestamps option, with it protection against old segments (RFC 7323). Default true. */
  timestamps?: boolean;
  /** TCP selective acknowledgements, and repair of losses by them (RFC 2018, RFC 6675). Default true. */
  sack?: boolean;
  /** Losses found by time and a probe of a silent tail (RFC 8985); needs `sack`. Default true. */
  rack?: boolean;
  /** Congestion control of connections whose socket does not choose: CUBIC (RFC 9438), else NewReno (RFC 5681, RFC 6582). Default true. */
  cubic?: boolean;
  /** Timeouts that nothing was lost for are undone (RFC 5682). Default true. */
  frto?: boolean;
  /** Explicit congestion notification is accepted when a peer asks for it (RFC 3168). Default true. */
  ecn?: boolean;
  /** Connections we open ask for it too. Default false: some paths drop what asks, which costs a second before it goes on without. */
  ecnAsk?: boolean;
  /**
   * TCP user timeout option (RFC 5482): peers are told how long we keep what is not acknowledged, and a connection whose program set no
   * user timeout adapts to theirs. Default false, as §3 has it.
   */
  userTimeoutOption?: boolean;
  /** Second readings of Winsock's texts. Default: none. */
  switches?: Switches;
}
const U32_MAX = 0xffff_fffe;
/** What the API's own pieces of the host area, and the largest UDP datagram, need. */
const HOST_AREA = 73728;

type Bounds = readonly [field: keyof CoreConfig, min: number, max: number];

const LIMITS: Readonly<Record<keyof Limits, Bounds>> = {
  maxSockets: ["maxSockets", 1, 1 << 20],
  maxConnections: ["maxConnections", 1, 1 << 21],
  memoryLimit: ["memoryLimit", 65536, U32_MAX],
  sendMax: ["sendMax", 1, 1 << 30],
  sendBuffer: ["sendBuffer", 1, 1 << 30],
  receiveBuffer: ["recvBuffer", 1, 1 << 30],
  reportSlots: ["reportSlots", 1, 1 << 21],
  neighbors: ["neighbors", 1, 65536],
  mtuMax: ["mtuMax", 576, 65535],
  udpQueue: ["udpQueue", 1, 65536],
  hostArea: ["hostArea", 8192, 1 << 24],
};

/** Knobs that turn a feature on or off, with its bit. */
const FEATURES = {
  windowScale: abi.FEATURE_WINDOW_SCALE,
  timestamps: abi.FEATURE_TIMESTAMPS,
  sack: abi.FEATURE_SACK,
  rack: abi.FEATURE_RACK,
  cubic: abi.FEATURE_CUBIC,
  frto: abi.FEATURE_FRTO,
  ecn: abi.FEATURE_ECN,
  ecnAsk: abi.FEATURE_ECN_ASK,
  userTimeoutOption: abi.FEATURE_USER_TIMEOUT,
} as const;

/** Knobs that take a deviation from the standards, with its bit and the value that asks for it. */
const POLICIES = {
  strictReset: [abi.POLICY_INSECURE_RST, false],
  strictSyn: [abi.POLICY_INSECURE_SYN, false],
  strictAck: [abi.POLICY_INSECURE_ACK, false],
  dropSynFin: [abi.POLICY_DROP_SYN_FIN, true],
  silent: [abi.POLICY_SILENT, true],
  blackHoles: [abi.POLICY_NO_BLACK_HOLES, false],
  dropSynOptions: [abi.POLICY_DROP_SYN_OPTIONS, true],
} as const;
/** Knobs that take a word. */
const WORDS = {
  synCookies: { never: abi.COOKIES_NEVER, whenFull: abi.COOKIES_WHEN_FULL, always: abi.COOKIES_ALWAYS },
  icmpHard: { connecting: 0, always: abi.POLICY_ICMP_HARD, never: abi.POLICY_ICMP_SOFT },
} as const;

type Named = keyof typeof FEATURES | keyof typeof POLICIES | keyof typeof WORDS | "switches";

const TIMES: Readonly<Record<Exclude<keyof Knobs, Named>, Bounds>> = {
  timeWaitMs: ["timeWaitMs", 0, 300000],
  finWait2Ms: ["finWait2Ms", 0, TIME_MAX_MS],
  orphanFinWait2Ms: ["orphanFinWait2Ms", 0, TIME_MAX_MS],
  orphanTimeoutMs: ["orphanTimeoutMs", 1, TIME_MAX_MS],
  rtoInitialMs: ["rtoInitialMs", 1, 600000],
  rtoMinMs: ["rtoMinMs", 1, 600000],
  rtoMaxMs: ["rtoMaxMs", 1, 600000],
  delayedAckMs: ["delayedAckMs", 0, 500],
  ackEvery: ["ackEvery", 1, 16],
  rtoSlopMs: ["rtoSlopMs", 0, 60000],
  synRetries: ["synRetries", 0, 255],
  connectTimeoutMs: ["connectTimeoutMs", 0, TIME_MAX_MS],
  adviceRetries: ["adviceRetries", 1, 255],
  timeWaits: ["timeWaits", 1, 1 << 20],
  challengeLimit: ["challengeLimit", 0, 1 << 30],
  userTimeoutMs: ["userTimeoutMs", 1, TIME_MAX_MS],
  userTimeoutLeastMs: ["userTimeoutLeastMs", 1, 2 ** 30],
  userTimeoutMostMs: ["userTimeoutMostMs", 1, 2 ** 30],
  keepIdleMs: ["keepIdleMs", 1, 2 ** 30 - 1],
  keepIntervalMs: ["keepIntervalMs", 1, 2 ** 30 - 1],
  keepCount: ["keepCount", 1, 255],
  pathAgeMs: ["pathAgeMs", 0, 2 ** 30],
  neighborAgeMs: ["neighborAgeMs", 1, TIME_MAX_MS],
  timeOrigin: ["timeOrigin", 0, U32_MAX],
};

const SWITCHES: Readonly<Record<keyof Switches, number>> = {
  closeAborted: abi.SWITCH_V01_CLOSE_ABORTED,
  closeEarly: abi.SWITCH_V02_CLOSE_EARLY,
  eventsPersist: abi.SWITCH_V03_EVENTS_PERSIST,
  newDataRecords: abi.SWITCH_V04_NEW_DATA_RECORDS,
  receiveAborted: abi.SWITCH_V05_RECV_ABORTED,
  resetAfterFin: abi.SWITCH_V06_RESET_AFTER_FIN,
  idleCloseSucceeds: abi.SWITCH_V07_IDLE_CLOSE_SUCCEEDS,
  unreadCloseFin: abi.SWITCH_V08_UNREAD_CLOSE_FIN,
  receiveShutKeeps: abi.SWITCH_V10_RECV_SHUT_KEEPS,
  errorClears: abi.SWITCH_V12_ERROR_CLEARS,
  dontLingerInverted: abi.SWITCH_V13_DONTLINGER_INVERTED,
  shutCloseReturns: abi.SWITCH_V14_SHUT_CLOSE_RETURNS,
  resetKeepsUnread: abi.SWITCH_V15_RESET_KEEPS_UNREAD,
  receiveDisconnectLenient: abi.SWITCH_V22_RECVDISC_LENIENT,
  sendClearsWrite: abi.SWITCH_V24_SEND_CLEARS_WRITE,
};

const entries = <K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] => Object.entries(record) as [K, V][];

function takeNumbers(argument: string, from: object, bounds: Readonly<Record<string, Bounds>>, config: CoreConfig): void {
  for (const [name, [field, min, max]] of entries(bounds)) {
    const value = (from as Record<string, unknown>)[name];
    if (value !== undefined) config[field] = checkInteger(`${argument}.${name}`, value, min, max);
  }
}

function switchBits(switches: Switches): number {
  checkOptions("knobs.switches", switches, Object.keys(SWITCHES));
  let bits = 0;
  for (const [name, bit] of entries(SWITCHES)) {
    const value = switches[name];
    if (value !== undefined && checkBoolean(`knobs.switches.${name}`, value)) bits |= bit;
  }
  return bits >>> 0;
}

function featureBits(knobs: Knobs): number {
  let bits = abi.DEFAULT_FEATURES;
  for (const [name, bit] of entries(FEATURES)) {
    const value = knobs[name];
    if (value !== undefined) bits = checkBoolean(`knobs.${name}`, value) ? bits | bit : bits & ~bit;
  }
  // All ones would mean the default; the highest bit is no feature's.
  return bits & 0x7fffffff;
}

/** The value a word stands for, undefined if the knob is not given. */
function wordOf<K extends keyof typeof WORDS>(knobs: Knobs, name: K): number | undefined {
  const words: Readonly<Record<string, number>> = WORDS[name], value = knobs[name];
  return value === undefined ? undefined : words[checkWord(`knobs.${name}`, value, Object.keys(words))];
}

function policyBits(knobs: Knobs): number {
  let bits = wordOf(knobs, "icmpHard") ?? 0;
  for (const [name, [bit, asks]] of entries(POLICIES)) {
    const value = knobs[name];
    if (value !== undefined && checkBoolean(`knobs.${name}`, value) === asks) bits |= bit;
  }
  return bits;
}

/** Bounds between two knobs that the core checks too; here the message can say which. */
function checkTimeouts(knobs: Knobs): void {
  const max = knobs.rtoMaxMs ?? abi.DEFAULT_RTO_MAX_MS;
  for (const name of ["rtoMinMs", "rtoInitialMs"] as const) {
    const value = knobs[name] ?? (name === "rtoMinMs" ? abi.DEFAULT_RTO_MIN_MS : abi.DEFAULT_RTO_INITIAL_MS);
    if (value > max) throw wrongValue(`knobs.${name}`, value, `at most knobs.rtoMaxMs, which is ${max}`);
  }
}

/** Checks both records and turns them into the core's. Throws a TypeError or RangeError naming the field. */
export function checkConfig(limits: Limits, knobs: Knobs): CoreConfig {
  const config: CoreConfig = { hostArea: HOST_AREA };
  takeNumbers("limits", checkOptions("limits", limits, Object.keys(LIMITS)), LIMITS, config);
  takeNumbers("knobs", checkOptions("knobs", knobs, [...[TIMES, FEATURES, POLICIES, WORDS].flatMap((table) => Object.keys(table)), "switches"]), TIMES, config);
  checkTimeouts(knobs);
  if (knobs.switches !== undefined) config.switches = switchBits(knobs.switches);
  const features = featureBits(knobs);
  if (features !== (abi.DEFAULT_FEATURES & 0x7fffffff)) config.features = features;
  const policy = policyBits(knobs), cookies = wordOf(knobs, "synCookies");
  if (policy) config.policy = policy;
  if (cookies !== undefined) config.synCookies = cookies;
  return config;
}
