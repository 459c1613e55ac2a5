/** A TCP/IP stack of its own: creation, opening sockets, closing everything. */
import * as abi from "../abi/config.gen.ts";
import { CATALOG_HOST_TCP, CATALOG_HOST_UDP, CATALOG_INET_TCP, CATALOG_INET_UDP } from "../abi/sockets.gen.ts";
import { SO_ERROR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SOMAXCONN } from "../abi/winsock.gen.ts";
import type { CoreStats } from "../core/index.ts";
import { ANY_ADDRESS, checkAddress, checkPeerAddress, type Endpoint } from "./address.ts";
import { checkInteger, checkLocalPort, checkOptions, checkPort, checkSignal, checkTime, checkWord, wrongValue } from "./check.ts";
import { LocalBackend } from "./backend.ts";
import { Engine } from "./engine.ts";
import { SocketError } from "./error.ts";
import { Handshake } from "./handshake.ts";
import { openHost } from "./host.ts";
import type { StackOptions } from "./options.ts";
import type { CloseReport } from "./report.ts";
import { promised } from "./requests.ts";
import { Server } from "./server.ts";
import { Socket } from "./socket.ts";
import type { CloseKnobs } from "./socket-options.ts";
import { UdpSocket } from "./udp.ts";
import { openWorker } from "../worker/worker.ts";

/** `inet`: the stack's own TCP/IP over its devices and loopback. `host`: sockets of the operating system (StackOptions.hostSockets). */
export type ProviderName = "inet" | "host";

/** Where and how `Stack.connect` connects. */
export interface ConnectOptions {
  /** Dotted IPv4 address of the peer. Names are not resolved. */
  address?: string;
  /** Another name for `address`, which takes the same; one of them is needed. */
  host?: string;
  /** 1 to 65535. */
  port: number;
  /** One of the stack's own addresses. Default: the one the route chooses. */
  localAddress?: string;
  /** Default 0: the stack chooses. */
  localPort?: number;
  /** Whose TCP to use, in a stack that has both. Default: the stack's own if it has a device. */
  provider?: ProviderName;
  /** Gives the attempt up; the promise is rejected with the signal's reason. */
  signal?: AbortSignal;
  /** Gives the attempt up after this many milliseconds (1 to 2147483647) with ETIMEDOUT. Default: the stack's synRetries decide, three minutes. */
  timeoutMs?: number;
}

/** Where `Stack.listen` listens. */
export interface ListenOptions {
  /** One of the stack's own addresses. Default 0.0.0.0: all of them, on host sockets all of the machine's. */
  address?: string;
  /** 0 lets the stack choose. */
  port: number;
  /** Connections that may wait to be accepted, 1 to 2147483647; more than 1024 are 1024, which is the default. */
  backlog?: number;
  /** Whose TCP to use, in a stack that has both. Default: the stack's own if it has a device. */
  provider?: ProviderName;
}

/** Where `Stack.udp` receives. */
export interface UdpOptions {
  /** Default 0.0.0.0: all of the stack's addresses, on host sockets all of the machine's. */
  address?: string;
  /** Default 0: the stack chooses. */
  port?: number;
  /** Whose UDP to use, in a stack that has both. Default: the stack's own if it has a device. */
  provider?: ProviderName;
}

/** How long `Stack.close` may take. */
export interface StackCloseOptions {
  /** Milliseconds that closing may take; what is still open then is reset. Default 10000. */
  deadlineMs?: number;
}

const CONNECT_OPTIONS = ["address", "host", "port", "localAddress", "localPort", "provider", "signal", "timeoutMs"];
const CLOSE_DEADLINE_MS = 10_000;

/** One stack: its addresses, its sockets, its statistics. Made by createStack. */
export class Stack {
  readonly #engine: Engine;
  readonly #options: StackOptions;
  readonly #knobs: CloseKnobs;
  readonly #sockets = new Set<Socket>();
  readonly #homes: readonly Set<Socket>[] = [this.#sockets];
  readonly #connected = (handle: number, remote: Endpoint): Socket => new Socket(this.#engine, this.#knobs, handle, this.#homes, remote);
  readonly #others = new Set<Server | UdpSocket>();
  #closing: Promise<CloseReport[]> | undefined;

  /** @internal */
  constructor(engine: Engine, options: StackOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#knobs = {
      orphanTimeoutMs: options.knobs?.orphanTimeoutMs ?? abi.DEFAULT_ORPHAN_TIMEOUT_MS,
      keepIdleMs: options.knobs?.keepIdleMs ?? abi.DEFAULT_KEEP_IDLE_MS,
      keepIntervalMs: options.knobs?.keepIntervalMs ?? abi.DEFAULT_KEEP_INTERVAL_MS,
    };
  }

  /**
   * Opens a connection; the promise settles when the handshake is complete. That the peer's program accepted it, it does not say. An
   * attempt that is given up leaves nothing behind.
   * @throws SocketError: ECONNREFUSED when nobody listens there, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH without a route, EADDRINUSE,
   * EADDRNOTAVAIL, EMFILE or ENOBUFS when limits are reached, ENOTINITIALISED after close(); TypeError or RangeError for a wrong option;
   * the signal's reason.
   * @example
   * const socket = await stack.connect({ address: "192.0.2.1", port: 80, timeoutMs: 5000 });
   */
  connect(options: ConnectOptions): Promise<Socket> {
    return promised(() => this.#connect(options));
  }

  #connect(options: ConnectOptions): Promise<Socket> {
    const { address, host, signal, timeoutMs } = checkOptions("options", options, CONNECT_OPTIONS);
    if (address !== undefined && host !== undefined) throw new TypeError("address and host are both given; expected one of them");
    const remote = {
      address: host === undefined ? checkPeerAddress("address", address) : checkPeerAddress("host", host),
      port: checkPort("port", options.port),
    };
    const local = {
      address: checkAddress("localAddress", options.localAddress ?? ANY_ADDRESS),
      port: checkLocalPort("localPort", options.localPort ?? 0),
    };
    if (timeoutMs !== undefined) checkTime("timeoutMs", timeoutMs, 1);
    checkSignal("signal", signal)?.throwIfAborted();
    const handle = this.#open("connect", SOCK_STREAM, options.provider, options.localAddress !== undefined || local.port !== 0 ? local : undefined, remote);
    return new Handshake(this.#engine, handle, remote, { signal, timeoutMs }, this.#connected).run();
  }

  /**
   * Listens for connections. Handshakes are completed from now on, before anybody accepts.
   * @throws SocketError: EADDRINUSE, EADDRNOTAVAIL, EMFILE or ENOBUFS when limits are reached, on host sockets EACCES; ENOTINITIALISED
   * after close(); TypeError or RangeError for a wrong option.
   * @example
   * const server = await stack.listen({ port: 0 }); // server.address.port says which
   */
  async listen(options: ListenOptions): Promise<Server> {
    checkOptions("options", options, ["address", "port", "backlog", "provider"]);
    const local = { address: checkAddress("address", options.address ?? ANY_ADDRESS), port: checkLocalPort("port", options.port) };
    const backlog = checkInteger("backlog", options.backlog ?? SOMAXCONN, 1, SOMAXCONN);
    const handle = this.#open("listen", SOCK_STREAM, options.provider, local);
    const { calls } = this.#engine;
    if (!calls.listen(handle, backlog)) throw this.#abandon("listen", handle, { local });
    await this.#listening(handle, local);
    const server: Server = new Server(this.#engine, this.#knobs, handle, this.#sockets, () => this.#others.delete(server));
    this.#others.add(server);
    return server;
  }

  /**
   * Opens a UDP socket, bound to a port of its own.
   * @throws SocketError: EADDRINUSE, EADDRNOTAVAIL, EMFILE or ENOBUFS when there are no more sockets.
   */
  async udp(options: UdpOptions = {}): Promise<UdpSocket> {
    checkOptions("options", options, ["address", "port", "provider"]);
    const local = { address: checkAddress("address", options.address ?? ANY_ADDRESS), port: checkLocalPort("port", options.port ?? 0) };
    const handle = this.#open("udp", SOCK_DGRAM, options.provider, local);
    const socket: UdpSocket = new UdpSocket(this.#engine, handle, () => this.#others.delete(socket));
    this.#others.add(socket);
    return socket;
  }

  /** The stack's counters now; names after RFC 4022 and RFC 4293 where those have them. They never decrease but for the gauges. */
  stats(): CoreStats {
    this.#engine.check("stats");
    return this.#engine.backend.stats();
  }

  /**
   * Closes every socket as its `close()` does, waits for the reports, then closes the devices given to createStack. After the
   * deadline what is still open is reset, so this always settles. The reports are those of connections it closed.
   */
  close(options: StackCloseOptions = {}): Promise<CloseReport[]> {
    return promised(() => {
      checkOptions("options", options, ["deadlineMs"]);
      const deadlineMs = checkTime("deadlineMs", options.deadlineMs ?? CLOSE_DEADLINE_MS);
      this.#closing ??= this.#shutDown(deadlineMs);
      return this.#closing;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #shutDown(deadlineMs: number): Promise<CloseReport[]> {
    for (const other of [...this.#others]) void other.close();
    const closed = [...this.#sockets].map((socket) => socket.close());
    const reports = Promise.allSettled(closed);
    if (this.#engine.alive) {
      let cancel = (): void => {};
      const deadline = new Promise<void>((resolve) => {
        cancel = this.#engine.after(deadlineMs, resolve);
      });
      await Promise.race([reports, deadline]);
      cancel();
      // What the core has in hand WSPCleanup ends, and says so (semantics C-54).
      for (const socket of this.#sockets) socket.giveUp();
      this.#engine.stop();
    }
    for (const device of this.#options.devices ?? []) device.close();
    return (await reports).flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  }

  /** A handle of `type`, bound to `local` if given. */
  #open(operation: string, type: number, provider: ProviderName | undefined, local: Endpoint | undefined, remote?: Endpoint): number {
    this.#engine.check(operation);
    const { calls } = this.#engine;
    const handle = calls.socket(type, this.#catalogEntry(type, provider));
    if (handle === -1) throw new SocketError(operation, calls.error, { local, remote });
    if (local && !calls.bind(handle, local)) throw this.#abandon(operation, handle, { local, remote });
    return handle;
  }

  /** CATALOG_x for a provider by name, 0 for the default. */
  #catalogEntry(type: number, provider: ProviderName | undefined): number {
    if (provider === undefined) return 0;
    const host = checkWord("provider", provider, ["inet", "host"]) === "host";
    if (host && !this.#engine.backend.hostSockets) throw wrongValue("provider", provider, '"inet": this stack was made without hostSockets');
    if (type === SOCK_STREAM) return host ? CATALOG_HOST_TCP : CATALOG_INET_TCP;
    return host ? CATALOG_HOST_UDP : CATALOG_INET_UDP;
  }

  /** Where the operating system listens later than it is asked (HostSocketsOptions.handles), waits for its answer. */
  async #listening(handle: number, local: Endpoint): Promise<void> {
    const { calls } = this.#engine;
    while (calls.localName(handle)?.port === 0) {
      const error = calls.getOption(handle, SOL_SOCKET, SO_ERROR) ?? 0;
      if (error) {
        calls.error = error;
        throw this.#abandon("listen", handle, { local });
      }
      await new Promise<void>((resolve) => this.#engine.after(1, resolve));
      this.#engine.check("listen");
    }
  }

  /** Closes a handle after a call that failed, and makes the error. */
  #abandon(operation: string, handle: number, ends: { local?: Endpoint | undefined; remote?: Endpoint | undefined }): SocketError {
    const { calls } = this.#engine;
    const wsa = calls.error;
    calls.close(handle);
    this.#engine.kick();
    return new SocketError(operation, wsa, ends);
  }
}

/**
 * Makes a stack and starts it.
 *
 * @example
 * const { a, b } = memoryLink();
 * const left = await createStack({ devices: [a], addresses: ["10.0.0.1/24"] });
 * const right = await createStack({ devices: [b], addresses: ["10.0.0.2/24"] });
 *
 * @throws TypeError or RangeError naming the option that is wrong; CoreError when the core cannot be loaded or refuses.
 */
export async function createStack(options: StackOptions = {}): Promise<Stack> {
  const engine = new Engine();
  engine.start(options?.worker ? await openWorker(options, engine) : new LocalBackend(await openHost(options, engine)));
  return new Stack(engine, options);
}
