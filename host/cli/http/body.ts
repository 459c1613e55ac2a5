/** The body of a response (RFC 9112 §6.3, §7): Content-Length, chunked, or until the connection ends. */
import { contentLength, type Head, HttpError, listOf } from "./head.ts";
import type { Incoming } from "./incoming.ts";

export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

/**
 * How the body of a response to GET is delimited.
 * @throws HttpError for a transfer coding that is not known here, or a bad length.
 */
export function framingOf(status: number, head: Head): Framing {
  if (status === 204 || status === 304) return { kind: "none" };
  const codings = listOf(head, "transfer-encoding");
  if (codings.length > 0) {
    if (codings.length === 1 && codings[0] === "chunked") return { kind: "chunked" };
    throw new HttpError(502, `the transfer coding "${codings.join(", ")}" is not known here`);
  }
  const length = contentLength(head);
  return length === undefined ? { kind: "close" } : { kind: "length", length };
}

/** Largest chunk size read as a number without loss. */
const SIZE = /^([0-9a-fA-F]{1,13})[ \t]*(;.*)?$/;
const TRAILERS_MAX = 100;

/** The chunks of a chunked body. Returns whether it came whole. */
async function chunks(incoming: Incoming, take: (bytes: Uint8Array) => Promise<void>): Promise<boolean> {
  for (;;) {
    const line = await incoming.line();
    if (line === undefined) return false;
    const size = SIZE.exec(line)?.[1];
    if (size === undefined) throw new HttpError(502, "a chunk has no size");
    let left = Number.parseInt(size, 16);
    if (left === 0) return trailers(incoming);
    while (left > 0) {
      const bytes = await incoming.take(left);
      if (bytes === null) return false;
      left -= bytes.length;
      await take(bytes);
    }
    const end = await incoming.line();
    if (end === undefined) return false;
    if (end !== "") throw new HttpError(502, "a chunk is longer than its size");
  }
}

async function trailers(incoming: Incoming): Promise<boolean> {
  for (let n = 0; n <= TRAILERS_MAX; n++) {
    const line = await incoming.line();
    if (line === undefined) return false;
    if (line === "") return true;
  }
  throw new HttpError(502, `more than ${TRAILERS_MAX} trailer fields`);
}

/**
 * Hands the body to `take`, piece by piece. Returns whether it came whole: a body until the end of the connection is whole at
 * the peer's FIN.
 * @throws what reading and `take` throw; HttpError for a malformed body.
 */
export async function receiveBody(incoming: Incoming, framing: Framing, take: (bytes: Uint8Array) => Promise<void>): Promise<boolean> {
  if (framing.kind === "none") return true;
  if (framing.kind === "chunked") return chunks(incoming, take);
  let left = framing.kind === "length" ? framing.length : Number.POSITIVE_INFINITY;
  while (left > 0) {
    const bytes = await incoming.take(Math.min(left, 1 << 18));
    if (bytes === null) return framing.kind === "close";
    left -= bytes.length;
    await take(bytes);
  }
  return true;
}
