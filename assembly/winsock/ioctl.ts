/** WSPIoctl. */
import { WSA_IO_PENDING, WSAEFAULT, WSAEINVAL, WSAENOBUFS, WSAEOPNOTSUPP } from "../abi/errors";
import { FIONBIO, FIONREAD, SIO_GET_EXTENSION_FUNCTION_POINTER, SIO_KEEPALIVE_VALS, SIO_TCP_INFO, SIO_UDP_CONNRESET, SIOCATMARK, SIZEOF_TCP_INFO_V0 } from "../abi/winsock";
import { datagramUnread, streamAtMark } from "../provider/index";
import { messageFirst } from "./seqpacket/facts";
import { statusOf } from "./overlapped/codes";
import { begun, operationBegin, operationComplete } from "./overlapped/complete";
import { extensionFunction } from "./overlapped/extensions";
import { KIND_IOCTL, operationFree } from "./overlapped/operations";
import { finish, mayAccess } from "./result";
import { enter, has, isSeqpacket, isStream, it, S_IGNORE_UNREACHABLE, S_KEEPALIVE, S_NONBLOCKING, S_SYNCHRONOUS, setFlag, settingsOwn, Socket } from "./socket";
import { keepAliveChanged } from "./socketoptions";
import { unreadOf } from "./status";
import { tcpInfoWrite } from "./tcpinfo";

/** Bytes the last command wrote to its output. */
let written: u32 = 0;

/**
 * FIONBIO (in u32; 10022 when it would undo WSPEventSelect, E-02), FIONREAD (out u32: bytes unread, of a datagram socket those of the
 * first datagram, of SOCK_SEQPACKET those of the first message that are here), SIOCATMARK (out u32: TRUE unless unread bytes stand before the place of urgent data), SIO_KEEPALIVE_VALS (in { onoff, idle ms, interval
 * ms }), SIO_GET_EXTENSION_FUNCTION_POINTER (in a GUID, out u32: index in the exported function table; 10022 if it is none of ours), SIO_TCP_INFO (in u32 version 0, out TCP_INFO_v0; not in tiny), SIO_UDP_CONNRESET (in u32). *lpReturned gets the bytes of output.
 * Errors: 10093, 10038, 10014 (pointer, length, X-15), 10022, 10045 (unknown code, or not of this socket; with
 * lpOverlapped 997, and the completion says so).
 */
export function WSPIoctl(
  s: u32, code: i32, input: usize, inLength: u32, output: usize, outLength: u32, lpReturned: usize, lpOverlapped: usize, lpRoutine: u32,
  lpThreadId: usize, lpErrno: usize,
): i32 {
  let e = enter(s);
  const overlapped = !e && lpOverlapped != 0 && !has(it, S_SYNCHRONOUS);
  if (!e && !(overlapped && !lpReturned) && !mayAccess(lpReturned, 4)) e = WSAEFAULT;
  if (!TINY && !e && overlapped) e = operationBegin(it, KIND_IOCTL, lpOverlapped, lpRoutine);
  if (e) return finish(e, lpErrno);
  const ref = begun;
  written = 0;
  e = TINY && overlapped ? WSAEOPNOTSUPP : command(it, code, input, inLength, output, outLength);
  if (!e && lpReturned) store<u32>(lpReturned, written);
  if (!TINY && overlapped) e = concluded(ref, e);
  return finish(e, lpErrno);
}

/** Every command is over in its call. X-17: only that there is no such command is told as if it were not. */
function concluded(ref: u32, e: i32): i32 {
  if (e && e != WSAEOPNOTSUPP) { operationFree(ref); return e; }
  operationComplete(ref, statusOf(e), written);
  return e ? WSA_IO_PENDING : 0;
}

function command(s: Socket, code: i32, input: usize, inLength: u32, output: usize, outLength: u32): i32 {
  const word = inLength >= 4 && mayAccess(input, inLength) ? 0 : WSAEFAULT;
  switch (code) {
    case FIONBIO: return word ? word : setNonblocking(s, load<u32>(input) != 0);
    case FIONREAD: return giveWord(output, outLength, isSeqpacket(s) ? messageFirst(s) : isStream(s) ? unreadOf(s) : datagramUnread(s.provider, s.transport));
    case SIOCATMARK: return isStream(s) ? giveWord(output, outLength, streamAtMark(s.provider, s.transport) ? 1 : 0) : WSAEINVAL;
    case SIO_GET_EXTENSION_FUNCTION_POINTER: return extension(input, inLength, output, outLength);
    case SIO_KEEPALIVE_VALS: return inLength < 12 || word ? WSAEFAULT : setKeepAliveValues(s, input);
    case SIO_TCP_INFO: {
      if (TINY) return WSAEOPNOTSUPP;
      if (word || outLength < SIZEOF_TCP_INFO_V0 || !mayAccess(output, SIZEOF_TCP_INFO_V0)) return WSAEFAULT;
      if (load<u32>(input)) return WSAEINVAL;
      if (!isStream(s)) return WSAEOPNOTSUPP;
      tcpInfoWrite(s, output);
      written = SIZEOF_TCP_INFO_V0;
      return 0;
    }
    case SIO_UDP_CONNRESET: {
      if (word) return word;
      if (isStream(s)) return WSAEOPNOTSUPP;
      setFlag(s, S_IGNORE_UNREACHABLE, !load<u32>(input));
      return 0;
    }
    default: return WSAEOPNOTSUPP;
  }
}

function setNonblocking(s: Socket, on: bool): i32 {
  if (!on && s.eventMask) return WSAEINVAL;
  setFlag(s, S_NONBLOCKING, on);
  return 0;
}

function giveWord(output: usize, outLength: u32, value: u32): i32 {
  if (outLength < 4 || !mayAccess(output, 4)) return WSAEFAULT;
  store<u32>(output, value);
  written = 4;
  return 0;
}

function extension(input: usize, inLength: u32, output: usize, outLength: u32): i32 {
  if (TINY) return WSAEOPNOTSUPP;
  if (inLength < 16 || !mayAccess(input, 16)) return WSAEFAULT;
  const index = extensionFunction(input);
  return index ? giveWord(output, outLength, index) : WSAEINVAL;
}

function setKeepAliveValues(s: Socket, input: usize): i32 {
  if (!isStream(s)) return WSAEOPNOTSUPP;
  const on = load<u32>(input) != 0, idle = load<u32>(input, 4), interval = load<u32>(input, 8);
  if (on && (!idle || !interval || idle > 0x3fffffff || interval > 0x3fffffff)) return WSAEINVAL;
  if (on && !settingsOwn(s)) return WSAENOBUFS;
  setFlag(s, S_KEEPALIVE, on);
  if (on) {
    s.keepIdle = idle;
    s.keepInterval = interval;
  }
  keepAliveChanged(s);
  return 0;
}
