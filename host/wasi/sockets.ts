/**
 * The sock_* functions of preview1 and of the extension (seam.md, Builds and imports) over a provider of host sockets. Each
 * checks every pointer against linear memory, answers a WASI errno and never waits; readiness comes through the fd table.
 */
import { WASI_EBADF, WASI_EINVAL, WASI_SUCCESS } from "../abi/link.gen.ts";
import { RIFLAGS_PEEK, ROFLAGS_TRUNCATED, WASI_EFAULT, WASI_ENOTCONN } from "../abi/sockets.gen.ts";
import { SIZEOF_SOCKADDR_IN, SIZEOF_SOCKADDR_IN6 } from "../abi/winsock.gen.ts";
import { readSockaddr, type SocketAddress, writeSockaddr } from "../core/address.ts";
import { MemoryViews } from "../core/memory.ts";
import type { DatagramInfo, HostSockets } from "../sockets/contract.ts";
import type { FdTable } from "./fds.ts";
import type { WasiPart } from "./imports.ts";

/** More parts than any caller needs; keeps a wild iovs_len from walking through memory. */
const IOVS_MAX = 1024;

/** The WASI errno of a result that is 0 or more, or minus an errno. */
function errnoOf(result: number): number {
  return result < 0 ? -result : WASI_SUCCESS;
}

class SocketCalls {
  readonly #sockets: HostSockets;
  readonly #fds: FdTable;
  #memory = new MemoryViews(new WebAssembly.Memory({ initial: 0 }));
  /** The parts of the call in progress; reused, so that no call allocates for them. */
  readonly #io: { memory: Uint8Array; parts: Int32Array; first: number; count: number };
  readonly #info: DatagramInfo = { from: undefined, truncated: false };

  constructor(sockets: HostSockets, fds: FdTable) {
    this.#sockets = sockets;
    this.#fds = fds;
    this.#io = { memory: this.#memory.u8, parts: this.#memory.i32, first: 0, count: 0 };
  }

  bind(memory: MemoryViews): void {
    this.#memory = memory;
  }

  /** true if `bytes` at `ptr` lie in memory. */
  #holds(ptr: number, bytes: number): boolean {
    this.#memory.ensure();
    return ptr + bytes <= this.#memory.u8.length;
  }

  /** Sets #io to the iovec at `iovs`; a WASI errno if it is not one. */
  #open(iovs: number, count: number): number {
    if ((iovs & 3) !== 0 || count > IOVS_MAX) return WASI_EINVAL;
    if (!this.#holds(iovs, count * 8)) return WASI_EFAULT;
    const { u8, i32 } = this.#memory;
    const first = iovs >>> 2;
    let total = 0;
    for (let i = first; i < first + count * 2; i += 2) {
      const length = (i32[i + 1] as number) >>> 0;
      total += length;
      if (((i32[i] as number) >>> 0) + length > u8.length) return WASI_EFAULT;
    }
    // Parts may overlap; their sum must still be a length that a count can tell.
    if (total > 0x7fffffff) return WASI_EINVAL;
    const io = this.#io;
    io.memory = u8;
    io.parts = i32;
    io.first = first;
    io.count = count;
    return WASI_SUCCESS;
  }

  /** Stores a count or descriptor; a negative `result` is an errno instead. */
  #answer(result: number, at: number): number {
    if (result < 0) return -result;
    this.#memory.data.setUint32(at, result, true);
    return WASI_SUCCESS;
  }

  /** The sockaddr at `ptr`, or a WASI errno. */
  #address(ptr: number, length: number): SocketAddress | number {
    if (length < SIZEOF_SOCKADDR_IN || length > 128) return WASI_EINVAL;
    if (!this.#holds(ptr, length)) return WASI_EFAULT;
    return readSockaddr(this.#memory.data, ptr, length) ?? WASI_EINVAL;
  }

  /** Stores an address, if the caller's buffer of `*lengthAt` bytes takes it. */
  #storeAddress(address: SocketAddress | undefined, ptr: number, lengthAt: number): number {
    if (!address) return WASI_ENOTCONN;
    const { data } = this.#memory;
    const size = address.family === "IPv6" ? SIZEOF_SOCKADDR_IN6 : SIZEOF_SOCKADDR_IN;
    const room = data.getUint32(lengthAt, true);
    if (room < size || !this.#holds(ptr, size)) return WASI_EFAULT;
    data.setUint32(lengthAt, writeSockaddr(data, ptr, address.address, address.port, address.scopeId ?? 0), true);
    return WASI_SUCCESS;
  }

  close(fd: number): number {
    if (this.#sockets.owns(fd)) return errnoOf(this.#sockets.close(fd));
    return this.#fds.remove(fd) === undefined ? WASI_EBADF : WASI_SUCCESS;
  }

  open(family: number, type: number, result: number): number {
    if (!this.#holds(result, 4)) return WASI_EFAULT;
    return this.#answer(this.#sockets.open(family, type), result);
  }

  accept(fd: number, result: number): number {
    if (!this.#holds(result, 4)) return WASI_EFAULT;
    return this.#answer(this.#sockets.accept(fd), result);
  }

  bindTo(fd: number, ptr: number, length: number): number {
    const address = this.#address(ptr, length);
    return typeof address === "number" ? address : errnoOf(this.#sockets.bind(fd, address));
  }

  connect(fd: number, ptr: number, length: number): number {
    const address = this.#address(ptr, length);
    return typeof address === "number" ? address : errnoOf(this.#sockets.connect(fd, address));
  }

  receive(fd: number, iovs: number, count: number, flags: number, result: number, flagsAt: number): number {
    if (!this.#holds(result, 4) || !this.#holds(flagsAt, 2)) return WASI_EFAULT;
    const failed = this.#open(iovs, count);
    if (failed) return failed;
    this.#memory.data.setUint16(flagsAt, 0, true);
    return this.#answer(this.#sockets.receive(fd, this.#io, (flags & RIFLAGS_PEEK) !== 0), result);
  }

  send(fd: number, iovs: number, count: number, result: number): number {
    if (!this.#holds(result, 4)) return WASI_EFAULT;
    const failed = this.#open(iovs, count);
    return failed || this.#answer(this.#sockets.send(fd, this.#io), result);
  }

  receiveFrom(fd: number, iovs: number, count: number, flags: number, address: number, lengthAt: number, result: number, flagsAt: number): number {
    if (!this.#holds(result, 4) || !this.#holds(flagsAt, 2) || !this.#holds(lengthAt, 4)) return WASI_EFAULT;
    const failed = this.#open(iovs, count);
    if (failed) return failed;
    const info = this.#info;
    const received = this.#sockets.receiveFrom(fd, this.#io, (flags & RIFLAGS_PEEK) !== 0, info);
    if (received < 0) return -received;
    const stored = this.#storeAddress(info.from, address, lengthAt);
    if (stored) return stored;
    this.#memory.data.setUint16(flagsAt, info.truncated ? ROFLAGS_TRUNCATED : 0, true);
    return this.#answer(received, result);
  }

  sendTo(fd: number, iovs: number, count: number, ptr: number, length: number, result: number): number {
    if (!this.#holds(result, 4)) return WASI_EFAULT;
    const failed = this.#open(iovs, count);
    if (failed) return failed;
    const address = length === 0 ? undefined : this.#address(ptr, length);
    return typeof address === "number" ? address : this.#answer(this.#sockets.sendTo(fd, this.#io, address), result);
  }

  getOption(fd: number, level: number, name: number, value: number, lengthAt: number): number {
    if (!this.#holds(lengthAt, 4) || !this.#holds(value, 4)) return WASI_EFAULT;
    const { data } = this.#memory;
    if (data.getUint32(lengthAt, true) < 4) return WASI_EFAULT;
    const result = this.#sockets.getOption(fd, level, name);
    if (result < 0) return -result;
    data.setInt32(value, this.#sockets.optionValue, true);
    data.setUint32(lengthAt, 4, true);
    return WASI_SUCCESS;
  }

  setOption(fd: number, level: number, name: number, value: number, length: number): number {
    if (length < 4 || !this.#holds(value, 4)) return WASI_EFAULT;
    return errnoOf(this.#sockets.setOption(fd, level, name, this.#memory.data.getInt32(value, true)));
  }

  addressOf(fd: number, peer: boolean, ptr: number, lengthAt: number): number {
    if (!this.#holds(lengthAt, 4)) return WASI_EFAULT;
    if (!this.#sockets.owns(fd)) return WASI_EBADF;
    return this.#storeAddress(peer ? this.#sockets.peerAddress(fd) : this.#sockets.localAddress(fd), ptr, lengthAt);
  }

  listen(fd: number, backlog: number): number {
    return errnoOf(this.#sockets.listen(fd, backlog));
  }

  shutdown(fd: number, how: number): number {
    return errnoOf(this.#sockets.shutdown(fd, how));
  }
}

/**
 * The part of the import object that makes `sockets` the host sockets of one core. `fds` is the same table that the core's
 * devices stand in: fd_close serves both, and the table's onReady is told of both.
 */
export function socketsPart(sockets: HostSockets, fds: FdTable): WasiPart {
  const calls = new SocketCalls(sockets, fds);
  sockets.onReady = (fd, bits) => fds.onReady?.(fd, bits);
  return {
    bind: (memory) => calls.bind(memory),
    functions: {
      fd_close: (fd: number) => calls.close(fd),
      sock_open: (family: number, type: number, result: number) => calls.open(family, type, result >>> 0),
      sock_accept: (fd: number, _flags: number, result: number) => calls.accept(fd, result >>> 0),
      sock_bind: (fd: number, ptr: number, length: number) => calls.bindTo(fd, ptr >>> 0, length >>> 0),
      sock_connect: (fd: number, ptr: number, length: number) => calls.connect(fd, ptr >>> 0, length >>> 0),
      sock_listen: (fd: number, backlog: number) => calls.listen(fd, backlog),
      sock_recv: (fd: number, iovs: number, count: number, flags: number, result: number, flagsAt: number) =>
        calls.receive(fd, iovs >>> 0, count >>> 0, flags, result >>> 0, flagsAt >>> 0),
      sock_send: (fd: number, iovs: number, count: number, _flags: number, result: number) =>
        calls.send(fd, iovs >>> 0, count >>> 0, result >>> 0),
      sock_recv_from: (fd: number, iovs: number, count: number, flags: number, ptr: number, lengthAt: number, result: number, flagsAt: number) =>
        calls.receiveFrom(fd, iovs >>> 0, count >>> 0, flags, ptr >>> 0, lengthAt >>> 0, result >>> 0, flagsAt >>> 0),
      sock_send_to: (fd: number, iovs: number, count: number, _flags: number, ptr: number, length: number, result: number) =>
        calls.sendTo(fd, iovs >>> 0, count >>> 0, ptr >>> 0, length >>> 0, result >>> 0),
      sock_shutdown: (fd: number, how: number) => calls.shutdown(fd, how),
      sock_getsockopt: (fd: number, level: number, name: number, value: number, lengthAt: number) =>
        calls.getOption(fd, level, name, value >>> 0, lengthAt >>> 0),
      sock_setsockopt: (fd: number, level: number, name: number, value: number, length: number) =>
        calls.setOption(fd, level, name, value >>> 0, length >>> 0),
      sock_getlocaladdr: (fd: number, ptr: number, lengthAt: number) => calls.addressOf(fd, false, ptr >>> 0, lengthAt >>> 0),
      sock_getpeeraddr: (fd: number, ptr: number, lengthAt: number) => calls.addressOf(fd, true, ptr >>> 0, lengthAt >>> 0),
    },
  };
}
