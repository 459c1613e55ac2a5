/** A core with a connection to a scripted peer, for tests that say exactly what the peer sends. */
import assert from "node:assert/strict";
import type { CoreConfig } from "../../host/core/index.ts";
import { memoryLink } from "../../host/device/index.ts";
import { World } from "../../host/driver/index.ts";
import { A, B, PORT } from "../host/support/pair.ts";
import { coreModule, Spi } from "../host/support/spi.ts";
import { RawPeer } from "../semantics/support/rawpeer.ts";

export interface Scripted {
  readonly world: World;
  readonly a: Spi;
  readonly peer: RawPeer;
  /** On a, nonblocking, connected. */
  readonly s: number;
}

/** The peer offers `window` bytes; its numbers stand right after the handshake and nothing is in its inbox. */
export async function scripted(window = 65_535, config: CoreConfig = {}): Promise<Scripted> {
  const world = new World({ seed: 1 });
  const link = memoryLink({ clock: world.clock });
  const a = new Spi(await coreModule(), world, link.a, `${A}/24`, config);
  assert.equal(a.startup(), 0);
  const peer = new RawPeer(link.b, B, A, link.a.mac);
  const s = a.socket();
  assert.equal(a.nonblocking(s), 0);
  assert.equal(a.connect(s, B, PORT), 10035);
  world.runFor(10);
  peer.answerSyn(window);
  world.runFor(10);
  assert.equal(a.connect(s, B, PORT), 10056);
  peer.take();
  return { world, a, peer, s };
}
