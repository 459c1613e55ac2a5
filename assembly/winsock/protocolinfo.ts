/** WSAPROTOCOL_INFO (semantics K.5): of a socket, for SO_PROTOCOL_INFOA and SO_PROTOCOL_INFOW, and the catalog of what there is. */
import { WSAEFAULT, WSAENOBUFS, WSAEOPNOTSUPP, WSANOTINITIALISED } from "../abi/errors";
import { CATALOG_HOST_MESSAGES, CATALOG_HOST_TCP, CATALOG_HOST_UDP, CATALOG_INET_MESSAGES, CATALOG_INET_TCP, CATALOG_INET_UDP } from "../abi/sockets";
import {
  AF_INET, IPPROTO_TCP, IPPROTO_UDP, SIZEOF_SOCKADDR_IN, SIZEOF_WSAPROTOCOL_INFOW, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SOCKET_ERROR,
  XP1_CONNECTIONLESS, XP1_DISCONNECT_DATA, XP1_EXPEDITED_DATA, XP1_GRACEFUL_CLOSE, XP1_GUARANTEED_DELIVERY, XP1_GUARANTEED_ORDER,
  XP1_MESSAGE_ORIENTED, XP1_PARTIAL_MESSAGE, XP1_SUPPORT_BROADCAST, XP1_SUPPORT_MULTIPOINT,
} from "../abi/winsock";
import { hostCapacity } from "../provider/hostblock";
import { PROVIDER_HOST, PROVIDER_INET } from "../provider/index";
import { DATAGRAM_MAX } from "./datagram";
import { mayAccess, setError } from "./result";
import { claimsForget, Socket, startups } from "./socket";

export const PROTOCOL_INFOW_SIZE: u32 = SIZEOF_WSAPROTOCOL_INFOW;
export const PROTOCOL_INFOA_SIZE: u32 = 372;
/** Service flags of K.5 without IFS_HANDLES: our handles are no file handles. */
const TCP_SERVICES: u32 = XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER | XP1_GRACEFUL_CLOSE | XP1_EXPEDITED_DATA;
const UDP_SERVICES: u32 = XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_BROADCAST | XP1_SUPPORT_MULTIPOINT;
const MESSAGE_SERVICES: u32 =
  XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER | XP1_MESSAGE_ORIENTED | XP1_GRACEFUL_CLOSE | XP1_DISCONNECT_DATA | XP1_PARTIAL_MESSAGE;
/** MATCHES_PROTOCOL_ZERO: protocol 0 with the type means this entry. */
const PROVIDER_FLAGS: u32 = 8;
const NAME: usize = 116;
/** dwMessageSize of a protocol whose messages have no longest one. */
const UNLIMITED: u32 = 0xffffffff;
/** "TCP", "UDP" and "TP2" (transport class 2). */
const LETTERS_TCP: u32 = 0x504354;
const LETTERS_UDP: u32 = 0x504455;
const LETTERS_TP2: u32 = 0x325054;

/** Fills `size` bytes at out: the ANSI form (372) and the wide one (628) differ in the name at the end. */
export function protocolInfoWrite(s: Socket, out: usize, size: u32): void { entryWrite(<i32>s.type, !TINY && s.provider == PROVIDER_HOST, out, size); }

function entryWrite(type: i32, host: bool, out: usize, size: u32): void {
  const messages = !TINY && type == SOCK_SEQPACKET, tcp = type == SOCK_STREAM;
  memory.fill(out, 0, size);
  store<u32>(out, messages ? MESSAGE_SERVICES : tcp ? TCP_SERVICES : UDP_SERVICES);
  store<u32>(out, PROVIDER_FLAGS, 16);
  store<u32>(out, catalogId(type, host), 36);
  store<u32>(out, 1, 40);
  store<u32>(out, 2, 72);
  store<u32>(out, <u32>AF_INET, 76);
  store<u32>(out, SIZEOF_SOCKADDR_IN, 80);
  store<u32>(out, SIZEOF_SOCKADDR_IN, 84);
  store<u32>(out, <u32>type, 88);
  store<u32>(out, <u32>protocolOf(type), 92);
  store<u32>(out, messages ? UNLIMITED : tcp ? 0 : DATAGRAM_MAX, 108);
  const letters: u32 = messages ? LETTERS_TP2 : tcp ? LETTERS_TCP : LETTERS_UDP;
  for (let k: u32 = 0; k < 3; k++) letter(out, size, k, (letters >> (8 * k)) & 0xff);
}

// @ts-ignore: decorator
@inline function protocolOf(type: i32): i32 { return type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP; }

function catalogId(type: i32, host: bool): u32 {
  if (type == SOCK_SEQPACKET) return host ? CATALOG_HOST_MESSAGES : CATALOG_INET_MESSAGES;
  if (type == SOCK_STREAM) return host ? CATALOG_HOST_TCP : CATALOG_INET_TCP;
  return host ? CATALOG_HOST_UDP : CATALOG_INET_UDP;
}

function letter(out: usize, size: u32, k: usize, code: u32): void {
  if (size == PROTOCOL_INFOW_SIZE) store<u16>(out + NAME + k * 2, <u16>code); else store<u8>(out + NAME + k, <u8>code);
}

/**
 * The catalog: writes a WSAPROTOCOL_INFOW for each protocol of each provider to buffer and returns how many. lpiProtocols: 0, or i32
 * protocol numbers that end with 0, of which only those are listed. *lpLength: room in bytes, afterwards the bytes there are.
 * Errors: 10093, 10014, 10055 (no room: *lpLength says how much it takes), 10045 (tiny has one provider and no catalog).
 */
export function WSAEnumProtocols(lpiProtocols: usize, buffer: usize, lpLength: usize, lpErrno: usize): i32 {
  claimsForget();
  const e = TINY ? WSAEOPNOTSUPP : !startups ? WSANOTINITIALISED : enumerate(lpiProtocols, buffer, lpLength);
  setError(lpErrno, e);
  return e ? SOCKET_ERROR : <i32>(load<u32>(lpLength) / PROTOCOL_INFOW_SIZE);
}

function enumerate(wanted: usize, buffer: usize, lpLength: usize): i32 {
  if (!mayAccess(lpLength, 4)) return WSAEFAULT;
  const room = load<u32>(lpLength);
  let found: u32 = 0;
  for (let pass: u32 = 0; pass < 2; pass++) {
    found = 0;
    for (let p = PROVIDER_INET; p <= PROVIDER_HOST; p++) {
      if (p == PROVIDER_HOST && !hostCapacity) continue;
      for (let type = SOCK_STREAM; type <= SOCK_SEQPACKET; type++) {
        if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET) continue;
        const asked = isWanted(wanted, protocolOf(type));
        if (asked < 0) return WSAEFAULT;
        if (!asked) continue;
        if (pass) entryWrite(type, p == PROVIDER_HOST, buffer + <usize>(found * PROTOCOL_INFOW_SIZE), PROTOCOL_INFOW_SIZE);
        found++;
      }
    }
    const size = found * PROTOCOL_INFOW_SIZE;
    store<u32>(lpLength, size);
    if (size > room) return WSAENOBUFS;
    if (size && !mayAccess(buffer, size)) return WSAEFAULT;
  }
  return 0;
}

/** Protocol numbers looked at before a list without its 0 counts as wrong. */
const LIST_MAX: u32 = 256;

/** 1 if the list names the protocol or there is none, 0 if not, -1 if the list is no memory of the caller's. */
function isWanted(list: usize, protocol: i32): i32 {
  if (!list) return 1;
  for (let k: u32 = 0; k < LIST_MAX; k++) {
    const at = list + <usize>(k << 2);
    if (!mayAccess(at, 4)) return -1;
    const n = load<i32>(at);
    if (!n) return 0;
    if (n == protocol) return 1;
  }
  return -1;
}
