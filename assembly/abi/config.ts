/**
 * The configure record: u32 fields, little endian, first field is the record's own size.
 * A shorter record leaves the rest at its default; 0xFFFFFFFF in a field means "default".
 * CONFIG_x is the offset in bytes, DEFAULT_x the value of the full builds.
 */

/** Size of the record in bytes as the host filled it. */
export const CONFIG_SIZE: u32 = 0;
/** Socket handles open at once, listeners and event objects included. */
export const CONFIG_MAX_SOCKETS: u32 = 4;
export const DEFAULT_MAX_SOCKETS: u32 = 1024;
/** Connection control blocks: open, orphaned and TIME_WAIT. 0 = twice the sockets. */
export const CONFIG_MAX_CONNECTIONS: u32 = 8;
export const DEFAULT_MAX_CONNECTIONS: u32 = 0;
/** Bytes of linear memory the core may reach. */
export const CONFIG_MEMORY_LIMIT: u32 = 12;
export const DEFAULT_MEMORY_LIMIT: u32 = 1073741824;
/** Largest single send an empty send queue accepts (V-25). */
export const CONFIG_SEND_MAX: u32 = 16;
export const DEFAULT_SEND_MAX: u32 = 67108864;
/** SO_SNDBUF of a new socket, bytes. */
export const CONFIG_SEND_BUFFER: u32 = 20;
export const DEFAULT_SEND_BUFFER: u32 = 262144;
/** SO_RCVBUF of a new socket, bytes. */
export const CONFIG_RECV_BUFFER: u32 = 24;
export const DEFAULT_RECV_BUFFER: u32 = 262144;
/** Size of hostArea() in bytes. */
export const CONFIG_HOST_AREA: u32 = 28;
export const DEFAULT_HOST_AREA: u32 = 65536;
/** TIME_WAIT length in milliseconds, 0..300000 (V-17, T-27). */
export const CONFIG_TIME_WAIT_MS: u32 = 32;
export const DEFAULT_TIME_WAIT_MS: u32 = 240000;
/** FIN_WAIT_2 limit with the handle open, milliseconds; 0 = unlimited (V-18). */
export const CONFIG_FIN_WAIT2_MS: u32 = 36;
export const DEFAULT_FIN_WAIT2_MS: u32 = 0;
/** FIN_WAIT_2 limit without an owner, milliseconds (seam.md: reported as delivered). */
export const CONFIG_ORPHAN_FIN_WAIT2_MS: u32 = 40;
export const DEFAULT_ORPHAN_FIN_WAIT2_MS: u32 = 60000;
/** Without an owner: milliseconds without acknowledgement progress before the connection is dropped (C-56). */
export const CONFIG_ORPHAN_TIMEOUT_MS: u32 = 44;
export const DEFAULT_ORPHAN_TIMEOUT_MS: u32 = 60000;
/** Retransmission timeout before the first measurement, milliseconds (RFC 6298 2.1). */
export const CONFIG_RTO_INITIAL_MS: u32 = 48;
export const DEFAULT_RTO_INITIAL_MS: u32 = 1000;
/** Smallest retransmission timeout. RFC 6298 2.4 says 1 s SHOULD; 200 ms is what current stacks use. */
export const CONFIG_RTO_MIN_MS: u32 = 52;
export const DEFAULT_RTO_MIN_MS: u32 = 200;
/** Largest retransmission timeout, at least 60 s (RFC 6298 2.5). */
export const CONFIG_RTO_MAX_MS: u32 = 56;
export const DEFAULT_RTO_MAX_MS: u32 = 60000;
/** Delayed acknowledgement, milliseconds, below 500 (RFC 9293 MUST-40). */
export const CONFIG_DELAYED_ACK_MS: u32 = 60;
export const DEFAULT_DELAYED_ACK_MS: u32 = 40;
/** SYN and SYN,ACK retransmissions before giving up: with timeouts of 1 s doubling to 60 s, after three minutes (RFC 9293 MUST-23). */
export const CONFIG_SYN_RETRIES: u32 = 64;
export const DEFAULT_SYN_RETRIES: u32 = 7;
/** Milliseconds without acknowledgement progress on an owned connection before it fails (RFC 9293 R2, at least 100 s). */
export const CONFIG_USER_TIMEOUT_MS: u32 = 68;
export const DEFAULT_USER_TIMEOUT_MS: u32 = 120000;
/** Keepalive: idle milliseconds, interval milliseconds, probes (O-43). */
export const CONFIG_KEEP_IDLE_MS: u32 = 72;
export const DEFAULT_KEEP_IDLE_MS: u32 = 7200000;
export const CONFIG_KEEP_INTERVAL_MS: u32 = 76;
export const DEFAULT_KEEP_INTERVAL_MS: u32 = 1000;
export const CONFIG_KEEP_COUNT: u32 = 80;
export const DEFAULT_KEEP_COUNT: u32 = 10;
/** Close reports kept until pulled. 0 = as many as connections. */
export const CONFIG_REPORT_SLOTS: u32 = 84;
export const DEFAULT_REPORT_SLOTS: u32 = 0;
/** Neighbour cache entries, and the age in milliseconds at which one is asked again. */
export const CONFIG_NEIGHBORS: u32 = 88;
export const DEFAULT_NEIGHBORS: u32 = 64;
export const CONFIG_NEIGHBOR_AGE_MS: u32 = 92;
export const DEFAULT_NEIGHBOR_AGE_MS: u32 = 60000;
/** Switch bits of semantics chapter V, SWITCH_x; 0 = the recommended readings. */
export const CONFIG_SWITCHES: u32 = 96;
export const DEFAULT_SWITCHES: u32 = 0;
/** Largest MTU of any device that will be added, bytes: sizes the frame buffers. */
export const CONFIG_MTU_MAX: u32 = 100;
export const DEFAULT_MTU_MAX: u32 = 65535;
/** First value of the millisecond clock; lets tests cross the 32-bit wrap. */
export const CONFIG_TIME_ORIGIN: u32 = 104;
export const DEFAULT_TIME_ORIGIN: u32 = 0;
/** TCP features: FEATURE_x bits that are on; by default all but FEATURE_ECN_ASK and FEATURE_USER_TIMEOUT. */
export const CONFIG_FEATURES: u32 = 108;
export const DEFAULT_FEATURES: u32 = 0xfffffe7f;
/** Datagrams queued per UDP socket. */
export const CONFIG_UDP_QUEUE: u32 = 112;
export const DEFAULT_UDP_QUEUE: u32 = 64;
/** Sockets of the host at once: connections, listeners and UDP; 0 = the host has none to give. */
export const CONFIG_HOST_SOCKETS: u32 = 116;
export const DEFAULT_HOST_SOCKETS: u32 = 0;
/** Overlapped operations pending, and completions nobody has taken yet, at once; 0 = twice the sockets and 64. */
export const CONFIG_OPERATIONS: u32 = 120;
export const DEFAULT_OPERATIONS: u32 = 0;
/** R1 of RFC 9293 §3.8.3: after this many retransmissions of one segment IP is told to doubt the way, and the program of it. */
export const CONFIG_ADVICE_RETRIES: u32 = 124;
export const DEFAULT_ADVICE_RETRIES: u32 = 3;
/** Challenge ACKs of all connections together in a second, half of it chosen at random (RFC 5961 §7); 0 = no limit but each connection's. */
export const CONFIG_CHALLENGE_LIMIT: u32 = 128;
export const DEFAULT_CHALLENGE_LIMIT: u32 = 1000;
/** SYN cookies (RFC 4987 §3.6): COOKIES_x. */
export const CONFIG_SYN_COOKIES: u32 = 132;
export const DEFAULT_SYN_COOKIES: u32 = 1;
/** Records of connections in TIME_WAIT that nobody looks at; 0 = as many as connections. */
export const CONFIG_TIME_WAITS: u32 = 136;
export const DEFAULT_TIME_WAITS: u32 = 0;
/** What the stack does otherwise than the standards recommend: POLICY_x bits. */
export const CONFIG_POLICY: u32 = 140;
export const DEFAULT_POLICY: u32 = 0;
/** Milliseconds a handshake may take; 0 = the SYN retransmissions decide. */
export const CONFIG_CONNECT_TIMEOUT_MS: u32 = 144;
export const DEFAULT_CONNECT_TIMEOUT_MS: u32 = 0;
/** Added to every retransmission timeout computed from a measurement, milliseconds. */
export const CONFIG_RTO_SLOP_MS: u32 = 148;
export const DEFAULT_RTO_SLOP_MS: u32 = 0;
/** Text segments after which an acknowledgement is not delayed any more, 1..16 (RFC 9293 SHLD-19 says 2). */
export const CONFIG_ACK_EVERY: u32 = 152;
export const DEFAULT_ACK_EVERY: u32 = 2;
/** Limits of a user timeout that a peer's advice may lead to, milliseconds (RFC 5482 §3.1: L_LIMIT, U_LIMIT). */
export const CONFIG_USER_TIMEOUT_LEAST_MS: u32 = 156;
export const DEFAULT_USER_TIMEOUT_LEAST_MS: u32 = 100000;
export const CONFIG_USER_TIMEOUT_MOST_MS: u32 = 160;
export const DEFAULT_USER_TIMEOUT_MOST_MS: u32 = 600000;
/** A segment size that was lowered because the path did not carry more is tried again after this time, milliseconds (RFC 1191 §6.3 says ten minutes); 0 = never. */
export const CONFIG_PATH_AGE_MS: u32 = 164;
export const DEFAULT_PATH_AGE_MS: u32 = 600000;
export const SIZEOF_CONFIG: u32 = 168;

/** CONFIG_SYN_COOKIES: never; when there is no room for another half-open connection; always. */
export const COOKIES_NEVER: u32 = 0;
export const COOKIES_WHEN_FULL: u32 = 1;
export const COOKIES_ALWAYS: u32 = 2;

/** Any RST in the window resets (RFC 793), not the exact one alone (RFC 5961 §3). */
export const POLICY_INSECURE_RST: u32 = 1 << 0;
/** A SYN in the window resets (RFC 793) instead of being challenged (RFC 5961 §4). */
export const POLICY_INSECURE_SYN: u32 = 1 << 1;
/** Any old acknowledgement is taken (RFC 793), not those of the last window alone (RFC 5961 §5). */
export const POLICY_INSECURE_ACK: u32 = 1 << 2;
/** A segment with SYN and FIN is dropped wherever it arrives. */
export const POLICY_DROP_SYN_FIN: u32 = 1 << 3;
/** Segments that no connection and no listener claims are not answered. */
export const POLICY_SILENT: u32 = 1 << 4;
/** A hard ICMP error resets a synchronized connection too (RFC 9293 SHLD-26); RFC 5927 §5.2 advises against it. */
export const POLICY_ICMP_HARD: u32 = 1 << 5;
/** A hard ICMP error does not end an attempt to connect either. */
export const POLICY_ICMP_SOFT: u32 = 1 << 6;
/** The segment size is not lowered when full segments vanish (RFC 2923 §2.1). */
export const POLICY_NO_BLACK_HOLES: u32 = 1 << 7;
/** A SYN that was repeated twice in vain goes on without options but the segment size, for paths that drop what they do not know. */
export const POLICY_DROP_SYN_OPTIONS: u32 = 1 << 8;

/** Switch bits: set = the second reading of the V row, clear = its recommended default. */
export const SWITCH_V01_CLOSE_ABORTED: u32 = 1 << 0;
export const SWITCH_V02_CLOSE_EARLY: u32 = 1 << 1;
export const SWITCH_V03_EVENTS_PERSIST: u32 = 1 << 2;
export const SWITCH_V04_NEW_DATA_RECORDS: u32 = 1 << 3;
export const SWITCH_V05_RECV_ABORTED: u32 = 1 << 4;
export const SWITCH_V06_RESET_AFTER_FIN: u32 = 1 << 5;
export const SWITCH_V07_IDLE_CLOSE_SUCCEEDS: u32 = 1 << 6;
export const SWITCH_V08_UNREAD_CLOSE_FIN: u32 = 1 << 7;
export const SWITCH_V10_RECV_SHUT_KEEPS: u32 = 1 << 9;
export const SWITCH_V12_ERROR_CLEARS: u32 = 1 << 11;
export const SWITCH_V13_DONTLINGER_INVERTED: u32 = 1 << 12;
export const SWITCH_V14_SHUT_CLOSE_RETURNS: u32 = 1 << 13;
export const SWITCH_V15_RESET_KEEPS_UNREAD: u32 = 1 << 14;
export const SWITCH_V22_RECVDISC_LENIENT: u32 = 1 << 21;
export const SWITCH_V24_SEND_CLEARS_WRITE: u32 = 1 << 23;

export const FEATURE_WINDOW_SCALE: u32 = 1 << 0;
export const FEATURE_TIMESTAMPS: u32 = 1 << 1;
export const FEATURE_SACK: u32 = 1 << 2;
/** Losses found by time, and the probe of the tail (RFC 8985). Needs SACK. */
export const FEATURE_RACK: u32 = 1 << 3;
/** Connections use CUBIC unless their socket says otherwise (RFC 9438). */
export const FEATURE_CUBIC: u32 = 1 << 4;
/** A timeout that nothing was lost for is undone (RFC 5682). */
export const FEATURE_FRTO: u32 = 1 << 5;
/** Explicit congestion notification: accepted when a peer asks; asked for by connections we open (RFC 3168). */
export const FEATURE_ECN: u32 = 1 << 6;
export const FEATURE_ECN_ASK: u32 = 1 << 7;
/** Connections tell their peers the user timeout and heed theirs (RFC 5482), unless their socket says otherwise. */
export const FEATURE_USER_TIMEOUT: u32 = 1 << 8;
