/** Series of calls that several rows make. */
import { SD_SEND } from "../../../host/abi/winsock.gen.ts";
import { PORT } from "./hosts.ts";
import type { Provider } from "./provider.ts";

const OWN_PROCESS = 1;

/** H-05, X-28: the argument errors of WSPDuplicateSocket, in the order of the row. */
export function duplicateErrors(a: Provider): number[] {
  const s = a.socket();
  const call = (handle: number, process: number, info: number): number => a.code("WSPDuplicateSocket", handle, process, info);
  return [call(0xdead, OWN_PROCESS, a.scratch), call(s, 0, a.scratch), call(s, -1, a.scratch), call(s, 0, 0), call(s, OWN_PROCESS, 0)];
}

/** Closes a socket and opens others: the code of a call with the old handle, and whether it was given out again. */
export function reissue(a: Provider): { code: number; reissued: boolean } {
  const s = a.socket();
  a.close(s);
  let reissued = false;
  for (let i = 0; i < 500; i++) {
    const next = a.socket();
    reissued ||= next === s;
    a.close(next);
  }
  return { code: a.close(s), reissued };
}

/** Codes of thirteen entries, called with a handle that is or was good: X-01, H-22. */
export function everyEntry(a: Provider, s: number): number[] {
  const refused = (call: () => unknown): number => {
    call();
    return a.err;
  };
  return [
    refused(() => a.socket()), a.bind(s, "0.0.0.0", 0), a.listen(s), refused(() => a.accept(s)), a.connect(s, "10.0.0.2", PORT),
    refused(() => a.send(s, "x")), refused(() => a.recv(s)), a.shutdown(s, SD_SEND), a.close(s), a.setLinger(s, 1, 0),
    a.nonblocking(s), refused(() => a.poll({ read: [s] })), a.cleanup(),
  ];
}
