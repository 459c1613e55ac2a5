/** Limits on waiting: for acknowledgements (user timeout, orphan timeout) and for the peer's FIN (FIN_WAIT_2). */
import { CONFIG_CONNECT_TIMEOUT_MS, CONFIG_FIN_WAIT2_MS, CONFIG_ORPHAN_FIN_WAIT2_MS, CONFIG_ORPHAN_TIMEOUT_MS, CONFIG_USER_TIMEOUT_MS } from "../abi/config";
import { WSAECONNRESET, WSAETIMEDOUT } from "../abi/errors";
import { TCP_FIN_WAIT_2, TCP_LISTEN, TCP_SYN_RCVD, TCP_SYN_SENT } from "../abi/winsock";
import { config } from "../base/config";
import { seqGt } from "../base/seq";
import { now } from "../base/time";
import { userTimeoutMs } from "../wire/tcp";
import { listenerOf, M_LINGER, M_ORPHAN, Tcb, tcb, TF_FIN_ACKED, TF_SEND_SHUT } from "./tcb";
import { arm, armed, disarm, T_USER, T_WAIT } from "./timer";
import { BY_TIMEOUT } from "./state";
import { closed, fail } from "./release";
import { sndUsed } from "./buffers";
import { UTO_TOLD, utoAdopted, utoNews, utoSet } from "./usertimeout";

/** True while bytes or a FIN wait to be acknowledged, sent or not. */
export function somethingOwed(t: Tcb): bool {
  return sndUsed(t) != 0 || (t.flags & (TF_SEND_SHUT | TF_FIN_ACKED)) == TF_SEND_SHUT;
}

/** Milliseconds without progress that end the connection; 0 = none. */
export function limitOf(t: Tcb): u32 {
  if (t.marks & M_LINGER) return 0;
  const adopted = TINY || t.marks & M_ORPHAN ? 0 : utoAdopted(t);
  if (adopted) return adopted;
  if (t.userLimit && !(t.marks & M_ORPHAN)) return t.userLimit == 0xffffffff ? 0 : min<u32>(t.userLimit, 1 << 30);
  return min<u32>(config(t.marks & M_ORPHAN ? CONFIG_ORPHAN_TIMEOUT_MS : CONFIG_USER_TIMEOUT_MS), 1 << 30);
}

/** Something begins to wait for an acknowledgement: the limit runs from now, unless it runs already. */
export function userTimeLimit(t: Tcb): void {
  if (armed(t, T_USER)) return;
  t.progressAt = now;
  const limit = limitOf(t);
  if (limit) arm(t, T_USER, limit);
}

/** The limit has changed: it counts from the last progress. While the connection opens another one runs (RFC 5482 §3). */
export function userLimitChanged(t: Tcb): void {
  if (t.state == TCP_SYN_SENT || t.state == TCP_SYN_RCVD) return;
  disarm(t, T_USER);
  const limit = limitOf(t);
  if (limit && somethingOwed(t)) arm(t, T_USER, limit - min(limit, now - t.progressAt));
}

/** A handshake begins: CONFIG_CONNECT_TIMEOUT_MS ends it, however many SYNs were repeated. */
export function connectTimeLimit(t: Tcb): void {
  const limit = config(CONFIG_CONNECT_TIMEOUT_MS);
  if (limit) arm(t, T_USER, min<u32>(limit, 1 << 30));
}

/** The handle was closed: from now on the orphan timeout counts (C-56, T-26). */
export function orphanTimeLimit(t: Tcb): void {
  t.progressAt = now;
  const limit = limitOf(t);
  if (limit && somethingOwed(t)) arm(t, T_USER, limit);
}

/**
 * The T_USER timer. Owned: a closed window is no failure as long as the peer answers our probes (RFC 9293 §3.8.6.1, MUST-37).
 * Without an owner only progress counts, so that a peer that keeps its window shut cannot hold the connection for ever.
 */
export function userTimeout(t: Tcb): void {
  if (t.state == TCP_SYN_SENT || t.state == TCP_SYN_RCVD) {
    fail(t, t.softError ? <i32>t.softError : WSAETIMEDOUT);
    return;
  }
  const limit = limitOf(t);
  if (!limit || !somethingOwed(t)) return;
  let since = t.progressAt;
  if (!(t.marks & M_ORPHAN) && t.sndWnd == 0 && seqGt(t.heardAt, since)) since = t.heardAt;
  if (now - since >= limit) fail(t, t.softError ? <i32>t.softError : WSAETIMEDOUT);
  else arm(t, T_USER, since + limit - now);
}

/** In FIN_WAIT_2: starts its limit, if there is one (V-18; seam.md for connections without an owner). */
export function finWait2Limit(t: Tcb): void {
  const limit = config(t.marks & M_ORPHAN ? CONFIG_ORPHAN_FIN_WAIT2_MS : CONFIG_FIN_WAIT2_MS);
  disarm(t, T_USER);
  if (limit) arm(t, T_WAIT, min<u32>(limit, 1 << 30));
}

/** The T_WAIT timer: the end of TIME_WAIT, or of patience in FIN_WAIT_2. */
export function waitTimeout(t: Tcb): void {
  if (t.state == TCP_FIN_WAIT_2 && !(t.marks & M_ORPHAN)) fail(t, WSAECONNRESET);
  else closed(t, BY_TIMEOUT);
}

/** R2 (RFC 9293 MUST-21): milliseconds without acknowledgement progress before the connection fails; 0 = the stack's, all ones = never. */
export function tcpSetUserTimeout(i: i32, ms: u32): void {
  const t = tcb(i);
  if (t.state == TCP_LISTEN) listenerOf(i).userLimit = ms;
  else {
    t.userLimit = ms;
    if (!TINY) utoNews(t);
    userLimitChanged(t);
  }
}

/** RFC 5482: UTO_x. A listener's children take it over. */
export function tcpSetUserTimeoutOption(i: i32, flags: u32): void {
  const t = tcb(i);
  if (t.state == TCP_LISTEN) listenerOf(i).uto = <u8>(flags | UTO_TOLD);
  else {
    utoSet(t, flags | UTO_TOLD);
    userLimitChanged(t);
  }
}

/** What the peer said of its user timeout last, ms; 0 = nothing. */
export function tcpPeerUserTimeout(i: i32): u32 { return userTimeoutMs(<u32>tcb(i).utoRemote); }
