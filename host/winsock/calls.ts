/** How every function of the face calls the core: one call, or one repeated until it need not wait. */
import { LASTACK_WAIT, WSAEFAULT } from "../abi/errors.gen.ts";
import type { Host } from "../api/raw.ts";
import type { CoreExports } from "../core/index.ts";
import { Area } from "./area.ts";
import type { Waiting } from "./waiting.ts";

export type Call = () => number;

/** A handle of a socket, event object or completion port. */
export type SOCKET = number;

export abstract class WinsockCalls {
  /** The provider's table: the exports of the core under the names of WSPPROC_TABLE. Pointers are offsets into its memory. */
  readonly spi: CoreExports;
  /** @internal */
  protected readonly host: Host;
  /** @internal */
  protected readonly area: Area;
  /** @internal */
  protected readonly waiting: Waiting;
  /** @internal */
  protected error = 0;

  /** @internal */
  constructor(host: Host, waiting: Waiting) {
    this.host = host;
    this.waiting = waiting;
    this.area = new Area(host.core);
    this.spi = host.core.exports;
  }

  /** The code of the last call that failed, 0 after one that did not. */
  WSAGetLastError(): number {
    return this.error;
  }
  /** Sets what WSAGetLastError gives. */
  WSASetLastError(code: number): void {
    this.error = code;
  }

  /** Makes one call of the main caller. On failure its code becomes the last error, else that becomes 0 (semantics X-36). @internal */
  protected call(call: Call, caller = 0, failed = -1): number {
    this.waiting.check();
    this.spi.caller(caller);
    this.area.setWord("errno", 0);
    const result = call();
    this.host.core.memory.ensure();
    this.error = result === failed ? this.area.word("errno") || WSAEFAULT : 0;
    this.host.driver.kick();
    return result;
  }

  /** Repeats a call until it need not wait. @internal */
  protected async blocking(call: Call, failed = -1): Promise<number> {
    const caller = this.waiting.take();
    try {
      for (;;) {
        const result = this.call(call, caller, failed);
        if (this.error !== LASTACK_WAIT) return result;
        await this.waiting.woken(caller);
      }
    } finally {
      this.waiting.give(caller);
    }
  }

  /** @internal */
  protected get errno(): number {
    return this.area.at("errno");
  }
}
