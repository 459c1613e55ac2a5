/**
 * WSPSetSockOpt and WSPGetSockOpt: argument checks, and which option belongs to which kind of socket (semantics L, O, O.2).
 * What the options mean stands in socketoptions (SOL_SOCKET), streamoptions (IPPROTO_TCP), ipoptions (IPPROTO_IP) and lastackoptions (SOL_LASTACK).
 */
import { WSAEFAULT, WSAEINVAL, WSAENOBUFS, WSAENOPROTOOPT, WSANOTINITIALISED } from "../abi/errors";
import { IPPROTO_IP, IPPROTO_IPV6, IPPROTO_TCP, IPPROTO_UDP, SO_OPENTYPE, SO_PROTOCOL_INFOA, SO_PROTOCOL_INFOW, SOL_LASTACK, SOL_SOCKET } from "../abi/winsock";
import { getIpOption, setIpOption } from "./ipoptions";
import { getLastackOption, setLastackOption } from "./lastackoptions";
import { PROTOCOL_INFOA_SIZE, PROTOCOL_INFOW_SIZE, protocolInfoWrite } from "./protocolinfo";
import { finish, mayAccess } from "./result";
import { enter, it, Socket } from "./socket";
import { getSocketOption, isBoolean, setSocketOption } from "./socketoptions";
import { getStreamOption, setStreamOption } from "./streamoptions";

/** SO_OPENTYPE: a value of the thread, here of the module (O-26). */
let openType: u32 = 0;
/** Value that a getter found. */
const VALUE = memory.data(8, 4);

/**
 * Sets an option. Integers and structures need their full length, Booleans take any (length 0 changes nothing).
 * Errors: 10093, 10038, 10014 (pointer, length), 10022 (level, value, or too late), 10042 (not of this socket), 10055 (length -1
 * outside SOL_SOCKET, X-10).
 */
export function WSPSetSockOpt(s: u32, level: i32, name: i32, value: usize, length: i32, lpErrno: usize): i32 {
  return finish(setOption(s, level, name, value, length), lpErrno);
}

function setOption(h: u32, level: i32, name: i32, value: usize, length: i32): i32 {
  const e = enter(h);
  if (e == WSANOTINITIALISED || (e && !(level == SOL_SOCKET && name == SO_OPENTYPE))) return e;
  // a length of -1 is as good as any large one where the size is four.
  if (length == -1 && level != SOL_SOCKET) return WSAENOBUFS;
  const n: u32 = length < 0 ? 4 : <u32>length;
  if (!mayAccess(value, max<u32>(min<u32>(n, 8), 1))) return WSAEFAULT;
  switch (level) {
    case SOL_SOCKET: {
      if (name == SO_OPENTYPE) { if (n < 4) return WSAEFAULT; openType = load<u32>(value); return 0; }
      // L-17: nothing is set by a Boolean of no bytes.
      if (isBoolean(name)) return setSocketOption(it, name, value, n != 0, booleanAt(value, n));
      return setSocketOption(it, name, value, n >= 4, false);
    }
    case IPPROTO_TCP: return n ? setStreamOption(it, name, value, n) : WSAEFAULT;
    case SOL_LASTACK: return setLastackOption(it, name, value, n);
    case IPPROTO_IP: return n ? setIpOption(it, name, value, n) : WSAEFAULT;
    case IPPROTO_UDP:
    case IPPROTO_IPV6: return WSAENOPROTOOPT;
    default: return WSAEINVAL;
  }
}

/** Any bit set in the first n bytes, at most four (L-18). */
export function booleanAt(value: usize, n: u32): bool {
  for (let k: u32 = 0; k < n && k < 4; k++) if (load<u8>(value + <usize>k)) return true;
  return false;
}

/**
 * Reads an option into value; *lpLength in: room, out: bytes written. Booleans fill what room there is, up to four bytes.
 * Errors: as WSPSetSockOpt; *lpLength stays as it was, but that a protocol info that does not fit writes the size it needs (O-29).
 */
export function WSPGetSockOpt(s: u32, level: i32, name: i32, value: usize, lpLength: usize, lpErrno: usize): i32 {
  return finish(getOption(s, level, name, value, lpLength), lpErrno);
}

function getOption(h: u32, level: i32, name: i32, value: usize, lpLength: usize): i32 {
  const e = enter(h);
  if (e == WSANOTINITIALISED || (e && !(level == SOL_SOCKET && name == SO_OPENTYPE))) return e;
  if (!mayAccess(lpLength, 4)) return WSAEFAULT;
  const room = load<i32>(lpLength);
  if (room <= 0 || !mayAccess(value, min<u32>(<u32>room, 8))) return WSAEFAULT;
  if (level == SOL_SOCKET) {
    if (name == SO_PROTOCOL_INFOW) return getProtocolInfo(it, value, lpLength, <u32>room, PROTOCOL_INFOW_SIZE);
    if (name == SO_PROTOCOL_INFOA) return getProtocolInfo(it, value, lpLength, <u32>room, PROTOCOL_INFOA_SIZE);
    if (name == SO_OPENTYPE) { store<u32>(VALUE, openType); return give(value, lpLength, <u32>room, 4, false); }
  }
  return getSimple(level, name, value, lpLength, <u32>room);
}

function getSimple(level: i32, name: i32, value: usize, lpLength: usize, room: u32): i32 {
  // A getter returns the size of what it put into VALUE, negative for a Boolean, or an error code.
  let got: i32 = 0;
  switch (level) {
    case SOL_SOCKET: got = getSocketOption(it, name, VALUE); break;
    case IPPROTO_TCP: got = getStreamOption(it, name, VALUE); break;
    case SOL_LASTACK: got = getLastackOption(it, name, VALUE); break;
    case IPPROTO_IP: got = getIpOption(it, name, VALUE); break;
    case IPPROTO_UDP:
    case IPPROTO_IPV6: return WSAENOPROTOOPT;
    default: return WSAEINVAL;
  }
  if (got > 8) return got;
  return got < 0 ? give(value, lpLength, room, 4, true) : give(value, lpLength, room, <u32>got, false);
}

/** Hands VALUE out: all of `size` bytes, or of a Boolean what fits. */
function give(value: usize, lpLength: usize, room: u32, size: u32, boolean: bool): i32 {
  if (room < size && !boolean) {
    // L-12: the bytes there are room for come back as zero.
    memory.fill(value, 0, room);
    return WSAEFAULT;
  }
  const n = min(room, size);
  memory.copy(value, VALUE, n);
  store<u32>(lpLength, n);
  return 0;
}

function getProtocolInfo(s: Socket, value: usize, lpLength: usize, room: u32, size: u32): i32 {
  store<u32>(lpLength, size);
  if (room < size || !mayAccess(value, size)) return WSAEFAULT;
  protocolInfoWrite(s, value, size);
  return 0;
}
