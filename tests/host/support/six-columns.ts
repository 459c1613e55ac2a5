/**
 * Both columns of the six-step table (semantics T.1), written once over a small port, so that each can run on any kind of connection
 * against the other on any other kind.
 */
import assert from "node:assert/strict";

export const REQUEST = pattern(9_000, 3);
export const RESPONSE = pattern(20_000, 5);

/** One end of a connection, as a column uses it. */
export interface Port {
  /** Settles when all of it was accepted. */
  send(bytes: Uint8Array): Promise<void>;
  /** What has come: bytes, or null at the end of the stream (FD_CLOSE, 'end'), once there is nothing left to read. */
  next(): Promise<Uint8Array | null>;
  /** Steps 1 and 4. */
  shutdown(): Promise<void>;
  /** Steps 4' and 6; how the connection ended: "graceful", or whatever else it was. */
  close(): Promise<string>;
}

/** One run: the steps of both columns in the order in which they happened. */
export class SixSteps {
  readonly steps: string[] = [];
  readonly #pace: () => Promise<void>;

  /** @param pace Lets some time pass; called before everything that a column does. */
  constructor(pace: () => Promise<void>) {
    this.#pace = pace;
  }

  async #step(name: string, act: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
    await this.#pace();
    this.steps.push(name);
    await act();
  }

  /** What comes until the end of the stream. `whole` is told when it is `length` bytes. */
  async #readToEnd(port: Port, length: number, whole: () => void = () => {}): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let count = 0;
    for (;;) {
      await this.#pace();
      const part = await port.next();
      if (part === null) return Buffer.concat(parts);
      parts.push(part);
      count += part.length;
      if (count === length) whole();
    }
  }

  /** Left column: 1, 5', 5, 6. */
  async client(port: Port): Promise<string> {
    await port.send(REQUEST);
    await this.#step("1", () => port.shutdown());
    const got = await this.#readToEnd(port, RESPONSE.length, () => this.steps.push("5'"));
    this.steps.push("5");
    assert.ok(Buffer.compare(got, RESPONSE) === 0, `the client received ${got.length} bytes that are not the response`);
    let end = "";
    await this.#step("6", async () => {
      end = await port.close();
    });
    return end;
  }

  /** Right column: 2, 3, 4, 4'. */
  async server(port: Port): Promise<string> {
    const got = await this.#readToEnd(port, REQUEST.length);
    this.steps.push("2");
    assert.ok(Buffer.compare(got, REQUEST) === 0, `the server received ${got.length} bytes that are not the request`);
    const half = RESPONSE.length >> 1;
    await this.#step("3", () => port.send(RESPONSE.subarray(0, half)));
    await this.#pace();
    await port.send(RESPONSE.subarray(half));
    await this.#step("4", () => port.shutdown());
    let end = "";
    await this.#step("4'", async () => {
      end = await port.close();
    });
    return end;
  }

  /** Both columns to their end; how each connection ended. */
  async run(client: Port, server: Port): Promise<{ client: string; server: string }> {
    const [one, other] = await Promise.all([this.client(client), this.server(server)]);
    return { client: one, server: other };
  }

  /** Every step once; T-09's order, T-05's 4 < 4' and T-06's 5' < 5. */
  assertOrder(): void {
    const { steps } = this;
    const only = (...names: string[]): string => steps.filter((step) => names.includes(step)).join("<");
    assert.equal(only("1", "2", "3", "4", "5", "6"), "1<2<3<4<5<6", steps.join(" "));
    assert.equal(only("4", "4'"), "4<4'", steps.join(" "));
    assert.equal(only("3", "5'", "5"), "3<5'<5", steps.join(" "));
    assert.equal(steps.length, 8, steps.join(" "));
  }
}

function pattern(length: number, factor: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * factor + (i >> 8)) & 0xff);
}
