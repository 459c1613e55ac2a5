/** The provider's own entries on host sockets: events, refusal, order of results (chapters E, C, N). In real time. */
import assert from "node:assert/strict";
import { once } from "node:events";
import * as net from "node:net";
import { describe, test } from "node:test";
import {
  LASTACK_CONDITION, LASTACK_WAIT, WSAEACCES, WSAEADDRINUSE, WSAECONNABORTED, WSAECONNREFUSED, WSAECONNRESET, WSAEISCONN, WSAENOTSOCK,
  WSAEOPNOTSUPP, WSAESHUTDOWN, WSAEWOULDBLOCK,
} from "../../host/abi/errors.gen.ts";
import { CATALOG_HOST_TCP } from "../../host/abi/sockets.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { realRuntime, type World } from "../../host/driver/index.ts";
import { NodeSockets } from "../../host/sockets/index.ts";
import { socketsPart } from "../../host/wasi/sockets.ts";
import { ECONNRESET, RawSocket } from "./sockets-raw.ts";
import { KOFFI_MODES, LOCALHOST } from "./sockets-stack.ts";
import { needsKoffi, until } from "./sockets-support.ts";
import { coreModule, Spi } from "./support/spi.ts";

const FD_ALL = W.FD_READ | W.FD_WRITE | W.FD_ACCEPT | W.FD_CONNECT | W.FD_CLOSE;

/** A core with host sockets, driven in real time; what Spi knows of worlds it needs for waiting only, which `until` does here. */
async function provider(kernel: boolean): Promise<{ spi: Spi; end(): void }> {
  const runtime = realRuntime();
  const sockets = new NodeSockets({ kernel });
  const spi = new Spi(await coreModule(), runtime as unknown as World, undefined, "", { hostSockets: 64 }, (fds) => socketsPart(sockets, fds));
  assert.equal(spi.startup(), 0);
  return {
    spi,
    end() {
      spi.cleanup();
      spi.driver.pollNow();
      spi.driver.close();
      sockets.dispose();
    },
  };
}

async function plainServer(): Promise<{ server: net.Server; port: number; peer: Promise<net.Socket> }> {
  // What is still open when a test ends is reset.
  const server = net.createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => {})).listen(0, LOCALHOST);
  await once(server, "listening");
  const peer = once(server, "connection").then(([socket]) => socket as net.Socket);
  return { server, port: (server.address() as net.AddressInfo).port, peer };
}

/** Repeats a waiting call whenever the core may have news. */
async function blocking<T>(spi: Spi, what: string, call: () => T): Promise<T> {
  let result = call();
  await until(what, () => {
    if (spi.err === LASTACK_WAIT) result = call();
    return spi.err !== LASTACK_WAIT;
  });
  return result;
}

/** Waits until the event object is set, then enumerates. */
async function events(spi: Spi, s: number, event: number): Promise<Record<string, number>> {
  await until("an event", () => spi.isSet(event));
  return spi.enumerate(s, event) as Record<string, number>;
}

for (const mode of KOFFI_MODES) {
  const kernel = mode.exact;

  describe(`provider entries on host sockets ${mode.name}`, () => {
    test("the catalog entry names the provider", async () => {
      const { spi, end } = await provider(kernel);
      const s = spi.socket();
      spi.setWord(4, 628);
      const at = spi.at + 768;
      assert.equal(spi.code("WSPGetSockOpt", s, W.SOL_SOCKET, W.SO_PROTOCOL_INFOW, at, spi.at + 4), 0);
      assert.equal(spi.core.memory.word(at + 36), CATALOG_HOST_TCP);
      end();
    });

    test("six steps by events: FD_CONNECT and FD_WRITE, FD_READ, then FD_CLOSE when all is read (E-20, N-11)", async () => {
      const { spi, end } = await provider(kernel);
      const { server, port, peer } = await plainServer();
      const s = spi.socket();
      const event = spi.event();
      assert.equal(spi.select(s, event, FD_ALL), 0);
      assert.equal(spi.connect(s, LOCALHOST, port), WSAEWOULDBLOCK);
      assert.deepEqual(await events(spi, s, event), { FD_WRITE: 0, FD_CONNECT: 0 });
      assert.equal(spi.connect(s, LOCALHOST, port), WSAEISCONN);
      assert.equal(spi.send(s, "hello"), 5);
      assert.equal(spi.shutdown(s, W.SD_SEND), 0);
      assert.equal(spi.sendError(s), WSAESHUTDOWN);
      const plain = await peer;
      plain.on("end", () => plain.end("good-bye"));
      let read = "";
      plain.on("data", (chunk: Buffer) => {
        read += chunk;
      });
      const seen: string[] = [];
      await until("FD_CLOSE", () => {
        for (const name of Object.keys(spi.enumerate(s, event) ?? {})) {
          seen.push(name);
          if (name === "FD_READ") assert.equal(spi.text(s), "good-bye");
        }
        return seen.includes("FD_CLOSE");
      });
      assert.deepEqual(seen, ["FD_READ", "FD_CLOSE"]);
      assert.equal(read, "hello");
      assert.deepEqual([spi.text(s), spi.text(s)], ["", ""]);
      assert.equal(spi.close(s), 0);
      assert.equal(spi.close(s), WSAENOTSOCK);
      await until("the report", () => spi.reports.length === 1);
      assert.equal(spi.reports[0]?.outcome, mode.exact ? "graceful" : "unknown");
      server.close();
      end();
    });

    test("blocking accept, receive, send and linger wait in turn (C-13, N-20)", async () => {
      const { spi, end } = await provider(kernel);
      const listener = spi.socket();
      assert.equal(spi.bind(listener, LOCALHOST, 0), 0);
      assert.equal(spi.listen(listener), 0);
      const plain = net.connect({ host: LOCALHOST, port: Number(spi.name(listener).split(":")[1]), allowHalfOpen: true });
      const s = await blocking(spi, "accept", () => spi.accept(listener));
      assert.equal(spi.name(s, true), `${LOCALHOST}:${plain.localPort}`);
      const received = blocking(spi, "recv", () => spi.recv(s));
      plain.write("question");
      assert.equal(Buffer.from((await received) ?? []).toString(), "question");
      assert.equal(spi.send(s, "answer"), 6);
      assert.equal(spi.setLinger(s, 1, 5), 0);
      plain.resume().on("end", () => plain.end());
      assert.equal(await blocking(spi, "close", () => spi.close(s)), 0);
      assert.equal(spi.close(listener), 0);
      await until("both reports", () => spi.reports.length === 2);
      const outcomes = spi.reports.map((report) => report.outcome).sort();
      assert.equal(outcomes[1], mode.exact ? outcomes[1] : "unknown");
      if (mode.exact) assert.ok(["delivered", "graceful"].includes(outcomes.find((o) => o !== "notConnected") as string));
      end();
    });

    test("nonblocking with linger refuses while something would have to be waited for, and nothing happens (C-18 … C-23, N-21)", async () => {
      const { spi, end } = await provider(kernel);
      const { server, port, peer } = await plainServer();
      const s = spi.socket();
      assert.equal(await blocking(spi, "connect", () => spi.connect(s, LOCALHOST, port)), 0);
      const plain = await peer;
      spi.nonblocking(s);
      spi.setLinger(s, 1, 30);
      spi.send(s, "queued");
      assert.equal(spi.close(s), WSAEWOULDBLOCK);
      assert.equal(spi.close(s), WSAEWOULDBLOCK);
      const [chunk] = await once(plain, "data");
      assert.equal(String(chunk), "queued");
      assert.equal(spi.send(s, "still open"), 10);
      assert.equal(spi.setOption(s, W.SOL_SOCKET, W.SO_DONTLINGER, 1), 0);
      assert.equal(spi.close(s), 0);
      await once(plain, "end");
      plain.end();
      await until("the report", () => spi.reports.length === 1);
      assert.equal(spi.reports[0]?.outcome, mode.exact ? "graceful" : "unknown");
      server.close();
      end();
    });

    test("refused: FD_CONNECT carries 10061, and the socket may try again (E-65, N-29)", async () => {
      const { spi, end } = await provider(kernel);
      const { server, port } = await plainServer();
      server.close();
      await once(server, "close");
      const s = spi.socket();
      const event = spi.event();
      spi.select(s, event, FD_ALL);
      assert.equal(spi.connect(s, LOCALHOST, port), WSAEWOULDBLOCK);
      assert.deepEqual(await events(spi, s, event), { FD_CONNECT: WSAECONNREFUSED });
      const again = await plainServer();
      assert.equal(spi.connect(s, LOCALHOST, again.port), WSAEWOULDBLOCK);
      assert.deepEqual(await events(spi, s, event), { FD_WRITE: 0, FD_CONNECT: 0 });
      again.server.close();
      end();
    });

    test("a reset is FD_CLOSE with 10054, receive 10054, send 10054 (E-28, R-04)", async () => {
      const { spi, end } = await provider(kernel);
      const { server, port, peer } = await plainServer();
      const s = spi.socket();
      assert.equal(await blocking(spi, "connect", () => spi.connect(s, LOCALHOST, port)), 0);
      const event = spi.event();
      spi.select(s, event, W.FD_CLOSE);
      (await peer).resetAndDestroy();
      assert.deepEqual(await events(spi, s, event), { FD_CLOSE: WSAECONNRESET });
      assert.equal(spi.recvError(s), WSAECONNRESET);
      assert.equal(spi.sendError(s), WSAECONNRESET);
      spi.close(s);
      server.close();
      end();
    });

    test("a full queue answers 10035, FD_WRITE says when there is room again (O-37, N-28)", async () => {
      const { spi, end } = await provider(kernel);
      const { server, port, peer } = await plainServer();
      const s = spi.socket();
      const event = spi.event();
      spi.select(s, event, W.FD_CONNECT | W.FD_WRITE);
      spi.connect(s, LOCALHOST, port);
      await events(spi, s, event);
      const plain = (await peer).pause();
      let sent = 0;
      for (let full = 0; full < 20; ) {
        const n = spi.send(s, 30_000);
        if (n > 0) sent += n;
        full = n > 0 ? 0 : full + 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.equal(spi.err, WSAEWOULDBLOCK);
      spi.enumerate(s, event);
      assert.equal(spi.sendError(s, 30_000), WSAEWOULDBLOCK);
      plain.resume();
      assert.deepEqual(await events(spi, s, event), { FD_WRITE: 0 });
      spi.shutdown(s, W.SD_SEND);
      let read = 0;
      plain.on("data", (chunk: Buffer) => {
        read += chunk.length;
      });
      await once(plain, "end");
      assert.ok(read <= sent && read > 0);
      plain.end();
      spi.close(s);
      server.close();
      end();
    });

    test("our own port rules hold among our sockets, whatever the system would allow (O-09 … O-15, N-27)", async () => {
      const { spi, end } = await provider(kernel);
      const first = spi.socket();
      assert.equal(spi.bind(first, LOCALHOST, 0), 0);
      const port = Number(spi.name(first).split(":")[1]);
      const second = spi.socket();
      assert.equal(spi.bind(second, LOCALHOST, port), WSAEADDRINUSE);
      spi.setOption(second, W.SOL_SOCKET, W.SO_REUSEADDR, 1);
      assert.equal(spi.bind(second, LOCALHOST, port), WSAEACCES);
      const exclusive = spi.socket();
      spi.setOption(exclusive, W.SOL_SOCKET, W.SO_EXCLUSIVEADDRUSE, 1);
      assert.equal(spi.bind(exclusive, LOCALHOST, port), WSAEADDRINUSE);
      assert.equal(spi.close(first), 0);
      assert.equal(spi.bind(second, LOCALHOST, port), 0);
      end();
    });

    test("CF_REJECT resets a connection that the system has accepted already (O-22, N-26)", { skip: needsKoffi }, async () => {
      const { spi, end } = await provider(kernel);
      const listener = spi.socket();
      spi.bind(listener, LOCALHOST, 0);
      spi.listen(listener);
      const raw = new RawSocket().connect(Number(spi.name(listener).split(":")[1]));
      await blocking(spi, "the condition", () => spi.accept(listener, 1));
      assert.equal(spi.err, LASTACK_CONDITION);
      assert.equal(spi.raw("acceptDecide", listener, W.CF_REJECT), 0);
      spi.accept(listener, 1);
      assert.equal(spi.err, WSAECONNREFUSED);
      assert.equal((await raw.drain()).errno, ECONNRESET);
      raw.close();
      end();
    });

    test("urgent data is refused (N-32)", async () => {
      const { spi, end } = await provider(kernel);
      const { server, port } = await plainServer();
      const s = spi.socket();
      assert.equal(await blocking(spi, "connect", () => spi.connect(s, LOCALHOST, port)), 0);
      assert.equal(spi.send(s, "!", W.MSG_OOB), -1);
      assert.equal(spi.err, WSAEOPNOTSUPP);
      server.close();
      end();
    });

    test("WSPCleanup resets what is open; every close has its report (C-53)", { skip: needsKoffi }, async () => {
      const { spi, end } = await provider(kernel);
      const listener = RawSocket.listen();
      const s = spi.socket();
      assert.equal(await blocking(spi, "connect", () => spi.connect(s, LOCALHOST, listener.port)), 0);
      const raw = await listener.accept();
      end();
      assert.deepEqual(spi.reports.map(({ outcome, cause }) => [outcome, cause]), [["aborted", "cleanup"]]);
      assert.ok((await raw.drain()).errno !== 0);
      raw.close();
      listener.close();
    });

    // Node does not look any more after the peer's FIN: without koffi nothing tells (N-10).
    if (kernel) test("a reset after the peer's FIN is 10053 (R-06, P-21)", { skip: needsKoffi }, async () => {
      const { spi, end } = await provider(kernel);
      const listener = RawSocket.listen();
      const s = spi.socket();
      assert.equal(await blocking(spi, "connect", () => spi.connect(s, LOCALHOST, listener.port)), 0);
      const raw = await listener.accept();
      raw.shutdown();
      await blocking(spi, "the FIN", () => spi.recv(s));
      raw.reset();
      await until("10053", () => spi.recv(s) === undefined);
      assert.equal(spi.err, WSAECONNABORTED);
      spi.close(s);
      listener.close();
      end();
    });
  });
}
