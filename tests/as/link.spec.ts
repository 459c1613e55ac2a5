import { DEVICE_CHECKSUM_OFFLOAD, DEVICE_VNET_HEADER, E_ARGUMENT, E_FULL } from "../../assembly/abi/link";
import { STAT_ARP_FAILED, STAT_IN_FRAME_ERRORS } from "../../assembly/abi/stats";
import { counter } from "../../assembly/base/counters";
import { blockBytes } from "../../assembly/memory/blocks";
import { deadlineNext } from "../../assembly/memory/deadlines";
import { device, deviceAdd, deviceCount } from "../../assembly/link/device";
import { etherAccept, etherLength, etherPayload, etherToGroup, etherTrusted } from "../../assembly/link/ethernet";
import { Bucket, limitReset, limitTake } from "../../assembly/link/limit";
import { neighborFind, neighborRefused, UNREACHABLE } from "../../assembly/link/neighbor";
import { parkedLength, parkedRelease, PARKED_PACKET } from "../../assembly/link/parking";
import { ipSend, TX } from "../../assembly/ip/output";
import { a16, arp, b16, b32, BROADCAST_MAC, ether, F, FP, freshNet, GATEWAY, FAR, ip, meet, OTHER_MAC, OUR_MAC, PEER, PEER_MAC, receive, sent, T, tick, TP, US, withVnet } from "./net";
import { deviceFull } from "./world";

const BUCKET = memory.data(8, 4);
const TCP: u32 = 6;

/** Sends a packet whose 20 bytes after the IP header all are `mark`. */
function send(dst: u32, mark: u8): i32 {
  memory.fill(TX, mark, 20);
  return ipSend(a16(US), a16(dst), TCP, 20, 0, 0, 0, 0, 64, 0);
}
/** True if T holds an ARP request for `target` sent to `mac`. */
function isRequest(target: u32, mac: usize): bool {
  return b16(T + 12) == 0x0806 && b16(TP + 6) == 1 && b32(TP + 24) == target && memory.compare(T, mac, 6) == 0 &&
    memory.compare(T + 6, OUR_MAC, 6) == 0 && b16(TP + 14) == US >> 16 && b16(TP + 16) == (US & 0xffff);
}
function mark(): u32 { return load<u8>(TP + 20); }

describe("devices", () => {
  it("refuses what cannot be a device", () => {
    freshNet();
    expect<i32>(deviceAdd(-1, 0, 1500, OUR_MAC)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(8, 0, 575, OUR_MAC)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(8, 0, 65536, OUR_MAC)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(8, 8, 1500, OUR_MAC)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(8, 0, 1500, BROADCAST_MAC)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(8, 0, 1500, 0)).toBe(E_ARGUMENT);
    expect<i32>(deviceAdd(8, 0, 1500, (<usize>memory.size() << 16) - 5)).toBe(E_ARGUMENT);
    for (let i = 1; i < 16; i++) expect<i32>(deviceAdd(8 + i, 0, 1500, OUR_MAC)).toBe(i);
    expect<i32>(deviceAdd(99, 0, 1500, OUR_MAC)).toBe(E_FULL);
    expect<u32>(deviceCount).toBe(16);
  });
});

describe("the filter", () => {
  it("lets in our address, broadcast and all-hosts, nothing else", () => {
    freshNet();
    ether(OUR_MAC, PEER_MAC, 0x0800);
    expect<u32>(etherAccept(device(0), F, 60)).toBe(0x0800);
    expect<u32>(etherLength).toBe(46);
    expect<usize>(etherPayload).toBe(F + 14);
    expect<bool>(etherToGroup).toBe(false);
    ether(BROADCAST_MAC, PEER_MAC, 0x0806);
    expect<u32>(etherAccept(device(0), F, 60)).toBe(0x0806);
    expect<bool>(etherToGroup).toBe(true);
    ether(OTHER_MAC, PEER_MAC, 0x0800);
    expect<u32>(etherAccept(device(0), F, 60)).toBe(0);
    ether(OUR_MAC, PEER_MAC, 0x0800);
    store<u32>(F, 0x005e0001); store<u16>(F, 0x0100, 4);
    expect<u32>(etherAccept(device(0), F, 60)).toBe(0x0800, "224.0.0.1");
    store<u16>(F, 0x0500, 4);
    expect<u32>(etherAccept(device(0), F, 60)).toBe(0, "224.0.0.5");
  });
  it("refuses short frames and group senders", () => {
    freshNet();
    ether(OUR_MAC, PEER_MAC, 0x0800);
    for (let n: u32 = 0; n < 14; n++) expect<u32>(etherAccept(device(0), F, n)).toBe(0);
    expect<u32>(etherAccept(device(0), F, 14)).toBe(0x0800);
    ether(OUR_MAC, BROADCAST_MAC, 0x0800);
    expect<u32>(etherAccept(device(0), F, 60)).toBe(0);
    expect<u32>(counter(STAT_IN_FRAME_ERRORS)).toBe(15);
  });
  it("believes a vnet header only from a device that may vouch", () => {
    freshNet(DEVICE_VNET_HEADER | DEVICE_CHECKSUM_OFFLOAD);
    ip(PEER, US, TCP, 26);
    const n = withVnet(60, 1);
    store<u32>(F, 34 | 16 << 16, 6);
    expect<u32>(etherAccept(device(0), F, n)).toBe(0x0800);
    expect<bool>(etherTrusted).toBe(true);
    expect<usize>(etherPayload).toBe(F + 26);
    for (let k: u32 = 0; k < 12 + 34 + 18; k++) expect<u32>(etherAccept(device(0), F, k)).toBe(0);
    store<u8>(F, 2);
    etherAccept(device(0), F, n);
    expect<bool>(etherTrusted).toBe(true);
    store<u8>(F, 0);
    etherAccept(device(0), F, n);
    expect<bool>(etherTrusted).toBe(false);
    freshNet(DEVICE_VNET_HEADER);
    ip(PEER, US, TCP, 26);
    withVnet(60, 3);
    store<u32>(F, 34 | 16 << 16, 6);
    expect<u32>(etherAccept(device(0), F, 72)).toBe(0x0800);
    expect<bool>(etherTrusted).toBe(false);
  });
  it("puts a vnet header in front of what it sends", () => {
    freshNet(DEVICE_VNET_HEADER);
    send(PEER, 1);
    expect<u32>(sent()).toBe(12 + 42);
    expect<u64>(load<u64>(T)).toBe(0);
    expect<u32>(b16(T + 24)).toBe(0x0806);
  });
});

describe("ARP requests for us", () => {
  it("are answered to the asker alone, who is remembered", () => {
    freshNet();
    receive(arp(1, PEER_MAC, PEER, US));
    expect<u32>(sent()).toBe(42);
    expect<i32>(memory.compare(T, PEER_MAC, 6)).toBe(0);
    expect<u32>(b16(TP + 6)).toBe(2);
    expect<i32>(memory.compare(TP + 8, OUR_MAC, 6)).toBe(0);
    expect<u32>(b16(TP + 14) << 16 | b16(TP + 16)).toBe(US);
    expect<i32>(memory.compare(TP + 18, PEER_MAC, 6)).toBe(0);
    expect<u32>(b32(TP + 24)).toBe(PEER);
    expect<u32>(sent()).toBe(0);
    expect<i32>(send(PEER, 7)).toBe(0);
    expect<u32>(sent()).toBe(54, "no request needed");
    expect<i32>(memory.compare(T, PEER_MAC, 6)).toBe(0);
  });
  it("are answered as probes but teach nothing (RFC 5227 1.1)", () => {
    freshNet();
    receive(arp(1, PEER_MAC, 0, US));
    expect<u32>(sent()).toBe(42);
    expect<u32>(b32(TP + 24)).toBe(0);
    expect<u32>(neighborFind(0, a16(0))).toBe(0);
  });
  it("get no answer from addresses that are not ours, nor for senders that cannot be", () => {
    freshNet();
    receive(arp(1, PEER_MAC, PEER, 0x0a000003));
    receive(arp(1, PEER_MAC, PEER, 0x0a0000ff));
    receive(arp(1, PEER_MAC, PEER, 0x7f000001));
    receive(arp(1, PEER_MAC, US, US));
    receive(arp(1, PEER_MAC, 0x0a0000ff, US));
    receive(arp(1, PEER_MAC, 0xffffffff, US));
    receive(arp(1, PEER_MAC, 0xe0000005, US));
    receive(arp(1, PEER_MAC, 0x7f000001, US));
    receive(arp(1, PEER_MAC, FAR, US));
    receive(arp(1, BROADCAST_MAC, PEER, US));
    const n = arp(1, PEER_MAC, PEER, US);
    store<u8>(FP + 8, 1);
    receive(n);
    expect<u32>(sent()).toBe(0);
    expect<u32>(neighborFind(0, a16(PEER))).toBe(0);
  });
  it("never push out neighbours in use", () => {
    freshNet(0, 1500, 4);
    for (let i: u32 = 0; i < 4; i++) meet(PEER + i);
    for (let i: u32 = 0; i < 100; i++) meet(PEER + 10 + i);
    for (let i: u32 = 0; i < 4; i++) expect<bool>(neighborFind(0, a16(PEER + i)) != 0).toBe(true);
  });
});

describe("unsolicited ARP", () => {
  it("creates no entry, but refreshes one", () => {
    freshNet();
    receive(arp(2, PEER_MAC, PEER, US, OUR_MAC));
    receive(arp(1, PEER_MAC, PEER, PEER));
    expect<u32>(neighborFind(0, a16(PEER))).toBe(0);
    meet();
    tick(2000);
    receive(arp(1, OTHER_MAC, PEER, PEER));
    send(PEER, 1);
    sent();
    expect<i32>(memory.compare(T, OTHER_MAC, 6)).toBe(0, "moved to another card");
  });
  it("cannot make a confirmed address flap", () => {
    freshNet();
    meet();
    tick(500);
    receive(arp(2, OTHER_MAC, PEER, US, OUR_MAC));
    send(PEER, 1);
    sent();
    expect<i32>(memory.compare(T, PEER_MAC, 6)).toBe(0);
  });
});

describe("resolution", () => {
  it("asks everybody once, parks packets, and sends them in order when the answer comes", () => {
    freshNet();
    for (let i: u8 = 1; i <= 5; i++) expect<i32>(send(PEER, i)).toBe(0);
    expect<u32>(sent()).toBe(42);
    expect<bool>(isRequest(PEER, BROADCAST_MAC)).toBe(true);
    expect<u32>(sent()).toBe(0);
    receive(arp(2, PEER_MAC, PEER, US, OUR_MAC));
    for (let i: u32 = 1; i <= 5; i++) {
      expect<u32>(sent()).toBe(54);
      expect<u32>(mark()).toBe(i);
      expect<i32>(memory.compare(T, PEER_MAC, 6)).toBe(0);
      expect<i32>(memory.compare(T + 6, OUR_MAC, 6)).toBe(0);
      expect<u32>(b16(T + 12)).toBe(0x0800);
    }
    expect<u32>(sent()).toBe(0);
    expect<u32>(blockBytes).toBe(0);
  });
  it("asks for the gateway when the destination is behind it", () => {
    freshNet();
    send(FAR, 1);
    sent();
    expect<bool>(isRequest(GATEWAY, BROADCAST_MAC)).toBe(true);
  });
  it("drops the oldest when too many wait", () => {
    freshNet();
    for (let i: u8 = 1; i <= 60; i++) send(PEER, i);
    sent();
    receive(arp(2, PEER_MAC, PEER, US, OUR_MAC));
    let n: u32 = 0, first: u32 = 0, last: u32 = 0;
    while (sent()) { if (!n) first = mark(); last = mark(); n++; }
    expect<u32>(n).toBe(48);
    expect<u32>(first).toBe(13);
    expect<u32>(last).toBe(60);
  });
  it("bounds what waits for all neighbours together", () => {
    freshNet(0, 1500, 64);
    for (let k: u32 = 0; k < 20; k++) for (let i: u8 = 0; i < 40; i++) send(PEER + k, i);
    expect<u32>(blockBytes).toBe(192 << 11);
  });
  it("asks three times a second apart, then fails: packets come back, further ones are refused for a while", () => {
    freshNet();
    send(PEER, 1);
    send(PEER, 2);
    expect<u32>(sent()).toBe(42);
    tick(999);
    expect<u32>(sent()).toBe(0);
    tick(1);
    expect<u32>(sent()).toBe(42);
    tick(1000);
    expect<u32>(sent()).toBe(42);
    expect<usize>(neighborRefused()).toBe(0);
    tick(1000);
    expect<u32>(sent()).toBe(0);
    expect<u32>(counter(STAT_ARP_FAILED)).toBe(1);
    for (let i: u32 = 1; i <= 2; i++) {
      const b = neighborRefused();
      expect<bool>(b != 0).toBe(true);
      expect<u32>(parkedLength(b)).toBe(40);
      expect<u32>(<u32>load<u8>(b + PARKED_PACKET + 20)).toBe(i);
      parkedRelease(b);
    }
    expect<usize>(neighborRefused()).toBe(0);
    expect<i32>(send(PEER, 3)).toBe(UNREACHABLE);
    expect<i32>(deadlineNext()).toBe(-1);
    tick(9999);
    expect<i32>(send(PEER, 3)).toBe(UNREACHABLE);
    tick(1);
    expect<i32>(send(PEER, 4)).toBe(0);
    expect<u32>(sent()).toBe(42, "asks again");
    receive(arp(2, PEER_MAC, PEER, US, OUR_MAC));
    expect<u32>(sent()).toBe(54);
    expect<u32>(mark()).toBe(4);
  });
  it("takes a failed neighbour back when it speaks", () => {
    freshNet();
    send(PEER, 1);
    tick(1000); tick(1000); tick(1000);
    expect<i32>(send(PEER, 2)).toBe(UNREACHABLE);
    receive(arp(1, PEER_MAC, PEER, PEER));
    expect<i32>(send(PEER, 3)).toBe(0);
    while (sent()) if (b16(T + 12) == 0x0800) expect<u32>(mark()).toBe(3);
  });
  it("keeps parked packets when the device is full, and tries again", () => {
    freshNet();
    send(PEER, 1);
    send(PEER, 2);
    sent();
    deviceFull(1);
    receive(arp(2, PEER_MAC, PEER, US, OUR_MAC));
    expect<i32>(deadlineNext()).toBe(10);
    tick(10);
    deviceFull(0);
    tick(10);
    sent(); expect<u32>(mark()).toBe(1);
    sent(); expect<u32>(mark()).toBe(2);
    expect<i32>(send(PEER, 3)).toBe(0);
    deviceFull(1);
    expect<i32>(send(PEER, 4)).toBe(6, "nothing is taken when the device is full");
    deviceFull(0);
  });
  it("asks as soon as a full device has room", () => {
    freshNet();
    deviceFull(1);
    expect<i32>(send(PEER, 1)).toBe(0);
    expect<i32>(deadlineNext()).toBe(10);
    deviceFull(0);
    tick(10);
    expect<u32>(sent()).toBe(42);
  });
});

describe("ageing", () => {
  it("asks again while the neighbour is used: itself twice, then everybody, then fails", () => {
    freshNet();
    meet();
    tick(59999);
    send(PEER, 1);
    expect<u32>(sent()).toBe(54);
    expect<u32>(sent()).toBe(0);
    tick(1);
    send(PEER, 2);
    expect<u32>(sent()).toBe(42);
    expect<bool>(isRequest(PEER, PEER_MAC)).toBe(true);
    expect<u32>(sent()).toBe(54, "and goes on using it");
    tick(1000);
    expect<u32>(sent()).toBe(42);
    expect<bool>(isRequest(PEER, PEER_MAC)).toBe(true);
    tick(1000);
    expect<u32>(sent()).toBe(42);
    expect<bool>(isRequest(PEER, BROADCAST_MAC)).toBe(true);
    expect<i32>(send(PEER, 3)).toBe(0);
    sent();
    tick(1000);
    expect<i32>(send(PEER, 4)).toBe(UNREACHABLE);
  });
  it("leaves an unused neighbour alone", () => {
    freshNet();
    meet();
    tick(1000000);
    expect<u32>(sent()).toBe(0);
    expect<i32>(deadlineNext()).toBe(-1);
  });
  it("is over with the answer", () => {
    freshNet();
    meet();
    tick(60000);
    send(PEER, 1);
    sent(); sent();
    receive(arp(2, PEER_MAC, PEER, US, OUR_MAC));
    tick(1000);
    expect<u32>(sent()).toBe(0);
    send(PEER, 2);
    expect<u32>(sent()).toBe(54);
    expect<u32>(sent()).toBe(0);
  });
});

describe("replacement", () => {
  it("takes the unresolved before the resolved, and the longest unused of those", () => {
    freshNet(0, 1500, 4);
    for (let i: u32 = 0; i < 3; i++) { meet(PEER + i); tick(10); }
    send(PEER + 3, 1);
    tick(10);
    send(PEER + 4, 1);
    expect<u32>(neighborFind(0, a16(PEER + 3))).toBe(0, "was unresolved");
    receive(arp(2, PEER_MAC, PEER + 4, US, OUR_MAC));
    tick(10);
    send(PEER, 1);
    send(PEER + 5, 1);
    expect<u32>(neighborFind(0, a16(PEER + 1))).toBe(0, "was used longest ago");
    expect<bool>(neighborFind(0, a16(PEER)) != 0).toBe(true);
    expect<u32>(blockBytes).toBe(1 << 11, "what waited for the replaced one is gone");
  });
  it("finds every entry in a full table, over and over", () => {
    freshNet(0, 1500, 32);
    let wrong = 0;
    for (let round: u32 = 0; round < 20; round++) {
      for (let i: u32 = 0; i < 100; i++) {
        const who = PEER + (i * 7 + round * 13) % 150;
        if (who == US) continue;
        send(who, 1);
        receive(arp(2, PEER_MAC, who, US, OUR_MAC));
        if (!neighborFind(0, a16(who))) wrong++;
      }
      tick(5);
    }
    while (sent()) {}
    expect<i32>(wrong).toBe(0);
    expect<u32>(blockBytes).toBe(0);
  });
});

describe("token bucket", () => {
  it("gives its burst at once, then its rate, also after a long rest", () => {
    const b = changetype<Bucket>(BUCKET);
    freshNet();
    limitReset(b, 5);
    let n = 0;
    while (limitTake(b, 100, 5)) n++;
    expect<i32>(n).toBe(5);
    tick(10);
    expect<bool>(limitTake(b, 100, 5)).toBe(true);
    expect<bool>(limitTake(b, 100, 5)).toBe(false);
    tick(0x3fffffff);
    n = 0;
    while (limitTake(b, 10000, 5)) n++;
    expect<i32>(n).toBe(5);
  });
});
