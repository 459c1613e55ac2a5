import { E_ARGUMENT, WASI_EAGAIN } from "../../assembly/abi/link";
import { wr16 } from "../../assembly/base/bytes";
import { sumBytes, sumFinish } from "../../assembly/base/checksum";
import { echoOutput, echoRequest, echoState } from "../../assembly/ip/echo";
import { loopbackLength, loopbackPacket, loopbackRelease, loopbackTake } from "../../assembly/ip/loopback";
import { a16, FP, freshNet, GATEWAY, ip, meet, PEER, receive, sent, TP, US } from "./net";
import { deviceFull } from "./world";

const ICMP: u32 = 1;

/** An ICMP message at FP + 20: type, rest, n bytes of data counting from `first`; received from `src`. */
function message(src: u32, type: u32, identifier: u32, sequence: u32, n: u32, first: u32 = 0): void {
  const p = FP + 20;
  store<u8>(p, <u8>type); store<u8>(p + 1, 0); wr16(p + 2, 0);
  wr16(p + 4, identifier); wr16(p + 6, sequence);
  for (let i: u32 = 0; i < n; i++) store<u8>(p + 8 + i, <u8>(first + i));
  store<u16>(p + 2, <u16>sumFinish(sumBytes(p, 8 + n)));
  receive(ip(src, US, ICMP, 8 + n));
}

function ask(n: u32 = 56): void {
  freshNet();
  meet();
  expect<i32>(echoRequest(a16(PEER), 0x1234, 7, n)).toBe(0);
  expect<i32>(echoState()).toBe(1, "calls never write frames");
  expect<u32>(sent()).toBe(0);
  expect<i32>(echoOutput()).toBe(0);
  expect<i32>(echoState()).toBe(2);
}

describe("an echo request", () => {
  it("goes out once, with identifier, sequence, data and a right sum", () => {
    ask();
    expect<u32>(sent()).toBe(14 + 20 + 8 + 56);
    expect<u32>(load<u8>(TP + 9)).toBe(ICMP);
    expect<u32>(load<u8>(TP + 20)).toBe(8);
    expect<u32>(load<u32>(TP + 24)).toBe(0x07003412, "1234 0007 in network order");
    expect<u32>(load<u8>(TP + 28 + 55)).toBe(55);
    expect<u32>(sumFinish(sumBytes(TP + 20, 64))).toBe(0);
    echoOutput();
    expect<u32>(sent()).toBe(0);
  });
  it("is answered by the same data from the same address, and by nothing else", () => {
    ask();
    message(GATEWAY, 0, 0x1234, 7, 56);
    expect<i32>(echoState()).toBe(2, "from elsewhere");
    message(PEER, 0, 0x1234, 8, 56);
    expect<i32>(echoState()).toBe(2, "another sequence number");
    message(PEER, 0, 0x1235, 7, 56);
    expect<i32>(echoState()).toBe(2, "another identifier");
    message(PEER, 0, 0x1234, 7, 55);
    expect<i32>(echoState()).toBe(2, "shorter");
    message(PEER, 0, 0x1234, 7, 57);
    expect<i32>(echoState()).toBe(2, "longer");
    message(PEER, 0, 0x1234, 7, 56, 1);
    expect<i32>(echoState()).toBe(2, "other data");
    message(PEER, 0, 0x1234, 7, 56);
    expect<i32>(echoState()).toBe(3);
    message(PEER, 0, 0x1234, 7, 56);
    expect<i32>(echoState()).toBe(3, "a second answer changes nothing");
  });
  it("may be empty, and as long as one frame holds", () => {
    ask(0);
    message(PEER, 0, 0x1234, 7, 0);
    expect<i32>(echoState()).toBe(3);
    ask(1472);
    message(PEER, 0, 0x1234, 7, 1472);
    expect<i32>(echoState()).toBe(3);
  });
  it("is not answered before it was sent", () => {
    freshNet();
    meet();
    echoRequest(a16(PEER), 0x1234, 7, 4);
    message(PEER, 0, 0x1234, 7, 4);
    expect<i32>(echoState()).toBe(1);
  });
  it("waits while the device is full", () => {
    freshNet();
    meet();
    echoRequest(a16(PEER), 1, 1, 4);
    deviceFull(1);
    expect<i32>(echoOutput()).toBe(WASI_EAGAIN);
    expect<i32>(echoState()).toBe(1);
    deviceFull(0);
    expect<i32>(echoOutput()).toBe(0);
    expect<u32>(sent()).toBe(14 + 20 + 8 + 4);
  });
  it("says when there is no way to send it", () => {
    freshNet();
    expect<i32>(echoState()).toBe(0);
    expect<i32>(echoRequest(a16(0), 1, 1, 4)).toBe(E_ARGUMENT);
    expect<i32>(echoRequest(a16(0x0a0000ff), 1, 1, 4)).toBe(E_ARGUMENT, "broadcast");
    expect<i32>(echoRequest(a16(0xe0000001), 1, 1, 4)).toBe(E_ARGUMENT, "group");
    expect<i32>(echoRequest(0, 1, 1, 4)).toBe(E_ARGUMENT);
    expect<i32>(echoRequest((<usize>memory.size() << 16) - 8, 1, 1, 4)).toBe(E_ARGUMENT);
    expect<i32>(echoRequest(a16(PEER), 1, 1, 1473)).toBe(E_ARGUMENT);
    expect<i32>(echoState()).toBe(0, "a refused one is none");
  });
  it("to ourselves stays inside", () => {
    freshNet();
    expect<i32>(echoRequest(a16(0x7f000001), 1, 1, 4)).toBe(0);
    expect<i32>(echoOutput()).toBe(0);
    expect<u32>(sent()).toBe(0);
    const b = loopbackTake();
    expect<bool>(b != 0).toBe(true);
    expect<u32>(loopbackLength(b)).toBe(20 + 8 + 4);
    expect<u32>(load<u8>(loopbackPacket(b) + 20)).toBe(8);
    loopbackRelease(b);
  });
});
