/**
 * macOS, written from its documents and headers (semantics N-18, P-03) and not tested: SO_NWRITE counts the bytes of the send
 * buffer, unsent and unacknowledged; TCP_CONNECTION_INFO holds the state.
 */
import * as abi from "../abi/sockets.gen.ts";
import * as winsock from "../abi/winsock.gen.ts";
import { errnoOfSystem } from "./errno.ts";
import type { Kernel, Outgoing } from "./kernel.ts";
import type { Koffi } from "./koffi.ts";

const SOL_SOCKET = 0xffff;
const SO_ERROR = 0x1007;
const SO_NWRITE = 0x1024;
/** Seconds; SO_LINGER itself counts clock ticks there (P-03). {1, 0} means the same in both. */
const SO_LINGER_SEC = 0x1080;
const IPPROTO_TCP = 6;
const TCP_CONNECTION_INFO = 0x106;
const SHUT_WR = 1;
/** struct tcp_connection_info: tcpi_state is its first byte. */
const INFO_BYTES = 256;

/** TCPS_x of netinet/tcp_fsm.h, in order. */
const STATES = [
  winsock.TCP_CLOSED,
  winsock.TCP_LISTEN,
  winsock.TCP_SYN_SENT,
  winsock.TCP_SYN_RCVD,
  winsock.TCP_ESTABLISHED,
  winsock.TCP_CLOSE_WAIT,
  winsock.TCP_FIN_WAIT_1,
  winsock.TCP_CLOSING,
  winsock.TCP_LAST_ACK,
  winsock.TCP_FIN_WAIT_2,
  winsock.TCP_TIME_WAIT,
];
const FIN_ACKED_STATES: readonly number[] = [winsock.TCP_FIN_WAIT_2, winsock.TCP_TIME_WAIT, winsock.TCP_CLOSED];

export function darwinKernel(koffi: Koffi): Kernel {
  const library = koffi.load(null);
  const getsockopt = library.func("int getsockopt(int fd, int level, int name, void *val, void *len)");
  const setsockopt = library.func("int setsockopt(int fd, int level, int name, const void *val, uint32_t len)");
  const shutdown = library.func("int shutdown(int fd, int how)");
  const value = Buffer.alloc(INFO_BYTES);
  const length = Buffer.alloc(4);
  const linger = Buffer.alloc(8);
  linger.writeInt32LE(1, 0);

  const read = (fd: number, level: number, name: number, bytes: number): boolean => {
    length.writeUInt32LE(bytes);
    return getsockopt(fd, level, name, value, length) === 0;
  };
  const state = (fd: number): number => (read(fd, IPPROTO_TCP, TCP_CONNECTION_INFO, INFO_BYTES) ? (STATES[value[0] as number] ?? -1) : -1);

  return {
    capabilities: abi.CAPABILITY_ACKS | abi.CAPABILITY_RESET_NOW | abi.CAPABILITY_RESET_SEEN | abi.CAPABILITY_PAUSED_SEEN | abi.CAPABILITY_STATE,
    baseline: () => 0,
    outstanding: (fd, outgoing: Outgoing) => (read(fd, SOL_SOCKET, SO_NWRITE, 4) ? value.readInt32LE(0) + outgoing.waiting : -1),
    finAcked(fd, outgoing) {
      if (!outgoing.fin) return 0;
      const now = state(fd);
      return now < 0 ? -1 : Number(FIN_ACKED_STATES.includes(now));
    },
    state,
    takeError: (fd) => (read(fd, SOL_SOCKET, SO_ERROR, 4) ? errnoOfSystem(value.readInt32LE(0)) : 0),
    shutdownSend: (fd) => (shutdown(fd, SHUT_WR) === 0 ? 0 : -errnoOfSystem(koffi.errno())),
    armReset: (fd) => setsockopt(fd, SOL_SOCKET, SO_LINGER_SEC, linger, 8) === 0,
  };
}
