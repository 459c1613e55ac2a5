/** select and WSAPoll around teardown. */
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { B, connected, hosts, PORT } from "../support/hosts.ts";
import type { Provider } from "../support/provider.ts";
import { finByPeer, refused, resetByPeer } from "../support/situations.ts";

const { POLLERR, POLLHUP, POLLNVAL, POLLPRI, POLLRDNORM, POLLWRBAND, POLLWRNORM, SO_ERROR } = W;
/** Where Spi puts the timeval and the three sets of WSPSelect. */
const AT_TIMEVAL = 32;
const AT_SETS = 768;
const SET_ROOM = 2048;
const NAMES = ["read", "write", "except"] as const;

interface Found {
  n: number;
  read: number[];
  write: number[];
  except: number[];
}

/** Sets that still name the socket: read+write, or none. */
function left(found: Found, s: number): string {
  return NAMES.filter((name) => found[name].includes(s)).join("+") || "none";
}

/** select over all three sets with no timeout. */
function all(a: Provider, s: number): Found {
  return a.poll({ read: [s], write: [s], except: [s] });
}

row("E-80", async (t) => {
  const p = await connected(t);
  const { s, t: peer } = p.join(p.listener);
  finByPeer(p);
  const end = p.a.poll({ read: [p.s] });
  t.result(end.n, p.a.err);
  t.fact("sets", left(end, p.s));
  p.b.send(peer, "unread");
  p.b.shutdown(peer, W.SD_SEND);
  p.run(100);
  const data = p.a.poll({ read: [s] });
  t.result(data.n, p.a.err);
  t.fact("sets.data", left(data, s));
});

row("E-81", async (t) => {
  const p = await connected(t);
  resetByPeer(p);
  const found = all(p.a, p.s);
  t.result(found.n, p.a.err);
  t.fact("sets", left(found, p.s));
});

row("E-82", async (t) => {
  const p = await connected(t);
  resetByPeer(p);
  t.result(p.a.poll({ except: [p.s] }).n, p.a.err);
});

row("E-83", async (t) => {
  const p = await hosts(t);
  const s = refused(p);
  const found = all(p.a, s);
  t.result(found.n, p.a.err);
  t.fact("sets", left(found, s));
  t.fact("SO_ERROR", p.a.option(s, SO_ERROR));
});

row("E-84", async (t) => {
  const p = await hosts(t);
  const s = p.a.socket();
  p.until(p.a, () => p.a.connect(s, B, PORT));
  const found = all(p.a, s);
  t.result(found.n, p.a.err);
  t.fact("sets", left(found, s));
  t.fact("SO_ERROR", p.a.option(s, SO_ERROR));
});

row("E-85", async (t) => {
  const { a } = await hosts(t);
  t.result(all(a, a.socket()).n, a.err);
});

row("E-86", async (t) => {
  const { a } = await hosts(t);
  const s = a.socket("udp");
  const found = all(a, s);
  t.result(found.n, a.err);
  t.fact("sets", left(found, s));
});

row("E-87", async (t) => {
  const p = await connected(t);
  const closed = p.a.socket();
  p.a.close(closed);
  for (const name of NAMES) {
    const sets = { read: [p.s], write: [p.s], except: [p.s] };
    sets[name].push(closed);
    const found = p.a.poll(sets);
    t.result(found.n, p.a.err);
    t.fact("sets", NAMES.every((one) => found[one].join() === sets[one].join()) ? "unchanged" : "changed");
  }
});

row("E-88", async (t) => {
  const { a } = await hosts(t);
  t.result(a.poll({}).n, a.err);
  t.result(a.poll({ read: [], write: [], except: [] }).n, a.err);
});

row("E-89", async (t) => {
  const p = await connected(t);
  t.result(p.a.poll({ write: [p.s, p.s] }).n, p.a.err);
  t.fact("fd_count", p.a.word(AT_SETS + SET_ROOM));
});

row("E-90", async (t) => {
  const p = await connected(t);
  const timeval = (): string => `${p.a.word(AT_TIMEVAL)}.${p.a.word(AT_TIMEVAL + 4)}`;
  t.result(p.until(p.a, () => p.a.poll({ read: [p.s] }, 1250)).n, p.a.err);
  t.fact("timeval", timeval() === "1.250000" ? "unchanged" : timeval());
  t.result(p.a.poll({ read: [p.s] }, 0).n, p.a.err);
  t.fact("timeval.poll", timeval() === "0.0" ? "unchanged" : timeval());
});

/** revents of one socket. */
function revents(a: Provider, s: number, events: number): string {
  return a.wsaPoll([[s, events]]).revents.join();
}

row("E-91", async (t) => {
  const p = await connected(t);
  finByPeer(p);
  t.fact("events0", revents(p.a, p.s, 0));
  t.fact("POLLIN", revents(p.a, p.s, W.POLLIN));
  t.fact("POLLWRNORM", revents(p.a, p.s, POLLRDNORM | POLLWRNORM));
});

row("E-92", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  finByPeer(p);
  t.fact("revents", revents(p.a, p.s, POLLRDNORM | POLLWRNORM));
});

row("E-93", async (t) => {
  const p = await connected(t);
  resetByPeer(p);
  t.fact("revents", revents(p.a, p.s, POLLRDNORM | POLLWRNORM));
});

row("E-94", async (t) => {
  const p = await connected(t);
  p.b.shutdown(p.t, W.SD_RECEIVE);
  p.run(100);
  t.fact("revents", revents(p.a, p.s, POLLRDNORM | POLLWRNORM));
});

row("E-95", async (t) => {
  const p = await connected(t);
  const closed = p.a.socket();
  p.a.close(closed);
  const { n, revents: found } = p.a.wsaPoll([[p.s, POLLWRNORM], [closed, POLLWRNORM]]);
  t.result(n, p.a.err);
  t.fact("good", found[0] ?? "");
  t.fact("bad", found[1] ?? "");
  t.result(p.a.wsaPoll([[closed, POLLWRNORM], [0xdead, POLLWRNORM]]).n, p.a.err);
});

row("E-96", async (t) => {
  const p = await connected(t);
  for (const events of [POLLERR, POLLHUP, POLLNVAL, POLLPRI, POLLWRBAND]) t.result(p.a.wsaPoll([[p.s, events]]).n, p.a.err);
});

row("E-97", async (t) => {
  const { a } = await hosts(t);
  for (const count of [0, 1]) t.result(a.call("WSAPoll", 0, count, 0), a.err);
});
