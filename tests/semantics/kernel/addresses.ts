/**
 * Host sockets whose addresses are those of the rows: 10.0.0.1 and 10.0.0.2 stand for two loopback addresses of this machine, a
 * pair of its own for every situation, so that what an earlier one left behind in the kernel is in nobody's way.
 */
import { getDefaultHighWaterMark, setDefaultHighWaterMark } from "node:stream";
import { WASI_EHOSTUNREACH } from "../../../host/abi/sockets.gen.ts";
import { loadKoffi } from "../../../host/sockets/koffi.ts";
import { type NodeSocketsOptions, NodeSockets } from "../../../host/sockets/index.ts";
import type { Place } from "./namespaces.ts";
import type { ByteParts, DatagramInfo, SocketAddress } from "../../../host/sockets/contract.ts";

const ROW_ADDRESSES = ["10.0.0.1", "10.0.0.2"] as const;
const WILDCARD = "0.0.0.0";
/** What the kernel chooses as source where nobody chose. */
const SOURCE = "127.0.0.1";
/** Receive buffers below this are meant to be full soon. */
const SMALL = 65536;
const NODE_BUFFER = getDefaultHighWaterMark(false);

/** SO_RCVBUF of the next listener, which its connections inherit; 0 = the system's. */
let receiveBuffer = 0;

/** Lets listeners have a small receive buffer: TCP handles of this thread set it as they begin to listen. Linux with koffi only. */
function smallBuffers(): void {
  const koffi = loadKoffi();
  const binding = (process as unknown as { binding(name: string): { TCP: { prototype: { listen(backlog: number): number } } } }).binding("tcp_wrap");
  if (!koffi || process.platform !== "linux") return;
  const setsockopt = koffi.load(null).func("int setsockopt(int fd, int level, int name, const void *val, uint32_t len)");
  const { listen } = binding.TCP.prototype;
  binding.TCP.prototype.listen = function (this: { readonly fd: number }, backlog: number): number {
    if (receiveBuffer > 0) {
      const value = Buffer.alloc(4);
      value.writeInt32LE(receiveBuffer);
      setsockopt(this.fd, 1, 8, value, 4);
    }
    return listen.call(this, backlog);
  };
}

smallBuffers();

/** How much the streams made from now on read ahead of their program. */
export function bufferStreams(rooms: readonly (number | undefined)[]): void {
  setDefaultHighWaterMark(false, rooms.some((room) => room !== undefined && room < SMALL) ? 1 : NODE_BUFFER);
}

/** Host sockets of a namespace, with the addresses that are there. A socket is made when it is bound, so that none is made elsewhere later. */
export class PlacedSockets extends NodeSockets {
  readonly elsewhere = "";
  readonly #receiveBuffer: number;
  readonly #place: Place;

  constructor(place: Place, room: number | undefined, options: NodeSocketsOptions = {}) {
    super({ ...options, ...(room !== undefined && room < SMALL && { pauseBytes: 1 }) });
    this.#receiveBuffer = room !== undefined && room < SMALL ? room : 0;
    this.#place = place;
  }

  override bind(fd: number, address: SocketAddress): number {
    return this.#place.within(() => super.bind(fd, address));
  }

  override listen(fd: number, backlog: number): number {
    receiveBuffer = this.#receiveBuffer;
    const result = this.#place.within(() => super.listen(fd, backlog));
    receiveBuffer = 0;
    return result;
  }

  override connect(fd: number, address: SocketAddress): number {
    if (!this.localAddress(fd)) this.bind(fd, { address: WILDCARD, port: 0, family: "IPv4" });
    return this.#place.within(() => super.connect(fd, address));
  }

  override sendTo(fd: number, from: ByteParts, to: SocketAddress | undefined): number {
    return this.#place.within(() => super.sendTo(fd, from, to));
  }
}

export class AddressedSockets extends NodeSockets {
  /** An address that is not there was asked for. */
  elsewhere = "";
  readonly #receiveBuffer: number;
  readonly #place: 0 | 1;
  readonly #real: readonly [string, string];
  /** Descriptors bound to the wildcard, which here is one address: both cores use the same ports. */
  readonly #wild = new Set<number>();

  /** @param room What the core's recvBuffer is configured to: a small one makes the kernel's and Node's small as well. */
  constructor(place: 0 | 1, real: readonly [string, string], room: number | undefined, options: NodeSocketsOptions = {}) {
    super({ ...options, ...(room !== undefined && room < SMALL && { pauseBytes: 1 }) });
    this.#receiveBuffer = room !== undefined && room < SMALL ? room : 0;
    this.#place = place;
    this.#real = real;
  }

  /** The kernel's address for a row's; undefined for one that no machine here has. */
  #inward(to: SocketAddress): SocketAddress | undefined {
    const at = ROW_ADDRESSES.indexOf(to.address as (typeof ROW_ADDRESSES)[number]);
    if (at >= 0) return { ...to, address: this.#real[at] as string };
    if (to.family === "IPv6" || to.address.startsWith("127.")) return to;
    this.elsewhere = to.address;
    return undefined;
  }

  #outward(found: SocketAddress | undefined, peer: boolean): SocketAddress | undefined {
    if (!found) return undefined;
    const at = this.#real.indexOf(found.address);
    if (at >= 0) return { ...found, address: ROW_ADDRESSES[at] as string };
    if (found.address !== SOURCE) return found;
    return { ...found, address: ROW_ADDRESSES[peer ? 1 - this.#place : this.#place] as string };
  }

  override bind(fd: number, address: SocketAddress): number {
    if (address.address === WILDCARD) {
      const result = super.bind(fd, { ...address, address: this.#real[this.#place] });
      if (result === 0) this.#wild.add(fd);
      return result;
    }
    const real = this.#inward(address);
    return real ? super.bind(fd, real) : -WASI_EHOSTUNREACH;
  }

  override listen(fd: number, backlog: number): number {
    receiveBuffer = this.#receiveBuffer;
    const result = super.listen(fd, backlog);
    receiveBuffer = 0;
    return result;
  }

  override connect(fd: number, address: SocketAddress): number {
    const real = this.#inward(address);
    if (!real) return -WASI_EHOSTUNREACH;
    this.#wild.delete(fd);
    return super.connect(fd, real);
  }

  override sendTo(fd: number, from: ByteParts, to: SocketAddress | undefined): number {
    const real = to && this.#inward(to);
    return to && !real ? -WASI_EHOSTUNREACH : super.sendTo(fd, from, real);
  }

  override receiveFrom(fd: number, into: ByteParts, peek: boolean, info: DatagramInfo): number {
    const result = super.receiveFrom(fd, into, peek, info);
    info.from = this.#outward(info.from, true);
    return result;
  }

  override localAddress(fd: number): SocketAddress | undefined {
    const found = super.localAddress(fd);
    return found && this.#wild.has(fd) ? { ...found, address: WILDCARD } : this.#outward(found, false);
  }

  override peerAddress(fd: number): SocketAddress | undefined {
    return this.#outward(super.peerAddress(fd), true);
  }

  override close(fd: number): number {
    this.#wild.delete(fd);
    return super.close(fd);
  }
}
