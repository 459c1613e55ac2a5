/** Addresses in the API: IPv4 in dotted form, exactly four decimal numbers without leading zeros. */
import { parsePrefix, parseQuad, tryParseAddress } from "../core/index.ts";
import { wrongType, wrongValue } from "./check.ts";

/** One end of a connection or the source of a datagram. */
export interface Endpoint {
  /** Dotted IPv4: `192.0.2.1`. */
  readonly address: string;
  /** 0 to 65535. */
  readonly port: number;
}

export const ANY_ADDRESS = "0.0.0.0";
/** Where a socket is whose address cannot be had. */
export const NOWHERE: Endpoint = Object.freeze({ address: ANY_ADDRESS, port: 0 });

const FORM = "an IPv4 address such as 192.0.2.1";

/** What stands between a text and being an address here: names and IPv6 get an answer of their own. */
function refusal(argument: string, text: string): RangeError {
  if (tryParseAddress(text)) return wrongValue(argument, text, `${FORM}: this version speaks IPv4 only`);
  const isName = /^(?=.*[a-z])[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(text);
  return wrongValue(argument, text, isName ? `${FORM}: names are not resolved, this version has no resolver` : FORM);
}

/** A dotted IPv4 address, or a TypeError or RangeError that says why not. */
export function checkAddress(argument: string, value: unknown): string {
  if (typeof value !== "string") throw wrongType(argument, value, FORM);
  if (parseQuad(value) < 0) throw refusal(argument, value);
  return value;
}

/** An address to talk to: 0.0.0.0 is none. */
export function checkPeerAddress(argument: string, value: unknown): string {
  const address = checkAddress(argument, value);
  if (address === ANY_ADDRESS) throw wrongValue(argument, value, "the address of a peer, not 0.0.0.0");
  return address;
}

/** An address with a prefix length: `192.0.2.1/24`, length 0 to 32. */
export function checkPrefix(argument: string, value: unknown, needsLength: boolean): string {
  const form = `an IPv4 address with a prefix length such as 192.0.2.1/24`;
  if (typeof value !== "string") throw wrongType(argument, value, form);
  const slash = value.indexOf("/");
  if (slash < 0 && needsLength) throw wrongValue(argument, value, form);
  checkAddress(argument, slash < 0 ? value : value.slice(0, slash));
  try {
    parsePrefix(value);
  } catch {
    throw wrongValue(argument, value, `${form}, the length from 0 to 32`);
  }
  return value;
}

/** true if `address` (dotted) lies in `prefix` (`a.b.c.d/n`). Both have been checked. */
export function prefixHolds(prefix: string, address: string): boolean {
  const { address: network, bits } = parsePrefix(prefix);
  const wanted = parsePrefix(address).address;
  for (let bit = 0; bit < bits; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((network[bit >> 3] as number) & mask) !== ((wanted[bit >> 3] as number) & mask)) return false;
  }
  return true;
}

export function formatEndpoint({ address, port }: Endpoint): string {
  return `${address}:${port}`;
}
