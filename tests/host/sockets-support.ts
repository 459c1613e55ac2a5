/** For the tests of host sockets: the sock_* functions called as the core calls them, and peers made of bare kernel sockets. */
import { createRequire } from "node:module";
import { READY_ERROR } from "../../host/abi/events.gen.ts";
import { WASI_EAGAIN, WASI_EINPROGRESS, WASI_SUCCESS } from "../../host/abi/link.gen.ts";
import { LSO_STATE, RIFLAGS_PEEK, SDFLAGS_WR } from "../../host/abi/sockets.gen.ts";
import {
  AF_INET, LSO_CAPABILITIES, LSO_FIN_ACKED, LSO_OUTSTANDING, LSO_RESET, SO_ERROR, SOCK_DGRAM, SOCK_STREAM, SOL_LASTACK, SOL_SOCKET,
} from "../../host/abi/winsock.gen.ts";
import { readSockaddr, writeSockaddr } from "../../host/core/address.ts";
import { MemoryViews } from "../../host/core/memory.ts";
import { NodeSockets, type NodeSocketsOptions } from "../../host/sockets/index.ts";
import { FdTable } from "../../host/wasi/fds.ts";
import { socketsPart } from "../../host/wasi/sockets.ts";

export type Koffi = typeof import("koffi");

export function koffi(): Koffi | undefined {
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch {
    return undefined;
  }
}

/** For a test's `skip`: false, or why not. */
export const needsKoffi: string | false = koffi() && process.platform === "linux" ? false : "needs koffi on Linux";

/** Ways a provider can work, for tests that run once for each. */
export const MODES: readonly { name: string; options: NodeSocketsOptions }[] = [
  ...(needsKoffi ? [] : [{ name: "with koffi", options: {} }]),
  { name: "without koffi", options: { kernel: false } },
  { name: "without koffi and TCP handles", options: { kernel: false, handles: false } },
];

const DEADLINE_MS = 20_000;

/** Waits, event loop turn by event loop turn, until `done` is true; a test that waits too long says for what. */
export async function until(what: string, done: () => boolean, deadlineMs = DEADLINE_MS): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!done()) {
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms for: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface Chunk {
  readonly errno: number;
  readonly bytes: Uint8Array;
}

/** A guest of the WASI layer: a memory, the functions, and what became ready. */
export class Guest {
  readonly sockets: NodeSockets;
  readonly fds = new FdTable();
  readonly memory = new MemoryViews(new WebAssembly.Memory({ initial: 64 }));
  /** READY_x bits by descriptor, as they were told; never cleared. */
  readonly ready = new Map<number, number>();
  readonly #call: Readonly<Record<string, (...args: number[]) => number | void>>;

  constructor(options: NodeSocketsOptions = {}) {
    this.sockets = new NodeSockets(options);
    const part = socketsPart(this.sockets, this.fds);
    this.fds.onReady = (fd, bits) => this.ready.set(fd, (this.ready.get(fd) ?? 0) | bits);
    part.bind(this.memory);
    this.#call = part.functions;
  }

  call(name: string, ...args: number[]): number {
    return this.#call[name]?.(...args) as number;
  }

  word(ptr: number): number {
    return this.memory.data.getInt32(ptr, true);
  }

  open(type = SOCK_STREAM): number {
    const errno = this.call("sock_open", AF_INET, type, 0);
    if (errno !== WASI_SUCCESS) throw new Error(`sock_open: errno ${errno}`);
    return this.word(0);
  }

  #address(name: string, fd: number, address: string, port: number): number {
    return this.call(name, fd, 64, writeSockaddr(this.memory.data, 64, address, port));
  }

  bind(fd: number, port = 0, address = "127.0.0.1"): number {
    return this.#address("sock_bind", fd, address, port);
  }

  connect(fd: number, port: number, address = "127.0.0.1"): number {
    return this.#address("sock_connect", fd, address, port);
  }

  /** An open connection to `port` of this machine. */
  async connected(port: number): Promise<number> {
    const fd = this.open();
    const errno = this.connect(fd, port);
    if (errno !== WASI_EINPROGRESS) throw new Error(`sock_connect: errno ${errno}`);
    await until("connect", () => (this.ready.get(fd) ?? 0) !== 0);
    const failed = this.option(fd, SOL_SOCKET, SO_ERROR);
    if ((this.ready.get(fd) as number) & READY_ERROR) throw new Error(`connect failed: errno ${failed}`);
    return fd;
  }

  /** A listener on a port of the system's choice. */
  async listening(backlog = 16): Promise<{ fd: number; port: number }> {
    const fd = this.open();
    if (this.bind(fd) !== 0 || this.call("sock_listen", fd, backlog) !== 0) throw new Error("listen failed");
    await until("listening", () => this.port(fd) !== 0);
    return { fd, port: this.port(fd) };
  }

  async accepted(listener: number): Promise<number> {
    await until("accept", () => this.call("sock_accept", listener, 0, 0) === WASI_SUCCESS);
    return this.word(0);
  }

  #name(name: string, fd: number): { address: string; port: number } | undefined {
    this.memory.data.setUint32(128, 28, true);
    if (this.call(name, fd, 64, 128) !== WASI_SUCCESS) return undefined;
    return readSockaddr(this.memory.data, 64, this.memory.data.getUint32(128, true));
  }

  port(fd: number): number {
    return this.#name("sock_getlocaladdr", fd)?.port ?? 0;
  }

  peerPort(fd: number): number {
    return this.#name("sock_getpeeraddr", fd)?.port ?? 0;
  }

  #iovec(bytes: number): void {
    this.memory.data.setUint32(16, 4096, true);
    this.memory.data.setUint32(20, bytes, true);
  }

  /** One sock_recv. errno 0 with no bytes is the peer's FIN. */
  recv(fd: number, max = 65536, peek = false): Chunk {
    this.#iovec(max);
    const errno = this.call("sock_recv", fd, 16, 1, peek ? RIFLAGS_PEEK : 0, 0, 4);
    return { errno, bytes: errno ? new Uint8Array(0) : this.memory.u8.slice(4096, 4096 + this.word(0)) };
  }

  /** One sock_send: bytes taken, or minus the errno. */
  send(fd: number, bytes: Uint8Array): number {
    this.memory.u8.set(bytes, 4096);
    this.#iovec(bytes.length);
    const errno = this.call("sock_send", fd, 16, 1, 0, 0);
    return errno ? -errno : this.word(0);
  }

  /** Sends everything, waiting where the host says EAGAIN. */
  async sendAll(fd: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const sent = this.send(fd, bytes.subarray(at, at + 1_048_576));
      if (sent < 0 && sent !== -WASI_EAGAIN) throw new Error(`sock_send: errno ${-sent}`);
      if (sent > 0) at += sent;
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Sends until the host takes no more: the peer's window, both kernels and Node are full. Returns the bytes taken. */
  async fill(fd: number, most = Number.POSITIVE_INFINITY): Promise<number> {
    const bytes = new Uint8Array(262144).fill(7);
    let total = 0;
    for (let idle = 0; idle < 50 && total < most; ) {
      const sent = this.send(fd, bytes.subarray(0, Math.min(bytes.length, most - total)));
      if (sent > 0) total += sent;
      idle = sent > 0 ? 0 : idle + 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return total;
  }

  /** Everything up to the end: the peer's FIN (errno 0) or a failure. */
  async drain(fd: number): Promise<{ bytes: number; errno: number }> {
    let total = 0;
    let last: Chunk = { errno: WASI_EAGAIN, bytes: new Uint8Array(0) };
    await until("the peer's end", () => {
      do {
        last = this.recv(fd);
        total += last.bytes.length;
      } while (last.bytes.length > 0);
      return last.errno !== WASI_EAGAIN;
    });
    return { bytes: total, errno: last.errno };
  }

  shutdown(fd: number): number {
    return this.call("sock_shutdown", fd, SDFLAGS_WR);
  }

  close(fd: number): number {
    return this.call("fd_close", fd);
  }

  option(fd: number, level: number, name: number): number {
    this.memory.data.setUint32(128, 4, true);
    const errno = this.call("sock_getsockopt", fd, level, name, 132, 128);
    if (errno !== WASI_SUCCESS) throw new Error(`sock_getsockopt ${name}: errno ${errno}`);
    return this.word(132);
  }

  setOption(fd: number, level: number, name: number, value: number): number {
    this.memory.data.setInt32(132, value, true);
    return this.call("sock_setsockopt", fd, level, name, 132, 4);
  }

  reset(fd: number): number {
    return this.setOption(fd, SOL_LASTACK, LSO_RESET, 1);
  }

  error(fd: number): number {
    return this.option(fd, SOL_SOCKET, SO_ERROR);
  }

  outstanding(fd: number): number {
    return this.option(fd, SOL_LASTACK, LSO_OUTSTANDING);
  }

  finAcked(fd: number): number {
    return this.option(fd, SOL_LASTACK, LSO_FIN_ACKED);
  }

  state(fd: number): number {
    return this.option(fd, SOL_LASTACK, LSO_STATE);
  }

  capabilities(fd: number): number {
    return this.option(fd, SOL_LASTACK, LSO_CAPABILITIES);
  }

  sendTo(fd: number, bytes: Uint8Array, port: number): number {
    this.memory.u8.set(bytes, 4096);
    this.#iovec(bytes.length);
    const length = port ? writeSockaddr(this.memory.data, 64, "127.0.0.1", port) : 0;
    const errno = this.call("sock_send_to", fd, 16, 1, 0, 64, length, 0);
    return errno ? -errno : this.word(0);
  }

  receiveFrom(fd: number, max = 65536): { errno: number; bytes: Uint8Array; port: number; flags: number } {
    this.#iovec(max);
    this.memory.data.setUint32(128, 28, true);
    const errno = this.call("sock_recv_from", fd, 16, 1, 0, 64, 128, 0, 4);
    if (errno) return { errno, bytes: new Uint8Array(0), port: 0, flags: 0 };
    const port = readSockaddr(this.memory.data, 64, this.memory.data.getUint32(128, true))?.port ?? 0;
    return { errno, bytes: this.memory.u8.slice(4096, 4096 + this.word(0)), port, flags: this.memory.data.getUint16(4, true) };
  }

  datagram(): number {
    return this.open(SOCK_DGRAM);
  }
}
