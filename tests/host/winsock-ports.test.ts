/** Callers that wait at a completion port: one packet wakes one, time and cancellation end the rest, and so does the port's own end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as E from "../../host/abi/errors.gen.ts";
import * as O from "../../host/abi/overlapped.gen.ts";
import { pair } from "./support/pair.ts";

const WAIT_TIMEOUT = 258;

test("callers at a completion port: a packet, a time limit, a cancellation, the end of the port", async () => {
  const { a, world } = await pair();
  const port = a.call("CreateIoCompletionPort", -1, 0, 0, 0) >>> 0;
  assert.notEqual(port, 0);
  const place = a.at + 4;
  const get = (caller: number, ms: number): number => (a.as(caller).call("GetQueuedCompletionStatus", port, place, place + 4, place + 8, ms) ? 0 : a.err);
  assert.equal(get(1, -1), E.LASTACK_WAIT);
  assert.equal(get(2, -1), E.LASTACK_WAIT);
  assert.equal(get(3, 50), E.LASTACK_WAIT);
  assert.equal(a.as(9).call("PostQueuedCompletionStatus", port, 7, 8, 0), 1);
  world.runFor(10);
  assert.equal(get(1, -1), 0);
  assert.deepEqual([a.word(4), a.word(8), a.word(12)], [7, 8, 0]);
  assert.equal(get(2, -1), E.LASTACK_WAIT);
  assert.equal(get(3, 50), E.LASTACK_WAIT);
  world.runFor(60);
  assert.equal(get(3, 50), WAIT_TIMEOUT);
  assert.equal(a.as(2).code("WSPCancelBlockingCall"), 0);
  assert.equal(get(2, -1), 10004);
  assert.equal(get(4, -1), E.LASTACK_WAIT);
  assert.equal(a.as(9).call("CloseHandle", port), 1);
  world.runFor(10);
  assert.ok(a.wakes.some(({ caller }) => caller === 4));
  assert.notEqual(get(4, -1), E.LASTACK_WAIT);
  assert.notEqual(a.err, 0);
});

test("WSPGetOverlappedResult says in Winsock's codes what stands in WSAOVERLAPPED (K.4)", async () => {
  const { a } = await pair();
  const s = a.socket();
  const record = a.at + 1024;
  const codes: readonly (readonly [number, number])[] = [
    [O.STATUS_SUCCESS, 0], [O.STATUS_PENDING, E.WSA_IO_INCOMPLETE], [O.STATUS_CANCELLED, E.WSA_OPERATION_ABORTED], [O.STATUS_BUFFER_OVERFLOW, E.WSAEMSGSIZE],
    [O.STATUS_NOT_SUPPORTED, E.WSAEOPNOTSUPP], [O.STATUS_NETWORK_UNREACHABLE, E.WSAENETUNREACH], [O.STATUS_LOCAL_DISCONNECT, E.WSAECONNABORTED],
    [O.STATUS_CONNECTION_ABORTED, E.WSAECONNABORTED], [O.STATUS_REMOTE_DISCONNECT, E.WSAECONNRESET], [O.STATUS_CONNECTION_RESET, E.WSAECONNRESET],
    [O.STATUS_INSUFFICIENT_RESOURCES, E.WSAENOBUFS], [O.STATUS_INVALID_CONNECTION, E.WSAENOTCONN], [O.STATUS_PIPE_DISCONNECTED, E.WSAESHUTDOWN],
    [O.STATUS_IO_TIMEOUT, E.WSAETIMEDOUT], [O.STATUS_CONNECTION_REFUSED, E.WSAECONNREFUSED], [O.STATUS_HOST_UNREACHABLE, E.WSAEHOSTUNREACH],
    [O.STATUS_GRACEFUL_DISCONNECT, E.WSAEDISCON], [O.STATUS_DEVICE_NOT_READY, E.WSAEWOULDBLOCK],
  ];
  for (const [status, code] of codes) {
    a.core.memory.ensure();
    a.core.memory.i32.set([status | 0, 3, 0, 0, 0], record >>> 2);
    const ok = a.call("WSPGetOverlappedResult", s, record, a.at + 4, 0, a.at + 8);
    assert.deepEqual([ok, a.err], [code === 0 ? 1 : 0, code], status.toString(16));
  }
});
