/**
 * Further descriptors for one socket (chapter H). WSPDuplicateSocket describes a socket; WSPSocket opens the description, once.
 * The number in dwProviderReserved is what the description is redeemed by; nothing else in it is trusted.
 */
import { WSAEFAULT, WSAEINVAL } from "../abi/errors";
import { random32 } from "../base/prng";
import { handleAlloc, KIND_SOCKET } from "../memory/handles";
import { PROTOCOL_INFOW_SIZE, protocolInfoWrite } from "./protocolinfo";
import { finish, mayAccess } from "./result";
import { countHandles, enter, indexOf, it, Socket, socketAt } from "./socket";

/** dwProviderReserved of WSAPROTOCOL_INFO. */
const RESERVED: usize = 112;
/** Descriptions not opened yet: { number, object + 1 }. The oldest lapses when more are asked for. */
const SLOTS: u32 = TINY ? 2 : 32;
const TABLE = memory.data(SLOTS * 8, 4);
let nextSlot: u32 = 0;
/** A socket was described since the table was emptied. */
let described: bool = false;

// @ts-ignore: decorator
@inline function slot(i: u32): usize { return TABLE + <usize>(i << 3); }

export function duplicatesReset(): void {
  memory.fill(TABLE, 0, SLOTS * 8);
  if (!TINY) described = false;
}

/**
 * Describes socket s at info (WSAPROTOCOL_INFOW, 628 bytes) for a process; there is one process, so any number but 0 and -1 names
 * it. The description can be opened once, while the socket has a descriptor. Opens nothing by itself (H-02).
 * Errors: 10093, 10038, 10022 (process), 10014 (H-05: in that order).
 */
export function WSPDuplicateSocket(s: u32, process: u32, info: usize, lpErrno: usize): i32 {
  let e = enter(s);
  if (!e) e = describe(it, process, info);
  return finish(e, lpErrno);
}

function describe(s: Socket, process: u32, info: usize): i32 {
  if (process == 0 || process == 0xffffffff) return WSAEINVAL;
  if (!mayAccess(info, PROTOCOL_INFOW_SIZE)) return WSAEFAULT;
  protocolInfoWrite(s, info, PROTOCOL_INFOW_SIZE);
  const at = slot(nextSlot);
  nextSlot = nextSlot + 1 < SLOTS ? nextSlot + 1 : 0;
  const number = random32() | 1;
  store<u32>(at, number);
  store<u32>(at, indexOf(s) + 1, 4);
  if (!TINY) described = true;
  store<u32>(info + RESERVED, number);
  return 0;
}

/** The number of the description at info, 0 if it is an ordinary catalog entry. */
export function duplicateNumber(info: usize): u32 { return load<u32>(info + RESERVED); }

/** A new descriptor for the socket described under `number` (H-03); 0 if handles are used up, all ones if it describes nothing (H-04). */
export function duplicateOpen(number: u32): u32 {
  for (let i: u32 = 0; i < SLOTS; i++) {
    const at = slot(i);
    if (load<u32>(at) != number || !load<u32>(at, 4)) continue;
    const object = load<u32>(at, 4) - 1;
    const h = handleAlloc(KIND_SOCKET, <i32>object);
    if (!h) return 0;
    store<u32>(at, 0, 4);
    socketAt(object).refs++;
    countHandles();
    return h;
  }
  return 0xffffffff;
}

/** The last descriptor of s is gone: what described it describes nothing now. */
export function duplicatesForget(s: Socket): void {
  if (!TINY && !described) return;
  const object = indexOf(s) + 1;
  for (let i: u32 = 0; i < SLOTS; i++) if (load<u32>(slot(i), 4) == object) store<u32>(slot(i), 0, 4);
}
