/** The command lines of get, serve, nc and ping; reports and progress as text. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseTarget } from "../../host/cli/get.ts";
import { parseNc } from "../../host/cli/nc.ts";
import { parsePing } from "../../host/cli/ping.ts";
import { Progress } from "../../host/cli/progress.ts";
import { exitCodeFor, reportLine } from "../../host/cli/reports.ts";
import { parseServe } from "../../host/cli/serve/serve.ts";
import { UsageError } from "../../host/cli/usage.ts";
import type { CloseReport } from "../../host/index.ts";
import { lastack } from "./cli-support.ts";

describe("a wrong command line", () => {
  for (const [read, args, message] of [
    [parseServe, ["--port", "65536", "."], /--port is "65536"; expected an integer from 0 to 65535$/],
    [parseServe, [], /0 arguments given; expected one, a directory or a text/],
    [parseServe, ["--linger", "-1", "."], /--linger/],
    [parseServe, ["--linger", "x", "."], /--linger is "x"; expected an integer from 0 to 65535 seconds/],
    [parseServe, ["--deadline", "1.5", "."], /--deadline is "1\.5"; expected an integer/],
    [parseNc, ["127.0.0.1"], /1 argument given; expected ADDRESS and PORT/],
    [parseNc, ["-l", "127.0.0.1", "7"], /2 arguments given; expected PORT/],
    [parseNc, ["127.0.0.1", "0"], /the port is "0"; expected an integer from 1 to 65535/],
    [parseNc, ["example.org", "7"], /the address is "example\.org"; expected an IPv4 address such as 192\.0\.2\.1: names are not resolved/],
    [parseNc, ["--link", "tap:tap0", "127.0.0.1", "7"], /--link is "tap:tap0" but there is no --ip/],
    [parseNc, ["--link", "tap", "127.0.0.1", "7"], /--link is "tap"; expected node, or tap:NAME/],
    [parseNc, ["--link", "tap:tap0", "--ip", "10.0.0.1", "10.0.0.2", "7"], /--ip is "10\.0\.0\.1"; expected an IPv4 address with a prefix length/],
    [parseNc, ["--link", "tap:tap0", "--ip", "10.0.0.1/24", "localhost", "7"], /the address is "localhost"; expected an IPv4 address/],
    [parseNc, ["--gateway", "10.0.0.9", "127.0.0.1", "7"], /--gateway is "10\.0\.0\.9" but --link is "node"/],
    [parseNc, ["--no-offload", "127.0.0.1", "7"], /--no-offload is given but --link is "node"; expected --link tap:NAME/],
    [parseNc, ["--pcap", "x", "127.0.0.1", "7"], /--pcap is "x" but --link is "node"/],
    [parsePing, ["127.0.0.1"], /--link is "node"; expected --link tap:NAME: Node has no ICMP sockets/],
    [parsePing, ["--link", "tap:t", "--ip", "10.0.0.1/24", "-c", "0", "10.0.0.2"], /--count is "0"; expected an integer from 1/],
    [parsePing, ["--link", "tap:t", "--ip", "10.0.0.1/24", "--size", "1473", "10.0.0.2"], /--size is "1473"; expected an integer from 0 to 1472 bytes/],
    [parsePing, ["--link", "tap:t", "--ip", "10.0.0.1/24", "--interval", "x", "10.0.0.2"], /--interval is "x"; expected seconds, 0 to 3600/],
    [parsePing, ["--linger", "1"], /Unknown option '--linger'/],
    [parseNc, ["--wire", "x"], /Unknown option '--wire'; see lastack nc --help/],
  ] as const) {
    test(args.join(" ") || "(nothing)", () => {
      assert.throws(() => read(args), (error: Error) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }

  for (const [url, message] of [
    ["https://127.0.0.1/", /no other protocol/], ["http://user@127.0.0.1/", /no user name/], ["http://[::1]/", /IPv4/], ["http://", /expected http:/],
    ["http://example.org/", /names are not resolved/], ["http://127.0.0.1:0/", /a port/],
  ] as const) {
    test(url, () => assert.throws(() => parseTarget(url, { kind: "node" }), (error: Error) => error instanceof UsageError && message.test(error.message)));
  }

  test("what is right is taken", () => {
    assert.deepEqual(parseTarget("localhost:81/a?b#c", { kind: "node" }), { address: "127.0.0.1", port: 81, host: "localhost:81", path: "/a?b" });
    assert.deepEqual(parseTarget("http://10.0.0.1", { kind: "tap", name: "t", offload: true }), { address: "10.0.0.1", port: 80, host: "10.0.0.1", path: "/" });
    assert.deepEqual(parseNc(["-l", "0", "--link", "tap:tap0", "--ip", "10.0.0.1/24", "--gateway", "10.0.0.9", "--pcap", "f", "--no-offload", "--linger", "5", "--drain"]), {
      common: { link: { kind: "tap", name: "tap0", offload: false }, ip: "10.0.0.1/24", gateway: "10.0.0.9", pcap: "f", linger: 5, drain: true, json: false, progress: false },
      listen: true, address: "10.0.0.1", port: 0,
    });
  });

  test("exits 2, and --help exits 0 with examples", async () => {
    assert.equal((await lastack(["get"]).done).status, 2);
    for (const command of ["get", "serve", "nc", "ping"]) {
      const { status, stdout } = await lastack([command, "--help"]).done;
      assert.equal(status, 0, command);
      assert.match(stdout.toString(), new RegExp(`^usage: lastack ${command} .*examples\n  lastack ${command} .*exit code:`, "s"));
      for (const option of ["--link", "--ip", "--gateway", "--pcap", "--no-offload", "--json"]) assert.ok(stdout.includes(option), `${command} ${option}`);
    }
  });
});

describe("reports and progress", () => {
  const report: CloseReport = {
    outcome: "aborted", cause: "unreadData", error: null, bytes: { sent: 1234, acknowledged: 1000, unacknowledged: 234, discarded: 5 },
    peerFin: false, durationMs: 7, state: "ESTABLISHED",
  };

  test("a report is one line, and its outcome an exit code", () => {
    assert.equal(reportLine(report), "aborted (unreadData): 1,234 bytes sent, 1,000 acknowledged, 234 not, 5 received and not read; peer's FIN not seen; after 7 ms");
    assert.deepEqual((["graceful", "delivered", "aborted", "resetByPeer", "lingerExpired", "unknown"] as const).map((outcome) => exitCodeFor({ ...report, outcome })), [0, 0, 1, 1, 1, 3]);
  });

  test("progress begins after a second, a terminal's line is written anew and taken away", () => {
    let now = 0;
    let text = "";
    const shown = (terminal: boolean, always: boolean) => new Progress({ always, terminal, now: () => now, write: (piece) => { text += piece; } });
    const one = shown(true, false);
    one.expect(4e6);
    for (const [at, bytes] of [[500, 1e6], [1000, 1e6], [1100, 1e6], [2000, 1e6]] as const) {
      now = at;
      one.add(bytes);
    }
    one.end();
    assert.deepEqual(text.split("\r").map((line) => line.trimEnd()), ["", "2.0 MB of 4.0 MB (50 %), 2.0 MB/s", "4.0 MB of 4.0 MB (100 %), 2.0 MB/s", "", ""]);
    [now, text] = [0, ""];
    const other = shown(false, false);
    now = 5000;
    other.add(1);
    assert.equal(text, "", "no terminal, not asked for");
    now = 0;
    const third = shown(false, true);
    now = 5000;
    third.add(1e7);
    third.end();
    assert.equal(text, "10.0 MB, 2.0 MB/s\n");
  });
});
