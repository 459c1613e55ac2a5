import { E_ARGUMENT, E_FULL } from "../../assembly/abi/link";
import { STAT_ICMP_OUT_MSGS, STAT_IP_IN_ADDR_ERRORS, STAT_IP_IN_HDR_ERRORS, STAT_IP_REASM_FAILS, STAT_IP_REASM_OKS } from "../../assembly/abi/stats";
import { addrV4 } from "../../assembly/base/addr";
import { frameBounds, wr16, wr32 } from "../../assembly/base/bytes";
import { sumBytes, sumFinish } from "../../assembly/base/checksum";
import { counter } from "../../assembly/base/counters";
import { blockBytes } from "../../assembly/memory/blocks";
import { deviceAdd } from "../../assembly/link/device";
import { addressAdd, ipHasAddress, ipIsBroadcast, ipIsGroup, ipIsLocal, ipOwns } from "../../assembly/ip/address";
import {
  errorKind, errorLocal, errorLocalPort, errorMtu, errorProtocol, errorRemote, errorRemotePort, errorSequence, icmpReassemblyTime, icmpUnreachable,
} from "../../assembly/ip/icmp";
import { DST, flags, payload, payloadLength, SRC, toGroup } from "../../assembly/ip/input";
import { loopbackLength, loopbackPacket, loopbackRelease, loopbackTake } from "../../assembly/ip/loopback";
import { ipSend, TX } from "../../assembly/ip/output";
import { reassembled, reassembledLength, reassemble, reassemblyRelease, reassemblyTimer } from "../../assembly/ip/reassembly";
import { ipMtu, ipSourceFor, routeAdd } from "../../assembly/ip/route";
import { clockSample } from "../../assembly/wasi/preview1";
import {
  a16, b16, b32, b8, BROADCAST_MAC, ether, F, FAR, FP, freshNet, GATEWAY, headerRight, ip, lastIcmpError, lastProtocol, meet, OTHER_MAC,
  OUR_MAC, PEER, PEER_MAC, receive, seal, sent, T, TP, tick, udp, US,
} from "./net";
import { advance, deviceFull } from "./world";

const OUT = memory.data(16, 8);
const DATA = memory.data(70000, 16);
const DF: u32 = 0x4000;
const MF: u32 = 0x2000;
const UDP: u32 = 17;
const TCP: u32 = 6;

function fill(n: u32): void { for (let i: u32 = 0; i < n; i++) store<u8>(DATA + i, <u8>(i * 7 + (i >> 8))); }
function accepts(src: u32, dst: u32): bool { receive(ip(src, dst, 253, 4)); const yes = lastProtocol == 253; while (sent()) {} return yes; }

/** A piece [start, start + n) of the datagram in DATA; returns what receive's IP said. */
function piece(start: u32, n: u32, more: bool, id: u32 = 77, protocol: u32 = 253): i32 {
  memory.copy(FP + 20, DATA + start, n);
  receive(ip(PEER, US, protocol, n, (more ? MF : 0) | start >> 3, id));
  while (sent()) {}
  return lastProtocol;
}

describe("addresses", () => {
  it("are refused when no host can have them, when taken, and when the table is full", () => {
    freshNet();
    expect<i32>(addressAdd(1, a16(0x0a000005), 120)).toBe(E_ARGUMENT, "no such interface");
    expect<i32>(addressAdd(0, 0, 120)).toBe(E_ARGUMENT);
    expect<i32>(addressAdd(0, (<usize>memory.size() << 16) - 8, 120)).toBe(E_ARGUMENT);
    expect<i32>(addressAdd(0, a16(0), 120)).toBe(E_ARGUMENT);
    expect<i32>(addressAdd(0, a16(0x7f000001), 104)).toBe(E_ARGUMENT);
    expect<i32>(addressAdd(0, a16(0xe0000001), 120)).toBe(E_ARGUMENT);
    expect<i32>(addressAdd(0, a16(0xffffffff), 120)).toBe(E_ARGUMENT);
    expect<i32>(addressAdd(0, a16(0x0a000005), 95)).toBe(E_ARGUMENT);
    expect<i32>(addressAdd(0, a16(0x0a000005), 129)).toBe(E_ARGUMENT);
    expect<i32>(addressAdd(0, a16(US), 120)).toBe(E_ARGUMENT, "already ours");
    memory.fill(OUT, 0x20, 16);
    expect<i32>(addressAdd(0, OUT, 64)).toBe(E_ARGUMENT, "not IPv4");
    for (let i: u32 = 1; i < 32; i++) expect<i32>(addressAdd(0, a16(0x0a010000 + i), 120)).toBe(0);
    expect<i32>(addressAdd(0, a16(0x0a020001), 120)).toBe(E_FULL);
  });
  it("say what is ours, loopback, broadcast", () => {
    freshNet();
    expect<bool>(ipIsLocal(a16(US))).toBe(true);
    expect<bool>(ipIsLocal(a16(0x7fffffff))).toBe(true);
    expect<bool>(ipIsLocal(a16(PEER))).toBe(false);
    expect<bool>(ipOwns(a16(0x7f000001))).toBe(false);
    expect<bool>(ipHasAddress(a16(0))).toBe(true);
    expect<bool>(ipHasAddress(a16(PEER))).toBe(false);
    expect<bool>(ipIsBroadcast(a16(0x0a0000ff))).toBe(true);
    expect<bool>(ipIsBroadcast(a16(0xffffffff))).toBe(true);
    expect<bool>(ipIsBroadcast(a16(0x0a00001f))).toBe(false);
    expect<bool>(ipIsGroup(a16(0xe0000009))).toBe(true);
    expect<bool>(ipIsGroup(a16(PEER))).toBe(false);
    expect<i32>(addressAdd(0, a16(0x0a090000), 127)).toBe(0, "/31");
    expect<bool>(ipIsBroadcast(a16(0x0a090001))).toBe(false, "RFC 3021");
  });
});

describe("routes", () => {
  it("prefer the longest prefix, and the link over the default", () => {
    freshNet();
    deviceAdd(8, 0, 9000, OTHER_MAC);
    addressAdd(1, a16(0x0a010001), 96 + 16);
    expect<i32>(routeAdd(a16(0xc0000200), 96 + 24, a16(0x0a010009), 1)).toBe(0);
    expect<i32>(routeAdd(a16(0xc0000280), 96 + 25, a16(GATEWAY), 0)).toBe(0);
    expect<i32>(ipSourceFor(a16(0xc0000201), OUT)).toBe(1);
    expect<u32>(addrV4(OUT)).toBe(0x0a010001);
    expect<u32>(ipMtu(a16(0xc0000201))).toBe(9000);
    expect<i32>(ipSourceFor(a16(0xc0000281), OUT)).toBe(0);
    expect<u32>(addrV4(OUT)).toBe(US);
    expect<i32>(ipSourceFor(a16(0x08080808), OUT)).toBe(0);
    expect<u32>(ipMtu(a16(0x08080808))).toBe(1500);
    expect<i32>(ipSourceFor(a16(0x0a01ffee), OUT)).toBe(1);
  });
  it("see changes at once", () => {
    freshNet();
    expect<i32>(ipSourceFor(a16(0xc0a80001), OUT)).toBe(0);
    expect<u32>(addrV4(OUT)).toBe(US);
    addressAdd(0, a16(0xc0a80063), 96 + 24);
    expect<i32>(ipSourceFor(a16(0xc0a80001), OUT)).toBe(0);
    expect<u32>(addrV4(OUT)).toBe(0xc0a80063);
    expect<bool>(ipIsLocal(a16(0xc0a80063))).toBe(true);
  });
  it("lead to ourselves for own addresses and loopback", () => {
    freshNet();
    expect<i32>(ipSourceFor(a16(0x7f000005), OUT)).toBe(255);
    expect<u32>(addrV4(OUT)).toBe(0x7f000001);
    expect<i32>(ipSourceFor(a16(US), OUT)).toBe(255);
    expect<u32>(addrV4(OUT)).toBe(US);
    expect<u32>(ipMtu(a16(US))).toBe(32752);
  });
  it("are missing where there is none", () => {
    freshNet();
    expect<i32>(routeAdd(a16(0), 95, a16(GATEWAY), 0)).toBe(E_ARGUMENT);
    expect<i32>(routeAdd(a16(0), 96, a16(0xe0000001), 0)).toBe(E_ARGUMENT);
    expect<i32>(routeAdd(a16(0), 96, a16(GATEWAY), 3)).toBe(E_ARGUMENT);
    expect<i32>(routeAdd(0, 96, a16(GATEWAY), 0)).toBe(E_ARGUMENT);
    for (let i: u32 = 1; i < 32; i++) expect<i32>(routeAdd(a16(0xc6000000 + (i << 8)), 96 + 24, a16(GATEWAY), 0)).toBe(0);
    expect<i32>(routeAdd(a16(0), 96, a16(GATEWAY), 0)).toBe(E_FULL);
    expect<i32>(ipSourceFor(a16(0), OUT)).toBe(-1);
    expect<i32>(ipSend(a16(US), a16(0), TCP, 20, 0, 0, 0, 0, 64, 0)).toBe(-1);
  });
});

describe("what comes in", () => {
  it("must have a right header", () => {
    freshNet();
    let n = ip(PEER, US, 253, 4);
    store<u8>(FP + 11, load<u8>(FP + 11) ^ 1);
    receive(n);
    expect<i32>(lastProtocol).toBe(-1);
    expect<u32>(counter(STAT_IP_IN_HDR_ERRORS)).toBe(1);
    n = ip(PEER, US, 253, 4);
    receive(n - 1);
    expect<i32>(lastProtocol).toBe(-1, "shorter than it says");
    receive(n + 22);
    expect<i32>(lastProtocol).toBe(253, "padded");
    expect<u32>(payloadLength).toBe(4);
  });
  it("must come from a host and be for us", () => {
    freshNet();
    expect<bool>(accepts(PEER, US)).toBe(true);
    expect<bool>(accepts(FAR, US)).toBe(true);
    expect<bool>(accepts(0, US)).toBe(false);
    expect<bool>(accepts(0x7f000001, US)).toBe(false);
    expect<bool>(accepts(0xe0000001, US)).toBe(false);
    expect<bool>(accepts(0xf0000001, US)).toBe(false);
    expect<bool>(accepts(0xffffffff, US)).toBe(false);
    expect<bool>(accepts(0x0a0000ff, US)).toBe(false, "our link's broadcast");
    expect<bool>(accepts(US, US)).toBe(false, "we did not send that");
    expect<bool>(accepts(PEER, 0x7f000001)).toBe(false, "loopback on a wire");
    expect<bool>(accepts(PEER, PEER)).toBe(false);
    expect<bool>(accepts(PEER, 0x0a0000ff)).toBe(true);
    expect<bool>(toGroup).toBe(true);
    expect<bool>(accepts(PEER, 0xffffffff)).toBe(true);
    expect<bool>(accepts(PEER, 0xe0000001)).toBe(true);
    expect<bool>(accepts(PEER, 0xe0000009)).toBe(false);
    expect<bool>(accepts(PEER, US)).toBe(true);
    expect<bool>(toGroup).toBe(false);
    expect<u32>(counter(STAT_IP_IN_ADDR_ERRORS)).toBe(10);
  });
  it("is not for us when the link sent it to everybody but IP did not (RFC 1122 3.3.6)", () => {
    freshNet();
    expect<bool>(accepts(PEER, US)).toBe(true);
    const n = ip(PEER, US, 253, 4);
    memory.copy(F, BROADCAST_MAC, 6);
    receive(n);
    expect<i32>(lastProtocol).toBe(-1);
  });
  it("may carry options, which are skipped", () => {
    freshNet();
    ether(OUR_MAC, PEER_MAC, 0x0800);
    ip(PEER, US, 253, 12);
    store<u8>(FP, 0x47);
    for (let i: u32 = 20; i < 28; i++) store<u8>(FP + i, 1);
    wr32(FP + 28, 0xcafe0001);
    seal();
    receive(46);
    expect<i32>(lastProtocol).toBe(253);
    expect<usize>(payload).toBe(FP + 28);
    expect<u32>(payloadLength).toBe(4);
    expect<u32>(addrV4(SRC)).toBe(PEER);
    expect<u32>(addrV4(DST)).toBe(US);
  });
  it("tells of congestion", () => {
    freshNet();
    ip(PEER, US, 253, 4);
    store<u8>(FP + 1, 3);
    seal();
    receive(38);
    expect<u32>(flags).toBe(2);
  });
});

describe("what goes out", () => {
  it("has a right header, and TCP is not to be fragmented", () => {
    freshNet();
    meet();
    fill(10);
    memory.fill(TX, 0xaa, 20);
    expect<i32>(ipSend(a16(US), a16(PEER), TCP, 20, DATA, 3, DATA + 3, 7, 64, 2)).toBe(0);
    expect<u32>(sent()).toBe(14 + 20 + 30);
    expect<bool>(headerRight(TP)).toBe(true);
    expect<u32>(b8(TP)).toBe(0x45);
    expect<u32>(b8(TP + 1)).toBe(2);
    expect<u32>(b16(TP + 2)).toBe(50);
    expect<u32>(b16(TP + 4)).toBe(0);
    expect<u32>(b16(TP + 6)).toBe(DF);
    expect<u32>(b8(TP + 8)).toBe(64);
    expect<u32>(b8(TP + 9)).toBe(TCP);
    expect<u32>(b32(TP + 12)).toBe(US);
    expect<u32>(b32(TP + 16)).toBe(PEER);
    expect<i32>(memory.compare(TP + 40, DATA, 10)).toBe(0);
  });
  it("is taken whole or not at all by a full device", () => {
    freshNet();
    meet();
    deviceFull(1);
    expect<i32>(ipSend(a16(US), a16(PEER), UDP, 8, DATA, 5000, 0, 0, 64, 0)).toBe(6);
    deviceFull(0);
    expect<u32>(sent()).toBe(0);
  });
  it("goes to everybody's hardware address when it is for everybody", () => {
    freshNet();
    ipSend(a16(US), a16(0x0a0000ff), UDP, 8, 0, 0, 0, 0, 64, 0);
    expect<u32>(sent()).toBe(42);
    expect<i32>(memory.compare(T, BROADCAST_MAC, 6)).toBe(0);
    ipSend(a16(US), a16(0xffffffff), UDP, 8, 0, 0, 0, 0, 64, 0);
    expect<u32>(sent()).toBe(42);
    expect<i32>(memory.compare(T, BROADCAST_MAC, 6)).toBe(0);
    ipSend(a16(US), a16(0xe00000fb), UDP, 8, 0, 0, 0, 0, 1, 0);
    expect<u32>(sent()).toBe(42);
    expect<u32>(b32(T) >> 8).toBe(0x01005e);
    expect<u32>(b16(T + 4)).toBe(0x00fb);
    expect<u32>(b8(T + 3)).toBe(0);
  });
  it("is cut into pieces at the MTU, and the pieces make up the datagram", () => {
    for (let n: u32 = 1473; n < 8000; n = n * 2 + 1) {
      freshNet();
      meet();
      fill(n);
      memory.fill(TX, 0x11, 8);
      expect<i32>(ipSend(a16(US), a16(PEER), UDP, 8, DATA, n >> 1, DATA + (n >> 1), n - (n >> 1), 64, 0)).toBe(0);
      let at: u32 = 0, id: u32 = 0, wrong = 0;
      for (let len = sent(); len; len = sent()) {
        const field = b16(TP + 6), piece = len - 34;
        if (len > 1514 || !headerRight(TP) || (field & 0x1fff) << 3 != at || b16(TP + 2) != piece + 20) wrong++;
        if (at && b16(TP + 4) != id) wrong++;
        id = b16(TP + 4);
        if (((field & MF) != 0) != (at + piece < n + 8)) wrong++;
        if (memory.compare(TP + 20 + (at ? 0 : 8), at ? DATA + at - 8 : DATA, at ? piece : piece - 8)) wrong++;
        at += piece;
      }
      expect<i32>(wrong).toBe(0);
      expect<u32>(at).toBe(n + 8);
    }
  });
  it("never uses one identification twice in a row", () => {
    freshNet();
    meet();
    let same = 0, last: u32 = 0x10000;
    for (let i = 0; i < 500; i++) {
      ipSend(a16(US), a16(PEER), UDP, 8, 0, 0, 0, 0, 64, 0);
      sent();
      if (b16(TP + 4) == last) same++;
      last = b16(TP + 4);
    }
    expect<i32>(same).toBe(0);
  });
});

describe("reassembly", () => {
  it("puts pieces together in any order, repetitions included", () => {
    fill(60000);
    for (let turn: u32 = 0; turn < 6; turn++) {
      freshNet();
      const n: u32 = 5 * 1480 + 33, order: u32 = turn == 0 ? 0x543210 : turn == 1 ? 0x012345 : turn == 2 ? 0x531420 : turn == 3 ? 0x024135 : turn == 4 ? 0x305214 : 0x450312;
      let done = 0;
      for (let k: u32 = 0; k < 6; k++) {
        const i = (order >> (k * 4)) & 15, start = i * 1480;
        if (piece(start, min<u32>(1480, n - start), start + 1480 < n) == 253) done++;
        if (k < 5 && piece(start, min<u32>(1480, n - start), start + 1480 < n) == 253) done += 100;
      }
      expect<i32>(done).toBe(1);
      expect<u32>(payloadLength).toBe(n);
      expect<u32>(blockBytes).toBe(0);
      expect<u32>(counter(STAT_IP_REASM_OKS)).toBe(1);
    }
  });
  it("hands on the bytes of the datagram, with the first piece's header before them", () => {
    freshNet();
    fill(3000);
    frameBounds(F, 2000);
    memory.copy(FP + 20, DATA + 1480, 1520);
    ip(PEER, US, UDP, 1520, 1480 >> 3, 9);
    expect<bool>(reassemble(FP)).toBe(false);
    memory.copy(FP + 20, DATA, 1480);
    ip(PEER, US, UDP, 1480, MF, 9);
    expect<bool>(reassemble(FP)).toBe(true);
    expect<u32>(reassembledLength).toBe(3000);
    expect<i32>(memory.compare(reassembled + 20, DATA, 3000)).toBe(0);
    expect<u32>(b32(reassembled + 12)).toBe(PEER);
    reassemblyRelease();
    expect<u32>(blockBytes).toBe(0);
  });
  it("discards a datagram whose pieces overlap and differ (RFC 5722)", () => {
    freshNet();
    fill(4000);
    piece(0, 1480, true);
    store<u8>(DATA + 800, load<u8>(DATA + 800) ^ 1);
    expect<i32>(piece(800, 400, true)).toBe(-1);
    expect<i32>(piece(1480, 100, false)).toBe(-1);
    expect<u32>(counter(STAT_IP_REASM_FAILS)).toBe(1);
    freshNet();
    piece(1480, 1480, true);
    expect<i32>(piece(0, 1488, true)).toBe(-1);
    expect<i32>(piece(2960, 40, false)).toBe(-1);
    expect<u32>(counter(STAT_IP_REASM_FAILS)).toBe(1);
  });
  it("discards a datagram with two ends, or data beyond its end", () => {
    freshNet();
    piece(1480, 100, false);
    piece(1480, 108, false);
    expect<i32>(piece(0, 1480, true)).toBe(-1);
    freshNet();
    piece(1480, 100, false);
    piece(2960, 8, true);
    expect<i32>(piece(0, 1480, true)).toBe(-1);
    freshNet();
    piece(2960, 8, true);
    piece(1480, 100, false);
    expect<i32>(piece(0, 1480, true)).toBe(-1);
  });
  it("refuses pieces that cannot be: empty, not a multiple of eight, beyond the largest packet", () => {
    freshNet();
    expect<i32>(piece(0, 0, true)).toBe(-1);
    expect<i32>(piece(0, 12, true)).toBe(-1);
    expect<i32>(piece(65528, 8, false)).toBe(-1, "ping of death");
    expect<i32>(piece(65512, 16, false)).toBe(-1);
    expect<u32>(counter(STAT_IP_REASM_FAILS)).toBe(4);
    expect<u32>(blockBytes).toBe(0);
  });
  it("takes the largest datagram", () => {
    freshNet();
    fill(65515);
    let last = -1;
    for (let at: u32 = 0; at < 65515; at += 1480) last = piece(at, min<u32>(1480, 65515 - at), at + 1480 < 65515);
    expect<i32>(last).toBe(253);
    expect<u32>(payloadLength).toBe(65515);
  });
  it("keeps datagrams of different identification and protocol apart", () => {
    freshNet();
    fill(3000);
    piece(0, 1480, true, 1);
    piece(0, 1480, true, 2);
    piece(0, 1480, true, 1, 252);
    expect<i32>(piece(1480, 8, false, 2)).toBe(253);
    expect<i32>(piece(1480, 8, false, 1, 252)).toBe(252);
    expect<i32>(piece(1480, 8, false, 1)).toBe(253);
    expect<u32>(blockBytes).toBe(0);
  });
  it("keeps a bounded number, the latest, and a bounded number of holes", () => {
    freshNet();
    fill(3000);
    for (let id: u32 = 0; id < 200; id++) { piece(0, 1480, true, id); tick(1); }
    expect<u32>(blockBytes).toBe(16 << 11);
    expect<i32>(piece(1480, 8, false, 199)).toBe(253);
    expect<i32>(piece(1480, 8, false, 100)).toBe(-1);
    freshNet();
    for (let i: u32 = 0; i < 40; i++) piece(i * 16, 8, true);
    expect<u32>(counter(STAT_IP_REASM_FAILS)).toBe(1);
  });
  it("gives up after 30 s and tells the sender of the first piece", () => {
    freshNet();
    meet();
    fill(3000);
    piece(0, 1480, true, 1, UDP);
    piece(1480, 8, true, 2, UDP);
    advance(29999); clockSample();
    expect<usize>(reassemblyTimer()).toBe(0);
    advance(1); clockSample();
    let told = 0;
    for (let p = reassemblyTimer(); p; p = reassemblyTimer()) { icmpReassemblyTime(p); told++; }
    expect<i32>(told).toBe(1);
    expect<u32>(blockBytes).toBe(0);
    expect<u32>(sent()).toBe(14 + 20 + 8 + 28);
    expect<u32>(b16(TP + 20)).toBe(0x0b01);
    expect<u32>(sumFinish(sumBytes(TP + 20, 36))).toBe(0);
    expect<u32>(b32(TP + 28 + 12)).toBe(PEER);
    expect<i32>(memory.compare(TP + 48, DATA, 8)).toBe(0);
  });
  it("survives 20,000 random pieces and gives everything back", () => {
    freshNet();
    let seed: u32 = 0x2545f491;
    for (let i = 0; i < 20000; i++) {
      seed ^= seed << 13; seed ^= seed >> 17; seed ^= seed << 5;
      const start = (seed >> 8 & 0x3ff) << 3;
      piece(start, 1 + (seed >> 3 & 0x1ff), (seed & 1) != 0, seed >> 20 & 31);
      if (!(i & 255)) tick(1000);
    }
    tick(40000);
    expect<u32>(blockBytes).toBe(0);
  });
});

/** An echo request with n bytes at FP + 28. */
function echo(src: u32, dst: u32, n: u32): u32 {
  const p = FP + 20;
  wr32(p, 0x08000000); wr32(p + 4, 0x12340007);
  for (let i: u32 = 0; i < n; i++) store<u8>(p + 8 + i, <u8>(i * 3 + 1));
  store<u16>(p + 2, <u16>sumFinish(sumBytes(p, 8 + n)));
  return ip(src, dst, 1, 8 + n);
}

/** An ICMP error of type and code about a packet from `from`:lport to `to`:rport; returns the frame's length. */
function error(type: u32, code: u32, mtu: u32, protocol: u32, from: u32, to: u32, total: u32 = 1500): u32 {
  const p = FP + 20, q = p + 8;
  memory.fill(p, 0, 64);
  wr16(p, type << 8 | code); wr16(p + 6, mtu);
  wr16(q, 0x4500); wr16(q + 2, total); wr16(q + 8, 64 << 8 | protocol); wr32(q + 12, from); wr32(q + 16, to);
  wr16(q + 20, 1111); wr16(q + 22, 2222); wr32(q + 24, 0xdeadbeef);
  store<u16>(p + 2, <u16>sumFinish(sumBytes(p, 36)));
  return ip(GATEWAY, US, 1, 36);
}

describe("ICMP echo", () => {
  it("is answered with the same data, odd lengths too", () => {
    for (let n: u32 = 0; n < 60; n += 7) {
      freshNet();
      meet();
      receive(echo(PEER, US, n));
      expect<u32>(sent()).toBe(34 + 8 + n);
      expect<u32>(b16(TP + 20)).toBe(0);
      expect<u32>(b32(TP + 24)).toBe(0x12340007);
      expect<u32>(sumFinish(sumBytes(TP + 20, 8 + n))).toBe(0);
      expect<i32>(memory.compare(TP + 28, FP + 28, n)).toBe(0);
      expect<u32>(b32(TP + 12)).toBe(US);
      expect<u32>(b32(TP + 16)).toBe(PEER);
    }
  });
  it("is answered in pieces when it came in pieces", () => {
    freshNet();
    meet();
    fill(4000);
    wr32(DATA, 0x08000000);
    store<u16>(DATA + 2, <u16>sumFinish(sumBytes(DATA, 4000)));
    memory.copy(FP + 20, DATA, 1480); receive(ip(PEER, US, 1, 1480, MF, 5));
    memory.copy(FP + 20, DATA + 1480, 1480); receive(ip(PEER, US, 1, 1480, MF | 185, 5));
    expect<u32>(sent()).toBe(0);
    memory.copy(FP + 20, DATA + 2960, 1040); receive(ip(PEER, US, 1, 1040, 370, 5));
    let total: u32 = 0;
    for (let n = sent(); n; n = sent()) total += n - 34;
    expect<u32>(total).toBe(4000);
    expect<u32>(blockBytes).toBe(0);
  });
  it("is not answered when wrong, short, or sent to everybody", () => {
    freshNet();
    meet();
    let n = echo(PEER, US, 8);
    store<u8>(FP + 30, load<u8>(FP + 30) ^ 1);
    receive(n);
    receive(ip(PEER, US, 1, 7));
    receive(echo(PEER, 0x0a0000ff, 8));
    receive(echo(PEER, 0xffffffff, 8));
    receive(echo(PEER, 0xe0000001, 8));
    expect<u32>(sent()).toBe(0);
  });
});

describe("ICMP errors we send", () => {
  it("quote the header and eight bytes of what nobody takes", () => {
    freshNet();
    meet();
    receive(udp(PEER, 1000, US, 2000, 20));
    expect<u32>(sent()).toBe(14 + 20 + 8 + 28);
    expect<u32>(b16(TP + 20)).toBe(0x0303);
    expect<u32>(b32(TP + 24)).toBe(0);
    expect<u32>(sumFinish(sumBytes(TP + 20, 36))).toBe(0);
    expect<i32>(memory.compare(TP + 28, FP, 28)).toBe(0);
    receive(ip(PEER, US, 99, 4));
    icmpUnreachable(2);
    expect<u32>(sent()).toBe(14 + 20 + 8 + 24);
    expect<u32>(b16(TP + 20)).toBe(0x0302);
  });
  it("are not about broadcasts", () => {
    freshNet();
    meet();
    receive(udp(PEER, 1000, 0x0a0000ff, 2000, 20));
    receive(udp(PEER, 1000, 0xffffffff, 2000, 20));
    expect<u32>(sent()).toBe(0);
  });
  it("are limited", () => {
    freshNet();
    meet();
    let n = 0;
    for (let i = 0; i < 500; i++) { receive(udp(PEER, 1000, US, 2000, 20)); if (sent()) n++; }
    expect<i32>(n).toBe(50);
    tick(100);
    for (let i = 0; i < 500; i++) { receive(udp(PEER, 1000, US, 2000, 20)); if (sent()) n++; }
    expect<i32>(n).toBe(60);
    expect<u32>(counter(STAT_ICMP_OUT_MSGS)).toBe(60);
  });
});

describe("ICMP errors we get", () => {
  it("are turned into a record for the transport", () => {
    freshNet();
    receive(error(3, 3, 0, UDP, US, FAR));
    expect<bool>(lastIcmpError).toBe(true);
    expect<u32>(errorProtocol).toBe(UDP);
    expect<u32>(errorKind).toBe(4);
    expect<u32>(addrV4(errorLocal)).toBe(US);
    expect<u32>(addrV4(errorRemote)).toBe(FAR);
    expect<u32>(errorLocalPort).toBe(1111);
    expect<u32>(errorRemotePort).toBe(2222);
    receive(error(3, 1, 0, TCP, US, FAR));
    expect<u32>(errorKind).toBe(2);
    expect<u32>(errorSequence).toBe(0xdeadbeef);
    receive(error(3, 0, 0, TCP, US, FAR)); expect<u32>(errorKind).toBe(1);
    receive(error(3, 2, 0, TCP, US, FAR)); expect<u32>(errorKind).toBe(3);
    receive(error(3, 13, 0, TCP, US, FAR)); expect<u32>(errorKind).toBe(2);
    receive(error(11, 0, 0, TCP, US, FAR)); expect<u32>(errorKind).toBe(6);
    receive(error(12, 0, 0, TCP, US, FAR)); expect<u32>(errorKind).toBe(6);
    while (sent()) expect<u32>(1).toBe(0, "an error must never be answered");
  });
  it("name the MTU, or it is guessed (RFC 1191)", () => {
    freshNet();
    receive(error(3, 4, 1400, TCP, US, FAR));
    expect<u32>(errorKind).toBe(5);
    expect<u32>(errorMtu).toBe(1400);
    receive(error(3, 4, 68, TCP, US, FAR)); expect<u32>(errorMtu).toBe(552);
    receive(error(3, 4, 0, TCP, US, FAR, 1500)); expect<u32>(errorMtu).toBe(1492);
    receive(error(3, 4, 0, TCP, US, FAR, 576)); expect<u32>(errorMtu).toBe(552);
    receive(error(3, 4, 0, TCP, US, FAR, 9000)); expect<u32>(errorMtu).toBe(8166);
  });
  it("are ignored when about somebody else's packet, other protocols, later pieces, or cut off", () => {
    freshNet();
    receive(error(3, 1, 0, TCP, PEER, FAR)); expect<bool>(lastIcmpError).toBe(false);
    receive(error(3, 1, 0, TCP, 0x7f000001, 0x7f000001)); expect<bool>(lastIcmpError).toBe(false);
    receive(error(3, 1, 0, 1, US, FAR)); expect<bool>(lastIcmpError).toBe(false);
    receive(error(0, 0, 0, TCP, US, FAR)); expect<bool>(lastIcmpError).toBe(false);
    receive(error(4, 0, 0, TCP, US, FAR)); expect<bool>(lastIcmpError).toBe(false, "source quench");
    receive(error(5, 1, 0, TCP, US, FAR)); expect<bool>(lastIcmpError).toBe(false, "redirect");
    for (let n: u32 = 0; n < 36; n++) {
      error(3, 1, 0, TCP, US, FAR);
      wr16(FP + 22, 0);
      store<u16>(FP + 22, <u16>sumFinish(sumBytes(FP + 20, n)));
      receive(ip(GATEWAY, US, 1, n));
      if (lastIcmpError) expect<u32>(n).toBe(99, "cut off");
    }
    error(3, 1, 0, TCP, US, FAR);
    wr16(FP + 28 + 6, 100);
    wr16(FP + 22, 0);
    store<u16>(FP + 22, <u16>sumFinish(sumBytes(FP + 20, 36)));
    receive(ip(GATEWAY, US, 1, 36));
    expect<bool>(lastIcmpError).toBe(false, "a later piece");
    error(3, 1, 0, TCP, US, FAR);
    store<u8>(FP + 28, 0x4f);
    wr16(FP + 22, 0);
    store<u16>(FP + 22, <u16>sumFinish(sumBytes(FP + 20, 36)));
    receive(ip(GATEWAY, US, 1, 36));
    expect<bool>(lastIcmpError).toBe(false, "quoted header longer than the quote");
  });
});

describe("loopback", () => {
  it("keeps packets in order and gives them back whole", () => {
    freshNet();
    fill(4000);
    memory.fill(TX, 0x77, 20);
    expect<i32>(ipSend(a16(US), a16(US), TCP, 20, DATA, 1000, DATA + 1000, 3000, 64, 0)).toBe(0);
    expect<i32>(ipSend(a16(0x7f000001), a16(0x7f000001), UDP, 8, 0, 0, 0, 0, 64, 0)).toBe(0);
    let b = loopbackTake();
    expect<u32>(loopbackLength(b)).toBe(4040);
    expect<i32>(memory.compare(loopbackPacket(b) + 40, DATA, 4000)).toBe(0);
    expect<bool>(headerRight(loopbackPacket(b))).toBe(true);
    loopbackRelease(b);
    b = loopbackTake();
    expect<u32>(loopbackLength(b)).toBe(28);
    loopbackRelease(b);
    expect<usize>(loopbackTake()).toBe(0);
    expect<u32>(sent()).toBe(0);
    expect<u32>(blockBytes).toBe(0);
  });
  it("is bounded and says so", () => {
    freshNet();
    let n = 0;
    while (ipSend(a16(US), a16(US), TCP, 20, 0, 0, 0, 0, 64, 0) == 0) n++;
    expect<i32>(n).toBe(128);
    expect<i32>(ipSend(a16(US), a16(US), TCP, 20, 0, 0, 0, 0, 64, 0)).toBe(6);
    for (let b = loopbackTake(); b; b = loopbackTake()) loopbackRelease(b);
    expect<i32>(ipSend(a16(US), a16(US), TCP, 20, 0, 0, 0, 0, 64, 0)).toBe(0);
  });
});
