/** Completion ports as their users call them. They outlive sockets and WSPCleanup, until CloseHandle. */
import { LASTACK_WAIT, WSAEFAULT, WSAEINTR, WSAENOBUFS } from "../../abi/errors";
import {
  ERROR_ABANDONED_WAIT_0, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_NO_SYSTEM_RESOURCES, ERROR_NOT_SUPPORTED, INVALID_HANDLE_VALUE, WAIT_TIMEOUT,
} from "../../abi/overlapped";
import { WSA_INFINITE } from "../../abi/winsock";
import { handleAlloc, handleFree, handleObject, KIND_EVENT, KIND_PORT, KIND_SOCKET } from "../../memory/handles";
import { WSACloseEvent } from "../eventobjects";
import { portWait, portWaitCancelled, portWaitEnd, portWaitExpired, portWaitOf, portWake } from "../portwaits";
import { mayAccess, setError } from "../result";
import { claimsForget, countHandles, socketAt } from "../socket";
import { win32Of } from "./codes";
import { KIND_PACKET, operation, operationFree, operationTake, overlapOf, overlapTake } from "./operations";
import { portFree, portLive, portQueue, portShift, portTake } from "./port";

/**
 * Ties socket `file` to completion port `existing`, or to a new one (0), under `key`: from now on each overlapped operation of the socket
 * that has no routine puts a packet there when it completes, also one that completed in its call. With INVALID_HANDLE_VALUE for
 * `file` only makes a port. The tie belongs to the socket, not the descriptor (H-14), and lasts until the last closesocket. `threads` means nothing here.
 * Returns the port's handle, or 0: 6 (file or existing is none), 87 (the socket is tied already, a port given without a socket), 1450 (no
 * port or handle left).
 */
export function CreateIoCompletionPort(file: u32, existing: u32, key: u32, threads: u32, lpErrno: usize): u32 {
  claimsForget();
  const e = TINY ? ERROR_NOT_SUPPORTED : portFor(file, existing, key);
  setError(lpErrno, e);
  return e ? 0 : made;
}

let made: u32 = 0;

function portFor(file: u32, existing: u32, key: u32): i32 {
  const socket = file == INVALID_HANDLE_VALUE ? -1 : handleObject(file, KIND_SOCKET);
  if (file != INVALID_HANDLE_VALUE && socket < 0) return ERROR_INVALID_HANDLE;
  if (existing && socket < 0) return ERROR_INVALID_PARAMETER;
  if (existing && !portLive(existing)) return ERROR_INVALID_HANDLE;
  if (socket >= 0 && overlapOf(socketAt(<u32>socket)).port) return ERROR_INVALID_PARAMETER;
  if (socket >= 0 && !overlapTake(socketAt(<u32>socket))) return ERROR_NO_SYSTEM_RESOURCES;
  made = existing ? existing : create();
  if (!made) return ERROR_NO_SYSTEM_RESOURCES;
  if (socket < 0) return 0;
  overlapOf(socketAt(<u32>socket)).port = made;
  overlapOf(socketAt(<u32>socket)).key = key;
  return 0;
}

function create(): u32 {
  const i = portTake();
  if (i < 0) return 0;
  const h = handleAlloc(KIND_PORT, i);
  if (!h) portFree(<u32>i);
  countHandles();
  return h;
}

/**
 * Takes the oldest packet of `port`: *lpBytes, *lpKey and *lpOverlapped are its. 1 if its operation succeeded; 0 with the operation's
 * Win32 code if not. Without a packet *lpOverlapped becomes 0 and the call answers 0 with LASTACK_WAIT, or with 258 once `timeout` ms
 * (WSA_INFINITE = never) have passed. Errors: 6 (no port), 10014, 735 (the port was closed meanwhile), 10004 (cancelled), 10055.
 */
export function GetQueuedCompletionStatus(port: u32, lpBytes: usize, lpKey: usize, lpOverlapped: usize, timeout: u32, lpErrno: usize): i32 {
  claimsForget();
  const e = TINY ? ERROR_NOT_SUPPORTED : take(port, lpBytes, lpKey, lpOverlapped, timeout);
  setError(lpErrno, e);
  return e ? 0 : 1;
}

function take(h: u32, lpBytes: usize, lpKey: usize, lpOverlapped: usize, timeout: u32): i32 {
  const i = handleObject(h, KIND_PORT), waiting = portWaitOf(h);
  if (i < 0) {
    if (!waiting) return ERROR_INVALID_HANDLE;
    portWaitEnd(waiting);
    return ERROR_ABANDONED_WAIT_0;
  }
  if (!mayAccess(lpBytes, 4) || !mayAccess(lpKey, 4) || !mayAccess(lpOverlapped, 4)) return WSAEFAULT;
  const ref = portShift(<u32>i);
  if (!ref) {
    store<u32>(lpOverlapped, 0);
    return wait(h, waiting, timeout);
  }
  if (waiting) portWaitEnd(waiting);
  const o = operation(ref), status = o.status;
  store<u32>(lpBytes, o.done);
  store<u32>(lpKey, o.key);
  store<u32>(lpOverlapped, o.overlapped);
  operationFree(ref);
  return win32Of(status);
}

function wait(h: u32, waiting: u32, timeout: u32): i32 {
  const cancelled = waiting != 0 && portWaitCancelled(waiting), expired = timeout == 0 || (waiting != 0 && portWaitExpired(waiting));
  if (cancelled || expired) {
    if (waiting) portWaitEnd(waiting);
    return cancelled ? WSAEINTR : WAIT_TIMEOUT;
  }
  return portWait(h, waiting, timeout != WSA_INFINITE, min<u32>(timeout, 0x3fffffff)) ? LASTACK_WAIT : WSAENOBUFS;
}

/**
 * Puts a packet of the caller's own into `port`: GetQueuedCompletionStatus returns the three numbers, which mean nothing here.
 * 1, or 0: 6 (no port), 1450 (every slot for operations is taken).
 */
export function PostQueuedCompletionStatus(port: u32, bytes: u32, key: u32, overlapped: u32, lpErrno: usize): i32 {
  claimsForget();
  const e = TINY ? ERROR_NOT_SUPPORTED : post(port, bytes, key, overlapped);
  setError(lpErrno, e);
  return e ? 0 : 1;
}

function post(h: u32, bytes: u32, key: u32, overlapped: u32): i32 {
  if (!portLive(h)) return ERROR_INVALID_HANDLE;
  const ref = operationTake(KIND_PACKET);
  if (!ref) return ERROR_NO_SYSTEM_RESOURCES;
  const o = operation(ref);
  o.done = bytes;
  o.key = key;
  o.overlapped = overlapped;
  portQueue(h, ref);
  return 0;
}

/**
 * Closes a completion port, or an event object. Packets nobody took are gone; who waits gets 735. Operations of sockets that were tied to
 * the port go on and tell of their end by WSAOVERLAPPED and event object only. 1, or 0 with 6 (a socket is closed by closesocket).
 */
export function CloseHandle(h: u32, lpErrno: usize): i32 {
  claimsForget();
  const i = TINY ? -1 : handleObject(h, KIND_PORT);
  if (i < 0) {
    const event = handleObject(h, KIND_EVENT) >= 0;
    if (event) WSACloseEvent(h);
    setError(lpErrno, event ? 0 : ERROR_INVALID_HANDLE);
    return event ? 1 : 0;
  }
  handleFree(h);
  countHandles();
  portFree(<u32>i);
  portWake(h);
  setError(lpErrno, 0);
  return 1;
}
