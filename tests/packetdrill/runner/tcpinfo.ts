/** tcpi_* values of the socket under test, from SIO_TCP_INFO (semantics K.5) and the socket's TCP state. */
import { SIO_TCP_INFO, SIZEOF_TCP_INFO_V0 } from "../../../host/abi/winsock.gen.ts";
import { type Descriptor, type RunState, Unsupported } from "./state.ts";

/** Linux numbers by RFC state in TCP_INFO_v0 order; scripts write names, so only equality matters. */
const LINUX_STATE = [7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6];

/** Names scripts use for the states, by their Linux number: TCP_x (Linux), TCPS_x (BSD), TCPI_x. */
const STATE_NAMES: Record<string, number> = {
  ESTABLISHED: 1, SYN_SENT: 2, SYN_RECV: 3, SYN_RECEIVED: 3, SYN_RCVD: 3, FIN_WAIT1: 4, FIN_WAIT_1: 4, FIN_WAIT2: 5, FIN_WAIT_2: 5,
  TIME_WAIT: 6, CLOSE: 7, CLOSED: 7, CLOSE_WAIT: 8, LAST_ACK: 9, LISTEN: 10, CLOSING: 11,
};

const OPTION_BITS: Record<string, number> = {
  TCPI_OPT_TIMESTAMPS: 1, TCPI_OPT_SACK: 2, TCPI_OPT_WSCALE: 4, TCPI_OPT_ECN: 8, TCPI_OPT_ECN_SEEN: 16, TCPI_OPT_SYN_DATA: 32,
};

/** A constant that may stand in an assertion. */
export function constant(name: string): number | undefined {
  const state = /^(?:TCP|TCPS|TCPI)_(\w+)$/.exec(name)?.[1];
  return OPTION_BITS[name] ?? (state === undefined ? undefined : STATE_NAMES[state]);
}

/** Offsets in TCP_INFO_v0, and how the value is scaled to what POSIX systems report. */
const FIELDS: Record<string, (info: DataView) => number> = {
  tcpi_snd_mss: (i) => i.getUint32(4, true),
  tcpi_rtt: (i) => i.getUint32(20, true),
  tcpi_min_rtt: (i) => i.getUint32(24, true),
  tcpi_snd_cwnd: (i) => Math.floor(i.getUint32(32, true) / Math.max(1, i.getUint32(4, true))),
  tcpi_unacked: (i) => Math.ceil(i.getUint32(28, true) / Math.max(1, i.getUint32(4, true))),
  tcpi_snd_wnd: (i) => i.getUint32(36, true),
  tcpi_rcv_space: (i) => i.getUint32(40, true),
  tcpi_rcv_wnd: (i) => i.getUint32(40, true),
  tcpi_bytes_sent: (i) => i.getUint32(48, true),
  tcpi_bytes_received: (i) => i.getUint32(56, true),
  tcpi_total_retrans: (i) => i.getUint32(80, true),
  tcpi_options: (i) => (i.getUint8(16) ? 1 : 0),
};

/** The value of a tcpi_ name. Throws Unsupported when neither the core nor this table knows it. */
export function tcpInfoValue(state: RunState, d: Descriptor, name: string): number {
  if (name === "tcpi_state") return LINUX_STATE[Math.max(0, state.winsock.state(d.handle))] ?? 7;
  const read = FIELDS[name];
  if (!read) throw new Unsupported(`tcp info ${name}`);
  const answer = state.winsock.ioctlRecord(d.handle, SIO_TCP_INFO, SIZEOF_TCP_INFO_V0, [0]);
  if (answer.value !== 0) throw new Unsupported(`tcp info ${name}`);
  return read(new DataView(answer.record.buffer, answer.record.byteOffset, answer.record.byteLength));
}
