/** Window messages of WSPAsyncSelect as rows write them. */
import { networkEventName } from "../../../host/abi/winsock.gen.ts";
import type { Provider } from "./provider.ts";

/** The messages about socket s that were pulled and not looked at yet: FD_READ:0, in order. */
export function messagesOf(spi: Provider, s: number): string[] {
  const mine = spi.messages.filter(({ socket }) => socket === s);
  for (const message of mine) spi.messages.splice(spi.messages.indexOf(message), 1);
  return mine.map(({ event, error }) => `${networkEventName[event] ?? event}:${error}`);
}
