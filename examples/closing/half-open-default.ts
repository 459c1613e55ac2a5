/**
 * By default Node answers the peer's FIN with its own: a server that needs a moment to answer finds its socket closed.
 * Run: npm run build && npx tsx examples/closing/half-open-default.ts
 */
import { once } from "node:events";
import * as net from "node:net";
import { createStack } from "lastack";
import { claim, HOST, ms, plainClient, readAll } from "./peers.ts";

/** Asks, says that it has asked everything, and waits for the answer. */
async function ask(port: number): Promise<string> {
  const client = await plainClient(port);
  client.end("question");
  const { text, end } = await readAll(client);
  client.destroy();
  return `the client got "${text}", then ${end}`;
}

let why = "";
const server = net.createServer((socket) => {
  socket.resume().on("end", async () => {
    await ms(10);
    socket.write("answer", (error) => {
      why = (error as NodeJS.ErrnoException | null)?.code ?? "no error";
    });
  });
});
server.listen(0, HOST);
await once(server, "listening");
const refused = await ask((server.address() as net.AddressInfo).port);
await ms(20);
console.log(`node:net  ${refused}; the server's write: ${why}`);
claim("the answer is refused", refused.includes('""'));
server.close();

const stack = await createStack({ hostSockets: true });
const listener = await stack.listen({ address: HOST, port: 0 });
const answered = ask(listener.address.port);
const socket = await listener.accept();
for await (const _ of socket) ;
await ms(10);
await socket.write(new TextEncoder().encode("answer"));
const report = await socket.close({ linger: 5 });
console.log(`Lastack   ${await answered}; report: ${report.outcome}`);
claim("the answer arrives", (await answered).includes('"answer"'));

await stack.close();
