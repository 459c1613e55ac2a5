/** What the promise API refuses: every refusal names the argument, its value and what was expected. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createStack, memoryLink, SeededRandom, type Socket, type Stack, type StackOptions } from "../../host/index.ts";
import { type Connected, connectPair } from "./api-support.ts";

type Row = readonly [what: string, value: unknown, kind: typeof TypeError | typeof RangeError, message: RegExp];

const device = () => memoryLink().a;

const STACK: readonly Row[] = [
  ["options", null, TypeError, /^options is null; expected an object$/],
  ["options", { device: [] }, TypeError, /^options\.device is no option; expected one of wasm, devices, /],
  ["devices", { devices: {} }, TypeError, /^devices is an object \(Object\); expected an array$/],
  ["devices", { devices: [{}] }, TypeError, /^devices\[0\] is an object \(Object\); expected a frame device/],
  ["addresses", { addresses: ["10.0.0.1/24"] }, RangeError, /^addresses\[0\] needs a device but devices is empty; expected at least one/],
  ["addresses", { devices: [device()], addresses: ["10.0.0.1"] }, RangeError, /^addresses\[0\] is "10\.0\.0\.1"; expected an IPv4 address with a prefix length/],
  ["addresses", { devices: [device()], addresses: ["10.0.0.1/33"] }, RangeError, /^addresses\[0\] is "10\.0\.0\.1\/33"; .*from 0 to 32$/],
  ["addresses", { devices: [device()], addresses: ["10.0.0.01/24"] }, RangeError, /^addresses\[0\] is "10\.0\.0\.01"; expected an IPv4 address/],
  ["addresses", { devices: [device()], addresses: [7] }, TypeError, /^addresses\[0\] is 7; expected an object/],
  ["addresses", { devices: [device()], addresses: [{ address: "10.0.0.1/24", device: 1 }] }, RangeError, /^addresses\[0\]\.device is 1; expected an integer from 0 to 0$/],
  ["routes", { devices: [device()], routes: [{ destination: "default" }] }, RangeError, /^routes\[0\]\.destination is "default"/],
  ["routes", { devices: [device()], routes: [{ destination: "0.0.0.0/0", gateway: "gw" }] }, RangeError, /^routes\[0\]\.gateway is "gw"; .*names are not resolved/],
  ["routes", { devices: [device()], routes: [{ destination: "0.0.0.0/0", via: "10.0.0.1" }] }, TypeError, /^routes\[0\]\.via is no option; expected one of destination, gateway, device$/],
  ["limits", { limits: { maxSockets: 0 } }, RangeError, /^limits\.maxSockets is 0; expected an integer from 1 to 1048576$/],
  ["limits", { limits: { maxSockets: "8" } }, TypeError, /^limits\.maxSockets is "8"; expected an integer/],
  ["limits", { limits: { sockets: 8 } }, TypeError, /^limits\.sockets is no option/],
  ["limits", { devices: [device()], limits: { mtuMax: 600 } }, RangeError, /^limits\.mtuMax is 600; expected at least 1500, the MTU of device link\/a$/],
  ["knobs", { knobs: { timeWaitMs: 300001 } }, RangeError, /^knobs\.timeWaitMs is 300001; expected an integer from 0 to 300000$/],
  ["knobs", { knobs: { delayedAckMs: 1.5 } }, RangeError, /^knobs\.delayedAckMs is 1\.5; expected an integer/],
  ["knobs", { knobs: { rtoMinMs: 5000, rtoMaxMs: 1000 } }, RangeError, /^knobs\.rtoMinMs is 5000; expected at most knobs\.rtoMaxMs, which is 1000$/],
  ["knobs", { knobs: { windowScale: 1 } }, TypeError, /^knobs\.windowScale is 1; expected true or false$/],
  ["knobs", { knobs: { switches: { closeEarlier: true } } }, TypeError, /^knobs\.switches\.closeEarlier is no option/],
  ["clock", { clock: {} }, TypeError, /^clock is an object \(Object\); expected a Clock/],
  ["random", { random: Math.random }, TypeError, /^random is function random; expected a RandomSource/],
  ["runtime", { runtime: 1 }, TypeError, /^runtime is 1; expected a Runtime/],
  ["worker", { worker: 1 }, TypeError, /^worker is 1; expected true or false$/],
  ["worker", { worker: true, random: new SeededRandom(1) }, TypeError, /^worker is true together with random; expected one or the other/],
  ["worker", { worker: true, devices: [{}] }, TypeError, /^devices\[0\] is an object \(Object\); expected a frame device/],
  ["hostSockets", { hostSockets: 1 }, TypeError, /^hostSockets is 1; expected true, false or an object$/],
  ["hostSockets", { hostSockets: { koffi: "no" } }, TypeError, /^hostSockets\.koffi is "no"; expected true or false$/],
];

describe("createStack refuses", () => {
  for (const [what, options, kind, message] of STACK) {
    test(`${what}: ${message.source}`, async () => {
      await assert.rejects(createStack(options as StackOptions), (error: Error) => {
        assert.equal(error.constructor, kind, error.message);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test("a device twice, and one that another stack has until that is closed", async () => {
    const { a } = memoryLink();
    await assert.rejects(createStack({ devices: [a, a] }), { name: "RangeError", message: "devices[1] is link/a, which devices[0] is too; expected each device once" });
    const stack = await createStack({ devices: [a] });
    await assert.rejects(createStack({ devices: [a] }), /^RangeError: devices\[0\] is link\/a, which another stack has; expected a device of its own/);
    await stack.close();
    await (await createStack({ devices: [a] })).close();
  });

  test("a core that is none", async () => {
    await assert.rejects(createStack({ wasm: new Uint8Array([1, 2, 3]) }), /cannot load the core/);
  });
});

type Call = readonly [call: (it: { stack: Stack; socket: Socket }) => unknown, kind: typeof TypeError | typeof RangeError, message: RegExp];
// biome-ignore lint/suspicious/noExplicitAny: these calls are wrong on purpose.
const wrong = (value: unknown): any => value;

const CALLS: readonly Call[] = [
  [({ stack }) => stack.connect(wrong(undefined)), TypeError, /^options is undefined; expected an object$/],
  [({ stack }) => stack.connect(wrong({ port: 80 })), TypeError, /^address is undefined; expected an IPv4 address/],
  [({ stack }) => stack.connect({ host: "example.com", port: 80 }), RangeError, /^host is "example\.com"; expected an IPv4 address such as 192\.0\.2\.1: names are not resolved, this version has no resolver$/],
  [({ stack }) => stack.connect({ host: "::1", port: 80 }), RangeError, /^host is "::1"; .*IPv4 only$/],
  [({ stack }) => stack.connect({ address: "10.0.0.256", port: 80 }), RangeError, /^address is "10\.0\.0\.256"; expected an IPv4 address such as 192\.0\.2\.1/],
  [({ stack }) => stack.connect({ address: "10.0.0", port: 80 }), RangeError, /^address is "10\.0\.0"/],
  [({ stack }) => stack.connect({ address: "", port: 80 }), RangeError, /^address is ""/],
  [({ stack }) => stack.connect({ address: "0.0.0.0", port: 80 }), RangeError, /^address is "0\.0\.0\.0"; expected the address of a peer/],
  [({ stack }) => stack.connect({ address: "10.0.0.1", host: "10.0.0.1", port: 80 }), TypeError, /^address and host are both given/],
  [({ stack }) => stack.connect({ address: "10.0.0.1", port: 0 }), RangeError, /^port is 0; expected an integer from 1 to 65535$/],
  [({ stack }) => stack.connect({ address: "10.0.0.1", port: 65536 }), RangeError, /^port is 65536/],
  [({ stack }) => stack.connect({ address: "10.0.0.1", port: wrong("80") }), TypeError, /^port is "80"; expected an integer from 1 to 65535$/],
  [({ stack }) => stack.connect({ address: "10.0.0.1", port: 80, localPort: -1 }), RangeError, /^localPort is -1; expected an integer from 0 to 65535$/],
  [({ stack }) => stack.connect({ address: "10.0.0.1", port: 80, timeoutMs: 0 }), RangeError, /^timeoutMs is 0; expected an integer from 1 to 2147483647 milliseconds$/],
  [({ stack }) => stack.connect({ address: "10.0.0.1", port: 80, signal: wrong({}) }), TypeError, /^signal is an object \(Object\); expected an AbortSignal$/],
  [({ stack }) => stack.connect(wrong({ address: "10.0.0.1", prot: 80 })), TypeError, /^options\.prot is no option/],
  [({ stack }) => stack.listen(wrong({})), TypeError, /^port is undefined; expected an integer from 0 to 65535$/],
  [({ stack }) => stack.listen({ port: 80, backlog: 0 }), RangeError, /^backlog is 0; expected an integer from 1 to 2147483647$/],
  [({ stack }) => stack.listen({ port: 80, address: "localhost" }), RangeError, /^address is "localhost"; .*names are not resolved/],
  [({ stack }) => stack.udp({ port: 70000 }), RangeError, /^port is 70000/],
  [({ stack }) => stack.close({ deadlineMs: -1 }), RangeError, /^deadlineMs is -1/],
  [({ socket }) => socket.read(0), RangeError, /^max is 0; expected an integer from 1 to 1073741824 bytes$/],
  [({ socket }) => socket.read(wrong("all")), TypeError, /^max is "all"/],
  [({ socket }) => socket.read(1, wrong({ timeout: 1 })), TypeError, /^options\.timeout is no option; expected one of signal$/],
  [({ socket }) => socket.readInto(new Uint8Array(0)), RangeError, /^buffer is empty/],
  [({ socket }) => socket.readInto(wrong([1])), TypeError, /^buffer is an array of 1; expected a Uint8Array/],
  [({ socket }) => socket.write(wrong("text")), TypeError, /^data is "text"; expected a Uint8Array .*TextEncoder/],
  [({ socket }) => socket.write(wrong(undefined)), TypeError, /^data is undefined/],
  [({ socket }) => socket.shutdown(wrong("write")), RangeError, /^direction is "write"; expected "send" or "receive" or "both"$/],
  [({ socket }) => socket.shutdown(wrong(1)), TypeError, /^direction is 1/],
  [({ socket }) => socket.close({ linger: -1 }), RangeError, /^linger is -1; expected an integer from 0 to 65535 seconds$/],
  [({ socket }) => socket.close({ linger: 0.5 }), RangeError, /^linger is 0\.5/],
  [({ socket }) => socket.close(wrong({ lingr: 1 })), TypeError, /^options\.lingr is no option; expected one of linger, drain, signal$/],
  [({ socket }) => socket.close({ drain: wrong(1) }), TypeError, /^drain is 1; expected true, false or an object$/],
  [({ socket }) => socket.close({ drain: { bytes: 0 } }), RangeError, /^drain\.bytes is 0; expected an integer from 1 to 4294967295$/],
  [({ stack }) => stack.connect({ address: "10.0.0.1", port: 80, provider: "host" }), RangeError, /^provider is "host"; expected "inet": this stack was made without hostSockets$/],
  [({ stack }) => stack.listen({ port: 80, provider: wrong("tap") }), RangeError, /^provider is "tap"; expected "inet" or "host"$/],
  [({ socket }) => socket.setNoDelay(wrong("yes")), TypeError, /^on is "yes"; expected true or false$/],
  [({ socket }) => socket.setKeepAlive(true, { idleMs: 0 }), RangeError, /^idleMs is 0/],
];

describe("calls refuse", () => {
  let pair: Connected;
  before(async () => {
    pair = await connectPair();
  });
  after(async () => {
    await pair.run(Promise.all([pair.left.close(), pair.right.close()]));
  });

  for (const [call, kind, message] of CALLS) {
    test(message.source, async () => {
      await assert.rejects(async () => call({ stack: pair.right, socket: pair.socket }), (error: Error) => {
        assert.equal(error.constructor, kind, error.message);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test("and the connection still works afterwards", async () => {
    await pair.socket.write(new Uint8Array([1, 2, 3]));
    assert.deepEqual(await pair.run(pair.accepted.read()), new Uint8Array([1, 2, 3]));
  });
});
