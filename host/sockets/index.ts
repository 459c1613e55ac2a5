/** Real sockets for a stack: TCP and UDP of the operating system through Node. */
export { type ByteParts, type DatagramInfo, FIRST_SOCKET_FD, type HostSockets, type SocketAddress } from "./contract.ts";
export { NodeSockets, type NodeSocketsOptions } from "./node.ts";
