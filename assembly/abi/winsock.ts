/**
 * Winsock numbers: families, types, options, ioctls, network events (semantics K.1 to K.3, K.5).
 */

export const INVALID_SOCKET: u32 = 0xffffffff;
export const SOCKET_ERROR: i32 = -1;

export const AF_UNSPEC: i32 = 0;
export const AF_INET: i32 = 2;
export const AF_INET6: i32 = 23;

export const SOCK_STREAM: i32 = 1;
export const SOCK_DGRAM: i32 = 2;
export const SOCK_RAW: i32 = 3;
export const SOCK_RDM: i32 = 4;
export const SOCK_SEQPACKET: i32 = 5;

export const IPPROTO_IP: i32 = 0;
export const IPPROTO_ICMP: i32 = 1;
export const IPPROTO_TCP: i32 = 6;
export const IPPROTO_UDP: i32 = 17;
export const IPPROTO_IPV6: i32 = 41;

export const SD_RECEIVE: i32 = 0;
export const SD_SEND: i32 = 1;
export const SD_BOTH: i32 = 2;

export const MSG_OOB: i32 = 0x1;
export const MSG_PEEK: i32 = 0x2;
export const MSG_DONTROUTE: i32 = 0x4;
export const MSG_WAITALL: i32 = 0x8;
export const MSG_PARTIAL: i32 = 0x8000;

export const FIONREAD: i32 = 0x4004667f;
/** 0x8004667E; written as the signed 32-bit number that crosses the seam. */
export const FIONBIO: i32 = -2147195266;
export const FIOASYNC: i32 = -2147195267;
export const SIOCATMARK: i32 = 0x40047307;
/** 0xD8000027. */
export const SIO_TCP_INFO: i32 = -671088601;
/** 0xC8000006. */
export const SIO_GET_EXTENSION_FUNCTION_POINTER: i32 = -939524090;
/** 0x98000004. */
export const SIO_KEEPALIVE_VALS: i32 = -1744830460;
/** 0x9800000C. */
export const SIO_UDP_CONNRESET: i32 = -1744830452;

export const SOL_SOCKET: i32 = 0xffff;
export const SO_DEBUG: i32 = 0x0001;
export const SO_ACCEPTCONN: i32 = 0x0002;
export const SO_REUSEADDR: i32 = 0x0004;
export const SO_KEEPALIVE: i32 = 0x0008;
export const SO_DONTROUTE: i32 = 0x0010;
export const SO_BROADCAST: i32 = 0x0020;
export const SO_LINGER: i32 = 0x0080;
export const SO_OOBINLINE: i32 = 0x0100;
/** ~SO_LINGER. */
export const SO_DONTLINGER: i32 = -129;
/** ~SO_REUSEADDR. */
export const SO_EXCLUSIVEADDRUSE: i32 = -5;
export const SO_SNDBUF: i32 = 0x1001;
export const SO_RCVBUF: i32 = 0x1002;
export const SO_SNDLOWAT: i32 = 0x1003;
export const SO_RCVLOWAT: i32 = 0x1004;
export const SO_SNDTIMEO: i32 = 0x1005;
export const SO_RCVTIMEO: i32 = 0x1006;
export const SO_ERROR: i32 = 0x1007;
export const SO_TYPE: i32 = 0x1008;
export const SO_MAX_MSG_SIZE: i32 = 0x2003;
export const SO_PROTOCOL_INFOA: i32 = 0x2004;
export const SO_PROTOCOL_INFOW: i32 = 0x2005;
export const SO_CONDITIONAL_ACCEPT: i32 = 0x3002;
export const SO_PAUSE_ACCEPT: i32 = 0x3003;
export const SO_OPENTYPE: i32 = 0x7008;
/** SO_OPENTYPE: socket() makes sockets that are not overlapped (O-27). */
export const SO_SYNCHRONOUS_ALERT: i32 = 0x10;
export const SO_SYNCHRONOUS_NONALERT: i32 = 0x20;
export const SO_CONNECT_TIME: i32 = 0x700c;
export const SO_UPDATE_ACCEPT_CONTEXT: i32 = 0x700b;
export const SO_UPDATE_CONNECT_CONTEXT: i32 = 0x7010;

export const TCP_NODELAY: i32 = 1;
export const TCP_KEEPALIVE: i32 = 3;
export const TCP_MAXRT: i32 = 5;
export const TCP_MAXRTMS: i32 = 14;
export const TCP_KEEPCNT: i32 = 16;
export const TCP_KEEPINTVL: i32 = 17;
export const IP_TTL: i32 = 4;
export const IP_TOS: i32 = 3;

/** Private level (seam.md): what closing needs beyond Winsock. */
export const SOL_LASTACK: i32 = 0x4c53;
/** Get u32: bytes accepted from the caller and not yet acknowledged. */
export const LSO_OUTSTANDING: i32 = 1;
/** Get i32: 1 our FIN is acknowledged, 0 not, -1 unknown. */
export const LSO_FIN_ACKED: i32 = 2;
/** Set: reset the connection now. */
export const LSO_RESET: i32 = 3;
/** Get u32: capability bits of the socket's provider. */
export const LSO_CAPABILITIES: i32 = 4;
/** Get/set { u32 bytes, u32 milliseconds }: read and discard that much after our FIN; 0,0 = off. */
export const LSO_DRAIN: i32 = 5;

export const WSA_FLAG_OVERLAPPED: i32 = 0x01;

export const FD_READ: i32 = 0x001;
export const FD_WRITE: i32 = 0x002;
export const FD_OOB: i32 = 0x004;
export const FD_ACCEPT: i32 = 0x008;
export const FD_CONNECT: i32 = 0x010;
export const FD_CLOSE: i32 = 0x020;
export const FD_QOS: i32 = 0x040;
export const FD_GROUP_QOS: i32 = 0x080;
export const FD_ROUTING_INTERFACE_CHANGE: i32 = 0x100;
export const FD_ADDRESS_LIST_CHANGE: i32 = 0x200;
export const FD_ALL_EVENTS: i32 = 0x3ff;
export const FD_MAX_EVENTS: i32 = 10;

export const FD_READ_BIT: i32 = 0;
export const FD_WRITE_BIT: i32 = 1;
export const FD_OOB_BIT: i32 = 2;
export const FD_ACCEPT_BIT: i32 = 3;
export const FD_CONNECT_BIT: i32 = 4;
export const FD_CLOSE_BIT: i32 = 5;

export const POLLERR: i32 = 0x0001;
export const POLLHUP: i32 = 0x0002;
export const POLLNVAL: i32 = 0x0004;
export const POLLWRNORM: i32 = 0x0010;
export const POLLWRBAND: i32 = 0x0020;
export const POLLRDNORM: i32 = 0x0100;
export const POLLRDBAND: i32 = 0x0200;
export const POLLIN: i32 = 0x0300;
export const POLLPRI: i32 = 0x0400;

export const CF_ACCEPT: i32 = 0;
export const CF_REJECT: i32 = 1;
export const CF_DEFER: i32 = 2;

export const WSA_WAIT_EVENT_0: i32 = 0;
export const WSA_WAIT_TIMEOUT: i32 = 258;
export const WSA_WAIT_FAILED: i32 = -1;
export const WSA_INFINITE: u32 = 0xffffffff;

/** dwServiceFlags1 of WSAPROTOCOL_INFO (semantics K.5). */
export const XP1_CONNECTIONLESS: u32 = 0x1;
export const XP1_GUARANTEED_DELIVERY: u32 = 0x2;
export const XP1_GUARANTEED_ORDER: u32 = 0x4;
export const XP1_MESSAGE_ORIENTED: u32 = 0x8;
export const XP1_PSEUDO_STREAM: u32 = 0x10;
export const XP1_GRACEFUL_CLOSE: u32 = 0x20;
export const XP1_EXPEDITED_DATA: u32 = 0x40;
export const XP1_CONNECT_DATA: u32 = 0x80;
export const XP1_DISCONNECT_DATA: u32 = 0x100;
export const XP1_SUPPORT_BROADCAST: u32 = 0x200;
export const XP1_SUPPORT_MULTIPOINT: u32 = 0x400;
export const XP1_IFS_HANDLES: u32 = 0x20000;
export const XP1_PARTIAL_MESSAGE: u32 = 0x40000;

export const SOMAXCONN: i32 = 0x7fffffff;

/** Record sizes in bytes (semantics K.5). */
export const SIZEOF_SOCKADDR_IN: u32 = 16;
export const SIZEOF_SOCKADDR_IN6: u32 = 28;
export const SIZEOF_LINGER: u32 = 4;
export const SIZEOF_WSABUF: u32 = 8;
export const SIZEOF_WSANETWORKEVENTS: u32 = 44;
export const SIZEOF_WSPDATA: u32 = 516;
export const SIZEOF_WSPPROC_TABLE: u32 = 120;
export const SIZEOF_WSAPROTOCOL_INFOW: u32 = 628;
export const SIZEOF_TCP_INFO_V0: u32 = 88;
export const SIZEOF_WSAOVERLAPPED: u32 = 20;

/** TCP states in the numbering of TCP_INFO_v0 (semantics K.5). */
export const TCP_CLOSED: i32 = 0;
export const TCP_LISTEN: i32 = 1;
export const TCP_SYN_SENT: i32 = 2;
export const TCP_SYN_RCVD: i32 = 3;
export const TCP_ESTABLISHED: i32 = 4;
export const TCP_FIN_WAIT_1: i32 = 5;
export const TCP_FIN_WAIT_2: i32 = 6;
export const TCP_CLOSE_WAIT: i32 = 7;
export const TCP_CLOSING: i32 = 8;
export const TCP_LAST_ACK: i32 = 9;
export const TCP_TIME_WAIT: i32 = 10;
