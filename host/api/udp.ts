/** Datagrams with promises. */
import { WSAECONNRESET, WSAEDESTADDRREQ, WSAEINTR, WSAEMSGSIZE, WSAENOTSOCK } from "../abi/errors.gen.ts";
import { OP_RECV, OP_SEND } from "../abi/events.gen.ts";
import { ANY_ADDRESS, checkPeerAddress, type Endpoint } from "./address.ts";
import { checkBytes, checkOptions, checkPort, checkSignal } from "./check.ts";
import type { Engine, Owner } from "./engine.ts";
import { SocketError } from "./error.ts";
import { promised, Requests, WAITING } from "./requests.ts";
import type { WaitOptions } from "./socket-options.ts";

/** One received datagram and where it came from. */
export interface Datagram extends Endpoint {
  /** All of it, an array of its own; empty for an empty datagram. */
  readonly data: Uint8Array;
}

/** An address and port to send to. A received datagram names its source, so it will do. */
export function checkEndpoint(argument: string, value: unknown): Endpoint {
  const { address, port } = checkOptions(argument, value as { address: unknown; port: unknown }, ["address", "port", "data"]);
  return { address: checkPeerAddress(`${argument}.address`, address), port: checkPort(`${argument}.port`, port) };
}

/** A UDP socket; an async iterable of what it receives. Datagrams may be lost, doubled or overtaken, as UDP's are. */
export class UdpSocket implements Owner {
  readonly #engine: Engine;
  readonly #handle: number;
  readonly #receives = new Requests<Datagram>();
  readonly #sends = new Requests<void>();
  readonly #forget: () => void;
  #remote: Endpoint | undefined;
  #closed = false;

  /** @internal Made by Stack.udp. */
  constructor(engine: Engine, handle: number, forget: () => void) {
    this.#engine = engine;
    this.#handle = handle;
    this.#forget = forget;
    engine.own(handle, this);
  }

  /** Where it receives; port 0 until it is bound or has sent. */
  get localAddress(): Endpoint {
    const name = this.#closed || !this.#engine.alive ? undefined : this.#engine.calls.localName(this.#handle);
    return name ?? { address: ANY_ADDRESS, port: 0 };
  }

  /** The peer given to connect. */
  get remoteAddress(): Endpoint | undefined {
    return this.#remote;
  }

  /** Sets where datagrams go without an address; only this peer's are received from now on. Nothing is sent. */
  connect(peer: Endpoint): void {
    const remote = checkEndpoint("peer", peer);
    this.#ensureOpen("connect");
    if (!this.#engine.calls.connect(this.#handle, remote)) throw this.#error("connect", this.#engine.calls.error, remote);
    this.#remote = remote;
  }

  /**
   * Sends one datagram; the promise settles when the stack has queued it, which says nothing of its arrival.
   * @param to Not needed after connect.
   * @throws SocketError: EMSGSIZE for more than the network takes (65507 bytes), EDESTADDRREQ without an address.
   */
  send(data: ArrayBufferView, to?: Endpoint, options: WaitOptions = {}): Promise<void> {
    return promised(() => {
      const bytes = checkBytes("data", data);
      const target = to === undefined ? undefined : checkEndpoint("to", to);
      const signal = checkSignal("signal", checkOptions("options", options, ["signal"]).signal);
      if (!target && !this.#remote) return Promise.reject(this.#error("send", WSAEDESTADDRREQ));
      return this.#sends.add(() => this.#send(bytes, target), signal);
    });
  }

  /**
   * Waits for the next datagram.
   * @throws SocketError: ECONNRESET on a connected socket whose peer answered port unreachable (semantics R-33), EINTR when
   * the socket is closed meanwhile.
   */
  receive(options: WaitOptions = {}): Promise<Datagram> {
    return promised(() => {
      const signal = checkSignal("signal", checkOptions("options", options, ["signal"]).signal);
      return this.#receives.add(() => this.#receive(), signal);
    });
  }

  /** The datagrams as they come, until the socket is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, void, undefined> {
    while (!this.#closed) {
      let datagram: Datagram;
      try {
        datagram = await this.receive();
      } catch (error) {
        if (this.#closed) return;
        throw error;
      }
      yield datagram;
    }
  }

  /** Closes the socket: what is queued for sending still goes out, what was received is discarded (semantics C-49). */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    const gone = this.#error("receive", WSAEINTR, undefined, "the socket was closed before a datagram came");
    this.#receives.fail(gone);
    this.#sends.fail(this.#error("send", WSAEINTR, undefined, "the socket was closed before the call could finish"));
    if (!this.#engine.alive) return;
    this.#engine.calls.close(this.#handle);
    this.#engine.kick();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  wake(operation: number): void {
    if (operation === OP_RECV) {
      if (this.#closed) this.#engine.calls.receiveFrom(this.#handle);
      else this.#receives.retry();
    } else if (operation === OP_SEND) {
      if (this.#closed) this.#engine.calls.sendTo(this.#handle, 0, undefined);
      else this.#sends.retry();
    }
  }

  /** @internal */
  fatal(error: Error): void {
    this.#closed = true;
    this.#receives.fail(error);
    this.#sends.fail(error);
  }

  #error(operation: string, wsa: number, remote = this.#remote, text?: string): SocketError {
    const local = this.localAddress;
    return new SocketError(operation, wsa, { local, remote, ...(text && { text }) });
  }

  #ensureOpen(operation: string): void {
    this.#engine.check(operation);
    if (this.#closed) throw this.#error(operation, WSAENOTSOCK);
  }

  #send(bytes: Uint8Array, to: Endpoint | undefined): typeof WAITING | undefined {
    this.#ensureOpen("send");
    const { calls } = this.#engine;
    if (bytes.length > calls.dataSize) throw this.#error("send", WSAEMSGSIZE, to);
    calls.place(bytes);
    if (!calls.sendTo(this.#handle, bytes.length, to)) {
      if (calls.mustWait) return WAITING;
      throw this.#error("send", calls.error, to);
    }
    this.#engine.kick();
    return undefined;
  }

  #receive(): Datagram | typeof WAITING {
    this.#ensureOpen("receive");
    const { calls } = this.#engine;
    let length = calls.receiveFrom(this.#handle);
    // A port unreachable for one of many peers says nothing about the others; it is given out once per event.
    while (length < 0 && calls.error === WSAECONNRESET && !this.#remote) length = calls.receiveFrom(this.#handle);
    if (length < 0) {
      if (calls.mustWait) return WAITING;
      throw this.#error("receive", calls.error);
    }
    return { ...calls.from, data: calls.bytes.slice(calls.data, calls.data + length) };
  }
}
