/** After a script: the sockets are dropped, ten minutes pass, and nothing may be left (packetdrill.md, How it runs). */
import { Failure, type RunState } from "./state.ts";

const TEN_MINUTES_US = 600_000_000;

/** Counters that must be back at zero, with what they count. */
const LEFT: readonly [string, string][] = [
  ["tcpCurrent", "TCP connections"],
  ["tcpOrphans", "orphaned connections"],
  ["tcpTimeWaits", "TIME_WAIT entries"],
  ["sockets", "sockets"],
  ["bufferBytes", "bytes of buffers"],
];

export function finish(state: RunState, checked: boolean): void {
  const world = state.world;
  for (const d of state.fds.values()) {
    if (d.protocol === "tcp" && !d.listening) state.winsock.abort(d.handle);
    // A socket that abort has not released yet is closed as well; on a released handle this only fails.
    state.winsock.close(d.handle);
  }
  world.onRest = () => false;
  world.advance(world.us + TEN_MINUTES_US);
  if (!checked) return;
  const stats = world.core.stats() as unknown as Record<string, number>;
  const left = LEFT.filter(([name]) => (stats[name] ?? 0) !== 0).map(([name, what]) => `${stats[name]} ${what}`);
  if (left.length) throw new Failure("ten minutes after the sockets were dropped something is left", null, left);
  const next = world.settle();
  if (Number.isFinite(next)) throw new Failure("ten minutes after the sockets were dropped a timer still runs", null, [`due in ${(next - world.us) / 1000} ms`]);
}
