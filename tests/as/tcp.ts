/**
 * A peer made by hand, for the specs of tcp: the stack at 10.0.0.1 port 80, the peer at 10.0.0.2 port 5000 with ISN 1000. Specs say
 * what arrives and get back, as text, what leaves: one "FLAGS SEQ ACK LEN" per segment, numbers relative to the ISN of their
 * direction, separated by ", ". Nothing more may leave, so silence is asserted too.
 */
import { CONFIG_SWITCHES, SIZEOF_CONFIG } from "../../assembly/abi/config";
import { DEVICE_VNET_HEADER } from "../../assembly/abi/link";
import { addrSetV4 } from "../../assembly/base/addr";
import { frameBounds, rd16, rd32, wr16, wr32 } from "../../assembly/base/bytes";
import { sumBytes, sumFinish, sumFold, sumPseudo } from "../../assembly/base/checksum";
import { configLoad } from "../../assembly/base/config";
import { countersReset } from "../../assembly/base/counters";
import { timeReset } from "../../assembly/base/time";
import { blocksReset } from "../../assembly/memory/blocks";
import { chunksReset } from "../../assembly/memory/chunks";
import { deadlineNext, deadlineTake } from "../../assembly/memory/deadlines";
import { identitiesReset, idOfWaiting, isConnection } from "../../assembly/memory/identities";
import { clockSample, seedFromHost } from "../../assembly/wasi/preview1";
import { device, deviceAdd, devicesReset } from "../../assembly/link/device";
import { arpAccept, arpArrive } from "../../assembly/link/arp";
import { etherAccept, etherLength, etherPayload, etherToGroup, etherTrusted } from "../../assembly/link/ethernet";
import { neighborRefused, neighborsReset, neighborsTimer } from "../../assembly/link/neighbor";
import { parkedRelease } from "../../assembly/link/parking";
import { addressAdd, addressesReset } from "../../assembly/ip/address";
import { icmpReset } from "../../assembly/ip/icmp";
import { identificationReset } from "../../assembly/ip/identification";
import { DST, flags, inputReset, ipv4Arrive, payload, payloadLength, SRC } from "../../assembly/ip/input";
import { loopbackReset } from "../../assembly/ip/loopback";
import { reassemblyRelease, reassemblyReset } from "../../assembly/ip/reassembly";
import { routeAdd, routesReset } from "../../assembly/ip/route";
import { tcpArrive } from "../../assembly/tcp/arrival";
import { tcpChangedTake, tcpFlaggedTake, tcpNotifyTake } from "../../assembly/tcp/lists";
import { tcpOutput } from "../../assembly/tcp/output";
import { tcpReset } from "../../assembly/tcp/table";
import { tcb } from "../../assembly/tcp/tcb";
import { tcpTimer } from "../../assembly/tcp/timers";
import { waitingTimer } from "../../assembly/tcp/waiting";
import { tcpAcceptTake, tcpAttach, tcpListen, tcpOpen, tcpRecv, tcpSend } from "../../assembly/tcp/user";
import { ACK, FIN, PSH, RST, SYN } from "../../assembly/wire/tcp";
import { freshArena } from "./region";
import { advance, deviceFull, taken } from "./world";

export const US: u32 = 0x0a000001;
export const PEER: u32 = 0x0a000002;
export const LPORT: u32 = 80;
export const RPORT: u32 = 5000;
/** The peer's initial sequence number. */
export const IRS: u32 = 1000;
export const CONNECTIONS: u32 = 16;
const OUR_MAC = memory.data<u8>([2, 0, 0, 0, 0, 1], 2);
const PEER_MAC = memory.data<u8>([2, 0, 0, 0, 0, 2], 2);

const FBUF = memory.data(70000, 16);
const TBUF = memory.data(70000, 16);
/** The frame that arrives, at 2 mod 4 like the core's own buffer; its IP header and its TCP header. */
export const F: usize = FBUF + 2;
const IP: usize = F + 14;
export const SEG: usize = IP + 20;
/** The frame that left last, its IP and TCP header, its text. */
export const T: usize = TBUF + 2;
const TSEG: usize = T + 34;

/** A frame with its vnet header in front, at 2 mod 4 too, and the vnet header of the frame that left last; zeros where the device has none. */
const VBUF = memory.data(70100, 16);
const V: usize = VBUF + 2;
export const VNET = memory.data(12, 4);
/** DEVICE_x bits of the device that the next fresh() makes, and those of the one there is. */
let capabilitiesNext: u32 = 0;
let capabilities: u32 = 0;
export function offloading(bits: u32): void { capabilitiesNext = bits; }

const LOCAL = memory.data(16, 8);
const REMOTE = memory.data(16, 8);
const ANY = memory.data(16, 8);
const RECORD = memory.data(256, 4);
/** Bytes to send and bytes read. */
export const DATA = memory.data(300000, 16);
export const READ = memory.data(300000, 16);

/** The connection under test, the listener, and our ISN as the last SYN showed it. */
export let c: i32 = -1;
export let listener: i32 = -1;
export let iss: u32 = 0;
/** Fields of the segment that left last. */
export let lastWindow: u32 = 0;
export let lastMss: i32 = -1;
export let lastScale: i32 = -1;
export let lastSport: u32 = 0;
export let lastText: usize = 0;
export let lastLen: u32 = 0;
/** NOTIFY_x bits of all connections with an owner since notified() was asked last. */
let news: u32 = 0;
/** Port the next arriving segment goes to, and comes from. */
export let toPort: u32 = LPORT;
export let fromPort: u32 = RPORT;

export function usePorts(to: u32, from: u32): void { toPort = to; fromPort = from; }
export function use(i: i32): void { c = i; }
export function localAddress(): usize { addrSetV4(LOCAL, US); return LOCAL; }
export function remoteAddress(): usize { addrSetV4(REMOTE, PEER); return REMOTE; }
export function anyAddress(): usize { addrSetV4(ANY, 0); return ANY; }

/** Next value of a configuration field for the fresh() that follows; fields keep their defaults otherwise. */
let set = false;
export function knob(offset: u32, value: u32): void {
  if (!set) memory.fill(RECORD, 0xff, 256);
  set = true;
  store<u32>(RECORD + offset, value);
}

/** Starts everything over: one interface with MTU `mtu`, the peer's hardware address known. */
export function fresh(mtu: u32 = 1500): void {
  if (!set) memory.fill(RECORD, 0xff, 256);
  set = false;
  freshArena();
  store<u32>(RECORD, SIZEOF_CONFIG);
  store<u32>(RECORD + 8, CONNECTIONS);
  assert(configLoad(RECORD, SIZEOF_CONFIG), "configuration refused");
  timeReset(0);
  clockSample();
  seedFromHost();
  countersReset();
  chunksReset();
  identitiesReset(CONNECTIONS, 4);
  devicesReset(); addressesReset(); routesReset(); identificationReset(); inputReset();
  loopbackReset(); reassemblyReset(); icmpReset(); neighborsReset();
  assert(tcpReset(), "no room for tcp");
  blocksReset(1024);
  deviceFull(0);
  while (taken(T, 65536)) {}
  capabilities = capabilitiesNext;
  capabilitiesNext = 0;
  memory.fill(VNET, 0, 12);
  assert(deviceAdd(7, capabilities, mtu, OUR_MAC) == 0, "no device");
  addressAdd(0, localAddress(), 96 + 24);
  routeAdd(anyAddress(), 96, remoteAddress(), 0);
  meet();
  c = -1;
  listener = -1;
  news = 0;
  usePorts(LPORT, RPORT);
  for (let i: u32 = 0; i < 300000; i++) store<u8>(DATA + i, <u8>(i * 7 + (i >> 8)));
}

/** An ARP request from the peer: afterwards frames to it leave at once. */
function meet(): void {
  memory.fill(F, 0xff, 6);
  memory.copy(F + 6, PEER_MAC, 6);
  wr16(F + 12, 0x0806);
  wr16(IP, 1); wr16(IP + 2, 0x0800); wr16(IP + 4, 0x0604); wr16(IP + 6, 1);
  memory.copy(IP + 8, PEER_MAC, 6);
  wr32(IP + 14, PEER);
  memory.fill(IP + 18, 0, 6);
  wr32(IP + 24, US);
  if (accept(F, 60) == 0x0806 && arpAccept(etherPayload, etherLength)) arpArrive(0, etherPayload, true, true);
}

/** Egress, and what the owners are told. */
export function pump(): void {
  for (let turns = 0; turns < 4096; turns++) {
    const i = tcpFlaggedTake();
    if (i < 0) break;
    if (tcpOutput(i) == 6) break;
  }
  for (let i = tcpChangedTake(); i >= 0; i = tcpChangedTake()) news |= tcpNotifyTake(i);
}

/** NOTIFY_x bits since the last call. */
export function notified(): u32 {
  pump();
  const bits = news;
  news = 0;
  return bits;
}

/** Lets `ms` pass, stopping at every deadline, so that each timer runs when it is due. */
export function wait(ms: u32): void {
  let left = ms;
  for (;;) {
    const due = deadlineNext(), step = due >= 0 && <u32>due < left ? <u32>due : left;
    jump(step);
    left -= step;
    if (!left) return;
  }
}

/** Lets `ms` pass at once, as when nobody polled. */
export function jump(ms: u32): void {
  advance(ms);
  clockSample();
  for (let id = deadlineTake(); id >= 0; id = deadlineTake()) {
    if (isConnection(<u32>id)) { tcpTimer(id); continue; }
    if (<u32>id == idOfWaiting()) { waitingTimer(); continue; }
    neighborsTimer();
    for (let b = neighborRefused(); b; b = neighborRefused()) parkedRelease(b);
  }
  pump();
}

function flagBits(text: string): u32 {
  let bits: u32 = 0;
  for (let i = 0; i < text.length; i++) {
    const ch = text.charAt(i);
    bits |= ch == "S" ? SYN : ch == "A" ? ACK : ch == "F" ? FIN : ch == "R" ? RST : ch == "P" ? PSH : ch == "U" ? 0x20 : 0;
  }
  return bits;
}

let optionBytes: u32 = 0;
/** Options of the next segment that arrives, as hex; padded with zeros to a multiple of four. */
export function options(hex: string): void {
  optionBytes = 0;
  for (let i = 0; i + 1 < hex.length; i += 2) store<u8>(SEG + 20 + optionBytes++, <u8>parseInt(hex.substr(i, 2), 16));
  while (optionBytes & 3) store<u8>(SEG + 20 + optionBytes++, 0);
}

/**
 * Composes the peer's segment at SEG: sequence number relative to IRS, ACK relative to our ISN, window 65535 unless told, `len`
 * bytes of the pattern whose place is their sequence number. Returns the segment's length.
 */
export function compose(bits: string, seq: u32, ack: u32, len: u32 = 0, win: u32 = 65535): u32 {
  const header = 20 + optionBytes;
  optionBytes = 0;
  wr16(SEG, fromPort); wr16(SEG + 2, toPort);
  wr32(SEG + 4, IRS + seq); wr32(SEG + 8, flagBits(bits) & ACK ? iss + ack : 0);
  wr16(SEG + 12, header << 10 | flagBits(bits)); wr16(SEG + 14, win); wr32(SEG + 16, 0);
  for (let i: u32 = 0; i < len; i++) store<u8>(SEG + header + i, <u8>((seq + i) * 7 + ((seq + i) >> 8)));
  return header + len;
}

/** Puts the checksum into the segment at SEG. */
export function seal(len: u32): void {
  store<u16>(SEG + 16, 0);
  store<u16>(SEG + 16, <u16>sumFinish(sumPseudo(remoteAddress(), localAddress(), true, 6, len) + sumBytes(SEG, len)));
}

/** Brings the segment of `len` bytes at SEG in, in a frame of its own. */
export function deliver(len: u32): void {
  memory.copy(F, OUR_MAC, 6);
  memory.copy(F + 6, PEER_MAC, 6);
  wr16(F + 12, 0x0800);
  wr16(IP, 0x4500); wr16(IP + 2, 20 + len); wr32(IP + 4, 0x00010000); wr16(IP + 8, 64 << 8 | 6); wr16(IP + 10, 0);
  wr32(IP + 12, PEER); wr32(IP + 16, US);
  store<u16>(IP + 10, <u16>sumFinish(sumBytes(IP, 20)));
  arrive(F, 34 + len);
}

/** The vnet header of the next frame that arrives: flags, segmentation, header bytes, segment size, checksum start and offset. Zeros otherwise. */
export function vnet(bits: u32, kind: u32, header: u32, size: u32, start: u32, offset: u32): void {
  store<u8>(V, <u8>bits);
  store<u8>(V, <u8>kind, 1);
  store<u16>(V, <u16>header, 2);
  store<u16>(V, <u16>size, 4);
  store<u16>(V, <u16>start, 6);
  store<u16>(V, <u16>offset, 8);
}

function accept(frame: usize, len: u32): u32 {
  if (!(capabilities & DEVICE_VNET_HEADER)) return etherAccept(device(0), frame, len);
  memory.copy(V + 12, frame, len);
  const type = etherAccept(device(0), V, 12 + len);
  memory.fill(V, 0, 12);
  return type;
}

/** Brings a frame in the way stack/ingress does. */
export function arrive(frame: usize, len: u32): void {
  if (accept(frame, len) != 0x0800) return;
  if (ipv4Arrive(0, etherPayload, etherLength, etherTrusted, etherToGroup) == 6) tcpArrive(SRC, DST, payload, payloadLength, flags);
  reassemblyRelease();
}

/** A segment of the peer arrives; nothing leaves yet. */
export function rx(bits: string, seq: u32, ack: u32 = 0, len: u32 = 0, win: u32 = 65535): void {
  const n = compose(bits, seq, ack, len, win);
  seal(n);
  deliver(n);
}

/** The next segment that left, read into the last… fields and returned as text; "" if none did. */
export function next(): string {
  pump();
  const n = frameOut();
  if (!n) return "";
  frameBounds(T, n);
  const len = n - 34;
  assert(rd16(T + 12) == 0x0800 && rd16(T + 16) == n - 14 && load<u8>(T + 23) == 6, "not TCP");
  const pseudo = sumPseudo(localAddress(), remoteAddress(), true, 6, len);
  assert(load<u8>(VNET) & 1 ? load<u16>(TSEG, 16) == <u16>sumFold(pseudo) : sumFinish(pseudo + sumBytes(TSEG, len)) == 0, "checksum");
  return describeSegment(len);
}

function describeSegment(len: u32): string {
  const bits: u32 = load<u8>(TSEG + 13), header: u32 = (<u32>load<u8>(TSEG + 12) >> 4) << 2, seq = rd32(TSEG + 4), ack = rd32(TSEG + 8);
  if (bits & SYN) iss = seq;
  lastWindow = rd16(TSEG + 14);
  lastSport = rd16(TSEG);
  lastText = TSEG + header;
  lastLen = len - header;
  lastMss = -1;
  lastScale = -1;
  for (let at: u32 = 20; at < header; at += load<u8>(TSEG + at) < 2 ? 1 : load<u8>(TSEG + at + 1)) {
    if (load<u8>(TSEG + at) == 2) lastMss = <i32>rd16(TSEG + at + 2);
    if (load<u8>(TSEG + at) == 3) lastScale = <i32>load<u8>(TSEG + at + 2);
  }
  let name = "";
  if (bits & SYN) name += "S";
  if (bits & FIN) name += "F";
  if (bits & RST) name += "R";
  if (bits & PSH) name += "P";
  if (bits & ACK) name += "A";
  return name + " " + (seq - iss).toString() + " " + (bits & ACK ? (ack - IRS).toString() : "-") + " " + lastLen.toString();
}

function frameTaken(): u32 {
  const n = taken(T, 65600);
  if (!n || !(capabilities & DEVICE_VNET_HEADER)) return n;
  memory.copy(VNET, T, 12);
  memory.copy(T, T + 12, n - 12);
  return n - 12;
}

/** The next frame that left, as it stands, at T; 0 if none did. ARP is dealt with. */
export function frameOut(): u32 {
  let n = frameTaken();
  while (n && load<u16>(T, 12) == 0x0608) {
    if (load<u8>(T, 21) == 1) meet(); // we were asked
    n = frameTaken();
  }
  return n;
}

/** Turns the frame at p into one from the peer to us: addresses change places, so that a stack can talk to itself. Sums stay right. */
export function reflect(p: usize): void {
  memory.copy(p, OUR_MAC, 6);
  memory.copy(p + 6, PEER_MAC, 6);
  const source = load<u32>(p, 26);
  store<u32>(p, load<u32>(p, 30), 26);
  store<u32>(p, source, 30);
}

/** Everything that left, in order; "" is silence. */
export function out(): string {
  let all = "";
  for (let one = next(); one.length; one = next()) all += all.length ? ", " + one : one;
  return all;
}

/** Queues `n` bytes of the pattern that follow those queued before. */
export function send(n: u32): u32 {
  const at = <u32>tcb(c).bytesSent;
  return tcpSend(c, DATA + at, n);
}

/** Reads at most `n` bytes; true if they are the pattern from place `at` on. */
export function readRight(at: u32, n: u32): bool {
  if (tcpRecv(c, READ, n, false) != n) return false;
  for (let i: u32 = 0; i < n; i++) if (load<u8>(READ + i) != <u8>((at + i) * 7 + ((at + i) >> 8))) return false;
  return true;
}

export function listen(backlog: u32 = 4): void {
  listener = tcpListen(anyAddress(), LPORT, backlog, 65536, 65536, 100);
}

/** An established connection that the peer opened; its window is `win`, its MSS 1460 (`mss` as hex to change it). */
export function accepted(win: u32 = 65535, mss: string = "05b4", more: string = ""): void {
  fresh();
  listen();
  options("0204" + mss + more);
  rx("S", 0, 0, 0, win);
  assert(out() == "SA 0 1 0", "no SYN,ACK");
  rx("A", 1, 1, 0, win);
  assert(out() == "", "noise after the handshake");
  c = tcpAcceptTake(listener);
  tcpAttach(c, 7);
  notified();
}

/** A connection attempt of ours to the peer's port 5000 from port 80; its SYN has left. */
export function opened(): void {
  fresh();
  c = tcpOpen(localAddress(), LPORT, remoteAddress(), RPORT, 65536, 65536, 7);
  out();
}

/** Values that specs set through knob. */
export const SWITCHES: u32 = CONFIG_SWITCHES;
