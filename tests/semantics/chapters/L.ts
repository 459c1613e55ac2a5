/** Linger options. */
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { connected, hosts, PORT } from "../support/hosts.ts";
import type { Provider } from "../support/provider.ts";

const { SD_SEND, SO_DONTLINGER, SO_LINGER, SOL_SOCKET } = W;

const word = (bytes: readonly number[], at: number): number => (bytes[at] as number) | ((bytes[at + 1] as number) << 8);

/** SO_LINGER set to these values with a buffer of `length` bytes. */
function setLinger(a: Provider, s: number, on: number, seconds: number, length = 4): number {
  return a.setBytes(s, SOL_SOCKET, SO_LINGER, [on & 0xff, on >> 8, seconds & 0xff, seconds >> 8, 0, 0, 0, 0], length);
}

row("L-01", async (t) => {
  const { a } = await hosts(t);
  const { code, bytes, optlen } = a.getBytes(a.socket(), SOL_SOCKET, SO_LINGER, 4);
  t.code(code);
  t.fact("onoff", word(bytes, 0));
  t.fact("seconds", word(bytes, 2));
  t.fact("optlen", optlen);
});

row("L-02", async (t) => {
  const { a } = await hosts(t);
  const value = a.option(a.socket(), SO_DONTLINGER);
  t.code(a.err);
  t.fact("SO_DONTLINGER", value);
});

row("L-03", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setLinger(s, 1, 0));
  const value = a.linger(s);
  t.code(a.err);
  t.fact("SO_LINGER", value);
});

row("L-04", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setLinger(s, 1, 555));
  const value = a.linger(s);
  t.code(a.err);
  t.fact("SO_LINGER", value);
  t.fact("SO_DONTLINGER", a.option(s, SO_DONTLINGER));
});

row("L-05", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setLinger(s, 0, 73));
  const [onoff] = a.linger(s);
  t.code(a.err);
  t.fact("onoff", onoff);
});

row("L-06", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setLinger(s, 5, 189));
  const value = a.linger(s);
  t.code(a.err);
  t.fact("SO_LINGER", value);
  a.setLinger(s, 0x100, 189);
  t.fact("unnormalised", a.linger(s));
});

row("L-07", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  a.setLinger(s, 1, 30);
  t.code(a.setOption(s, SOL_SOCKET, SO_DONTLINGER, 1));
  t.fact("onoff", a.linger(s)[0]);
});

row("L-08", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  a.setLinger(s, 1, 30);
  a.setOption(s, SOL_SOCKET, SO_DONTLINGER, 1);
  t.code(a.setOption(s, SOL_SOCKET, SO_DONTLINGER, 0));
  const [onoff, seconds] = a.linger(s);
  t.fact("on", onoff !== 0);
  t.fact("seconds", seconds);
});

row("L-09", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setOption(s, SOL_SOCKET, SO_DONTLINGER, 0));
  const [onoff, seconds] = a.linger(s);
  t.fact("on", onoff !== 0);
  t.fact("seconds", seconds);
});

row("L-10", async (t) => {
  const { a } = await hosts(t);
  for (const [name, value] of [["after1", 1], ["after0x100", 0x100]] as const) {
    const s = a.socket();
    a.setLinger(s, 1, 30);
    t.code(a.setOption(s, SOL_SOCKET, SO_DONTLINGER, value));
    const read = a.option(s, SO_DONTLINGER);
    t.code(a.err);
    t.fact(name, read);
  }
});

row("L-11", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  a.setLinger(s, 1, 30);
  for (const length of [1, 2]) t.code(setLinger(a, s, 0, 7, length));
  t.fact("option", a.linger(s).join() === "1,30" ? "unchanged" : "changed");
});

row("L-12", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  a.setLinger(s, 1, 30);
  for (const length of [1, 2]) {
    const { code, bytes, optlen } = a.getBytes(s, SOL_SOCKET, SO_LINGER, length);
    t.code(code);
    t.fact(`optlen${length}`, optlen);
    t.fact(`bytes${length}`, bytes.slice(0, length));
  }
});

row("L-13", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(setLinger(a, s, 1, 30, 8));
  t.fact("SO_LINGER", a.linger(s));
  const { code, optlen } = a.getBytes(s, SOL_SOCKET, SO_LINGER, 8);
  t.code(code);
  t.fact("optlen", optlen);
});

row("L-14", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const length of [4, 0]) t.code(a.code("WSPSetSockOpt", s, SOL_SOCKET, SO_LINGER, 0, length));
});

row("L-15", async (t) => {
  const { a } = await hosts(t);
  t.code(setLinger(a, a.socket(), 1, 30, 0));
});

row("L-16", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const length of [4, 0]) t.code(a.code("WSPSetSockOpt", s, SOL_SOCKET, SO_DONTLINGER, 0, length));
});

row("L-17", async (t) => {
  const { a } = await hosts(t);
  t.code(a.setBytes(a.socket(), SOL_SOCKET, SO_DONTLINGER, [1, 0, 0, 0], 0));
});

row("L-18", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const length of [1, 2]) t.code(a.setBytes(s, SOL_SOCKET, SO_DONTLINGER, [1, 0, 0, 0], length));
  const { code, bytes, optlen } = a.getBytes(s, SOL_SOCKET, SO_DONTLINGER, 1);
  t.code(code);
  // One byte was written: the pattern behind it is untouched.
  t.fact("value", bytes[1] === 0xaa ? (bytes[0] as number) : "more than one byte");
  t.fact("optlen", optlen);
});

row("L-19", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  let unchanged = true;
  for (const name of [SO_LINGER, SO_DONTLINGER]) {
    for (const length of [0, -1]) {
      const { code, optlen } = a.getBytes(s, SOL_SOCKET, name, length);
      t.code(code);
      unchanged &&= optlen === length;
    }
  }
  t.fact("optlen", unchanged ? "unchanged" : "changed");
});

row("L-20", async (t) => {
  const { a } = await hosts(t);
  t.code(a.getBytes(a.socket("udp"), SOL_SOCKET, SO_LINGER, 4).code);
});

row("L-21", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket("udp");
  t.code(a.setLinger(s, 1, 30), a.getBytes(s, SOL_SOCKET, SO_DONTLINGER, 4).code, a.setOption(s, SOL_SOCKET, SO_DONTLINGER, 1));
});

row("L-22", async (t) => {
  const p = await hosts(t);
  const { a, b } = p;
  const listener = b.listener(PORT);
  b.setLinger(listener, 1, 555);
  const { t: accepted } = p.join(listener);
  t.fact("accepted", b.linger(accepted));
  b.setLinger(listener, 1, 7);
  t.fact("later", b.linger(accepted));
  a.cleanup();
});

row("L-23", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  const mark = p.mark();
  p.a.send(p.s, 20_000);
  t.code(p.a.setLinger(p.s, 1, 0));
  p.run(5000);
  t.wire(p.log, p.since(mark));
  t.state(p.a.state(p.s));
});

row("L-24", async (t) => {
  const p = await connected(t);
  p.a.shutdown(p.s, SD_SEND);
  p.run(100);
  t.code(p.a.setLinger(p.s, 1, 0));
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(100);
  t.wire(p.log, p.since(mark));
});

row("L-25", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  t.code(a.setLinger(s, 1, 65535));
  t.fact("SO_LINGER", a.linger(s));
});

row("L-26", async (t) => {
  const p = await connected(t, { configB: { recvBuffer: 2048 } });
  p.a.setLinger(p.s, 1, 30);
  p.a.send(p.s, 200_000);
  p.run(100);
  const start = p.now;
  for (const call of [
    () => p.a.shutdown(p.s, SD_SEND), () => p.a.code("WSPSendDisconnect", p.s, 0), () => p.a.code("WSPRecvDisconnect", p.s, 0),
  ]) {
    t.code(call());
    t.timing(p.now - start);
  }
});

row("L-27", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  const twin = a.duplicate(s);
  t.code(a.setLinger(s, 1, 40));
  const value = a.linger(twin);
  t.code(a.err);
  t.fact("SO_LINGER", value);
});

row("L-28", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  a.close(s);
  const { code, bytes, optlen } = a.getBytes(s, SOL_SOCKET, SO_LINGER, 4);
  t.code(code, a.setLinger(s, 1, 30));
  t.fact("buffer", bytes.every((byte) => byte === 0xaa) && optlen === 4 ? "untouched" : "written");
});

row("L-29", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket();
  for (const level of [-1, 0x8000, 0x1234ffff]) t.code(a.getBytes(s, level, SO_LINGER, 4).code, a.setBytes(s, level, SO_LINGER, [1, 0, 0, 0]));
});

row("L-30", async (t) => {
  const p = await hosts(t);
  const listener = p.b.listener(PORT);
  p.b.setLinger(listener, 1, 30);
  p.b.nonblocking(listener);
  const start = p.now;
  t.code(p.b.close(listener));
  t.timing(p.now - start);
});

row("L-31", async (t) => {
  const p = await hosts(t);
  for (const nonblocking of [false, true]) {
    const s = p.a.socket();
    p.a.setLinger(s, 1, 30);
    p.a.nonblocking(s, nonblocking);
    const [mark, start] = [p.mark(), p.now];
    t.code(p.a.close(s));
    t.timing(p.now - start);
    p.run(100);
    t.wire(p.log, p.since(mark));
  }
});
