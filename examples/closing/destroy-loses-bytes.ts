/**
 * destroy() throws away what Node has queued, and the peer sees a clean end: a truncated file looks whole.
 * Run: npm run build && npx tsx examples/closing/destroy-loses-bytes.ts
 */
import { createStack } from "lastack";
import { claim, count, HOST, MB, ms, plainClient, plainServer, readAll } from "./peers.ts";

const data = new Uint8Array(16 * MB);
const server = await plainServer();

// The loss: an ordinary program that is done writing and destroys its socket.
const plain = await plainClient(server.port);
plain.write(data);
await ms(20);
plain.destroy();
const truncated = await readAll(await server.next());
console.log(`node:net  destroy(): the peer got ${count(truncated.bytes)} bytes, then ${truncated.end}`);
claim("bytes are lost and the end is clean", truncated.bytes < data.length && truncated.end === "a clean end");

// The cure: close() delivers, and says so.
const stack = await createStack({ hostSockets: true });
const socket = await stack.connect({ address: HOST, port: server.port });
const writing = socket.write(data);
const peer = await server.next();
const reading = readAll(peer);
peer.on("end", () => peer.end());
await writing;
const report = await socket.close();
const whole = await reading;
console.log(`Lastack   close(): the peer got ${count(whole.bytes)} bytes, then ${whole.end}`);
console.log(`          report: ${report.outcome}, ${count(report.bytes.acknowledged)} bytes acknowledged`);
claim("every byte arrives", whole.bytes === data.length);

// And whoever really wants to throw everything away is told how much that was.
const other = await stack.connect({ address: HOST, port: server.port });
void other.write(data).catch(() => {});
await ms(20);
const aborted = await other.abort();
console.log(`Lastack   abort(): report: ${aborted.outcome}, ${count(aborted.bytes.unacknowledged)} bytes not acknowledged`);
(await server.next()).destroy();

server.close();
await stack.close();
