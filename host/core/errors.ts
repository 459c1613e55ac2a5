/** The one place where the core's error numbers become what people read (design §7.5: a closed set, mapped once). */
import * as abi from "../abi/errors.gen.ts";
import { E_ARGUMENT, E_FULL, E_MEMORY, E_STATE } from "../abi/link.gen.ts";

export interface ErrorInfo {
  /** As Node spells it: `ECONNRESET`. */
  readonly code: string;
  /** The Winsock number: 10054. */
  readonly wsa: number;
  /** The Winsock name: `WSAECONNRESET`. */
  readonly name: string;
  /** What happened, as the middle of a sentence. */
  readonly text: string;
}

/** Number, code where it is not the Winsock name without `WSA`, text. */
const ROWS: readonly (readonly [number, string | undefined, string])[] = [
  [abi.WSAEINTR, undefined, "the call was interrupted"],
  [abi.WSAEBADF, undefined, "the handle is not open"],
  [abi.WSAEACCES, undefined, "permission denied"],
  [abi.WSAEFAULT, undefined, "an address or length lies outside the caller's memory"],
  [abi.WSAEINVAL, undefined, "invalid argument, or wrong state for this call"],
  [abi.WSAEMFILE, undefined, "no more sockets: the configured maximum is in use"],
  [abi.WSAEWOULDBLOCK, undefined, "the operation would block"],
  [abi.WSAEINPROGRESS, undefined, "a blocking operation is in progress"],
  [abi.WSAEALREADY, undefined, "the operation is already in progress"],
  [abi.WSAENOTSOCK, undefined, "not a socket, or a closed one"],
  [abi.WSAEDESTADDRREQ, undefined, "a destination address is required"],
  [abi.WSAEMSGSIZE, undefined, "the message is larger than the buffer or the network allows"],
  [abi.WSAEPROTOTYPE, undefined, "the protocol does not fit the socket type"],
  [abi.WSAENOPROTOOPT, undefined, "unknown or unsupported option"],
  [abi.WSAEPROTONOSUPPORT, undefined, "the protocol is not supported"],
  [abi.WSAESOCKTNOSUPPORT, undefined, "the socket type is not supported"],
  [abi.WSAEOPNOTSUPP, undefined, "the operation is not supported on this socket"],
  [abi.WSAEPFNOSUPPORT, undefined, "the protocol family is not supported"],
  [abi.WSAEAFNOSUPPORT, undefined, "the address family is not supported here"],
  [abi.WSAEADDRINUSE, undefined, "the address is already in use"],
  [abi.WSAEADDRNOTAVAIL, undefined, "the address is not one of this stack's"],
  [abi.WSAENETDOWN, undefined, "the network is down"],
  [abi.WSAENETUNREACH, undefined, "no route to that network"],
  [abi.WSAENETRESET, undefined, "the connection was dropped by keep-alive"],
  [abi.WSAECONNABORTED, undefined, "the connection was aborted: by this side, by a timeout, or by a reset of the peer's after its FIN"],
  [abi.WSAECONNRESET, undefined, "the connection was reset by the peer"],
  [abi.WSAENOBUFS, undefined, "no buffer space: the memory limit or one of the stack's tables is in use"],
  [abi.WSAEISCONN, undefined, "the socket is already connected"],
  [abi.WSAENOTCONN, undefined, "the socket is not connected"],
  [abi.WSAESHUTDOWN, undefined, "this direction of the socket was shut down"],
  [abi.WSAETOOMANYREFS, undefined, "too many references"],
  [abi.WSAETIMEDOUT, undefined, "the operation timed out"],
  [abi.WSAECONNREFUSED, undefined, "the peer refused the connection"],
  [abi.WSAEHOSTDOWN, undefined, "the host is down"],
  [abi.WSAEHOSTUNREACH, undefined, "no route to that host"],
  [abi.WSAEPROCLIM, undefined, "too many users of the provider"],
  [abi.WSASYSNOTREADY, "ESYSNOTREADY", "the network subsystem is not ready"],
  [abi.WSAVERNOTSUPPORTED, "EVERNOTSUPPORTED", "that Winsock version is not supported"],
  [abi.WSANOTINITIALISED, "ENOTINITIALISED", "WSPStartup has not been called"],
  [abi.WSAEDISCON, undefined, "the peer has closed gracefully"],
  [abi.WSAECANCELLED, "ECANCELED", "the call was cancelled"],
  [abi.WSATRY_AGAIN, "EAI_AGAIN", "temporary failure, try again"],
  [abi.WSA_INVALID_HANDLE, "EBADF", "the event handle is not valid"],
  [abi.WSA_INVALID_PARAMETER, "EINVAL", "a parameter is not valid"],
  [abi.WSA_OPERATION_ABORTED, "ECANCELED", "the overlapped operation was aborted"],
  [abi.WSA_IO_INCOMPLETE, "EAGAIN", "the overlapped operation has not completed"],
  [abi.WSA_IO_PENDING, "EINPROGRESS", "the overlapped operation is pending"],
  [abi.LASTACK_WAIT, "EWAIT", "the call must wait and be repeated"],
  [abi.LASTACK_CONDITION, "ECONDITION", "the accept condition must be decided first"],
];

function table(): ReadonlyMap<number, ErrorInfo> {
  const map = new Map<number, ErrorInfo>();
  for (const [wsa, code, text] of ROWS) {
    const name = abi.errorName[wsa] ?? `WSA${wsa}`;
    map.set(wsa, Object.freeze({ code: code ?? name.slice("WSA".length), wsa, name, text }));
  }
  return map;
}

/** Every error of the core, by its number. */
export const errorTable: ReadonlyMap<number, ErrorInfo> = /* @__PURE__ */ table();

/** What an error number means. A number outside the closed set still gives a readable answer (code `EUNKNOWN`). */
export function errorInfo(wsa: number): ErrorInfo {
  return errorTable.get(wsa) ?? { code: "EUNKNOWN", wsa, name: `WSA${wsa}`, text: `error ${wsa}` };
}

/** A failure of loading or setting up a core: not of a socket call, which reports a Winsock number. */
export class CoreError extends Error {
  override readonly name = "CoreError";
  /** `E_STATE`, `E_ARGUMENT`, `E_MEMORY`, `E_FULL`, or what the loader found. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const SETUP: Readonly<Record<number, readonly [string, string]>> = {
  [E_STATE]: ["E_STATE", "not possible in this state (configure comes first, and once)"],
  [E_ARGUMENT]: ["E_ARGUMENT", "an argument is out of range"],
  [E_MEMORY]: ["E_MEMORY", "it does not fit into the memory limit"],
  [E_FULL]: ["E_FULL", "the table is full"],
};

/** The value of a set-up call, or a CoreError naming `operation` when it is negative. */
export function checkSetup(result: number, operation: string): number {
  if (result >= 0) return result;
  const [code, text] = SETUP[result] ?? ["E_UNKNOWN", `unknown result ${result}`];
  throw new CoreError(code, `${operation}: ${text}`);
}
