/**
 * The identification field (RFC 6864): 0 in packets that are never fragmented, else counters that neither repeat soon for one
 * destination nor tell one peer how much we send to another (RFC 7739 §5.3).
 */
import { addrV4 } from "../base/addr";
import { hashBegin, hashEnd, hashWord } from "../base/hash";
import { random32, randomBelow } from "../base/prng";

const COUNTERS: u32 = TINY ? 8 : 256;
const HASH_DOMAIN: u32 = 0x69702d69;
const TABLE = memory.data(COUNTERS * 2, 2);

export function identificationReset(): void {
  for (let i: u32 = 0; i < COUNTERS; i++) store<u16>(TABLE + (<usize>i << 1), <u16>random32());
}

/** The next identification for a packet from src16 to dst16. */
export function identificationFor(src16: usize, dst16: usize, protocol: u32): u32 {
  hashBegin(HASH_DOMAIN);
  hashWord(addrV4(src16));
  hashWord(addrV4(dst16));
  hashWord(protocol);
  const at = TABLE + (<usize>(hashEnd() & (COUNTERS - 1)) << 1);
  const id = (<u32>load<u16>(at) + 1 + randomBelow(8)) & 0xffff;
  store<u16>(at, <u16>id);
  return id;
}
