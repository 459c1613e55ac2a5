/** The scenarios: what each side does, and what has to have happened for the run to have kept its promise. */
import { FD_CLOSE, FD_READ } from "../../abi/winsock.gen.ts";
import type { CloseReport } from "../../api/raw.ts";
import type { Labels, Program } from "./program.ts";

export const SCENARIOS = ["graceful", "abortive", "linger-ok", "linger-expires", "half-close", "unread-data", "simultaneous"] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** What one side of a run came to, as its program saw it. */
export interface Result {
  readonly received: number;
  /** The bytes were those the other side sent, as far as they came. */
  readonly intact: boolean;
  readonly report: CloseReport;
}

/** Lets both sides of a run act at the same instant. */
export type Meet = () => Promise<void>;

export interface Scenario {
  readonly about: string;
  /** `client` where the connecting side has to be the one that closes first; `lastack` where it has to be Lastack. */
  readonly initiator: "client" | "lastack";
  readonly initiate: (program: Program, meet: Meet) => Promise<Result>;
  readonly respond: (program: Program, meet: Meet) => Promise<Result>;
  /** Bytes each side sends in the whole run, as far as it gets. */
  readonly sends: { readonly initiator: Uint8Array; readonly responder: Uint8Array };
  readonly expect: { readonly initiator: Expectation; readonly responder: Expectation };
  /** Segments that must be seen: a FIN from both sides and no RST, or a RST. */
  readonly wire: "fins" | "reset";
}

export interface Expectation {
  readonly outcomes: readonly CloseReport["outcome"][];
  readonly cause?: CloseReport["cause"];
  /** It received all that the other side sends. */
  readonly all: boolean;
}

const encoder = new TextEncoder();
export const HELLO = encoder.encode("GET /last-words\r\n");
export const ANSWER = encoder.encode("Here is everything you asked for, and that was all.\r\n");
/** Sent to a peer that has been silent, to learn whether it is still there. */
export const QUESTION = encoder.encode("?");
/** Half of the long answer of half-close. */
export const HALF = pattern(20_000);
/** More than both buffers of a link hold together. */
export const BULK = pattern(200_000);
/** More than a peer that does not read can take. */
export const FLOOD = pattern(1_000_000);

/** How long a side waits in silence before it asks whether the other one is still there: a RST can be lost. */
const SILENCE_MS = 2000;
const NOTHING = new Uint8Array(0);

/** Bytes of which each tells its place. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

export function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Compares what comes with what is expected. */
export class Check {
  received = 0;
  intact = true;
  readonly #expected: Uint8Array;

  constructor(expected: Uint8Array) {
    this.#expected = expected;
  }

  take(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length && this.intact; i++) this.intact = chunk[i] === this.#expected[this.received + i];
    this.received += chunk.length;
  }
}

/** Reads until `enough` bytes came, or without it until the peer's FIN. Throws when the connection is reset before. */
async function read(program: Program, check: Check, enough = Number.POSITIVE_INFINITY, labels: Labels = {}): Promise<void> {
  while (check.received < enough) {
    const { bits, error } = await program.until(FD_READ | FD_CLOSE, labels);
    if (bits & FD_CLOSE && error) throw new Error("the connection was reset");
    if (bits & FD_READ) {
      const chunk = program.receive(labels.FD_READ);
      if (chunk instanceof Uint8Array) check.take(chunk);
    }
    if (bits & FD_CLOSE) return;
  }
}

/** Waits for the peer's reset, reading nothing; asks after a while of silence, because the RST may have been lost. */
async function untilReset(program: Program): Promise<void> {
  for (;;) {
    const { bits } = await program.until(FD_CLOSE, {}, SILENCE_MS);
    if (bits) return;
    await program.send(QUESTION);
  }
}

async function finish(program: Program, check: Check, step?: string): Promise<Result> {
  const report = await program.close(step);
  return { received: check.received, intact: check.intact, report };
}

const graceful: Scenario = {
  about: "the six steps: shut down sending, read the rest, close",
  initiator: "client",
  async initiate(program) {
    const check = new Check(ANSWER);
    await program.send(HELLO);
    program.shutdown("1");
    await read(program, check, undefined, { FD_READ: "5'", FD_CLOSE: "5" });
    return finish(program, check, "6");
  },
  async respond(program) {
    const check = new Check(HELLO);
    await read(program, check, undefined, { FD_CLOSE: "2" });
    await program.send(ANSWER, "3");
    program.shutdown("4");
    return finish(program, check, "4'");
  },
  sends: { initiator: HELLO, responder: ANSWER },
  expect: { initiator: { outcomes: ["graceful"], all: true }, responder: { outcomes: ["graceful"], all: true } },
  wire: "fins",
};

/** Answers a hello, then waits to be reset. */
async function answerAndBeReset(program: Program): Promise<Result> {
  const check = new Check(HELLO);
  await read(program, check, HELLO.length);
  await program.send(ANSWER);
  await untilReset(program);
  return finish(program, check);
}

const abortive: Scenario = {
  about: "SO_LINGER {1, 0}: close resets the connection",
  initiator: "lastack",
  async initiate(program) {
    const check = new Check(ANSWER);
    await program.send(HELLO);
    await read(program, check, ANSWER.length);
    program.linger(0);
    return finish(program, check);
  },
  respond: answerAndBeReset,
  sends: { initiator: HELLO, responder: ANSWER },
  expect: {
    initiator: { outcomes: ["aborted"], cause: "linger0", all: true },
    responder: { outcomes: ["resetByPeer"], all: true },
  },
  wire: "reset",
};

const lingerOk: Scenario = {
  about: "SO_LINGER {1, 30}: close waits until everything is acknowledged",
  initiator: "lastack",
  async initiate(program) {
    await program.send(BULK);
    program.makeBlocking();
    program.linger(30);
    return finish(program, new Check(NOTHING));
  },
  async respond(program) {
    const check = new Check(BULK);
    await read(program, check);
    return finish(program, check);
  },
  sends: { initiator: BULK, responder: NOTHING },
  // The peer's FIN can come with the last acknowledgement or after it; close does not wait for it (V-21).
  expect: { initiator: { outcomes: ["delivered", "graceful"], all: true }, responder: { outcomes: ["graceful"], all: true } },
  wire: "fins",
};

const lingerExpires: Scenario = {
  about: "SO_LINGER {1, 1} and a peer that does not read: close resets after a second",
  initiator: "lastack",
  async initiate(program) {
    await program.send(FLOOD);
    program.makeBlocking();
    program.linger(1);
    return finish(program, new Check(NOTHING));
  },
  async respond(program) {
    await untilReset(program);
    return finish(program, new Check(FLOOD));
  },
  sends: { initiator: FLOOD, responder: NOTHING },
  expect: { initiator: { outcomes: ["lingerExpired"], all: true }, responder: { outcomes: ["resetByPeer"], all: false } },
  wire: "reset",
};

const halfClose: Scenario = {
  about: "one side has said everything while the other still sends",
  initiator: "client",
  async initiate(program) {
    const check = new Check(joined(HALF, HALF));
    await program.send(HELLO);
    await read(program, check, 1);
    program.shutdown();
    await read(program, check);
    return finish(program, check);
  },
  async respond(program) {
    const check = new Check(HELLO);
    await read(program, check, HELLO.length);
    await program.send(HALF);
    await read(program, check);
    await program.send(HALF);
    return finish(program, check);
  },
  sends: { initiator: HELLO, responder: joined(HALF, HALF) },
  expect: { initiator: { outcomes: ["graceful"], all: true }, responder: { outcomes: ["graceful"], all: true } },
  wire: "fins",
};

const unreadData: Scenario = {
  about: "closing with received data unread resets the connection",
  initiator: "lastack",
  async initiate(program) {
    await program.send(HELLO);
    while (program.unread() < ANSWER.length) await program.sleep(5);
    return finish(program, new Check(ANSWER));
  },
  respond: answerAndBeReset,
  sends: { initiator: HELLO, responder: ANSWER },
  expect: {
    initiator: { outcomes: ["aborted"], cause: "unreadData", all: false },
    responder: { outcomes: ["resetByPeer"], all: true },
  },
  wire: "reset",
};

/** Both sides shut down at the same instant, then read the other's FIN and close. */
async function finishTogether(program: Program, check: Check, meet: Meet): Promise<Result> {
  await meet();
  program.shutdown();
  await read(program, check);
  return finish(program, check);
}

const simultaneous: Scenario = {
  about: "both sides shut down at the same moment: the FINs cross",
  initiator: "client",
  async initiate(program, meet) {
    const check = new Check(ANSWER);
    await program.send(HELLO);
    await read(program, check, ANSWER.length);
    return finishTogether(program, check, meet);
  },
  async respond(program, meet) {
    const check = new Check(HELLO);
    await read(program, check, HELLO.length);
    await program.send(ANSWER);
    return finishTogether(program, check, meet);
  },
  sends: { initiator: HELLO, responder: ANSWER },
  expect: { initiator: { outcomes: ["graceful"], all: true }, responder: { outcomes: ["graceful"], all: true } },
  wire: "fins",
};

export const scenarios: Readonly<Record<ScenarioName, Scenario>> = {
  graceful,
  abortive,
  "linger-ok": lingerOk,
  "linger-expires": lingerExpires,
  "half-close": halfClose,
  "unread-data": unreadData,
  simultaneous,
};
