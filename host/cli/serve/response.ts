/** Answers of HTTP/1.1: heads, texts, files. */
import { open } from "node:fs/promises";
import type { Socket } from "../../index.ts";
import { HttpError } from "../http/head.ts";
import type { Resource, Site } from "./site.ts";
import type { Request } from "./request.ts";

const REASONS: Readonly<Record<number, string>> = {
  200: "OK", 301: "Moved Permanently", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
  431: "Request Header Fields Too Large", 500: "Internal Server Error", 505: "HTTP Version Not Supported",
};
/** Bytes of a file read and written at once. */
const PIECE = 1 << 18;
/** A client that takes no piece for so long is given up. */
const STALL_MS = 60_000;

export interface Sent {
  readonly status: number;
  /** Bytes of the body that the socket took. */
  readonly bytes: number;
}

/** Who is told how far a transfer is. */
export interface Meter {
  expect(bytes: number): void;
  add(bytes: number): void;
}

type Fields = Readonly<Record<string, string | number>>;

function head(status: number, fields: Fields, keepAlive: boolean): Buffer {
  // RFC 9110 §6.6.1: a server with a clock says when. Connection is always stated.
  const all: Fields = { Date: new Date().toUTCString(), ...fields, Connection: keepAlive ? "keep-alive" : "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.from(`HTTP/1.1 ${status} ${REASONS[status] ?? "Unknown"}\r\n${lines}\r\n`);
}

const write = (socket: Socket, bytes: Uint8Array): Promise<void> => socket.write(bytes, { signal: AbortSignal.timeout(STALL_MS) });

async function sendText(socket: Socket, status: number, body: Buffer, fields: Fields, keepAlive: boolean, bodiless: boolean): Promise<Sent> {
  const start = head(status, { "Content-Length": body.length, ...fields }, keepAlive);
  await write(socket, bodiless ? start : Buffer.concat([start, body]));
  return { status, bytes: bodiless ? 0 : body.length };
}

/** An answer that says what is wrong. */
export function sendError(socket: Socket, error: HttpError, keepAlive: boolean, bodiless = false): Promise<Sent> {
  const { status, message } = error;
  const fields: Fields = { "Content-Type": "text/plain; charset=utf-8", ...(status === 405 && { Allow: "GET, HEAD" }) };
  return sendText(socket, status, Buffer.from(`${status} ${REASONS[status] ?? ""}: ${message}\n`), fields, keepAlive, bodiless);
}

async function sendFile(socket: Socket, resource: Extract<Resource, { kind: "file" }>, keepAlive: boolean, bodiless: boolean, meter: Meter): Promise<Sent> {
  const file = await open(resource.path, "r").catch(() => {
    throw new HttpError(404, "there is nothing here");
  });
  try {
    const { size, mtime } = await file.stat();
    const fields = { "Content-Type": resource.type, "Content-Length": size, "Last-Modified": mtime.toUTCString() };
    await write(socket, head(200, fields, keepAlive));
    if (bodiless) return { status: 200, bytes: 0 };
    meter.expect(size);
    const buffer = Buffer.allocUnsafe(Math.min(PIECE, Math.max(1, size)));
    let at = 0;
    while (at < size) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, size - at), at);
      // The length is promised already: only a broken connection tells the client that this was not all.
      if (bytesRead === 0) throw new Error(`${resource.path} became shorter while it was sent`);
      await write(socket, buffer.subarray(0, bytesRead));
      at += bytesRead;
      meter.add(bytesRead);
    }
    return { status: 200, bytes: at };
  } finally {
    await file.close();
  }
}

/** Answers one request. Throws what writing throws, and when a file cannot be sent to its end. */
export async function respond(socket: Socket, site: Site, request: Request, keepAlive: boolean, meter: Meter): Promise<Sent> {
  const bodiless = request.method === "HEAD";
  try {
    if (request.method !== "GET" && !bodiless) throw new HttpError(405, "only GET and HEAD are answered");
    const resource = await site(request.path);
    if (resource === undefined) throw new HttpError(404, "there is nothing here");
    if (resource.kind === "file") return await sendFile(socket, resource, keepAlive, bodiless, meter);
    if (resource.kind === "text") return await sendText(socket, 200, resource.body, { "Content-Type": resource.type }, keepAlive, bodiless);
    return await sendText(socket, 301, Buffer.alloc(0), { Location: resource.location }, keepAlive, bodiless);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return sendError(socket, error, keepAlive, bodiless);
  }
}
