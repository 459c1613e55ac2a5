/** WSAPROTOCOL_INFO of a socket (semantics K.5): what SO_PROTOCOL_INFOA and SO_PROTOCOL_INFOW return. */
import { CATALOG_HOST_TCP, CATALOG_HOST_UDP, CATALOG_INET_TCP, CATALOG_INET_UDP } from "../abi/sockets";
import { AF_INET, IPPROTO_TCP, IPPROTO_UDP, SIZEOF_SOCKADDR_IN, SIZEOF_WSAPROTOCOL_INFOW } from "../abi/winsock";
import { PROVIDER_HOST } from "../provider/index";
import { DATAGRAM_MAX } from "./datagram";
import { isStream, Socket } from "./socket";

export const PROTOCOL_INFOW_SIZE: u32 = SIZEOF_WSAPROTOCOL_INFOW;
export const PROTOCOL_INFOA_SIZE: u32 = 372;
/** Service flags of K.5 without IFS_HANDLES: our handles are no file handles. */
const TCP_SERVICES: u32 = 0x66;
const UDP_SERVICES: u32 = 0x609;
/** MATCHES_PROTOCOL_ZERO: protocol 0 with the type means this entry. */
const PROVIDER_FLAGS: u32 = 8;
const NAME: usize = 116;

/** Fills `size` bytes at out: the ANSI form (372) and the wide one (628) differ in the name at the end. */
export function protocolInfoWrite(s: Socket, out: usize, size: u32): void {
  const tcp = isStream(s);
  memory.fill(out, 0, size);
  store<u32>(out, tcp ? TCP_SERVICES : UDP_SERVICES);
  store<u32>(out, PROVIDER_FLAGS, 16);
  const host = s.provider == PROVIDER_HOST;
  store<u32>(out, tcp ? (host ? CATALOG_HOST_TCP : CATALOG_INET_TCP) : host ? CATALOG_HOST_UDP : CATALOG_INET_UDP, 36);
  store<u32>(out, 1, 40);
  store<u32>(out, 2, 72);
  store<u32>(out, <u32>AF_INET, 76);
  store<u32>(out, SIZEOF_SOCKADDR_IN, 80);
  store<u32>(out, SIZEOF_SOCKADDR_IN, 84);
  store<u32>(out, <u32>s.type, 88);
  store<u32>(out, <u32>(tcp ? IPPROTO_TCP : IPPROTO_UDP), 92);
  store<u32>(out, tcp ? 0 : DATAGRAM_MAX, 108);
  // "TCP" or "UDP".
  letter(out, size, 0, tcp ? 0x54 : 0x55);
  letter(out, size, 1, tcp ? 0x43 : 0x44);
  letter(out, size, 2, 0x50);
}

function letter(out: usize, size: u32, k: usize, code: u32): void {
  if (size == PROTOCOL_INFOW_SIZE) store<u16>(out + NAME + k * 2, <u16>code); else store<u8>(out + NAME + k, <u8>code);
}
