/**
 * The bound of a memory link: per segment one copy from the program into a ring, a header of 54 bytes, the checksum, one copy over
 * the wire, the checksum again, one copy out of a ring. No connection, no windows, no calls: nothing that moves bytes this way is faster.
 */
import { sumBytes, sumFinish } from "../../assembly/base/checksum";

const SEGMENT: u32 = 1460;
const HEADER: u32 = 54;
/** Segments that one pass takes through before it goes to the other end: as many as 64 KiB make. */
const BATCH: u32 = 45;

const SOURCE = memory.data(65536 + 4096, 16);
const SENT = memory.data(65536 + 4096, 16);
const FRAMES = memory.data(45 * 1536, 16);
const RECEIVED = memory.data(65536 + 4096, 16);
const TARGET = memory.data(65536 + 4096, 16);

/** Takes `passes` batches of 45 segments from SOURCE to TARGET; returns how many bytes, 0 if a checksum was wrong. */
export function bound(passes: u32): f64 {
  let bytes: f64 = 0;
  for (let n: u32 = 0; n < passes; n++) {
    for (let i: u32 = 0; i < BATCH; i++) send(i, n);
    for (let i: u32 = 0; i < BATCH; i++) if (!receive(i)) return 0;
    bytes += <f64>(BATCH * SEGMENT);
  }
  return bytes;
}

function send(i: u32, n: u32): void {
  const at = <usize>(i * SEGMENT), frame = FRAMES + <usize>(i * 1536);
  memory.copy(SENT + at, SOURCE + at, SEGMENT);
  for (let k: usize = 0; k < HEADER; k += 2) store<u16>(frame + k, <u16>(n + i));
  store<u16>(frame, 0, 50);
  const sum = sumBytes(frame + 34, 20) + sumBytes(SENT + at, SEGMENT);
  store<u16>(frame, <u16>sumFinish(sum), 50);
  memory.copy(frame + HEADER, SENT + at, SEGMENT);
}

function receive(i: u32): bool {
  const at = <usize>(i * SEGMENT), frame = FRAMES + <usize>(i * 1536);
  if (sumFinish(sumBytes(frame + 34, 20 + SEGMENT))) return false;
  memory.copy(RECEIVED + at, frame + HEADER, SEGMENT);
  memory.copy(TARGET + at, RECEIVED + at, SEGMENT);
  return true;
}
