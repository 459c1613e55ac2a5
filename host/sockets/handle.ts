/**
 * Node's TCP handle, which binds and listens at once, where `net.Server` answers a tick later (CAPABILITY_BIND_NOW). It comes
 * from `process.binding`, which is undocumented; where it is missing everything still works, later.
 */
import { WASI_EADDRINUSE } from "../abi/sockets.gen.ts";
import type { SocketAddress } from "./contract.ts";
import { errnoOfSystem } from "./errno.ts";

export interface TcpHandle {
  bind(address: string, port: number): number;
  bind6(address: string, port: number, flags: number): number;
  listen(backlog: number): number;
  getsockname(into: { address?: string; port?: number; family?: string }): number;
  close(): void;
}

interface TcpBinding {
  readonly TCP: new (type: number) => TcpHandle;
  readonly constants: { readonly SOCKET: number; readonly SERVER: number };
}

let cached: TcpBinding | undefined;
let asked = false;

function binding(): TcpBinding | undefined {
  if (asked) return cached;
  asked = true;
  try {
    const found = (process as unknown as { binding(name: string): Partial<TcpBinding> }).binding("tcp_wrap");
    if (typeof found.TCP === "function" && typeof found.constants?.SERVER === "number") cached = found as TcpBinding;
  } catch {
    cached = undefined;
  }
  return cached;
}

export function hasTcpHandles(): boolean {
  return binding() !== undefined;
}

/** The address as Node's functions want it: with the zone of a link-local one. */
export function hostText(address: SocketAddress): string {
  return address.scopeId ? `${address.address}%${address.scopeId}` : address.address;
}

export function handleAddress(handle: TcpHandle): SocketAddress | undefined {
  const name: { address?: string; port?: number; family?: string } = {};
  if (handle.getsockname(name) !== 0 || name.address === undefined) return undefined;
  return { address: name.address, port: name.port ?? 0, family: name.family === "IPv6" ? "IPv6" : "IPv4" };
}

/** A handle bound to `address`, or minus a WASI errno. */
export function boundHandle(address: SocketAddress): TcpHandle | number {
  const { TCP, constants } = binding() as TcpBinding;
  const handle = new TCP(constants.SOCKET);
  const six = address.family === "IPv6";
  const result = six ? handle.bind6(hostText(address), address.port, 0) : handle.bind(address.address, address.port);
  const bound = result === 0 ? handleAddress(handle) : undefined;
  // libuv keeps EADDRINUSE back until listen or connect; a socket that has not got its port gives it away.
  if (bound && bound.port !== 0 && (address.port === 0 || bound.port === address.port)) return handle;
  handle.close();
  return result === 0 ? -WASI_EADDRINUSE : -errnoOfSystem(-result);
}
