/** The six steps of a graceful close over two cores on a link, in every variant of semantics T.1. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FD_CLOSE, FD_READ, SD_SEND } from "../../host/abi/winsock.gen.ts";
import { type Connected, connected } from "./support/pair.ts";
import type { Spi } from "./support/spi.ts";

interface Role {
  readonly spi: Spi;
  readonly s: number;
}

const client = (p: Connected): Role => ({ spi: p.a, s: p.s });
const server = (p: Connected): Role => ({ spi: p.b, s: p.t });

/** Steps 1 to 6 driven by FD_ events; returns their names in the order in which they happened. */
function sixSteps(p: Connected, first: Role, second: Role, end: (role: Role) => number, response: number): string[] {
  const order: string[] = [];
  const [e1, e2] = [first.spi.event(), second.spi.event()];
  assert.equal(first.spi.send(first.s, "request"), 7);
  p.world.runFor(20);
  assert.equal(second.spi.text(second.s), "request");
  assert.equal(first.spi.select(first.s, e1, FD_READ | FD_CLOSE), 0);
  assert.equal(second.spi.select(second.s, e2, FD_READ | FD_CLOSE), 0);
  assert.equal(end(first), 0);
  order.push("1");
  assert.equal(first.spi.sendError(first.s), 10058, "T-01: nothing can be sent after step 1");
  p.world.runUntil(() => second.spi.signaled.includes(e2), 1000);
  assert.deepEqual(second.spi.enumerate(second.s, e2), { FD_CLOSE: 0 });
  order.push("2");
  if (response) {
    assert.equal(second.spi.send(second.s, response), response);
    order.push("3");
  }
  assert.equal(end(second), 0);
  order.push("4");
  assert.equal(second.spi.close(second.s), 0);
  let got = 0;
  let closed = false;
  p.world.runUntil(() => {
    const events = first.spi.enumerate(first.s, e1) ?? {};
    if ("FD_READ" in events) {
      for (let data = first.spi.recv(first.s); data?.length; data = first.spi.recv(first.s)) got += data.length;
      if (got === response && !order.includes("5'")) order.push("5'");
    }
    if ("FD_CLOSE" in events) {
      assert.equal(events["FD_CLOSE"], 0);
      closed = true;
    }
    return closed;
  }, 60_000);
  assert.ok(closed, "FD_CLOSE never came");
  assert.equal(got, response);
  order.push("5");
  assert.deepEqual(first.spi.recv(first.s), new Uint8Array(0), "T-07: after step 5 receives return 0");
  const before = p.wire.length;
  assert.equal(first.spi.close(first.s), 0);
  order.push("6");
  p.world.runFor(1000);
  assert.equal(p.wire.length, before, "T-08: step 6 sends nothing");
  return order;
}

function checkEnd(p: Connected, first: Role, second: Role, response: number): void {
  const [r1, r2] = [first.spi.report(first.s), second.spi.report(second.s)];
  assert.deepEqual([r1.outcome, r2.outcome], ["graceful", "graceful"]);
  assert.deepEqual([r1.bytesSent, r1.bytesAcknowledged, r2.bytesSent, r2.bytesAcknowledged], [7, 7, response, response]);
  assert.deepEqual([r1.bytesUnacknowledged, r1.bytesDiscarded, r2.bytesUnacknowledged, r2.bytesDiscarded], [0, 0, 0, 0]);
  assert.ok(r1.peerFin && r2.peerFin);
  assert.deepEqual(p.seen("RST"), [], "T-10: no RST");
}

const bySd = (role: Role): number => role.spi.shutdown(role.s, SD_SEND);
const byDisconnect = (role: Role): number => role.spi.code("WSPSendDisconnect", role.s, 0);

test("T-01 … T-10: the six steps, client first", async () => {
  const p = await connected();
  assert.deepEqual(sixSteps(p, client(p), server(p), bySd, 5000), ["1", "2", "3", "4", "5'", "5", "6"]);
  checkEnd(p, client(p), server(p), 5000);
});

test("T-09: the same order on a slow, lossy, reordering wire", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const p = await connected({ seed, link: { delayMs: 20, jitterMs: 15, loss: 0.1, reorder: 0.2, duplicate: 0.1 } });
    assert.equal(sixStepsPatient(p), "123456", `seed ${seed}`);
  }
});

/** The six steps with blocking calls, for a wire on which nothing has its time. */
function sixStepsPatient(p: Connected): string {
  const { a, b, s, t } = p;
  let order = "";
  a.until(() => a.send(s, 20_000));
  assert.equal(a.shutdown(s, SD_SEND), 0);
  order += "1";
  let got = 0;
  for (let data = b.until(() => b.recv(t)); data?.length; data = b.until(() => b.recv(t))) got += data.length;
  assert.equal(got, 20_000);
  order += "2";
  b.until(() => b.send(t, 30_000));
  order += "3";
  assert.equal(b.shutdown(t, SD_SEND), 0);
  order += "4";
  assert.equal(b.close(t), 0);
  got = 0;
  for (let data = a.until(() => a.recv(s)); data?.length; data = a.until(() => a.recv(s))) got += data.length;
  assert.equal(got, 30_000);
  order += "5";
  assert.equal(a.close(s), 0);
  order += "6";
  const [mine, theirs] = [a.report(s), b.report(t)];
  assert.deepEqual([mine.outcome, theirs.outcome], ["graceful", "graceful"]);
  assert.deepEqual([mine.bytesAcknowledged, theirs.bytesAcknowledged], [20_000, 30_000]);
  return order;
}

test("T-11: WSPSendDisconnect in place of WSPShutdown", async () => {
  const p = await connected();
  sixSteps(p, client(p), server(p), byDisconnect, 100);
  checkEnd(p, client(p), server(p), 100);
});

test("T-12: the server begins", async () => {
  const p = await connected();
  assert.deepEqual(sixSteps(p, server(p), client(p), bySd, 800), ["1", "2", "3", "4", "5'", "5", "6"]);
  checkEnd(p, server(p), client(p), 800);
});

test("T-13, E-26: without a response FD_READ does not appear", async () => {
  const p = await connected();
  assert.deepEqual(sixSteps(p, client(p), server(p), bySd, 0), ["1", "2", "4", "5", "6"]);
});

test("T-14: closing with the response unread resets", async () => {
  const p = await connected();
  const { a, b, s, t } = p;
  assert.equal(a.shutdown(s, SD_SEND), 0);
  p.world.runFor(10);
  assert.equal(b.send(t, "response"), 8);
  p.world.runFor(10);
  assert.equal(a.close(s), 0);
  p.world.runFor(10);
  assert.equal(p.seen("RST", "a").length, 1);
  const report = a.report(s);
  assert.deepEqual([report.outcome, report.cause, report.bytesDiscarded], ["aborted", "unreadData", 8]);
  assert.equal(b.recvError(t), 10053, "V-06: the reset came after the FIN");
});

test("T-15: the server closes without SD_SEND: the same trace", async () => {
  const p = await connected();
  const { a, b, s, t } = p;
  assert.equal(a.shutdown(s, SD_SEND), 0);
  p.world.runFor(10);
  assert.deepEqual(b.recv(t), new Uint8Array(0));
  assert.equal(b.send(t, "response"), 8);
  assert.equal(b.close(t), 0);
  p.world.runFor(10);
  assert.equal(a.text(s), "response");
  assert.deepEqual(a.recv(s), new Uint8Array(0));
  assert.equal(a.close(s), 0);
  p.world.runFor(10);
  assert.deepEqual([a.report(s).outcome, b.report(t).outcome], ["graceful", "graceful"]);
  assert.deepEqual(p.seen("RST"), []);
});

test("C-60, S-43: both ends close at once", async () => {
  const p = await connected({ link: { delayMs: 10 } });
  assert.equal(p.a.close(p.s), 0);
  assert.equal(p.b.close(p.t), 0);
  const [mine, theirs] = [p.a.report(p.s), p.b.report(p.t)];
  assert.deepEqual([mine.outcome, theirs.outcome], ["graceful", "graceful"]);
  assert.deepEqual(p.seen("RST"), []);
  assert.deepEqual([p.seen("FIN", "a").length, p.seen("FIN", "b").length], [1, 1]);
});
