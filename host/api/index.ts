/** The promise API. */
export type { Endpoint } from "./address.ts";
export { SocketError } from "./error.ts";
export type { AddressOption, Knobs, Limits, RouteOption, StackOptions, Switches } from "./options.ts";
export type { CloseCause, CloseOutcome, CloseReport } from "./report.ts";
export { Server } from "./server.ts";
export { Socket } from "./socket.ts";
export type { CloseOptions, KeepAliveOptions, ShutdownDirection, SocketInfo, WaitOptions } from "./socket-options.ts";
export {
  type ConnectOptions,
  createStack,
  type ListenOptions,
  Stack,
  type StackCloseOptions,
  type UdpOptions,
} from "./stack.ts";
export { type Datagram, UdpSocket } from "./udp.ts";
