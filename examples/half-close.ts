/**
 * Half-close: the client says that it has asked everything and goes on reading; the server answers when it has the whole
 * question. Neither needs a length or an end mark in the data.
 * Run: npm run build && npx tsx examples/half-close.ts
 */
import { createStack, memoryLink } from "lastack";

const { a, b } = memoryLink();
const server = await createStack({ devices: [a], addresses: ["10.0.0.1/24"] });
const client = await createStack({ devices: [b], addresses: ["10.0.0.2/24"] });

const listener = await server.listen({ port: 9 });
const answering = (async () => {
  const socket = await listener.accept();
  const words: string[] = [];
  const decoder = new TextDecoder();
  for await (const chunk of socket) words.push(decoder.decode(chunk, { stream: true }));
  // The client has finished; it still listens.
  const question = words.join("");
  await socket.write(new TextEncoder().encode(question.split(" ").reverse().join(" ")));
  return socket.close();
})();

const socket = await client.connect({ address: "10.0.0.1", port: 9 });
for (const word of ["one ", "two ", "three"]) await socket.write(new TextEncoder().encode(word));
await socket.shutdown("send");
console.log(`after shutdown: ${socket.state}`);
const buffer = new Uint8Array(64);
let length = 0;
for (let count = await socket.readInto(buffer.subarray(length)); count > 0; count = await socket.readInto(buffer.subarray(length))) length += count;
console.log(`answer: ${new TextDecoder().decode(buffer.subarray(0, length))}`);
console.log(`client: ${(await socket.close()).outcome}`);
console.log(`server: ${(await answering).outcome}`);

await Promise.all([client.close(), server.close()]);
