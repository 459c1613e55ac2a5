/** Chapter P: where POSIX and Winsock answer differently, by row. The wire is compared all the same. */
import { WSAECONNABORTED, WSAECONNRESET, WSAENOTCONN, WSAESHUTDOWN, WSAEWOULDBLOCK } from "../../../host/abi/errors.gen.ts";
import type { Descriptor } from "./state.ts";
import type { Result } from "./winsock.ts";

export interface CallContext {
  name: string;
  d: Descriptor | undefined;
  /** What the script expects. */
  value: number | null;
  errno: string | null;
  seen: Result;
}

interface Rule {
  row: string;
  holds(c: CallContext): boolean;
  /** The script goes on as if the call had succeeded on POSIX; false: what follows would be another story, so it ends here. */
  goesOn: boolean;
}

const READS = new Set(["read", "recv", "recvfrom", "recvmsg", "readv"]);
const WRITES = new Set(["write", "send", "sendto", "sendmsg", "writev"]);
const reads = (c: CallContext): boolean => READS.has(c.name);
const writes = (c: CallContext): boolean => isWrite(c.name);

export function isWrite(name: string): boolean {
  return WRITES.has(name);
}

const RULES: readonly Rule[] = [
  // close() with a timed linger on a non-blocking socket: blocks there, refused here.
  { row: "P-05", goesOn: false, holds: (c) => c.name === "close" && c.seen.error === WSAEWOULDBLOCK && c.value === 0 && (c.d?.lingerOn ?? false) },
  // SHUT_RD: reads return 0 or data there, 10058 here.
  { row: "P-14", goesOn: true, holds: (c) => reads(c) && c.seen.error === WSAESHUTDOWN && (c.value ?? -1) >= 0 && (c.d?.recvShut ?? false) },
  { row: "P-16", goesOn: false, holds: (c) => c.name === "shutdown" && c.seen.error === WSAENOTCONN && c.value === 0 && (c.d?.listening ?? false) },
  { row: "P-17", goesOn: true, holds: (c) => c.name === "shutdown" && c.d?.protocol === "udp" && c.seen.value === 0 && c.errno === "ENOTCONN" },
  { row: "P-18", goesOn: true, holds: (c) => writes(c) && c.seen.error === WSAESHUTDOWN && c.errno === "EPIPE" },
  // After a reset: the error once and then 0, EPIPE on writing; here 10054 every time.
  { row: "P-19", goesOn: true, holds: (c) => reads(c) && c.seen.error === WSAECONNRESET && c.value === 0 },
  { row: "P-19", goesOn: true, holds: (c) => writes(c) && c.seen.error === WSAECONNRESET && c.errno === "EPIPE" },
  // A reset behind unread data: the data first there, the error at once here (V-15).
  { row: "P-20", goesOn: true, holds: (c) => reads(c) && c.seen.error === WSAECONNRESET && (c.value ?? 0) > 0 },
  // A reset behind a FIN: end of stream and EPIPE there, 10053 here (V-06).
  { row: "P-21", goesOn: true, holds: (c) => reads(c) && c.seen.error === WSAECONNABORTED && (c.value === 0 || c.errno === "ECONNRESET") },
  { row: "P-21", goesOn: true, holds: (c) => writes(c) && c.seen.error === WSAECONNABORTED && (c.errno === "EPIPE" || c.errno === "ECONNRESET") },
  // Partial counts there, all or nothing here.
  { row: "P-26", goesOn: false, holds: (c) => writes(c) && (c.value ?? 0) > 0 && (c.seen.error === WSAEWOULDBLOCK || c.seen.value > (c.value ?? 0)) },
];

/** The row that explains why a call's result is not what the script expects, or null. */
export function differingRow(context: CallContext): { row: string; goesOn: boolean } | null {
  const rule = RULES.find((r) => r.holds(context));
  return rule ? { row: rule.row, goesOn: rule.goesOn } : null;
}
