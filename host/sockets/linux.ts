/** Linux: TCP_INFO, SO_ERROR and SO_LINGER on the descriptor of Node's socket (semantics N-18, N-22, N-23, P-03). */
import * as abi from "../abi/sockets.gen.ts";
import * as winsock from "../abi/winsock.gen.ts";
import { errnoOfSystem } from "./errno.ts";
import type { Kernel, Outgoing } from "./kernel.ts";
import type { Koffi } from "./koffi.ts";

const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_LINGER = 13;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const SHUT_WR = 1;
const SIOCOUTQ = 0x5411;

/** struct tcp_info: tcpi_state @0, tcpi_bytes_acked @120 (u64, since Linux 4.1). */
const INFO_BYTES = 256;
const INFO_ACKED = 120;

/** The kernel's state numbers (include/net/tcp_states.h) in the numbering of TCP_INFO_v0. */
const STATES: Readonly<Record<number, number>> = {
  1: winsock.TCP_ESTABLISHED,
  2: winsock.TCP_SYN_SENT,
  3: winsock.TCP_SYN_RCVD,
  4: winsock.TCP_FIN_WAIT_1,
  5: winsock.TCP_FIN_WAIT_2,
  6: winsock.TCP_TIME_WAIT,
  7: winsock.TCP_CLOSED,
  8: winsock.TCP_CLOSE_WAIT,
  9: winsock.TCP_LAST_ACK,
  10: winsock.TCP_LISTEN,
  11: winsock.TCP_CLOSING,
};

interface Libc {
  getsockopt(fd: number, level: number, name: number, value: Buffer, length: Buffer): number;
  setsockopt(fd: number, level: number, name: number, value: Buffer, length: number): number;
  ioctl(fd: number, request: number, type: string, value: Buffer): number;
  shutdown(fd: number, how: number): number;
}

function libc(koffi: Koffi): Libc {
  // The process itself: the C library is in it under whatever name it has.
  const library = koffi.load(null);
  return {
    getsockopt: library.func("int getsockopt(int fd, int level, int name, void *val, void *len)"),
    setsockopt: library.func("int setsockopt(int fd, int level, int name, const void *val, uint32_t len)"),
    ioctl: library.func("int ioctl(int fd, unsigned long req, ...)"),
    shutdown: library.func("int shutdown(int fd, int how)"),
  } as unknown as Libc;
}

class LinuxKernel implements Kernel {
  readonly capabilities = abi.CAPABILITY_ACKS | abi.CAPABILITY_RESET_NOW | abi.CAPABILITY_RESET_SEEN | abi.CAPABILITY_PAUSED_SEEN | abi.CAPABILITY_STATE;
  readonly #koffi: Koffi;
  readonly #c: Libc;
  readonly #info = Buffer.alloc(INFO_BYTES);
  readonly #word = Buffer.alloc(4);
  readonly #length = Buffer.alloc(4);
  readonly #linger = Buffer.alloc(8);

  constructor(koffi: Koffi) {
    this.#koffi = koffi;
    this.#c = libc(koffi);
    this.#linger.writeInt32LE(1, 0);
  }

  /** Fills #info; false when there is no TCP_INFO with bytes_acked. */
  #read(fd: number): boolean {
    this.#length.writeUInt32LE(INFO_BYTES);
    return this.#c.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.#info, this.#length) === 0 && this.#length.readUInt32LE() >= INFO_ACKED + 8;
  }

  baseline(fd: number): number {
    return this.#read(fd) ? Number(this.#info.readBigUInt64LE(INFO_ACKED)) : -1;
  }

  /** Sequence numbers acknowledged since the connection began: our bytes, and one for the FIN; -1 unknown. */
  #acked(fd: number, outgoing: Outgoing): number {
    if (outgoing.base >= 0 && this.#read(fd)) return Number(this.#info.readBigUInt64LE(INFO_ACKED)) - outgoing.base;
    // Before Linux 4.1: what the kernel holds unacknowledged, an unacknowledged FIN counted as one (N-18).
    if (this.#c.ioctl(fd, SIOCOUTQ, "void *", this.#word) !== 0) return -1;
    return outgoing.accepted - outgoing.waiting + (outgoing.fin ? 1 : 0) - this.#word.readInt32LE();
  }

  outstanding(fd: number, outgoing: Outgoing): number {
    const acked = this.#acked(fd, outgoing);
    return acked < 0 ? -1 : Math.max(0, outgoing.accepted - acked);
  }

  finAcked(fd: number, outgoing: Outgoing): number {
    if (!outgoing.fin) return 0;
    const acked = this.#acked(fd, outgoing);
    return acked < 0 ? -1 : Number(acked > outgoing.accepted);
  }

  state(fd: number): number {
    return this.#read(fd) ? (STATES[this.#info[0] as number] ?? -1) : -1;
  }

  takeError(fd: number): number {
    this.#length.writeUInt32LE(4);
    if (this.#c.getsockopt(fd, SOL_SOCKET, SO_ERROR, this.#word, this.#length) !== 0) return 0;
    return errnoOfSystem(this.#word.readInt32LE());
  }

  shutdownSend(fd: number): number {
    return this.#c.shutdown(fd, SHUT_WR) === 0 ? 0 : -errnoOfSystem(this.#koffi.errno());
  }

  armReset(fd: number): boolean {
    return this.#c.setsockopt(fd, SOL_SOCKET, SO_LINGER, this.#linger, 8) === 0;
  }
}

export function linuxKernel(koffi: Koffi): Kernel {
  return new LinuxKernel(koffi);
}
