import { carve } from "../../assembly/memory/arena";
import { freshArena, freshArenaGrowing } from "./region";
import { blockAlloc, blockBytes, blockFree, blockOrder, blockRoom, blocksReset, blocksShort } from "../../assembly/memory/blocks";
import { chunkAt, chunkEnsure, chunksCarve, chunksReset } from "../../assembly/memory/chunks";
import { Ring, ringAt, ringEnsure, ringFree, ringGet, ringPut, ringRun, ringUsed } from "../../assembly/memory/ring";
import { handleAlloc, handleAt, handleCapacity, handleFree, handleKind, handleObject, handlesReset, handlesOpen, KIND_EVENT, KIND_FREE, KIND_SOCKET } from "../../assembly/memory/handles";
import { rangeGet, rangesAdd, rangesAdvance, rangesEnd, rangesFree, rangesReset } from "../../assembly/memory/ranges";
import { deadlineBefore, deadlineClear, deadlineNext, deadlinesReset, deadlineSet, deadlineTake } from "../../assembly/memory/deadlines";
import { timeReset, timeSample } from "../../assembly/base/time";
import { prngSeed, random32, randomBelow } from "../../assembly/base/prng";

const S = memory.data(8192, 16);
const T = memory.data(8192, 16);

describe("blocks", () => {
  it("joins buddies again: after random use everything is one block", () => {
    freshArena(); expect<bool>(blocksReset(16)).toBe(true);
    prngSeed(9, 8, 7, 6);
    memory.fill(S, 0, 8192);
    let overlaps = 0, n: u32 = 0;
    for (let round = 0; round < 4000; round++) {
      const k = <usize>randomBelow(64) * 4, p = load<u32>(S + k);
      if (p) {
        if (load<u32>(<usize>p) != <u32>(p ^ 0x5a5a5a5a)) overlaps++;
        blockFree(<usize>p); store<u32>(S + k, 0); n--;
      } else {
        const fresh = blockAlloc(randomBelow(5));
        if (fresh) { store<u32>(fresh, <u32>fresh ^ 0x5a5a5a5a); store<u32>(S + k, <u32>fresh); n++; }
      }
    }
    for (let k: usize = 0; k < 256; k += 4) if (load<u32>(S + k)) blockFree(<usize>load<u32>(S + k));
    expect<i32>(overlaps).toBe(0);
    expect<u32>(blockBytes).toBe(0);
    const big = blockAlloc(9);
    expect<bool>(big != 0).toBe(true, "1 MiB in one piece again");
    blockFree(big);
  });
  it("answers 0 at the ceiling and recovers", () => {
    freshArena(); expect<bool>(blocksReset(1)).toBe(true);
    let first: usize = 0, count = 0;
    for (;;) {
      const p = blockAlloc(8);
      if (!p) break;
      store<u32>(p, <u32>first); first = p; count++;
      if (count > 1000) break;
    }
    expect<bool>(count > 4 && count < 1000).toBe(true);
    while (first) { const next = <usize>load<u32>(first); blockFree(first); first = next; }
    expect<bool>(blockAlloc(8) != 0).toBe(true);
  });
  it("knows the smallest order", () => {
    expect<u32>(blockOrder(1)).toBe(0); expect<u32>(blockOrder(2048)).toBe(0); expect<u32>(blockOrder(2049)).toBe(1);
    expect<u32>(blockOrder(65536)).toBe(5); expect<u32>(blockOrder(65537)).toBe(6);
  });
});

describe("a region that grows", () => {
  it("the map grows with it: no block overlaps another, and everything joins again", () => {
    freshArenaGrowing(4); expect<bool>(blocksReset(16)).toBe(true);
    prngSeed(3, 1, 4, 1);
    memory.fill(S, 0, 8192);
    let wrong = 0, most: u32 = 0;
    for (let round = 0; round < 6000; round++) {
      const k = <usize>randomBelow(256) * 8, p = <usize>load<u32>(S + k), end = p + (<usize>2048 << load<u32>(S + k, 4));
      if (p) {
        if (load<u32>(p) != <u32>p || load<u32>(end - 4) != ~<u32>p) wrong++;
        blockFree(p); store<u32>(S + k, 0);
      } else {
        // Mostly small ones, now and then one of 1 MiB.
        const order = randomBelow(3) ? randomBelow(5) : randomBelow(10), fresh = blockAlloc(order);
        if (!fresh) continue;
        store<u32>(S + k, <u32>fresh); store<u32>(S + k, order, 4);
        store<u32>(fresh, <u32>fresh); store<u32>(fresh + (<usize>2048 << order) - 4, ~<u32>fresh);
        most = max(most, blockBytes);
      }
    }
    for (let k: usize = 0; k < 2048; k += 8) if (load<u32>(S + k)) blockFree(<usize>load<u32>(S + k));
    expect<i32>(wrong).toBe(0);
    expect<u32>(blockBytes).toBe(0);
    expect<bool>(most > 8 * 1024 * 1024).toBe(true, "more than the first map tells of");
    const map = 4; // Units of the second map, the only table.
    let n: u32 = 0;
    while (blockAlloc(0)) n++;
    expect<u32>(n).toBe((blockRoom() >> 11) - map);
  });
  it("one block larger than what the map tells of finds its place, and goes back whole", () => {
    freshArenaGrowing(4); expect<bool>(blocksReset(16)).toBe(true);
    const small = blockAlloc(0), large = blockAlloc(11), other = blockAlloc(11);
    expect<bool>(large != 0 && other != 0).toBe(true, "two of 4 MiB");
    memory.fill(large, 0x5a, 4 << 20); memory.fill(other, 0xa5, 4 << 20);
    expect<u32>(load<u32>(large, (4 << 20) - 4)).toBe(0x5a5a5a5a);
    blockFree(large); blockFree(other); blockFree(small);
    expect<u32>(blockBytes).toBe(0);
    expect<bool>(blockAlloc(11) != 0).toBe(true);
  });
});

describe("ring", () => {
  it("keeps its bytes while it grows and wraps", () => {
    freshArena(); blocksReset(64);
    const r = changetype<Ring>(carve(offsetof<Ring>()));
    prngSeed(1, 1, 1, 1);
    let wrote: u32 = 0, readIndex: u32 = 0, wrong = 0;
    for (let round = 0; round < 3000; round++) {
      const n = randomBelow(3000);
      if (ringEnsure(r, ringUsed(r) + n, ringUsed(r))) {
        for (let i: u32 = 0; i < n; i++) store<u8>(S + i, <u8>((wrote + i) * 31 >> 2));
        ringPut(r, ringUsed(r), S, n); r.tail += n; wrote += n;
      }
      const m = min(ringUsed(r), randomBelow(3000));
      ringGet(r, 0, T, m); r.head += m;
      for (let i: u32 = 0; i < m; i++) if (load<u8>(T + i) != <u8>((readIndex + i) * 31 >> 2)) wrong++;
      readIndex += m;
    }
    expect<i32>(wrong).toBe(0);
    ringFree(r);
    expect<u32>(blockBytes).toBe(0);
  });
  it("keeps bytes stored ahead of the tail when it grows", () => {
    freshArena(); blocksReset(64);
    const r = changetype<Ring>(carve(offsetof<Ring>()));
    r.head = 0xfffffff0; r.tail = r.head;
    ringEnsure(r, 2000, 0);
    memory.fill(S, 0xab, 100); ringPut(r, 1500, S, 100);
    ringEnsure(r, 5000, 1600);
    ringGet(r, 1500, T, 100);
    expect<i32>(memory.compare(S, T, 100)).toBe(0);
    expect<bool>(ringRun(r, 0) >= 16 && ringAt(r, 0) >= r.base).toBe(true);
    ringFree(r);
  });
});

describe("memory that is short", () => {
  it("large blocks leave an eighth to small ones, and all of it joins again", () => {
    freshArena(); blocksReset(64);
    let large: u32 = 0, small: u32 = 0, chain: usize = 0;
    for (let p = blockAlloc(4); p; p = blockAlloc(4)) { store<usize>(p, chain); chain = p; large++; }
    const afterLarge = blockBytes;
    for (let p = blockAlloc(0); p; p = blockAlloc(0)) { store<usize>(p, chain); chain = p; small++; }
    expect<bool>(blocksShort()).toBe(true);
    expect<bool>(large > 0 && afterLarge <= blockRoom() - (blockRoom() >> 3)).toBe(true);
    expect<bool>(small >= blockRoom() >> 14).toBe(true);
    while (chain) { const p = chain; chain = load<usize>(p); blockFree(p); }
    expect<u32>(blockBytes).toBe(0);
    // Spares stand between the free blocks until a large one is asked for.
    let again: u32 = 0;
    while (blockAlloc(4)) again++;
    expect<u32>(again).toBe(large);
  });
});

describe("handles", () => {
  it("never issues 0, all ones or a value soon after it was closed", () => {
    freshArena(); handlesReset(3);
    let bad = 0, previous: u32 = 0;
    for (let i = 0; i < 200000; i++) {
      const h = handleAlloc(KIND_SOCKET, i);
      if (h == 0 || h == 0xffffffff || h == previous || handleObject(h, KIND_SOCKET) != i) bad++;
      handleFree(h);
      if (handleObject(h, KIND_SOCKET) != -1) bad++;
      previous = h;
    }
    expect<i32>(bad).toBe(0);
    expect<u32>(handlesOpen).toBe(0);
  });
  it("tells kinds apart and refuses when full", () => {
    freshArena(); handlesReset(2);
    const a = handleAlloc(KIND_SOCKET, 5), b = handleAlloc(KIND_EVENT, 6);
    expect<u32>(handleAlloc(KIND_SOCKET, 7)).toBe(0);
    expect<i32>(handleObject(b, KIND_SOCKET)).toBe(-1);
    expect<u32>(handleKind(b)).toBe(KIND_EVENT);
    expect<u32>(handleKind(0)).toBe(KIND_FREE); expect<u32>(handleKind(0xffffffff)).toBe(KIND_FREE);
    handleFree(a); handleFree(a);
    expect<u32>(handlesOpen).toBe(1);
    expect<bool>(handleAlloc(KIND_SOCKET, 1) != 0).toBe(true);
    let open = 0;
    for (let i: u32 = 0; i < handleCapacity(); i++) if (handleAt(i)) open++;
    expect<i32>(open).toBe(2);
  });
});

describe("chunks", () => {
  it("gives every entry zeroed memory of its own, and takes none before it is asked for", () => {
    freshArena(); chunksReset();
    const narrow = chunksCarve(1000, 12), wide = chunksCarve(300, 232);
    expect<bool>(blocksReset(64)).toBe(true);
    let wrong = 0;
    for (let i: u32 = 0; i < 1000; i += 7) {
      if (!chunkEnsure(narrow, i, 1000, 12)) wrong++;
      const at = chunkAt(narrow, i, 12);
      if (load<u32>(at) | load<u32>(at, 4) | load<u32>(at, 8)) wrong++;
      store<u32>(at, i + 1); store<u32>(at, i + 1, 8);
      const k = i % 300;
      if (!chunkEnsure(wide, k, 300, 232)) wrong++;
      store<u32>(chunkAt(wide, k, 232), ~k); store<u32>(chunkAt(wide, k, 232), ~k, 228);
    }
    for (let i: u32 = 0; i < 1000; i += 7) {
      const at = chunkAt(narrow, i, 12), k = i % 300;
      if (load<u32>(at) != i + 1 || load<u32>(at, 8) != i + 1) wrong++;
      if (load<u32>(chunkAt(wide, k, 232)) != ~k || load<u32>(chunkAt(wide, k, 232), 228) != ~k) wrong++;
    }
    expect<i32>(wrong).toBe(0);
    expect<u32>(blockBytes).toBe(0, "chunks are not buffers");
  });
  it("says so when memory is used up, and what was there stays", () => {
    freshArena(); chunksReset();
    const table = chunksCarve(100000, 1000);
    blocksReset(64);
    let n: u32 = 0;
    while (n < 100000 && chunkEnsure(table, n, 100000, 1000)) { store<u32>(chunkAt(table, n, 1000), n); n += 64; }
    // 16 MiB less the directory and what the last block of a chunk leaves over.
    expect<bool>(n > 14000 && n < 16800).toBe(true);
    expect<bool>(chunkEnsure(table, n, 100000, 1000)).toBe(false);
    expect<bool>(chunkEnsure(table, 5, 100000, 1000)).toBe(true);
    let wrong = 0;
    for (let i: u32 = 0; i < n; i += 64) if (load<u32>(chunkAt(table, i, 1000)) != i) wrong++;
    expect<i32>(wrong).toBe(0);
  });
});

describe("ranges", () => {
  it("agrees with a bitmap under random insertion", () => {
    freshArena(); chunksReset(); rangesReset(64); blocksReset(64); prngSeed(5, 6, 7, 8);
    const list = T + 64, base: u32 = 0xffffff00;
    store<u32>(list, 0);
    let wrong = 0;
    for (let round = 0; round < 300; round++) {
      memory.fill(S, 0, 512);
      for (let k = 0; k < 12; k++) {
        const start = randomBelow(480), len = 1 + randomBelow(30);
        if (rangesAdd(list, base + start, base + start + len, 32)) memory.fill(S + start, 1, len);
      }
      let k: u32 = 0, at: u32 = 0;
      while (rangeGet(list, k, T)) {
        const s = load<u32>(T) - base, e = load<u32>(T, 4) - base;
        for (; at < s; at++) if (load<u8>(S + at)) wrong++;
        for (; at < e; at++) if (!load<u8>(S + at)) wrong++;
        k++;
      }
      for (; at < 512; at++) if (load<u8>(S + at)) wrong++;
      let expected: u32 = 0;
      while (load<u8>(S + expected)) expected++;
      if (rangesAdvance(list, base) != base + expected) wrong++;
      rangesFree(list);
    }
    expect<i32>(wrong).toBe(0);
  });
  it("is bounded by its cap and leaves the list as it was", () => {
    freshArena(); chunksReset(); rangesReset(8);
    const list = carve(4);
    blocksReset(64);
    for (let i: u32 = 0; i < 4; i++) expect<bool>(rangesAdd(list, i * 10, i * 10 + 5, 4)).toBe(true);
    expect<bool>(rangesAdd(list, 100, 105, 4)).toBe(false);
    expect<u32>(rangesEnd(list, 0)).toBe(35);
    expect<bool>(rangesAdd(list, 5, 10, 4)).toBe(true);
    expect<bool>(rangesAdd(list, 100, 105, 4)).toBe(true);
    rangesFree(list);
    expect<u32>(rangesEnd(list, 42)).toBe(42);
  });
});

describe("deadlines", () => {
  it("fire in order, once, across the wrap", () => {
    freshArena(); chunksReset(); deadlinesReset(100); blocksReset(64); timeReset(0xffffff00); timeSample(0); prngSeed(3, 3, 3, 3);
    for (let id: u32 = 0; id < 100; id++) deadlineSet(id, 0xffffff00 + randomBelow(1000));
    for (let id: u32 = 0; id < 100; id += 3) deadlineClear(id);
    for (let id: u32 = 1; id < 100; id += 3) deadlineSet(id, 0xffffff00 + randomBelow(1000));
    let fired = 0, early = 0, ms: u64 = 0;
    for (let guard = 0; guard < 2000; guard++) {
      const next = deadlineNext();
      if (next < 0) break;
      if (next > 0 && deadlineTake() >= 0) early++;
      ms += next; timeSample(ms * 1000000);
      while (deadlineTake() >= 0) fired++;
    }
    expect<i32>(early).toBe(0);
    expect<i32>(fired).toBe(66);
    expect<i32>(deadlineNext()).toBe(-1);
  });
  it("are not forgotten when memory is used up: they come no later, and those that were set anew come again", () => {
    freshArena(); chunksReset(); deadlinesReset(2000);
    const filler = chunksCarve(300000, 64);
    blocksReset(64); timeReset(0); timeSample(0);
    for (let id: u32 = 0; id < 40; id++) deadlineSet(id, 1000 + id);
    // Less than a chunk of these is left, which is room for some hundred deadlines.
    for (let i: u32 = 0; chunkEnsure(filler, i, 300000, 64); i += 64) {}
    for (let id: u32 = 40; id < 2000; id++) deadlineSet(id, 2000 + id);
    deadlineSet(1999, 500);
    deadlineClear(1998);
    let late = 0, taken = 0, ms: u64 = 0;
    const at = T;
    memory.fill(at, 0, 8192);
    for (let guard = 0; guard < 20000; guard++) {
      const next = deadlineNext();
      if (next < 0) break;
      ms += next; timeSample(ms * 1000000);
      for (let id = deadlineTake(); id >= 0; id = deadlineTake()) {
        const due = <u64>(id < 40 ? 1000 + id : id == 1999 ? 500 : 2000 + id);
        if (ms < due) { deadlineSet(<u32>id, <u32>due); continue; }
        if (ms > due) late++;
        store<u8>(at + <usize>id, <u8>(load<u8>(at + <usize>id) + 1));
        taken++;
      }
    }
    expect<i32>(late).toBe(0);
    expect<i32>(taken).toBe(1999);
    let twice = 0;
    for (let id: u32 = 0; id < 2000; id++) if (load<u8>(at + <usize>id) != (id == 1998 ? 0 : 1)) twice++;
    expect<i32>(twice).toBe(0);
    expect<i32>(deadlineNext()).toBe(-1);
  });
  it("deadlineBefore only moves earlier", () => {
    freshArena(); chunksReset(); deadlinesReset(4); blocksReset(64); timeReset(0); timeSample(0);
    deadlineBefore(1, 100); deadlineBefore(1, 200); expect<i32>(deadlineNext()).toBe(100);
    deadlineBefore(1, 50); expect<i32>(deadlineNext()).toBe(50);
    deadlineSet(1, 300); expect<i32>(deadlineNext()).toBe(300);
    deadlineClear(1); deadlineClear(1); expect<i32>(deadlineNext()).toBe(-1);
    expect<bool>(random32() != random32()).toBe(true);
  });
});
