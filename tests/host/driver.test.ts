/** host/driver over a miniature core: coalescing, timers, events, several stacks, virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Core, type CloseReportRecord } from "../../host/core/index.ts";
import { type Driver, type DriverListener, EndlessRunError, realRuntime, type Runtime, World } from "../../host/driver/index.ts";
import { type FrameDevice, memoryLink } from "../../host/device/index.ts";
import { type Clock, FdTable, wasiImports } from "../../host/wasi/index.ts";
import { type MiniExports, miniModule } from "./driver-fixture.ts";
import { numbered, send } from "./device-frames.ts";

const WAKE = 1;

interface Mini {
  core: Core;
  exports: MiniExports;
  driver: Driver;
  fds: FdTable;
  events: number[][];
  reports: CloseReportRecord[];
  errors: Error[];
}

async function attach(runtime: Runtime, devices: FrameDevice[] = [], more: Partial<DriverListener> = {}, name?: string): Promise<Mini> {
  const fds = new FdTable();
  const core = new Core(await miniModule(), wasiImports({ clock: runtime.clock, random: runtime.random, fds }));
  for (const device of devices) core.addDevice(fds.add(device), device);
  const [events, reports, errors]: [number[][], CloseReportRecord[], Error[]] = [[], [], []];
  const listener: DriverListener = {
    event: (...event) => void events.push(event),
    report: (report) => void reports.push(report),
    fatal: (error) => void errors.push(error),
    ...more,
  };
  const driver = runtime.attach(core, fds, listener, name);
  return { core, exports: core.exports as MiniExports, driver, fds, events, reports, errors };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test("any number of kicks in one turn make one poll, from a microtask", async () => {
  const { exports, driver } = await attach(realRuntime());
  await turn();
  const before = exports.polls();
  for (let i = 0; i < 10; i++) driver.kick();
  assert.equal(exports.polls(), before);
  await Promise.resolve();
  assert.equal(exports.polls(), before + 1);
  driver.close();
});

test("a core that always wants a poll at once does not starve the event loop", async () => {
  const { exports, driver } = await attach(realRuntime());
  exports.always(0);
  driver.kick();
  const before = exports.polls();
  await turn();
  await turn();
  const during = exports.polls() - before;
  // A chain of polls yields by time: how many that is depends on the machine.
  assert.ok(during > 3 && during < 100_000, `${during} polls in two turns`);
  driver.close();
  const after = exports.polls();
  await turn();
  assert.equal(exports.polls(), after);
});

test("two stacks that keep each other busy over a link yield to the event loop together", async () => {
  const runtime = realRuntime();
  const link = memoryLink();
  const one = await attach(runtime, [link.a]);
  const two = await attach(runtime, [link.b]);
  one.exports.echo(1);
  two.exports.echo(1);
  send(link.a, numbered(1));
  await turn();
  await turn();
  await turn();
  const seen = one.exports.framesIn();
  assert.ok(seen > 3 && seen < 100_000, `${seen} round trips in three turns`);
  one.driver.close();
  two.driver.close();
});

test("the core's deadline is kept on real time, and an earlier one moves it forward", async () => {
  const { exports, driver } = await attach(realRuntime());
  await turn();
  exports.armIn(3_600_000);
  driver.kick();
  await turn();
  assert.ok((driver.nextDeadline() as number) > driver.clock.now());
  const before = exports.polls();
  exports.armIn(1);
  driver.kick();
  await new Promise<void>((resolve) => {
    const look = (): void => void (exports.polls() >= before + 2 ? resolve() : setImmediate(look));
    look();
  });
  assert.equal(driver.nextDeadline(), undefined);
  driver.close();
});

test("the clock is told of a deadline that came earlier or went, not of one that moved later", async () => {
  const told: (number | undefined)[] = [];
  const clock: Clock = { now: () => 0, epochMs: 0, attach: (timed) => void timed.nextDeadline(), detach() {}, changed: (timed) => void told.push(timed.nextDeadline()) };
  const { exports, driver } = await attach(realRuntime({ clock }));
  await turn();
  for (const ms of [10, 20, 15, 5, -1]) {
    exports.armIn(ms);
    driver.kick();
    await turn();
  }
  assert.deepEqual(told, [10e6, 5e6, undefined]);
  driver.close();
});

test("a clock that comes at a deadline that moved later finds nothing due, and comes again", async () => {
  const world = new World();
  const { exports, driver } = await attach(world);
  exports.armIn(10);
  world.run(0);
  exports.armIn(20);
  driver.kick();
  world.run(0);
  const polls = exports.polls();
  driver.advance(10e6);
  world.run(19);
  assert.equal(exports.polls(), polls);
  world.run(20);
  assert.equal(exports.polls(), polls + 1);
});

test("events come in order and in full, also more than one batch, and each once", async () => {
  const world = new World();
  const { core, exports, driver, events } = await attach(world);
  const count = core.eventCapacity * 3 + 5;
  for (let i = 0; i < count; i++) exports.raise(WAKE, i, i * 2, 0xffffffff);
  driver.kick();
  world.run();
  assert.deepEqual(events, Array.from({ length: count }, (_, i) => [WAKE, i, i * 2, 0xffffffff]));
});

test("close reports are pulled and handed over as objects", async () => {
  const world = new World();
  const { exports, driver, events, reports } = await attach(world);
  exports.raiseReport(9, 1);
  exports.raiseReport(10, 4);
  exports.raise(WAKE, 1, 0, 0);
  driver.kick();
  world.run();
  assert.deepEqual(reports.map(({ handle, outcome }) => [handle, outcome]), [[9, "graceful"], [10, "aborted"]]);
  assert.deepEqual(events, [[WAKE, 1, 0, 0]]);
});

test("a listener may call the core and close the driver while it is handed events", async () => {
  const world = new World();
  const seen: number[] = [];
  const mini: Mini = await attach(world, [], {
    event: (_kind, handle) => {
      seen.push(handle);
      mini.core.stats();
      if (handle === 0) mini.exports.raise(WAKE, 100, 0, 0);
      if (handle === 100) mini.driver.close();
      mini.driver.kick();
    },
  });
  for (let i = 0; i < 3; i++) mini.exports.raise(WAKE, i, 0, 0);
  mini.driver.kick();
  world.run();
  assert.deepEqual(seen, [0, 1, 2, 100]);
});

test("a listener that makes an event of every event is bounded per poll", async () => {
  const world = new World({ pollLimit: 50 });
  let handed = 0;
  const mini: Mini = await attach(world, [], {
    event: () => {
      handed++;
      mini.exports.raise(WAKE, 1, 0, 0);
    },
  });
  for (let i = 0; i < mini.core.eventCapacity; i++) mini.exports.raise(WAKE, i, 0, 0);
  mini.driver.kick();
  assert.throws(() => world.run(), EndlessRunError);
  assert.ok(handed <= 52 * 64 * mini.core.eventCapacity);
});

test("a trap stops the driver and is told once; the other stacks go on", async () => {
  const world = new World();
  const broken = await attach(world);
  const healthy = await attach(world);
  world.run();
  broken.exports.trapNext();
  broken.driver.kick();
  healthy.driver.kick();
  const polls = healthy.exports.polls();
  world.run();
  assert.equal(broken.errors.length, 1);
  assert.match(String(broken.errors[0]), /unreachable/);
  assert.equal(healthy.exports.polls(), polls + 1);
  broken.driver.kick();
  world.run();
  assert.equal(broken.errors.length, 1);
});

test("a frame that arrives wakes the core with its descriptor, through the delay of the link", async () => {
  const world = new World();
  const link = memoryLink({ clock: world.clock, delayMs: 30 });
  const { exports } = await attach(world, [link.b]);
  world.run();
  send(link.a, numbered(1));
  world.run(29);
  assert.equal(exports.framesIn(), 0);
  assert.equal(world.nowMs, 29);
  world.run(30);
  assert.equal(exports.framesIn(), 1);
  assert.equal(exports.lastPollMs(), 30);
});

test("a device that was full tells the core when there is room", async () => {
  const world = new World();
  const link = memoryLink({ clock: world.clock, queueFrames: 1 });
  const { exports } = await attach(world, [link.a]);
  world.run();
  assert.equal(exports.sendFrame(3, 60, 1), 0);
  assert.equal(exports.sendFrame(3, 60, 1), 6);
  const polls = exports.polls();
  link.b.readInto(new Uint8Array(100), 0, 100);
  world.run();
  assert.equal(exports.polls(), polls + 1);
});

test("a world of several stacks and an impaired link runs the same way each time", async () => {
  const run = async (seed: number): Promise<string> => {
    const world = new World({ seed });
    const link = memoryLink({ clock: world.clock, seed, delayMs: 3, jitterMs: 2, loss: 0.02, duplicate: 0.05, reorder: 0.1 });
    const one = await attach(world, [link.a]);
    const two = await attach(world, [link.b]);
    one.exports.echo(1);
    two.exports.echo(1);
    for (let i = 0; i < 20; i++) send(link.a, numbered(i));
    world.run(200);
    return JSON.stringify([one.exports.framesIn(), two.exports.framesIn(), one.exports.polls(), link.stats, world.nowMs]);
  };
  assert.equal(await run(1), await run(1));
  assert.notEqual(await run(1), await run(2));
});

test("virtual timers: the poll comes at the deadline, and idle ends the run", async () => {
  const world = new World();
  const { exports } = await attach(world);
  exports.armIn(5000);
  world.run();
  assert.equal(world.nowMs, 5000);
  assert.equal(exports.lastPollMs(), 5000);
  assert.equal(world.step(), false);
  world.run(10_000);
  assert.equal(world.nowMs, 10_000);
  world.runFor(1);
  assert.equal(world.nowMs, 10_001);
});

test("a clock that jumped is noticed at the next step, once", async () => {
  const world = new World();
  const { exports, driver } = await attach(world);
  exports.armIn(10);
  world.run(0);
  for (const ms of [5000, 3_600_000, 50 * 86_400_000]) {
    const polls = exports.polls();
    exports.armIn(10);
    driver.kick();
    world.run(world.nowMs);
    world.clock.jump(ms);
    world.run();
    assert.equal(exports.polls(), polls + 2);
  }
});

test("runUntil stops as soon as its condition holds, and says when it never will", async () => {
  const world = new World();
  const { exports } = await attach(world);
  exports.always(10);
  const polls = exports.polls();
  assert.equal(world.runUntil(() => exports.polls() >= polls + 5), true);
  assert.equal(exports.polls(), polls + 5);
  assert.equal(world.runUntil(() => false, 100), false);
  assert.ok(world.nowMs < 200);
});

test("settle runs the world for code that awaits, and throws instead of hanging", async () => {
  const world = new World();
  const { exports, driver } = await attach(world);
  const waiting = new Promise<string>((resolve) => {
    exports.armIn(2500);
    driver.kick();
    const look = (): void => void (world.nowMs >= 2500 ? resolve("then") : queueMicrotask(() => setImmediate(look)));
    look();
  });
  assert.equal(await world.settle(waiting), "then");
  await assert.rejects(world.settle(new Promise(() => {})), /nothing is left to do and the promise has not settled; time 2500 ms; no deadline; stack 1: idle after/);
  await assert.rejects(world.settle(Promise.reject(new Error("mine"))), /mine/);
});

test("a run that never ends is stopped with a readable state", async () => {
  const spinning = new World({ pollLimit: 1000 });
  const one = await attach(spinning, [], {}, "left");
  one.exports.always(0);
  assert.throws(() => spinning.run(), (error: Error) => error instanceof EndlessRunError && /more than 1000 polls without time passing; time 0 ms; .*left: wants a poll now after \d+ polls/.test(error.message));
  const ticking = new World({ stepLimit: 500 });
  const two = await attach(ticking, [], {}, "right");
  two.exports.always(7);
  assert.throws(() => ticking.run(), /more than 500 steps in one run; time \d+ ms; next deadline \d+ ms; right: wants a poll/);
});

test("a closed driver lets go of its clock and its devices", async () => {
  const world = new World();
  const link = memoryLink({ clock: world.clock });
  const { driver, exports } = await attach(world, [link.b]);
  exports.armIn(100);
  world.run(0);
  driver.close();
  driver.close();
  assert.equal(world.clock.nextDeadline(), undefined);
  const polls = exports.polls();
  send(link.a, numbered(1));
  driver.kick();
  world.run();
  assert.equal(exports.polls(), polls);
});

test("ref and unref reach the clock and the devices", async () => {
  const calls: string[] = [];
  const link = memoryLink();
  const device = Object.assign(link.a, { ref: () => void calls.push("ref"), unref: () => void calls.push("unref") });
  const { driver } = await attach(realRuntime(), [device]);
  driver.unref();
  assert.equal(driver.keepsAlive, false);
  driver.ref();
  assert.equal(driver.keepsAlive, true);
  assert.deepEqual(calls, ["unref", "ref"]);
  driver.close();
});
