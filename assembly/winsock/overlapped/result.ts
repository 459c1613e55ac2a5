/** WSPGetOverlappedResult. */
import { WSA_IO_INCOMPLETE, WSAEFAULT, WSAEOPNOTSUPP } from "../../abi/errors";
import { OP_RESULT } from "../../abi/events";
import { OVERLAPPED_FLAGS, OVERLAPPED_INTERNAL, OVERLAPPED_INTERNAL_HIGH, STATUS_PENDING } from "../../abi/overlapped";
import { SIZEOF_WSAOVERLAPPED } from "../../abi/winsock";
import { mayAccess, setError } from "../result";
import { it } from "../socket";
import { enterWaiting, waitEnd, waitFor } from "../waits";
import { winsockOf } from "./codes";

/**
 * What became of the operation begun with lpOverlapped on `s`: 1 with the bytes in *lpTransfer and the flags in *lpFlags, or 0 with its
 * error, 996 while it is pending; with fWait LASTACK_WAIT until it is complete. The bytes and flags are stored for a failed operation too.
 * Errors besides: 10093, 10038 (X-29; also after closesocket: WSAOVERLAPPED itself still tells), 10014, 10055, 10004 (cancelled).
 */
export function WSPGetOverlappedResult(s: u32, lpOverlapped: usize, lpTransfer: usize, fWait: i32, lpFlags: usize, lpErrno: usize): i32 {
  const e = resultOf(s, lpOverlapped, lpTransfer, fWait != 0, lpFlags);
  setError(lpErrno, e);
  return e ? 0 : 1;
}

function resultOf(h: u32, overlapped: usize, transfer: usize, wait: bool, flags: usize): i32 {
  const e = enterWaiting(h, OP_RESULT);
  if (e) return e;
  if (TINY) return WSAEOPNOTSUPP;
  if (!mayAccess(overlapped, SIZEOF_WSAOVERLAPPED) || !mayAccess(transfer, 4) || !mayAccess(flags, 4)) return WSAEFAULT;
  const s = it, status = load<u32>(overlapped + <usize>OVERLAPPED_INTERNAL);
  if (status == STATUS_PENDING) return wait ? waitFor(s, h, OP_RESULT, 0, 0) : WSA_IO_INCOMPLETE;
  waitEnd(s, OP_RESULT);
  store<u32>(transfer, load<u32>(overlapped + <usize>OVERLAPPED_INTERNAL_HIGH));
  store<u32>(flags, load<u32>(overlapped + <usize>OVERLAPPED_FLAGS));
  return winsockOf(status);
}
