import { STAT_TCP_FAST_RETRANS } from "../../assembly/abi/stats";
import { counter } from "../../assembly/base/counters";
import { blockAlloc } from "../../assembly/memory/blocks";
import { chunkEnsure, chunksCarve } from "../../assembly/memory/chunks";
import { rangeFirst, rangeNext } from "../../assembly/memory/ranges";
import { lossesHeld } from "../../assembly/tcp/loss";
import { AGREED_SACK, sackedList, tcb } from "../../assembly/tcp/tcb";
import { tcpAcceptTake, tcpAttach, tcpDetach } from "../../assembly/tcp/user";
import { c, fresh, IRS, iss, listen, listener, notified, options, out, rx, send, use, wait } from "./tcp";

function hex(v: u32): string {
  let s = "";
  for (let shift = 28; shift >= 0; shift -= 4) s += "0123456789abcdef".charAt((v >> shift) & 15);
  return s;
}

/** The peer's blocks, relative to our ISN; `b` 0 = one block only. */
function sack(a: u32, aEnd: u32, b: u32 = 0, bEnd: u32 = 0): void {
  if (b) options("01010512" + hex(iss + a) + hex(iss + aEnd) + hex(iss + b) + hex(iss + bEnd));
  else options("0101050a" + hex(iss + a) + hex(iss + aEnd));
}

/** A connection the peer opened with SACK and an MSS of `mss` (hex). */
function selective(mss: string = "03e8"): void {
  fresh();
  listen();
  options("0204" + mss + "01010402");
  rx("S", 0);
  assert(out() == "SA 0 1 0", "no SYN,ACK");
  rx("A", 1, 1);
  use(tcpAcceptTake(listener));
  tcpAttach(c, 7);
  notified();
}

function ranges(): u32 {
  let n: u32 = 0;
  for (let at = rangeFirst(sackedList(tcb(c))); at; at = rangeNext(at)) n++;
  return n;
}

describe("selective acknowledgement", () => {
  it("enough bytes beyond a hole begin a recovery without three duplicates", () => {
    selective();
    send(6000);
    out();
    sack(1001, 4001);
    rx("A", 1, 1);
    expect<string>(out()).toBe("A 1 1 1000");
    expect<u32>(counter(STAT_TCP_FAST_RETRANS)).toBe(1);
    expect<u32>(tcb(c).ssthresh).toBe(4200); // RFC 9438 §4.6: seven tenths
    rx("A", 1, 6001);
    expect<string>(out()).toBe("");
    expect<u32>(<u32>tcb(c).recovery).toBe(0);
    expect<u32>(ranges()).toBe(0);
  });

  it("a repetition of the same blocks is no news", () => {
    selective();
    send(6000);
    out();
    for (let k = 0; k < 10; k++) {
      sack(1001, 2001);
      rx("A", 1, 1);
    }
    expect<string>(out()).toBe("");
    expect<u32>(<u32>tcb(c).dupAcks).toBe(1);
  });

  it("duplicate ACKs without blocks repair nothing for a peer with SACK", () => {
    selective();
    send(6000);
    out();
    for (let k = 0; k < 10; k++) rx("A", 1, 1);
    expect<string>(out()).toBe("");
  });

  it("blocks are not looked at on a connection without SACK", () => {
    fresh();
    listen();
    rx("S", 0);
    out();
    rx("A", 1, 1);
    use(tcpAcceptTake(listener));
    tcpAttach(c, 7);
    send(3000);
    out();
    sack(101, 2001);
    rx("A", 1, 1);
    expect<string>(out()).toBe("");
    expect<u32>(tcb(c).agreed & AGREED_SACK).toBe(0);
    expect<u32>(ranges()).toBe(0);
  });

  it("blocks that step through small segments cost 64 ranges at most, and go with the connection's data", () => {
    selective("0040");
    tcb(c).cwnd = 1 << 20;
    send(60000);
    out();
    for (let k: u32 = 0; k < 200; k++) {
      sack(101 + 200 * k, 102 + 200 * k, 201 + 200 * k, 202 + 200 * k);
      rx("A", 1, 1);
      out();
    }
    expect<u32>(ranges()).toBe(64);
    rx("A", 1, 60001);
    out();
    expect<u32>(ranges()).toBe(0);
  });

  it("random blocks trap nothing, never move SND.UNA and leave what is in the network within what is outstanding", () => {
    let seed: u32 = 99;
    for (let round = 0; round < 20; round++) {
      selective();
      send(40000);
      out();
      for (let k = 0; k < 100; k++) {
        seed = seed * 1664525 + 1013904223;
        const a = (seed >> 8) % 50000, n = (seed >> 3) % 9000, b = (seed >> 11) % 50000;
        sack(a, a + n, b + 1, (seed & 64 ? b + 1 + n : b - n));
        if (seed & 0x300) rx("A", 1, 1); else rx("A", 1, tcb(c).sndUna - iss + (tcb(c).sndNxt - tcb(c).sndUna >> 3));
        out();
        const t = tcb(c);
        expect<bool>(<i32>t.leftNetwork <= <i32>(t.sndNxt - t.sndUna)).toBe(true);
        if (k % 10 == 9) { wait(300); out(); }
      }
      expect<bool>(IRS + 1 == tcb(c).rcvNxt).toBe(true);
    }
  });
});

describe("the block of a connection that loses something", () => {
  it("is not there while nothing is lost", () => {
    selective();
    for (let k: u32 = 0; k < 5; k++) {
      send(3000);
      while (out() != "") {}
      rx("A", 1 + k * 100, 3001 + k * 3000, 100);
      out();
      expect<u32>(lossesHeld).toBe(0);
    }
  });

  it("comes with text beyond a gap and goes when the gap is filled", () => {
    selective();
    rx("A", 101, 1, 100);
    out();
    expect<u32>(lossesHeld).toBe(1);
    rx("A", 1, 1, 100);
    expect<string>(out()).toBe("A 1 201 0");
    expect<u32>(lossesHeld).toBe(0);
  });

  it("stays with the window that was reduced, and goes with the connection", () => {
    selective();
    send(6000);
    out();
    sack(1001, 4001);
    rx("A", 1, 1);
    out();
    rx("A", 1, 6001);
    out();
    expect<u32>(lossesHeld).toBe(1);
    expect<u32>(tcb(c).cubicMax).toBe(6000);
    rx("R", 1);
    tcpDetach(c);
    out();
    expect<u32>(lossesHeld).toBe(0);
  });

  it("goes with the ACK that says that a tail probe was not needed, although nothing else is to leave", () => {
    selective();
    send(2000);
    out();
    let probe = "";
    for (let k = 0; k < 100 && probe == ""; k++) { wait(10); probe = out(); }
    expect<string>(probe).toBe("PA 1001 1 1000");
    expect<u32>(lossesHeld).toBe(1);
    sack(1001, 2001); // RFC 2883: it came twice
    rx("A", 1, 2001);
    expect<string>(out()).toBe("");
    expect<u32>(lossesHeld).toBe(0);
  });

  it("is not to be had: the timer repairs what is lost", () => {
    fresh();
    const coarse = chunksCarve(300000, 64), fine = chunksCarve(6400, 1);
    listen();
    options("020403e801010402");
    rx("S", 0);
    out();
    rx("A", 1, 1);
    use(tcpAcceptTake(listener));
    tcpAttach(c, 7);
    notified();
    send(6000);
    out();
    while (blockAlloc(0)) {}
    for (let i: u32 = 0; chunkEnsure(coarse, i, 300000, 64); i += 64) {}
    for (let i: u32 = 0; chunkEnsure(fine, i, 6400, 1); i += 64) {}
    sack(1001, 4001);
    rx("A", 1, 1);
    expect<string>(out()).toBe("");
    expect<u32>(lossesHeld).toBe(0);
    let again = "";
    for (let k = 0; k < 100 && again == ""; k++) { wait(20); again = out(); }
    expect<string>(again).toBe("A 1 1 1000");
    rx("A", 1, 4001);
    expect<string>(out().slice(0, 13)).toBe("A 4001 1 1000");
    rx("A", 1, 6001);
    expect<string>(out()).toBe("");
    expect<u32>(<u32>tcb(c).recovery).toBe(0);
  });
});

describe("ACKs that arrive together, before anything can leave", () => {
  it("open the window as much as ones that come one after the other", () => {
    const grown = memory.data(8, 4);
    for (let together = 0; together < 2; together++) {
      selective();
      tcb(c).sndWnd = 1 << 20;
      send(100000);
      out();
      for (let k: u32 = 1; k <= 5; k++) {
        rx("A", 1, 1 + k * 2000, 0, 60000);
        if (!together) out();
      }
      store<u32>(grown + (<usize>together << 2), tcb(c).cwnd);
    }
    expect<u32>(load<u32>(grown, 0)).toBe(20000);
    expect<u32>(load<u32>(grown, 4)).toBe(20000);
  });

  it("and a loss among the last of them reduces the window that was in use, not the rest of it", () => {
    selective();
    tcb(c).cwnd = 30000;
    tcb(c).ssthresh = 30000;
    tcb(c).cubicRuns = false;
    send(100000);
    out();
    expect<u32>(tcb(c).sndNxt - iss).toBe(30001);
    for (let k: u32 = 1; k <= 11; k++) rx("A", 1, 1 + k * 2000);
    for (let k: u32 = 24; k <= 29; k++) {
      sack(23001, k * 1000 + 1);
      rx("A", 1, 22001);
    }
    expect<u32>(<u32>tcb(c).recovery).not.toBe(0);
    expect<bool>(tcb(c).ssthresh >= 21000 && tcb(c).ssthresh < 22000).toBe(true);
    // 22 segments arrived and nothing replaced them yet: what the lower window holds leaves at once, the repair first (RFC 6937).
    const left = out();
    expect<string>(left.slice(0, 14)).toBe("A 22001 1 1000");
    expect<bool>(left.split(",").length >= 18 && left.split(",").length <= 21).toBe(true);
  });

  it("an ACK that says of what arrived and of what is lost counts once", () => {
    selective();
    tcb(c).cwnd = 20000;
    tcb(c).ssthresh = 20000;
    send(100000);
    out();
    sack(11001, 15001);
    rx("A", 1, 10001);
    expect<u32>(<u32>tcb(c).recovery).not.toBe(0);
    expect<u32>(tcb(c).prrFlight).toBe(20000);
    expect<u32>(tcb(c).prrDelivered).toBe(14000);
    expect<u32>(tcb(c).ssthresh).toBe(14000);
  });
});
