/** shutdown and the two disconnects: chapters S and D. They end directions, never the socket (S-44), and never wait (L-26). */
import { SWITCH_V22_RECVDISC_LENIENT } from "../../abi/config";
import { WSAEINVAL, WSAENOPROTOOPT, WSAENOTCONN } from "../../abi/errors";
import { OP_RECV, OP_SEND } from "../../abi/events";
import { SD_BOTH, SD_RECEIVE, SD_SEND } from "../../abi/winsock";
import { operationsProgress } from "../overlapped/progress";
import { finish } from "../result";
import { disconnectDataGet, disconnectDataPut } from "../seqpacket/disconnect";
import { enter, has, isSeqpacket, isStream, it, S_NO_CONTEXT, S_RECV_SHUT, S_SEND_SHUT, Socket } from "../socket";
import { chosen, factsOf, TF_LOST } from "../status";
import { wake } from "../waits";
import { shutStream } from "./directions";

/**
 * Ends one or both directions for good. SD_SEND: a FIN follows the last byte accepted, whenever that leaves (S-02). SD_RECEIVE:
 * nothing on the wire, but data unread or arriving later resets the connection (V-10). Returns at once. The peer's program is
 * not known to have read anything.
 * Errors: 10093, 10038, 10022 (how; S-25: checked before the state), 10057 (no connection), 10054, 10053 (lost).
 */
export function WSPShutdown(s: u32, how: i32, lpErrno: usize): i32 {
  let e = enter(s);
  if (!e) e = how != SD_RECEIVE && how != SD_SEND && how != SD_BOTH ? WSAEINVAL : shut(it, how);
  return finish(e, lpErrno);
}

/**
 * WSPShutdown(SD_SEND) under another name (D-01). Disconnect data on TCP and UDP: 10042 before anything else (D-02, D-05). On
 * SOCK_SEQPACKET the WSABUF's octets, 64 at most, go with the disconnect request. Further errors then: 10014 (D-04), 10040, 10058 (the
 * request is out and carries nothing more).
 */
export function WSPSendDisconnect(s: u32, lpData: usize, lpErrno: usize): i32 {
  let e = enter(s);
  if (!e) e = lpData ? endSaying(it, lpData) : isStream(it) ? shut(it, SD_SEND) : WSAENOTCONN;
  return finish(e, lpErrno);
}

/**
 * WSPShutdown(SD_RECEIVE) under another name (D-12). A buffer for disconnect data on TCP and UDP: 10042 (V-22). On SOCK_SEQPACKET it gets
 * what came with the peer's disconnect request, also on a connection that is lost (D-17), and its length; nothing came: 0. Too small:
 * 10014, nothing has happened and the data is kept (D-16).
 */
export function WSPRecvDisconnect(s: u32, lpData: usize, lpErrno: usize): i32 {
  let e = enter(s);
  if (!e) e = lpData && isSeqpacket(it) ? endHearing(it, lpData)
    : lpData && !chosen(SWITCH_V22_RECVDISC_LENIENT) ? WSAENOPROTOOPT : isStream(it) ? shut(it, SD_RECEIVE) : WSAENOTCONN;
  return finish(e, lpErrno);
}

function endSaying(s: Socket, data: usize): i32 {
  if (!isSeqpacket(s)) return WSAENOPROTOOPT;
  const e = disconnectDataPut(s, data);
  return e ? e : shut(s, SD_SEND);
}

function endHearing(s: Socket, data: usize): i32 {
  const e = disconnectDataGet(s, data);
  if (e) return e;
  return factsOf(s) & TF_LOST ? 0 : shut(s, SD_RECEIVE);
}

function shut(s: Socket, how: i32): i32 {
  const flags = (how == SD_SEND ? 0 : S_RECV_SHUT) | (how == SD_RECEIVE ? 0 : S_SEND_SHUT);
  if (isStream(s)) {
    const e = has(s, S_NO_CONTEXT) ? WSAENOTCONN : shutStream(s, flags); // O-35
    if (e) return e;
  }
  // A datagram socket only refuses calls from now on; nobody else notices (S-37 … S-39, W-31).
  s.flags |= flags;
  if (!TINY) operationsProgress(s);
  wake(s, (flags & S_RECV_SHUT ? 1 << OP_RECV : 0) | (flags & S_SEND_SHUT ? 1 << OP_SEND : 0));
  return 0;
}
