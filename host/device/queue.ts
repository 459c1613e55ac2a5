/** Frames in buffers of their own, and a first-in-first-out queue of them that reuses those buffers. */

/** One frame's buffer. `view` is exactly the frame: kept between frames of equal length, because making views is dear. */
export class Frame {
  readonly bytes: Uint8Array;
  view: Uint8Array;
  /** When it arrives, ns; for the channel that delays it. */
  due = 0;
  next: Frame | undefined;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = this.bytes;
  }

  get length(): number {
    return this.view.length;
  }

  set length(length: number) {
    if (this.view.length !== length) this.view = this.bytes.subarray(0, length);
  }
}

/** Buffers of one size, made when first needed; the last one returned goes out first, while it is still in the cache. */
export class FramePool {
  readonly capacity: number;
  #free: Frame | undefined;

  /** @param capacity Bytes of each buffer. */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  take(): Frame {
    const frame = this.#free;
    if (frame === undefined) return new Frame(this.capacity);
    this.#free = frame.next;
    frame.next = undefined;
    return frame;
  }

  give(frame: Frame): void {
    frame.next = this.#free;
    this.#free = frame;
  }
}

/** Frames waiting for a reader. */
export class FrameQueue {
  length = 0;
  #head: Frame | undefined;
  #tail: Frame | undefined;

  push(frame: Frame): void {
    if (this.#tail === undefined) this.#head = frame;
    else this.#tail.next = frame;
    this.#tail = frame;
    this.length++;
  }

  shift(): Frame | undefined {
    const frame = this.#head;
    if (frame === undefined) return undefined;
    this.#head = frame.next;
    if (this.#head === undefined) this.#tail = undefined;
    frame.next = undefined;
    this.length--;
    return frame;
  }
}

/** Copies a frame as FrameDevice.readInto promises and returns its whole length. */
export function copyFrame(frame: Frame, target: Uint8Array, offset: number, capacity: number): number {
  const length = frame.length;
  target.set(length <= capacity ? frame.view : frame.bytes.subarray(0, capacity), offset);
  return length;
}
