/** WSPPROC_TABLE: the 30 entries in the order of semantics K.6, as indices into the exported function table. */
import { WSPAccept } from "./accept";
import { WSPAsyncSelect } from "./asyncselect";
import { WSPCancelBlockingCall } from "./control";
import { WSPConnect } from "./connect";
import { WSPBind, WSPListen, WSPSocket } from "./create";
import { WSPDuplicateSocket } from "./duplicate";
import { WSPIoctl } from "./ioctl";
import { WSPGetPeerName, WSPGetSockName } from "./names";
import { WSPEnumNetworkEvents, WSPEventSelect } from "./netevents";
import { WSPGetSockOpt, WSPSetSockOpt } from "./options";
import { WSPGetOverlappedResult } from "./overlapped/result";
import { WSPRecv, WSPRecvFrom } from "./receive";
import { WSPSelect } from "./select";
import { WSPSend, WSPSendTo } from "./send";
import { WSPAddressToString, WSPStringToAddress } from "./strings";
import { WSPCleanup } from "./teardown/cleanup";
import { WSPCloseSocket } from "./teardown/close";
import { WSPRecvDisconnect, WSPSendDisconnect, WSPShutdown } from "./teardown/shutdown";
import { WSPGetQOSByName, WSPJoinLeaf } from "./unsupported";

// @ts-ignore: decorator
@inline function put(table: usize, entry: usize, index: i32): void { store<i32>(table + (entry - 1) * 4, index); }

/** Writes the entries into a zeroed table (H-24); none in tiny, which exports no function table. */
export function proctableFill(table: usize): void {
  if (TINY) return;
  put(table, 1, WSPAccept.index);
  put(table, 2, WSPAddressToString.index);
  put(table, 3, WSPAsyncSelect.index);
  put(table, 4, WSPBind.index);
  put(table, 5, WSPCancelBlockingCall.index);
  put(table, 6, WSPCleanup.index);
  put(table, 7, WSPCloseSocket.index);
  put(table, 8, WSPConnect.index);
  put(table, 9, WSPDuplicateSocket.index);
  put(table, 10, WSPEnumNetworkEvents.index);
  put(table, 11, WSPEventSelect.index);
  put(table, 12, WSPGetOverlappedResult.index);
  put(table, 13, WSPGetPeerName.index);
  put(table, 14, WSPGetSockName.index);
  put(table, 15, WSPGetSockOpt.index);
  put(table, 16, WSPGetQOSByName.index);
  put(table, 17, WSPIoctl.index);
  put(table, 18, WSPJoinLeaf.index);
  put(table, 19, WSPListen.index);
  put(table, 20, WSPRecv.index);
  put(table, 21, WSPRecvDisconnect.index);
  put(table, 22, WSPRecvFrom.index);
  put(table, 23, WSPSelect.index);
  put(table, 24, WSPSend.index);
  put(table, 25, WSPSendDisconnect.index);
  put(table, 26, WSPSendTo.index);
  put(table, 27, WSPSetSockOpt.index);
  put(table, 28, WSPShutdown.index);
  put(table, 29, WSPSocket.index);
  put(table, 30, WSPStringToAddress.index);
}
