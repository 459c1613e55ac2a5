/** What a station of an Ethernet link sees of the core: whose frames it takes, how it asks for hardware addresses and what it believes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryLink } from "../../host/device/index.ts";
import { decodeFrame, type DecodedFrame } from "../../host/device/trace.ts";
import { World } from "../../host/driver/index.ts";
import { ethernet, MAC_A, MAC_B, receive, send, udpFrame } from "./device-frames.ts";
import { coreModule, Spi } from "./support/spi.ts";

/** The far station is 10.0.0.1 with MAC_A, the core 10.0.0.2 with MAC_B. */
const FAR = "10.0.0.1";
const CORE = "10.0.0.2";
const MAC_C = "02:00:00:00:00:0c";
const ALL = "ff:ff:ff:ff:ff:ff";

const bytes = (text: string, radix: number): number[] => text.split(radix === 16 ? ":" : ".").map((part) => Number.parseInt(part, radix));

interface Arp {
  from?: string;
  mac?: string;
  target?: string;
  /** Destination of the frame. */
  to?: string;
}

function arp(operation: "request" | "reply", { from = FAR, mac = MAC_A, target = CORE, to = MAC_B }: Arp = {}): Uint8Array {
  const body = [0, 1, 8, 0, 6, 4, 0, operation === "request" ? 1 : 2, ...bytes(mac, 16), ...bytes(from, 10), ...bytes(MAC_B, 16), ...bytes(target, 10)];
  return ethernet(0x0806, body, MAC_A, to);
}

async function lone() {
  const world = new World({ seed: 1 });
  const link = memoryLink({ clock: world.clock });
  const core = new Spi(await coreModule(), world, link.b, `${CORE}/24`);
  assert.equal(core.startup(), 0);
  /** Sends a frame and returns what the core answers at once. */
  const say = (frame: Uint8Array): DecodedFrame[] => {
    assert.equal(send(link.a, frame), true);
    world.runFor(1);
    return receive(link.a).map((bytes) => decodeFrame(bytes));
  };
  /** Lets time pass and returns the milliseconds at which ARP requests came. */
  const requests = (ms: number): number[] => {
    const times: number[] = [];
    for (let at = 0; at < ms; at += 10) {
      for (const frame of receive(link.a)) if (decodeFrame(frame).arp?.operation === "request") times.push(at);
      world.runFor(10);
    }
    return times;
  };
  const connect = (): number => {
    const s = core.socket();
    core.nonblocking(s);
    core.connect(s, FAR, 80);
    world.runFor(1);
    return s;
  };
  /** Sends a datagram to the far station and returns the frames that leave. */
  const datagram = (): DecodedFrame[] => {
    const s = core.socket("udp");
    assert.equal(core.sendTo(s, "x", FAR, 9), 0);
    world.runFor(1);
    core.close(s);
    return receive(link.a).map((bytes) => decodeFrame(bytes));
  };
  return { world, link, core, say, requests, connect, datagram };
}

test("frames for other stations are not taken", async () => {
  const { say } = await lone();
  assert.equal(say(arp("request", { to: MAC_C })).length, 0);
  for (const to of [MAC_B, ALL]) assert.deepEqual(say(arp("request", { to })).map(({ arp: a, destination }) => [a?.operation, destination]), [["reply", MAC_A]]);
});

test("an ARP reply that names a group address teaches nothing (RFC 5227)", async () => {
  const { connect, say } = await lone();
  connect();
  for (const mac of [ALL, "01:00:5e:00:00:01"]) assert.deepEqual(say(arp("reply", { mac })).filter(({ tcp }) => tcp), [], mac);
  assert.equal(say(arp("reply")).filter(({ tcp }) => tcp?.flags.syn).length, 1);
});

test("an address probe is answered and teaches nothing (RFC 5227 §1.1)", async () => {
  const { say } = await lone();
  const [answer, ...more] = say(arp("request", { from: "0.0.0.0", to: ALL }));
  assert.deepEqual([answer?.arp?.operation, answer?.arp?.senderIp, answer?.arp?.senderMac, answer?.destination], ["reply", CORE, MAC_B, MAC_A]);
  assert.equal(more.length, 0);
});

test("a silent neighbour is asked three times, a second apart, and then left alone for ten seconds", async () => {
  const { core, requests, connect, world } = await lone();
  const s = connect();
  assert.deepEqual(requests(3_500), [0, 1_000, 2_000]);
  core.close(s);
  const again = connect();
  assert.deepEqual(requests(500), [], "it has failed a moment ago");
  core.close(again);
  world.runFor(10_000);
  connect();
  assert.deepEqual(requests(500), [0]);
});

test("a hardware address just confirmed is not replaced, one confirmed two seconds ago is", async () => {
  const { say, datagram, world } = await lone();
  say(arp("request"));
  say(arp("reply", { mac: MAC_C }));
  assert.deepEqual(datagram().map(({ destination }) => destination), [MAC_A]);
  world.runFor(2_000);
  say(arp("reply", { mac: MAC_C }));
  assert.deepEqual(datagram().map(({ destination }) => destination), [MAC_C]);
});

test("a neighbour that is used is asked again after a minute, itself first", async () => {
  const { say, datagram, world } = await lone();
  say(arp("request"));
  world.runFor(59_000);
  assert.deepEqual(datagram().map(({ arp: a, destination }) => [a?.operation, destination]), [[undefined, MAC_A]]);
  world.runFor(2_000);
  assert.deepEqual(datagram().map(({ arp: a, destination }) => [a?.operation, destination]), [["request", MAC_A], [undefined, MAC_A]]);
});

test("ICMP errors come in a bounded burst, and more of them as time passes", async () => {
  const { say, world } = await lone();
  say(arp("request"));
  const errors = (): number => {
    let found = 0;
    for (let k = 0; k < 300; k++) found += say(udpFrame([1, 2, 3])).filter(({ icmp }) => icmp).length;
    return found;
  };
  const first = errors();
  assert.ok(first > 0 && first < 300, `${first} errors for 300 datagrams`);
  world.runFor(2_000);
  const second = errors();
  assert.ok(second > first / 2, `${second} errors two seconds later, ${first} at first`);
});
