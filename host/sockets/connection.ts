/**
 * One TCP connection over net.Socket, with the closing procedure of semantics N.3. The core decides what kind of close it is;
 * here are the means: a FIN behind the last byte, a reset in any state, and what is known of acknowledgements.
 *
 * Two ways of doing it. With a Kernel (koffi) the FIN is shutdown(2) on the descriptor, so that Node never believes the socket
 * finished and never closes it under us; a reset is SO_LINGER {1,0} and close. Without, Node's own `end` and `resetAndDestroy`.
 */
import type * as net from "node:net";
import { READY_ERROR, READY_HANGUP, READY_READ, READY_WRITE } from "../abi/events.gen.ts";
import * as link from "../abi/link.gen.ts";
import { SDFLAGS_WR, WASI_ENOTCONN } from "../abi/sockets.gen.ts";
import { IPPROTO_TCP, SO_KEEPALIVE, SOL_SOCKET, TCP_CLOSED, TCP_KEEPALIVE, TCP_NODELAY, TCP_SYN_SENT } from "../abi/winsock.gen.ts";
import type { ByteParts, SocketAddress } from "./contract.ts";
import { copyOut, Endpoint, type Surroundings } from "./endpoint.ts";
import { errnoOfError } from "./errno.ts";
import { Inbox } from "./inbox.ts";
import type { Outgoing } from "./kernel.ts";

/** Bytes taken by one `send`. One write is in flight at a time: what Node holds is then exactly known. */
const SEND_BYTES = 262144;

/** The undocumented part of net.Socket this file reads: its descriptor, and the bytes libuv holds. */
interface Handle {
  readonly fd?: number;
  readonly writeQueueSize?: number;
}

/** What was known of the sending side when Node closed the descriptor. */
interface LastKnown {
  readonly outstanding: number;
  readonly finAcked: number;
  readonly state: number;
}

function addressOf(address: string | undefined, port: number | undefined, family: string | undefined): SocketAddress | undefined {
  if (address === undefined || port === undefined) return undefined;
  const percent = address.indexOf("%");
  return { address: percent < 0 ? address : address.slice(0, percent), port, family: family === "IPv6" ? "IPv6" : "IPv4" };
}

export class Connection extends Endpoint {
  readonly #socket: net.Socket;
  readonly #inbox = new Inbox();
  readonly #outgoing: Outgoing = { accepted: 0, waiting: 0, base: -1, fin: false };
  #connected = false;
  #paused = false;
  /** The core asked for a FIN, and Node was told to send it. `#outgoing.fin`: the kernel has it. */
  #finWanted = false;
  #ending = false;
  /** The peer's FIN was seen. */
  #ended = false;
  /** WASI errno of the failure, 0 while there is none. */
  #error = 0;
  #resetWanted = false;
  /** The core gave the descriptor back. */
  #released = false;
  #wantsWrite = false;
  #last: LastKnown | undefined;
  #local: SocketAddress | undefined;
  #peer: SocketAddress | undefined;

  /** @param socket Connecting, or connected and not read yet; made with allowHalfOpen (N-33). */
  constructor(around: Surroundings, socket: net.Socket) {
    super(around);
    this.#socket = socket;
    const destroy = socket._destroy;
    // The last moment at which the descriptor can be asked.
    socket._destroy = (error, callback) => {
      this.#remember();
      destroy.call(socket, error, callback);
    };
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("end", () => this.#onEnd());
    socket.on("error", (error) => this.#fail(errnoOfError(error)));
    socket.on("finish", () => this.#onFinish());
    if (socket.connecting) socket.on("connect", () => this.#onConnect());
    else this.#start();
  }

  #start(): void {
    this.#connected = true;
    this.#local = addressOf(this.#socket.localAddress, this.#socket.localPort, this.#socket.localFamily);
    this.#peer = addressOf(this.#socket.remoteAddress, this.#socket.remotePort, this.#socket.remoteFamily);
    const os = this.#descriptor();
    if (os >= 0) this.#outgoing.base = this.around.kernel?.baseline(os) ?? -1;
  }

  #onConnect(): void {
    this.#start();
    this.raise(READY_WRITE);
  }

  #onData(chunk: Buffer): void {
    if (this.#resetWanted) return;
    if (this.#released) {
      // N-15, C-45: nobody is left to read this, and the peer must know.
      this.reset();
      return;
    }
    this.#inbox.push(chunk);
    if (this.#inbox.bytes >= this.around.pauseBytes && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    this.raise(READY_READ);
  }

  #onEnd(): void {
    // N-09: libuv turns a reset behind data into an end. Only the kernel can tell them apart.
    const error = this.#askError();
    if (error) {
      this.#fail(error);
      return;
    }
    this.#ended = true;
    this.raise(READY_READ | READY_HANGUP);
  }

  /** The failure is remembered and the descriptor given back to the system. */
  #break(errno: number): void {
    if (this.#error || this.#resetWanted) return;
    this.#error = errno;
    this.#socket.destroy();
  }

  #fail(errno: number): void {
    if (this.#error || this.#resetWanted) return;
    this.#break(errno);
    this.raise(READY_ERROR | READY_READ | READY_WRITE);
  }

  /** Node's descriptor of the socket, -1 where it shows none. */
  #descriptor(): number {
    return (this.#socket as unknown as { _handle?: Handle | null })._handle?.fd ?? -1;
  }

  #askError(): number {
    const os = this.#descriptor();
    return os >= 0 ? (this.around.kernel?.takeError(os) ?? 0) : 0;
  }

  #remember(): void {
    if (this.#last) return;
    this.#last = { outstanding: this.outstanding(), finAcked: this.finAcked(), state: TCP_CLOSED };
  }

  override receive(into: ByteParts, peek: boolean): number {
    if (this.#inbox.bytes > 0) {
      const taken = this.#inbox.take(into, peek);
      if (this.#paused && this.#inbox.bytes <= this.around.pauseBytes / 2 && !this.#socket.destroyed) {
        this.#paused = false;
        this.#socket.resume();
      }
      return taken;
    }
    // After a FIN Node stops looking, so a reset behind it has to be asked for.
    if (this.#ended ? this.error() : this.#error) return -this.#error;
    if (this.#ended) return 0;
    if (!this.#connected) return -WASI_ENOTCONN;
    return this.#resetWanted || this.#socket.destroyed ? -link.WASI_ECONNABORTED : -link.WASI_EAGAIN;
  }

  override send(from: ByteParts): number {
    if (this.#error) return -this.#error;
    if (!this.#connected) return -WASI_ENOTCONN;
    // N-03, N-04: a write after end would destroy the socket.
    if (this.#finWanted) return -link.WASI_EPIPE;
    if (this.#resetWanted || this.#socket.destroyed) return -link.WASI_ECONNABORTED;
    if (this.#socket.writableLength > 0) {
      this.#wantsWrite = true;
      return -link.WASI_EAGAIN;
    }
    const bytes = copyOut(from, SEND_BYTES);
    if (bytes.length === 0) return 0;
    this.#outgoing.accepted += bytes.length;
    this.#socket.write(bytes, this.#onWritten);
    return bytes.length;
  }

  readonly #onWritten = (): void => {
    // A reset that waits for the shutdown in flight is on its way (N-07).
    if (this.#socket.writableLength > 0 || this.#error || this.#resetWanted) return;
    if (this.#released) {
      this.#giveBack();
      return;
    }
    // The caller of a pending shutdown has its answer: a failure here comes to it as readiness.
    const failed = this.#finish();
    if (failed) this.#fail(-failed);
    if (!this.#wantsWrite) return;
    this.#wantsWrite = false;
    this.raise(READY_WRITE);
  };

  override shutdown(flags: number): number {
    if (!this.#connected) return -WASI_ENOTCONN;
    // N-16: the receive side is the core's affair. SHUT_RD on Linux would still accept data (P-14).
    if (!(flags & SDFLAGS_WR) || this.#finWanted) return 0;
    if (this.#error) return -this.#error;
    this.#finWanted = true;
    const failed = this.#finish();
    if (failed) this.#break(-failed);
    return failed;
  }

  /** Sends the FIN that was asked for, once Node holds no more bytes (N-19: until then a reset must stay possible). */
  #finish(): number {
    if (!this.#finWanted || this.#outgoing.fin || this.#ending || this.#socket.writableLength > 0 || this.#socket.destroyed) return 0;
    const os = this.#descriptor();
    if (this.around.kernel && os >= 0) {
      const result = this.around.kernel.shutdownSend(os);
      if (result === 0) this.#outgoing.fin = true;
      return result === 0 ? 0 : -(this.#askError() || -result);
    }
    this.#ending = true;
    this.#socket.end();
    return 0;
  }

  /** Only without a Kernel: shutdown() has returned. Nothing is acknowledged by that (N-02). */
  #onFinish(): void {
    this.#outgoing.fin = true;
    if (this.#resetWanted) this.#hardClose();
    else this.raise(READY_WRITE);
  }

  override reset(): void {
    if (this.#resetWanted || this.#error) return;
    this.#remember();
    this.#resetWanted = true;
    this.#inbox.clear();
    // N-07: resetAndDestroy fails while a shutdown is in flight; 'finish' ends that without waiting for the network.
    const inFlight = this.#ending && !this.#outgoing.fin;
    if (!inFlight) this.#hardClose();
  }

  #hardClose(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    const os = this.#descriptor();
    // N-08: nothing was sent while connecting, and resetAndDestroy would wait for the connection.
    if (socket.connecting || (os >= 0 && this.around.kernel?.armReset(os))) socket.destroy();
    else socket.resetAndDestroy();
  }

  /** Bytes that are still in Node. */
  #waiting(): number {
    if (this.#socket.writableLength === 0) return 0;
    const handle = (this.#socket as unknown as { _handle?: Handle | null })._handle;
    return handle?.writeQueueSize ?? this.#socket.writableLength;
  }

  protected override outstanding(): number {
    if (this.#last) return this.#last.outstanding;
    if (!this.#connected) return 0;
    const os = this.#descriptor();
    if (!this.around.kernel || os < 0) return -1;
    this.#outgoing.waiting = this.#waiting();
    return this.around.kernel.outstanding(os, this.#outgoing);
  }

  /** Without a Kernel 0 while the FIN is still with Node, -1 from then on: N-21's "treat as outstanding until 'finish'". */
  protected override finAcked(): number {
    if (this.#last) return this.#last.finAcked;
    if (!this.#outgoing.fin) return 0;
    const os = this.#descriptor();
    return this.around.kernel && os >= 0 ? this.around.kernel.finAcked(os, this.#outgoing) : -1;
  }

  protected override state(): number {
    if (this.#last) return this.#last.state;
    if (!this.#connected) return TCP_SYN_SENT;
    const os = this.#descriptor();
    return os >= 0 ? (this.around.kernel?.state(os) ?? -1) : -1;
  }

  /** Also how a reset becomes known that Node does not report: while paused, or after the peer's FIN (N-10, P-21). */
  protected override error(): number {
    if (!this.#error && this.#connected && !this.#resetWanted) {
      const error = this.#askError();
      if (error) this.#break(error);
    }
    return this.#error;
  }

  override setOption(level: number, name: number, value: number): number {
    if (level === IPPROTO_TCP && name === TCP_NODELAY) this.#socket.setNoDelay(value !== 0);
    else if (level === SOL_SOCKET && name === SO_KEEPALIVE) this.#socket.setKeepAlive(value !== 0);
    else if (level === IPPROTO_TCP && name === TCP_KEEPALIVE) this.#socket.setKeepAlive(true, value * 1000);
    else return super.setOption(level, name, value);
    return 0;
  }

  override localAddress(): SocketAddress | undefined {
    return this.#local;
  }

  override peerAddress(): SocketAddress | undefined {
    return this.#peer;
  }

  override close(): void {
    if (this.#released) return;
    this.#released = true;
    // C-44: bytes that were received and never read.
    if (this.#inbox.bytes > 0) this.reset();
    // N-13: destroy() would throw away what is still in Node, and the peer would see a clean end.
    if (this.#resetWanted || this.#error || this.#socket.writableLength > 0) return;
    this.#giveBack();
  }

  /** Closes the descriptor, after the shutdown that is in flight. */
  #giveBack(): void {
    if (this.#ending && !this.#outgoing.fin) this.#socket.destroySoon();
    else this.#socket.destroy();
  }
}
