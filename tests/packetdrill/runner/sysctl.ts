/**
 * System variables onto the stack's configuration. Every name a script may set stands in one of the tables below: it maps
 * to a configure field, or its value is what the core does anyway, or the script needs a knob the core lacks. A name in no
 * table is unsupported; none is ignored silently.
 */
import {
  COOKIES_ALWAYS, COOKIES_NEVER, COOKIES_WHEN_FULL, DEFAULT_FEATURES, FEATURE_CUBIC, FEATURE_ECN, FEATURE_ECN_ASK, FEATURE_FRTO, FEATURE_RACK, FEATURE_SACK,
  FEATURE_TIMESTAMPS, FEATURE_USER_TIMEOUT, FEATURE_WINDOW_SCALE, POLICY_DROP_SYN_FIN, POLICY_DROP_SYN_OPTIONS, POLICY_ICMP_SOFT, POLICY_INSECURE_ACK, POLICY_INSECURE_RST, POLICY_INSECURE_SYN, POLICY_NO_BLACK_HOLES, POLICY_SILENT,
} from "../../../host/abi/config.gen.ts";
import type { CoreConfig } from "../../../host/core/index.ts";
import { type Feature, missing } from "./capabilities.ts";
import { Unsupported } from "./state.ts";

type Setter = (config: CoreConfig, value: number, words: readonly number[]) => void;

const SECOND = 1000;

function features(config: CoreConfig, bit: number, on: boolean): void {
  const now = config.features ?? DEFAULT_FEATURES & 0x7fffffff;
  config.features = on ? now | bit : now & ~bit;
}

/** 0 neither asks nor accepts, 1 both, 2 accepts. */
const ecn: Setter = (config, v) => {
  features(config, FEATURE_ECN, v !== 0);
  features(config, FEATURE_ECN_ASK, v === 1);
};

const policy = (bit: number, asks: (value: number) => boolean): Setter => (config, value) => {
  const now = config.policy ?? 0;
  config.policy = asks(value) ? now | bit : now & ~bit;
};
const nonZero = (value: number): boolean => value !== 0;

function delayedAck(config: CoreConfig, ms: number): void {
  // RFC 9293 MUST-40: below 500 ms; 0 acknowledges at once.
  if (ms > 500) throw new Unsupported(`delayed ACK of ${ms} ms`);
  config.delayedAckMs = ms;
}

const FIELDS: Record<string, Setter> = {
  "net.inet.tcp.recvspace": (c, v) => (c.recvBuffer = v),
  "net.inet.tcp.sendspace": (c, v) => (c.sendBuffer = v),
  "net.inet.tcp.delacktime": (c, v) => delayedAck(c, v),
  "net.inet.tcp.delayed_ack": (c, v) => {
    if (v === 0) delayedAck(c, 0);
  },
  "net.inet.tcp.keepidle": (c, v) => (c.keepIdleMs = v),
  "net.inet.tcp.keepintvl": (c, v) => (c.keepIntervalMs = v),
  "net.inet.tcp.keepcnt": (c, v) => (c.keepCount = v),
  "net.inet.tcp.rexmit_initial": (c, v) => (c.rtoInitialMs = v),
  "net.inet.tcp.rexmit_min": (c, v) => (c.rtoMinMs = v),
  "net.inet.tcp.msl": (c, v) => (c.timeWaitMs = 2 * v),
  "net.inet.tcp.finwait2_timeout": (c, v) => (c.orphanFinWait2Ms = v),
  // FreeBSD: 1 both, 2 window scale only, 3 timestamps only.
  "net.inet.tcp.rfc1323": (c, v) => {
    features(c, FEATURE_WINDOW_SCALE, v === 1 || v === 2);
    features(c, FEATURE_TIMESTAMPS, v === 1 || v === 3);
  },
  "net.inet.tcp.sack.enable": (c, v) => features(c, FEATURE_SACK, v !== 0),
  "net.inet.tcp.ecn.enable": ecn,
  "net.inet.tcp.insecure_rst": policy(POLICY_INSECURE_RST, nonZero),
  "net.inet.tcp.insecure_syn": policy(POLICY_INSECURE_SYN, nonZero),
  "net.inet.tcp.insecure_ack": policy(POLICY_INSECURE_ACK, nonZero),
  "net.inet.tcp.drop_synfin": policy(POLICY_DROP_SYN_FIN, nonZero),
  "net.inet.tcp.blackhole": policy(POLICY_SILENT, nonZero),
  "net.inet.tcp.icmp_may_rst": policy(POLICY_ICMP_SOFT, (value) => value === 0),
  "net.inet.tcp.rexmit_drop_options": policy(POLICY_DROP_SYN_OPTIONS, nonZero),
  "net.inet.tcp.syncookies": (c, v) => (c.synCookies = v === 0 ? COOKIES_NEVER : COOKIES_WHEN_FULL),
  "net.inet.tcp.syncookies_only": (c, v) => {
    if (v !== 0) c.synCookies = COOKIES_ALWAYS;
  },
  "net.ipv4.tcp_syncookies": (c, v) => (c.synCookies = v > 2 ? COOKIES_ALWAYS : v),
  // FreeBSD's default of 200 stands for its own coarse clock.
  "net.inet.tcp.rexmit_slop": (c, v) => {
    if (v !== 200) c.rtoSlopMs = v;
  },
  "net.inet.tcp.keepinit": (c, v) => {
    if (v !== 75000) c.connectTimeoutMs = v;
  },
  // 0 never, 1 where full segments vanish; 2 from a small size upwards from the start is no mode of ours.
  "net.ipv4.tcp_mtu_probing": (c, v) => {
    if (v > 1 && missing("mtu probing from the start")) throw new Unsupported(`feature: mtu probing from the start (sysctl net.ipv4.tcp_mtu_probing=${v})`);
    policy(POLICY_NO_BLACK_HOLES, (value) => value === 0)(c, v, []);
  },
  "net.ipv4.tcp_probe_interval": (c, v) => (c.pathAgeMs = v * SECOND),
  "net.ipv4.tcp_challenge_ack_limit": (c, v) => (c.challengeLimit = v),
  "net.ipv4.tcp_retries1": (c, v) => (c.adviceRetries = v),
  "net.ipv4.tcp_max_tw_buckets": (c, v) => (c.timeWaits = v),
  "net.ipv4.tcp_rmem": (c, _v, words) => (c.recvBuffer = words[1] ?? words[0] ?? 0),
  "net.ipv4.tcp_wmem": (c, _v, words) => (c.sendBuffer = words[1] ?? words[0] ?? 0),
  "net.ipv4.tcp_keepalive_time": (c, v) => (c.keepIdleMs = v * SECOND),
  "net.ipv4.tcp_keepalive_intvl": (c, v) => (c.keepIntervalMs = v * SECOND),
  "net.ipv4.tcp_keepalive_probes": (c, v) => (c.keepCount = v),
  "net.ipv4.tcp_syn_retries": (c, v) => (c.synRetries = v),
  "net.ipv4.tcp_synack_retries": (c, v) => (c.synRetries = v),
  "net.ipv4.tcp_fin_timeout": (c, v) => (c.orphanFinWait2Ms = v * SECOND),
  "net.ipv4.tcp_window_scaling": (c, v) => features(c, FEATURE_WINDOW_SCALE, v !== 0),
  "net.ipv4.tcp_sack": (c, v) => features(c, FEATURE_SACK, v !== 0),
  // Ours are one: loss by time and the probe of the tail (RFC 8985).
  "net.ipv4.tcp_recovery": (c, v) => features(c, FEATURE_RACK, v !== 0),
  "net.ipv4.tcp_frto": (c, v) => features(c, FEATURE_FRTO, v !== 0),
  "net.ipv4.tcp_timestamps": (c, v) => features(c, FEATURE_TIMESTAMPS, v !== 0),
  "net.ipv4.tcp_ecn": ecn,
  // No system we know has a setting for RFC 5482.
  "lastack.user_timeout_option": (c, v) => features(c, FEATURE_USER_TIMEOUT, v !== 0),
  "net.ipv4.tcp_rto_min_us": (c, v) => (c.rtoMinMs = Math.round(v / 1000)),
};

/** Knobs the core does not have yet: the values it behaves by, and the feature any other value needs. */
const KNOBS: Record<string, { fine: readonly number[]; feature: Feature }> = {
  "net.ipv4.tcp_fastopen": { fine: [0, 1, 2, 3], feature: "fast open" },
};

/** Settings of other systems that change nothing a packet would show here, with the reason. */
const WITHOUT_EFFECT: Record<string, string> = {
  "net.inet.tcp.hostcache.purgenow": "no host cache",
  "net.inet.tcp.hostcache.enable": "no host cache",
  "net.inet.tcp.always_keepalive": "keep-alive only where a socket asks for it",
  "net.inet.tcp.path_mtu_discovery": "on where a packet shows it",
  "net.inet.tcp.tso": "no offload on this device",
  "net.inet.tcp.minmss": "a floor of its own",
  "net.inet.tcp.fast_finwait2_recycle": "off",
  "net.inet.tcp.per_cpu_timers": "one thread",
  "net.inet.tcp.nolocaltimewait": "off",
  "net.inet.tcp.ts_offset_per_conn": "timestamps are compared by offset",
  "kern.ipc.maxsockbuf": "no ceiling below the memory limit",
  "kern.ipc.somaxconn": "the backlog is the caller's",
  "net.core.somaxconn": "the backlog is the caller's",
  "net.core.rmem_max": "no ceiling below the memory limit",
  "net.core.wmem_max": "no ceiling below the memory limit",
  "net.ipv4.tcp_no_metrics_save": "no metrics cache",
  "net.ipv4.tcp_min_tso_segs": "no offload on this device",
  "net.ipv4.tcp_tso_win_divisor": "no offload on this device",
  "net.ipv4.tcp_autocorking": "off",
  "net.ipv4.tcp_pacing_ss_ratio": "no pacing",
  "net.ipv4.tcp_pacing_ca_ratio": "no pacing",
  "net.ipv4.tcp_moderate_rcvbuf": "buffers stay what they are",
};

/** Congestion control by its name there. */
const ALGORITHMS: Record<string, Record<string, "cubic" | "newreno">> = {
  "net.ipv4.tcp_congestion_control": { cubic: "cubic", reno: "newreno" },
  "net.inet.tcp.cc.algorithm": { cubic: "cubic", newreno: "newreno" },
};

export interface Setting {
  name: string;
  value: string;
}

/** Applies one setting; returns a note when it changes nothing. Throws Unsupported for a name or value outside the tables. */
export function applySetting(config: CoreConfig, { name, value }: Setting): string | null {
  const words = value.trim().split(/[\s,]+/).map(Number);
  const number = words[0] ?? Number.NaN;
  const reason = WITHOUT_EFFECT[name];
  if (reason !== undefined) return `${name}: ${reason}`;
  const algorithm = ALGORITHMS[name]?.[value.trim()];
  if (algorithm !== undefined) {
    features(config, FEATURE_CUBIC, algorithm === "cubic");
    return null;
  }
  if (words.some((w) => !Number.isInteger(w) || w < 0)) throw new Unsupported(`sysctl ${name}=${value}`);
  const field = FIELDS[name];
  if (field) {
    field(config, number, words);
    return null;
  }
  const knob = KNOBS[name];
  if (!knob) throw new Unsupported(`sysctl ${name}`);
  if (!knob.fine.includes(number) && missing(knob.feature)) throw new Unsupported(`feature: ${knob.feature} (sysctl ${name}=${value})`);
  return null;
}
