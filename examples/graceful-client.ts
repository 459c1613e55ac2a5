/**
 * A client that wants to know whether its last bytes arrived: close({ linger }) waits for the acknowledgement, at most so
 * many seconds, and the report says what became of them.
 * Run: npm run build && npx tsx examples/graceful-client.ts
 */
import { createStack, memoryLink, SocketError } from "lastack";

const { a, b } = memoryLink();
const server = await createStack({ devices: [a], addresses: ["10.0.0.1/24"] });
const client = await createStack({ devices: [b], addresses: ["10.0.0.2/24"] });

const listener = await server.listen({ port: 5000 });
const storing = (async () => {
  const socket = await listener.accept();
  let stored = 0;
  for await (const chunk of socket) stored += chunk.length;
  await socket.close();
  return stored;
})();

const socket = await client.connect({ address: "10.0.0.1", port: 5000, timeoutMs: 5000 });
const log = new Uint8Array(100_000).fill(46);
await socket.write(log);
const report = await socket.close({ linger: 10 });
switch (report.outcome) {
  case "graceful":
  case "delivered":
    console.log(`delivered: all ${report.bytes.acknowledged} bytes are acknowledged`);
    break;
  default:
    console.log(`not delivered (${report.outcome}): ${report.bytes.unacknowledged} bytes in doubt`);
}
console.log(`server stored ${await storing} bytes`);
await listener.close();

// Nobody listens any more: the error names the operation, the addresses and the reason.
try {
  await client.connect({ address: "10.0.0.1", port: 5000 });
} catch (error) {
  if (!(error instanceof SocketError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
await Promise.all([client.close(), server.close()]);
