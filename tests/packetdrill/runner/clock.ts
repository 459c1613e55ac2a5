/** Script times to virtual times (packetdrill.md, Subset, Time). */
import type { Event } from "./ast.ts";
import type { Span } from "./expect.ts";

export class ScriptClock {
  /** Time of the previous event: as scheduled, or when it happened for `*` and windows. */
  #base = 0;

  /** When the event is due, or may happen. */
  span(event: Event): Span {
    const when = event.when;
    if (when.kind === "any") return { from: this.#base, to: Number.POSITIVE_INFINITY };
    const base = when.relative ? this.#base : 0;
    return when.kind === "at" ? { from: base + when.us, to: base + when.us } : { from: base + when.from, to: base + when.to };
  }

  /** End of a blocking call: same base as its beginning. */
  end(event: Event, end: number): number {
    return event.when.kind === "at" && event.when.relative ? this.#base + end : end;
  }

  /** The event is over; `happened` is when, for events whose time the script leaves open. */
  done(event: Event, span: Span, happened: number): void {
    this.#base = event.when.kind === "at" ? span.from : happened;
  }
}
