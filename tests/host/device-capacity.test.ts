/** What the smallest board holds: eight connections at once on 64 KiB of RAM, each with all of its buffers in use. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { act } from "../device/acting.ts";
import { buildFirmware, missingTools } from "../device/board.ts";
import { Bridge } from "../device/bridge.ts";
import { Hosts } from "../semantics/support/hosts.ts";
import { SD_SEND } from "../../host/abi/winsock.gen.ts";
import { coreModule } from "./support/spi.ts";

const missing = missingTools();
const skip = missing.length > 0 && `not installed: ${missing.join(", ")}`;
const SOCKETS = 8;
const BUFFER = 2048;
const PORT = 7000;
/** Stream number k, byte i. */
const value = (k: number, i: number): number => (i * 7 + (i >> 8) + k * 31) & 0xff;

describe("lm3s6965evb", { skip }, () => {
  let bridge: Bridge;
  before(async () => {
    const { elf } = await buildFirmware("lm3s6965evb", { TEST: "1" });
    bridge = await Bridge.boot("lm3s6965evb", elf);
    act(bridge);
  });
  after(() => bridge.stop());

  test(`${SOCKETS} TCP sockets, ${BUFFER} bytes waiting in each direction of each; nothing is lost, every report graceful`, async (t) => {
    const hosts = new Hosts(await coreModule(""), {}, {});
    const { a, b, far } = hosts;
    const listener = b.listener(PORT);
    const pairs = Array.from({ length: SOCKETS }, () => hosts.join(listener));
    const stream = (k: number, from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => value(k, from + i));

    for (const [k, pair] of pairs.entries()) b.send(pair.t, stream(k, 0, 2 * BUFFER));
    hosts.run(5000);
    for (const { s } of pairs) assert.equal(a.unread(s), BUFFER, "received and not read");
    // What is sent now cannot be acknowledged.
    far.open = false;
    for (const [k, { s }] of pairs.entries()) {
      a.nonblocking(s);
      let sent = 0;
      for (let n = 0; n >= 0; n = a.send(s, stream(k, sent, Math.min(a.room, BUFFER - sent + 1)))) sent += n;
      assert.deepEqual([sent, a.err], [BUFFER, 10035], "sent and not acknowledged");
    }
    const { memoryBytes, bufferBytes, tcpCurrent } = a.core.stats();
    t.diagnostic(`${tcpCurrent} connections hold ${bufferBytes} bytes in ${memoryBytes} bytes of linear memory`);
    assert.equal(tcpCurrent, SOCKETS);
    assert.ok(bufferBytes >= 2 * SOCKETS * BUFFER, `${bufferBytes} bytes`);

    far.open = true;
    const got = pairs.map(() => 0);
    const take = (): boolean => {
      for (const [k, { s }] of pairs.entries()) {
        for (let part = a.recv(s); part?.length; part = a.recv(s)) {
          part.forEach((byte, i) => assert.equal(byte, value(k, (got[k] as number) + i), `byte ${(got[k] as number) + i} of stream ${k}`));
          got[k] = (got[k] as number) + part.length;
        }
      }
      return got.every((n) => n === 2 * BUFFER);
    };
    for (let round = 0; !take(); round++) {
      assert.ok(round < 600, `the streams stand still at ${got.join(" ")}`);
      hosts.run(100);
    }
    for (const [k, { s, t: peer }] of pairs.entries()) {
      a.nonblocking(s, false);
      assert.equal(a.shutdown(s, SD_SEND), 0);
      const { bytes, end } = b.drain(peer);
      assert.deepEqual({ end, length: bytes.length, wrong: bytes.findIndex((byte, i) => byte !== value(k, i)) }, { end: true, length: BUFFER, wrong: -1 }, `stream ${k}`);
      b.close(peer);
      hosts.run(200);
      assert.equal(a.close(s), 0);
      assert.equal(a.report(s).outcome, "graceful");
    }
    assert.equal(a.core.stats().bufferBytes, 0);
  });
});
