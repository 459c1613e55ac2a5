import { WSAECONNREFUSED, WSAENETUNREACH, WSAETIMEDOUT } from "../../assembly/abi/errors";
import { CONFIG_FEATURES, CONFIG_SYN_COOKIES } from "../../assembly/abi/config";
import { TCP_CLOSED, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_SYN_RCVD, TCP_SYN_SENT } from "../../assembly/abi/winsock";
import { STAT_TCP_CURRENT, STAT_TCP_LISTEN_DROPS } from "../../assembly/abi/stats";
import { counter } from "../../assembly/base/counters";
import { addrSetV4 } from "../../assembly/base/addr";
import { NOTIFY_ACCEPTABLE, NOTIFY_CONNECTED, NOTIFY_CONNECT_FAILED, tcb } from "../../assembly/tcp/tcb";
import {
  tcpAbort, tcpAcceptCount, tcpAcceptTake, tcpDetach, tcpEphemeralPort, tcpError, tcpListen, tcpListenPause, tcpOpen, tcpOrphan, tcpPortFree,
  tcpSend, tcpShutdownSend, tcpState, tcpUnread,
} from "../../assembly/tcp/user";
import {
  accepted, anyAddress, c, CONNECTIONS, DATA, fresh, knob, lastMss, lastScale, lastWindow, listen, listener, localAddress, LPORT, notified,
  opened, options, out, readRight, remoteAddress, RPORT, rx, use, usePorts, wait,
} from "./tcp";

const OTHER = memory.data(16, 8);

describe("active open", () => {
  it("sends a SYN, acknowledges the SYN,ACK and is connected", () => {
    fresh();
    use(tcpOpen(localAddress(), LPORT, remoteAddress(), RPORT, 65536, 65536, 7));
    expect<i32>(tcpState(c)).toBe(TCP_SYN_SENT);
    expect<string>(out()).toBe("S 0 - 0");
    expect<i32>(lastMss).toBe(1460);
    expect<i32>(lastScale).toBe(1);
    expect<u32>(lastWindow).toBe(65535);
    options("020405b4");
    rx("SA", 0, 1);
    expect<string>(out()).toBe("A 1 1 0");
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
    expect<u32>(notified()).toBe(NOTIFY_CONNECTED);
  });

  it("repeats the SYN with doubled patience, then fails with 10060 and silence", () => {
    opened();
    const gaps: u32[] = [1000, 2000, 4000, 8000, 16000, 32000, 60000];
    for (let i = 0; i < gaps.length; i++) {
      wait(gaps[i] - 1);
      expect<string>(out()).toBe("");
      wait(1);
      expect<string>(out()).toBe("S 0 - 0");
    }
    wait(59999);
    expect<i32>(tcpState(c)).toBe(TCP_SYN_SENT);
    wait(1);
    expect<string>(out()).toBe("");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(WSAETIMEDOUT);
    expect<bool>((notified() & NOTIFY_CONNECT_FAILED) != 0).toBe(true);
  });

  it("is refused by an acceptable RST only", () => {
    opened();
    rx("R", 0);
    rx("RA", 0, 7);
    expect<i32>(tcpState(c)).toBe(TCP_SYN_SENT);
    rx("RA", 0, 1);
    expect<string>(out()).toBe("");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(WSAECONNREFUSED);
    expect<bool>((notified() & NOTIFY_CONNECT_FAILED) != 0).toBe(true);
  });

  it("answers an unacceptable ACK with <SEQ=SEG.ACK><CTL=RST> and stays", () => {
    opened();
    rx("A", 500, 99);
    expect<string>(out()).toBe("R 99 - 0");
    rx("SA", 500, 0);
    expect<string>(out()).toBe("R 0 - 0");
    expect<i32>(tcpState(c)).toBe(TCP_SYN_SENT);
  });

  it("ignores segments without SYN and RST", () => {
    opened();
    rx("A", 0, 1);
    rx("FA", 0, 1);
    expect<string>(out()).toBe("");
    expect<i32>(tcpState(c)).toBe(TCP_SYN_SENT);
  });

  it("takes text and FIN that come with the SYN,ACK", () => {
    opened();
    rx("SFA", 0, 1, 10);
    expect<string>(out()).toBe("A 1 12 0");
    expect<i32>(tcpState(c)).toBe(TCP_CLOSE_WAIT);
    expect<u32>(tcpUnread(c)).toBe(10);
  });

  it("sends what was queued, and the FIN, once it is connected", () => {
    fresh();
    use(tcpOpen(localAddress(), LPORT, remoteAddress(), RPORT, 65536, 65536, 7));
    expect<u32>(tcpSend(c, DATA, 5)).toBe(5);
    tcpShutdownSend(c);
    expect<string>(out()).toBe("S 0 - 0");
    rx("SA", 0, 1);
    expect<string>(out()).toBe("FPA 1 1 5");
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_1);
  });

  it("without a route fails at once; a second one on the same four-tuple is refused", () => {
    fresh();
    addrSetV4(OTHER, 0x0a000002);
    use(tcpOpen(localAddress(), LPORT, remoteAddress(), RPORT, 65536, 65536, 7));
    expect<i32>(tcpOpen(localAddress(), LPORT, OTHER, RPORT, 65536, 65536, 7)).toBe(-3);
    expect<i32>(tcpOpen(anyAddress(), LPORT, OTHER, RPORT, 65536, 65536, 7)).toBe(-3);
    addrSetV4(OTHER, 0);
    expect<i32>(tcpOpen(anyAddress(), LPORT, OTHER, RPORT, 65536, 65536, 7)).toBe(-2);
    const i = tcpOpen(localAddress(), LPORT, OTHER, RPORT, 65536, 65536, 7);
    expect<bool>(i >= 0).toBe(true);
    expect<string>(out()).toBe("S 0 - 0");
    expect<i32>(tcpError(i)).toBe(WSAENETUNREACH);
    expect<i32>(tcpState(i)).toBe(TCP_CLOSED);
  });

  it("C-48: an abort sends nothing; a SYN,ACK that comes later meets RST", () => {
    opened();
    tcpAbort(c, 0);
    tcpDetach(c);
    expect<string>(out()).toBe("");
    rx("SA", 0, 1);
    expect<string>(out()).toBe("R 1 - 0");
    wait(100000);
    expect<string>(out()).toBe("");
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(0);
  });
});

describe("passive open", () => {
  it("answers SYN with SYN,ACK; the ACK makes the child acceptable", () => {
    fresh();
    listen();
    options("020405b4010303070402");
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    expect<i32>(lastMss).toBe(1460);
    expect<i32>(lastScale).toBe(1);
    expect<u32>(tcpAcceptCount(listener)).toBe(0);
    expect<u32>(notified()).toBe(0);
    rx("A", 1, 1);
    expect<string>(out()).toBe("");
    expect<u32>(notified()).toBe(NOTIFY_ACCEPTABLE);
    expect<u32>(tcpAcceptCount(listener)).toBe(1);
    use(tcpAcceptTake(listener));
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
    expect<u32>(tcb(c).sndWnd).toBe(65535 << 7);
    expect<i32>(tcpAcceptTake(listener)).toBe(-1);
  });

  it("offers no window scale to a peer that offers none, and none when the feature is off", () => {
    fresh();
    listen();
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    expect<i32>(lastScale).toBe(-1);
    knob(CONFIG_FEATURES, 0);
    fresh();
    listen();
    options("01030307");
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    expect<i32>(lastScale).toBe(-1);
  });

  it("repeats the SYN,ACK by timer and for a repeated SYN", () => {
    fresh();
    listen();
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    wait(999);
    expect<string>(out()).toBe("");
    wait(1);
    expect<string>(out()).toBe("SA 0 1 0");
    for (let i = 0; i < 8; i++) wait(60000);
    out();
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
  });

  it("takes text that comes with the handshake's ACK, and W-33: a FIN before accept", () => {
    fresh();
    listen();
    rx("S", 0);
    out();
    rx("FA", 1, 1, 20);
    expect<string>(out()).toBe("A 1 22 0");
    use(tcpAcceptTake(listener));
    expect<i32>(tcpState(c)).toBe(TCP_CLOSE_WAIT);
    expect<bool>(readRight(1, 20)).toBe(true);
  });

  it("LISTEN: RST is ignored, ACK is answered with RST, a FIN is ignored", () => {
    fresh();
    listen();
    rx("R", 0);
    rx("F", 0);
    rx("P", 0, 0, 5);
    expect<string>(out()).toBe("");
    rx("SA", 0, 55);
    expect<bool>(out().endsWith(" - 0")).toBe(true);
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
  });

  it("SYN-RECEIVED: a wrong ACK is answered with RST and the child stays; a RST ends it silently", () => {
    fresh();
    listen();
    rx("S", 0);
    out();
    rx("A", 1, 77);
    expect<string>(out()).toBe("R 77 - 0");
    rx("A", 1, 0);
    expect<string>(out()).toBe("R 0 - 0");
    rx("R", 1);
    expect<string>(out()).toBe("");
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
  });

  it("drops SYNs beyond the backlog, half-open and completed counted together", () => {
    knob(CONFIG_SYN_COOKIES, 0);
    fresh();
    listen(2);
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    rx("A", 1, 1);
    usePorts(LPORT, 5001);
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    usePorts(LPORT, 5002);
    rx("S", 0);
    expect<string>(out()).toBe("");
    expect<u32>(counter(STAT_TCP_LISTEN_DROPS)).toBe(1);
    tcpAcceptTake(listener);
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
  });

  it("survives a flood of SYNs: half the table stays free, nothing is reset", () => {
    fresh();
    listen(1000);
    for (let port: u32 = 6000; port < 6500; port++) { usePorts(LPORT, port); rx("S", 0); }
    const all = out();
    expect<bool>(all.includes("R")).toBe(false);
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1 + CONNECTIONS / 2);
    expect<bool>(tcpOpen(localAddress(), 900, remoteAddress(), 900, 1, 1, 1) >= 0).toBe(true);
    for (let i = 0; i < 10; i++) wait(60000);
    out();
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(2);
  });

  it("C-46, W-28: closing resets half-open and queued children; C-47: accepted ones stay", () => {
    accepted();
    usePorts(LPORT, 5001);
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    rx("A", 1, 1);
    tcpAbort(listener, 0);
    tcpDetach(listener);
    expect<string>(out()).toBe("RA 1 1 0");
    usePorts(LPORT, 5002);
    rx("S", 0);
    expect<bool>(out().startsWith("RA ")).toBe(true);
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
  });

  it("O-41: a paused listener answers SYN with RST", () => {
    fresh();
    listen();
    tcpListenPause(listener, true);
    rx("S", 0);
    expect<bool>(out().startsWith("RA ")).toBe(true);
    tcpListenPause(listener, false);
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
  });

  it("O-11: of two listeners on one port the first is served; O-12: one on the address before one on the wildcard", () => {
    fresh();
    listen();
    const second = tcpListen(anyAddress(), LPORT, 4, 65536, 65536, 101), exact = tcpListen(localAddress(), LPORT, 4, 65536, 65536, 102);
    rx("S", 0); out();
    rx("A", 1, 1);
    expect<u32>(tcpAcceptCount(exact)).toBe(1);
    tcpDetach(exact);
    out();
    usePorts(LPORT, 5001);
    rx("S", 0); out();
    rx("A", 1, 1);
    expect<u32>(tcpAcceptCount(listener)).toBe(1);
    expect<u32>(tcpAcceptCount(second)).toBe(0);
  });

  it("an unaccepted connection that is reset vanishes from the queue", () => {
    fresh();
    listen();
    rx("S", 0); out();
    rx("A", 1, 1);
    expect<u32>(tcpAcceptCount(listener)).toBe(1);
    rx("R", 1);
    expect<u32>(tcpAcceptCount(listener)).toBe(0);
    expect<i32>(tcpAcceptTake(listener)).toBe(-1);
    expect<u32>(counter(STAT_TCP_CURRENT)).toBe(1);
  });
});

describe("simultaneous open", () => {
  it("SYNs cross, each side's SYN,ACK completes the handshake", () => {
    opened();
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    expect<i32>(tcpState(c)).toBe(TCP_SYN_RCVD);
    rx("SA", 0, 1);
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
    expect<bool>((notified() & NOTIFY_CONNECTED) != 0).toBe(true);
    out();
    rx("A", 1, 1, 3);
    expect<u32>(tcpUnread(c)).toBe(3);
  });

  it("a bare ACK completes it as well; a RST refuses it", () => {
    opened();
    rx("S", 0);
    out();
    rx("A", 1, 1);
    expect<i32>(tcpState(c)).toBe(TCP_ESTABLISHED);
    opened();
    rx("S", 0);
    out();
    rx("R", 1);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(WSAECONNREFUSED);
    expect<string>(out()).toBe("");
  });

  it("C-59: a close before the handshake is complete sends the FIN behind it", () => {
    opened();
    rx("S", 0);
    out();
    tcpShutdownSend(c);
    tcpOrphan(c);
    expect<string>(out()).toBe("");
    rx("A", 1, 1);
    expect<string>(out()).toBe("FA 1 1 0");
    expect<i32>(tcpState(c)).toBe(TCP_FIN_WAIT_1);
  });
});

describe("hostile options", () => {
  it("a segment size of 0, 1, 8 or 48 is clamped", () => {
    const sizes = ["0000", "0001", "0008", "0030"];
    for (let i = 0; i < sizes.length; i++) {
      accepted(65535, sizes[i]);
      expect<u32>(<u32>tcb(c).sndMss).toBe(64);
      tcpSend(c, DATA, 200);
      expect<string>(out()).toBe("A 1 1 64, A 65 1 64, A 129 1 64, PA 193 1 8");
    }
  });

  it("a larger size than ours is cut to ours, a missing one is 536", () => {
    accepted(65535, "ffff");
    expect<u32>(<u32>tcb(c).sndMss).toBe(1460);
    fresh();
    listen();
    rx("S", 0); out();
    rx("A", 1, 1);
    expect<u32>(<u32>tcb(tcpAcceptTake(listener)).sndMss).toBe(536);
  });

  it("a length of 0 or 1, or past the header, ends the list without harm", () => {
    const lists = ["01010d00", "01010d01", "02040200030a", "0204", "02ff05b4", "0303", "03", "05090101", "0205", "020305b4"];
    for (let i = 0; i < lists.length; i++) {
      fresh();
      listen();
      options(lists[i]);
      rx("S", 0);
      expect<string>(out()).toBe("SA 0 1 0");
      options(lists[i]);
      rx("A", 1, 1);
      options(lists[i]);
      rx("A", 1, 1, 4);
      expect<u32>(tcpUnread(tcpAcceptTake(listener))).toBe(4);
    }
  });

  it("a window scale above 14 counts as 14; outside a SYN it counts for nothing", () => {
    fresh();
    listen();
    options("010303ff");
    rx("S", 0); out();
    options("01030307");
    rx("A", 1, 1, 0, 100);
    use(tcpAcceptTake(listener));
    expect<u32>(tcb(c).sndWnd).toBe(100 << 14);
  });
});

describe("ports", () => {
  it("ephemeral ports avoid listeners and connections and are spread", () => {
    fresh();
    let last: u32 = 0, steps = 0;
    for (let i = 0; i < 8; i++) {
      const p = tcpEphemeralPort(localAddress(), remoteAddress(), RPORT);
      expect<bool>(p >= 49152 && p < 65536).toBe(true);
      if (p == last + 1) steps++;
      last = p;
      expect<bool>(tcpOpen(localAddress(), p, remoteAddress(), RPORT, 1, 1, 1) >= 0).toBe(true);
      expect<bool>(tcpPortFree(localAddress(), p)).toBe(false);
      expect<bool>(tcpPortFree(anyAddress(), p)).toBe(false);
    }
    expect<bool>(steps < 4).toBe(true);
    expect<bool>(tcpPortFree(anyAddress(), 81)).toBe(true);
  });

  it("initial sequence numbers of neighbouring ports tell nothing about each other", () => {
    fresh();
    listen(8);
    let previous: u32 = 0, near = 0;
    for (let port: u32 = 7000; port < 7007; port++) {
      usePorts(LPORT, port);
      rx("S", 0);
    }
    for (let i = 1; i < 8; i++) {
      const s = tcb(i).iss;
      if (s - previous < 1000000) near++;
      previous = s;
    }
    expect<bool>(near < 2).toBe(true);
  });

  it("a full table drops SYNs and refuses opens", () => {
    fresh();
    for (let p: u32 = 0; p < CONNECTIONS; p++) expect<bool>(tcpOpen(localAddress(), 100 + p, remoteAddress(), RPORT, 1, 1, 1) >= 0).toBe(true);
    expect<i32>(tcpOpen(localAddress(), 200, remoteAddress(), RPORT, 1, 1, 1)).toBe(-1);
    expect<i32>(tcpListen(anyAddress(), 99, 1, 1, 1, 1)).toBe(-1);
  });
});
