import { STAT_UDP_IN_DATAGRAMS, STAT_UDP_IN_ERRORS, STAT_UDP_NO_PORTS, STAT_UDP_OUT_DATAGRAMS } from "../../assembly/abi/stats";
import { addrV4 } from "../../assembly/base/addr";
import { wr16 } from "../../assembly/base/bytes";
import { sumBytes, sumFinish, sumPseudo } from "../../assembly/base/checksum";
import { counter } from "../../assembly/base/counters";
import { blockBytes } from "../../assembly/memory/blocks";
import { NOTIFY_UDP_ERROR, NOTIFY_UDP_READABLE, NOTIFY_UDP_WRITABLE } from "../../assembly/udp/table";
import {
  udpBind, udpChangedTake, udpClose, udpConnect, udpEphemeralPort, udpError, udpFlaggedTake, udpHasError, udpIcmpError, udpNotifyTake, udpOpen,
  udpOutput, udpOwner, udpPortFree, udpQueued, udpRecv, udpSend, udpSetLimits, udpUnread, udpWritable,
} from "../../assembly/udp/udp";
import { a16, b16, b32, F, FP, FAR, freshNet, meet, PEER, receive, seal, sent, TP, udp, US, BROADCAST_MAC } from "./net";
import { deviceFull } from "./world";

const DATA = memory.data(70000, 16);
const BUFFER = memory.data(70000, 16);
const FROM = memory.data(16, 8);
const PORT = memory.data(4, 4);

function bound(v4: u32, port: u32): i32 {
  const i = udpOpen(5);
  udpBind(i, a16(v4), port);
  return i;
}
function egress(): void { for (let i = udpFlaggedTake(); i >= 0; i = udpFlaggedTake()) if (udpOutput(i)) return; }
function flush(): void { for (let i = udpChangedTake(); i >= 0; i = udpChangedTake()) udpNotifyTake(i); }

describe("UDP receive", () => {
  it("delivers to the port's owner with the sender's address", () => {
    freshNet();
    const i = bound(0, 2000);
    receive(udp(PEER, 1000, US, 2000, 21, 3));
    expect<i32>(udpChangedTake()).toBe(i);
    expect<u32>(udpNotifyTake(i)).toBe(NOTIFY_UDP_READABLE);
    expect<i32>(udpOwner(i)).toBe(5);
    expect<u32>(udpUnread(i)).toBe(21);
    expect<i32>(udpRecv(i, BUFFER, 100, FROM, PORT, true)).toBe(21);
    expect<i32>(udpRecv(i, BUFFER, 10, FROM, PORT, false)).toBe(21, "the true length of a cut datagram");
    expect<u32>(addrV4(FROM)).toBe(PEER);
    expect<u32>(load<u32>(PORT)).toBe(1000);
    for (let k: u32 = 0; k < 10; k++) expect<u32>(<u32>load<u8>(BUFFER + k)).toBe(3 + k);
    expect<i32>(udpRecv(i, BUFFER, 10, 0, 0, false)).toBe(-1);
    expect<u32>(blockBytes).toBe(0);
  });
  it("takes empty datagrams, odd ones, and those without a checksum; not wrong ones", () => {
    freshNet();
    const i = bound(US, 2000);
    receive(udp(PEER, 1000, US, 2000, 0));
    receive(udp(PEER, 1000, US, 2000, 1));
    let n = udp(PEER, 1000, US, 2000, 7);
    wr16(FP + 26, 0);
    receive(n);
    expect<u32>(udpQueued(i)).toBe(3);
    n = udp(PEER, 1000, US, 2000, 7);
    store<u8>(FP + 30, 99);
    receive(n);
    n = udp(PEER, 1000, US, 2000, 7);
    wr16(FP + 24, 16);
    receive(n);
    wr16(FP + 24, 7);
    receive(n);
    expect<u32>(udpQueued(i)).toBe(3);
    expect<u32>(counter(STAT_UDP_IN_ERRORS)).toBe(3);
    expect<u32>(counter(STAT_UDP_IN_DATAGRAMS)).toBe(3);
  });
  it("prefers the connected block, then the specific address, then the wildcard", () => {
    freshNet();
    const any = bound(0, 2000), specific = bound(US, 2000), connected = bound(US, 2000);
    udpConnect(connected, a16(PEER), 1000);
    receive(udp(PEER, 1000, US, 2000, 1));
    expect<u32>(udpQueued(connected)).toBe(1);
    receive(udp(PEER, 1001, US, 2000, 1));
    expect<u32>(udpQueued(specific)).toBe(1);
    udpClose(specific);
    receive(udp(PEER, 1001, US, 2000, 1));
    expect<u32>(udpQueued(any)).toBe(1);
    udpClose(any);
    receive(udp(PEER, 1001, US, 2000, 1));
    expect<u32>(counter(STAT_UDP_NO_PORTS)).toBe(1, "a connected block hears its peer only");
    udpConnect(connected, a16(0), 0);
    receive(udp(PEER, 1001, US, 2000, 1));
    expect<u32>(udpQueued(connected)).toBe(2);
  });
  it("gives a broadcast to everybody who listens", () => {
    freshNet();
    const a = bound(0, 2000), b = bound(US, 2000), c = bound(0, 2001);
    const n = udp(PEER, 1000, 0x0a0000ff, 2000, 4);
    memory.copy(F, BROADCAST_MAC, 6);
    receive(n);
    expect<u32>(udpQueued(a)).toBe(1);
    expect<u32>(udpQueued(b)).toBe(1);
    expect<u32>(udpQueued(c)).toBe(0);
  });
  it("bounds its queue by number and by bytes, and drops what is new", () => {
    freshNet();
    const i = bound(0, 2000);
    for (let k: u32 = 0; k < 100; k++) receive(udp(PEER, 1000, US, 2000, 4, k));
    expect<u32>(udpQueued(i)).toBe(64);
    udpRecv(i, BUFFER, 4, 0, 0, false);
    expect<u32>(<u32>load<u8>(BUFFER)).toBe(0);
    const j = bound(0, 2001);
    udpSetLimits(j, 1000, 3000);
    for (let k: u32 = 0; k < 10; k++) receive(udp(PEER, 1000, US, 2001, 1000));
    expect<u32>(udpQueued(j)).toBe(2);
    expect<u32>(counter(STAT_UDP_IN_ERRORS)).toBe(36 + 8);
  });
  it("keeps datagrams whole while its ring wraps, 3,000 of them", () => {
    freshNet();
    const i = bound(0, 2000);
    let wrong = 0, expected: u32 = 0, next: u32 = 0;
    for (let k: u32 = 0; k < 3000; k++) {
      receive(udp(PEER, 1000, US, 2000, (next * 37) % 700, next)); next++;
      receive(udp(PEER, 1000, US, 2000, (next * 37) % 700, next)); next++;
      while (udpQueued(i) > k % 7) {
        const n = udpRecv(i, BUFFER, 2000, 0, 0, false);
        if (n != <i32>((expected * 37) % 700)) wrong++;
        for (let b: i32 = 0; b < n; b += 13) if (<u32>load<u8>(BUFFER + b) != ((expected + b) & 255)) wrong++;
        expected++;
      }
    }
    expect<i32>(wrong).toBe(0);
  });
});

describe("UDP send", () => {
  it("queues, and egress sends with a right checksum, odd lengths too", () => {
    for (let n: u32 = 0; n < 64; n += 9) {
      freshNet();
      meet();
      const i = bound(0, 2000);
      for (let k: u32 = 0; k < n; k++) store<u8>(DATA + k, <u8>(k * 11));
      expect<bool>(udpSend(i, a16(0), a16(PEER), 1000, DATA, n, 0)).toBe(true);
      expect<u32>(sent()).toBe(0, "calls never write frames");
      egress();
      expect<u32>(sent()).toBe(42 + n);
      expect<u32>(b32(TP + 12)).toBe(US, "source from the route");
      expect<u32>(b16(TP + 20)).toBe(2000);
      expect<u32>(b16(TP + 22)).toBe(1000);
      expect<u32>(b16(TP + 24)).toBe(8 + n);
      expect<u32>(sumFinish(sumPseudo(a16(US), a16(PEER), true, 17, 8 + n) + sumBytes(TP + 20, 8 + n))).toBe(0);
      expect<i32>(memory.compare(TP + 28, DATA, n)).toBe(0);
    }
  });
  it("never sends a checksum of zero", () => {
    freshNet();
    meet();
    const i = bound(US, 2000);
    let zeros = 0;
    for (let k: u32 = 0; k < 65536; k += 1) {
      store<u16>(DATA, <u16>k);
      udpSend(i, a16(US), a16(PEER), 1000, DATA, 2, 0);
      egress();
      sent();
      if (!b16(TP + 26)) zeros++;
    }
    expect<i32>(zeros).toBe(0);
  });
  it("sums a payload that wraps in its ring at an odd place", () => {
    freshNet();
    meet();
    const i = bound(US, 2000);
    let wrong = 0;
    for (let k: u32 = 0; k < 300; k++) {
      const n: u32 = 301 + (k * 17) % 400;
      for (let b: u32 = 0; b < n; b++) store<u8>(DATA + b, <u8>(b + k));
      for (let c = 0; c < 3; c++) udpSend(i, a16(US), a16(PEER), 1000, DATA, n, 0);
      egress();
      for (let c = 0; c < 3; c++) {
        if (sent() != 42 + n || sumFinish(sumPseudo(a16(US), a16(PEER), true, 17, 8 + n) + sumBytes(TP + 20, 8 + n))) wrong++;
        if (memory.compare(TP + 28, DATA, n)) wrong++;
      }
    }
    expect<i32>(wrong).toBe(0);
  });
  it("refuses when full, and says when there is room again", () => {
    freshNet();
    meet();
    const i = bound(US, 2000);
    let n = 0;
    while (udpSend(i, a16(US), a16(PEER), 1000, DATA, 10, 0)) n++;
    expect<i32>(n).toBe(64);
    expect<bool>(udpWritable(i)).toBe(false);
    deviceFull(1);
    const k = udpFlaggedTake();
    expect<i32>(udpOutput(k)).toBe(6);
    expect<i32>(udpChangedTake()).toBe(-1);
    deviceFull(0);
    egress();
    n = 0;
    while (sent()) n++;
    expect<i32>(n).toBe(64);
    expect<i32>(udpChangedTake()).toBe(i);
    expect<u32>(udpNotifyTake(i)).toBe(NOTIFY_UDP_WRITABLE);
    expect<bool>(udpWritable(i)).toBe(true);
    udpSend(i, a16(US), a16(PEER), 1000, DATA, 10, 0);
    egress();
    expect<i32>(udpChangedTake()).toBe(-1, "nobody was refused");
    expect<u32>(counter(STAT_UDP_OUT_DATAGRAMS)).toBe(65);
  });
  it("sends what was accepted after the socket is closed (C-49), then the block is free again", () => {
    freshNet();
    meet();
    let last = -1;
    for (let k = 0; k < 1024; k++) last = udpOpen(k);
    expect<i32>(udpOpen(0)).toBe(-1);
    udpBind(last, a16(US), 2000);
    udpSend(last, a16(US), a16(PEER), 1000, DATA, 10, 0);
    receive(udp(PEER, 1000, US, 2000, 4));
    udpClose(last);
    expect<i32>(udpOpen(0)).toBe(-1, "still sending");
    expect<i32>(udpChangedTake()).toBe(-1);
    deviceFull(1); egress(); deviceFull(0);
    egress();
    expect<u32>(sent()).toBe(52);
    expect<i32>(udpOpen(0)).toBe(last);
    expect<u32>(blockBytes).toBe(0);
    expect<bool>(udpPortFree(a16(US), 2000)).toBe(true);
  });
  it("sends the largest datagram in pieces", () => {
    freshNet();
    meet();
    const i = bound(US, 2000);
    expect<bool>(udpSend(i, a16(US), a16(PEER), 1000, DATA, 65507, 0)).toBe(true);
    egress();
    let total: u32 = 0, n = sent();
    while (n) { total += n - 34; n = sent(); }
    expect<u32>(total).toBe(65515);
  });
});

describe("UDP errors", () => {
  it("reach the sender of the datagram once", () => {
    freshNet();
    const i = bound(US, 2000);
    udpIcmpError(a16(US), 2000, a16(FAR), 99, 4);
    expect<i32>(udpChangedTake()).toBe(i);
    expect<u32>(udpNotifyTake(i)).toBe(NOTIFY_UDP_ERROR);
    expect<bool>(udpHasError(i)).toBe(true);
    expect<i32>(udpError(i)).toBe(10054);
    expect<i32>(udpError(i)).toBe(0);
    udpIcmpError(a16(US), 2000, a16(FAR), 99, 2); expect<i32>(udpError(i)).toBe(10065);
    udpIcmpError(a16(US), 2000, a16(FAR), 99, 1); expect<i32>(udpError(i)).toBe(10051);
    udpIcmpError(a16(US), 2000, a16(FAR), 99, 6); expect<i32>(udpError(i)).toBe(0);
    udpIcmpError(a16(US), 2001, a16(FAR), 99, 4); expect<i32>(udpError(i)).toBe(0);
    flush();
  });
});

describe("UDP ports", () => {
  it("are chosen at random from the dynamic range, all of them before none", () => {
    freshNet();
    const first = udpEphemeralPort(a16(0));
    expect<bool>(first >= 49152 && first <= 65535).toBe(true);
    let same = 0;
    for (let k = 0; k < 50; k++) if (udpEphemeralPort(a16(0)) == first) same++;
    expect<bool>(same < 3).toBe(true);
    for (let k = 0; k < 500; k++) { const p = udpEphemeralPort(a16(0)); if (!udpPortFree(a16(0), p)) same += 100; bound(0, p); }
    expect<bool>(same < 100).toBe(true);
  });
  it("are not given twice where both would hear the same", () => {
    freshNet();
    bound(US, 50000);
    let clash = 0;
    for (let k = 0; k < 40000; k++) if (udpEphemeralPort(a16(0)) == 50000) clash++;
    expect<i32>(clash).toBe(0);
    expect<bool>(udpPortFree(a16(US), 50000)).toBe(false);
    expect<bool>(udpPortFree(a16(0), 50000)).toBe(true, "O-12: the wildcard beside a specific address");
  });
});
