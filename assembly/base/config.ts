/** The configure record (abi/config.ts) as the core keeps it: defaults filled in, read by offset. */
import * as C from "../abi/config";

const RECORD = memory.data(C.SIZEOF_CONFIG, 4);

// @ts-ignore: decorator
@inline export function config(offset: u32): u32 { return load<u32>(RECORD + <usize>offset); }

// @ts-ignore: decorator
@inline function fill(offset: u32, value: u32): void { store<u32>(RECORD + <usize>offset, value); }

/** Full: what abi/config.ts declares. Tiny: what its static pools hold. */
function defaults(): void {
  fill(C.CONFIG_SIZE, C.SIZEOF_CONFIG);
  fill(C.CONFIG_MAX_SOCKETS, TINY ? <u32>TINY_SOCKETS : C.DEFAULT_MAX_SOCKETS);
  fill(C.CONFIG_MAX_CONNECTIONS, TINY ? <u32>TINY_CONNECTIONS : C.DEFAULT_MAX_CONNECTIONS);
  fill(C.CONFIG_MEMORY_LIMIT, TINY ? 65536 : C.DEFAULT_MEMORY_LIMIT);
  fill(C.CONFIG_SEND_MAX, TINY ? <u32>TINY_SEND_BUFFER : C.DEFAULT_SEND_MAX);
  fill(C.CONFIG_SEND_BUFFER, TINY ? <u32>TINY_SEND_BUFFER : C.DEFAULT_SEND_BUFFER);
  fill(C.CONFIG_RECV_BUFFER, TINY ? <u32>TINY_RECV_BUFFER : C.DEFAULT_RECV_BUFFER);
  fill(C.CONFIG_HOST_AREA, TINY ? 256 : C.DEFAULT_HOST_AREA);
  fill(C.CONFIG_TIME_WAIT_MS, C.DEFAULT_TIME_WAIT_MS);
  fill(C.CONFIG_FIN_WAIT2_MS, C.DEFAULT_FIN_WAIT2_MS);
  fill(C.CONFIG_ORPHAN_FIN_WAIT2_MS, C.DEFAULT_ORPHAN_FIN_WAIT2_MS);
  fill(C.CONFIG_ORPHAN_TIMEOUT_MS, C.DEFAULT_ORPHAN_TIMEOUT_MS);
  fill(C.CONFIG_RTO_INITIAL_MS, C.DEFAULT_RTO_INITIAL_MS);
  fill(C.CONFIG_RTO_MIN_MS, C.DEFAULT_RTO_MIN_MS);
  fill(C.CONFIG_RTO_MAX_MS, C.DEFAULT_RTO_MAX_MS);
  fill(C.CONFIG_DELAYED_ACK_MS, C.DEFAULT_DELAYED_ACK_MS);
  fill(C.CONFIG_SYN_RETRIES, C.DEFAULT_SYN_RETRIES);
  fill(C.CONFIG_USER_TIMEOUT_MS, C.DEFAULT_USER_TIMEOUT_MS);
  fill(C.CONFIG_KEEP_IDLE_MS, C.DEFAULT_KEEP_IDLE_MS);
  fill(C.CONFIG_KEEP_INTERVAL_MS, C.DEFAULT_KEEP_INTERVAL_MS);
  fill(C.CONFIG_KEEP_COUNT, C.DEFAULT_KEEP_COUNT);
  fill(C.CONFIG_REPORT_SLOTS, C.DEFAULT_REPORT_SLOTS);
  fill(C.CONFIG_NEIGHBORS, TINY ? 6 : C.DEFAULT_NEIGHBORS);
  fill(C.CONFIG_NEIGHBOR_AGE_MS, C.DEFAULT_NEIGHBOR_AGE_MS);
  fill(C.CONFIG_SWITCHES, C.DEFAULT_SWITCHES);
  fill(C.CONFIG_MTU_MAX, TINY ? <u32>TINY_MTU : C.DEFAULT_MTU_MAX);
  fill(C.CONFIG_TIME_ORIGIN, C.DEFAULT_TIME_ORIGIN);
  fill(C.CONFIG_FEATURES, TINY ? 0 : C.DEFAULT_FEATURES);
  fill(C.CONFIG_UDP_QUEUE, TINY ? 4 : C.DEFAULT_UDP_QUEUE);
  fill(C.CONFIG_HOST_SOCKETS, C.DEFAULT_HOST_SOCKETS);
  fill(C.CONFIG_OPERATIONS, C.DEFAULT_OPERATIONS);
  fill(C.CONFIG_ADVICE_RETRIES, C.DEFAULT_ADVICE_RETRIES);
  fill(C.CONFIG_CHALLENGE_LIMIT, C.DEFAULT_CHALLENGE_LIMIT);
  fill(C.CONFIG_SYN_COOKIES, TINY ? C.COOKIES_NEVER : C.DEFAULT_SYN_COOKIES);
  fill(C.CONFIG_TIME_WAITS, TINY ? <u32>TINY_CONNECTIONS : C.DEFAULT_TIME_WAITS);
  fill(C.CONFIG_POLICY, C.DEFAULT_POLICY);
  fill(C.CONFIG_CONNECT_TIMEOUT_MS, C.DEFAULT_CONNECT_TIMEOUT_MS);
  fill(C.CONFIG_RTO_SLOP_MS, C.DEFAULT_RTO_SLOP_MS);
  fill(C.CONFIG_ACK_EVERY, C.DEFAULT_ACK_EVERY);
  fill(C.CONFIG_USER_TIMEOUT_LEAST_MS, C.DEFAULT_USER_TIMEOUT_LEAST_MS);
  fill(C.CONFIG_USER_TIMEOUT_MOST_MS, C.DEFAULT_USER_TIMEOUT_MOST_MS);
  fill(C.CONFIG_PATH_AGE_MS, C.DEFAULT_PATH_AGE_MS);
}

/**
 * Takes the host's record over the defaults. Fields that size tiny's static pools cannot be changed there.
 * Returns false if the record is not a multiple of four bytes or longer than this build knows.
 */
export function configLoad(record: usize, size: u32): bool {
  defaults();
  if (size == 0) return configLegal();
  if (size & 3 || size > C.SIZEOF_CONFIG || size < 4) return false;
  for (let at: u32 = 4; at < size; at += 4) {
    const v = load<u32>(record + <usize>at);
    if (v == 0xffffffff) continue;
    if (TINY && (at <= C.CONFIG_HOST_AREA || at == C.CONFIG_NEIGHBORS || at == C.CONFIG_MTU_MAX || at == C.CONFIG_UDP_QUEUE || at == C.CONFIG_TIME_WAITS)) continue;
    fill(at, v);
  }
  return configLegal();
}

/** Bounds that keep 32-bit arithmetic and serial comparison valid. */
function configLegal(): bool {
  const sockets = config(C.CONFIG_MAX_SOCKETS);
  if (sockets < 1 || sockets > 1 << 20) return false;
  if (config(C.CONFIG_MAX_CONNECTIONS) == 0) fill(C.CONFIG_MAX_CONNECTIONS, sockets * 2);
  const connections = config(C.CONFIG_MAX_CONNECTIONS);
  if (connections > 1 << 21) return false;
  if (config(C.CONFIG_OPERATIONS) == 0) fill(C.CONFIG_OPERATIONS, sockets * 2 + 64);
  if (config(C.CONFIG_OPERATIONS) > 1 << 22) return false;
  if (config(C.CONFIG_REPORT_SLOTS) == 0) fill(C.CONFIG_REPORT_SLOTS, connections);
  if (config(C.CONFIG_REPORT_SLOTS) > 1 << 21) return false;
  if (config(C.CONFIG_TIME_WAITS) == 0) fill(C.CONFIG_TIME_WAITS, connections);
  if (config(C.CONFIG_TIME_WAITS) > 1 << 20) return false;
  if (config(C.CONFIG_SYN_COOKIES) > C.COOKIES_ALWAYS || config(C.CONFIG_RTO_SLOP_MS) > 60000) return false;
  if (config(C.CONFIG_ACK_EVERY) < 1 || config(C.CONFIG_ACK_EVERY) > 16 || config(C.CONFIG_CHALLENGE_LIMIT) > 1 << 30) return false;
  const userMost = config(C.CONFIG_USER_TIMEOUT_MOST_MS);
  if (config(C.CONFIG_USER_TIMEOUT_LEAST_MS) > userMost || userMost < 1 || userMost > 1 << 30) return false;
  if (config(C.CONFIG_PATH_AGE_MS) > 1 << 30) return false;
  if (config(C.CONFIG_TIME_WAIT_MS) > 300000) return false;
  if (config(C.CONFIG_DELAYED_ACK_MS) > 500) return false;
  if (config(C.CONFIG_RTO_MAX_MS) > 600000 || config(C.CONFIG_RTO_MIN_MS) > config(C.CONFIG_RTO_MAX_MS)) return false;
  if (config(C.CONFIG_RTO_INITIAL_MS) > config(C.CONFIG_RTO_MAX_MS) || config(C.CONFIG_RTO_INITIAL_MS) == 0) return false;
  if (config(C.CONFIG_MTU_MAX) < 576 || config(C.CONFIG_MTU_MAX) > 65535) return false;
  if (config(C.CONFIG_SEND_MAX) > 1 << 30 || config(C.CONFIG_NEIGHBORS) < 1 || config(C.CONFIG_NEIGHBORS) > 65536) return false;
  if (config(C.CONFIG_HOST_SOCKETS) > (TINY ? 0 : 1 << 21)) return false;
  if (config(C.CONFIG_UDP_QUEUE) < 1 || config(C.CONFIG_UDP_QUEUE) > 65536) return false;
  return config(C.CONFIG_HOST_AREA) >= 256 && config(C.CONFIG_HOST_AREA) <= 1 << 24;
}
