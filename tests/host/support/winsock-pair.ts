/** Two Winsocks of lastack/winsock on a memory link in real time, with one connection. */
import assert from "node:assert/strict";
import * as W from "../../../host/winsock/index.ts";

export interface WinsockPair {
  readonly a: W.Winsock;
  readonly b: W.Winsock;
  /** On a, connected to t on b. */
  readonly s: number;
  readonly t: number;
  end(): void;
}

/** A connection of SOCK_STREAM or SOCK_SEQPACKET to `port` of b. */
export async function winsockPair(type: number, port: number): Promise<WinsockPair> {
  const link = W.memoryLink();
  const a = await W.createWinsock({ devices: [link.a], addresses: ["10.0.0.1/24"] });
  const b = await W.createWinsock({ devices: [link.b], addresses: ["10.0.0.2/24"] });
  assert.equal(a.WSAStartup(), 0);
  assert.equal(b.WSAStartup(), 0);
  const listener = b.socket(W.AF_INET, type, 0);
  assert.equal(b.bind(listener, { address: "0.0.0.0", port }), 0);
  assert.equal(b.listen(listener, 5), 0);
  const s = a.socket(W.AF_INET, type, W.IPPROTO_TCP);
  const from: W.SockAddr = { address: "", port: 0 };
  const [t, connected] = await Promise.all([b.accept(listener, from), a.connect(s, { address: "10.0.0.2", port })]);
  assert.equal(connected, 0);
  const own: W.SockAddr = { address: "", port: 0 };
  assert.equal(a.getsockname(s, own), 0);
  assert.deepEqual(from, own);
  return { a, b, s, t, end: () => { a.end(); b.end(); } };
}
