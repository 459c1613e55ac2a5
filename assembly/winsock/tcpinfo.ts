/** TCP_INFO_v0 (semantics K.5) of a stream socket. */
import { SIZEOF_TCP_INFO_V0 } from "../abi/winsock";
import { streamBytesReceived, streamBytesSent, streamState } from "../provider/index";
import { AGREED_TIMESTAMPS, tcb } from "../tcp/tcb";
import { has, isHosted, S_CONNECTED, S_LISTENING, Socket } from "./socket";
import { clockNow } from "./waits";

/** Fills the record; a socket without a connection reads as CLOSED (or LISTEN) with everything else 0. */
export function tcpInfoWrite(s: Socket, out: usize): void {
  memory.fill(out, 0, SIZEOF_TCP_INFO_V0);
  if (s.transport < 0) return;
  store<i32>(out, streamState(s.provider, s.transport));
  if (has(s, S_LISTENING)) return;
  if (has(s, S_CONNECTED)) store<u64>(out, <u64>(clockNow() - s.connectedAt), 8);
  store<u32>(out, s.recvLimit, 44);
  store<u64>(out, streamBytesSent(s.provider, s.transport), 48);
  store<u64>(out, streamBytesReceived(s.provider, s.transport), 56);
  // The rest is known of our own TCP only.
  if (isHosted(s)) return;
  const t = tcb(s.transport);
  store<u32>(out, <u32>t.sndMss, 4);
  store<u8>(out, !TINY && t.agreed & AGREED_TIMESTAMPS ? 1 : 0, 16);
  // srtt is kept times eight (RFC 6298 §2), here in microseconds; the smallest round trip is not kept apart.
  const rtt = (t.srtt >> 3) * 1000;
  store<u32>(out, rtt, 20);
  store<u32>(out, rtt, 24);
  store<u32>(out, t.sndNxt - t.sndUna, 28);
  store<u32>(out, t.cwnd, 32);
  store<u32>(out, t.sndWnd, 36);
  store<u32>(out, t.rcvAdv - t.rcvNxt, 40);
  store<u8>(out, t.synRetries, 84);
}
