/**
 * How calls answer: 0 or SOCKET_ERROR, with the code behind lpErrno; and what a pointer from the caller must satisfy.
 * Inside the room functions return 0 or the error code itself.
 */
import { SOCKET_ERROR } from "../abi/winsock";

/** True if [ptr, ptr + len) is memory the caller may name: not NULL and inside linear memory. */
export function mayAccess(ptr: usize, len: u32): bool {
  // Tiny has one page, and on devices 64 bits are dear.
  if (TINY) return ptr - 1 < 0xffff && len <= 0x10000 - <u32>ptr;
  return ptr != 0 && <u64>ptr + <u64>len <= <u64>memory.size() << 16;
}

/** Stores the outcome of a call behind lpErrno; a bad lpErrno only loses the code (semantics X-37). */
export function setError(lpErrno: usize, code: i32): void {
  if (mayAccess(lpErrno, 4)) store<i32>(lpErrno, code);
}

/** Ends an SPI entry: 0 and code 0, or SOCKET_ERROR and the code. */
export function finish(code: i32, lpErrno: usize): i32 {
  setError(lpErrno, code);
  return code ? SOCKET_ERROR : 0;
}
