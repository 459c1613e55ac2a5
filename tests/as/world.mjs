// The WASI world of the specs: virtual time, seeded bytes, frames in and out of one device. Nothing in it waits.

const EAGAIN = 6;
const ENOSYS = 52;
const SEED = 0x1a57acc5;

export function createWorld() {
  let memory;
  let nowNs = 0n;
  let state = SEED;
  let full = false;
  const offered = [];
  const written = [];
  const view = () => new DataView(memory.buffer);
  const bytes = (ptr, len) => new Uint8Array(memory.buffer, ptr >>> 0, len >>> 0);

  /** One byte of xorshift32. */
  const randomByte = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  };

  /** The memory that an iovec array names, piece by piece. */
  const pieces = (iovs, count) =>
    Array.from({ length: count }, (_, i) => bytes(view().getUint32(iovs + 8 * i, true), view().getUint32(iovs + 8 * i + 4, true)));

  const wasi = {
    clock_time_get: (_id, _precision, time) => (view().setBigUint64(time, nowNs, true), 0),
    random_get: (ptr, len) => (bytes(ptr, len).forEach((_, i, all) => { all[i] = randomByte(); }), 0),
    fd_read: (_fd, iovs, count, nread) => {
      const frame = offered.shift();
      if (!frame) return EAGAIN;
      let done = 0;
      for (const piece of pieces(iovs, count)) {
        const part = frame.subarray(done, done + piece.length);
        piece.set(part);
        done += part.length;
      }
      view().setUint32(nread, done, true);
      return 0;
    },
    fd_write: (_fd, iovs, count, nwritten) => {
      if (full) return EAGAIN;
      const frame = Buffer.concat(pieces(iovs, count));
      written.push(frame);
      view().setUint32(nwritten, frame.length, true);
      return 0;
    },
  };
  const test = {
    advance: (ms) => { nowNs += BigInt(ms >>> 0) * 1_000_000n; },
    offer: (ptr, len) => { offered.push(bytes(ptr, len).slice()); },
    taken: (ptr, capacity) => {
      const frame = written.shift();
      if (!frame) return 0;
      bytes(ptr, capacity).set(frame.subarray(0, capacity >>> 0));
      return frame.length;
    },
    deviceFull: (on) => { full = on !== 0; },
  };
  /** Functions that nobody described answer ENOSYS, so that a spec may import a room that can do more than it tests. */
  const open = new Proxy(wasi, { get: (known, name) => known[name] ?? (() => ENOSYS), has: () => true });
  return { imports: { wasi_snapshot_preview1: open, world: test }, attach: (m) => { memory = m; } };
}
