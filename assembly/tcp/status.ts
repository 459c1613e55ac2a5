/** STATUS (RFC 9293 §3.10.6): what is known about a connection. The facts stay after it is CLOSED, until it is detached. */
import { WSAETIMEDOUT } from "../abi/errors";
import { TCP_CLOSED } from "../abi/winsock";
import { rcvUnread, sndUsed } from "./buffers";
import { tcb } from "./tcb";

/** TCP_x of abi/winsock. */
export function tcpState(i: i32): i32 { return tcb(i).state; }
/** TF_x. */
export function tcpFlags(i: i32): u32 { return tcb(i).flags; }
/** Socket object that owns the connection, -1 if none. */
export function tcpOwner(i: i32): i32 { return tcb(i).owner; }
/**
 * Winsock code of what ended the connection, 0 if nothing did or it closed gracefully: 10054 reset, 10061 refused, 10060 no
 * answer, 10065 or 10051 the same after a router said why, 10052 keepalive, 10053 reset by ourselves.
 */
export function tcpError(i: i32): i32 { return <i32>tcb(i).error; }
/** CAUSE_x of abi/report: why we reset it. */
export function tcpCause(i: i32): u32 { return <u32>tcb(i).cause; }
/** Bytes accepted from the caller. */
export function tcpBytesSent(i: i32): u64 { return tcb(i).bytesSent; }
/** Of those, bytes acknowledged by the peer's stack; SYN and FIN do not count. */
export function tcpBytesAcked(i: i32): u64 {
  const t = tcb(i);
  return t.bytesSent - <u64>sndUsed(t) - <u64>t.bytesLost;
}
/** Bytes received in order and taken into the buffer. */
export function tcpBytesReceived(i: i32): u64 { return TINY ? 0 : tcb(i).bytesReceived; }
/** Bytes received and never handed to the caller: given up unread, or refused with a RST. */
export function tcpBytesDiscarded(i: i32): u64 {
  const t = tcb(i);
  return <u64>t.bytesDiscarded + (t.state == TCP_CLOSED ? <u64>rcvUnread(t) : 0);
}
/** WSA code of what goes wrong with a connection that goes on: what a router said, or 10060 while segments stay unanswered. */
export function tcpTrouble(i: i32): i32 {
  const soft = <i32>tcb(i).softError;
  return soft ? soft : WSAETIMEDOUT;
}
/** Timeouts since something was acknowledged last. */
export function tcpUnanswered(i: i32): u32 { return <u32>tcb(i).backoff; }
