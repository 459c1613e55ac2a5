/** The provider's entries as Spi has them, and the further ones that rows need: raw options, duplicates, WSAPoll, TCP_INFO. */
import assert from "node:assert/strict";
import * as W from "../../../host/abi/winsock.gen.ts";
import type { CoreConfig } from "../../../host/core/index.ts";
import type { FrameDevice } from "../../../host/device/index.ts";
import type { World } from "../../../host/driver/index.ts";
import { type Attach, ROOM, Spi } from "../../host/support/spi.ts";

/** Bytes of scratch memory behind `Provider.scratch`. */
export const SCRATCH = 16384;

/** What `send(s, n)` sends, for comparing with what arrived. */
export function bytesOf(n: number): Uint8Array {
  return Uint8Array.from({ length: n }, (_, i) => ((i % ROOM) * 7 + ((i % ROOM) >> 8)) & 0xff);
}

/** Where Spi keeps the count of a transfer and its bytes. */
const COUNT = 8;
const BIG = 768;

const POLL_NAMES: readonly (readonly [number, string])[] = [
  [W.POLLERR, "POLLERR"], [W.POLLHUP, "POLLHUP"], [W.POLLNVAL, "POLLNVAL"], [W.POLLWRNORM, "POLLWRNORM"], [W.POLLWRBAND, "POLLWRBAND"],
  [W.POLLRDNORM, "POLLRDNORM"], [W.POLLRDBAND, "POLLRDBAND"], [W.POLLPRI, "POLLPRI"],
];

export class Provider extends Spi {
  /** A piece of the host area that no call of Spi touches: SCRATCH bytes where the area has them, the address a pointer argument may name. */
  readonly scratch: number;

  constructor(from: WebAssembly.Module | Attach, world: World, device: FrameDevice | undefined, address: string, config: CoreConfig = {}) {
    super(from, world, device, address, config);
    this.scratch = this.core.area.take(Math.min(SCRATCH, this.core.area.free));
  }

  /** Like Spi's; more than ROOM bytes go out in one call of several buffers. */
  override send(s: number, data: Uint8Array | string | number, flags = 0): number {
    if (typeof data !== "number" || data <= ROOM) return super.send(s, data, flags);
    this.put(BIG, bytesOf(ROOM));
    const count = Math.ceil(data / ROOM);
    for (let i = 0; i < count; i++) {
      this.pokeWord(Math.min(ROOM, data - i * ROOM), 8 * i);
      this.pokeWord(this.at + BIG, 8 * i + 4);
    }
    return this.code("WSPSend", s, this.scratch, count, this.at + COUNT, flags, 0, 0, 0) ? -1 : this.word(COUNT);
  }

  /** Copies bytes to scratch + offset and returns their address. */
  poke(bytes: Uint8Array | readonly number[], offset = 0): number {
    this.core.memory.ensure();
    this.core.memory.u8.set(bytes, this.scratch + offset);
    return this.scratch + offset;
  }

  /** Stores a 32-bit word at scratch + offset and returns its address. */
  pokeWord(value: number, offset = 0): number {
    this.core.memory.ensure();
    this.core.memory.i32[(this.scratch + offset) >>> 2] = value;
    return this.scratch + offset;
  }

  /** Bytes at scratch + offset. */
  scratchBytes(length: number, offset = 0): Uint8Array {
    this.core.memory.ensure();
    return this.core.memory.u8.slice(this.scratch + offset, this.scratch + offset + length);
  }

  /** The 32-bit word at scratch + offset, unsigned. */
  scratchWord(offset = 0): number {
    this.core.memory.ensure();
    return this.core.memory.word(this.scratch + offset);
  }

  /** WSPSetSockOpt with these bytes and this length. */
  setBytes(s: number, level: number, name: number, bytes: readonly number[], length = bytes.length): number {
    return this.code("WSPSetSockOpt", s, level, name, this.poke(bytes), length);
  }

  /** WSPGetSockOpt with room for `length` bytes in a buffer filled with `fill`; what came back, its code and length. */
  getBytes(s: number, level: number, name: number, length: number, fill = 0xaa): { code: number; bytes: number[]; optlen: number } {
    const room = Math.max(8, Math.min(length, SCRATCH - 16));
    this.poke(new Uint8Array(room).fill(fill), 8);
    const optlenAt = this.pokeWord(length);
    const code = this.code("WSPGetSockOpt", s, level, name, this.scratch + 8, optlenAt);
    return { code, bytes: [...this.scratchBytes(room, 8)], optlen: this.scratchWord() | 0 };
  }

  /** A Boolean or number option of level SOL_SOCKET. */
  option(s: number, name: number): number {
    return this.getOption(s, W.SOL_SOCKET, name);
  }

  /** WSPDuplicateSocket for this process, then WSPSocket from the description: the new descriptor. */
  duplicate(s: number): number {
    assert.equal(this.describe(s), 0, "WSPDuplicateSocket");
    return this.fromDescription();
  }

  /** WSPDuplicateSocket; the description stands at scratch. */
  describe(s: number, process = 1): number {
    return this.code("WSPDuplicateSocket", s, process, this.scratch);
  }

  /** WSPSocket(0, 0, 0, description at scratch), or with FROM_PROTOCOL_INFO for all three. */
  fromDescription(from = 0): number {
    return this.call("WSPSocket", from, from, from, this.scratch, 0, 1) >>> 0;
  }

  /** WSAPoll over [handle, events] pairs with no timeout; revents as names joined with "+", "0" for none. */
  wsaPoll(entries: readonly (readonly [number, number])[], timeoutMs = 0): { n: number; revents: string[] } {
    for (const [i, [handle, events]] of entries.entries()) {
      this.pokeWord(handle, 8 * i);
      this.pokeWord(events & 0xffff, 8 * i + 4);
    }
    const n = this.call("WSAPoll", this.scratch, entries.length, timeoutMs);
    return { n, revents: entries.map((_, i) => pollNames(this.scratchWord(8 * i + 4) >>> 16)) };
  }

  /** TCP state of an open handle, without making the core poll: for conditions of World.runUntil. */
  stateNow(s: number): string {
    return W.tcpStateName[this.core.exports.socketState(s)] ?? "none";
  }

  /** Whether the function at that index of the core's table is the export of that name: wrappers of one function are one object. */
  isEntry(index: number, name: string): boolean {
    const remote = this.core as unknown as { isEntry?(index: number, name: string): boolean };
    if (remote.isEntry) return remote.isEntry(index, name);
    const exports = this.core.exports as unknown as Record<string, unknown>;
    const table = exports["table"] as WebAssembly.Table;
    return index < table.length && table.get(index) === exports[name];
  }

  /** Fills SIO_TCP_INFO and returns State as its name. */
  tcpInfoState(s: number): string {
    assert.equal(this.ioctl(s, W.SIO_TCP_INFO, 0), 0);
    return W.tcpStateName[this.word(96)] ?? "unknown";
  }

  /** Reads until `length` bytes, the end, an error, or nothing more is there; running the world where the call has to wait. */
  drain(s: number, length = Number.POSITIVE_INFINITY): { bytes: Uint8Array; error: number; end: boolean } {
    const parts: Uint8Array[] = [];
    for (let got = 0; got < length; ) {
      const part = this.until(() => this.recv(s));
      if (part === undefined) return { bytes: join(parts), error: this.err, end: false };
      if (part.length === 0) return { bytes: join(parts), error: 0, end: true };
      parts.push(part);
      got += part.length;
    }
    return { bytes: join(parts), error: 0, end: false };
  }
}

function pollNames(revents: number): string {
  const names = POLL_NAMES.filter(([bit]) => revents & bit).map(([, name]) => name);
  return names.length > 0 ? names.join("+") : "0";
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
