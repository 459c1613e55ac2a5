/**
 * What device-kernel.test.ts runs inside a network namespace of its own: a board, the kernel over a TAP device and a stack of ours on one
 * switch. Arguments: the board, its firmware.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { promisify } from "node:util";
import { frameSwitch, tap } from "../../host/device/index.ts";
import { createStack } from "../../host/index.ts";
import { Board, BOARD_ADDRESS, OUR_ADDRESS, plug } from "../device/board.ts";
import { echo, page, status } from "../device/trial.ts";

/** Of the stack; the kernel has OUR_ADDRESS. */
const THIRD = "10.77.0.3";
const REPORT = (sent: number, outcome = "graceful"): RegExp => new RegExp(`^report \\d+ ${outcome}, sent ${sent}, acknowledged ${sent}, peer FIN 1$`, "m");

const ip = (...args: string[]): void => void execFileSync("ip", args);

async function opened(port: number): Promise<Socket> {
  const socket = connect({ host: BOARD_ADDRESS, port, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}
async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The kernel opens, sends, shuts its side, reads all there is, and closes. */
async function asClient(port: number, sent: Buffer): Promise<Buffer> {
  const socket = await opened(port);
  socket.end(sent);
  return readAll(socket);
}

async function kernelAsServer(board: Board): Promise<void> {
  const from = board.serial.length;
  const server = createServer({ allowHalfOpen: true }).listen(5000, OUR_ADDRESS);
  await once(server, "listening");
  await board.command(`client ${OUR_ADDRESS} 5000`, /^ok$/m);
  const [socket] = (await once(server, "connection")) as [Socket];
  assert.equal((await readAll(socket)).toString(), "six steps: request\n");
  socket.end("answer");
  await board.line(REPORT(19), from);
  server.close();
}

async function kernelResets(board: Board): Promise<void> {
  const from = board.serial.length;
  const socket = await opened(7);
  socket.write("then nothing");
  await once(socket, "data");
  socket.resetAndDestroy();
  await board.line(/^report \d+ reset by peer, sent 12, acknowledged 12, peer FIN 0$/m, from);
}

const [name, elf] = process.argv.slice(2) as [string, string];
const device = tap("lastack0", { offload: false });
ip("address", "add", `${OUR_ADDRESS}/24`, "dev", device.name);
ip("link", "set", device.name, "up");
ip("link", "set", "lo", "up");
const middle = frameSwitch({ ports: 3 });
const board = await Board.boot(name, elf);
plug(board.device, middle.port(0));
plug(device, middle.port(1));
const stack = await createStack({ devices: [middle.port(2)], addresses: [`${THIRD}/24`] });

const pings = await promisify(execFile)("ping", ["-c", "3", "-i", "0.2", "-s", "1000", "-W", "10", BOARD_ADDRESS], { encoding: "utf8" });
console.log(/\d+ packets? transmitted, \d+ received/.exec(pings.stdout)?.[0]);
const text = Buffer.alloc(20_000, "over a TAP device and a switch\n");
assert.ok((await asClient(7, text)).equals(text), "the echo");
await board.line(REPORT(20_000));
assert.match((await asClient(80, Buffer.from("GET / HTTP/1.0\r\n\r\n"))).toString(), /^HTTP\/1\.0 200 OK[\s\S]*Lastack\nsockets \d+\n/);
assert.equal((await asClient(9, Buffer.from("request"))).toString(), "six steps: reply\n");
await board.line(REPORT(17));
await kernelAsServer(board);
await kernelResets(board);
// Both at once: the kernel and a stack of ours.
const [fromKernel] = await Promise.all([asClient(7, text), echo(stack, 20_000), page(stack)]);
assert.ok(fromKernel.equals(text), "the echo, while others talk");
// The last reports follow the last acknowledgements.
let { orphans, otherwise, graceful } = (await status(board)) as { orphans: number; otherwise: number; graceful: number };
for (let i = 0; i < 1000 && graceful + otherwise < 8; i++) ({ orphans, otherwise, graceful } = (await status(board)) as { orphans: number; otherwise: number; graceful: number });
console.log(`orphans ${orphans}, graceful ${graceful}, otherwise ${otherwise}`);
await stack.close();
device.close();
await board.stop();
console.log("device-kernel ok");
