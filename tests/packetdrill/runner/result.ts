/** Does a call's result say what the script expects? */
import { WSAECONNABORTED, WSAECONNRESET, WSAESHUTDOWN, WSAETIMEDOUT, WSAEWOULDBLOCK } from "../../../host/abi/errors.gen.ts";
import { SOCKET_ERROR } from "../../../host/abi/winsock.gen.ts";
import type { Syscall } from "./ast.ts";
import { errnoNames, evaluate } from "./posix.ts";
import type { Descriptor, RunState } from "./state.ts";
import type { Result } from "./winsock.ts";

export function judgeResult(state: RunState, call: Syscall, line: number, d: Descriptor | undefined, result: Result): boolean {
  const expected = evaluate(call.result, line);
  if (expected.any) return true;
  if (expected.number === null) return result.value !== SOCKET_ERROR && expected.names.size > 0;
  if (expected.number !== SOCKET_ERROR) return result.value === expected.number;
  if (result.value !== SOCKET_ERROR) return false;
  return call.errno === null || sameError(state, call.name, call.errno, d, result.error);
}

function sameError(state: RunState, name: string, errno: string, d: Descriptor | undefined, error: number): boolean {
  if (errnoNames(error).includes(errno)) return true;
  // A non-blocking connect under way is 10035 here, EINPROGRESS there.
  if (name === "connect" && error === WSAEWOULDBLOCK) return errno === "EINPROGRESS";
  // SO_RCVTIMEO expired.
  if (error === WSAETIMEDOUT && d?.receiveTimeout) return errno === "EAGAIN" || errno === "EWOULDBLOCK";
  // An operation refused after SD_RECEIVE or SD_SEND keeps its own name; EPIPE is row P-18.
  if (error === WSAESHUTDOWN) return false;
  const reset = error === WSAECONNRESET || error === WSAECONNABORTED;
  if (state.mode !== "neutral" || !reset || !d?.flow?.finInjected || !d.flow.rstInjected) return false;
  if (errno !== "ECONNRESET" && errno !== "EPIPE") return false;
  state.relax("ECONNRESET or EPIPE after a RST in CLOSE-WAIT");
  return true;
}
