// Generated from assembly/abi/winsock.ts by tools/gen-abi.mjs. Do not edit.
/**
 * Winsock numbers: families, types, options, ioctls, network events (semantics K.1 to K.3, K.5).
 */

export const INVALID_SOCKET = 0xffffffff;
export const SOCKET_ERROR = -1;

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 23;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_RDM = 4;
export const SOCK_SEQPACKET = 5;

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;

export const SD_RECEIVE = 0;
export const SD_SEND = 1;
export const SD_BOTH = 2;

export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_DONTROUTE = 0x4;
export const MSG_WAITALL = 0x8;
export const MSG_PARTIAL = 0x8000;

export const FIONREAD = 0x4004667f;
/** 0x8004667E; written as the signed 32-bit number that crosses the seam. */
export const FIONBIO = -2147195266;
export const FIOASYNC = -2147195267;
export const SIOCATMARK = 0x40047307;
/** 0xD8000027. */
export const SIO_TCP_INFO = -671088601;
/** 0xC8000006. */
export const SIO_GET_EXTENSION_FUNCTION_POINTER = -939524090;
/** 0x98000004. */
export const SIO_KEEPALIVE_VALS = -1744830460;
/** 0x9800000C. */
export const SIO_UDP_CONNRESET = -1744830452;

export const SOL_SOCKET = 0xffff;
export const SO_DEBUG = 0x0001;
export const SO_ACCEPTCONN = 0x0002;
export const SO_REUSEADDR = 0x0004;
export const SO_KEEPALIVE = 0x0008;
export const SO_DONTROUTE = 0x0010;
export const SO_BROADCAST = 0x0020;
export const SO_LINGER = 0x0080;
export const SO_OOBINLINE = 0x0100;
/** ~SO_LINGER. */
export const SO_DONTLINGER = -129;
/** ~SO_REUSEADDR. */
export const SO_EXCLUSIVEADDRUSE = -5;
export const SO_SNDBUF = 0x1001;
export const SO_RCVBUF = 0x1002;
export const SO_SNDLOWAT = 0x1003;
export const SO_RCVLOWAT = 0x1004;
export const SO_SNDTIMEO = 0x1005;
export const SO_RCVTIMEO = 0x1006;
export const SO_ERROR = 0x1007;
export const SO_TYPE = 0x1008;
export const SO_MAX_MSG_SIZE = 0x2003;
export const SO_PROTOCOL_INFOA = 0x2004;
export const SO_PROTOCOL_INFOW = 0x2005;
export const SO_CONDITIONAL_ACCEPT = 0x3002;
export const SO_PAUSE_ACCEPT = 0x3003;
export const SO_OPENTYPE = 0x7008;
/** SO_OPENTYPE: socket() makes sockets that are not overlapped (O-27). */
export const SO_SYNCHRONOUS_ALERT = 0x10;
export const SO_SYNCHRONOUS_NONALERT = 0x20;
export const SO_CONNECT_TIME = 0x700c;
export const SO_UPDATE_ACCEPT_CONTEXT = 0x700b;
export const SO_UPDATE_CONNECT_CONTEXT = 0x7010;

export const TCP_NODELAY = 1;
export const TCP_KEEPALIVE = 3;
export const TCP_MAXRT = 5;
export const TCP_MAXRTMS = 14;
export const TCP_KEEPCNT = 16;
export const TCP_KEEPINTVL = 17;
export const IP_TTL = 4;
export const IP_TOS = 3;

/** Private level (seam.md): what closing needs beyond Winsock. */
export const SOL_LASTACK = 0x4c53;
/** Get u32: bytes accepted from the caller and not yet acknowledged. */
export const LSO_OUTSTANDING = 1;
/** Get i32: 1 our FIN is acknowledged, 0 not, -1 unknown. */
export const LSO_FIN_ACKED = 2;
/** Set: reset the connection now. */
export const LSO_RESET = 3;
/** Get u32: capability bits of the socket's provider. */
export const LSO_CAPABILITIES = 4;
/** Get/set { u32 bytes, u32 milliseconds }: read and discard that much after our FIN; 0,0 = off. */
export const LSO_DRAIN = 5;

export const WSA_FLAG_OVERLAPPED = 0x01;

export const FD_READ = 0x001;
export const FD_WRITE = 0x002;
export const FD_OOB = 0x004;
export const FD_ACCEPT = 0x008;
export const FD_CONNECT = 0x010;
export const FD_CLOSE = 0x020;
export const FD_QOS = 0x040;
export const FD_GROUP_QOS = 0x080;
export const FD_ROUTING_INTERFACE_CHANGE = 0x100;
export const FD_ADDRESS_LIST_CHANGE = 0x200;
export const FD_ALL_EVENTS = 0x3ff;
export const FD_MAX_EVENTS = 10;

export const FD_READ_BIT = 0;
export const FD_WRITE_BIT = 1;
export const FD_OOB_BIT = 2;
export const FD_ACCEPT_BIT = 3;
export const FD_CONNECT_BIT = 4;
export const FD_CLOSE_BIT = 5;

export const POLLERR = 0x0001;
export const POLLHUP = 0x0002;
export const POLLNVAL = 0x0004;
export const POLLWRNORM = 0x0010;
export const POLLWRBAND = 0x0020;
export const POLLRDNORM = 0x0100;
export const POLLRDBAND = 0x0200;
export const POLLIN = 0x0300;
export const POLLPRI = 0x0400;

export const CF_ACCEPT = 0;
export const CF_REJECT = 1;
export const CF_DEFER = 2;

export const WSA_WAIT_EVENT_0 = 0;
export const WSA_WAIT_TIMEOUT = 258;
export const WSA_WAIT_FAILED = -1;
export const WSA_INFINITE = 0xffffffff;

/** dwServiceFlags1 of WSAPROTOCOL_INFO (semantics K.5). */
export const XP1_CONNECTIONLESS = 0x1;
export const XP1_GUARANTEED_DELIVERY = 0x2;
export const XP1_GUARANTEED_ORDER = 0x4;
export const XP1_MESSAGE_ORIENTED = 0x8;
export const XP1_PSEUDO_STREAM = 0x10;
export const XP1_GRACEFUL_CLOSE = 0x20;
export const XP1_EXPEDITED_DATA = 0x40;
export const XP1_CONNECT_DATA = 0x80;
export const XP1_DISCONNECT_DATA = 0x100;
export const XP1_SUPPORT_BROADCAST = 0x200;
export const XP1_SUPPORT_MULTIPOINT = 0x400;
export const XP1_IFS_HANDLES = 0x20000;
export const XP1_PARTIAL_MESSAGE = 0x40000;

export const SOMAXCONN = 0x7fffffff;

/** Record sizes in bytes (semantics K.5). */
export const SIZEOF_SOCKADDR_IN = 16;
export const SIZEOF_SOCKADDR_IN6 = 28;
export const SIZEOF_LINGER = 4;
export const SIZEOF_WSABUF = 8;
export const SIZEOF_WSANETWORKEVENTS = 44;
export const SIZEOF_WSPDATA = 516;
export const SIZEOF_WSPPROC_TABLE = 120;
export const SIZEOF_WSAPROTOCOL_INFOW = 628;
export const SIZEOF_TCP_INFO_V0 = 88;
export const SIZEOF_WSAOVERLAPPED = 20;

/** TCP states in the numbering of TCP_INFO_v0 (semantics K.5). */
export const TCP_CLOSED = 0;
export const TCP_LISTEN = 1;
export const TCP_SYN_SENT = 2;
export const TCP_SYN_RCVD = 3;
export const TCP_ESTABLISHED = 4;
export const TCP_FIN_WAIT_1 = 5;
export const TCP_FIN_WAIT_2 = 6;
export const TCP_CLOSE_WAIT = 7;
export const TCP_CLOSING = 8;
export const TCP_LAST_ACK = 9;
export const TCP_TIME_WAIT = 10;

/** TCP state number to its name in RFC 9293 (with _ for -). */
export const tcpStateName: Readonly<Record<number, string>> = {
  [TCP_CLOSED]: "CLOSED",
  [TCP_LISTEN]: "LISTEN",
  [TCP_SYN_SENT]: "SYN_SENT",
  [TCP_SYN_RCVD]: "SYN_RCVD",
  [TCP_ESTABLISHED]: "ESTABLISHED",
  [TCP_FIN_WAIT_1]: "FIN_WAIT_1",
  [TCP_FIN_WAIT_2]: "FIN_WAIT_2",
  [TCP_CLOSE_WAIT]: "CLOSE_WAIT",
  [TCP_CLOSING]: "CLOSING",
  [TCP_LAST_ACK]: "LAST_ACK",
  [TCP_TIME_WAIT]: "TIME_WAIT",
};

/** FD_ bit (value, not position) to its constant's name. */
export const networkEventName: Readonly<Record<number, string>> = {
  [FD_READ]: "FD_READ",
  [FD_WRITE]: "FD_WRITE",
  [FD_OOB]: "FD_OOB",
  [FD_ACCEPT]: "FD_ACCEPT",
  [FD_CONNECT]: "FD_CONNECT",
  [FD_CLOSE]: "FD_CLOSE",
  [FD_QOS]: "FD_QOS",
  [FD_GROUP_QOS]: "FD_GROUP_QOS",
  [FD_ROUTING_INTERFACE_CHANGE]: "FD_ROUTING_INTERFACE_CHANGE",
  [FD_ADDRESS_LIST_CHANGE]: "FD_ADDRESS_LIST_CHANGE",
};
