// Generated from assembly/abi/sockets.ts by tools/gen-abi.mjs. Do not edit.
/**
 * Host sockets: what a WASI layer with sock_* functions and the host provider tell each other beyond winsock.ts and link.ts.
 */

/** Further WASI errno values, as the sock_* functions return them. */
export const WASI_EACCES = 2;
export const WASI_EADDRINUSE = 3;
export const WASI_EADDRNOTAVAIL = 4;
export const WASI_EAFNOSUPPORT = 5;
export const WASI_EALREADY = 7;
export const WASI_EDESTADDRREQ = 17;
export const WASI_EFAULT = 21;
export const WASI_EHOSTUNREACH = 23;
export const WASI_EISCONN = 30;
export const WASI_EMFILE = 33;
export const WASI_EMSGSIZE = 35;
export const WASI_ENETUNREACH = 40;
export const WASI_ENOPROTOOPT = 50;
export const WASI_ENOTCONN = 53;
export const WASI_ENOTSOCK = 57;
export const WASI_ENOTSUP = 58;
export const WASI_EPROTONOSUPPORT = 66;

/** sdflags of preview1's sock_shutdown. */
export const SDFLAGS_RD = 1;
export const SDFLAGS_WR = 2;
/** riflags of preview1's sock_recv. */
export const RIFLAGS_PEEK = 1;
/** roflags of preview1's sock_recv: the message was longer than the buffers. */
export const ROFLAGS_TRUNCATED = 1;

/** Get i32: TCP state in the numbering of winsock.ts, -1 unknown. Private level SOL_LASTACK, like LSO_OUTSTANDING. */
export const LSO_STATE = 6;
/** Get u32: datagrams thrown away because nobody received them. */
export const LSO_DROPPED = 7;
/** Get i32: bytes of the oldest datagram not received yet, -1 if there is none. */
export const LSO_FIRST = 8;
/** Get i32: datagrams not received yet. */
export const LSO_QUEUED = 9;

/** Set u32: milliseconds that count instead of SO_LINGER's seconds, until that option is set again; 0 = the seconds count. */
export const LSO_LINGER_MS = 10;
/** Get/set u32: 1 = soft errors of the connection become EVENT_TROUBLE (RFC 9293 MUST-47, SHLD-20); default 0. */
export const LSO_ERROR_REPORTS = 11;

/** Capability bits (LSO_CAPABILITIES): what a close report and a reset can rest on. The inet provider has them all. */
/** LSO_OUTSTANDING and LSO_FIN_ACKED are exact; without it they are -1 (N-18, N-22). */
export const CAPABILITY_ACKS = 1;
/** LSO_RESET takes effect at once in every state; without it a shutdown in flight is waited for first (N-07). */
export const CAPABILITY_RESET_NOW = 2;
/** A reset behind unread bytes is seen as a reset; without it, it looks like a clean end (N-09). */
export const CAPABILITY_RESET_SEEN = 4;
/** A reset is seen while receiving is paused; without it, only after the next read or write (N-10). */
export const CAPABILITY_PAUSED_SEEN = 8;
/** LSO_STATE is known (N-23). */
export const CAPABILITY_STATE = 16;
/** sock_bind and sock_listen answer for the operating system; without it, failures and the port come later, through readiness. */
export const CAPABILITY_BIND_NOW = 32;

/** dwCatalogEntryId of WSAPROTOCOL_INFO: which provider a new socket uses. Others take the default (seam.md). */
export const CATALOG_INET_TCP = 1001;
export const CATALOG_INET_UDP = 1002;
export const CATALOG_HOST_TCP = 2001;
export const CATALOG_HOST_UDP = 2002;
/** SOCK_SEQPACKET: messages over TCP (RFC 2126). */
export const CATALOG_INET_MESSAGES = 1003;
export const CATALOG_HOST_MESSAGES = 2003;

/** Congestion control of a connection, u32 CONGESTION_x, level SOL_LASTACK; 0 = the stack's default. A listener's children have its value. */
export const LSO_CONGESTION = 20;
/** RFC 5681 and RFC 6582. */
export const CONGESTION_NEWRENO = 1;
/** RFC 9438. */
export const CONGESTION_CUBIC = 2;

/** The user timeout option of RFC 5482, u32 of UTO_x, level SOL_LASTACK. A listener's children have its value; set before connect or listen the SYN carries it. */
export const LSO_USER_TIMEOUT_OPTION = 21;
/** The peer is told this end's user timeout (TCP_MAXRT, or the stack's), and what it tells is heard. */
export const UTO_ENABLED = 1;
/** What the peer tells changes this end's user timeout, within the stack's limits; as long as nothing was set, only if TCP_MAXRT was not. */
export const UTO_CHANGEABLE = 2;
/** Get u32: the peer's user timeout as it told last, milliseconds; 0 = it told none. Level SOL_LASTACK. */
export const LSO_USER_TIMEOUT_PEER = 22;

/**
 * Get/set u32, level SOL_LASTACK: 1 = only full segments leave (TCP_CORK of other systems); default 0. What fills none waits until the option
 * is cleared, the sending side is shut, or 200 ms are over. A listener's children have its value.
 */
export const LSO_CORK = 23;

/** Transport selectors of a SOCK_SEQPACKET socket, at most 32 octets each, level SOL_LASTACK. Set: before connect or listen. */
/** Own: the calling one of a connect; of a listener, the one that callers must name, empty = any. */
export const LSO_TSAP_OWN = 16;
/** The one that connect asks for. */
export const LSO_TSAP_CALLED = 17;
