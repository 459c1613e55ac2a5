/**
 * What the WASI layer and a provider of host sockets owe each other. Every method returns at once: a result of 0 or more, or
 * minus a WASI errno (host/abi/link.gen.ts, sockets.gen.ts). Memory is copied during the call and never kept.
 */

export interface SocketAddress {
  /** Numeric: `192.0.2.1` or `2001:db8::1`. */
  readonly address: string;
  /** 0 to 65535. */
  readonly port: number;
  readonly family: "IPv4" | "IPv6";
  /** IPv6 link-local only. */
  readonly scopeId?: number;
}

/** Where bytes come from or go to: part i is `memory[parts[first + 2i] …]`, `parts[first + 2i + 1]` bytes long, all inside `memory`. */
export interface ByteParts {
  readonly memory: Uint8Array;
  readonly parts: Int32Array;
  readonly first: number;
  readonly count: number;
}

/** What receiveFrom found out beside the number of bytes copied. */
export interface DatagramInfo {
  from: SocketAddress | undefined;
  /** The datagram was longer than the parts; the rest is gone. */
  truncated: boolean;
}

/** Descriptors of host sockets start here, so that they never meet those of frame devices. */
export const FIRST_SOCKET_FD = 256;

export interface HostSockets {
  /**
   * Set by the driver of the core: the descriptor has READY_x bits to tell. It is never called from inside one of the methods
   * below, and never for a closed descriptor. After `accept` a descriptor may be readable without a call: receive once.
   */
  onReady: ((fd: number, bits: number) => void) | undefined;

  /** A socket of AF_INET or AF_INET6 and SOCK_STREAM or SOCK_DGRAM: its descriptor. */
  open(family: number, type: number): number;
  /** Without CAPABILITY_BIND_NOW the address is only noted; failures come from connect or listen, through readiness. */
  bind(fd: number, address: SocketAddress): number;
  /** Streams: EINPROGRESS, then READY_WRITE or READY_ERROR. Datagrams: 0. */
  connect(fd: number, address: SocketAddress): number;
  /** Without CAPABILITY_BIND_NOW 0 means "asked": READY_WRITE when it listens, READY_ERROR when it cannot. */
  listen(fd: number, backlog: number): number;
  /** The descriptor of the oldest connection not accepted yet, or EAGAIN. */
  accept(fd: number): number;
  /** Bytes of a stream; 0 = the peer's FIN, as often as asked; EAGAIN = none now. */
  receive(fd: number, into: ByteParts, peek: boolean): number;
  /** Bytes taken, possibly fewer than offered; EAGAIN = none, READY_WRITE will follow. */
  send(fd: number, from: ByteParts): number;
  /** One datagram, or EAGAIN. */
  receiveFrom(fd: number, into: ByteParts, peek: boolean, info: DatagramInfo): number;
  /** One datagram; `to` is undefined for a connected socket. */
  sendTo(fd: number, from: ByteParts, to: SocketAddress | undefined): number;
  /** SDFLAGS_x. The FIN follows the last byte `send` took; repeating it does nothing. */
  shutdown(fd: number, flags: number): number;
  /** The value comes back in `optionValue`. */
  getOption(fd: number, level: number, name: number): number;
  setOption(fd: number, level: number, name: number, value: number): number;
  /** Value of the last successful getOption. */
  readonly optionValue: number;
  localAddress(fd: number): SocketAddress | undefined;
  peerAddress(fd: number): SocketAddress | undefined;
  /** Gives the descriptor back. What `send` took is still delivered, then FIN; unread or arriving bytes reset the connection. */
  close(fd: number): number;
  /** true for a descriptor of this provider that is open. */
  owns(fd: number): boolean;
  /** Closes everything that is open, as `close` does. */
  dispose(): void;
}
