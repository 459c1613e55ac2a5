/** lastack/winsock: Winsock 2 by its own names. */
export * from "../abi/errors.gen.ts";
export * from "../abi/winsock.gen.ts";
export type { CloseReport, StackOptions } from "../api/raw.ts";
export { type MemoryLink, memoryLink, pcapng, tap } from "../device/index.ts";
export type { Linger, NetworkEvents, SockAddr } from "./area.ts";
export { type AcceptCondition, createWinsock, type FdSets, type PollFd, type ProtocolInfo, type SOCKET, Winsock } from "./winsock.ts";
