/** CUBIC in integers against the formulae of RFC 9438 in floating point, in virtual time. */
import { CONGESTION_CUBIC, CONGESTION_NEWRENO } from "../../assembly/abi/sockets";
import { ccAcked, ccLoss, ccSackLoss, ccTimeout, ccUndo } from "../../assembly/tcp/congestion";
import { cubeRoot, cubicK, cubicWindow } from "../../assembly/tcp/cubic";
import { Tcb, tcb } from "../../assembly/tcp/tcb";
import { tcpSetCongestion } from "../../assembly/tcp/user";
import { accepted, c, jump } from "./tcp";

const MSS: u32 = 1000;
const MOST: u32 = 1 << 30;
const C: f64 = 0.4;
const BETA: f64 = 0.7;

/** W_cubic(t) in bytes, t in ms (§4.2, figures 1 and 2). */
function model(wMax: f64, begin: f64, ms: f64): f64 {
  const k = Math.cbrt((wMax - begin) / <f64>MSS / C), t = ms / 1000.0;
  return (C * Math.pow(t - k, 3) + wMax / <f64>MSS) * <f64>MSS;
}

/** A connection with the window at `window` bytes and a round trip of `rtt` ms; congestion avoidance. */
function connection(window: u32, rtt: u32): Tcb {
  accepted();
  tcpSetCongestion(c, CONGESTION_CUBIC);
  const t = tcb(c);
  t.sndMss = <u16>MSS;
  t.srtt = rtt << 3;
  t.cwnd = window;
  t.ssthresh = window;
  return t;
}

/** A round trip: what the window holds is acknowledged, two segments an ACK. */
function round(t: Tcb, rtt: u32): void {
  const window = t.cwnd;
  for (let n: u32 = 0; n + 2 * MSS <= window; n += 2 * MSS) ccAcked(t, 2 * MSS, window, false);
  jump(rtt);
}

describe("CUBIC", () => {
  it("the cube root is the largest integer whose cube is not larger, over all 64 bits", () => {
    for (let r: u64 = 0; r <= 2642245; r += r < 3000 ? 1 : 997) {
      const cube = r * r * r;
      expect<u32>(cubeRoot(cube)).toBe(<u32>r);
      if (r > 0) expect<u32>(cubeRoot(cube - 1)).toBe(<u32>r - 1);
    }
    expect<u32>(cubeRoot(0xffffffffffffffff)).toBe(2642245);
  });

  it("K and W_cubic are those of §4.2, to a millisecond and a thousandth of a segment", () => {
    for (let wMax: u32 = 20 * MSS; wMax < 900000000; wMax += wMax >> 1) {
      const begin = <u32>(<f64>wMax * BETA), k = cubicK(wMax, begin, MSS), exact = Math.cbrt(<f64>(wMax - begin) / <f64>MSS / C) * 1000.0;
      expect<bool>(Math.abs(<f64>k - exact) <= 1.0).toBe(true);
      for (let ms: u32 = 0; ms < 20000; ms += 333) {
        const d = <f64>(<i32>ms - <i32>k) / 1000.0, wanted = max<f64>(0.0, <f64>wMax + C * d * d * d * <f64>MSS);
        expect<bool>(Math.abs(<f64>cubicWindow(wMax, k, MSS, ms, MOST) - wanted) <= 1.0 + wanted / 1000000.0).toBe(true);
      }
    }
  });

  it("no time and no window overflows: the curve stays between 0 and the limit", () => {
    expect<u32>(cubicWindow(MOST, 0, 65535, 0xffffffff, MOST)).toBeLessThanOrEqual(MOST);
    expect<u32>(cubicWindow(0, 2642245, 65535, 0, MOST)).toBe(0);
    expect<u32>(cubicWindow(MOST, 0, 65535, 0x7fffffff, MOST)).toBe(MOST);
    expect<u32>(cubicK(MOST, 0, 1)).toBeGreaterThan(0);
  });

  it("after a loss the window follows W_cubic(t): concave to W_max, convex beyond it", () => {
    const rtt: u32 = 100, before: u32 = 100 * MSS, t = connection(before, rtt);
    ccSackLoss(t, before);
    expect<u32>(t.cwnd).toBe(70 * MSS);
    expect<u32>(t.ssthresh).toBe(70 * MSS);
    for (let n: u32 = 1; n <= 80; n++) {
      round(t, rtt);
      const wanted = model(<f64>before, <f64>before * BETA, <f64>(n * rtt));
      expect<bool>(Math.abs(<f64>t.cwnd - wanted) <= 3.0 * <f64>MSS).toBe(true);
    }
    expect<u32>(t.cwnd).toBeGreaterThan(115 * MSS);
  });

  it("where Reno would be faster the window is Reno's: 9/17 of a segment a round trip, a whole one from the old window on (§4.3)", () => {
    const rtt: u32 = 10, t = connection(20 * MSS, rtt);
    ccSackLoss(t, 20 * MSS);
    const begin = t.cwnd;
    for (let n = 0; n < 10; n++) round(t, rtt);
    const early = <f64>(t.cwnd - begin) / <f64>MSS;
    expect<bool>(early >= 10.0 * 9.0 / 17.0 - 1.0 && early <= 10.0 * 9.0 / 17.0 + 1.0).toBe(true);
    while (t.cwnd < 20 * MSS) round(t, rtt);
    const there = t.cwnd;
    for (let n = 0; n < 10; n++) round(t, rtt);
    const late = <f64>(t.cwnd - there) / <f64>MSS;
    expect<bool>(late >= 8.5 && late <= 11.0).toBe(true);
  });

  it("a second loss below the last W_max lowers it further (fast convergence, §4.7)", () => {
    const t = connection(100 * MSS, 100);
    ccSackLoss(t, 100 * MSS);
    ccSackLoss(t, 70 * MSS);
    expect<u32>(t.cwnd).toBe(49 * MSS);
    expect<u32>(t.cubicMax).toBe(<u32>(0.85 * 70000.0));
  });

  it("after a timeout: seven tenths are the threshold, and avoidance begins convex, at K = 0 (§4.8); it can be undone", () => {
    const t = connection(100 * MSS, 100);
    ccTimeout(t, 100 * MSS, true);
    expect<u32>(t.cwnd).toBe(MSS);
    expect<u32>(t.ssthresh).toBe(70 * MSS);
    t.cwnd = 70 * MSS;
    round(t, 100);
    expect<u32>(t.cubicK).toBe(0);
    expect<u32>(t.cubicMax).toBe(70 * MSS);
    ccUndo(t);
    expect<u32>(t.cwnd).toBe(100 * MSS);
    expect<u32>(t.ssthresh).toBe(100 * MSS);
  });

  it("no more than half as much again in a round trip, however long ago the loss was (§4.4)", () => {
    const t = connection(100 * MSS, 100);
    ccSackLoss(t, 100 * MSS);
    ccAcked(t, 2 * MSS, t.cwnd, false);
    jump(49000);
    const before = t.cwnd;
    round(t, 100);
    expect<u32>(t.cwnd).toBeLessThanOrEqual(before + before / 2 + 2 * MSS);
    expect<u32>(t.cwnd).toBeGreaterThan(before + before / 3);
  });

  it("time in which the window is not used does not count (§5.8)", () => {
    const t = connection(100 * MSS, 100);
    ccSackLoss(t, 100 * MSS);
    round(t, 100);
    const before = t.cwnd;
    ccAcked(t, 2 * MSS, 10 * MSS, false);
    expect<u32>(t.cwnd).toBe(before);
    jump(60000);
    ccAcked(t, 2 * MSS, before, false);
    expect<bool>(t.cwnd - before < MSS).toBe(true);
  });

  it("a connection set to NewReno halves its window and grows by a segment a round trip, counted in bytes (RFC 5681, RFC 3465)", () => {
    const t = connection(100 * MSS, 100);
    tcpSetCongestion(c, CONGESTION_NEWRENO);
    ccLoss(t, 100 * MSS);
    expect<u32>(t.ssthresh).toBe(50 * MSS);
    t.cwnd = 50 * MSS;
    for (let n: u32 = 1; n <= 20; n++) {
      round(t, 100);
      expect<bool>(Math.abs(<f64>t.cwnd - <f64>((50 + n) * MSS)) <= <f64>MSS).toBe(true);
    }
  });
});
