// Generated from assembly/abi/events.ts by tools/gen-abi.mjs. Do not edit.
/**
 * Events the host pulls with `events(ptr, capacity)`: 16-byte records { kind, handle, a, b }, all u32.
 * The low 16 bits of the kind are one of these numbers; the high 16 are 0 unless said otherwise.
 */

/** A waiting call can make progress: repeat it. a = caller, b = operation. */
export const EVENT_WAKE = 1;
/** An event object became set: handle is the event object's. */
export const EVENT_SIGNALED = 2;
/** A close report can be pulled: handle is the closed socket's, a = outcome. */
export const EVENT_REPORT = 3;

/**
 * A completion routine is due. The kind's high 16 bits hold the error (0 = success); handle = lpCompletionRoutine, a = lpOverlapped,
 * b = bytes.
 */
export const EVENT_ROUTINE = 4;
/** A window message of WSPAsyncSelect. The kind's high 16 bits hold wMsg; handle = hWnd, a = wParam (the socket), b = lParam (event, error << 16). */
export const EVENT_MESSAGE = 5;

/**
 * Soft errors of a connection that goes on (LSO_ERROR_REPORTS): a = WSA code a router gave, or 10060 when R1 retransmissions of one
 * segment were not answered; b = those retransmissions.
 */
export const EVENT_TROUBLE = 6;

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

/** WSPGetOverlappedResult and GetQueuedCompletionStatus. */
export const OP_RESULT = 7;
export const OP_PORT = 8;

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
  [EVENT_ROUTINE]: "routine",
  [EVENT_MESSAGE]: "message",
  [EVENT_TROUBLE]: "trouble",
};

/** OP_ number to its name. */
export const opName: Readonly<Record<number, string>> = {
  [OP_CONNECT]: "connect",
  [OP_ACCEPT]: "accept",
  [OP_RECV]: "recv",
  [OP_SEND]: "send",
  [OP_CLOSE]: "close",
  [OP_SELECT]: "select",
  [OP_RESULT]: "result",
  [OP_PORT]: "port",
};
