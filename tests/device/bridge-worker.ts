/** The board's thread: it owns QEMU, its serial port and its frames, and answers the scenarios' thread, which waits. */
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { Board } from "./board.ts";
import type { Answer, Request } from "./bridge.ts";

const { flag, port } = workerData as { flag: SharedArrayBuffer; port: MessagePort };
const done = new Int32Array(flag);
const frame = new Uint8Array(1514);
let board: Board | undefined;

/** `count` frames from the board; they are on their way. */
async function framesOf(from: Board, count: number): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  while (frames.length < count) {
    const length = from.device.readInto(frame, 0, frame.length);
    if (length > 0) frames.push(frame.slice(0, length));
    else await from.readable();
  }
  return frames;
}

async function answer(request: Request): Promise<Answer> {
  if (request.op === "boot") {
    board = await Board.boot(request.board, request.elf);
    return {};
  }
  if (!board) throw new Error("no board runs");
  if (request.op === "stop") {
    await board.stop();
    board = undefined;
    return {};
  }
  for (const one of request.frames ?? []) board.device.write(one, Int32Array.of(0, one.length), 0, 1);
  const line = (await board.command(request.text, /^([=?]|TRAP).*$/m))[0];
  if (line.startsWith("TRAP")) throw new Error(`the core trapped on "${request.text}": ${line}`);
  if (line.startsWith("?")) throw new Error(`the board does not understand "${request.text}"`);
  const sent = request.text.startsWith("poll ") ? Number.parseInt(line.split(" ")[2] as string, 16) : 0;
  return { line, frames: await framesOf(board, sent) };
}

parentPort?.on("message", (request: Request) => {
  answer(request)
    .catch((error: unknown): Answer => ({ error: error instanceof Error ? error.message : String(error) }))
    .then((result) => {
      port.postMessage(result);
      Atomics.store(done, 0, 1);
      Atomics.notify(done, 0);
    });
});
parentPort?.postMessage("ready");
