import { WSAEHOSTUNREACH, WSAENETRESET, WSAETIMEDOUT } from "../../assembly/abi/errors";
import { CONFIG_USER_TIMEOUT_MS } from "../../assembly/abi/config";
import {
  STAT_TCP_CHALLENGE_ACKS, STAT_TCP_FAST_RETRANS, STAT_TCP_IN_ERRS, STAT_TCP_NO_BUFFER, STAT_TCP_OUT_OF_ORDER, STAT_TCP_TIMEOUTS,
} from "../../assembly/abi/stats";
import { TCP_CLOSED, TCP_ESTABLISHED, TCP_SYN_SENT } from "../../assembly/abi/winsock";
import { counter } from "../../assembly/base/counters";
import { blockAlloc, blockBytes } from "../../assembly/memory/blocks";
import { ICMP_FRAG_NEEDED, ICMP_HOST_UNREACHABLE, ICMP_PORT_UNREACHABLE } from "../../assembly/ip/icmp";
import { tcpIcmpError } from "../../assembly/tcp/icmp";
import { NOTIFY_FAILED, NOTIFY_READABLE, NOTIFY_WRITABLE, tcb } from "../../assembly/tcp/tcb";
import {
  tcpAcceptTake, tcpBytesReceived, tcpCommit, tcpConsume, tcpError, tcpPeek, tcpPeeked, tcpRecv, tcpReserve, tcpReserved, tcpSend, tcpSendUsed,
  tcpSetKeepAlive, tcpSetNoDelay, tcpSetRecvLimit, tcpSetSendLimit, tcpShutdownSend, tcpState, tcpUnread,
} from "../../assembly/tcp/user";
import { tcpAtMark, tcpRecvUrgent, tcpSetUrgentInline, tcpUrgentHeld } from "../../assembly/tcp/urgent";
import {
  accepted, c, compose, DATA, deliver, fresh, iss, knob, lastText, lastWindow, listen, listener, localAddress, LPORT, notified, opened, options, out, READ,
  readRight, remoteAddress, RPORT, rx, seal, SEG, send, use, wait,
} from "./tcp";
import { deviceFull } from "./world";

describe("receiving", () => {
  it("in order: readable, a delayed ACK after 40 ms, every second segment at once", () => {
    accepted();
    rx("A", 1, 1, 100);
    expect<string>(out()).toBe("");
    expect<u32>(notified()).toBe(NOTIFY_READABLE);
    wait(39);
    expect<string>(out()).toBe("");
    wait(1);
    expect<string>(out()).toBe("A 1 101 0");
    rx("A", 101, 1, 100);
    rx("A", 201, 1, 100);
    expect<string>(out()).toBe("A 1 301 0");
    wait(1000);
    expect<string>(out()).toBe("");
    expect<bool>(readRight(1, 300)).toBe(true);
    expect<u64>(tcpBytesReceived(c)).toBe(300);
  });

  it("a peer whose window one segment has nearly filled hears as soon as the text is read", () => {
    fresh(65535);
    listen();
    options("0204ffd7");
    rx("S", 0);
    out();
    rx("A", 1, 1);
    use(tcpAcceptTake(listener));
    rx("A", 1, 1, 65495);
    expect<string>(out()).toBe("");
    tcpConsume(c, 65495);
    expect<string>(out()).toBe("A 1 65496 0");
  });

  it("the ACK rides on data that leaves anyway", () => {
    accepted();
    rx("A", 1, 1, 100);
    send(7);
    expect<string>(out()).toBe("PA 1 101 7");
    wait(199);
    expect<string>(out()).toBe("");
  });

  it("a batch of segments is acknowledged once", () => {
    accepted();
    for (let i: u32 = 0; i < 20; i++) rx("A", 1 + 100 * i, 1, 100);
    expect<string>(out()).toBe("A 1 2001 0");
  });

  it("out of order: a duplicate ACK each, one ACK for all when the gap is filled", () => {
    accepted();
    rx("A", 101, 1, 100);
    rx("A", 301, 1, 100);
    rx("A", 201, 1, 100);
    expect<string>(out()).toBe("A 1 1 0, A 1 1 0, A 1 1 0");
    expect<u32>(lastWindow).toBe(65535);
    expect<u32>(tcpUnread(c)).toBe(0);
    rx("A", 1, 1, 100);
    expect<string>(out()).toBe("A 1 401 0");
    expect<bool>(readRight(1, 400)).toBe(true);
    expect<u32>(counter(STAT_TCP_OUT_OF_ORDER)).toBe(3);
  });

  it("overlapping and repeated text is taken once", () => {
    accepted();
    rx("A", 51, 1, 100);
    rx("A", 1, 1, 80);
    rx("A", 1, 1, 10);
    rx("A", 100, 1, 100);
    rx("A", 20, 1, 500);
    out();
    expect<u32>(tcpUnread(c)).toBe(519);
    expect<bool>(readRight(1, 519)).toBe(true);
  });

  it("an old segment is acknowledged at once, without effect", () => {
    accepted();
    rx("A", 1, 1, 100);
    rx("A", 1, 1, 100);
    expect<string>(out()).toBe("A 1 101 0");
    expect<u32>(tcpUnread(c)).toBe(100);
  });

  it("the window shrinks by what is unread and opens again in one useful step", () => {
    accepted();
    tcpSetRecvLimit(c, 4096);
    rx("A", 1, 1, 1460);
    rx("A", 1461, 1, 1460);
    expect<string>(out()).toBe("A 1 2921 0");
    expect<u32>(lastWindow).toBe(65535 - 2920); // its right edge never moves left
    accepted();
    for (let i: u32 = 0; i < 44; i++) rx("A", 1 + 1460 * i, 1, 1460);
    rx("A", 1 + 1460 * 44, 1, 1295);
    expect<string>(out()).toBe("A 1 65536 0");
    expect<u32>(lastWindow).toBe(0);
    tcpConsume(c, 1000);
    expect<string>(out()).toBe("");
    tcpConsume(c, 1000);
    expect<string>(out()).toBe("A 1 65536 0");
    expect<u32>(lastWindow).toBe(2001);
    tcpConsume(c, 63535);
    expect<string>(out()).toBe("A 1 65536 0");
    expect<bool>(lastWindow > 65000).toBe(true);
    expect<u32>(tcpUnread(c)).toBe(0);
  });

  it("a shut window takes no text but hears the ACK; a probe is answered", () => {
    accepted();
    for (let i: u32 = 0; i < 44; i++) rx("A", 1 + 1460 * i, 1, 1460);
    rx("A", 1 + 1460 * 44, 1, 1295);
    send(10);
    out();
    expect<u32>(tcpSendUsed(c)).toBe(10);
    rx("A", 65536, 11, 1);
    expect<string>(out()).toBe("A 11 65536 0");
    expect<u32>(tcpSendUsed(c)).toBe(0);
    expect<u32>(tcpUnread(c)).toBe(65535);
  });

  it("text beyond the window is cut, a segment wholly beyond it answered", () => {
    accepted();
    for (let i: u32 = 0; i < 44; i++) rx("A", 1 + 1460 * i, 1, 1460);
    rx("A", 1 + 1460 * 44, 1, 1460);
    expect<string>(out()).toBe("A 1 65536 0");
    expect<u32>(tcpUnread(c)).toBe(65535);
    rx("A", 70000, 1, 100);
    expect<string>(out()).toBe("A 1 65536 0");
  });

  it("peek and consume walk over the end of the ring", () => {
    accepted();
    let at: u32 = 1;
    for (let i = 0; i < 40; i++) {
      rx("A", at, 1, 700);
      out();
      let left: u32 = 700;
      while (left) {
        const p = tcpPeek(c), n = min<u32>(tcpPeeked(), left);
        expect<bool>(n > 0).toBe(true);
        for (let k: u32 = 0; k < n; k++) if (load<u8>(p + k) != <u8>((at + k) * 7 + ((at + k) >> 8))) expect<u32>(k).toBe(n);
        if (left == 700 && n > 300) { tcpConsume(c, 300); at += 300; left -= 300; }
        else { tcpConsume(c, n); at += n; left -= n; }
      }
      expect<usize>(tcpPeek(c)).toBe(0);
    }
  });

  it("MSG_PEEK leaves the bytes", () => {
    accepted();
    rx("A", 1, 1, 10);
    expect<u32>(tcpRecv(c, READ, 100, true)).toBe(10);
    expect<bool>(readRight(1, 10)).toBe(true);
    expect<u32>(tcpRecv(c, READ, 100, false)).toBe(0);
  });

  it("thousands of one-byte segments with holes cost a bounded amount", () => {
    accepted();
    for (let i: u32 = 0; i < 2000; i++) rx("A", 3 + 2 * i, 1, 1);
    out();
    expect<bool>(counter(STAT_TCP_NO_BUFFER) > 1900).toBe(true);
    rx("A", 1, 1, 1400);
    out();
    expect<bool>(tcpUnread(c) >= 1400).toBe(true);
    expect<bool>(readRight(1, 1400)).toBe(true);
  });

  it("without memory text is dropped and counted, and taken when it comes again", () => {
    accepted();
    let held: u32 = 0;
    for (let order: u32 = 19; ; order--) {
      while (blockAlloc(order)) held++;
      if (!order) break;
    }
    rx("A", 1, 1, 100);
    expect<string>(out()).toBe("A 1 1 0");
    expect<u32>(counter(STAT_TCP_NO_BUFFER)).toBe(1);
    expect<u32>(tcpSend(c, DATA, 10)).toBe(0);
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
  });

  it("an empty buffer of the smallest size goes back at once, a larger one after a second of silence", () => {
    accepted();
    send(100);
    rx("A", 1, 1, 100);
    expect<u32>(blockBytes).toBe(4096);
    expect<bool>(readRight(1, 100)).toBe(true);
    out();
    rx("A", 101, 101);
    expect<u32>(blockBytes).toBe(0);
    send(3000);
    out();
    rx("A", 101, 3101);
    expect<u32>(blockBytes).toBe(4096);
    wait(3000);
    out();
    expect<u32>(blockBytes).toBe(0);
  });
});

describe("sending", () => {
  it("in segments of the MSS, the last one pushed; what is acknowledged makes room", () => {
    accepted();
    expect<u32>(send(4000)).toBe(4000);
    expect<string>(out()).toBe("A 1 1 1460, A 1461 1 1460, PA 2921 1 1080");
    expect<u32>(tcpSendUsed(c)).toBe(4000);
    rx("A", 1, 2921);
    expect<u32>(tcpSendUsed(c)).toBe(1080);
    expect<u32>(notified()).toBe(NOTIFY_WRITABLE);
    expect<string>(out()).toBe("");
  });

  it("the text is what was given, over the end of the ring too", () => {
    accepted();
    let at: u32 = 0;
    for (let i = 0; i < 30; i++) {
      send(777);
      pump1(at);
      at += 777;
      rx("A", 1, 1 + at);
    }
  });

  it("never more than the window, nor than the congestion window of ten segments at first", () => {
    accepted(5000);
    send(20000);
    expect<string>(out()).toBe("A 1 1 1460, A 1461 1 1460, A 2921 1 1460");
    accepted();
    send(60000);
    let n = 0;
    const all = out();
    for (let i = 0; i < all.length; i++) if (all.charAt(i) == ",") n++;
    expect<i32>(n).toBe(9);
  });

  it("Nagle: a short segment waits for the one before it; without it they go at once", () => {
    accepted();
    send(10);
    expect<string>(out()).toBe("PA 1 1 10");
    send(10);
    send(10);
    expect<string>(out()).toBe("");
    rx("A", 1, 11);
    expect<string>(out()).toBe("PA 11 1 20");
    tcpSetNoDelay(c, true);
    send(3);
    expect<string>(out()).toBe("PA 31 1 3");
  });

  it("a FIN lets the last short segment go", () => {
    accepted();
    send(10);
    out();
    send(10);
    expect<string>(out()).toBe("");
    tcpShutdownSend(c);
    expect<string>(out()).toBe("FPA 11 1 10");
    expect<u32>(tcpSend(c, DATA, 1)).toBe(0);
  });

  it("silly windows: less than half of the largest window waits for the probe timer", () => {
    accepted(1000);
    send(3000);
    expect<string>(out()).toBe("A 1 1 1000");
    rx("A", 1, 1001, 0, 100);
    expect<string>(out()).toBe("");
    wait(199);
    expect<string>(out()).toBe("");
    wait(1);
    expect<string>(out()).toBe("A 1001 1 100");
  });

  it("a shut window is probed with doubled patience for as long as the peer answers", () => {
    accepted(0);
    send(100);
    expect<string>(out()).toBe("");
    let gap: u32 = 200;
    for (let i = 0; i < 14; i++) {
      wait(gap - 1);
      expect<string>(out()).toBe("");
      wait(1);
      expect<string>(out()).toBe("A 1 1 1");
      rx("A", 1, 1, 0, 0);
      gap = min<u32>(gap * 2, 60000);
    }
    rx("A", 1, 1, 0, 5000);
    expect<string>(out()).toBe("PA 1 1 100");
  });

  it("a probe's byte that was taken is not sent again", () => {
    accepted(0);
    send(100);
    out();
    wait(200);
    expect<string>(out()).toBe("A 1 1 1");
    rx("A", 1, 2, 0, 0);
    expect<u32>(tcpSendUsed(c)).toBe(99);
    rx("A", 1, 2, 0, 5000);
    expect<string>(out()).toBe("PA 2 1 99");
  });

  it("a window that shuts over data in flight: the data is probed and comes again when it opens", () => {
    accepted(5000);
    send(2920);
    expect<string>(out()).toBe("A 1 1 1460, PA 1461 1 1460");
    rx("A", 1, 1, 0, 0);
    wait(200);
    expect<string>(out()).toBe("A 1 1 1");
    rx("A", 1, 1, 0, 0);
    rx("A", 1, 1, 0, 5000);
    expect<string>(out()).toBe("A 1 1 1460, PA 1461 1 1460");
  });

  it("a full device keeps the segment for the next poll", () => {
    accepted();
    deviceFull(1);
    send(10);
    expect<string>(out()).toBe("");
    deviceFull(0);
    expect<string>(out()).toBe("PA 1 1 10");
  });

  it("reserve and commit: in place, within the limit", () => {
    accepted();
    tcpSetSendLimit(c, 3000);
    const p = tcpReserve(c, 10000);
    expect<bool>(p != 0).toBe(true);
    expect<u32>(tcpReserved()).toBe(3000);
    memory.copy(p, DATA, 1000);
    tcpCommit(c, 1000);
    expect<string>(out()).toBe("PA 1 1 1000");
    expect<i32>(memory.compare(lastText, DATA, 1000)).toBe(0);
    tcpReserve(c, 10000);
    expect<u32>(tcpReserved()).toBe(2000);
    expect<u32>(tcpSend(c, DATA, 100000)).toBe(100000); // an all-or-nothing send may exceed it (V-25)
    expect<usize>(tcpReserve(c, 1)).toBe(0);
  });
});

/** The one segment that left carries 777 bytes of the pattern from place `at`. */
function pump1(at: u32): void {
  expect<string>(out()).toBe("PA " + (1 + at).toString() + " 1 777");
  expect<i32>(memory.compare(lastText, DATA + at, 777)).toBe(0);
}

describe("retransmission", () => {
  it("by timer, doubled each time, the whole segment and its FIN", () => {
    accepted();
    send(100);
    out();
    let gap: u32 = 200;
    for (let i = 0; i < 8; i++) {
      wait(gap - 1);
      expect<string>(out()).toBe("");
      wait(1);
      expect<string>(out()).toBe("PA 1 1 100");
      gap *= 2;
    }
  });

  it("ends after the user timeout: 10060, one RST; the time is a knob", () => {
    knob(CONFIG_USER_TIMEOUT_MS, 30000);
    accepted();
    send(100);
    out();
    for (let s = 0; s < 29; s++) { wait(1000); out(); } // the neighbour is there
    wait(999);
    out();
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
    wait(1);
    expect<string>(out()).toBe("RA 101 1 0");
    expect<i32>(tcpError(c)).toBe(WSAETIMEDOUT);
    expect<bool>((notified() & NOTIFY_FAILED) != 0).toBe(true);
  });

  it("after a timeout one segment, then slow start over what is outstanding", () => {
    accepted();
    send(5840);
    expect<string>(out()).toBe("A 1 1 1460, A 1461 1 1460, A 2921 1 1460, PA 4381 1 1460");
    wait(200);
    expect<string>(out()).toBe("A 1 1 1460");
    rx("A", 1, 1461);
    expect<string>(out()).toBe("A 1461 1 1460, A 2921 1 1460");
    rx("A", 1, 4381);
    expect<string>(out()).toBe("PA 4381 1 1460");
    rx("A", 1, 5841);
    wait(10000);
    expect<string>(out()).toBe("");
    expect<u32>(counter(STAT_TCP_TIMEOUTS)).toBe(1);
  });

  it("three duplicate ACKs bring the missing segment at once; a partial ACK the next (RFC 6582)", () => {
    accepted();
    send(8 * 1460);
    out();
    rx("A", 1, 1461);
    rx("A", 1, 1461);
    rx("A", 1, 1461);
    expect<string>(out()).toBe("");
    rx("A", 1, 1461);
    expect<string>(out()).toBe("A 1461 1 1460");
    expect<u32>(counter(STAT_TCP_FAST_RETRANS)).toBe(1);
    rx("A", 1, 5841);
    expect<string>(out()).toBe("A 5841 1 1460");
    rx("A", 1, 11681);
    expect<string>(out()).toBe("");
    expect<u32>(<u32>tcb(c).recovery).toBe(0);
    expect<u32>(counter(STAT_TCP_FAST_RETRANS)).toBe(1);
  });

  it("limited transmit: the first two duplicate ACKs let new segments go (RFC 3042)", () => {
    accepted(65535, "0200");
    const iss = tcb(c).sndUna - 1;
    send(20 * 512);
    tcb(c).cwnd = 4 * 512;
    out();
    expect<u32>(tcb(c).sndNxt - iss).toBe(1 + 4 * 512);
    rx("A", 1, 1);
    expect<string>(out()).toBe("A 2049 1 512");
    rx("A", 1, 1);
    expect<string>(out()).toBe("A 2561 1 512");
  });

  it("ACKs with text, a new window or nothing outstanding are no duplicates", () => {
    accepted();
    for (let i = 0; i < 5; i++) rx("A", 1, 1);
    send(2920);
    out();
    rx("A", 1, 1, 10);
    rx("A", 11, 1, 10);
    rx("A", 21, 1, 10);
    rx("A", 31, 1, 0, 60000);
    rx("A", 31, 1, 0, 50000);
    rx("A", 31, 1, 0, 40000);
    expect<u32>(<u32>tcb(c).dupAcks).toBe(0);
    expect<u32>(counter(STAT_TCP_FAST_RETRANS)).toBe(0);
  });

  it("the timeout follows the round trip (RFC 6298); a retransmitted segment is not measured (Karn)", () => {
    accepted();
    for (let i: u32 = 0; i < 20; i++) {
      send(10);
      out();
      wait(300);
      out();
      rx("A", 1, 11 + 10 * i);
    }
    const t = tcb(c);
    // The first segment went twice and is not measured; the timeout it doubled lets the next one be.
    expect<u32>(counter(STAT_TCP_TIMEOUTS)).toBe(1);
    expect<bool>(t.srtt >> 3 > 250 && t.rto > 300).toBe(true);
    for (let i: u32 = 20; i < 60; i++) {
      send(10);
      out();
      wait(150);
      rx("A", 1, 11 + 10 * i);
    }
    expect<u32>((t.srtt >> 3) / 10).toBe(15);
    expect<u32>(<u32>t.backoff).toBe(0);
    expect<bool>(t.rto >= 200 && t.rto < 400).toBe(true);
  });

  it("a jump of hours is survived: what is due runs, nothing runs twice", () => {
    accepted();
    send(10);
    out();
    wait(100);
    rx("A", 1, 11);
    wait(3 * 3600000);
    wait(50 * 24 * 3600000);
    expect<string>(out()).toBe("");
    send(5);
    expect<string>(out()).toBe("PA 11 1 5");
    wait(200);
    expect<string>(out()).toBe("PA 11 1 5");
  });
});

describe("guard", () => {
  it("blind SYN, in the window or not: a challenge ACK, ten a second at most", () => {
    accepted();
    rx("S", 1);
    expect<string>(out()).toBe("A 1 1 0");
    rx("S", 100000);
    expect<string>(out()).toBe("A 1 1 0");
    let answered = 0;
    for (let i = 0; i < 100; i++) { rx("S", 5); if (out().length) answered++; }
    expect<i32>(answered).toBe(8);
    expect<u32>(counter(STAT_TCP_CHALLENGE_ACKS)).toBe(10);
    wait(1000);
    rx("SA", 5, 1);
    expect<string>(out()).toBe("A 1 1 0");
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
  });

  it("blind data: an ACK of what was never sent, or from long ago, is challenged and its text dropped", () => {
    accepted();
    rx("A", 1, 100, 10);
    expect<string>(out()).toBe("A 1 1 0");
    rx("A", 1, <u32>-70000, 10);
    expect<string>(out()).toBe("A 1 1 0");
    expect<u32>(tcpUnread(c)).toBe(0);
    rx("A", 1, <u32>-1000, 10);
    expect<u32>(tcpUnread(c)).toBe(10);
  });

  it("text without ACK is dropped", () => {
    accepted();
    rx("P", 1, 0, 10);
    expect<string>(out()).toBe("");
    expect<u32>(tcpUnread(c)).toBe(0);
  });

  it("two ends that shout ACKs at each other fall silent", () => {
    accepted();
    let answers = 0;
    for (let i = 0; i < 1000; i++) { rx("A", 0x40000000, 1); if (out().length) answers++; }
    expect<i32>(answers).toBe(10);
  });

  it("lying data offsets, short segments, wrong sums and port 0 are counted and dropped", () => {
    accepted();
    for (let offset: u32 = 0; offset < 5; offset++) {
      const n = compose("A", 1, 1, 10);
      store<u8>(SEG + 12, <u8>(offset << 4));
      seal(n);
      deliver(n);
    }
    let n = compose("A", 1, 1, 10);
    store<u8>(SEG + 12, 0xf0);
    seal(n);
    deliver(n);
    for (let len: u32 = 0; len < 20; len++) { compose("A", 1, 1); seal(len); deliver(len); }
    n = compose("A", 1, 1, 10);
    seal(n);
    store<u8>(SEG + 25, load<u8>(SEG + 25) ^ 4);
    deliver(n);
    n = compose("A", 1, 1, 10);
    store<u16>(SEG, 0);
    seal(n);
    deliver(n);
    expect<string>(out()).toBe("");
    expect<u32>(counter(STAT_TCP_IN_ERRS)).toBe(28);
    expect<u32>(tcpUnread(c)).toBe(0);
  });

  it("an urgent pointer of any value loses no text with SO_OOBINLINE; a read ends before the urgent byte", () => {
    const pointers: u16[] = [0, 1, 10, 11, 0xffff];
    for (let i = 0; i < pointers.length; i++) {
      accepted();
      tcpSetUrgentInline(c, true);
      const n = compose("UA", 1, 1, 10);
      store<u16>(SEG + 18, bswap<u16>(pointers[i]));
      seal(n);
      deliver(n);
      if (pointers[i] == 10) {
        expect<u32>(tcpUnread(c)).toBe(9);
        expect<bool>(tcpAtMark(c)).toBe(false);
        expect<bool>(readRight(1, 9)).toBe(true);
        expect<bool>(tcpAtMark(c)).toBe(true);
        expect<bool>(readRight(10, 1)).toBe(true);
      } else expect<bool>(readRight(1, 10)).toBe(true);
      const m = compose("UFA", 11, 1, 0);
      store<u16>(SEG + 18, bswap<u16>(pointers[i]));
      seal(m);
      deliver(m);
      expect<string>(out()).toBe("A 1 12 0");
    }
  });

  it("E-74: the urgent byte leaves the stream and waits to be read out of band", () => {
    accepted();
    tcpSetUrgentInline(c, false);
    const n = compose("UA", 1, 1, 10);
    store<u16>(SEG + 18, bswap<u16>(10));
    seal(n);
    deliver(n);
    expect<u32>(tcpUnread(c)).toBe(9);
    expect<bool>(tcpUrgentHeld(c)).toBe(true);
    expect<bool>(readRight(1, 9)).toBe(true);
    expect<u32>(tcpUnread(c)).toBe(0);
    const byte = tcpRecvUrgent(c, true);
    expect<bool>(byte >= 0).toBe(true);
    expect<i32>(tcpRecvUrgent(c, false)).toBe(byte);
    expect<i32>(tcpRecvUrgent(c, false)).toBe(-1);
    expect<bool>(tcpUrgentHeld(c)).toBe(false);
  });
});

describe("keepalive", () => {
  it("O-43, R-31: probes an idle connection, forgets them when it answers, fails it with 10052", () => {
    accepted();
    tcpSetKeepAlive(c, true, 10000, 1000, 3);
    wait(9999);
    expect<string>(out()).toBe("");
    wait(1);
    expect<string>(out()).toBe("A 0 1 0");
    rx("A", 1, 1);
    wait(10000);
    expect<string>(out()).toBe("A 0 1 0");
    wait(2000);
    expect<string>(out()).toBe("A 0 1 0, A 0 1 0");
    wait(999);
    expect<string>(out()).toBe("");
    wait(1);
    expect<string>(out()).toBe("RA 1 1 0");
    expect<i32>(tcpError(c)).toBe(WSAENETRESET);
  });

  it("is off by default and can be turned off", () => {
    accepted();
    tcpSetKeepAlive(c, true, 1000, 1000, 3);
    tcpSetKeepAlive(c, false, 0, 0, 0);
    wait(100000000);
    expect<string>(out()).toBe("");
  });

  it("the probe of a peer is answered", () => {
    accepted();
    rx("A", 1, 1, 10);
    out();
    wait(100);
    out();
    rx("A", 10, 1);
    expect<string>(out()).toBe("A 1 11 0");
    rx("A", 10, 1, 1);
    expect<string>(out()).toBe("A 1 11 0");
  });
});

describe("ICMP", () => {
  it("ends an attempt when the port is unreachable; a wrong quote does not", () => {
    opened();
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss + 5, ICMP_PORT_UNREACHABLE, 0);
    expect<i32>(tcpState(c)).toBe(TCP_SYN_SENT);
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT + 1, iss, ICMP_PORT_UNREACHABLE, 0);
    expect<i32>(tcpState(c)).toBe(TCP_SYN_SENT);
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss, ICMP_PORT_UNREACHABLE, 0);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<string>(out()).toBe("");
  });

  it("is soft otherwise: the connection lives, and a timeout names it", () => {
    opened();
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss, ICMP_HOST_UNREACHABLE, 0);
    expect<i32>(tcpState(c)).toBe(TCP_SYN_SENT);
    wait(200000);
    out();
    expect<i32>(tcpError(c)).toBe(WSAEHOSTUNREACH);
    accepted();
    send(10);
    out();
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss + 1, ICMP_PORT_UNREACHABLE, 0);
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
  });

  it("a smaller path: outstanding segments go again, smaller; never below the floor; a larger one is ignored", () => {
    accepted();
    send(1460);
    expect<string>(out()).toBe("PA 1 1 1460");
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss + 5000, ICMP_FRAG_NEEDED, 1000);
    expect<string>(out()).toBe("");
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss + 1, ICMP_FRAG_NEEDED, 1040);
    expect<string>(out()).toBe("A 1 1 1000, PA 1001 1 460");
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss + 1, ICMP_FRAG_NEEDED, 9000);
    expect<string>(out()).toBe("");
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss + 1, ICMP_FRAG_NEEDED, 68);
    expect<string>(out()).toBe("A 1 1 512, A 513 1 512, PA 1025 1 436");
  });
});

describe("window scale", () => {
  it("the peer's windows count in its units, ours in ours, those of SYNs in bytes", () => {
    fresh();
    listen();
    options("020405b401030307");
    rx("S", 0, 0, 0, 1000);
    expect<string>(out()).toBe("SA 0 1 0");
    expect<u32>(lastWindow).toBe(65535);
    rx("A", 1, 1, 0, 1000);
    use(tcpAcceptTake(listener));
    expect<u32>(tcb(c).sndWnd).toBe(128000);
    rx("A", 1, 1, 100, 1000);
    wait(40);
    expect<string>(out()).toBe("A 1 101 0");
    expect<u32>(lastWindow).toBe((65535 - 100) >> 1);
  });
});
