import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { type FrameDevice, memoryLink, newDeviceStats, pcapng, readPcapng } from "../../host/device/index.ts";
import { VirtualClock } from "../../host/wasi/index.ts";
import { numbered, receive, send, tcpFrame, udpFrame } from "./device-frames.ts";

const SEED = 99;

function memorySink() {
  const chunks: Uint8Array[] = [];
  const state = { closed: 0 };
  return {
    write: (chunk: Uint8Array) => void chunks.push(chunk),
    close: () => void state.closed++,
    bytes: () => new Uint8Array(Buffer.concat(chunks)),
    chunks,
    state,
  };
}

/** A device that hands out `incoming` and keeps what is sent; with a vnet header if told so. */
function fakeDevice(incoming: Uint8Array[], capabilities = 0): FrameDevice & { sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  return {
    name: "fake0", mtu: 65535, mac: new Uint8Array(6), capabilities, stats: newDeviceStats(), onReadable: undefined, onWritable: undefined, sent,
    readInto(target, offset, capacity) {
      const frame = incoming.shift();
      if (!frame) return 0;
      target.set(frame.subarray(0, capacity), offset);
      return frame.length;
    },
    write(memory, parts, first, count) {
      const frame: number[] = [];
      for (let i = 0; i < count; i++) {
        const ptr = parts[first + 2 * i] as number;
        frame.push(...memory.subarray(ptr, ptr + (parts[first + 2 * i + 1] as number)));
      }
      sent.push(Uint8Array.from(frame));
      return true;
    },
    close() {},
  };
}

test("frames are recorded with direction, name and the time of the injected clock", () => {
  const clock = new VirtualClock();
  const link = memoryLink({ clock, name: "wire" });
  const sink = memorySink();
  const recorder = pcapng(link.a, sink, { clock });
  clock.advance(1.5);
  send(recorder, numbered(1));
  clock.advance(2000);
  send(link.b, numbered(2, 7));
  assert.deepEqual(receive(recorder), [numbered(2, 7)]);
  recorder.close();
  const frames = readPcapng(sink.bytes());
  assert.deepEqual(frames.map(({ direction, timestampNs, interface: name }) => [direction, timestampNs, name]), [
    ["outbound", 1_500_000n, "wire/a"],
    ["inbound", 2_001_500_000n, "wire/a"],
  ]);
  assert.deepEqual(frames.map(({ bytes }) => bytes), [numbered(1), numbered(2, 7)]);
  assert.equal(sink.state.closed, 1);
});

test("any frames survive the way into a recording and back", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 30 }), (frames) => {
      const sink = memorySink();
      const device = fakeDevice([]);
      const recorder = pcapng(device, sink, { clock: new VirtualClock() });
      for (const frame of frames) send(recorder, frame);
      recorder.close();
      assert.deepEqual(readPcapng(sink.bytes()).map(({ bytes }) => [...bytes]), frames.map((frame) => [...frame]));
      assert.deepEqual(device.sent.map((frame) => [...frame]), frames.map((frame) => [...frame]));
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test("recording is buffered, and flush writes all there is", () => {
  const sink = memorySink();
  const recorder = pcapng(fakeDevice([]), sink, { clock: new VirtualClock() });
  send(recorder, numbered(1));
  assert.equal(sink.chunks.length, 0);
  recorder.flush();
  assert.equal(readPcapng(sink.bytes()).length, 1);
  for (let i = 0; i < 200; i++) send(recorder, numbered(i, 1400));
  assert.ok(sink.chunks.length > 3);
  recorder.close();
  recorder.close();
  assert.equal(readPcapng(sink.bytes()).length, 201);
  assert.equal(sink.state.closed, 1);
});

test("the wrapped device behaves as before: gathers, cuts, callbacks, full", () => {
  const link = memoryLink({ queueFrames: 1 });
  const sink = memorySink();
  const recorder = pcapng(link.a, sink, { clock: new VirtualClock() });
  assert.deepEqual([recorder.name, recorder.mtu, recorder.mac, recorder.capabilities], [link.a.name, 1500, link.a.mac, 0]);
  let readable = 0;
  let writable = 0;
  recorder.onReadable = () => readable++;
  recorder.onWritable = () => writable++;
  assert.equal(recorder.write(Uint8Array.of(9, 1, 2, 3), Int32Array.of(0, 0, 2, 2, 1, 1), 2, 2), true);
  assert.equal(send(recorder, numbered(1)), false);
  assert.deepEqual(receive(link.b).map((frame) => [...frame]), [[2, 3, 1]]);
  assert.equal(writable, 1);
  send(link.b, numbered(7));
  assert.equal(readable, 1);
  assert.equal(recorder.readInto(new Uint8Array(20), 0, 20), numbered(7).length);
  recorder.close();
  const frames = readPcapng(sink.bytes());
  assert.equal(frames.length, 2);
  assert.deepEqual([frames[1]?.bytes.length, frames[1]?.originalLength], [20, numbered(7).length]);
});

test("a sink that fails ends the recording, not the traffic", () => {
  const device = fakeDevice([]);
  const recorder = pcapng(device, { write: () => { throw new Error("disk full"); } }, { clock: new VirtualClock() });
  send(recorder, numbered(1));
  recorder.flush();
  assert.match(String(recorder.failure), /disk full/);
  send(recorder, numbered(2));
  recorder.close();
  assert.equal(device.sent.length, 2);
});

/** The frame as a sender with checksum offload gives it: vnet header, and the pseudo-header's sum in the checksum field. */
function partial(frame: Uint8Array, csumOffset: number): Uint8Array {
  const copy = frame.slice();
  const length = frame.length - 34;
  let sum = (copy[23] as number) + length;
  for (let at = 26; at < 34; at += 2) sum += ((copy[at] as number) << 8) | (copy[at + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  copy[34 + csumOffset] = sum >> 8;
  copy[35 + csumOffset] = sum & 0xff;
  return Uint8Array.from([1, 0, 0, 0, 0, 0, 34, 0, csumOffset, 0, 0, 0, ...copy]);
}

test("vnet headers are left out and partial checksums completed, in the recording only", () => {
  const tcp = tcpFrame({ payload: [1, 2, 3, 4, 5] });
  const udp = udpFrame([9, 8, 7]);
  const plain = Uint8Array.from([...new Array(12).fill(0), ...tcp]);
  const device = fakeDevice([partial(tcp, 16), plain], 1);
  const sink = memorySink();
  const recorder = pcapng(device, sink, { clock: new VirtualClock() });
  const [seen] = receive(recorder);
  assert.deepEqual(seen, partial(tcp, 16));
  send(recorder, partial(udp, 6));
  assert.deepEqual(device.sent, [partial(udp, 6)]);
  recorder.close();
  assert.deepEqual(readPcapng(sink.bytes()).map(({ bytes }) => bytes), [tcp, tcp, udp]);
});

test("a checksum of zero is recorded as zero for TCP", () => {
  const sum = (frame: Uint8Array): number => ((frame[50] as number) << 8) | (frame[51] as number);
  // Two bytes of text bring any sum to zero: what they would have to add is what is there.
  const missing = sum(tcpFrame({ payload: [0, 0] }));
  const frame = tcpFrame({ payload: [missing >> 8, missing & 0xff] });
  assert.equal(sum(frame), 0);
  const sink = memorySink();
  const recorder = pcapng(fakeDevice([partial(frame, 16)], 1), sink, { clock: new VirtualClock() });
  receive(recorder);
  recorder.close();
  assert.deepEqual(readPcapng(sink.bytes()).map(({ bytes }) => bytes), [frame]);
});

test("a vnet header that points outside its frame is recorded as it is", () => {
  const wild = Uint8Array.from([1, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, ...numbered(1)]);
  const sink = memorySink();
  const recorder = pcapng(fakeDevice([wild, Uint8Array.of(1, 2, 3), wild.slice(0, 13)], 1), sink, { clock: new VirtualClock() });
  receive(recorder);
  recorder.close();
  assert.deepEqual(readPcapng(sink.bytes()).map(({ bytes }) => bytes.length), [numbered(1).length, 1]);
});

test("a damaged recording is refused with the position, never read past its end", () => {
  const sink = memorySink();
  const recorder = pcapng(fakeDevice([]), sink, { clock: new VirtualClock() });
  send(recorder, numbered(1));
  recorder.close();
  const bytes = sink.bytes();
  assert.throws(() => readPcapng(bytes.subarray(0, bytes.length - 3)), /does not fit/);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, cut) => {
      const copy = bytes.slice();
      copy[at] = value;
      try {
        readPcapng(copy.subarray(0, cut));
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }),
    { seed: SEED, numRuns: 2000 },
  );
});

const tshark = spawnSync("tshark", ["--version"]).status === 0;

test("tshark reads a recorded file: times, directions, checksums", { skip: tshark ? false : "tshark is not installed" }, () => {
  const directory = mkdtempSync(join(tmpdir(), "lastack-pcapng-"));
  try {
    const path = join(directory, "frames.pcapng");
    const clock = new VirtualClock();
    const recorder = pcapng(fakeDevice([partial(tcpFrame({ flags: 0x02 }), 16), Uint8Array.from([...new Array(12).fill(0), ...udpFrame([1, 2, 3])])], 1), path, { clock });
    clock.advance(1234.000567);
    receive(recorder);
    const broken = tcpFrame({ payload: [1] });
    broken[54] = 2;
    send(recorder, Uint8Array.from([...new Array(12).fill(0), ...broken]));
    recorder.close();
    assert.equal(readPcapng(readFileSync(path)).length, 3);
    const fields = ["frame.time_epoch", "frame.packet_flags_direction", "tcp.checksum.status", "udp.checksum.status", "frame.interface_name"];
    const args = ["-r", path, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-T", "fields", "-E", "separator=|"];
    const output = execFileSync("tshark", [...args, ...fields.flatMap((field) => ["-e", field])], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    assert.deepEqual(output.trim().split("\n"), [
      "1.234000567|0x00000001|1||fake0",
      "1.234000567|0x00000001||1|fake0",
      "1.234000567|0x00000002|0||fake0",
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
