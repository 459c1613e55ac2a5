/** Disconnect data (semantics D-04, D-16, D-17): up to 64 octets beside the end of each direction. */
import { WSAEFAULT, WSAEMSGSIZE, WSAENOTCONN, WSAESHUTDOWN } from "../../abi/errors";
import { SIZEOF_WSABUF } from "../../abi/winsock";
import { inData, outData } from "../../cotp/association";
import { DISCONNECT_DATA_MAX } from "../../wire/cotp";
import { bufferLength, bufferPointer } from "../buffers";
import { mayAccess } from "../result";
import { has, S_CONNECTED, S_SEND_SHUT, Socket } from "../socket";
import { associationOf } from "./facts";

/** Keeps what the WSABUF at `data` names for the disconnect request. 10014, 10040 (more than 64), 10057, 10058 (the request is out). */
export function disconnectDataPut(s: Socket, data: usize): i32 {
  if (!mayAccess(data, SIZEOF_WSABUF)) return WSAEFAULT;
  const n = bufferLength(data, 0), from = bufferPointer(data, 0);
  if (n && !mayAccess(from, n)) return WSAEFAULT;
  if (n > DISCONNECT_DATA_MAX) return WSAEMSGSIZE;
  if (!has(s, S_CONNECTED)) return WSAENOTCONN;
  if (has(s, S_SEND_SHUT)) return WSAESHUTDOWN;
  const a = associationOf(s);
  memory.copy(outData(a), from, n);
  a.outLength = <u8>n;
  return 0;
}

/** Copies the peer's disconnect data to the WSABUF at `data` and sets its length; nothing came: 0. 10014 if it does not fit: it is kept. */
export function disconnectDataGet(s: Socket, data: usize): i32 {
  if (!mayAccess(data, SIZEOF_WSABUF)) return WSAEFAULT;
  if (!has(s, S_CONNECTED)) return WSAENOTCONN;
  const a = associationOf(s), n = <u32>a.inLength, to = bufferPointer(data, 0);
  if (n > bufferLength(data, 0) || (n && !mayAccess(to, n))) return WSAEFAULT;
  memory.copy(to, inData(a), n);
  store<u32>(data, n);
  return 0;
}
