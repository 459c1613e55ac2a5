/** Opening a connection: the call is repeated until the handshake is complete, or has failed, or nobody waits for it any more. */
import { WSAETIMEDOUT } from "../abi/errors.gen.ts";
import { OP_CONNECT } from "../abi/events.gen.ts";
import type { Endpoint } from "./address.ts";
import type { Engine, Owner } from "./engine.ts";
import { SocketError } from "./error.ts";
import type { Socket } from "./socket.ts";

/** What ends an attempt from outside. */
export interface HandshakeLimits {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
}

export class Handshake implements Owner {
  readonly #engine: Engine;
  readonly #handle: number;
  readonly #remote: Endpoint;
  readonly #limits: HandshakeLimits;
  readonly #make: (handle: number, remote: Endpoint) => Socket;
  #local: Endpoint | undefined;
  #settled = false;
  #resolve: (socket: Socket) => void = nothing;
  #reject: (error: unknown) => void = nothing;
  #onAbort: (() => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  /**
   * @param handle Belongs to the attempt: it is closed if that fails.
   * @param make Makes the socket of the connected handle.
   */
  constructor(engine: Engine, handle: number, remote: Endpoint, limits: HandshakeLimits, make: (handle: number, remote: Endpoint) => Socket) {
    this.#engine = engine;
    this.#handle = handle;
    this.#remote = remote;
    this.#limits = limits;
    this.#make = make;
  }

  run(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#engine.own(this.#handle, this);
      this.#attempt();
      if (!this.#settled) this.#limit();
    });
  }

  wake(operation: number): void {
    if (operation === OP_CONNECT && !this.#settled) this.#attempt();
  }

  fatal(error: Error): void {
    this.#fail(error instanceof SocketError ? this.#error(error.wsa, "the stack was closed before there was a connection") : error);
  }

  #attempt(): void {
    const engine = this.#engine;
    const { calls } = engine;
    try {
      if (calls.connect(this.#handle, this.#remote)) this.#succeed();
      else if (!calls.mustWait) this.#fail(this.#error(calls.error));
      else {
        // A failed attempt gives its address back, so it is asked for while it lasts.
        this.#local ??= calls.localName(this.#handle);
        engine.kick();
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #limit(): void {
    const { signal, timeoutMs } = this.#limits;
    if (signal) {
      const onAbort = (): void => this.#fail(signal.reason);
      this.#onAbort = onAbort;
      signal.addEventListener("abort", onAbort, { once: true });
    }
    if (timeoutMs === undefined) return;
    this.#cancelTimer = this.#engine.after(timeoutMs, () => this.#fail(this.#error(WSAETIMEDOUT, `no connection within ${timeoutMs} ms`)));
  }

  #error(wsa: number, text?: string): SocketError {
    return new SocketError("connect", wsa, { local: this.#local, remote: this.#remote, ...(text && { text }) });
  }

  #succeed(): void {
    this.#end();
    this.#resolve(this.#make(this.#handle, this.#remote));
  }

  #fail(error: unknown): void {
    if (this.#settled) return;
    this.#end();
    const engine = this.#engine;
    engine.disown(this.#handle);
    if (engine.alive) engine.calls.close(this.#handle);
    engine.kick();
    this.#reject(error);
  }

  #end(): void {
    this.#settled = true;
    this.#cancelTimer?.();
    if (this.#onAbort) this.#limits.signal?.removeEventListener("abort", this.#onAbort);
  }
}

function nothing(): void {}
