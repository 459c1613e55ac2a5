/** Node's and the kernel's error codes as WASI errno values (semantics N.2 goes on from there to Winsock). */
import { getSystemErrorName } from "node:util";
import * as link from "../abi/link.gen.ts";
import * as abi from "../abi/sockets.gen.ts";

const CODES: Readonly<Record<string, number>> = {
  EACCES: abi.WASI_EACCES,
  EPERM: abi.WASI_EACCES,
  EADDRINUSE: abi.WASI_EADDRINUSE,
  EADDRNOTAVAIL: abi.WASI_EADDRNOTAVAIL,
  EAFNOSUPPORT: abi.WASI_EAFNOSUPPORT,
  EAGAIN: link.WASI_EAGAIN,
  EALREADY: abi.WASI_EALREADY,
  EBADF: link.WASI_EBADF,
  ECONNABORTED: link.WASI_ECONNABORTED,
  ECONNREFUSED: link.WASI_ECONNREFUSED,
  ECONNRESET: link.WASI_ECONNRESET,
  EDESTADDRREQ: abi.WASI_EDESTADDRREQ,
  EHOSTDOWN: abi.WASI_EHOSTUNREACH,
  EHOSTUNREACH: abi.WASI_EHOSTUNREACH,
  EINPROGRESS: link.WASI_EINPROGRESS,
  EINVAL: link.WASI_EINVAL,
  EISCONN: abi.WASI_EISCONN,
  EMFILE: abi.WASI_EMFILE,
  ENFILE: abi.WASI_EMFILE,
  EMSGSIZE: abi.WASI_EMSGSIZE,
  ENETDOWN: link.WASI_ENETDOWN,
  ENETUNREACH: abi.WASI_ENETUNREACH,
  ENOBUFS: link.WASI_ENOBUFS,
  ENOMEM: link.WASI_ENOBUFS,
  ENOPROTOOPT: abi.WASI_ENOPROTOOPT,
  ENOTCONN: abi.WASI_ENOTCONN,
  EPIPE: link.WASI_EPIPE,
  ETIMEDOUT: link.WASI_ETIMEDOUT,
};

/** WASI errno of an error that Node reports; EIO for one that is not in the table. */
export function errnoOfError(error: unknown): number {
  const code = (error as { code?: unknown } | null)?.code;
  return (typeof code === "string" ? CODES[code] : undefined) ?? link.WASI_EIO;
}

/** WASI errno of the operating system's (positive) errno; 0 stays 0. */
export function errnoOfSystem(errno: number): number {
  if (errno === 0) return 0;
  return CODES[getSystemErrorName(-errno)] ?? link.WASI_EIO;
}
