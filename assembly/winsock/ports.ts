/**
 * Which socket holds which local port: the sharing rules of SO_REUSEADDR and SO_EXCLUSIVEADDRUSE (semantics O-09 … O-18).
 * Every socket with a port stands in the chain of its port's hash, closed ones whose connection lives on included (C-57).
 */
import { WSAEACCES, WSAEADDRINUSE, WSAENOBUFS } from "../abi/errors";
import { addrCopy, addrEqual, addrIsAny } from "../base/addr";
import { randomBelow } from "../base/prng";
import { datagramBind, streamBind, streamFailure, streamPort } from "../provider/index";
import { has, indexOf, isHosted, isStream, localOf, S_ACCEPTED, S_BOUND, S_EXCLUSIVE, S_REUSEADDR, Socket, socketAt, T_OPEN } from "./socket";

const CHAINS: u32 = TINY ? 1 : 1024;
const EPHEMERAL_FIRST: u32 = 49152;
const EPHEMERAL_COUNT: u32 = 16384;

const heads = memory.data(CHAINS * 4, 4);

export function portsReset(): void { memory.fill(heads, 0, <usize>CHAINS * 4); }

// @ts-ignore: decorator
@inline function headOf(port: u32): usize { return heads + <usize>((port & (CHAINS - 1)) << 2); }

/** Enters s, which has its address and port, into the chains. */
export function portTake(s: Socket): void {
  const head = headOf(<u32>s.lport), ref = indexOf(s) + 1, next = load<u32>(head);
  s.portPrev = 0;
  s.portNext = next;
  if (next) socketAt(next - 1).portPrev = ref;
  store<u32>(head, ref);
  s.flags |= S_BOUND;
}

/** s gives its port up. */
export function portDrop(s: Socket): void {
  if (!has(s, S_BOUND)) return;
  s.flags &= ~S_BOUND;
  if (s.portPrev) socketAt(s.portPrev - 1).portNext = s.portNext; else store<u32>(headOf(<u32>s.lport), s.portNext);
  if (s.portNext) socketAt(s.portNext - 1).portPrev = s.portPrev;
  s.lport = 0;
}

/** Error that binding s to (local, port) meets, 0 if none. */
export function portConflict(s: Socket, local: usize, port: u32): i32 {
  for (let ref = load<u32>(headOf(port)); ref; ref = socketAt(ref - 1).portNext) {
    const other = socketAt(ref - 1);
    if (<u32>other.lport != port || isStream(other) != isStream(s) || other.provider != s.provider) continue;
    const e = clash(other, s, addrEqual(localOf(other), local), addrIsAny(localOf(other)), addrIsAny(local));
    if (e) return e;
  }
  return 0;
}

/** First holder against second comer: the documented matrix of the two options and of wildcard against specific address. */
function clash(first: Socket, second: Socket, same: bool, firstAny: bool, secondAny: bool): i32 {
  // A connection taken from a listener, or one closed and still busy, hinders exclusive binds only (O-17, C-57).
  if (has(first, S_ACCEPTED) || first.teardown != T_OPEN) {
    return has(second, S_EXCLUSIVE) && (same || secondAny) ? WSAEADDRINUSE : 0;
  }
  if (same) {
    if (!has(second, S_REUSEADDR)) return WSAEADDRINUSE;
    return has(first, S_REUSEADDR) ? 0 : WSAEACCES;
  }
  if (firstAny) return has(first, S_EXCLUSIVE) ? WSAEACCES : 0;
  return secondAny && has(second, S_EXCLUSIVE) ? WSAEADDRINUSE : 0;
}

/** Gives s the local address and port, port 0 = a free one; 10048, 10013 or 10055. */
export function bindTo(s: Socket, local: usize, port: u32): i32 {
  if (isHosted(s)) return bindOutside(s, local, port);
  if (!port) {
    port = freePort(s);
    if (!port) return WSAENOBUFS;
  } else {
    const e = portConflict(s, local, port);
    if (e) return e;
  }
  addrCopy(localOf(s), local);
  s.lport = <u16>port;
  portTake(s);
  if (!isStream(s)) datagramBind(s.provider, s.transport, local, port);
  return 0;
}

/** The operating system has the last word on the names of host sockets, our own sharing rules the first (N-27). */
function bindOutside(s: Socket, local: usize, port: u32): i32 {
  const e = port ? portConflict(s, local, port) : 0;
  if (e) return e;
  if (isStream(s)) {
    s.transport = streamBind(s.provider, local, port, <i32>indexOf(s));
    if (s.transport < 0) return streamFailure(s.provider);
    port = streamPort(s.provider, s.transport);
  } else {
    const given = datagramBind(s.provider, s.transport, local, port);
    if (given < 0) return -given;
    port = <u32>given;
  }
  addrCopy(localOf(s), local);
  s.lport = <u16>port;
  portTake(s);
  return 0;
}

/** A port of the dynamic range nobody holds at all, from a random start (RFC 6056); 0 if every one is held. */
function freePort(s: Socket): u32 {
  const start = randomBelow(EPHEMERAL_COUNT);
  for (let k: u32 = 0; k < EPHEMERAL_COUNT; k++) {
    const port = EPHEMERAL_FIRST + ((start + k) & (EPHEMERAL_COUNT - 1));
    if (!held(s, port)) return port;
  }
  return 0;
}

function held(s: Socket, port: u32): bool {
  for (let ref = load<u32>(headOf(port)); ref; ref = socketAt(ref - 1).portNext) {
    if (<u32>socketAt(ref - 1).lport == port && socketAt(ref - 1).type == s.type) return true;
  }
  return false;
}
