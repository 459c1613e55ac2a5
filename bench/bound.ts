/** What the memory link could reach at most: bench/bound/bound.ts, built by tools/bench.mjs beside the core that is measured. */
import type { Measure } from "./figures.ts";

const GBIT = 8e-9;
/** Batches between two looks at the clock. */
const PASSES = 200;

export function bound(module: WebAssembly.Module): Measure {
  return {
    name: "bound: checksums, copies and headers alone",
    async run(ms) {
      const { exports } = new WebAssembly.Instance(module, {});
      const pass = exports.bound as (passes: number) => number;
      let bytes = 0;
      const started = performance.now();
      let elapsed = 0;
      while (elapsed < ms) {
        const moved = pass(PASSES);
        if (moved === 0) throw new Error("the bound's checksums do not agree");
        bytes += moved;
        elapsed = performance.now() - started;
      }
      return (bytes * GBIT) / (elapsed / 1000);
    },
  };
}
