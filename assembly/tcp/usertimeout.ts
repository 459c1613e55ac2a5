/**
 * The User Timeout option (RFC 5482): each end may tell the other how long it keeps text that is not acknowledged, and may adapt to what
 * it is told, within limits of the stack. An advice, not a negotiation. Not in tiny.
 */
import { CONFIG_FEATURES, CONFIG_USER_TIMEOUT_LEAST_MS, CONFIG_USER_TIMEOUT_MOST_MS, CONFIG_USER_TIMEOUT_MS, FEATURE_USER_TIMEOUT } from "../abi/config";
import { UTO_CHANGEABLE, UTO_ENABLED } from "../abi/sockets";
import { config } from "../base/config";
import { ACK, optionUserTimeout, RST, SYN, TCP_HEADER, tcpEmitUserTimeout, TIMESTAMPS_ROOM, USER_TIMEOUT_ROOM, userTimeoutMs } from "../wire/tcp";
import { AGREED_TIMESTAMPS, AGREED_USER_TIMEOUT, Tcb } from "./tcb";

/** Bits of `uto` beside UTO_ENABLED and UTO_CHANGEABLE. The program said whether the timeout may change; else it may while none was set. */
export const UTO_TOLD: u32 = 1 << 6;
/** The next segment with room for it carries the option. */
export const UTO_OWED: u32 = 1 << 7;
/** Longest TCP header. */
const HEADER_MAX: u32 = 60;
const FOREVER: u32 = 0xffffffff;

/** A new connection has what the stack has; a listener's children and a socket's own choice follow. */
export function utoBegin(t: Tcb): void { if (config(CONFIG_FEATURES) & FEATURE_USER_TIMEOUT) utoSet(t, UTO_ENABLED); }

/** ENABLED and CHANGEABLE, with UTO_TOLD where they are the program's word (§3). */
export function utoSet(t: Tcb, flags: u32): void {
  t.uto = <u8>(flags | (<u32>t.uto & UTO_OWED));
  t.agreed = flags & UTO_ENABLED ? t.agreed | AGREED_USER_TIMEOUT : t.agreed & ~AGREED_USER_TIMEOUT;
  utoNews(t);
}

/** The user timeout is a new one: the peer hears of it with the next segment (§3). The first one without SYN carries it too. */
export function utoNews(t: Tcb): void { if (<u32>t.uto & UTO_ENABLED) t.uto |= <u8>UTO_OWED; }

/** CHANGEABLE: a timeout that the program set stays, unless it said otherwise (§3.1). */
function mayChange(t: Tcb): bool {
  const flags = <u32>t.uto;
  return (t.agreed & AGREED_USER_TIMEOUT) != 0 && (flags & UTO_TOLD ? (flags & UTO_CHANGEABLE) != 0 : t.userLimit == 0);
}

/** ADV_UTO, ms: what this end would keep to by itself. */
function own(t: Tcb): u32 { return t.userLimit ? t.userLimit : config(CONFIG_USER_TIMEOUT_MS); }

/** USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)), ms (§3.1); 0 if the peer's advice does not count. */
export function utoAdopted(t: Tcb): u32 {
  if (!t.utoRemote || !mayChange(t)) return 0;
  return min(config(CONFIG_USER_TIMEOUT_MOST_MS), max(max(own(t), userTimeoutMs(<u32>t.utoRemote)), config(CONFIG_USER_TIMEOUT_LEAST_MS)));
}

/** The options of an acceptable segment were read: true if they change the timeout that counts. Only news does anything. */
export function utoTake(t: Tcb): bool {
  if (!(t.agreed & AGREED_USER_TIMEOUT) || !optionUserTimeout || optionUserTimeout == <u32>t.utoRemote) return false;
  t.utoRemote = <u16>optionUserTimeout;
  return mayChange(t);
}

/** The option was written into the segment at TX and leaves with it. */
export let utoWritten: bool = false;

/** With AGREED_USER_TIMEOUT: writes the option, in every SYN and where it is owed and has room beside `len` bytes of text. Returns the header's length with it. */
export function utoWrite(t: Tcb, p: usize, header: u32, flags: u32, len: u32): u32 {
  utoWritten = false;
  const due = flags & SYN ? true : (<u32>t.uto & UTO_OWED) != 0 && (flags & (ACK | RST)) == ACK;
  if (!due || header + USER_TIMEOUT_ROOM > HEADER_MAX || (len && header + USER_TIMEOUT_ROOM + len > segmentMost(t))) return header;
  // In a SYN it is no promise that the next segment need not carry it (§3).
  utoWritten = (flags & SYN) == 0;
  const ms = own(t);
  return tcpEmitUserTimeout(p, header, ms == FOREVER ? ms : min<u32>(ms, 1 << 30));
}

/** With AGREED_USER_TIMEOUT: true if the option is owed and the text that leaves next has no room for it: a segment without text goes first. */
export function utoLeads(t: Tcb): bool {
  return (<u32>t.uto & UTO_OWED) != 0 && <i32>(t.sndEnd - t.sndNxt) > <i32>(<u32>t.sndMss - USER_TIMEOUT_ROOM);
}

/** Header and text of the longest segment. */
function segmentMost(t: Tcb): u32 { return TCP_HEADER + (t.agreed & AGREED_TIMESTAMPS ? TIMESTAMPS_ROOM : 0) + <u32>t.sndMss; }
