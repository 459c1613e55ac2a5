/**
 * Demultiplexing (RFC 9293 §3.10.7 "segment arrives"): a keyed hash of the four-tuple for connections, a hash of the port
 * for listeners. The cost per segment does not grow with the number of connections, and a peer cannot choose its bucket.
 */
import { CONFIG_MAX_CONNECTIONS } from "../abi/config";
import { TCP_CLOSED, TCP_TIME_WAIT } from "../abi/winsock";
import { addrEqual, addrIsAny } from "../base/addr";
import { config } from "../base/config";
import { hashTuple } from "../base/hash";
import { randomBelow } from "../base/prng";
import { carve } from "../memory/arena";
import { linkLoad, linkStore } from "../memory/links";
import { rangesReset } from "../memory/ranges";
import { Endpoint, HASH_NEXT, indexOf, localPtr, M_HASHED, M_USED, remotePtr, tcb, tcbCount, tcbEnsure, tcbReset } from "./tcb";
import { cookiesReset } from "./cookie";
import { guardReset } from "./guard";
import { tupleHash } from "./hash";
import { lossReset } from "./loss";
import { repairsReset } from "./repairs";
import { trainForget } from "./segment_out";
import { listsReset } from "./lists";
import { waitingFind, waitingReset } from "./waiting";
import { waitingArrivalReset } from "./waiting_arrival";

/** Domain of the keyed hash (base/hash). */
const DOMAIN_PORT: u32 = 0x7463b002;

const LISTEN_BUCKETS: u32 = TINY ? 1 : 256;
/** Out-of-order ranges of all connections together: enough for many, bounded for all. */
const RANGES_LEAST: u32 = TINY ? 0 : 256;
const RANGES_MOST: u32 = 16384;
/** Dynamic ports (RFC 6335 §6). */
const PORT_FIRST: u32 = 49152;
const PORT_COUNT: u32 = 16384;
/** Largest random step between two ports chosen (RFC 6056 §3.3.5). */
const PORT_STEP: u32 = 16;

let buckets: usize = 0;
let bucketMask: u32 = 0;
const LISTENERS = memory.data(LISTEN_BUCKETS * 4, 4);
/** Connection found last, -1 if it may be gone: segments come in runs. */
let lastFound: i32 = -1;
let portNext: u32 = 0;

/**
 * Carves everything TCP needs for CONFIG_MAX_CONNECTIONS blocks; whatever existed is forgotten. False if memory does not suffice.
 */
export function tcpReset(): bool {
  const connections = config(CONFIG_MAX_CONNECTIONS), nodes = min(max(connections, RANGES_LEAST), RANGES_MOST);
  listsReset();
  guardReset();
  cookiesReset();
  waitingArrivalReset();
  return tcbReset(connections) && waitingReset() && tableReset(connections) && rangesReset(nodes) && (TINY || (lossReset(connections) && repairsReset(nodes)));
}

/** Carves the buckets: a power of two, at least one per connection. */
function tableReset(connections: u32): bool {
  const n: u32 = TINY || connections <= 1 ? 1 : 1 << (32 - clz(connections - 1));
  bucketMask = n - 1;
  buckets = carve(n * 4);
  memory.fill(LISTENERS, 0, LISTEN_BUCKETS * 4);
  lastFound = -1;
  portNext = randomBelow(PORT_COUNT);
  return buckets != 0;
}

/** To be called by who is about to take a block (tcbEnsure), and holds none. */
export function tableEnsure(): void { if (!TINY && tcbEnsure()) trainForget(); }

function bucketOf(local: usize, remote: usize, ports: u32): usize { return buckets + (<usize>(tupleHash(local, remote, ports) & bucketMask) << 2); }

// @ts-ignore: decorator
@inline function same(e: Endpoint, local: usize, remote: usize, lport: u32, rport: u32): bool {
  return <u32>e.lport == lport && <u32>e.rport == rport && addrEqual(remotePtr(e), remote) && addrEqual(localPtr(e), local);
}

/** Connection with this four-tuple, the newest if a dying one shares it; -1 if there is none. */
export function tupleFind(local: usize, remote: usize, lport: u32, rport: u32): i32 {
  if (lastFound >= 0 && same(tcb(lastFound), local, remote, lport, rport)) return lastFound;
  let at = load<u32>(bucketOf(local, remote, lport << 16 | rport));
  while (at) {
    const e = tcb(<i32>at - 1);
    if (same(e, local, remote, lport, rport)) {
      lastFound = <i32>at - 1;
      return lastFound;
    }
    at = e.hashNext;
  }
  return -1;
}

/** Enters connection i under its four-tuple, before any other that has the same. */
export function tupleInsert(i: i32): void {
  const e = tcb(i), bucket = bucketOf(localPtr(e), remotePtr(e), <u32>e.lport << 16 | <u32>e.rport);
  e.hashNext = load<u32>(bucket);
  store<u32>(bucket, <u32>i + 1);
  e.marks |= M_HASHED;
  lastFound = -1;
}

/** Removes a connection or listener from its hash; nothing happens if it stands in none. */
export function unhash(e: Endpoint, isListener: bool): void {
  if (!(e.marks & M_HASHED)) return;
  e.marks &= ~M_HASHED;
  lastFound = -1;
  const wanted = <u32>indexOf(e) + 1;
  let link = isListener ? listenBucket(e.lport) : bucketOf(localPtr(e), remotePtr(e), <u32>e.lport << 16 | <u32>e.rport);
  while (linkLoad(link) != wanted) link = changetype<usize>(tcb(<i32>linkLoad(link) - 1)) + HASH_NEXT;
  linkStore(link, e.hashNext);
}

// @ts-ignore: decorator
@inline function listenBucket(lport: u32): usize { return LISTENERS + (<usize>(lport & (LISTEN_BUCKETS - 1)) << 2); }

/** Enters listener i behind those that are there: with a shared port the first one gets the connections (O-11). */
export function listenerInsert(i: i32): void {
  const e = tcb(i);
  let link = listenBucket(e.lport);
  while (linkLoad(link)) link = changetype<usize>(tcb(<i32>linkLoad(link) - 1)) + HASH_NEXT;
  e.hashNext = 0;
  linkStore(link, <u32>i + 1);
  e.marks |= M_HASHED;
}

/** Listener for a SYN to this address and port, one on the address before one on the wildcard (O-12); -1 if none. */
export function listenerFind(local: usize, lport: u32): i32 {
  let wildcard: i32 = -1;
  for (let at = load<u32>(listenBucket(lport)); at; at = tcb(<i32>at - 1).hashNext) {
    const e = tcb(<i32>at - 1);
    if (<u32>e.lport != lport) continue;
    if (addrEqual(localPtr(e), local)) return <i32>at - 1;
    if (wildcard < 0 && addrIsAny(localPtr(e))) wildcard = <i32>at - 1;
  }
  return wildcard;
}

/**
 * True if no listener and no live connection uses `lport` on this local address; for the wildcard, on any address
 * (C-57, O-17). TIME_WAIT does not count (O-18). Walks the table: meant for bind, not for segments.
 */
export function tcpPortFree(local16: usize, lport: u32): bool {
  const any = addrIsAny(local16);
  for (let i: u32 = 0; i < tcbCount; i++) {
    const e = tcb(<i32>i);
    if (!(e.marks & M_USED) || <u32>e.lport != lport || e.state == TCP_CLOSED || e.state == TCP_TIME_WAIT) continue;
    if (any || addrEqual(localPtr(e), local16)) return false;
  }
  return true;
}

/**
 * A port for a connection from local16 to remote16:rport, unpredictable for others (RFC 6056 §3.3.5); with rport 0, one
 * nobody uses on local16. Ports of listeners are left out; a four-tuple in TIME_WAIT is taken only when nothing else is left.
 * 0 if every dynamic port is in use.
 */
export function tcpEphemeralPort(local16: usize, remote16: usize, rport: u32): u32 {
  portNext += 1 + randomBelow(PORT_STEP);
  const start = portNext + hashTuple(DOMAIN_PORT, local16, remote16, rport);
  let waiting: u32 = 0;
  for (let k: u32 = 0; k < PORT_COUNT; k++) {
    const port = PORT_FIRST + ((start + k) & (PORT_COUNT - 1));
    if (listenerFind(local16, port) >= 0) continue;
    if (!rport) {
      if (tcpPortFree(local16, port)) return port;
      continue;
    }
    const i = tupleFind(local16, remote16, port, rport);
    if (i >= 0) continue;
    if (!waitingFind(local16, remote16, port << 16 | rport)) return port;
    if (!waiting) waiting = port;
  }
  return waiting;
}
