/** A scenario between Lastack and an ordinary program on the kernel's sockets, in real time, Lastack in either role. */
import type { Endpoint } from "../../api/raw.ts";
import { type KernelPeer, kernelClient, kernelServer } from "./kernel-peer.ts";
import type { Program } from "./program.ts";
import { meeting, type Observed, type Played, type RunOptions } from "./run.ts";
import { type Result, scenarios } from "./scenarios.ts";
import type { Side, Steps } from "./steps.ts";

const LIMIT_MS = 20_000;

/** Rejects when the run has to end before it is over. */
function broken(signal: AbortSignal): { promise: Promise<never>; clear: () => void } {
  let clear = (): void => {};
  const promise = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not finished after ${LIMIT_MS / 1000} s`)), LIMIT_MS);
    const onAbort = (): void => reject(new Error("interrupted"));
    signal.addEventListener("abort", onAbort, { once: true });
    clear = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    if (signal.aborted) onAbort();
  });
  promise.catch(() => {});
  return { promise, clear };
}

/** A run whose other side is a program on the kernel's sockets. */
export interface AgainstOptions extends RunOptions {
  /** The side that is Lastack. */
  readonly lastack: Side;
  /** The side that closes first. */
  readonly initiator: Side;
  /** Where each listens, when it is the server; port 0 lets the system choose. */
  readonly ends: { readonly kernel: Endpoint; readonly lastack: Endpoint };
}

/** Plays both sides to their end. The kernel's programs go to `peers`, to be stopped by the caller. */
export async function playAgainst(options: AgainstOptions, program: Program, steps: Steps, peers: KernelPeer[]): Promise<Played> {
  const meet = meeting();
  const { lastack: own, initiator, ends } = options;
  const played: { -readonly [K in keyof Played]: Played[K] } = {};
  const scenario = scenarios[options.scenario];
  const act = own === initiator ? scenario.initiate : scenario.respond;
  const keep = (side: Side, one: Result | Observed): void => {
    played[side] = one;
  };
  const asClient = async (): Promise<void> => {
    const { peer, local } = await kernelServer(ends.kernel, options.scenario, initiator === "server", steps, meet);
    // Broken off meanwhile: those who stop the peers have been here.
    if (played.failure !== undefined) return peer.stop();
    peers.push(peer);
    const mine = program.connect(local).then(() => act(program, meet));
    await Promise.all([mine.then((one) => keep("client", one)), peer.done.then((one) => keep("server", one))]);
  };
  const asServer = async (): Promise<void> => {
    let listening: (local: Endpoint) => void = () => {};
    const ready = new Promise<Endpoint>((resolve) => {
      listening = resolve;
    });
    const mine = program.accept(ends.lastack, listening).then(() => act(program, meet)).then((one) => keep("server", one));
    const theirs = ready.then((local) => {
      if (played.failure !== undefined) return undefined;
      const peer = kernelClient(local, options.scenario, initiator === "client", steps, meet);
      peers.push(peer);
      return peer.done.then((one) => keep("client", one));
    });
    await Promise.all([mine, theirs]);
  };
  const limit = broken(options.signal);
  try {
    await Promise.race([own === "client" ? asClient() : asServer(), limit.promise]);
  } catch (error) {
    played.failure = `the run broke off: ${(error as Error).message}`;
    await program.leave();
  } finally {
    limit.clear();
  }
  return played;
}
