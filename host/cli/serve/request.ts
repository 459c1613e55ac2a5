/** What a client asks for (RFC 9112 §3). */
import { contentLength, type Head, HttpError, isToken, listOf } from "../http/head.ts";

export interface Request {
  readonly method: string;
  /** The target as it came, for the log. */
  readonly target: string;
  /** The path's parts, percent-decoded; the last one is empty when the path ends in a slash. */
  readonly path: readonly string[];
  /** A body follows, which nobody here wants. */
  readonly hasBody: boolean;
  /** The client can take another answer on this connection. */
  readonly keepAlive: boolean;
}

/** RFC 9112 §3.2.2: a proxy's form of target is understood too. */
const ABSOLUTE = /^https?:\/\/[^/?#]*/i;

function pathOf(target: string): string[] {
  const origin = target.replace(ABSOLUTE, "");
  const path = (origin === "" ? "/" : origin).split(/[?#]/, 1)[0] as string;
  if (!path.startsWith("/")) throw new HttpError(400, "the target is no path");
  try {
    return path.slice(1).split("/").map(decodeURIComponent);
  } catch {
    throw new HttpError(400, "the target is not percent-encoded rightly");
  }
}

/**
 * Reads the head of a request.
 * @throws HttpError 400 for what is none, 505 for another version than HTTP/1.x.
 */
export function parseRequest(head: Head): Request {
  const parts = head.start.split(" ");
  const [method = "", target = "", version = ""] = parts;
  if (parts.length !== 3 || !isToken(method) || target === "") throw new HttpError(400, "the request line is malformed");
  const minor = /^HTTP\/1\.(\d)$/.exec(version)?.[1];
  if (minor === undefined) throw new HttpError(/^HTTP\/\d(\.\d)?$/.test(version) ? 505 : 400, "the version is not HTTP/1.x");
  const hosts = head.fields.get("host")?.length ?? 0;
  // RFC 9112 §3.2.
  if (hosts > 1 || (hosts === 0 && minor !== "0")) throw new HttpError(400, "there has to be one Host field");
  const coded = listOf(head, "transfer-encoding").length > 0;
  const length = contentLength(head);
  if (coded && length !== undefined) throw new HttpError(400, "Content-Length and Transfer-Encoding exclude each other");
  const keepAlive = minor !== "0" && !listOf(head, "connection").includes("close");
  return { method, target, path: pathOf(target), hasBody: coded || (length ?? 0) > 0, keepAlive };
}
