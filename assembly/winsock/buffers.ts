/** Arrays of WSABUF { length, pointer } as calls name them. */
import { WSAEFAULT, WSAEINVAL } from "../abi/errors";
import { SIZEOF_WSABUF } from "../abi/winsock";
import { mayAccess } from "./result";

/** Sum of the lengths of the array that buffersCheck saw. */
export let buffersTotal: u32 = 0;

// @ts-ignore: decorator
@inline export function bufferLength(list: usize, k: u32): u32 { return load<u32>(list + <usize>(k << 3)); }
// @ts-ignore: decorator
@inline export function bufferPointer(list: usize, k: u32): usize { return load<u32>(list + <usize>(k << 3), 4); }

/** 0 if every buffer is memory of the caller's; 10014, or 10022 for no buffers or more than 2 GiB in all. */
export function buffersCheck(list: usize, count: u32): i32 {
  if (!count) return WSAEINVAL;
  if (count > 0x1000000 || !mayAccess(list, count * SIZEOF_WSABUF)) return WSAEFAULT;
  let total: u64 = 0;
  for (let k: u32 = 0; k < count; k++) {
    const n = bufferLength(list, k);
    if (n && !mayAccess(bufferPointer(list, k), n)) return WSAEFAULT;
    total += <u64>n;
  }
  if (total > 0x7fffffff) return WSAEINVAL;
  buffersTotal = <u32>total;
  return 0;
}

/** Copies the buffers one after the other to dst. */
export function buffersGather(list: usize, count: u32, dst: usize): void {
  for (let k: u32 = 0; k < count; k++) {
    memory.copy(dst, bufferPointer(list, k), bufferLength(list, k));
    dst += <usize>bufferLength(list, k);
  }
}

/** Copies n bytes at src over the buffers, filling one after the other. */
export function buffersScatter(list: usize, count: u32, src: usize, n: u32): void {
  for (let k: u32 = 0; k < count && n; k++) {
    const part = min(n, bufferLength(list, k));
    memory.copy(bufferPointer(list, k), src, part);
    src += <usize>part;
    n -= part;
  }
}
