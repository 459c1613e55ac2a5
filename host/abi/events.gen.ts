// Generated from assembly/abi/events.ts by tools/gen-abi.mjs. Do not edit.
/**
 * Events the host pulls with `events(ptr, capacity)`: 16-byte records { kind, handle, a, b }, all u32.
 */

/** A waiting call can make progress: repeat it. a = caller, b = operation. */
export const EVENT_WAKE = 1;
/** An event object became set: handle is the event object's. */
export const EVENT_SIGNALED = 2;
/** A close report can be pulled: handle is the closed socket's, a = outcome. */
export const EVENT_REPORT = 3;

export const SIZEOF_EVENT = 16;
export const EVENT_KIND = 0;
export const EVENT_HANDLE = 4;
export const EVENT_A = 8;
export const EVENT_B = 12;

/** Operations of wait records and WAKE events. */
export const OP_CONNECT = 1;
export const OP_ACCEPT = 2;
export const OP_RECV = 3;
export const OP_SEND = 4;
export const OP_CLOSE = 5;
export const OP_SELECT = 6;

/** Bits of hostReady(fd, bits). */
export const READY_READ = 1;
export const READY_WRITE = 2;
export const READY_HANGUP = 4;
export const READY_ERROR = 8;

/** EVENT_ kind to its name. */
export const eventName: Readonly<Record<number, string>> = {
  [EVENT_WAKE]: "wake",
  [EVENT_SIGNALED]: "signaled",
  [EVENT_REPORT]: "report",
};

/** OP_ number to its name. */
export const opName: Readonly<Record<number, string>> = {
  [OP_CONNECT]: "connect",
  [OP_ACCEPT]: "accept",
  [OP_RECV]: "recv",
  [OP_SEND]: "send",
  [OP_CLOSE]: "close",
  [OP_SELECT]: "select",
};
