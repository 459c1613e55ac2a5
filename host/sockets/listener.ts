/** A listening socket over net.Server, and the connections it has that nobody accepted yet. */
import * as net from "node:net";
import { READY_ERROR, READY_READ, READY_WRITE } from "../abi/events.gen.ts";
import * as link from "../abi/link.gen.ts";
import { WASI_EISCONN } from "../abi/sockets.gen.ts";
import { SO_ACCEPTCONN, SOL_SOCKET, TCP_LISTEN } from "../abi/winsock.gen.ts";
import { Connection } from "./connection.ts";
import type { SocketAddress } from "./contract.ts";
import { Endpoint, type Surroundings } from "./endpoint.ts";
import { errnoOfError, errnoOfSystem } from "./errno.ts";
import { handleAddress, hostText, type TcpHandle } from "./handle.ts";

/** A queue longer than this is the peer's problem, whatever backlog was asked for. */
const QUEUE_LIMIT = 4096;

export class Listener extends Endpoint {
  readonly #server: net.Server;
  readonly #queue: Connection[] = [];
  readonly #backlog: number;
  #local: SocketAddress | undefined;
  #error = 0;

  /** @param bound A bound handle, or the address where there are none. @param backlog Connections that may wait, at least 1. */
  constructor(around: Surroundings, bound: TcpHandle | SocketAddress, backlog: number) {
    super(around);
    this.#backlog = Math.min(Math.max(backlog, 1), QUEUE_LIMIT);
    this.#server = net.createServer({ allowHalfOpen: true }, (socket) => this.#onConnection(socket));
    this.#server.on("error", (error) => this.#fail(errnoOfError(error)));
    if ("getsockname" in bound) this.#listenOn(bound);
    else this.#listenAt(bound);
  }

  /** The WASI errno of a listen that failed at once; the object is of no use then. */
  get failure(): number {
    return this.#error;
  }

  #listenOn(handle: TcpHandle): void {
    // Called here for its answer; net.Server calls it again, which changes nothing.
    const result = handle.listen(this.#backlog);
    if (result !== 0) {
      this.#error = errnoOfSystem(-result);
      handle.close();
      return;
    }
    this.#local = handleAddress(handle);
    this.#server.listen({ _handle: handle }, this.#backlog);
  }

  #listenAt(address: SocketAddress): void {
    this.#local = address;
    this.#server.once("listening", () => {
      const at = this.#server.address() as net.AddressInfo;
      this.#local = { address: at.address, port: at.port, family: at.family === "IPv6" ? "IPv6" : "IPv4" };
      this.raise(READY_WRITE);
    });
    this.#server.listen({ host: hostText(address), port: address.port, backlog: this.#backlog, exclusive: true });
  }

  #onConnection(socket: net.Socket): void {
    const connection = new Connection(this.around, socket);
    if (this.#queue.length >= this.#backlog) {
      // Node accepts before anybody asks; a full backlog is answered as Windows does, with a reset.
      connection.reset();
      return;
    }
    this.#queue.push(connection);
    this.raise(READY_READ);
  }

  #fail(errno: number): void {
    // EMFILE and its like concern one connection that is not there; the listener goes on.
    if (this.#server.listening) return;
    this.#error = errno;
    this.raise(READY_ERROR);
  }

  override accept(): Endpoint | number {
    return this.#queue.shift() ?? -(this.#error || link.WASI_EAGAIN);
  }

  override shutdown(): number {
    return -WASI_EISCONN;
  }

  override getOption(level: number, name: number): number | undefined {
    return level === SOL_SOCKET && name === SO_ACCEPTCONN ? 1 : super.getOption(level, name);
  }

  override localAddress(): SocketAddress | undefined {
    return this.#local;
  }

  protected override error(): number {
    return this.#error;
  }

  protected override state(): number {
    return TCP_LISTEN;
  }

  /** N-25: what the kernel still queues it resets itself; what came up to here is reset here. */
  override close(): void {
    for (const connection of this.#queue.splice(0)) {
      connection.reset();
      connection.close();
    }
    if (this.#server.listening) this.#server.close();
    else this.#server.once("listening", () => this.#server.close());
  }
}
