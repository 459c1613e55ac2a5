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

export function countInState(state: RunState, name: string): number {
  const wanted = STATES[name.replaceAll("-", "_").toUpperCase()];
  if (wanted === undefined) throw new Unsupported(`state ${name}`);
  state.world.settle();
  return state.winsock.connectionStates().filter((s) => s === wanted).length;
}
