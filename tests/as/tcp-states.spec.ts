/** Transitions that no other spec walks: what time does to connections whose peer has finished and says nothing more. */
import { WSAETIMEDOUT } from "../../assembly/abi/errors";
import { TCP_CLOSED, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK } from "../../assembly/abi/winsock";
import { tcpError, tcpShutdownSend, tcpState } from "../../assembly/tcp/user";
import { accepted, c, out, rx, send, wait } from "./tcp";

/** Nothing is heard of the peer's stack for `seconds`, but its neighbour answers ARP. */
function silence(seconds: u32): void {
  for (let s: u32 = 0; s < seconds; s++) { wait(1000); out(); }
}

describe("the user timeout", () => {
  it("CLOSE-WAIT ends when nothing is acknowledged", () => {
    accepted();
    rx("FA", 1, 1);
    send(100);
    out();
    expect<i32>(tcpState(c)).toBe(TCP_CLOSE_WAIT);
    silence(119);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSE_WAIT);
    silence(2);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(WSAETIMEDOUT);
  });

  it("CLOSING ends when our FIN is not acknowledged", () => {
    accepted();
    tcpShutdownSend(c);
    out();
    rx("FA", 1, 1);
    out();
    expect<i32>(tcpState(c)).toBe(TCP_CLOSING);
    silence(121);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(WSAETIMEDOUT);
  });

  it("LAST-ACK ends when our FIN is not acknowledged", () => {
    accepted();
    rx("FA", 1, 1);
    tcpShutdownSend(c);
    out();
    expect<i32>(tcpState(c)).toBe(TCP_LAST_ACK);
    silence(121);
    expect<i32>(tcpState(c)).toBe(TCP_CLOSED);
    expect<i32>(tcpError(c)).toBe(WSAETIMEDOUT);
  });
});
