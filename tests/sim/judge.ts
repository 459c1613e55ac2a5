/** Judges close reports and idle stacks by what the wire and the programs know. */
import { tcpStateName } from "../../host/abi/winsock.gen.ts";
import type { CloseReportRecord } from "../../host/core/index.ts";
import type { Closed, Slot, Station } from "./station.ts";

type Fail = (what: string) => void;

/** Slack of every time limit, ms: polls happen on whole milliseconds. */
const SLACK_MS = 20;

/** Takes the reports that have come since the last look. Every one belongs to one close, and says what the wire says. */
export function takeReports(station: Station, fail: Fail): void {
  const { reports } = station.spi;
  for (; station.seen < reports.length; station.seen++) {
    const report = reports[station.seen] as CloseReportRecord;
    const close = station.closed.get(report.handle);
    const wrong = (what: string): void => fail(`station ${station.index}, report of ${report.handle} (${JSON.stringify(report)}): ${what}`);
    if (!close) wrong("that socket was not closed");
    else if (close.report) wrong("the second report of one close");
    else {
      close.report = report;
      judgeReport(station, close, report, wrong);
    }
  }
}

function judgeReport(station: Station, { slot, at, waited }: Closed, report: CloseReportRecord, wrong: Fail): void {
  if (report.dropped > 0) wrong("reports were lost");
  const { end, peer, connection } = slot;
  if (report.outcome === "notConnected") {
    if (slot.connected) wrong("the program had a connection");
    return;
  }
  if (!end || !peer || !connection) return wrong("the program knows of no connection");
  if (waited && report.durationMs > slot.lingerMs + SLACK_MS) wrong(`the linger time was ${slot.lingerMs} ms`);
  if (Math.abs(report.durationMs - (station.spi.world.nowMs - at)) > SLACK_MS) wrong(`closed at ${at}, reported at ${station.spi.world.nowMs}`);
  const { bytesSent, bytesAcknowledged: acked, bytesUnacknowledged: unacked } = report;
  if (bytesSent < end.written || bytesSent > end.written + end.writing) wrong(`the program sent ${end.written}, and ${end.writing} are in doubt`);
  if (acked + unacked !== bytesSent) wrong("acknowledged and unacknowledged are not all");
  if (connection.muddled || end.station === peer.station) return;
  if (acked > Math.max(0, end.wire.ackArrived - 1)) wrong(`the wire acknowledged ${end.wire.ackArrived - 1}`);
  if (report.bytesDiscarded + end.read > end.wire.textArrived) wrong(`${end.wire.textArrived} bytes arrived and ${end.read} were read`);
  if (report.peerFin && !end.wire.finArrived) wrong("no FIN arrived");
  judgeOutcome(slot, waited, report, wrong);
}

function judgeOutcome(slot: Slot, waited: boolean, report: CloseReportRecord, wrong: Fail): void {
  const wire = slot.end?.wire;
  if (!wire) return;
  const finAcked = wire.fin >= 0 && wire.ackArrived > wire.fin;
  switch (report.outcome) {
    case "graceful":
    case "delivered":
      if (report.bytesUnacknowledged > 0 || wire.fin !== report.bytesSent + 1 || !finAcked) wrong(`the FIN is at ${wire.fin}, acknowledged up to ${wire.ackArrived}`);
      if (report.peerFin !== (report.outcome === "graceful")) wrong("the outcome and the peer's FIN do not agree");
      return;
    case "resetByPeer":
      if (!wire.rstArrived) wrong("no RST arrived");
      return;
    case "aborted":
      if (report.cause === "linger0" && slot.lingerMs !== 0) wrong("no hard close was asked for");
      if (report.cause === "abort" && !slot.aborted) wrong("nobody aborted");
      return;
    case "lingerExpired":
      if (slot.lingerMs <= 0 || report.durationMs < slot.lingerMs) wrong(`the linger time was ${slot.lingerMs} ms`);
      if (finAcked && report.bytesUnacknowledged > 0) wrong("everything was acknowledged");
      return;
    case "timedOut":
      // semantics C-15: while a close waits only its own limit counts.
      if (waited) wrong("the close was waiting");
      // Keepalive (10052) ends a connection that owes nothing, too.
      if (finAcked && report.bytesUnacknowledged === 0 && report.error !== 10052 && report.state !== "FIN_WAIT_2") wrong("the FIN was acknowledged");
      return;
    case "unknown":
      wrong("a stack of ours knows");
      return;
    default:
  }
}

/** The TCP state, asked without a call that would make the driver poll. */
function stateOf(station: Station, slot: Slot): string {
  return tcpStateName[station.spi.core.exports.socketState(slot.handle)] ?? "none";
}

/** A stack that wants no poll at any time must not owe anybody anything (every connection has a deadline or waits on its user). */
export function judgeIdle(station: Station, fail: Fail): void {
  const { driver } = station.spi;
  if (driver.pending || driver.nextDeadline() !== undefined) return;
  const wrong = (slot: Slot, what: string): void => fail(`station ${station.index} is idle and socket ${slot.handle} (${slot.connection?.name}, ${stateOf(station, slot)}) ${what}`);
  for (const slot of station.slots) {
    if (slot.kind !== "stream" || slot.closing || !slot.end || !slot.peer || slot.end.station === slot.peer.station) continue;
    const state = stateOf(station, slot);
    if (["CLOSED", "none"].includes(state)) continue;
    if (!["ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_2"].includes(state)) wrong(slot, "waits for a segment without a deadline");
    else if (slot.end.wire.ackArrived - 1 < slot.end.written) wrong(slot, `has ${slot.end.written - slot.end.wire.ackArrived + 1} bytes to send and no deadline`);
  }
  for (const [handle, close] of station.closed) if (!close.report) fail(`station ${station.index} is idle and the close of ${handle} has not settled`);
}

/** After everything was closed and all time limits have passed: one report for each close, and the tables are empty. */
export function judgeEnd(station: Station, before: Readonly<Record<string, number>>, fail: Fail): void {
  for (const [handle, { report, slot }] of station.closed) if (!report) fail(`station ${station.index}: the close of ${handle} (${slot.connection?.name}) has not settled`);
  const stats = station.spi.core.stats();
  for (const name of ["tcpCurrent", "tcpOrphans", "tcpTimeWaits", "sockets", "bufferBytes"] as const) {
    if (stats[name] !== before[name]) fail(`station ${station.index}: ${name} was ${before[name]} at the start and is ${stats[name]} at the end`);
  }
  if (station.spi.core.exports.orphans() !== 0) fail(`station ${station.index}: ${station.spi.core.exports.orphans()} orphans are left`);
  if (stats.reportsDropped > 0) fail(`station ${station.index}: ${stats.reportsDropped} reports were dropped`);
  // Where ARP failed a RST has nowhere to go.
  if (stats.arpFailed > 0) return;
  for (const { report, slot } of station.closed.values()) {
    // A reset that was reported was also sent, unless by rule nothing is (W-09).
    if (report?.outcome === "aborted" && slot.end && slot.connected && !slot.connection?.muddled && slot.end.station !== slot.peer?.station
      && ["ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "CLOSE_WAIT"].includes(report.state) && !slot.end.wire.rst) {
      fail(`station ${station.index}: the close of ${report.handle} reports ${report.outcome} (${report.cause}) and no RST was sent`);
    }
  }
}
