/** The wire between two namespaces, carried frame by frame: faults and captures as on a memory link. */
import type { VirtualClock } from "../../../host/base/clock.ts";
import { type FrameDevice, type MemoryLink, memoryLink } from "../../../host/device/index.ts";
import { Gate } from "../support/gate.ts";
import { Place } from "./namespaces.ts";
import type { Frame, WireOptions } from "./protocol.ts";

const ROOM = 65_600;

/** Hands what arrives at one device to another. */
function carry(from: FrameDevice, to: FrameDevice, seen: () => void): void {
  const buffer = new Uint8Array(ROOM);
  const parts = new Int32Array(2);
  from.onReadable = () => {
    for (let length = from.readInto(buffer, 0, ROOM); length > 0; length = from.readInto(buffer, 0, ROOM)) {
      seen();
      parts[1] = length;
      to.write(buffer, parts, 0, 1);
    }
  };
}

/** IPv4 only: what else an interface says of itself is no row's affair. */
function isIpv4(frame: Uint8Array): boolean {
  return frame[12] === 8 && frame[13] === 0;
}

export class KernelWire {
  readonly places: readonly [Place, Place];
  /** A frame crossed since this was last looked at. */
  moved = false;
  /** As KernelTime has it. */
  readonly patienceMs: number | undefined;
  readonly #link: MemoryLink;
  readonly #far: Gate;
  readonly #frames: Frame[] = [];
  readonly #arrived: Uint8Array[] = [];

  constructor(clock: VirtualClock, { scripted, patienceMs, settings = {}, ...options }: WireOptions) {
    this.patienceMs = patienceMs;
    this.places = [new Place(0, settings), new Place(1, settings)];
    this.#link = memoryLink({
      clock, ...options,
      onFrame: (direction, frame, fate) => {
        if (!isIpv4(frame)) return;
        const now = clock.now() / 1e6;
        const due = fate.kind === "passed" && this.#far.open ? fate.dueNs / 1e6 : Number.POSITIVE_INFINITY;
        this.#frames.push([direction === "aToB" ? "a" : "b", frame.slice(), now, Math.max(due, now)]);
      },
    });
    this.#far = new Gate(this.#link.b);
    const moved = this.#moved;
    carry(this.places[0].device, this.#link.a, moved);
    carry(this.#link.a, this.places[0].device, moved);
    if (scripted) this.script();
    else {
      carry(this.places[1].device, this.#far, moved);
      carry(this.#far, this.places[1].device, moved);
    }
  }

  readonly #moved = (): void => {
    this.moved = true;
  };

  /** A scripted peer is at the far end from now on: it is told what arrives, and sends by `inject`. */
  script(): void {
    this.places[1].device.onReadable = undefined;
    const buffer = new Uint8Array(ROOM);
    this.#far.onReadable = () => {
      for (let length = this.#far.readInto(buffer, 0, ROOM); length > 0; length = this.#far.readInto(buffer, 0, ROOM)) {
        this.#moved();
        if (isIpv4(buffer)) this.#arrived.push(buffer.slice(0, length));
      }
    };
  }

  inject(frame: Uint8Array): void {
    this.moved = true;
    this.#far.write(frame, Int32Array.of(0, frame.length), 0, 1);
  }

  /** false: unplugged. */
  plug(open: boolean): void {
    this.#far.open = open;
  }

  takeFrames(): Frame[] {
    return this.#frames.splice(0);
  }

  takeArrived(): Uint8Array[] {
    return this.#arrived.splice(0);
  }

  close(): void {
    this.#link.close();
    for (const place of this.places) place.close();
  }
}
