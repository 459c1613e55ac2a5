/**
 * Addresses as text, as the 16 bytes the core uses (IPv4 mapped: ::ffff:a.b.c.d), and as Winsock sockaddr records
 * (semantics K.5). Text is refused unless it is exactly one address: no leading zeros, no names.
 */
import { AF_INET, AF_INET6, SIZEOF_SOCKADDR_IN, SIZEOF_SOCKADDR_IN6 } from "../abi/winsock.gen.ts";

export const ADDRESS_BYTES = 16;
/** Bits of the ::ffff:0:0/96 prefix in front of an IPv4 address. */
export const MAPPED_PREFIX_BITS = 96;

export interface SocketAddress {
  /** `192.0.2.1` or `2001:db8::1`. */
  readonly address: string;
  /** 0 to 65535. */
  readonly port: number;
  readonly family: "IPv4" | "IPv6";
  /** IPv6 only, when not 0. */
  readonly scopeId?: number;
}

export interface Prefix {
  readonly address: Uint8Array;
  /** In the 128-bit form: an IPv4 /24 is 120. */
  readonly bits: number;
}

const DOT = 0x2e;
const ZERO = 0x30;

/** A dotted quad as a number, its first part in the highest byte; -1 for any other text. */
export function parseQuad(text: string): number {
  let address = 0;
  let parts = 0;
  let part = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (part < 0 || ++parts > 4) return -1;
      address = address * 256 + part;
      part = -1;
      continue;
    }
    const digit = code - ZERO;
    // No leading zeros: some read them as octal.
    if (digit < 0 || digit > 9 || part === 0) return -1;
    part = part < 0 ? digit : part * 10 + digit;
    if (part > 255) return -1;
  }
  return parts === 4 ? address : -1;
}

function parse4(text: string): number[] | undefined {
  const quad = parseQuad(text);
  return quad < 0 ? undefined : [24, 16, 8, 0].map((shift) => (quad >>> shift) & 0xff);
}

/** Hextets of one side of `::`, in bytes; a dotted quad may end the address. */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (last && i === groups.length - 1 && group.includes(".")) {
      const quad = parse4(group);
      if (!quad) return undefined;
      bytes.push(...quad);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

function parse6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length === 1) {
    const bytes = parseGroups(text, true);
    return bytes?.length === ADDRESS_BYTES ? bytes : undefined;
  }
  if (halves.length !== 2) return undefined;
  const head = parseGroups(halves[0] as string, false);
  const tail = parseGroups(halves[1] as string, true);
  // RFC 4291 §2.2: "::" stands for one group of zeros or more.
  if (!head || !tail || head.length + tail.length > ADDRESS_BYTES - 2) return undefined;
  return [...head, ...new Array<number>(ADDRESS_BYTES - head.length - tail.length).fill(0), ...tail];
}

/** Texts made last, a power of two of them: the addresses of one's own come again with each connection. */
const TEXTS = 64;
const textOf: (string | undefined)[] = new Array<string | undefined>(TEXTS).fill(undefined);
const quadOf = new Array<number>(TEXTS).fill(-1);

/** The dotted quad of a number as parseQuad gives it. */
export function formatQuad(quad: number): string {
  const place = (quad ^ (quad >>> 8)) & (TEXTS - 1);
  if (quadOf[place] === quad) return textOf[place] as string;
  const text = `${quad >>> 24}.${(quad >>> 16) & 0xff}.${(quad >>> 8) & 0xff}.${quad & 0xff}`;
  quadOf[place] = quad;
  textOf[place] = text;
  return text;
}

/** The 16 bytes of an address, or undefined when `text` is none. */
export function tryParseAddress(text: string): Uint8Array | undefined {
  const quad = parse4(text);
  if (quad) return Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...quad]);
  const bytes = text.length <= 45 ? parse6(text) : undefined;
  return bytes && Uint8Array.from(bytes);
}

/** The 16 bytes of an address. Throws a RangeError with the text when it is none. */
export function parseAddress(text: string): Uint8Array {
  const bytes = tryParseAddress(text);
  if (!bytes) throw new RangeError(`address is "${text}"; expected an IPv4 or IPv6 address such as 192.0.2.1 or 2001:db8::1`);
  return bytes;
}

/** `192.0.2.0/24` or `2001:db8::/32`. Without a length the prefix is the one address. */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const four = isMapped(address) && !text.includes(":");
  const size = four ? 32 : 128;
  const length = slash < 0 ? String(size) : text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > size) {
    throw new RangeError(`prefix is "${text}"; expected a length of 0 to ${size} after the slash`);
  }
  return { address, bits: (four ? MAPPED_PREFIX_BITS : 0) + Number(length) };
}

/** true for ::ffff:0:0/96, the form in which the core holds IPv4. */
export function isMapped(bytes: Uint8Array, offset = 0): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

/** Text of 16 address bytes: dotted for mapped IPv4, else as RFC 5952 writes IPv6. */
export function formatAddress(bytes: Uint8Array, offset = 0): string {
  if (isMapped(bytes, offset)) return bytes.subarray(offset + 12, offset + 16).join(".");
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[offset + i] as number) << 8) | (bytes[offset + i + 1] as number));
  // RFC 5952 §4.2: the longest run of two or more zero groups, the first of equals.
  let best = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > bestLength) [best, bestLength] = [i, end - i];
    i = Math.max(i, end - 1);
  }
  const hex = groups.map((group) => group.toString(16));
  if (best < 0) return hex.join(":");
  return `${hex.slice(0, best).join(":")}::${hex.slice(best + bestLength).join(":")}`;
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new RangeError(`port is ${port}; expected an integer from 0 to 65535`);
}

/**
 * Writes a sockaddr_in (IPv4) or sockaddr_in6 record at `ptr`, which has room for 28 bytes.
 * @returns its length: 16 or 28.
 */
export function writeSockaddr(data: DataView, ptr: number, address: string, port: number, scopeId = 0): number {
  checkPort(port);
  const quad = parseQuad(address);
  const bytes = quad < 0 ? parseAddress(address) : undefined;
  data.setUint16(ptr, bytes ? AF_INET6 : AF_INET, true);
  data.setUint16(ptr + 2, port, false);
  if (!bytes) {
    data.setUint32(ptr + 4, quad, false);
    data.setUint32(ptr + 8, 0, true);
    data.setUint32(ptr + 12, 0, true);
    return SIZEOF_SOCKADDR_IN;
  }
  data.setUint32(ptr + 4, 0, true);
  for (let i = 0; i < ADDRESS_BYTES; i++) data.setUint8(ptr + 8 + i, bytes[i] as number);
  data.setUint32(ptr + 24, scopeId, true);
  return SIZEOF_SOCKADDR_IN6;
}

/** Reads a sockaddr record of `length` bytes; undefined for an unknown family or a record too short for its family. */
export function readSockaddr(data: DataView, ptr: number, length: number): SocketAddress | undefined {
  if (length < SIZEOF_SOCKADDR_IN) return undefined;
  const family = data.getUint16(ptr, true);
  const port = data.getUint16(ptr + 2, false);
  if (family === AF_INET) {
    return { address: formatQuad(data.getUint32(ptr + 4, false)), port, family: "IPv4" };
  }
  if (family !== AF_INET6 || length < SIZEOF_SOCKADDR_IN6) return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset + ptr + 8, ADDRESS_BYTES);
  const scopeId = data.getUint32(ptr + 24, true);
  // A mapped address stays recognisable as AF_INET6, so that writing it back gives the same record.
  const address = isMapped(bytes) ? `::ffff:${formatAddress(bytes)}` : formatAddress(bytes);
  const base = { address, port, family: "IPv6" } as const;
  return scopeId ? { ...base, scopeId } : base;
}
