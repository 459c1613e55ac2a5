// Generated from assembly/abi/stats.ts by tools/gen-abi.mjs. Do not edit.
/**
 * Stack counters: an array of u32 behind `stats()`, one index each, named after RFC 4022/4293 objects where they exist.
 */
export const STAT_IN_FRAMES = 0;
export const STAT_OUT_FRAMES = 1;
export const STAT_IN_FRAME_ERRORS = 2;
export const STAT_OUT_FRAMES_BUSY = 3;
export const STAT_IP_IN_RECEIVES = 4;
export const STAT_IP_IN_HDR_ERRORS = 5;
export const STAT_IP_IN_ADDR_ERRORS = 6;
export const STAT_IP_IN_UNKNOWN_PROTOS = 7;
export const STAT_IP_IN_DISCARDS = 8;
export const STAT_IP_IN_DELIVERS = 9;
export const STAT_IP_OUT_REQUESTS = 10;
export const STAT_IP_OUT_NO_ROUTES = 11;
export const STAT_IP_REASM_OKS = 12;
export const STAT_IP_REASM_FAILS = 13;
export const STAT_ICMP_IN_MSGS = 14;
export const STAT_ICMP_IN_ERRORS = 15;
export const STAT_ICMP_OUT_MSGS = 16;
export const STAT_ARP_IN = 17;
export const STAT_ARP_OUT = 18;
export const STAT_ARP_FAILED = 19;
export const STAT_TCP_ACTIVE_OPENS = 20;
export const STAT_TCP_PASSIVE_OPENS = 21;
export const STAT_TCP_ATTEMPT_FAILS = 22;
export const STAT_TCP_ESTAB_RESETS = 23;
export const STAT_TCP_IN_SEGS = 24;
export const STAT_TCP_OUT_SEGS = 25;
export const STAT_TCP_RETRANS_SEGS = 26;
export const STAT_TCP_IN_ERRS = 27;
export const STAT_TCP_OUT_RSTS = 28;
export const STAT_TCP_OUT_OF_ORDER = 29;
export const STAT_TCP_DUP_ACKS = 30;
export const STAT_TCP_FAST_RETRANS = 31;
export const STAT_TCP_TIMEOUTS = 32;
export const STAT_TCP_CHALLENGE_ACKS = 33;
export const STAT_TCP_NO_BUFFER = 34;
export const STAT_TCP_LISTEN_DROPS = 35;
export const STAT_TCP_CURRENT = 36;
export const STAT_TCP_ORPHANS = 37;
export const STAT_TCP_TIME_WAITS = 38;
export const STAT_UDP_IN_DATAGRAMS = 39;
export const STAT_UDP_NO_PORTS = 40;
export const STAT_UDP_IN_ERRORS = 41;
export const STAT_UDP_OUT_DATAGRAMS = 42;
export const STAT_REPORTS = 43;
export const STAT_REPORTS_DROPPED = 44;
export const STAT_SOCKETS = 45;
export const STAT_BUFFER_BYTES = 46;
export const STAT_MEMORY_BYTES = 47;
export const STAT_TCP_NEGATIVE_ADVICE = 48;
export const STAT_TCP_BLACK_HOLES = 49;
export const STAT_TCP_CURR_ESTAB = 50;
export const STAT_TCP_CHALLENGES_WITHHELD = 51;
export const STAT_TCP_COOKIES_SENT = 52;
export const STAT_TCP_COOKIES_TAKEN = 53;
export const STAT_TCP_COOKIES_WRONG = 54;
export const STAT_TCP_TIME_WAITS_CUT = 55;
export const STAT_IP_REASM_REQDS = 56;
export const STAT_IP_OUT_DISCARDS = 57;
export const STAT_IP_OUT_FRAG_OKS = 58;
export const STAT_IP_OUT_FRAG_CREATES = 59;
export const STAT_COUNT = 60;

/** Names of the counters, in the order of their indices. */
export const statNames = [
  "inFrames",
  "outFrames",
  "inFrameErrors",
  "outFramesBusy",
  "ipInReceives",
  "ipInHdrErrors",
  "ipInAddrErrors",
  "ipInUnknownProtos",
  "ipInDiscards",
  "ipInDelivers",
  "ipOutRequests",
  "ipOutNoRoutes",
  "ipReasmOks",
  "ipReasmFails",
  "icmpInMsgs",
  "icmpInErrors",
  "icmpOutMsgs",
  "arpIn",
  "arpOut",
  "arpFailed",
  "tcpActiveOpens",
  "tcpPassiveOpens",
  "tcpAttemptFails",
  "tcpEstabResets",
  "tcpInSegs",
  "tcpOutSegs",
  "tcpRetransSegs",
  "tcpInErrs",
  "tcpOutRsts",
  "tcpOutOfOrder",
  "tcpDupAcks",
  "tcpFastRetrans",
  "tcpTimeouts",
  "tcpChallengeAcks",
  "tcpNoBuffer",
  "tcpListenDrops",
  "tcpCurrent",
  "tcpOrphans",
  "tcpTimeWaits",
  "udpInDatagrams",
  "udpNoPorts",
  "udpInErrors",
  "udpOutDatagrams",
  "reports",
  "reportsDropped",
  "sockets",
  "bufferBytes",
  "memoryBytes",
  "tcpNegativeAdvice",
  "tcpBlackHoles",
  "tcpCurrEstab",
  "tcpChallengesWithheld",
  "tcpCookiesSent",
  "tcpCookiesTaken",
  "tcpCookiesWrong",
  "tcpTimeWaitsCut",
  "ipReasmReqds",
  "ipOutDiscards",
  "ipOutFragOks",
  "ipOutFragCreates",
] as const;
