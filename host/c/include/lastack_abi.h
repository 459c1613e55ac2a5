/* Generated from assembly/abi by tools/gen-abi.mjs. Do not edit.
 *
 * Every name carries the prefix LASTACK_, because a C host may include its system's socket headers too.
 */
#ifndef LASTACK_ABI_H
#define LASTACK_ABI_H

/**
 * The configure record: u32 fields, little endian, first field is the record's own size.
 * A shorter record leaves the rest at its default; 0xFFFFFFFF in a field means "default".
 * CONFIG_x is the offset in bytes, DEFAULT_x the value of the full builds.
 */

/** Size of the record in bytes as the host filled it. */
#define LASTACK_CONFIG_SIZE 0u
/** Socket handles open at once, listeners and event objects included. */
#define LASTACK_CONFIG_MAX_SOCKETS 4u
#define LASTACK_DEFAULT_MAX_SOCKETS 1024u
/** Connection control blocks: open, orphaned and TIME_WAIT. 0 = twice the sockets. */
#define LASTACK_CONFIG_MAX_CONNECTIONS 8u
#define LASTACK_DEFAULT_MAX_CONNECTIONS 0u
/** Bytes of linear memory the core may reach. */
#define LASTACK_CONFIG_MEMORY_LIMIT 12u
#define LASTACK_DEFAULT_MEMORY_LIMIT 1073741824u
/** Largest single send an empty send queue accepts (V-25). */
#define LASTACK_CONFIG_SEND_MAX 16u
#define LASTACK_DEFAULT_SEND_MAX 67108864u
/** SO_SNDBUF of a new socket, bytes. */
#define LASTACK_CONFIG_SEND_BUFFER 20u
#define LASTACK_DEFAULT_SEND_BUFFER 262144u
/** SO_RCVBUF of a new socket, bytes. */
#define LASTACK_CONFIG_RECV_BUFFER 24u
#define LASTACK_DEFAULT_RECV_BUFFER 262144u
/** Size of hostArea() in bytes. */
#define LASTACK_CONFIG_HOST_AREA 28u
#define LASTACK_DEFAULT_HOST_AREA 65536u
/** TIME_WAIT length in milliseconds, 0..300000 (V-17, T-27). */
#define LASTACK_CONFIG_TIME_WAIT_MS 32u
#define LASTACK_DEFAULT_TIME_WAIT_MS 240000u
/** FIN_WAIT_2 limit with the handle open, milliseconds; 0 = unlimited (V-18). */
#define LASTACK_CONFIG_FIN_WAIT2_MS 36u
#define LASTACK_DEFAULT_FIN_WAIT2_MS 0u
/** FIN_WAIT_2 limit without an owner, milliseconds (seam.md: reported as delivered). */
#define LASTACK_CONFIG_ORPHAN_FIN_WAIT2_MS 40u
#define LASTACK_DEFAULT_ORPHAN_FIN_WAIT2_MS 60000u
/** Without an owner: milliseconds without acknowledgement progress before the connection is dropped (C-56). */
#define LASTACK_CONFIG_ORPHAN_TIMEOUT_MS 44u
#define LASTACK_DEFAULT_ORPHAN_TIMEOUT_MS 60000u
/** Retransmission timeout before the first measurement, milliseconds (RFC 6298 2.1). */
#define LASTACK_CONFIG_RTO_INITIAL_MS 48u
#define LASTACK_DEFAULT_RTO_INITIAL_MS 1000u
/** Smallest retransmission timeout. RFC 6298 2.4 says 1 s SHOULD; 200 ms is what current stacks use. */
#define LASTACK_CONFIG_RTO_MIN_MS 52u
#define LASTACK_DEFAULT_RTO_MIN_MS 200u
/** Largest retransmission timeout, at least 60 s (RFC 6298 2.5). */
#define LASTACK_CONFIG_RTO_MAX_MS 56u
#define LASTACK_DEFAULT_RTO_MAX_MS 60000u
/** Delayed acknowledgement, milliseconds, below 500 (RFC 9293 MUST-40). */
#define LASTACK_CONFIG_DELAYED_ACK_MS 60u
#define LASTACK_DEFAULT_DELAYED_ACK_MS 40u
/** SYN and SYN,ACK retransmissions before giving up: with timeouts of 1 s doubling to 60 s, after three minutes (RFC 9293 MUST-23). */
#define LASTACK_CONFIG_SYN_RETRIES 64u
#define LASTACK_DEFAULT_SYN_RETRIES 7u
/** Milliseconds without acknowledgement progress on an owned connection before it fails (RFC 9293 R2, at least 100 s). */
#define LASTACK_CONFIG_USER_TIMEOUT_MS 68u
#define LASTACK_DEFAULT_USER_TIMEOUT_MS 120000u
/** Keepalive: idle milliseconds, interval milliseconds, probes (O-43). */
#define LASTACK_CONFIG_KEEP_IDLE_MS 72u
#define LASTACK_DEFAULT_KEEP_IDLE_MS 7200000u
#define LASTACK_CONFIG_KEEP_INTERVAL_MS 76u
#define LASTACK_DEFAULT_KEEP_INTERVAL_MS 1000u
#define LASTACK_CONFIG_KEEP_COUNT 80u
#define LASTACK_DEFAULT_KEEP_COUNT 10u
/** Close reports kept until pulled. 0 = as many as connections. */
#define LASTACK_CONFIG_REPORT_SLOTS 84u
#define LASTACK_DEFAULT_REPORT_SLOTS 0u
/** Neighbour cache entries, and the age in milliseconds at which one is asked again. */
#define LASTACK_CONFIG_NEIGHBORS 88u
#define LASTACK_DEFAULT_NEIGHBORS 64u
#define LASTACK_CONFIG_NEIGHBOR_AGE_MS 92u
#define LASTACK_DEFAULT_NEIGHBOR_AGE_MS 60000u
/** Switch bits of semantics chapter V, SWITCH_x; 0 = the recommended readings. */
#define LASTACK_CONFIG_SWITCHES 96u
#define LASTACK_DEFAULT_SWITCHES 0u
/** Largest MTU of any device that will be added, bytes: sizes the frame buffers. */
#define LASTACK_CONFIG_MTU_MAX 100u
#define LASTACK_DEFAULT_MTU_MAX 65535u
/** First value of the millisecond clock; lets tests cross the 32-bit wrap. */
#define LASTACK_CONFIG_TIME_ORIGIN 104u
#define LASTACK_DEFAULT_TIME_ORIGIN 0u
/** TCP features: FEATURE_x bits that are on; by default all but FEATURE_ECN_ASK and FEATURE_USER_TIMEOUT. */
#define LASTACK_CONFIG_FEATURES 108u
#define LASTACK_DEFAULT_FEATURES 0xfffffe7fu
/** Datagrams queued per UDP socket. */
#define LASTACK_CONFIG_UDP_QUEUE 112u
#define LASTACK_DEFAULT_UDP_QUEUE 64u
/** Sockets of the host at once: connections, listeners and UDP; 0 = the host has none to give. */
#define LASTACK_CONFIG_HOST_SOCKETS 116u
#define LASTACK_DEFAULT_HOST_SOCKETS 0u
/** Overlapped operations pending, and completions nobody has taken yet, at once; 0 = twice the sockets and 64. */
#define LASTACK_CONFIG_OPERATIONS 120u
#define LASTACK_DEFAULT_OPERATIONS 0u
/** R1 of RFC 9293 §3.8.3: after this many retransmissions of one segment IP is told to doubt the way, and the program of it. */
#define LASTACK_CONFIG_ADVICE_RETRIES 124u
#define LASTACK_DEFAULT_ADVICE_RETRIES 3u
/** Challenge ACKs of all connections together in a second, half of it chosen at random (RFC 5961 §7); 0 = no limit but each connection's. */
#define LASTACK_CONFIG_CHALLENGE_LIMIT 128u
#define LASTACK_DEFAULT_CHALLENGE_LIMIT 1000u
/** SYN cookies (RFC 4987 §3.6): COOKIES_x. */
#define LASTACK_CONFIG_SYN_COOKIES 132u
#define LASTACK_DEFAULT_SYN_COOKIES 1u
/** Records of connections in TIME_WAIT that nobody looks at; 0 = as many as connections. */
#define LASTACK_CONFIG_TIME_WAITS 136u
#define LASTACK_DEFAULT_TIME_WAITS 0u
/** What the stack does otherwise than the standards recommend: POLICY_x bits. */
#define LASTACK_CONFIG_POLICY 140u
#define LASTACK_DEFAULT_POLICY 0u
/** Milliseconds a handshake may take; 0 = the SYN retransmissions decide. */
#define LASTACK_CONFIG_CONNECT_TIMEOUT_MS 144u
#define LASTACK_DEFAULT_CONNECT_TIMEOUT_MS 0u
/** Added to every retransmission timeout computed from a measurement, milliseconds. */
#define LASTACK_CONFIG_RTO_SLOP_MS 148u
#define LASTACK_DEFAULT_RTO_SLOP_MS 0u
/** Text segments after which an acknowledgement is not delayed any more, 1..16 (RFC 9293 SHLD-19 says 2). */
#define LASTACK_CONFIG_ACK_EVERY 152u
#define LASTACK_DEFAULT_ACK_EVERY 2u
/** Limits of a user timeout that a peer's advice may lead to, milliseconds (RFC 5482 §3.1: L_LIMIT, U_LIMIT). */
#define LASTACK_CONFIG_USER_TIMEOUT_LEAST_MS 156u
#define LASTACK_DEFAULT_USER_TIMEOUT_LEAST_MS 100000u
#define LASTACK_CONFIG_USER_TIMEOUT_MOST_MS 160u
#define LASTACK_DEFAULT_USER_TIMEOUT_MOST_MS 600000u
/** A segment size that was lowered because the path did not carry more is tried again after this time, milliseconds (RFC 1191 §6.3 says ten minutes); 0 = never. */
#define LASTACK_CONFIG_PATH_AGE_MS 164u
#define LASTACK_DEFAULT_PATH_AGE_MS 600000u
#define LASTACK_SIZEOF_CONFIG 168u

/** CONFIG_SYN_COOKIES: never; when there is no room for another half-open connection; always. */
#define LASTACK_COOKIES_NEVER 0u
#define LASTACK_COOKIES_WHEN_FULL 1u
#define LASTACK_COOKIES_ALWAYS 2u

/** Any RST in the window resets (RFC 793), not the exact one alone (RFC 5961 §3). */
#define LASTACK_POLICY_INSECURE_RST 1u
/** A SYN in the window resets (RFC 793) instead of being challenged (RFC 5961 §4). */
#define LASTACK_POLICY_INSECURE_SYN 2u
/** Any old acknowledgement is taken (RFC 793), not those of the last window alone (RFC 5961 §5). */
#define LASTACK_POLICY_INSECURE_ACK 4u
/** A segment with SYN and FIN is dropped wherever it arrives. */
#define LASTACK_POLICY_DROP_SYN_FIN 8u
/** Segments that no connection and no listener claims are not answered. */
#define LASTACK_POLICY_SILENT 16u
/** A hard ICMP error resets a synchronized connection too (RFC 9293 SHLD-26); RFC 5927 §5.2 advises against it. */
#define LASTACK_POLICY_ICMP_HARD 32u
/** A hard ICMP error does not end an attempt to connect either. */
#define LASTACK_POLICY_ICMP_SOFT 64u
/** The segment size is not lowered when full segments vanish (RFC 2923 §2.1). */
#define LASTACK_POLICY_NO_BLACK_HOLES 128u
/** A SYN that was repeated twice in vain goes on without options but the segment size, for paths that drop what they do not know. */
#define LASTACK_POLICY_DROP_SYN_OPTIONS 256u

/** Switch bits: set = the second reading of the V row, clear = its recommended default. */
#define LASTACK_SWITCH_V01_CLOSE_ABORTED 1u
#define LASTACK_SWITCH_V02_CLOSE_EARLY 2u
#define LASTACK_SWITCH_V03_EVENTS_PERSIST 4u
#define LASTACK_SWITCH_V04_NEW_DATA_RECORDS 8u
#define LASTACK_SWITCH_V05_RECV_ABORTED 16u
#define LASTACK_SWITCH_V06_RESET_AFTER_FIN 32u
#define LASTACK_SWITCH_V07_IDLE_CLOSE_SUCCEEDS 64u
#define LASTACK_SWITCH_V08_UNREAD_CLOSE_FIN 128u
#define LASTACK_SWITCH_V10_RECV_SHUT_KEEPS 512u
#define LASTACK_SWITCH_V12_ERROR_CLEARS 2048u
#define LASTACK_SWITCH_V13_DONTLINGER_INVERTED 4096u
#define LASTACK_SWITCH_V14_SHUT_CLOSE_RETURNS 8192u
#define LASTACK_SWITCH_V15_RESET_KEEPS_UNREAD 16384u
#define LASTACK_SWITCH_V22_RECVDISC_LENIENT 2097152u
#define LASTACK_SWITCH_V24_SEND_CLEARS_WRITE 8388608u

#define LASTACK_FEATURE_WINDOW_SCALE 1u
#define LASTACK_FEATURE_TIMESTAMPS 2u
#define LASTACK_FEATURE_SACK 4u
/** Losses found by time, and the probe of the tail (RFC 8985). Needs SACK. */
#define LASTACK_FEATURE_RACK 8u
/** Connections use CUBIC unless their socket says otherwise (RFC 9438). */
#define LASTACK_FEATURE_CUBIC 16u
/** A timeout that nothing was lost for is undone (RFC 5682). */
#define LASTACK_FEATURE_FRTO 32u
/** Explicit congestion notification: accepted when a peer asks; asked for by connections we open (RFC 3168). */
#define LASTACK_FEATURE_ECN 64u
#define LASTACK_FEATURE_ECN_ASK 128u
/** Connections tell their peers the user timeout and heed theirs (RFC 5482), unless their socket says otherwise. */
#define LASTACK_FEATURE_USER_TIMEOUT 256u

/**
 * Error numbers the provider returns through lpErrno.
 * Winsock's own values (semantics K.4); the LASTACK_ ones lie outside Winsock's range.
 */

#define LASTACK_WSAEINTR 10004
#define LASTACK_WSAEBADF 10009
#define LASTACK_WSAEACCES 10013
#define LASTACK_WSAEFAULT 10014
#define LASTACK_WSAEINVAL 10022
#define LASTACK_WSAEMFILE 10024
#define LASTACK_WSAEWOULDBLOCK 10035
#define LASTACK_WSAEINPROGRESS 10036
#define LASTACK_WSAEALREADY 10037
#define LASTACK_WSAENOTSOCK 10038
#define LASTACK_WSAEDESTADDRREQ 10039
#define LASTACK_WSAEMSGSIZE 10040
#define LASTACK_WSAEPROTOTYPE 10041
#define LASTACK_WSAENOPROTOOPT 10042
#define LASTACK_WSAEPROTONOSUPPORT 10043
#define LASTACK_WSAESOCKTNOSUPPORT 10044
#define LASTACK_WSAEOPNOTSUPP 10045
#define LASTACK_WSAEPFNOSUPPORT 10046
#define LASTACK_WSAEAFNOSUPPORT 10047
#define LASTACK_WSAEADDRINUSE 10048
#define LASTACK_WSAEADDRNOTAVAIL 10049
#define LASTACK_WSAENETDOWN 10050
#define LASTACK_WSAENETUNREACH 10051
#define LASTACK_WSAENETRESET 10052
#define LASTACK_WSAECONNABORTED 10053
#define LASTACK_WSAECONNRESET 10054
#define LASTACK_WSAENOBUFS 10055
#define LASTACK_WSAEISCONN 10056
#define LASTACK_WSAENOTCONN 10057
#define LASTACK_WSAESHUTDOWN 10058
#define LASTACK_WSAETOOMANYREFS 10059
#define LASTACK_WSAETIMEDOUT 10060
#define LASTACK_WSAECONNREFUSED 10061
#define LASTACK_WSAEHOSTDOWN 10064
#define LASTACK_WSAEHOSTUNREACH 10065
#define LASTACK_WSAEPROCLIM 10067
#define LASTACK_WSASYSNOTREADY 10091
#define LASTACK_WSAVERNOTSUPPORTED 10092
#define LASTACK_WSANOTINITIALISED 10093
#define LASTACK_WSAEDISCON 10101
#define LASTACK_WSAECANCELLED 10103
#define LASTACK_WSATRY_AGAIN 11002

#define LASTACK_WSA_INVALID_HANDLE 6
#define LASTACK_WSA_INVALID_PARAMETER 87
#define LASTACK_WSA_OPERATION_ABORTED 995
#define LASTACK_WSA_IO_INCOMPLETE 996
#define LASTACK_WSA_IO_PENDING 997

/** A blocking call must wait: repeat it after the WAKE event for the same caller, operation and socket. */
#define LASTACK_WAIT 20001
/** WSPAccept asks for the condition decision: answer with acceptDecide. */
#define LASTACK_CONDITION 20002

/**
 * Events the host pulls with `events(ptr, capacity)`: 16-byte records { kind, handle, a, b }, all u32.
 * The low 16 bits of the kind are one of these numbers; the high 16 are 0 unless said otherwise.
 */

/** A waiting call can make progress: repeat it. a = caller, b = operation. */
#define LASTACK_EVENT_WAKE 1u
/** An event object became set: handle is the event object's. */
#define LASTACK_EVENT_SIGNALED 2u
/** A close report can be pulled: handle is the closed socket's, a = outcome. */
#define LASTACK_EVENT_REPORT 3u

/**
 * A completion routine is due. The kind's high 16 bits hold the error (0 = success); handle = lpCompletionRoutine, a = lpOverlapped,
 * b = bytes.
 */
#define LASTACK_EVENT_ROUTINE 4u
/** A window message of WSPAsyncSelect. The kind's high 16 bits hold wMsg; handle = hWnd, a = wParam (the socket), b = lParam (event, error << 16). */
#define LASTACK_EVENT_MESSAGE 5u

/**
 * Soft errors of a connection that goes on (LSO_ERROR_REPORTS): a = WSA code a router gave, or 10060 when R1 retransmissions of one
 * segment were not answered; b = those retransmissions.
 */
#define LASTACK_EVENT_TROUBLE 6u

#define LASTACK_SIZEOF_EVENT 16u
#define LASTACK_EVENT_KIND 0u
#define LASTACK_EVENT_HANDLE 4u
#define LASTACK_EVENT_A 8u
#define LASTACK_EVENT_B 12u

/** Operations of wait records and WAKE events. */
#define LASTACK_OP_CONNECT 1u
#define LASTACK_OP_ACCEPT 2u
#define LASTACK_OP_RECV 3u
#define LASTACK_OP_SEND 4u
#define LASTACK_OP_CLOSE 5u
#define LASTACK_OP_SELECT 6u

/** WSPGetOverlappedResult and GetQueuedCompletionStatus. */
#define LASTACK_OP_RESULT 7u
#define LASTACK_OP_PORT 8u

/** Bits of hostReady(fd, bits). */
#define LASTACK_READY_READ 1u
#define LASTACK_READY_WRITE 2u
#define LASTACK_READY_HANGUP 4u
#define LASTACK_READY_ERROR 8u

/**
 * Devices, interfaces and WASI numbers shared with hosts.
 */

/** Capabilities of a frame device, bits of deviceAdd. */
/** A 12-byte virtio_net_hdr precedes each frame, both ways. */
#define LASTACK_DEVICE_VNET_HEADER 1u
/** The receiver need not verify, the sender need not fill, transport checksums (only with the vnet header's flags). */
#define LASTACK_DEVICE_CHECKSUM_OFFLOAD 2u
/**
 * TCP over IPv4 may cross in packets of up to 65,535 bytes whatever the MTU, each standing for segments of the size that its vnet header
 * states (TSO out, GRO in). Needs the two above.
 */
#define LASTACK_DEVICE_SEGMENT_OFFLOAD 4u

/** Offsets in the record of a device's posted receive buffers (devicePost), u32 each. */
/** Buffers there are, bytes from one to the next, address of the first. */
#define LASTACK_POSTED_COUNT 0u
#define LASTACK_POSTED_STRIDE 4u
#define LASTACK_POSTED_FIRST 8u
/** Buffers the device has filled since the core took them last. */
#define LASTACK_POSTED_FILLED 12u
/** Set by the device: older frames are to be read with fd_read. */
#define LASTACK_POSTED_READ 16u
/** Length of the frame in each buffer. */
#define LASTACK_POSTED_LENGTHS 20u

/** WASI errno values the core meets. */
#define LASTACK_WASI_SUCCESS 0
#define LASTACK_WASI_EAGAIN 6
#define LASTACK_WASI_EBADF 8
#define LASTACK_WASI_ECONNABORTED 13
#define LASTACK_WASI_ECONNREFUSED 14
#define LASTACK_WASI_ECONNRESET 15
#define LASTACK_WASI_EINPROGRESS 26
#define LASTACK_WASI_EINVAL 28
#define LASTACK_WASI_EIO 29
#define LASTACK_WASI_ENETDOWN 38
#define LASTACK_WASI_ENOBUFS 42
#define LASTACK_WASI_ENOSYS 52
#define LASTACK_WASI_EPIPE 64
#define LASTACK_WASI_ETIMEDOUT 73

#define LASTACK_CLOCK_MONOTONIC 1

/** Result of the Lastack set (configure, deviceAdd, …): 0 or above is success, these are failures. */
#define LASTACK_E_STATE (-1)
#define LASTACK_E_ARGUMENT (-2)
#define LASTACK_E_MEMORY (-3)
#define LASTACK_E_FULL (-4)

#define LASTACK_ABI_VERSION 1

/**
 * Overlapped operations: what stands in WSAOVERLAPPED (semantics K.5) while one is pending and when it is complete, and the
 * Win32 codes that completion ports speak (K.4).
 */

/** WSAOVERLAPPED: status and bytes are the provider's, the flags stand in Offset once the operation is complete, hEvent is the caller's. */
#define LASTACK_OVERLAPPED_INTERNAL 0u
#define LASTACK_OVERLAPPED_INTERNAL_HIGH 4u
#define LASTACK_OVERLAPPED_FLAGS 8u
#define LASTACK_OVERLAPPED_EVENT 16u

/** Status in Internal. */
#define LASTACK_STATUS_SUCCESS 0u
#define LASTACK_STATUS_PENDING 0x103u
#define LASTACK_STATUS_BUFFER_OVERFLOW 0x80000005u
#define LASTACK_STATUS_INVALID_HANDLE 0xc0000008u
#define LASTACK_STATUS_INSUFFICIENT_RESOURCES 0xc000009au
#define LASTACK_STATUS_DEVICE_NOT_READY 0xc00000a3u
#define LASTACK_STATUS_PIPE_DISCONNECTED 0xc00000b0u
#define LASTACK_STATUS_IO_TIMEOUT 0xc00000b5u
#define LASTACK_STATUS_NOT_SUPPORTED 0xc00000bbu
#define LASTACK_STATUS_CANCELLED 0xc0000120u
#define LASTACK_STATUS_LOCAL_DISCONNECT 0xc000013bu
#define LASTACK_STATUS_REMOTE_DISCONNECT 0xc000013cu
#define LASTACK_STATUS_INVALID_CONNECTION 0xc0000140u
#define LASTACK_STATUS_CONNECTION_DISCONNECTED 0xc000020cu
#define LASTACK_STATUS_CONNECTION_RESET 0xc000020du
#define LASTACK_STATUS_CONNECTION_REFUSED 0xc0000236u
#define LASTACK_STATUS_GRACEFUL_DISCONNECT 0xc0000237u
#define LASTACK_STATUS_NETWORK_UNREACHABLE 0xc000023cu
#define LASTACK_STATUS_HOST_UNREACHABLE 0xc000023du
#define LASTACK_STATUS_PORT_UNREACHABLE 0xc000023fu
#define LASTACK_STATUS_CONNECTION_ABORTED 0xc0000241u
/** An error of Winsock's that has no status of its own: its code stands in the low 16 bits. */
#define LASTACK_STATUS_WINSOCK 0xe0000000u

/** Codes of the functions around completion ports. */
#define LASTACK_ERROR_INVALID_HANDLE 6
#define LASTACK_ERROR_NOT_SUPPORTED 50
#define LASTACK_ERROR_NETNAME_DELETED 64
#define LASTACK_ERROR_INVALID_PARAMETER 87
#define LASTACK_ERROR_SEM_TIMEOUT 121
#define LASTACK_ERROR_MORE_DATA 234
#define LASTACK_ERROR_PIPE_NOT_CONNECTED 233
#define LASTACK_WAIT_TIMEOUT 258
#define LASTACK_ERROR_ABANDONED_WAIT_0 735
#define LASTACK_ERROR_OPERATION_ABORTED 995
#define LASTACK_ERROR_NOT_FOUND 1168
#define LASTACK_ERROR_CONNECTION_REFUSED 1225
#define LASTACK_ERROR_GRACEFUL_DISCONNECT 1226
#define LASTACK_ERROR_NETWORK_UNREACHABLE 1231
#define LASTACK_ERROR_HOST_UNREACHABLE 1232
#define LASTACK_ERROR_PORT_UNREACHABLE 1234
#define LASTACK_ERROR_CONNECTION_ABORTED 1236
#define LASTACK_ERROR_NO_SYSTEM_RESOURCES 1450

/** CreateIoCompletionPort with this handle makes a port and associates nothing. */
#define LASTACK_INVALID_HANDLE_VALUE 0xffffffffu

/** Flags of DisconnectEx (K.1). */
#define LASTACK_TF_DISCONNECT 1u
#define LASTACK_TF_REUSE_SOCKET 2u
#define LASTACK_TF_WRITE_BEHIND 4u

/** Bytes that AcceptEx wants for an address beyond the sockaddr itself. */
#define LASTACK_ACCEPTEX_ADDRESS_EXTRA 16u

/**
 * The close report: one record per closed socket, pulled with `report(ptr)`.
 * Every close ends in exactly one (design: "close() always settles").
 */

/** Our FIN is acknowledged and the peer's FIN was seen. */
#define LASTACK_OUTCOME_GRACEFUL 1u
/** All bytes and our FIN are acknowledged; the peer has not closed its side. */
#define LASTACK_OUTCOME_DELIVERED 2u
/** The peer reset the connection. */
#define LASTACK_OUTCOME_RESET_BY_PEER 3u
/** We reset it; the cause says why. */
#define LASTACK_OUTCOME_ABORTED 4u
/** The linger time ran out; the connection was reset. */
#define LASTACK_OUTCOME_LINGER_EXPIRED 5u
/** No acknowledgement progress for the orphan or user timeout. */
#define LASTACK_OUTCOME_TIMED_OUT 6u
/** The network reported the peer unreachable. */
#define LASTACK_OUTCOME_UNREACHABLE 7u
/** The socket never had a connection. */
#define LASTACK_OUTCOME_NOT_CONNECTED 8u
/** A host socket that cannot tell. */
#define LASTACK_OUTCOME_UNKNOWN 9u

#define LASTACK_CAUSE_NONE 0u
/** SO_LINGER { on, 0 }. */
#define LASTACK_CAUSE_LINGER0 1u
/** abort was called. */
#define LASTACK_CAUSE_ABORT 2u
/** Closed with received data unread (semantics C-44). */
#define LASTACK_CAUSE_UNREAD_DATA 3u
/** Data arrived after the close (semantics C-45). */
#define LASTACK_CAUSE_DATA_AFTER_CLOSE 4u
/** Data met a receive side that was shut (semantics S-11, S-12). */
#define LASTACK_CAUSE_RECV_SHUT 5u
/** The last WSPCleanup tore the connection down (semantics C-53). */
#define LASTACK_CAUSE_CLEANUP 6u
/** The peer broke the protocol above TCP (SOCK_SEQPACKET). */
#define LASTACK_CAUSE_PROTOCOL 7u

/** Offsets in bytes. */
#define LASTACK_REPORT_HANDLE 0u
#define LASTACK_REPORT_OUTCOME 4u
#define LASTACK_REPORT_CAUSE 8u
/** Winsock error of the connection, 0 if none. */
#define LASTACK_REPORT_ERROR 12u
/** u64: bytes accepted from the caller. */
#define LASTACK_REPORT_BYTES_SENT 16u
/** u64: of those, acknowledged by the peer's stack. */
#define LASTACK_REPORT_BYTES_ACKED 24u
/** u64: accepted and not acknowledged. */
#define LASTACK_REPORT_BYTES_UNACKED 32u
/** u64: received and never handed to the caller. */
#define LASTACK_REPORT_BYTES_DISCARDED 40u
/** u32: 1 if the peer's FIN was received. */
#define LASTACK_REPORT_PEER_FIN 48u
/** u32: milliseconds from the close call to this report. */
#define LASTACK_REPORT_DURATION_MS 52u
/** u32: TCP state in which the close found the connection. */
#define LASTACK_REPORT_STATE 56u
/** u32: reports dropped because nobody pulled them, so far. */
#define LASTACK_REPORT_DROPPED 60u
#define LASTACK_SIZEOF_REPORT 64u

/**
 * Host sockets: what a WASI layer with sock_* functions and the host provider tell each other beyond winsock.ts and link.ts.
 */

/** Further WASI errno values, as the sock_* functions return them. */
#define LASTACK_WASI_EACCES 2
#define LASTACK_WASI_EADDRINUSE 3
#define LASTACK_WASI_EADDRNOTAVAIL 4
#define LASTACK_WASI_EAFNOSUPPORT 5
#define LASTACK_WASI_EALREADY 7
#define LASTACK_WASI_EDESTADDRREQ 17
#define LASTACK_WASI_EFAULT 21
#define LASTACK_WASI_EHOSTUNREACH 23
#define LASTACK_WASI_EISCONN 30
#define LASTACK_WASI_EMFILE 33
#define LASTACK_WASI_EMSGSIZE 35
#define LASTACK_WASI_ENETUNREACH 40
#define LASTACK_WASI_ENOPROTOOPT 50
#define LASTACK_WASI_ENOTCONN 53
#define LASTACK_WASI_ENOTSOCK 57
#define LASTACK_WASI_ENOTSUP 58
#define LASTACK_WASI_EPROTONOSUPPORT 66

/** sdflags of preview1's sock_shutdown. */
#define LASTACK_SDFLAGS_RD 1
#define LASTACK_SDFLAGS_WR 2
/** riflags of preview1's sock_recv. */
#define LASTACK_RIFLAGS_PEEK 1
/** roflags of preview1's sock_recv: the message was longer than the buffers. */
#define LASTACK_ROFLAGS_TRUNCATED 1

/** Get i32: TCP state in the numbering of winsock.ts, -1 unknown. Private level SOL_LASTACK, like LSO_OUTSTANDING. */
#define LASTACK_LSO_STATE 6
/** Get u32: datagrams thrown away because nobody received them. */
#define LASTACK_LSO_DROPPED 7
/** Get i32: bytes of the oldest datagram not received yet, -1 if there is none. */
#define LASTACK_LSO_FIRST 8
/** Get i32: datagrams not received yet. */
#define LASTACK_LSO_QUEUED 9

/** Set u32: milliseconds that count instead of SO_LINGER's seconds, until that option is set again; 0 = the seconds count. */
#define LASTACK_LSO_LINGER_MS 10
/** Get/set u32: 1 = soft errors of the connection become EVENT_TROUBLE (RFC 9293 MUST-47, SHLD-20); default 0. */
#define LASTACK_LSO_ERROR_REPORTS 11

/** Capability bits (LSO_CAPABILITIES): what a close report and a reset can rest on. The inet provider has them all. */
/** LSO_OUTSTANDING and LSO_FIN_ACKED are exact; without it they are -1 (N-18, N-22). */
#define LASTACK_CAPABILITY_ACKS 1u
/** LSO_RESET takes effect at once in every state; without it a shutdown in flight is waited for first (N-07). */
#define LASTACK_CAPABILITY_RESET_NOW 2u
/** A reset behind unread bytes is seen as a reset; without it, it looks like a clean end (N-09). */
#define LASTACK_CAPABILITY_RESET_SEEN 4u
/** A reset is seen while receiving is paused; without it, only after the next read or write (N-10). */
#define LASTACK_CAPABILITY_PAUSED_SEEN 8u
/** LSO_STATE is known (N-23). */
#define LASTACK_CAPABILITY_STATE 16u
/** sock_bind and sock_listen answer for the operating system; without it, failures and the port come later, through readiness. */
#define LASTACK_CAPABILITY_BIND_NOW 32u

/** dwCatalogEntryId of WSAPROTOCOL_INFO: which provider a new socket uses. Others take the default (seam.md). */
#define LASTACK_CATALOG_INET_TCP 1001u
#define LASTACK_CATALOG_INET_UDP 1002u
#define LASTACK_CATALOG_HOST_TCP 2001u
#define LASTACK_CATALOG_HOST_UDP 2002u
/** SOCK_SEQPACKET: messages over TCP (RFC 2126). */
#define LASTACK_CATALOG_INET_MESSAGES 1003u
#define LASTACK_CATALOG_HOST_MESSAGES 2003u

/** Congestion control of a connection, u32 CONGESTION_x, level SOL_LASTACK; 0 = the stack's default. A listener's children have its value. */
#define LASTACK_LSO_CONGESTION 20
/** RFC 5681 and RFC 6582. */
#define LASTACK_CONGESTION_NEWRENO 1u
/** RFC 9438. */
#define LASTACK_CONGESTION_CUBIC 2u

/** The user timeout option of RFC 5482, u32 of UTO_x, level SOL_LASTACK. A listener's children have its value; set before connect or listen the SYN carries it. */
#define LASTACK_LSO_USER_TIMEOUT_OPTION 21
/** The peer is told this end's user timeout (TCP_MAXRT, or the stack's), and what it tells is heard. */
#define LASTACK_UTO_ENABLED 1u
/** What the peer tells changes this end's user timeout, within the stack's limits; as long as nothing was set, only if TCP_MAXRT was not. */
#define LASTACK_UTO_CHANGEABLE 2u
/** Get u32: the peer's user timeout as it told last, milliseconds; 0 = it told none. Level SOL_LASTACK. */
#define LASTACK_LSO_USER_TIMEOUT_PEER 22

/**
 * Get/set u32, level SOL_LASTACK: 1 = only full segments leave (TCP_CORK of other systems); default 0. What fills none waits until the option
 * is cleared, the sending side is shut, or 200 ms are over. A listener's children have its value.
 */
#define LASTACK_LSO_CORK 23

/** Transport selectors of a SOCK_SEQPACKET socket, at most 32 octets each, level SOL_LASTACK. Set: before connect or listen. */
/** Own: the calling one of a connect; of a listener, the one that callers must name, empty = any. */
#define LASTACK_LSO_TSAP_OWN 16
/** The one that connect asks for. */
#define LASTACK_LSO_TSAP_CALLED 17

/**
 * Stack counters: an array of u32 behind `stats()`, one index each, named after RFC 4022/4293 objects where they exist.
 */
#define LASTACK_STAT_IN_FRAMES 0u
#define LASTACK_STAT_OUT_FRAMES 1u
#define LASTACK_STAT_IN_FRAME_ERRORS 2u
#define LASTACK_STAT_OUT_FRAMES_BUSY 3u
#define LASTACK_STAT_IP_IN_RECEIVES 4u
#define LASTACK_STAT_IP_IN_HDR_ERRORS 5u
#define LASTACK_STAT_IP_IN_ADDR_ERRORS 6u
#define LASTACK_STAT_IP_IN_UNKNOWN_PROTOS 7u
#define LASTACK_STAT_IP_IN_DISCARDS 8u
#define LASTACK_STAT_IP_IN_DELIVERS 9u
#define LASTACK_STAT_IP_OUT_REQUESTS 10u
#define LASTACK_STAT_IP_OUT_NO_ROUTES 11u
#define LASTACK_STAT_IP_REASM_OKS 12u
#define LASTACK_STAT_IP_REASM_FAILS 13u
#define LASTACK_STAT_ICMP_IN_MSGS 14u
#define LASTACK_STAT_ICMP_IN_ERRORS 15u
#define LASTACK_STAT_ICMP_OUT_MSGS 16u
#define LASTACK_STAT_ARP_IN 17u
#define LASTACK_STAT_ARP_OUT 18u
#define LASTACK_STAT_ARP_FAILED 19u
#define LASTACK_STAT_TCP_ACTIVE_OPENS 20u
#define LASTACK_STAT_TCP_PASSIVE_OPENS 21u
#define LASTACK_STAT_TCP_ATTEMPT_FAILS 22u
#define LASTACK_STAT_TCP_ESTAB_RESETS 23u
#define LASTACK_STAT_TCP_IN_SEGS 24u
#define LASTACK_STAT_TCP_OUT_SEGS 25u
#define LASTACK_STAT_TCP_RETRANS_SEGS 26u
#define LASTACK_STAT_TCP_IN_ERRS 27u
#define LASTACK_STAT_TCP_OUT_RSTS 28u
#define LASTACK_STAT_TCP_OUT_OF_ORDER 29u
#define LASTACK_STAT_TCP_DUP_ACKS 30u
#define LASTACK_STAT_TCP_FAST_RETRANS 31u
#define LASTACK_STAT_TCP_TIMEOUTS 32u
#define LASTACK_STAT_TCP_CHALLENGE_ACKS 33u
#define LASTACK_STAT_TCP_NO_BUFFER 34u
#define LASTACK_STAT_TCP_LISTEN_DROPS 35u
#define LASTACK_STAT_TCP_CURRENT 36u
#define LASTACK_STAT_TCP_ORPHANS 37u
#define LASTACK_STAT_TCP_TIME_WAITS 38u
#define LASTACK_STAT_UDP_IN_DATAGRAMS 39u
#define LASTACK_STAT_UDP_NO_PORTS 40u
#define LASTACK_STAT_UDP_IN_ERRORS 41u
#define LASTACK_STAT_UDP_OUT_DATAGRAMS 42u
#define LASTACK_STAT_REPORTS 43u
#define LASTACK_STAT_REPORTS_DROPPED 44u
#define LASTACK_STAT_SOCKETS 45u
#define LASTACK_STAT_BUFFER_BYTES 46u
#define LASTACK_STAT_MEMORY_BYTES 47u
#define LASTACK_STAT_TCP_NEGATIVE_ADVICE 48u
#define LASTACK_STAT_TCP_BLACK_HOLES 49u
#define LASTACK_STAT_TCP_CURR_ESTAB 50u
#define LASTACK_STAT_TCP_CHALLENGES_WITHHELD 51u
#define LASTACK_STAT_TCP_COOKIES_SENT 52u
#define LASTACK_STAT_TCP_COOKIES_TAKEN 53u
#define LASTACK_STAT_TCP_COOKIES_WRONG 54u
#define LASTACK_STAT_TCP_TIME_WAITS_CUT 55u
#define LASTACK_STAT_IP_REASM_REQDS 56u
#define LASTACK_STAT_IP_OUT_DISCARDS 57u
#define LASTACK_STAT_IP_OUT_FRAG_OKS 58u
#define LASTACK_STAT_IP_OUT_FRAG_CREATES 59u
#define LASTACK_STAT_COUNT 60u

/**
 * Winsock numbers: families, types, options, ioctls, network events (semantics K.1 to K.3, K.5).
 */

#define LASTACK_INVALID_SOCKET 0xffffffffu
#define LASTACK_SOCKET_ERROR (-1)

#define LASTACK_AF_UNSPEC 0
#define LASTACK_AF_INET 2
#define LASTACK_AF_INET6 23

#define LASTACK_SOCK_STREAM 1
#define LASTACK_SOCK_DGRAM 2
#define LASTACK_SOCK_RAW 3
#define LASTACK_SOCK_RDM 4
#define LASTACK_SOCK_SEQPACKET 5

#define LASTACK_IPPROTO_IP 0
#define LASTACK_IPPROTO_ICMP 1
#define LASTACK_IPPROTO_TCP 6
#define LASTACK_IPPROTO_UDP 17
#define LASTACK_IPPROTO_IPV6 41

#define LASTACK_SD_RECEIVE 0
#define LASTACK_SD_SEND 1
#define LASTACK_SD_BOTH 2

#define LASTACK_MSG_OOB 0x1
#define LASTACK_MSG_PEEK 0x2
#define LASTACK_MSG_DONTROUTE 0x4
#define LASTACK_MSG_WAITALL 0x8
#define LASTACK_MSG_PARTIAL 0x8000

#define LASTACK_FIONREAD 0x4004667f
/** 0x8004667E; written as the signed 32-bit number that crosses the seam. */
#define LASTACK_FIONBIO (-2147195266)
#define LASTACK_FIOASYNC (-2147195267)
#define LASTACK_SIOCATMARK 0x40047307
/** 0xD8000027. */
#define LASTACK_SIO_TCP_INFO (-671088601)
/** 0xC8000006. */
#define LASTACK_SIO_GET_EXTENSION_FUNCTION_POINTER (-939524090)
/** 0x98000004. */
#define LASTACK_SIO_KEEPALIVE_VALS (-1744830460)
/** 0x9800000C. */
#define LASTACK_SIO_UDP_CONNRESET (-1744830452)

#define LASTACK_SOL_SOCKET 0xffff
#define LASTACK_SO_DEBUG 0x0001
#define LASTACK_SO_ACCEPTCONN 0x0002
#define LASTACK_SO_REUSEADDR 0x0004
#define LASTACK_SO_KEEPALIVE 0x0008
#define LASTACK_SO_DONTROUTE 0x0010
#define LASTACK_SO_BROADCAST 0x0020
#define LASTACK_SO_LINGER 0x0080
#define LASTACK_SO_OOBINLINE 0x0100
/** ~SO_LINGER. */
#define LASTACK_SO_DONTLINGER (-129)
/** ~SO_REUSEADDR. */
#define LASTACK_SO_EXCLUSIVEADDRUSE (-5)
#define LASTACK_SO_SNDBUF 0x1001
#define LASTACK_SO_RCVBUF 0x1002
#define LASTACK_SO_SNDLOWAT 0x1003
#define LASTACK_SO_RCVLOWAT 0x1004
#define LASTACK_SO_SNDTIMEO 0x1005
#define LASTACK_SO_RCVTIMEO 0x1006
#define LASTACK_SO_ERROR 0x1007
#define LASTACK_SO_TYPE 0x1008
#define LASTACK_SO_MAX_MSG_SIZE 0x2003
#define LASTACK_SO_PROTOCOL_INFOA 0x2004
#define LASTACK_SO_PROTOCOL_INFOW 0x2005
#define LASTACK_SO_CONDITIONAL_ACCEPT 0x3002
#define LASTACK_SO_PAUSE_ACCEPT 0x3003
#define LASTACK_SO_OPENTYPE 0x7008
/** SO_OPENTYPE: socket() makes sockets that are not overlapped (O-27). */
#define LASTACK_SO_SYNCHRONOUS_ALERT 0x10
#define LASTACK_SO_SYNCHRONOUS_NONALERT 0x20
#define LASTACK_SO_CONNECT_TIME 0x700c
#define LASTACK_SO_UPDATE_ACCEPT_CONTEXT 0x700b
#define LASTACK_SO_UPDATE_CONNECT_CONTEXT 0x7010

#define LASTACK_TCP_NODELAY 1
#define LASTACK_TCP_KEEPALIVE 3
#define LASTACK_TCP_MAXRT 5
#define LASTACK_TCP_MAXRTMS 14
#define LASTACK_TCP_KEEPCNT 16
#define LASTACK_TCP_KEEPINTVL 17
#define LASTACK_IP_TTL 4
#define LASTACK_IP_TOS 3

/** Private level (seam.md): what closing needs beyond Winsock. */
#define LASTACK_SOL_LASTACK 0x4c53
/** Get u32: bytes accepted from the caller and not yet acknowledged. */
#define LASTACK_LSO_OUTSTANDING 1
/** Get i32: 1 our FIN is acknowledged, 0 not, -1 unknown. */
#define LASTACK_LSO_FIN_ACKED 2
/** Set: reset the connection now. */
#define LASTACK_LSO_RESET 3
/** Get u32: capability bits of the socket's provider. */
#define LASTACK_LSO_CAPABILITIES 4
/** Get/set { u32 bytes, u32 milliseconds }: read and discard that much after our FIN; 0,0 = off. */
#define LASTACK_LSO_DRAIN 5

#define LASTACK_WSA_FLAG_OVERLAPPED 0x01

#define LASTACK_FD_READ 0x001
#define LASTACK_FD_WRITE 0x002
#define LASTACK_FD_OOB 0x004
#define LASTACK_FD_ACCEPT 0x008
#define LASTACK_FD_CONNECT 0x010
#define LASTACK_FD_CLOSE 0x020
#define LASTACK_FD_QOS 0x040
#define LASTACK_FD_GROUP_QOS 0x080
#define LASTACK_FD_ROUTING_INTERFACE_CHANGE 0x100
#define LASTACK_FD_ADDRESS_LIST_CHANGE 0x200
#define LASTACK_FD_ALL_EVENTS 0x3ff
#define LASTACK_FD_MAX_EVENTS 10

#define LASTACK_FD_READ_BIT 0
#define LASTACK_FD_WRITE_BIT 1
#define LASTACK_FD_OOB_BIT 2
#define LASTACK_FD_ACCEPT_BIT 3
#define LASTACK_FD_CONNECT_BIT 4
#define LASTACK_FD_CLOSE_BIT 5

#define LASTACK_POLLERR 0x0001
#define LASTACK_POLLHUP 0x0002
#define LASTACK_POLLNVAL 0x0004
#define LASTACK_POLLWRNORM 0x0010
#define LASTACK_POLLWRBAND 0x0020
#define LASTACK_POLLRDNORM 0x0100
#define LASTACK_POLLRDBAND 0x0200
#define LASTACK_POLLIN 0x0300
#define LASTACK_POLLPRI 0x0400

#define LASTACK_CF_ACCEPT 0
#define LASTACK_CF_REJECT 1
#define LASTACK_CF_DEFER 2

#define LASTACK_WSA_WAIT_EVENT_0 0
#define LASTACK_WSA_WAIT_TIMEOUT 258
#define LASTACK_WSA_WAIT_FAILED (-1)
#define LASTACK_WSA_INFINITE 0xffffffffu

/** dwServiceFlags1 of WSAPROTOCOL_INFO (semantics K.5). */
#define LASTACK_XP1_CONNECTIONLESS 0x1u
#define LASTACK_XP1_GUARANTEED_DELIVERY 0x2u
#define LASTACK_XP1_GUARANTEED_ORDER 0x4u
#define LASTACK_XP1_MESSAGE_ORIENTED 0x8u
#define LASTACK_XP1_PSEUDO_STREAM 0x10u
#define LASTACK_XP1_GRACEFUL_CLOSE 0x20u
#define LASTACK_XP1_EXPEDITED_DATA 0x40u
#define LASTACK_XP1_CONNECT_DATA 0x80u
#define LASTACK_XP1_DISCONNECT_DATA 0x100u
#define LASTACK_XP1_SUPPORT_BROADCAST 0x200u
#define LASTACK_XP1_SUPPORT_MULTIPOINT 0x400u
#define LASTACK_XP1_IFS_HANDLES 0x20000u
#define LASTACK_XP1_PARTIAL_MESSAGE 0x40000u

#define LASTACK_SOMAXCONN 0x7fffffff

/** Record sizes in bytes (semantics K.5). */
#define LASTACK_SIZEOF_SOCKADDR_IN 16u
#define LASTACK_SIZEOF_SOCKADDR_IN6 28u
#define LASTACK_SIZEOF_LINGER 4u
#define LASTACK_SIZEOF_WSABUF 8u
#define LASTACK_SIZEOF_WSANETWORKEVENTS 44u
#define LASTACK_SIZEOF_WSPDATA 516u
#define LASTACK_SIZEOF_WSPPROC_TABLE 120u
#define LASTACK_SIZEOF_WSAPROTOCOL_INFOW 628u
#define LASTACK_SIZEOF_TCP_INFO_V0 88u
#define LASTACK_SIZEOF_WSAOVERLAPPED 20u

/** TCP states in the numbering of TCP_INFO_v0 (semantics K.5). */
#define LASTACK_TCP_CLOSED 0
#define LASTACK_TCP_LISTEN 1
#define LASTACK_TCP_SYN_SENT 2
#define LASTACK_TCP_SYN_RCVD 3
#define LASTACK_TCP_ESTABLISHED 4
#define LASTACK_TCP_FIN_WAIT_1 5
#define LASTACK_TCP_FIN_WAIT_2 6
#define LASTACK_TCP_CLOSE_WAIT 7
#define LASTACK_TCP_CLOSING 8
#define LASTACK_TCP_LAST_ACK 9
#define LASTACK_TCP_TIME_WAIT 10

#endif
