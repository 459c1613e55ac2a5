/** Linger options. */
import * as W from "../../../host/abi/winsock.gen.ts";
import { row } from "../registry.ts";
import { hosts } from "../support/hosts.ts";

const { SO_DONTLINGER, SO_LINGER, SOL_SOCKET } = W;

row("L-01", async (t) => {
  const { a } = await hosts(t);
  const { code, bytes, optlen } = a.getBytes(a.socket(), SOL_SOCKET, SO_LINGER, 4);
  t.code(code);
  t.fact("onoff", (bytes[0] as number) | ((bytes[1] as number) << 8));
  t.fact("seconds", (bytes[2] as number) | ((bytes[3] as number) << 8));
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
