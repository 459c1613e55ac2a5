/** Runs one parsed script against a fresh core and says what came of it. */
import { LASTACK_WAIT } from "../../../host/abi/errors.gen.ts";
import { SOCKET_ERROR } from "../../../host/abi/winsock.gen.ts";
import { runAssertions } from "./assertion.ts";
import { type Event, type Script, ScriptError, type Syscall } from "./ast.ts";
import { finish } from "./cleanup.ts";
import { ScriptClock } from "./clock.ts";
import { parseCommands } from "./commands.ts";
import { countInState } from "./count.ts";
import { differingRow, isWrite } from "./differs.ts";
import { expectPacket, extraAck, note, type Span } from "./expect.ts";
import { injectPacket } from "./inject.ts";
import { printPacket } from "./notation.ts";
import { evaluate, needNumber } from "./posix.ts";
import { formatResult, type Outcome, type Verdict } from "./report.ts";
import { judgeResult } from "./result.ts";
import { lateSetting, prepareScript, type Setup } from "./setup.ts";
import { Differs, Failure, type Mode, RunState, Unsupported } from "./state.ts";
import { type Attempt, prepare } from "./syscalls.ts";
import { constant, tcpInfoValue } from "./tcpinfo.ts";
import { Winsock, type Result } from "./winsock.ts";
import { CoreTrouble, World, type WorldOptions } from "./world.ts";

export interface RunOptions {
  module: WebAssembly.Module;
  mode: Mode;
  /** Of the core's randomness. */
  seed?: number;
  /** Added to the ISNs a script injects, to move the peer's sequence space across the wrap. */
  remoteShift?: number;
  /** Start of the core's millisecond clock. */
  timeOrigin?: number;
  tamper?: WorldOptions["tamper"];
}

/** A blocking call under way. */
interface Pending {
  event: Event;
  call: Syscall;
  attempt: Attempt;
  endUs: number;
}

/** Caller ids: the thread of blocking calls, and the one of all others. */
const BLOCKING_CALLER = 1;
const CALLER = 0;

export function runScript(script: Script, options: RunOptions): Outcome {
  const run = new Run(script, options);
  return run.outcome();
}

class Run {
  readonly #script: Script;
  readonly #options: RunOptions;
  readonly #clock = new ScriptClock();
  #line = 0;
  #setup!: Setup;
  #state: RunState | undefined;
  #pending: Pending | null = null;
  #lastUs = 0;

  constructor(script: Script, options: RunOptions) {
    this.#script = script;
    this.#options = options;
  }

  outcome(): Outcome {
    try {
      this.#play();
      const rows = [...(this.#state?.differs ?? [])];
      return this.#result(rows.length ? "differs" : "pass", null);
    } catch (error) {
      return this.#failed(error);
    }
  }

  #failed(error: unknown): Outcome {
    if (error instanceof ScriptError) {
      this.#line = error.line;
      return this.#result("unsupported", error.construct);
    }
    if (error instanceof Unsupported) return this.#result("unsupported", error.feature);
    if (error instanceof Differs) {
      this.#state?.differs.add(error.row);
      return this.#result("differs", null);
    }
    if (error instanceof Failure) {
      const row = this.#wireRow();
      if (row) return this.#failed(new Differs(row));
      return { ...this.#result("fail", error.message), expected: error.expected, seen: error.seen };
    }
    if (error instanceof CoreTrouble || error instanceof Error) return this.#result("fail", error.message);
    throw error;
  }

  /** P-04 and P-14 show on the wire: a reset where POSIX goes on. */
  #wireRow(): string | null {
    const state = this.#state;
    const reset = state?.world.outbox[0];
    if (!state || reset?.layer.kind !== "tcp" || !reset.layer.flags.includes("R")) return null;
    const all = [...state.fds.values(), ...state.closed.values()];
    if (all.some((d) => d.recvShut && d.flow?.injectedTop !== null)) return "P-14";
    const lingered = [...state.closed.values()].some((d) => d.lingerOn && d.lingerSeconds > 0);
    return lingered ? "P-04" : null;
  }

  #result(verdict: Verdict, reason: string | null): Outcome {
    const state = this.#state;
    return {
      path: this.#script.path, verdict, line: verdict === "pass" ? null : this.#line || null, reason, expected: null, seen: [],
      rows: [...(state?.differs ?? [])].sort(), relaxations: Object.fromEntries(state?.relaxations ?? []),
      notes: [...new Set([...(this.#setup?.notes ?? []), ...(state?.notes ?? [])])],
    };
  }

  #play(): void {
    const { module, mode } = this.#options;
    this.#setup = prepareScript(this.#script, mode, (line) => (this.#line = line));
    const { addresses, prefix, gatewayIp, mtu, config } = this.#setup;
    const timed = this.#options.timeOrigin === undefined ? config : { ...config, timeOrigin: this.#options.timeOrigin };
    const world = new World({
      module, config: timed, seed: this.#options.seed ?? 1, localIp: addresses.localIp, prefix, gatewayIp, mtu, tamper: this.#options.tamper,
    });
    const winsock = new Winsock(world.core);
    const refused = winsock.startup();
    if (refused) throw new CoreTrouble(`WSPStartup answers ${refused}`);
    const state = new RunState(world, winsock, mode, addresses, this.#options.remoteShift ?? 0);
    this.#state = state;
    for (const name of this.#setup.relaxations) state.relax(name);
    world.onRest = () => this.#retryPending(state);
    for (const [index, event] of this.#script.events.entries()) this.#step(state, event, index);
    this.#finishPending(state);
    this.#leftOver(state);
    finish(state, mode === "strict");
  }

  #step(state: RunState, event: Event, index: number): void {
    this.#line = event.line;
    const span = this.#clock.span(event);
    const outbound = event.action.kind === "packet" && event.action.packet.direction === "out";
    if (!outbound) this.#moveTo(state, event, span);
    let happened = state.world.us;
    try {
      happened = this.#act(state, event, span, index) ?? state.world.us;
    } catch (error) {
      if (!(error instanceof Failure) || !this.#forgiven(event)) throw error;
      state.notes.add(`line ${event.line}: ${error.message} (non-fatal)`);
    }
    this.#clock.done(event, span, happened);
    this.#lastUs = state.world.us;
  }

  /** `--non_fatal=packet,syscall` turns those failures into notes. */
  #forgiven(event: Event): boolean {
    return this.#setup.nonFatal.has(event.action.kind === "packet" ? "packet" : event.action.kind);
  }

  /** Brings the clock to the event's time; what the core sent on the way must have been expected (silence is an assertion). */
  #moveTo(state: RunState, event: Event, span: Span): void {
    const before = state.world.us;
    state.world.advance(Math.max(span.from, before));
    this.#overdue(state);
    const inbound = event.action.kind === "packet";
    const strict = state.mode === "strict";
    const mustBeEmpty = strict && (inbound || span.from > before);
    const limit = mustBeEmpty ? Number.POSITIVE_INFINITY : span.from - this.#setup.toleranceUs;
    this.#silence(state, (us) => us < limit, "the script expects silence before this event");
  }

  #silence(state: RunState, concerned: (us: number) => boolean, why: string): void {
    const outbox = state.world.outbox;
    while (outbox[0] && concerned(outbox[0].us)) {
      const packet = outbox[0];
      if (!this.#mayPassOver() || !extraAck(state.currentFlow(), packet)) {
        throw new Failure(`unexpected packet: ${why}`, null, outbox.slice(0, 4).map((p) => printPacket(p, state.currentFlow())));
      }
      state.relax("extra pure ACK passed over");
      note(state.currentFlow(), packet);
      outbox.shift();
    }
  }

  /** Neutral mode, and a script that moves data: its author asserts the stream, not every acknowledgement. */
  #mayPassOver(): boolean {
    return this.#options.mode === "neutral" && movesData(this.#script);
  }

  #act(state: RunState, event: Event, span: Span, index: number): number | null {
    const action = event.action;
    switch (action.kind) {
      case "packet":
        if (action.packet.direction === "in") {
          injectPacket(state, action.packet, event.line);
          state.world.settle();
          return null;
        }
        return expectPacket(state, action.packet, {
          span, tolerance: this.#setup.toleranceUs, strictSegments: this.#setup.strictSegments, skipAcks: this.#mayPassOver(),
          mtu: this.#setup.mtu, source: event.source,
        });
      case "syscall":
        this.#call(state, event, action);
        return null;
      case "command":
        this.#command(state, action.text, index);
        return null;
      case "code":
        this.#code(state, event, action.text);
        return null;
    }
  }

  #call(state: RunState, event: Event, call: Syscall): void {
    const attempt = prepare(state, call, event.line);
    state.winsock.caller(call.end === null ? CALLER : BLOCKING_CALLER);
    const result = attempt();
    state.winsock.caller(CALLER);
    if (result.error !== LASTACK_WAIT) {
      this.#judge(state, event, call, result);
      state.world.settle();
      if (call.end !== null) this.#checkEnd(state, event, this.#clock.end(event, call.end));
      return;
    }
    if (call.end === null) throw new Failure("the call would block", event.source, [`${call.name} waits`]);
    if (this.#pending) throw new Failure("two blocking calls at once");
    this.#pending = { event, call, attempt, endUs: this.#clock.end(event, call.end) };
    state.world.alarm = this.#pending.endUs;
    state.world.settle();
  }

  /** Returns true when the core was called with success, so that it has to be polled again. */
  #retryPending(state: RunState): boolean {
    const pending = this.#pending;
    if (!pending) return false;
    state.winsock.caller(BLOCKING_CALLER);
    const result = pending.attempt();
    state.winsock.caller(CALLER);
    if (result.error === LASTACK_WAIT) return false;
    this.#pending = null;
    state.world.alarm = null;
    this.#line = pending.event.line;
    this.#judge(state, pending.event, pending.call, result);
    this.#checkEnd(state, pending.event, pending.endUs);
    return true;
  }

  #checkEnd(state: RunState, event: Event, endUs: number): void {
    if (Math.abs(state.world.us - endUs) <= this.#setup.toleranceUs) return;
    // P-26: an empty queue takes a send of any size at once, where POSIX blocks for room (V-25, O-37).
    if (state.world.us < endUs && event.action.kind === "syscall" && isWrite(event.action.name)) throw new Differs("P-26");
    throw new Failure(`the call returned at ${(state.world.us / 1e6).toFixed(6)} s, not at ${(endUs / 1e6).toFixed(6)} s`, event.source);
  }

  #overdue(state: RunState): void {
    const pending = this.#pending;
    if (!pending || state.world.us <= pending.endUs + this.#setup.toleranceUs) return;
    this.#line = pending.event.line;
    throw new Failure("the blocking call has not returned in time", pending.event.source);
  }

  #finishPending(state: RunState): void {
    const pending = this.#pending;
    if (!pending) return;
    state.world.advance(pending.endUs + this.#setup.toleranceUs, () => this.#pending === null);
    if (!this.#pending) return;
    this.#line = pending.event.line;
    throw new Failure("the blocking call has not returned in time", pending.event.source);
  }

  #judge(state: RunState, event: Event, call: Syscall, result: Result): void {
    const first = call.args[0];
    const fd = first?.kind === "int" ? first.value : null;
    const d = fd === null ? undefined : (state.fds.get(fd) ?? state.closed.get(fd));
    if (judgeResult(state, call, event.line, d, result)) return;
    const value = evaluate(call.result, event.line).number;
    const row = differingRow({ name: call.name, d, value, errno: call.errno, seen: result });
    if (!row) throw new Failure(`${call.name} returned something else`, event.source, [formatResult(result.value, result.value === SOCKET_ERROR ? result.error : 0)]);
    if (!row.goesOn) throw new Differs(row.row);
    state.differs.add(row.row);
  }

  #command(state: RunState, text: string, index: number): void {
    const rest = this.#script.events.slice(index + 1);
    const quiet = rest.every((e) => e.action.kind === "command" || (e.action.kind === "syscall" && e.action.name === "close"));
    for (const command of parseCommands(text)) {
      if (command.kind === "settings") for (const s of command.settings) lateSetting(this.#setup, s, quiet);
      if (command.kind === "drop") dropConnection(state);
      if (command.kind !== "count") continue;
      const seen = countInState(state, command.state);
      if (seen !== command.count) throw new Failure(`connections in ${command.state}`, String(command.count), [String(seen)]);
    }
  }

  #code(state: RunState, event: Event, text: string): void {
    const candidates = [...state.fds.values()].filter((d) => d.protocol === "tcp" && !d.listening);
    const d = candidates.find((c) => c.flow === state.current) ?? candidates[candidates.length - 1];
    const lookup = (name: string): number => {
      const fixed = constant(name);
      if (fixed !== undefined) return fixed;
      if (!name.startsWith("tcpi_")) throw new Unsupported(`code name ${name}`);
      if (!d) throw new Unsupported("code without a TCP socket");
      return tcpInfoValue(state, d, name);
    };
    const { failed, values } = runAssertions(text, lookup);
    if (failed) throw new Failure("assertion does not hold", failed, [[...values].map(([k, v]) => `${k} = ${v}`).join(", ")]);
    state.notes.add(`line ${event.line}: assertions hold`);
  }

  /** Strict: whatever the last event caused had to be expected. Neutral: packetdrill's scripts end where they end. */
  #leftOver(state: RunState): void {
    state.world.settle();
    const last = this.#options.mode === "strict" ? Number.POSITIVE_INFINITY : this.#lastUs;
    this.#silence(state, (us) => us < last, "no event is left to expect it");
  }
}

/** `tcpdrop`: the connection under test is gone without a trace of the caller's doing. */
function dropConnection(state: RunState): void {
  for (const d of [...state.fds.values()]) {
    if (d.flow === state.current && !d.listening && d.protocol === "tcp") state.winsock.setOption(d.handle, 0x4c53, 3, [1, 0, 0, 0]);
  }
  state.world.settle();
}

const TRANSFERS = new Set(["write", "send", "sendto", "sendmsg", "writev", "read", "recv", "recvfrom", "recvmsg", "readv"]);

function movesData(script: Script): boolean {
  return script.events.some((e) => {
    if (e.action.kind !== "syscall" || !TRANSFERS.has(e.action.name)) return false;
    const result = e.action.result;
    return result.kind === "int" && needNumber(result, "result", e.line) > 0;
  });
}
