/**
 * Windows, written from its documents and not tested. Node never shows the SOCKET of a connection there: `_handle.fd` is -1
 * (semantics chapter N), so nothing can be asked about a socket that Node made, and the lesser mode holds: linger ends at the
 * peer's FIN or when the kernel took everything, close reports say `unknown`.
 *
 * SIO_TCP_INFO (0xD8000027, Windows 10 1703 or later; State and BytesInFlight) answers the same questions for a SOCKET that a
 * program made itself; with such sockets this is the file to extend.
 */
import type { Kernel } from "./kernel.ts";
import type { Koffi } from "./koffi.ts";

export function win32Kernel(_koffi: Koffi): Kernel | undefined {
  return undefined;
}
