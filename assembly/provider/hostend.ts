/**
 * How a host socket ends: what a WASI errno means, the look at acknowledgements while a close goes on, failure, reset, and
 * the return of block and descriptor. The host executes; what is done and when is decided here (semantics N.3).
 */
import { READY_READ } from "../abi/events";
import { CONFIG_FIN_WAIT2_MS, CONFIG_ORPHAN_FIN_WAIT2_MS, CONFIG_ORPHAN_TIMEOUT_MS, CONFIG_SWITCHES, SWITCH_V15_RESET_KEEPS_UNREAD } from "../abi/config";
import {
  WSAEACCES, WSAEADDRINUSE, WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAECONNABORTED, WSAECONNREFUSED, WSAECONNRESET, WSAEHOSTUNREACH,
  WSAEINVAL, WSAEISCONN, WSAEMFILE, WSAEMSGSIZE, WSAENETDOWN, WSAENETRESET, WSAENETUNREACH, WSAENOBUFS, WSAENOTCONN, WSAETIMEDOUT,
} from "../abi/errors";
import {
  WASI_ECONNABORTED, WASI_ECONNREFUSED, WASI_ECONNRESET, WASI_EINVAL, WASI_ENETDOWN, WASI_EPIPE, WASI_ETIMEDOUT,
} from "../abi/link";
import { CAUSE_NONE } from "../abi/report";
import {
  CAPABILITY_PAUSED_SEEN, WASI_EACCES, WASI_EADDRINUSE, WASI_EADDRNOTAVAIL, WASI_EAFNOSUPPORT, WASI_EHOSTUNREACH, WASI_EISCONN,
  WASI_EMFILE, WASI_EMSGSIZE, WASI_ENETUNREACH, WASI_ENOTCONN,
} from "../abi/sockets";
import {
  LSO_FIN_ACKED, LSO_OUTSTANDING, LSO_RESET, SO_ERROR, SOL_LASTACK, SOL_SOCKET, TCP_CLOSE_WAIT, TCP_CLOSED, TCP_CLOSING,
  TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_LAST_ACK, TCP_LISTEN, TCP_SYN_SENT,
} from "../abi/winsock";
import { config } from "../base/config";
import { due, now } from "../base/time";
import { deadlineBefore, deadlineClear } from "../memory/deadlines";
import { idOfHost } from "../memory/identities";
import { ringFree, ringUsed } from "../memory/ring";
import {
  NOTIFY_BLIND, NOTIFY_CONNECT_FAILED, NOTIFY_FAILED, NOTIFY_HALF_DONE, NOTIFY_RESET, NOTIFY_SETTLED, TF_FAILED, TF_FIN_ACKED, TF_FIN_RCVD,
  TF_FIN_SENT, TF_RST_RCVD, TF_RST_SENT, TF_SEND_SHUT,
} from "../tcp/tcb";
import { hostOption, hostSetOption } from "../wasi/sockets";
import {
  H_BLIND, H_DETACHED, H_HALF_DONE, H_HELD, H_KEEPALIVE, H_LINGER, H_ORPHAN, H_PEER_FIRST, H_PENDING, H_TIME_WAIT, H_WAITING, HostBlock, hostBlock, hostFree,
  hostNotify, hostRelease, hostWorkAdd, indexOfHost, marked, recvRing, sendRing,
} from "./hostblock";

/** Looks at a close in progress: as often as semantics N.3 asks while somebody waits for it, less often afterwards. */
const LOOK_MS: u32 = 10;
const LATE_MS: u32 = 100;
const EARLY_MS: u32 = 5000;
/** Longest time between two looks where nothing is under way. */
const IDLE_MS: u32 = 1000;

/** Winsock error for a WASI errno (semantics N.2). */
export function hostError(errno: i32): i32 {
  switch (errno) {
    case 0: return 0;
    case WASI_ECONNRESET: return WSAECONNRESET;
    case WASI_EPIPE:
    case WASI_ECONNABORTED: return WSAECONNABORTED;
    // What a call on an established connection makes of it stands in winsock/status.
    case WASI_ETIMEDOUT: return WSAETIMEDOUT;
    case WASI_ECONNREFUSED: return WSAECONNREFUSED;
    case WASI_EHOSTUNREACH: return WSAEHOSTUNREACH;
    case WASI_ENETUNREACH: return WSAENETUNREACH;
    case WASI_ENETDOWN: return WSAENETDOWN;
    case WASI_EADDRINUSE: return WSAEADDRINUSE;
    case WASI_EADDRNOTAVAIL: return WSAEADDRNOTAVAIL;
    case WASI_EACCES: return WSAEACCES;
    case WASI_EAFNOSUPPORT: return WSAEAFNOSUPPORT;
    case WASI_ENOTCONN: return WSAENOTCONN;
    case WASI_EISCONN: return WSAEISCONN;
    case WASI_EINVAL: return WSAEINVAL;
    case WASI_EMFILE: return WSAEMFILE;
    case WASI_EMSGSIZE: return WSAEMSGSIZE;
    default: return WSAENOBUFS;
  }
}

/** Bytes the host holds unsent or unacknowledged, -1 if it cannot tell; 0 without a descriptor. */
export function hostHolds(b: HostBlock): i32 { return b.fd < 0 ? 0 : hostOption(b.fd, SOL_LASTACK, LSO_OUTSTANDING, -1); }

/** State of a connection after one of its two directions moved. */
export function hostState(b: HostBlock): void {
  const shut = (b.flags & TF_SEND_SHUT) != 0, acked = (b.flags & TF_FIN_ACKED) != 0;
  if (b.flags & TF_FIN_RCVD) b.state = !shut ? TCP_CLOSE_WAIT : marked(b, H_PEER_FIRST) ? TCP_LAST_ACK : TCP_CLOSING;
  else b.state = !shut ? TCP_ESTABLISHED : acked ? TCP_FIN_WAIT_2 : TCP_FIN_WAIT_1;
}

/** Writes off what was sent and is not known to have arrived. Once, while the host can still be asked. */
function writeOff(b: HostBlock): void {
  if (b.fd < 0) return;
  const held = hostHolds(b);
  if (held < 0) b.marks |= H_BLIND;
  else b.bytesLost = ringUsed(sendRing(b)) + <u32>held;
}

/** Enters CLOSED: the descriptor goes back, with a reset if `reset`; unread bytes stay for the owner. */
function closed(b: HostBlock, reset: bool): void {
  if (b.state == TCP_CLOSED) return;
  writeOff(b);
  if (reset) hostSetOption(b.fd, SOL_LASTACK, LSO_RESET, 1);
  hostRelease(b);
  ringFree(sendRing(b));
  deadlineClear(idOfHost(<u32>indexOfHost(b)));
  // Nobody but its listener knew the connection.
  if (marked(b, H_PENDING)) {
    childRemove(b);
    b.marks |= H_DETACHED;
  }
  b.state = TCP_CLOSED;
  hostNotify(b, NOTIFY_SETTLED);
  hostFreeIfDone(b);
}

/** The host is left alone with what it took: nobody will ask what became of it. */
export function hostLeave(b: HostBlock): void {
  if (b.flags & TF_FIN_SENT && marked(b, H_BLIND)) closed(b, false);
}

/** Takes a child out of its listener's queue. */
export function childRemove(b: HostBlock): void {
  if (!marked(b, H_PENDING)) return;
  const l = hostBlock(<i32>b.listener - 1), wanted = <u32>indexOfHost(b) + 1;
  let previous: u32 = 0;
  for (let at = l.children; at != wanted; at = hostBlock(<i32>at - 1).next) previous = at;
  if (previous) hostBlock(<i32>previous - 1).next = b.next; else l.children = b.next;
  if (l.childrenLast == wanted) l.childrenLast = previous;
  l.childCount--;
  b.marks &= ~H_PENDING;
  b.listener = 0;
  b.next = 0;
}

/** Frees a CLOSED block as soon as nobody looks at it any more. */
export function hostFreeIfDone(b: HostBlock): void {
  if (b.state != TCP_CLOSED || !marked(b, H_DETACHED)) return;
  hostFlush(b);
  hostFree(indexOfHost(b));
}

/** Gives up what was received and not read: it counts as discarded. */
export function hostFlush(b: HostBlock): void {
  b.bytesDiscarded += ringUsed(recvRing(b));
  ringFree(recvRing(b));
}

/** The connection, or the attempt at one, failed with a WASI errno that the host reported. */
export function hostFail(b: HostBlock, errno: i32): void {
  if (b.state == TCP_CLOSED) return;
  const connecting = b.state == TCP_SYN_SENT, isReset = errno == WASI_ECONNRESET || errno == WASI_EPIPE;
  b.error = <u16>hostError(errno ? errno : WASI_ECONNABORTED);
  // with nothing outstanding it was the probes that found no answer.
  if (errno == WASI_ETIMEDOUT && marked(b, H_KEEPALIVE) && !ringUsed(sendRing(b)) && hostHolds(b) == 0) b.error = <u16>WSAENETRESET;
  if (connecting) {
    b.flags |= errno == WASI_ECONNREFUSED ? TF_RST_RCVD : TF_FAILED;
    hostNotify(b, NOTIFY_CONNECT_FAILED);
  } else {
    b.flags |= isReset ? TF_RST_RCVD : TF_FAILED;
    hostNotify(b, isReset ? NOTIFY_RESET : NOTIFY_FAILED);
  }
  // V-15: a reset empties every queue of the connection.
  if (!isReset || !(config(CONFIG_SWITCHES) & SWITCH_V15_RESET_KEEPS_UNREAD)) hostFlush(b);
  closed(b, false);
}

/** RFC 9293 §3.10.5: the states in which an abort sends a RST; with bytes still on their way, also behind a FIN. */
function abortSendsReset(b: HostBlock): bool {
  const s = b.state;
  if (s == TCP_ESTABLISHED || s == TCP_FIN_WAIT_1 || s == TCP_FIN_WAIT_2 || s == TCP_CLOSE_WAIT) return true;
  return s != TCP_SYN_SENT && (ringUsed(sendRing(b)) != 0 || hostHolds(b) != 0);
}

/** Resets the connection where that is due and ends it. `error` is what the owner's later calls meet. */
export function hostReset(b: HostBlock, cause: u32, error: i32): void {
  if (b.state == TCP_CLOSED || b.state == TCP_LISTEN) return;
  const reset = abortSendsReset(b);
  if (reset) b.flags |= TF_RST_SENT;
  b.cause = <u8>cause;
  b.error = <u16>error;
  hostFlush(b);
  // In CLOSING and LAST_ACK nothing is sent (C-12), but the host must not go on repeating the FIN: its abort is as silent there.
  closed(b, reset || b.state == TCP_SYN_SENT || b.state == TCP_CLOSING || b.state == TCP_LAST_ACK);
}

/** Bytes came that nobody may have: reset, and the owner is told (S-11, C-45). */
export function hostRefuse(b: HostBlock, cause: u32): void {
  hostNotify(b, NOTIFY_FAILED);
  hostReset(b, cause, WSAECONNABORTED);
}

/** Looks at the connection again within `ms`. */
export function hostLookIn(b: HostBlock, ms: u32): void {
  b.interval = ms;
  deadlineBefore(idOfHost(<u32>indexOfHost(b)), now + ms);
}

/** Our FIN is with the host's stack, or the peer's came: is anything left to wait for? */
export function hostSettle(b: HostBlock): void {
  if (!(b.flags & TF_FIN_SENT)) return;
  if (!(b.flags & TF_FIN_ACKED) && !marked(b, H_BLIND)) {
    const acked = hostOption(b.fd, SOL_LASTACK, LSO_FIN_ACKED, -1);
    if (acked == 0) return;
    if (acked < 0) {
      b.marks |= H_BLIND;
      hostNotify(b, NOTIFY_BLIND);
    } else b.flags |= TF_FIN_ACKED;
    hostState(b);
  }
  if (b.flags & TF_FIN_ACKED && !marked(b, H_HALF_DONE)) {
    b.marks |= H_HALF_DONE;
    hostNotify(b, NOTIFY_HALF_DONE);
  }
  if (b.flags & TF_FIN_RCVD) {
    if (b.flags & TF_FIN_ACKED && !marked(b, H_PEER_FIRST)) {
      b.marks |= H_TIME_WAIT;
      b.waitAt = now;
    }
    closed(b, false);
    return;
  }
  const limit = config(marked(b, H_ORPHAN) ? CONFIG_ORPHAN_FIN_WAIT2_MS : CONFIG_FIN_WAIT2_MS);
  if (marked(b, H_WAITING) || !limit) return;
  b.marks |= H_WAITING;
  b.waitAt = now + limit;
}

/** The deadline of block i: a look at what the host does not tell by itself. */
export function hostTimer(i: i32): void {
  const b = hostBlock(i);
  if (b.fd < 0 || b.state == TCP_LISTEN || b.state == TCP_CLOSED) return;
  const held = marked(b, H_HELD);
  if (held || b.flags & TF_FIN_RCVD) {
    // N-10, P-21: resets that Node does not see.
    const errno = hostOption(b.fd, SOL_SOCKET, SO_ERROR, 0);
    if (errno) { hostFail(b, errno); return; }
  }
  // Memory may have been short, so the full buffer is tried again.
  if (held) { b.ready |= READY_READ; hostWorkAdd(b); }
  hostSettle(b);
  if (b.fd < 0 || (marked(b, H_WAITING) && waited(b)) || stuck(b)) return;
  again(b, held);
}

/** FIN_WAIT_2 has lasted its time: with an owner the connection is dropped (V-18), else the host goes on by itself. */
function waited(b: HostBlock): bool {
  if (!due(b.waitAt)) return false;
  if (marked(b, H_ORPHAN)) { closed(b, false); return true; }
  b.flags |= TF_FAILED;
  hostReset(b, CAUSE_NONE, WSAECONNRESET);
  hostNotify(b, NOTIFY_FAILED);
  return true;
}

/** C-56: an ownerless connection whose acknowledgements make no progress is given up. */
function stuck(b: HostBlock): bool {
  const holds = hostHolds(b), left = ringUsed(sendRing(b)) + (holds < 0 ? 0 : <u32>holds);
  if (left < b.outstanding || !marked(b, H_ORPHAN)) b.progressAt = now;
  b.outstanding = left;
  if (!marked(b, H_ORPHAN) || marked(b, H_LINGER | H_HALF_DONE | H_BLIND)) return false;
  if (now - b.progressAt < config(CONFIG_ORPHAN_TIMEOUT_MS)) return false;
  b.flags |= TF_FAILED;
  hostReset(b, CAUSE_NONE, WSAETIMEDOUT);
  return true;
}

/** When to look again, if there is anything to look for. */
function again(b: HostBlock, held: bool): void {
  const closing = (b.flags & TF_FIN_SENT) != 0 || marked(b, H_ORPHAN);
  if (!closing && !held) {
    // A reset behind the peer's FIN is all that is left to see, and nobody waits for it.
    if (b.flags & TF_FIN_RCVD && b.capabilities & CAPABILITY_PAUSED_SEEN) hostLookIn(b, min(max(b.interval, 1) * 2, IDLE_MS));
    return;
  }
  // Nothing but the end of the wait is left to see.
  if (marked(b, H_WAITING)) { hostLookIn(b, min(b.waitAt - now, LATE_MS * 10)); return; }
  if (marked(b, H_HALF_DONE | H_BLIND) && !held) return;
  const early = closing && now - b.progressAt < EARLY_MS;
  hostLookIn(b, early ? min(b.interval * 2, LOOK_MS) : LATE_MS);
}
