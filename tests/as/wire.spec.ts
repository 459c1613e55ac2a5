import { addrSetV4 } from "../../assembly/base/addr";
import { frameBounds, wr16, wr32 } from "../../assembly/base/bytes";
import { sumBytes, sumFinish } from "../../assembly/base/checksum";
import { arpCheck, arpEmit, arpSender, arpTarget, ARP_REPLY, ARP_REQUEST } from "../../assembly/wire/arp";
import { macEqual, macIsBroadcast, macIsGroup, macSetBroadcast, macSetGroupV4 } from "../../assembly/wire/ethernet";
import { vnetEmit } from "../../assembly/wire/vnet";
import { icmpCheck, icmpEmit } from "../../assembly/wire/icmp";
import { ipv4Check, ipv4Destination, ipv4Emit, ipv4HeaderLength, ipv4Shape, ipv4Source, ipv4Total } from "../../assembly/wire/ipv4";
import { udpCheck, udpEmit } from "../../assembly/wire/udp";

const P = memory.data(2048, 16);
const Q = memory.data(64, 16);

function arpPacket(): void {
  memory.fill(P, 0, 64);
  arpEmit(P, ARP_REQUEST, Q, 0x0a000002, 0, 0x0a000001);
  frameBounds(P, 64);
}

function v4Packet(): void {
  memory.fill(P, 0, 256);
  addrSetV4(Q, 0x0a000001);
  addrSetV4(Q + 16, 0xc0000201);
  ipv4Emit(P, 0, 60, 0x1234, 0x4000, 64, 6, Q, Q + 16);
  frameBounds(P, 256);
}

describe("ethernet", () => {
  it("knows groups and broadcast", () => {
    macSetBroadcast(P);
    frameBounds(P, 64);
    expect<bool>(macIsBroadcast(P)).toBe(true);
    expect<bool>(macIsGroup(P)).toBe(true);
    macSetGroupV4(P, 0xe0800001);
    expect<u32>(load<u32>(P)).toBe(0x005e0001);
    expect<u32>(<u32>load<u16>(P, 4)).toBe(0x0100, "only 23 bits of the group are mapped (RFC 1112 6.4)");
    expect<bool>(macIsBroadcast(P)).toBe(false);
    expect<bool>(macEqual(P, P)).toBe(true);
  });
  it("writes a vnet header that asks for nothing", () => {
    memory.fill(P, 0xff, 16);
    vnetEmit(P);
    expect<u64>(load<u64>(P)).toBe(0);
    expect<u32>(load<u32>(P, 8)).toBe(0);
    expect<u32>(load<u32>(P, 12)).toBe(0xffffffff);
  });
});

describe("arp", () => {
  it("reads what it writes", () => {
    arpPacket();
    expect<bool>(arpCheck(P, 28)).toBe(true);
    expect<u32>(arpSender(P)).toBe(0x0a000002);
    expect<u32>(arpTarget(P)).toBe(0x0a000001);
  });
  it("refuses short packets, other hardware, other protocols, other lengths, other operations", () => {
    for (let n: u32 = 0; n < 28; n++) { arpPacket(); if (arpCheck(P, n)) expect<u32>(n).toBe(99, "accepted a short packet"); }
    arpPacket(); wr16(P, 6); expect<bool>(arpCheck(P, 28)).toBe(false);
    arpPacket(); wr16(P + 2, 0x86dd); expect<bool>(arpCheck(P, 28)).toBe(false);
    arpPacket(); wr16(P + 4, 0x0610); expect<bool>(arpCheck(P, 28)).toBe(false);
    arpPacket(); wr16(P + 6, 0); expect<bool>(arpCheck(P, 28)).toBe(false);
    arpPacket(); wr16(P + 6, 3); expect<bool>(arpCheck(P, 28)).toBe(false);
    arpPacket(); wr16(P + 6, ARP_REPLY); expect<bool>(arpCheck(P, 28)).toBe(true);
  });
});

describe("ipv4", () => {
  it("writes a header that a receiver accepts", () => {
    v4Packet();
    expect<bool>(ipv4Check(P, 60)).toBe(true);
    expect<u32>(ipv4HeaderLength(P)).toBe(20);
    expect<u32>(ipv4Total(P)).toBe(60);
    expect<u32>(ipv4Source(P)).toBe(0x0a000001);
    expect<u32>(ipv4Destination(P)).toBe(0xc0000201);
    expect<bool>(ipv4Check(P, 64)).toBe(true, "bytes after the packet are Ethernet padding");
  });
  it("refuses every header whose lengths cannot be", () => {
    for (let n: u32 = 0; n < 60; n++) { v4Packet(); if (ipv4Shape(P, n)) expect<u32>(n).toBe(99, "total length beyond what came"); }
    v4Packet(); store<u8>(P, 0x65); expect<bool>(ipv4Shape(P, 60)).toBe(false, "version 6");
    v4Packet(); store<u8>(P, 0x44); expect<bool>(ipv4Shape(P, 60)).toBe(false, "header of 16 bytes");
    v4Packet(); wr16(P + 2, 19); expect<bool>(ipv4Shape(P, 60)).toBe(false, "total below the header");
    v4Packet(); store<u8>(P, 0x4f); wr16(P + 2, 59); expect<bool>(ipv4Shape(P, 60)).toBe(false, "header beyond the packet");
    v4Packet(); store<u8>(P, 0x4f); expect<bool>(ipv4Shape(P, 60)).toBe(true, "60 bytes of header and nothing else");
  });
  it("notices each single flipped bit of the header", () => {
    let missed = 0;
    for (let bit: u32 = 0; bit < 160; bit++) {
      v4Packet();
      store<u8>(P + (bit >> 3), load<u8>(P + (bit >> 3)) ^ (<u8>1 << <u8>(bit & 7)));
      if (ipv4Check(P, 60)) missed++;
    }
    expect<i32>(missed).toBe(0);
  });
});

describe("icmp", () => {
  it("sums header and data, at odd lengths too", () => {
    for (let n: u32 = 0; n < 9; n++) {
      memory.fill(P, 0, 64);
      for (let i: u32 = 0; i < n; i++) store<u8>(P + 8 + i, <u8>(0x91 + i * 37));
      icmpEmit(P, 8, 0, 0x01020304, sumBytes(P + 8, n));
      frameBounds(P, 64);
      expect<bool>(icmpCheck(P, 8 + n)).toBe(true);
      store<u8>(P + 4, load<u8>(P + 4) ^ 1);
      expect<bool>(icmpCheck(P, 8 + n)).toBe(false);
    }
    expect<bool>(icmpCheck(P, 7)).toBe(false);
  });
});

describe("udp", () => {
  it("believes a length only between its header and what came", () => {
    udpEmit(P, 1000, 2000, 20);
    frameBounds(P, 64);
    expect<u32>(udpCheck(P, 20)).toBe(20);
    expect<u32>(udpCheck(P, 64)).toBe(20, "more came than belongs to it");
    expect<u32>(udpCheck(P, 19)).toBe(0);
    expect<u32>(udpCheck(P, 7)).toBe(0);
    wr16(P + 4, 7);
    expect<u32>(udpCheck(P, 64)).toBe(0);
    wr16(P + 4, 8);
    expect<u32>(udpCheck(P, 64)).toBe(8, "an empty datagram");
    wr32(P, 0);
    expect<u32>(sumFinish(sumBytes(P, 2))).toBe(0xffff);
  });
});
