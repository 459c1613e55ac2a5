/** Situations in which many rows begin. */
import assert from "node:assert/strict";
import { LASTACK_CONDITION } from "../../../host/abi/errors.gen.ts";
import { B, type Hosts, PORT } from "./hosts.ts";
import type { Provider } from "./provider.ts";

/** A nonblocking socket of a whose connect to b was refused. */
export function refused(p: Hosts): number {
  const s = p.a.socket();
  p.a.nonblocking(s);
  assert.equal(p.a.connect(s, B, PORT), 10035);
  p.run(3000);
  return s;
}

/** The connection that waits at a listener; it must be there. */
export function accept(spi: Provider, listener: number): number {
  const s = spi.accept(listener);
  assert.equal(spi.err, 0, "nothing could be accepted");
  return s;
}

/** Calls WSPAccept with a condition, which asks for an answer, and gives it: the next call returns what comes of it. */
export function decide(spi: Provider, listener: number, answer: number): void {
  spi.accept(listener, 1);
  assert.equal(spi.err, LASTACK_CONDITION, "the condition was not asked");
  assert.equal(spi.raw("acceptDecide", listener, answer), 0);
}
