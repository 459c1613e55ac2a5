/** host/core over a miniature core: loading, configuring, set-up calls, records. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as config from "../../host/abi/config.gen.ts";
import * as errors from "../../host/abi/errors.gen.ts";
import {
  Core, type CoreError, compileCore, errorInfo, errorTable, formatAddress, parseAddress, parsePrefix, readSockaddr, tryParseAddress, writeSockaddr,
} from "../../host/core/index.ts";
import { wasiImports } from "../../host/wasi/index.ts";
import { type MiniExports, miniModule } from "./driver-fixture.ts";

const SEED = 20240611;

async function mini(options = {}): Promise<{ core: Core; exports: MiniExports }> {
  const core = new Core(await miniModule(), wasiImports(), options);
  return { core, exports: core.exports as MiniExports };
}

test("one compiled module serves many cores with memories of their own", async () => {
  const [one, two] = [await mini({ maxSockets: 5 }), await mini({ maxSockets: 6 })];
  assert.equal(one.exports.configWord(config.CONFIG_MAX_SOCKETS), 5);
  assert.equal(two.exports.configWord(config.CONFIG_MAX_SOCKETS), 6);
  assert.notEqual(one.core.memory.memory, two.core.memory.memory);
});

test("the configure record states its size, the given fields, and 'default' for the rest", async () => {
  const { exports } = await mini({ timeWaitMs: 0, udpQueue: 3 });
  assert.equal(exports.configWord(config.CONFIG_SIZE), config.SIZEOF_CONFIG);
  assert.equal(exports.configWord(config.CONFIG_TIME_WAIT_MS), 0);
  assert.equal(exports.configWord(config.CONFIG_UDP_QUEUE), 3);
  assert.equal(exports.configWord(config.CONFIG_SEND_BUFFER) >>> 0, 0xffffffff);
});

test("a configuration option that is unknown or no unsigned integer is refused by name", async () => {
  await assert.rejects(mini({ maxSocket: 5 }), /unknown configuration option "maxSocket"/);
  await assert.rejects(mini({ timeWaitMs: -1 }), /timeWaitMs is -1; expected an integer from 0/);
  await assert.rejects(mini({ timeWaitMs: 1.5 }), RangeError);
});

test("a configuration the core refuses becomes a CoreError with its code", async () => {
  await assert.rejects(mini({ maxSockets: 13 }), (error: CoreError) => error.code === "E_MEMORY" && /configure: .*memory limit/.test(error.message));
});

test("a module of another ABI, one that is no core, and bytes that are no module are told apart", async () => {
  const other = await miniModule(99);
  assert.throws(() => new Core(other, wasiImports()), (error: CoreError) => error.code === "E_VERSION" && /speaks ABI 99; this host speaks 1/.test(error.message));
  const empty = await compileCore(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  assert.throws(() => new Core(empty, wasiImports()), /no export "memory"; expected a Lastack core/);
  await assert.rejects(compileCore(Uint8Array.of(1, 2, 3)), (error: CoreError) => error.code === "E_LOAD");
  await assert.rejects(compileCore("file:///nowhere/lastack.wasm"), (error: CoreError) => error.code === "E_LOAD");
});

test("an import that no part offers answers ENOSYS", async () => {
  const { core } = await mini();
  assert.equal((core.exports as unknown as { socketErrno(): number }).socketErrno(), 52);
});

test("devices, addresses and routes reach the core as bytes", async () => {
  const { core, exports } = await mini();
  const device = { mtu: 1400, mac: Uint8Array.of(2, 0, 0, 0, 0, 9), capabilities: 0 };
  assert.equal(core.addDevice(4, device), 1);
  assert.equal(exports.deviceMtu(), 1400);
  core.addAddress(1, "192.0.2.7/24");
  const place = () => formatAddress(core.memory.u8, exports.lastAddress());
  assert.equal(place(), "192.0.2.7");
  assert.equal(exports.lastPrefix(), 120);
  core.addRoute("0.0.0.0/0", "192.0.2.254", 1);
  assert.equal(place(), "192.0.2.254");
  assert.equal(exports.lastPrefix(), 96);
  core.addRoute("2001:db8::/32", undefined, 1);
  assert.equal(place(), "::");
  assert.equal(exports.lastPrefix(), 32);
  assert.throws(() => core.addAddress(10, "192.0.2.7/24"), /add address 192\.0\.2\.7\/24: an argument is out of range/);
});

test("views are made again after the memory grew", async () => {
  const { core, exports } = await mini();
  const before = core.memory.u8;
  exports.growMemory();
  assert.equal(before.length, 0);
  core.addDevice(3, { mtu: 576, mac: new Uint8Array(6), capabilities: 0 });
  assert.equal(core.memory.u8.length, core.memory.memory.buffer.byteLength);
  assert.equal(exports.deviceMtu(), 576);
});

test("reports and counters come out as plain objects, each report once", async () => {
  const { core, exports } = await mini();
  exports.raiseReport(77, 5);
  const report = core.pullReport();
  assert.equal(report?.handle, 77);
  assert.equal(report?.outcome, "lingerExpired");
  assert.equal(report?.bytesSent, 0x100000002);
  assert.equal(report?.state, "CLOSED");
  assert.equal(report?.peerFin, false);
  assert.equal(core.pullReport(), undefined);
  assert.equal(core.stats().outFrames, 0xffffffff);
});

test("the host area is handed out in pieces that do not overlap, and says when it is used up", async () => {
  const { core } = await mini();
  const first = core.area.take(10);
  const second = core.area.take(16);
  assert.equal(second % 8, 0);
  assert.ok(second >= first + 10);
  assert.throws(() => core.area.take(4096), /the host area of 4096 bytes has no room for 4096 more/);
});

test("the error table covers the core's closed set, and an unknown number is still readable", () => {
  const numbers = Object.entries(errors).filter(([, value]) => typeof value === "number");
  for (const [name, value] of numbers) {
    const info = errorInfo(value as number);
    assert.equal(info.name, name);
    assert.match(info.code, /^E[A-Z0-9_]+$/);
    assert.ok(info.text.length > 5);
  }
  assert.equal(errorTable.size, numbers.length);
  assert.deepEqual({ ...errorInfo(10054) }, { code: "ECONNRESET", wsa: 10054, name: "WSAECONNRESET", text: "the connection was reset by the peer" });
  assert.equal(errorInfo(4711).code, "EUNKNOWN");
});

test("addresses: text to bytes and back, as RFC 5952 writes them", () => {
  const cases = {
    "192.0.2.1": "192.0.2.1", "::": "::", "::1": "::1", "2001:DB8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1", "::ffff:192.0.2.1": "192.0.2.1", "64:ff9b::192.0.2.33": "64:ff9b::c000:221", "fe80::": "fe80::",
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(formatAddress(parseAddress(text)), expected, text);
  const bad = ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4 ", ":", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "1.2.3.4::", "localhost", "::1%1"];
  for (const text of bad) assert.equal(tryParseAddress(text), undefined, text);
  assert.throws(() => parseAddress("10.0.0.300"), /address is "10\.0\.0\.300"; expected/);
});

test("any 16 bytes survive the way to text and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.array(fc.nat(15)), (bytes, zeros) => {
      for (const at of zeros) bytes[at] = 0;
      assert.deepEqual(parseAddress(formatAddress(bytes)), bytes);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test("prefixes count their bits in the 128-bit form", () => {
  assert.equal(parsePrefix("10.0.0.0/8").bits, 104);
  assert.equal(parsePrefix("10.0.0.1").bits, 128);
  assert.equal(parsePrefix("::/0").bits, 0);
  for (const text of ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "::/129", "/8"]) assert.throws(() => parsePrefix(text), RangeError, text);
});

test("sockaddr records: written and read back, cut or foreign ones refused", () => {
  const data = new DataView(new ArrayBuffer(64));
  assert.equal(writeSockaddr(data, 4, "192.0.2.9", 8080), 16);
  assert.deepEqual(new Uint8Array(data.buffer, 4, 16), Uint8Array.of(2, 0, 0x1f, 0x90, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 0, 0));
  assert.deepEqual(readSockaddr(data, 4, 16), { address: "192.0.2.9", port: 8080, family: "IPv4" });
  assert.equal(readSockaddr(data, 4, 15), undefined);
  assert.equal(writeSockaddr(data, 4, "2001:db8::5", 443, 7), 28);
  assert.deepEqual(readSockaddr(data, 4, 28), { address: "2001:db8::5", port: 443, family: "IPv6", scopeId: 7 });
  assert.equal(readSockaddr(data, 4, 16), undefined);
  assert.equal(writeSockaddr(data, 4, "::ffff:192.0.2.9", 1), 28);
  assert.deepEqual(readSockaddr(data, 4, 28), { address: "::ffff:192.0.2.9", port: 1, family: "IPv6" });
  data.setUint16(4, 99, true);
  assert.equal(readSockaddr(data, 4, 28), undefined);
  assert.throws(() => writeSockaddr(data, 4, "192.0.2.9", 65536), /port is 65536; expected an integer from 0 to 65535/);
});
