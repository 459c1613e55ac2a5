/** One descriptor of the host provider. The methods here answer for a socket that cannot do what it is asked. */
import { WASI_EINVAL } from "../abi/link.gen.ts";
import { LSO_DROPPED, LSO_FIRST, LSO_QUEUED, LSO_STATE, WASI_ENOPROTOOPT, WASI_ENOTCONN, WASI_ENOTSUP } from "../abi/sockets.gen.ts";
import { LSO_CAPABILITIES, LSO_FIN_ACKED, LSO_OUTSTANDING, LSO_RESET, SO_ERROR, SOL_LASTACK, SOL_SOCKET, TCP_CLOSED } from "../abi/winsock.gen.ts";
import type { ByteParts, DatagramInfo, SocketAddress } from "./contract.ts";
import type { Kernel } from "./kernel.ts";

/** What the sockets of one provider share. */
export interface Surroundings {
  readonly kernel: Kernel | undefined;
  /** CAPABILITY_x of this provider. */
  readonly capabilities: number;
  /** Received bytes at which a connection stops reading; it resumes at half of them. */
  readonly pauseBytes: number;
  /** Tells the core; never called from inside one of the core's imports. */
  ready(fd: number, bits: number): void;
}

export abstract class Endpoint {
  /** The descriptor the core knows; -1 before accept and after close. */
  fd = -1;
  protected readonly around: Surroundings;

  constructor(around: Surroundings) {
    this.around = around;
  }

  protected raise(bits: number): void {
    if (this.fd >= 0) this.around.ready(this.fd, bits);
  }

  bind(_address: SocketAddress): number {
    return -WASI_EINVAL;
  }

  /** An accepted connection, or minus an errno. */
  accept(): Endpoint | number {
    return -WASI_EINVAL;
  }

  receive(_into: ByteParts, _peek: boolean): number {
    return -WASI_ENOTCONN;
  }

  send(_from: ByteParts): number {
    return -WASI_ENOTCONN;
  }

  receiveFrom(_into: ByteParts, _peek: boolean, _info: DatagramInfo): number {
    return -WASI_ENOTSUP;
  }

  sendTo(_from: ByteParts, _to: SocketAddress | undefined): number {
    return -WASI_ENOTSUP;
  }

  shutdown(_flags: number): number {
    return -WASI_ENOTCONN;
  }

  localAddress(): SocketAddress | undefined {
    return undefined;
  }

  peerAddress(): SocketAddress | undefined {
    return undefined;
  }

  /** WASI errno of what went wrong, 0 if nothing did. Asking does not clear it (P-22). */
  protected error(): number {
    return 0;
  }

  protected outstanding(): number {
    return 0;
  }

  protected finAcked(): number {
    return 0;
  }

  protected state(): number {
    return TCP_CLOSED;
  }

  protected dropped(): number {
    return 0;
  }

  protected firstDatagram(): number {
    return -1;
  }

  protected queuedDatagrams(): number {
    return 0;
  }

  /** The value, or undefined for an option this socket does not have. */
  getOption(level: number, name: number): number | undefined {
    if (level === SOL_SOCKET && name === SO_ERROR) return this.error();
    if (level !== SOL_LASTACK) return undefined;
    if (name === LSO_OUTSTANDING) return this.outstanding();
    if (name === LSO_FIN_ACKED) return this.finAcked();
    if (name === LSO_CAPABILITIES) return this.around.capabilities;
    if (name === LSO_STATE) return this.state();
    if (name === LSO_FIRST) return this.firstDatagram();
    if (name === LSO_QUEUED) return this.queuedDatagrams();
    return name === LSO_DROPPED ? this.dropped() : undefined;
  }

  setOption(level: number, name: number, _value: number): number {
    if (level !== SOL_LASTACK || name !== LSO_RESET) return -WASI_ENOPROTOOPT;
    this.reset();
    return 0;
  }

  /** Resets the connection, if there is one. */
  reset(): void {}

  /** Gives the descriptor back; what was sent is still delivered. */
  abstract close(): void;
}

/** Bytes of all parts. */
export function totalBytes(io: ByteParts): number {
  let total = 0;
  for (let i = 0; i < io.count; i++) total += (io.parts[io.first + 2 * i + 1] as number) >>> 0;
  return total;
}

/** Copies up to `limit` bytes of the parts into a buffer of their own. */
export function copyOut(io: ByteParts, limit: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.allocUnsafeSlow(Math.min(limit, totalBytes(io)));
  let at = 0;
  for (let i = io.first; at < bytes.length; i += 2) {
    const from = (io.parts[i] as number) >>> 0;
    const length = Math.min((io.parts[i + 1] as number) >>> 0, bytes.length - at);
    bytes.set(io.memory.subarray(from, from + length), at);
    at += length;
  }
  return bytes;
}

/** Copies `source` from `offset` into the parts from their byte `skip` on; returns the bytes that fitted. */
export function copyIn(io: ByteParts, skip: number, source: Uint8Array, offset: number): number {
  let before = skip;
  let done = 0;
  for (let i = 0; i < io.count && offset + done < source.length; i++) {
    const at = (io.parts[io.first + 2 * i] as number) >>> 0;
    const size = (io.parts[io.first + 2 * i + 1] as number) >>> 0;
    if (before >= size) {
      before -= size;
      continue;
    }
    const length = Math.min(size - before, source.length - offset - done);
    io.memory.set(source.subarray(offset + done, offset + done + length), at + before);
    done += length;
    before = 0;
  }
  return done;
}
