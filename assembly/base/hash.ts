/**
 * HalfSipHash-2-4 with a secret 64-bit key: hash tables, initial sequence numbers (RFC 6528) and ports (RFC 6056)
 * that a peer must not be able to predict. 32-bit operations only, so devices run it as fast as hosts.
 */
import { ADDR_BYTES } from "./addr";

let key0: u32 = 0;
let key1: u32 = 0;
let v0: u32 = 0;
let v1: u32 = 0;
let v2: u32 = 0;
let v3: u32 = 0;

export function hashSeed(k0: u32, k1: u32): void { key0 = k0; key1 = k1; }

// @ts-ignore: decorator
@inline function round(): void { if (TINY) roundOnce(); else roundHere(); }
function roundOnce(): void { roundHere(); }
// @ts-ignore: decorator
@inline function roundHere(): void {
  v0 += v1; v1 = rotl<u32>(v1, 5); v1 ^= v0; v0 = rotl<u32>(v0, 16);
  v2 += v3; v3 = rotl<u32>(v3, 8); v3 ^= v2;
  v0 += v3; v3 = rotl<u32>(v3, 7); v3 ^= v0;
  v2 += v1; v1 = rotl<u32>(v1, 13); v1 ^= v2; v2 = rotl<u32>(v2, 16);
}

/** Starts a hash over 32-bit words: hashBegin, hashWord …, hashEnd. Not reentrant. */
export function hashBegin(domain: u32): void {
  v0 = key0; v1 = key1; v2 = 0x6c796765 ^ key0; v3 = 0x74656462 ^ key1;
  hashWord(domain);
}

export function hashWord(m: u32): void {
  v3 ^= m;
  round(); round();
  v0 ^= m;
}

export function hashEnd(): u32 {
  v2 ^= 0xff;
  round(); round(); round(); round();
  return v1 ^ v3;
}

/** Hash of a connection's identity: two addresses and two ports. `domain` separates uses. */
export function hashTuple(domain: u32, local: usize, remote: usize, ports: u32): u32 {
  hashBegin(domain);
  for (let i: usize = 0; i < <usize>ADDR_BYTES; i += 4) { hashWord(load<u32>(local + i)); hashWord(load<u32>(remote + i)); }
  hashWord(ports);
  return hashEnd();
}
