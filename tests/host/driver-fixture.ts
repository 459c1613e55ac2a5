/** A core in miniature for tests of the host: the exports of a core, and behaviour that a test chooses through them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileCore, type CoreExports } from "../../host/core/index.ts";

/** What the miniature adds to the exports of a core. */
export interface MiniExports extends CoreExports {
  /** The next poll asks for another after `ms` (0 = at once); then it is idle again. -1 = idle. */
  armIn(ms: number): void;
  /** Each poll from now on returns `ms`; -1 ends that. */
  always(ms: number): void;
  /** 1 = frames read are written back. */
  echo(on: number): void;
  /** The next poll traps. */
  trapNext(): void;
  raise(kind: number, handle: number, a: number, b: number): void;
  raiseReport(handle: number, outcome: number): void;
  /** Writes a frame of `length` bytes, each `value`; returns the WASI errno. */
  sendFrame(fd: number, length: number, value: number): number;
  /** Grows linear memory by a page, so that every view detaches. */
  growMemory(): void;
  polls(): number;
  framesIn(): number;
  framesBusy(): number;
  readyBits(fd: number): number;
  configWord(offset: number): number;
  deviceMtu(): number;
  lastAddress(): number;
  lastPrefix(): number;
  /** Milliseconds of clock_time_get at the last poll. */
  lastPollMs(): number;
}

const SOURCE = `
@external("wasi_snapshot_preview1", "fd_read") declare function fd_read(fd: i32, iovs: usize, n: i32, out: usize): i32;
@external("wasi_snapshot_preview1", "fd_write") declare function fd_write(fd: i32, iovs: usize, n: i32, out: usize): i32;
@external("wasi_snapshot_preview1", "clock_time_get") declare function clock_time_get(id: i32, p: i64, out: usize): i32;
@external("wasi_snapshot_preview1", "sock_open") declare function sock_open(f: i32, t: i32, out: usize): i32;

const AREA = memory.data(4096, 8);
const RECORD = memory.data(128, 4);
const STATS = memory.data(256, 4);
const IOV = memory.data(16, 4);
const OUT = memory.data(16, 8);
const FRAME = memory.data(2048, 8);
const EVENTS = memory.data(16384, 4);
const REPORTS = memory.data(4096, 4);
const BITS = memory.data(64, 4);
const PLACE = memory.data(32, 4);
let eventCount = 0, reportCount = 0, pollCount = 0, inCount = 0, busyCount = 0;
let arm = -1, every = -1, trap = false, echoing = false, mtu = 0, prefix = 0, lastMs = 0;

export function abiVersion(): i32 { return ABI; }
export function configure(ptr: usize, len: i32): i32 {
  if (load<u32>(ptr) != <u32>len) return -2;
  memory.copy(RECORD, ptr, len);
  return load<u32>(ptr + 4) == 13 ? -3 : 0;
}
export function hostArea(): usize { return AREA; }
export function hostAreaSize(): u32 { return 4096; }
export function deviceAdd(fd: i32, caps: u32, m: u32, mac: usize): i32 { mtu = m; memory.copy(PLACE + 16, mac, 6); return fd - 3; }
export function addressAdd(iface: i32, addr: usize, bits: i32): i32 { memory.copy(PLACE, addr, 16); prefix = bits; return iface > 9 ? -2 : 0; }
export function routeAdd(dest: usize, bits: i32, gw: usize, iface: i32): i32 { memory.copy(PLACE, gw, 16); prefix = bits; return 0; }
export function hostReady(fd: i32, bits: u32): void { store<u32>(BITS + (<usize>fd << 2), load<u32>(BITS + (<usize>fd << 2)) | bits); }

function drain(fd: i32): void {
  for (;;) {
    store<u32>(IOV, <u32>FRAME); store<u32>(IOV, 2048, 4);
    if (fd_read(fd, IOV, 1, OUT)) return;
    inCount++;
    if (!echoing) continue;
    store<u32>(IOV, load<u32>(OUT), 4);
    if (fd_write(fd, IOV, 1, OUT) == 6) busyCount++;
  }
}
export function poll(): i32 {
  pollCount++;
  if (trap) unreachable();
  clock_time_get(1, 1, OUT);
  lastMs = <i32>(load<u64>(OUT) / 1000000);
  for (let fd = 3; fd < 16; fd++) {
    if (load<u32>(BITS + (<usize>fd << 2))) { store<u32>(BITS + (<usize>fd << 2), 0); drain(fd); }
  }
  if (every >= 0) return every;
  const next = arm;
  arm = -1;
  return next;
}
export function events(ptr: usize, capacity: i32): i32 {
  const n = min(capacity, eventCount);
  memory.copy(ptr, EVENTS, n * 16);
  memory.copy(EVENTS, EVENTS + n * 16, (eventCount - n) * 16);
  eventCount -= n;
  return n;
}
export function report(ptr: usize): i32 {
  if (reportCount == 0) return 0;
  memory.copy(ptr, REPORTS, 64);
  memory.copy(REPORTS, REPORTS + 64, (reportCount - 1) * 64);
  reportCount--;
  return 1;
}
export function stats(): usize { store<u32>(STATS, inCount); store<u32>(STATS, 0xffffffff, 4); return STATS; }

export function armIn(ms: i32): void { arm = ms; }
export function always(ms: i32): void { every = ms; }
export function echo(on: i32): void { echoing = on != 0; }
export function trapNext(): void { trap = true; }
export function raise(kind: u32, handle: u32, a: u32, b: u32): void {
  const at = EVENTS + <usize>(eventCount++ << 4);
  store<u32>(at, kind); store<u32>(at, handle, 4); store<u32>(at, a, 8); store<u32>(at, b, 12);
}
export function raiseReport(handle: u32, outcome: u32): void {
  const at = REPORTS + <usize>(reportCount++ << 6);
  memory.fill(at, 0, 64);
  store<u32>(at, handle); store<u32>(at, outcome, 4); store<u64>(at, 0x100000002, 16);
  raise(3, handle, outcome, 0);
}
export function sendFrame(fd: i32, length: u32, value: u8): i32 {
  memory.fill(FRAME, value, length);
  store<u32>(IOV, <u32>FRAME); store<u32>(IOV, length, 4);
  return fd_write(fd, IOV, 1, OUT);
}
export function growMemory(): void { memory.grow(1); }
export function polls(): i32 { return pollCount; }
export function framesIn(): i32 { return inCount; }
export function framesBusy(): i32 { return busyCount; }
export function readyBits(fd: i32): u32 { return load<u32>(BITS + (<usize>fd << 2)); }
export function configWord(offset: u32): u32 { return load<u32>(RECORD + <usize>offset); }
export function deviceMtu(): u32 { return mtu; }
export function lastAddress(): usize { return PLACE; }
export function lastPrefix(): i32 { return prefix; }
export function lastPollMs(): i32 { return lastMs; }
export function socketErrno(): i32 { return sock_open(2, 1, OUT); }
`;

const ASC = fileURLToPath(new URL("../../node_modules/assemblyscript/bin/asc.js", import.meta.url));
const cache = new Map<string, Promise<WebAssembly.Module>>();

/** The compiler runs in a process of its own: one that has loaded it takes ten seconds to end. */
function build(abi: number): Promise<WebAssembly.Module> {
  const directory = mkdtempSync(join(tmpdir(), "lastack-mini-"));
  try {
    writeFileSync(join(directory, "mini.ts"), SOURCE);
    const flags = ["--config", "none", "--runtime", "stub", "--optimizeLevel", "1", "--use", "abort=", "--use", `ABI=${abi}`, "--exportStart", "_initialize"];
    execFileSync(process.execPath, [ASC, "mini.ts", "--baseDir", directory, "--outFile", "mini.wasm", ...flags], { stdio: ["ignore", "inherit", "inherit"] });
    return compileCore(readFileSync(join(directory, "mini.wasm")));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The miniature, compiled once per process. */
export function miniModule(abi = 1): Promise<WebAssembly.Module> {
  const key = String(abi);
  const module = cache.get(key) ?? build(abi);
  cache.set(key, module);
  return module;
}
