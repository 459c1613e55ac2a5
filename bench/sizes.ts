/** Bytes of the builds: figures of the target table like the others, though no round changes them. */
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import type { Measure } from "./figures.ts";

const SMALLEST = { level: 9 } as const;

/** Bytes of a file. */
export function rawBytes(file: string): Measure {
  return { name: file, run: async () => (await readFile(file)).length };
}

/** Bytes of a file as it is sent: `gzip -9`. */
export function sentBytes(file: string): Measure {
  return { name: `${file}, gzip`, run: async () => gzipSync(await readFile(file), SMALLEST).length };
}
