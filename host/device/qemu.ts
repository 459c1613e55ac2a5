/**
 * The network of a QEMU guest, without root: `-netdev dgram` carries one Ethernet frame in each UDP datagram on loopback,
 * `-netdev stream` puts a 4-byte big-endian length before each frame of a TCP connection.
 */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, createServer, type Server, type Socket as TcpSocket } from "node:net";
import { checkMtu, ETHERNET_HEADER, type FrameDevice, gather, newDeviceStats, parseMac, partsLength } from "./contract.ts";
import { copyFrame, FramePool, FrameQueue } from "./queue.ts";

const LOOPBACK = "127.0.0.1";
/** Frames kept for a reader that is slow; further ones are dropped and counted, as a network card does. */
const QUEUE_MOST = 512;
/** Bytes handed to the operating system and not yet taken by QEMU before the device says it is full. */
const PENDING_MOST = 1 << 20;
const LENGTH_BYTES = 4;

export interface QemuOptions {
  /** Largest IP packet, 68 to 65535 bytes. Default 1500. */
  mtu?: number;
  /** The stack's own hardware address. Default 02:00:00:00:00:01. */
  mac?: string;
  /** Name in messages and recordings. Default `qemu`. */
  name?: string;
}

function checkPort(name: string, port: number, least: number): number {
  if (!Number.isInteger(port) || port < least || port > 65535) throw new RangeError(`${name} is ${port}; expected an integer from ${least} to 65535`);
  return port;
}

/** What both forms share: the queue of received frames and the counters. */
export abstract class QemuDevice implements FrameDevice {
  readonly name: string;
  readonly mtu: number;
  readonly mac: Uint8Array;
  readonly capabilities = 0;
  readonly stats = newDeviceStats();
  onReadable: (() => void) | undefined;
  onWritable: (() => void) | undefined;
  /** The UDP or TCP port of this end on loopback. */
  port = 0;
  protected pending = 0;
  protected closed = false;
  #full = false;
  readonly #received = new FrameQueue();
  readonly #pool: FramePool;

  constructor(options: QemuOptions) {
    this.name = options.name ?? "qemu";
    this.mtu = checkMtu(options.mtu ?? 1500);
    this.mac = parseMac(options.mac ?? "02:00:00:00:00:01");
    this.#pool = new FramePool(this.mtu + ETHERNET_HEADER);
  }

  readInto(target: Uint8Array, offset: number, capacity: number): number {
    const frame = this.#received.shift();
    if (!frame) return 0;
    const length = copyFrame(frame, target, offset, capacity);
    this.stats.inFrames++;
    this.stats.inBytes += length;
    this.#pool.give(frame);
    return length;
  }

  write(memory: Uint8Array, parts: Int32Array, first: number, count: number): boolean {
    const length = partsLength(parts, first, count);
    if (this.closed || length > this.mtu + ETHERNET_HEADER || length === 0 || !this.carrier()) {
      this.stats.dropped++;
      return true;
    }
    if (this.pending > PENDING_MOST) {
      this.#full = true;
      this.stats.outBusy++;
      return false;
    }
    const bytes = Buffer.allocUnsafe(this.prefix + length);
    gather(memory, parts, first, count, bytes, this.prefix);
    this.pending += bytes.length;
    this.send(bytes);
    this.stats.outFrames++;
    this.stats.outBytes += length;
    return true;
  }

  abstract close(): void;
  abstract ref(): void;
  abstract unref(): void;
  /** Bytes that the transport wants in front of a frame. */
  protected abstract readonly prefix: number;
  protected abstract carrier(): boolean;
  protected abstract send(bytes: Uint8Array): void;

  protected sent(length: number): void {
    this.pending -= length;
    if (!this.#full || this.pending > PENDING_MOST / 2) return;
    this.#full = false;
    this.onWritable?.();
  }

  protected arrived(bytes: Uint8Array): void {
    if (this.closed || bytes.length === 0 || bytes.length > this.mtu + ETHERNET_HEADER || this.#received.length >= QUEUE_MOST) {
      this.stats.dropped++;
      return;
    }
    const frame = this.#pool.take();
    frame.bytes.set(bytes);
    frame.length = bytes.length;
    this.#received.push(frame);
    this.onReadable?.();
  }
}

class QemuDatagram extends QemuDevice {
  protected readonly prefix = 0;
  readonly #socket: UdpSocket;
  #peer: number;

  constructor(options: QemuDatagramOptions, socket: UdpSocket) {
    super(options);
    this.#socket = socket;
    this.#peer = options.peerPort ?? 0;
    this.port = socket.address().port;
    socket.on("message", (bytes, from) => {
      if (this.#peer === 0) this.#peer = from.port;
      if (from.port === this.#peer) this.arrived(bytes);
      else this.stats.dropped++;
    });
    // A refused datagram only says that QEMU is not running yet, or any more.
    socket.on("error", () => {});
  }

  protected carrier(): boolean {
    return this.#peer !== 0;
  }
  protected send(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#peer, LOOPBACK, () => this.sent(bytes.length));
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#socket.close();
  }
  ref(): void {
    this.#socket.ref();
  }
  unref(): void {
    this.#socket.unref();
  }
}

export interface QemuDatagramOptions extends QemuOptions {
  /** UDP port of this end on 127.0.0.1; QEMU's `remote.port`. Default: one that is free, see `port`. */
  port?: number;
  /** QEMU's `local.port`. Default: whoever sends the first datagram, and nothing is sent before. */
  peerPort?: number;
}

/**
 * The end of `-netdev dgram,local.type=inet,local.host=127.0.0.1,local.port=PEER,remote.type=inet,remote.host=127.0.0.1,remote.port=PORT`.
 * Resolves once its port is bound. @throws RangeError for an option out of range; rejects if the port is taken.
 */
export async function qemuDatagram(options: QemuDatagramOptions = {}): Promise<QemuDevice> {
  const port = checkPort("port", options.port ?? 0, 0);
  if (options.peerPort !== undefined) checkPort("peerPort", options.peerPort, 1);
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, LOOPBACK, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  try {
    return new QemuDatagram(options, socket);
  } catch (error) {
    socket.close();
    throw error;
  }
}

class QemuStream extends QemuDevice {
  protected readonly prefix = LENGTH_BYTES;
  #socket: TcpSocket | undefined;
  readonly #server: Server | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: QemuStreamOptions, server: Server | undefined) {
    super(options);
    this.#server = server;
    this.port = options.port ?? 0;
  }

  /** A later connection takes the place of the one before: QEMU was started again. */
  attach(socket: TcpSocket): void {
    this.#socket?.destroy();
    this.#socket = socket;
    this.#rest = Buffer.alloc(0);
    this.pending = 0;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => {
      if (socket === this.#socket) this.#take(bytes as Buffer);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (socket === this.#socket) this.#socket = undefined;
    });
  }

  #take(bytes: Buffer): void {
    let rest = this.#rest.length ? Buffer.concat([this.#rest, bytes]) : bytes;
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt32BE(0);
      // Nothing behind a length that no Ethernet frame has can be trusted.
      if (length > 65535 + ETHERNET_HEADER) {
        this.#socket?.destroy();
        return;
      }
      if (rest.length < LENGTH_BYTES + length) break;
      this.arrived(rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      rest = rest.subarray(LENGTH_BYTES + length);
    }
    this.#rest = Buffer.from(rest);
  }

  protected carrier(): boolean {
    return this.#socket !== undefined;
  }
  protected send(bytes: Uint8Array): void {
    new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).setUint32(0, bytes.length - LENGTH_BYTES);
    const socket = this.#socket;
    socket?.write(bytes, () => {
      if (socket === this.#socket) this.sent(bytes.length);
    });
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#socket?.destroy();
    this.#server?.close();
  }
  ref(): void {
    this.#socket?.ref();
    this.#server?.ref();
  }
  unref(): void {
    this.#socket?.unref();
    this.#server?.unref();
  }
}

export interface QemuStreamOptions extends QemuOptions {
  /** TCP port on 127.0.0.1: QEMU's, or with `listen` ours (default then: one that is free, see `port`). */
  port?: number;
  /** true: wait for QEMU (`-netdev stream,server=off,...`); false: connect to it (`server=on`). Default true. */
  listen?: boolean;
}

/**
 * The end of `-netdev stream,addr.type=inet,addr.host=127.0.0.1,addr.port=PORT`. Resolves once it listens or is connected; while
 * QEMU is not connected, frames are dropped. @throws RangeError for an option out of range; rejects if the port is taken or refused.
 */
export async function qemuStream(options: QemuStreamOptions = {}): Promise<QemuDevice> {
  const listen = options.listen ?? true;
  const port = checkPort("port", options.port ?? 0, listen ? 0 : 1);
  if (listen) {
    const server = createServer();
    const device = new QemuStream(options, server);
    server.on("connection", (socket) => device.attach(socket));
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, LOOPBACK, resolve));
    device.port = (server.address() as { port: number }).port;
    return device;
  }
  const device = new QemuStream(options, undefined);
  const socket = await new Promise<TcpSocket>((resolve, reject) => {
    const made = connect(port, LOOPBACK, () => resolve(made));
    made.once("error", reject);
  });
  device.attach(socket);
  return device;
}
