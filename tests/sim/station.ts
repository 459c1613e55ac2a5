/** One stack with its user: the socket table of a program, what it may expect of every call, and what became of its closes. */
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import type { CloseReportRecord } from "../../host/core/index.ts";
import type { Spi } from "../host/support/spi.ts";
import type { Cable } from "./cable.ts";
import type { Overlapped } from "./overlapped.ts";
import type { Connection, End } from "./wire.ts";

/** A socket of the program. */
export interface Slot {
  kind: "free" | "stream" | "listener";
  handle: number;
  port: number;
  blocking: boolean;
  /** connect was called; it succeeded. */
  connecting: boolean;
  connected: boolean;
  /** The descriptor is gone and the lingering close has not returned. */
  closing: boolean;
  lingerMs: number;
  /** Our end and the peer's, once connect or accept told. */
  connection: Connection | undefined;
  end: End | undefined;
  peer: End | undefined;
  sendShut: boolean;
  recvShut: boolean;
  /** Listener whose AcceptEx named it and is under way, 0 = none; ConnectEx is under way. */
  accepting: number;
  extended: boolean;
  aborted: boolean;
  atEnd: boolean;
  /** Bytes a blocking send still wants accepted, 0 = none waits. */
  sending: number;
}

export function freeSlot(): Slot {
  return {
    kind: "free", handle: 0, port: 0, blocking: true, connecting: false, connected: false, closing: false, lingerMs: -1,
    connection: undefined, end: undefined, peer: undefined, sendShut: false, recvShut: false, accepting: 0, extended: false, aborted: false, atEnd: false, sending: 0,
  };
}

/** A close that has happened and whose report is awaited, or has come. */
export interface Closed {
  readonly slot: Slot;
  /** Virtual ms of the call. */
  readonly at: number;
  /** The call waits: linger. */
  waited: boolean;
  report: CloseReportRecord | undefined;
}

export interface Station {
  readonly index: number;
  readonly spi: Spi;
  readonly cable: Cable;
  readonly address: string;
  readonly number: number;
  readonly slots: Slot[];
  /** By handle. */
  readonly closed: Map<number, Closed>;
  readonly overlapped: Overlapped;
  /** Gives a slot what its connection took over from the listener. */
  listenerOptions(slot: Slot, listener: number): void;
  /** Reports looked at so far. */
  seen: number;
}

export const isWait = (code: number): boolean => code === LASTACK_WAIT;
