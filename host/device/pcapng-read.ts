/** Reading back what the recorder wrote, for tests and simulations. Little endian, one section, nanoseconds. */
export interface RecordedFrame {
  readonly interface: string;
  readonly timestampNs: bigint;
  readonly direction: "inbound" | "outbound" | "unknown";
  /** Bytes the frame had on the wire; `bytes` can be fewer when the reader cut it. */
  readonly originalLength: number;
  readonly bytes: Uint8Array;
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const IF_NAME = 2;
const EPB_FLAGS = 2;
const DIRECTIONS = ["unknown", "inbound", "outbound", "unknown"] as const;

/** The value of the first option `code` between `at` and `end`. */
function option(data: DataView, at: number, end: number, code: number): DataView | undefined {
  for (let i = at; i + 4 <= end; ) {
    const kind = data.getUint16(i, true);
    const length = data.getUint16(i + 2, true);
    if (kind === 0 || i + 4 + length > end) return undefined;
    if (kind === code) return new DataView(data.buffer, data.byteOffset + i + 4, length);
    i += 4 + ((length + 3) & ~3);
  }
  return undefined;
}

function readPacket(data: DataView, at: number, end: number, interfaces: readonly string[]): RecordedFrame {
  const captured = end - at < 32 ? Number.POSITIVE_INFINITY : data.getUint32(at + 20, true);
  if (at + 28 + captured > end - 4) throw new RangeError(`pcapng packet block at ${at}: ${captured} bytes do not fit its length`);
  const flags = option(data, at + 28 + ((captured + 3) & ~3), end - 4, EPB_FLAGS);
  const direction = DIRECTIONS[(flags && flags.byteLength >= 4 ? flags.getUint32(0, true) : 0) & 3] ?? "unknown";
  return {
    interface: interfaces[data.getUint32(at + 8, true)] ?? "",
    timestampNs: (BigInt(data.getUint32(at + 12, true)) << 32n) | BigInt(data.getUint32(at + 16, true)),
    direction,
    originalLength: data.getUint32(at + 24, true),
    bytes: new Uint8Array(data.buffer, data.byteOffset + at + 28, captured).slice(),
  };
}

/**
 * The frames of a recording, in file order. Blocks it does not know are passed over.
 * @throws RangeError when a block's lengths do not fit, with its position.
 */
export function readPcapng(bytes: Uint8Array): RecordedFrame[] {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: RecordedFrame[] = [];
  const interfaces: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 12 > bytes.length) throw new RangeError(`pcapng block at ${at} is cut`);
    const type = data.getUint32(at, true);
    const length = data.getUint32(at + 4, true);
    const end = at + length;
    if (length < 12 || length % 4 !== 0 || end > bytes.length || data.getUint32(end - 4, true) !== length) {
      throw new RangeError(`pcapng block at ${at} has length ${length}, which does not fit`);
    }
    if (type === SECTION_HEADER && data.getUint32(at + 8, true) !== BYTE_ORDER_MAGIC) throw new RangeError("pcapng section is not little endian");
    if (type === INTERFACE_DESCRIPTION) {
      const name = option(data, at + 16, end - 4, IF_NAME);
      interfaces.push(name ? new TextDecoder().decode(name) : "");
    } else if (type === ENHANCED_PACKET) {
      frames.push(readPacket(data, at, end, interfaces));
    }
    at = end;
  }
  return frames;
}
