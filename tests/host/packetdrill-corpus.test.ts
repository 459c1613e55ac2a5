/** The corpus runs: every script passes, on any side of the wrap; what is generated is what is committed; nothing is missing. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { describe, test } from "node:test";
import { FLAG_SETS, SCENES } from "../packetdrill/corpus/states.ts";
import { check, generate } from "../packetdrill/generate.ts";
import { scriptsBelow } from "../packetdrill/runner/cli.ts";
import { parseScript } from "../packetdrill/runner/parse.ts";
import { formatOutcome, type Outcome } from "../packetdrill/runner/report.ts";
import { type RunOptions, runScript } from "../packetdrill/runner/run.ts";
import { CORPUS, module } from "./packetdrill-support.ts";

const files = scriptsBelow(CORPUS);
const nameOf = (file: string): string => relative(CORPUS, file).split(sep).join("/");
/** Scripts that fail today, with the reason: each shows something the core still owes. */
const findings = JSON.parse(readFileSync(join(CORPUS, "findings.json"), "utf8")) as Record<string, string>;

function runAll(options: Partial<RunOptions>, some: readonly string[] = files): Outcome[] {
  return some.map((file) => runScript(parseScript(readFileSync(file, "utf8"), nameOf(file)), { module, mode: "strict", ...options }));
}

/** A finding that passes is told, not failed: whoever mended the core strikes it off. */
function assertAllPass(outcomes: readonly Outcome[]): void {
  const wrong = outcomes.filter((o) => o.verdict !== "pass" && !Object.hasOwn(findings, o.path));
  assert.equal(wrong.length, 0, `\n${wrong.map(formatOutcome).join("\n")}`);
  for (const o of outcomes) if (o.verdict === "pass" && Object.hasOwn(findings, o.path)) console.log(`${o.path} passes: strike it off findings.json`);
}

describe("the corpus", () => {
  test("every script passes", () => assertAllPass(runAll({})));

  test("every script passes with the peer's sequence numbers across 2^32 and the core's clock about to wrap", () => {
    assertAllPass(runAll({ remoteShift: 0xffff_fffa, timeOrigin: 0xffff_ff00, seed: 4711 }));
  });

  test("every script passes with both across 2^31", () => assertAllPass(runAll({ remoteShift: 0x7fff_fff8, timeOrigin: 0x7fff_ff00, seed: 4712 })));

  test("a run says the same twice", () => {
    const some = files.filter((_file, i) => i % 9 === 0);
    assert.deepEqual(runAll({ seed: 5 }, some), runAll({ seed: 5 }, some));
  });

  test("findings name scripts that exist", () => {
    const names = new Set(files.map(nameOf));
    assert.deepEqual(Object.keys(findings).filter((name) => !names.has(name)), []);
  });
});

describe("what the corpus covers", () => {
  const generated = generate();

  test("at least 150 scripts by hand, at least 400 in all", () => {
    const byHand = files.filter((file) => !nameOf(file).startsWith("generated/"));
    assert.ok(byHand.length >= 150, `${byHand.length} by hand`);
    assert.ok(files.length >= 400, `${files.length} in all`);
  });

  test("generating again changes nothing", () => assert.deepEqual(check(), []));

  test("no two scripts are the same", () => {
    const seen = new Map<string, string>();
    for (const file of files) {
      const events = readFileSync(file, "utf8").replace(/^\/\/.*$/gm, "");
      assert.equal(seen.get(events), undefined, `${nameOf(file)} repeats ${seen.get(events)}`);
      seen.set(events, nameOf(file));
    }
  });

  test("all eleven states meet every combination of SYN, FIN, RST and ACK", () => {
    assert.equal(new Set(SCENES.map((s) => s.model.state)).size, 11);
    for (const scene of SCENES) {
      const met = new Set(generated.filter((g) => g.path.startsWith(`states/${scene.name}/`)).map((g) => /^\+\.05 < (\S+)/m.exec(g.text)?.[1]?.replaceAll("P", "")));
      const missing = FLAG_SETS.filter((flags) => ![flags || "-", flags].some((f) => met.has(f)) && !(flags === "" && met.has("")));
      assert.deepEqual(missing, [], scene.name);
    }
  });

  test("synchronized states meet segments at, inside, left of and right of the window", () => {
    for (const scene of SCENES.filter((s) => !["CLOSED", "LISTEN", "SYN_SENT"].includes(s.model.state))) {
      for (const place of ["exact", "inside", "left", "right"]) {
        for (const flags of ["r", "s", "a", "fa"]) {
          const found = generated.some((g) => g.path.startsWith(`states/${scene.name}/${flags}-${place}`));
          assert.ok(found, `${scene.name} ${flags} ${place}`);
        }
      }
    }
  });

  test("the close matrix has every state, linger kind, unread, unsent and peer", () => {
    const close = generated.filter((g) => g.path.startsWith("close/")).map((g) => g.path);
    for (const part of [
      "established/", "fin-wait-1/", "fin-wait-2/", "close-wait/", "closing/", "last-ack/", "time-wait/", "linger-off", "linger-hard", "linger-timed",
      "-unread-", "-read-", "-none-", "-flight-", "-blocked-", "peer-fins", "peer-acks", "peer-resets", "peer-sends", "peer-silent", "peer-late",
    ]) {
      assert.ok(close.some((path) => path.includes(part)), part);
    }
    assert.ok(close.length >= 130, `${close.length}`);
  });

  test("manual/ uses every construct of the subset", () => {
    const text = files.filter((f) => nameOf(f).startsWith("manual/")).map((f) => readFileSync(f, "utf8")).join("\n");
    const constructs = [
      "//", "/\\*", "--ip_version=", "--tolerance_usecs=", "--mtu=", "--mss=", "--local_ip=", "--remote_ip=", "--bind_port=", "--connect_port=", "--non_fatal=",
      "--strict_segments", "#ifdef", "#else", "#endif", "\\d\\.\\d+ ", "\\+\\.\\d", "^\\* >", "\\d~\\d", "\\+\\S+~\\+", "\\.\\.\\.0\\.\\d", "< - ", " urg ", "<\\.\\.\\.>",
      "sackOK", "wscale", "nop", "eol", "TS val", "icmp unreachable", "icmp time_exceeded", "mtu \\d", "\\[1:1461", "\\(tos 0x", "ttl", "\\[ect0\\]", "\\[ce\\]",
      "\\)!", "\\{rep ", "\\{ins ", "\\{trun ", "socket\\(", "bind\\(", "listen\\(", "accept\\(", "connect\\(", " read\\(", " write\\(", "recv\\(", "recvfrom\\(",
      "recvmsg\\(", "send\\(", "sendto\\(", "sendmsg\\(", "shutdown\\(", "close\\(", "poll\\(", "fcntl\\(", "SIOCINQ", "SIOCOUTQ", "FIONREAD", "getsockopt\\(",
      "setsockopt\\(", "SO_LINGER", "SO_ERROR", "SO_REUSEADDR", "SO_RCVBUF", "SO_SNDBUF", "SO_KEEPALIVE", "SO_SNDTIMEO", "SO_RCVTIMEO", "TCP_NODELAY",
      "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "sysctl -w", "sockstat", "tcpdrop", "%\\{", "tcpi_state", " and ", " or ", "udp \\(", "\\d > \\d+ S",
    ];
    assert.deepEqual(constructs.filter((c) => !new RegExp(c, "m").test(text)), []);
  });
});
