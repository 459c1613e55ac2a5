/** The options of level IPPROTO_TCP. */
import { CONFIG_USER_TIMEOUT_MS } from "../abi/config";
import { WSAEFAULT, WSAEINVAL, WSAENOBUFS, WSAENOPROTOOPT } from "../abi/errors";
import { TCP_KEEPALIVE, TCP_KEEPCNT, TCP_KEEPINTVL, TCP_MAXRT, TCP_MAXRTMS, TCP_NODELAY } from "../abi/winsock";
import { streamSetNoDelay, streamSetUserTimeout } from "../provider/index";
import { config } from "../base/config";
import { has, isHosted, isStream, S_LISTENING, S_NODELAY, setFlag, settingsOwn, Socket } from "./socket";
import { keepAliveChanged } from "./socketoptions";

/** Longest keepalive time, seconds, and most probes. */
const SECONDS_MAX: u32 = 86400 * 7;
const PROBES_MAX: u32 = 255;
const FOREVER: u32 = 0xffffffff;

/** n ≥ 1 bytes at value; TCP_NODELAY takes any length, the numbers four bytes. */
export function setStreamOption(s: Socket, name: i32, value: usize, n: u32): i32 {
  if (!isStream(s)) return WSAENOPROTOOPT;
  if (name == TCP_NODELAY) {
    let on = false;
    for (let k: u32 = 0; k < n && k < 4; k++) if (load<u8>(value + <usize>k)) on = true;
    setFlag(s, S_NODELAY, on);
    if (s.transport >= 0 && !has(s, S_LISTENING)) streamSetNoDelay(s.provider, s.transport, on);
    return 0;
  }
  if (name == TCP_MAXRT || name == TCP_MAXRTMS) return setUserTimeout(s, name, value, n);
  if (name != TCP_KEEPALIVE && name != TCP_KEEPINTVL && name != TCP_KEEPCNT) return WSAENOPROTOOPT;
  if (n < 4) return WSAEFAULT;
  const v = load<u32>(value);
  if (v == 0 || v > (name == TCP_KEEPCNT ? PROBES_MAX : SECONDS_MAX)) return WSAEINVAL;
  if (!settingsOwn(s)) return WSAENOBUFS;
  if (name == TCP_KEEPALIVE) s.keepIdle = v * 1000;
  else if (name == TCP_KEEPINTVL) s.keepInterval = v * 1000;
  else s.keepCount = v;
  keepAliveChanged(s);
  return 0;
}

/** R2 of RFC 9293 §3.8.3 (MUST-21): TCP_MAXRT seconds, TCP_MAXRTMS milliseconds; all ones = never, 0 = the stack's user timeout. */
function setUserTimeout(s: Socket, name: i32, value: usize, n: u32): i32 {
  if (isHosted(s)) return WSAENOPROTOOPT;
  if (n < 4) return WSAEFAULT;
  const v = load<u32>(value), scale: u32 = name == TCP_MAXRT ? 1000 : 1;
  if (v != FOREVER && v > SECONDS_MAX * (1000 / scale)) return WSAEINVAL;
  if (!settingsOwn(s)) return WSAENOBUFS;
  s.userTimeout = v == FOREVER ? FOREVER : v * scale;
  if (s.transport >= 0) streamSetUserTimeout(s.provider, s.transport, s.userTimeout);
  return 0;
}

/** Puts the value to `out`: its size (4), -4 for a Boolean, or an error code. */
export function getStreamOption(s: Socket, name: i32, out: usize): i32 {
  if (!isStream(s)) return WSAENOPROTOOPT;
  switch (name) {
    case TCP_NODELAY: store<u32>(out, has(s, S_NODELAY) ? 1 : 0); return -4;
    case TCP_KEEPALIVE: store<u32>(out, s.keepIdle / 1000); return 4;
    case TCP_KEEPINTVL: store<u32>(out, s.keepInterval / 1000); return 4;
    case TCP_KEEPCNT: store<u32>(out, s.keepCount); return 4;
    case TCP_MAXRT:
    case TCP_MAXRTMS: {
      if (isHosted(s)) return WSAENOPROTOOPT;
      const ms = s.userTimeout ? s.userTimeout : config(CONFIG_USER_TIMEOUT_MS);
      store<u32>(out, ms == FOREVER || name == TCP_MAXRTMS ? ms : ms / 1000);
      return 4;
    }
    default: return WSAENOPROTOOPT;
  }
}
