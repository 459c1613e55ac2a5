/** Received bytes that the core has not taken yet, in the buffers Node delivered them in. */
import type { ByteParts } from "./contract.ts";
import { copyIn, totalBytes } from "./endpoint.ts";

export class Inbox {
  readonly #chunks: Uint8Array[] = [];
  /** Bytes of the first chunk already taken. */
  #offset = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#offset = 0;
    this.#bytes = 0;
  }

  /** Copies as much as fits; without `peek` it is gone afterwards. */
  take(into: ByteParts, peek: boolean): number {
    const want = Math.min(totalBytes(into), this.#bytes);
    let done = 0;
    let index = 0;
    let offset = this.#offset;
    while (done < want) {
      const chunk = this.#chunks[index] as Uint8Array;
      const copied = copyIn(into, done, chunk, offset);
      done += copied;
      offset += copied;
      if (offset === chunk.length) {
        index++;
        offset = 0;
      }
    }
    if (!peek) {
      this.#chunks.splice(0, index);
      this.#offset = offset;
      this.#bytes -= done;
    }
    return done;
  }
}
