/** A cable between two frame devices of one process: what one receives the other sends. Joins a TAP to a port of a switch. */
import type { FrameDevice } from "./contract.ts";

/** Which device a frame came from. */
export type CableEnd = "a" | "b";

/**
 * Sees each frame before it is passed on and may change its bytes in place, not its length. False: the frame is lost.
 * The bytes are valid only during the call.
 */
export type CableHook = (frame: Uint8Array, from: CableEnd) => boolean;

/**
 * Joins two devices; both belong to the cable from now on. A device that is full keeps the frame at the cable until it has room, and
 * the rest with the other device: nothing is lost here. Devices with a vnet header cannot be joined to ones without.
 * @returns a function that closes both.
 * @throws RangeError if their MTUs or the headers in front of their frames differ.
 */
export function cable(a: FrameDevice, b: FrameDevice, hook: CableHook = () => true): () => void {
  if (a.mtu !== b.mtu) throw new RangeError(`the MTU of ${b.name} is ${b.mtu}; expected ${a.mtu}, that of ${a.name}`);
  if (a.capabilities !== b.capabilities) throw new RangeError(`the capabilities of ${b.name} are ${b.capabilities}; expected ${a.capabilities}, those of ${a.name}; a TAP device has 0 with { offload: false }`);
  const forth = oneWay(a, b, (frame) => hook(frame, "a"));
  const back = oneWay(b, a, (frame) => hook(frame, "b"));
  a.onWritable = back;
  b.onWritable = forth;
  a.onReadable = forth;
  b.onReadable = back;
  forth();
  back();
  return () => {
    a.close();
    b.close();
  };
}

/** Room for the longest frame: Ethernet header, tag and a packet of 65535 bytes. */
const LONGEST = 65536 + 32;

/** Carries frames until there are none or the receiver is full; called again when either changes. */
function oneWay(from: FrameDevice, to: FrameDevice, pass: (frame: Uint8Array) => boolean): () => void {
  const buffer = new Uint8Array(LONGEST);
  const parts = new Int32Array(2);
  let held = 0;
  let busy = false;
  const run = (): void => {
    for (;;) {
      if (held === 0) {
        const length = from.readInto(buffer, 0, LONGEST);
        if (length === 0) return;
        if (length > LONGEST || !pass(buffer.subarray(0, length))) continue;
        held = length;
      }
      parts[1] = held;
      if (!to.write(buffer, parts, 0, 1)) return;
      held = 0;
    }
  };
  return () => {
    // A write may call back into the cable; what runs already will see what has changed.
    if (busy) return;
    busy = true;
    try {
      run();
    } finally {
      busy = false;
    }
  };
}
