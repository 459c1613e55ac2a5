/** The options of level SOL_SOCKET. */
import { SWITCH_V12_ERROR_CLEARS, SWITCH_V13_DONTLINGER_INVERTED } from "../abi/config";
import { WSAEFAULT, WSAEINVAL, WSAENOBUFS, WSAENOPROTOOPT } from "../abi/errors";
import {
  SO_ACCEPTCONN, SO_BROADCAST, SO_CONDITIONAL_ACCEPT, SO_CONNECT_TIME, SO_DEBUG, SO_DONTLINGER, SO_DONTROUTE, SO_ERROR,
  SO_EXCLUSIVEADDRUSE, SO_KEEPALIVE, SO_LINGER, SO_MAX_MSG_SIZE, SO_OOBINLINE, SO_PAUSE_ACCEPT, SO_RCVBUF, SO_RCVLOWAT, SO_RCVTIMEO,
  SO_REUSEADDR, SO_SNDBUF, SO_SNDLOWAT, SO_SNDTIMEO, SO_TYPE,
  SO_UPDATE_ACCEPT_CONTEXT, SO_UPDATE_CONNECT_CONTEXT,
} from "../abi/winsock";
import { datagramSetBroadcast, datagramSetLimits, streamListenPause, streamSetKeepAlive, streamSetLimits, streamSetUrgentInline } from "../provider/index";
import { associationLimit } from "../cotp/association";
import { associationOf } from "./seqpacket/facts";
import { DATAGRAM_MAX } from "./datagram";
import { updateAcceptContext, updateConnectContext } from "./overlapped/context";
import {
  has, isSeqpacket, isStream, S_ACCEPTED, S_BROADCAST, S_CONDITIONAL, S_CONNECTED, S_DEBUG, S_DONTROUTE, S_EXCLUSIVE, S_KEEPALIVE, S_LISTENING, S_NEW_LIMITS,
  S_OOBINLINE, S_PAUSE_ACCEPT, S_REUSEADDR, setFlag, settingsOwn, Socket,
} from "./socket";
import { chosen } from "./status";
import { clockNow } from "./waits";

/** Buffers are at most this large, bytes. */
const BUFFER_MAX: u32 = 1 << 30;

/** Flag of a Boolean that is one; 0 for every other option. */
function flagOf(name: i32): u32 {
  switch (name) {
    case SO_DEBUG: return S_DEBUG;
    case SO_REUSEADDR: return S_REUSEADDR;
    case SO_EXCLUSIVEADDRUSE: return S_EXCLUSIVE;
    case SO_KEEPALIVE: return S_KEEPALIVE;
    case SO_DONTROUTE: return S_DONTROUTE;
    case SO_BROADCAST: return S_BROADCAST;
    case SO_OOBINLINE: return S_OOBINLINE;
    case SO_CONDITIONAL_ACCEPT: return S_CONDITIONAL;
    case SO_PAUSE_ACCEPT: return S_PAUSE_ACCEPT;
    default: return 0;
  }
}

export function isBoolean(name: i32): bool { return name == SO_DONTLINGER || flagOf(name) != 0; }

/** O.2: the option exists for this kind of socket. */
function belongs(s: Socket, name: i32): bool {
  switch (name) {
    case SO_LINGER:
    case SO_DONTLINGER:
    case SO_OOBINLINE:
    case SO_KEEPALIVE:
    case SO_ACCEPTCONN:
    case SO_CONDITIONAL_ACCEPT:
    case SO_PAUSE_ACCEPT: return isStream(s);
    case SO_BROADCAST: return !isStream(s);
    default: return true;
  }
}

/**
 * `full`: the value has its size (a Boolean: at least one byte); `on`: its truth. Checks run in chapter X's order: pointer and
 * length were checked by the caller where they do not depend on the option.
 */
export function setSocketOption(s: Socket, name: i32, value: usize, full: bool, on: bool): i32 {
  const flag = flagOf(name);
  if (flag || name == SO_DONTLINGER) {
    if (!belongs(s, name)) return WSAENOPROTOOPT;
    if (!full) return 0;
    return name == SO_DONTLINGER ? setDontLinger(s, on) : setBoolean(s, name, flag, on);
  }
  switch (name) {
    case SO_LINGER:
    case SO_SNDBUF:
    case SO_RCVBUF:
    case SO_SNDTIMEO:
    case SO_RCVTIMEO:
    case SO_ERROR: return full ? setNumber(s, name, value) : WSAEFAULT;
    case SO_UPDATE_ACCEPT_CONTEXT:
      return TINY || !isStream(s) ? WSAENOPROTOOPT : full ? updateAcceptContext(s, load<u32>(value)) : WSAEFAULT;
    case SO_UPDATE_CONNECT_CONTEXT: return TINY || !isStream(s) ? WSAENOPROTOOPT : updateConnectContext(s);
    case SO_TYPE: return isStream(s) ? WSAENOPROTOOPT : WSAEINVAL;
    case SO_SNDLOWAT:
    case SO_RCVLOWAT: return WSAEINVAL;
    default: return WSAENOPROTOOPT;
  }
}

function setNumber(s: Socket, name: i32, value: usize): i32 {
  const v = load<u32>(value);
  switch (name) {
    case SO_LINGER:
      if (!isStream(s)) return WSAENOPROTOOPT;
      s.lingerOn = load<u16>(value);
      // L-05, L-08: what stands beside onoff 0 is no explicit timeout and does not replace one.
      if (s.lingerOn) s.lingerSecs = load<u16>(value, 2);
      s.lingerMs = 0;
      return 0;
    case SO_ERROR: s.soError = <i32>v; return 0;
  }
  if (!settingsOwn(s)) return WSAENOBUFS;
  switch (name) {
    case SO_SNDBUF: s.sendLimit = bounded(v, true); limits(s); return 0;
    case SO_RCVBUF: s.recvLimit = bounded(v, false); limits(s); return 0;
    case SO_SNDTIMEO: s.sendTimeout = v; return 0;
    default: s.recvTimeout = v; return 0;
  }
}

/** Static pools hold what they hold. */
function bounded(v: u32, send: bool): u32 {
  return min(v, TINY ? <u32>(send ? TINY_SEND_BUFFER : TINY_RECV_BUFFER) : BUFFER_MAX);
}

function limits(s: Socket): void {
  if (s.transport < 0) return;
  if (!isStream(s)) datagramSetLimits(s.provider, s.transport, s.sendLimit, s.recvLimit);
  else if (has(s, S_LISTENING)) s.flags |= S_NEW_LIMITS;
  else {
    streamSetLimits(s.provider, s.transport, s.sendLimit, s.recvLimit);
    if (isSeqpacket(s)) associationLimit(associationOf(s), s.recvLimit);
  }
}

/** V-13: TRUE turns lingering off; L-08, L-09: FALSE arms the seconds that were stored last, which are 0 on a fresh socket. */
function setDontLinger(s: Socket, on: bool): i32 {
  s.lingerOn = on == chosen(SWITCH_V13_DONTLINGER_INVERTED) ? 1 : 0;
  return 0;
}

function setBoolean(s: Socket, name: i32, flag: u32, on: bool): i32 {
  // O-13, O-14: sharing and exclusive use exclude each other.
  if (on && ((flag == S_REUSEADDR && has(s, S_EXCLUSIVE)) || (flag == S_EXCLUSIVE && has(s, S_REUSEADDR)))) return WSAEINVAL;
  if (name == SO_CONDITIONAL_ACCEPT && has(s, S_LISTENING)) return WSAEINVAL;
  setFlag(s, flag, on);
  if (flag == S_KEEPALIVE) keepAliveChanged(s);
  if (flag == S_OOBINLINE && !isSeqpacket(s) && s.transport >= 0 && !has(s, S_LISTENING)) streamSetUrgentInline(s.provider, s.transport, on);
  if (flag == S_BROADCAST) datagramSetBroadcast(s.provider, s.transport, on);
  if (flag == S_PAUSE_ACCEPT && has(s, S_LISTENING)) streamListenPause(s.provider, s.transport, on);
  return 0;
}

/** Tells a live connection about SO_KEEPALIVE and its times. */
export function keepAliveChanged(s: Socket): void {
  if (isStream(s) && s.transport >= 0 && !has(s, S_LISTENING)) {
    streamSetKeepAlive(s.provider, s.transport, has(s, S_KEEPALIVE), s.keepIdle, s.keepInterval, s.keepCount);
  }
}

/** Puts the value to `out`: its size (4), -4 for a Boolean, or an error code. */
export function getSocketOption(s: Socket, name: i32, out: usize): i32 {
  if (!belongs(s, name)) return WSAENOPROTOOPT;
  const flag = flagOf(name);
  if (flag) { store<u32>(out, has(s, flag) ? 1 : 0); return -4; }
  switch (name) {
    case SO_LINGER: store<u16>(out, s.lingerOn); store<u16>(out, s.lingerSecs, 2); break;
    case SO_DONTLINGER: store<u32>(out, (s.lingerOn == 0) != chosen(SWITCH_V13_DONTLINGER_INVERTED) ? 1 : 0); return -4;
    case SO_ACCEPTCONN: store<u32>(out, has(s, S_LISTENING) ? 1 : 0); return -4;
    case SO_SNDBUF: store<u32>(out, s.sendLimit); break;
    case SO_RCVBUF: store<u32>(out, s.recvLimit); break;
    case SO_SNDTIMEO: store<u32>(out, s.sendTimeout); break;
    case SO_RCVTIMEO: store<u32>(out, s.recvTimeout); break;
    case SO_ERROR: store<i32>(out, s.soError); if (chosen(SWITCH_V12_ERROR_CLEARS)) s.soError = 0; break;
    case SO_TYPE: store<u32>(out, <u32>s.type); break;
    case SO_CONNECT_TIME: store<u32>(out, connectSeconds(s)); break;
    // A stream has no messages, and SOCK_SEQPACKET no longest one.
    case SO_MAX_MSG_SIZE: store<u32>(out, isSeqpacket(s) ? 0xffffffff : isStream(s) ? 0 : DATAGRAM_MAX); break;
    case SO_SNDLOWAT:
    case SO_RCVLOWAT: return WSAEINVAL;
    default: return WSAENOPROTOOPT;
  }
  return 4;
}

function connectSeconds(s: Socket): u32 {
  return isStream(s) && has(s, S_CONNECTED | S_ACCEPTED) ? (clockNow() - s.connectedAt) / 1000 : 0xffffffff;
}
