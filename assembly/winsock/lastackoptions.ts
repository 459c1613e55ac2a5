/** The private level SOL_LASTACK: what closing needs beyond Winsock (seam.md). */
import { WSAEFAULT, WSAENOPROTOOPT } from "../abi/errors";
import { LSO_LINGER_MS } from "../abi/sockets";
import { LSO_CAPABILITIES, LSO_DRAIN, LSO_FIN_ACKED, LSO_OUTSTANDING, LSO_RESET } from "../abi/winsock";
import { PROVIDER_INET, streamBlind, streamCapabilities, streamOutstanding } from "../provider/index";
import { TF_FIN_ACKED } from "../tcp/tcb";
import { has, isStream, S_CONNECTED, Socket } from "./socket";
import { factsOf } from "./status";
import { resetStream } from "./teardown/close";

export function setLastackOption(s: Socket, name: i32, value: usize, n: u32): i32 {
  if (!isStream(s)) return WSAENOPROTOOPT;
  switch (name) {
    case LSO_RESET: return resetStream(s);
    case LSO_DRAIN: {
      if (n < 8) return WSAEFAULT;
      s.drainBytes = load<u32>(value);
      // Half the clock's range bounds a deadline; without bytes or time there is no drain.
      s.drainMs = s.drainBytes ? min<u32>(load<u32>(value, 4), 0x3fffffff) : 0;
      return 0;
    }
    case LSO_LINGER_MS:
      if (n < 4) return WSAEFAULT;
      // No longer than the seconds could say, which bounds a deadline too.
      s.lingerMs = min<u32>(load<u32>(value), 65535000);
      return 0;
    default: return WSAENOPROTOOPT;
  }
}

/** Puts the value to `out` (8 bytes): its size, or an error code. */
export function getLastackOption(s: Socket, name: i32, out: usize): i32 {
  if (!isStream(s)) return WSAENOPROTOOPT;
  const live = has(s, S_CONNECTED) && s.transport >= 0;
  switch (name) {
    case LSO_OUTSTANDING: store<i32>(out, live ? streamOutstanding(s.provider, s.transport) : 0); return 4;
    case LSO_FIN_ACKED: store<i32>(out, factsOf(s) & TF_FIN_ACKED ? 1 : live && streamBlind(s.provider, s.transport) ? -1 : 0); return 4;
    case LSO_CAPABILITIES: store<u32>(out, s.provider == PROVIDER_INET || live ? streamCapabilities(s.provider, s.transport) : 0); return 4;
    case LSO_DRAIN: store<u32>(out, s.drainBytes); store<u32>(out, s.drainMs, 4); return 8;
    default: return WSAENOPROTOOPT;
  }
}
