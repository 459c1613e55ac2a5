/** A listening socket with promises. */
import { WSAEINTR, WSAENOTSOCK } from "../abi/errors.gen.ts";
import { OP_ACCEPT } from "../abi/events.gen.ts";
import { type Endpoint, NOWHERE } from "./address.ts";
import { checkOptions, checkTime } from "./check.ts";
import type { Engine, Owner } from "./engine.ts";
import { SocketError } from "./error.ts";
import type { CloseReport } from "./report.ts";
import { promised, Requests, WAITING } from "./requests.ts";
import { Socket } from "./socket.ts";
import { type CloseKnobs, NO_OPTIONS, type WaitOptions, waitSignal } from "./socket-options.ts";

/** How long `Server.drain` waits. */
export interface ServerDrainOptions {
  /** Milliseconds that its connections may take; what is still open then is reset. Default 10000. */
  deadlineMs?: number;
}

const DRAIN_DEADLINE_MS = 10_000;

/**
 * Accepts connections on one address and port; an async iterable of them. From `Stack.listen`.
 * @example
 * for await (const socket of server) void serve(socket).catch((error) => { console.error(error); return socket.abort(); });
 */
export class Server implements Owner {
  /** Where it listens; the port that was chosen, if 0 was asked for. */
  readonly address: Endpoint;
  readonly #engine: Engine;
  readonly #knobs: CloseKnobs;
  readonly #handle: number;
  readonly #accepts = new Requests<Socket>();
  readonly #forget: () => void;
  /** Accepted connections without a report yet, oldest first. */
  readonly #open = new Set<Socket>();
  readonly #homes: readonly Set<Socket>[];
  readonly #attempt = (): Socket | typeof WAITING => this.#take();
  #closed = false;

  /** @internal Made by Stack.listen from a listening handle. */
  constructor(engine: Engine, knobs: CloseKnobs, handle: number, sockets: Set<Socket>, forget: () => void) {
    this.#engine = engine;
    this.#knobs = knobs;
    this.#handle = handle;
    this.#homes = [this.#open, sockets];
    this.#forget = forget;
    this.address = engine.calls.localName(handle) ?? NOWHERE;
    engine.own(handle, this);
  }

  /**
   * Waits for the next connection; its handshake is complete.
   * @throws SocketError: EINTR when the server is closed while it waits, ENOTSOCK after that; the signal's reason.
   */
  accept(options: WaitOptions = NO_OPTIONS): Promise<Socket> {
    try {
      return this.#accepts.add(this.#attempt, waitSignal(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The connections as they come, until the server is closed. Leaving the loop does not close it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Socket, void, undefined> {
    while (!this.#closed) {
      let socket: Socket;
      try {
        socket = await this.accept();
      } catch (error) {
        if (this.#closed) return;
        throw error;
      }
      yield socket;
    }
  }

  /**
   * Stops listening as close() does and waits until every connection it accepted is closed by those who serve them. What has no
   * report at the deadline is reset, a close that is under way too, so this always settles. The result is one report per connection
   * that was open, in the order they were accepted.
   */
  drain(options: ServerDrainOptions = {}): Promise<CloseReport[]> {
    return promised(async () => {
      checkOptions("options", options, ["deadlineMs"]);
      const deadlineMs = checkTime("deadlineMs", options.deadlineMs ?? DRAIN_DEADLINE_MS);
      const open = [...this.#open];
      await this.close();
      const reports = Promise.all(open.map((socket) => socket.closed));
      if (!this.#engine.alive) return reports;
      const cancel = this.#engine.after(deadlineMs, () => {
        for (const socket of this.#open) void socket.abort();
      });
      return reports.finally(cancel);
    });
  }

  /** Stops listening. Accepted connections live on (semantics C-47), those nobody accepted are reset (C-46). */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    this.#accepts.fail(this.#error("accept", WSAEINTR, "the server was closed before a connection came"));
    if (!this.#engine.alive) return;
    this.#engine.calls.close(this.#handle);
    this.#engine.kick();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  wake(operation: number): void {
    if (operation !== OP_ACCEPT) return;
    if (this.#closed) this.#engine.calls.accept(this.#handle);
    else this.#accepts.retry();
  }

  /** @internal */
  fatal(error: Error): void {
    this.#closed = true;
    this.#accepts.fail(error);
  }

  #error(operation: string, wsa: number, text?: string): SocketError {
    return new SocketError(operation, wsa, { local: this.address, ...(text && { text }) });
  }

  #take(): Socket | typeof WAITING {
    this.#engine.check("accept");
    if (this.#closed) throw this.#error("accept", WSAENOTSOCK);
    const { calls } = this.#engine;
    const handle = calls.accept(this.#handle);
    if (handle === -1) {
      if (calls.mustWait) return WAITING;
      throw this.#error("accept", calls.error);
    }
    this.#engine.kickIfDue();
    return new Socket(this.#engine, this.#knobs, handle, this.#homes);
  }
}
