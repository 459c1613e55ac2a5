/** Reading and writing: sizes from the script, bytes from the stream, and every byte received compared with what it must be. */
import { LASTACK_WAIT } from "../../../host/abi/errors.gen.ts";
import { MSG_OOB, MSG_PEEK, MSG_WAITALL, SOCKET_ERROR } from "../../../host/abi/winsock.gen.ts";
import type { Expr, Field, Syscall } from "./ast.ts";
import { evaluate, needNumber } from "./posix.ts";
import { type Descriptor, Failure, type RunState, Unsupported } from "./state.ts";
import { addressOf } from "./sockaddr.ts";
import type { Result } from "./winsock.ts";

interface Flags {
  bits: number;
  dontWait: boolean;
}

const PLAIN: Record<string, number> = { MSG_OOB, MSG_PEEK, MSG_WAITALL, MSG_NOSIGNAL: 0, MSG_DONTWAIT: 0 };

function flagsOf(expr: Expr | undefined, line: number): Flags {
  if (!expr) return { bits: 0, dontWait: false };
  const value = evaluate(expr, line);
  if (value.number !== null && value.number !== 0) throw new Unsupported(`message flags ${value.number}`);
  let bits = 0;
  for (const name of value.names) {
    const bit = PLAIN[name];
    if (bit === undefined) throw new Unsupported(`message flag ${name}`);
    bits |= bit;
  }
  return { bits, dontWait: value.names.has("MSG_DONTWAIT") };
}

/** One buffer: its size, and the text a script wrote for it. */
interface Piece {
  size: number;
  text: { bytes: Uint8Array; more: boolean } | null;
}

function textOf(expr: Expr | undefined): Piece["text"] {
  if (expr?.kind !== "string") return null;
  return { bytes: Uint8Array.from([...expr.text].map((c) => c.charCodeAt(0) & 255)), more: expr.more };
}

/** `[{..., 1000}, {iov_base=..., iov_len=20}]`. */
function vector(expr: Expr | undefined, line: number): Piece[] {
  if (expr?.kind !== "list") throw new Unsupported("I/O vector that is no list");
  return expr.items.map((item) => {
    if (item.kind !== "struct") throw new Unsupported("I/O vector member");
    const named = (name: string, index: number): Expr | undefined => (item.fields.find((f) => f.name === name) ?? item.fields[index])?.value;
    return { size: needNumber(named("iov_len", 1), "iov_len", line), text: textOf(named("iov_base", 0)) };
  });
}

function member(expr: Expr | undefined, name: string): Field | undefined {
  if (expr?.kind !== "struct") throw new Unsupported("message that is no {msg_name…}");
  return expr.fields.find((f) => f.name === name);
}

/** The call's buffers and flags, whichever of the read and write family it is. */
function operands(call: Syscall, line: number): { pieces: Piece[]; flags: Flags } {
  if (call.name === "readv" || call.name === "writev") return { pieces: vector(call.args[1], line), flags: { bits: 0, dontWait: false } };
  if (call.name.endsWith("msg")) {
    const control = member(call.args[1], "msg_control")?.value;
    if (control?.kind === "list" && control.items.length) throw new Unsupported("control messages");
    return { pieces: vector(member(call.args[1], "msg_iov")?.value, line), flags: flagsOf(call.args[2], line) };
  }
  const piece = { size: needNumber(call.args[2], "length", line), text: textOf(call.args[1]) };
  return { pieces: [piece], flags: flagsOf(call.args[3], line) };
}

/** With MSG_DONTWAIT the socket is non-blocking for this one call. */
function withoutWaiting(state: RunState, d: Descriptor, flags: Flags, run: () => Result): Result {
  if (!flags.dontWait || d.nonblocking) return run();
  state.winsock.nonblocking(d.handle, true);
  const result = run();
  state.winsock.nonblocking(d.handle, false);
  return result;
}

export function readCall(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const { pieces, flags } = operands(call, line);
  const wantsFrom = d.protocol === "udp" && (call.name === "recvfrom" || call.name === "recvmsg");
  return withoutWaiting(state, d, flags, () => {
    const received = state.winsock.recv(d.handle, pieces.map((p) => p.size), flags.bits, wantsFrom);
    if (received.value === SOCKET_ERROR) return noteFailure(d, received);
    checkReceived(d, received.bytes, pieces[0] ?? null, (flags.bits & MSG_OOB) !== 0);
    if (!(flags.bits & (MSG_PEEK | MSG_OOB)) && d.protocol === "tcp") d.received += received.value;
    return received;
  });
}

function checkReceived(d: Descriptor, bytes: Uint8Array, piece: Piece | null, urgent: boolean): void {
  if (piece?.text) {
    const want = piece.text.bytes;
    const same = want.every((b, i) => b === bytes[i]) && (piece.text.more || want.length === bytes.length);
    if (!same) throw new Failure("other bytes were read", String.fromCharCode(...want), [String.fromCharCode(...bytes)]);
    return;
  }
  if (!d.flow || urgent) return;
  const wrong = d.flow.inbound.differsAt(d.protocol === "tcp" ? d.received : 0, bytes);
  if (wrong >= 0) throw new Failure(`byte ${wrong} of the stream was read as another`);
}

export function writeCall(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const { pieces, flags } = operands(call, line);
  const total = pieces.reduce((sum, p) => sum + p.size, 0);
  if (total > state.winsock.dataSize) throw new Unsupported(`a write of ${total} bytes`);
  const start = d.protocol === "tcp" ? d.sent : 0;
  let at = start;
  const chunks = pieces.map((p) => {
    const bytes = p.text ? padded(p.text.bytes, p.size) : (d.flow?.outbound.bytes(at, p.size) ?? new Uint8Array(p.size));
    at += p.size;
    return bytes;
  });
  return withoutWaiting(state, d, flags, () => {
    const to = d.protocol === "udp" && call.name === "sendto" ? call.args[4] : undefined;
    const result = to
      ? sendTo(state, d, chunks, flags, to, line)
      : state.winsock.send(d.handle, chunks, flags.bits);
    if (result.value === SOCKET_ERROR) return noteFailure(d, result);
    remember(d, pieces, chunks, start);
    if (d.protocol === "tcp") d.sent += result.value;
    return result;
  });
}

function sendTo(state: RunState, d: Descriptor, chunks: Uint8Array[], flags: Flags, to: Expr, line: number): Result {
  const { address, port } = addressOf(to, { address: state.addresses.remoteIp, port: state.addresses.connectPort }, line);
  if (!d.flow) d.flow = state.openFlow(d.bindPort, port);
  d.flow.remotePort = port;
  return state.winsock.sendTo(d.handle, chunks, flags.bits, address, port);
}

/** Literal bytes are part of the stream from now on. */
function remember(d: Descriptor, pieces: Piece[], chunks: Uint8Array[], start: number): void {
  let at = start;
  pieces.forEach((p, i) => {
    const bytes = chunks[i] as Uint8Array;
    if (p.text) d.flow?.outbound.put(at, bytes);
    at += bytes.length;
  });
}

function padded(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  out.set(bytes.subarray(0, size));
  return out;
}

function noteFailure(d: Descriptor, result: Result): Result {
  if (result.error !== LASTACK_WAIT) d.failed ||= result.error;
  return result;
}

export function receiveMessage(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  return readCall(state, d, call, line);
}

export function sendMessage(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  return writeCall(state, d, call, line);
}
