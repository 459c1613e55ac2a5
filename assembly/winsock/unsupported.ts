/** Entries of WSPPROC_TABLE for what TCP and UDP do not have, answered as providers of TCP/IP answer them. */
import { WSAEFAULT, WSAEINVAL, WSAEOPNOTSUPP } from "../abi/errors";
import { INVALID_SOCKET } from "../abi/winsock";
import { sockaddrRead } from "./names";
import { mayAccess, setError } from "./result";
import { enter } from "./socket";

/** lpQOSName is a WSABUF with a name: there are no quality-of-service templates, so that it is none's. FALSE: 10093, 10038, 10014, 10022. */
export function WSPGetQOSByName(s: u32, lpQOSName: usize, lpQOS: usize, lpErrno: usize): i32 {
  let e = enter(s);
  if (!e) e = mayAccess(lpQOSName, 8) && mayAccess(lpQOS, 4) ? WSAEINVAL : WSAEFAULT;
  setError(lpErrno, e);
  return 0;
}

/** Neither TCP nor UDP sockets here are roots or leaves of anything. INVALID_SOCKET: 10093, 10038, 10014, 10047, 10045. */
export function WSPJoinLeaf(
  s: u32, name: usize, namelen: i32, lpCallerData: usize, lpCalleeData: usize, lpSQOS: usize, lpGQOS: usize, dwFlags: u32, lpErrno: usize,
): u32 {
  let e = enter(s);
  if (!e) e = sockaddrRead(name, namelen);
  setError(lpErrno, e ? e : WSAEOPNOTSUPP);
  return INVALID_SOCKET;
}
