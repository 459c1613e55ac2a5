/** The promise API. */
export type { Endpoint } from "./address.ts";
export { SocketError } from "./error.ts";
export type { Knobs, Limits, Switches } from "./knobs.ts";
export type { AddressOption, HostSocketsOptions, RouteOption, StackOptions } from "./options.ts";
export type { CloseCause, CloseOutcome, CloseReport } from "./report.ts";
export { Server, type ServerDrainOptions } from "./server.ts";
export { Socket } from "./socket.ts";
export type { CloseOptions, DrainOptions, KeepAliveOptions, PacketOptions, ShutdownDirection, SocketInfo, Trouble, UserTimeoutOption, WaitOptions } from "./socket-options.ts";
export {
  type ConnectOptions,
  createStack,
  type ListenOptions,
  type ProviderName,
  Stack,
  type StackCloseOptions,
  type UdpOptions,
} from "./stack.ts";
export { type Datagram, UdpSocket } from "./udp.ts";
