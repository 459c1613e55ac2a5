import { WSAECONNABORTED, WSAECONNRESET } from "../../assembly/abi/errors";
import { CONFIG_ORPHAN_FIN_WAIT2_MS, CONFIG_FIN_WAIT2_MS, CONFIG_TIME_WAIT_MS, CONFIG_TIME_WAITS, SWITCH_V10_RECV_SHUT_KEEPS, SWITCH_V15_RESET_KEEPS_UNREAD } from "../../assembly/abi/config";
import { CAUSE_ABORT, CAUSE_DATA_AFTER_CLOSE, CAUSE_LINGER0, CAUSE_RECV_SHUT, CAUSE_UNREAD_DATA } from "../../assembly/abi/report";
import { STAT_TCP_CURRENT, STAT_TCP_ORPHANS, STAT_TCP_OUT_RSTS, STAT_TCP_TIME_WAITS, STAT_TCP_TIME_WAITS_CUT } from "../../assembly/abi/stats";
import {
  TCP_CLOSED, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_LAST_ACK, TCP_TIME_WAIT,
} from "../../assembly/abi/winsock";
import { counter } from "../../assembly/base/counters";
import { blockBytes } from "../../assembly/memory/blocks";
import { deadlineNext } from "../../assembly/memory/deadlines";
import {
  NOTIFY_FAILED, NOTIFY_FIN, NOTIFY_HALF_DONE, NOTIFY_READABLE, NOTIFY_RESET, NOTIFY_SETTLED, TF_FAILED, TF_FIN_ACKED, TF_FIN_RCVD, TF_FIN_SENT,
  TF_RST_RCVD, TF_RST_SENT, TF_SEND_SHUT,
} from "../../assembly/tcp/tcb";
import {
  tcpAbort, tcpAcceptTake, tcpBytesAcked, tcpBytesDiscarded, tcpBytesReceived, tcpBytesSent, tcpCause, tcpDetach, tcpError, tcpFlags, tcpLinger, tcpOpen,
  tcpOrphan, tcpSend, tcpShutdownRecv, tcpShutdownSend, tcpState, tcpUnread,
} from "../../assembly/tcp/user";
import { transitionLegal } from "../../assembly/tcp/state";
import { Waiting, waitingCount } from "../../assembly/tcp/waiting";
import {
  accepted, c, DATA, fresh, knob, listen, listener, localAddress, LPORT, notified, opened, out, readRight, remoteAddress, RPORT, rx, send,
  SWITCHES, use, usePorts, wait,
} from "./tcp";
import { deviceFull } from "./world";

function finWait1(): void { accepted(); tcpShutdownSend(c); assert(out() == "FA 1 1 0"); }
function finWait2(): void { finWait1(); rx("A", 1, 2); assert(out() == "" && tcpState(c) == TCP_FIN_WAIT_2); }
function closeWait(): void { accepted(); rx("FA", 1, 1); assert(out() == "A 1 2 0" && tcpState(c) == TCP_CLOSE_WAIT); }
function closing(): void { finWait1(); rx("FA", 1, 1); assert(out() == "A 2 2 0" && tcpState(c) == TCP_CLOSING); }
function lastAck(): void { closeWait(); tcpShutdownSend(c); assert(out() == "FA 1 2 0" && tcpState(c) == TCP_LAST_ACK); }
function timeWait(): void { finWait2(); rx("FA", 1, 2); assert(out() == "A 2 2 0" && tcpState(c) == TCP_TIME_WAIT); }

/** Lets go of everything: nothing may be left, not even after ten minutes. */
function nothingLeft(): void {
  if (c >= 0) tcpDetach(c);
  if (listener >= 0) tcpDetach(listener);
  for (let i = 0; i < 12; i++) { wait(60000); out(); }
  expect<u32>(counter(STAT_TCP_CURRENT)).toBe(0);
  expect<u32>(counter(STAT_TCP_ORPHANS)).toBe(0);
  expect<u32>(counter(STAT_TCP_TIME_WAITS)).toBe(0);
  expect<u32>(blockBytes).toBe(0);
}

describe("graceful close on the wire", () => {
  it("W-01: send 5, shutdown, receive 3 and the FIN", () => {
    accepted();
    send(5);
    tcpShutdownSend(c);
    expect<string>(out()).toBe("FPA 1 1 5");
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_1);
    rx("A", 1, 7);
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_2);
    expect<u32>(notified() & NOTIFY_HALF_DONE).toBe(NOTIFY_HALF_DONE);
    expect<u64>(tcpBytesAcked(c)).toBe(5);
    rx("PA", 1, 7, 3);
    expect<string>(out()).toBe("");
    wait(40);
    expect<string>(out()).toBe("A 7 4 0");
    expect<bool>(readRight(1, 3)).toBe(true);
    rx("FA", 4, 7);
    expect<string>(out()).toBe("A 7 5 0");
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
    expect<u32>(notified() & (NOTIFY_FIN | NOTIFY_SETTLED)).toBe(NOTIFY_FIN | NOTIFY_SETTLED);
    wait(239999);
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
    wait(1);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<string>(out()).toBe("");
    expect<u64>(tcpBytesSent(c)).toBe(5);
    expect<u64>(tcpBytesReceived(c)).toBe(3);
    nothingLeft();
  });

  it("W-02: the FIN rides on the last data segment or follows it, never before", () => {
    accepted();
    send(3000);
    tcpShutdownSend(c);
    expect<string>(out()).toBe("A 1 1 1460, A 1461 1 1460, FPA 2921 1 80");
    accepted();
    send(10);
    expect<string>(out()).toBe("PA 1 1 10");
    tcpShutdownSend(c);
    expect<string>(out()).toBe("FA 11 1 0");
  });

  it("W-03: with the window shut: probes, then data, then FIN", () => {
    accepted(0);
    send(4);
    tcpShutdownSend(c);
    expect<string>(out()).toBe("");
    wait(200);
    expect<string>(out()).toBe("A 1 1 1");
    rx("A", 1, 1, 0, 0);
    expect<string>(out()).toBe("");
    wait(400);
    expect<string>(out()).toBe("A 1 1 1");
    rx("A", 1, 1, 0, 100);
    expect<string>(out()).toBe("FPA 1 1 4");
    rx("A", 1, 6);
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_2);
    nothingLeft();
  });

  it("a FIN alone probes a shut window", () => {
    accepted(0);
    tcpShutdownSend(c);
    expect<string>(out()).toBe("");
    wait(200);
    expect<string>(out()).toBe("FA 1 1 0");
    rx("A", 1, 2, 0, 0);
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_2);
    expect<u32>(tcpFlags(c) & (TF_FIN_SENT | TF_FIN_ACKED)).toBe(TF_FIN_SENT | TF_FIN_ACKED);
  });

  it("W-04: a lost FIN is sent again with its sequence number; W-05: a second shutdown sends nothing", () => {
    finWait1();
    tcpShutdownSend(c);
    tcpShutdownSend(c);
    expect<string>(out()).toBe("");
    wait(200);
    expect<string>(out()).toBe("FA 1 1 0");
    wait(400);
    expect<string>(out()).toBe("FA 1 1 0");
    rx("A", 1, 2);
    wait(10000);
    expect<string>(out()).toBe("");
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_2);
  });

  it("W-20, W-34: a FIN is acknowledged, nothing of our own follows; we may go on sending", () => {
    closeWait();
    expect<u32>(notified() & NOTIFY_FIN).toBe(NOTIFY_FIN);
    wait(3600000);
    expect<string>(out()).toBe("");
    send(6);
    expect<string>(out()).toBe("PA 1 2 6");
    rx("A", 2, 7);
    tcpShutdownSend(c);
    expect<string>(out()).toBe("FA 7 2 0");
    expect<i32>(tcpState(c)).toBe(TCP_LAST_ACK);
    rx("A", 2, 8);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(0);
    expect<string>(out()).toBe("");
    nothingLeft();
  });

  it("unread bytes stay readable after LAST_ACK has ended", () => {
    accepted();
    rx("FA", 1, 1, 50);
    tcpShutdownSend(c);
    out();
    rx("A", 52, 2);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<u32>(tcpUnread(c)).toBe(50);
    expect<bool>(readRight(1, 50)).toBe(true);
    nothingLeft();
  });

  it("W-32: FINs cross, each side acknowledges", () => {
    finWait1();
    rx("FA", 1, 1);
    expect<string>(out()).toBe("A 2 2 0");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSING);
    rx("A", 2, 2);
    expect<string>(out()).toBe("");
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
    nothingLeft();
  });

  it("FIN and the ACK of ours in one segment go through FIN-WAIT-2 to TIME-WAIT", () => {
    finWait1();
    rx("FA", 1, 2);
    expect<string>(out()).toBe("A 2 2 0");
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
  });

  it("text, FIN and ACK of ours in one segment", () => {
    finWait1();
    rx("FPA", 1, 2, 9);
    expect<string>(out()).toBe("A 2 11 0");
    expect<u32>(tcpUnread(c)).toBe(9);
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
    expect<bool>(readRight(1, 9)).toBe(true);
    nothingLeft();
  });

  it("a FIN ahead of missing bytes waits for them", () => {
    accepted();
    rx("FA", 11, 1, 5);
    expect<string>(out()).toBe("A 1 1 0");
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
    rx("A", 1, 1, 10);
    expect<string>(out()).toBe("A 1 17 0");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSE_WAIT);
    expect<bool>(readRight(1, 15)).toBe(true);
    nothingLeft();
  });

  it("text behind a FIN is not taken", () => {
    accepted();
    rx("FA", 1, 1, 5);
    out();
    rx("PA", 7, 1, 5);
    expect<u32>(tcpUnread(c)).toBe(5);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSE_WAIT);
  });
});

describe("abort", () => {
  it("W-06: one RST,ACK with SEQ=SND.NXT in ESTABLISHED, no FIN, no data", () => {
    accepted();
    tcpAbort(c, CAUSE_LINGER0);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<string>(out()).toBe("RA 1 1 0");
    expect<u32>(tcpCause(c)).toBe(CAUSE_LINGER0);
    expect<u32>(tcpFlags(c) & TF_RST_SENT).toBe(TF_RST_SENT);
    tcpAbort(c, CAUSE_ABORT);
    wait(600000);
    expect<string>(out()).toBe("");
    expect<u32>(counter(STAT_TCP_OUT_RSTS)).toBe(1);
    nothingLeft();
  });

  it("W-07: queued bytes are lost and counted; SEQ stands behind what was sent", () => {
    accepted(3000);
    send(10000);
    expect<string>(out()).toBe("A 1 1 1460, A 1461 1 1460");
    rx("A", 1, 1461, 0, 1460);
    send(5);
    tcpAbort(c, CAUSE_LINGER0);
    expect<string>(out()).toBe("RA 2921 1 0");
    expect<u64>(tcpBytesSent(c)).toBe(10005);
    expect<u64>(tcpBytesAcked(c)).toBe(1460);
    nothingLeft();
  });

  it("W-08: in FIN-WAIT-1, FIN-WAIT-2 and CLOSE-WAIT; behind the FIN", () => {
    finWait1();
    tcpAbort(c, CAUSE_LINGER0);
    expect<string>(out()).toBe("RA 2 1 0");
    nothingLeft();
    finWait2();
    tcpAbort(c, CAUSE_LINGER0);
    expect<string>(out()).toBe("RA 2 1 0");
    nothingLeft();
    closeWait();
    tcpAbort(c, CAUSE_LINGER0);
    expect<string>(out()).toBe("RA 1 2 0");
    nothingLeft();
  });

  it("W-09: silence in CLOSING, LAST-ACK, TIME-WAIT, LISTEN, SYN-SENT", () => {
    closing(); tcpAbort(c, CAUSE_LINGER0); expect<string>(out()).toBe(""); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); nothingLeft();
    lastAck(); tcpAbort(c, CAUSE_LINGER0); expect<string>(out()).toBe(""); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); nothingLeft();
    timeWait(); tcpAbort(c, CAUSE_LINGER0); expect<string>(out()).toBe(""); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); nothingLeft();
    fresh(); listen(); tcpAbort(listener, 0); expect<string>(out()).toBe(""); nothingLeft();
    opened(); tcpAbort(c, 0); expect<string>(out()).toBe(""); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); nothingLeft();
  });

  it("in LAST-ACK and CLOSING a RST while the FIN still waits behind bytes", () => {
    closeWait();
    send(200000);
    out();
    tcpShutdownSend(c);
    out();
    expect<i32>(tcpState(c)).toBe(TCP_LAST_ACK);
    tcpAbort(c, CAUSE_LINGER0);
    expect<string>(out()).toBe("RA 14601 2 0");
    nothingLeft();
    accepted();
    send(200000);
    tcpShutdownSend(c);
    rx("FA", 1, 1);
    out();
    expect<i32>(tcpState(c)).toBe(TCP_CLOSING);
    tcpAbort(c, CAUSE_LINGER0);
    expect<string>(out()).toBe("RA 14601 2 0");
    nothingLeft();
  });

  it("W-10: a lingering close whose time is up resets in LAST-ACK too, unless the FIN was there before it", () => {
    closeWait();
    tcpShutdownSend(c);
    tcpLinger(c);
    expect<string>(out()).toBe("FA 1 2 0");
    wait(500);
    out();
    tcpAbort(c, 0);
    expect<string>(out()).toBe("RA 2 2 0");
    nothingLeft();
    lastAck();
    tcpLinger(c);
    tcpAbort(c, 0);
    expect<string>(out()).toBe("");
    nothingLeft();
  });

  it("a lingering close has no limit but its own", () => {
    accepted();
    send(10);
    tcpShutdownSend(c);
    tcpLinger(c);
    for (let i = 0; i < 5; i++) { wait(60000); out(); }
    tcpOrphan(c);
    for (let i = 0; i < 5; i++) { wait(60000); out(); }
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_1);
    tcpDetach(c);
    wait(59999);
    out();
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_1);
    wait(1);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<u32>(counter(STAT_TCP_ORPHANS)).toBe(0);
    expect<u32>(blockBytes).toBe(0);
  });

  it("a lingering close takes text until nobody reads any more", () => {
    accepted();
    send(10);
    tcpShutdownSend(c);
    tcpLinger(c);
    out();
    rx("PA", 1, 1, 5);
    expect<u32>(tcpUnread(c)).toBe(5);
    tcpOrphan(c);
    out();
    rx("PA", 6, 1, 5);
    expect<string>(out()).toBe("R 1 - 0");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    nothingLeft();
  });

  it("in SYN-RECEIVED a RST", () => {
    opened();
    rx("S", 0);
    out();
    tcpAbort(c, CAUSE_ABORT);
    expect<string>(out()).toBe("RA 1 1 0");
  });

  it("with the peer's window shut the RST stands where the peer expects it, probe or not", () => {
    accepted(0);
    send(100);
    expect<string>(out()).toBe("");
    wait(200);
    expect<string>(out()).toBe("A 1 1 1");
    rx("A", 1, 1, 0, 0);
    tcpAbort(c, CAUSE_LINGER0);
    expect<string>(out()).toBe("RA 1 1 0");
  });

  it("the RST waits for a full device, outlives its handle, and swallows what comes before it leaves", () => {
    accepted();
    tcpAbort(c, CAUSE_LINGER0);
    tcpDetach(c);
    deviceFull(1);
    expect<string>(out()).toBe("");
    rx("A", 1, 1, 10);
    rx("A", 11, 1, 10);
    expect<string>(out()).toBe("");
    deviceFull(0);
    expect<string>(out()).toBe("RA 1 1 0");
    rx("A", 1, 1, 10);
    expect<string>(out()).toBe("R 1 - 0");
    use(-1);
    nothingLeft();
  });

  it("T-28: the four-tuple is free at once", () => {
    accepted();
    tcpAbort(c, CAUSE_LINGER0);
    expect<bool>(tcpOpen(localAddress(), LPORT, remoteAddress(), RPORT, 1000, 1000, 8) >= 0).toBe(true);
    expect<bool>(out().startsWith("RA ")).toBe(true);
  });
});

describe("refused text", () => {
  it("W-12: closing with unread bytes resets with RST,ACK and counts them", () => {
    accepted();
    rx("A", 1, 1, 30);
    tcpAbort(c, CAUSE_UNREAD_DATA);
    expect<string>(out()).toBe("RA 1 31 0");
    expect<u64>(tcpBytesDiscarded(c)).toBe(30);
    expect<u64>(tcpBytesReceived(c)).toBe(30);
    nothingLeft();
  });

  it("C-45, W-13: text after the close: RST with SEQ=SEG.ACK, no ACK of it, once", () => {
    finWait2();
    tcpOrphan(c);
    rx("PA", 1, 2, 12);
    rx("PA", 13, 2, 12);
    expect<string>(out()).toBe("R 2 - 0");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<u32>(tcpCause(c)).toBe(CAUSE_DATA_AFTER_CLOSE);
    expect<u64>(tcpBytesDiscarded(c)).toBe(12);
    expect<u64>(tcpBytesReceived(c)).toBe(0);
    expect<u32>(notified() & (NOTIFY_SETTLED | NOTIFY_FAILED)).toBe(NOTIFY_SETTLED | NOTIFY_FAILED);
    wait(600000);
    expect<string>(out()).toBe("");
    nothingLeft();
  });

  it("W-13 in FIN-WAIT-1: the FIN is not sent again", () => {
    accepted();
    send(20);
    tcpShutdownSend(c);
    tcpOrphan(c);
    expect<string>(out()).toBe("FPA 1 1 20");
    rx("A", 1, 11, 5);
    expect<string>(out()).toBe("R 11 - 0");
    expect<u64>(tcpBytesAcked(c)).toBe(10);
    wait(600000);
    expect<string>(out()).toBe("");
    nothingLeft();
  });

  it("W-14: pure ACK and FIN are processed normally for an ownerless connection", () => {
    finWait1();
    tcpOrphan(c);
    rx("A", 1, 1);
    rx("A", 1, 2);
    expect<string>(out()).toBe("");
    rx("FA", 1, 2);
    expect<string>(out()).toBe("A 2 2 0");
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
    nothingLeft();
  });

  it("text that was acknowledged before and comes again is only acknowledged", () => {
    accepted();
    rx("A", 1, 1, 10);
    expect<bool>(readRight(1, 10)).toBe(true);
    tcpShutdownSend(c);
    tcpOrphan(c);
    expect<string>(out()).toBe("FA 1 11 0");
    rx("A", 1, 1, 10);
    expect<string>(out()).toBe("A 2 11 0");
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_1);
  });

  it("W-15: shutting the receive side with nothing unread says nothing; S-13, W-17: a FIN is acknowledged", () => {
    accepted();
    tcpShutdownRecv(c);
    wait(1000);
    expect<string>(out()).toBe("");
    rx("FA", 1, 1);
    expect<string>(out()).toBe("A 1 2 0");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSE_WAIT);
  });

  it("S-11: with unread bytes it resets", () => {
    accepted();
    rx("A", 1, 1, 30);
    tcpShutdownRecv(c);
    expect<string>(out()).toBe("RA 1 31 0");
    expect<u32>(tcpCause(c)).toBe(CAUSE_RECV_SHUT);
    expect<i32>(tcpError(c)).toBe(WSAECONNABORTED);
  });

  it("S-12, W-16: text that comes later resets and is not acknowledged", () => {
    accepted();
    tcpShutdownRecv(c);
    send(5);
    expect<string>(out()).toBe("PA 1 1 5");
    rx("A", 1, 6, 30);
    expect<string>(out()).toBe("RA 6 1 0");
    expect<u32>(tcpCause(c)).toBe(CAUSE_RECV_SHUT);
    expect<u64>(tcpBytesDiscarded(c)).toBe(30);
    expect<u32>(notified() & NOTIFY_FAILED).toBe(NOTIFY_FAILED);
    nothingLeft();
  });

  it("V-10 B: the switch keeps the connection, what is unread, and its silence about text that comes later", () => {
    knob(SWITCHES, SWITCH_V10_RECV_SHUT_KEEPS);
    accepted();
    rx("A", 1, 1, 30);
    tcpShutdownRecv(c);
    wait(100);
    expect<string>(out()).toBe("A 1 31 0");
    rx("A", 31, 1, 30);
    wait(1000);
    expect<string>(out()).toBe("");
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
    expect<u32>(tcpUnread(c)).toBe(30);
  });
});

describe("a RST of the peer", () => {
  it("W-22: exact sequence number: the connection dies without a word", () => {
    accepted();
    rx("A", 1, 1, 10);
    send(100);
    out();
    rx("RA", 11, 1);
    expect<string>(out()).toBe("");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(WSAECONNRESET);
    expect<u32>(tcpFlags(c) & TF_RST_RCVD).toBe(TF_RST_RCVD);
    expect<u32>(notified() & (NOTIFY_RESET | NOTIFY_SETTLED)).toBe(NOTIFY_RESET | NOTIFY_SETTLED);
    expect<u32>(tcpUnread(c)).toBe(0);
    expect<u64>(tcpBytesDiscarded(c)).toBe(10);
    nothingLeft();
  });

  it("V-15 B: the switch keeps unread bytes readable", () => {
    knob(SWITCHES, SWITCH_V15_RESET_KEEPS_UNREAD);
    accepted();
    rx("A", 1, 1, 10);
    rx("R", 11);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<bool>(readRight(1, 10)).toBe(true);
    nothingLeft();
  });

  it("W-23: in the window but not exact: a challenge ACK; W-24: outside: nothing", () => {
    accepted();
    rx("R", 2);
    expect<string>(out()).toBe("A 1 1 0");
    rx("R", 0);
    rx("R", 70000);
    expect<string>(out()).toBe("");
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
  });

  it("ends every synchronized state but TIME-WAIT; W-25, O-20", () => {
    finWait1(); rx("R", 1); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); expect<string>(out()).toBe("");
    finWait2(); rx("R", 1); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); expect<string>(out()).toBe("");
    closeWait(); rx("R", 2); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); expect<string>(out()).toBe("");
    closing(); rx("R", 2); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); expect<string>(out()).toBe("");
    lastAck(); rx("R", 2); expect<i32>(tcpState(c)).toBe(TCP_CLOSED); expect<string>(out()).toBe("");
    timeWait(); rx("R", 2); expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT); expect<string>(out()).toBe("");
  });

  it("may carry text", () => {
    accepted();
    rx("RA", 1, 1, 40);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<string>(out()).toBe("");
  });
});

describe("CLOSED port", () => {
  it("W-26: SEQ=SEG.ACK, or SEQ=0 and ACK=SEG.SEQ+SEG.LEN; W-27: no answer to a RST", () => {
    accepted();
    usePorts(81, RPORT);
    rx("A", 5, 77, 10);
    expect<string>(out()).toBe("R 77 - 0");
    rx("SF", 5, 0, 10);
    expect<bool>(out().endsWith(" 17 0")).toBe(true);
    rx("RA", 5, 77);
    rx("R", 5);
    expect<string>(out()).toBe("");
  });
});

describe("TIME-WAIT", () => {
  it("W-21: a repeated FIN is acknowledged again and the time starts over", () => {
    timeWait();
    wait(200000);
    rx("FA", 1, 2);
    expect<string>(out()).toBe("A 2 2 0");
    wait(239999);
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
    wait(1);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    nothingLeft();
  });

  it("stays for old data, old SYNs and wild segments, and does not start over for them", () => {
    timeWait();
    wait(100000);
    rx("A", 1, 2, 0);
    rx("PA", 0, 2, 1);
    rx("S", 0);
    rx("FA", 50, 2, 5);
    const said = out();
    expect<bool>(said.includes("R") || said.includes("S")).toBe(false);
    wait(139999);
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
    wait(1);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
  });

  it("O-19: a SYN beyond the last sequence number begins the next connection, with a higher ISN", () => {
    timeWait();
    tcpDetach(c);
    use(-1);
    rx("S", 100);
    const said = out();
    expect<bool>(said == "SA 0 101 0").toBe(true);
    rx("A", 101, 1);
    expect<bool>(tcpAcceptTake(listener) >= 0).toBe(true);
  });

  it("of an open handle: the next connection takes the four-tuple, the old one stays readable", () => {
    accepted();
    rx("A", 1, 1, 4);
    tcpShutdownSend(c);
    out();
    rx("FA", 5, 2);
    out();
    expect<i32>(tcpState(c)).toBe(TCP_TIME_WAIT);
    rx("S", 100);
    expect<string>(out()).toBe("SA 0 101 0");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<bool>(readRight(1, 4)).toBe(true);
    nothingLeft();
  });

  it("the length is a knob, 0 included", () => {
    knob(CONFIG_TIME_WAIT_MS, 0);
    finWait2();
    rx("FA", 1, 2);
    expect<string>(out()).toBe("A 2 2 0");
    wait(0);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
  });

  it("the oldest gives way when the table is full", () => {
    knob(CONFIG_TIME_WAITS, 3);
    fresh();
    listen(8);
    for (let k: u32 = 0; k < 5; k++) {
      usePorts(LPORT, 6000 + k);
      rx("S", 0); out();
      rx("A", 1, 1);
      use(tcpAcceptTake(listener));
      tcpShutdownSend(c); out();
      rx("FA", 1, 2); out();
      tcpDetach(c);
    }
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
    expect<u32>(counter(STAT_TCP_TIME_WAITS)).toBe(3);
    expect<u32>(counter(STAT_TCP_TIME_WAITS_CUT)).toBe(2);
    expect<u32>(waitingCount).toBe(3);
    for (let k: u32 = 0; k < 5; k++) {
      usePorts(LPORT, 6000 + k);
      rx("FA", 1, 2);
      expect<bool>(out().startsWith("A ")).toBe(k >= 2);
    }
  });

  it("a record has 64 bytes and holds neither control block nor buffer", () => {
    expect<u32>(<u32>offsetof<Waiting>()).toBe(64);
    timeWait();
    tcpDetach(c);
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
    expect<u32>(blockBytes).toBe(0);
    let n = 0;
    for (let p: u32 = 0; p < 40; p++) if (tcpOpen(localAddress(), 1000 + p, remoteAddress(), RPORT, 1000, 1000, 9) >= 0) n++;
    expect<i32>(n).toBe(15);
    expect<u32>(counter(STAT_TCP_TIME_WAITS)).toBe(1);
    use(-1);
  });

  it("our own four-tuple can be opened again, with a higher ISN", () => {
    timeWait();
    tcpDetach(c);
    use(tcpOpen(localAddress(), LPORT, remoteAddress(), RPORT, 1000, 1000, 9));
    expect<bool>(c >= 0).toBe(true);
    expect<string>(out()).toBe("S 0 - 0");
  });
});

describe("limits", () => {
  it("seam: an ownerless FIN-WAIT-2 ends after 60 s in silence, settled", () => {
    finWait2();
    tcpOrphan(c);
    expect<u32>(counter(STAT_TCP_ORPHANS)).toBe(1);
    notified();
    wait(59999);
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_2);
    wait(1);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<u32>(notified()).toBe(NOTIFY_SETTLED);
    expect<u32>(tcpFlags(c) & (TF_FIN_ACKED | TF_FAILED | TF_FIN_RCVD)).toBe(TF_FIN_ACKED);
    expect<string>(out()).toBe("");
    expect<u32>(counter(STAT_TCP_ORPHANS)).toBe(0);
    nothingLeft();
  });

  it("its limit is a knob; V-18, T-29, S-36: with an owner there is none unless asked for", () => {
    knob(CONFIG_ORPHAN_FIN_WAIT2_MS, 5000);
    finWait1();
    tcpOrphan(c);
    rx("A", 1, 2);
    wait(5000);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    finWait2();
    wait(86400000);
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_2);
    expect<string>(out()).toBe("");
    expect<i32>(deadlineNext()).toBe(-1);
    knob(CONFIG_FIN_WAIT2_MS, 300000);
    finWait2();
    wait(300000);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(WSAECONNRESET);
  });

  it("C-56, T-26: an orphan whose FIN nobody acknowledges ends after 60 s", () => {
    accepted();
    send(10);
    tcpShutdownSend(c);
    tcpOrphan(c);
    expect<string>(out()).toBe("FPA 1 1 10");
    wait(59999);
    const again = out();
    expect<bool>(again.startsWith("FPA 1 1 10, FPA 1 1 10")).toBe(true);
    expect<bool>(again.includes("R")).toBe(false);
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_1);
    wait(1);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<u32>(tcpFlags(c) & TF_FAILED).toBe(TF_FAILED);
    expect<string>(out()).toBe("RA 12 1 0");
    nothingLeft();
  });

  it("stuck closing: old and wrong ACKs of the FIN do not prolong it", () => {
    accepted();
    send(10);
    tcpShutdownSend(c);
    tcpOrphan(c);
    out();
    for (let i = 0; i < 61; i++) {
      wait(1000);
      rx("A", 1, 1);
      rx("A", 1, 99);
      out();
    }
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    nothingLeft();
  });

  it("stalled peer: an orphan behind a shut window ends although its probes are answered", () => {
    accepted(0);
    send(10);
    tcpShutdownSend(c);
    tcpOrphan(c);
    expect<string>(out()).toBe("");
    for (let i = 0; i < 600; i++) {
      wait(100);
      if (out().startsWith("A 1 1 1")) rx("A", 1, 1, 0, 0);
    }
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    nothingLeft();
  });

  it("an orphan that makes progress goes on", () => {
    accepted(1);
    send(100);
    tcpShutdownSend(c);
    tcpOrphan(c);
    for (let i: u32 = 2; i <= 20; i++) {
      wait(50000);
      out();
      rx("A", 1, i, 0, 1);
    }
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_1);
  });
});

describe("what is left", () => {
  it("of connections used and closed in every way: nothing, neither blocks nor deadlines", () => {
    for (let round: u32 = 0; round < 40; round++) {
      if (round == 0) { fresh(); listen(8); }
      usePorts(LPORT, 6000 + round);
      rx("S", 0); out();
      rx("A", 1, 1, 100);
      use(tcpAcceptTake(listener));
      tcpSend(c, DATA, 5000);
      out();
      switch (round & 3) {
        case 0: readRight(1, 100); tcpShutdownSend(c); out(); rx("FA", 101, 5002); break;
        case 1: tcpAbort(c, CAUSE_ABORT); break;
        case 2: rx("R", 101, 0); break;
        default: readRight(1, 100); rx("FA", 101, 5001); tcpShutdownSend(c); out(); rx("A", 102, 5002);
      }
      tcpDetach(c);
      out();
    }
    use(-1);
    expect<u32>(counter(STAT_TCP_TIME_WAITS)).toBe(10);
    wait(240000);
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
    expect<u32>(blockBytes).toBe(0);
    expect<i32>(deadlineNext()).toBe(-1);
  });

  it("the table of transitions knows no way out of CLOSED but an open, and none past a state", () => {
    for (let to = 0; to <= 10; to++) for (let by = 1; by <= 13; by++) {
      expect<bool>(transitionLegal(TCP_CLOSED, to, by) && by != 1 && by != 2 && by != 5).toBe(false);
      expect<bool>(transitionLegal(to, to, by)).toBe(false);
      expect<bool>(transitionLegal(TCP_TIME_WAIT, to, by) && to != TCP_CLOSED).toBe(false);
      expect<bool>(transitionLegal(TCP_ESTABLISHED, to, by) && to != TCP_FIN_WAIT_1 && to != TCP_CLOSE_WAIT && to != TCP_CLOSED).toBe(false);
    }
    expect<u32>(NOTIFY_READABLE | TF_SEND_SHUT).not.toBe(0);
  });
});
