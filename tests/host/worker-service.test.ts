/** The thread's side of a stack in a thread, with the program's side played by hand: what happens between two looks. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openHost } from "../../host/api/host.ts";
import { createStack, memoryLink } from "../../host/index.ts";
import { Lane, RX_WANT } from "../../host/worker/lane.ts";
import { Service } from "../../host/worker/service.ts";
import { LEFT, pattern, RIGHT } from "./api-support.ts";

const LANE = 0;
const SOCK_STREAM = 1;

/** The program does something right after the thread has looked at what was consumed. */
class WatchedLane extends Lane {
  afterLook: (() => void) | undefined;

  override get consumed(): number {
    const seen = super.consumed;
    const act = this.afterLook;
    this.afterLook = undefined;
    act?.();
    return seen;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("bytes consumed between two looks are not forgotten: what comes after them is shown", { timeout: 30_000 }, async () => {
  const link = memoryLink();
  const peer = await createStack({ devices: [link.b], addresses: [`${RIGHT}/24`] });
  const service = new Service({ news: () => {}, report: () => {}, fatal: (error) => assert.fail(error) });
  const host = await openHost({ devices: [link.a], addresses: [`${LEFT}/24`] }, service);
  after(async () => {
    host.driver.close();
    await peer.close({ deadlineMs: 0 });
  });
  service.start(host);
  const buffer = Lane.make(4096, 4096);
  const lane = new WatchedLane(LANE, buffer, 4096);
  service.addLane(LANE, lane);
  const server = await peer.listen({ port: 80 });
  const handle = service.call({ type: "call", name: "socket", handle: -1, args: [SOCK_STREAM, 0], lane: -1 }).result as number;
  const connect = () => service.call({ type: "call", name: "connect", handle, args: [{ address: RIGHT, port: 80 }], lane: LANE }).result;
  connect();
  const socket = (await server.accept()).setNoDelay();
  assert.equal(connect(), true);

  /** What the program does when it finds nothing to read. */
  const want = async (bytes: number): Promise<void> => {
    while (lane.received < bytes) {
      lane.set(RX_WANT, true);
      service.work(LANE);
      await turn();
    }
  };
  await socket.write(pattern(1000));
  await want(1000);
  lane.consume(400);
  lane.afterLook = () => lane.consume(600);
  service.work(LANE);
  assert.equal(lane.received, 0);
  await socket.write(pattern(500));
  await want(500);
  lane.consume(500);
  service.work(LANE);
  assert.equal(service.call({ type: "call", name: "unread", handle, args: [], lane: -1 }).result, 0, "the core has nothing left");
});
