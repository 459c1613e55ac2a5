/**
 * The socket imports (seam.md, Builds and imports): preview1's five and the extension, which has WasmEdge's names and our
 * signatures. Not in tiny. The wrappers return 0 or more, or minus a WASI errno; addresses are 16 bytes, ports host order.
 */
import { fd_close, sock_recv, sock_send, sock_shutdown } from "@assemblyscript/wasi-shim/assembly/bindings/wasi_snapshot_preview1";
import { WASI_EINVAL } from "../abi/link";
import { RIFLAGS_PEEK, SDFLAGS_WR } from "../abi/sockets";
import { AF_INET, AF_INET6, SIZEOF_SOCKADDR_IN, SIZEOF_SOCKADDR_IN6 } from "../abi/winsock";
import { addrIsV4, addrSetV4 } from "../base/addr";

/** preview1 has it, the shim's bindings do not. */
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_accept")
declare function sock_accept(fd: i32, fdflags: i32, ro_fd: usize): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_open")
declare function sock_open(family: i32, type: i32, ro_fd: usize): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_bind")
declare function sock_bind(fd: i32, addr: usize, addr_len: u32): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_connect")
declare function sock_connect(fd: i32, addr: usize, addr_len: u32): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_listen")
declare function sock_listen(fd: i32, backlog: i32): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_recv_from")
declare function sock_recv_from(
  fd: i32, iovs: usize, iovs_len: u32, flags: i32, addr: usize, addr_len: usize, ro_datalen: usize, ro_flags: usize,
): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_send_to")
declare function sock_send_to(fd: i32, iovs: usize, iovs_len: u32, flags: i32, addr: usize, addr_len: u32, ro_datalen: usize): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_getsockopt")
declare function sock_getsockopt(fd: i32, level: i32, name: i32, val: usize, len: usize): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_setsockopt")
declare function sock_setsockopt(fd: i32, level: i32, name: i32, val: usize, len: u32): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_getlocaladdr")
declare function sock_getlocaladdr(fd: i32, addr: usize, addr_len: usize): i32;
// @ts-ignore: decorator
@unsafe @external("wasi_snapshot_preview1", "sock_getpeeraddr")
declare function sock_getpeeraddr(fd: i32, addr: usize, addr_len: usize): i32;

const IOVECS: usize = TINY ? 0 : memory.data(16, 4);
const RESULT: usize = TINY ? 0 : memory.data(4, 4);
const LENGTH: usize = TINY ? 0 : memory.data(4, 4);
const FLAGS: usize = TINY ? 0 : memory.data(4, 4);
const VALUE: usize = TINY ? 0 : memory.data(4, 4);
const NAME: usize = TINY ? 0 : memory.data(28, 4);

/** Writes NAME; returns its length. */
function sockaddr(addr: usize, port: u32): u32 {
  memory.fill(NAME, 0, SIZEOF_SOCKADDR_IN6);
  store<u16>(NAME, bswap<u16>(<u16>port), 2);
  if (addrIsV4(addr)) {
    store<u16>(NAME, <u16>AF_INET);
    memory.copy(NAME + 4, addr + 12, 4);
    return SIZEOF_SOCKADDR_IN;
  }
  store<u16>(NAME, <u16>AF_INET6);
  memory.copy(NAME + 8, addr, 16);
  return SIZEOF_SOCKADDR_IN6;
}

/** Reads the NAME that an import wrote with its length in LENGTH: the port, or minus an errno. */
function readName(addr: usize): i32 {
  const length = load<u32>(LENGTH), family = <i32>load<u16>(NAME);
  if (family == AF_INET && length >= SIZEOF_SOCKADDR_IN) {
    addrSetV4(addr, bswap<u32>(load<u32>(NAME, 4)));
    return <i32>bswap<u16>(load<u16>(NAME, 2));
  }
  if (family != AF_INET6 || length < SIZEOF_SOCKADDR_IN6) return -WASI_EINVAL;
  memory.copy(addr, NAME + 8, 16);
  return <i32>bswap<u16>(load<u16>(NAME, 2));
}

/** Points IOVECS at two runs; the number of those that are not empty. */
// @ts-ignore: decorator
@inline function iovecs(p1: usize, n1: u32, p2: usize, n2: u32): u32 {
  store<u32>(IOVECS, <u32>p1);
  store<u32>(IOVECS, n1, 4);
  store<u32>(IOVECS, <u32>p2, 8);
  store<u32>(IOVECS, n2, 12);
  return n2 ? 2 : 1;
}

// @ts-ignore: decorator
@inline function outcome(errno: i32): i32 { return errno ? -errno : load<i32>(RESULT); }

/** A socket for addresses like `addr`: its descriptor. */
export function hostOpen(addr: usize, type: i32): i32 { return outcome(sock_open(addrIsV4(addr) ? AF_INET : AF_INET6, type, RESULT)); }
export function hostBind(fd: i32, addr: usize, port: u32): i32 { return -sock_bind(fd, NAME, sockaddr(addr, port)); }
/** -WASI_EINPROGRESS is the usual answer for a stream. */
export function hostConnect(fd: i32, addr: usize, port: u32): i32 { return -sock_connect(fd, NAME, sockaddr(addr, port)); }
export function hostListen(fd: i32, backlog: u32): i32 { return -sock_listen(fd, <i32>backlog); }
export function hostAccept(fd: i32): i32 { return outcome(sock_accept(fd, 0, RESULT)); }
/** Bytes into two runs; 0 = the peer's FIN. */
export function hostRecv(fd: i32, p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  return outcome(<i32>sock_recv(fd, IOVECS, iovecs(p1, n1, p2, n2), 0, RESULT, FLAGS));
}
/** Bytes taken from two runs. */
export function hostSend(fd: i32, p1: usize, n1: u32, p2: usize, n2: u32): i32 {
  return outcome(<i32>sock_send(fd, IOVECS, iovecs(p1, n1, p2, n2), 0, RESULT));
}
/** Port of the sender of the datagram that hostRecvFrom returned. */
export let hostFromPort: u32 = 0;
/** One datagram, cut to `room`, and its sender. */
export function hostRecvFrom(fd: i32, dst: usize, room: u32, from: usize, peek: bool): i32 {
  store<u32>(LENGTH, SIZEOF_SOCKADDR_IN6);
  const result = outcome(sock_recv_from(fd, IOVECS, iovecs(dst, room, 0, 0), peek ? RIFLAGS_PEEK : 0, NAME, LENGTH, RESULT, FLAGS));
  if (result < 0) return result;
  const port = readName(from);
  hostFromPort = port < 0 ? 0 : <u32>port;
  return result;
}
/** One datagram to `addr`, 0 = to the connected peer. */
export function hostSendTo(fd: i32, addr: usize, port: u32, src: usize, len: u32): i32 {
  const length = addr ? sockaddr(addr, port) : 0;
  return outcome(sock_send_to(fd, IOVECS, iovecs(src, len, 0, 0), 0, NAME, length, RESULT));
}
/** FIN after the bytes hostSend took. */
export function hostShutdownSend(fd: i32): i32 { return -<i32>sock_shutdown(fd, <u8>SDFLAGS_WR); }
export function hostClose(fd: i32): void { fd_close(fd); }
/** An i32 option, `otherwise` where the host does not have it. */
export function hostOption(fd: i32, level: i32, name: i32, otherwise: i32): i32 {
  store<u32>(LENGTH, 4);
  return sock_getsockopt(fd, level, name, VALUE, LENGTH) ? otherwise : load<i32>(VALUE);
}
export function hostSetOption(fd: i32, level: i32, name: i32, value: i32): i32 {
  store<i32>(VALUE, value);
  return -sock_setsockopt(fd, level, name, VALUE, 4);
}
/** Own or peer's address into addr: the port, or minus an errno. */
export function hostName(fd: i32, addr: usize, peer: bool): i32 {
  store<u32>(LENGTH, SIZEOF_SOCKADDR_IN6);
  const errno = peer ? sock_getpeeraddr(fd, NAME, LENGTH) : sock_getlocaladdr(fd, NAME, LENGTH);
  return errno ? -errno : readName(addr);
}
