/** The packetdrill language, construct by construct: what a script says is what the parser hands on. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Action, canonicalFlags, type Event, type Expr, ScriptError, type Syscall, type TcpSpec } from "../packetdrill/runner/ast.ts";
import { tokenize } from "../packetdrill/runner/lex.ts";
import { DEFAULT_DEFINES, parseScript } from "../packetdrill/runner/parse.ts";
import { preprocess } from "../packetdrill/runner/preprocess.ts";

const SEED = 20260101;

function only(line: string): Event {
  const { events } = parseScript(line, "test.pkt");
  assert.equal(events.length, 1, line);
  return events[0] as Event;
}

function packet(line: string): TcpSpec {
  const { action } = only(line);
  assert.ok(action.kind === "packet" && action.packet.kind === "tcp", line);
  return action.packet;
}

function call(line: string): Syscall {
  const action: Action = only(line).action;
  assert.equal(action.kind, "syscall", line);
  return action as Syscall;
}

/** Line and construct of the error a text provokes. */
function errorOf(text: string): { line: number; construct: string } {
  try {
    parseScript(text, "test.pkt");
  } catch (error) {
    assert.ok(error instanceof ScriptError, String(error));
    return { line: error.line, construct: error.construct };
  }
  return assert.fail(`parsed: ${text}`);
}

describe("characters to tokens", () => {
  const kinds = (text: string): string => tokenize(text).map((t) => `${t.kind}:${t.text}`).join(" ");

  test("numbers, words and the ellipsis keep apart in times of blocking calls", () => {
    assert.equal(kinds("+.1...0.200 accept"), "punct:+ float:.1 ellipsis:... float:0.200 word:accept end:");
    assert.equal(kinds("0...0.2 read"), "int:0 ellipsis:... float:0.2 word:read end:");
    assert.equal(kinds("0x1F 12 -1 3fd"), "hex:0x1F int:12 int:-1 word:3fd end:");
  });

  test("addresses are one token, sequence ranges are not", () => {
    assert.equal(kinds("192.168.0.1 2001:db8::1 ::1 ::ffff:192.0.2.1"), "ipv4:192.168.0.1 ipv6:2001:db8::1 ipv6:::1 ipv6:::ffff:192.0.2.1 end:");
    assert.equal(kinds("1:1001(1000)"), "int:1 punct:: int:1001 punct:( int:1000 punct:) end:");
  });

  test("comments go, in quotes they stay", () => {
    assert.equal(kinds("a // b\nc /* d\n e */ f"), "word:a word:c word:f end:");
    assert.equal(kinds('"a // b" `x /* y */`'), "string:a // b command:x /* y */ end:");
  });

  test("lines are counted through comments, commands and code", () => {
    const tokens = tokenize("a\n/* one\ntwo */ b\n`c\nd`\n%{ e\nf }%\ng");
    assert.deepEqual(tokens.filter((t) => t.kind !== "end").map((t) => t.line), [1, 3, 4, 6, 8]);
  });

  test("what is not closed is an error at its line", () => {
    for (const text of ['x\n"abc', "x\n`abc", "x\n/* abc", "x\n%{ abc"]) {
      assert.throws(() => tokenize(text), (e: unknown) => e instanceof ScriptError && e.line === 2, text);
    }
  });

  test("any text is tokens or a ScriptError, and tokens cover the text in order", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."09afzAZ.:<>+-*~(){}[]|,;=!/ \n\"`%x_") , maxLength: 80 }), (text) => {
        let tokens: ReturnType<typeof tokenize>;
        try {
          tokens = tokenize(text);
        } catch (error) {
          return error instanceof ScriptError;
        }
        return tokens.every((t, i) => t.to >= t.from && (i === 0 || t.from >= (tokens[i - 1]?.to ?? 0)));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe("#ifdef", () => {
  const has = (text: string, ...names: string[]): string => preprocess(text, new Set(names)).replace(/\s+/g, " ").trim();

  test("takes the branch its name chooses", () => {
    const text = "#ifdef A\na\n#else\nb\n#endif\nc";
    assert.equal(has(text, "A"), "a c");
    assert.equal(has(text), "b c");
  });

  test("nests, and #ifndef turns it round", () => {
    const text = "#ifdef A\n#ifndef B\nx\n#else\ny\n#endif\n#endif\nz";
    assert.equal(has(text, "A"), "x z");
    assert.equal(has(text, "A", "B"), "y z");
    assert.equal(has(text, "B"), "z");
  });

  test("keeps line numbers", () => {
    const script = parseScript("#ifdef NOBODY\n+0 close(3) = 0\n#else\n+0 close(4) = 0\n#endif", "t");
    assert.deepEqual(script.events.map((e) => e.line), [4]);
  });

  test("STANDARD is defined by default", () => {
    const text = "#ifdef STANDARD\n+0 close(3) = 0\n#endif\n+0 close(4) = 0";
    assert.equal(parseScript(text, "t").events.length, 2);
    assert.equal(parseScript(text, "t", new Set()).events.length, 1);
    assert.ok(DEFAULT_DEFINES.has("STANDARD"));
  });

  test("unbalanced or unknown directives are errors", () => {
    for (const [text, line] of [["#ifdef A\nx", 1], ["#endif", 1], ["#else", 1], ["#ifdef A\n#else\n#else\n#endif", 3], ["#include x", 1], ["#ifdef", 1]] as const) {
      assert.throws(() => preprocess(text, new Set()), (e: unknown) => e instanceof ScriptError && e.line === line, text);
    }
  });
});

describe("header options and commands", () => {
  test("options stand first, with or without a value", () => {
    const script = parseScript('--ip_version=ipv4-mapped-ipv6\n--tolerance_usecs=75000\n--strict_segments\n--init_scripts="a b"\n0 close(3) = 0', "t");
    assert.deepEqual(script.options.map((o) => [o.name, o.value]), [
      ["ip_version", "ipv4-mapped-ipv6"], ["tolerance_usecs", "75000"], ["strict_segments", null], ["init_scripts", "a b"],
    ]);
  });

  test("commands before the first event, between events and after the last", () => {
    const script = parseScript("`first\nsecond`\n0 `third` +0 close(3) = 0\n`last`", "t");
    assert.deepEqual(script.init.map((c) => c.text), ["first\nsecond"]);
    assert.deepEqual(script.events.map((e) => e.action.kind), ["command", "syscall"]);
    assert.deepEqual(script.cleanup.map((c) => c.text), ["last"]);
    assert.match(errorOf("0 close(3) = 0\n`last`\n0 close(4) = 0").construct, /^syntax: expected the end/);
  });
});

describe("times", () => {
  const when = (text: string) => only(`${text} > . 1:1(0) ack 1`).when;

  test("absolute, relative, any, windows", () => {
    assert.deepEqual(when("0.100"), { kind: "at", relative: false, us: 100_000 });
    assert.deepEqual(when("+.0005"), { kind: "at", relative: true, us: 500 });
    assert.deepEqual(when("+0"), { kind: "at", relative: true, us: 0 });
    assert.deepEqual(when("2"), { kind: "at", relative: false, us: 2_000_000 });
    assert.deepEqual(when("*"), { kind: "any" });
    assert.deepEqual(when("0.3~0.5"), { kind: "window", relative: false, from: 300_000, to: 500_000 });
    assert.deepEqual(when("+.01~+.015"), { kind: "window", relative: true, from: 10_000, to: 15_000 });
  });

  test("blocking calls have an end", () => {
    assert.equal(call("0.1...0.3 read(3, ..., 10) = 10").end, 300_000);
    assert.equal(call("+0...5 close(3) = 0").end, 5_000_000);
    assert.equal(call("+0 close(3) = 0").end, null);
  });

  test("* and windows stand only before outbound packets", () => {
    assert.match(errorOf("* < . 1:1(0) ack 1").construct, /only before outbound/);
    assert.match(errorOf("+0~+1 close(3) = 0").construct, /only before outbound/);
    assert.match(errorOf("0.5~0.3 > . 1:1(0) ack 1").construct, /backwards/);
    assert.match(errorOf("0.5...0.3 read(3, ..., 1) = 1").construct, /ends before/);
    assert.match(errorOf("-1 close(3) = 0").construct, /a time/);
  });
});

describe("TCP packets", () => {
  test("flags in any order become one spelling", () => {
    for (const [text, flags] of [["S", "S"], ["S.", "S."], [".", "."], ["-", ""], ["FP.", "FP."], ["PF.", "FP."], ["SEW", "SEW"], ["SEC", "SEW"], ["R.", "R."], ["FRPU.", "FRPU."]]) {
      assert.equal(packet(`+0 < ${text} 1:1(0) ack 1 win 5`).flags, canonicalFlags(flags as string), text);
    }
    assert.match(errorOf("+0 < X 1:1(0)").construct, /TCP flags "X"/);
    assert.match(errorOf("+0 < .5 1:1(0)").construct, /AccECN/);
  });

  test("sequence numbers, ack, window, urgent pointer", () => {
    const p = packet("+0 < PU. 1:11(10) ack 21 win 257 urg 5");
    assert.deepEqual([p.seq.start, p.seq.length, p.ack, p.window, p.urgent], [1, 10, 21, 257, 5]);
    const bare = packet("+0 > R 7:7(0)");
    assert.deepEqual([bare.ack, bare.window, bare.urgent, bare.options], [null, null, null, []]);
    assert.equal(packet("+0 > R. 0:0(0)! ack 3").seq.absolute, true);
    assert.equal(packet("+0 > P. ...(10) ack 3").seq.any, true);
    assert.equal(packet("+0 < . 4294967295:4(5) ack 1").seq.start, 0xffffffff);
    assert.match(errorOf("+0 < . 1:3(5) ack 1").construct, /does not add up/);
    assert.match(errorOf("+0 < . 4294967296:1(1)").construct, /out of range/);
    assert.match(errorOf("+0 < . 1:1(0) ack 1 win 65536").construct, /out of range/);
  });

  test("options, one of each kind", () => {
    const p = packet("+0 < S 0:0(0) win 9 <mss 1460,sackOK,TS val 7 ecr 8,nop,wscale 7,eol,sack 1:2 3:4,FO abcd,FOEXP,md5 00ff>");
    assert.deepEqual(p.options, [
      { kind: "mss", value: 1460 }, { kind: "sackOK" }, { kind: "timestamp", val: 7, ecr: 8, ecrAbsolute: false }, { kind: "nop" },
      { kind: "wscale", shift: 7 }, { kind: "eol" }, { kind: "sack", blocks: [{ left: 1, right: 2 }, { left: 3, right: 4 }] },
      { kind: "fastopen", cookie: "abcd", experimental: false }, { kind: "fastopen", cookie: "", experimental: true }, { kind: "md5", digest: "00ff" },
    ]);
    assert.equal(packet("+0 > S 0:0(0) <...>").options, null);
    assert.deepEqual(packet("+0 > S 0:0(0) <>").options, []);
    assert.deepEqual(packet("+0 > . 1:1(0) ack 1 <TS val ... ecr 100!>").options, [{ kind: "timestamp", val: null, ecr: 100, ecrAbsolute: true }]);
    assert.deepEqual(packet("+0 > . 1:1(0) ack 1 <ECN e1b 1 ceb 0,nop>").options, [{ kind: "other", name: "ECN e1b 1 ceb 0" }, { kind: "nop" }]);
    assert.match(errorOf("+0 < S 0:0(0) <...>").construct, /inbound/);
    assert.match(errorOf("+0 < S 0:0(0) <mss 65536>").construct, /mss 65536 out of range/);
    assert.match(errorOf("+0 < S 0:0(0) <sack>").construct, /SACK block/);
  });

  test("IP prefixes in both brackets", () => {
    assert.deepEqual(packet("+0 > [ect0] . 1:1(0) ack 1").ip, { ecn: "ect0" });
    assert.deepEqual(packet("+0 < (tos 0x28, ttl 3) . 1:1(0) ack 1").ip, { tos: 0x28, ttl: 3 });
    assert.deepEqual(packet("+0 < (ttl 255) . 1:1(0) ack 1").ip, { ttl: 255 });
    assert.deepEqual(packet("+0 < [dscp af11, ecn ce] . 1:1(0) ack 1").ip, { dscp: 10, ecn: "ce" });
    assert.match(errorOf("+0 < [ect01] . 1:1(0) ack 1").construct, /ect01/);
    assert.match(errorOf("+0 < (tos 0x100) . 1:1(0) ack 1").construct, /tos 0x100/);
  });

  test("ports and UDP encapsulation", () => {
    assert.deepEqual(packet("+0 > 8080 > 40000 S. 0:0(0) ack 1").ports, { src: 8080, dst: 40000 });
    assert.deepEqual(packet("+0 < S 0:0(0) win 1 <mss 1> /udp(9899 > 9900)").udp, { src: 9899, dst: 9900 });
  });

  test("mutations of inbound packets", () => {
    const p = packet("+0 < P. 1:21(20) ack 1 win 257 {rep ipv4 version_ihl 0x35} {ins tcp 20 01010D00; trun tcp 30}");
    assert.deepEqual(p.mutations, [
      { verb: "rep", layer: "ipv4", words: ["version_ihl", "0x35"] },
      { verb: "ins", layer: "tcp", words: ["20", "01010D00"] },
      { verb: "trun", layer: "tcp", words: ["30"] },
    ]);
    assert.match(errorOf("+0 > . 1:1(0) ack 1 {rep tcp flags 0}").construct, /outbound/);
  });

  test("what lies outside the subset is named", () => {
    assert.equal(errorOf("+0 < ipv4 1.1.1.1 > 2.2.2.2: . 1:1(0)").construct, "encapsulation ipv4");
    assert.equal(errorOf("+0 < gre: . 1:1(0)").construct, "encapsulation gre");
    assert.equal(errorOf("+0 < sctp: INIT[flgs=0]").construct, "sctp packet");
    assert.equal(errorOf("\n+0 < mpls (label 0, tc 0, ttl 0): . 1:1(0)").line, 2);
  });
});

describe("UDP and ICMP packets", () => {
  test("UDP has a length, with ports on either side of the word", () => {
    for (const text of ["udp (1000)", "udp 1 > 2 (1000)", "1 > 2 udp (1000)"]) {
      const { action } = only(`+0 > ${text}`);
      assert.ok(action.kind === "packet" && action.packet.kind === "udp");
      assert.equal(action.packet.length, 1000);
      assert.deepEqual(action.packet.ports, text.includes("2") ? { src: 1, dst: 2 } : null);
    }
  });

  test("ICMP type, code, mtu, id and quoted packet", () => {
    const icmp = (text: string) => {
      const { action } = only(`+0 < icmp ${text}`);
      assert.ok(action.kind === "packet" && action.packet.kind === "icmp");
      return action.packet;
    };
    assert.deepEqual(icmp("unreachable frag_needed mtu 1200 [1:1461(1460)]").quoted, { protocol: "tcp", start: 1, length: 1460 });
    assert.equal(icmp("unreachable frag_needed mtu 1200").mtu, 1200);
    assert.equal(icmp("unreachable port_unreachable [udp (100)]").quoted?.protocol, "udp");
    assert.equal(icmp("echo_request id 7").id, 7);
    assert.equal(icmp("time_exceeded").code, null);
    assert.equal(icmp("type_3 code_13").code, "code_13");
  });
});

describe("system calls", () => {
  test("results: numbers, hex, symbols, errors with and without a note", () => {
    assert.deepEqual(call("+0 fcntl(3, F_GETFL) = 0x02 (flags O_RDWR)").result, { kind: "int", value: 2, hex: true });
    assert.equal(call("+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)").errno, "EINPROGRESS");
    assert.equal(call("+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)").note, "Operation now in progress");
    assert.equal(call("+0 close(3) = -1 EBADF").errno, "EBADF");
    assert.equal(call("+0 read(3, ..., 5) = ...").result.kind, "ellipsis");
    assert.equal(call("+0 x() = FOO").name, "x");
  });

  test("arguments of every form", () => {
    const args = (text: string): Expr[] => call(`+0 f(${text}) = 0`).args;
    assert.deepEqual(args("..., 1, 0x10, WORD, 1.5").map((a) => a.kind), ["ellipsis", "int", "int", "word", "float"]);
    assert.deepEqual(args("O_RDWR|O_NONBLOCK | 4")[0], { kind: "or", terms: [{ kind: "word", name: "O_RDWR" }, { kind: "word", name: "O_NONBLOCK" }, { kind: "int", value: 4, hex: false }] });
    assert.deepEqual(args('"a\\n" "b"')[0], { kind: "string", text: "a\nb", more: false });
    assert.deepEqual(args('"abc"...')[0], { kind: "string", text: "abc", more: true });
    assert.deepEqual(args("[], [1], [{..., 5}]").map((a) => (a.kind === "list" ? a.items.length : -1)), [0, 1, 1]);
    assert.deepEqual(args("CC=5")[0], { kind: "assign", name: "CC", value: { kind: "int", value: 5, hex: false } });
    assert.deepEqual(args("htons(80)")[0], { kind: "call", name: "htons", args: [{ kind: "int", value: 80, hex: false }] });
  });

  test("structures of the subset", () => {
    const fields = (text: string): string[] => {
      const [arg] = call(`+0 f(${text}) = 0`).args;
      assert.equal(arg?.kind, "struct");
      return arg.kind === "struct" ? arg.fields.map((f) => `${f.name ?? ""}${f.arg ? "()" : ""}`) : [];
    };
    assert.deepEqual(fields("{onoff=1, linger=0}"), ["onoff", "linger"]);
    assert.deepEqual(fields('{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}'), ["sa_family", "sin_port", "sin_addr"]);
    assert.deepEqual(fields("{msg_name(...)=..., msg_iov(1)=[{..., 5}], msg_flags=0}"), ["msg_name()", "msg_iov()", "msg_flags"]);
    assert.deepEqual(fields("{..., 1000}"), ["", ""]);
    assert.deepEqual(fields("{fd=3, events=POLLIN, revents=0}"), ["fd", "events", "revents"]);
  });

  test("a call may go over several lines while its parentheses are open", () => {
    const script = parseScript("+0 sendmsg(3, {msg_name(...)=...,\n msg_iov(2)=[{..., 1},\n {..., 2}],\n msg_flags=0}, 0) = 3\n+0 close(3) = 0", "t");
    assert.deepEqual(script.events.map((e) => e.line), [1, 5]);
    assert.equal(script.events[0]?.source.includes("\n"), false);
  });

  test("syntax errors name the line, what was expected and what stood there", () => {
    assert.deepEqual(errorOf("0 close(3) = 0\n+0 close(3 = 0"), { line: 2, construct: 'syntax: expected ")" at "="' });
    assert.deepEqual(errorOf("+0 close(3)"), { line: 1, construct: 'syntax: expected "=" at end of file' });
    assert.match(errorOf("+0 =").construct, /an event/);
    assert.match(errorOf("+0 close = 0").construct, /"\(" after close/);
    assert.match(errorOf('+0 write(3, "\\q", 1) = 1').construct, /escape/);
  });
});

test("any line made of the language's pieces parses or is a ScriptError", () => {
  const pieces = ["+0", "0.1", "*", "<", ">", "S", ".", "1:1(0)", "0:0(0)", "ack 1", "win 5", "<mss 5>", "<...>", "close(3)", "=", "0", "-1", "EINVAL", "(x y)", "`c`", "%{ x }%", "{rep tcp flags 1}", "[", "]", "udp (5)", "icmp", "unreachable"];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      try {
        parseScript(parts.join(" "), "t");
        return true;
      } catch (error) {
        return error instanceof ScriptError;
      }
    }),
    { seed: SEED, numRuns: 1000 },
  );
});
