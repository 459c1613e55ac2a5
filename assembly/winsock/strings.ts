/** Socket addresses as text and back: "10.0.0.1" or, with a port, "10.0.0.1:80". Text is UTF-16 with a zero at the end. */
import { WSAEAFNOSUPPORT, WSAEFAULT, WSAEINVAL, WSAEOPNOTSUPP, WSANOTINITIALISED } from "../abi/errors";
import { AF_INET, SIZEOF_SOCKADDR_IN } from "../abi/winsock";
import { addrSetV4, addrV4 } from "../base/addr";
import { NAME, namePort, sockaddrCheck, sockaddrRead, sockaddrWrite } from "./names";
import { finish, mayAccess } from "./result";
import { claimsForget, startups } from "./socket";

/** "255.255.255.255:65535" and its zero. */
const TEXT_MAX: u32 = 22;
const TEXT: usize = TINY ? 0 : memory.data(22 * 2, 2);
let used: u32 = 0;

function put(code: u32): void { store<u16>(TEXT + <usize>(used << 1), <u16>code); used++; }

function putNumber(n: u32): void {
  if (n >= 10) putNumber(n / 10);
  put(0x30 + n % 10);
}

/**
 * Writes the address of a sockaddr as text to out; *length is its size in characters and becomes the number written, the zero
 * included. lpProtocolInfo is ignored. Not in tiny (10045). Errors: 10093, 10014 (pointers; a length that is too small becomes the one needed), 10047.
 */
export function WSPAddressToString(name: usize, nameLength: i32, lpProtocolInfo: usize, out: usize, length: usize, lpErrno: usize): i32 {
  return finish(TINY ? WSAEOPNOTSUPP : toText(name, nameLength, out, length), lpErrno);
}

function toText(name: usize, nameLength: i32, out: usize, length: usize): i32 {
  claimsForget();
  if (!startups) return WSANOTINITIALISED;
  const e = sockaddrRead(name, nameLength);
  if (e) return e;
  if (!mayAccess(length, 4)) return WSAEFAULT;
  used = 0;
  const v4 = addrV4(NAME);
  for (let shift: i32 = 24; shift >= 0; shift -= 8) {
    putNumber((v4 >> shift) & 255);
    if (shift) put(0x2e);
  }
  if (namePort) { put(0x3a); putNumber(namePort); }
  put(0);
  const room = load<u32>(length);
  store<u32>(length, used);
  if (room < used || !mayAccess(out, used * 2)) return WSAEFAULT;
  memory.copy(out, TEXT, used * 2);
  return 0;
}

let cursor: usize = 0;
let end: usize = 0;

// @ts-ignore: decorator
@inline function peekCode(): u32 { return cursor < end ? <u32>load<u16>(cursor) : 0; }

/** A decimal number up to `most` without needless zeros in front; -1 if none stands here. */
function takeNumber(most: u32): i32 {
  const start = cursor;
  let n: u32 = 0;
  while (peekCode() >= 0x30 && peekCode() <= 0x39) {
    if (cursor > start && n == 0) return -1;
    n = n * 10 + peekCode() - 0x30;
    if (n > most) return -1;
    cursor += 2;
  }
  return cursor == start ? -1 : <i32>n;
}

/**
 * Reads "a.b.c.d" or "a.b.c.d:port" into a sockaddr at name; *length is its room and becomes its size. Four decimal parts are
 * wanted, no shorter or octal forms. Errors: 10093, 10014, 10047 (family), 10022 (no address), 10045 (tiny).
 */
export function WSPStringToAddress(text: usize, family: i32, lpProtocolInfo: usize, name: usize, length: usize, lpErrno: usize): i32 {
  return finish(TINY ? WSAEOPNOTSUPP : fromText(text, family, name, length), lpErrno);
}

function fromText(text: usize, family: i32, name: usize, length: usize): i32 {
  claimsForget();
  if (!startups) return WSANOTINITIALISED;
  if (!mayAccess(text, 2)) return WSAEFAULT;
  if (family != AF_INET) return WSAEAFNOSUPPORT;
  const e = sockaddrCheck(name, length);
  if (e) { if (mayAccess(length, 4)) store<u32>(length, SIZEOF_SOCKADDR_IN); return e; }
  cursor = text;
  end = text;
  for (let k: u32 = 0; k < TEXT_MAX && mayAccess(text, k * 2 + 2); k++) end = text + k * 2 + 2;
  let v4: u32 = 0;
  for (let part = 0; part < 4; part++) {
    if (part) { if (peekCode() != 0x2e) return WSAEINVAL; cursor += 2; }
    const n = takeNumber(255);
    if (n < 0) return WSAEINVAL;
    v4 = (v4 << 8) | <u32>n;
  }
  let port: i32 = 0;
  if (peekCode() == 0x3a) {
    cursor += 2;
    port = takeNumber(65535);
    if (port < 0) return WSAEINVAL;
  }
  if (peekCode() != 0 || cursor >= end) return WSAEINVAL;
  addrSetV4(NAME, v4);
  sockaddrWrite(name, length, NAME, <u32>port);
  return 0;
}
