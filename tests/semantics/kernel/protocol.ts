/** What the thread of the scenarios and the thread of the host sockets tell each other. */
import type { CloseReportRecord, CoreConfig, CoreStats } from "../../../host/core/index.ts";
import type { MemoryLinkOptions } from "../../../host/device/index.ts";
import type { KernelTime } from "./reasons.ts";
import type { Side } from "../support/wire.ts";

/** 0: core a, 1: core b. */
export type Place = 0 | 1;

/** A wire of its own instead of loopback. scripted: nobody but the scenario at the far end. */
export type WireOptions = Omit<MemoryLinkOptions, "clock" | "onFrame"> & KernelTime & { readonly scripted: boolean };

/** A frame given to the wire: its sender, when it was sent and when it arrives (Infinity: never). */
export type Frame = readonly [from: Side, frame: Uint8Array, at: number, due: number];

export type Request =
  /** Two cores with these configurations; answered with where their host areas are. */
  | { readonly op: "open"; readonly build: string; readonly configs: readonly [CoreConfig, CoreConfig]; readonly wire?: WireOptions }
  /** An export of a core, with the host area as it stands in the mirror. */
  | { readonly op: "call"; readonly world: number; readonly place: Place; readonly name: string; readonly args: readonly number[] }
  /** Lets virtual milliseconds pass. */
  | { readonly op: "run"; readonly world: number; readonly ms: number }
  /** Runs until a core has something to say or a deadline has passed, at most until that virtual time. */
  | { readonly op: "step"; readonly world: number; readonly until: number }
  /** Lets the kernel finish what needs no time of the cores: delayed acknowledgements. */
  | { readonly op: "rest"; readonly world: number }
  /** The kernel's table of TCP sockets where that core is. */
  | { readonly op: "sockets"; readonly world: number; readonly place: Place }
  /** A frame of the scripted peer. */
  | { readonly op: "frame"; readonly world: number; readonly frame: Uint8Array }
  /** From now on the far end is the scripted peer's. */
  | { readonly op: "script"; readonly world: number }
  /** Whether the function at that index of a core's table is the export of that name. */
  | { readonly op: "entry"; readonly world: number; readonly place: Place; readonly index: number; readonly name: string }
  /** Unplugs the far end, or plugs it in. */
  | { readonly op: "plug"; readonly world: number; readonly open: boolean }
  | { readonly op: "stats"; readonly world: number; readonly place: Place }
  /** Ends every core and socket. */
  | { readonly op: "reset" };

/** A core as the other thread sees it. */
export interface RemoteArea {
  readonly start: number;
  readonly size: number;
  /** Bytes its owner has handed out. */
  readonly used: number;
  /** Linear memory up to the end of the area; only the area is kept in step. */
  readonly mirror: SharedArrayBuffer;
}

export interface Opened {
  readonly world: number;
  readonly areas: readonly [RemoteArea, RemoteArea];
  /** Addresses of this machine that stand for those of a and b. */
  readonly addresses: readonly [string, string];
}

export interface Answer {
  readonly value?: number | boolean | string | Opened | CoreStats;
  /** Stack of what was thrown. */
  readonly error?: string;
  /** Why this cannot be run on host sockets. */
  readonly notRun?: string;
  /** Virtual milliseconds. */
  readonly now: number;
  readonly events: readonly (readonly [place: Place, kind: number, handle: number, a: number, b: number])[];
  /** What was given to the world's wire since the last answer, and what came out where the scripted peer is. */
  readonly frames: readonly Frame[];
  readonly arrived: readonly Uint8Array[];
  readonly reports: readonly (readonly [place: Place, report: CloseReportRecord])[];
}

/** Words of the flag between the threads: 1 = an answer is there. */
export const FLAG_WORDS = 1;

/** The row's situation does not exist on host sockets, or cannot be made there. */
export class NotRun extends Error {
  override readonly name = "NotRun";
}
