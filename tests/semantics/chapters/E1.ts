/** Network events: registration and the record. */
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { A, type Connected, connected, hosts, PORT } from "../support/hosts.ts";
import { accept, watch } from "../support/situations.ts";

const { FD_ACCEPT, FD_CLOSE, FD_READ, FD_WRITE } = W;
/** WSANETWORKEVENTS: lNetworkEvents, then an error code for each of FD_MAX_EVENTS bits. */
const SIZEOF_WSANETWORKEVENTS = 4 + 4 * W.FD_MAX_EVENTS;
/** An address behind the end of linear memory. */
const UNMAPPED = -65536;

/** Text of b arrives at s and stays unread. */
function textArrives(p: Connected): void {
  p.b.send(p.t, "unread");
  p.run(100);
}

row("E-01", async (t) => {
  const p = await connected(t);
  const other = p.join(p.listener).s;
  for (const [s, mask] of [[p.s, FD_READ], [other, 0]] as const) {
    t.code(p.a.select(s, p.a.event(), mask));
    t.result(p.a.recv(s), p.a.err);
  }
});

row("E-02", async (t) => {
  const p = await connected(t);
  watch(p.a, p.s, FD_READ);
  t.code(p.a.nonblocking(p.s, false));
  t.result(p.a.recv(p.s), p.a.err);
  t.code(p.a.nonblocking(p.s));
});

row("E-03", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  t.code(p.a.select(p.s, 0, 0), p.a.nonblocking(p.s, false));
  t.result(p.a.recv(p.s), p.a.err);
  textArrives(p);
  t.own(p.a.enumerate(p.s, event));
});

row("E-04", async (t) => {
  const p = await connected(t);
  watch(p.a, p.s, FD_READ);
  textArrives(p);
  const [ev1, ev2] = [p.a.event(), p.a.event()];
  t.code(p.a.select(p.s, ev1, FD_READ), p.a.select(p.s, ev2, FD_WRITE));
  textArrives(p);
  t.fact("ev2", p.a.isSet(ev2) ? "set" : "unset");
  t.own(p.a.enumerate(p.s, ev2));
});

row("E-06", async (t) => {
  const { a } = await hosts(t);
  t.code(a.select(a.socket(), 0, FD_READ));
});

row("E-07", async (t) => {
  const { a } = await hosts(t);
  const { a: idle } = await hosts(t, { startup: false });
  const event = a.event();
  t.code(a.select(0xdead, event, FD_READ), idle.select(1, idle.event(), FD_READ));
  for (const spi of [a, idle]) {
    spi.enumerate(0xdead);
    t.code(spi.err);
  }
});

row("E-08", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  textArrives(p);
  const events = p.a.enumerate(p.s, event);
  t.code(p.a.err);
  t.own(events);
  t.fact("event", p.a.isSet(event) ? "set" : "unset");
  t.own(p.a.enumerate(p.s, event));
});

row("E-09", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  textArrives(p);
  const events = p.a.enumerate(p.s);
  t.code(p.a.err);
  t.own(events);
  t.fact("event", p.a.isSet(event) ? "set" : "unset");
  t.own(p.a.enumerate(p.s));
});

row("E-10", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  textArrives(p);
  t.code(p.a.code("WSPEnumNetworkEvents", p.s, event, UNMAPPED));
  t.fact("event", p.a.isSet(event) ? "set" : "unset");
  t.own(p.a.enumerate(p.s, event));
});

row("E-11", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ | FD_WRITE | FD_CLOSE);
  p.a.enumerate(p.s, event);
  textArrives(p);
  p.a.poke(new Uint8Array(SIZEOF_WSANETWORKEVENTS).fill(0xaa));
  t.code(p.a.code("WSPEnumNetworkEvents", p.s, event, p.a.scratch));
  const errors = [...p.a.scratchBytes(SIZEOF_WSANETWORKEVENTS - 4, 4)];
  t.fact("written", p.a.scratchWord(4 + 4 * W.FD_READ_BIT));
  errors.splice(4 * W.FD_READ_BIT, 4);
  t.fact("others", errors.every((byte) => byte === 0xaa) ? "pattern" : "overwritten");
});

row("E-12", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  textArrives(p);
  for (const mask of [FD_WRITE, FD_READ | FD_WRITE]) {
    p.a.select(p.s, event, mask);
    t.own(p.a.enumerate(p.s, event));
  }
});

row("E-13", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ);
  textArrives(p);
  t.code(p.a.select(p.s, event, FD_CLOSE));
  t.fact("event", p.a.isSet(event) ? "set" : "unset");
});

row("E-14", async (t) => {
  const p = await hosts(t);
  const listener = p.a.listener(PORT);
  const event = watch(p.a, listener, FD_ACCEPT | FD_READ | FD_WRITE);
  const s = p.b.socket();
  p.until(p.b, () => p.b.connect(s, A, PORT));
  p.run(50);
  p.a.enumerate(listener, event);
  const child = accept(p.a, listener);
  t.fact("event", p.a.isSet(event) ? "set" : "unset");
  t.own(p.a.enumerate(child, event));
  p.b.send(s, "news");
  p.run(50);
  t.fact("event", p.a.isSet(event) ? "set" : "unset");
  t.own(p.a.enumerate(child, event));
});

row("E-15", async (t) => {
  const p = await connected(t);
  const twin = p.a.duplicate(p.s);
  const [ev1, ev2] = [p.a.event(), p.a.event()];
  t.code(p.a.select(p.s, ev1, FD_READ), p.a.select(twin, ev2, FD_WRITE));
  textArrives(p);
  t.own(p.a.enumerate(p.s, ev1));
});

row("E-16", async (t) => {
  const p = await connected(t);
  const event = watch(p.a, p.s, FD_READ | FD_CLOSE);
  t.code(p.a.close(p.s));
  p.run(10);
  p.b.close(p.t);
  p.run(100);
  t.own(p.a.isSet(event) ? "signaled" : "none");
  const valid = p.a.raw("WSASetEvent", event) === 1 && p.a.isSet(event) && p.a.raw("WSAResetEvent", event) === 1 && !p.a.isSet(event);
  t.fact("event", valid ? "valid" : "gone");
});

row("E-17", async (t) => {
  const p = await connected(t);
  const event = p.a.event();
  const look = (): void => {
    p.a.poll({ read: [p.s], write: [p.s], except: [p.s] });
    p.a.wsaPoll([[p.s, W.POLLRDNORM | W.POLLWRNORM]]);
  };
  p.a.select(p.s, event, FD_READ);
  textArrives(p);
  look();
  t.fact("event", p.a.isSet(event) ? "set" : "unset");
  t.own(p.a.enumerate(p.s, event));
  look();
  t.fact("again", p.a.isSet(event) ? "set" : "unset");
  t.own(p.a.enumerate(p.s, event));
});

row("E-18", async (t) => {
  const p = await connected(t);
  textArrives(p);
  const events = p.a.enumerate(p.s);
  t.code(p.a.err);
  t.own(events);
});
