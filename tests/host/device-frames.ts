/** Frames for device tests: built here, byte by byte, so that nothing under test checks itself. */
import type { FrameDevice } from "../../host/device/index.ts";

function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const be16 = (value: number): number[] => [value >> 8, value & 0xff];
const be32 = (value: number): number[] => [...be16(value >>> 16), ...be16(value & 0xffff)];
const quad = (address: string): number[] => address.split(".").map(Number);
const mac = (text: string): number[] => text.split(":").map((byte) => Number.parseInt(byte, 16));

export const MAC_A = "02:00:00:00:00:01";
export const MAC_B = "02:00:00:00:00:02";

export function ethernet(type: number, payload: ArrayLike<number>, from = MAC_A, to = MAC_B): Uint8Array {
  return Uint8Array.from([...mac(to), ...mac(from), ...be16(type), ...Array.from(payload)]);
}

export function ipv4(protocol: number, payload: ArrayLike<number>, { source = "10.0.0.1", destination = "10.0.0.2", fragment = 0 } = {}): Uint8Array {
  const total = 20 + payload.length;
  const header = Uint8Array.from([0x45, 0, ...be16(total), 0x12, 0x34, ...be16(fragment), 64, protocol, 0, 0, ...quad(source), ...quad(destination)]);
  const sum = internetChecksum(header);
  header.set(be16(sum), 10);
  return Uint8Array.from([...header, ...Array.from(payload)]);
}

function withTransportChecksum(protocol: number, segment: Uint8Array, at: number, source: string, destination: string): Uint8Array {
  const pseudo = [...quad(source), ...quad(destination), 0, protocol, ...be16(segment.length)];
  const sum = internetChecksum(Uint8Array.from([...pseudo, ...segment]));
  segment.set(be16(sum), at);
  return segment;
}

export interface TcpFields {
  seq?: number;
  ack?: number;
  flags?: number;
  window?: number;
  options?: number[];
  payload?: ArrayLike<number>;
}

export function tcpFrame({ seq = 1000, ack = 2000, flags = 0x10, window = 500, options = [], payload = [] }: TcpFields = {}): Uint8Array {
  const offset = (20 + options.length) / 4;
  const segment = Uint8Array.from([
    ...be16(1024), ...be16(80), ...be32(seq), ...be32(ack), offset << 4, flags, ...be16(window), 0, 0, 0, 0, ...options, ...Array.from(payload),
  ]);
  return ethernet(0x0800, ipv4(6, withTransportChecksum(6, segment, 16, "10.0.0.1", "10.0.0.2")));
}

export function udpFrame(payload: ArrayLike<number>): Uint8Array {
  const datagram = Uint8Array.from([...be16(53), ...be16(5353), ...be16(8 + payload.length), 0, 0, ...Array.from(payload)]);
  return ethernet(0x0800, ipv4(17, withTransportChecksum(17, datagram, 6, "10.0.0.1", "10.0.0.2")));
}

export function arpFrame(operation: number): Uint8Array {
  const body = [0, 1, 8, 0, 6, 4, ...be16(operation), ...mac(MAC_A), ...quad("10.0.0.1"), ...mac(MAC_B), ...quad("10.0.0.2")];
  return ethernet(0x0806, body);
}

/** Writes a frame in one part. */
export function send(device: FrameDevice, frame: Uint8Array): boolean {
  return device.write(frame, Int32Array.of(0, frame.length), 0, 1);
}

/** All frames that can be read now. */
export function receive(device: FrameDevice): Uint8Array[] {
  const buffer = new Uint8Array(70_000);
  const frames: Uint8Array[] = [];
  for (let length = device.readInto(buffer, 0, buffer.length); length > 0; length = device.readInto(buffer, 0, buffer.length)) {
    frames.push(buffer.slice(0, length));
  }
  return frames;
}

/** A frame that carries its number. */
export function numbered(number: number, length = 60): Uint8Array {
  return ethernet(0x0800, ipv4(253, [...be32(number), ...new Array<number>(length).fill(0)]));
}

export function numberOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(34);
}
