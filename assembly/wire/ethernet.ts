/**
 * Ethernet II frames (RFC 894).
 *
 *   | vnet header 12 (wire/vnet, only with DEVICE_VNET_HEADER) | destination 6 | source 6 | type 2 | payload ... |
 *
 * Frames lie at 2 mod 4, so that the payload is 4-aligned and addresses are at least 2-aligned.
 */
import { rd8, rd16 } from "../base/bytes";

export const ETHER_DESTINATION: usize = 0;
export const ETHER_SOURCE: usize = 6;
export const ETHER_TYPE: usize = 12;
export const ETHER_HEADER: u32 = 14;

export const ETHERTYPE_IPV4: u32 = 0x0800;
export const ETHERTYPE_ARP: u32 = 0x0806;

// @ts-ignore: decorator
@inline export function etherCheck(len: u32): bool { return len >= ETHER_HEADER; }

// @ts-ignore: decorator
@inline export function etherType(frame: usize): u32 { return rd16(frame + ETHER_TYPE); }

/** True for multicast and broadcast destinations: the group bit of the first byte. */
// @ts-ignore: decorator
@inline export function macIsGroup(mac: usize): bool { return (rd8(mac) & 1) != 0; }

// @ts-ignore: decorator
@inline export function macCopy(dst: usize, src: usize): void {
  store<u16>(dst, load<u16>(src));
  store<u16>(dst, load<u16>(src, 2), 2);
  store<u16>(dst, load<u16>(src, 4), 4);
}

/** Both 2-aligned. */
// @ts-ignore: decorator
@inline export function macEqual(a: usize, b: usize): bool {
  return load<u16>(a) == load<u16>(b) && load<u16>(a, 2) == load<u16>(b, 2) && load<u16>(a, 4) == load<u16>(b, 4);
}

// @ts-ignore: decorator
@inline export function macIsBroadcast(mac: usize): bool {
  return (load<u16>(mac) & load<u16>(mac, 2) & load<u16>(mac, 4)) == 0xffff;
}

// @ts-ignore: decorator
@inline export function macSetBroadcast(mac: usize): void {
  store<u16>(mac, 0xffff);
  store<u16>(mac, 0xffff, 2);
  store<u16>(mac, 0xffff, 4);
}

/** 01:00:5e and the low 23 bits of an IPv4 group (RFC 1112 §6.4). */
export function macSetGroupV4(mac: usize, group: u32): void {
  store<u8>(mac, 0x01);
  store<u8>(mac, 0x00, 1);
  store<u8>(mac, 0x5e, 2);
  store<u8>(mac, <u8>((group >> 16) & 0x7f), 3);
  store<u8>(mac, <u8>(group >> 8), 4);
  store<u8>(mac, <u8>group, 5);
}
