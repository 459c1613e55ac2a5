/** QEMU's network as a frame device, both forms: the far end is a socket of this test. */
import assert from "node:assert/strict";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket as TcpSocket } from "node:net";
import { type TestContext, test } from "node:test";
import { type QemuDevice, qemuDatagram, qemuStream } from "../../host/device/qemu.ts";
import { numbered, numberOf, receive, send } from "./device-frames.ts";

const LOOPBACK = "127.0.0.1";

/** Resolves once `device` has something to read. */
function readable(device: QemuDevice): Promise<void> {
  return new Promise((resolve) => { device.onReadable = resolve; });
}
async function udp(t: TestContext): Promise<UdpSocket> {
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  socket.bind(0, LOOPBACK);
  await once(socket, "listening");
  return socket;
}
/** Frames as `-netdev stream` sends them. */
const framed = (...frames: Uint8Array[]): Buffer => Buffer.concat(frames.flatMap((frame) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return [length, frame];
}));

test("dgram: one datagram is one frame; its peer is whom it was told, or the first who speaks", async (t) => {
  const guest = await udp(t), stranger = await udp(t), device = await qemuDatagram({ mtu: 1500, name: "guest" });
  t.after(() => device.close());
  assert.ok(send(device, numbered(1)), "nobody is there yet: as with a cable that is not plugged in the frame is lost");
  assert.equal(device.stats.dropped, 1);
  let news = readable(device);
  guest.send(numbered(2), device.port, LOOPBACK);
  await news;
  assert.deepEqual(receive(device).map(numberOf), [2]);
  stranger.send(numbered(3), device.port, LOOPBACK);
  for (let i = 0; device.stats.dropped < 2; i++) {
    assert.ok(i < 1000, "the stranger's datagram never came");
    await new Promise((resolve) => setImmediate(resolve));
    if (i % 100 === 99) stranger.send(numbered(3), device.port, LOOPBACK);
  }
  news = readable(device);
  // One byte more than an Ethernet frame of this MTU, none at all, and one that is right.
  for (const frame of [new Uint8Array(1515), new Uint8Array(0), numbered(4)]) guest.send(frame, device.port, LOOPBACK);
  await news;
  assert.deepEqual(receive(device).map(numberOf), [4]);
  const heard = once(guest, "message");
  assert.ok(send(device, numbered(5)));
  const [bytes] = (await heard) as [Buffer];
  assert.deepEqual(Uint8Array.from(bytes), numbered(5));
  const before = device.stats.dropped;
  assert.ok(send(device, new Uint8Array(1515)), "too long: dropped, not refused");
  assert.equal(device.stats.dropped, before + 1);
});

test("dgram: a reader that is slow loses frames, and they are counted", async (t) => {
  const guest = await udp(t), device = await qemuDatagram({ peerPort: guest.address().port });
  t.after(() => device.close());
  const inQueue = (): number => received + device.stats.dropped;
  let received = 0;
  device.onReadable = () => { received++; };
  for (let i = 0; i < 600; i++) {
    await new Promise((resolve) => guest.send(numbered(i), device.port, LOOPBACK, resolve));
    for (let turn = 0; inQueue() <= i && turn < 1000; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(receive(device).length, 512);
  assert.ok(device.stats.dropped > 0 && device.stats.dropped <= 88, `${device.stats.dropped} dropped`);
});

async function streamed(t: TestContext): Promise<{ device: QemuDevice; guest: TcpSocket }> {
  const device = await qemuStream();
  t.after(() => device.close());
  const guest = connect(device.port, LOOPBACK);
  t.after(() => guest.destroy());
  await once(guest, "connect");
  return { device, guest };
}

test("stream: a length before each frame, however the bytes are cut", async (t) => {
  const { device, guest } = await streamed(t);
  const all = framed(numbered(1), numbered(2, 900), numbered(3, 0));
  const seen: number[] = [];
  const complete = new Promise<void>((resolve) => {
    device.onReadable = () => {
      seen.push(...receive(device).map(numberOf));
      if (seen.length === 3) resolve();
    };
  });
  guest.setNoDelay(true);
  for (let at = 0; at < all.length; at += 7) {
    guest.write(all.subarray(at, at + 7));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await complete;
  assert.deepEqual(seen, [1, 2, 3]);
  const heard = once(guest, "data");
  assert.ok(send(device, numbered(4)));
  const [bytes] = (await heard) as [Buffer];
  assert.deepEqual(Uint8Array.from(bytes), Uint8Array.from(framed(numbered(4))));
});

test("stream: a length that no frame has ends the connection; QEMU may come back, and speaks from the start", async (t) => {
  const { device, guest } = await streamed(t);
  const ended = once(guest, "close");
  guest.on("error", () => {});
  guest.write(Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3]));
  await ended;
  const again = connect(device.port, LOOPBACK);
  t.after(() => again.destroy());
  await once(again, "connect");
  const news = readable(device);
  // Too long for this device but a frame for others: dropped alone. A frame without a byte is none.
  again.write(framed(new Uint8Array(9000), new Uint8Array(0), numbered(6)));
  await news;
  assert.deepEqual(receive(device).map(numberOf), [6]);
  assert.equal(device.stats.dropped, 2);
});

test("stream: connects to a QEMU that listens; when it is full it says so, and when it may be written again", async (t) => {
  const server = createServer().listen(0, LOOPBACK);
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const coming = once(server, "connection");
  const device = await qemuStream({ port, listen: false });
  t.after(() => device.close());
  const [guest] = (await coming) as [TcpSocket];
  t.after(() => guest.destroy());
  let taken = 0;
  while (send(device, numbered(taken, 1400))) taken++;
  assert.ok(taken > 500 && device.stats.outBusy === 1, `${taken} frames`);
  const room = new Promise<void>((resolve) => { device.onWritable = resolve; });
  let bytes = 0;
  guest.on("data", (part: Buffer) => { bytes += part.length; });
  await room;
  assert.ok(send(device, numbered(taken, 1400)));
  const whole = framed(numbered(0, 1400)).length * (taken + 1);
  while (bytes < whole) await once(guest, "data");
  assert.equal(bytes, whole);
});

test("options out of range are named; ports that are taken or refused reject", async (t) => {
  const taken = await udp(t);
  await assert.rejects(qemuDatagram({ port: 70_000 }), { name: "RangeError", message: "port is 70000; expected an integer from 0 to 65535" });
  await assert.rejects(qemuDatagram({ peerPort: 0 }), { name: "RangeError", message: "peerPort is 0; expected an integer from 1 to 65535" });
  await assert.rejects(qemuDatagram({ port: taken.address().port }), { code: "EADDRINUSE" });
  await assert.rejects(qemuDatagram({ mtu: 67 }), RangeError);
  await assert.rejects(qemuStream({ port: 0, listen: false }), { message: "port is 0; expected an integer from 1 to 65535" });
  const probe = createServer().listen(0, LOOPBACK);
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  await assert.rejects(qemuStream({ port }), { code: "EADDRINUSE" });
  probe.close();
  await once(probe, "close");
  await assert.rejects(qemuStream({ port, listen: false }), { code: "ECONNREFUSED" });
});
