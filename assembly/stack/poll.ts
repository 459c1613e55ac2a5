/**
 * poll(): everything the stack does on its own account happens here and nowhere else.
 *
 *   time → deadlines → frames in → what changed, up to the sockets → frames out → (loopback: again) → when next?
 */
import { frameRead, clockSample } from "../wasi/preview1";
import { deadlineNext, deadlineTake } from "../memory/deadlines";
import { hostOf, idOfNeighbors, idOfPorts, idOfReassembly, idOfWaiting, isConnection, isHost, isSocket, socketOf } from "../memory/identities";
import { device, deviceCount, deviceWentDown } from "../link/device";
import { postedFilled, postedFrame, postedLength, postedRead, postedReadAgain, postedTaken } from "../link/posted";
import { now, timeSample } from "../base/time";
import { neighborsTimer } from "../link/neighbor";
import { loopbackQueued } from "../ip/loopback";
import { hostBusy, hostChangedTake, hostNotifyTake } from "../provider/hostblock";
import { hostTimer } from "../provider/hostend";
import { hostWork } from "../provider/hostflow";
import { tcpNetworkDown } from "../tcp/icmp";
import { tcpBusy, tcpChangedTake, tcpNotifyTake } from "../tcp/lists";
import { tcpTimer } from "../tcp/timers";
import { waitingTimer } from "../tcp/waiting";
import { udpBusy, udpChangedTake, udpNotifyTake } from "../udp/udp";
import { socketNotifyHost, socketNotifyTcp, socketNotifyUdp, socketTimer } from "../winsock/notify";
import { signaledNews } from "../winsock/eventobjects";
import { waitsNews } from "../winsock/waits";
import { portWaitsTimer } from "../winsock/portwaits";
import { frameBuffer, frameCapacity } from "./configure";
import { egress, EGRESS_DONE, EGRESS_FULL, EGRESS_MORE } from "./egress";
import { ingressExpired, ingressFrame, ingressLoopback, ingressRefused } from "./ingress";

/** Frames taken from one device in one poll: what is left makes poll return 0. */
const FRAMES: u32 = 256;
/** Deadlines run in one poll. */
const DEADLINES: u32 = 65536;
/** Rounds of sending in one poll, and packets to ourselves in one round. */
const ROUNDS: u32 = 16;
const PACKETS: u32 = 256;
/** When to come back after a device was full, milliseconds: a host need not notice when it has room again. */
const FULL_MS: i32 = 1;

/** 2^63: times beyond it are none. */
const LATEST_NS: f64 = 9223372036854775808.0;

/** Device that is served first next time, so that a busy one starves none. */
let turn: u32 = 0;

/**
 * Does all that is due. Returns milliseconds until it wants to be called again at the latest: 0 if work remains, -1 if only a frame
 * or a call can cause any.
 */
export function poll(): i32 {
  clockSample();
  return work();
}

/** The same at `ns` nanoseconds of the clock that clock_time_get reads; a number that is no time leaves the time as it is. */
export function pollAt(ns: f64): i32 {
  if (ns >= 0 && ns < LATEST_NS) timeSample(<u64>ns);
  return work();
}

/**
 * 1 if a poll now would do more than one when the last poll asked for it: a call since then left something to send, news for somebody, or
 * an earlier deadline. Calls that answer 0 here need no poll.
 */
export function workDue(): i32 {
  if (tcpBusy() || udpBusy() || waitsNews() || signaledNews()) return 1;
  if (!TINY && (loopbackQueued || hostBusy())) return 1;
  const next = deadlineNext();
  return next >= 0 && (asked < 0 || <i32>(now + <u32>next - askedAt) < 0) ? 1 : 0;
}

/** What the last poll returned, and the time that meant. */
let asked: i32 = 0;
let askedAt: u32 = 0;

function work(): i32 {
  asked = round();
  askedAt = now + <u32>max(asked, 0);
  return asked;
}

function round(): i32 {
  let more = deadlines();
  more = frames() || more;
  let out = EGRESS_DONE, turns: u32 = 0, again: bool = true;
  for (; again && turns < ROUNDS; turns++) {
    if (!TINY) { ingressLoopback(PACKETS); hostWork(); }
    changes();
    out = egress();
    // What sending brought about (a failure, a packet to ourselves) may give somebody something to send.
    again = changes() || (!TINY && (loopbackQueued != 0 || hostBusy()));
  }
  if (more || again || out == EGRESS_MORE) return 0;
  const next = deadlineNext();
  return out == EGRESS_FULL && (next < 0 || next > FULL_MS) ? FULL_MS : next;
}

/** Runs the deadlines that have come. True if some are left. */
function deadlines(): bool {
  for (let n: u32 = 0; n < DEADLINES; n++) {
    const id = deadlineTake();
    if (id < 0) return false;
    const who = <u32>id;
    if (isConnection(who)) tcpTimer(id);
    else if (isSocket(who)) socketTimer(socketOf(who));
    else if (who == idOfNeighbors()) { neighborsTimer(); ingressRefused(); }
    else if (who == idOfReassembly()) ingressExpired();
    else if (who == idOfWaiting()) waitingTimer();
    else if (!TINY && who == idOfPorts()) portWaitsTimer();
    else if (!TINY && isHost(who)) hostTimer(<i32>hostOf(who));
  }
  return true;
}

/** Takes in what the devices hold, at most FRAMES each. True if one had more. */
function frames(): bool {
  let more: bool = false;
  if (turn >= deviceCount) turn = 0;
  for (let k: u32 = 0; k < deviceCount; k++) {
    const i = turn + k < deviceCount ? turn + k : turn + k - deviceCount;
    more = framesOf(i) || more;
  }
  turn++;
  return more;
}

// @ts-ignore: decorator
@inline function framesOf(i: u32): bool {
  const posted = TINY ? 0 : device(i).posted;
  if (!posted) return framesRead(i);
  if (postedRead(posted) && framesRead(i)) {
    postedReadAgain(posted);
    return true;
  }
  const filled = postedFilled(posted);
  for (let k: u32 = 0; k < filled; k++) ingressFrame(i, postedFrame(posted, k), postedLength(posted, k));
  postedTaken(posted);
  return false;
}

function framesRead(i: u32): bool {
  const fd = device(i).fd;
  for (let n: u32 = 0; n < FRAMES; n++) {
    const len = frameRead(fd, frameBuffer, frameCapacity);
    if (len < 0) {
      if (!TINY && deviceWentDown(device(i), -len)) tcpNetworkDown(i);
      return false;
    }
    ingressFrame(i, frameBuffer, <u32>len);
  }
  return true;
}

/** Tells the sockets what became of their connections since they were last told. True if there was anything. */
function changes(): bool {
  let any = false;
  for (let i = tcpChangedTake(); i >= 0; i = tcpChangedTake()) { socketNotifyTcp(i, tcpNotifyTake(i)); any = true; }
  for (let i = udpChangedTake(); i >= 0; i = udpChangedTake()) { socketNotifyUdp(i, udpNotifyTake(i)); any = true; }
  if (TINY) return any;
  for (let i = hostChangedTake(); i >= 0; i = hostChangedTake()) { socketNotifyHost(i, hostNotifyTake(i)); any = true; }
  return any;
}
