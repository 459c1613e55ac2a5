/**
 * A server that refuses an upload answers and closes while the client is still sending. Unread input turns the close into a
 * reset, and the client loses the answer that was on its way.
 * Run: npm run build && npx tsx examples/closing/unread-input-kills-the-answer.ts
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import { createStack } from "lastack";
import { claim, HOST, MB, plainClient, plainServer, readAll, type Saw } from "./peers.ts";

const ANSWER = "413 too large";
const upload = Buffer.alloc(8 * MB);

/** Uploads, then reads the answer, as most programs do. */
async function uploadThenRead(client: Socket): Promise<Saw> {
  client.on("end", () => client.end());
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    client.on("error", resolve);
    client.write(upload, (failed) => void (failed || resolve(null)));
  });
  return error ? { bytes: 0, text: "", end: error.code ?? error.message } : readAll(client);
}

const server = await plainServer();
const first = uploadThenRead(await plainClient(server.port));
const plain = await server.next();
await once(plain.resume(), "data");
plain.pause();
plain.end(ANSWER, () => plain.destroy());
const lost = await first;
console.log(`node:net  end(answer), destroy(): the client got "${lost.text}", then ${lost.end}`);
claim("the client is reset", lost.end !== "a clean end");
server.close();

const stack = await createStack({ hostSockets: true });
const listener = await stack.listen({ address: HOST, port: 0 });
const second = uploadThenRead(await plainClient(listener.address.port));
const socket = await listener.accept();
await socket.read();
await socket.write(new TextEncoder().encode(ANSWER));
const report = await socket.close({ drain: { bytes: 16 * MB, ms: 2000 } });
const got = await second;
console.log(`Lastack   close({ drain }): the client got "${got.text}", then ${got.end}`);
console.log(`          report: ${report.outcome}; bytes thrown away: ${report.bytes.discarded > 0 ? "some" : "none"}`);
claim("the answer arrives", got.text === ANSWER && got.end === "a clean end");

await stack.close();
