/** Making a socket, giving it a name, letting it listen. */
import { CONFIG_MAX_CONNECTIONS } from "../abi/config";
import {
  WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT, WSAEFAULT, WSAEINVAL, WSAEISCONN, WSAEMFILE, WSAENOBUFS, WSAEOPNOTSUPP,
  WSAEPROTONOSUPPORT, WSAESOCKTNOSUPPORT, WSANOTINITIALISED,
} from "../abi/errors";
import { AF_INET, AF_UNSPEC, INVALID_SOCKET, IPPROTO_TCP, IPPROTO_UDP, SIZEOF_WSAPROTOCOL_INFOW, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, WSA_FLAG_OVERLAPPED } from "../abi/winsock";
import { config } from "../base/config";
import { CATALOG_HOST_MESSAGES, CATALOG_HOST_TCP, CATALOG_HOST_UDP, CATALOG_INET_MESSAGES, CATALOG_INET_TCP, CATALOG_INET_UDP } from "../abi/sockets";
import { deviceCount } from "../link/device";
import { ipHasAddress } from "../ip/route";
import { handleAlloc, KIND_SOCKET } from "../memory/handles";
import { datagramClose, datagramOpen, PROVIDER_HOST, PROVIDER_INET, streamFailure, streamListen, streamListenConditional, streamListenPause, streamSetUserTimeout, streamSetUserTimeoutOption } from "../provider/index";
import { hostCapacity } from "../provider/hostblock";
import { duplicateNumber, duplicateOpen } from "./duplicate";
import { associationAlloc } from "../cotp/association";
import { ipChanged } from "./ipoptions";
import { associationOf } from "./seqpacket/facts";
import { NAME, namePort, sockaddrRead } from "./names";
import { bindTo } from "./ports";
import { finish, mayAccess, setError } from "./result";
import {
  claimsForget, countHandles, enter, has, indexOf, isHosted, isSeqpacket, isStream, it, localOf, overlapTake, S_BOUND, S_CONDITIONAL, S_CONNECTED, S_CONNECTING, S_LISTENING, S_PAUSE_ACCEPT, S_SYNCHRONOUS, S_ACCEPTING, Socket,
  socketAlloc, socketFree, startups,
} from "./socket";

/** FROM_PROTOCOL_INFO: take the argument from lpProtocolInfo. */
const FROM_PROTOCOL_INFO: i32 = -1;
/** All WSA_FLAG_ bits (K.1). Only OVERLAPPED changes anything here: without it overlapped calls complete in the call (O-27). */
const WSA_FLAGS: u32 = 0x1df;
/** WSAPROTOCOL_INFO: family, type and protocol. */
const INFO_CATALOG: usize = 36;
const INFO_FAMILY: usize = 76;
const INFO_TYPE: usize = 88;
const INFO_PROTOCOL: usize = 92;
const BACKLOG_MAX: i32 = 1024;

let wantedType: i32 = 0;
let wantedProvider: u8 = PROVIDER_INET;
/** Number of the description to open instead of making a socket (winsock/duplicate), 0 = none. */
let wantedDuplicate: u32 = 0;

/**
 * A new blocking socket: AF_INET with SOCK_STREAM (TCP), SOCK_DGRAM (UDP) or, not in tiny, SOCK_SEQPACKET (messages over TCP,
 * RFC 2126); protocol 0 = the type's own. Arguments that are -1
 * (or 0 for family and type) come from lpProtocolInfo (WSAPROTOCOL_INFOW) if given; its dwCatalogEntryId chooses the provider
 * (CATALOG_x). A description made by WSPDuplicateSocket opens one more descriptor of that socket instead. Otherwise that is inet if the stack has a device, else the host if it gives sockets. The group is ignored.
 * Returns the handle, or INVALID_SOCKET: 10093, 10014, 10022 (flags, nothing asked for), 10044, 10047, 10043 (X-31: in that
 * order), 10024 (no handle), 10055 (no control block).
 */
export function WSPSocket(af: i32, type: i32, protocol: i32, lpProtocolInfo: usize, g: u32, flags: u32, lpErrno: usize): u32 {
  const e = kindCheck(af, type, protocol, lpProtocolInfo, flags);
  if (e) { setError(lpErrno, e); return INVALID_SOCKET; }
  if (wantedDuplicate) return openDuplicate(lpErrno);
  const s = socketAlloc();
  if (!changetype<usize>(s)) { setError(lpErrno, WSAENOBUFS); return INVALID_SOCKET; }
  s.type = <u8>wantedType;
  s.provider = wantedProvider;
  if (!isStream(s)) s.transport = datagramOpen(s.provider, <i32>indexOf(s));
  if (isSeqpacket(s) && overlapTake(s)) s.message = associationAlloc(s.provider);
  const error = (isSeqpacket(s) && !s.message) || (!isStream(s) && s.transport < 0) ? WSAENOBUFS : nameSocket(s) ? 0 : WSAEMFILE;
  setError(lpErrno, error);
  if (error) { discard(s); return INVALID_SOCKET; }
  if (!(flags & WSA_FLAG_OVERLAPPED)) s.flags |= S_SYNCHRONOUS;
  return s.handle;
}

/** Opens what WSPDuplicateSocket described: another descriptor of the same socket (H-03). */
function openDuplicate(lpErrno: usize): u32 {
  const h = duplicateOpen(wantedDuplicate);
  setError(lpErrno, h == 0 ? WSAEMFILE : h == INVALID_SOCKET ? WSAEINVAL : 0);
  return h ? h : INVALID_SOCKET;
}

/** Checks WSPSocket's arguments and settles family and type. */
function kindCheck(af: i32, type: i32, protocol: i32, info: usize, flags: u32): i32 {
  claimsForget();
  if (!startups) return WSANOTINITIALISED;
  wantedProvider = providerFor(0);
  wantedDuplicate = 0;
  if (info) {
    if (!mayAccess(info, SIZEOF_WSAPROTOCOL_INFOW)) return WSAEFAULT;
    wantedDuplicate = duplicateNumber(info);
    if (wantedDuplicate) return 0;
    if (af == FROM_PROTOCOL_INFO || !af) af = load<i32>(info + INFO_FAMILY);
    if (type == FROM_PROTOCOL_INFO || !type) type = load<i32>(info + INFO_TYPE);
    if (protocol == FROM_PROTOCOL_INFO || !protocol) protocol = load<i32>(info + INFO_PROTOCOL);
    wantedProvider = providerFor(load<u32>(info + INFO_CATALOG));
  }
  if (flags & ~WSA_FLAGS || !(af | type | protocol)) return WSAEINVAL;
  if (type != SOCK_STREAM && type != SOCK_DGRAM && (TINY || type != SOCK_SEQPACKET)) return WSAESOCKTNOSUPPORT;
  // A family left open follows from a protocol that is named.
  if (af != AF_INET && (af != AF_UNSPEC || !protocol)) return WSAEAFNOSUPPORT;
  // the protocol must be the type's.
  if (protocol && protocol != (type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP)) return WSAEPROTONOSUPPORT;
  wantedType = type;
  return 0;
}

/** Provider of a catalog entry; of none or an unknown one, the default. */
function providerFor(entry: u32): u8 {
  if (TINY || !hostCapacity) return PROVIDER_INET;
  if (entry == CATALOG_HOST_TCP || entry == CATALOG_HOST_UDP || entry == CATALOG_HOST_MESSAGES) return PROVIDER_HOST;
  return entry == CATALOG_INET_TCP || entry == CATALOG_INET_UDP || entry == CATALOG_INET_MESSAGES || deviceCount ? PROVIDER_INET : PROVIDER_HOST;
}

/** Gives an object its first descriptor; false when handles are used up. */
export function nameSocket(s: Socket): bool {
  s.handle = handleAlloc(KIND_SOCKET, <i32>indexOf(s));
  if (!s.handle) return false;
  s.refs = 1;
  countHandles();
  return true;
}

function discard(s: Socket): void {
  if (s.transport >= 0) datagramClose(s.provider, s.transport);
  socketFree(s);
}

/**
 * Gives s a local address (own, loopback or 0.0.0.0) and port (0 = a free one from 49152 up).
 * Errors: 10093, 10038, 10014 (pointer, length), 10047, 10022 (bound already), 10049 (not ours), 10048, 10013 (O-09 … O-17).
 */
export function WSPBind(s: u32, name: usize, namelen: i32, lpErrno: usize): i32 {
  return finish(bindSocket(s, name, namelen), lpErrno);
}

function bindSocket(h: u32, name: usize, namelen: i32): i32 {
  let e = enter(h);
  if (e) return e;
  e = sockaddrRead(name, namelen);
  if (e) return e;
  if (has(it, S_BOUND | S_ACCEPTING)) return WSAEINVAL;
  return isHosted(it) || ipHasAddress(NAME) ? bindTo(it, NAME, namePort) : WSAEADDRNOTAVAIL;
}

/**
 * Lets a bound stream socket accept connections, `backlog` of them (1 .. 1024; SOMAXCONN and larger = 1024) waiting at most.
 * Listening already: 0, nothing changes. Errors: 10093, 10038, 10045 (UDP), 10022 (unbound, connecting), 10056, 10048, 10055.
 */
export function WSPListen(s: u32, backlog: i32, lpErrno: usize): i32 { return finish(listenOn(s, backlog), lpErrno); }

function listenOn(h: u32, backlog: i32): i32 {
  const e = enter(h);
  if (e) return e;
  const s = it;
  if (!isStream(s)) return WSAEOPNOTSUPP;
  if (has(s, S_LISTENING)) return 0;
  if (has(s, S_CONNECTED)) return WSAEISCONN;
  if (has(s, S_ACCEPTING)) return WSAEINVAL;
  if (!has(s, S_BOUND) || has(s, S_CONNECTING)) return WSAEINVAL;
  const n = <u32>max(1, min(backlog, BACKLOG_MAX));
  s.transport = streamListen(s.provider, localOf(s), <u32>s.lport, min(n, config(CONFIG_MAX_CONNECTIONS)), s.recvLimit, s.sendLimit, <i32>indexOf(s));
  if (s.transport < 0) { const failed = streamFailure(s.provider); return failed ? failed : WSAENOBUFS; }
  s.flags |= S_LISTENING;
  if (s.ttl || s.tos) ipChanged(s);
  if (s.userTimeout) streamSetUserTimeout(s.provider, s.transport, s.userTimeout);
  if (!TINY && s.uto) streamSetUserTimeoutOption(s.provider, s.transport, <u32>s.uto - 1);
  if (isSeqpacket(s)) associationOf(s).backlog = n;
  // Whoever wants messages answers the SYN, and holds the connection request back instead.
  if (has(s, S_CONDITIONAL) && !isSeqpacket(s)) streamListenConditional(s.provider, s.transport);
  if (has(s, S_PAUSE_ACCEPT)) streamListenPause(s.provider, s.transport, true);
  return 0;
}
