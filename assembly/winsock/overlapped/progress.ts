/** What happened to a socket, or was done to it, may complete operations of it. */
import { has, S_ACCEPTING, S_LISTENING, S_RECV_PENDING, S_SEND_PENDING, Socket } from "../socket";
import { acceptsProgress, acceptanceProgress } from "./accepting";
import { disconnectProgress } from "./connecting";
import { overlapOf } from "./operations";
import { receivesProgress, sendsProgress } from "./transfers";

/** Completes what can be. It does nothing where nothing has changed. */
export function operationsProgress(s: Socket): void {
  if (has(s, S_ACCEPTING)) { acceptanceProgress(s); return; }
  if (has(s, S_RECV_PENDING)) { if (has(s, S_LISTENING)) acceptsProgress(s); else receivesProgress(s); }
  if (has(s, S_SEND_PENDING)) sendsProgress(s);
  if (overlapOf(s).link) disconnectProgress(s);
}
