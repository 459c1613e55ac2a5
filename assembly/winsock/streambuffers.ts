/** Bytes between a stream and an array of WSABUFs. */
import { streamRecv, streamSend } from "../provider/index";
import { bufferLength, bufferPointer } from "./buffers";
import { Socket } from "./socket";

/** Sends n bytes of the buffers from offset `from`; returns how many memory allowed. */
export function streamPut(s: Socket, list: usize, count: u32, from: u32, n: u32): u32 {
  let left = n;
  for (let k: u32 = 0; k < count && left; k++) {
    const length = bufferLength(list, k);
    if (from >= length) { from -= length; continue; }
    const part = min(left, length - from);
    if (streamSend(s.provider, s.transport, bufferPointer(list, k) + <usize>from, part) < part) break;
    left -= part;
    from = 0;
  }
  return n - left;
}

/** Fills the buffers from offset `from` with what is unread; returns the number of bytes. */
export function streamGet(s: Socket, list: usize, count: u32, from: u32, peek: bool): u32 {
  let got: u32 = 0;
  for (let k: u32 = 0; k < count; k++) {
    const length = bufferLength(list, k);
    if (from >= length) { from -= length; continue; }
    const part = length - from, n = streamRecv(s.provider, s.transport, bufferPointer(list, k) + <usize>from, part, peek);
    got += n;
    if (n < part || peek) break;
    from = 0;
  }
  return got;
}
