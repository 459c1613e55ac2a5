/** The system calls of a TAP device on Linux (tun(4), netdevice(7)), through koffi, with errors that say what to do. */
import { createRequire } from "node:module";
import { endianness, platform } from "node:os";
import { DEVICE_CHECKSUM_OFFLOAD, DEVICE_SEGMENT_OFFLOAD, DEVICE_VNET_HEADER } from "../abi/link.gen.ts";
import { VNET_HEADER } from "./contract.ts";

/** A device that cannot be opened or used; `code` as Node spells it. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

type Koffi = typeof import("koffi");
type AsyncPoll = { async(fds: Uint8Array, count: number, timeoutMs: number, done: (error: Error | null, result: number) => void): void };

const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const IFF_TAP = 0x2;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUN_F_CSUM = 1;
const TUN_F_TSO4 = 2;
/** What the kernel is asked for, the most first, and the DEVICE_ bits that it means. */
const OFFLOADS = [
  [TUN_F_CSUM | TUN_F_TSO4, DEVICE_VNET_HEADER | DEVICE_CHECKSUM_OFFLOAD | DEVICE_SEGMENT_OFFLOAD],
  [TUN_F_CSUM, DEVICE_VNET_HEADER | DEVICE_CHECKSUM_OFFLOAD],
] as const;
const SIOCGIFMTU = 0x8921;
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | O_CLOEXEC;
/** struct ifreq on 64-bit: 16 bytes of name, 24 of union. */
const IFREQ = 40;
const IFNAMSIZ = 16;
const POLLIN = 1;
const F_DUPFD_CLOEXEC = 1030;
/** struct pollfd. */
const POLLFD = 8;

/** One opened TAP descriptor, non-blocking. */
export interface TapHandle {
  readonly fd: number;
  /** The kernel's name for it; differs from the one asked for when that had a `%d`. */
  readonly name: string;
  /** MTU of the kernel's interface, bytes. */
  readonly mtu: number;
  /** DEVICE_ bits: the offloads that the kernel granted, 0 without a vnet header. */
  readonly capabilities: number;
  /** One frame into `buffer`: its length, 0 when there is none now, -1 when the device is gone. */
  read(buffer: Uint8Array): number;
  /** One frame, the first `length` bytes: undefined when it was taken, true when there is no room now, false when it is lost. */
  write(bytes: Uint8Array, length: number): boolean | undefined;
  /** Calls `ready` once a frame can be read, or after `wake`. Holds a thread of libuv's pool meanwhile. */
  whenReadable(ready: () => void): void;
  /** Ends a wait of whenReadable. */
  wake(): void;
  /** Another descriptor of the same device, which lives on when this one is closed. */
  duplicate(): number;
  /** Closes the descriptor. A reader that owns it closes it itself instead. */
  close(): void;
}

function loadKoffi(): Koffi {
  if (platform() !== "linux") throw new DeviceError("ENOTSUP", `TAP devices need Linux, and this is ${platform()}`);
  try {
    return createRequire(import.meta.url)("koffi") as Koffi;
  } catch {
    throw new DeviceError("ENOTSUP", `TAP devices need the optional package koffi, which is not here; run "npm install koffi"`);
  }
}

function libc(koffi: Koffi) {
  const library = koffi.load(null);
  const poll = library.func("int poll(void *fds, unsigned long count, int timeout)");
  return {
    open: library.func("int open(const char *path, int flags, ...)") as (path: string, flags: number) => number,
    ioctl: library.func("int ioctl(int fd, unsigned long request, ...)") as (fd: number, request: number, type: string, value: unknown) => number,
    socket: library.func("int socket(int domain, int type, int protocol)") as (domain: number, type: number, protocol: number) => number,
    fcntl: library.func("int fcntl(int fd, int command, ...)") as (fd: number, command: number, type: string, value: number) => number,
    close: library.func("int close(int fd)") as (fd: number) => number,
    read: library.func("intptr_t read(int fd, void *buffer, size_t count)") as (fd: number, buffer: Uint8Array, count: number) => number,
    write: library.func("intptr_t write(int fd, const void *buffer, size_t count)") as (fd: number, buffer: Uint8Array, count: number) => number,
    eventfd: library.func("int eventfd(uint32_t initial, int flags)") as (initial: number, flags: number) => number,
    poll: poll as unknown as AsyncPoll,
    errno: () => koffi.errno(),
    codes: koffi.os.errno as Readonly<Record<string, number>>,
  };
}

type Libc = ReturnType<typeof libc>;
let loaded: Libc | undefined;

/** What to do about an errno of the calls that open a device. */
function explain(call: string, name: string, code: string): string {
  const create = `ip tuntap add dev ${name} mode tap user $USER`;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `${call}: permission denied; run as root, or create the device first with "${create}"`;
    case "ENOENT":
    case "ENODEV":
    case "ENXIO":
      return `${call}: the kernel has no TUN/TAP; load it with "modprobe tun"`;
    case "EBUSY":
      return `${call}: ${name} is in use by another program; choose another name`;
    case "EINVAL":
      return `${call}: ${name} exists and is not a TAP device this program can share; choose another name`;
    default:
      return `${call}: ${code}`;
  }
}

function failure(c: Libc, call: string, name: string): DeviceError {
  const number = c.errno();
  const code = Object.entries(c.codes).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
  return new DeviceError(code, explain(call, name, code));
}

function interfaceRequest(name: string): Buffer {
  const request = Buffer.alloc(IFREQ);
  request.write(name, 0, IFNAMSIZ - 1, "latin1");
  return request;
}

/** MTU of an interface in this network namespace; /sys may show another one's. */
function interfaceMtu(c: Libc, name: string): number {
  const socket = c.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) throw failure(c, "socket", name);
  const request = interfaceRequest(name);
  const result = c.ioctl(socket, SIOCGIFMTU, "void *", request);
  const error = result < 0 ? failure(c, `SIOCGIFMTU ${name}`, name) : undefined;
  c.close(socket);
  if (error) throw error;
  return request.readInt32LE(IFNAMSIZ);
}

function attach(c: Libc, fd: number, name: string, flags: number): Buffer | undefined {
  const request = interfaceRequest(name);
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI | flags, IFNAMSIZ);
  return c.ioctl(fd, TUNSETIFF, "void *", request) < 0 ? undefined : request;
}

/** Agrees on offloads over a descriptor that has a vnet header; the DEVICE_ bits of what was granted, 0 if that is not enough to be of use. */
function grantedOffloads(c: Libc, fd: number): number {
  const size = Buffer.alloc(4);
  size.writeInt32LE(VNET_HEADER);
  if (c.ioctl(fd, TUNSETVNETHDRSZ, "void *", size) < 0) return 0;
  return OFFLOADS.find(([wanted]) => c.ioctl(fd, TUNSETOFFLOAD, "unsigned long", wanted) >= 0)?.[1] ?? 0;
}

function openDescriptor(name: string): [Libc, number] {
  loaded ??= libc(loadKoffi());
  const fd = loaded.open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw failure(loaded, "open /dev/net/tun", name);
  return [loaded, fd];
}

/** With a vnet header and whatever the kernel grants; undefined where it grants nothing, for whatever reason. */
function openOffloading(name: string): TapHandle | undefined {
  // Without TUNSETVNETLE the fields are in the machine's order, the core's are little-endian.
  if (endianness() !== "LE") return undefined;
  const [c, fd] = openDescriptor(name);
  const request = attach(c, fd, name, IFF_VNET_HDR);
  const capabilities = request ? grantedOffloads(c, fd) : 0;
  if (!request || capabilities === 0) {
    c.close(fd);
    return undefined;
  }
  return named(c, fd, request, capabilities);
}

function named(c: Libc, fd: number, request: Buffer, capabilities: number): TapHandle {
  const given = request.toString("latin1", 0, IFNAMSIZ).replace(/\0.*$/s, "");
  try {
    return new Tap(c, fd, given, interfaceMtu(c, given), capabilities);
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/**
 * Opens (and, with the privilege, creates) a TAP device.
 * @param name 1 to 15 bytes; `tap%d` lets the kernel choose the number.
 * @param offload Ask for a vnet header with checksum and segmentation offload; `capabilities` says what came of it.
 * @throws DeviceError saying what failed and what to do.
 */
export function openTap(name: string, offload: boolean): TapHandle {
  if (!/^[!-.0-~]{1,15}$/.test(name)) {
    throw new RangeError(`TAP device name is "${name}"; expected 1 to 15 printable characters without space and slash`);
  }
  const offloading = offload ? openOffloading(name) : undefined;
  if (offloading) return offloading;
  const [c, fd] = openDescriptor(name);
  const request = attach(c, fd, name, 0);
  // A device that outlived its last user keeps that user's offloads: without a vnet header they would give us half-made frames.
  const refused = !request ? `TUNSETIFF ${name}` : c.ioctl(fd, TUNSETOFFLOAD, "unsigned long", 0) < 0 ? `TUNSETOFFLOAD ${name}` : undefined;
  if (!request || refused) {
    const error = failure(c, refused as string, name);
    c.close(fd);
    throw error;
  }
  return named(c, fd, request, 0);
}

/** A descriptor that openTap opened and `duplicate` made another of, in whichever thread. */
export function adoptTap(fd: number, name: string, mtu: number, capabilities: number): TapHandle {
  loaded ??= libc(loadKoffi());
  return new Tap(loaded, fd, name, mtu, capabilities);
}

class Tap implements TapHandle {
  readonly fd: number;
  readonly name: string;
  readonly mtu: number;
  readonly capabilities: number;
  readonly #c: Libc;
  /** An eventfd that ends a wait; -1 until somebody waits by poll. */
  #event = -1;
  /** What a wait polls. Kept here because koffi holds no reference: collected during the wait, it would be written to when freed. */
  readonly #fds = Buffer.alloc(2 * POLLFD);
  #waiting = false;
  #closed = false;

  constructor(c: Libc, fd: number, name: string, mtu: number, capabilities: number) {
    this.#c = c;
    this.fd = fd;
    this.name = name;
    this.mtu = mtu;
    this.capabilities = capabilities;
  }

  read(buffer: Uint8Array): number {
    const length = this.#c.read(this.fd, buffer, buffer.length);
    if (length >= 0) return length;
    const errno = this.#c.errno();
    const { EAGAIN, EINTR } = this.#c.codes;
    return errno === EAGAIN || errno === EINTR ? 0 : -1;
  }

  write(bytes: Uint8Array, length: number): boolean | undefined {
    if (this.#c.write(this.fd, bytes, length) >= 0) return undefined;
    const errno = this.#c.errno();
    const { EAGAIN, ENOBUFS } = this.#c.codes;
    return errno === EAGAIN || errno === ENOBUFS;
  }

  whenReadable(ready: () => void): void {
    if (this.#event < 0) {
      this.#event = this.#c.eventfd(0, O_NONBLOCK | O_CLOEXEC);
      if (this.#event < 0) throw failure(this.#c, "eventfd", this.name);
    }
    const fds = this.#fds;
    fds.writeInt32LE(this.fd, 0);
    fds.writeInt16LE(POLLIN, 4);
    fds.writeInt32LE(this.#event, POLLFD);
    fds.writeInt16LE(POLLIN, POLLFD + 4);
    this.#waiting = true;
    this.#c.poll.async(fds, 2, -1, () => {
      this.#waiting = false;
      if (this.#closed) this.#closeAll();
      ready();
    });
  }

  duplicate(): number {
    const fd = this.#c.fcntl(this.fd, F_DUPFD_CLOEXEC, "int", 0);
    if (fd < 0) throw failure(this.#c, "fcntl F_DUPFD_CLOEXEC", this.name);
    return fd;
  }

  wake(): void {
    if (this.#event >= 0) this.#c.write(this.#event, new Uint8Array(new BigUint64Array([1n]).buffer), 8);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A descriptor that another thread polls must not be closed, or its number would be somebody else's: the wait ends first.
    if (this.#waiting) this.wake();
    else this.#closeAll();
  }

  #closeAll(): void {
    this.#c.close(this.fd);
    if (this.#event >= 0) this.#c.close(this.#event);
  }
}
