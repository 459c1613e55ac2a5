/** Frames through a device: the filter on the way in, header and write on the way out. */
import { DEVICE_CHECKSUM_OFFLOAD, DEVICE_VNET_HEADER, WASI_EAGAIN } from "../abi/link";
import { STAT_IN_FRAMES, STAT_IN_FRAME_ERRORS, STAT_OUT_FRAMES, STAT_OUT_FRAMES_BUSY } from "../abi/stats";
import { frameBounds, wr16 } from "../base/bytes";
import { count } from "../base/counters";
import { frameBegin, framePart, frameWrite } from "../wasi/preview1";
import {
  ETHER_DESTINATION, ETHER_HEADER, ETHER_SOURCE, ETHER_TYPE, etherCheck, etherType, macCopy, macEqual, macIsBroadcast, macIsGroup,
} from "../wire/ethernet";
import { VNET_HEADER, VNET_REFUSED, VNET_TRUSTED, vnetRead } from "../wire/vnet";
import { Device, deviceMac, deviceSegments } from "./device";

/** Payload of the frame etherAccept let in, its length, and what is known about it. */
export let etherPayload: usize = 0;
export let etherLength: u32 = 0;
/** Sent to a group or to all, not to us alone. */
export let etherToGroup: bool = false;
/** The device vouches for the transport checksum. */
export let etherTrusted: bool = false;

/** 01:00:5e:00:00:01, all hosts on the link (RFC 1112 §4), as it lies in memory. */
const ALL_HOSTS = memory.data<u8>([0x01, 0x00, 0x5e, 0x00, 0x00, 0x01], 2);

/**
 * Inspects a received frame (with its vnet header if the device has one, at a 2-aligned address) and returns its EtherType if it
 * is for us: our address, broadcast, or all-hosts; 0 if not.
 */
// @ts-ignore: decorator
@inline export function etherAccept(d: Device, frame: usize, len: u32): u32 {
  frameBounds(frame, len);
  count(STAT_IN_FRAMES);
  etherTrusted = false;
  if (!TINY && d.capabilities & DEVICE_VNET_HEADER) {
    const says = len < VNET_HEADER ? VNET_REFUSED : vnetRead(frame, len, deviceSegments(d));
    if (says == VNET_REFUSED) { count(STAT_IN_FRAME_ERRORS); return 0; }
    etherTrusted = says == VNET_TRUSTED && (d.capabilities & DEVICE_CHECKSUM_OFFLOAD) != 0;
    frame += VNET_HEADER;
    len -= VNET_HEADER;
  }
  if (!etherCheck(len) || macIsGroup(frame + ETHER_SOURCE)) { count(STAT_IN_FRAME_ERRORS); return 0; }
  etherPayload = frame + ETHER_HEADER;
  etherLength = len - ETHER_HEADER;
  etherToGroup = macIsGroup(frame + ETHER_DESTINATION);
  const to = frame + ETHER_DESTINATION;
  const ours = etherToGroup ? macIsBroadcast(to) || macEqual(to, ALL_HOSTS) : macEqual(to, deviceMac(d));
  return ours ? etherType(frame) : 0;
}

/**
 * Sends the frame [ether, headLen][p1, n1][p2, n2]. The destination stands at `ether` already, the vnet header in the 12 bytes before, zeros
 * for all but packets that the device is to cut; source and type are filled in here. 0, or WASI_EAGAIN: the device is full and took nothing. Short frames are padded by
 * the device. A device that fails otherwise counts as a link that lost the frame.
 */
export function etherWrite(d: Device, ether: usize, type: u32, headLen: u32, p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  macCopy(ether + ETHER_SOURCE, deviceMac(d));
  wr16(ether + ETHER_TYPE, type);
  if (!TINY) {
    lastHead = ether;
    lastLength = headLen;
    lastDevice = d;
  }
  return write(d, ether, headLen, p1, n1, p2, n2);
}

/** Head, its length and device of the frame written last, 0 = forgotten. */
let lastHead: usize = 0;
let lastLength: u32 = 0;
let lastDevice: Device = changetype<Device>(0);

/** Whoever composes another head lets nobody take it for the one written last. */
// @ts-ignore: decorator
@inline export function etherForget(): void { lastHead = 0; }
/** The head at `ether` was written last and stands there still, but for what its owner changed behind it. */
// @ts-ignore: decorator
@inline export function etherMayRepeat(ether: usize): bool { return !TINY && lastHead == ether; }
/** Writes it again with other parts: etherWrite's answers. To be asked before: etherMayRepeat. */
export function etherRepeat(p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  return write(lastDevice, lastHead, lastLength, p1, n1, p2, n2);
}

function write(d: Device, ether: usize, headLen: u32, p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  frameBegin();
  if (!TINY && d.capabilities & DEVICE_VNET_HEADER) framePart(ether - VNET_HEADER, headLen + VNET_HEADER); else framePart(ether, headLen);
  if (n1) framePart(p1, n1);
  if (n2) framePart(p2, n2);
  if (frameWrite(d.fd) == WASI_EAGAIN) { count(STAT_OUT_FRAMES_BUSY); return WASI_EAGAIN; }
  count(STAT_OUT_FRAMES);
  return 0;
}
