/**
 * System calls onto the provider. `prepare` turns a call into an attempt that can be repeated: a blocking call that must wait
 * answers LASTACK_WAIT each time until it is done (seam.md, Calls that wait).
 */
import { WSAENOTSOCK } from "../../../host/abi/errors.gen.ts";
import { SOCKET_ERROR } from "../../../host/abi/winsock.gen.ts";
import type { Expr, Syscall } from "./ast.ts";
import { readCall, receiveMessage, sendMessage, writeCall } from "./io.ts";
import { pollCall } from "./poll.ts";
import { addressOf } from "./sockaddr.ts";
import { evaluate, hasFlag, needNumber } from "./posix.ts";
import { fcntl, getsockopt, ioctl, setsockopt } from "./sockopt.ts";
import { type Descriptor, Failure, type RunState, Unsupported } from "./state.ts";
import type { Result } from "./winsock.ts";

export type Attempt = () => Result;

type Handler = (state: RunState, call: Syscall, line: number) => Attempt;
type OnDescriptor = (state: RunState, d: Descriptor, call: Syscall, line: number) => Result;

const FAILED = (error: number): Result => ({ value: SOCKET_ERROR, error });

/** A call whose first argument is a descriptor. A call that waits keeps its socket, whatever becomes of the number meanwhile. */
function onDescriptor(run: OnDescriptor): Handler {
  return (state, call, line) => {
    const fd = needNumber(call.args[0], "descriptor", line);
    const d = state.fds.get(fd);
    return () => (d ? run(state, d, call, line) : FAILED(WSAENOTSOCK));
  };
}

const HANDLERS: Record<string, Handler> = {
  socket: (state, call, line) => () => socketCall(state, call, line),
  bind: onDescriptor(bindCall),
  connect: onDescriptor(connectCall),
  listen: onDescriptor(listenCall),
  accept: onDescriptor(acceptCall),
  accept4: onDescriptor(acceptCall),
  read: onDescriptor(readCall),
  recv: onDescriptor(readCall),
  recvfrom: onDescriptor(readCall),
  readv: onDescriptor(readCall),
  recvmsg: onDescriptor(receiveMessage),
  write: onDescriptor(writeCall),
  send: onDescriptor(writeCall),
  sendto: onDescriptor(writeCall),
  writev: onDescriptor(writeCall),
  sendmsg: onDescriptor(sendMessage),
  shutdown: onDescriptor(shutdownCall),
  close: onDescriptor(closeCall),
  poll: (state, call, line) => pollCall(state, call, line),
  fcntl: onDescriptor(fcntl),
  ioctl: onDescriptor(ioctl),
  getsockopt: onDescriptor(getsockopt),
  setsockopt: onDescriptor(setsockopt),
  // Not of POSIX: the product's own calls, for the corpus.
  abort: onDescriptor((state, d) => state.winsock.abort(d.handle)),
  send_disconnect: onDescriptor((state, d) => marked(state.winsock.call("WSPSendDisconnect", d.handle, 0), () => (d.sendShut = true))),
  recv_disconnect: onDescriptor((state, d) => marked(state.winsock.call("WSPRecvDisconnect", d.handle, 0), () => (d.recvShut = true))),
  close_report: (state, call, line) => () => reportCall(state, call, line),
};

export function knownCall(name: string): boolean {
  return Object.hasOwn(HANDLERS, name);
}

export function prepare(state: RunState, call: Syscall, line: number): Attempt {
  const handler = Object.hasOwn(HANDLERS, call.name) ? HANDLERS[call.name] : undefined;
  if (!handler) throw new Unsupported(`call ${call.name}`);
  return handler(state, call, line);
}

function marked(result: Result, then: () => void): Result {
  if (result.value !== SOCKET_ERROR) then();
  return result;
}

/** The number the script gives a new descriptor; `...` takes the lowest free one. */
function newNumber(state: RunState, call: Syscall, line: number): number {
  const wanted = evaluate(call.result, line).number;
  if (wanted !== null && wanted >= 0) return wanted;
  let fd = 3;
  while (state.fds.has(fd)) fd++;
  return fd;
}

function register(state: RunState, fd: number, handle: number, protocol: "tcp" | "udp"): Descriptor {
  if (state.fds.has(fd)) throw new Failure(`the script opens descriptor ${fd} twice`);
  const d: Descriptor = {
    fd, handle, protocol, flow: null, bindPort: null, nonblocking: false, listening: false, sendShut: false, recvShut: false,
    lingerOn: false, lingerSeconds: 0, receiveTimeout: false, sent: 0, received: 0, failed: 0,
  };
  state.fds.set(fd, d);
  return d;
}

const TYPES: Record<string, [number, number, "tcp" | "udp"]> = { SOCK_STREAM: [1, 6, "tcp"], SOCK_DGRAM: [2, 17, "udp"] };

function socketCall(state: RunState, call: Syscall, line: number): Result {
  const type = evaluate(call.args[1] as Expr, line);
  const name = Object.keys(TYPES).find((t) => type.names.has(t));
  const protocol = evaluate(call.args[2] as Expr, line);
  if (!name) throw new Unsupported(`socket type ${[...type.names].join("|")}`);
  const [number, own, label] = TYPES[name] as [number, number, "tcp" | "udp"];
  const given = [...protocol.names][0];
  if (given && given !== "IPPROTO_TCP" && given !== "IPPROTO_UDP") throw new Unsupported(`protocol ${given}`);
  const result = state.winsock.socket(number, given === "IPPROTO_TCP" ? 6 : given === "IPPROTO_UDP" ? 17 : own);
  if (result.value === SOCKET_ERROR) return result;
  const fd = newNumber(state, call, line);
  const d = register(state, fd, result.value, label);
  if (type.names.has("SOCK_NONBLOCK")) {
    state.winsock.nonblocking(d.handle, true);
    d.nonblocking = true;
  }
  return { value: fd, error: 0 };
}

function bindCall(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const { address, port } = addressOf(call.args[1], { address: state.addresses.localIp, port: state.addresses.bindPort }, line);
  return marked(state.winsock.bind(d.handle, address, port), () => {
    d.bindPort = port;
    if (d.protocol === "udp") d.flow = state.openFlow(port, state.addresses.connectPort);
  });
}

function connectCall(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const { address, port } = addressOf(call.args[1], { address: state.addresses.remoteIp, port: state.addresses.connectPort }, line);
  if (!d.flow || d.protocol === "udp") d.flow = state.openFlow(d.bindPort, port);
  return state.winsock.connect(d.handle, address, port);
}

function listenCall(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const result = state.winsock.listen(d.handle, needNumber(call.args[1], "backlog", line));
  if (result.value === SOCKET_ERROR) return result;
  // A second listen() only changes the backlog.
  if (!d.listening) d.flow = state.openFlow(d.bindPort ?? state.addresses.bindPort, null);
  d.listening = true;
  return result;
}

function acceptCall(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const result = state.winsock.accept(d.handle);
  if (result.value === SOCKET_ERROR) return result;
  const fd = newNumber(state, call, line);
  const child = register(state, fd, result.value, "tcp");
  child.flow = [...state.flows].reverse().find((f) => f.remotePort === result.from?.port) ?? state.currentFlow();
  child.lingerOn = d.lingerOn;
  child.lingerSeconds = d.lingerSeconds;
  // Whether accept passes non-blocking mode on differs between systems: POSIX descriptors start blocking.
  const nonblocking = call.name === "accept4" && hasFlag(evaluate(call.args[3] as Expr, line), "SOCK_NONBLOCK", 0x800);
  state.winsock.nonblocking(child.handle, nonblocking);
  child.nonblocking = nonblocking;
  return { value: fd, error: 0 };
}

const HOW: Record<string, number> = { SHUT_RD: 0, SHUT_WR: 1, SHUT_RDWR: 2, SD_RECEIVE: 0, SD_SEND: 1, SD_BOTH: 2 };

function shutdownCall(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const value = evaluate(call.args[1] as Expr, line);
  const how = value.number ?? HOW[[...value.names][0] ?? ""];
  if (how === undefined) throw new Unsupported(`shutdown ${[...value.names].join("|")}`);
  return marked(state.winsock.shutdown(d.handle, how), () => {
    d.recvShut ||= how !== 1;
    d.sendShut ||= how !== 0;
  });
}

function closeCall(state: RunState, d: Descriptor): Result {
  const result = state.winsock.close(d.handle);
  if (result.value === SOCKET_ERROR) return result;
  state.fds.delete(d.fd);
  state.closed.set(d.fd, d);
  return result;
}

/** `close_report(4, GRACEFUL)`, `close_report(4, ABORTED, LINGER0)`; `= -1` while none was made. */
function reportCall(state: RunState, call: Syscall, line: number): Result {
  const fd = needNumber(call.args[0], "descriptor", line);
  const closed = state.closed.get(fd);
  if (!closed) throw new Failure(`descriptor ${fd} was never closed`);
  state.world.settle();
  const report = state.world.reports.get(closed.handle >>> 0);
  if (!report) return FAILED(0);
  const words = call.args.slice(1).filter((a) => a.kind === "word").map((a) => (a.kind === "word" ? a.name : ""));
  const camel = (text: string): string => text.toLowerCase().replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
  const [outcome, cause] = words.map(camel);
  const seen = report.cause === "none" ? report.outcome : `${report.outcome}, ${report.cause}`;
  if ((outcome && outcome !== report.outcome) || (cause && cause !== report.cause)) {
    throw new Failure("the close report says otherwise", words.map(camel).join(", "), [seen]);
  }
  return { value: 0, error: 0 };
}
