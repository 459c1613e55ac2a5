/** Frame devices: wires within a process, TAP, and wrappers that record. */
export { type CableEnd, type CableHook, cable } from "./cable.ts";
export type { ChannelStats, FrameHook } from "./channel.ts";
export {
  checkMtu, type DeviceStats, ETHERNET_HEADER, type FrameDevice, formatMac, gather, longestFrame, newDeviceStats, parseMac, partsLength, VNET_HEADER, vnetBytes,
} from "./contract.ts";
export type { FrameFate, Impairments } from "./impairment.ts";
export { type Direction, type MemoryLink, type MemoryLinkOptions, memoryLink } from "./link.ts";
export { type PcapngOptions, PcapngRecorder, type PcapngSink, pcapng } from "./pcapng.ts";
export { type RecordedFrame, readPcapng } from "./pcapng-read.ts";
export { type QemuDatagramOptions, type QemuOptions, type QemuStreamOptions, qemuDatagram, qemuStream } from "./qemu.ts";
export { Station, type StationOptions } from "./station.ts";
export { FrameSwitch, type FrameSwitchOptions, frameSwitch, type PortStats } from "./switch.ts";
export { TapDevice, type TapOffload, type TapOptions, tap } from "./tap.ts";
export { DeviceError } from "./tap-system.ts";
export { type ThreadLink, type ThreadLinkOptions, ThreadStation, threadLink } from "./thread-link.ts";
export {
  type DecodedArp, type DecodedFrame, type DecodedIcmp, type DecodedIpv4, type DecodedTcp, type DecodedUdp,
  decodeFrame, flagNames, formatFrame, type TcpFlags, type TcpOptions, traceLine,
} from "./trace.ts";
