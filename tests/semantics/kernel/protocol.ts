/** What the thread of the scenarios and the thread of the host sockets tell each other. */
import type { CloseReportRecord, CoreConfig, CoreStats } from "../../../host/core/index.ts";

/** 0: core a, 1: core b. */
export type Place = 0 | 1;

export type Request =
  /** Two cores with these configurations; answered with where their host areas are. */
  | { readonly op: "open"; readonly build: string; readonly configs: readonly [CoreConfig, CoreConfig] }
  /** An export of a core, with the host area as it stands in the mirror. */
  | { readonly op: "call"; readonly world: number; readonly place: Place; readonly name: string; readonly args: readonly number[] }
  /** Lets virtual milliseconds pass. */
  | { readonly op: "run"; readonly world: number; readonly ms: number }
  /** Runs until a core has something to say or a deadline has passed, at most until that virtual time. */
  | { readonly op: "step"; readonly world: number; readonly until: number }
  /** Lets the kernel finish what needs no time of the cores: delayed acknowledgements. */
  | { readonly op: "rest"; readonly world: number }
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
  readonly value?: number | boolean | Opened | CoreStats;
  /** Stack of what was thrown. */
  readonly error?: string;
  /** Why this cannot be run on host sockets. */
  readonly notRun?: string;
  /** Virtual milliseconds. */
  readonly now: number;
  readonly events: readonly (readonly [place: Place, kind: number, handle: number, a: number, b: number])[];
  readonly reports: readonly (readonly [place: Place, report: CloseReportRecord])[];
}

/** Words of the flag between the threads: 1 = an answer is there. */
export const FLAG_WORDS = 1;

/** The row's situation does not exist on host sockets, or cannot be made there. */
export class NotRun extends Error {
  override readonly name = "NotRun";
}
