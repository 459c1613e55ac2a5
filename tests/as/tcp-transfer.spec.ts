/**
 * Whole transfers over a wire that loses, repeats, delays, reorders and corrupts: the stack talks to itself, its frames come back
 * with their addresses exchanged. Everything is a function of the seed.
 */
import { STAT_TCP_CURRENT, STAT_TCP_FAST_RETRANS, STAT_TCP_IN_ERRS, STAT_TCP_ORPHANS, STAT_TCP_RETRANS_SEGS, STAT_TCP_TIMEOUTS } from "../../assembly/abi/stats";
import { TCP_CLOSED, TCP_TIME_WAIT } from "../../assembly/abi/winsock";
import { counter } from "../../assembly/base/counters";
import { now } from "../../assembly/base/time";
import { blockBytes } from "../../assembly/memory/blocks";
import { deadlineNext } from "../../assembly/memory/deadlines";
import { tcb, TF_FIN_ACKED, TF_FIN_RCVD } from "../../assembly/tcp/tcb";
import {
  tcpAcceptTake, tcpAttach, tcpBytesAcked, tcpBytesReceived, tcpDetach, tcpFlags, tcpOpen, tcpRecv, tcpSend, tcpSendUsed, tcpSetNoDelay,
  tcpShutdownSend, tcpState, tcpUnread,
} from "../../assembly/tcp/user";
import { arrive, DATA, frameOut, fresh, jump, listen, listener, localAddress, READ, reflect, remoteAddress, LPORT, T } from "./tcp";

const SLOTS: u32 = 2048;
const SLOT: usize = 2048;
const POOL = memory.data(2048 * 2048, 16);
/** Length of the frame in each slot (0 = free) and when it arrives. */
const LENGTHS = memory.data(2048 * 4, 4);
const TIMES = memory.data(2048 * 4, 4);
let highest: u32 = 0;
let inFlight: u32 = 0;
let state: u32 = 1;

function random(): u32 { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return state; }
/** True in `perMille` of 1000 cases. */
function chance(perMille: u32): bool { return perMille != 0 && random() % 1000 < perMille; }

let loss: u32 = 0;
let twice: u32 = 0;
let late: u32 = 0;
let corrupt: u32 = 0;
let delay: u32 = 1;

function put(len: u32, at: u32): void {
  let s: u32 = 0;
  while (s < SLOTS && load<u32>(LENGTHS + (<usize>s << 2))) s++;
  if (s == SLOTS || len > <u32>SLOT - 2) return;
  const p = POOL + <usize>s * SLOT + 2;
  memory.copy(p, T, len);
  if (chance(corrupt)) { const bit = random() % ((len - 14) << 3); store<u8>(p + 14 + (bit >> 3), load<u8>(p + 14 + (bit >> 3)) ^ (<u8>1 << <u8>(bit & 7))); }
  store<u32>(LENGTHS + (<usize>s << 2), len);
  store<u32>(TIMES + (<usize>s << 2), at);
  highest = max(highest, s + 1);
  inFlight++;
}

/** What left goes onto the wire. */
function collect(): void {
  for (let n = frameOut(); n; n = frameOut()) {
    reflect(T);
    if (chance(loss)) continue;
    put(n, now + delay + (chance(late) ? 1 + random() % 20 : 0));
    if (chance(twice)) put(n, now + delay + random() % 20);
  }
}

/** What is due arrives, the earliest slot first. */
function carry(): void {
  for (let s: u32 = 0; s < highest; s++) {
    const len = load<u32>(LENGTHS + (<usize>s << 2));
    if (!len || <i32>(now - load<u32>(TIMES + (<usize>s << 2))) < 0) continue;
    store<u32>(LENGTHS + (<usize>s << 2), 0);
    inFlight--;
    arrive(POOL + <usize>s * SLOT + 2, len);
  }
}

/** Milliseconds until something happens. */
function step(): u32 {
  let next: u32 = <u32>deadlineNext();
  for (let s: u32 = 0; s < highest; s++) {
    if (load<u32>(LENGTHS + (<usize>s << 2))) next = min(next, <u32>max<i32>(0, <i32>(load<u32>(TIMES + (<usize>s << 2)) - now)));
  }
  return next == 0xffffffff ? 1 : max<u32>(next, 1);
}

let a: i32 = -1;
let b: i32 = -1;
let sentA: u32 = 0;
let sentB: u32 = 0;
let readA: u32 = 0;
let readB: u32 = 0;
let wrong: u32 = 0;

function push(i: i32, done: u32, total: u32): u32 {
  const room = tcb(i).sndLimit - min(tcb(i).sndLimit, tcpSendUsed(i)), n = min(min(total - done, room), 1 + random() % 8000);
  return n ? tcpSend(i, DATA + done, n) : 0;
}

function pull(i: i32, done: u32, chunk: u32): u32 {
  const n = tcpRecv(i, READ, chunk, false);
  if (memory.compare(READ, DATA + done, n) != 0) wrong++;
  return n;
}

/** Moves `total` bytes each way and closes both sides. Returns virtual milliseconds, 0 if it did not finish in `limit` of them. */
function transfer(total: u32, rcvLimit: u32, limit: u32): u32 {
  inFlight = 0; highest = 0;
  memory.fill(LENGTHS, 0, 2048 * 4);
  sentA = 0; sentB = 0; readA = 0; readB = 0; wrong = 0;
  b = -1;
  a = tcpOpen(localAddress(), 50000, remoteAddress(), LPORT, 65536, rcvLimit, 1);
  let shutA = false, shutB = false;
  while (now < limit) {
    jump(0);
    collect();
    if (b < 0) {
      b = tcpAcceptTake(listener);
      if (b >= 0) { tcpAttach(b, 2); tcpSetNoDelay(b, true); }
    }
    sentA += push(a, sentA, total);
    if (!shutA && sentA == total) { tcpShutdownSend(a); shutA = true; }
    if (b >= 0) {
      sentB += push(b, sentB, total);
      if (!shutB && sentB == total) { tcpShutdownSend(b); shutB = true; }
      readB += pull(b, readB, 1 + random() % 20000);
    }
    readA += pull(a, readA, 1 + random() % 20000);
    jump(0);
    collect();
    if (finished(a) && b >= 0 && finished(b)) return now;
    if (tcpState(a) == TCP_CLOSED && !(tcpFlags(a) & TF_FIN_ACKED)) return 0;
    jump(step());
    collect();
    carry();
  }
  return 0;
}

function finished(i: i32): bool {
  const both = TF_FIN_ACKED | TF_FIN_RCVD;
  return (tcpFlags(i) & both) == both && tcpUnread(i) == 0;
}

function impair(seed: u32, l: u32, t: u32, o: u32, c: u32): void {
  state = seed * 2654435761 + 1;
  loss = l; twice = t; late = o; corrupt = c; delay = 1;
}

/** Afterwards nothing may be left. */
function clean(): void {
  tcpDetach(a); tcpDetach(b); tcpDetach(listener);
  loss = 0; twice = 0; late = 0; corrupt = 0;
  for (let i = 0; i < 3000 && (counter(STAT_TCP_CURRENT) || inFlight); i++) { jump(step()); collect(); carry(); }
  collect();
  expect<u32>(counter(STAT_TCP_CURRENT)).toBe(0);
  expect<u32>(counter(STAT_TCP_ORPHANS)).toBe(0);
  expect<u32>(blockBytes).toBe(0);
}

function check(total: u32): void {
  expect<u32>(wrong).toBe(0);
  expect<u32>(readA).toBe(total);
  expect<u32>(readB).toBe(total);
  expect<u64>(tcpBytesAcked(a)).toBe(total);
  expect<u64>(tcpBytesAcked(b)).toBe(total);
  expect<u64>(tcpBytesReceived(a)).toBe(total);
  expect<u64>(tcpBytesReceived(b)).toBe(total);
  const ends = tcpState(a) == TCP_TIME_WAIT || tcpState(b) == TCP_TIME_WAIT;
  expect<bool>(ends).toBe(true);
}

describe("a clean wire", () => {
  it("carries 300 kB each way without a retransmission, buffers and blocks return", () => {
    impair(1, 0, 0, 0, 0);
    fresh(); listen();
    expect<bool>(transfer(300000, 65536, 20000) != 0).toBe(true);
    check(300000);
    expect<u32>(counter(STAT_TCP_RETRANS_SEGS)).toBe(0);
    clean();
  });

  it("a long path fills its window", () => {
    impair(2, 0, 0, 0, 0);
    fresh(); listen();
    delay = 50;
    const t = transfer(300000, 262144, 60000);
    expect<bool>(t != 0 && t < 6000).toBe(true);
    check(300000);
    expect<u32>(counter(STAT_TCP_TIMEOUTS)).toBe(0);
    clean();
  });

  it("tiny windows and tiny segments", () => {
    impair(3, 0, 0, 0, 0);
    fresh(576); listen();
    expect<bool>(transfer(60000, 1024, 600000) != 0).toBe(true);
    check(60000);
    clean();
  });
});

describe("a bad wire", () => {
  it("5 % loss: every byte in order, every close settles, losses are mostly repaired without the timer", () => {
    let fast: u32 = 0, slow: u32 = 0;
    for (let seed: u32 = 1; seed <= 60; seed++) {
      impair(seed, 50, 0, 0, 0);
      fresh(); listen();
      const t = transfer(200000, 65536, 600000);
      expect<bool>(t != 0).toBe(true);
      check(200000);
      fast += counter(STAT_TCP_FAST_RETRANS);
      slow += counter(STAT_TCP_TIMEOUTS);
      clean();
    }
    expect<bool>(fast > slow).toBe(true);
  });

  it("loss, repetition, reordering and corruption together", () => {
    let errors: u32 = 0;
    for (let seed: u32 = 1; seed <= 60; seed++) {
      impair(seed + 100, 50, 50, 100, 30);
      fresh(); listen();
      const t = transfer(100000, seed & 1 ? 65536 : 5000, 900000);
      expect<bool>(t != 0).toBe(true);
      check(100000);
      errors += counter(STAT_TCP_IN_ERRS);
      clean();
    }
    expect<bool>(errors > 0).toBe(true);
  });

  it("30 % loss: slow, but right; who hears nothing for the user timeout gives up", () => {
    let done = 0;
    for (let seed: u32 = 1; seed <= 10; seed++) {
      impair(seed + 200, 300, 0, 50, 0);
      fresh(); listen();
      const t = transfer(20000, 65536, 5000000);
      expect<bool>(t != 0 || tcpState(a) == TCP_CLOSED).toBe(true);
      expect<u32>(wrong).toBe(0);
      if (t) { done++; check(20000); clean(); }
    }
    expect<bool>(done >= 8).toBe(true);
  });

  it("reordering alone: hardly a retransmission by the timer", () => {
    impair(7, 0, 0, 200, 0);
    fresh(); listen();
    expect<bool>(transfer(300000, 65536, 60000) != 0).toBe(true);
    check(300000);
    expect<u32>(counter(STAT_TCP_TIMEOUTS)).toBe(0);
    clean();
  });
});
