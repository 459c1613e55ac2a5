/** WSPCancelBlockingCall and the state a host may ask for. */
import { WSAEINVAL, WSANOTINITIALISED } from "../abi/errors";
import { handleObject, KIND_SOCKET } from "../memory/handles";
import { streamState } from "../provider/index";
import { finish } from "./result";
import { claimsForget, isStream, orphanCount, socketAt, startups } from "./socket";
import { cancelCaller } from "./waits";

/**
 * Ends the current caller's waiting calls: repeated, they answer 10004. What they waited for goes on: a connect attempt, a linger.
 * Errors: 10093, 10022 (no call waits).
 */
export function WSPCancelBlockingCall(lpErrno: usize): i32 {
  claimsForget();
  return finish(!startups ? WSANOTINITIALISED : cancelCaller() ? 0 : WSAEINVAL, lpErrno);
}

/** TCP_x state of an open stream socket's connection (CLOSED without one); -1 for what is no open stream socket. */
export function socketState(s: u32): i32 {
  const i = handleObject(s, KIND_SOCKET);
  if (i < 0 || !startups) return -1;
  const found = socketAt(<u32>i);
  if (!isStream(found)) return -1;
  return found.transport < 0 ? 0 : streamState(found.provider, found.transport);
}

/** Closed sockets whose close is not settled yet (H-19). */
export function orphans(): i32 { return orphanCount; }
