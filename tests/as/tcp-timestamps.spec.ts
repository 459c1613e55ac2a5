import { CONFIG_FEATURES, FEATURE_TIMESTAMPS } from "../../assembly/abi/config";
import { ICMP_FRAG_NEEDED } from "../../assembly/ip/icmp";
import { tcpIcmpError } from "../../assembly/tcp/icmp";
import { tcb } from "../../assembly/tcp/tcb";
import { tcpAcceptTake, tcpAttach, tcpUnread } from "../../assembly/tcp/user";
import {
  c, fresh, iss, knob, listen, listener, localAddress, LPORT, notified, options, out, remoteAddress, RPORT, rx, send, use, wait,
} from "./tcp";

function hex(v: u32): string {
  let s = "";
  for (let shift = 28; shift >= 0; shift -= 4) s += "0123456789abcdef".charAt((v >> shift) & 15);
  return s;
}

/** Options of the next segment: a stamp of the peer's, echoing `ecr` in our own numbering. */
function stamp(val: u32, ecr: u32 = 0): void { options("0101080a" + hex(val) + hex(ecr)); }

/** A connection the peer opened with timestamps, its clock at 1000. */
function stamped(): void {
  fresh();
  listen();
  options("020405b40101080a" + hex(1000) + hex(0));
  rx("S", 0);
  assert(out() == "SA 0 1 0", "no SYN,ACK");
  stamp(1000, tcb(0).tsOffset);
  rx("A", 1, 1);
  use(tcpAcceptTake(listener));
  tcpAttach(c, 7);
  notified();
}

describe("timestamps", () => {
  it("take their room from the text, also when the path shrinks", () => {
    stamped();
    expect<u32>(tcb(c).sndMss).toBe(1448);
    send(1);
    expect<string>(out()).toBe("PA 1 1 1");
    tcpIcmpError(localAddress(), LPORT, remoteAddress(), RPORT, iss + 1, ICMP_FRAG_NEEDED, 1000);
    expect<u32>(tcb(c).sndMss).toBe(948);
  });

  it("are not taken while the feature is off", () => {
    knob(CONFIG_FEATURES, 0xffffffff & ~FEATURE_TIMESTAMPS & 0x7fffffff);
    fresh();
    listen();
    options("020405b40101080a" + hex(1000) + hex(0));
    rx("S", 0);
    expect<string>(out()).toBe("SA 0 1 0");
    rx("A", 1, 1);
    use(tcpAcceptTake(listener));
    rx("PA", 1, 1, 10);
    expect<u32>(tcpUnread(c)).toBe(10);
    expect<u32>(tcb(c).sndMss).toBe(1460);
  });

  it("measure the round trip of what was sent twice", () => {
    stamped();
    send(100);
    expect<string>(out()).toBe("PA 1 1 100");
    wait(1000);
    expect<string>(out()).toBe("PA 1 1 100, PA 1 1 100"); // after 200 ms and after 600
    const sent = tcb(c).tsOffset + 600;
    wait(40);
    stamp(1001, sent);
    rx("A", 1, 101);
    expect<u32>(tcb(c).srtt).toBe(440); // nothing for the handshake, then an eighth of 440 ms, kept times eight
    expect<u32>(tcb(c).backoff).toBe(0);
  });

  it("an echo from the future or of long ago measures nothing", () => {
    stamped();
    const rto = tcb(c).rto;
    for (let k: u32 = 0; k < 4; k++) {
      send(10);
      out();
      stamp(1001 + k, k == 0 ? 0 : k == 1 ? tcb(c).tsOffset + 1000000 : tcb(c).tsOffset - (k << 30));
      rx("A", 1, 11 + 10 * k);
      expect<u32>(tcb(c).rto).toBe(rto);
      expect<u32>(tcb(c).srtt).toBe(0);
    }
  });

  it("an old segment is answered, a segment without stamp is not, and neither counts", () => {
    stamped();
    stamp(999);
    rx("PA", 1, 1, 10);
    expect<string>(out()).toBe("A 1 1 0");
    rx("PA", 1, 1, 10);
    expect<string>(out()).toBe("");
    expect<u32>(tcpUnread(c)).toBe(0);
  });

  it("old segments without text are answered ten times a second at most", () => {
    stamped();
    let answers = 0;
    for (let k = 0; k < 100; k++) {
      stamp(1);
      rx("A", 1, 1);
      if (out().length) answers++;
    }
    expect<i32>(answers).toBe(10);
  });

  it("the peer's clock may wrap", () => {
    stamped();
    tcb(c).tsRecent = 0xfffffff0;
    stamp(5);
    rx("PA", 1, 1, 10);
    expect<u32>(tcpUnread(c)).toBe(10);
    expect<u32>(tcb(c).tsRecent).toBe(5);
  });

  it("after 12 days of silence any stamp is believed", () => {
    stamped();
    const heard = tcb(c).tsRecentAt;
    tcb(c).tsRecentAt = heard - 11 * 86400000;
    stamp(900);
    rx("PA", 1, 1, 10);
    expect<u32>(tcpUnread(c)).toBe(0);
    tcb(c).tsRecentAt = heard - 12 * 86400000;
    stamp(900);
    rx("PA", 1, 1, 10);
    expect<u32>(tcpUnread(c)).toBe(10);
    expect<u32>(tcb(c).tsRecent).toBe(900);
  });

  it("random options on a live connection trap nothing and keep the stream right", () => {
    stamped();
    let seed: u32 = 12345;
    for (let k = 0; k < 2000; k++) {
      let text = "";
      seed = seed * 1664525 + 1013904223;
      const n = (seed >> 8) % 41;
      for (let b: u32 = 0; b < n; b++) {
        seed = seed * 1664525 + 1013904223;
        const kind = (seed >> 16) & 15, byte: u32 = kind < 12 ? kind : (seed >> 20) & 255;
        text += "0123456789abcdef".charAt(byte >> 4) + "0123456789abcdef".charAt(byte & 15);
      }
      options(text);
      rx("A", 1 + ((seed >> 4) & 2047), 1, seed & 63);
      out();
    }
    expect<u32>(tcb(c).sndUna - iss).toBe(1);
  });
});
