/** The options of level IPPROTO_IP: how a socket's packets are marked (RFC 9293 MUST-48, MUST-49). */
import { WSAEFAULT, WSAEINVAL, WSAENOBUFS, WSAENOPROTOOPT } from "../abi/errors";
import { IP_TOS, IP_TTL } from "../abi/winsock";
import { TTL_DEFAULT } from "../ip/output";
import { streamSetIp } from "../provider/index";
import { isHosted, isStream, settingsOwn, Socket } from "./socket";

/** The lower two bits of the field are TCP's own (RFC 3168 §5). */
const DSCP_MASK: u32 = 0xfc;

/** n ≥ 1 bytes at value. IP_TTL takes 1 to 255, IP_TOS 0 to 255. */
export function setIpOption(s: Socket, name: i32, value: usize, n: u32): i32 {
  if ((name != IP_TTL && name != IP_TOS) || isHosted(s)) return WSAENOPROTOOPT;
  if (n < 4) return WSAEFAULT;
  const v = load<u32>(value);
  if (v > 255 || (name == IP_TTL && !v)) return WSAEINVAL;
  if (!settingsOwn(s)) return WSAENOBUFS;
  if (name == IP_TTL) s.ttl = <u8>v; else s.tos = <u8>v;
  ipChanged(s);
  return 0;
}

/** Tells a live connection or listener. */
export function ipChanged(s: Socket): void {
  if (isStream(s) && s.transport >= 0) streamSetIp(s.provider, s.transport, s.ttl ? <u32>s.ttl : TTL_DEFAULT, <u32>s.tos & DSCP_MASK);
}

/** What a datagram of s carries: second byte of the IP header | TTL << 8, 0 = default. */
export function ipClass(s: Socket): u32 { return <u32>s.ttl << 8 | <u32>s.tos; }

/** Puts the value to `out`: its size (4), or an error code. */
export function getIpOption(s: Socket, name: i32, out: usize): i32 {
  if ((name != IP_TTL && name != IP_TOS) || isHosted(s)) return WSAENOPROTOOPT;
  store<u32>(out, name == IP_TOS ? <u32>s.tos : s.ttl ? <u32>s.ttl : TTL_DEFAULT);
  return 4;
}
