/** SO_UPDATE_ACCEPT_CONTEXT and SO_UPDATE_CONNECT_CONTEXT: what AcceptEx and ConnectEx left to be done (O-35). */
import { WSAEINVAL, WSAENOTCONN, WSAENOTSOCK } from "../../abi/errors";
import { handleObject, KIND_SOCKET } from "../../memory/handles";
import { streamSetLimits } from "../../provider/index";
import { inheritOptions } from "../accept";
import { applyOptions } from "../connect";
import { has, S_ACCEPTED, S_CONNECTED, S_LISTENING, S_NO_CONTEXT, Socket, socketAt } from "../socket";

/** The accepted socket takes over the options of `listener`, and is like one from accept from now on. */
export function updateAcceptContext(s: Socket, listener: u32): i32 {
  const i = handleObject(listener, KIND_SOCKET);
  if (i < 0) return WSAENOTSOCK;
  if (!has(socketAt(<u32>i), S_LISTENING)) return WSAEINVAL;
  if (!has(s, S_CONNECTED) || !has(s, S_ACCEPTED)) return WSAENOTCONN;
  inheritOptions(s, socketAt(<u32>i));
  streamSetLimits(s.provider, s.transport, s.sendLimit, s.recvLimit);
  applyOptions(s);
  s.flags &= ~S_NO_CONTEXT;
  return 0;
}

export function updateConnectContext(s: Socket): i32 {
  if (!has(s, S_CONNECTED) || has(s, S_ACCEPTED)) return WSAENOTCONN;
  s.flags &= ~S_NO_CONTEXT;
  return 0;
}
