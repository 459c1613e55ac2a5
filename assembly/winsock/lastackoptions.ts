/** The private level SOL_LASTACK: what closing needs beyond Winsock (seam.md). */
import { WSAEFAULT, WSAEINVAL, WSAEISCONN, WSAENOBUFS, WSAENOPROTOOPT } from "../abi/errors";
import { FEATURE_USER_TIMEOUT, CONFIG_FEATURES } from "../abi/config";
import {
  CONGESTION_CUBIC, LSO_CONGESTION, LSO_CORK, LSO_ERROR_REPORTS, LSO_LINGER_MS, LSO_TSAP_CALLED, LSO_TSAP_OWN, LSO_USER_TIMEOUT_OPTION, LSO_USER_TIMEOUT_PEER, UTO_CHANGEABLE, UTO_ENABLED,
} from "../abi/sockets";
import { LSO_CAPABILITIES, LSO_DRAIN, LSO_FIN_ACKED, LSO_OUTSTANDING, LSO_RESET } from "../abi/winsock";
import { streamBlind, streamCapabilities, streamOutstanding, streamPeerUserTimeout, streamSetCongestion, streamSetCork, streamSetUserTimeoutOption } from "../provider/index";
import { config } from "../base/config";
import { TF_FIN_ACKED } from "../tcp/tcb";
import { calledTsap, ownTsap } from "../cotp/association";
import { TSAP_MAX } from "../wire/cotp";
import { associationOf } from "./seqpacket/facts";
import { mayAccess } from "./result";
import { has, isHosted, isSeqpacket, isStream, overlapTake, S_CONNECTED, S_CONNECTING, S_ERROR_REPORTS, S_LISTENING, setFlag, settingsOwn, Socket } from "./socket";
import { factsOf } from "./status";
import { resetStream } from "./teardown/close";

export function setLastackOption(s: Socket, name: i32, value: usize, n: u32): i32 {
  if (!isStream(s)) return WSAENOPROTOOPT;
  switch (name) {
    case LSO_RESET: return resetStream(s);
    case LSO_DRAIN: {
      if (n < 8) return WSAEFAULT;
      if (!settingsOwn(s)) return WSAENOBUFS;
      s.drainBytes = load<u32>(value);
      // Half the clock's range bounds a deadline; without bytes or time there is no drain.
      s.drainMs = s.drainBytes ? min<u32>(load<u32>(value, 4), 0x3fffffff) : 0;
      return 0;
    }
    case LSO_LINGER_MS:
      if (n < 4) return WSAEFAULT;
      if (!overlapTake(s)) return WSAENOBUFS;
      // No longer than the seconds could say, which bounds a deadline too.
      s.lingerMs = min<u32>(load<u32>(value), 65535000);
      return 0;
    case LSO_CONGESTION:
      if (TINY) return WSAENOPROTOOPT;
      if (n < 4) return WSAEFAULT;
      if (load<u32>(value) > CONGESTION_CUBIC) return WSAEINVAL;
      if (!settingsOwn(s)) return WSAENOBUFS;
      s.congestion = load<u32>(value);
      if (s.transport >= 0 && !has(s, S_LISTENING)) streamSetCongestion(s.provider, s.transport, s.congestion);
      return 0;
    case LSO_CORK:
      if (TINY || isHosted(s)) return WSAENOPROTOOPT;
      if (n < 4) return WSAEFAULT;
      if (!settingsOwn(s)) return WSAENOBUFS;
      s.corked = load<u32>(value) != 0;
      if (s.transport >= 0 && !has(s, S_LISTENING)) streamSetCork(s.provider, s.transport, s.corked);
      return 0;
    case LSO_USER_TIMEOUT_OPTION: return TINY ? WSAENOPROTOOPT : setUserTimeoutOption(s, value, n);
    case LSO_ERROR_REPORTS:
      if (n < 4) return WSAEFAULT;
      if (TINY || isHosted(s)) return WSAENOPROTOOPT;
      setFlag(s, S_ERROR_REPORTS, load<u32>(value) != 0);
      return 0;
    case LSO_TSAP_OWN:
    case LSO_TSAP_CALLED: return setTsap(s, name, value, n);
    default: return WSAENOPROTOOPT;
  }
}

/** RFC 5482: whether the option is used, and whether the peer's changes the user timeout of this end. */
function setUserTimeoutOption(s: Socket, value: usize, n: u32): i32 {
  if (isHosted(s)) return WSAENOPROTOOPT;
  if (n < 4) return WSAEFAULT;
  const flags = load<u32>(value);
  if (flags & ~(UTO_ENABLED | UTO_CHANGEABLE)) return WSAEINVAL;
  if (!settingsOwn(s)) return WSAENOBUFS;
  s.uto = <u8>(flags + 1);
  if (s.transport >= 0) streamSetUserTimeoutOption(s.provider, s.transport, flags);
  return 0;
}

/** What counts while nothing was set: the stack's choice, and no change of a timeout that the program set. */
function userTimeoutOption(s: Socket): u32 {
  if (s.uto) return <u32>s.uto - 1;
  return (config(CONFIG_FEATURES) & FEATURE_USER_TIMEOUT ? UTO_ENABLED : 0) | (s.userTimeout ? 0 : UTO_CHANGEABLE);
}

/** Transport selectors say whom a connection request is for: they are settled before it, and before listening. */
function setTsap(s: Socket, name: i32, value: usize, n: u32): i32 {
  if (!isSeqpacket(s)) return WSAENOPROTOOPT;
  if (n > TSAP_MAX) return WSAEINVAL;
  if (!mayAccess(value, n)) return WSAEFAULT;
  if (has(s, S_CONNECTED | S_CONNECTING | S_LISTENING)) return WSAEISCONN;
  const a = associationOf(s), own = name == LSO_TSAP_OWN;
  memory.copy(own ? ownTsap(a) : calledTsap(a), value, n);
  if (own) a.ownLength = <u8>n; else a.calledLength = <u8>n;
  return 0;
}

/** Puts the value to `out` (8 bytes): its size, or an error code. */
export function getLastackOption(s: Socket, name: i32, out: usize): i32 {
  if (!isStream(s)) return WSAENOPROTOOPT;
  const live = has(s, S_CONNECTED) && s.transport >= 0;
  switch (name) {
    case LSO_OUTSTANDING: store<i32>(out, live ? streamOutstanding(s.provider, s.transport) : 0); return 4;
    case LSO_FIN_ACKED: store<i32>(out, factsOf(s) & TF_FIN_ACKED ? 1 : live && streamBlind(s.provider, s.transport) ? -1 : 0); return 4;
    case LSO_CAPABILITIES: store<u32>(out, !isHosted(s) || live ? streamCapabilities(s.provider, s.transport) : 0); return 4;
    case LSO_CONGESTION:
      if (TINY) return WSAENOPROTOOPT;
      store<u32>(out, s.congestion);
      return 4;
    case LSO_CORK:
      if (TINY || isHosted(s)) return WSAENOPROTOOPT;
      store<u32>(out, s.corked ? 1 : 0);
      return 4;
    case LSO_USER_TIMEOUT_OPTION:
      if (TINY || isHosted(s)) return WSAENOPROTOOPT;
      store<u32>(out, userTimeoutOption(s));
      return 4;
    case LSO_USER_TIMEOUT_PEER:
      if (TINY || isHosted(s)) return WSAENOPROTOOPT;
      store<u32>(out, live ? streamPeerUserTimeout(s.provider, s.transport) : 0);
      return 4;
    case LSO_ERROR_REPORTS: store<u32>(out, has(s, S_ERROR_REPORTS) ? 1 : 0); return 4;
    case LSO_DRAIN: store<u32>(out, s.drainBytes); store<u32>(out, s.drainMs, 4); return 8;
    default: return WSAENOPROTOOPT;
  }
}
