/** WSPCleanup: the last one tears down every socket of the process (semantics C-51 … C-55, H-16, H-21). */
import { WSANOTINITIALISED } from "../../abi/errors";
import { handleAt, handleCapacity, handleObject, KIND_SOCKET } from "../../memory/handles";
import { finish } from "../result";
import { claimsForget, setStartups, socketAt, socketsUsed, startups, T_OPEN } from "../socket";
import { clockNow, waitsForget } from "../waits";
import { closeForCleanup, settleForCleanup } from "./close";

/**
 * Undoes one WSPStartup. The last one resets every connection, open or closing in the background; each still gets its close report
 * (`aborted`, cause cleanup), which can be pulled afterwards. Event objects stay. Error: 10093 (one too many).
 */
export function WSPCleanup(lpErrno: usize): i32 {
  claimsForget();
  if (!startups) return finish(WSANOTINITIALISED, lpErrno);
  if (startups == 1) tearDown();
  setStartups(startups - 1);
  return finish(0, lpErrno);
}

function tearDown(): void {
  clockNow();
  for (let k: u32 = 0; k < handleCapacity(); k++) {
    const h = handleAt(k), i = h ? handleObject(h, KIND_SOCKET) : -1;
    if (i >= 0) closeForCleanup(socketAt(<u32>i), h);
  }
  for (let i: u32 = 0; i < socketsUsed(); i++) {
    const s = socketAt(i);
    if (s.type && s.teardown != T_OPEN) settleForCleanup(s);
  }
  waitsForget();
}
