/** SOCK_SEQPACKET as another program reads it: tshark finds TPKT and COTP in every octet of the streams, and nothing to complain of. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as E from "../../host/abi/errors.gen.ts";
import * as S from "../../host/abi/sockets.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { B, cores, message, octets, PORT, recvDisconnect, sendDisconnect, text, wsabufBytes } from "./seqpacket-support.ts";

const tshark = spawnSync("tshark", ["--version"]).status === 0;
/** Warnings count too: nothing is lost on this link, so TCP gives no cause for one but the reset that a program asks for. */
const WRONG = "_ws.malformed || (_ws.expert.severity >= 6291456 && !tcp.flags.reset) || (tpkt && !cotp)";
const [CR, CC, DR, DC, DT] = ["0x0e", "0x0d", "0x08", "0x0c", "0x0f"] as const;

/** What our messages carry is no protocol: these dissectors would guess that it is theirs. */
const GUESSES = ["t125", "ses"].flatMap((name) => ["--disable-protocol", name]);

/** What tshark prints of the fields in frames that pass the filter; `port` is said to be TPKT's. */
function dissect(path: string, port: number, filter: string, ...fields: string[]): string[] {
  const args = ["-n", ...GUESSES, "-r", path, "-d", `tcp.port==${port},tpkt`, "-Y", filter, "-T", "fields", "-E", "separator=;", ...fields.flatMap((field) => ["-e", field])];
  return execFileSync("tshark", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n").filter(Boolean);
}

const all = (lines: readonly string[]): string[] => lines.flatMap((line) => line.split(/[;,]/)).filter(Boolean);
const count = (values: readonly string[]): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const value of values) found[value] = (found[value] ?? 0) + 1;
  return found;
};

const sum = (values: readonly string[]): number => values.reduce((total, value) => total + Number(value), 0);

/** What tshark complains of, and how many octets of the streams are in no packet. */
function problems(path: string, port: number): string[] {
  const outside = sum(all(dissect(path, port, "tcp.len > 0", "tcp.len"))) - sum(all(dissect(path, port, "tpkt", "tpkt.length")));
  return [...dissect(path, port, WRONG, "frame.number", "_ws.expert.message"), ...(outside ? [`${outside} octets are in no packet`] : [])];
}

/** Everything the protocol has: requests confirmed and refused, messages of every size, data with each end, an end in each direction first, a reset. */
async function conversation(path: string, port: number): Promise<void> {
  const made = await cores({ pcap: path, config: { sendBuffer: 100_000, recvBuffer: 100_000 } });
  const { a, b } = made;
  const listener = b.socket("messages");
  assert.equal(b.setOption(listener, W.SOL_LASTACK, S.LSO_TSAP_OWN, 0x42_41, 2), 0);
  assert.equal(b.bind(listener, "0.0.0.0", port), 0);
  assert.equal(b.listen(listener), 0);
  const open = (called: number): [number, number] => {
    const s = a.socket("messages");
    assert.equal(a.setOption(s, W.SOL_LASTACK, S.LSO_TSAP_CALLED, called, 2), 0);
    return [s, a.until(() => a.connect(s, B, port))];
  };
  assert.equal(open(0x43_41)[1], E.WSAECONNREFUSED);
  const [s, code] = open(0x42_41);
  assert.equal(code, 0);
  const t = b.until(() => b.accept(listener));
  for (const length of [0, 1, 1400, 20_000]) assert.equal(a.send(s, "m".repeat(length)), length);
  assert.equal(a.send(s, "in ", W.MSG_PARTIAL), 3);
  assert.equal(a.send(s, "parts"), 5);
  assert.deepEqual([0, 1, 2, 3].map(() => text(message(b, t)).length), [0, 1, 1400, 20_000]);
  assert.equal(text(message(b, t)), "in parts");
  assert.equal(sendDisconnect(a, s, octets("the end of a")), 0);
  assert.equal(message(b, t), E.WSAEDISCON);
  assert.equal(b.send(t, "still"), 5);
  assert.equal(sendDisconnect(b, t, octets("the end of b")), 0);
  assert.equal(text(message(a, s)), "still");
  assert.equal(message(a, s), E.WSAEDISCON);
  assert.equal(recvDisconnect(a, s, 64), 0);
  assert.equal(text(wsabufBytes(a)), "the end of b");
  a.close(s);
  b.close(t);
  assert.deepEqual([a.report(s).outcome, b.report(t).outcome], ["graceful", "graceful"]);
  const [plain] = open(0x42_41);
  const other = b.until(() => b.accept(listener));
  b.close(other);
  assert.equal(message(a, plain), E.WSAEDISCON);
  a.close(plain);
  assert.equal(a.report(plain).outcome, "graceful");
  const [hard] = open(0x42_41);
  a.setLinger(hard, 1, 0);
  a.close(hard);
  made.run(200);
  made.recorder?.close();
}

test("tshark reads TPKT and COTP in every octet and complains of nothing", { timeout: 120_000, skip: tshark ? false : "tshark is not installed" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "seqpacket-"));
  try {
    for (const port of [PORT, 5001]) {
      const path = join(folder, `${port}.pcapng`);
      await conversation(path, port);
      assert.deepEqual(problems(path, port), [], `port ${port}`);
      // 20,000 octets are three TPDUs of at most 8187, the other messages and parts one each.
      const types = count(all(dissect(path, port, "cotp", "cotp.type")));
      assert.deepEqual(types, { [CR]: 4, [CC]: 3, [DR]: 4, [DC]: 1, [DT]: 9 });
      const data = dissect(path, port, "cotp.type == 0x08", "cotp.type", "data.data");
      for (const words of ["the end of a", "the end of b"]) assert.ok(data.some((line) => line.includes(Buffer.from(words).toString("hex"))), words);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("tshark would notice a packet that is none", { timeout: 60_000, skip: tshark ? false : "tshark is not installed" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "seqpacket-"));
  try {
    const path = join(folder, "broken.pcapng");
    await conversation(path, PORT);
    const bytes = readFileSync(path);
    // The version of the first connection request's packet.
    bytes[bytes.indexOf(Uint8Array.of(3, 0, 0, 21))] = 9;
    writeFileSync(path, bytes);
    assert.notDeepEqual(problems(path, PORT), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
