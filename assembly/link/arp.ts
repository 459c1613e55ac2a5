/** ARP packets on their way in (RFC 826; RFC 5227 for what must not be believed). */
import { STAT_ARP_IN, STAT_IN_FRAME_ERRORS } from "../abi/stats";
import { ADDR_ALIGN, ADDR_BYTES, addrSetV4 } from "../base/addr";
import { rd16 } from "../base/bytes";
import { count } from "../base/counters";
import { ARP_OPERATION, ARP_REQUEST, ARP_SENDER_MAC, arpCheck, arpSender, arpTarget } from "../wire/arp";
import { macIsGroup } from "../wire/ethernet";
import { arpAnswer } from "./ask";
import { neighborHeard } from "./neighbor";

const SENDER = memory.data(ADDR_BYTES, ADDR_ALIGN);
/** Sender and target of the packet arpAccept let through, host order. */
export let arpFrom: u32 = 0;
export let arpTo: u32 = 0;

/** True if the packet is well formed and its sender has a hardware address of its own. */
export function arpAccept(p: usize, len: u32): bool {
  count(STAT_ARP_IN);
  if (!arpCheck(p, len) || macIsGroup(p + ARP_SENDER_MAC)) { count(STAT_IN_FRAME_ERRORS); return false; }
  arpFrom = arpSender(p);
  arpTo = arpTarget(p);
  return true;
}

/**
 * Acts on an accepted packet. `ours`: the target address belongs to this interface. `neighbor`: the sender's address is one a
 * host on this link can have, and not ours. A probe (sender 0, RFC 5227 §1.1) is answered but teaches nothing.
 */
export function arpArrive(iface: u32, p: usize, ours: bool, neighbor: bool): void {
  const mac = p + ARP_SENDER_MAC, request = rd16(p + ARP_OPERATION) == ARP_REQUEST;
  if (neighbor) {
    addrSetV4(SENDER, arpFrom);
    neighborHeard(iface, SENDER, mac, ours && request, arpTo);
  }
  if (ours && request && (neighbor || arpFrom == 0)) arpAnswer(iface, arpTo, mac, arpFrom);
}
