/**
 * ARP for IPv4 over Ethernet (RFC 826).
 *
 *   0 hardware type 2 | 2 protocol type 2 | 4 hardware length 1 | 5 protocol length 1 | 6 operation 2
 *   8 sender hardware 6 | 14 sender protocol 4 | 18 target hardware 6 | 24 target protocol 4
 */
import { rd16, rd32, wr16, wr32 } from "../base/bytes";
import { ETHERTYPE_IPV4, macCopy } from "./ethernet";

export const ARP_OPERATION: usize = 6;
export const ARP_SENDER_MAC: usize = 8;
export const ARP_SENDER_IP: usize = 14;
export const ARP_TARGET_MAC: usize = 18;
export const ARP_TARGET_IP: usize = 24;
export const ARP_LENGTH: u32 = 28;

export const ARP_REQUEST: u32 = 1;
export const ARP_REPLY: u32 = 2;

const HARDWARE_ETHERNET: u32 = 1;
/** Hardware address length 6, protocol address length 4. */
const LENGTHS: u32 = 0x0604;

/** True if `len` bytes at p are a request or reply that maps IPv4 to Ethernet. */
export function arpCheck(p: usize, len: u32): bool {
  return len >= ARP_LENGTH && rd16(p) == HARDWARE_ETHERNET && rd16(p + 2) == ETHERTYPE_IPV4 && rd16(p + 4) == LENGTHS &&
    (rd16(p + ARP_OPERATION) == ARP_REQUEST || rd16(p + ARP_OPERATION) == ARP_REPLY);
}

/** The two protocol addresses in host order. */
// @ts-ignore: decorator
@inline export function arpSender(p: usize): u32 { return rd16(p + ARP_SENDER_IP) << 16 | rd16(p + ARP_SENDER_IP + 2); }
// @ts-ignore: decorator
@inline export function arpTarget(p: usize): u32 { return rd32(p + ARP_TARGET_IP); }

/** Writes a packet at the 4-aligned p. targetMac 0 = unknown, six zeros. */
export function arpEmit(p: usize, operation: u32, senderMac: usize, sender: u32, targetMac: usize, target: u32): void {
  wr16(p, HARDWARE_ETHERNET);
  wr16(p + 2, ETHERTYPE_IPV4);
  wr16(p + 4, LENGTHS);
  wr16(p + ARP_OPERATION, operation);
  macCopy(p + ARP_SENDER_MAC, senderMac);
  wr16(p + ARP_SENDER_IP, sender >> 16);
  wr16(p + ARP_SENDER_IP + 2, sender);
  if (targetMac) macCopy(p + ARP_TARGET_MAC, targetMac); else memory.fill(p + ARP_TARGET_MAC, 0, 6);
  wr32(p + ARP_TARGET_IP, target);
}
