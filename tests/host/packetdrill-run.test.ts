/** The runner itself: it notices what it must notice, and it says why a script cannot be judged. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sealChecksums } from "../packetdrill/runner/build.ts";
import type { Outcome } from "../packetdrill/runner/report.ts";
import { ETHERNET_HEADER, PROTOCOL_TCP } from "../packetdrill/runner/wire.ts";
import { ACCEPTED, play } from "./packetdrill-support.ts";

type Tamper = (frame: Uint8Array, us: number) => Uint8Array[];

const isTcp = (frame: Uint8Array): boolean => frame.length >= ETHERNET_HEADER + 40 && frame[12] === 8 && frame[13] === 0 && frame[23] === PROTOCOL_TCP;
const flagsOf = (frame: Uint8Array): number => frame[ETHERNET_HEADER + 33] as number;
const SYN = 2;

/** In every TCP frame that is no SYN one byte changes; checksums are mended if asked. */
function set(at: number, change: (byte: number) => number, seal = true): Tamper {
  return (frame) => {
    if (!isTcp(frame) || flagsOf(frame) & SYN) return [frame];
    frame[at] = change(frame[at] as number);
    if (seal) sealChecksums(frame);
    return [frame];
  };
}

const SPEAKING = `${ACCEPTED}+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1 win 65535
+.01 < P. 1:21(20) ack 11 win 10000
+.04 > . 11:11(0) ack 21 win 65515
`;

const SILENT = `${ACCEPTED}+.1 < R 1000000000:1000000000(0) win 0
+.1 < . 1:1(0) ack 1 win 10000
+.1 %{ assert tcpi_state == TCP_ESTABLISHED }%
`;

const failed = (o: Outcome): string => {
  assert.equal(o.verdict, "fail", JSON.stringify(o));
  return `${o.reason}`;
};

describe("silence is an assertion", () => {
  test("a script that asserts silence passes, and fails when one stray ACK comes out of the core", () => {
    assert.equal(play(SILENT).verdict, "pass");
    let last: Uint8Array | null = null;
    let strayed = false;
    // The stray is an ACK no different from one the core might send: the handshake's own answer, as a bare ACK.
    const tamper: Tamper = (frame) => {
      if (!isTcp(frame) || strayed) return [frame];
      last = frame.slice(0, ETHERNET_HEADER + 40);
      const view = new DataView(last.buffer, ETHERNET_HEADER);
      view.setUint16(2, 40);
      view.setUint32(24, view.getUint32(24) + 1);
      view.setUint8(32, 0x50);
      view.setUint8(33, 0x10);
      sealChecksums(last);
      strayed = true;
      return [frame, last];
    };
    const outcome = play(SILENT, { tamper });
    assert.match(failed(outcome), /unexpected packet/);
    assert.match(outcome.seen[0] ?? "", /> \. {2}1:1\(0\) ack 1/);
  });

  test("also in neutral mode, which passes extra ACKs over only where a script moves data", () => {
    let strayed = false;
    const tamper: Tamper = (frame, us) => {
      if (!isTcp(frame) || strayed || us === 0) return [frame];
      strayed = true;
      return [frame, frame.slice()];
    };
    const script = `${ACCEPTED}+.1 < S 5:5(0) win 1000 <mss 1000>\n+0 > . 1:1(0) ack 1\n+.3 < R 1:1(0) win 0\n+.1 close(4) = 0\n`;
    assert.equal(play(script, { mode: "neutral" }).verdict, "pass");
    assert.match(failed(play(script, { mode: "neutral", tamper })), /unexpected packet/);
  });

  test("a packet nobody expects at the end fails a strict script", () => {
    const script = `${ACCEPTED}+0 close(4) = 0\n`;
    assert.match(failed(play(script)), /no event is left/);
    assert.equal(play(script, { mode: "neutral" }).verdict, "pass");
  });

  test("a packet that does not come fails", () => {
    const outcome = play(`${ACCEPTED}+0 > . 1:1(0) ack 1\n`);
    assert.match(failed(outcome), /no packet came/);
    assert.equal(outcome.line, 8);
  });
});

describe("every part of a packet is compared", () => {
  const base = ETHERNET_HEADER;
  const bump = (at: number): Tamper => set(at, (b) => (b + 1) & 255);
  const cases: [string, Tamper, RegExp][] = [
    ["sequence number", bump(base + 27), /sequence number is/],
    ["acknowledgment number", bump(base + 31), /ack is/],
    ["FIN flag", set(base + 33, (b) => b | 1), /flags are/],
    ["PSH flag", set(base + 33, (b) => b ^ 8), /flags are/],
    ["URG flag", set(base + 33, (b) => b | 32), /flags are/],
    ["ECE flag", set(base + 33, (b) => b | 64), /flags are/],
    ["window", bump(base + 35), /window is/],
    ["source port", bump(base + 21), /ports are/],
    ["destination port", bump(base + 23), /ports are/],
    ["source address", bump(base + 15), /it goes from/],
    ["destination address", bump(base + 19), /it goes from/],
    ["payload", bump(base + 49), /byte 9 of the stream/],
    ["IPv4 checksum", set(base + 10, (b) => b ^ 1, false), /IPv4 header checksum/],
    ["TCP checksum", set(base + 36, (b) => b ^ 1, false), /TCP checksum/],
    ["total length", set(base + 3, () => 255, false), /lengths do not fit/],
    ["transport protocol", set(base + 9, () => 17), /it is|UDP/],
  ];
  test("untouched, the script passes", () => assert.equal(play(SPEAKING).verdict, "pass"));
  for (const [what, tamper, message] of cases) {
    test(what, () => assert.match(failed(play(SPEAKING, { tamper })), message));
  }

  test("options of a SYN,ACK", () => {
    const tamper: Tamper = (frame) => {
      if (isTcp(frame) && flagsOf(frame) & SYN) {
        frame[base + 43] = 0;
        sealChecksums(frame);
      }
      return [frame];
    };
    assert.match(failed(play(SPEAKING, { tamper })), /options are <mss 1280>/);
  });

  test("a lost frame, a doubled frame, a late answer", () => {
    const lost: Tamper = (frame) => (isTcp(frame) && !(flagsOf(frame) & SYN) ? [] : [frame]);
    assert.match(failed(play(SPEAKING, { tamper: lost })), /it came at|no packet came/);
    const doubled: Tamper = (frame) => (isTcp(frame) && !(flagsOf(frame) & SYN) ? [frame, frame.slice()] : [frame]);
    assert.match(failed(play(SPEAKING, { tamper: doubled })), /unexpected packet/);
    assert.match(failed(play(SPEAKING.replace("+.04 >", "+.02 >"))), /it came at 0\.050000 s|no packet came/);
  });
});

describe("calls", () => {
  test("another result, another error, another value fail with both sides shown", () => {
    const wrong = play(`${ACCEPTED}+0 write(4, ..., 10) = 11\n+0 > P. 1:11(10) ack 1\n`);
    assert.match(failed(wrong), /write returned something else/);
    assert.deepEqual(wrong.seen, ["10"]);
    assert.match(failed(play("0 close(3) = 0\n")), /close returned/);
    assert.match(failed(play("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [1], [4]) = 0\n")), /SO_RCVBUF reads differently/);
  });

  test("a blocking call that returns too early, too late or never fails", () => {
    const script = (end: string) => `${ACCEPTED}+0...${end} read(4, ..., 10) = 10\n+.1 < P. 1:11(10) ack 1 win 10000\n+.04 > . 1:1(0) ack 11\n`;
    assert.equal(play(script("0.1")).verdict, "pass");
    assert.match(failed(play(script("0.2"))), /returned at 0\.100000 s, not at 0\.200000/);
    assert.match(failed(play(script("0.05"))), /not returned in time/);
    assert.match(failed(play(`${ACCEPTED}+0...0.5 read(4, ..., 10) = 10\n`)), /not returned in time/);
  });

  test("a call that would block without being written so fails", () => {
    assert.match(failed(play(`${ACCEPTED}+0 read(4, ..., 10) = 10\n`)), /would block/);
  });

  test("bytes read are compared with the stream", () => {
    const script = `${ACCEPTED}+0 < P. 1:11(10) ack 1 win 10000\n+0 read(4, "hello", 10) = 10\n`;
    assert.match(failed(play(script)), /other bytes were read/);
  });

  test("an assertion that does not hold shows the value", () => {
    const outcome = play(`${ACCEPTED}+0 %{ assert tcpi_state == TCP_CLOSE_WAIT }%\n`);
    assert.match(failed(outcome), /does not hold/);
    assert.deepEqual(outcome.seen, ["tcpi_state = 1"]);
  });

  test("a close report that says otherwise fails", () => {
    const script = `${ACCEPTED}+0 close(3) = 0\n+0 close_report(3, GRACEFUL) = 0\n`;
    assert.match(failed(play(script)), /close report says otherwise/);
  });

  test("a wrong count of connections fails", () => {
    assert.match(failed(play(`${ACCEPTED}+0 \`sockstat | grep -c TIME_WAIT | grep 1\`\n`)), /connections in TIME_WAIT/);
  });
});

describe("what cannot be judged is named, never ignored", () => {
  const cases: [string, string][] = [
    ["feature: ipv6", "--ip_version=ipv6\n0 close(3) = 0\n"],
    ["feature: fast open", `${ACCEPTED}+0 < S 0:0(0) win 5 <FO abcd1234>\n`],
    ["feature: md5", `${ACCEPTED}+0 < . 1:1(0) ack 1 win 5 <md5 00112233>\n`],
    ["feature: udp encapsulation", "--udp_encapsulation=tcp\n0 close(3) = 0\n"],
    ["feature: udp encapsulation", `${ACCEPTED}+0 < . 1:1(0) ack 1 win 5 /udp(9899 > 9899)\n`],
    ["header option --init_scripts", '--init_scripts="x"\n0 close(3) = 0\n'],
    ["command `rm -rf /`", "0 `rm -rf /`\n"],
    ["sysctl net.inet.tcp.no_such_thing", "0 `sysctl -w net.inet.tcp.no_such_thing=1`\n"],
    ["call epoll_create", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 epoll_create(1) = 5\n"],
    ["option TCP_CONGESTION", '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_TCP, TCP_CONGESTION, "reno", 4) = 0\n'],
    ["control messages", `${ACCEPTED}+0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 5}], msg_flags=0, msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=0}]}, 0) = 5\n`],
    ["encapsulation gre", "0 < gre: . 1:1(0) ack 1\n"],
    ["icmp nonsense", `${ACCEPTED}+0 < icmp nonsense\n`],
    ['code name os', `${ACCEPTED}+0 %{ assert os == 1 }%\n`],
  ];
  for (const [construct, script] of cases) {
    test(construct, () => {
      const outcome = ((): Outcome | string => {
        try {
          return play(script);
        } catch (error) {
          return String(error);
        }
      })();
      if (typeof outcome === "string") assert.ok(outcome.includes(construct), outcome);
      else assert.deepEqual([outcome.verdict, outcome.reason], ["unsupported", construct]);
    });
  }
});

describe("rows of chapter P: the script asserts the POSIX side", () => {
  const reset = "+0 < R 1:1(0) win 0\n";
  const cases: [string, string][] = [
    ["P-04", `${ACCEPTED}+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=1}, 8) = 0\n+0...1 close(4) = 0\n+0 > F. 1:1(0) ack 1\n+.2 > F. 1:1(0) ack 1\n+.4 > F. 1:1(0) ack 1\n+.8 > F. 1:1(0) ack 1\n`],
    ["P-26", `${ACCEPTED}+0...0.5 write(4, ..., 500000) = 500000\n`],
    ["P-26", `${ACCEPTED}+0 write(4, ..., 10) = 9\n`],
    ["P-05", `${ACCEPTED}+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0\n+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n`],
    ["P-14", `${ACCEPTED}+0 shutdown(4, SHUT_RD) = 0\n+0 read(4, ..., 10) = 0\n`],
    ["P-14", `${ACCEPTED}+0 shutdown(4, SHUT_RD) = 0\n+0 < P. 1:11(10) ack 1 win 10000\n+.04 > . 1:1(0) ack 11\n`],
    ["P-16", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n+0 shutdown(3, SHUT_RD) = 0\n"],
    ["P-17", "0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n+0 shutdown(3, SHUT_RD) = -1 ENOTCONN\n"],
    ["P-18", `${ACCEPTED}+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1\n+0 write(4, ..., 1) = -1 EPIPE (Broken pipe)\n`],
    ["P-19", `${ACCEPTED}${reset}+0 read(4, ..., 10) = -1 ECONNRESET\n+0 read(4, ..., 10) = 0\n`],
    ["P-19", `${ACCEPTED}${reset}+0 write(4, ..., 10) = -1 EPIPE\n`],
    ["P-20", `${ACCEPTED}+0 < P. 1:11(10) ack 1 win 10000\n+0 < R 11:11(0) win 0\n+0 read(4, ..., 100) = 10\n`],
    ["P-21", `${ACCEPTED}+0 < F. 1:1(0) ack 1 win 10000\n+0 > . 1:1(0) ack 2\n+0 < R 2:2(0) win 0\n+0 read(4, ..., 10) = 0\n`],
    ["P-22", `${ACCEPTED}${reset}+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n`],
  ];
  for (const [row, script] of cases) {
    test(row, () => {
      const outcome = play(script);
      assert.deepEqual([outcome.verdict, outcome.rows], ["differs", [row]], JSON.stringify(outcome));
    });
  }

  test("the wire is compared all the same: what is wrong there is a failure", () => {
    const script = `${ACCEPTED}+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1\n+0 write(4, ..., 1) = -1 EPIPE\n+0 > . 2:2(0) ack 1\n`;
    assert.match(failed(play(script)), /no packet came/);
  });

  test("SO_ERROR of a connection that was not reset is a failure, not a row", () => {
    assert.match(failed(play(`${ACCEPTED}+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n`)), /SO_ERROR reads differently/);
  });
});

describe("relaxations of the neutral mode, each counted", () => {
  const cases: [string, string][] = [
    ["window not compared", `${ACCEPTED}+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 win 1\n`],
    ["PSH not compared", `${ACCEPTED}+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1\n`],
    ["options compared as a set", ACCEPTED.replace("<mss 1460>", "<nop,nop,mss 1460,eol,eol>")],
    ["wscale and TS val not compared", ACCEPTED.replace("<mss 1000>", "<mss 1000,nop,wscale 7>").replace("<mss 1460>", "<mss 1460,nop,wscale 13>")],
    ["buffer size not compared", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [65700], [4]) = 0\n"],
    ["extra pure ACK passed over", `${ACCEPTED}+0 < P. 1:11(10) ack 1 win 10000\n+0 read(4, ..., 10) = 10\n+1 < P. 11:21(10) ack 1 win 10000\n+.04 > . 1:1(0) ack 21\n`],
    ["bare ACK where the script repeats FIN", `${ACCEPTED}+0 shutdown(4, SHUT_WR) = 0\n+0 > F. 1:1(0) ack 1\n+0 < F. 1:1(0) ack 1 win 10000\n+0 > F. 1:1(0) ack 2\n`],
    ["ECONNRESET or EPIPE after a RST in CLOSE-WAIT", `${ACCEPTED}+0 < F. 1:1(0) ack 1 win 10000\n+0 > . 1:1(0) ack 2\n+0 < R 2:2(0) win 0\n+0 read(4, ..., 10) = -1 ECONNRESET\n`],
    ["acknowledgements not delayed, as the script expects", `${ACCEPTED}+.1 < P. 1:11(10) ack 1 win 10000\n+0 > . 1:1(0) ack 11\n`],
    [
      "window edge moved to this stack's own",
      `0 \`sysctl -w net.inet.tcp.recvspace=65536\`\n${ACCEPTED.replace(/^0/, "+0")}+0 getsockopt(4, SOL_SOCKET, SO_RCVBUF, [65700], [4]) = 0\n+.1 < R 65700:65700(0) win 0\n+0 > . 1:1(0) ack 1\n`,
    ],
    ["defaults.sh taken as this stack's own defaults", "`../common/defaults.sh`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"],
  ];
  for (const [name, script] of cases) {
    test(name, () => {
      assert.notEqual(play(script).verdict, "pass", "strict");
      const neutral = play(script, { mode: "neutral" });
      assert.equal(neutral.verdict, "pass", JSON.stringify(neutral));
      assert.ok((neutral.relaxations[name] ?? 0) >= 1, JSON.stringify(neutral.relaxations));
    });
  }

  test("the form of a RST stays strict", () => {
    const script = (line: string) => `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 < S 17:20(3) win 5 <mss 1000>\n+0 > ${line}\n`;
    assert.equal(play(script("R. 0:0(0) ack 21"), { mode: "neutral" }).verdict, "pass");
    for (const wrong of ["R 0:0(0)", "R. 1:1(0) ack 21", "R. 0:0(0) ack 20", "R. 0:0(0) ack 18"]) assert.equal(play(script(wrong), { mode: "neutral" }).verdict, "fail", wrong);
  });
});

test("nothing may be left ten minutes after the sockets were dropped", () => {
  // A connection that is dropped with everything in flight leaves neither block, buffer nor timer.
  const script = `${ACCEPTED}+0 < P. 101:201(100) ack 1 win 10000\n+0 > . 1:1(0) ack 1\n+0 write(4, ..., 5000) = 5000\n+0 > P. 1:5001(5000) ack 1\n`;
  assert.equal(play(script).verdict, "pass");
});
