/** koffi is an optional dependency: everything works without it, some things less exactly (docs/closing.md). */
import { createRequire } from "node:module";

export type Koffi = typeof import("koffi");

let cached: Koffi | undefined;
let asked = false;

/** The module, or undefined where it is not installed or has no binary for this platform. */
export function loadKoffi(): Koffi | undefined {
  if (asked) return cached;
  asked = true;
  try {
    cached = createRequire(import.meta.url)("koffi") as Koffi;
  } catch {
    cached = undefined;
  }
  return cached;
}
