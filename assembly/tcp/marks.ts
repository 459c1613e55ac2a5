/**
 * The bits of a control block: what is true of a connection or listener (TF_x, M_x), what both sides agreed on (AGREED_x), what the socket above
 * is to hear of (NOTIFY_x).
 */

/** Facts about a connection, tcpFlags(i). They are never cleared. The last bits are none. */
/** Our sending side is shut: a FIN stands after the last byte. */
export const TF_SEND_SHUT: u32 = 1 << 0;
/** Our receiving side is shut. */
export const TF_RECV_SHUT: u32 = 1 << 1;
/** Our FIN was put into a segment at least once. */
export const TF_FIN_SENT: u32 = 1 << 2;
/** Our FIN, hence everything we sent, is acknowledged. */
export const TF_FIN_ACKED: u32 = 1 << 3;
/** The peer's FIN was received in order. */
export const TF_FIN_RCVD: u32 = 1 << 4;
/** The peer reset the connection. */
export const TF_RST_RCVD: u32 = 1 << 5;
/** The connection failed without a segment saying so: timeout, unreachable. */
export const TF_FAILED: u32 = 1 << 6;
/** We reset the connection: a RST is owed or sent. */
export const TF_RST_SENT: u32 = 1 << 7;
/** ESTABLISHED was reached. */
export const TF_CONNECTED_ONCE: u32 = 1 << 8;
/** No facts, and nothing for others. Text waits for LSO_CORK, until T_IDLE at most; it has waited long enough (tcp/cork). */
export const TF_CORK_WAITS: u32 = 1 << 12;
export const TF_CORK_DUE: u32 = 1 << 13;
/** Segments are smaller than both ends would have them; the Loss block knows the size before (tcp/pathsize). */
export const TF_LOWERED: u32 = 1 << 14;
/** SND.MAX is one beyond SND.NXT (Tcb.sndMax). */
export const TF_PROBED: u32 = 1 << 15;

/** Bits of tcpNotifyTake(i): what happened since they were taken last. */
export const NOTIFY_CONNECTED: u32 = 1 << 0;
export const NOTIFY_CONNECT_FAILED: u32 = 1 << 1;
export const NOTIFY_READABLE: u32 = 1 << 2;
export const NOTIFY_WRITABLE: u32 = 1 << 3;
export const NOTIFY_FIN: u32 = 1 << 4;
export const NOTIFY_RESET: u32 = 1 << 5;
export const NOTIFY_FAILED: u32 = 1 << 6;
export const NOTIFY_ACCEPTABLE: u32 = 1 << 7;
export const NOTIFY_HALF_DONE: u32 = 1 << 8;
export const NOTIFY_SETTLED: u32 = 1 << 9;
export const NOTIFY_URGENT: u32 = 1 << 10;
/** Of host sockets: the FIN is handed over, and nothing more will be known of it. */
export const NOTIFY_BLIND: u32 = 1 << 11;
/** A soft error: the connection goes on (tcp/trouble). */
export const NOTIFY_TROUBLE: u32 = 1 << 12;

/** Marks: what is owed and where the block stands. Internal to tcp/. */
/** The block is taken. */
export const M_USED: u32 = 1 << 0;
/** Stands in the queue of blocks with something to send. */
export const M_FLAGGED: u32 = 1 << 1;
/** Stands in the queue of blocks with news for their owner. */
export const M_CHANGED: u32 = 1 << 2;
/** Stands in the hash of connections, or in that of listeners. */
export const M_HASHED: u32 = 1 << 3;
/** The handle is closed: nobody will read. */
export const M_ORPHAN: u32 = 1 << 4;
/** Nobody will look at the block again. */
export const M_DETACHED: u32 = 1 << 5;
/** Stands in one of its listener's two lists. */
export const M_PENDING: u32 = 1 << 6;
/** Came from a listener. */
export const M_PASSIVE: u32 = 1 << 7;
/** What was queued to be sent ends with or holds an urgent byte that is not acknowledged; sndUp says where (tcp/urgent). */
export const M_URGENT_OUT: u32 = 1 << 8;
/** A RST must leave before the block is forgotten. */
export const M_RST_OWED: u32 = 1 << 9;
/** That RST carries no ACK: it answers a segment whose text we refuse (semantics W-13). */
export const M_RST_BARE: u32 = 1 << 10;
/** An ACK must leave at the next egress, alone if no data carries it. */
export const M_ACK_NOW: u32 = 1 << 11;
/** The SYN or SYN,ACK must (again) leave. */
export const M_SYN_NOW: u32 = 1 << 12;
/** The segment at SND.UNA must be retransmitted once. */
export const M_RTX_NOW: u32 = 1 << 13;
/** A window probe must leave. */
export const M_PROBE_NOW: u32 = 1 << 14;
/** A keepalive probe must leave. */
export const M_KEEP_NOW: u32 = 1 << 15;
/** A round trip is being timed: rttSeq, rttAt are valid. */
export const M_RTT_TIMING: u32 = 1 << 16;
/** At least one round trip was measured. */
export const M_RTT_KNOWN: u32 = 1 << 17;
/** The Nagle algorithm is off. */
export const M_NO_DELAY: u32 = 1 << 18;
/** Keepalive is on. */
export const M_KEEPALIVE: u32 = 1 << 19;
/** The peer's FIN arrived ahead of missing bytes; rcvFin says where. */
export const M_FIN_HELD: u32 = 1 << 20;
/** Both sides scale their windows. */
export const M_SCALED: u32 = 1 << 21;
/** A listener that answers SYNs with RST (SO_PAUSE_ACCEPT). */
export const M_PAUSED: u32 = 1 << 22;
/** The same bit of a connection: only full segments leave (LSO_CORK, tcp/cork). */
export const M_CORKED: u32 = 1 << 22;
/** The close waits (SO_LINGER) and has a limit of its own: no time limit of ours counts meanwhile. */
export const M_LINGER: u32 = 1 << 23;
/** That close itself sends the FIN: if its time runs out a RST follows in every state (W-10). */
export const M_LINGER_RST: u32 = 1 << 24;
/** A listener whose owner decides before a SYN is answered (SO_CONDITIONAL_ACCEPT). */
export const M_CONDITIONAL: u32 = 1 << 25;
/** A child of such a listener: its SYN waits for the decision. */
export const M_HELD: u32 = 1 << 26;
/** urgentSeq is known, its byte has not come (tcp/urgent). */
export const M_URGENT_DUE: u32 = 1 << 27;
/** The byte at urgentSeq is among the unread ones. */
export const M_URGENT_MARK: u32 = 1 << 28;
/** urgentByte waits to be read out of band. */
export const M_URGENT_HELD: u32 = 1 << 29;
/** SO_OOBINLINE. */
export const M_URGENT_INLINE: u32 = 1 << 30;
/** Text is taken after tcpOrphan too, until tcpDetach (tcpReads). */
export const M_READS: u32 = 1 << 31;

/** What `tailProbe` says. New data behind the tail was sent, or its last segment once more, or one of them is to be (RFC 8985 §7.3). */
export const TAIL_NEW: u32 = 1;
export const TAIL_AGAIN: u32 = 2;
export const TAIL_DUE: u32 = 3;

/** Bits of `agreed`. Both sides put timestamps into their segments. */
export const AGREED_TIMESTAMPS: u32 = 1 << 0;
/** Both sides may send SACK options. */
export const AGREED_SACK: u32 = 1 << 1;
/** Both sides know of congestion marks (RFC 3168). */
export const AGREED_ECN: u32 = 1 << 2;
/** Not agreed on but said by each side for itself: the user timeout option is on (RFC 5482). */
export const AGREED_USER_TIMEOUT: u32 = 1 << 3;
/** What AGREED_ECN leads to: our ACKs echo a mark; the next new text says that the window was reduced. */
export const AGREED_ECHO: u32 = 1 << 4;
export const AGREED_CWR_OWED: u32 = 1 << 5;
/** All of these. */
export const AGREED_ANY: u32 = 0x3f;
/** In the same word, read through accessors of their own. */
export const CUBIC_RUNS: u32 = 1 << 6;
export const RESCUED: u32 = 1 << 7;
export const RACK_WAITS: u32 = 1 << 8;
export const REORDERED: u32 = 1 << 9;
/** Two bits each: where they begin. */
export const FRTO_AT: u32 = 10;
export const TAIL_PROBE_AT: u32 = 12;
export const CONGESTION_AT: u32 = 14;
export const TWO_BITS: u32 = 3;
