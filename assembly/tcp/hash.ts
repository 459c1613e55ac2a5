/** The keyed hash of a four-tuple under which connections and TIME_WAIT records are found: a peer cannot choose its bucket. */
import { hashTuple } from "../base/hash";

const DOMAIN_TABLE: u32 = 0x7463b001;

/** `ports`: ours << 16 | the peer's. So few connections as in tiny are one list. */
// @ts-ignore: decorator
@inline export function tupleHash(local: usize, remote: usize, ports: u32): u32 { return TINY ? 0 : hashTuple(DOMAIN_TABLE, local, remote, ports); }
