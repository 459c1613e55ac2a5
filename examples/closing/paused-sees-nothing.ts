/**
 * A socket that is not read gets no event when the peer resets it: for Node it stays open until somebody reads or writes.
 * Run: npm run build && npx tsx examples/closing/paused-sees-nothing.ts
 */
import { createStack } from "lastack";
import { claim, HOST, ms, plainClient, plainServer } from "./peers.ts";

const server = await plainServer();
const gone = await plainClient(server.port);
const paused = await server.next();
const events: string[] = [];
for (const name of ["end", "error", "close"]) paused.on(name, () => void events.push(name));
gone.resetAndDestroy();
await ms(100);
console.log(`node:net  100 ms after the reset: events [${events.join(", ")}], readyState ${paused.readyState}`);
claim("nothing was seen", events.length === 0);
paused.destroy();
server.close();

const stack = await createStack({ hostSockets: true });
const listener = await stack.listen({ address: HOST, port: 0 });
const other = await plainClient(listener.address.port);
const socket = await listener.accept();
other.resetAndDestroy();
await ms(100);
console.log(`Lastack   100 ms after the reset: state ${socket.state}`);
const report = await socket.close();
console.log(`          report: ${report.outcome}`);
claim("the reset is seen without reading", report.outcome === "resetByPeer");

await stack.close();
