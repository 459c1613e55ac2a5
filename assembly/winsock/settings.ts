/**
 * What options say of a socket beyond flags. Most sockets never change any of it, and what accept makes begins with its listener's: sockets
 * share a record until one of them changes something. In tiny each socket has its own, behind its object.
 */
import { CONFIG_KEEP_COUNT, CONFIG_KEEP_IDLE_MS, CONFIG_KEEP_INTERVAL_MS, CONFIG_RECV_BUFFER, CONFIG_SEND_BUFFER } from "../abi/config";
import { config } from "../base/config";
import { chunkAt, chunkEnsure, chunksCarve } from "../memory/chunks";
import { freeLink, freeNext } from "../memory/freelist";

// @ts-ignore: decorator
@unmanaged
export class Settings {
  /** SO_SNDBUF, SO_RCVBUF. */
  sendLimit: u32;
  recvLimit: u32;
  /** Milliseconds, 0 = none. */
  sendTimeout: u32;
  recvTimeout: u32;
  /** Milliseconds, milliseconds, probes. */
  keepIdle: u32;
  keepInterval: u32;
  keepCount: u32;
  /** TCP_MAXRT in milliseconds; 0 = the stack's user timeout, all ones = none. */
  userTimeout: u32;
  /** LSO_DRAIN: bytes and milliseconds; 0 = off. */
  drainBytes: u32;
  drainMs: u32;
  /** IP_TTL, 0 = default; IP_TOS. */
  ttl: u8;
  tos: u8;
  /** LSO_CONGESTION, with SETTINGS_CORK. */
  congestion: u8;
  /** LSO_USER_TIMEOUT_OPTION + 1; 0 = the stack's. */
  uto: u8;
  /** Of the socket itself, in tiny: Socket.lingerMs and Socket.drained. */
  ownLingerMs: u32;
  ownDrained: u32;
  /** From here on not in tiny. Its own place in the table + 1. */
  ref: u32;
  /** Sockets that share it; while it is free what follows, as memory/freelist has it. */
  users: u32;
}

/** LSO_CORK is on: a bit beside LSO_CONGESTION. */
export const SETTINGS_CORK: u32 = 1 << 7;

/** Bytes of a record in tiny. */
export const SETTINGS_TINY: u32 = (<u32>offsetof<Settings>("ref") + 3) & ~3;
const STRIDE: u32 = <u32>offsetof<Settings>();

let table: usize = 0;
let capacity: u32 = 0;
let free: u32 = 0;
/** The record that new sockets begin with. */
let initial: usize = 0;

/** One record for each of `sockets`, and the initial one. */
export function settingsReset(sockets: u32): bool {
  capacity = sockets + 1;
  table = chunksCarve(capacity, STRIDE);
  free = 1;
  return table != 0;
}

/** Makes the initial record; to be called when there is memory to be had. */
export function settingsReady(): bool {
  initial = take();
  if (!initial) return false;
  const d = changetype<Settings>(initial);
  settingsDefault(d);
  d.users = 1;
  return true;
}

/** What a new socket is set to. */
export function settingsDefault(d: Settings): void {
  d.sendLimit = config(CONFIG_SEND_BUFFER);
  d.recvLimit = config(CONFIG_RECV_BUFFER);
  d.keepIdle = config(CONFIG_KEEP_IDLE_MS);
  d.keepInterval = config(CONFIG_KEEP_INTERVAL_MS);
  d.keepCount = config(CONFIG_KEEP_COUNT);
}

function take(): usize {
  if (!free || !chunkEnsure(table, free - 1, capacity, STRIDE)) return 0;
  const ref = free, r = changetype<Settings>(chunkAt(table, ref - 1, STRIDE));
  free = freeNext(r.users, ref, capacity);
  memory.fill(changetype<usize>(r), 0, STRIDE);
  r.ref = ref;
  return changetype<usize>(r);
}

/** One more socket has the initial settings. */
export function settingsInitial(): usize { return settingsShare(initial); }

/** One more socket has the settings at `from`. */
export function settingsShare(from: usize): usize {
  changetype<Settings>(from).users++;
  return from;
}

/** A socket has the settings at `at` no more. */
export function settingsLeave(at: usize): void {
  const r = changetype<Settings>(at);
  if (--r.users) return;
  r.users = freeLink(free);
  free = r.ref;
}

/** The same settings for one socket alone, which has left those at `at`; 0 if memory is used up, and then it has not. */
export function settingsAlone(at: usize): usize {
  const r = changetype<Settings>(at);
  if (r.users == 1) return at;
  const own = take();
  if (!own) return 0;
  memory.copy(own, at, offsetof<Settings>("ref"));
  changetype<Settings>(own).users = 1;
  r.users--;
  return own;
}
