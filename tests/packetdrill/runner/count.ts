/** `sockstat | grep -c STATE`: connections by TCP state. */
import * as w from "../../../host/abi/winsock.gen.ts";
import { type RunState, Unsupported } from "./state.ts";

/** State names of sockstat, netstat and ss. */
const STATES: Record<string, number> = {
  CLOSED: w.TCP_CLOSED, CLOSE: w.TCP_CLOSED, LISTEN: w.TCP_LISTEN, SYN_SENT: w.TCP_SYN_SENT, SYN_RCVD: w.TCP_SYN_RCVD, SYN_RECV: w.TCP_SYN_RCVD,
  SYN_RECEIVED: w.TCP_SYN_RCVD, ESTABLISHED: w.TCP_ESTABLISHED, ESTAB: w.TCP_ESTABLISHED, FIN_WAIT_1: w.TCP_FIN_WAIT_1, FIN_WAIT1: w.TCP_FIN_WAIT_1,
  FIN_WAIT_2: w.TCP_FIN_WAIT_2, FIN_WAIT2: w.TCP_FIN_WAIT_2, CLOSE_WAIT: w.TCP_CLOSE_WAIT, CLOSING: w.TCP_CLOSING, LAST_ACK: w.TCP_LAST_ACK,
  TIME_WAIT: w.TCP_TIME_WAIT,
};

/**
 * How many connections are in the named state. The core does not list its connections: those with a descriptor say so
 * themselves, the others follow from its counters. Children nobody has accepted are SYN_RCVD unless their listener is readable.
 */
export function countInState(state: RunState, name: string): number {
  const wanted = STATES[name.replaceAll("-", "_").toUpperCase()];
  if (wanted === undefined) throw new Unsupported(`state ${name}`);
  state.world.settle();
  const stats = state.world.core.stats();
  const owned = [...state.fds.values()].filter((d) => d.protocol === "tcp" && (d.listening || d.flow !== null));
  const states = owned.map((d) => state.winsock.state(d.handle));
  const shown = states.filter((s) => s === wanted).length;
  const alone = stats.tcpTimeWaits - states.filter((s) => s === w.TCP_TIME_WAIT).length;
  if (wanted === w.TCP_TIME_WAIT) return shown + alone;
  const acceptable = owned.filter((d) => d.listening && state.winsock.ready(d.handle).read).length;
  const children = stats.tcpCurrent - owned.length - stats.tcpOrphans - alone;
  if (wanted === w.TCP_SYN_RCVD) return shown + Math.max(0, children - acceptable);
  return wanted === w.TCP_ESTABLISHED ? shown + acceptable : shown;
}
