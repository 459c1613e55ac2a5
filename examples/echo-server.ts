/**
 * An echo server and a client, each on a TCP/IP stack of its own, joined by a memory link.
 * Run: npm run build && npx tsx examples/echo-server.ts
 */
import { createStack, memoryLink } from "lastack";

const { a, b } = memoryLink();
const server = await createStack({ devices: [a], addresses: ["10.0.0.1/24"] });
const client = await createStack({ devices: [b], addresses: ["10.0.0.2/24"] });

const listener = await server.listen({ port: 7 });
const serving = (async () => {
  for await (const socket of listener) {
    // write() settles when the send buffer has taken the bytes: awaiting it is the backpressure.
    for await (const chunk of socket) await socket.write(chunk);
    const report = await socket.close();
    console.log(`server: ${report.outcome}, ${report.bytes.acknowledged} bytes acknowledged`);
  }
})();

const socket = await client.connect({ address: "10.0.0.1", port: 7 });
await socket.write(new TextEncoder().encode("hello, echo"));
// The server's loop ends when it has read everything and seen this FIN.
await socket.shutdown("send");
const decoder = new TextDecoder();
for await (const chunk of socket) console.log(`client: received "${decoder.decode(chunk, { stream: true })}"`);
console.log(`client: ${(await socket.close()).outcome}`);

await listener.close();
await serving;
await Promise.all([client.close(), server.close()]);
