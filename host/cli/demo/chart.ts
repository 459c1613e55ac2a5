/** The sequence chart: the client's side on the left, the server's on the right, the wire between, in order of time. */
import type { Side, Step } from "./steps.ts";

const TIME = 11;
const SIDE = 38;
const WIRE = 42;
/** Between the sides where no segments are seen. */
const GAP = 2;
/** Bulk segments of one burst that are drawn; the others are counted. */
const BURST = 3;

export type Paint = (style: Style, text: string) => string;
export type Style = "call" | "event" | "state" | "good" | "bad" | "faint" | "bold";

const CODES: Readonly<Record<Style, string>> = { call: "36", event: "33", state: "35", good: "32", bad: "31", faint: "2", bold: "1" };

/** Colours for a terminal, or text as it is. */
export function painter(colour: boolean): Paint {
  return colour ? (style, text) => `\x1b[${CODES[style]}m${text}\x1b[0m` : (_style, text) => text;
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

/** `──── SYN seq=0 ────▶`, pointing away from its sender; a lost one ends in a cross. */
function arrow(from: Side, label: string, lost: boolean): string {
  const room = Math.max(2, WIRE - label.length - 4);
  const left = room >> 1;
  const line = `${"─".repeat(left)} ${label} ${"─".repeat(room - left)}`;
  if (from === "client") return ` ${line}${lost ? "✗" : "▶"}`;
  return `${lost ? "✗" : "◀"}${line} `;
}

/** Draws steps as they come. */
export class Chart {
  readonly #print: (line: string) => void;
  readonly #paint: Paint;
  /** Data segments and pure acknowledgements since something else happened: drawn up to BURST, then counted. */
  #burst = { segments: 0, bytes: 0, acks: 0 };

  readonly #wire: number;

  /** @param segments There are segments to be drawn between the sides. */
  constructor(print: (line: string) => void, paint: Paint, segments: boolean) {
    this.#print = print;
    this.#paint = paint;
    this.#wire = segments ? WIRE : GAP;
  }

  head(client: string, server: string): void {
    const line = `${"ms".padStart(TIME - 2)}  ${fit(client, SIDE)}${" ".repeat(this.#wire)}  ${server}`;
    this.#print(this.#paint("bold", line.trimEnd()));
  }

  step(step: Step): void {
    if (step.kind === "segment") this.#segment(step);
    else {
      this.flush();
      this.#beside(step);
    }
  }

  /** Draws what was only counted so far. */
  flush(): void {
    const { segments, bytes, acks } = this.#burst;
    this.#burst = { segments: 0, bytes: 0, acks: 0 };
    const more = segments + acks - BURST;
    if (more <= 0) return;
    const text = `… ${more} more: ${bytes} bytes in ${segments} segments, ${acks} acknowledgements in all …`;
    this.#print(this.#paint("faint", `${" ".repeat(TIME)}${" ".repeat(SIDE)}${text}`));
  }

  #segment(step: Extract<Step, { kind: "segment" }>): void {
    const plain = !/SYN|FIN|RST/.test(step.flags) && !step.lost;
    if (plain) {
      if (step.length > 0) this.#burst.segments++;
      else this.#burst.acks++;
      this.#burst.bytes += step.length;
      if (this.#burst.segments + this.#burst.acks > BURST) return;
    } else this.flush();
    const ack = step.flags.includes("ACK") ? ` ack=${step.ack}` : "";
    const length = step.length > 0 ? ` len=${step.length}` : "";
    const text = arrow(step.from, `${step.flags} seq=${step.seq}${ack}${length}`, step.lost);
    const style: Style | undefined = step.lost || step.flags.includes("RST") ? "bad" : /SYN|FIN/.test(step.flags) ? "good" : undefined;
    this.#print(`${this.#time(step)}${" ".repeat(SIDE)}${style ? this.#paint(style, text) : text}`.trimEnd());
  }

  #beside(step: Exclude<Step, { kind: "segment" }>): void {
    const label = step.kind !== "state" && step.step ? `(${step.step}) ` : "";
    const text = step.kind === "state" ? `[${step.state}]`
      : step.kind === "call" ? `${label}${step.call} = ${step.result}`
      : `${label}${step.event}${step.error ? ` error ${step.error}` : ""}`;
    const painted = (width: number): string => this.#paint(step.kind, fit(text, width).padEnd(width));
    const line = step.side === "client" ? painted(SIDE) : `${" ".repeat(SIDE + this.#wire + 2)}${painted(Math.max(SIDE, text.length)).trimEnd()}`;
    this.#print(`${this.#time(step)}${line}`.trimEnd());
  }

  #time(step: Step): string {
    return `${this.#paint("faint", step.atMs.toFixed(1).padStart(TIME - 2))}  `;
  }
}
