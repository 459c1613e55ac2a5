/** A stream socket before it is either a connection or a listener. */
import * as net from "node:net";
import { WASI_EINVAL } from "../abi/link.gen.ts";
import { IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_NODELAY } from "../abi/winsock.gen.ts";
import { Connection } from "./connection.ts";
import type { SocketAddress } from "./contract.ts";
import { Endpoint, type Surroundings } from "./endpoint.ts";
import { boundHandle, handleAddress, hasTcpHandles, hostText, type TcpHandle } from "./handle.ts";
import { Listener } from "./listener.ts";

export class Stream extends Endpoint {
  readonly #handles: boolean;
  #bound: SocketAddress | undefined;
  #handle: TcpHandle | undefined;
  /** Options set before there is a connection. */
  readonly #options: [level: number, name: number, value: number][] = [];

  /** @param handles false: do without Node's TCP handle, as where there is none. */
  constructor(around: Surroundings, handles: boolean) {
    super(around);
    this.#handles = handles && hasTcpHandles();
  }

  override bind(address: SocketAddress): number {
    if (this.#bound) return -WASI_EINVAL;
    if (!this.#handles) {
      this.#bound = address;
      return 0;
    }
    const handle = boundHandle(address);
    if (typeof handle === "number") return handle;
    this.#handle = handle;
    this.#bound = handleAddress(handle) ?? address;
    return 0;
  }

  /** The connection that takes this socket's place. Its outcome comes as readiness. */
  connect(to: SocketAddress): Connection {
    const handle = this.#handle;
    this.#handle = undefined;
    // manualStart: a bound handle is not readable before it is connected.
    const socket = new net.Socket({ allowHalfOpen: true, ...(handle && { handle, manualStart: true }) } as net.SocketConstructorOpts);
    const from = !handle && this.#bound ? { localAddress: hostText(this.#bound), localPort: this.#bound.port } : {};
    socket.connect({ host: hostText(to), port: to.port, ...from });
    const connection = new Connection(this.around, socket);
    for (const [level, name, value] of this.#options) connection.setOption(level, name, value);
    return connection;
  }

  /** The listener that takes this socket's place, or minus a WASI errno. */
  listen(backlog: number): Listener | number {
    if (!this.#bound) return -WASI_EINVAL;
    const listener = new Listener(this.around, this.#handle ?? this.#bound, backlog);
    if (listener.failure) {
      this.#handle = undefined;
      return -listener.failure;
    }
    this.#handle = undefined;
    return listener;
  }

  override setOption(level: number, name: number, value: number): number {
    if (!(level === IPPROTO_TCP && name === TCP_NODELAY) && !(level === SOL_SOCKET && name === SO_KEEPALIVE)) return super.setOption(level, name, value);
    this.#options.push([level, name, value]);
    return 0;
  }

  override localAddress(): SocketAddress | undefined {
    return this.#bound;
  }

  override close(): void {
    this.#handle?.close();
    this.#handle = undefined;
  }
}
