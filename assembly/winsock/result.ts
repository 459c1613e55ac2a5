/**
 * How calls answer: 0 or SOCKET_ERROR, with the code behind lpErrno; and what a pointer from the caller must satisfy.
 * Inside the room functions return 0 or the error code itself.
 */
import { SOCKET_ERROR } from "../abi/winsock";

/** True if [ptr, ptr + len) is memory the caller may name: not NULL and inside linear memory. */
export function mayAccess(ptr: usize, len: u32): bool {
  const end = <usize>memory.size() << 16;
  // A memory of exactly 4 GiB makes `end` wrap to 0; every address is inside then.
  return ptr != 0 && (end == 0 ? len <= ~<u32>ptr + 1 : ptr <= end && <usize>len <= end - ptr);
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
