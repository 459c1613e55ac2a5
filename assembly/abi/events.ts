/**
 * Events the host pulls with `events(ptr, capacity)`: 16-byte records { kind, handle, a, b }, all u32.
 * The low 16 bits of the kind are one of these numbers; the high 16 are 0 unless said otherwise.
 */

/** A waiting call can make progress: repeat it. a = caller, b = operation. */
export const EVENT_WAKE: u32 = 1;
/** An event object became set: handle is the event object's. */
export const EVENT_SIGNALED: u32 = 2;
/** A close report can be pulled: handle is the closed socket's, a = outcome. */
export const EVENT_REPORT: u32 = 3;

/**
 * A completion routine is due. The kind's high 16 bits hold the error (0 = success); handle = lpCompletionRoutine, a = lpOverlapped,
 * b = bytes.
 */
export const EVENT_ROUTINE: u32 = 4;
/** A window message of WSPAsyncSelect. The kind's high 16 bits hold wMsg; handle = hWnd, a = wParam (the socket), b = lParam (event, error << 16). */
export const EVENT_MESSAGE: u32 = 5;

/**
 * Soft errors of a connection that goes on (LSO_ERROR_REPORTS): a = WSA code a router gave, or 10060 when R1 retransmissions of one
 * segment were not answered; b = those retransmissions.
 */
export const EVENT_TROUBLE: u32 = 6;

export const SIZEOF_EVENT: u32 = 16;
export const EVENT_KIND: u32 = 0;
export const EVENT_HANDLE: u32 = 4;
export const EVENT_A: u32 = 8;
export const EVENT_B: u32 = 12;

/** Operations of wait records and WAKE events. */
export const OP_CONNECT: u32 = 1;
export const OP_ACCEPT: u32 = 2;
export const OP_RECV: u32 = 3;
export const OP_SEND: u32 = 4;
export const OP_CLOSE: u32 = 5;
export const OP_SELECT: u32 = 6;

/** WSPGetOverlappedResult and GetQueuedCompletionStatus. */
export const OP_RESULT: u32 = 7;
export const OP_PORT: u32 = 8;

/** Bits of hostReady(fd, bits). */
export const READY_READ: u32 = 1;
export const READY_WRITE: u32 = 2;
export const READY_HANGUP: u32 = 4;
export const READY_ERROR: u32 = 8;
