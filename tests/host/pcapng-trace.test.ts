/** host/device/trace: frames to objects and lines. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeFrame, formatFrame, traceLine } from "../../host/device/index.ts";
import { arpFrame, ethernet, ipv4, tcpFrame, udpFrame } from "./device-frames.ts";

const SEED = 4242;

test("a TCP segment: ports, numbers, flags, window, options, payload, both checksums", () => {
  const options = [2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff];
  const { ip, tcp } = decodeFrame(tcpFrame({ seq: 0xfffffff0, ack: 7, flags: 0x12, window: 65535, options, payload: [1, 2, 3] }));
  assert.deepEqual([ip?.source, ip?.destination, ip?.protocol, ip?.ttl, ip?.checksumValid], ["10.0.0.1", "10.0.0.2", 6, 64, true]);
  assert.deepEqual([tcp?.sourcePort, tcp?.destinationPort, tcp?.seq, tcp?.ack, tcp?.window], [1024, 80, 0xfffffff0, 7, 65535]);
  assert.deepEqual(tcp?.flags, { fin: false, syn: true, rst: false, psh: false, ack: true, urg: false, ece: false, cwr: false });
  assert.deepEqual(tcp?.options, { mss: 1460, windowScale: 7, sackPermitted: true, timestamps: [9, 0xffffffff] });
  assert.deepEqual([tcp?.payloadLength, tcp?.payloadOffset, tcp?.checksumValid], [3, 74, true]);
});

test("selective acknowledgements are read as ranges", () => {
  const options = [1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 5];
  assert.deepEqual(decodeFrame(tcpFrame({ options })).tcp?.options.sack, [[1, 2], [0xffffffff, 5]]);
});

test("Ethernet padding does not count as payload", () => {
  const frame = new Uint8Array(60);
  frame.set(tcpFrame({ flags: 0x11 }));
  const { tcp } = decodeFrame(frame);
  assert.equal(tcp?.payloadLength, 0);
  assert.equal(tcp?.checksumValid, true);
});

test("lines", () => {
  assert.equal(traceLine(tcpFrame({ seq: 1, flags: 0x02, options: [2, 4, 5, 0xb4] })), "TCP 10.0.0.1:1024 > 10.0.0.2:80 [SYN] seq=1 win=500 len=0 <mss=1460>");
  assert.equal(traceLine(tcpFrame({ seq: 1, ack: 2, flags: 0x11 })), "TCP 10.0.0.1:1024 > 10.0.0.2:80 [FIN,ACK] seq=1 ack=2 win=500 len=0");
  assert.equal(traceLine(udpFrame([1, 2, 3])), "UDP 10.0.0.1:53 > 10.0.0.2:5353 len=3");
  assert.equal(traceLine(arpFrame(1)), "ARP who has 10.0.0.2? tell 10.0.0.1");
  assert.equal(traceLine(arpFrame(2)), "ARP 10.0.0.1 is at 02:00:00:00:00:01");
  assert.equal(traceLine(ethernet(0x0800, ipv4(1, [8, 0, 0xf7, 0xff, 0, 0, 0, 0]))), "ICMP 10.0.0.1 > 10.0.0.2 type=8 code=0");
  assert.equal(traceLine(ethernet(0x86dd, [])), "0x86dd 02:00:00:00:00:01 > 02:00:00:00:00:02 length=14");
});

test("a wrong checksum, a fragment and a cut packet are said", () => {
  const wrong = tcpFrame({ payload: [1, 2, 3] });
  wrong[56] = 9;
  assert.match(traceLine(wrong), /\(bad checksum\)$/);
  const header = tcpFrame();
  header[22] = 63;
  assert.match(traceLine(header), /\(bad IPv4 checksum\)$/);
  const fragment = ethernet(0x0800, ipv4(17, new Array(16).fill(1), { fragment: 0x2002 }));
  assert.match(traceLine(fragment), /^IPv4 10\.0\.0\.1 > 10\.0\.0\.2 protocol=17 len=16 \(fragment at 16\+\)$/);
  const cut = tcpFrame({ payload: [1, 2, 3] }).subarray(0, 55);
  assert.equal(decodeFrame(cut).tcp?.checksumValid, undefined);
  assert.match(traceLine(cut), /!IPv4 packet of 43 bytes cut at 41$/);
});

test("a UDP checksum of zero means none was sent", () => {
  const frame = udpFrame([1, 2]);
  frame[40] = 0;
  frame[41] = 0;
  assert.equal(decodeFrame(frame).udp?.checksumValid, true);
});

test("any bytes are decoded and printed without a throw", () => {
  const whole = [tcpFrame({ options: [2, 4, 5, 0xb4, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1], payload: [1, 2, 3] }), udpFrame([1]), arpFrame(1), ethernet(0x0800, ipv4(1, new Array(8).fill(0)))];
  const mutated = fc.tuple(fc.constantFrom(...whole), fc.array(fc.tuple(fc.nat(90), fc.nat(255)), { maxLength: 6 }), fc.nat(90)).map(([frame, changes, cut]) => {
    const copy = frame.slice();
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
    return copy.subarray(0, cut);
  });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 120 })), (bytes) => {
      const frame = decodeFrame(bytes);
      assert.equal(typeof formatFrame(frame), "string");
      assert.ok((frame.tcp?.payloadLength ?? 0) <= bytes.length);
      assert.ok((frame.tcp?.payloadOffset ?? 0) <= bytes.length);
    }),
    { seed: SEED, numRuns: 5000 },
  );
});
