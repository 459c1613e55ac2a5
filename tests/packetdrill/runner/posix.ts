/** POSIX names on one side, Winsock numbers on the other: errno, and the values of argument expressions. */
import * as wsa from "../../../host/abi/errors.gen.ts";
import { ScriptError, type Expr } from "./ast.ts";

/** Winsock error → POSIX names that say the same, the usual one first (semantics N.2). */
const ERRNO: Readonly<Record<number, readonly string[]>> = {
  [wsa.WSAEINTR]: ["EINTR"],
  [wsa.WSAEBADF]: ["EBADF"],
  [wsa.WSAEACCES]: ["EACCES"],
  [wsa.WSAEFAULT]: ["EFAULT"],
  [wsa.WSAEINVAL]: ["EINVAL"],
  [wsa.WSAEMFILE]: ["EMFILE"],
  [wsa.WSAEWOULDBLOCK]: ["EAGAIN", "EWOULDBLOCK"],
  [wsa.WSAEINPROGRESS]: ["EINPROGRESS"],
  [wsa.WSAEALREADY]: ["EALREADY"],
  // A closed descriptor is no socket any more.
  [wsa.WSAENOTSOCK]: ["EBADF", "ENOTSOCK"],
  [wsa.WSAEDESTADDRREQ]: ["EDESTADDRREQ"],
  [wsa.WSAEMSGSIZE]: ["EMSGSIZE"],
  [wsa.WSAEPROTOTYPE]: ["EPROTOTYPE"],
  [wsa.WSAENOPROTOOPT]: ["ENOPROTOOPT"],
  [wsa.WSAEPROTONOSUPPORT]: ["EPROTONOSUPPORT"],
  [wsa.WSAESOCKTNOSUPPORT]: ["ESOCKTNOSUPPORT"],
  [wsa.WSAEOPNOTSUPP]: ["EOPNOTSUPP", "ENOTSUP"],
  [wsa.WSAEPFNOSUPPORT]: ["EPFNOSUPPORT"],
  [wsa.WSAEAFNOSUPPORT]: ["EAFNOSUPPORT"],
  [wsa.WSAEADDRINUSE]: ["EADDRINUSE"],
  [wsa.WSAEADDRNOTAVAIL]: ["EADDRNOTAVAIL"],
  [wsa.WSAENETDOWN]: ["ENETDOWN"],
  [wsa.WSAENETUNREACH]: ["ENETUNREACH"],
  // Keep-alive failure is ETIMEDOUT on POSIX systems.
  [wsa.WSAENETRESET]: ["ENETRESET", "ETIMEDOUT"],
  // Retransmissions exhausted.
  [wsa.WSAECONNABORTED]: ["ECONNABORTED", "ETIMEDOUT"],
  [wsa.WSAECONNRESET]: ["ECONNRESET"],
  [wsa.WSAENOBUFS]: ["ENOBUFS"],
  [wsa.WSAEISCONN]: ["EISCONN"],
  [wsa.WSAENOTCONN]: ["ENOTCONN"],
  [wsa.WSAESHUTDOWN]: ["ESHUTDOWN"],
  [wsa.WSAETIMEDOUT]: ["ETIMEDOUT"],
  [wsa.WSAECONNREFUSED]: ["ECONNREFUSED"],
  [wsa.WSAEHOSTDOWN]: ["EHOSTDOWN"],
  [wsa.WSAEHOSTUNREACH]: ["EHOSTUNREACH"],
  [wsa.WSAEDISCON]: ["EDISCON"],
  [wsa.WSAECANCELLED]: ["ECANCELED"],
};

/** Names a script may use for an error number: POSIX ones, and the Winsock one. */
export function errnoNames(error: number): readonly string[] {
  const own = wsa.errorName[error];
  return [...(ERRNO[error] ?? []), ...(own ? [own] : [])];
}

/** The usual POSIX name of an error number, for reports. */
export function errnoName(error: number): string {
  return errnoNames(error)[0] ?? `error ${error}`;
}

/** What an argument amounts to: a number where the script wrote one, and the names it combined. */
export interface Value {
  number: number | null;
  names: ReadonlySet<string>;
  /** `...`: the script leaves it to the runner. */
  any: boolean;
}

export function evaluate(expr: Expr, line: number): Value {
  switch (expr.kind) {
    case "ellipsis":
      return { number: null, names: new Set(), any: true };
    case "int":
    case "float":
      return { number: expr.value, names: new Set(), any: false };
    case "word":
      return expr.name === "NULL" ? { number: 0, names: new Set(["NULL"]), any: false } : { number: null, names: new Set([expr.name]), any: false };
    case "assign":
      return evaluate(expr.value, line);
    case "or": {
      const parts = expr.terms.map((term) => evaluate(term, line));
      const numbers = parts.map((p) => p.number).filter((n) => n !== null);
      return { number: numbers.length ? numbers.reduce((a, b) => a | b) : null, names: new Set(parts.flatMap((p) => [...p.names])), any: false };
    }
    case "list": {
      const [only] = expr.items;
      if (expr.items.length === 1 && only) return evaluate(only, line);
      break;
    }
    case "call": {
      const [only] = expr.args;
      if ((expr.name === "htons" || expr.name === "htonl") && only) return evaluate(only, line);
      break;
    }
    default:
      break;
  }
  throw new ScriptError(line, `argument of kind ${expr.kind}`);
}

/** A number the call cannot do without. */
export function needNumber(expr: Expr | undefined, what: string, line: number): number {
  if (!expr) throw new ScriptError(line, `syntax: ${what} is missing`);
  const value = evaluate(expr, line);
  if (value.number === null) throw new ScriptError(line, `${what} ${[...value.names].join("|") || "..."}`);
  return value.number;
}

/** A named flag is set, or the number has one of its bits (Linux and BSD differ). */
export function hasFlag(value: Value, name: string, ...bits: number[]): boolean {
  return value.names.has(name) || (value.number !== null && bits.some((bit) => ((value.number ?? 0) & bit) !== 0));
}
