/** One client's connection: requests and answers in turn, then its close. */
import type { CloseReport, Socket } from "../../index.ts";
import { HttpError, parseHead } from "../http/head.ts";
import { Incoming } from "../http/incoming.ts";
import { parseRequest, type Request } from "./request.ts";
import { type Meter, respond, type Sent, sendError } from "./response.ts";
import type { Site } from "./site.ts";

/** A client may take so long for a head, and be silent so long between requests. */
const HEAD_MS = 15_000;
/** The end of a client whose connection is closed because the server ends is awaited so long. */
const END_MS = 1000;

export interface Serving {
  readonly site: Site;
  readonly meter: Meter;
  /** No further requests are taken when this aborts; an answer that is under way is finished. */
  readonly stopping: AbortSignal;
  readonly linger: number | undefined;
  /** Linger time, seconds, of what is closed once `stopping` has aborted, where `linger` is not given. */
  readonly lastLinger: number;
  readonly drain: boolean;
  /** One line of the log; a request that could not be read has neither method nor target. */
  onAnswer(request: Pick<Request, "method" | "target"> | undefined, sent: Sent): void;
  /** An answer could not be finished. */
  onTrouble(error: Error): void;
}

/** How to go on after an answer. */
type Next = "again" | "close" | "close and drain" | "abort";

async function nextHead(incoming: Incoming, stopping: AbortSignal): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(HEAD_MS);
  try {
    return await incoming.head(AbortSignal.any([stopping, timeout]));
  } catch (error) {
    if (incoming.buffered > 0 && error === timeout.reason) throw new HttpError(408, "the request takes too long");
    if (error === timeout.reason || error === stopping.reason) return undefined;
    throw error;
  }
}

async function answerOne(socket: Socket, incoming: Incoming, serving: Serving): Promise<Next> {
  let request: Request | undefined;
  try {
    const text = await nextHead(incoming, serving.stopping);
    if (text === undefined) return "close";
    request = parseRequest(parseHead(text));
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    // What else the client sends cannot be understood now; it must not cost it the answer (RFC 9112 §9.6).
    serving.onAnswer(undefined, await sendError(socket, error, false));
    return "close and drain";
  }
  const keepAlive = request.keepAlive && !request.hasBody && !serving.stopping.aborted;
  serving.onAnswer(request, await respond(socket, serving.site, request, keepAlive, serving.meter));
  return keepAlive ? "again" : request.hasBody ? "close and drain" : "close";
}

/** The six steps (semantics T.1), but a client that keeps its side open is waited for only so long: the server is about to end. */
async function leave(socket: Socket, incoming: Incoming, { lastLinger, drain }: Serving): Promise<CloseReport> {
  try {
    await socket.shutdown("send");
    await incoming.untilEnd(AbortSignal.timeout(Math.min(END_MS, lastLinger * 500)));
  } catch {
    // It is late, or has reset the connection: the close report says what became of it.
  }
  return socket.close({ linger: lastLinger, drain });
}

/** Serves a connection to its end; never throws. */
export async function serveConnection(socket: Socket, serving: Serving): Promise<CloseReport> {
  const incoming = new Incoming(socket);
  let next: Next = "again";
  try {
    socket.setNoDelay(true);
    while (next === "again") next = await answerOne(socket, incoming, serving);
  } catch (error) {
    serving.onTrouble(error as Error);
    next = "abort";
  }
  if (next === "abort") return socket.abort();
  if (serving.linger === undefined && serving.stopping.aborted) return leave(socket, incoming, serving);
  const { linger } = serving;
  return socket.close({ ...(linger !== undefined && { linger }), drain: serving.drain || next === "close and drain" });
}
