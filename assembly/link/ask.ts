/** ARP packets on their way out (RFC 826). */
import { STAT_ARP_OUT } from "../abi/stats";
import { addrV4 } from "../base/addr";
import { count } from "../base/counters";
import { ARP_LENGTH, arpEmit, ARP_REPLY, ARP_REQUEST } from "../wire/arp";
import { ETHER_HEADER, ETHERTYPE_ARP, macCopy, macSetBroadcast } from "../wire/ethernet";
import { device, deviceMac } from "./device";
import { etherWrite } from "./ethernet";

/** vnet header 12 from 2, always zeros and not in tiny; Ethernet header 14 behind it, so that the packet is 4-aligned. */
const VNET_ROOM: i32 = TINY ? 0 : 12;
const BUFFER = memory.data(44 + VNET_ROOM, 4);
const ETHER: usize = BUFFER + 2 + <usize>VNET_ROOM;
const PACKET: usize = ETHER + <usize>ETHER_HEADER;

/** Asks who has the mapped address target16: mac alone, or everybody if mac is 0. 0 or WASI_EAGAIN. */
export function arpAsk(iface: u32, source: u32, target16: usize, mac: usize): i32 {
  const d = device(iface);
  arpEmit(PACKET, ARP_REQUEST, deviceMac(d), source, 0, addrV4(target16));
  if (mac) macCopy(ETHER, mac); else macSetBroadcast(ETHER);
  count(STAT_ARP_OUT);
  return etherWrite(d, ETHER, ETHERTYPE_ARP, ETHER_HEADER + ARP_LENGTH, 0, 0, 0, 0);
}

/** Tells `mac`, which claims to be `target`, that `source` is here. A device without room drops it: the peer asks again. */
export function arpAnswer(iface: u32, source: u32, mac: usize, target: u32): void {
  const d = device(iface);
  arpEmit(PACKET, ARP_REPLY, deviceMac(d), source, mac, target);
  macCopy(ETHER, mac);
  count(STAT_ARP_OUT);
  etherWrite(d, ETHER, ETHERTYPE_ARP, ETHER_HEADER + ARP_LENGTH, 0, 0, 0, 0);
}
