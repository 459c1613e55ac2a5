/** Ending directions of a connection, as shutdown, the disconnects and DisconnectEx do it. */
import { WSAECONNABORTED, WSAECONNRESET, WSAENOTCONN } from "../../abi/errors";
import { streamShutdownRecv, streamShutdownSend } from "../../provider/index";
import { TF_FAILED, TF_RST_RCVD, TF_RST_SENT } from "../../tcp/tcb";
import { sendsUnsent } from "../overlapped/operations";
import { seqpacketEnd, seqpacketRefuse } from "../seqpacket/news";
import { has, isSeqpacket, S_CONNECTED, S_RECV_PENDING, S_RECV_SHUT, S_SEND_PENDING, S_SEND_SHUT, Socket } from "../socket";
import { factsOf } from "../status";

/** Ends the directions in `flags` (S_RECV_SHUT, S_SEND_SHUT); the caller sets the flags. 0, 10057, 10054 or 10053. */
export function shutStream(s: Socket, flags: u32): i32 {
  if (!has(s, S_CONNECTED)) return WSAENOTCONN;
  const facts = factsOf(s);
  if (facts & TF_RST_RCVD) return WSAECONNRESET;
  if (facts & TF_FAILED) return WSAECONNABORTED;
  if (facts & TF_RST_SENT) return (s.flags & flags) == flags ? 0 : WSAECONNABORTED;
  if (isSeqpacket(s)) {
    // S-14, S-35: as below.
    if (flags & S_RECV_SHUT && !has(s, S_RECV_PENDING)) seqpacketRefuse(s);
    if (flags & S_SEND_SHUT && (!has(s, S_SEND_PENDING) || !sendsUnsent(s))) seqpacketEnd(s);
    return 0;
  }
  // S-19: with data unread the RST comes instead of a FIN, so the receive side goes first. S-14: behind receives that wait already.
  if (flags & S_RECV_SHUT && (TINY || !has(s, S_RECV_PENDING))) streamShutdownRecv(s.provider, s.transport);
  // S-35: the FIN follows overlapped sends that wait.
  if (flags & S_SEND_SHUT && (TINY || !has(s, S_SEND_PENDING) || !sendsUnsent(s))) streamShutdownSend(s.provider, s.transport);
  return 0;
}
