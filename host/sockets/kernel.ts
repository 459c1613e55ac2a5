/**
 * What the operating system knows about a connection and Node does not tell: acknowledgements, states, resets. Each platform's
 * file implements what it can; `undefined` instead of a Kernel is the lesser mode (semantics chapter N, column "plain net").
 */
import { darwinKernel } from "./darwin.ts";
import { loadKoffi } from "./koffi.ts";
import { linuxKernel } from "./linux.ts";
import { win32Kernel } from "./win32.ts";

/** What this process knows of one connection's outgoing bytes. */
export interface Outgoing {
  /** Bytes `send` took. */
  accepted: number;
  /** Of those, bytes still in Node, not in the kernel. */
  waiting: number;
  /** What the kernel counted as acknowledged when the connection began: 1 for the opener's SYN. */
  base: number;
  /** Our FIN was handed to the kernel. */
  fin: boolean;
}

/** All methods take the operating system's descriptor of an open TCP socket. None of them blocks. */
export interface Kernel {
  /** CAPABILITY_x bits it adds. */
  readonly capabilities: number;
  /** The number for Outgoing.base. */
  baseline(fd: number): number;
  /** Bytes accepted and not acknowledged by the peer, those in Node included; -1 unknown. */
  outstanding(fd: number, outgoing: Outgoing): number;
  /** 1 our FIN is acknowledged, 0 not, -1 unknown. */
  finAcked(fd: number, outgoing: Outgoing): number;
  /** TCP_x of winsock.gen.ts, -1 unknown. */
  state(fd: number): number;
  /** The socket's pending error as a WASI errno, 0 if none. The kernel forgets it, so the caller must remember. */
  takeError(fd: number): number;
  /** Sends our FIN after the bytes the kernel holds; 0 or minus a WASI errno. */
  shutdownSend(fd: number): number;
  /** Makes the next close of this descriptor a reset, in whatever state the connection is; false if refused. */
  armReset(fd: number): boolean;
}

/** The kernel's view on this platform, or undefined where there is none (no koffi, or a platform that hides its descriptors). */
export function platformKernel(): Kernel | undefined {
  const koffi = loadKoffi();
  if (!koffi) return undefined;
  if (process.platform === "linux") return linuxKernel(koffi);
  if (process.platform === "darwin") return darwinKernel(koffi);
  if (process.platform === "win32") return win32Kernel(koffi);
  return undefined;
}
