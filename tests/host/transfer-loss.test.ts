/** One megabyte each way over a bad wire, 200 times: every byte in order, every close settles, every report true. Virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LASTACK_WAIT, WSAEHOSTUNREACH } from "../../host/abi/errors.gen.ts";
import { SD_SEND } from "../../host/abi/winsock.gen.ts";
import { SeededRandom } from "../../host/base/random.ts";
import { memoryLink } from "../../host/device/index.ts";
import { World } from "../../host/driver/index.ts";
import { Ledger } from "./support/ledger.ts";
import { coreModule, ROOM, Spi } from "./support/spi.ts";

const SEEDS = 200;
const BYTES = 1 << 20;
const PORT = 9000;
const WITHIN_MS = 3_600_000;

/** A program at one end: writes its bytes, shuts down sending, reads until the end, closes. */
class Program {
  readonly spi: Spi;
  readonly s: number;
  readonly out: Uint8Array;
  readonly received = new Uint8Array(BYTES + 1);
  written = 0;
  read = 0;
  shut = false;
  ended = false;
  closed = false;

  constructor(spi: Spi, s: number, out: Uint8Array) {
    this.spi = spi;
    this.s = s;
    this.out = out;
  }

  /** As far as it goes without waiting. */
  run(): void {
    while (this.written < this.out.length) {
      const n = this.spi.send(this.s, this.out.subarray(this.written, this.written + ROOM));
      if (n < 0) { assert.equal(this.spi.err, LASTACK_WAIT); break; }
      this.written += n;
    }
    if (this.written === this.out.length && !this.shut) {
      assert.equal(this.spi.shutdown(this.s, SD_SEND), 0);
      this.shut = true;
    }
    while (!this.ended) {
      const got = this.spi.recv(this.s);
      if (!got) { assert.equal(this.spi.err, LASTACK_WAIT); break; }
      if (got.length === 0) { this.ended = true; break; }
      assert.ok(this.read + got.length <= BYTES, "more bytes than were sent");
      this.received.set(got, this.read);
      this.read += got.length;
    }
    if (this.shut && this.ended && !this.closed) {
      assert.equal(this.spi.close(this.s), 0);
      this.closed = true;
    }
  }
}

function checkReport(program: Program, peer: Program, mine: Ledger["a"], theirs: Ledger["a"]): void {
  const report = program.spi.reports.find((r) => r.handle === program.s);
  assert.ok(report, "the close settled with a report");
  assert.equal(report.outcome, "graceful");
  assert.equal(report.bytesSent, BYTES);
  assert.equal(report.bytesAcknowledged, BYTES);
  assert.equal(report.bytesUnacknowledged, 0);
  assert.equal(report.bytesDiscarded, 0);
  assert.equal(report.peerFin, true);
  // The wire's word: our FIN stood right after the last byte, its acknowledgement and the peer's FIN reached us.
  assert.equal(mine.fin, BYTES);
  assert.equal(theirs.acked, BYTES + 1);
  assert.equal(theirs.finArrived, true);
  assert.equal(mine.rst || theirs.rst, false);
  assert.equal(peer.read, BYTES);
}

/** Connects; three ARP requests in a row may be lost (10065), then a program tries again. */
function connect(a: Spi): number {
  for (let attempt = 1; ; attempt++) {
    const s = a.socket();
    assert.equal(a.connect(s, "10.0.0.2", PORT), LASTACK_WAIT);
    const code = a.until(() => a.connect(s, "10.0.0.2", PORT));
    if (code === 0) return s;
    assert.equal(code, WSAEHOSTUNREACH);
    assert.ok(attempt < 4, "resolved within four attempts");
    assert.equal(a.close(s), 0);
    assert.equal(a.report(s).outcome, "notConnected");
    a.reports.length = 0;
    a.world.runFor(30_000);
  }
}

async function exchange(seed: number, module: WebAssembly.Module, data: readonly [Uint8Array, Uint8Array]): Promise<void> {
  const world = new World({ seed });
  const ledger = new Ledger();
  const link = memoryLink({ clock: world.clock, seed, delayMs: 5, loss: 0.05, reorder: 0.05, duplicate: 0.05, corrupt: 0.01, onFrame: ledger.note });
  const a = new Spi(module, world, link.a, "10.0.0.1/24");
  const b = new Spi(module, world, link.b, "10.0.0.2/24");
  assert.equal(a.startup() | b.startup(), 0);
  const listener = b.listener(PORT);
  const s = connect(a);
  const t = b.until(() => b.accept(listener));
  const programs = [new Program(a, s, data[0]), new Program(b, t, data[1])] as const;
  const [client, server] = programs;
  for (const program of programs) program.run();
  const settled = () => a.reports.length + b.reports.length === 2;
  const done = world.runUntil(() => {
    for (const program of programs) {
      if (program.spi.wakes.length === 0 || program.closed) continue;
      program.spi.wakes.length = 0;
      program.run();
    }
    return settled();
  }, WITHIN_MS);
  assert.ok(done, `settled; client wrote ${client.written} read ${client.read} ${a.state(s)}, server wrote ${server.written} read ${server.read} ${b.state(t)}; ${world.describe()}`);
  assert.ok(Buffer.from(client.received.buffer, 0, BYTES).equals(data[1]), "client received the server's bytes in order");
  assert.ok(Buffer.from(server.received.buffer, 0, BYTES).equals(data[0]), "server received the client's bytes in order");
  checkReport(client, server, ledger.a, ledger.b);
  checkReport(server, client, ledger.b, ledger.a);
  link.close();
}

test(`${SEEDS} seeds of 1 MB each way with loss, reorder, duplication and corruption: every byte, every report`, { timeout: 300_000 }, async () => {
  const module = await coreModule("");
  const random = new SeededRandom(42);
  const data = [new Uint8Array(BYTES), new Uint8Array(BYTES)] as const;
  for (const bytes of data) for (let i = 0; i < BYTES; i++) bytes[i] = random.next() >>> 24;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await exchange(seed, module, data);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
});
