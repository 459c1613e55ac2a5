/** What a board must stand: thousands of connections, a hundred thousand hostile frames. */
import assert from "node:assert/strict";
import { SeededRandom } from "../../host/base/random.ts";
import type { Stack } from "../../host/index.ts";
import { hostileFrame } from "../host/support/hostile.ts";
import { BOARD_ADDRESS, Board } from "./board.ts";
import { ARP_REQUEST, echo, openStack, page, status, withBoard } from "./trial.ts";

async function readToEnd(socket: AsyncIterable<Uint8Array>): Promise<number> {
  let length = 0;
  for await (const chunk of socket) length += chunk.length;
  return length;
}

/**
 * `count` connections one after another: to the echo, where we close first, and to the page, where the board does, in turn. Both
 * ends' reports must be graceful, and nothing may be left on the board but its listeners and TIME_WAIT.
 */
async function openAndClose(stack: Stack, board: Board, count: number): Promise<void> {
  await board.command("quiet", /^ok$/m);
  const before = await status(board);
  for (let i = 0; i < count; i++) {
    const boardFirst = i % 2 === 1;
    const socket = await stack.connect({ address: BOARD_ADDRESS, port: boardFirst ? 80 : 7 });
    await socket.write(boardFirst ? Buffer.from("GET / HTTP/1.0\r\n\r\n") : Buffer.from("hello"));
    if (!boardFirst) await socket.shutdown("send");
    assert.ok((await readToEnd(socket)) >= 5, `connection ${i}: nothing came back`);
    const { outcome } = await socket.close({ linger: 30 });
    assert.equal(outcome, "graceful", `our report of connection ${i}`);
  }
  let now = await status(board);
  // The last report follows our last acknowledgement.
  for (let i = 0; i < 1000 && (now["graceful"] as number) - (before["graceful"] as number) !== count; i++) now = await status(board);
  assert.equal((now["graceful"] as number) - (before["graceful"] as number), count, "graceful reports on the board");
  assert.equal(now["otherwise"], before["otherwise"], "other reports on the board");
  assert.equal(now["sockets"], before["sockets"], "sockets left");
  assert.equal(now["buffers"], before["buffers"], "buffers left, bytes");
  assert.equal(now["orphans"], 0, "connections without an owner left");
}

/** Frames sent before we wait for the board: fewer than its controller keeps. */
const BURST = 16;
const PATIENCE_MS = 60_000;

function checksum(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An ICMP echo request from our address to the board's, with that sequence number. */
function echoRequest(sequence: number): Uint8Array {
  const frame = Buffer.alloc(60);
  Buffer.from("0200000000770200000000010800" + "4500002e000040004001" + "0000" + "0a4d0001" + "0a4d0002" + "0800" + "0000" + "4c53", "hex").copy(frame);
  frame.writeUInt16BE(sequence & 0xffff, 40);
  frame.writeUInt16BE(checksum(frame, 14, 34), 24);
  frame.writeUInt16BE(checksum(frame, 34, 60), 36);
  return frame;
}

/** Whether the board's frames hold the answer to that echo request. */
function answered(board: Board, sequence: number): boolean {
  const frame = Buffer.alloc(1514);
  let found = false;
  for (let length = board.device.readInto(frame, 0, frame.length); length > 0; length = board.device.readInto(frame, 0, frame.length)) {
    found ||= length >= 42 && frame.readUInt16BE(12) === 0x0800 && frame[23] === 1 && frame[34] === 0 && frame.readUInt16BE(40) === (sequence & 0xffff);
  }
  return found;
}

/** Pings until the board answers this request: a request may be lost, its neighbour entry may be a forged one. Asks again after 200 ms. */
async function ping(board: Board, sequence: number): Promise<void> {
  const limit = performance.now() + PATIENCE_MS;
  while (performance.now() < limit) {
    for (const one of [ARP_REQUEST, echoRequest(sequence)]) board.device.write(one, Int32Array.of(0, one.length), 0, 1);
    const heard = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), 200);
      board.device.onReadable = () => {
        if (!answered(board, sequence)) return;
        clearTimeout(timer);
        resolve(true);
      };
    });
    if (heard) return;
  }
  assert.fail(`ping ${sequence} was not answered within ${PATIENCE_MS} ms`);
}

/** Sends hostile frames made from what was seen in `corpus`, with a ping after each burst that the board must answer. Returns what the board took in. */
async function hostile(board: Board, corpus: readonly Uint8Array[], count: number, seed: number): Promise<number> {
  const random = new SeededRandom(seed);
  const before = (await status(board))["received"] as number;
  await ping(board, 0);
  for (let sent = 0, burst = 1; sent < count; burst++) {
    for (let i = 0; i < BURST && sent < count; i++) {
      const frame = hostileFrame(random, corpus);
      // One without a byte cannot be sent.
      if (frame.length === 0) continue;
      board.device.write(frame, Int32Array.of(0, frame.length), 0, 1);
      sent++;
    }
    await ping(board, burst);
  }
  assert.doesNotMatch(board.serial, /TRAP|FAULT/);
  return ((await status(board))["received"] as number) - before;
}

/** Boots that firmware and has it take `count` connections one after another. Returns milliseconds. */
export async function manyConnections(name: string, elf: string, count: number): Promise<number> {
  const started = performance.now();
  await withBoard(name, elf, {}, (board, stack) => openAndClose(stack, board, count));
  return Math.round(performance.now() - started);
}

/**
 * Boots that firmware and sends it `count` hostile frames, made from those of an echo and a page; pings meanwhile, the echo and the
 * page afterwards must work. Resolves to how many frames its controller let pass, pings among them, and the milliseconds.
 */
export async function manyHostileFrames(name: string, elf: string, count: number, seed: number): Promise<{ received: number; ms: number }> {
  const board = await Board.boot(name, elf);
  try {
    const corpus: Uint8Array[] = [];
    const first = await openStack(board, (frame) => corpus.push(frame.slice()));
    await echo(first, 3000);
    await page(first);
    await first.close();
    // What goes to the board: its controller takes nothing else.
    const seen = corpus.filter((frame) => (frame[0] as number) & 1 || frame[5] === 0x77);
    const started = performance.now();
    const received = await hostile(board, seen, count, seed);
    const ms = Math.round(performance.now() - started);
    const second = await openStack(board);
    await echo(second, 3000);
    assert.match(await page(second), /^HTTP\/1\.0 200 OK/);
    await second.close();
    return { received, ms };
  } finally {
    await board.stop();
  }
}
