import { seqGeq, seqGt, seqLeq, seqLt, seqMax, seqMin } from "../../assembly/base/seq";
import { sumBytes, sumFinish, sumFold, sumPseudo, sumSwap, sumWord } from "../../assembly/base/checksum";
import { due, now, timeReset, timeSample, until } from "../../assembly/base/time";
import { prngSeed, random32, randomBelow } from "../../assembly/base/prng";
import { hashSeed, hashTuple } from "../../assembly/base/hash";
import { addrEqual, addrIsAny, addrIsLoopback, addrIsMulticast, addrIsV4, addrMatches, addrSetV4, addrV4 } from "../../assembly/base/addr";
import { config, configLoad } from "../../assembly/base/config";
import * as C from "../../assembly/abi/config";

const A = memory.data(70000, 16);
const B = memory.data(64, 16);

/** The definition in RFC 1071 §1, byte by byte: the other implementations are compared with it. */
function reference(p: usize, len: u32): u32 {
  let acc: u32 = 0;
  for (let i: u32 = 0; i < len; i++) acc += <u32>load<u8>(p + i) << (i & 1 ? 8 : 0);
  while (acc >> 16) acc = (acc & 0xffff) + (acc >> 16);
  return acc;
}

describe("seq", () => {
  it("compares across the wrap", () => {
    expect<bool>(seqLt(0xfffffff0, 5)).toBe(true);
    expect<bool>(seqGt(5, 0xfffffff0)).toBe(true);
    expect<bool>(seqLeq(7, 7)).toBe(true);
    expect<bool>(seqGeq(7, 7)).toBe(true);
    expect<u32>(seqMax(0xfffffff0, 5)).toBe(5);
    expect<u32>(seqMin(0xfffffff0, 5)).toBe(0xfffffff0);
  });
});

describe("checksum", () => {
  it("agrees with RFC 1071 at every length and alignment up to 200", () => {
    prngSeed(1, 2, 3, 4);
    for (let i = 0; i < 300; i++) store<u8>(A + i, <u8>random32());
    let wrong = 0;
    for (let start: u32 = 0; start < 8; start++)
      for (let n: u32 = 0; n <= 200; n++) if (sumFold(sumBytes(A + start, n)) != reference(A + start, n)) wrong++;
    expect<i32>(wrong).toBe(0);
  });
  it("does not overflow on 65,535 bytes of ones", () => {
    memory.fill(A, 0xff, 65535);
    expect<u32>(sumBytes(A, 65535)).toBe(reference(A, 65535));
  });
  it("joins parts of odd length with a byte exchange", () => {
    for (let i = 0; i < 100; i++) store<u8>(A + i, <u8>(i * 37));
    const joined = sumFold(sumBytes(A, 33) + sumSwap(sumFold(sumBytes(A + 33, 67))));
    expect<u32>(joined).toBe(reference(A, 100));
  });
  it("verifies a known IPv4 header", () => {
    // 45 00 00 73 00 00 40 00 40 11 b8 61 c0 a8 00 01 c0 a8 00 c7
    const words: u32[] = [0x73000045, 0x00400000, 0x61b81140, 0x0100a8c0, 0xc700a8c0];
    for (let i = 0; i < 5; i++) store<u32>(A + i * 4, words[i]);
    expect<u32>(sumFinish(sumBytes(A, 20))).toBe(0);
  });
  it("counts the pseudo header's length in 32 bits", () => {
    addrSetV4(A, 0x0a000001); addrSetV4(A + 16, 0x0a000002);
    store<u8>(B, 10); store<u8>(B, 0, 1); store<u8>(B, 0, 2); store<u8>(B, 1, 3);
    store<u8>(B, 10, 4); store<u8>(B, 0, 5); store<u8>(B, 0, 6); store<u8>(B, 2, 7);
    store<u8>(B, 0, 8); store<u8>(B, 6, 9); store<u8>(B, 0x12, 10); store<u8>(B, 0x34, 11);
    expect<u32>(sumPseudo(A, A + 16, true, 6, 0x1234)).toBe(reference(B, 12));
    expect<u32>(sumWord(0x1234)).toBe(0x3412);
  });
});

describe("time", () => {
  it("keeps milliseconds and their remainder", () => {
    timeReset(0); timeSample(1000);
    timeSample(1000 + 999999); expect<u32>(now).toBe(0);
    timeSample(1000 + 1000000); expect<u32>(now).toBe(1);
    timeSample(500); expect<u32>(now).toBe(1, "a clock that goes backwards stands still");
  });
  it("takes gaps of 5 s, 1 h and 12 days without a 64-bit division", () => {
    let t: u64 = 12345;
    timeReset(0); timeSample(t);
    t += 5000 * 1000000; timeSample(t); expect<u32>(now).toBe(5000);
    t += <u64>3600000 * 1000000; timeSample(t); expect<u32>(now).toBe(3605000);
    const days: u64 = 12 * 86400000;
    t += days * 1000000; timeSample(t); expect<u32>(now).toBe(3605000 + <u32>days);
  });
  it("counts a gap of 50 days, or of 500 years, as 2^30 ms: every deadline is due, none wraps", () => {
    timeReset(0); timeSample(0); timeSample(<u64>50 * 86400000 * 1000000);
    expect<u32>(now).toBe(1 << 30);
    timeReset(7); timeSample(0); timeSample(0x7fffffffffffffff);
    expect<u32>(now).toBe((1 << 30) + 7);
  });
  it("compares deadlines across the 32-bit wrap", () => {
    timeReset(0xfffffff0); timeSample(0);
    expect<bool>(due(0x10)).toBe(false);
    expect<u32>(until(0x10)).toBe(0x20);
    timeSample(0x20 * 1000000);
    expect<u32>(now).toBe(0x10);
    expect<bool>(due(0x10)).toBe(true);
    expect<u32>(until(0x0)).toBe(0);
  });
});

describe("prng and hash", () => {
  it("never sticks at the all-zero state", () => {
    prngSeed(0, 0, 0, 0);
    let bits: u32 = 0;
    for (let i = 0; i < 100; i++) bits |= random32();
    expect<bool>(bits != 0).toBe(true);
  });
  it("stays below its bound", () => {
    let high: u32 = 0;
    for (let i = 0; i < 1000; i++) high = max(high, randomBelow(10));
    expect<u32>(high).toBe(9);
  });
  it("depends on the key, the domain, and every part of the tuple", () => {
    addrSetV4(A, 0x0a000001); addrSetV4(A + 16, 0x0a000002);
    hashSeed(1, 2);
    const h = hashTuple(1, A, A + 16, 80);
    expect<u32>(hashTuple(1, A, A + 16, 80)).toBe(h);
    expect<bool>(hashTuple(2, A, A + 16, 80) != h).toBe(true);
    expect<bool>(hashTuple(1, A + 16, A, 80) != h).toBe(true);
    expect<bool>(hashTuple(1, A, A + 16, 81) != h).toBe(true);
    hashSeed(1, 3);
    expect<bool>(hashTuple(1, A, A + 16, 80) != h).toBe(true);
  });
});

describe("addresses", () => {
  it("tells the kinds apart", () => {
    addrSetV4(A, 0x7f000001); expect<bool>(addrIsLoopback(A) && addrIsV4(A)).toBe(true);
    expect<u32>(addrV4(A)).toBe(0x7f000001);
    addrSetV4(A, 0xe0000001); expect<bool>(addrIsMulticast(A)).toBe(true);
    addrSetV4(A, 0); expect<bool>(addrIsAny(A)).toBe(true);
    memory.fill(B, 0, 16); expect<bool>(addrIsAny(B)).toBe(true);
    store<u8>(B, 1, 15); expect<bool>(addrIsLoopback(B) && !addrIsV4(B)).toBe(true);
    expect<bool>(addrEqual(A, B)).toBe(false);
  });
  it("matches prefixes bit by bit", () => {
    addrSetV4(A, 0x0a000080); addrSetV4(A + 16, 0x0a0000ff);
    expect<bool>(addrMatches(A, A + 16, 96 + 25)).toBe(true);
    expect<bool>(addrMatches(A, A + 16, 96 + 26)).toBe(false);
    expect<bool>(addrMatches(A, A + 16, 0)).toBe(true);
    expect<bool>(addrMatches(A, A, 128)).toBe(true);
  });
});

describe("configure record", () => {
  it("fills what a short record leaves out", () => {
    store<u32>(A, 8); store<u32>(A, 77, 4);
    expect<bool>(configLoad(A, 8)).toBe(true);
    expect<u32>(config(C.CONFIG_MAX_SOCKETS)).toBe(77);
    expect<u32>(config(C.CONFIG_MAX_CONNECTIONS)).toBe(154);
    expect<u32>(config(C.CONFIG_TIME_WAIT_MS)).toBe(C.DEFAULT_TIME_WAIT_MS);
  });
  it("refuses values that would break serial arithmetic, and odd records", () => {
    store<u32>(A, 8); store<u32>(A, 0, 4); expect<bool>(configLoad(A, 8)).toBe(false);
    expect<bool>(configLoad(A, 7)).toBe(false);
    expect<bool>(configLoad(A, C.SIZEOF_CONFIG + 4)).toBe(false);
    memory.fill(A, 0xff, C.SIZEOF_CONFIG); store<u32>(A + C.CONFIG_TIME_WAIT_MS, 300001);
    expect<bool>(configLoad(A, C.SIZEOF_CONFIG)).toBe(false);
  });
});
