/** Peers made of kernel sockets with nothing of Node between: every system call is one call here. Linux, through koffi. */
import { koffi, until } from "./sockets-support.ts";

const AF_INET = 2;
const SOCK_STREAM_NONBLOCK = 1 | 0o4000;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const SO_RCVBUF = 8;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
const TCP_INFO = 11;
const MSG_NOSIGNAL = 0x4000;

/** The errno values these tests meet. */
export const EPIPE = 32;
export const EAGAIN = 11;
export const ECONNRESET = 104;
export const EINPROGRESS = 115;

/** tcpi_state as the kernel counts. */
export const KERNEL_FIN_WAIT2 = 5;
export const KERNEL_CLOSE = 7;
export const KERNEL_CLOSE_WAIT = 8;

type Call = (...args: unknown[]) => number;

function libc(): Readonly<Record<string, Call>> & { errno(): number } {
  const ffi = koffi();
  if (!ffi) throw new Error("koffi is not installed");
  const library = ffi.load(null);
  const declare = (text: string): Call => library.func(text) as unknown as Call;
  return {
    errno: () => ffi.errno(),
    socket: declare("int socket(int family, int type, int protocol)"),
    bind: declare("int bind(int fd, const void *address, uint32_t length)"),
    listen: declare("int listen(int fd, int backlog)"),
    connect: declare("int connect(int fd, const void *address, uint32_t length)"),
    accept: declare("int accept4(int fd, void *address, void *length, int flags)"),
    getpeername: declare("int getpeername(int fd, void *address, void *length)"),
    getsockname: declare("int getsockname(int fd, void *address, void *length)"),
    send: declare("intptr_t send(int fd, const void *bytes, size_t length, int flags)"),
    recv: declare("intptr_t recv(int fd, void *bytes, size_t length, int flags)"),
    shutdown: declare("int shutdown(int fd, int how)"),
    setsockopt: declare("int setsockopt(int fd, int level, int name, const void *value, uint32_t length)"),
    getsockopt: declare("int getsockopt(int fd, int level, int name, void *value, void *length)"),
    close: declare("int close(int fd)"),
  };
}

let cached: ReturnType<typeof libc> | undefined;
function c(): ReturnType<typeof libc> {
  cached ??= libc();
  return cached;
}

function check(result: number, what: string): number {
  if (result < 0) throw new Error(`${what}: errno ${c().errno()}`);
  return result;
}

function loopback(port: number): Buffer {
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set([127, 0, 0, 1], 4);
  return address;
}

export class RawSocket {
  readonly fd: number;
  #open = true;

  constructor(fd = check(c().socket?.(AF_INET, SOCK_STREAM_NONBLOCK, 0) as number, "socket")) {
    this.fd = fd;
  }

  static listen(backlog = 8): RawSocket {
    const raw = new RawSocket();
    check(c().bind?.(raw.fd, loopback(0), 16) as number, "bind");
    check(c().listen?.(raw.fd, backlog) as number, "listen");
    return raw;
  }

  /** A bound UDP socket: recv gives one datagram's length. */
  static datagram(): RawSocket {
    const raw = new RawSocket(check(c().socket?.(AF_INET, SOCK_DGRAM_NONBLOCK, 0) as number, "socket"));
    check(c().bind?.(raw.fd, loopback(0), 16) as number, "bind");
    return raw;
  }

  #portOf(call: "getsockname" | "getpeername"): number {
    const address = Buffer.alloc(16);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(16);
    check(c()[call]?.(this.fd, address, length) as number, call);
    return address.readUInt16BE(2);
  }

  get port(): number {
    return this.#portOf("getsockname");
  }

  get remotePort(): number {
    return this.#portOf("getpeername");
  }

  /** A four-byte option in the kernel's numbers. */
  option(level: number, name: number): number {
    const value = Buffer.alloc(4);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(4);
    check(c().getsockopt?.(this.fd, level, name, value, length) as number, "getsockopt");
    return value.readInt32LE();
  }

  async accept(): Promise<RawSocket> {
    let fd = -1;
    await until("the kernel's accept", () => {
      fd = c().accept?.(this.fd, null, null, 0o4000) as number;
      return fd >= 0;
    });
    return new RawSocket(fd);
  }

  /** Starts connecting; loopback finishes it before this returns. */
  connect(port: number): this {
    const result = c().connect?.(this.fd, loopback(port), 16) as number;
    if (result !== 0 && c().errno() !== EINPROGRESS) throw new Error(`connect: errno ${c().errno()}`);
    return this;
  }

  /** Bytes taken, or minus the errno. */
  send(bytes: Uint8Array): number {
    const result = c().send?.(this.fd, bytes, bytes.length, MSG_NOSIGNAL) as number;
    return result < 0 ? -c().errno() : result;
  }

  /** Bytes, 0 at the peer's FIN, or minus the errno. */
  recv(max = 65536): number {
    return this.receive(max).result;
  }

  /** The same with the bytes themselves. */
  receive(max = 65536): { result: number; bytes: Buffer } {
    const bytes = Buffer.allocUnsafe(max);
    const result = c().recv?.(this.fd, bytes, max, 0) as number;
    return { result: result < 0 ? -c().errno() : result, bytes };
  }

  /** Reads to the end: bytes, and 0 for FIN or the errno. */
  async drain(): Promise<{ bytes: number; errno: number }> {
    let bytes = 0;
    let result = 0;
    await until("the end, at the kernel peer", () => {
      for (result = this.recv(); result > 0; result = this.recv()) bytes += result;
      return result !== -EAGAIN;
    });
    return { bytes, errno: result < 0 ? -result : 0 };
  }

  shutdown(): void {
    check(c().shutdown?.(this.fd, 1) as number, "shutdown");
  }

  setReceiveBuffer(bytes: number): this {
    const value = Buffer.alloc(4);
    value.writeInt32LE(bytes);
    check(c().setsockopt?.(this.fd, SOL_SOCKET, SO_RCVBUF, value, 4) as number, "setsockopt");
    return this;
  }

  /** tcpi_state. */
  state(): number {
    const info = Buffer.alloc(256);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(256);
    check(c().getsockopt?.(this.fd, IPPROTO_TCP, TCP_INFO, info, length) as number, "TCP_INFO");
    return info[0] as number;
  }

  /** Closes with a reset. */
  reset(): void {
    const linger = Buffer.alloc(8);
    linger.writeInt32LE(1, 0);
    check(c().setsockopt?.(this.fd, SOL_SOCKET, SO_LINGER, linger, 8) as number, "setsockopt");
    this.close();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    c().close?.(this.fd);
  }
}
