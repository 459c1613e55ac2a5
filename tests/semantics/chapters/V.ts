/** The switches: every reading that the core offers, and the defaults of the questions that have one answer here. */
import { SD_SEND } from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { connected } from "../support/hosts.ts";

row("V-08", async (t) => {
  const p = await connected(t);
  p.b.send(p.t, "unread");
  p.run(100);
  const mark = p.mark();
  t.code(p.a.close(p.s));
  p.run(10);
  t.peerReceived(p.b.recv(p.t), p.b.err);
  t.wire(p.log, p.since(mark));
});

row("V-11", async (t) => {
  const p = await connected(t, { link: { delayMs: 20 } });
  const mark = p.mark();
  p.a.send(p.s, 1000);
  p.a.shutdown(p.s, SD_SEND);
  p.run(1);
  t.fact("acknowledged", p.since(mark).some((s) => s.from === "b"));
  t.wire(p.log, p.since(mark));
});
