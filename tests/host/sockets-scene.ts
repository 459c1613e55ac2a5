/** A core on host sockets and a peer of one kind: where the checks of chapter N take place. In real time; the event loop turns until something is so. */
import assert from "node:assert/strict";
import { LASTACK_WAIT, WSAEWOULDBLOCK } from "../../host/abi/errors.gen.ts";
import * as W from "../../host/abi/winsock.gen.ts";
import { type CloseReportRecord, Core, type CoreConfig } from "../../host/core/index.ts";
import { realRuntime, type World } from "../../host/driver/index.ts";
import { NodeSockets } from "../../host/sockets/index.ts";
import { FdTable, wasiImports } from "../../host/wasi/index.ts";
import { socketsPart } from "../../host/wasi/sockets.ts";
import { Provider } from "../semantics/support/provider.ts";
import type { PeerKind, RowListener, RowPeer } from "./sockets-peers.ts";
import { LOCALHOST } from "./sockets-stack.ts";
import { until } from "./sockets-support.ts";
import { coreModule } from "./support/spi.ts";

const PIECE = new Uint8Array(32_000).fill(7);

export const turns = async (n: number): Promise<void> => {
  for (let i = 0; i < n; i++) await new Promise((resolve) => setImmediate(resolve));
};

export class Scene {
  readonly spi: Provider;
  readonly kind: PeerKind;
  /** koffi is used: nothing of the row may be missing. */
  readonly exact: boolean;
  /** The row's lesser answer was found, and that it is declared. */
  lesser = false;
  readonly #sockets: NodeSockets;
  readonly #open: { close(): void | Promise<void> }[] = [];

  private constructor(spi: Provider, sockets: NodeSockets, kind: PeerKind, exact: boolean) {
    this.spi = spi;
    this.#sockets = sockets;
    this.kind = kind;
    this.exact = exact;
  }

  static async begin(kind: PeerKind, exact: boolean, config: CoreConfig = {}): Promise<Scene> {
    const module = await coreModule();
    const sockets = new NodeSockets({ kernel: exact });
    const runtime = realRuntime();
    // What Provider knows of worlds it needs for waiting only, which `until` does here.
    const spi = new Provider((listener) => {
      const fds = new FdTable();
      const core = new Core(module, wasiImports({ clock: runtime.clock, random: runtime.random, fds, sockets: socketsPart(sockets, fds) }), {
        maxSockets: 64, hostSockets: 64, ...config,
      });
      return { core, driver: runtime.attach(core, fds, listener) };
    }, runtime as unknown as World, undefined, "");
    assert.equal(spi.startup(), 0);
    return new Scene(spi, sockets, kind, exact);
  }

  async end(): Promise<void> {
    for (const one of this.#open) await one.close();
    this.spi.cleanup();
    this.spi.driver.pollNow();
    this.spi.driver.close();
    this.#sockets.dispose();
  }

  /** Closed at the end of the check, whatever comes. */
  keep<T extends { close(): void | Promise<void> }>(one: T): T {
    this.#open.push(one);
    return one;
  }

  /** What a report says where only the kernel knows. */
  told(outcome: string): string {
    return this.exact ? outcome : "unknown";
  }

  /** True with the capability; without it the row has a lesser answer, which `capabilities` must say of this socket. */
  can(s: number, capability: number): boolean {
    const has = (this.spi.getOption(s, W.SOL_LASTACK, W.LSO_CAPABILITIES) & capability) !== 0;
    assert.equal(has, this.exact, "the capability bit");
    this.lesser ||= !has;
    return has;
  }

  /** Repeats a waiting call whenever the core may have news. */
  async blocking<T>(what: string, call: () => T): Promise<T> {
    let result = call();
    await until(what, () => {
      if (this.spi.err === LASTACK_WAIT) result = call();
      return this.spi.err !== LASTACK_WAIT;
    });
    return result;
  }

  async listener(): Promise<RowListener> {
    return this.keep(await this.kind.listen());
  }

  /** A connection that we opened. */
  async connected(): Promise<{ s: number; peer: RowPeer }> {
    const listener = await this.kind.listen();
    const s = this.spi.socket();
    assert.equal(await this.blocking("connect", () => this.spi.connect(s, LOCALHOST, listener.port)), 0);
    const peer = this.keep(await listener.accept());
    await listener.close();
    return { s, peer };
  }

  listening(): { s: number; port: number } {
    const s = this.spi.socket();
    assert.equal(this.spi.bind(s, LOCALHOST, 0), 0);
    assert.equal(this.spi.listen(s), 0);
    return { s, port: this.portOf(s) };
  }

  /** A connection that the peer opened. */
  async accepted(): Promise<{ s: number; peer: RowPeer }> {
    const { s: listener, port } = this.listening();
    const peer = this.keep(await this.kind.connect(port));
    const s = await this.blocking("accept", () => this.spi.accept(listener));
    assert.equal(this.spi.err, 0);
    assert.equal(this.spi.close(listener), 0);
    return { s, peer };
  }

  portOf(s: number): number {
    return Number(this.spi.name(s).split(":")[1]);
  }

  /** Queues so many bytes, whatever the peer reads. */
  fill(s: number, bytes: number): void {
    assert.equal(this.spi.setOption(s, W.SOL_SOCKET, W.SO_SNDBUF, bytes * 2), 0);
    for (let left = bytes; left > 0; left -= PIECE.length) {
      const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
      assert.equal(this.spi.send(s, piece), piece.length);
    }
  }

  /** Everything up to the peer's FIN. */
  async readAll(s: number): Promise<number> {
    let bytes = 0;
    await until("the peer's FIN", () => {
      for (let chunk = this.spi.recv(s); chunk; chunk = this.spi.recv(s)) {
        if (chunk.length === 0) return true;
        bytes += chunk.length;
      }
      assert.ok(this.spi.err === LASTACK_WAIT || this.spi.err === WSAEWOULDBLOCK, `receive failed with ${this.spi.err}`);
      return false;
    });
    return bytes;
  }

  async report(s: number): Promise<CloseReportRecord> {
    const find = (): CloseReportRecord | undefined => this.spi.reports.find(({ handle }) => handle === s);
    await until("the report", () => find() !== undefined);
    return find() as CloseReportRecord;
  }

  /** Closes and looks at outcome and cause of the report. */
  async closes(s: number, outcome: string, cause = "none"): Promise<void> {
    assert.equal(await this.blocking("close", () => this.spi.close(s)), 0);
    const report = await this.report(s);
    assert.deepEqual([report.outcome, report.cause], [outcome, cause]);
  }

  /** Both sides end: the peer's FIN, then ours. */
  async part(s: number, peer: RowPeer): Promise<void> {
    peer.finish();
    assert.equal(await this.readAll(s), 0);
    assert.equal(this.spi.close(s), 0);
  }

  watch(s: number, mask: number): number {
    const event = this.spi.event();
    assert.equal(this.spi.select(s, event, mask), 0);
    return event;
  }

  /** Waits until the event object is set, then enumerates. */
  async events(s: number, event: number): Promise<Record<string, number>> {
    await until("an event", () => this.spi.isSet(event));
    return this.spi.enumerate(s, event) as Record<string, number>;
  }
}
