/**
 * Error numbers the provider returns through lpErrno.
 * Winsock's own values (semantics K.4); the LASTACK_ ones lie outside Winsock's range.
 */

export const WSAEINTR: i32 = 10004;
export const WSAEBADF: i32 = 10009;
export const WSAEACCES: i32 = 10013;
export const WSAEFAULT: i32 = 10014;
export const WSAEINVAL: i32 = 10022;
export const WSAEMFILE: i32 = 10024;
export const WSAEWOULDBLOCK: i32 = 10035;
export const WSAEINPROGRESS: i32 = 10036;
export const WSAEALREADY: i32 = 10037;
export const WSAENOTSOCK: i32 = 10038;
export const WSAEDESTADDRREQ: i32 = 10039;
export const WSAEMSGSIZE: i32 = 10040;
export const WSAEPROTOTYPE: i32 = 10041;
export const WSAENOPROTOOPT: i32 = 10042;
export const WSAEPROTONOSUPPORT: i32 = 10043;
export const WSAESOCKTNOSUPPORT: i32 = 10044;
export const WSAEOPNOTSUPP: i32 = 10045;
export const WSAEPFNOSUPPORT: i32 = 10046;
export const WSAEAFNOSUPPORT: i32 = 10047;
export const WSAEADDRINUSE: i32 = 10048;
export const WSAEADDRNOTAVAIL: i32 = 10049;
export const WSAENETDOWN: i32 = 10050;
export const WSAENETUNREACH: i32 = 10051;
export const WSAENETRESET: i32 = 10052;
export const WSAECONNABORTED: i32 = 10053;
export const WSAECONNRESET: i32 = 10054;
export const WSAENOBUFS: i32 = 10055;
export const WSAEISCONN: i32 = 10056;
export const WSAENOTCONN: i32 = 10057;
export const WSAESHUTDOWN: i32 = 10058;
export const WSAETOOMANYREFS: i32 = 10059;
export const WSAETIMEDOUT: i32 = 10060;
export const WSAECONNREFUSED: i32 = 10061;
export const WSAEHOSTDOWN: i32 = 10064;
export const WSAEHOSTUNREACH: i32 = 10065;
export const WSAEPROCLIM: i32 = 10067;
export const WSASYSNOTREADY: i32 = 10091;
export const WSAVERNOTSUPPORTED: i32 = 10092;
export const WSANOTINITIALISED: i32 = 10093;
export const WSAEDISCON: i32 = 10101;
export const WSAECANCELLED: i32 = 10103;
export const WSATRY_AGAIN: i32 = 11002;

export const WSA_INVALID_HANDLE: i32 = 6;
export const WSA_INVALID_PARAMETER: i32 = 87;
export const WSA_OPERATION_ABORTED: i32 = 995;
export const WSA_IO_INCOMPLETE: i32 = 996;
export const WSA_IO_PENDING: i32 = 997;

/** A blocking call must wait: repeat it after the WAKE event for the same caller, operation and socket. */
export const LASTACK_WAIT: i32 = 20001;
/** WSPAccept asks for the condition decision: answer with acceptDecide. */
export const LASTACK_CONDITION: i32 = 20002;
