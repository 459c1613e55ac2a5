/** lastack/winsock: Winsock 2 by its own names. */
export * from "../abi/errors.gen.ts";
export * from "../abi/overlapped.gen.ts";
export * from "../abi/winsock.gen.ts";
export type { CloseReport, StackOptions } from "../api/raw.ts";
export { type MemoryLink, memoryLink, pcapng, tap } from "../device/index.ts";
export { ACCEPTEX_NAME_BYTES, GetAcceptExSockaddrs, type Ref, WSAGETSELECTERROR, WSAGETSELECTEVENT, type WindowProcedure } from "./overlapped.ts";
export { type CompletionRoutine, WSAOVERLAPPED } from "./operations.ts";
export type { SOCKET } from "./calls.ts";
export type { Linger, NetworkEvents, SockAddr } from "./area.ts";
export { type AcceptCondition, createWinsock, type FdSets, type PollFd, type ProtocolInfo, Winsock } from "./winsock.ts";
