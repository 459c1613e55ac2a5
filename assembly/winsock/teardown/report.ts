/** Close reports (abi/report): every close ends in exactly one, which keeps its slot (reportslots) until it is pulled. */
import { WSAECONNRESET, WSAENETUNREACH, WSAEHOSTUNREACH } from "../../abi/errors";
import {
  CAUSE_NONE, OUTCOME_ABORTED, OUTCOME_DELIVERED, OUTCOME_GRACEFUL, OUTCOME_LINGER_EXPIRED, OUTCOME_NOT_CONNECTED, OUTCOME_RESET_BY_PEER,
  OUTCOME_TIMED_OUT, OUTCOME_UNKNOWN, OUTCOME_UNREACHABLE, REPORT_CAUSE, REPORT_DURATION_MS, REPORT_ERROR, REPORT_HANDLE, REPORT_OUTCOME,
  REPORT_PEER_FIN, REPORT_STATE,
} from "../../abi/report";
import { now } from "../../base/time";
import {
  streamBlind, streamBytesAcked, streamBytesDiscarded, streamBytesSent, streamCause, streamError, streamFlags,
} from "../../provider/index";
import { TF_FAILED, TF_FIN_ACKED, TF_FIN_RCVD, TF_RST_RCVD, TF_RST_SENT } from "../../tcp/tcb";
import { associationOf, messageReportFacts } from "../seqpacket/facts";
import { has, isSeqpacket, isStream, S_CONNECTED, Socket } from "../socket";
import { factsOf } from "../status";
import { put, putBytes, reportAppend } from "./reportslots";

/** Makes the report of s from what its connection knows; the connection is still attached. */
export function reportMake(s: Socket): void {
  const at = reportAppend(), facts = isSeqpacket(s) && has(s, S_CONNECTED) && s.transport >= 0
    ? messageReportFacts(s, streamFlags(s.provider, s.transport)) : factsOf(s);
  put(at, REPORT_HANDLE, s.handle);
  put(at, REPORT_STATE, <u32>s.closedState);
  put(at, REPORT_DURATION_MS, now - s.closedAt);
  put(at, REPORT_CAUSE, CAUSE_NONE);
  if (!has(s, S_CONNECTED) || s.transport < 0 || !isStream(s)) { put(at, REPORT_OUTCOME, OUTCOME_NOT_CONNECTED); return; }
  const sent = streamBytesSent(s.provider, s.transport), acked = streamBytesAcked(s.provider, s.transport);
  const unread: u32 = isSeqpacket(s) ? associationOf(s).unread : 0;
  putBytes(at, sent, acked, streamBytesDiscarded(s.provider, s.transport) + <u64>(s.drained + unread));
  put(at, REPORT_PEER_FIN, facts & TF_FIN_RCVD ? 1 : 0);
  outcome(s, at, facts);
}

/** What the close came to, the worst thing first: nothing better is claimed than the facts show. */
function outcome(s: Socket, at: usize, facts: u32): void {
  const error = streamError(s.provider, s.transport);
  if (s.lingerExpired) { put(at, REPORT_OUTCOME, OUTCOME_LINGER_EXPIRED); return; }
  if (facts & TF_RST_RCVD) {
    put(at, REPORT_OUTCOME, OUTCOME_RESET_BY_PEER);
    put(at, REPORT_ERROR, WSAECONNRESET);
  } else if (facts & TF_FAILED) {
    put(at, REPORT_OUTCOME, error == WSAENETUNREACH || error == WSAEHOSTUNREACH ? OUTCOME_UNREACHABLE : OUTCOME_TIMED_OUT);
    put(at, REPORT_ERROR, error);
  } else if (s.abortCause || facts & TF_RST_SENT) {
    put(at, REPORT_OUTCOME, OUTCOME_ABORTED);
    put(at, REPORT_CAUSE, s.abortCause ? <u32>s.abortCause : streamCause(s.provider, s.transport));
  } else if (facts & TF_FIN_ACKED) {
    put(at, REPORT_OUTCOME, facts & TF_FIN_RCVD ? OUTCOME_GRACEFUL : OUTCOME_DELIVERED);
  } else if (streamBlind(s.provider, s.transport)) {
    put(at, REPORT_OUTCOME, OUTCOME_UNKNOWN);
  } else {
    // The connection is gone without its FIN acknowledged and nobody said why.
    put(at, REPORT_OUTCOME, OUTCOME_TIMED_OUT);
  }
}
