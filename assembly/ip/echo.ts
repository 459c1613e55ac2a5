/**
 * Echo requests of our own (RFC 792): one at a time, sent at the next poll; what became of it is kept until the next one. Left out
 * of tiny builds, which answer echo requests and make none.
 */
import { E_ARGUMENT, E_STATE, WASI_EAGAIN } from "../abi/link";
import { IPPROTO_ICMP } from "../abi/winsock";
import { STAT_ICMP_OUT_MSGS } from "../abi/stats";
import { ADDR_ALIGN, ADDR_BYTES, addrCopy, addrEqual, addrIsV4, addrV4 } from "../base/addr";
import { sumBytes } from "../base/checksum";
import { count } from "../base/counters";
import { ICMP_ECHO, ICMP_HEADER, icmpEmit, ICMP_REST } from "../wire/icmp";
import { ipIsBroadcast, ipIsLocal, v4IsUnicast } from "./address";
import { payload, payloadLength, SRC } from "./input";
import { ipSend, NO_ROUTE, TTL_DEFAULT, TX } from "./output";
import { ipSourceFor } from "./route";

/** Most bytes of data in a request: what one Ethernet frame carries. */
const DATA_MAX: u32 = TINY ? 0 : 1472;
const DATA: usize = TINY ? 0 : memory.data(1472, 8);
const TO: usize = TINY ? 0 : memory.data(ADDR_BYTES, ADDR_ALIGN);
const FROM: usize = TINY ? 0 : memory.data(ADDR_BYTES, ADDR_ALIGN);

/** Results of echoState; what ipSend refused to send is a state too (NO_ROUTE, UNREACHABLE). */
const ECHO_NONE: i32 = 0;
const ECHO_QUEUED: i32 = 1;
const ECHO_SENT: i32 = 2;
const ECHO_ANSWERED: i32 = 3;
let state: i32 = ECHO_NONE;
/** Identifier and sequence number of the request as they stand in a packet, and its bytes of data. */
let mark: u32 = 0;
let length: u32 = 0;

export function echoReset(): void { state = ECHO_NONE; }

/**
 * Asks the IPv4 address at `address` (16 bytes) for an echo of `bytes` (0 to 1472) of data, at the next poll. A request before it is
 * forgotten. `identifier` and `sequence` (16 bits each) tell its answer from others; whoever repeats one may get the answer to the
 * first. Returns 0, E_ARGUMENT (not the address of a single host, too long, pointer out of memory) or E_STATE (tiny build).
 * Whether and when the host answers is not promised: see echoState.
 */
export function echoRequest(address: usize, identifier: u32, sequence: u32, bytes: u32): i32 {
  if (TINY) return E_STATE;
  if (bytes > DATA_MAX || !address || <u64>address + 16 > <u64>memory.size() << 16 || !addrIsV4(address)) return E_ARGUMENT;
  if (!ipIsLocal(address) && (!v4IsUnicast(addrV4(address)) || ipIsBroadcast(address))) return E_ARGUMENT;
  addrCopy(TO, address);
  for (let i: u32 = 0; i < bytes; i++) store<u8>(DATA + i, <u8>i);
  mark = bswap<u16>(<u16>identifier) | <u32>bswap<u16>(<u16>sequence) << 16;
  length = bytes;
  state = ECHO_QUEUED;
  return 0;
}

/** What became of the last request: 0 none, 1 not sent yet, 2 sent, 3 answered, -1 no route, -2 its neighbour recently did not answer. */
export function echoState(): i32 { return state; }

/** A request waits. */
// @ts-ignore: decorator
@inline export function echoDue(): bool { return !TINY && state == ECHO_QUEUED; }

/** Sends the request that waits; WASI_EAGAIN if the device is full. */
export function echoOutput(): i32 {
  if (TINY || state != ECHO_QUEUED) return 0;
  if (ipSourceFor(TO, FROM) < 0) { state = NO_ROUTE; return 0; }
  icmpEmit(TX, ICMP_ECHO, 0, mark, sumBytes(DATA, length));
  const result = ipSend(FROM, TO, <u32>IPPROTO_ICMP, ICMP_HEADER, DATA, length, 0, 0, TTL_DEFAULT, 0);
  if (result == WASI_EAGAIN) return result;
  if (result == 0) count(STAT_ICMP_OUT_MSGS);
  state = result == 0 ? ECHO_SENT : result;
  return 0;
}

/** The packet in ip/input is an echo reply whose sum is right: the answer if it is from whom we asked, with what we sent (RFC 1122 §3.2.2.6). */
export function echoArrive(): void {
  if (TINY || state != ECHO_SENT || !addrEqual(SRC, TO)) return;
  if (load<u32>(payload, ICMP_REST) != mark || payloadLength != ICMP_HEADER + length) return;
  if (memory.compare(payload + ICMP_HEADER, DATA, length) == 0) state = ECHO_ANSWERED;
}
