/**
 * Rows of chapter P whose rule the kernel's TCP shares, as a Winsock program against node:net over a TAP device: results and what the
 * kernel's program sees as tests/semantics/rows.tsv has them, segments as tshark reads them. As root on Linux; else listed as skipped.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readRows, rowsById } from "../semantics/table.ts";
import { whyNoTap } from "./support/tap-there.ts";

const PROGRAM = fileURLToPath(new URL("kernel-closes-program.ts", import.meta.url));
const TIMEOUT_MS = 60_000;
const OURS = "10.9.0.1";

interface Seen {
  ports: number[];
  result: string[];
  peer: string[];
  facts: Record<string, string>;
}

/** A segment as tshark reads it, numbers relative to the connection's first. */
interface Segment {
  readonly ours: boolean;
  readonly ports: readonly number[];
  readonly seq: number;
  readonly ack: number;
  readonly next: number;
  readonly length: number;
  readonly fin: boolean;
  readonly rst: boolean;
}

const FIELDS = ["ip.src", "tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.ack", "tcp.nxtseq", "tcp.len", "tcp.flags"];
const [FIN, RST] = [1, 4];

function tshark(capture: string, ...args: string[]): string[] {
  const checked = ["ip", "tcp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
  const { status, stdout, stderr } = spawnSync("tshark", ["-n", "-r", capture, ...checked, ...args], { encoding: "utf8", maxBuffer: 1 << 26 });
  assert.equal(status, 0, stderr);
  return stdout.split("\n").filter((line) => line !== "");
}

function readSegments(capture: string): Segment[] {
  return tshark(capture, "-Y", "tcp", "-T", "fields", ...FIELDS.flatMap((field) => ["-e", field])).map((line) => {
    const [source, ...numbers] = line.split("\t");
    const [from = 0, to = 0, seq = 0, ack = 0, next = 0, length = 0, flags = 0] = numbers.map(Number);
    return { ours: source === OURS, ports: [from, to], seq, ack, next, length, fin: (flags & FIN) !== 0, rst: (flags & RST) !== 0 };
  });
}

describe("rules that the kernel's TCP shares", { skip: whyNoTap("ip", "tshark") }, () => {
  const directory = mkdtempSync(join(tmpdir(), "lastack-closes-"));
  const capture = join(directory, "closes.pcapng");
  const rows = rowsById(readRows());
  let report: Record<string, Seen> = {};
  let segments: Segment[] = [];

  before(() => {
    const args = ["-n", process.execPath, "--import", "tsx", PROGRAM, capture];
    const { status, signal, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: TIMEOUT_MS, killSignal: "SIGKILL" });
    assert.equal(status, 0, `ended with ${signal ?? status}: ${stderr}${stdout}`);
    report = JSON.parse(stdout);
    segments = readSegments(capture);
  });
  after(() => rmSync(directory, { recursive: true }));

  /** What the row's scenario saw, its calls and its peer compared with the table. */
  function judged(id: string): Seen {
    const [seen, line] = [report[id], rows.get(id)?.[0]];
    assert.ok(seen && line, id);
    assert.deepEqual({ result: seen.result, peer: seen.peer }, { result: line.items.result, peer: line.items.peer });
    for (const fact of line.items.facts) {
      const [name = "", value] = fact.split("=");
      assert.equal(seen.facts[name], value, name);
    }
    return seen;
  }

  /** Segments of the row's k-th connection. */
  const of = (seen: Seen, k = 0): Segment[] => segments.filter(({ ports }) => ports.includes(seen.ports[k] as number));
  const rsts = (list: Segment[]): Segment[] => list.filter(({ ours, rst }) => ours && rst);
  const fins = (list: Segment[]): Segment[] => list.filter(({ ours, fin }) => ours && fin);

  /** One RST of ours and no FIN. */
  function assertReset(list: Segment[]): void {
    assert.deepEqual([rsts(list).length, fins(list).length], [1, 0], "RST, FIN");
  }

  test("P-06: a lingering close returns 0, whatever comes of it", () => {
    const seen = judged("P-06");
    assert.deepEqual(seen.facts, { expiry: "kept", outcome: "lingerExpired" });
    assert.deepEqual([rsts(of(seen, 0)).length, fins(of(seen, 0)).length], [0, 1], "delivered");
    assertReset(of(seen, 1));
    assert.equal(of(seen, 2).filter(({ ours, rst }) => !ours && rst).length, 1, "the kernel's RST");
  });

  test("P-07: linger waits for the data and the FIN to be acknowledged, not for the peer's FIN", () => {
    const seen = judged("P-07");
    assert.equal(seen.facts["seconds"], "0");
    const list = of(seen);
    const [fin] = fins(list);
    assert.ok(fin);
    const acked = list.findIndex(({ ours, ack }) => !ours && ack === fin.next);
    const theirs = list.findIndex(({ ours, fin: ends }) => !ours && ends);
    assert.ok(acked >= 0 && theirs > acked, "FIN_WAIT_2 first");
    assert.equal(rsts(list).length, 0);
  });

  test("P-08: linger { 1, 0 } resets at once, at SND.NXT", () => {
    const seen = judged("P-08");
    assert.equal(seen.facts["errors"], "recv:10054");
    assertReset(of(seen));
    assert.equal(rsts(of(seen))[0]?.seq, 1);
  });

  test("P-10: an accepted socket inherits the listener's linger", () => assert.deepEqual(rsts(of(judged("P-10"))), []));

  test("P-12: a close with unread data resets", () => assertReset(of(judged("P-12"))));

  test("P-13: data after the close is answered with RST", () => {
    const list = of(judged("P-13"));
    const late = list.findIndex(({ ours, length }) => !ours && length === 4);
    const reset = list.findIndex(({ ours, rst }) => ours && rst);
    assert.ok(late >= 0 && reset > late, "RST behind the data");
    assert.equal(fins(list).length, 1);
  });

  test("P-14: SD_RECEIVE sends nothing, and resets for data that comes or is there", () => {
    const seen = judged("P-14");
    const list = of(seen, 0);
    const late = list.findIndex(({ ours, length }) => !ours && length === 4);
    assert.ok(late >= 0 && list.findIndex(({ ours, rst }) => ours && rst) > late, "nothing before the data");
    assertReset(list);
    assertReset(of(seen, 1));
  });

  test("P-15: a second SD_SEND succeeds and sends nothing", () => {
    const list = of(judged("P-15"));
    assert.equal(fins(list).length, 1);
    assert.equal(rsts(list).length, 0);
  });

  test("P-25: of two descriptors the last close ends the connection", () => {
    const list = of(judged("P-25"));
    const between = list.findIndex(({ ours, length }) => !ours && length === 7);
    const fin = list.findIndex((segment) => segment.ours && segment.fin);
    assert.ok(between >= 0 && fin > between, "no FIN before the second close");
    assert.equal(rsts(list).length, 0);
  });

  test("tshark finds nothing malformed and no wrong sum", () => {
    // The kernel at 10.9.0.2 writes a sum of 0 as 0xffff, the same number in one's complement.
    const tcp = "(tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && ip.src == 10.9.0.2))";
    assert.deepEqual(tshark(capture, "-Y", `_ws.malformed || ip.checksum.status == 0 || ${tcp}`), []);
  });
});
