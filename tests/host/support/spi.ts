/**
 * The provider's entries by name, as a C program would call them: structures are written into the host area, results come back
 * as numbers. Simple calls return the error code, 0 for success. Time is virtual and stands still unless a test runs the world.
 */
import assert from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";
import { LASTACK_WAIT } from "../../../host/abi/errors.gen.ts";
import { EVENT_MESSAGE, EVENT_ROUTINE, EVENT_SIGNALED, EVENT_TROUBLE, EVENT_WAKE } from "../../../host/abi/events.gen.ts";
import * as W from "../../../host/abi/winsock.gen.ts";
import { type CloseReportRecord, Core, type CoreConfig, compileCore, readSockaddr, writeSockaddr } from "../../../host/core/index.ts";
import type { FrameDevice } from "../../../host/device/index.ts";
import type { Driver, DriverListener, World } from "../../../host/driver/index.ts";
import { FdTable, type WasiPart, wasiImports } from "../../../host/wasi/index.ts";

type Entry = (...args: number[]) => number | undefined;

const modules = new Map<string, Promise<WebAssembly.Module>>();

/**
 * A build of the core, compiled once per process. Default: the debug build, whose assertions trap. The environment variable
 * LASTACK_CORE names a file that takes the place of the full builds (tests/mutants).
 */
export function coreModule(build = "debug"): Promise<WebAssembly.Module> {
  const other = build === "tiny" ? undefined : process.env["LASTACK_CORE"];
  const name = other ?? fileURLToPath(new URL(`../../../build/lastack.${build === "" ? "" : `${build}.`}wasm`, import.meta.url));
  const known = modules.get(name) ?? compileCore(pathToFileURL(name));
  modules.set(name, known);
  return known;
}

/** Offsets of the arguments in the harness's piece of the host area. */
const AT = { errno: 0, length: 4, count: 8, flags: 12, buffers: 16, value: 32, address: 64, table: 96, events: 224, big: 768 } as const;
/** Bytes one send or receive of the harness can carry. */
export const ROOM = 32768;
/** The same for a core whose whole host area is 256 bytes (tiny): little at a time. */
const CRAMPED: Layout = { errno: 0, length: 4, count: 8, flags: 12, buffers: 16, value: 24, address: 32, table: 48, events: 48, big: 96 };
type Layout = Readonly<Record<keyof typeof AT, number>>;

/** A core that is made and driven elsewhere. */
export type Attach = (listener: DriverListener) => { core: Core; driver: Driver };

export interface Wake {
  readonly handle: number;
  readonly caller: number;
  readonly operation: number;
}

/** A window message of WSPAsyncSelect. */
export interface WindowMessage {
  readonly hWnd: number;
  readonly message: number;
  readonly socket: number;
  /** FD_ bit. */
  readonly event: number;
  readonly error: number;
}

/** A completion routine that is due. */
export interface Routine {
  readonly routine: number;
  readonly overlapped: number;
  readonly error: number;
  readonly bytes: number;
}

export class Spi {
  readonly core: Core;
  readonly driver: Driver;
  readonly world: World;
  readonly at: number;
  /** Bytes one send or receive can carry. */
  readonly room: number;
  readonly #lay: Layout;
  /** Error code of the last call, 0 after success. */
  err = 0;
  /** Soft errors told (LSO_ERROR_REPORTS). */
  readonly troubles: { readonly handle: number; readonly error: number; readonly timeouts: number }[] = [];
  readonly wakes: Wake[] = [];
  /** Handles of event objects that became set, in order. */
  readonly signaled: number[] = [];
  readonly messages: WindowMessage[] = [];
  readonly routines: Routine[] = [];
  readonly reports: CloseReportRecord[] = [];

  /**
   * @param from The build to make a core of, or where to find one that is there; `device` to `sockets` concern a new one.
   * @param sockets Makes the sock_* imports, where the core is to have host sockets.
   */
  constructor(
    from: WebAssembly.Module | Attach, world: World, device: FrameDevice | undefined, address: string, config: CoreConfig = {},
    sockets?: (fds: FdTable) => WasiPart,
  ) {
    this.world = world;
    const made = typeof from === "function" ? from(this.#listener()) : this.#make(from, device, address, config, sockets);
    this.core = made.core;
    this.driver = made.driver;
    const before = this.core.area.free;
    const room = before > AT.big + ROOM + 8 ? AT.big + ROOM : before > 4 * AT.big ? before >> 1 : before - 8;
    this.at = this.core.area.take(room);
    this.#lay = room < AT.big ? CRAMPED : AT;
    this.room = Math.min(ROOM, room - this.#lay.big);
  }

  #make(module: WebAssembly.Module, device: FrameDevice | undefined, address: string, config: CoreConfig, sockets?: (fds: FdTable) => WasiPart): ReturnType<Attach> {
    const fds = new FdTable();
    const parts = { clock: this.world.clock, random: this.world.random, fds, ...(sockets && { sockets: sockets(fds) }) };
    const core = new Core(module, wasiImports(parts), { maxSockets: 64, ...config });
    if (device) {
      const iface = core.addDevice(fds.add(device), device);
      core.addAddress(iface, address);
    }
    return { core, driver: this.world.attach(core, fds, this.#listener()) };
  }

  #listener(): DriverListener {
    return {
      event: (kind, handle, a, b) => {
        if (kind === EVENT_WAKE) this.wakes.push({ handle, caller: a, operation: b });
        else if (kind === EVENT_SIGNALED) this.signaled.push(handle);
        else if (kind === EVENT_TROUBLE) this.troubles.push({ handle, error: a, timeouts: b });
        else if ((kind & 0xffff) === EVENT_MESSAGE) this.messages.push({ hWnd: handle, message: kind >>> 16, socket: a, event: b & 0xffff, error: b >>> 16 });
        else if ((kind & 0xffff) === EVENT_ROUTINE) this.routines.push({ routine: handle, overlapped: a, error: kind >>> 16, bytes: b });
      },
      report: (report) => void this.reports.push(report),
      fatal: (error) => {
        throw error;
      },
    };
  }

  /** Calls an export as it is; the driver will poll afterwards. */
  raw(name: string, ...args: number[]): number {
    const entry = (this.core.exports as unknown as Record<string, Entry | undefined>)[name];
    assert.ok(entry, `the core exports no ${name}`);
    const result = entry(...args);
    this.core.memory.ensure();
    this.driver.kick();
    return result ?? 0;
  }

  /** Calls an export that takes lpErrno last; the code is in `err`. */
  call(name: string, ...args: number[]): number {
    this.setWord(this.#lay.errno, 0);
    const result = this.raw(name, ...args, this.at + this.#lay.errno);
    this.err = this.word(this.#lay.errno);
    return result;
  }

  /** Like call; returns the code and checks that it agrees with the result. */
  code(name: string, ...args: number[]): number {
    const result = this.call(name, ...args);
    assert.equal(result === -1, this.err !== 0, `${name} returned ${result} with code ${this.err}`);
    return this.err;
  }

  word(offset: number): number {
    return this.core.memory.word(this.at + offset);
  }
  setWord(offset: number, value: number): void {
    this.core.memory.ensure();
    this.core.memory.i32[(this.at + offset) >>> 2] = value;
  }
  bytes(offset: number, length: number): Uint8Array {
    this.core.memory.ensure();
    return this.core.memory.u8.slice(this.at + offset, this.at + offset + length);
  }
  put(offset: number, bytes: Uint8Array): void {
    this.core.memory.ensure();
    this.core.memory.u8.set(bytes, this.at + offset);
  }

  /** On whose behalf the following calls are made. */
  as(caller: number): this {
    this.raw("caller", caller);
    return this;
  }

  startup(version = 0x0202): number {
    // The tiny build's area has no room for the two records and needs none.
    const roomy = this.#lay === AT;
    return this.raw("WSPStartup", version, roomy ? this.at + AT.big : 0, 0, 0, roomy ? this.at + AT.table : 0);
  }
  cleanup(): number {
    return this.code("WSPCleanup");
  }

  socket(type: "tcp" | "udp" | "messages" = "tcp"): number {
    const kinds = { tcp: [W.SOCK_STREAM, W.IPPROTO_TCP], udp: [W.SOCK_DGRAM, W.IPPROTO_UDP], messages: [W.SOCK_SEQPACKET, W.IPPROTO_TCP] } as const;
    const [kind, protocol] = kinds[type];
    return this.call("WSPSocket", W.AF_INET, kind, protocol, 0, 0, 1) >>> 0;
  }
  /** A socket bound to the wildcard and listening. */
  listener(port: number, backlog = 16, type: "tcp" | "messages" = "tcp"): number {
    const s = this.socket(type);
    assert.equal(this.bind(s, "0.0.0.0", port), 0);
    assert.equal(this.listen(s, backlog), 0);
    return s;
  }
  #name(address: string, port: number): [number, number] {
    this.core.memory.ensure();
    return [this.at + this.#lay.address, writeSockaddr(this.core.memory.data, this.at + this.#lay.address, address, port)];
  }
  bind(s: number, address: string, port: number): number {
    return this.code("WSPBind", s, ...this.#name(address, port));
  }
  listen(s: number, backlog = 16): number {
    return this.code("WSPListen", s, backlog);
  }
  /** Handle, or 0xffffffff with `err`. */
  accept(s: number, condition = 0): number {
    return this.call("WSPAccept", s, 0, 0, condition, 0) >>> 0;
  }
  connect(s: number, address: string, port: number): number {
    return this.code("WSPConnect", s, ...this.#name(address, port), 0, 0, 0, 0);
  }
  shutdown(s: number, how: number): number {
    return this.code("WSPShutdown", s, how);
  }
  close(s: number): number {
    return this.code("WSPCloseSocket", s);
  }
  abort(s: number): number {
    return this.code("abortSocket", s);
  }

  #buffer(length: number): void {
    this.setWord(this.#lay.buffers, length);
    this.setWord(this.#lay.buffers + 4, this.at + this.#lay.big);
  }
  /** Bytes sent, -1 with `err`. */
  send(s: number, data: Uint8Array | string | number, flags = 0): number {
    const bytes = payload(data);
    this.put(this.#lay.big, bytes);
    this.#buffer(bytes.length);
    return this.code("WSPSend", s, this.at + this.#lay.buffers, 1, this.at + this.#lay.count, flags, 0, 0, 0) ? -1 : this.word(this.#lay.count);
  }
  /** Bytes received, or undefined with `err`. An empty array is the end of the stream. */
  recv(s: number, max = this.room, flags = 0): Uint8Array | undefined {
    this.#buffer(max);
    this.setWord(this.#lay.flags, flags);
    const error = this.code("WSPRecv", s, this.at + this.#lay.buffers, 1, this.at + this.#lay.count, this.at + this.#lay.flags, 0, 0, 0);
    return error ? undefined : this.bytes(this.#lay.big, this.word(this.#lay.count));
  }
  /** Flags that the last receive gave back (MSG_PARTIAL). */
  get flagsBack(): number {
    return this.word(this.#lay.flags);
  }
  /** Error code of a receive that must fail. */
  recvError(s: number, max = 16, flags = 0): number {
    assert.equal(this.recv(s, max, flags), undefined, "a receive succeeded that should not");
    return this.err;
  }
  /** Error code of a send that must fail. */
  sendError(s: number, data: Uint8Array | string | number = "x"): number {
    assert.equal(this.send(s, data), -1, "a send succeeded that should not");
    return this.err;
  }
  /** Received text. */
  text(s: number, max = this.room): string {
    const got = this.recv(s, max);
    assert.ok(got, `receive failed with ${this.err}`);
    return new TextDecoder().decode(got);
  }
  sendTo(s: number, data: Uint8Array | string | number, address: string, port: number): number {
    const bytes = payload(data);
    this.put(this.#lay.big, bytes);
    this.#buffer(bytes.length);
    return this.code("WSPSendTo", s, this.at + this.#lay.buffers, 1, this.at + this.#lay.count, 0, ...this.#name(address, port), 0, 0, 0);
  }
  recvFrom(s: number, max = this.room, flags = 0): { data: Uint8Array; address: string; port: number } | undefined {
    this.#buffer(max);
    this.setWord(this.#lay.flags, flags);
    this.setWord(this.#lay.length, 16);
    const error = this.code(
      "WSPRecvFrom", s, this.at + this.#lay.buffers, 1, this.at + this.#lay.count, this.at + this.#lay.flags, this.at + this.#lay.address, this.at + this.#lay.length, 0, 0, 0,
    );
    if (error) return undefined;
    return { data: this.bytes(this.#lay.big, this.word(this.#lay.count)), ...this.#readName() };
  }
  #readName(): { address: string; port: number } {
    const found = readSockaddr(this.core.memory.data, this.at + this.#lay.address, this.word(this.#lay.length));
    assert.ok(found);
    return { address: found.address, port: found.port };
  }
  /** "address:port" of the socket itself or, with `peer`, of the other end; "" with `err`. */
  name(s: number, peer = false): string {
    this.setWord(this.#lay.length, 16);
    if (this.code(peer ? "WSPGetPeerName" : "WSPGetSockName", s, this.at + this.#lay.address, this.at + this.#lay.length)) return "";
    const { address, port } = this.#readName();
    return `${address}:${port}`;
  }

  /** Sets an option to the bytes of `value`, little endian, `length` of them. */
  setOption(s: number, level: number, name: number, value: number, length = 4): number {
    this.setWord(this.#lay.value, value);
    return this.code("WSPSetSockOpt", s, level, name, this.at + this.#lay.value, length);
  }
  /** Value of a four-byte option; -1 with `err` on failure. The length written is in `optlen`. */
  getOption(s: number, level: number, name: number, length = 4): number {
    this.setWord(this.#lay.value, 0);
    this.setWord(this.#lay.length, length);
    const error = this.code("WSPGetSockOpt", s, level, name, this.at + this.#lay.value, this.at + this.#lay.length);
    return error ? -1 : this.word(this.#lay.value);
  }
  get optlen(): number {
    return this.word(this.#lay.length) | 0;
  }
  setLinger(s: number, on: number, seconds: number): number {
    return this.setOption(s, W.SOL_SOCKET, W.SO_LINGER, (on & 0xffff) | (seconds << 16));
  }
  /** [onoff, seconds]. */
  linger(s: number): [number, number] {
    const value = this.getOption(s, W.SOL_SOCKET, W.SO_LINGER);
    assert.equal(this.err, 0);
    return [value & 0xffff, value >>> 16];
  }
  ioctl(s: number, code: number, input: number): number {
    this.setWord(this.#lay.value, input);
    return this.code("WSPIoctl", s, code, this.at + this.#lay.value, 4, this.at + this.#lay.table, 128, this.at + this.#lay.count, 0, 0, 0);
  }
  nonblocking(s: number, on = true): number {
    return this.ioctl(s, W.FIONBIO, on ? 1 : 0);
  }
  /** FIONREAD. */
  unread(s: number): number {
    assert.equal(this.ioctl(s, W.FIONREAD, 0), 0);
    return this.word(this.#lay.table);
  }

  event(): number {
    return this.raw("WSACreateEvent") >>> 0;
  }
  /** True while the event object is set. */
  isSet(event: number): boolean {
    this.setWord(this.#lay.value, event);
    const found = this.raw("WSAWaitForMultipleEvents", 1, this.at + this.#lay.value, 0);
    assert.ok(found === 0 || found === W.WSA_WAIT_TIMEOUT, `wait answered ${found}`);
    return found === 0;
  }
  select(s: number, event: number, mask: number): number {
    return this.code("WSPEventSelect", s, event, mask);
  }
  /** Enumerated events as { FD_CLOSE: error }; undefined with `err`. */
  enumerate(s: number, event = 0): Record<string, number> | undefined {
    if (this.code("WSPEnumNetworkEvents", s, event, this.at + this.#lay.events)) return undefined;
    const bits = this.word(this.#lay.events);
    const names = ["FD_READ", "FD_WRITE", "FD_OOB", "FD_ACCEPT", "FD_CONNECT", "FD_CLOSE"];
    const found: Record<string, number> = {};
    for (const [i, name] of names.entries()) if (bits & (1 << i)) found[name] = this.word(this.#lay.events + 4 + 4 * i);
    return found;
  }

  /** WSPSelect over three lists; timeout null = none. Returns what it says and what is left in the sets. */
  poll(sets: { read?: number[]; write?: number[]; except?: number[] }, timeoutMs: number | null = 0): { n: number; read: number[]; write: number[]; except: number[] } {
    const lists = [sets.read, sets.write, sets.except];
    const where = lists.map((list, i) => (list ? this.at + this.#lay.big + 2048 * i : 0));
    lists.forEach((list, i) => {
      if (!list) return;
      this.setWord(this.#lay.big + 2048 * i, list.length);
      list.forEach((h, k) => this.setWord(this.#lay.big + 2048 * i + 4 + 4 * k, h));
    });
    this.setWord(this.#lay.value, Math.floor((timeoutMs ?? 0) / 1000));
    this.setWord(this.#lay.value + 4, ((timeoutMs ?? 0) % 1000) * 1000);
    const n = this.call("WSPSelect", 0, ...where, timeoutMs === null ? 0 : this.at + this.#lay.value);
    const [read, write, except] = lists.map((list, i) =>
      list ? Array.from({ length: this.word(this.#lay.big + 2048 * i) }, (_, k) => this.word(this.#lay.big + 2048 * i + 4 + 4 * k)) : []);
    return { n, read: read ?? [], write: write ?? [], except: except ?? [] };
  }

  state(s: number): string {
    const state = this.raw("socketState", s);
    return state < 0 ? "none" : (W.tcpStateName[state] ?? `state ${state}`);
  }

  /**
   * Repeats a call that has to wait until it no longer does, running the world between; returns its last result.
   * @param call Returns LASTACK_WAIT (or sets `err` to it) while it waits.
   */
  until<T>(call: () => T, withinMs = 600_000): T {
    const limit = this.world.nowMs + withinMs;
    for (;;) {
      const result = call();
      if (this.err !== LASTACK_WAIT) return result;
      const before = this.wakes.length;
      assert.ok(this.world.runUntil(() => this.wakes.length > before, limit - this.world.nowMs), "nothing woke the call that waits");
    }
  }

  /** The report of the close of `s`, running the world until it is there. */
  report(s: number, withinMs = 600_000): CloseReportRecord {
    const find = (): CloseReportRecord | undefined => this.reports.find((r) => r.handle === s);
    this.world.runUntil(() => find() !== undefined, withinMs);
    const found = find();
    assert.ok(found, `no report of ${s} within ${withinMs} ms`);
    return found;
  }
}

function payload(data: Uint8Array | string | number): Uint8Array {
  if (typeof data === "string") return new TextEncoder().encode(data);
  return typeof data === "number" ? Uint8Array.from({ length: data }, (_, i) => (i * 7 + (i >> 8)) & 0xff) : data;
}
