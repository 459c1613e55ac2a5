/** Devices for a stack in another thread: some move there, of the others the frames are carried across. */
import { type FrameDevice, longestFrame } from "./contract.ts";
import { openSentTap, type SentTap } from "./tap.ts";
import { type SharedStation, sharedStations, ThreadStation } from "./thread-link.ts";

/** A device as it is sent to a thread. */
export type ThreadDevice = SharedStation | SentTap;

/** The device that another thread sent. */
export function openThreadDevice(sent: ThreadDevice): FrameDevice {
  return sent.kind === "tap" ? openSentTap(sent) : new ThreadStation(sent);
}

/** Frames carried one way before the event loop has its turn. */
const FRAMES_PER_TURN = 64;

/** Carries frames between a device of this thread and a ring whose other end is in another one. */
class Ferry {
  readonly #from: FrameDevice;
  readonly #to: FrameDevice;
  /** The frame that `to` had no room for stays here. */
  readonly #buffer: Uint8Array;
  readonly #parts = new Int32Array(2);
  #busy = false;
  #held = false;

  constructor(from: FrameDevice, to: FrameDevice, frameMax: number) {
    this.#from = from;
    this.#to = to;
    this.#buffer = new Uint8Array(frameMax);
    to.onWritable = () => this.run();
    from.onReadable = () => this.run();
  }

  /** Never from inside the call that rang: that may be another core's write. */
  run(): void {
    if (this.#busy) return;
    this.#busy = true;
    setImmediate(() => {
      this.#busy = false;
      this.#carry();
    });
  }

  #carry(): void {
    for (let frames = 0; frames < FRAMES_PER_TURN; frames++) {
      if (!this.#held) {
        const length = this.#from.readInto(this.#buffer, 0, this.#buffer.length);
        if (length === 0) return;
        this.#parts[1] = Math.min(length, this.#buffer.length);
      }
      this.#held = !this.#to.write(this.#buffer, this.#parts, 0, 1);
      if (this.#held) return;
    }
    this.run();
  }
}

/**
 * What to send to a thread so that it has `device`. One that cannot move stays here: its frames cross through shared memory, at the
 * cost of this thread's time.
 */
export function toThreadDevice(device: FrameDevice): ThreadDevice {
  if (device.toThread) return device.toThread() as ThreadDevice;
  const [far, near] = sharedStations(device.name, device.mtu, [device.mac, device.mac], device.capabilities);
  const station = new ThreadStation(near);
  const frameMax = longestFrame(device);
  new Ferry(device, station, frameMax);
  new Ferry(station, device, frameMax);
  return { ...far, name: device.name };
}
