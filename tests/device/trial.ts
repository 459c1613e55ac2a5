/** One board's trial: the first ARP reply, the echo, the page, the six steps in both roles; what it needed for that. */
import assert from "node:assert/strict";
import { frameSwitch } from "../../host/device/index.ts";
import { createStack, type Socket, type Stack } from "../../host/index.ts";
import { BOARD_ADDRESS, Board, type BootOptions, buildFirmware, OUR_ADDRESS, plug } from "./board.ts";
import { firmwareStack } from "./stack-bound.ts";

export interface Figures {
  board: string;
  profile: Profile;
  /** Code, constants, initial values. */
  flashBytes: number;
  /** Static data, of that linear memory: what the core uses and what the board gives it. */
  ramBytes: number;
  linearMemoryBytes: number;
  linearMemoryGiven: number;
  /** Painted and looked at, and what it cannot exceed by the compiler's call graph. */
  stackPeakBytes: number;
  stackBoundBytes: number;
  /** Of one segment, received or sent, with its frame copied to or from the controller: in the echo of 20,000 bytes. */
  instructionsPerSegment: number;
  bootToReadyMs: number;
  bootToFirstArpMs: number;
  echoBytes: number;
  sixStepsAsServer: string;
  sixStepsAsClient: string;
}

/** Who has the board's address, from ours. */
export const ARP_REQUEST = Buffer.from("ffffffffffff02000000000108060001080006040001020000000001" + "0a4d0001" + "000000000000" + "0a4d0002", "hex");

/** Milliseconds until the board answers who has its address. */
async function firstArp(board: Board): Promise<number> {
  const started = performance.now();
  const frame = new Uint8Array(1514);
  const answered = new Promise<void>((resolve) => { board.device.onReadable = resolve; });
  board.device.write(ARP_REQUEST, Int32Array.of(0, ARP_REQUEST.length), 0, 1);
  await answered;
  const length = board.device.readInto(frame, 0, frame.length);
  assert.ok(length >= 42, `the reply has ${length} bytes`);
  assert.equal(Buffer.from(frame.subarray(12, 14)).toString("hex"), "0806", "an ARP frame");
  assert.equal(Buffer.from(frame.subarray(20, 22)).toString("hex"), "0002", "a reply");
  return performance.now() - started;
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of socket) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

export async function echo(stack: Stack, size: number): Promise<void> {
  const socket = await stack.connect({ address: BOARD_ADDRESS, port: 7 });
  const sent = Buffer.alloc(size, "0123456789abcdefghijklmnopqrstuvwxyz\n");
  const writing = (async () => {
    await socket.write(sent);
    await socket.shutdown("send");
  })();
  const back = await readAll(socket);
  await writing;
  assert.ok(back.equals(sent), `${back.length} bytes came back of ${size}`);
  assert.equal((await socket.close({ linger: 10 })).outcome, "graceful");
}

export async function page(stack: Stack): Promise<string> {
  const socket = await stack.connect({ address: BOARD_ADDRESS, port: 80 });
  await socket.write(Buffer.from("GET / HTTP/1.0\r\n\r\n"));
  const text = (await readAll(socket)).toString();
  await socket.close({ linger: 10 });
  return text;
}

/** We are the client: request, FIN, reply, FIN. Returns the board's line about it. */
export async function sixStepsAsServer(stack: Stack, board: Board): Promise<string> {
  const from = board.serial.length;
  const socket = await stack.connect({ address: BOARD_ADDRESS, port: 9 });
  await socket.write(Buffer.from("request"));
  await socket.shutdown("send");
  assert.equal((await readAll(socket)).toString(), "six steps: reply\n");
  assert.equal((await socket.close({ linger: 10 })).outcome, "graceful");
  return (await board.line(/^report \d+ \w+, sent 17,.*$/m, from))[0];
}

/** The board is the client of a server here. */
export async function sixStepsAsClient(stack: Stack, board: Board): Promise<string> {
  const from = board.serial.length;
  const listener = await stack.listen({ port: 5000 });
  const serving = (async () => {
    const socket = await listener.accept();
    assert.equal((await readAll(socket)).toString(), "six steps: request\n");
    await socket.write(Buffer.from("answer"));
    return socket.close({ linger: 10 });
  })();
  await board.command(`client ${OUR_ADDRESS} 5000`, /^ok$/m);
  assert.equal((await serving).outcome, "graceful");
  await listener.close();
  return (await board.line(/^report \d+ \w+, sent 19,.*$/m, from))[0];
}

/** A stack of ours on a switch; the board has another port of it. It has the hardware address that the first ARP request gave. */
export async function openStack(board: Board, onFrame: (frame: Uint8Array) => void = () => {}): Promise<Stack> {
  const middle = frameSwitch({ ports: 2, macs: ["02:00:00:00:00:05", "02:00:00:00:00:01"], onFrame: (_port, _direction, frame) => onFrame(frame) });
  plug(board.device, middle.port(0));
  return createStack({ devices: [middle.port(1)], addresses: [`${OUR_ADDRESS}/24`], knobs: { timeWaitMs: 1000 } });
}

/** Boots a board, gives it and a stack beside it to `use`, and ends both. */
export async function withBoard<T>(name: string, elf: string, options: BootOptions, use: (board: Board, stack: Stack) => Promise<T>): Promise<T> {
  const board = await Board.boot(name, elf, options);
  try {
    const stack = await openStack(board);
    try {
      return await use(board, stack);
    } finally {
      await stack.close();
    }
  } finally {
    await board.stop();
  }
}

/** The firmware's counters by name. */
export async function status(board: Board): Promise<Record<string, number>> {
  const [line] = await board.command("status", /^stack .*$/m);
  return Object.fromEntries([...line.matchAll(/(\w+) (\d+)/g)].map(([, key, value]) => [key, Number(value)]));
}

async function countInstructions(name: string, elf: string): Promise<number> {
  return withBoard(name, elf, { wire: "stream", counting: true }, async (board, stack) => {
    await echo(stack, 20_000);
    const { ticks, of, segments } = (await status(board)) as { ticks: number; of: number; segments: number };
    return Math.round((ticks * 1e9) / of / segments);
  });
}

/** What firmware is optimised for: gcc's -Os, which tests use, or -O2. */
export type Profile = "small" | "fast";

/** Builds, boots and tries one board. */
export async function trial(name: string, profile: Profile = "small"): Promise<Figures> {
  const { elf, objects, flash, ram } = await buildFirmware(name, profile === "fast" ? { EXTRA: "-O2", VARIANT: "-fast" } : {});
  const board = await Board.boot(name, elf);
  try {
    const arp = await firstArp(board);
    const stack = await openStack(board);
    try {
      await echo(stack, 20_000);
      assert.match(await page(stack), /^HTTP\/1\.0 200 OK[^]*Lastack\nsockets \d+\n/);
      const server = await sixStepsAsServer(stack, board);
      const client = await sixStepsAsClient(stack, board);
      const { stack: peak, memory: used, given } = (await status(board)) as { stack: number; memory: number; given: number };
      return {
        board: name, profile, flashBytes: flash, ramBytes: ram, linearMemoryBytes: used, linearMemoryGiven: given,
        stackPeakBytes: peak, stackBoundBytes: firmwareStack(objects).firmware.bytes, instructionsPerSegment: await countInstructions(name, elf), bootToReadyMs: Math.round(board.bootMs),
        bootToFirstArpMs: Math.round(board.bootMs + arp), echoBytes: 20_000, sixStepsAsServer: server, sixStepsAsClient: client,
      };
    } finally {
      await stack.close();
    }
  } finally {
    await board.stop();
  }
}
