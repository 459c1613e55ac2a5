/**
 * resetAndDestroy() while end() is under way fails with EINVAL and resets nothing: the peer takes the half-done transfer
 * that was to be revoked for a complete one. Node counts the socket as destroyed, and its descriptor stays open for good.
 * Run: npm run build && npx tsx examples/closing/reset-during-end.ts
 */
import { once } from "node:events";
import { createStack } from "lastack";
import { claim, HOST, ms, plainClient, plainServer, readAll } from "./peers.ts";

const server = await plainServer();
const text = new TextEncoder();

const plain = await plainClient(server.port);
const failed = once(plain, "error");
plain.write("the first half");
plain.end();
plain.resetAndDestroy();
const [error] = (await failed) as [NodeJS.ErrnoException];
const victim = await server.next();
const fooled = await readAll(victim);
console.log(`node:net  end(), resetAndDestroy(): error ${error.code}; the peer got "${fooled.text}", then ${fooled.end}`);
claim("the peer sees a clean end", fooled.end === "a clean end");
victim.destroy();

const stack = await createStack({ hostSockets: true });
const socket = await stack.connect({ address: HOST, port: server.port });
await socket.write(text.encode("the first half"));
const peer = await server.next();
const reading = readAll(peer);
await once(peer, "data");
void socket.shutdown("send");
const report = await socket.abort();
const told = await reading;
console.log(`Lastack   shutdown("send"), abort(): the peer got "${told.text}", then ${told.end}`);
console.log(`          report: ${report.outcome}, cause ${report.cause}`);
claim("the peer is told", told.end === "ECONNRESET");

server.close();
await stack.close();
await ms(50);
const left = process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length;
console.log(`node:net  everything is closed; sockets still open: ${left}`);
claim("the socket that was not reset is never closed", left === 1);
// It would keep this program running for ever.
process.exit();
