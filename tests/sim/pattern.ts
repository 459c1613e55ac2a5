/** What streams carry: every byte is known from its stream and its place, so a receiver and the wire can be checked at once. */
import { SeededRandom } from "../../host/base/random.ts";

/** A prime, so that a shift by a power of two or by a segment never meets equal bytes. */
const PERIOD = 65_521;
/** Most bytes one look at the pattern may ask for. */
export const PATTERN_MOST = 65_536;

const table = ((): Buffer => {
  const random = new SeededRandom(20_259);
  const bytes = Buffer.alloc(PERIOD + PATTERN_MOST);
  random.fill(bytes, 0, PERIOD);
  for (let i = PERIOD; i < bytes.length; i++) bytes[i] = bytes[i - PERIOD] as number;
  return bytes;
})();

/** Bytes `from` to `from + length` of stream `id`; a view, not to be written. */
export function pattern(id: number, from: number, length: number): Uint8Array {
  const start = (from + (id % PERIOD) * 251) % PERIOD;
  return table.subarray(start, start + length);
}

/** First place where `bytes` are not bytes `from …` of stream `id`; -1 if they all are. */
export function mismatch(id: number, from: number, bytes: Uint8Array): number {
  for (let done = 0; done < bytes.length; done += PATTERN_MOST) {
    const part = bytes.subarray(done, done + PATTERN_MOST);
    const expected = pattern(id, from + done, part.length);
    if (Buffer.compare(part, expected) === 0) continue;
    for (let i = 0; i < part.length; i++) if (part[i] !== expected[i]) return from + done + i;
  }
  return -1;
}
