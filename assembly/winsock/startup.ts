/** WSPStartup: the provider's description and its table of entries (semantics H-20 … H-24). */
import { WSAEFAULT, WSASYSNOTREADY, WSAVERNOTSUPPORTED } from "../abi/errors";
import { SIZEOF_WSPDATA, SIZEOF_WSPPROC_TABLE } from "../abi/winsock";
import { handleCapacity } from "../memory/handles";
import { proctableFill } from "./proctable";
import { mayAccess } from "./result";
import { claimsForget, setStartups, startups } from "./socket";

/** Version 2.2: major in the low byte, minor in the high one. */
const VERSION: u32 = 0x0202;
/** Offset of szDescription in WSPDATA. */
const DESCRIPTION: usize = 4;

/**
 * Starts the provider, or counts another start (each needs its WSPCleanup, H-21). Fills WSPDATA and WSPPROC_TABLE: indices into the
 * exported function table, 0 for entries that do not exist (in the tiny build: all). lpProtocolInfo and lpUpcallTable are ignored.
 * Returns the error itself: 10091 (not configured), 10014 (lpWSPData, lpProcTable), 10092 (a version below 2.2 is asked for).
 * The tiny build takes 0 for either record.
 */
export function WSPStartup(version: u32, lpWSPData: usize, lpProtocolInfo: usize, lpUpcallTable: usize, lpProcTable: usize): i32 {
  claimsForget();
  if (!handleCapacity()) return WSASYSNOTREADY;
  // The tiny build's hostArea has no room for these records: there 0 leaves one out.
  const skipData = TINY && !lpWSPData, skipTable = TINY && !lpProcTable;
  if (!skipData && !mayAccess(lpWSPData, SIZEOF_WSPDATA)) return WSAEFAULT;
  if (!skipTable && !mayAccess(lpProcTable, SIZEOF_WSPPROC_TABLE)) return WSAEFAULT;
  const major = version & 0xff, minor = (version >> 8) & 0xff;
  if (major < 2 || (major == 2 && minor < 2)) return WSAVERNOTSUPPORTED;
  if (!skipData) {
    memory.fill(lpWSPData, 0, SIZEOF_WSPDATA);
    store<u16>(lpWSPData, <u16>VERSION);
    store<u16>(lpWSPData, <u16>VERSION, 2);
    describe(lpWSPData + DESCRIPTION);
  }
  if (!skipTable) {
    memory.fill(lpProcTable, 0, SIZEOF_WSPPROC_TABLE);
    proctableFill(lpProcTable);
  }
  setStartups(startups + 1);
  return 0;
}

/** "Lastack" in UTF-16. */
function describe(out: usize): void {
  const text = memory.data<u16>([0x4c, 0x61, 0x73, 0x74, 0x61, 0x63, 0x6b, 0]);
  memory.copy(out, text, 16);
}
