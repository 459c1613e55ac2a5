/** The exports, nothing else. Each is described where it is defined. */
import { ABI_VERSION } from "./abi/link";
import { claimsForget } from "./winsock/socket";
import { poll as stackPoll, pollAt as stackPollAt } from "./stack/poll";

/** ABI_VERSION of assembly/abi/link: the host refuses a core that was built against another. */
export function abiVersion(): i32 { return ABI_VERSION; }

/** stack/poll, ending the validity of what reserve and peek handed out. */
export function poll(): i32 {
  claimsForget();
  return stackPoll();
}

/** poll at `ns` nanoseconds of the monotonic clock, for hosts that know the time already: the core does not ask for it. */
export function pollAt(ns: f64): i32 {
  if (TINY) return poll();
  claimsForget();
  return stackPollAt(ns);
}

export { workDue } from "./stack/poll";
export { configure, hostArea, hostAreaSize } from "./stack/configure";
export { hostReady, stats } from "./stack/host";
export { addressAdd } from "./ip/address";
export { routeAdd } from "./ip/route";
export { echoRequest, echoState } from "./ip/echo";
export { deviceAdd } from "./link/device";
export { devicePost } from "./link/posted";
export { eventsPull as events } from "./winsock/pull";
export { reportPull as report } from "./winsock/teardown/reportslots";
export { setCaller as caller } from "./winsock/waits";
export { WSPCancelBlockingCall, socketState, orphans } from "./winsock/control";

export { WSPStartup } from "./winsock/startup";
export { WSPCleanup } from "./winsock/teardown/cleanup";
export { WSPBind, WSPListen, WSPSocket } from "./winsock/create";
export { WSPAccept, acceptDecide } from "./winsock/accept";
export { WSPConnect } from "./winsock/connect";
export { WSPSend, WSPSendTo } from "./winsock/send";
export { WSPRecv, WSPRecvFrom } from "./winsock/receive";
export { commit, consume, peek, reserve } from "./winsock/direct";
export { WSPRecvDisconnect, WSPSendDisconnect, WSPShutdown } from "./winsock/teardown/shutdown";
export { WSPCloseSocket, abortSocket } from "./winsock/teardown/close";
export { WSPGetSockOpt, WSPSetSockOpt } from "./winsock/options";
export { WSPIoctl } from "./winsock/ioctl";
export { WSPGetPeerName, WSPGetSockName } from "./winsock/names";
export { WSPEnumNetworkEvents, WSPEventSelect } from "./winsock/netevents";
export { WSPSelect } from "./winsock/select";
export { WSAPoll } from "./winsock/pollfds";
export { WSAEnumProtocols } from "./winsock/protocolinfo";
export { WSPDuplicateSocket } from "./winsock/duplicate";
export { WSPAddressToString, WSPStringToAddress } from "./winsock/strings";
export { WSPGetQOSByName, WSPJoinLeaf } from "./winsock/unsupported";
export { WSPAsyncSelect } from "./winsock/asyncselect";
export { WSPGetOverlappedResult } from "./winsock/overlapped/result";
export { AcceptEx, GetAcceptExSockaddrs } from "./winsock/overlapped/accepting";
export { CancelIoEx } from "./winsock/overlapped/cancel";
export { ConnectEx, DisconnectEx } from "./winsock/overlapped/connecting";
export {
  CloseHandle, CreateIoCompletionPort, GetQueuedCompletionStatus, PostQueuedCompletionStatus,
} from "./winsock/overlapped/completionports";
export { WSACloseEvent, WSACreateEvent, WSAResetEvent, WSASetEvent, WSAWaitForMultipleEvents } from "./winsock/eventobjects";
