/** The configure record: options by name, bytes by assembly/abi/config.ts. */
import * as abi from "../abi/config.gen.ts";

/** Everything `configure` takes; what is left out keeps the core's default. Units and meaning: assembly/abi/config.ts. */
export interface CoreConfig {
  /** Socket handles at once, listeners and event objects included. */
  maxSockets?: number;
  /** Connections at once, orphans and TIME_WAIT included; 0 = twice the sockets. */
  maxConnections?: number;
  /** Bytes of linear memory. */
  memoryLimit?: number;
  /** Bytes an empty send queue takes in one send. */
  sendMax?: number;
  /** SO_SNDBUF of new sockets, bytes. */
  sendBuffer?: number;
  /** SO_RCVBUF of new sockets, bytes. */
  recvBuffer?: number;
  /** Size of hostArea(), bytes. */
  hostArea?: number;
  timeWaitMs?: number;
  /** 0 = unlimited. */
  finWait2Ms?: number;
  orphanFinWait2Ms?: number;
  orphanTimeoutMs?: number;
  rtoInitialMs?: number;
  rtoMinMs?: number;
  rtoMaxMs?: number;
  delayedAckMs?: number;
  synRetries?: number;
  userTimeoutMs?: number;
  keepIdleMs?: number;
  keepIntervalMs?: number;
  keepCount?: number;
  /** 0 = as many as connections. */
  reportSlots?: number;
  neighbors?: number;
  neighborAgeMs?: number;
  /** SWITCH_x bits. */
  switches?: number;
  /** Largest MTU of any device, bytes. */
  mtuMax?: number;
  /** First value of the core's millisecond clock. */
  timeOrigin?: number;
  /** FEATURE_x bits. */
  features?: number;
  /** Datagrams queued per UDP socket. */
  udpQueue?: number;
  /** Sockets of the host at once: connections, listeners and UDP; 0 = none (docs/closing.md). */
  hostSockets?: number;
  /** Overlapped operations and completions not taken, at once; 0 = twice the sockets and 64. */
  operations?: number;
  /** R1 of RFC 9293: unanswered retransmissions of one segment before IP doubts the way. */
  adviceRetries?: number;
  /** Challenge ACKs a second of the whole stack; 0 = unlimited. */
  challengeLimit?: number;
  /** COOKIES_x. */
  synCookies?: number;
  /** Records of connections in TIME_WAIT; 0 = as many as connections. */
  timeWaits?: number;
  /** POLICY_x bits. */
  policy?: number;
  /** 0 = the SYN retransmissions decide. */
  connectTimeoutMs?: number;
  rtoSlopMs?: number;
  ackEvery?: number;
  /** L_LIMIT and U_LIMIT of RFC 5482 §3.1. */
  userTimeoutLeastMs?: number;
  userTimeoutMostMs?: number;
  pathAgeMs?: number;
}

const OFFSETS: Readonly<Record<keyof CoreConfig, number>> = {
  maxSockets: abi.CONFIG_MAX_SOCKETS,
  maxConnections: abi.CONFIG_MAX_CONNECTIONS,
  memoryLimit: abi.CONFIG_MEMORY_LIMIT,
  sendMax: abi.CONFIG_SEND_MAX,
  sendBuffer: abi.CONFIG_SEND_BUFFER,
  recvBuffer: abi.CONFIG_RECV_BUFFER,
  hostArea: abi.CONFIG_HOST_AREA,
  timeWaitMs: abi.CONFIG_TIME_WAIT_MS,
  finWait2Ms: abi.CONFIG_FIN_WAIT2_MS,
  orphanFinWait2Ms: abi.CONFIG_ORPHAN_FIN_WAIT2_MS,
  orphanTimeoutMs: abi.CONFIG_ORPHAN_TIMEOUT_MS,
  rtoInitialMs: abi.CONFIG_RTO_INITIAL_MS,
  rtoMinMs: abi.CONFIG_RTO_MIN_MS,
  rtoMaxMs: abi.CONFIG_RTO_MAX_MS,
  delayedAckMs: abi.CONFIG_DELAYED_ACK_MS,
  synRetries: abi.CONFIG_SYN_RETRIES,
  userTimeoutMs: abi.CONFIG_USER_TIMEOUT_MS,
  keepIdleMs: abi.CONFIG_KEEP_IDLE_MS,
  keepIntervalMs: abi.CONFIG_KEEP_INTERVAL_MS,
  keepCount: abi.CONFIG_KEEP_COUNT,
  reportSlots: abi.CONFIG_REPORT_SLOTS,
  neighbors: abi.CONFIG_NEIGHBORS,
  neighborAgeMs: abi.CONFIG_NEIGHBOR_AGE_MS,
  switches: abi.CONFIG_SWITCHES,
  mtuMax: abi.CONFIG_MTU_MAX,
  timeOrigin: abi.CONFIG_TIME_ORIGIN,
  features: abi.CONFIG_FEATURES,
  udpQueue: abi.CONFIG_UDP_QUEUE,
  hostSockets: abi.CONFIG_HOST_SOCKETS,
  operations: abi.CONFIG_OPERATIONS,
  adviceRetries: abi.CONFIG_ADVICE_RETRIES,
  challengeLimit: abi.CONFIG_CHALLENGE_LIMIT,
  synCookies: abi.CONFIG_SYN_COOKIES,
  timeWaits: abi.CONFIG_TIME_WAITS,
  policy: abi.CONFIG_POLICY,
  connectTimeoutMs: abi.CONFIG_CONNECT_TIMEOUT_MS,
  rtoSlopMs: abi.CONFIG_RTO_SLOP_MS,
  ackEvery: abi.CONFIG_ACK_EVERY,
  userTimeoutLeastMs: abi.CONFIG_USER_TIMEOUT_LEAST_MS,
  userTimeoutMostMs: abi.CONFIG_USER_TIMEOUT_MOST_MS,
  pathAgeMs: abi.CONFIG_PATH_AGE_MS,
};

/** In the record: keep the default. */
const DEFAULT_FIELD = 0xffffffff;

/**
 * The record as bytes. Throws a RangeError naming the option when a value is not an unsigned 32-bit integer; whether it is
 * sensible is the core's to say. 0xFFFFFFFF cannot be expressed: in the record it means "default".
 */
export function encodeConfig(config: CoreConfig): Uint8Array {
  const bytes = new Uint8Array(abi.SIZEOF_CONFIG);
  const data = new DataView(bytes.buffer);
  for (let at = 4; at < abi.SIZEOF_CONFIG; at += 4) data.setUint32(at, DEFAULT_FIELD, true);
  data.setUint32(abi.CONFIG_SIZE, abi.SIZEOF_CONFIG, true);
  for (const [name, value] of Object.entries(config)) {
    if (value === undefined) continue;
    const at = OFFSETS[name as keyof CoreConfig];
    if (at === undefined) throw new RangeError(`unknown configuration option "${name}"`);
    if (!Number.isInteger(value) || value < 0 || value >= DEFAULT_FIELD) {
      throw new RangeError(`configuration option ${name} is ${value}; expected an integer from 0 to ${DEFAULT_FIELD - 1}`);
    }
    data.setUint32(at, value, true);
  }
  return bytes;
}
