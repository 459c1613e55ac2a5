/** Socket addresses as they cross the seam (semantics K.5), and the two calls that ask for them. */
import { WSAEAFNOSUPPORT, WSAEFAULT, WSAEINVAL, WSAENOTCONN } from "../abi/errors";
import { AF_INET, SIZEOF_SOCKADDR_IN } from "../abi/winsock";
import { ADDR_ALIGN, ADDR_BYTES, ADDR_V4, addrSetV4 } from "../base/addr";
import { wr16 } from "../base/bytes";
import { streamPort } from "../provider/index";
import { portDrop, portTake } from "./ports";
import { finish, mayAccess } from "./result";
import { enter, has, it, localOf, remoteOf, S_ACCEPTED, S_ACCEPTING, S_BOUND, S_CONNECTED, S_NO_CONTEXT, Socket } from "./socket";

/** Address and port of the sockaddr that sockaddrRead took. */
export const NAME = memory.data(ADDR_BYTES, ADDR_ALIGN);
export let namePort: u32 = 0;

/** Reads a sockaddr into NAME and namePort: 0, 10014 (pointer, length) or 10047 (family). */
export function sockaddrRead(name: usize, length: i32): i32 {
  if (length < 2 || !mayAccess(name, <u32>length)) return WSAEFAULT;
  if (<i32>load<u16>(name) != AF_INET) return WSAEAFNOSUPPORT;
  if (length < <i32>SIZEOF_SOCKADDR_IN) return WSAEFAULT;
  namePort = (<u32>load<u8>(name, 2) << 8) | <u32>load<u8>(name, 3);
  addrSetV4(NAME, (<u32>load<u8>(name, 4) << 24) | (<u32>load<u8>(name, 5) << 16) | (<u32>load<u8>(name, 6) << 8) | <u32>load<u8>(name, 7));
  return 0;
}

/** 0 if a sockaddr fits behind (name, *length), else 10014 with nothing changed. */
export function sockaddrCheck(name: usize, length: usize): i32 {
  if (!mayAccess(length, 4)) return WSAEFAULT;
  return load<i32>(length) >= <i32>SIZEOF_SOCKADDR_IN && mayAccess(name, SIZEOF_SOCKADDR_IN) ? 0 : WSAEFAULT;
}

/** Writes a checked sockaddr and its length. */
export function sockaddrWrite(name: usize, length: usize, addr: usize, port: u32): void {
  memory.fill(name, 0, SIZEOF_SOCKADDR_IN);
  store<u16>(name, <u16>AF_INET);
  wr16(name + 2, port);
  for (let k: usize = 0; k < 4; k++) store<u8>(name + 4 + k, load<u8>(addr + ADDR_V4 + k));
  store<u32>(length, SIZEOF_SOCKADDR_IN);
}

/** Own address of a bound socket; it survives shutdown and reset (S-27). Errors: 10093, 10038, 10014, 10022 (unbound, X-24). */
export function WSPGetSockName(s: u32, name: usize, length: usize, lpErrno: usize): i32 {
  return finish(sockName(s, name, length), lpErrno);
}

function sockName(h: u32, name: usize, length: usize): i32 {
  let e = enter(h);
  if (e) return e;
  const s = it;
  e = sockaddrCheck(name, length);
  if (e) return e;
  // O-35: of an accepted socket without its context nothing is known yet.
  if (!has(s, S_BOUND) || has(s, S_ACCEPTING) || (has(s, S_NO_CONTEXT) && has(s, S_ACCEPTED))) return WSAEINVAL;
  if (!s.lport && s.transport >= 0) portLater(s);
  sockaddrWrite(name, length, localOf(s), <u32>s.lport);
  return 0;
}

/** The host may choose the port later than bind (CAPABILITY_BIND_NOW). */
function portLater(s: Socket): void {
  const port = streamPort(s.provider, s.transport);
  if (!port) return;
  portDrop(s);
  s.lport = <u16>port;
  portTake(s);
}

/** Peer's address of a connected socket. Errors: 10093, 10038, 10057 (whatever the pointers are, X-25), 10014. */
export function WSPGetPeerName(s: u32, name: usize, length: usize, lpErrno: usize): i32 {
  return finish(peerName(s, name, length), lpErrno);
}

function peerName(h: u32, name: usize, length: usize): i32 {
  let e = enter(h);
  if (e) return e;
  const s = it;
  if (!has(s, S_CONNECTED) || has(s, S_NO_CONTEXT)) return WSAENOTCONN;
  e = sockaddrCheck(name, length);
  if (e) return e;
  sockaddrWrite(name, length, remoteOf(s), <u32>s.rport);
  return 0;
}
