/** Chapter K of the Winsock contract: its numbers are those of the seam, its layouts those the core writes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as errors from "../../host/abi/errors.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { B, connected, PORT } from "./support/pair.ts";

const table = new Map(
  readFileSync(new URL("../semantics/constants.tsv", import.meta.url), "utf8").trimEnd().split("\n").slice(1)
    .map((line) => line.split("\t") as [string, string]),
);
/** Names of the seam that are Lastack's own, and levels, options and classes of IP that chapter K leaves out. */
const OWN = /^(TCP_MAXRTMS$|LASTACK_|LSO_|SOL_LASTACK|SIZEOF_|IP_|WSA_WAIT_|WSA_INFINITE)/;

function numbers(module: object): [string, number][] {
  return Object.entries(module).filter((entry): entry is [string, number] => typeof entry[1] === "number");
}

test("K.1 to K.4: every number of the seam is the contract's", () => {
  const seam = [...numbers(errors), ...numbers(W)];
  const wrong = seam.filter(([name, value]) => table.has(name) && Number(table.get(name)) >>> 0 !== value >>> 0);
  assert.deepEqual(wrong, []);
  const unknown = seam.map(([name]) => name).filter((name) => !table.has(name) && !OWN.test(name));
  assert.deepEqual(unknown, [], "names that chapter K does not have");
  assert.ok(seam.filter(([name]) => table.has(name)).length > 130);
});

test("K.5: WSPDATA and TCP_INFO_v0 as they are written", async () => {
  const p = await connected();
  p.a.send(p.s, "hello");
  p.world.runFor(2000);
  p.b.send(p.t, "goodbye");
  p.world.runFor(100);
  assert.equal(p.a.ioctl(p.s, W.SIO_TCP_INFO, 0), 0);
  assert.equal(p.a.word(8), W.SIZEOF_TCP_INFO_V0, "bytes returned");
  const info = new DataView(p.a.bytes(96, W.SIZEOF_TCP_INFO_V0).buffer);
  assert.equal(info.getInt32(0, true), W.TCP_ESTABLISHED);
  assert.equal(info.getUint32(4, true), 1460 - 12, "Mss: what a segment carries beside the timestamps option");
  assert.ok(info.getBigUint64(8, true) >= 2000n && info.getBigUint64(8, true) < 2500n, "ConnectionTimeMs");
  assert.equal(info.getUint32(28, true), 0, "BytesInFlight");
  assert.equal(info.getBigUint64(48, true), 5n, "BytesOut");
  assert.equal(info.getBigUint64(56, true), 7n, "BytesIn");
  p.a.startup();
  const data = p.a.bytes(768, W.SIZEOF_WSPDATA);
  assert.deepEqual([...data.subarray(0, 4)], [2, 2, 2, 2], "wVersion, wHighVersion");
  assert.match(new TextDecoder("utf-16le").decode(data.subarray(4, 64)), /^Lastack\0/);
});

test("K.5: sockaddr_in and WSANETWORKEVENTS as they are written", async () => {
  const p = await connected();
  p.a.name(p.s, true);
  assert.deepEqual([...p.a.bytes(64, 16)], [W.AF_INET, 0, PORT >> 8, PORT & 0xff, ...B.split(".").map(Number), 0, 0, 0, 0, 0, 0, 0, 0]);
  const event = p.a.event();
  p.a.select(p.s, event, W.FD_WRITE | W.FD_CLOSE);
  p.b.setLinger(p.t, 1, 0);
  p.b.close(p.t);
  p.world.runFor(100);
  assert.deepEqual(p.a.enumerate(p.s, event), { FD_WRITE: 0, FD_CLOSE: 10054 });
  assert.equal(p.a.word(224), W.FD_WRITE | W.FD_CLOSE, "lNetworkEvents");
  assert.equal(p.a.word(224 + 4 + 4 * W.FD_CLOSE_BIT), 10054, "iErrorCode[FD_CLOSE_BIT]");
});
