/** The six steps as an ordering test. T-01 to T-15. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import type { Check } from "../check.ts";
import { row } from "../registry.ts";
import { FEATURE_WINDOW_SCALE } from "../../../host/abi/config.gen.ts";
import { A, B, connected, type HostsOptions, PORT } from "../support/hosts.ts";
import { bytesOf } from "../support/provider.ts";
import { RawPeer } from "../support/rawpeer.ts";
import { probedState } from "../support/situations.ts";
import { REQUEST, RESPONSE, same, SixSteps, type SixStepsOptions } from "../support/sixsteps.ts";

const LINK: HostsOptions = { link: { delayMs: 15 } };

async function sixSteps(t: Check, options: SixStepsOptions = {}, hosts: HostsOptions = LINK): Promise<SixSteps & { p: Awaited<ReturnType<typeof connected>> }> {
  const p = await connected(t, hosts);
  return Object.assign(new SixSteps(p, options).run(), { p });
}

row("T-01", async (t) => {
  const run = await sixSteps(t);
  t.code(run.codes["1"] as number);
  t.result(-1, run.codes["send"] as number);
  t.wire(run.p.log, run.captured());
});

row("T-02", async (t) => {
  const run = await sixSteps(t);
  t.peer(run.seen.server.at(-1));
  t.fact("order", run.order("1", "2"));
  t.fact("received", same(run.receivedAtClose, bytesOf(REQUEST)) ? "all" : `${run.receivedAtClose.length} bytes`);
});

row("T-03", async (t) => {
  const run = await sixSteps(t);
  t.result(run.sent);
  t.state(run.stateInStep3);
  t.fact("order", run.order("2", "3"));
});

row("T-04", async (t) => {
  const run = await sixSteps(t);
  t.code(run.codes["4"] as number);
  t.wire(run.p.log, run.captured("3").filter((s) => s.from === "b"));
  t.fact("order", run.order("3", "4"));
});

row("T-05", async (t) => {
  const run = await sixSteps(t);
  t.code(run.codes["4'"] as number);
  t.wire(run.p.log, run.captured("4'"));
  assert.equal(run.p.seen("RST").length, 0);
  t.fact("order", run.order("4", "4'"));
});

row("T-06", async (t) => {
  const run = await sixSteps(t);
  t.own(run.seen.client[0]);
  t.fact("order", run.order("5'", "5"));
  t.fact("received", run.received("client"));
});

row("T-07", async (t) => {
  const run = await sixSteps(t);
  t.own(run.seen.client.at(-1));
  t.result(run.end);
  t.fact("order", `${run.order("4", "5")},${run.order("5'", "5")}`);
});

row("T-08", async (t) => {
  const run = await sixSteps(t);
  t.code(run.codes["6"] as number);
  run.p.run(20_000);
  t.wire(run.p.log, run.captured("6"));
  t.fact("order", run.order("5", "6"));
});

/** Numbers that depend on the seed alone. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x100000000;
  };
}

const RUNS = 40;

row("T-09", async (t) => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = randomness(seed);
    const link = { delayMs: random() * 50 };
    const run = await sixSteps(t, { pause: () => random() * 40, clientsTurn: () => random() < 0.5 }, { link, seed });
    orders.add(run.order("1", "2", "3", "4", "5", "6"));
    assert.equal(run.received("client") + run.received("server"), "allall", `seed ${seed}`);
    assert.equal(run.order("5'", "5"), "5'<5", `seed ${seed}`);
  }
  t.fact("order", [...orders].join(" or "));
});

row("T-10", async (t) => {
  // The repeated FIN comes from a hand that stamps nothing: on a connection with timestamps it would be dropped (RFC 7323 §3.2).
  const run = await sixSteps(t, {}, { config: { features: FEATURE_WINDOW_SCALE } });
  t.wire(run.p.log, run.captured().map((s) => ({ ...s, from: "a" as const })));
  t.fact("client", run.received("client"));
  t.fact("server", run.received("server"));
  const server = run.p.wireState("b", PORT);
  // Somebody repeats the server's FIN at the address of the server, whose stack no longer takes part.
  const [ours, theirs] = [run.p.seen("FIN", "a").at(-1), run.p.seen("FIN", "b").at(-1)];
  assert.ok(ours && theirs);
  const peer = new RawPeer(run.p.far, B, A, run.p.link.a.mac);
  Object.assign(peer, {
    port: PORT, remotePort: run.p.port, rcvNxt: (ours.seq + ours.length + 1) >>> 0, sndNxt: (theirs.seq + theirs.length + 1) >>> 0,
  });
  const scripted = Object.assign(run.p, { peer });
  t.state(probedState(scripted));
  run.p.run(240_100);
  t.state(probedState(scripted), server);
});

row("T-11", async (t) => {
  const plain = await sixSteps(t);
  for (const [name, disconnect] of [["step1", ["1"]], ["step4", ["4"]], ["both", ["1", "4"]]] as const) {
    const run = await sixSteps(t, { disconnect });
    t.fact(name, run.trace() === plain.trace() && run.summary() === plain.summary() && run.steps.join() === plain.steps.join() ? "identical" : "different");
  }
});

row("T-12", async (t) => {
  const [plain, swapped] = [await sixSteps(t), await sixSteps(t, { swapped: true })];
  t.fact("order", swapped.order("1", "2", "3", "4", "5", "6"));
  t.fact("assertions", swapped.summary() === plain.summary() && swapped.p.seen("RST").length === 0 ? "identical" : "different");
});

row("T-13", async (t) => {
  const run = await sixSteps(t, { response: 0 });
  t.own(run.seen.client[0]);
  assert.equal(run.seen.client.length, 1);
  t.fact("order", run.order("1", "2", "3", "4", "5'", "5", "6"));
});

row("T-14", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, W.SD_SEND);
  p.run(100);
  assert.equal(p.b.recv(p.t)?.length, 0);
  assert.equal(p.b.send(p.t, RESPONSE), RESPONSE);
  p.run(100);
  const mark = p.mark();
  assert.equal(p.a.close(p.s), 0);
  p.run(100);
  t.wire(p.log, p.since(mark));
  t.peerReceived(p.b.recv(p.t), p.b.err);
});

row("T-15", async (t) => {
  const [plain, implicit] = [await sixSteps(t, { together: true }), await sixSteps(t, { together: true, implicit: true })];
  assert.ok(!implicit.steps.includes("4"));
  t.fact("trace", implicit.trace() === plain.trace() ? "identical" : "different");
});
