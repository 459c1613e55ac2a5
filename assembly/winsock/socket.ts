/**
 * Socket objects and the descriptors that name them. A handle (memory/handles) is a descriptor; several may name one
 * object. An object outlives its last descriptor until its close report is made (winsock/teardown).
 */
import { CONFIG_MAX_CONNECTIONS, CONFIG_MAX_SOCKETS } from "../abi/config";
import { WSAENOTSOCK, WSANOTINITIALISED } from "../abi/errors";
import { SOCK_SEQPACKET, SOCK_STREAM } from "../abi/winsock";
import { STAT_SOCKETS } from "../abi/stats";
import { ADDR_SECOND, ADDRS_SKIPPED } from "../base/addr";
import { config } from "../base/config";
import { counterSet } from "../base/counters";
import { associationFree } from "../cotp/association";
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { deadlineClear } from "../memory/deadlines";
import { freeLink, freeNext } from "../memory/freelist";
import { handleObject, handlesOpen, KIND_SOCKET } from "../memory/handles";
import { idOfSocket } from "../memory/identities";
import { byteAt, linkLoad, linkStore, setByteAt } from "../memory/links";
import { PROVIDER_HOST } from "../provider/kinds";
import { NONE, Overlap, overlapAlloc, overlapFree } from "./overlapped/overlap";
import { Settings, settingsAlone, settingsDefault, settingsInitial, settingsLeave, settingsReset, settingsShare, SETTINGS_CORK, SETTINGS_TINY } from "./settings";

/** Socket flags. The option flags keep what setsockopt was told; the others are state. */
export const S_NONBLOCKING: u32 = 1 << 0;
/** Has a local address and port. */
export const S_BOUND: u32 = 1 << 1;
/** The stack chose the address and port, not bind. */
export const S_IMPLICIT: u32 = 1 << 2;
export const S_LISTENING: u32 = 1 << 3;
export const S_CONNECTING: u32 = 1 << 4;
/** A connection was established (semantics §0.1: stays so after shutdown, FIN and RST); for UDP: has a peer. */
export const S_CONNECTED: u32 = 1 << 5;
/** Came from accept. */
export const S_ACCEPTED: u32 = 1 << 6;
/** The last connect attempt failed and no new one was made. */
export const S_CONNECT_FAILED: u32 = 1 << 7;
export const S_SEND_SHUT: u32 = 1 << 8;
export const S_RECV_SHUT: u32 = 1 << 9;
/** A select waits for a change of this socket. */
export const S_WATCHED: u32 = 1 << 10;
export const S_REUSEADDR: u32 = 1 << 11;
export const S_EXCLUSIVE: u32 = 1 << 12;
export const S_KEEPALIVE: u32 = 1 << 13;
export const S_NODELAY: u32 = 1 << 14;
export const S_OOBINLINE: u32 = 1 << 15;
export const S_DEBUG: u32 = 1 << 16;
export const S_DONTROUTE: u32 = 1 << 17;
export const S_BROADCAST: u32 = 1 << 18;
export const S_CONDITIONAL: u32 = 1 << 19;
export const S_PAUSE_ACCEPT: u32 = 1 << 20;
/** SIO_UDP_CONNRESET is FALSE: port unreachable is not reported. */
export const S_IGNORE_UNREACHABLE: u32 = 1 << 21;
/** Buffer sizes were set on a listener: connections that were queued with the old ones get them when accepted. */
export const S_NEW_LIMITS: u32 = 1 << 22;
/** Soft errors are told (LSO_ERROR_REPORTS). */
export const S_ERROR_REPORTS: u32 = 1 << 23;
/** Overlapped receives (a listener's: AcceptEx) are pending; overlapped sends are pending. */
export const S_RECV_PENDING: u32 = 1 << 24;
export const S_SEND_PENDING: u32 = 1 << 25;
/** Connected by AcceptEx or ConnectEx, and SO_UPDATE_ACCEPT_CONTEXT or SO_UPDATE_CONNECT_CONTEXT was not set yet (O-35). */
export const S_NO_CONTEXT: u32 = 1 << 26;
/** AcceptEx named the socket: it waits for its connection, or for the first data of it. */
export const S_ACCEPTING: u32 = 1 << 27;
/** Made without WSA_FLAG_OVERLAPPED: overlapped calls complete in the call (O-27). */
export const S_SYNCHRONOUS: u32 = 1 << 28;
/** DisconnectEx gave the handle free for another connection; it may still have the name it was bound to. */
export const S_REUSED: u32 = 1 << 29;
/** Network events are window messages (WSPAsyncSelect). */
export const S_MESSAGES: u32 = 1 << 30;
/** A connection of a SOCK_SEQPACKET listener that nobody has accepted: an object without a handle (winsock/admission). */
export const S_PENDING: u32 = 1 << 31;
/** What an accepted socket takes over from its listener (O-34). */
export const S_INHERITED: u32 = S_NONBLOCKING | S_REUSEADDR | S_KEEPALIVE | S_NODELAY | S_OOBINLINE | S_DEBUG | S_DONTROUTE;

/** Socket.teardown: how far the last close has come. */
export const T_OPEN: u8 = 0;
/** closesocket waits for halfDone or the linger deadline (C-13). */
export const T_LINGER: u8 = 1;
/** The close goes on without a caller until its report (C-01). */
export const T_BACKGROUND: u8 = 2;
/** The report is made; what the peer still says is read until it has finished too (SOCK_SEQPACKET after a linger wait). */
export const T_REPORTED: u8 = 4;

// @ts-ignore: decorator
@unmanaged
export class Socket {
  /** Local address (localOf); any while unbound. */
  local0: u64;
  local1: u64;
  /** Peer's address while connecting or connected (remoteOf). */
  remote0: u64;
  remote1: u64;
  /** S_ bits. */
  flags: u32;
  /** A descriptor that names the object; after the last close, the one closed last. */
  handle: u32;
  /** PROVIDER_ number. */
  provider: u8;
  /** SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET. */
  type: u8;
  /** T_ state. */
  teardown: u8;
  /** Answer of acceptDecide + 1 for the oldest queued connection, 0 = none given. */
  decision: u8;
  /** Host order; 0 while unbound. */
  lport: u16;
  /** Host order; 0 without a peer. */
  rport: u16;
  /** SO_LINGER as stored (L-06: unnormalised). */
  lingerOn: u16;
  lingerSecs: u16;
  /** SO_ERROR. */
  soError: i32;
  /** Event object of WSPEventSelect, 0 = none. After the last close: drainUntil. */
  eventHandle: u32;
  /** FD_ bits asked for. */
  eventMask: u16;
  /** FD_ bits recorded and not yet enumerated. */
  eventRecord: u16;
  /** FD_ bits enumerated and not re-enabled since. */
  eventReported: u16;
  /** Error recorded with FD_CLOSE. */
  closeError: u16;
  /** In tiny also portNext, portPrev and refs. */
  private waitsWord: u32;
  /** Bytes the last refused send wanted: FD_WRITE comes when they fit; 0 = any room will do. After the last close: lingerUntil. */
  writeNeed: u32;
  /** When the connection was established; valid with S_CONNECTED. After the last close: closedAt. */
  connectedAt: u32;
  private connectErrorBits: u16;
  /** Stands in the list of winsock/trouble; outlives the object's use. In tiny: transport + 1. */
  troubled: u8;
  /** lingerUntil counts; drainUntil counts. */
  lingering: u8;
  draining: u8;
  /** TCP state in which the close found the connection. */
  closedState: u8;
  /** CAUSE_ of a reset that the close itself decided, 0 = none. */
  abortCause: u8;
  /** The linger time ran out. */
  lingerExpired: u8;
  /** Number of the select pass that saw the socket last. From the last close on: closeWait. */
  mark: u32;
  /** From here on not in tiny, whose objects end before. Next object + 1 in the list of winsock/trouble. */
  troubleNext: u32;
  /** Its own index. */
  index: u32;
  /** What of overlapped I/O hangs on it (winsock/overlapped/overlap), 0 while nothing does. */
  overlap: usize;
  /** Its Settings, which others may share: see settingsOf. */
  settings: usize;
  private refsWord: u32;
  private transportWord: i32;
  private portNextWord: u32;
  private portPrevWord: u32;

  /** First wait record + 1, 0 = nobody waits. */
  @inline get waits(): u32 { return linkLoad(changetype<usize>(this) + LINKS); }
  set waits(v: u32) { linkStore(changetype<usize>(this) + LINKS, v); }
  /** Neighbours in the chain of sockets with the same port hash, index + 1; previous 0 = first. While free: next free object, as memory/freelist has it. */
  @inline get portNext(): u32 { return TINY ? byteAt(changetype<usize>(this) + LINKS, 1) : this.portNextWord; }
  set portNext(v: u32) { if (TINY) setByteAt(changetype<usize>(this) + LINKS, 1, v); else this.portNextWord = v; }
  @inline get portPrev(): u32 { return TINY ? byteAt(changetype<usize>(this) + LINKS, 2) : this.portPrevWord; }
  set portPrev(v: u32) { if (TINY) setByteAt(changetype<usize>(this) + LINKS, 2, v); else this.portPrevWord = v; }
  /** Open descriptors. */
  @inline get refs(): u32 { return TINY ? byteAt(changetype<usize>(this) + LINKS, 3) : this.refsWord; }
  set refs(v: u32) { if (TINY) setByteAt(changetype<usize>(this) + LINKS, 3, v); else this.refsWord = v; }
  /** Index in the provider's table, -1 while there is none. */
  @inline get transport(): i32 { return TINY ? <i32>this.troubled - 1 : this.transportWord; }
  set transport(v: i32) { if (TINY) this.troubled = <u8>(v + 1); else this.transportWord = v; }

  /** Result of the last finished connect attempt, 0 = success. */
  get connectError(): i32 { return <i32>this.connectErrorBits; }
  set connectError(v: i32) { this.connectErrorBits = <u16>v; }
  /** When the last descriptor was closed; valid unless T_OPEN. */
  get closedAt(): u32 { return this.connectedAt; }
  set closedAt(v: u32) { this.connectedAt = v; }
  /** End of the linger wait; end of the drain. */
  get lingerUntil(): u32 { return this.writeNeed; }
  set lingerUntil(v: u32) { this.writeNeed = v; }
  get drainUntil(): u32 { return this.eventHandle; }
  set drainUntil(v: u32) { this.eventHandle = v; }
  /** Wait record + 1 of the closesocket that lingers, 0 = none. */
  get closeWait(): u32 { return this.mark; }
  set closeWait(v: u32) { this.mark = v; }

  /** Its Association (cotp/association), 0 unless SOCK_SEQPACKET; to be written after overlapTake only. */
  get message(): usize { return TINY ? 0 : overlapAt(this).message; }
  set message(v: usize) { if (!TINY) overlapAt(this).message = v; }
  /** LSO_LINGER_MS: counts instead of lingerSecs unless 0; to be written after overlapTake, but for 0. */
  get lingerMs(): u32 { return TINY ? settingsOf(this).ownLingerMs : overlapAt(this).lingerMs; }
  set lingerMs(v: u32) { if (TINY) settingsOf(this).ownLingerMs = v; else overlapAt(this).lingerMs = v; }
  /** Bytes read and thrown away by the drain; to be written after overlapTake only. */
  get drained(): u32 { return TINY ? settingsOf(this).ownDrained : overlapAt(this).drained; }
  set drained(v: u32) { if (TINY) settingsOf(this).ownDrained = v; else overlapAt(this).drained = v; }

  /** What options have set; to be written after settingsOwn only. */
  get sendLimit(): u32 { return settingsOf(this).sendLimit; }
  set sendLimit(v: u32) { settingsOf(this).sendLimit = v; }
  get recvLimit(): u32 { return settingsOf(this).recvLimit; }
  set recvLimit(v: u32) { settingsOf(this).recvLimit = v; }
  get sendTimeout(): u32 { return settingsOf(this).sendTimeout; }
  set sendTimeout(v: u32) { settingsOf(this).sendTimeout = v; }
  get recvTimeout(): u32 { return settingsOf(this).recvTimeout; }
  set recvTimeout(v: u32) { settingsOf(this).recvTimeout = v; }
  get keepIdle(): u32 { return settingsOf(this).keepIdle; }
  set keepIdle(v: u32) { settingsOf(this).keepIdle = v; }
  get keepInterval(): u32 { return settingsOf(this).keepInterval; }
  set keepInterval(v: u32) { settingsOf(this).keepInterval = v; }
  get keepCount(): u32 { return settingsOf(this).keepCount; }
  set keepCount(v: u32) { settingsOf(this).keepCount = v; }
  get userTimeout(): u32 { return settingsOf(this).userTimeout; }
  set userTimeout(v: u32) { settingsOf(this).userTimeout = v; }
  get drainBytes(): u32 { return settingsOf(this).drainBytes; }
  set drainBytes(v: u32) { settingsOf(this).drainBytes = v; }
  get drainMs(): u32 { return settingsOf(this).drainMs; }
  set drainMs(v: u32) { settingsOf(this).drainMs = v; }
  get ttl(): u8 { return settingsOf(this).ttl; }
  set ttl(v: u8) { settingsOf(this).ttl = v; }
  get tos(): u8 { return settingsOf(this).tos; }
  set tos(v: u8) { settingsOf(this).tos = v; }
  get congestion(): u32 { return <u32>settingsOf(this).congestion & ~SETTINGS_CORK; }
  set congestion(v: u32) { settingsOf(this).congestion = <u8>(v | (<u32>settingsOf(this).congestion & SETTINGS_CORK)); }
  get corked(): bool { return (<u32>settingsOf(this).congestion & SETTINGS_CORK) != 0; }
  set corked(v: bool) { settingsOf(this).congestion = <u8>(this.congestion | (v ? SETTINGS_CORK : 0)); }
  get uto(): u8 { return settingsOf(this).uto; }
  set uto(v: u8) { settingsOf(this).uto = v; }
}

/** Where waits stands, and in tiny what shares its word. */
const LINKS: usize = offsetof<Socket>("waitsWord");
/** Where the settings of an object stand in tiny, after its other fields. */
const SETTINGS_AT: usize = (offsetof<Socket>("troubleNext") + 3) & ~3;
const SOCKET_STRIDE: u32 = TINY ? <u32>SETTINGS_AT + SETTINGS_TINY - <u32>ADDRS_SKIPPED : (<u32>offsetof<Socket>() + 7) & ~7;

let table: usize = 0;
let count: u32 = 0;
/** Objects [0, used) have been in use: no other is. */
let used: u32 = 0;
let firstFree: u32 = 0;
/** Closed sockets whose report is not made yet (H-19). */
export let orphanCount: i32 = 0;
/** WSPStartup calls not yet undone (H-21). */
export let startups: u32 = 0;
/** The socket that `enter` found. */
export let it: Socket = changetype<Socket>(0);
/** Socket, bytes and direction of the place handed out by reserve (1) or peek (2); valid until the next call. */
export let claimKind: u32 = 0;
export let claimHandle: u32 = 0;
export let claimLength: u32 = 0;

/** Number of socket objects: open handles plus closed sockets whose connection lives on. */
export function socketObjects(): u32 {
  return TINY ? <u32>TINY_CONNECTIONS : config(CONFIG_MAX_SOCKETS) + config(CONFIG_MAX_CONNECTIONS);
}

export function socketTableReset(): bool {
  count = socketObjects();
  table = chunksCarve(count, SOCKET_STRIDE);
  used = 0;
  if (!table || !(TINY || settingsReset(count))) return false;
  table -= ADDRS_SKIPPED;
  firstFree = 1;
  orphanCount = 0;
  startups = 0;
  claimKind = 0;
  return true;
}

export function setStartups(n: u32): void { startups = n; }
export function addOrphans(n: i32): void { orphanCount += n; }
/** Objects at or above this index were never used: walks end here. */
export function socketsUsed(): u32 { return used; }

// @ts-ignore: decorator
@inline export function socketAt(i: u32): Socket { return changetype<Socket>(chunkAt(table, i, SOCKET_STRIDE)); }
// @ts-ignore: decorator
@inline export function indexOf(s: Socket): u32 { return TINY ? <u32>((changetype<usize>(s) - table) / SOCKET_STRIDE) : s.index; }
// @ts-ignore: decorator
@inline export function localOf(s: Socket): usize { return changetype<usize>(s) + ADDRS_SKIPPED; }
// @ts-ignore: decorator
@inline export function remoteOf(s: Socket): usize { return changetype<usize>(s) + ADDR_SECOND; }
// @ts-ignore: decorator
@inline export function has(s: Socket, flag: u32): bool { return (s.flags & flag) != 0; }
// @ts-ignore: decorator
@inline export function setFlag(s: Socket, flag: u32, on: bool): void { s.flags = on ? s.flags | flag : s.flags & ~flag; }
/** Connection-oriented: the streamX calls of provider/index move its bytes. */
// @ts-ignore: decorator
@inline export function isStream(s: Socket): bool { return <i32>s.type == SOCK_STREAM || isSeqpacket(s); }
/** A socket of the host system. */
// @ts-ignore: decorator
@inline export function isHosted(s: Socket): bool { return !TINY && s.provider == PROVIDER_HOST; }
/** SOCK_SEQPACKET: messages over a connection. */
// @ts-ignore: decorator
@inline export function isSeqpacket(s: Socket): bool { return !TINY && <i32>s.type == SOCK_SEQPACKET; }

/** A zeroed object without descriptors; its address is 0 when the table is full. */
export function socketAlloc(): Socket {
  if (!firstFree || !chunkEnsure(table, firstFree - 1, count, SOCKET_STRIDE)) return changetype<Socket>(0);
  const i = firstFree - 1, s = socketAt(i);
  used = max(used, i + 1);
  firstFree = freeNext(s.portNext, firstFree, count);
  if (TINY) memory.fill(localOf(s), 0, SOCKET_STRIDE);
  else {
    // An object may be freed while it stands in winsock/trouble's list, which keeps its link.
    const troubled = s.troubled, troubleNext = s.troubleNext;
    memory.fill(localOf(s), 0, SOCKET_STRIDE);
    s.index = i;
    s.troubled = troubled;
    s.troubleNext = troubleNext;
  }
  s.transport = -1;
  if (TINY) settingsDefault(settingsOf(s)); else s.settings = settingsInitial();
  return s;
}

/** What hangs on s, zeros if nothing does. */
// @ts-ignore: decorator
@inline export function overlapAt(s: Socket): Overlap { return changetype<Overlap>(s.overlap ? s.overlap : NONE); }
/** Sees to it that something can hang on s; false if memory is used up. */
export function overlapTake(s: Socket): bool {
  if (TINY) return true;
  if (!s.overlap) s.overlap = overlapAlloc();
  return s.overlap != 0;
}

// @ts-ignore: decorator
@inline export function settingsOf(s: Socket): Settings { return changetype<Settings>(TINY ? changetype<usize>(s) + SETTINGS_AT : s.settings); }

/** Sees to it that s shares its settings with nobody; false if memory is used up. */
export function settingsOwn(s: Socket): bool {
  if (TINY) return true;
  const own = settingsAlone(s.settings);
  if (own) s.settings = own;
  return own != 0;
}

/** s is set as `from` is. */
export function settingsInherit(s: Socket, from: Socket): void {
  if (TINY) { memory.copy(changetype<usize>(settingsOf(s)), changetype<usize>(settingsOf(from)), SETTINGS_TINY); return; }
  const shared = settingsShare(from.settings);
  settingsLeave(s.settings);
  s.settings = shared;
}

/** Gives an object back; it has no descriptor, transport or port any more. */
export function socketFree(s: Socket): void {
  const i = indexOf(s);
  deadlineClear(idOfSocket(i));
  if (!TINY && s.message) associationFree(s.message);
  if (!TINY && s.overlap) { overlapFree(s.overlap); s.overlap = 0; }
  if (!TINY) settingsLeave(s.settings);
  s.type = 0;
  s.portNext = freeLink(firstFree);
  firstFree = i + 1;
}

export function countHandles(): void { counterSet(STAT_SOCKETS, handlesOpen); }

/** Finds the open socket `h` for a call (X: not started, then not a socket) and ends the last call's claims. */
export function enter(h: u32): i32 {
  claimKind = 0;
  if (!startups) return WSANOTINITIALISED;
  const i = handleObject(h, KIND_SOCKET);
  if (i < 0) return WSAENOTSOCK;
  it = socketAt(<u32>i);
  return 0;
}

/** Remembers the place a call hands out (seam.md, Memory: valid until the next call into the core). */
// @ts-ignore: decorator
@inline export function claim(kind: u32, h: u32, length: u32): void { claimKind = kind; claimHandle = h; claimLength = length; }
// @ts-ignore: decorator
@inline export function claimsForget(): void { claimKind = 0; }
