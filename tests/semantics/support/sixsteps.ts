/**
 * The six steps of a graceful shutdown between two programs that act on network events alone:
 *
 *   1 client SD_SEND   2 server FD_CLOSE   3 server sends the rest   4 server SD_SEND   4' server closesocket
 *   5' client reads all of it   5 client FD_CLOSE   6 client closesocket
 *
 * Each program takes its turns at times of its own. What it saw and when is kept for the rows.
 */
import assert from "node:assert/strict";
import { FD_CLOSE, FD_READ, SD_SEND } from "../../../host/abi/winsock.gen.ts";
import { type Connected, target } from "./hosts.ts";
import { bytesOf, type Provider } from "./provider.ts";
import { watch } from "./situations.ts";
import type { Segment, Side } from "./wire.ts";

/** On a board as much as its buffers hold. */
export const REQUEST = target.acting ? 900 : 3000;
export const RESPONSE = target.acting ? 1500 : 5000;

export interface SixStepsOptions {
  /** b, whose socket was accepted, is the client: the server of the connection initiates. */
  swapped?: boolean;
  response?: number;
  /** Steps done with WSPSendDisconnect(NULL). */
  disconnect?: readonly ("1" | "4")[];
  /** Step 4 is left out: 4' closes both. */
  implicit?: boolean;
  /** 4 and 4' in one turn. */
  together?: boolean;
  /** Milliseconds to the next turn, and whose it is. */
  pause?: () => number;
  clientsTurn?: () => boolean;
}

interface Party {
  readonly spi: Provider;
  readonly s: number;
  readonly event: number;
  readonly side: Side;
  received: Uint8Array;
}

export type EventRecord = Record<string, number> | undefined;

export class SixSteps {
  /** Steps in the order in which they happened. 5' is where it ended: the last byte was read. */
  readonly steps: string[] = [];
  /** Place in the capture at which a step began. */
  readonly marks: Record<string, number> = {};
  /** Codes of the calls: of the steps, and "send" after step 1. */
  readonly codes: Record<string, number> = {};
  /** Non-empty enumerations of each program. */
  readonly seen: { client: EventRecord[]; server: EventRecord[] } = { client: [], server: [] };
  /** Bytes the server had at step 2, the response's bytes that were accepted, the server's state then. */
  receivedAtClose = new Uint8Array(0);
  sent = 0;
  stateInStep3 = "";
  /** What the client's recv returned after step 5. */
  end: number | undefined;
  readonly client: Party;
  readonly server: Party;
  readonly #p: Connected;
  readonly #options: SixStepsOptions;
  readonly #serverSteps: (() => void)[];
  readonly #first: number;

  constructor(p: Connected, options: SixStepsOptions = {}) {
    this.#p = p;
    this.#options = options;
    const party = (side: Side): Party => {
      const [spi, s] = side === "a" ? [p.a, p.s] : [p.b, p.t];
      return { spi, s, event: watch(spi, s, FD_READ | FD_CLOSE), side, received: new Uint8Array(0) };
    };
    this.client = party(options.swapped ? "b" : "a");
    this.server = party(options.swapped ? "a" : "b");
    this.#serverSteps = this.#plan();
    this.#first = p.mark();
  }

  get #response(): number {
    return this.#options.response ?? RESPONSE;
  }

  #begin(step: string): void {
    this.steps.push(step);
    this.marks[step] = this.#p.mark();
  }

  #shutdown(step: "1" | "4", { spi, s }: Party): void {
    this.#begin(step);
    this.codes[step] = this.#options.disconnect?.includes(step) ? spi.code("WSPSendDisconnect", s, 0) : spi.shutdown(s, SD_SEND);
  }

  /** What the server does after step 2, one a turn. */
  #plan(): (() => void)[] {
    const send = (length: number) => (): void => {
      if (this.sent === 0) this.#begin("3");
      const sent = this.server.spi.send(this.server.s, bytesOf(this.#response).subarray(this.sent, this.sent + length));
      this.stateInStep3 = this.server.spi.state(this.server.s);
      this.sent += sent;
    };
    const halves = this.#response > 0 ? [send(this.#response >> 1), send(this.#response - (this.#response >> 1))] : [];
    const shutdown = (): void => (this.#options.implicit ? undefined : this.#shutdown("4", this.server));
    const close = (): void => {
      this.#begin("4'");
      this.codes["4'"] = this.server.spi.close(this.server.s);
    };
    const both = (): void => {
      shutdown();
      close();
    };
    return [...halves, ...(this.#options.together ? [both] : [shutdown, close])];
  }

  /** Step 1, behind the request. */
  start(): void {
    const { spi, s } = this.client;
    assert.equal(spi.send(s, bytesOf(REQUEST)), REQUEST);
    this.#shutdown("1", this.client);
    spi.send(s, "x");
    this.codes["send"] = spi.err;
  }

  /** Enumerates, and reads while there is something. True if FD_CLOSE was recorded. */
  #listen(role: "client" | "server"): boolean {
    const party = this[role];
    const events = party.spi.enumerate(party.s, party.event);
    if (events && Object.keys(events).length > 0) this.seen[role].push(events);
    if (events?.["FD_READ"] !== undefined) {
      for (let part = party.spi.recv(party.s); part && part.length > 0; part = party.spi.recv(party.s)) party.received = joined(party.received, part);
    }
    return events?.["FD_CLOSE"] !== undefined;
  }

  #serverTurn(): void {
    if (this.steps.includes("2")) return void this.#serverSteps.shift()?.();
    if (!this.#listen("server")) return;
    this.receivedAtClose = this.server.received.slice();
    this.#begin("2");
  }

  #clientTurn(): void {
    const before = this.client.received.length;
    const { spi, s } = this.client;
    if (this.steps.includes("5")) {
      this.#begin("6");
      this.codes["6"] = spi.close(s);
      return;
    }
    const closed = this.#listen("client");
    if (this.client.received.length > before && this.client.received.length === this.#response) this.#begin("5'");
    if (!closed) return;
    this.#begin("5");
    this.end = spi.recv(s)?.length;
  }

  /** All turns until step 6 and 4' are done. */
  run(): this {
    const { pause = () => 10, clientsTurn } = this.#options;
    this.start();
    for (let turn = 0; !(this.steps.includes("6") && this.steps.includes("4'")); turn++) {
      assert.ok(turn < 2000, `the six steps stand still after ${this.steps.join(" ")}`);
      this.#p.run(pause());
      if (clientsTurn ? clientsTurn() : turn % 2 === 1) {
        if (!this.steps.includes("6")) this.#clientTurn();
      } else this.#serverTurn();
    }
    this.#p.run(500);
    return this;
  }

  /** The named steps in the order in which they happened, as 1<2. */
  order(...names: readonly string[]): string {
    return this.steps.filter((step) => names.includes(step)).join("<");
  }

  /** "all" if a party has received exactly what the other sent. */
  received(role: "client" | "server"): string {
    const [got, length] = role === "client" ? [this.client.received, this.#response] : [this.server.received, REQUEST];
    return same(got, bytesOf(length)) ? "all" : `${got.length} bytes`;
  }

  /** Segments from the beginning of a step, or of everything. */
  captured(step = ""): Segment[] {
    return this.#p.since(this.marks[step] ?? this.#first);
  }

  /** Everything that was sent, by role, with relative numbers and without times. */
  trace(): string {
    return this.captured().map((s) => {
      const role = s.from === this.client.side ? "client" : "server";
      return `${role} ${s.flags} ${(s.seq - s.first) >>> 0} ${(s.ack - s.peerFirst) >>> 0} ${s.length}`;
    }).join("\n");
  }

  /** What each step saw, by role: to be the same whoever begins. */
  summary(): string {
    const { codes, seen, sent, stateInStep3, end } = this;
    const close = { client: seen.client.at(-1), server: seen.server.at(-1) };
    return JSON.stringify({ codes, close, sent, stateInStep3, end, client: this.received("client"), server: same(this.receivedAtClose, bytesOf(REQUEST)) });
  }
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}

export function same(x: Uint8Array, y: Uint8Array): boolean {
  return x.length === y.length && x.every((byte, i) => byte === y[i]);
}
