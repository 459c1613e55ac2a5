/** Devices with a virtio_net_hdr: what it may say, packets cut by the device on the way out, joined ones on the way in. */
import { DEVICE_CHECKSUM_OFFLOAD, DEVICE_SEGMENT_OFFLOAD, DEVICE_VNET_HEADER, E_ARGUMENT } from "../../assembly/abi/link";
import { CONFIG_MTU_MAX } from "../../assembly/abi/config";
import { STAT_IN_FRAME_ERRORS, STAT_TCP_IN_ERRS, STAT_TCP_OUT_SEGS, STAT_TCP_RETRANS_SEGS } from "../../assembly/abi/stats";
import { frameBounds, wr16 } from "../../assembly/base/bytes";
import { sumFold, sumPseudo } from "../../assembly/base/checksum";
import { counter } from "../../assembly/base/counters";
import { deviceAdd, devicesReset } from "../../assembly/link/device";
import { devicePost } from "../../assembly/link/posted";
import { ipCut, ipSend, TX } from "../../assembly/ip/output";
import { tcb } from "../../assembly/tcp/tcb";
import { tcpSetRecvLimit, tcpShutdownSend, tcpUnread } from "../../assembly/tcp/user";
import { vnetEmitSegments, vnetRead, VNET_PLAIN, VNET_REFUSED, VNET_TRUSTED } from "../../assembly/wire/vnet";
import * as net from "./net";
import {
  accepted, c, compose, deliver, fresh, knob, listen, localAddress, lastLen, lastText, next, offloading, options, out, readRight, remoteAddress, rx, seal, SEG, send, VNET, vnet, wait,
} from "./tcp";
import { deviceFull } from "./world";

const ALL: u32 = DEVICE_VNET_HEADER | DEVICE_CHECKSUM_OFFLOAD | DEVICE_SEGMENT_OFFLOAD;
const MAC = memory.data<u8>([2, 0, 0, 0, 0, 1], 2);
const P = memory.data(256, 4);

/** A vnet header at P + 2 with the first bytes of an Ethernet frame behind it: IPv4 with `ihl` words and `protocol`. */
function header(bits: u32, kind: u32, bytes: u32, size: u32, start: u32, offset: u32, protocol: u32 = 6, ihl: u32 = 5, type: u32 = 0x0800): usize {
  const p = P + 2;
  memory.fill(P, 0, 256);
  store<u8>(p, <u8>bits); store<u8>(p, <u8>kind, 1);
  store<u16>(p, <u16>bytes, 2); store<u16>(p, <u16>size, 4); store<u16>(p, <u16>start, 6); store<u16>(p, <u16>offset, 8);
  wr16(p + 24, type);
  store<u8>(p, <u8>(0x40 | ihl), 26);
  store<u8>(p, <u8>protocol, 35);
  frameBounds(p, 112);
  return p;
}
/** What a frame of 100 bytes behind it makes of that. */
function read(p: usize): i32 { return vnetRead(p, 112, true); }

describe("a vnet header that arrives", () => {
  it("vouches for the transport's checksum only where that is the one it speaks of", () => {
    expect<i32>(read(header(0, 0, 0, 0, 0, 0))).toBe(VNET_PLAIN);
    expect<i32>(read(header(2, 0, 0, 0, 0, 0))).toBe(VNET_TRUSTED);
    expect<i32>(read(header(1, 0, 0, 0, 34, 16))).toBe(VNET_TRUSTED);
    expect<i32>(read(header(1, 0, 0, 0, 34, 6, 17))).toBe(VNET_TRUSTED);
    expect<i32>(read(header(1, 0, 0, 0, 38, 16, 6, 6))).toBe(VNET_TRUSTED);
    expect<i32>(read(header(1, 0, 0, 0, 38, 16))).toBe(VNET_PLAIN, "starts beyond the header");
    expect<i32>(read(header(1, 0, 0, 0, 34, 6))).toBe(VNET_PLAIN, "UDP's field in TCP");
    expect<i32>(read(header(1, 0, 0, 0, 34, 16, 17))).toBe(VNET_PLAIN, "TCP's field in UDP");
    expect<i32>(read(header(1, 0, 0, 0, 34, 2, 1))).toBe(VNET_PLAIN, "ICMP");
    expect<i32>(read(header(1, 0, 0, 0, 34, 16, 6, 5, 0x86dd))).toBe(VNET_PLAIN, "another protocol below");
  });
  it("is refused when its checksum lies outside the frame", () => {
    expect<i32>(read(header(1, 0, 0, 0, 82, 16))).toBe(VNET_PLAIN);
    expect<i32>(read(header(1, 0, 0, 0, 83, 16))).toBe(VNET_REFUSED);
    expect<i32>(read(header(1, 0, 0, 0, 34, 65))).toBe(VNET_REFUSED);
    expect<i32>(read(header(1, 0, 0, 0, 65535, 65535))).toBe(VNET_REFUSED);
    expect<i32>(read(header(1, 0, 0, 0, 13, 16))).toBe(VNET_REFUSED);
  });
  it("is refused when its segments make no sense", () => {
    expect<i32>(read(header(1, 1, 54, 1460, 34, 16))).toBe(VNET_TRUSTED);
    expect<i32>(read(header(1, 1, 100, 1, 34, 16))).toBe(VNET_TRUSTED);
    expect<i32>(read(header(1, 1, 101, 1460, 34, 16))).toBe(VNET_REFUSED, "header beyond the frame");
    expect<i32>(read(header(1, 1, 54, 0, 34, 16))).toBe(VNET_REFUSED, "no size");
    expect<i32>(read(header(1, 1, 54, 1460, 34, 6, 17))).toBe(VNET_REFUSED, "UDP");
    expect<i32>(read(header(1, 1, 54, 1460, 34, 16, 6, 5, 0x86dd))).toBe(VNET_REFUSED, "not IPv4");
    for (let kind: u32 = 2; kind < 256; kind++) expect<i32>(read(header(1, kind, 54, 1460, 34, 16))).toBe(VNET_REFUSED, "segmentation of another kind");
    expect<i32>(vnetRead(header(1, 1, 54, 1460, 34, 16), 112, false)).toBe(VNET_REFUSED, "not agreed on");
    for (let len: u32 = 12; len < 12 + 34; len++) expect<i32>(vnetRead(header(2, 1, 0, 1460, 34, 16), len, true)).toBe(VNET_REFUSED, "no whole IPv4 header");
  });
  it("whatever it says, answers come from within the frame", () => {
    let x: u32 = 12345;
    for (let i = 0; i < 20000; i++) {
      const p = header(0, 0, 0, 0, 0, 0);
      for (let k: u32 = 0; k < 12; k++) { x = x * 1664525 + 1013904223; store<u8>(p + k, <u8>(x >> 24)); }
      x = x * 1664525 + 1013904223;
      const len: u32 = 12 + (x >> 25), says = vnetRead(p, len, true), start = <u32>load<u16>(p, 6), offset = <u32>load<u16>(p, 8);
      if (says == VNET_REFUSED || !(load<u8>(p) & 1)) continue;
      expect<bool>(start + offset + 2 <= len - 12).toBe(true);
      if (load<u8>(p, 1)) expect<bool>(load<u16>(p, 4) != 0 && <u32>load<u16>(p, 2) <= len - 12).toBe(true);
    }
  });
});

describe("a device with segment offload", () => {
  it("has the two other capabilities, and the stack room for its packets", () => {
    fresh();
    devicesReset();
    expect<i32>(deviceAdd(7, DEVICE_SEGMENT_OFFLOAD, 1500, MAC)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(7, DEVICE_SEGMENT_OFFLOAD | DEVICE_VNET_HEADER, 1500, MAC)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(7, ALL, 1500, MAC)).toBe(0);
    expect<usize>(devicePost(0, 8)).toBe(0, "its frames are longer than posted buffers");
    knob(CONFIG_MTU_MAX, 65534);
    fresh();
    expect<i32>(deviceAdd(8, ALL, 1500, MAC)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(8, DEVICE_VNET_HEADER | DEVICE_CHECKSUM_OFFLOAD, 1500, MAC)).toBe(1);
  });
  it("sends what waited for its neighbour with the header it had", () => {
    net.freshNet(ALL);
    memory.fill(TX, 7, 20);
    ipCut(100);
    expect<i32>(ipSend(net.a16(net.US), net.a16(net.PEER), 6, 20, P, 250, 0, 0, 64, 0)).toBe(0);
    expect<u32>(net.sent()).toBe(12 + 42);
    expect<u64>(load<u64>(net.T)).toBe(0, "the request is as it is");
    net.ether(net.OUR_MAC, net.PEER_MAC, 0x0806);
    net.receive(net.withVnet(net.arp(2, net.PEER_MAC, net.PEER, net.US), 0));
    expect<u32>(net.sent()).toBe(12 + 14 + 20 + 20 + 250);
    vnetEmitSegments(P, 20, 100);
    expect<i32>(memory.compare(net.T, P, 12)).toBe(0);
    expect<i32>(ipSend(net.a16(net.US), net.a16(net.PEER), 6, 20, P, 25, 0, 0, 64, 0)).toBe(0);
    expect<u32>(net.sent()).toBe(12 + 14 + 20 + 20 + 25);
    expect<u64>(load<u64>(net.T)).toBe(0, "the next one is whole again");
    expect<u32>(load<u32>(net.T, 8)).toBe(0);
  });
});

/** What the vnet header of the packet that left last says of its segments: their size, 0 for a whole packet. */
function cutTo(): u32 {
  vnetEmitSegments(P, 20, load<u16>(VNET, 4));
  if (load<u8>(VNET)) return memory.compare(VNET, P, 12) == 0 ? <u32>load<u16>(VNET, 4) : 99999;
  return load<u64>(VNET) == 0 && load<u32>(VNET, 8) == 0 ? 0 : 99999;
}
/** The text of the packet that left last is the pattern from place `at` on. */
function textRight(at: u32): bool {
  for (let i: u32 = 0; i < lastLen; i++) if (load<u8>(lastText + i) != <u8>((at + i) * 7 + ((at + i) >> 8))) return false;
  return true;
}

describe("sending over it", () => {
  it("leaves whole segments to the device, as many as cwnd allows; the rest goes as it is", () => {
    offloading(ALL);
    accepted();
    const before = counter(STAT_TCP_OUT_SEGS);
    send(1460 * 4 + 100);
    expect<string>(next()).toBe("A 1 1 5840");
    expect<u32>(cutTo()).toBe(1460);
    expect<bool>(textRight(0)).toBe(true);
    expect<string>(next()).toBe("PA 5841 1 100");
    expect<u32>(cutTo()).toBe(0);
    expect<u32>(counter(STAT_TCP_OUT_SEGS) - before).toBe(5);
    send(100000);
    expect<string>(next()).toBe("A 5941 1 7300");
    expect<string>(out()).toBe("");
    rx("A", 1, 5941);
    expect<string>(out()).toBe("A 13241 1 10220");
  });
  it("a single segment goes as it is, and so does everything over other devices", () => {
    offloading(ALL);
    accepted();
    send(2919);
    expect<string>(next()).toBe("A 1 1 1460");
    expect<u32>(cutTo()).toBe(0);
    expect<string>(out()).toBe("PA 1461 1 1459");
    offloading(DEVICE_VNET_HEADER | DEVICE_CHECKSUM_OFFLOAD);
    accepted();
    send(2920);
    expect<string>(out()).toBe("A 1 1 1460, PA 1461 1 1460");
  });
  it("the last packet carries PSH and FIN", () => {
    offloading(ALL);
    accepted();
    send(4380);
    tcpShutdownSend(c);
    expect<string>(next()).toBe("FPA 1 1 4380");
    expect<u32>(cutTo()).toBe(1460);
  });
  it("is no more than the peer's window and an IPv4 packet", () => {
    offloading(ALL);
    accepted(5000);
    send(20000);
    expect<string>(out()).toBe("A 1 1 4380");
    offloading(ALL);
    accepted(65535, "05b4", "01030304");
    tcb(c).cwnd = 1 << 20;
    send(300000);
    let acked: u32 = 1;
    let most: u32 = 0;
    for (let round = 0; round < 60 && acked < 300001; round++) {
      for (let one = next(); one.length; one = next()) {
        expect<bool>(textRight(acked - 1)).toBe(true);
        expect<u32>(cutTo()).toBe(lastLen > 1460 ? 1460 : 0);
        most = max(most, lastLen);
        acked += lastLen;
      }
      rx("A", 1, acked, 0, 65535);
    }
    expect<u32>(acked).toBe(300001);
    expect<u32>(most).toBe(1460 * 44);
  });
  it("a part that is lost is sent again as a segment", () => {
    offloading(ALL);
    accepted();
    send(14600);
    expect<string>(out()).toBe("PA 1 1 14600");
    rx("A", 1, 2921); rx("A", 1, 2921); rx("A", 1, 2921); rx("A", 1, 2921);
    expect<string>(next()).toBe("A 2921 1 1460");
    expect<u32>(cutTo()).toBe(0);
    expect<u32>(counter(STAT_TCP_RETRANS_SEGS)).toBe(1);
  });
  it("after a timeout the segments come again one by one", () => {
    offloading(ALL);
    accepted();
    send(5840);
    expect<string>(out()).toBe("PA 1 1 5840");
    wait(250);
    expect<string>(next()).toBe("A 1 1 1460");
    rx("A", 1, 1461);
    expect<string>(next()).toBe("A 1461 1 1460");
    expect<u32>(cutTo()).toBe(0);
  });
  it("a device that is full takes nothing, and all of it later", () => {
    offloading(ALL);
    accepted();
    deviceFull(1);
    send(5840);
    expect<string>(out()).toBe("");
    deviceFull(0);
    expect<string>(out()).toBe("PA 1 1 5840");
    expect<u32>(cutTo()).toBe(1460);
  });
});

/** A packet of `len` bytes of text that stands for several segments, as the kernel hands it over: the checksum begun. */
function joined(seq: u32, len: u32, bits: string = "PA"): void {
  const n = compose(bits, seq, 1, len);
  store<u16>(SEG + 16, <u16>sumFold(sumPseudo(remoteAddress(), localAddress(), true, 6, n)));
  vnet(1, 1, 54, 1460, 34, 16);
  deliver(n);
}

describe("receiving over it", () => {
  it("several segments in one: the text is taken, one ACK at once", () => {
    offloading(ALL);
    accepted();
    joined(1, 20000);
    expect<string>(out()).toBe("A 1 20001 0");
    expect<bool>(readRight(1, 20000)).toBe(true);
    joined(20001, 2920);
    expect<string>(out()).toBe("A 1 22921 0", "two segments (RFC 9293 MUST-59)");
    joined(22921, 1460);
    expect<string>(out()).toBe("", "one");
    joined(24381, 1);
    expect<string>(out()).toBe("A 1 24382 0");
  });
  it("the FIN of a packet is behind its text", () => {
    offloading(ALL);
    accepted();
    joined(1, 5000, "FPA");
    expect<string>(out()).toBe("A 1 5002 0");
    expect<bool>(readRight(1, 5000)).toBe(true);
  });
  it("what is beyond the window is cut off", () => {
    offloading(ALL);
    accepted();
    tcpSetRecvLimit(c, 8192);
    joined(1, 65000);
    expect<string>(out()).toBe("A 1 65001 0", "the window was offered before");
    joined(65001, 10000);
    expect<string>(out()).toBe("A 1 65536 0");
    expect<u32>(tcpUnread(c)).toBe(65535);
  });
  it("beyond a gap: as many duplicates as segments, or one with SACK", () => {
    offloading(ALL);
    accepted();
    joined(1461, 4380);
    expect<string>(out()).toBe("A 1 1 0, A 1 1 0, A 1 1 0");
    joined(1, 1460);
    expect<string>(out()).toBe("A 1 5841 0");
    offloading(ALL);
    accepted(65535, "05b4", "01010402");
    joined(1461, 4380);
    expect<string>(out()).toBe("A 1 1 0");
  });
  it("the checksum is not taken on trust without the header saying so", () => {
    offloading(ALL);
    accepted();
    const n = compose("A", 1, 1, 2000);
    vnet(0, 1, 54, 1460, 0, 0);
    deliver(n);
    expect<u32>(counter(STAT_TCP_IN_ERRS)).toBe(1);
    compose("A", 1, 1, 2000);
    vnet(1, 1, 54, 0, 34, 16);
    deliver(n);
    compose("A", 1, 1, 2000);
    vnet(1, 4, 54, 1460, 34, 16);
    deliver(n);
    expect<u32>(counter(STAT_IN_FRAME_ERRORS)).toBe(2);
    expect<string>(out()).toBe("");
    rx("A", 1, 1, 2000);
    expect<u32>(tcpUnread(c)).toBe(2000);
  });
});
