/** getsockopt, setsockopt, fcntl and ioctl: POSIX names onto the core's options. */
import * as w from "../../../host/abi/winsock.gen.ts";
import { WSAENOPROTOOPT } from "../../../host/abi/errors.gen.ts";
import { LSO_CORK, LSO_USER_TIMEOUT_OPTION, LSO_USER_TIMEOUT_PEER } from "../../../host/abi/sockets.gen.ts";
import type { Expr, Syscall } from "./ast.ts";
import { errnoName, errnoNames, evaluate, hasFlag, needNumber } from "./posix.ts";
import { type Descriptor, Differs, Failure, type RunState, Unsupported } from "./state.ts";
import type { Result } from "./winsock.ts";

interface Option {
  level: number;
  name: number;
  form: "bool" | "int" | "milliseconds" | "linger" | "error";
}

const OPTIONS: Record<string, Option> = {
  SO_REUSEADDR: { level: w.SOL_SOCKET, name: w.SO_REUSEADDR, form: "bool" },
  SO_KEEPALIVE: { level: w.SOL_SOCKET, name: w.SO_KEEPALIVE, form: "bool" },
  SO_BROADCAST: { level: w.SOL_SOCKET, name: w.SO_BROADCAST, form: "bool" },
  SO_OOBINLINE: { level: w.SOL_SOCKET, name: w.SO_OOBINLINE, form: "bool" },
  SO_ACCEPTCONN: { level: w.SOL_SOCKET, name: w.SO_ACCEPTCONN, form: "bool" },
  SO_RCVBUF: { level: w.SOL_SOCKET, name: w.SO_RCVBUF, form: "int" },
  SO_SNDBUF: { level: w.SOL_SOCKET, name: w.SO_SNDBUF, form: "int" },
  SO_TYPE: { level: w.SOL_SOCKET, name: w.SO_TYPE, form: "int" },
  SO_LINGER: { level: w.SOL_SOCKET, name: w.SO_LINGER, form: "linger" },
  SO_ERROR: { level: w.SOL_SOCKET, name: w.SO_ERROR, form: "error" },
  SO_RCVTIMEO: { level: w.SOL_SOCKET, name: w.SO_RCVTIMEO, form: "milliseconds" },
  SO_SNDTIMEO: { level: w.SOL_SOCKET, name: w.SO_SNDTIMEO, form: "milliseconds" },
  TCP_NODELAY: { level: w.IPPROTO_TCP, name: w.TCP_NODELAY, form: "bool" },
  TCP_CORK: { level: w.SOL_LASTACK, name: LSO_CORK, form: "bool" },
  // Seconds on both sides.
  TCP_KEEPIDLE: { level: w.IPPROTO_TCP, name: w.TCP_KEEPALIVE, form: "int" },
  TCP_KEEPALIVE: { level: w.IPPROTO_TCP, name: w.TCP_KEEPALIVE, form: "int" },
  TCP_KEEPINTVL: { level: w.IPPROTO_TCP, name: w.TCP_KEEPINTVL, form: "int" },
  TCP_KEEPCNT: { level: w.IPPROTO_TCP, name: w.TCP_KEEPCNT, form: "int" },
  // Milliseconds on both sides.
  TCP_USER_TIMEOUT: { level: w.IPPROTO_TCP, name: w.TCP_MAXRTMS, form: "int" },
  // Ours: 1 the option is used, 2 what the peer tells counts (RFC 5482); and what it told, ms.
  LSO_USER_TIMEOUT_OPTION: { level: w.SOL_LASTACK, name: LSO_USER_TIMEOUT_OPTION, form: "int" },
  LSO_USER_TIMEOUT_PEER: { level: w.SOL_LASTACK, name: LSO_USER_TIMEOUT_PEER, form: "int" },
  IP_TOS: { level: w.IPPROTO_IP, name: w.IP_TOS, form: "int" },
  IP_TTL: { level: w.IPPROTO_IP, name: w.IP_TTL, form: "int" },
};

const LEVELS = new Set(["SOL_SOCKET", "SOL_TCP", "IPPROTO_TCP", "SOL_IP", "IPPROTO_IP", "SOL_IPV6", "IPPROTO_IPV6", "SOL_UDP", "IPPROTO_UDP", "SOL_LASTACK"]);

function optionOf(call: Syscall, line: number): { label: string; option: Option } {
  const level = [...evaluate(call.args[1] as Expr, line).names][0] ?? "a number";
  const label = [...evaluate(call.args[2] as Expr, line).names][0] ?? "a number";
  if (!LEVELS.has(level)) throw new Unsupported(`option level ${level}`);
  const option = OPTIONS[label];
  if (!option) throw new Unsupported(`option ${label}`);
  return { label, option };
}

const bytes32 = (n: number): number[] => [n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >>> 24) & 255];

export function setsockopt(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const { label, option } = optionOf(call, line);
  const value = call.args[3] as Expr;
  if (option.form === "linger") return setLinger(state, d, value, line);
  const number = option.form === "milliseconds" ? milliseconds(value, line) : scalar(value, label, line);
  const result = state.winsock.setOption(d.handle, option.level, option.name, bytes32(number));
  if (result.error === WSAENOPROTOOPT) throw new Unsupported(`option ${label}`);
  if (label === "SO_RCVTIMEO" && result.value === 0) d.receiveTimeout = number > 0;
  return result;
}

function scalar(value: Expr, label: string, line: number): number {
  const inner = value.kind === "list" ? value.items[0] : value;
  if (!inner) throw new Unsupported(`option ${label} without a value`);
  return needNumber(inner, `value of ${label}`, line);
}

function setLinger(state: RunState, d: Descriptor, value: Expr, line: number): Result {
  const { on, seconds } = lingerOf(value, line);
  // P-01: two u16 here, two ints there.
  const result = state.winsock.setOption(d.handle, w.SOL_SOCKET, w.SO_LINGER, [on & 255, on >> 8, seconds & 255, seconds >> 8]);
  if (result.value === 0) {
    d.lingerOn = on !== 0;
    d.lingerSeconds = seconds;
  }
  return result;
}

function lingerOf(value: Expr, line: number): { on: number; seconds: number } {
  const inner = value.kind === "list" ? value.items[0] : value;
  if (inner?.kind !== "struct") throw new Unsupported("SO_LINGER without {onoff=…, linger=…}");
  const field = (...names: string[]): number => {
    const found = inner.fields.find((f) => f.name !== null && names.includes(f.name));
    return needNumber(found?.value, names[0] ?? "", line);
  };
  return { on: field("onoff", "l_onoff"), seconds: field("linger", "l_linger") };
}

/** `{tv_sec=1, tv_usec=0}`, `{1, 0}` or a number of milliseconds. */
function milliseconds(value: Expr, line: number): number {
  const inner = value.kind === "list" ? value.items[0] : value;
  if (inner?.kind !== "struct") return scalar(value, "a timeout", line);
  const [sec, usec] = inner.fields.map((f) => needNumber(f.value, "timeval", line));
  return (sec ?? 0) * 1000 + Math.floor((usec ?? 0) / 1000);
}

export function getsockopt(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const { label, option } = optionOf(call, line);
  const want = call.args[3] as Expr;
  const result = state.winsock.getOption(d.handle, option.level, option.name, 4);
  if (result.error === WSAENOPROTOOPT && d.protocol === "tcp") throw new Unsupported(`option ${label}`);
  if (result.value !== 0) return result;
  const number = (result.record[0] as number) | ((result.record[1] ?? 0) << 8) | ((result.record[2] ?? 0) << 16) | ((result.record[3] ?? 0) << 24);
  if (option.form === "linger") compareLinger(want, number, line);
  else if (option.form === "error") compareError(state, d, want, number, line);
  else compareNumber(state, d, label, option, want, number, line);
  return result;
}

function compareLinger(want: Expr, number: number, line: number): void {
  if (want.kind === "ellipsis") return;
  const expected = lingerOf(want, line);
  const on = number & 0xffff;
  const seconds = number >>> 16;
  // L-05: while off, the seconds are not specified.
  if ((expected.on !== 0) === (on !== 0) && (on === 0 || expected.seconds === seconds)) return;
  throw new Failure("SO_LINGER reads differently", `{onoff=${expected.on}, linger=${expected.seconds}}`, [`{onoff=${on}, linger=${seconds}}`]);
}

function compareNumber(state: RunState, d: Descriptor, label: string, option: Option, want: Expr, number: number, line: number): void {
  if (want.kind === "ellipsis") return;
  const expected = option.form === "milliseconds" ? milliseconds(want, line) : scalar(want, label, line);
  const same = option.form === "bool" ? (expected !== 0) === (number !== 0) : expected === number;
  if (label === "SO_RCVBUF" && d.flow) d.flow.authorBuffer = expected;
  if (same) return;
  if (state.mode === "neutral" && (label === "SO_RCVBUF" || label === "SO_SNDBUF")) {
    state.relax("buffer size not compared");
    return;
  }
  throw new Failure(`${label} reads differently`, String(expected), [String(number)]);
}

/** SO_ERROR: 0 after a reset and never cleared by reading here (R-15, V-12), the pending error once on POSIX (P-22). */
function compareError(state: RunState, d: Descriptor, want: Expr, number: number, line: number): void {
  const value = want.kind === "list" ? want.items[0] : want;
  if (!value || value.kind === "ellipsis") return;
  const expected = evaluate(value, line);
  const name = [...expected.names][0];
  const matches = name ? number !== 0 && errnoNames(number).includes(name) : expected.number === number;
  if (matches) return;
  const seen = number === 0 ? "0" : errnoName(number);
  const reset = d.flow?.rstInjected || d.failed !== 0 || state.winsock.state(d.handle) <= 0;
  // The same event, told elsewhere: the connection must really be gone.
  if (name && number === 0 && reset) {
    state.differs.add("P-22");
    return;
  }
  if (!name && expected.number === 0 && number !== 0) throw new Differs("P-22");
  throw new Failure("SO_ERROR reads differently", name ?? String(expected.number), [seen]);
}

export function fcntl(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const command = [...evaluate(call.args[1] as Expr, line).names][0];
  if (command === "F_GETFL") return { value: getFlags(d, call.result, line), error: 0 };
  if (command !== "F_SETFL") throw new Unsupported(`fcntl ${command ?? "number"}`);
  const on = hasFlag(evaluate(call.args[2] as Expr, line), "O_NONBLOCK", 0x800, 0x4);
  const result = state.winsock.nonblocking(d.handle, on);
  if (result.value === 0) d.nonblocking = on;
  return result;
}

/** O_RDWR and, in the numbering the script uses, O_NONBLOCK. */
function getFlags(d: Descriptor, want: Expr, line: number): number {
  const linux = (evaluate(want, line).number ?? 0) & 0x800;
  return 2 | (d.nonblocking ? (linux ? 0x800 : 4) : 0);
}

export function ioctl(state: RunState, d: Descriptor, call: Syscall, line: number): Result {
  const command = [...evaluate(call.args[1] as Expr, line).names][0];
  const want = call.args[2];
  if (command === "FIONBIO") {
    const on = needNumber(want, "FIONBIO", line) !== 0;
    d.nonblocking = on;
    return state.winsock.nonblocking(d.handle, on);
  }
  const result = command === "SIOCINQ" || command === "FIONREAD" ? state.winsock.ioctlWord(d.handle, w.FIONREAD) : outstanding(state, d, command);
  if (result.value !== 0 || !want || want.kind === "ellipsis") return result;
  const expected = needNumber(want, command ?? "ioctl", line);
  if (expected !== result.word) throw new Failure(`${command} answers differently`, String(expected), [String(result.word)]);
  return result;
}

function outstanding(state: RunState, d: Descriptor, command: string | undefined): Result & { word: number } {
  if (command !== "SIOCOUTQ" && command !== "TIOCOUTQ" && command !== "FIONWRITE") throw new Unsupported(`ioctl ${command ?? "number"}`);
  const result = state.winsock.getOption(d.handle, w.SOL_LASTACK, w.LSO_OUTSTANDING, 4);
  if (result.error === WSAENOPROTOOPT) throw new Unsupported(`ioctl ${command}`);
  const [a = 0, b = 0, c = 0, e = 0] = result.record;
  return { ...result, word: (a | (b << 8) | (c << 16) | (e << 24)) >>> 0 };
}
