/** SIO_GET_EXTENSION_FUNCTION_POINTER: extension functions by their GUIDs (semantics K.5). */
import { AcceptEx, GetAcceptExSockaddrs } from "./accepting";
import { ConnectEx, DisconnectEx } from "./connecting";

/** Index in the exported function table of what the 16 bytes at `guid` name, 0 if nothing here. */
export function extensionFunction(guid: usize): u32 {
  const first = load<u32>(guid), middle = load<u32>(guid, 4), last = load<u64>(guid, 8);
  // b5367df1-cbac-11cf-95ca-00805f48a192 and the next.
  if (middle == 0x11cfcbac && last == 0x92a1485f8000ca95) {
    return first == 0xb5367df1 ? AcceptEx.index : first == 0xb5367df2 ? GetAcceptExSockaddrs.index : 0;
  }
  // 25a207b9-ddf3-4660-8ee9-76e58c74063e.
  if (first == 0x25a207b9 && middle == 0x4660ddf3 && last == 0x3e06748ce576e98e) return ConnectEx.index;
  // 7fda2e11-8630-436f-a031-f536a6eec157.
  return first == 0x7fda2e11 && middle == 0x436f8630 && last == 0x57c1eea636f531a0 ? DisconnectEx.index : 0;
}
