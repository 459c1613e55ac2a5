/** The examples run, end, and say what they promise. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const EXPECTED: Readonly<Record<string, readonly RegExp[]>> = {
  "echo-server.ts": [/client: received "hello, echo"/, /client: graceful/, /server: graceful, 11 bytes acknowledged/],
  "graceful-client.ts": [/delivered: all 100000 bytes are acknowledged/, /server stored 100000 bytes/, /ECONNREFUSED: connect 10\.0\.0\.2:\d+ -> 10\.0\.0\.1:5000:/],
  "half-close.ts": [/after shutdown: (FIN_WAIT_1|FIN_WAIT_2|ESTABLISHED)/, /answer: three two one/, /client: graceful/, /server: graceful/],
  "virtual-time.ts": [/seed 7: 200000 bytes, graceful, after \d+(\.\d+)? ms/, /again: {2}the same/],
  "winsock/completion-port-echo.ts": [
    /client: "hello"/, /client: "and again"/, /client: end of the stream: true/, /server: 10\.0\.0\.1 closed, graceful/, /server: receive of 10\.0\.0\.1 failed with 64/,
    /server: 10\.0\.0\.1 closed, resetByPeer/, /server: 0 connections open/,
  ],
  "winsock/seqpacket-disconnect.ts": [
    /customer: messages in parts and disconnect data: TP2/, /clerk: 3 orders: tea \/ bread and butter \/ three dozen eggs of the brown kind/,
    /clerk: the customer ends with "that is all"/, /customer: "16 letters"/, /customer: the clerk ends with "closed until Monday"/,
    /clerk: report graceful/, /customer: report graceful/,
  ],
  "winsock/six-steps.ts": [
    /server: received "the request"/, /server: \(2\) FD_CLOSE 0/, /client: \(5'\) received "the rest of the answer"/, /client: \(5\) FD_CLOSE 0/,
    /client: \(6\) closesocket = 0/, /client: report graceful/, /server: report graceful/,
  ],
};

describe("examples", () => {
  for (const [name, patterns] of Object.entries(EXPECTED)) {
    test(name, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", `examples/${name}`], { cwd: ROOT, timeout: 60_000 });
      for (const pattern of patterns) assert.match(stdout, pattern);
    });
  }
});
