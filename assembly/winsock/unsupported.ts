/**
 * Entries of WSPPROC_TABLE for what these providers do not do: every call is answered, after the checks that come first in chapter X,
 * with WSAEOPNOTSUPP.
 */
import { WSAEOPNOTSUPP } from "../abi/errors";
import { INVALID_SOCKET, SOCKET_ERROR } from "../abi/winsock";
import { setError } from "./result";
import { enter } from "./socket";

function refuse(s: u32, lpErrno: usize): void {
  const e = enter(s);
  setError(lpErrno, e ? e : WSAEOPNOTSUPP);
}

/** There are no windows to post messages to. SOCKET_ERROR: 10093, 10038, 10045. */
export function WSPAsyncSelect(s: u32, hWnd: u32, wMsg: u32, lEvent: i32, lpErrno: usize): i32 {
  refuse(s, lpErrno);
  return SOCKET_ERROR;
}

/** No operation is ever overlapped here, so that none has a result. FALSE: 10093, 10038, 10045. */
export function WSPGetOverlappedResult(s: u32, lpOverlapped: usize, lpcbTransfer: usize, fWait: i32, lpdwFlags: usize, lpErrno: usize): i32 {
  refuse(s, lpErrno);
  return 0;
}

/** There are no quality-of-service templates. FALSE: 10093, 10038, 10045. */
export function WSPGetQOSByName(s: u32, lpQOSName: usize, lpQOS: usize, lpErrno: usize): i32 {
  refuse(s, lpErrno);
  return 0;
}

/** TCP and UDP have no leaves to join. INVALID_SOCKET: 10093, 10038, 10045. */
export function WSPJoinLeaf(
  s: u32, name: usize, namelen: i32, lpCallerData: usize, lpCalleeData: usize, lpSQOS: usize, lpGQOS: usize, dwFlags: u32, lpErrno: usize,
): u32 {
  refuse(s, lpErrno);
  return INVALID_SOCKET;
}
