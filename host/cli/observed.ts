/** A look at every frame that crosses a device. */
import { type FrameDevice, gather, partsLength, vnetBytes } from "../device/index.ts";

/** Longest frame looked at. */
const FRAME_MAX = 65536 + 64;

/** Wraps a device so that `see` gets every frame that crosses it, sent or received, without its vnet header if it has one. */
export function observed(device: FrameDevice, see: (frame: Uint8Array, sent: boolean) => void): FrameDevice {
  const copy = new Uint8Array(FRAME_MAX);
  const before = vnetBytes(device);
  return {
    name: device.name,
    mtu: device.mtu,
    mac: device.mac,
    capabilities: device.capabilities,
    get stats() {
      return device.stats;
    },
    readInto(target, offset, capacity) {
      const length = device.readInto(target, offset, capacity);
      if (length > 0) see(target.subarray(offset + before, offset + Math.min(length, capacity)), false);
      return length;
    },
    write(memory, parts, first, count) {
      const length = partsLength(parts, first, count);
      const fits = length <= FRAME_MAX;
      if (fits) gather(memory, parts, first, count, copy, 0);
      const taken = device.write(memory, parts, first, count);
      if (taken && fits) see(copy.subarray(before, length), true);
      return taken;
    },
    get onReadable() {
      return device.onReadable;
    },
    set onReadable(callback) {
      device.onReadable = callback;
    },
    get onWritable() {
      return device.onWritable;
    },
    set onWritable(callback) {
      device.onWritable = callback;
    },
    close() {
      device.close();
    },
    ref() {
      device.ref?.();
    },
    unref() {
      device.unref?.();
    },
  };
}
