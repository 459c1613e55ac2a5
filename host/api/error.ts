/** The one error type of socket operations. */
import { errorInfo } from "../core/index.ts";
import { type Endpoint, formatEndpoint } from "./address.ts";
import type { CloseReport } from "./report.ts";

export interface SocketErrorDetails {
  readonly local?: Endpoint | undefined;
  readonly remote?: Endpoint | undefined;
  readonly report?: CloseReport | undefined;
  /** Said instead of the error's usual text. */
  readonly text?: string;
}

function describe(operation: string, wsa: number, details: SocketErrorDetails): string {
  const { local, remote } = details;
  const info = errorInfo(wsa);
  const where = [local && formatEndpoint(local), remote && `-> ${formatEndpoint(remote)}`].filter(Boolean).join(" ");
  return `${operation}${where && ` ${where}`}: ${details.text ?? info.text} (${info.name} ${info.wsa})`;
}

/**
 * A socket operation failed. `code` is what Node programs know (`ECONNRESET`), `wsa` what Winsock programs know (10054). The
 * message names the operation and the addresses.
 */
export class SocketError extends Error {
  override readonly name = "SocketError";
  /** `ECONNRESET`, `ECONNREFUSED`, `ETIMEDOUT`, ...; the Winsock name without `WSA`. */
  readonly code: string;
  /** Winsock error number. */
  readonly wsa: number;
  /** The operation that failed: `connect`, `read`, `write`, ... */
  readonly operation: string;
  readonly localAddress: Endpoint | undefined;
  readonly remoteAddress: Endpoint | undefined;
  /** The close report, when the operation came after the socket's end. */
  readonly report: CloseReport | undefined;

  constructor(operation: string, wsa: number, details: SocketErrorDetails = {}) {
    super(describe(operation, wsa, details));
    this.code = errorInfo(wsa).code;
    this.wsa = wsa;
    this.operation = operation;
    this.localAddress = details.local;
    this.remoteAddress = details.remote;
    this.report = details.report;
  }
}
