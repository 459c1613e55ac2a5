/** The runner's parts without a core: frames, mutations, notation, assertions, commands, settings, features, reports. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { CoreConfig } from "../../host/core/index.ts";
import { runAssertions } from "../packetdrill/runner/assertion.ts";
import type { IcmpSpec, Mutation, TcpOption, TcpSpec } from "../packetdrill/runner/ast.ts";
import { buildIcmp, buildTcp, buildUdp, encodeOptions, quotePacket, type RawTcp } from "../packetdrill/runner/build.ts";
import { parseCommands } from "../packetdrill/runner/commands.ts";
import { Stream } from "../packetdrill/runner/content.ts";
import { neededFeatures } from "../packetdrill/runner/features.ts";
import { Flow } from "../packetdrill/runner/flow.ts";
import { icmpNumbers, icmpWords } from "../packetdrill/runner/icmp.ts";
import { mutate } from "../packetdrill/runner/mutate.ts";
import { printPacket } from "../packetdrill/runner/notation.ts";
import { parseScript } from "../packetdrill/runner/parse.ts";
import { errnoNames } from "../packetdrill/runner/posix.ts";
import { formatOutcome, formatTotals, type Outcome, totalsOf } from "../packetdrill/runner/report.ts";
import { Unsupported } from "../packetdrill/runner/state.ts";
import { applySetting } from "../packetdrill/runner/sysctl.ts";
import { decodeFrame, decodeOptions, type LivePacket, type LiveTcp } from "../packetdrill/runner/wire.ts";

const ENDS = { source: "192.0.2.1", destination: "192.168.0.1" };
const SEED = 20260102;

const RAW: RawTcp = {
  srcPort: 40001, dstPort: 8080, seq: 1000, ack: 2000, flags: "P.", window: 257, urgent: 0, options: new Uint8Array(0), payload: Uint8Array.of(1, 2, 3),
};

function decoded(frame: Uint8Array): LivePacket {
  frame[12] = 0x08;
  return decodeFrame(frame, 5_000_000) ?? assert.fail("no IPv4 packet");
}

function tcpOf(packet: LivePacket): LiveTcp {
  return packet.layer.kind === "tcp" ? packet.layer : assert.fail(`it is ${packet.layer.kind}`);
}

describe("frames", () => {
  test("what is built decodes to the same, checksums right", () => {
    fc.assert(
      fc.property(
        fc.record({
          srcPort: fc.nat(65535), dstPort: fc.nat(65535), seq: fc.nat(0xffffffff), ack: fc.nat(0xffffffff), window: fc.nat(65535), urgent: fc.nat(65535),
          flags: fc.subarray([..."SFRPUEWA."]).map((c) => c.join("")), payload: fc.uint8Array({ maxLength: 50 }),
        }),
        (raw) => {
          const packet = decoded(buildTcp(ENDS, { ...raw, options: encodeOptions([{ kind: "mss", value: 1460 }]) }, { ttl: 7, ecn: "ce" }));
          const { kind: _kind, options, ...tcp } = tcpOf(packet);
          assert.deepEqual({ ...tcp, payload: [...tcp.payload] }, { ...raw, payload: [...raw.payload] });
          assert.deepEqual(options, [{ kind: "mss", value: 1460 }]);
          assert.deepEqual([packet.broken, packet.ip.ttl, packet.ip.tos, packet.ip.source], [null, 7, 3, ENDS.source]);
        },
      ),
      { seed: SEED, numRuns: 200 },
    );
  });

  test("UDP, ICMP and quotes carry right checksums", () => {
    const udp = decoded(buildUdp(ENDS, { src: 1, dst: 2 }, Uint8Array.of(9), {}));
    assert.deepEqual([udp.broken, udp.layer.kind], [null, "udp"]);
    const quoted = quotePacket({ source: ENDS.destination, destination: ENDS.source }, 6, new Uint8Array(20), 1480);
    const icmp = decoded(buildIcmp(ENDS, 3, 4, 1200, quoted, {}));
    assert.equal(icmp.broken, null);
    assert.ok(icmp.layer.kind === "icmp" && icmp.layer.mtu === 1200 && icmp.layer.body.length === 40);
  });

  test("options of every kind survive the wire, padding is eol", () => {
    const options: TcpOption[] = [
      { kind: "mss", value: 536 }, { kind: "nop" }, { kind: "wscale", shift: 9 }, { kind: "sackOK" },
      { kind: "timestamp", val: 0xfffffff0, ecr: 5, ecrAbsolute: false }, { kind: "sack", blocks: [{ left: 1, right: 2 }] },
    ];
    const bytes = encodeOptions(options);
    assert.equal(bytes.length % 4, 0);
    assert.deepEqual(decodeOptions(bytes).filter((o) => o.kind !== "eol"), options);
    assert.deepEqual([...encodeOptions([{ kind: "wscale", shift: 3 }])], [3, 3, 3, 0]);
  });

  test("any option bytes decode without trouble", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => Array.isArray(decodeOptions(bytes))), { seed: SEED, numRuns: 500 });
  });

  test("any frame decodes, or is none, or says what is broken", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 34, maxLength: 90 }), fc.constantFrom(1, 6, 17, 99), (bytes, protocol) => {
        bytes.set([0x08, 0x00, 0x45], 12);
        bytes[23] = protocol;
        const packet = decodeFrame(bytes, 0);
        return packet === null || typeof packet.ip.source === "string";
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  test("a wrong checksum or length is noticed", () => {
    const frame = buildTcp(ENDS, RAW, {});
    for (const [at, what] of [[14 + 10, /IPv4 header checksum/], [14 + 20 + 16, /TCP checksum/], [14 + 20 + 20, /TCP checksum/]] as const) {
      const bad = frame.slice();
      bad[at] = (bad[at] as number) ^ 0x40;
      assert.match(decoded(bad).broken ?? "", what);
    }
    const long = frame.slice();
    long[17] = 255;
    assert.match(decoded(long).broken ?? "", /lengths/);
  });
});

describe("mutations", () => {
  const apply = (...mutations: Mutation[]): Uint8Array => mutate(buildTcp(ENDS, { ...RAW, options: Uint8Array.of(1, 1, 1, 0) }, {}), mutations, 1);
  const m = (verb: Mutation["verb"], layer: string, ...words: string[]): Mutation => ({ verb, layer, words });

  test("rep replaces a field by name or offset and mends the checksum", () => {
    const packet = decoded(apply(m("rep", "tcp", "seq_num", "0x01234321"), m("rep", "tcp", "13", "0x02")));
    assert.deepEqual([tcpOf(packet).seq, tcpOf(packet).flags, packet.broken], [0x01234321, "S", null]);
  });

  test("rep of a checksum leaves it wrong", () => {
    assert.match(decoded(apply(m("rep", "tcp", "checksum", "0x0001"))).broken ?? "", /TCP checksum/);
    assert.match(decoded(apply(m("rep", "ipv4", "check", "0x0001"))).broken ?? "", /IPv4 header checksum/);
  });

  test("ins lengthens the packet, trun shortens it", () => {
    const longer = decoded(apply(m("ins", "tcp", "20", "0101", "0D00")));
    assert.equal(longer.ip.length, 20 + 20 + 4 + 3 + 4);
    assert.equal(longer.broken, null);
    const shorter = decoded(apply(m("trun", "tcp", "24")));
    assert.deepEqual([tcpOf(shorter).payload.length, shorter.broken], [0, null]);
  });

  test("trun ipv4 lets the total length lie", () => {
    const frame = apply(m("trun", "ipv4", "30"));
    assert.equal(frame.length, 14 + 30);
    assert.match(decoded(frame).broken ?? "", /lengths/);
  });

  test("what cannot be is refused", () => {
    for (const bad of [m("rep", "sctp", "x", "1"), m("rep", "tcp", "nothing", "1"), m("ins", "tcp", "0", "xyz"), m("rep", "tcp", "200", "1"), m("mut", "tcp", "mss")]) {
      assert.throws(() => apply(bad), /mutation|syntax/);
    }
  });
});

test("packets print in packetdrill's notation, with the script's numbers", () => {
  const flow = new Flow(8080, 40001, 0);
  flow.injectSyn(0);
  flow.learnSyn(0, 5000);
  const raw = { ...RAW, seq: 5001, ack: 11, options: encodeOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "sack", blocks: [{ left: 20, right: 30 }] }]) };
  assert.equal(printPacket(decoded(buildTcp(ENDS, raw, {})), flow), "5.0 > P. 1:4(3) ack 11 win 257 <nop,nop,sack 20:30>");
  assert.match(printPacket(decoded(buildUdp(ENDS, { src: 1, dst: 2 }, new Uint8Array(7), {})), null), /> udp \(7\)$/);
  assert.match(printPacket(decoded(buildIcmp(ENDS, 3, 3, 0, new Uint8Array(28), {})), null), /> icmp unreachable port_unreachable$/);
});

test("every byte of a stream tells where it belongs", () => {
  const stream = new Stream(1);
  const bytes = stream.bytes(100, 50);
  assert.equal(stream.differsAt(100, bytes), -1);
  assert.notEqual(stream.differsAt(101, bytes), -1);
  assert.notEqual(new Stream(2).differsAt(100, bytes), -1);
  stream.put(110, Uint8Array.from([..."GET"].map((c) => c.charCodeAt(0))));
  assert.equal(stream.differsAt(100, bytes), 110);
  assert.equal(String.fromCharCode(...stream.bytes(110, 3)), "GET");
});

test("sequence numbers: relative after a SYN, raw before, across the wrap", () => {
  const flow = new Flow(8080, 40001, 0xfffffff0);
  assert.equal(flow.localWire(7), 7);
  flow.learnSyn(0, 0xffffffff);
  assert.equal(flow.localWire(1), 0);
  assert.equal(flow.localScript(0), 1);
  assert.equal(flow.outboundOffset(1), 0);
  flow.injectSyn(100);
  assert.equal(flow.remoteWire(100), 84);
  assert.equal(flow.inboundOffset(101), 0);
});

test("ICMP words and numbers", () => {
  const spec = (type: string, code: string | null): IcmpSpec => ({ kind: "icmp", direction: "in", ip: {}, type, code, mtu: null, id: null, quoted: null });
  assert.deepEqual(icmpNumbers(spec("unreachable", "frag_needed")), { type: 3, code: 4, quotes: true });
  assert.deepEqual(icmpNumbers(spec("echo_request", null)), { type: 8, code: 0, quotes: false });
  assert.deepEqual(icmpNumbers(spec("type_255", "code_9")), { type: 255, code: 9, quotes: true });
  assert.equal(icmpNumbers(spec("nonsense", null)), null);
  assert.equal(icmpNumbers(spec("unreachable", "nonsense")), null);
  assert.equal(icmpWords(11, 0), "time_exceeded ttl_exceeded");
});

describe("assertions in %{ }%", () => {
  const values: Record<string, number> = { tcpi_state: 1, tcpi_snd_cwnd: 10, tcpi_options: 6, TCP_ESTABLISHED: 1, TCPI_OPT_SACK: 2 };
  const lookup = (name: string): number => values[name] ?? assert.fail(name);
  const holds = (text: string): boolean => runAssertions(text, lookup).failed === null;

  test("comparisons, and, or, not, parentheses, bits", () => {
    assert.ok(holds("assert tcpi_state == TCP_ESTABLISHED"));
    assert.ok(holds("assert tcpi_snd_cwnd >= 10 and tcpi_snd_cwnd <= 12, tcpi_snd_cwnd"));
    assert.ok(holds("assert 8 <= tcpi_snd_cwnd <= 10"));
    assert.ok(holds("assert (tcpi_options & TCPI_OPT_SACK) != 0, tcpi_options"));
    assert.ok(holds("assert not tcpi_snd_cwnd == 9 or 1 == 2"));
    assert.ok(holds("assert tcpi_snd_cwnd * 2 + 1 == 0x15"));
    assert.ok(!holds("assert tcpi_snd_cwnd == 9"));
    assert.ok(!holds("assert tcpi_options & 1"));
  });

  test("several statements, continuation lines, prints and comments", () => {
    const { failed, values: seen } = runAssertions("assert tcpi_state == 1, tcpi_state; \\\n  assert tcpi_snd_cwnd == 11 # no\nprint(tcpi_state)", lookup);
    assert.match(failed ?? "", /tcpi_snd_cwnd == 11/);
    assert.equal(seen.get("tcpi_snd_cwnd"), 10);
  });

  test("other Python is unsupported, not ignored", () => {
    for (const text of ["x = 1", "assert tcpi_state == [1]", "assert f(1)", "for x in y: pass", "assert (1", "assert 1 2"]) {
      assert.throws(() => runAssertions(text, () => 1), Unsupported, text);
    }
  });
});

describe("back-quoted commands", () => {
  test("sysctl in its spellings", () => {
    const settings = (text: string) => parseCommands(text).flatMap((c) => (c.kind === "settings" ? c.settings.map((s) => `${s.name}=${s.value}`) : [c.kind]));
    assert.deepEqual(settings("sysctl -w net.inet.tcp.rfc1323=1"), ["net.inet.tcp.rfc1323=1"]);
    assert.deepEqual(settings('sysctl -q net.ipv4.tcp_rmem="1 2 3"; sysctl -w a.b=1 c.d=2'), ["net.ipv4.tcp_rmem=1 2 3", "a.b=1", "c.d=2"]);
    assert.deepEqual(settings("scripts/set_sysctls.py /proc/sys/net/ipv4/tcp_min_tso_segs=10\n"), ["net.ipv4.tcp_min_tso_segs=10"]);
    assert.deepEqual(settings("echo 1 > /proc/sys/net/ipv4/tcp_sack"), ["net.ipv4.tcp_sack=1"]);
    assert.deepEqual(settings("../common/defaults.sh"), ["defaults"]);
    assert.deepEqual(settings("/tmp/sysctl_restore_${PPID}.sh"), ["nothing"]);
  });

  test("counting connections and dropping them", () => {
    assert.deepEqual(parseCommands("sockstat -4 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1"), [{ kind: "count", state: "TIME_WAIT", count: 1 }]);
    assert.deepEqual(parseCommands("tcpdrop 192.168.0.1 8080 192.0.2.1 40001"), [{ kind: "drop" }]);
  });

  test("no shell: anything else is unsupported", () => {
    for (const text of ["rm -rf x", "sockstat -4", "sysctl -w", "sleep 1", "tc qdisc add dev tun0 root pfifo", "sysctl -w a=1 | cat /etc/passwd"]) {
      assert.throws(() => parseCommands(text), Unsupported, text);
    }
  });
});

describe("system variables", () => {
  const applied = (name: string, value: string): CoreConfig => {
    const config: CoreConfig = {};
    applySetting(config, { name, value });
    return config;
  };

  test("map to configure fields", () => {
    assert.deepEqual(applied("net.inet.tcp.recvspace", "65536"), { recvBuffer: 65536 });
    assert.deepEqual(applied("net.inet.tcp.msl", "30000"), { timeWaitMs: 60000 });
    assert.deepEqual(applied("net.ipv4.tcp_keepalive_time", "60"), { keepIdleMs: 60000 });
    assert.deepEqual(applied("net.ipv4.tcp_rmem", "4096 87380 6291456"), { recvBuffer: 87380 });
    assert.deepEqual(applied("net.inet.tcp.insecure_rst", "1"), { policy: 1 });
    assert.deepEqual(applied("net.inet.tcp.insecure_rst", "0"), { policy: 0 });
    assert.deepEqual(applied("net.inet.tcp.rexmit_drop_options", "1"), { policy: 256 });
    assert.deepEqual(applied("net.inet.tcp.syncookies_only", "1"), { synCookies: 2 });
    assert.equal((applied("net.inet.tcp.rfc1323", "0").features ?? 1) & 1, 0);
  });

  test("a value the core behaves by is fine, another needs a feature, an unknown name is unsupported", () => {
    assert.deepEqual(applied("net.ipv4.tcp_fastopen", "3"), {});
    assert.throws(() => applied("net.ipv4.tcp_fastopen", "1024"), /fast open/);
    assert.deepEqual(["0", "1"].map((value) => applied("net.ipv4.tcp_mtu_probing", value)), [{ policy: 128 }, { policy: 0 }]);
    assert.throws(() => applied("net.ipv4.tcp_mtu_probing", "2"), /mtu probing from the start/);
    assert.deepEqual(applied("net.ipv4.tcp_probe_interval", "600"), { pathAgeMs: 600_000 });
    assert.throws(() => applied("net.inet.tcp.nonsense", "1"), Unsupported);
    assert.throws(() => applied("net.inet.tcp.recvspace", "many"), Unsupported);
    assert.throws(() => applied("net.inet.tcp.delacktime", "600"), Unsupported);
  });

  test("what changes nothing says why", () => {
    assert.match(applySetting({}, { name: "net.inet.tcp.hostcache.purgenow", value: "1" }) ?? "", /no host cache/);
  });
});

test("features are found by what a script writes", () => {
  const needs = (text: string): string[] => neededFeatures(parseScript(text, "t")).map((n) => n.feature);
  assert.deepEqual(needs("0 > S 0:0(0) <mss 1460,sackOK>"), ["sack"]);
  assert.deepEqual(needs("0 < S 0:0(0) win 1 <mss 1460,sackOK,TS val 1 ecr 0,wscale 7>\n0 > S. 0:0(0) ack 1 <...>"), []);
  assert.deepEqual(needs("0 < . 1:1(0) ack 1 win 1 <TS val 1 ecr 0>"), ["timestamps"]);
  assert.deepEqual(needs("0 < . 1:1(0) ack 1 win 1 <sack 1:2>"), ["sack"]);
  assert.deepEqual(needs("--ip_version=ipv6\n0 close(3) = 0"), ["ipv6"]);
  assert.deepEqual(needs("0 > [ect0] P. 1:2(1) ack 1"), ["ecn"]);
  assert.deepEqual(needs("0 < SEW 0:0(0) win 1\n0 > S. 0:0(0) ack 1"), []);
  assert.deepEqual(needs("0 > SE. 0:0(0) ack 1"), ["ecn"]);
  assert.deepEqual(needs("0 < S 0:0(0) win 1 <FO>\n0 < . 1:1(0) <md5 00>\n0 < . 1:1(0) /udp(1 > 2)"), ["fast open", "md5", "udp encapsulation"]);
  assert.deepEqual(needs("0 setsockopt(3, SOL_TCP, TCP_NOPUSH, [1], 4) = 0\n0 send(3, ..., 1, MSG_MORE) = 1"), ["nopush", "more to come"]);
  assert.deepEqual(needs("0 setsockopt(3, SOL_TCP, TCP_CORK, [1], 4) = 0"), []);
});

test("POSIX names of Winsock errors", () => {
  assert.deepEqual(errnoNames(10035), ["EAGAIN", "EWOULDBLOCK", "WSAEWOULDBLOCK"]);
  assert.ok(errnoNames(10038).includes("EBADF"));
  assert.ok(errnoNames(10054).includes("WSAECONNRESET"));
});

test("reports: one line a verdict, what was expected and seen below, totals by construct", () => {
  const base: Outcome = { path: "a.pkt", verdict: "pass", line: null, reason: null, expected: null, seen: [], rows: [], relaxations: {}, notes: [] };
  const outcomes: Outcome[] = [
    base,
    { ...base, verdict: "fail", line: 7, reason: "outbound packet: ack is 2", expected: "+0 > . 1:1(0) ack 1", seen: ["0.1 > . 1:1(0) ack 2 win 5"] },
    { ...base, verdict: "differs", rows: ["P-18"], relaxations: { "PSH not compared": 2 } },
    { ...base, verdict: "unsupported", line: 3, reason: "feature: sack" },
  ];
  const totals = totalsOf(outcomes);
  assert.deepEqual([totals.pass, totals.fail, totals.differs, totals.unsupported], [1, 1, 1, 1]);
  assert.deepEqual([totals.constructs, totals.rows, totals.relaxations], [{ "feature: sack": 1 }, { "P-18": 1 }, { "PSH not compared": 2 }]);
  assert.match(formatOutcome(outcomes[1] as Outcome), /^fail {4}a\.pkt:7: outbound packet: ack is 2\n +expected {2}\+0 > \. 1:1\(0\) ack 1\n +seen {6}0\.1 >/);
  assert.match(formatOutcome(outcomes[2] as Outcome), /^differs \(P-18\) a\.pkt\n +relaxed {3}PSH not compared \(2\)/);
  assert.match(formatTotals(totals), /^4 scripts: 1 pass, 1 fail, 1 differs, 1 unsupported/);
});

test("a script's packet keeps what the spec needs", () => {
  const [event] = parseScript("0 > S. 0:0(0) ack 1 <mss 1460>", "t").events;
  assert.ok(event?.action.kind === "packet");
  assert.equal((event.action.packet as TcpSpec).flags, "S.");
});
