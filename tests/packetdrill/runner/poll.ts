/** poll() over select and the socket's TCP state. */
import { LASTACK_WAIT, WSAENOTSOCK } from "../../../host/abi/errors.gen.ts";
import { SOCKET_ERROR, TCP_CLOSE_WAIT, TCP_CLOSED, TCP_ESTABLISHED, TCP_LAST_ACK, TCP_TIME_WAIT } from "../../../host/abi/winsock.gen.ts";
import type { Expr, Syscall } from "./ast.ts";
import { evaluate, needNumber } from "./posix.ts";
import { Differs, Failure, type RunState, Unsupported } from "./state.ts";
import type { Result } from "./winsock.ts";

interface Watched {
  fd: number;
  events: ReadonlySet<string>;
  /** null: `...`. */
  revents: ReadonlySet<string> | null;
}

function watchedOf(expr: Expr | undefined, line: number): Watched[] {
  if (expr?.kind !== "list") throw new Unsupported("poll without a list");
  return expr.items.map((item) => {
    if (item.kind !== "struct") throw new Unsupported("poll entry");
    const field = (name: string): Expr | undefined => item.fields.find((f) => f.name === name)?.value;
    const revents = field("revents");
    const named = (e: Expr | undefined): ReadonlySet<string> => (e ? evaluate(e, line).names : new Set());
    return { fd: needNumber(field("fd"), "fd", line), events: named(field("events")), revents: revents?.kind === "ellipsis" ? null : named(revents) };
  });
}

export function pollCall(state: RunState, call: Syscall, line: number): () => Result {
  const watched = watchedOf(call.args[0], line);
  const timeout = needNumber(call.args[2], "timeout", line);
  const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : state.world.us + timeout * 1000;
  return () => {
    const seen = watched.map((one) => returned(state, one));
    const count = seen.filter((set) => set.size > 0).length;
    if (count === 0 && state.world.us < deadline) return { value: SOCKET_ERROR, error: LASTACK_WAIT };
    watched.forEach((one, i) => compare(one, seen[i] as Set<string>));
    return { value: count, error: 0 };
  };
}

/** What POSIX would return in revents. */
function returned(state: RunState, one: Watched): Set<string> {
  const d = state.fds.get(one.fd);
  if (!d) return new Set(["POLLNVAL"]);
  const ready = state.winsock.ready(d.handle);
  if (ready.error === WSAENOTSOCK) return new Set(["POLLNVAL"]);
  const tcp = d.protocol === "tcp" && !d.listening ? state.winsock.state(d.handle) : -1;
  const connected = d.flow !== null;
  const ended = tcp >= TCP_CLOSE_WAIT && tcp <= TCP_TIME_WAIT;
  const gone = tcp === TCP_CLOSED && connected;
  const found = new Set<string>();
  const wants = (name: string, holds: boolean): void => {
    if (holds && one.events.has(name)) found.add(name);
  };
  wants("POLLIN", ready.read || ready.except);
  wants("POLLRDNORM", ready.read);
  wants("POLLOUT", ready.write || ready.except);
  wants("POLLWRNORM", ready.write);
  wants("POLLRDHUP", ended || gone);
  if (gone || ready.except) found.add("POLLERR");
  if (gone || (ended && tcp !== TCP_CLOSE_WAIT && d.sendShut) || tcp === TCP_LAST_ACK) found.add("POLLHUP");
  if (tcp === TCP_ESTABLISHED) found.delete("POLLHUP");
  return found;
}

function compare(one: Watched, seen: ReadonlySet<string>): void {
  if (one.revents === null) return;
  const text = (set: ReadonlySet<string>): string => [...set].sort().join("|") || "0";
  if (text(one.revents) === text(seen)) return;
  // P-31, P-32: when hang-up and error show is each system's own.
  const soft = (set: ReadonlySet<string>): string => text(new Set([...set].filter((n) => !["POLLHUP", "POLLERR", "POLLRDHUP"].includes(n))));
  if (soft(one.revents) === soft(seen)) throw new Differs(seen.has("POLLERR") || one.revents.has("POLLERR") ? "P-32" : "P-31");
  throw new Failure(`poll on descriptor ${one.fd} returns differently`, text(one.revents), [text(seen)]);
}
