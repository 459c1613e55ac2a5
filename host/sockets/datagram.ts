/** A UDP socket over node:dgram. Datagrams are kept here until received, and counted when they are not (N-31). */
import * as dgram from "node:dgram";
import { READY_ERROR, READY_READ, READY_WRITE } from "../abi/events.gen.ts";
import * as link from "../abi/link.gen.ts";
import { WASI_EDESTADDRREQ, WASI_EISCONN } from "../abi/sockets.gen.ts";
import { IP_TTL, IPPROTO_IP, SO_BROADCAST, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET } from "../abi/winsock.gen.ts";
import type { ByteParts, DatagramInfo, SocketAddress } from "./contract.ts";
import { copyIn, copyOut, Endpoint, type Surroundings } from "./endpoint.ts";
import { errnoOfError } from "./errno.ts";
import { hostText } from "./handle.ts";

/** Received bytes kept; more is dropped, as a full socket buffer does. */
const QUEUE_BYTES = 1048576;
/** What a datagram costs beside its bytes, so that empty ones are bounded too. */
const QUEUE_OVERHEAD = 256;
/** Bytes Node may hold for sending before EAGAIN. */
const SEND_BYTES = 1048576;

interface Datagram {
  readonly bytes: Buffer;
  readonly from: SocketAddress;
}

/** Addresses are numeric, so nothing has to be looked up; answering at once makes bind answer at once. */
function lookupNumeric(name: string, family: unknown, callback: unknown): void {
  const done = (typeof family === "function" ? family : callback) as (error: null, address: string, family: number) => void;
  done(null, name, name.includes(":") ? 6 : 4);
}

export class DatagramSocket extends Endpoint {
  readonly #socket: dgram.Socket;
  readonly #six: boolean;
  readonly #queue: Datagram[] = [];
  #queued = 0;
  #dropped = 0;
  #bound = false;
  /** Options set before it is bound. */
  readonly #options: [level: number, name: number, value: number][] = [];
  #connected: SocketAddress | undefined;
  /** The first failure that nobody has been told of (an ICMP error, on a connected socket). */
  #error = 0;
  #sending = 0;
  #sendingBytes = 0;
  #wantsWrite = false;
  #released = false;
  /** Set while a call waits for Node's synchronous answer. */
  #answer: { errno: number } | undefined;

  constructor(around: Surroundings, six: boolean) {
    super(around);
    this.#six = six;
    this.#socket = dgram.createSocket({ type: six ? "udp6" : "udp4", ipv6Only: six, lookup: lookupNumeric as unknown as NonNullable<dgram.SocketOptions["lookup"]> });
    this.#socket.on("message", (bytes, from) => this.#onMessage(bytes, from));
    this.#socket.on("error", (error) => this.#onError(errnoOfError(error)));
  }

  #onMessage(bytes: Buffer, from: dgram.RemoteInfo): void {
    const size = bytes.length + QUEUE_OVERHEAD;
    if (this.#released || this.#queued + size > QUEUE_BYTES) {
      this.#dropped++;
      return;
    }
    this.#queued += size;
    this.#queue.push({ bytes, from: { address: from.address, port: from.port, family: from.family } });
    this.raise(READY_READ);
  }

  #onError(errno: number): void {
    if (this.#answer) {
      this.#answer.errno = errno;
      return;
    }
    if (!this.#error) this.#error = errno;
    this.raise(READY_ERROR);
  }

  #takeError(): number {
    const errno = this.#error;
    this.#error = 0;
    return errno;
  }

  override bind(address: SocketAddress): number {
    if (this.#bound) return -link.WASI_EINVAL;
    const answer = { errno: 0 };
    this.#answer = answer;
    this.#socket.bind({ address: hostText(address), port: address.port, exclusive: true });
    this.#answer = undefined;
    if (answer.errno !== 0) return -answer.errno;
    this.#bound = true;
    for (const [level, name, value] of this.#options.splice(0)) this.setOption(level, name, value);
    return 0;
  }

  /** A send or connect on a fresh socket takes a port of the system's choice. */
  #ensureBound(): number {
    return this.#bound ? 0 : this.bind({ address: this.#six ? "::" : "0.0.0.0", port: 0, family: this.#six ? "IPv6" : "IPv4" });
  }

  /** Sets the peer; port 0 removes it. */
  connect(to: SocketAddress): number {
    const failed = this.#ensureBound();
    if (failed) return failed;
    if (this.#connected) this.#socket.disconnect();
    this.#connected = undefined;
    if (to.port === 0) return 0;
    this.#socket.connect(to.port, hostText(to));
    try {
      this.#socket.remoteAddress();
    } catch (error) {
      return -errnoOfError(error);
    }
    this.#connected = to;
    return 0;
  }

  override receiveFrom(into: ByteParts, peek: boolean, info: DatagramInfo): number {
    const first = this.#queue[0];
    if (!first) return -(this.#takeError() || link.WASI_EAGAIN);
    const copied = copyIn(into, 0, first.bytes, 0);
    info.from = first.from;
    info.truncated = copied < first.bytes.length;
    if (!peek) {
      this.#queue.shift();
      this.#queued -= first.bytes.length + QUEUE_OVERHEAD;
    }
    return copied;
  }

  override receive(into: ByteParts, peek: boolean): number {
    return this.receiveFrom(into, peek, { from: undefined, truncated: false });
  }

  override sendTo(from: ByteParts, to: SocketAddress | undefined): number {
    if (!to && !this.#connected) return -WASI_EDESTADDRREQ;
    if (to && this.#connected) return -WASI_EISCONN;
    const failed = this.#ensureBound();
    if (failed) return failed;
    if (this.#sendingBytes >= SEND_BYTES) {
      this.#wantsWrite = true;
      return -link.WASI_EAGAIN;
    }
    const bytes = copyOut(from, Number.POSITIVE_INFINITY);
    const done = (error: Error | null): void => this.#onSent(error, bytes.length);
    this.#sending++;
    this.#sendingBytes += bytes.length;
    try {
      if (to) this.#socket.send(bytes, to.port, hostText(to), done);
      else this.#socket.send(bytes, done);
    } catch (error) {
      this.#sending--;
      this.#sendingBytes -= bytes.length;
      return -errnoOfError(error);
    }
    return bytes.length;
  }

  override send(from: ByteParts): number {
    return this.sendTo(from, undefined);
  }

  #onSent(error: Error | null, bytes: number): void {
    this.#sending--;
    this.#sendingBytes -= bytes;
    if (error) this.#onError(errnoOfError(error));
    if (this.#released) {
      this.#closeWhenSent();
      return;
    }
    if (!this.#wantsWrite || this.#sendingBytes >= SEND_BYTES) return;
    this.#wantsWrite = false;
    this.raise(READY_WRITE);
  }

  override shutdown(): number {
    // S rows: flags of the core; nothing goes on the wire.
    return 0;
  }

  override setOption(level: number, name: number, value: number): number {
    if (!this.#bound) {
      // Node has no descriptor yet.
      this.#options.push([level, name, value]);
      return 0;
    }
    try {
      if (level === SOL_SOCKET && name === SO_BROADCAST) this.#socket.setBroadcast(value !== 0);
      else if (level === SOL_SOCKET && name === SO_SNDBUF) this.#socket.setSendBufferSize(value);
      else if (level === SOL_SOCKET && name === SO_RCVBUF) this.#socket.setRecvBufferSize(value);
      else if (level === IPPROTO_IP && name === IP_TTL) this.#socket.setTTL(value);
      else return super.setOption(level, name, value);
    } catch (error) {
      return -errnoOfError(error);
    }
    return 0;
  }

  override localAddress(): SocketAddress | undefined {
    if (!this.#bound || this.#released) return undefined;
    const at = this.#socket.address();
    return { address: at.address, port: at.port, family: at.family === "IPv6" ? "IPv6" : "IPv4" };
  }

  override peerAddress(): SocketAddress | undefined {
    return this.#connected;
  }

  protected override error(): number {
    return this.#takeError();
  }

  protected override dropped(): number {
    return this.#dropped;
  }

  protected override firstDatagram(): number {
    return this.#queue[0]?.bytes.length ?? -1;
  }

  protected override queuedDatagrams(): number {
    return this.#queue.length;
  }

  /** C-49: what was received is discarded, what was sent still goes out. */
  override close(): void {
    this.#released = true;
    this.#queue.length = 0;
    this.#closeWhenSent();
  }

  #closeWhenSent(): void {
    if (this.#sending === 0) this.#socket.close();
  }
}
