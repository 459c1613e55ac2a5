/**
 * 'finish' and the callback of end() say that the kernel took the bytes. The peer may have none of them; if it goes away now,
 * nobody is told.
 * Run: npm run build && npx tsx examples/closing/finish-is-not-delivery.ts
 */
import { once } from "node:events";
import { createStack } from "lastack";
import { claim, count, HOST, MB, plainClient, plainServer } from "./peers.ts";

const data = new Uint8Array(2 * MB);
const server = await plainServer();

const plain = await plainClient(server.port);
const started = performance.now();
plain.end(data);
await once(plain, "finish");
const took = performance.now() - started;
const first = await server.next();
console.log(`node:net  'finish' after ${took.toFixed(0)} ms; the peer's program has read ${count(first.bytesRead)} of ${count(data.length)} bytes`);
claim("nothing was read when 'finish' came", first.bytesRead === 0);
first.destroy();
plain.on("error", () => {}).destroy();

// The peer's window is shut: its kernel takes some bytes, not all. One second, then the truth.
const stack = await createStack({ hostSockets: true });
const socket = await stack.connect({ address: HOST, port: server.port });
const writing = socket.write(data);
const stalled = await server.next();
await writing;
const report = await socket.close({ linger: 1 });
console.log(`Lastack   close({ linger: 1 }): ${report.outcome} after ${(report.durationMs / 1000).toFixed(1)} s`);
console.log(`          ${count(report.bytes.acknowledged)} bytes acknowledged, ${count(report.bytes.unacknowledged)} not`);
claim("the report accounts for every byte", report.bytes.acknowledged + report.bytes.unacknowledged === data.length);
stalled.on("error", () => {}).destroy();

server.close();
await stack.close();
