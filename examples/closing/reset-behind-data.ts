/**
 * A server that crashes in the middle of a document resets the connection. Node reads the bytes that came before the reset,
 * and then reports a clean end: half a document, believed whole.
 * Run: npm run build && npx tsx examples/closing/reset-behind-data.ts
 */
import { createStack } from "lastack";
import { claim, count, HOST, ms, plainClient, plainServer, readAll } from "./peers.ts";

const server = await plainServer();

/** Sends half of what it should, and crashes. */
async function crashingServer(): Promise<void> {
  const socket = await server.next();
  socket.write(new Uint8Array(5000));
  socket.resetAndDestroy();
}

const plain = await plainClient(server.port);
await crashingServer();
const fooled = await readAll(plain);
console.log(`node:net  ${count(fooled.bytes)} of 10,000 bytes, then ${fooled.end}`);
claim("the end looks clean", fooled.end === "a clean end");

const stack = await createStack({ hostSockets: true });
const socket = await stack.connect({ address: HOST, port: server.port });
await crashingServer();
await ms(20);
let code = "a clean end";
try {
  for await (const _ of socket) ;
} catch (error) {
  code = (error as NodeJS.ErrnoException).code ?? String(error);
}
const report = await socket.close();
console.log(`Lastack   read: ${code}; report: ${report.outcome}`);
claim("the reset is seen", code === "ECONNRESET" && report.outcome === "resetByPeer");

server.close();
await stack.close();
