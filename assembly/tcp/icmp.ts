/**
 * What the network says of our connections. ICMP errors about our segments (RFC 9293 §3.9.2.2) are believed only if they quote
 * something outstanding (RFC 5927 §4.1); a device of ours that is gone is a fact.
 */
import { CONFIG_POLICY, POLICY_ICMP_HARD, POLICY_ICMP_SOFT } from "../abi/config";
import { WSAECONNREFUSED, WSAECONNRESET, WSAEHOSTUNREACH, WSAENETDOWN, WSAENETUNREACH } from "../abi/errors";
import { TCP_CLOSED, TCP_LISTEN, TCP_SYN_SENT } from "../abi/winsock";
import { addrIsV4 } from "../base/addr";
import { config } from "../base/config";
import { ICMP_FRAG_NEEDED, ICMP_HOST_UNREACHABLE, ICMP_NEIGHBOR_GONE, ICMP_NET_UNREACHABLE, ICMP_PORT_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE } from "../ip/icmp";
import { pathTo, PATH_NEIGHBOR } from "../ip/route";
import { TIMESTAMPS_ROOM } from "../wire/tcp";
import { AGREED_TIMESTAMPS, M_ORPHAN, M_USED, remotePtr, Tcb, tcb, tcbCount } from "./tcb";
import { tupleFind } from "./table";
import { fail } from "./release";
import { trouble } from "./trouble";
import { sizeLower } from "./pathsize";
import { resendAll } from "./retransmission";
import { OVERHEAD_V4, OVERHEAD_V6 } from "./segment_out";

/** The smallest path MTU believed: below it an attacker would make us send headers only. */
const MTU_MIN: u32 = 552;

/**
 * Takes the error `kind` (ICMP_x of ip/icmp) that quotes a segment from local16:lport to remote16:rport with sequence number
 * `seq`; `mtu` for ICMP_FRAG_NEEDED. Soft errors are remembered and named if the connection times out (SHLD-25); hard ones end
 * only a connection that is not yet synchronized (RFC 5461 §3), so that a forged one cannot reset a live connection.
 */
export function tcpIcmpError(local16: usize, lport: u32, remote16: usize, rport: u32, seq: u32, kind: u32, mtu: u32): void {
  const i = tupleFind(local16, remote16, lport, rport);
  if (i < 0) return;
  const t = tcb(i);
  if (t.state == TCP_CLOSED || t.state == TCP_LISTEN || seq - t.sndUna >= t.sndMax - t.sndUna) return;
  switch (kind) {
    case ICMP_NET_UNREACHABLE: trouble(t, WSAENETUNREACH); break;
    case ICMP_HOST_UNREACHABLE: trouble(t, WSAEHOSTUNREACH); break;
    // Of an orphan the close report says that it timed out (C-56), whatever our neighbour cache knows of the next hop by then.
    case ICMP_NEIGHBOR_GONE: if (!(t.marks & M_ORPHAN)) trouble(t, WSAEHOSTUNREACH); break;
    case ICMP_PROTOCOL_UNREACHABLE:
    case ICMP_PORT_UNREACHABLE:
      hardError(t);
      break;
    case ICMP_FRAG_NEEDED: pathShrank(t, mtu); break;
  }
}

/** Protocol or port unreachable: the end of an attempt to connect; of a connection only by POLICY_ICMP_HARD. */
function hardError(t: Tcb): void {
  const policy = config(CONFIG_POLICY), connecting = t.state == TCP_SYN_SENT;
  if (connecting ? policy & POLICY_ICMP_SOFT : !(policy & POLICY_ICMP_HARD)) trouble(t, WSAEHOSTUNREACH);
  else fail(t, connecting ? WSAECONNREFUSED : WSAECONNRESET);
}

/** A segment was too long for the path: smaller ones from now on, and those outstanding again (RFC 1191 §6.3). */
function pathShrank(t: Tcb, mtu: u32): void {
  const mss = max(mtu, MTU_MIN) - (addrIsV4(remotePtr(t)) ? OVERHEAD_V4 : OVERHEAD_V6);
  // Until the peer's SYN has come it is not settled whether timestamps take their part; afterwards they do.
  const text = !TINY && t.agreed & AGREED_TIMESTAMPS && t.state != TCP_SYN_SENT ? mss - TIMESTAMPS_ROOM : mss;
  if (text >= <u32>t.sndMss) return;
  if (TINY || t.state == TCP_SYN_SENT) t.sndMss = <u16>text; else sizeLower(t, text);
  if (t.state != TCP_SYN_SENT) resendAll(t);
}

/** Interface `iface` is down: connections that leave by it have failed (semantics E-29). */
export function tcpNetworkDown(iface: u32): void {
  for (let i: u32 = 0; i < tcbCount; i++) {
    const t = tcb(<i32>i);
    if (!(t.marks & M_USED) || t.state == TCP_CLOSED || t.state == TCP_LISTEN) continue;
    const p = pathTo(remotePtr(t));
    if (p.kind == PATH_NEIGHBOR && p.iface == iface) fail(t, WSAENETDOWN);
  }
}
