/**
 * The faults: each changes one token of the core and must be noticed by a test. `find` stands exactly once in the file.
 * Changes that no peer and no program could notice are not listed.
 */

export interface Mutant {
  /** What the fault does. */
  readonly name: string;
  /** Below assembly/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const m = (file: string, name: string, find: string, replace: string): Mutant => ({ file: `${file}.ts`, name, find, replace });

const ARRIVAL: readonly Mutant[] = [
  m("tcp/segment_in", "FIN is not counted in SEG.LEN", "+ (segFlags & FIN ? 1 : 0)", "+ (segFlags & FIN ? 0 : 0)"),
  m("tcp/segment_in", "SYN is not counted in SEG.LEN", "segLen = textLen + (segFlags & SYN ? 1 : 0)", "segLen = textLen + (segFlags & SYN ? 0 : 0)"),
  m("tcp/segment_in", "a FIN survives the text before it being cut", "  textLen = n;\n  segFlags &= ~FIN;", "  textLen = n;\n  segFlags &= ~0;"),
  m("tcp/arrival", "any RST in the window resets", "if (segSeq != t.rcvNxt) challenge(t); // W-23", "if (segSeq != segSeq) challenge(t); // W-23"),
  m("tcp/arrival", "a RST outside the window is answered (a stray ACK)", "if (segFlags & RST) return window ?", "if (segFlags & 0) return window ?"),
  m("tcp/arrival", "a RST ends TIME_WAIT", "else if (t.state != TCP_TIME_WAIT) reset(t);", "else if (t.state != TCP_SYN_SENT) reset(t);"),
  m("tcp/arrival", "a RST at the right edge counts as in the window", "ahead >= 0 && ahead < window : ahead == 0", "ahead >= 0 && ahead <= window : ahead == 0"),
  m("tcp/arrival", "a RST is answered with a RST", "!(segFlags & RST)) answerReset();", "!(segFlags & FIN)) answerReset();"),
  m("tcp/arrival", "the RST for a stray ignores SEG.LEN", "0, segSeq + segLen, RST | ACK", "0, segSeq + 0, RST | ACK"),
  m("tcp/arrival", "TIME_WAIT is not restarted by a repeated FIN", "segSeq + segLen == t.rcvNxt) restartTimeWait(t)", "segSeq + segLen != t.rcvNxt) restartTimeWait(t)"),
  m("tcp/arrival", "an old segment with text is not answered", "    ackNow(t);\n    return closingAgain(t);", "    return closingAgain(t);"),
  m("tcp/arrival", "a segment without ACK is processed", "if (!(segFlags & ACK)) return;", "if (!(segFlags & (ACK | 255))) return;"),
  m("tcp/arrival", "a reset keeps unread bytes", "if (!(config(CONFIG_SWITCHES) & SWITCH_V15_RESET_KEEPS_UNREAD)) rcvFlush(t);", "if (config(CONFIG_SWITCHES) & SWITCH_V15_RESET_KEEPS_UNREAD) rcvFlush(t);"),
  m("tcp/ack", "acknowledgements of what was never sent are taken", "if (!ackPlausible(t, segAck)) {", "if (ackPlausible(t, segAck) && false) {"),
  m("tcp/ack", "FIN counts as acknowledged one byte early", "segAck == t.sndEnd + 1 &&", "segAck == t.sndEnd &&"),
  m("tcp/ack", "the window is taken from old segments", "if (!seqLt(t.sndWl1, segSeq) && !(", "if (seqLt(t.sndWl1, segSeq) && !("),
  m("tcp/ack", "an old segment moves the window's right edge", "t.sndWnd -= min(acked, t.sndWnd);", "t.sndWnd -= min(0, t.sndWnd);"),
  m("tcp/ack", "the peer's window is not scaled", "segWnd << <u32>t.sndScale", "segWnd << <u32>(t.sndScale & 0)"),
  m("tcp/ack", "a duplicate ACK may carry a window update", "&& offeredWindow(t) == t.sndWnd;", "&& offeredWindow(t) >= 0;"),
  m("tcp/ack", "CLOSING never ends", "else if (t.state == TCP_CLOSING) enterTimeWait", "else if (t.state == 0) enterTimeWait"),
  m("tcp/guard", "challenge ACKs are not limited", "if (<u32>t.challengeCount >= CHALLENGES) return;", "if (<u32>t.challengeCount > 255) return;"),
  m("tcp/guard", "the ISN does not move with time", "return now * TICKS_PER_MS +", "return 0 * TICKS_PER_MS +"),
  m("tcp/receive", "text after a close is swallowed", "if ((t.marks & (M_ORPHAN | M_READS)) == M_ORPHAN) {", "if ((t.marks & (M_ORPHAN | M_READS)) == M_ORPHAN && t.state == 0) {"),
  m("tcp/receive", "text after SD_RECEIVE is taken", "if (t.flags & TF_RECV_SHUT) {", "if (t.flags & TF_RECV_SHUT && t.state == 0) {"),
  m("tcp/receive", "a FIN is taken before the bytes ahead of it", "|| t.rcvFin != t.rcvNxt) return;", "|| t.rcvFin == 0) return;"),
  m("tcp/receive", "the peer's FIN takes no sequence number", "  t.rcvNxt++;", "  t.rcvNxt += 0;"),
  m("tcp/receive", "the peer's FIN is not acknowledged at once", "  ackNow(t); // W-20", "  // W-20"),
  m("tcp/receive", "text beyond the window is taken", "const room = window > ahead ? window - ahead : 0;", "const room = window > ahead ? <u32>65535 : 0;"),
  m("tcp/receive", "repeated text is taken twice", "trimFront(min(t.rcvNxt - textSeq, textLen));", "trimFront(min(0, textLen));"),
  m("tcp/receive", "every third segment is acknowledged", "const ACK_EVERY: u32 = 2;", "const ACK_EVERY: u32 = 3;"),
  m("tcp/receive", "no duplicate ACK for a gap", "if (t.dupAcksOwed < 255) t.dupAcksOwed++;", "if (t.dupAcksOwed < 0) t.dupAcksOwed++;"),
  m("tcp/receive", "FIN in FIN_WAIT_1 goes to TIME_WAIT", "t.state == TCP_FIN_WAIT_1) transition(t, TCP_CLOSING, BY_FIN);", "t.state == TCP_FIN_WAIT_2) transition(t, TCP_CLOSING, BY_FIN);"),
];

const OPENING: readonly Mutant[] = [
  m("tcp/open", "a listener answers an ACK with silence", "if (segFlags & ACK) return LISTEN_RESET;", "if (segFlags & ACK) return LISTEN_DROP;"),
  m("tcp/open", "the backlog holds one more", "l.embryoCount + l.queueCount >= l.backlog ||", "l.embryoCount + l.queueCount > l.backlog ||"),
  m("tcp/open", "a wrong ACK in SYN_SENT is taken", "if (acks && (seqLeq(segAck, t.iss) ||", "if (acks && (seqLeq(segAck, 0) &&"),
  m("tcp/open", "a RST without ACK refuses a connection", "    if (acks) refused(t);", "    refused(t);"),
  m("tcp/open", "our window is scaled although the peer's SYN did not say so", "    t.rcvScale = 0;", "    t.rcvScale |= 0;"),
  m("tcp/open", "the peer's MSS is not heeded", "max<u32>(<u32>optionMss, MSS_MIN)", "max<u32>(65535, MSS_MIN)"),
  m("tcp/open", "without an MSS option segments are as large as ours", "v4 ? MSS_DEFAULT_V4 : MSS_DEFAULT_V6", "v4 ? 1460 : MSS_DEFAULT_V6"),
  m("tcp/open", "a repeated SYN is not answered again", "    t.marks |= M_SYN_NOW;\n    flag(t);\n    return false;", "    flag(t);\n    return false;"),
];

const SENDING: readonly Mutant[] = [
  m("tcp/output", "FIN overtakes the last bytes", "const fin = finDue && len == queued && window > <i32>len;", "const fin = finDue && window > <i32>len;"),
  m("tcp/output", "the peer's window is not heeded", "const room = min(window, <i32>(t.sndUna + t.cwnd", "const room = min(65535, <i32>(t.sndUna + t.cwnd"),
  m("tcp/output", "the congestion window is not heeded", "<i32>(t.sndUna + t.cwnd + limitedTransmit(t) - t.sndNxt)", "<i32>(t.sndUna + 1000000 + limitedTransmit(t) - t.sndNxt)"),
  m("tcp/output", "Nagle never holds back", "if (len == queued) return noDelay ||", "if (len == queued) return true ||"),
  m("tcp/output", "TCP_NODELAY is not heeded", "const noDelay = t.marks & M_NO_DELAY ||", "const noDelay = t.marks & 0 ||"),
  m("tcp/output", "a retransmission forgets the FIN", "const fin = seq + text == t.sndEnd && seqGt(t.sndNxt, t.sndEnd);", "const fin = seq + text == t.sndEnd && seqGt(t.sndUna, t.sndEnd);"),
  m("tcp/output", "a closed window is never probed", "if (t.sndNxt == t.sndUna && !armed(t, T_PERSIST)) {", "if (t.sndNxt == t.sndUna && armed(t, T_PERSIST)) {"),
  m("tcp/output", "a keepalive probe has SND.NXT", "segmentSend(t, t.sndNxt - 1, ACK, 0, 0)", "segmentSend(t, t.sndNxt - 0, ACK, 0, 0)"),
  m("tcp/output", "the last segment is not pushed", "(last && len ? PSH : 0)", "(last && len ? 0 : 0)"),
  m("tcp/segment_out", "the window of a SYN is scaled", "flags & RST ? 0 : flags & SYN ? synWindow(t)", "flags & RST ? 0 : flags & SYN ? synWindow(t) >> 1"),
  m("tcp/segment_out", "a RST shows a window", "flags & RST ? 0 : flags & SYN ?", "flags & SYN & RST ? 0 : flags & SYN ?"),
  m("tcp/segment_out", "a ring that wraps at an odd place is summed wrongly", "n1 & 1 ? sumSwap(", "n1 & 0 ? sumSwap("),
  m("tcp/window", "our window is not scaled", "(edge - t.rcvNxt) >> <u32>t.rcvScale", "(edge - t.rcvNxt) >> 0"),
  m("tcp/window", "the window is offered in small steps", "gain >= <i32>min<u32>(limit >> 1, t.rcvMss) &&", "gain >= <i32>min<u32>(1, t.rcvMss) &&"),
  m("tcp/window", "the window's right edge is drawn back", ">= <i32>min<u32>(limit >> 1, t.rcvMss) && gain > 0 ? edge : t.rcvAdv;", ">= <i32>min<u32>(limit >> 1, t.rcvMss) && gain > 0 ? edge : edge;"),
  m("tcp/retransmission", "the timeout does not back off", "limit >> backoff ? limit : t.rto << backoff;", "limit >> backoff ? limit : t.rto << 0;"),
  m("tcp/retransmission", "two duplicate ACKs retransmit", "const DUP_THRESHOLD: u32 = 3;", "const DUP_THRESHOLD: u32 = 2;"),
  m("tcp/retransmission", "a measurement survives a retransmission (Karn)", "t.marks &= ~M_RTT_TIMING; }", "t.marks &= ~0; }"),
  m("tcp/retransmission", "a partial ACK repairs no further hole", "    ccPartial(t, acked);\n    t.marks |= M_RTX_NOW;", "    ccPartial(t, acked);"),
  m("tcp/congestion", "a loss does not halve the window", "max<u32>(flight >> 1, 2 * <u32>t.sndMss)", "max<u32>(flight, 2 * <u32>t.sndMss)"),
  m("tcp/congestion", "the initial window is one segment", "t.cwnd = synLost ? mss : initialWindow(mss);", "t.cwnd = synLost ? mss : mss;"),
];

const OPTIONS: readonly Mutant[] = [
  m("tcp/timestamps", "a segment older than what is echoed is taken (PAWS)", "if (seqGeq(optionTsVal, t.tsRecent) || now", "if (seqGeq(optionTsVal, optionTsVal) || now"),
  m("tcp/timestamps", "a segment without the option is taken", "if (!optionStamp) return false;", "if (!optionStamp) return true;"),
  m("tcp/timestamps", "a RST is judged by its stamp", "if (segFlags & RST) return true;", "if (segFlags & 0) return true;"),
  m("tcp/timestamps", "an old text is dropped without an answer", "if (segLen) ackNow(t); else challenge(t);", "if (!segLen) challenge(t);"),
  m("tcp/timestamps", "the stamp of a segment beyond a gap is echoed", "if (!seqLeq(segSeq, t.lastAckSent) ||", "if (!seqLeq(segSeq, segSeq) ||"),
  m("tcp/timestamps", "a stamp is believed for ever", "now - t.tsRecentAt >= RECENT_MS) return true;", "now - t.tsRecentAt >= 0xffffffff) return true;"),
  m("tcp/timestamps", "stamps although the peer's SYN had none", "    t.agreed &= ~AGREED_TIMESTAMPS;\n    return;", "    t.agreed &= ~0;\n    return;"),
  m("tcp/timestamps", "full segments leave no room for the option", "t.sndMss -= <u16>TIMESTAMPS_ROOM;", "t.sndMss -= 0;"),
  m("tcp/timestamps", "the stamp tells how long the stack runs", "return now + t.tsOffset;", "return now + 0;"),
  m("tcp/timestamps", "an older stamp reopens TIME_WAIT", "return seqGt(optionTsVal, t.tsRecent) ||", "return seqLt(optionTsVal, t.tsRecent) ||"),
  m("tcp/arrival", "nothing is protected by timestamps", "return !(t.agreed & AGREED_TIMESTAMPS) || stampAcceptable(t);", "return !(t.agreed & AGREED_TIMESTAMPS) || true;"),
  m("tcp/arrival", "text of old is not reported (DSACK)", "if (!TINY && ahead < 0) sackDuplicate(", "if (!TINY && ahead > 0) sackDuplicate("),
  m("tcp/receive", "text repeated in part is not reported (DSACK)", "    if (!TINY) sackDuplicate(t, t.rcvNxt);\n    trimFront", "    if (!TINY) sackDuplicate(t, textSeq);\n    trimFront"),
  m("tcp/sack", "SACK although the peer's SYN did not permit it", "if (!optionSackPermitted) t.agreed &= ~AGREED_SACK;", "if (!optionSackPermitted) t.agreed &= ~0;"),
  m("tcp/sack", "only the latest range is told of", "const RECENT: u32 = 4;", "const RECENT: u32 = 1;"),
  m("tcp/sack", "text that came twice beyond a gap is not reported", "if (at && seqLeq(textSeq + textLen, rangeEnd(at))) sackDuplicate", "if (at && seqLeq(textSeq + textLen, textSeq)) sackDuplicate"),
  m("tcp/sack", "what came twice is reported as nothing", "t.dupEnd = seqMin(end, textSeq + textLen);", "t.dupEnd = seqMin(end, textSeq);"),
  m("tcp/sack", "the range is told of by the end of the text", "let carried = textSeq;", "let carried = textSeq + textLen;"),
  m("tcp/scoreboard", "blocks of what was never sent are believed", "seqLeq(right, t.sndNxt) &&", "seqLeq(right, right) &&"),
  m("tcp/scoreboard", "two ranges above a segment make it lost", "const DUP_THRESHOLD: u32 = 3;", "const DUP_THRESHOLD: u32 = 2;"),
  m("tcp/scoreboard", "what the peer has counts as in the network", "t.leftNetwork = bytes + missing(", "t.leftNetwork = 0 + missing("),
  m("tcp/scoreboard", "the last byte of what the peer has is sent again", "if (seqLt(seq, rangeEnd(at))) return rangeEnd(at);", "if (seqLt(seq, rangeEnd(at))) return rangeEnd(at) - 1;"),
  m("tcp/scoreboard", "a repair runs on into what the peer has", "return seqMin(rangeStart(at), end);", "return seqMin(end, end);"),
  m("tcp/scoreboard", "after a timeout old blocks are believed", "  rangesFree(sackedList(t));\n  t.lostEdge", "  t.lostEdge"),
  m("tcp/retransmission", "a loss is known after three ACKs only, whatever the blocks say", "&& !seqGt(t.lostEdge, t.sndUna)) ||", "&& !seqGt(t.sndUna, t.sndUna)) ||"),
  m("tcp/retransmission", "a repair by SACK is over too early", "if (recovery == RECOVERY_SACK) return;", "if (recovery == RECOVERY_NONE) return;"),
  m("tcp/retransmission", "a repair by SACK heeds no congestion window", "+ <u32>t.sndMss) <= <i32>t.cwnd;", "+ <u32>t.sndMss) <= 0x3fffffff;"),
  m("tcp/congestion", "a loss known from SACK does not halve the window", "decrease(t, flight);\n  t.cwnd = t.ssthresh;\n", "decrease(t, flight << 1);\n  t.cwnd = t.ssthresh;\n"),
];

const RECOVERY: readonly Mutant[] = [
  m("tcp/rack", "a loss is certain a round trip late", "(<u32>t.recovery != RECOVERY_NONE || sackEnough(t))) return 0;", "(<u32>t.recovery != RECOVERY_NONE || sackEnough(t))) return t.minRtt;"),
  m("tcp/rack", "a path that changes the order is not remembered", "if (filled || sackLate) t.reordered = true;", "if (filled || sackLate) t.reordered = false;"),
  m("tcp/rack", "the tail is never probed", "  t.tailProbe = <u8>TAIL_DUE;\n  flag(t);", "  flag(t);"),
  m("tcp/rack", "the tail is probed after one round trip", "max<u32>(PROBE_LEAST, t.srtt >> 2)", "max<u32>(PROBE_LEAST, t.srtt >> 3)"),
  m("tcp/rack", "the timeout comes before the probe", "if (!rackOn(t) || !mayProbe(t)) return false;", "if (rackOn(t)) return false;"),
  m("tcp/rack", "the arrival of a repetition tells of no loss", "seqMax(highest, repairsArrived(", "seqMax(highest, t.sndUna + 0 * repairsArrived("),
  m("tcp/rack", "the timer expires in the middle of a recovery", "if (<u32>t.recovery == RECOVERY_SACK) arm(t, T_RTX, rtoNow(t));", "if (<u32>t.recovery == 0) arm(t, T_RTX, rtoNow(t));"),
  m("tcp/repairs", "the loss of a repetition is not noticed", "      r.lost = true;", "      r.lost = false;"),
];

const ENDING: readonly Mutant[] = [
  m("tcp/user", "SD_SEND in CLOSE_WAIT sends no FIN", "else if (t.state == TCP_CLOSE_WAIT) transition(t, TCP_LAST_ACK, BY_CLOSE);", "else if (t.state == TCP_LAST_ACK) transition(t, TCP_LAST_ACK, BY_CLOSE);"),
  m("tcp/user", "SD_RECEIVE keeps unread bytes", "abort(t, CAUSE_RECV_SHUT, WSAECONNABORTED); // S-11", "// S-11"),
  m("tcp/user", "an orphan in FIN_WAIT_2 waits for ever", "if (t.state == TCP_FIN_WAIT_2) finWait2Limit(t);", "if (t.state == TCP_FIN_WAIT_1) finWait2Limit(t);"),
  m("tcp/release", "an abort in LAST_ACK sends a RST", "return !(t.flags & TF_FIN_SENT) ||", "return !(t.flags & 0) ||"),
  m("tcp/release", "an abort in FIN_WAIT_2 sends no RST", "state == TCP_FIN_WAIT_1 || state == TCP_FIN_WAIT_2 ||", "state == TCP_FIN_WAIT_1 || state == TCP_FIN_WAIT_1 ||"),
  m("tcp/release", "an owed RST dies with its connection", "if (t.state != TCP_CLOSED || t.marks & M_RST_OWED) return;", "if (t.state != TCP_CLOSED) return;"),
  m("tcp/release", "queued children survive their listener", "while (l.queue) abort(tcb(<i32>l.queue - 1), CAUSE_NONE, 0);", "while (false) abort(tcb(<i32>l.queue - 1), CAUSE_NONE, 0);"),
  m("tcp/release", "the RST for refused text carries an ACK", "t.marks |= M_RST_OWED | (bare ? M_RST_BARE : 0);", "t.marks |= M_RST_OWED | (bare ? 0 : 0);"),
  m("tcp/progress", "an orphan's limit is the user's", "t.marks & M_ORPHAN ? CONFIG_ORPHAN_TIMEOUT_MS : CONFIG_USER_TIMEOUT_MS", "t.marks & 0 ? CONFIG_ORPHAN_TIMEOUT_MS : CONFIG_USER_TIMEOUT_MS"),
  m("tcp/progress", "a lingering close is cut short by the orphan timeout", "if (t.marks & M_LINGER) return 0;", "if (t.marks & 0) return 0;"),
  m("tcp/time_wait", "TIME_WAIT lasts half as long", "config(CONFIG_TIME_WAIT_MS)); }", "config(CONFIG_TIME_WAIT_MS) >> 1); }"),
  m("tcp/keepalive", "one more probe than asked for", "t.keepProbes >= t.keepCount) fail", "t.keepProbes > t.keepCount) fail"),
];

const SOCKETS: readonly Mutant[] = [
  m("winsock/teardown/close", "the linger clock does not start at the close", "s.lingerUntil = s.closedAt + (s.lingerMs", "s.lingerUntil = 0 + (s.lingerMs"),
  m("winsock/teardown/close", "linger seconds are milliseconds", "<u32>s.lingerSecs * 1000);", "<u32>s.lingerSecs * 1);"),
  m("winsock/teardown/close", "a linger wait needs the peer's FIN", "bits & NOTIFY_HALF_DONE || facts & TF_FIN_ACKED)", "bits & 0 || facts & 0)"),
  m("winsock/teardown/close", "a linger that runs out sends no RST", "      s.lingerExpired = 1;\n      abortNow(s, CAUSE_NONE);", "      s.lingerExpired = 1;\n      settle(s);"),
  m("winsock/teardown/close", "a drain does not count what it throws away", "  s.drained += n;\n  return true;", "  s.drained += 0;\n  return true;"),
  m("winsock/teardown/close", "the first of two descriptors closes the socket", "  if (s.refs > 1) {\n    s.refs--;\n    releaseDescriptor(s, h);\n    return 0;", "  if (s.refs > 2) {\n    s.refs--;\n    releaseDescriptor(s, h);\n    return 0;"),
  m("winsock/teardown/linger", "linger 0 waits", "if (s.lingerOn && !s.lingerSecs) return CLOSE_ABORT;", "if (s.lingerOn && !s.lingerOn) return CLOSE_ABORT;"),
  m("winsock/teardown/linger", "unread bytes do not reset", "if (!s.drainMs && unreadOf(s) &&", "if (s.drainMs && unreadOf(s) &&"),
  m("winsock/teardown/linger", "a nonblocking socket is refused even after SD_SEND", "if (has(s, S_SEND_SHUT)) return CLOSE_BACKGROUND;", "if (has(s, S_SEND_SHUT)) return CLOSE_REFUSE;"),
  m("winsock/teardown/report", "graceful without the peer's FIN", "facts & TF_FIN_RCVD ? OUTCOME_GRACEFUL : OUTCOME_DELIVERED", "facts & TF_FIN_ACKED ? OUTCOME_GRACEFUL : OUTCOME_DELIVERED"),
  m("winsock/teardown/report", "unacknowledged bytes are left out of the report", "sent - acked);", "acked - acked);"),
  m("winsock/teardown/report", "a reset by the peer reads as ours", "if (facts & TF_RST_RCVD) {\n    put", "if (facts & 0) {\n    put"),
  m("winsock/teardown/shutdown", "SD_BOTH ends only sending", "(how == SD_SEND ? 0 : S_RECV_SHUT)", "(how == SD_BOTH ? 0 : S_RECV_SHUT)"),
  m("winsock/teardown/shutdown", "shutdown wakes no receiver", "(flags & S_RECV_SHUT ? 1 << OP_RECV : 0)", "(flags & S_RECV_SHUT ? 0 << OP_RECV : 0)"),
  m("winsock/status", "a receive after a quiet abort reads the end of the stream", "return s.abortCause ? WSAECONNABORTED : 0; }", "return s.abortCause ? 0 : 0; }"),
  m("winsock/status", "FD_CLOSE before everything is read", "(facts & TF_FIN_RCVD) != 0 && (unread == 0 ||", "(facts & TF_FIN_RCVD) != 0 && (unread >= 0 ||"),
  m("winsock/status", "an empty send queue takes no more than its buffer", "if (!used) return max(config(CONFIG_SEND_MAX), s.sendLimit);", "if (!used) return s.sendLimit;"),
  m("winsock/netevents", "events are recorded again without a re-enabling call", "  s.eventReported |= <u16>bits;", "  s.eventReported |= 0;"),
  m("winsock/netevents", "enumerating leaves the event object set", "if (hEvent) WSAResetEvent(hEvent);", "if (!hEvent) WSAResetEvent(hEvent);"),
  m("winsock/send", "a blocking send returns before all is taken", "if (done < total) return sendLater(s, h, total - done);", "if (done < 1) return sendLater(s, h, total - done);"),
  m("winsock/receive", "the end of the stream is an empty wait", "if (complete || factsOf(s) & TF_FIN_RCVD)", "if (complete || factsOf(s) & 0)"),
  m("winsock/connect", "one held ephemeral port fails the connect", "const PORT_TRIES: u32 = 256;", "const PORT_TRIES: u32 = 1;"),
  m("winsock/ports", "two sockets share a port without SO_REUSEADDR", "if (!has(second, S_REUSEADDR)) return WSAEADDRINUSE;", "if (has(second, S_REUSEADDR)) return WSAEADDRINUSE;"),
];

const LINK: readonly Mutant[] = [
  m("link/ethernet", "frames for other stations are taken", ": macEqual(to, deviceMac(d));", ": macEqual(to, to);"),
  m("link/ethernet", "frames from a group address are taken", "|| macIsGroup(frame + ETHER_SOURCE)) {", "|| macIsGroup(frame)) {"),
  m("link/arp", "an ARP reply from a group address is believed", "|| macIsGroup(p + ARP_SENDER_MAC)) {", "|| false) {"),
  m("link/arp", "requests for other hosts are answered", "if (ours && request && (neighbor", "if (request && (neighbor"),
  m("link/arp", "an address probe is not answered", "(neighbor || arpFrom == 0)) arpAnswer", "(neighbor || arpFrom == 1)) arpAnswer"),
  m("link/neighbor", "two requests instead of three", "const TRIES: u32 = 3;", "const TRIES: u32 = 2;"),
  m("link/neighbor", "requests follow each other at once", "const RETRY_MS: u32 = 1000;", "const RETRY_MS: u32 = 10;"),
  m("link/neighbor", "a failed neighbour is asked again at once", "if (now - e.settled < HOLD_FAILED_MS) return UNREACHABLE;", "if (now - e.settled < 1) return UNREACHABLE;"),
  m("link/neighbor", "a fresh hardware address is replaced", "now - e.settled < LOCK_MS && !macEqual", "now - e.settled < 0 && !macEqual"),
  m("link/neighbor", "an old hardware address is never asked for again", "now - e.settled >= maxAge) {", "now - e.settled >= 0xffffffff) {"),
  m("link/parking", "the packet that waits first is kept, not the last", "const PER_LIST: u32 = TINY ? 2 : 48;", "const PER_LIST: u32 = TINY ? 2 : 1;"),
  m("link/limit", "the bucket never refills", "min<u32>(now - b.counted, SPAN_MAX) * perSecond", "min<u32>(now - b.counted, SPAN_MAX) * 0"),
];

const OVERLAPPED: readonly Mutant[] = [
  m("winsock/overlapped/complete", "a routine beside a completion port", "if (routine && portLive(", "if (0 && portLive("),
  m("winsock/overlapped/complete", "a completion leaves the event object as it is", "if (o.event) WSASetEvent(o.event);", "if (!o.event) WSASetEvent(o.event);"),
  m("winsock/overlapped/complete", "a pending operation leaves its event object set", "if (o.event) WSAResetEvent(o.event);", "if (!o.event) WSAResetEvent(o.event);"),
  m("winsock/overlapped/operations", "a queue forgets where it ends", "if (!q.first) q.last = 0;", "if (q.first) q.last = 0;"),
  m("winsock/overlapped/completionports", "a socket is tied to a second port", "if (socket >= 0 && overlapOf(socketAt(<u32>socket)).port) return", "if (socket >= 0 && overlapOf(socketAt(<u32>socket)).port == 1) return"),
  m("winsock/overlapped/cancel", "a cancelled send whose bytes are out reads 995", "o.half ? STATUS_SUCCESS : STATUS_CANCELLED", "o.half ? STATUS_CANCELLED : STATUS_CANCELLED"),
  m("winsock/overlapped/cancel", "AcceptEx outlives the socket it was to accept with", "  if (p.acceptance) {", "  if (p.acceptance == 0xffffffff) {"),
  m("winsock/overlapped/cancel", "CancelIoEx takes every receive", "operation(r).overlapped == overlapped) { endReceive", "overlapped != 0) { endReceive"),
  m("winsock/overlapped/accepting", "AcceptEx does not wait for the first bytes", "if (o.length && !(facts & TF_FIN_RCVD)", "if (!o.length && !(facts & TF_FIN_RCVD)"),
  m("winsock/overlapped/connecting", "ConnectEx without a bound name", "if (!has(s, S_BOUND)) return WSAEINVAL;", "if (has(s, 0)) return WSAEINVAL;"),
  m("winsock/overlapped/connecting", "a handle is used again in TIME_WAIT", "(state == TCP_TIME_WAIT && s.provider == PROVIDER_HOST)", "(state == TCP_TIME_WAIT && s.provider != PROVIDER_HOST)"),
  m("winsock/overlapped/context", "SO_UPDATE_ACCEPT_CONTEXT inherits nothing", "  inheritOptions(s, socketAt(<u32>i));\n", ""),
  m("winsock/overlapped/result", "fWait is taken for its opposite", "return wait ? waitFor(", "return !wait ? waitFor("),
  m("winsock/overlapped/operations", "a FIN overtakes an overlapped send", "(operation(p.sendFirst).half == 0 ||", "(operation(p.sendFirst).half != 0 ||"),
];

const MESSAGES: readonly Mutant[] = [
  m("wire/tpkt", "any TPKT version is taken", "rd8(p) == VERSION && n >= LEAST", "rd8(p) == rd8(p) && n >= LEAST"),
  m("wire/cotp", "a header may be longer than its TPDU", "li + 1 > n ||", "li + 1 > 255 ||"),
  m("wire/cotp", "a parameter may reach beyond the header", "if (length > header - at) return false;", "if (length > 255) return false;"),
  m("cotp/input", "data beyond the size agreed on is taken", "|| size > a.size) return NEWS_BROKEN;", "|| size > 65535) return NEWS_BROKEN;"),
  m("cotp/input", "data for another connection is taken", "if (cotpDestination(HEAD + TPDU) != <u32>a.localRef)", "if (cotpDestination(HEAD + TPDU) == 0)"),
  m("cotp/input", "the end of a message is not heeded", "& EOT ? 1 : 0;", "& EOT ? 0 : 0;"),
  m("cotp/input", "a stream that is cut off ends in good order", "if (!unread && !a.inData && ended(a, E_SENT))", "if (!unread && !a.inData && !ended(a, E_CUT))"),
  m("cotp/input", "any class is agreed to", "rd8(p + COTP_CLASS) != CLASS_2_NO_FLOW_CONTROL) reason", "rd8(p + COTP_CLASS) != rd8(p + COTP_CLASS)) reason"),
  m("cotp/input", "a call for another selector is taken", "else if (a.ownLength && !sameTsap(a))", "else if (a.ownLength && sameTsap(a))"),
  m("cotp/input", "disconnect data is thrown away", "a.inLength = <u8>data;", "a.inLength = 0;"),
  m("cotp/output", "a confirm takes the place of disconnect data", "ended(a, E_RECEIVED) && !a.outLength;", "ended(a, E_RECEIVED) && !0;"),
  m("cotp/records", "an empty message is none", "return a.unread != 0 || a.complete != 0;", "return a.unread != 0;"),
  m("cotp/records", "the rest of a message loses its end", "(left << 1) | (header & 1)", "(left << 1) | (header & 0)"),
  m("winsock/seqpacket/news", "a cut stream reads as the end", "if (news & NEWS_CUT) bits |= NOTIFY_RESET |", "if (news & NEWS_CUT) bits |= NOTIFY_FIN |"),
  m("winsock/seqpacket/news", "a peer that says nothing is waited for ten times as long", "const HANDSHAKE_MS: u32 = 30000;", "const HANDSHAKE_MS: u32 = 300000;"),
  m("winsock/seqpacket/admission", "the backlog of messages holds one more", "while (list.children < list.backlog)", "while (list.children <= list.backlog)"),
  m("winsock/seqpacket/transfer", "a nonblocking send takes part of a message", "if (!waits && need > sendRoom(s))", "if (!waits && 0 > sendRoom(s))"),
];

export const MUTANTS: readonly Mutant[] = [
  ...ARRIVAL, ...OPENING, ...SENDING, ...OPTIONS, ...RECOVERY, ...ENDING, ...SOCKETS, ...OVERLAPPED, ...MESSAGES, ...LINK,
];
