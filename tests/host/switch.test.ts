import assert from "node:assert/strict";
import { test } from "node:test";
import { type FrameSwitch, frameSwitch } from "../../host/device/index.ts";
import { VirtualClock } from "../../host/wasi/index.ts";
import { ethernet, receive, send } from "./device-frames.ts";

const station = (index: number): string => `02:00:00:01:00:0${index}`;
const BROADCAST = "ff:ff:ff:ff:ff:ff";

function talk(net: FrameSwitch, from: number, to: string, source = station(from)): void {
  send(net.port(from), ethernet(0x88b5, [from], source, to));
}

/** For each port the frames it received since the last call, by their first payload byte. */
function heard(net: FrameSwitch): number[][] {
  return Array.from({ length: net.size }, (_, i) => receive(net.port(i)).map((frame) => frame[14] as number));
}

test("broadcasts and frames to unknown addresses reach every other port", () => {
  const net = frameSwitch({ ports: 4, clock: new VirtualClock() });
  talk(net, 0, BROADCAST);
  assert.deepEqual(heard(net), [[], [0], [0], [0]]);
  talk(net, 1, station(3));
  assert.deepEqual(heard(net), [[1], [], [1], [1]]);
  talk(net, 1, "01:00:5e:00:00:01");
  assert.deepEqual(heard(net), [[1], [], [1], [1]]);
});

test("a learned address gets its frames alone, and one that moves is found at its new port", () => {
  const net = frameSwitch({ ports: 4, clock: new VirtualClock() });
  talk(net, 2, BROADCAST);
  heard(net);
  talk(net, 0, station(2));
  assert.deepEqual(heard(net), [[], [], [0], []]);
  talk(net, 3, BROADCAST, station(2));
  heard(net);
  talk(net, 0, station(2));
  assert.deepEqual(heard(net), [[], [], [], [0]]);
});

test("a frame to an address behind the port it came from goes nowhere", () => {
  const net = frameSwitch({ ports: 3, clock: new VirtualClock() });
  talk(net, 0, BROADCAST, "02:00:00:02:00:01");
  heard(net);
  talk(net, 0, "02:00:00:02:00:01");
  assert.deepEqual(heard(net), [[], [], []]);
});

test("a silent address is forgotten after the ageing time", () => {
  const clock = new VirtualClock();
  const net = frameSwitch({ ports: 3, clock, ageingMs: 1000 });
  talk(net, 2, BROADCAST);
  heard(net);
  clock.advance(999);
  talk(net, 0, station(2));
  assert.deepEqual(heard(net), [[], [], [0]]);
  clock.advance(1);
  assert.equal(net.learned, 1);
  talk(net, 0, station(2));
  assert.deepEqual(heard(net), [[], [0], [0]]);
});

test("a flood of source addresses fills the table and no more; traffic still flows by flooding", () => {
  const clock = new VirtualClock();
  const net = frameSwitch({ ports: 3, clock, maxAddresses: 8, ageingMs: 1000 });
  const source = (i: number) => `02:00:00:03:${(i >> 8).toString(16).padStart(2, "0")}:${(i & 255).toString(16).padStart(2, "0")}`;
  for (let i = 0; i < 1000; i++) talk(net, 0, BROADCAST, source(i));
  assert.equal(net.learned, 8);
  heard(net);
  talk(net, 1, BROADCAST);
  heard(net);
  talk(net, 0, station(1));
  assert.deepEqual(heard(net), [[], [0], [0]]);
  clock.advance(1001);
  talk(net, 1, BROADCAST);
  heard(net);
  assert.equal(net.learned, 1);
  talk(net, 0, station(1));
  assert.deepEqual(heard(net), [[], [0], []]);
});

test("a group address as source teaches nothing", () => {
  const net = frameSwitch({ ports: 3, clock: new VirtualClock() });
  talk(net, 0, BROADCAST, "03:00:00:00:00:01");
  assert.equal(net.learned, 0);
});

test("frames shorter than an Ethernet header are dropped", () => {
  const net = frameSwitch({ ports: 2, clock: new VirtualClock() });
  send(net.port(0), new Uint8Array(13));
  assert.deepEqual(heard(net), [[], []]);
});

test("a full queue towards a station loses frames and never holds up the others", () => {
  const net = frameSwitch({ ports: 3, clock: new VirtualClock(), queueFrames: 4 });
  for (let i = 0; i < 10; i++) {
    talk(net, 0, BROADCAST);
    assert.equal(receive(net.port(1)).length, 1);
  }
  assert.equal(net.stats(2).out.overflow, 6);
  assert.deepEqual(heard(net).map((frames) => frames.length), [0, 0, 4]);
});

test("impairments hold on every cable, in both directions", () => {
  const clock = new VirtualClock();
  const net = frameSwitch({ ports: 2, clock, delayMs: 10 });
  talk(net, 0, BROADCAST);
  clock.advance(19.999);
  assert.deepEqual(heard(net), [[], []]);
  clock.advance(0.001);
  assert.deepEqual(heard(net), [[], [0]]);
  const lossy = frameSwitch({ ports: 2, clock, loss: 0.5, seed: 4 });
  for (let i = 0; i < 1000; i++) talk(lossy, 0, BROADCAST);
  const { length } = receive(lossy.port(1));
  assert.ok(length > 180 && length < 320, `${length} of 1000`);
  assert.equal(lossy.stats(0).in.lost + lossy.stats(1).out.lost, 1000 - length);
});

test("the hook sees both cables a frame passes", () => {
  const seen: string[] = [];
  const net = frameSwitch({ ports: 3, clock: new VirtualClock(), onFrame: (port, direction, _frame, fate) => seen.push(`${port}${direction}${fate.kind}`) });
  talk(net, 1, BROADCAST);
  assert.deepEqual(seen.sort(), ["0outpassed", "1inpassed", "2outpassed"]);
});

test("ports outside the switch and options out of range are refused", () => {
  assert.throws(() => frameSwitch({ ports: 1 }), /ports is 1; expected an integer from 2 to 4096/);
  assert.throws(() => frameSwitch({ ports: 2, macs: [station(0)] }), /macs has 1 entries/);
  assert.throws(() => frameSwitch({ ports: 2, ageingMs: 0 }), /ageingMs is 0/);
  assert.throws(() => frameSwitch({ ports: 2, loss: 2 }), /loss is 2/);
  assert.throws(() => frameSwitch({ ports: 2 }).port(2), /port is 2; expected 0 to 1/);
});

test("a closed switch carries nothing", () => {
  const clock = new VirtualClock();
  const net = frameSwitch({ ports: 2, clock, delayMs: 5 });
  talk(net, 0, BROADCAST);
  net.close();
  clock.advance(100);
  assert.deepEqual(heard(net), [[], []]);
  assert.equal(clock.nextDeadline(), undefined);
});
