/** host/wasi: the four imports over real and virtual time, the fd table, hostile pointers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FrameDevice, memoryLink, newDeviceStats } from "../../host/device/index.ts";
import { MemoryViews } from "../../host/core/index.ts";
import { FdTable, RealClock, SeededRandom, systemRandom, type Timed, VirtualClock, wasiImports } from "../../host/wasi/index.ts";

const EAGAIN = 6;
const EBADF = 8;
const EFAULT = 21;
const EINVAL = 28;
const IOVS = 64;
const RESULT = 128;

function setup(options: Parameters<typeof wasiImports>[0] = {}) {
  const fds = new FdTable();
  const wasi = wasiImports({ fds, ...options });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  wasi.bind(new MemoryViews(memory));
  const call = (name: string, ...args: unknown[]): number => (wasi.functions[name] as (...args: unknown[]) => number)(...args);
  const view = () => new DataView(memory.buffer);
  const iovec = (...parts: [number, number][]): number => {
    for (const [i, [ptr, length]] of parts.entries()) {
      view().setUint32(IOVS + i * 8, ptr, true);
      view().setUint32(IOVS + i * 8 + 4, length, true);
    }
    return parts.length;
  };
  const bytes = (ptr: number, length: number) => new Uint8Array(memory.buffer, ptr, length).slice();
  const fill = (ptr: number, ...values: number[]) => new Uint8Array(memory.buffer).set(values, ptr);
  return { wasi, fds, memory, call, view, iovec, bytes, fill, result: () => view().getUint32(RESULT, true) };
}

test("one fd_write is one frame from all its parts, one fd_read is one frame", () => {
  const { fds, call, iovec, bytes, fill, result } = setup();
  const link = memoryLink();
  const [a, b] = [fds.add(link.a), fds.add(link.b)];
  fill(1000, 1, 2, 3);
  fill(2001, ...Array.from({ length: 60 }, (_, i) => i));
  assert.equal(call("fd_write", a, IOVS, iovec([1000, 3], [2001, 60], [5, 0]), RESULT), 0);
  assert.equal(result(), 63);
  fill(1000, 9);
  assert.equal(call("fd_write", a, IOVS, iovec([1000, 1]), RESULT), 0);
  assert.equal(call("fd_read", b, IOVS, iovec([3000, 2000]), RESULT), 0);
  assert.equal(result(), 63);
  assert.deepEqual([...bytes(3000, 5)], [1, 2, 3, 0, 1]);
  assert.equal(bytes(3062, 1)[0], 59);
  assert.equal(call("fd_read", b, IOVS, iovec([3000, 2000]), RESULT), 0);
  assert.equal(result(), 1);
  assert.equal(call("fd_read", b, IOVS, iovec([3000, 2000]), RESULT), EAGAIN);
});

test("a frame longer than the iovecs is cut and counted, and the next one is whole", () => {
  const { wasi, fds, call, iovec, fill, result, bytes } = setup();
  const link = memoryLink();
  const [a, b] = [fds.add(link.a), fds.add(link.b)];
  fill(1000, 1, 2, 3, 4, 5, 6, 7, 8);
  call("fd_write", a, IOVS, iovec([1000, 8]), RESULT);
  call("fd_write", a, IOVS, iovec([1000, 8]), RESULT);
  call("fd_write", a, IOVS, iovec([1000, 8]), RESULT);
  assert.equal(call("fd_read", b, IOVS, iovec([3000, 5]), RESULT), 0);
  assert.equal(result(), 5);
  assert.deepEqual([...bytes(3000, 6)], [1, 2, 3, 4, 5, 0]);
  assert.equal(wasi.frameStats.truncated, 1);
  assert.equal(call("fd_read", b, IOVS, iovec([3000, 3], [4000, 2], [5000, 100]), RESULT), 0);
  assert.deepEqual([...bytes(4000, 3)], [4, 5, 0]);
  assert.deepEqual([...bytes(5000, 4)], [6, 7, 8, 0]);
  assert.equal(wasi.frameStats.truncated, 1);
  assert.equal(call("fd_read", b, IOVS, iovec([3000, 3], [4000, 2]), RESULT), 0);
  assert.equal(result(), 5);
  assert.equal(wasi.frameStats.truncated, 2);
});

test("a full device answers EAGAIN and takes nothing", () => {
  const { fds, call, iovec, fill } = setup();
  const link = memoryLink({ queueFrames: 2 });
  const a = fds.add(link.a);
  fds.add(link.b);
  fill(1000, 1);
  for (let i = 0; i < 2; i++) assert.equal(call("fd_write", a, IOVS, iovec([1000, 1]), RESULT), 0);
  assert.equal(call("fd_write", a, IOVS, iovec([1000, 1]), RESULT), EAGAIN);
  assert.equal(link.a.stats.outBusy, 1);
  assert.equal(link.stats.aToB.frames, 2);
});

test("pointers outside memory, misaligned ones and wild counts are refused without touching a device", () => {
  const { fds, call, iovec, view } = setup();
  let touched = 0;
  const device: FrameDevice = {
    name: "trap", mtu: 1500, mac: new Uint8Array(6), capabilities: 0, stats: newDeviceStats(), onReadable: undefined, onWritable: undefined,
    readInto: () => ++touched, write: () => ++touched > 0, close: () => {},
  };
  const fd = fds.add(device);
  for (const name of ["fd_read", "fd_write"]) {
    assert.equal(call(name, fd, IOVS + 1, iovec([1000, 1]), RESULT), EINVAL, name);
    assert.equal(call(name, fd, IOVS, iovec([1000, 1]), RESULT + 2), EINVAL, name);
    assert.equal(call(name, fd, IOVS, 0x7fffffff, RESULT), EINVAL, name);
    assert.equal(call(name, fd, IOVS, -1, RESULT), EINVAL, name);
    assert.equal(call(name, fd, 65532, 1, RESULT), EFAULT, name);
    assert.equal(call(name, fd, -4, 1, RESULT), EFAULT, name);
    assert.equal(call(name, fd, IOVS, iovec([1000, 1]), 65536), EFAULT, name);
    assert.equal(call(name, fd, IOVS, iovec([65000, 1000]), RESULT), EFAULT, name);
    assert.equal(call(name, fd, IOVS, iovec([0xffffffff, 0xffffffff]), RESULT), EFAULT, name);
    assert.equal(call(name, fd, IOVS, iovec([1000, 1], [65536, 1]), RESULT), EFAULT, name);
    assert.equal(call(name, 99, IOVS, iovec([1000, 1]), RESULT), EBADF, name);
    assert.equal(call(name, -1, IOVS, iovec([1000, 1]), RESULT), EBADF, name);
  }
  assert.equal(call("fd_write", fd, IOVS, 0, RESULT), EINVAL);
  assert.equal(call("clock_time_get", 1, 0n, 65530), EFAULT);
  assert.equal(call("clock_time_get", 9, 0n, RESULT), EINVAL);
  assert.equal(call("random_get", 65000, 1000), EFAULT);
  assert.equal(call("random_get", -1, 8), EFAULT);
  assert.equal(touched, 0);
  assert.equal(view().getUint32(RESULT, true), 0);
});

test("clock_time_get writes virtual nanoseconds as u64, past 32 bits too", () => {
  const clock = new VirtualClock();
  const { call, view } = setup({ clock });
  const read = () => view().getBigUint64(RESULT, true);
  assert.equal(call("clock_time_get", 1, 1n, RESULT), 0);
  assert.equal(read(), 0n);
  clock.advance(5000.5);
  call("clock_time_get", 1, 1n, RESULT);
  assert.equal(read(), 5_000_500_000n);
  clock.advance(50 * 86_400_000);
  call("clock_time_get", 1, 1n, RESULT);
  assert.equal(read(), 5_000_500_000n + 4_320_000_000_000_000n);
  call("clock_time_get", 0, 1n, RESULT);
  assert.equal(read(), 5_000_500_000n + 4_320_000_000_000_000n);
});

test("real time goes forward and the real-time clock tells the date", () => {
  const { call, view } = setup();
  const read = (id: number) => {
    assert.equal(call("clock_time_get", id, 1n, RESULT), 0);
    return view().getBigUint64(RESULT, true);
  };
  const first = read(1);
  assert.ok(read(1) >= first);
  const skewMs = Number(read(0) / 1_000_000n) - Date.now();
  assert.ok(Math.abs(skewMs) < 60_000, `off by ${skewMs} ms`);
});

test("views follow a memory that grew between calls", () => {
  const { fds, memory, call, iovec, fill, result } = setup();
  const link = memoryLink();
  const [a, b] = [fds.add(link.a), fds.add(link.b)];
  memory.grow(1);
  fill(70000, 7, 8);
  assert.equal(call("fd_write", a, IOVS, iovec([70000, 2]), RESULT), 0);
  memory.grow(1);
  assert.equal(call("fd_read", b, IOVS, iovec([140000, 10]), RESULT), 0);
  assert.equal(result(), 2);
  assert.equal(new Uint8Array(memory.buffer)[140001], 8);
  memory.grow(1);
  assert.equal(call("random_get", 200000, 16), 0);
});

test("random_get fills exactly the range: the system's differs, the seeded repeats", () => {
  const draw = (random: typeof systemRandom) => {
    const { call, bytes } = setup({ random });
    assert.equal(call("random_get", 1001, 30), 0);
    assert.equal(bytes(1000, 1)[0], 0);
    assert.equal(bytes(1031, 1)[0], 0);
    return Buffer.from(bytes(1001, 30)).toString("hex");
  };
  assert.notEqual(draw(systemRandom), draw(systemRandom));
  assert.equal(draw(new SeededRandom(5)), draw(new SeededRandom(5)));
  assert.notEqual(draw(new SeededRandom(5)), draw(new SeededRandom(6)));
});

test("SeededRandom is xoshiro128** with a spread that a die would accept", () => {
  const random = new SeededRandom(1);
  const counts = new Array<number>(8).fill(0);
  for (let i = 0; i < 80_000; i++) counts[random.below(8)]!++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 400, `${counts}`);
  const zero = new SeededRandom(0);
  assert.notEqual(zero.next(), zero.next());
});

test("descriptors start at 3 and a closed one is reused as late as possible", () => {
  const fds = new FdTable();
  const link = memoryLink();
  assert.deepEqual([fds.add(link.a), fds.add(link.b), fds.add(link.a)], [3, 4, 5]);
  assert.equal(fds.remove(4), link.b);
  assert.equal(fds.remove(3), link.a);
  assert.equal(fds.remove(3), undefined);
  assert.deepEqual([fds.add(link.a), fds.add(link.b), fds.add(link.a)], [4, 3, 6]);
  assert.deepEqual([...fds.open()].map(([fd]) => fd), [3, 4, 5, 6]);
});

test("fd_close closes a descriptor once, and then it is bad", () => {
  const { fds, call, iovec } = setup();
  const fd = fds.add(memoryLink().a);
  assert.equal(call("fd_close", fd), 0);
  assert.equal(call("fd_close", fd), EBADF);
  assert.equal(call("fd_read", fd, IOVS, iovec([1000, 10]), RESULT), EBADF);
});

test("readiness of a device carries its descriptor, also what was ready before anybody listened", () => {
  const fds = new FdTable();
  const link = memoryLink({ queueFrames: 1 });
  link.b.write(Uint8Array.of(1, 2), Int32Array.of(0, 2), 0, 1);
  const fd = fds.add(link.a);
  const seen: [number, number][] = [];
  fds.onReady = (which, bits) => seen.push([which, bits]);
  assert.deepEqual(seen, [[fd, 1]]);
  const buffer = new Uint8Array(10);
  link.a.readInto(buffer, 0, 10);
  link.b.write(Uint8Array.of(1, 2), Int32Array.of(0, 2), 0, 1);
  assert.deepEqual(seen.splice(1), [[fd, 1]]);
  link.a.write(Uint8Array.of(1), Int32Array.of(0, 1), 0, 1);
  assert.equal(link.a.write(Uint8Array.of(1), Int32Array.of(0, 1), 0, 1), false);
  link.b.readInto(buffer, 0, 10);
  assert.deepEqual(seen.splice(1), [[fd, 2]]);
});

test("text output and proc_exit of a debug build reach the host", () => {
  const lines: string[] = [];
  const { call, iovec, fill } = setup({ onText: (fd, text) => lines.push(`${fd}:${text}`) });
  fill(1000, ...Buffer.from("abort: grün\n"));
  assert.equal(call("fd_write", 2, IOVS, iovec([1000, 9], [1009, 4]), RESULT), 0);
  assert.deepEqual(lines, ["2:abort: grün\n"]);
  assert.equal(call("fd_write", 2, IOVS, iovec([65530, 9]), RESULT), EFAULT);
  assert.throws(() => call("proc_exit", 255), /the core stopped with exit code 255/);
});

test("a part may add functions and is bound to the same memory", () => {
  let bound: MemoryViews | undefined;
  const sockets = {
    functions: { sock_open: () => 77 },
    bind(memory: MemoryViews) {
      bound = memory;
    },
  };
  const { call, memory } = setup({ sockets });
  assert.equal(call("sock_open"), 77);
  assert.equal(bound?.memory, memory);
});

/** Work that logs when it ran. */
function work(log: string[], name: string, deadlines: number[]): Timed {
  return {
    nextDeadline: () => deadlines[0],
    advance: (now) => {
      while (deadlines[0] !== undefined && deadlines[0] <= now) log.push(`${name}@${deadlines.shift()}`);
    },
  };
}

test("a virtual clock runs what is attached in deadline order, and equal deadlines in order of attachment", () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  clock.attach(work(log, "a", [3e6, 5e6]));
  clock.attach(work(log, "b", [1e6, 3e6, 9e6]));
  assert.equal(clock.nextDeadline(), 1e6);
  clock.advance(5);
  assert.deepEqual(log, ["b@1000000", "a@3000000", "b@3000000", "a@5000000"]);
  assert.equal(clock.now(), 5e6);
  clock.jump(100);
  assert.equal(log.length, 4);
  clock.advance(0);
  assert.equal(log.at(-1), "b@9000000");
  assert.throws(() => clock.advance(-1), RangeError);
  assert.throws(() => clock.advance(Number.NaN), RangeError);
});

test("work that detaches itself or others while it runs is left alone", () => {
  const clock = new VirtualClock();
  const log: string[] = [];
  const second = work(log, "second", [1e6]);
  const first: Timed = {
    nextDeadline: () => 1e6,
    advance: () => {
      clock.detach(first);
      clock.detach(second);
      log.push("first");
    },
  };
  clock.attach(first);
  clock.attach(second);
  clock.advance(10);
  assert.deepEqual(log, ["first"]);
});

test("work that stays due is an error, not an endless loop", () => {
  const clock = new VirtualClock();
  clock.attach({ nextDeadline: () => 5, advance: () => {} });
  assert.throws(() => clock.advance(1), /attached work stays due at 5 ns/);
});

test("the real clock wakes attached work and then holds no timer", async () => {
  const clock = new RealClock();
  const done = await new Promise<number>((resolve) => {
    const due = clock.now() + 1e6;
    const timed: Timed = {
      nextDeadline: () => due,
      advance: (now) => {
        clock.detach(timed);
        resolve(now - due);
      },
    };
    clock.attach(timed);
  });
  assert.ok(done >= 0);
});

test("the real clock moves its timer forward for an earlier deadline and ignores a detached one", async () => {
  const clock = new RealClock();
  const log: string[] = [];
  const late = work(log, "late", [clock.now() + 3.6e12]);
  clock.attach(late);
  await new Promise<void>((resolve) => {
    const early: Timed & { due: number | undefined } = {
      due: undefined,
      nextDeadline: () => early.due,
      advance: () => {
        early.due = undefined;
        resolve();
      },
    };
    clock.attach(early);
    early.due = clock.now();
    clock.changed(early);
  });
  clock.detach(late);
  assert.deepEqual(log, []);
});
