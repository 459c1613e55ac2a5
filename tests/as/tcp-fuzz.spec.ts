/** Random and mutated segments in every state, from a fixed seed: nothing traps, nothing grows, and afterwards the stack works. */
import { CONFIG_TIME_WAIT_MS } from "../../assembly/abi/config";
import { STAT_TCP_CURRENT, STAT_TCP_ORPHANS, STAT_TCP_TIME_WAITS } from "../../assembly/abi/stats";
import { counter } from "../../assembly/base/counters";
import { seqGt, seqLeq } from "../../assembly/base/seq";
import { blockBytes } from "../../assembly/memory/blocks";
import { M_USED, tcb, tcbCount } from "../../assembly/tcp/tcb";
import { TCP_LISTEN } from "../../assembly/abi/winsock";
import { tcpIcmpError } from "../../assembly/tcp/icmp";
import {
  tcpAbort, tcpAcceptTake, tcpAttach, tcpBytesAcked, tcpBytesSent, tcpCommit, tcpConsume, tcpDetach, tcpOpen, tcpOrphan, tcpPeek, tcpPeeked, tcpRecv, tcpReserve,
  tcpReserved, tcpSend, tcpSetCork, tcpSetKeepAlive, tcpSetNoDelay, tcpSetRecvLimit, tcpShutdownRecv, tcpShutdownSend,
} from "../../assembly/tcp/user";
import {
  accepted, c, compose, DATA, deliver, fresh, iss, knob, listen, listener, localAddress, LPORT, notified, options, out, READ, remoteAddress,
  RPORT, rx, seal, SEG, use, usePorts, wait,
} from "./tcp";
import { deviceFull } from "./world";

let state: u32 = 0x5eed0001;
function random(): u32 { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return state; }
function below(n: u32): u32 { return random() % n; }

const BITS: string[] = ["A", "A", "A", "PA", "FA", "S", "SA", "R", "RA", "FPA", "SF", "FA", "", "P", "SFRPAU"];
const OPTIONS: string[] = ["", "", "", "020405b4", "02040000", "0300", "03030f", "0101080a0000000000000000", "050a000000010000ffff", "01010d00", "ffff", "0204"];

/** A segment that is nearly right: numbers around what the connection expects. */
function near(i: i32): void {
  const t = tcb(i);
  const spread: u32[] = [0, 0, 0, 1, 2, 100, 1460, 65535, 0x7fffffff, 0x80000000];
  const sign: u32 = random() & 1 ? 1 : 0xffffffff;
  const seq = t.rcvNxt - 1000 + sign * spread[below(10)];
  const ack = (random() & 1 ? t.sndMax : t.sndUna) - iss + (random() & 1 ? 1 : 0xffffffff) * spread[below(10)];
  options(OPTIONS[below(12)]);
  const n = compose(BITS[below(15)], seq, ack, random() & 1 ? 0 : below(1400), random() & 1 ? 65535 : below(4000));
  // iss of the connection, not of the last SYN seen.
  const bits = load<u8>(SEG + 13);
  if (bits & 0x10) store<u32>(SEG, bswap<u32>(ack + iss), 8);
  if (below(8) == 0) store<u8>(SEG + below(20), <u8>random());
  if (below(50) == 0) { seal(n - 1); deliver(n - 1); } else { seal(n); deliver(n); }
}

/** A call of ours. */
function act(i: i32): void {
  switch (below(14)) {
    case 0: tcpSend(i, DATA, below(5000)); break;
    case 1: { const p = tcpReserve(i, below(9000)); if (p) { memory.fill(p, 7, tcpReserved()); tcpCommit(i, below(tcpReserved() + 1)); } break; }
    case 2: case 3: tcpRecv(i, READ, below(9000), below(4) == 0); break;
    case 4: { if (tcpPeek(i)) tcpConsume(i, below(tcpPeeked() + 1)); break; }
    case 5: if (below(20) == 0) tcpShutdownSend(i); break;
    case 6: if (below(40) == 0) tcpShutdownRecv(i); break;
    case 7: { const r = random(); tcpSetNoDelay(i, (r & 1) != 0); tcpSetCork(i, (r & 6) == 6); break; }
    case 8: tcpSetKeepAlive(i, (random() & 1) != 0, below(3000), below(1000), below(5)); break;
    case 9: tcpSetRecvLimit(i, below(200000)); break;
    case 10: if (below(100) == 0) tcpAbort(i, 1); break;
    case 11: if (below(60) == 0) tcpOrphan(i); break;
    case 12: tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, tcb(i).sndUna, below(8), below(70000)); break;
    default: wait(below(10) == 0 ? below(100000) : below(300));
  }
}

/** What must hold for every connection between two calls. */
function sane(): void {
  for (let i: u32 = 0; i < tcbCount; i++) {
    const t = tcb(<i32>i);
    if (!(t.marks & M_USED) || t.state == TCP_LISTEN) continue;
    assert(seqLeq(t.sndUna, t.sndNxt) || t.state == 0, "SND.UNA beyond SND.NXT");
    assert(seqLeq(t.sndNxt, t.sndMax) || t.state == 0, "SND.NXT beyond SND.MAX");
    assert(!seqGt(t.sndMax, t.sndEnd + 1) || t.state == 0, "sent more than queued");
    assert(tcpBytesAcked(<i32>i) <= tcpBytesSent(<i32>i), "more acknowledged than sent");
  }
}

describe("fuzz", () => {
  it("40,000 nearly right segments and calls, over 400 connections", () => {
    for (let round: u32 = 0; round < 400; round++) {
      if (round & 1) accepted(below(3) == 0 ? 0 : 65535);
      else {
        fresh();
        listen();
        use(tcpOpen(localAddress(), LPORT, remoteAddress(), RPORT, 65536, 65536, 7));
        out();
        if (round & 2) { rx("SA", 0, 1); out(); }
      }
      for (let k = 0; k < 100; k++) {
        if (random() & 1) near(c); else act(c);
        if (below(3) == 0) out();
        if (below(50) == 0) deviceFull(below(2));
        sane();
      }
      deviceFull(0);
      notified();
      for (let child = tcpAcceptTake(listener); child >= 0; child = tcpAcceptTake(listener)) { tcpAttach(child, 3); tcpDetach(child); }
      tcpDetach(c);
      tcpDetach(listener);
      use(-1);
      for (let k = 0; k < 10; k++) { wait(120000); out(); }
      expect<u32>(counter(STAT_TCP_CURRENT)).toBe(0);
      expect<u32>(counter(STAT_TCP_ORPHANS)).toBe(0);
      expect<u32>(counter(STAT_TCP_TIME_WAITS)).toBe(0);
      expect<u32>(blockBytes).toBe(0);
    }
  });

  it("60,000 random segments to many ports, then a healthy connection", () => {
    knob(CONFIG_TIME_WAIT_MS, 1000);
    fresh();
    listen(4);
    for (let k = 0; k < 60000; k++) {
      usePorts(below(4) ? LPORT : below(65536), 5000 + below(20));
      options(OPTIONS[below(12)]);
      const n = compose(BITS[below(15)], random(), random(), below(100), below(65536));
      if (below(4) == 0) for (let b: u32 = 0; b < 4; b++) store<u8>(SEG + below(n), <u8>random());
      seal(n);
      deliver(n);
      if (below(10) == 0) out();
      if (below(100) == 0) wait(below(2000));
      const child = below(5) == 0 ? tcpAcceptTake(listener) : -1;
      if (child >= 0) { tcpAttach(child, 2); tcpShutdownSend(child); tcpDetach(child); }
    }
    for (let k = 0; k < 10; k++) { wait(120000); out(); }
    for (let child = tcpAcceptTake(listener); child >= 0; child = tcpAcceptTake(listener)) { tcpAbort(child, 1); tcpDetach(child); }
    out();
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
    usePorts(LPORT, 9999);
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    rx("A", 1, 1, 10);
    const i = tcpAcceptTake(listener);
    expect<u32>(tcpRecv(i, READ, 100, false)).toBe(10);
    expect<u32>(tcpSend(i, DATA, 100)).toBe(100);
    expect<string>(out()).toBe("PA 1 11 100");
  });
});
