/**
 * HalfSipHash-2-4 with a secret 64-bit key: hash tables, initial sequence numbers (RFC 6528) and ports (RFC 6056)
 * that a peer must not be able to predict. 32-bit operations only, so devices run it as fast as hosts.
 */
import { ADDR_V4, addrIsV4 } from "./addr";

let key0: u32 = 0;
let key1: u32 = 0;

/** The words of the hash begun last, and the end of them: more than any use of it has. */
const ROOM: u32 = TINY ? 32 : 64;
const WORDS = memory.data(ROOM, 4);
let end: usize = WORDS;

/**
 * The last answer for each of four domains: { domain, local, remote, ports, hash }. A connection that begins asks for the same thing
 * several times, and the next one to the same peer for half of it again. Not in tiny.
 */
const LAST: usize = TINY ? 0 : memory.data(4 * 20, 4);

export function hashSeed(k0: u32, k1: u32): void {
  key0 = k0;
  key1 = k1;
  if (!TINY) memory.fill(LAST, 0, 80);
}

/** Starts a hash over at most 15 32-bit words (tiny: 7): hashBegin, hashWord …, hashEnd. Not reentrant. */
export function hashBegin(domain: u32): void {
  end = WORDS;
  hashWord(domain);
}

// @ts-ignore: decorator
@inline export function hashWord(m: u32): void {
  assert(end < WORDS + <usize>ROOM, "too many words to hash");
  store<u32>(end, m);
  end += 4;
}

export function hashEnd(): u32 {
  let v0 = key0, v1 = key1, v2: u32 = 0x6c796765 ^ key0, v3: u32 = 0x74656462 ^ key1;
  // Two rounds for a word, four behind the last.
  for (let p = WORDS, last = end; p <= last; p += 4) {
    const m: u32 = p < last ? load<u32>(p) : 0;
    if (p < last) v3 ^= m; else v2 ^= 0xff;
    for (let rounds: u32 = p < last ? 2 : 4; rounds; rounds--) {
      v0 += v1; v1 = rotl<u32>(v1, 5); v1 ^= v0; v0 = rotl<u32>(v0, 16);
      v2 += v3; v3 = rotl<u32>(v3, 8); v3 ^= v2;
      v0 += v3; v3 = rotl<u32>(v3, 7); v3 ^= v0;
      v2 += v1; v1 = rotl<u32>(v1, 13); v1 ^= v2; v2 = rotl<u32>(v2, 16);
    }
    v0 ^= m;
  }
  return v1 ^ v3;
}

/** Hash of a connection's identity: two addresses and two ports. `domain` separates uses. */
export function hashTuple(domain: u32, local: usize, remote: usize, ports: u32): u32 {
  // The other words of mapped addresses are constant; beside one ours may be none yet.
  const a = load<u32>(local, ADDR_V4), b = load<u32>(remote, ADDR_V4), known = addrIsV4(remote);
  const memo = LAST + <usize>((domain & 3) * 20);
  if (!TINY && known && load<u32>(memo) == domain && load<u32>(memo, 4) == a && load<u32>(memo, 8) == b && load<u32>(memo, 12) == ports) return load<u32>(memo, 16);
  hashBegin(domain);
  if (!known) for (let i: usize = 0; i < 12; i += 4) { hashWord(load<u32>(local + i)); hashWord(load<u32>(remote + i)); }
  hashWord(a);
  hashWord(b);
  hashWord(ports);
  const h = hashEnd();
  if (!TINY && known) {
    store<u32>(memo, domain);
    store<u32>(memo, a, 4);
    store<u32>(memo, b, 8);
    store<u32>(memo, ports, 12);
    store<u32>(memo, h, 16);
  }
  return h;
}
