/** lastack/winsock: Winsock 2 by its own names. */
export * from "../abi/errors.gen.ts";
export * from "../abi/overlapped.gen.ts";
export {
  CATALOG_HOST_MESSAGES, CATALOG_HOST_TCP, CATALOG_HOST_UDP, CATALOG_INET_MESSAGES, CATALOG_INET_TCP, CATALOG_INET_UDP, LSO_TSAP_CALLED, LSO_TSAP_OWN,
} from "../abi/sockets.gen.ts";
export * from "../abi/winsock.gen.ts";
export type { CloseReport, StackOptions } from "../api/raw.ts";
export { type MemoryLink, memoryLink, pcapng, tap } from "../device/index.ts";
export { ACCEPTEX_NAME_BYTES, GetAcceptExSockaddrs, WSAGETSELECTERROR, WSAGETSELECTEVENT, type WindowProcedure } from "./overlapped.ts";
export { type CompletionRoutine, WSAOVERLAPPED } from "./operations.ts";
export type { SOCKET } from "./calls.ts";
export type { Linger, NetworkEvents, SockAddr } from "./area.ts";
export { type AcceptCondition, createWinsock, type FdSets, type PollFd, Winsock } from "./winsock.ts";
export type { ProtocolInfo, WSAPROTOCOL_INFO } from "./protocols.ts";
export type { Ref } from "./transfers.ts";
