/** The keyed hash of a four-tuple under which connections and TIME_WAIT records are found: a peer cannot choose its bucket. */
import { ADDR_V4, addrIsV4 } from "../base/addr";
import { hashBegin, hashEnd, hashTuple, hashWord } from "../base/hash";

const DOMAIN_TABLE: u32 = 0x7463b001;

/** `ports`: ours << 16 | the peer's. */
export function tupleHash(local: usize, remote: usize, ports: u32): u32 {
  // So few connections are one list.
  if (TINY) return 0;
  if (!addrIsV4(remote)) return hashTuple(DOMAIN_TABLE, local, remote, ports);
  // The other words of a mapped address are constant.
  hashBegin(DOMAIN_TABLE);
  hashWord(load<u32>(local, ADDR_V4));
  hashWord(load<u32>(remote, ADDR_V4));
  hashWord(ports);
  return hashEnd();
}
