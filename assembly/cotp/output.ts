/** What this side sends: each TPDU is put together and handed to the stream whole, or not at all. */
import { streamSend } from "../provider/index";
import {
  CODE_CC, CODE_CR, confirmEmit, connectEmit, dataEmit, disconnectEmit, DT_HEADER, REASON_NORMAL, TPDU_SIZE_OURS,
} from "../wire/cotp";
import { TPKT_HEADER, tpktEmit } from "../wire/tpkt";
import { A_OPEN, Association, calledTsap, E_RECEIVED, E_SENT, ended, outData, ownTsap } from "./association";

/** One packet: header, DT header and what a TPDU of our size carries. */
const PACKET_MAX: u32 = TPKT_HEADER + TPDU_SIZE_OURS;
const PACKET: usize = TINY ? 0 : memory.data(8208, 8);

/** Octets in front of a DT's user data. */
export const DATA_OVERHEAD: u32 = TPKT_HEADER + DT_HEADER;

/** Sends the TPDU of n bytes behind the packet's header. False without memory, or where the stream takes nothing any more. */
function send(a: Association, n: u32): bool {
  tpktEmit(PACKET, n + TPKT_HEADER);
  return streamSend(a.provider, a.transport, PACKET, n + TPKT_HEADER) != 0;
}

/** CR: class 2 without explicit flow control, without an alternative; TPDUs of 8192 octets. */
export function sendRequest(a: Association): bool {
  const own = ownTsap(a), called = calledTsap(a);
  return send(a, connectEmit(PACKET + TPKT_HEADER, CODE_CR, 0, <u32>a.localRef, a.size, own, a.ownLength, called, a.calledLength));
}

/** CC: the connection is open. */
export function sendConfirm(a: Association): bool {
  const n = connectEmit(PACKET + TPKT_HEADER, CODE_CC, <u32>a.remoteRef, <u32>a.localRef, a.size, 0, 0, 0, 0);
  a.state = A_OPEN;
  return send(a, n);
}

/** DR in answer to a CR (X.224 §6.6): SRC-REF is 0. */
export function sendRefusal(a: Association, reason: u32): bool {
  return send(a, disconnectEmit(PACKET + TPKT_HEADER, <u32>a.remoteRef, 0, reason, 0, 0));
}

/** Octets of user data in one DT. */
export function dataMost(a: Association): u32 { return min(a.size, PACKET_MAX - TPKT_HEADER) - DT_HEADER; }

/** Bytes of stream that n octets of message become. */
export function dataWire(a: Association, n: u32): u32 {
  const most = dataMost(a);
  return n + DATA_OVERHEAD * max<u32>((n + most - 1) / most, 1);
}

/** Where the user data of the next DT is to be put, dataMost(a) octets at most. */
export function dataPlace(): usize { return PACKET + DATA_OVERHEAD; }

/** Sends what was put there: n octets, the end of the message if `last`. */
export function sendData(a: Association, n: u32, last: bool): bool {
  dataEmit(PACKET + TPKT_HEADER, <u32>a.remoteRef, <u32>a.number, last);
  if (!send(a, DT_HEADER + n)) return false;
  a.number = (a.number + 1) & 127;
  return true;
}

/** Ends our direction: DC if the peer has ended its own and we have nothing to say with it, else DR with outData. Once. */
export function sendEnd(a: Association): bool {
  if (ended(a, E_SENT)) return true;
  const p = PACKET + TPKT_HEADER, dst = <u32>a.remoteRef, src = <u32>a.localRef;
  const confirms = ended(a, E_RECEIVED) && !a.outLength;
  if (!send(a, confirms ? confirmEmit(p, dst, src) : disconnectEmit(p, dst, src, REASON_NORMAL, outData(a), a.outLength))) return false;
  a.ends |= <u8>E_SENT;
  return true;
}
