/** The provider of host sockets on Node: descriptors over net.Socket, net.Server and dgram.Socket. */
import { WASI_EBADF, WASI_EINPROGRESS } from "../abi/link.gen.ts";
import { CAPABILITY_BIND_NOW, WASI_EAFNOSUPPORT, WASI_EISCONN, WASI_ENOPROTOOPT, WASI_EPROTONOSUPPORT } from "../abi/sockets.gen.ts";
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM } from "../abi/winsock.gen.ts";
import { type ByteParts, type DatagramInfo, FIRST_SOCKET_FD, type HostSockets, type SocketAddress } from "./contract.ts";
import { DatagramSocket } from "./datagram.ts";
import type { Endpoint, Surroundings } from "./endpoint.ts";
import { hasTcpHandles } from "./handle.ts";
import { type Kernel, platformKernel } from "./kernel.ts";
import { Stream } from "./stream.ts";

/** Above this mark FIN and RST go unseen (N-10). */
const PAUSE_BYTES = 262144;

export interface NodeSocketsOptions {
  /** false: do without koffi even where it is there. Default: used if it can be loaded. */
  readonly kernel?: boolean;
  /** false: do without Node's undocumented TCP handle. Default: used if it is there. */
  readonly handles?: boolean;
  /** Received bytes per connection at which reading pauses until the core has taken half. Default 262,144. */
  readonly pauseBytes?: number;
}

export class NodeSockets implements HostSockets {
  onReady: ((fd: number, bits: number) => void) | undefined;
  /** CAPABILITY_x of the TCP sockets: what is exact here (docs/closing.md). */
  readonly capabilities: number;
  optionValue = 0;
  readonly #around: Surroundings;
  readonly #handles: boolean;
  readonly #open = new Map<number, Endpoint>();
  /** Descriptors given back, oldest first: a number is reused as late as possible. */
  readonly #free: number[] = [];
  #next = FIRST_SOCKET_FD;

  constructor(options: NodeSocketsOptions = {}) {
    const kernel: Kernel | undefined = options.kernel === false ? undefined : platformKernel();
    this.#handles = options.handles !== false && hasTcpHandles();
    this.capabilities = (kernel?.capabilities ?? 0) | (this.#handles ? CAPABILITY_BIND_NOW : 0);
    const pauseBytes = options.pauseBytes ?? PAUSE_BYTES;
    this.#around = { kernel, capabilities: this.capabilities, pauseBytes, ready: (fd, bits) => this.onReady?.(fd, bits) };
  }

  #add(endpoint: Endpoint): number {
    const reuse = this.#free.length > 64 ? this.#free.shift() : undefined;
    endpoint.fd = reuse ?? this.#next++;
    this.#open.set(endpoint.fd, endpoint);
    return endpoint.fd;
  }

  /** `next` takes the descriptor over. */
  #replace(fd: number, previous: Endpoint, next: Endpoint): void {
    previous.fd = -1;
    next.fd = fd;
    this.#open.set(fd, next);
  }

  owns(fd: number): boolean {
    return this.#open.has(fd);
  }

  open(family: number, type: number): number {
    if (family !== AF_INET && family !== AF_INET6) return -WASI_EAFNOSUPPORT;
    if (type === SOCK_STREAM) return this.#add(new Stream(this.#around, this.#handles));
    return type === SOCK_DGRAM ? this.#add(new DatagramSocket(this.#around, family === AF_INET6)) : -WASI_EPROTONOSUPPORT;
  }

  bind(fd: number, address: SocketAddress): number {
    return this.#open.get(fd)?.bind(address) ?? -WASI_EBADF;
  }

  connect(fd: number, address: SocketAddress): number {
    const endpoint = this.#open.get(fd);
    if (!endpoint) return -WASI_EBADF;
    if (endpoint instanceof DatagramSocket) return endpoint.connect(address);
    if (!(endpoint instanceof Stream)) return -WASI_EISCONN;
    this.#replace(fd, endpoint, endpoint.connect(address));
    return -WASI_EINPROGRESS;
  }

  listen(fd: number, backlog: number): number {
    const endpoint = this.#open.get(fd);
    if (!endpoint) return -WASI_EBADF;
    if (!(endpoint instanceof Stream)) return -WASI_EISCONN;
    const listener = endpoint.listen(backlog);
    if (typeof listener === "number") return listener;
    this.#replace(fd, endpoint, listener);
    return 0;
  }

  accept(fd: number): number {
    const accepted = this.#open.get(fd)?.accept() ?? -WASI_EBADF;
    return typeof accepted === "number" ? accepted : this.#add(accepted);
  }

  receive(fd: number, into: ByteParts, peek: boolean): number {
    return this.#open.get(fd)?.receive(into, peek) ?? -WASI_EBADF;
  }

  send(fd: number, from: ByteParts): number {
    return this.#open.get(fd)?.send(from) ?? -WASI_EBADF;
  }

  receiveFrom(fd: number, into: ByteParts, peek: boolean, info: DatagramInfo): number {
    return this.#open.get(fd)?.receiveFrom(into, peek, info) ?? -WASI_EBADF;
  }

  sendTo(fd: number, from: ByteParts, to: SocketAddress | undefined): number {
    return this.#open.get(fd)?.sendTo(from, to) ?? -WASI_EBADF;
  }

  shutdown(fd: number, flags: number): number {
    return this.#open.get(fd)?.shutdown(flags) ?? -WASI_EBADF;
  }

  getOption(fd: number, level: number, name: number): number {
    const endpoint = this.#open.get(fd);
    if (!endpoint) return -WASI_EBADF;
    const value = endpoint.getOption(level, name);
    if (value === undefined) return -WASI_ENOPROTOOPT;
    this.optionValue = value;
    return 0;
  }

  setOption(fd: number, level: number, name: number, value: number): number {
    return this.#open.get(fd)?.setOption(level, name, value) ?? -WASI_EBADF;
  }

  localAddress(fd: number): SocketAddress | undefined {
    return this.#open.get(fd)?.localAddress();
  }

  peerAddress(fd: number): SocketAddress | undefined {
    return this.#open.get(fd)?.peerAddress();
  }

  close(fd: number): number {
    const endpoint = this.#open.get(fd);
    if (!endpoint) return -WASI_EBADF;
    this.#open.delete(fd);
    this.#free.push(fd);
    endpoint.fd = -1;
    endpoint.close();
    return 0;
  }

  dispose(): void {
    for (const fd of [...this.#open.keys()]) this.close(fd);
  }
}
