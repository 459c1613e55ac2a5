/** Two cores with one SOCK_SEQPACKET connection, and a core against a TCP peer that says on top what a test wants. */
import assert from "node:assert/strict";
import { LASTACK_WAIT } from "../../host/abi/errors.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import type { CoreConfig } from "../../host/core/index.ts";
import { type MemoryLinkOptions, memoryLink, type PcapngRecorder, pcapng } from "../../host/device/index.ts";
import { World } from "../../host/driver/index.ts";
import { coreModule, Spi } from "./support/spi.ts";

export const A = "10.0.0.1";
export const B = "10.0.0.2";
export const PORT = 102;

export class Cores {
  readonly world: World;
  readonly a: Spi;
  readonly b: Spi;
  /** What a sends and takes, where CoresOptions.pcap names a file. */
  readonly recorder: PcapngRecorder | undefined;

  constructor(module: WebAssembly.Module, { link = {}, seed = 1, config = {}, pcap }: CoresOptions) {
    this.world = new World({ seed });
    const { a, b } = memoryLink({ clock: this.world.clock, seed, ...link });
    this.recorder = pcap ? pcapng(a, pcap, { clock: this.world.clock }) : undefined;
    this.a = new Spi(module, this.world, this.recorder ?? a, `${A}/24`, config);
    this.b = new Spi(module, this.world, b, `${B}/24`, config);
    assert.equal(this.a.startup(), 0);
    assert.equal(this.b.startup(), 0);
  }

  run(ms: number): void {
    this.world.runFor(ms);
  }
}

export interface CoresOptions {
  link?: MemoryLinkOptions;
  seed?: number;
  config?: CoreConfig;
  pcap?: string;
}

export async function cores(options: CoresOptions = {}): Promise<Cores> {
  return new Cores(await coreModule(), options);
}

export interface Joined extends Cores {
  /** On a, connected to t on b. */
  readonly s: number;
  readonly t: number;
  readonly listener: number;
}

/** One connection of messages from a to b. */
export async function joined(options: CoresOptions = {}): Promise<Joined> {
  const made = await cores(options);
  const { a, b } = made;
  const listener = b.listener(PORT, 8, "messages");
  const s = a.socket("messages");
  assert.equal(a.until(() => a.connect(s, B, PORT)), 0, "connect");
  const t = b.until(() => b.accept(listener));
  assert.equal(b.err, 0, "accept");
  return Object.assign(made, { s, t, listener });
}

/** One receive: what came, and whether the message goes on. */
export function receive(spi: Spi, s: number, max?: number, flags = 0): { data: Uint8Array; partial: boolean } | number {
  const data = spi.until(() => spi.recv(s, max, flags));
  return data ? { data, partial: (spi.flagsBack & W.MSG_PARTIAL) !== 0 } : spi.err;
}

/** A whole message of any length, or the error. */
export function message(spi: Spi, s: number): Uint8Array | number {
  const parts: Uint8Array[] = [];
  for (;;) {
    const got = receive(spi, s);
    if (typeof got === "number") return got;
    parts.push(got.data);
    if (!got.partial) return Buffer.concat(parts);
  }
}

export const text = (bytes: Uint8Array | number): string => (typeof bytes === "number" ? `error ${bytes}` : new TextDecoder().decode(bytes));
export const octets = (line: string): Uint8Array => new TextEncoder().encode(line);

/** A WSABUF at the end of the core's area, over `room` bytes behind it; its address. */
export function wsabuf(spi: Spi, bytes: Uint8Array, room = bytes.length): number {
  const at = bufferAt(spi);
  spi.core.memory.ensure();
  spi.core.memory.u8.set(bytes, at + 8);
  spi.core.memory.i32.set([room, at + 8], at >>> 2);
  return at;
}

/** What a call left in that WSABUF. */
export function wsabufBytes(spi: Spi): Uint8Array {
  const at = bufferAt(spi);
  spi.core.memory.ensure();
  return spi.core.memory.u8.slice(at + 8, at + 8 + spi.core.memory.word(at));
}

/** Room of the harness that no call here uses: behind what one send carries. */
function bufferAt(spi: Spi): number {
  return (spi.at + 768 + 16_384) & ~3;
}

export const sendDisconnect = (spi: Spi, s: number, data?: Uint8Array): number => spi.code("WSPSendDisconnect", s, data ? wsabuf(spi, data) : 0);
export const recvDisconnect = (spi: Spi, s: number, room?: number): number =>
  spi.code("WSPRecvDisconnect", s, room === undefined ? 0 : wsabuf(spi, new Uint8Array(room)));

/** A TCP connection under a SOCK_SEQPACKET socket: b speaks what the test says, octet by octet. */
export interface Wire extends Cores {
  /** SOCK_SEQPACKET on a. */
  readonly s: number;
  /** SOCK_STREAM on b. */
  readonly t: number;
}

/** Octets of a TPDU in its packet. */
export function packet(...tpdu: number[]): Uint8Array {
  const length = tpdu.length + 4;
  return Uint8Array.of(3, 0, length >>> 8, length & 255, ...tpdu);
}
export const connectRequest = (source: number, dst = 0, option = 0x21, ...parameters: number[]): Uint8Array =>
  packet(6 + parameters.length, 0xe0, dst >>> 8, dst & 255, source >>> 8, source & 255, option, ...parameters);
export const connectConfirm = (dst: number, source: number, option = 0x21, ...parameters: number[]): Uint8Array =>
  packet(6 + parameters.length, 0xd0, dst >>> 8, dst & 255, source >>> 8, source & 255, option, ...parameters);
export const dataTpdu = (dst: number, nr: number, data: Uint8Array | readonly number[]): Uint8Array => packet(4, 0xf0, dst >>> 8, dst & 255, nr, ...data);
export const disconnectRequest = (dst: number, source: number, reason: number, ...data: number[]): Uint8Array =>
  packet(6, 0x80, dst >>> 8, dst & 255, source >>> 8, source & 255, reason, ...data);
export const disconnectConfirm = (dst: number, source: number): Uint8Array => packet(5, 0xc0, dst >>> 8, dst & 255, source >>> 8, source & 255);

/** a has sent its connection request to b's TCP; `ref` is its reference. */
export async function calling(options: CoresOptions = {}): Promise<Wire & { ref: number; request: Uint8Array }> {
  const made = await cores(options);
  const { a, b } = made;
  const listener = b.listener(PORT);
  const s = a.socket("messages");
  assert.equal(a.connect(s, B, PORT), LASTACK_WAIT);
  const t = b.until(() => b.accept(listener));
  const request = b.until(() => b.recv(t)) ?? new Uint8Array();
  return Object.assign(made, { s, t, request, ref: ((request[8] ?? 0) << 8) | (request[9] ?? 0) });
}

/** The same, confirmed: a's connection is open; 0x77 is b's reference. */
export async function called(options: CoresOptions = {}): Promise<Wire & { ref: number }> {
  const made = await calling(options);
  made.b.send(made.t, connectConfirm(made.ref, 0x77));
  assert.equal(made.a.until(() => made.a.connect(made.s, B, PORT)), 0);
  return made;
}

/** b's TCP is connected to a SOCK_SEQPACKET listener of a. */
export async function knocking(options: CoresOptions = {}, backlog = 8): Promise<Cores & { listener: number; t: number }> {
  const made = await cores(options);
  const listener = made.a.listener(PORT, backlog, "messages");
  const t = made.b.socket();
  assert.equal(made.b.until(() => made.b.connect(t, A, PORT)), 0);
  return Object.assign(made, { listener, t });
}
